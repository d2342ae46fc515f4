"""The quick steps of kinds that are not like users: no unique field, and a change of two fields."""

from typing import NamedTuple

import pytest

from evcli.domain.fields import NAME
from evcli.domain.kind import Begins, Changes, Ends, EventType, Kind, Revives
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


def refuse(*_: object) -> None:
    raise AssertionError("a rule")


@pytest.mark.parametrize(
    ("name", "each"),
    [
        ("pair.made", Begins("make", "Make a pair", BOTH, rule=refuse)),
        ("pair.set", Changes("set", "Set both", BOTH, rule=refuse)),
        ("pair.parted", Ends("part", "Part a pair", rule=refuse)),
        ("pair.made", Begins("make", "Make a pair", {"left": NAME, "right": NAME.optional})),
        ("pair.made", Begins("make", "Make a pair", {"left": NAME})),
        ("pair.set", Changes("set", "Set both", {"left": NAME, "right": NAME.optional})),
        ("pair.parted", Ends("part", "Part a pair", {"left": NAME.optional})),
    ],
)
def test_no_quick_step_where_the_declaration_says_more_than_fields(name: str, each: EventType) -> None:
    kind = Kind("pair", Pair, TYPES | {name: each}, label="{left} {right}")
    assert Columns(kind).quick(each) is None


def test_records_begun_together_are_compared_as_others_are() -> None:
    table = Columns(KIND)
    table.begin_all([Pair(1, "a", "b", 1, 1), Pair(2, "ä", "b", 2, 2)], [])
    both = table.quick(TYPES["pair.set"])
    assert both is not None
    assert not both(2, 3, {"left": "ä", "right": "b"}), "nothing is new"
    assert both(2, 3, {"left": "a", "right": "b"})
    assert table.get(2) == Pair(2, "a", "b", 2, 3)


def test_text_that_is_no_unicode_is_free_and_can_be_asked_for() -> None:
    table = Columns(KIND)
    assert table.are_free(["\ud800"])
    table.begin_all([Pair(1, "\ud800", "b", 1, 1)], ["\ud800"])
    assert not table.are_free(["a", "\ud800"])
    assert table.get(1) == Pair(1, "\ud800", "b", 1, 1)
