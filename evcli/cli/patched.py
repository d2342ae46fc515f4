"""Differences as a JSON Patch (RFC 6902): what makes one document of `evcli state --json` another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evcli.cli.show.render import as_json, overview
from evcli.domain.state import State
from evcli.kinds import all_kinds
from evcli.register.past import Past

if TYPE_CHECKING:
    from evcli.register.diff import Difference

Operation = dict[str, Any]


Side = tuple[int, str | None]
"""An event, and the time of which is asked what was known after it; None: the register after the event."""


def patch(past: Past, first: Side, last: Side, found: Sequence["Difference"], *, is_whole: bool) -> list[Operation]:
    """The operations that lead from the state at one side to that at the other; none where they are the same.

    The first ones test that the document is that of the first state. Those of a patch that is not whole are about the
    records found only, and leave the register's hash and counts. Raises Damaged.
    """
    if first == last or not (is_whole or found):
        return []
    states = _state(past, first), _state(past, last)
    before, after = _overview(past, states[0], first), _overview(past, states[1], last)
    tests = [
        {"op": "test", "path": f"/{name}", "value": before[name]} for name in ("sha256", "as_of") if name in before
    ]
    about_all = [
        {"op": "replace", "path": f"/{name}", "value": value}
        for name, value in after.items()
        if is_whole and value != before[name]
    ]
    arrays = {kind: _Array(kind, *states) for kind in {each.kind.name for each in found}}
    # Removed from the end: what comes before them in their array stays where it is.
    gone = [_gone(each, arrays) for each in reversed(found) if each.after is None]
    changed = [one for each in found if each.after is not None for one in _changed(each, arrays)]
    return [*tests, *about_all, *gone, *changed]


def _state(past: Past, side: Side) -> State:
    number, until = side
    return past.at(number) if until is None else past.as_of(until, number)


def _overview(past: Past, state: State, side: Side) -> dict[str, Any]:
    return overview(past.position(side[0]), [state.count(kind.name) for kind in all_kinds()], side[1])


class _Array:
    """Where the records of a kind are in their array, from 0, as the operations so far leave it."""

    def __init__(self, kind: str, before: State, after: State) -> None:
        # Ids begin with 1 and have no gaps. At an earlier time, or in a history that did not happen, some are missing.
        is_plain = all(state.last_id(kind) == sum(state.count(kind)) for state in (before, after))
        self._ids = None if is_plain else [record.id for record in before.records(kind)]

    def place(self, id: int) -> str:
        """The place of a record."""
        if self._ids is None:
            return str(id - 1)
        from bisect import bisect_left

        return str(bisect_left(self._ids, id))

    def take_out(self, id: int) -> str:
        """The place that a record leaves."""
        place = self.place(id)
        if self._ids is not None:
            del self._ids[int(place)]
        return place

    def put_in(self, id: int) -> str:
        """The place that a new record gets; `-` is the end."""
        if self._ids is None:
            return "-"
        place = self.place(id)
        self._ids.insert(int(place), id)
        return place


_Arrays = Mapping[str, _Array]


def _path(each: "Difference", place: str) -> str:
    return f"/{each.kind.plural}/{place}"


def _gone(each: "Difference", arrays: _Arrays) -> Operation:
    return {"op": "remove", "path": _path(each, arrays[each.kind.name].take_out(each.id))}


def _changed(each: "Difference", arrays: _Arrays) -> Iterator[Operation]:
    after, array = as_json(each.after) or {}, arrays[each.kind.name]
    if each.before is None:
        yield {"op": "add", "path": _path(each, array.put_in(each.id)), "value": after}
        return
    before, path = as_json(each.before) or {}, _path(each, array.place(each.id))
    for name, value in after.items():
        if value != before[name]:
            yield {"op": "replace", "path": f"{path}/{name}", "value": value}
