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


def patch(past: Past, start: int, end: int, found: Sequence["Difference"], *, is_whole: bool) -> list[Operation]:
    """The operations that lead from the state after one event to that after another; none where they are the same.

    The first tests that the document is that of the first state. Those of a patch that is not whole are about the
    records found only, and leave the register's hash and counts. Raises Damaged.
    """
    if start == end or not (is_whole or found):
        return []
    before, after = _overview(past, start), _overview(past, end)
    test: Operation = {"op": "test", "path": "/sha256", "value": before["sha256"]}
    about_all = [
        {"op": "replace", "path": f"/{name}", "value": value}
        for name, value in after.items()
        if is_whole and value != before[name]
    ]
    arrays = {kind: _Array(kind, past.at(start), past.at(end)) for kind in {each.kind.name for each in found}}
    # Removed from the end: what comes before them in their array stays where it is.
    gone = [_gone(each, arrays) for each in reversed(found) if each.after is None]
    changed = [one for each in found if each.after is not None for one in _changed(each, arrays)]
    return [test, *about_all, *gone, *changed]


def _overview(past: Past, number: int) -> dict[str, Any]:
    state = past.at(number)
    return overview(past.position(number), [state.count(kind.name) for kind in all_kinds()])


class _Array:
    """Where the records of a kind are in their array, from 0, as the operations so far leave it."""

    def __init__(self, kind: str, before: State, after: State) -> None:
        # Ids begin with 1 and have no gaps; but in a history that did not happen, some may be unused.
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
