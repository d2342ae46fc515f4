"""The events that lead from one state to another: for every two moments of any history, if there is a way at all."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from support.histories import a_history, facts, register_in_memory
from support.registers import create

from evcli.domain.event import Subject, subject_of
from evcli.domain.fields import EMAIL
from evcli.domain.kind import Data, Records
from evcli.domain.leading import Answered, Happened, leading
from evcli.domain.overlay import Draft
from evcli.domain.refusals import InTheWay, NoWay
from evcli.domain.state import MemoryState, State, fold, step
from evcli.domain.way import Was
from evcli.errors import Refused
from evcli.kinds import KINDS, TYPES
from evcli.register.decide import Intention
from evcli.register.register import Register

pytestmark = pytest.mark.usefixtures("desks")


def led(
    register: Register, to: int, answers: dict[Subject, Answered] | None = None
) -> tuple[State, State, list[list[Happened]]]:
    """The state to which the events lead from now, the one to which they should, and the events."""
    events, state, was = list(register.events()), MemoryState(), dict[Subject, list[Was]]()
    for number, event in enumerate(events, 1):
        was.setdefault(subject_of(event), []).append(Was(TYPES[event["type"]], *step(state, event, number)))
    draft, wanted = Draft(state), fold(events[:to])
    subjects = sorted({subject_of(event) for event in events[to:]})
    groups = leading(draft, wanted, subjects, was.__getitem__, answers or {})
    return draft, wanted, groups


@pytest.mark.parametrize("kinds", [["user"], ["desk"], ["bike"], ["user", "desk", "bike", "entry"]], ids=",".join)
@pytest.mark.parametrize("seed", range(5))
def test_any_moment_can_be_led_back_to_if_every_record_has_a_way(seed: int, kinds: Sequence[str]) -> None:
    register = a_history(random.Random(seed), kinds, 25)
    refused = 0
    for to in range(len(list(register.events())) + 1):
        try:
            draft, wanted, _ = led(register, to)
        except NoWay:
            refused += 1
            continue
        assert facts(draft, kinds, but=wanted) == facts(wanted, kinds)
    assert refused == 0 or kinds != ["user"], "every change of a user has a way back"


def told(*happened: tuple[str, int, dict[str, str]]) -> Register:
    """A register of three users, A, B and C, to whom this happened."""
    register = register_in_memory()
    for name in "ABC":
        register.execute(create(name, f"{name.lower()}@x.de"))
    for type, id, data in happened:
        register.execute(about(type, id, **data))
    return register


def about(type: str, id: int, **data: str) -> Intention:
    return Intention(type, data, lambda _: id, finds=TYPES[type].role != "begins")


def steps_of(groups: Sequence[Sequence[Happened]]) -> list[tuple[Any, ...]]:
    return [
        (one.step.type.verb, one.step.id, *one.step.data.values(), *["aside"] * one.step.is_aside)
        for group in groups
        for one in group
    ]


def test_a_field_that_changed_often_is_set_back_once() -> None:
    renames = [("user.renamed", 1, {"name": name}) for name in ("X", "Y", "Z")]
    assert steps_of(led(told(*renames), 3)[2]) == [("rename", 1, "A")]


def test_records_that_exchanged_their_keys_get_them_back_by_a_stand_in_in_one_group() -> None:
    register = told(
        ("user.email-changed", 1, {"email": "t@x.de"}),
        ("user.email-changed", 2, {"email": "a@x.de"}),
        ("user.email-changed", 1, {"email": "b@x.de"}),
    )
    answers = {("user", id): (id, f"id-{id}") for id in (1, 2)}
    (group,) = led(register, 3, answers)[2]
    free = "swap-1@evcli.invalid"
    assert steps_of([group]) == [
        ("change-email", 1, free, "aside"), ("change-email", 2, "b@x.de"), ("change-email", 1, "a@x.de"),
    ]  # fmt: skip
    assert [one.step.answers for one in group] == [(1, "id-1"), (2, "id-2"), (1, "id-1")]


def test_an_ended_record_whose_key_another_has_comes_back_by_a_stand_in() -> None:
    register = told(
        ("user.destroyed", 1, {}),  # 4: A ends with a@x.de
        ("user.restored", 1, {}),
        ("user.email-changed", 1, {"email": "d@x.de"}),
        ("user.destroyed", 1, {}),  # 7: and again with d@x.de
        ("user.created", 4, {"name": "D", "email": "a@x.de"}),
        ("user.destroyed", 4, {}),
        ("user.email-changed", 3, {"email": "d@x.de"}),  # 10
    )
    draft, wanted, groups = led(register, 4)
    assert facts(draft, ["user"], but=wanted) == facts(wanted, ["user"])
    assert not any(one.step.is_aside for group in groups for one in group), "C gives d@x.de up first"


def test_a_record_with_the_key_of_one_that_comes_back_for_a_moment_steps_aside_and_gets_it_back() -> None:
    register = told(
        ("user.destroyed", 1, {}),
        ("user.email-changed", 2, {"email": "d@x.de"}),  # 5: the moment wanted
        ("user.email-changed", 2, {"email": "e@x.de"}),
        ("user.restored", 1, {}),
        ("user.email-changed", 1, {"email": "d@x.de"}),
        ("user.destroyed", 1, {}),
        ("user.email-changed", 2, {"email": "d@x.de"}),
    )
    draft, wanted, groups = led(register, 5, {("user", 1): (9, "of 1"), ("user", 2): (10, "of 2")})
    assert facts(draft, ["user"]) == facts(wanted, ["user"])
    assert steps_of(groups) == [
        ("change-email", 2, "swap-1@evcli.invalid", "aside"),
        ("restore", 1), ("change-email", 1, "a@x.de"), ("destroy", 1),
        ("change-email", 2, "d@x.de"),
    ]  # fmt: skip
    assert [one.step.answers for one in groups[0]] == [(10, "of 2"), *[(9, "of 1")] * 3, (10, "of 2")]
    groups = led(register, 5, {("user", 1): (9, "of 1")})[2]
    assert {one.step.answers for one in groups[0]} == {(9, "of 1")}, "of the record for which the other steps aside"


def test_what_a_rule_refuses_is_tried_again_once_another_record_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    register = told(("user.renamed", 1, {"name": "X"}), ("user.email-changed", 2, {"email": "d@x.de"}))

    def waits(user: Any, _: Data, records: Records) -> None:
        if records.holder("user", "d@x.de"):
            raise Refused("not yet")

    monkeypatch.setattr(TYPES["user.renamed"], "rule", waits)
    draft, wanted = Draft(register.state), fold(list(register.events())[:3])
    groups = leading(draft, wanted, [("user", 1), ("user", 2)], lambda _: [], {})
    assert steps_of(groups) == [("change-email", 2, "b@x.de"), ("rename", 1, "A")]


def test_what_a_rule_refuses_waits_until_others_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    register = told(
        ("user.destroyed", 1, {}),
        ("user.email-changed", 2, {"email": "d@x.de"}),  # 5: the moment wanted
        ("user.email-changed", 2, {"email": "e@x.de"}),
        ("user.restored", 1, {}),
        ("user.email-changed", 1, {"email": "d@x.de"}),
        ("user.destroyed", 1, {}),
        ("user.email-changed", 2, {"email": "d@x.de"}),
        ("user.renamed", 2, {"name": "X"}),
    )

    def waits(user: Any, _: Data, records: Records) -> None:
        if records.holder("user", "d@x.de") and records.get("user", 1).email == "d@x.de":
            raise Refused("not yet")

    draft, wanted = Draft(register.state), fold(list(register.events())[:5])
    monkeypatch.setattr(TYPES["user.renamed"], "rule", waits)
    groups = leading(draft, wanted, [("user", 1), ("user", 2)], lambda _: [], {})
    assert facts(draft, ["user"]) == facts(wanted, ["user"])
    assert [step[:2] for step in steps_of(groups)][-2:] == [("change-email", 2), ("rename", 2)]


def test_keys_exchanged_without_a_stand_in_are_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["user"]
    monkeypatch.setitem(kind.fields, "email", EMAIL._replace(stand_in=None))
    register = told(
        ("user.email-changed", 1, {"email": "t@x.de"}),
        ("user.email-changed", 2, {"email": "a@x.de"}),
        ("user.email-changed", 1, {"email": "b@x.de"}),
    )
    with pytest.raises(InTheWay, match="user 1 and others are in each other's way"):
        led(register, 3)


def bike(*happened: tuple[str, str]) -> Register:
    register = register_in_memory()
    register.execute(about("bike.registered", 1, frame="W-1", model="Cargo"))
    for verb, where in happened:
        name = {"dock": "station", "undock": "rider"}[verb]
        register.execute(about(f"bike.{verb}ed", 1, **{name: where}))
    return register


def test_what_only_its_own_events_undo_is_taken_back_by_as_few_of_them_as_needed() -> None:
    rides = [("dock", "Pier"), ("undock", "Ada"), ("dock", "Main"), ("undock", "Bo"), ("dock", "Main")]
    assert steps_of(led(bike(*rides), 2)[2]) == [("undock", 1, "Ada"), ("dock", 1, "Pier")]
    rides += [("undock", "Ada"), ("dock", "Pier")]
    assert steps_of(led(bike(*rides), 3)[2]) == [("undock", 1, "Ada")]
    assert steps_of(led(bike(*rides), 2)[2]) == []


def test_of_several_ways_back_the_shortest_is_taken() -> None:
    short = [("dock", "Pier"), ("undock", "Ada"), ("dock", "Main"), ("undock", "Q"), ("dock", "Pier")]
    register = bike(*short, ("undock", "Bo"), ("dock", "X"), ("undock", "Cy"), ("dock", "Main"))
    assert steps_of(led(register, 2)[2]) == [("undock", 1, "Ada"), ("dock", 1, "Pier")]


def test_as_few_fields_are_set_as_a_type_of_event_allows() -> None:
    register = register_in_memory()
    for type, data in (
        ("desk.added", {"room": "1", "code": "A"}),
        ("desk.moved", {"floor": "2", "room": "2"}),
        ("desk.moved", {"floor": "2", "room": "3"}),
    ):
        register.execute(about(type, 1, **data))
    assert steps_of(led(register, 2)[2]) == [("rearrange", 1, "2")]


def test_records_end_before_others_change() -> None:
    register = told(("user.renamed", 1, {"name": "X"}), ("user.created", 4, {"name": "D", "email": "d@x.de"}))
    assert steps_of(led(register, 3)[2]) == [("destroy", 4), ("rename", 1, "A")]


def test_an_ended_record_with_other_fields_comes_back_for_them_without_its_past() -> None:
    register = told(("user.destroyed", 1, {}))
    wanted = Draft(register.state)
    wanted.put("user", wanted.get("user", 1), wanted.get("user", 1)._replace(name="X"))
    groups = leading(Draft(register.state), wanted, [("user", 1)], lambda _: [], {})
    assert steps_of(groups) == [("restore", 1), ("rename", 1, "X"), ("destroy", 1)]


def test_a_record_without_a_way_back_is_named_with_what_has_none() -> None:
    with pytest.raises(NoWay, match=r'to bike 1 \(W-1 Cargo\) leads to what it should be: station "Pier" → none'):
        led(bike(("dock", "Pier")), 1)
    register = register_in_memory()
    register.execute(about("entry.begun", 1, title="Monday"))
    with pytest.raises(NoWay, match=r"entry 1 \(Monday\) should not be there, and nothing ends it"):
        led(register, 0)


def test_a_record_that_is_not_there_yet_begins_and_is_made_whole() -> None:
    register = told(("user.renamed", 1, {"name": "A2"}))
    wanted = Draft(register.state)
    for type, data in (("user.created", {"name": "D", "email": "d@x.de"}), ("user.destroyed", {})):
        wanted.steps[type](wanted, 4, 5, data)
    draft = Draft(register.state)
    groups = leading(draft, wanted, [("user", 4)], lambda _: [], {})
    assert steps_of(groups) == [("create", 4, "D", "d@x.de"), ("destroy", 4)]
