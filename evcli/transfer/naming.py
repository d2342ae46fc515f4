"""Which columns of an input hold the fields: those of the same name, those that were named, or else the likely ones.

A needed field that no column is named after is looked for under its other names, those of headings.py. The optional
fields are not: a column that happens to be called so must not change what a row means.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evcli.domain.fields import EMAIL, NAME
from evcli.errors import BadInput
from evcli.transfer.headings import ALIASES, folded, parts_of_name
from evcli.transfer.refusals import NoSuchColumn, NotOneColumn

Columns = tuple[int, ...]
"""The columns of a field, joined if there are several; none if an input has no such field."""

_LABELS = {"email": EMAIL.label, "name": NAME.label}


class Missing(BadInput):
    """No column holds the `fields`."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(f"no column {' and no column '.join(fields)}")
        self.fields = fields


class Twice(BadInput):
    """A field has `count` columns of its name."""

    def __init__(self, field: str, count: int) -> None:
        super().__init__(f'"{field}" {count} times')
        self.field = field


class Assigned(NamedTuple):
    """The columns of each field."""

    columns: list[Columns]
    instead: dict[int, Columns]
    """Of the fields at these places: where it is if it is not in its columns."""
    said: str
    """What was taken for what, where that is not plain."""
    others: list[int]
    """The columns that hold no field."""

    @property
    def is_plain(self) -> bool:
        """Whether each field is in one column."""
        return not self.instead and all(len(each) < 2 for each in self.columns)


def assign(
    header: Sequence[str],
    fields: Sequence[str],
    needed: Sequence[str],
    named: Mapping[str, str],
    *,
    keeps_names: bool = True,
) -> Assigned:
    """The columns that hold the fields. `named` has those that were named for a field.

    A column called `Name` beside one of first names is probably that of last names. With `keeps_names` it is taken for
    the whole name all the same, if each needed field has a column of its name: as such a list was always read.

    Raises:
        Missing, Twice: a needed field has no column, or a field has several of its name.
        NoSuchColumn, NotOneColumn: a named column is not there, or several columns may hold a field.
    """
    found = {field: _named(name, header) for field, name in named.items()}
    found |= _of_the_same_name(header, [field for field in fields if field not in found])
    is_plain = not named and all(field in found for field in needed)
    if "name" in found and "name" not in named and not (is_plain and keeps_names):
        parts = _parts(_free(header, found, besides="name"), header)
        if found["name"][0] in parts:
            found["name"], is_plain = parts, False
    instead = _find_others(header, needed, found)
    if missing := [field for field in needed if field not in found]:
        raise Missing(missing)
    used = {at for columns in (*found.values(), *instead.values()) for at in columns}
    said = [_said(field, found[field], instead.get(field), header) for field in fields if field in found]
    return Assigned(
        [found.get(field, ()) for field in fields],
        {fields.index(field): columns for field, columns in instead.items()},
        _doubtful(header, found) if is_plain else ", ".join(said),
        [at for at in range(len(header)) if at not in used],
    )


def _find_others(header: Sequence[str], needed: Sequence[str], found: dict[str, Columns]) -> dict[str, Columns]:
    """Find the needed fields under their other names; return where one is if it is not in its columns."""
    instead = {}
    for field in needed:
        if field not in found:
            free = _free(header, found)
            if columns := _likely(field, free, header):
                found[field] = columns
                if field == "name" and len(columns) == 1 and (parts := _parts(free, header)):
                    instead[field] = parts
    return instead


def _of_the_same_name(header: Sequence[str], fields: Sequence[str]) -> dict[str, Columns]:
    plain = [name.strip().casefold() for name in header]
    found: dict[str, Columns] = {}
    for field in fields:
        if count := plain.count(field):
            if count > 1:
                raise Twice(field, count)
            found[field] = (plain.index(field),)
    return found


def _free(header: Sequence[str], found: Mapping[str, Columns], besides: str = "") -> list[str]:
    """The folded names of the columns that hold no field, or that one; "" for the others."""
    taken = {at for field, columns in found.items() if field != besides for at in columns}
    return ["" if at in taken else folded(name) for at, name in enumerate(header)]


def _said(field: str, columns: Columns, instead: Columns | None, header: Sequence[str]) -> str:
    said = f"{_LABELS.get(field, field)} from {' + '.join(_quoted(header, columns))}"
    return said + (f" (or {' + '.join(_quoted(header, instead))}, where that is empty)" if instead else "")


def _doubtful(header: Sequence[str], found: Mapping[str, Columns]) -> str:
    """What to say if a column called `Name` may hold last names only."""
    first, last, whole = parts_of_name(map(folded, header))
    if "name" not in found or not first or whole or last != list(found["name"]):
        return ""
    return f"name from {_quoted(header, last)[0]} alone, though {_quoted(header, first)[0]} is beside it"


def joined(parts: Sequence[str]) -> str:
    """A name from its parts."""
    return " ".join(part for part in map(str.strip, parts) if part)


def _quoted(header: Sequence[str], columns: Sequence[int]) -> list[str]:
    return [f'"{header[at].strip()}"' for at in columns]


def _named(name: str, header: Sequence[str]) -> Columns:
    """The columns that were named: one, or several joined by +."""
    for parts in ([name], name.split("+")):
        found = [_column(part.strip(), header) for part in parts]
        if all(at is not None for at in found):
            return tuple(at for at in found if at is not None)
    raise NoSuchColumn(f'there is no column "{name}"; the columns are {", ".join(_quoted(header, range(len(header))))}')


def _column(name: str, header: Sequence[str]) -> int | None:
    for fold in (str.strip, lambda text: text.strip().casefold(), folded):
        found = [at for at, each in enumerate(header) if fold(each) == fold(name) != ""]
        if len(found) == 1:
            return found[0]
    return None


def _likely(field: str, free: list[str], header: Sequence[str]) -> Columns:
    """The columns that probably hold the field, among those with these folded names."""
    for group in ALIASES.get(field, ()):
        if columns := [at for at, name in enumerate(free) if name in group]:
            return _only(field, columns, header)
    if field != "name":
        return ()
    if parts := _parts(free, header):
        return parts
    _, _, whole = parts_of_name(free)
    return _only(field, whole, header) if whole else ()


def _parts(free: list[str], header: Sequence[str]) -> Columns:
    """The columns of first and last names; none if there are not both."""
    first, last, _ = parts_of_name(free)
    return _only("name", first, header) + _only("name", last, header) if first and last else ()


def _only(field: str, columns: list[int], header: Sequence[str]) -> Columns:
    if len(columns) == 1:
        return (columns[0],)
    names = [header[at].strip() for at in columns]
    said = " and ".join(_quoted(header, columns)) + ("" if len(set(names)) > 1 else f" (columns {columns})")
    raise NotOneColumn(f"{said} could both be the {_LABELS.get(field, field)}", field, names)
