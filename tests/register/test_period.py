"""What happened between two moments: it adds up, and is what a model without any of this code finds."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.caches import cache_every_log, cache_the_beginning
from support.registers import NOW, create
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, KIND, RENAMED, RESTORED

from evcli.cache.backed import BackedState
from evcli.domain.event import Event, number_of
from evcli.domain.state import Count, MemoryState
from evcli.errors import Damaged, Refused
from evcli.log.memory import MemoryLog
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.past import Past
from evcli.register.period import DoesNotAddUp, Period
from evcli.register.register import Register

Steps = list[tuple[str, int]]
STEPS = st.lists(
    st.tuples(st.sampled_from([CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED]), st.integers(1, 3)),
    min_size=1, max_size=14,
)  # fmt: skip


def tell(register: Register, steps: Steps) -> None:
    """Do those of the steps that the rules accept."""
    for at, (type, id) in enumerate(steps):
        data = {RENAMED: {"name": f"N{at}"}, EMAIL_CHANGED: {"email": f"n{at}@x.example"}}.get(type, {})
        about = Intention(type, data, partial(lambda who, _: who, id))
        try:
            register.execute(create(f"P{at}") if type == CREATED else about)
        except Refused:
            continue


def folded(events: list[Event]) -> dict[str, dict[str, str]]:
    """Who is live after these events, by subject: a fold of a few lines, which knows nothing of evcli."""
    live: dict[str, dict[str, str]] = {}
    gone: dict[str, dict[str, str]] = {}
    for event in events:
        who = event["subject"]
        if event["type"] == DESTROYED:
            gone[who] = live.pop(who)
        elif event["type"] == RESTORED:
            live[who] = gone.pop(who)
        else:
            live.setdefault(who, {}).update(event["data"])
    return live


def check(found: Period, events: list[Event], start: int, end: int) -> None:
    """All that the period says is what the model says of the same events."""
    before, after, between = folded(events[:start]), folded(events[:end]), events[start:end]
    types = [event["type"] for event in between]
    touched = {event["subject"] for event in between}
    assert found.counts._asdict() == {
        "beginning": len(before), "came": types.count(CREATED), "came_back": types.count(RESTORED),
        "left": types.count(DESTROYED), "end": len(after),
        "changed": types.count(RENAMED) + types.count(EMAIL_CHANGED), "untouched": len(set(before) - touched),
    }  # fmt: skip
    assert found.counts.led_to == len(after)
    courses = list(found.courses())
    assert [course.id for course in courses] == sorted(int(who[5:]) for who in {*before, *after, *touched})
    assert {f"user/{each.id}": plain(each.at_beginning) for each in courses if each.at_beginning} == before
    assert {f"user/{each.id}": plain(each.at_end) for each in courses if each.at_end} == after
    for course in courses:
        about = [event for event in between if event["subject"] == f"user/{course.id}"]
        assert [act.number for act in course.acts] == list(map(number_of, about))
    assert [(act.number, act.type.name, dict(act.data)) for act in found.acts] == [
        (number_of(event), event["type"], event["data"]) for event in between
    ]
    assert (found.start.number, found.end.number) == (start, end)


def plain(record: Any) -> dict[str, str]:
    return {"name": record.name, "email": record.email}


@given(STEPS)
@settings(max_examples=50, deadline=None)
def test_a_period_is_what_a_model_finds_for_every_pair_of_moments(steps: Steps) -> None:
    ids = map(str, range(100))
    with Register(MemoryLog(), actor="ann", clock=lambda: NOW, new_id=lambda: next(ids)) as register:
        tell(register, steps)
        events = list(register.events())
        for start in range(len(events) + 1):
            for end in range(start, len(events) + 1):
                check(register.period(KIND, start, end), events, start, end)


STORY: Steps = [
    (CREATED, 1), (CREATED, 2), (RENAMED, 1), (DESTROYED, 2), (CREATED, 3), (RESTORED, 2), (DESTROYED, 1),
    (RENAMED, 2), (RESTORED, 1), (DESTROYED, 1), (EMAIL_CHANGED, 3), (DESTROYED, 3),
]  # fmt: skip


@pytest.mark.parametrize("cached", [5, 12])
def test_a_cache_changes_nothing_of_a_period(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch, cached: int
) -> None:
    tell(register, STORY)
    events = list(register.events())
    assert len(events) == len(STORY)
    cache_the_beginning(log_path, monkeypatch, cached)
    with Past(str(log_path), History()) as past:
        for start in (0, 3, 6, 12):
            check(past.period(KIND, start, 12), events, start, 12)
        assert past.history.cache_path is not None


def test_records_are_looked_up_together_and_not_one_by_one(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(register, STORY)
    cache_every_log(monkeypatch)
    monkeypatch.setattr(BackedState, "get", None)
    with Past(str(log_path), History()) as past:
        check(past.period(KIND, 3, 12), list(register.events()), 3, 12)
        assert past.history.cache_path is not None


def test_an_act_says_who_did_it_when_and_why(register: Register) -> None:
    register.execute(create("Ada", time="2020-01-01T12:00:00.000000Z"))
    register.execute(Intention(DESTROYED, {"reason": "left"}, lambda _: 1))
    came, left = register.period(KIND, 0, 2).acts
    assert (came.actor, came.time, came.recorded, came.reason, came.before, came.after.name) == (
        "ann", "2020-01-01T12:00:00.000000Z", "2026-03-01T09:00:00.000000Z", None, None, "Ada",
    )  # fmt: skip
    assert (left.reason, left.time, left.recorded) == ("left", left.recorded, "2026-03-01T09:00:00.000000Z")
    assert (left.before, left.after.destroyed) == (came.after, 2)


def test_counts_that_contradict_the_events_are_an_error(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(register, STORY)
    count = MemoryState.count

    def one_more_at_three(state: MemoryState, kind: str) -> Count:
        return Count(count(state, kind).live + (state.number == 3), 0)

    monkeypatch.setattr(MemoryState, "count", one_more_at_three)
    assert register.period(KIND, 5, 12).counts.led_to == 1
    with pytest.raises(DoesNotAddUp, match=r"3 users are live at event 3 and 1 at event 12, but .* lead to 2"):
        register.period(KIND, 3, 12)


@pytest.mark.parametrize("start", [0, 5])
def test_a_period_over_an_event_that_breaks_a_rule_is_damage(vector: Any, start: int) -> None:
    with Past(str(vector("bad-rule-destroyed-twice.jsonl"))) as past, pytest.raises(Damaged, match="breaks a rule"):
        past.period(KIND, start, past.head().number)
