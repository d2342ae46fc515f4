"""What an import tells of single rows, and how many records it changed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from evcli.kinds import KINDS
from evcli.transfer.happened import Recorded, Skipped, Undone
from evcli.transfer.places import Place

MOST_TOLD = 20
"""At most this many rows are named for each reason; JSON has all of them."""

_ANEW = "--again --skip-existing records anew what is missing"

Row = TypeVar("Row", Skipped, Undone)


class RowsTold:
    """What is to be told of the rows of one input."""

    def __init__(self, source: str) -> None:
        """`source` is the input's name."""
        self._source = source
        self._skipped, self._undone = list[Skipped](), list[Undone]()
        self._is_changed = bytearray()
        """1 for the id of each record that is changed."""

    def take(self, happened: Recorded | Skipped | Undone) -> None:
        """Keep what is to be told of it."""
        match happened:
            case Recorded(ids=ids):
                self._is_changed.extend(bytes(max(0, max(ids) + 1 - len(self._is_changed))))
                for id in ids:
                    self._is_changed[id] = 1
            case Skipped(same_as=place, differs=differs) if place or differs:
                self._skipped.append(happened)
            case Undone():
                self._undone.append(happened)

    @property
    def changed(self) -> int:
        """How many records are changed."""
        return self._is_changed.count(1)

    def warnings(self) -> Iterator[str]:
        """The rows to look at."""
        yield from self._named(self._skipped, _skipped, "were skipped that repeat an earlier one or say something else")
        yield from self._named(self._undone, _undone, "were recorded but do not stand any more")
        if self._undone:
            yield f"{self._source}: {_ANEW}"

    def _named(self, rows: Sequence[Row], say: Callable[[Row], str], what: str) -> Iterator[str]:
        for row in rows[:MOST_TOLD]:
            yield f"{self._source} {row.place}: {say(row)}"
        if len(rows) > MOST_TOLD:
            yield f"{self._source}: {len(rows) - MOST_TOLD:,} more rows {what}"

    def members(self) -> dict[str, list[dict[str, Any]]]:
        """The same for programs: lists of rows."""
        return {
            "undone": [
                {**_where(row.place), "event": row.event, "kind": row.kind, "id": row.id, "now": row.past, "by": row.by}
                for row in self._undone
            ],
            "differing": [
                _taken(row) | {name: {"is": has, "says": said} for name, has, said in row.differs}
                for row in self._skipped if not row.same_as
            ],
            "repeated": [_taken(row) | {"same_as": _where(row.same_as)} for row in self._skipped if row.same_as],
        }  # fmt: skip


def _undone(row: Undone) -> str:
    return f"recorded as event {row.event}, but {row.kind} {row.id} was {row.past} by event {row.by}"


def _taken(row: Skipped) -> dict[str, Any]:
    return {**_where(row.place), "kind": row.kind, "id": row.record.id}


def _where(place: Place) -> dict[str, int]:
    return {"row": place.row, "line": place.line}


def _skipped(row: Skipped) -> str:
    kind = KINDS[row.kind]
    if row.same_as:
        return f"skipped: the same {kind.fields[kind.unique].label} as {row.same_as}"
    others = [
        f'{"is called" if name == kind.called else f"its {kind.fields[name].label} is"} "{has}", not "{said}"'
        for name, has, said in row.differs
    ]
    has = f"{kind.name} {row.record.id} has {getattr(row.record, kind.unique)}"
    return f"skipped: {has}, but {' and '.join(others)}"
