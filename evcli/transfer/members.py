"""Objects with named members, as rows of the fields' cells."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from evcli.errors import BadInput
from evcli.transfer.fault import Fault
from evcli.transfer.found import Rows
from evcli.transfer.naming import Missing, Twice, assign, joined
from evcli.transfer.refusals import NoSuchColumn, OtherForm

Found = tuple[int, Mapping[str, Any] | Fault | None]
"""The line on which an object begins, and the object; None for one that is no row."""

AT_ONCE = 1000
"""How many rows are handed over together, at most."""

_MOST_SHAPES = 1000


_ARE_TEXTS = {str}


class Shape(NamedTuple):
    """Which members of an object hold each field."""

    choices: list[list[tuple[str, ...]]]
    """The first choice counts that is not empty; its members are joined."""
    plain: list[str]
    """The only member of each field, "" if it has none; nothing if a field has several members."""


class Members:
    """Reads objects as rows of the requested fields."""

    def __init__(
        self,
        fields: Sequence[str],
        needed: Sequence[str],
        named: Mapping[str, str],
        notice: Callable[[str], None],
        *,
        ignores_others: bool = False,
        numbers: Collection[str] = (),
    ) -> None:
        """`needed` fields must be present; `notice` is called with each ignored member, once.

        Fields in `numbers` may be whole numbers, too.
        """
        self._numbers = numbers
        self._fields, self._needed, self._named, self._notice = fields, needed, named, notice
        self._is_silent = ignores_others
        self._told: list[str] = []
        self._passed_over: set[str] = set()
        self._shapes: dict[tuple[str, ...], Shape | Fault] = {}
        """Of the names that an object has, in order: the members that hold each field."""

    def rows(self, found: Iterable[Found]) -> Iterator[Rows]:
        """The rows of these objects, each fault alone; what one notes is told after the rows before it."""
        lines, rows = list[int](), list[tuple[str, ...]]()
        for line, value in found:
            row = value if value is None or isinstance(value, Fault) else self._cells(value)
            if rows and (self._told or isinstance(row, Fault) or len(rows) == AT_ONCE):
                yield Rows(lines, rows)
                lines, rows = [], []
            while self._told:
                self._notice(self._told.pop(0))
            if isinstance(row, Fault):
                yield Rows([line], (), row)
            elif row is not None:
                lines.append(line)
                rows.append(row)
        if rows:
            yield Rows(lines, rows)

    def _cells(self, value: Mapping[str, Any]) -> tuple[str, ...] | Fault:
        names = tuple(value)
        shape = self._shapes.get(names)
        if shape is None:
            if len(self._shapes) == _MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[names] = self._shape(names)
        if isinstance(shape, Fault):
            has_list = any(type(each) is list and each and type(each[0]) is dict for each in value.values())
            return shape._replace(cause=OtherForm(shape.why, "json")) if has_list and not shape.cause else shape
        if shape.plain:
            cells = tuple([value[name] if name else "" for name in shape.plain])
            if _ARE_TEXTS.issuperset(map(type, cells)):
                return cells
        return self._joined(value, shape)

    def _joined(self, value: Mapping[str, Any], shape: Shape) -> tuple[str, ...] | Fault:
        cells = []
        for field, choices in zip(self._fields, shape.choices, strict=True):
            cell: Any = ""
            for members in choices:
                texts = [value[name] for name in members]
                if field in self._numbers:
                    texts = [str(content) if type(content) is int else content for content in texts]
                for content in texts:
                    if type(content) is not str and content is not None and content is not False:
                        return Fault(field, f"is {orjson.dumps(content).decode()[:40]}, not a string")
                cell = joined([text or "" for text in texts]) if len(texts) > 1 else (texts and texts[0]) or ""
                if len(choices) == 1 or cell.strip():
                    break
            cells.append(cell)
        return tuple(cells)

    def _shape(self, names: tuple[str, ...]) -> Shape | Fault:
        try:
            found = assign(names, self._fields, self._needed, self._named)
        except Missing as error:
            return Fault(error.fields[0], "is missing")
        except Twice as error:
            return Fault(error.field, "appears twice")
        except NoSuchColumn as error:
            return Fault("", error.message.replace("column", "member"))
        except BadInput as error:
            return Fault("", error.message, "", error)
        if not self._is_silent:
            self._told += [found.said] if found.said and found.said not in self._passed_over else []
            self._passed_over.add(found.said)
            for name in (names[at] for at in found.others):
                if name.strip().casefold() not in self._passed_over:
                    self._passed_over.add(name.strip().casefold())
                    self._told.append(f"ignored member: {name}")
        choices = [[columns] for columns in found.columns]
        for at, columns in found.instead.items():
            choices[at].append(columns)
        plain = [names[columns[0]] if columns else "" for columns in found.columns] if found.is_plain else []
        return Shape([[tuple(names[at] for at in columns) for columns in each] for each in choices], plain)
