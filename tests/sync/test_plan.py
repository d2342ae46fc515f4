"""The plan for a kind whose fields are set by events of several sorts."""

from collections.abc import Sequence
from typing import Any

from kinds.desk import CODE, KIND, NOTE, ROOM, Desk

from evcli.domain.kind import Begins, Ends, Kind
from evcli.sync.means import Means
from evcli.sync.plan import Plan, Reasons

COLUMNS = ("room", "code", "note", "floor")
REASONS = Reasons("listed", "missing", "stand-in")

Row = tuple[str, str, str, str]


def planned(rows: Sequence[Row], desks: Sequence[Desk]) -> list[tuple[str, int, dict[str, str], int]]:
    """The steps that bring these desks to these rows, without their reasons."""
    plan = Plan(Means(KIND), len(desks), KIND.key, REASONS, keeps=False)
    live = {KIND.key(desk): desk for desk in desks if desk.removed is None}
    for line, row in enumerate(rows, 2):
        plan.take([line], [row], [row[1].lower()], [live.get(row[1].lower())])
    plan.take_unseen(desks[id - 1] for id in plan.unseen())
    plan.finish(lambda keys: {key: live[key] for key in keys if key in live})
    assert not plan.bad, plan.bad
    steps = [step for group in plan.groups for step in group]
    return [
        (step.type.verb, step.id, {name: value for name, value in step.data.items() if name != "reason"}, step.line)
        for step in steps
    ]


def test_columns_of_a_list_are_those_that_events_set() -> None:
    means: Any = Means(KIND)
    assert tuple(means.fields) == means.compared == COLUMNS
    assert means.needed == ("room", "code")


def test_cells_are_compared_with_the_fields_of_their_names() -> None:
    desk = Desk(1, "7", "dusty", "A", "2")
    assert planned([("7", "A", "dusty", "2")], [desk]) == []
    plan = Plan(Means(KIND), 1, KIND.key, REASONS, keeps=False)
    plan.take([2], [("7", "dusty", "A", "2")], ["a"], [desk])
    plan.finish(lambda keys: {})
    assert [bad.line for bad in plan.bad] == [2], "its code differs, which nothing changes"


def test_ended_record_with_what_nothing_changes_does_not_come_back() -> None:
    plan = Plan(Means(KIND), 1, KIND.key, REASONS, keeps=False)
    plan.take([4], [("7", "B", "", "")], ["b"], [Desk(1, "7", None, "A", removed=2)])
    plan.finish(lambda keys: {})
    assert [(bad.line, bad.field, str(bad.error)) for bad in plan.bad] == [
        (4, "", 'desk 1 A (removed: event 2) has the code "A", not "B", and nothing changes a code of desks')
    ]


def test_each_difference_is_set_by_the_event_that_sets_least() -> None:
    desk = Desk(1, "7", "dusty", "A", "2")
    assert planned([("8", "A", "dusty", "2")], [desk]) == [("rearrange", 1, {"room": "8"}, 2)]
    assert planned([("7", "A", "dusty", "3")], [desk]) == [("move", 1, {"floor": "3", "room": "7"}, 2)]
    assert planned([("7", "A", "clean", "2")], [desk]) == [("note", 1, {"note": "clean"}, 2)]


def test_empty_cell_of_an_optional_field_leaves_it() -> None:
    assert planned([("7", "A", "", "")], [Desk(1, "7", "dusty", "A", "2")]) == []
    assert planned([("7", "B", "", "")], []) == [("add", 0, {"room": "7", "code": "B"}, 2)]


def test_new_record_gets_at_once_what_its_first_event_cannot_set() -> None:
    there = [Desk(1, "7", None, "A"), Desk(2, "7", None, "B", removed=3)]
    rows = [("7", "A", "", ""), ("7", "B", "x", ""), ("8", "C", "", "4"), ("9", "D", "y", "5")]
    assert planned(rows, there) == [
        ("return", 2, {}, 3), ("note", 2, {"note": "x"}, 3),
        ("add", 0, {"room": "8", "code": "C"}, 4), ("move", 3, {"floor": "4", "room": "8"}, 4),
        ("add", 0, {"room": "9", "code": "D", "note": "y"}, 5), ("move", 4, {"floor": "5", "room": "9"}, 5),
    ]  # fmt: skip


def test_what_is_not_on_the_list_ends_first() -> None:
    there = [Desk(1, "7", None, "A"), Desk(2, "7", None, "B", removed=3), Desk(3, "7", None, "C")]
    assert planned([("8", "C", "", "")], there) == [("remove", 1, {}, 0), ("rearrange", 3, {"room": "8"}, 2)]


def test_record_whose_end_takes_words_cannot_end_by_a_list() -> None:
    begins, ends = Begins("add", "Add", {"room": ROOM, "code": CODE}), Ends("remove", "Remove", {"note": NOTE})
    kind = Kind("desk", Desk, {"desk.added": begins, "desk.removed": ends}, unique="code", label="{code}")
    assert Means(kind).ends is None
    assert Means(KIND).ends is not None
