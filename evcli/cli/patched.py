"""Differences as a JSON Patch (RFC 6902): what makes one document of `evcli state --json` another."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evcli.cli.show.render import as_json, overview
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
    # Removed from the end: what comes before them in their array stays where it is.
    gone = [_gone(each) for each in reversed(found) if each.after is None]
    return [test, *about_all, *gone, *(one for each in found if each.after is not None for one in _changed(each))]


def _overview(past: Past, number: int) -> dict[str, Any]:
    state = past.at(number)
    return overview(past.position(number), [state.count(kind.name) for kind in all_kinds()])


def _path(each: "Difference") -> str:
    """Ids begin with 1 and have no gaps, and an array's places with 0."""
    return f"/{each.kind.plural}/{each.id - 1}"


def _gone(each: "Difference") -> Operation:
    return {"op": "remove", "path": _path(each)}


def _changed(each: "Difference") -> Iterator[Operation]:
    after = as_json(each.after) or {}
    if each.before is None:
        yield {"op": "add", "path": f"/{each.kind.plural}/-", "value": after}
        return
    before = as_json(each.before) or {}
    for name, value in after.items():
        if value != before[name]:
            yield {"op": "replace", "path": f"{_path(each)}/{name}", "value": value}
