"""The records of one kind, a column a field: a fold touches few objects, and a record takes about 200 bytes.

A long fold mostly waits for memory that no processor cache holds. So texts are kept as UTF-8 bytes, event numbers in
arrays, and records are made when they are asked for.

For types that only set their fields there is a quick step, generated from the declaration like their effect: it does
what `step_of` does where nothing is against it, and nothing otherwise, so that the plain step decides and explains.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evcli.domain.kind import Begins, Changes, Data, Ends, EventType, Kind

Quick = Callable[[int, int, Data], bool]
"""(the id, the event's number, its data, already checked): whether the event has happened; if not, nothing changed."""


class Columns:
    """A table of the records of one kind; index 0 of every column is unused."""

    takes_any_id = False

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.texts: list[list[Any]] = [[None] for _ in kind.own]
        self.began, self.changed, self.ended = array("Q", [0]), array("Q", [0]), array("Q", [1])
        """The numbers of events; 0 for a live record in `ended`."""
        self.holders: dict[bytes, int] = {}

    def get(self, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        if not 0 < id < len(self.ended):
            return None
        own = [_read(column[id]) for column in self.texts]
        return _new(self._kind.record, (id, *own, self.began[id], self.changed[id], self.ended[id] or None))

    def held(self, key: str) -> int | None:
        """The id of the live record whose unique key is `key`, or None."""
        return self.holders.get(_stored(key))

    def last_id(self) -> int:
        """The highest id ever given: ids have no gaps, so it is their count."""
        return len(self.ended) - 1

    def live(self) -> int:
        """How many records are live."""
        return self.ended.count(0)

    def all(self) -> Iterator[Any]:
        """All records, in order of id."""
        return map(self.get, range(1, len(self.ended)))

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        """Replace `before` (None for a new record) with `after`, which now holds `key`; None if it holds none."""
        old = None if before is None or before[-1] is not None else self._kind.key(before)
        if old != key:
            if old is not None:
                del self.holders[_stored(old)]
            if key is not None:
                self.holders[_stored(key)] = id
        self.keep(id, before, after)

    def keep(self, id: int, before: Any, after: Any) -> None:
        """The same for a record whose key is as before."""
        columns = (*self.texts, self.began, self.changed, self.ended)
        values = (*map(_stored, after[1:-1]), after[-1] or 0)
        for column, value in zip(columns, values, strict=True):
            if before is None:
                column.append(value)
            else:
                column[id] = value

    def are_free(self, keys: Sequence[str]) -> bool:
        """Whether no live record has any of these unique keys."""
        return self.holders.keys().isdisjoint(_stored_all(keys))

    def begin_all(self, records: Sequence[Any], keys: Sequence[str]) -> None:
        """Put new records, the next ones, of which each holds one of these keys, if the kind has any."""
        ids, *own, began, changed, _ = zip(*records, strict=True)
        for column, values in zip(self.texts, own, strict=True):
            column.extend(_stored_all(values))
        self.began.extend(began)
        self.changed.extend(changed)
        self.ended.extend([0] * len(records))
        self.holders.update(zip(_stored_all(keys), ids, strict=bool(keys)))

    def quick(self, each: EventType) -> Quick | None:
        """The quick step of a type; None if it has a rule or an effect of its own, or fields that may be missing."""
        own, role, unique = self._kind.own, type(each), self._kind.unique
        fields = set(own if role is Begins else each.required if role is Changes else ())
        if each.rule or each.apply or set(each.fields) != fields or set(each.required) != fields:
            return None
        body = {Begins: _begins, Changes: _changes, Ends: _ends}.get(role, _revives)(own, tuple(each.fields), unique)
        parts: dict[str, Any] = {name: getattr(self, name) for name in ("began", "changed", "ended", "holders")}
        parts |= {f"column_{name}": column for name, column in zip(own, self.texts, strict=True)}
        # The columns are not its globals, which refer back to it: they would outlive the last use of the state.
        lines = [f"def make({', '.join(parts)}):", "    def quick(id, number, data):"]
        lines += [f"        {line}" for line in (*body, "return True")]
        space: dict[str, Any] = {}
        exec("\n".join([*lines, "    return quick"]), space)  # noqa: S102  # from our own pages
        made: Quick = space["make"](**parts)
        return made


_new = tuple.__new__
_KEY = "key = {0} if {0}.islower() else {0}.lower()"  # of bytes: A-Z only, as in `key_of`; the same object if it can be


def _stored(value: Any) -> Any:
    return value.encode("utf-8", "surrogatepass") if type(value) is str else value


def _stored_all(values: Sequence[Any]) -> list[Any]:
    try:
        return list(map(str.encode, values))
    except (TypeError, UnicodeEncodeError):  # one is missing, or has half of a surrogate pair
        return list(map(_stored, values))


def _read(value: Any) -> Any:
    return value.decode("utf-8", "surrogatepass") if type(value) is bytes else value


def _begins(own: tuple[str, ...], _: tuple[str, ...], unique: str) -> list[str]:
    taken = [_KEY.format(f"new_{unique}"), "if key in holders: return False", "holders[key] = id"] if unique else []
    return [
        "if id != len(ended): return False",
        *(f"new_{name} = data[{name!r}].encode()" for name in own),
        *taken,
        *(f"column_{name}.append(new_{name})" for name in own),
        "began.append(number); changed.append(number); ended.append(0)",
    ]


def _changes(_: tuple[str, ...], fields: tuple[str, ...], unique: str) -> list[str]:
    same = " and ".join(f"column_{name}[id] == new_{name}" for name in fields) or "False"
    moved = [
        f"old = column_{unique}[id].lower()",
        _KEY.format(f"new_{unique}"),
        "if key != old:",
        "    if key in holders: return False",
        "    del holders[old]; holders[key] = id",
    ]
    return [
        "if id >= len(ended) or ended[id]: return False",
        *(f"new_{name} = data[{name!r}].encode()" for name in fields),
        f"if {same}: return False",
        *(moved if unique in fields else []),
        *(f"column_{name}[id] = new_{name}" for name in fields),
        "changed[id] = number",
    ]


def _ends(_: tuple[str, ...], __: tuple[str, ...], unique: str) -> list[str]:
    return [
        "if id >= len(ended) or ended[id]: return False",
        *([f"del holders[column_{unique}[id].lower()]"] if unique else []),
        "ended[id] = changed[id] = number",
    ]


def _revives(_: tuple[str, ...], __: tuple[str, ...], unique: str) -> list[str]:
    taken = [_KEY.format(f"column_{unique}[id]"), "if key in holders: return False", "holders[key] = id"]
    return [
        "if id >= len(ended) or not ended[id]: return False",
        *(taken if unique else []),
        "ended[id] = 0; changed[id] = number",
    ]
