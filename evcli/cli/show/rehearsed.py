"""What the dry run of an import says: whom each row is about, and what it would change."""

from typing import Any

import orjson

from evcli.cli.show.answer import MOST_NAMED
from evcli.cli.show.render import as_json, change_in_words
from evcli.cli.show.times import local
from evcli.kinds import TYPES
from evcli.transfer.happened import Changed, Happened, Recorded


class Rehearsed:
    """What the rows of an import would change."""

    def __init__(self, *, is_whole: bool) -> None:
        """With `is_whole`, all rows are kept for a program; otherwise only those that people are shown."""
        self._is_whole = is_whole
        self._shown: list[Changed] = []
        self._written: list[bytes] = []
        self._count = 0

    def take(self, happened: Happened) -> None:
        """Add what a batch would change."""
        if not isinstance(happened, Recorded):
            return
        self._count += len(happened.changed)
        self._shown += happened.changed[: MOST_NAMED - len(self._shown)]
        if self._is_whole and happened.changed:
            self._written.append(orjson.dumps(list(map(_as_json, happened.changed)))[1:-1])

    def lines(self) -> list[str]:
        """The first changes, one a line, and how many more there are."""
        lines = [f"  {_in_words(each)}" for each in self._shown]
        rest = self._count - len(lines)
        return [*lines, f"  and {rest:,} more"] if rest else lines

    def document(self) -> orjson.Fragment:
        """All changes as a JSON array."""
        return orjson.Fragment(b"[" + b",".join(self._written) + b"]")


def _in_words(each: Changed) -> str:
    then = "" if each.time is None else f" (happened {local(each.time)})"
    return change_in_words(TYPES[each.type], each.data, each.before, each.after) + then


def _as_json(each: Changed) -> dict[str, Any]:
    kind = TYPES[each.type].kind
    return {
        "row": each.place.row,
        "line": each.place.line,
        "event": each.event,
        "kind": kind.name,
        "id": each.after.id,
        "time": each.time,
        "before": as_json(each.before),
        "after": as_json(each.after),
    }
