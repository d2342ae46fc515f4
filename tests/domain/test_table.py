"""The quick steps of kinds that are not like users: no unique field, and a change of two fields."""

from typing import NamedTuple

from evcli.domain.fields import NAME
from evcli.domain.kind import Begins, Changes, Ends, Kind, Revives
from evcli.domain.table import Columns


class Pair(NamedTuple):
    id: int
    left: str
    right: str
    made: int
    changed: int
    parted: int | None = None


BOTH = {"left": NAME, "right": NAME}
TYPES = {
    "pair.made": Begins("make", "Make a pair", BOTH),
    "pair.set": Changes("set", "Set both", BOTH),
    "pair.parted": Ends("part", "Part a pair"),
    "pair.joined": Revives("join", "Join a pair"),
}
KIND = Kind("pair", Pair, TYPES, label="{left} {right}")


def test_quick_steps_of_a_kind_without_a_unique_field() -> None:
    table = Columns(KIND)
    make, both, part, join = (table.quick(each) or (lambda *_: None) for each in TYPES.values())
    assert make(1, 1, {"left": "a", "right": "b"})
    assert not join(1, 2, {}), "it is live"
    assert both(1, 2, {"left": "a", "right": "c"}), "one of the two is new"
    assert not both(1, 3, {"left": "a", "right": "c"}), "nothing is new"
    assert part(1, 3, {})
    assert not part(1, 4, {})
    assert not both(1, 4, {"left": "x", "right": "y"})
    assert not part(2, 4, {})
    assert not join(2, 4, {})
    assert table.get(1) == Pair(1, "a", "c", 1, 3, 3)
    assert join(1, 4, {})
    assert table.get(1) == Pair(1, "a", "c", 1, 4)
