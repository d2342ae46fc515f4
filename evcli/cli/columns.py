"""The columns of a list of records: the fields, those that were chosen, or all, with when, by whom and why."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any

from evcli.cli.show.cells import Cell, When
from evcli.cli.show.output import Answer
from evcli.domain.kind import STAMP, Kind
from evcli.errors import BadInput
from evcli.register.past import Past

AT_ONCE = 5_000
"""How many records are looked at together."""


def columns_of(kind: Kind, typed: str | None, *, wide: bool) -> Sequence[str]:
    """The columns that are asked for, by the values of the two options. Raises BadInput."""
    if typed is None:
        return kind.columns if wide else kind.record._fields
    if wide:
        raise BadInput("--columns chooses columns, and --wide takes all", "leave one of them out")
    names = [name.strip() for name in typed.split(",")]
    for name in names:
        if name not in kind.columns:
            near = get_close_matches(name, kind.columns, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise BadInput(
                f'--columns: "{name}" is no column of {kind.plural}', f"{meant}columns are {', '.join(kind.columns)}"
            )
        if names.count(name) > 1:
            raise BadInput(f'--columns names "{name}" twice', "leave one of them out")
    return names


def answer_of(
    past: Past, kind: Kind, names: Sequence[str], records: list[Any], until: int, *, hides_empty: bool
) -> Answer:
    """A list of records with these columns; with `hides_empty`, not those about events in which nothing is."""
    rows = list(rows_of(past, kind, names, records, until))
    if hides_empty:
        own = kind.record._fields[:-3]
        kept = [at for at, name in enumerate(names) if name in own or any(row[at] is not None for row in rows)]
        return Answer([names[at] for at in kept], [[row[at] for at in kept] for row in rows])
    return Answer(names, rows, records=documents(names, rows))


def documents(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[dict[str, Cell]]:
    """Rows of these columns for JSON."""
    return (dict(zip(names, row, strict=True)) for row in rows)


def rows_of(
    past: Past, kind: Kind, names: Sequence[str], records: Iterable[Any], until: int
) -> Iterator[tuple[Cell, ...]]:
    """These columns of records as of event `until`, in order; memory stays bounded. Raises Damaged."""
    fields = kind.record._fields
    places = [_place(fields, name) for name in names]
    stamped = sorted({place for place, told in places if told is not None})
    stamps = past.stamps(kind.name, until)
    waiting = iter(records)
    while some := list(islice(waiting, AT_ONCE)):
        numbers = set(chain.from_iterable((record[place] for place in stamped) for record in some))
        found = stamps.of(numbers - {None}) if stamped else {}
        for record in some:
            yield tuple(record[place] if told is None else _cell(found, record[place], told) for place, told in places)


def _place(fields: Sequence[str], name: str) -> tuple[int, int | None]:
    """Where a column is in a record; of one about an event, also which part of its stamp it is."""
    if name in fields:
        return fields.index(name), None
    stamp, _, told = name.rpartition("_")
    return fields.index(stamp), STAMP.index(told)


def _cell(found: Any, number: int | None, told: int) -> Cell:
    if number is None:
        return None
    value = found[number][told]
    return When(value) if told == 0 else value
