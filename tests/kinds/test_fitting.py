"""A late event is accepted exactly if a model that sorts and folds all events finds nothing that it newly breaks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.caches import cache_every_log
from support.histories import chance_event
from support.logs import reading

from evcli.domain import kind
from evcli.domain.event import Event, number_of
from evcli.domain.kind import Begins, Revives
from evcli.domain.overlay import Draft
from evcli.domain.refusals import BreaksLater, DoesNotLast, NotThen
from evcli.domain.state import happen
from evcli.domain.timeline import record_as_of
from evcli.errors import NoLog, Refused
from evcli.kinds import KINDS, TYPES
from evcli.log.file.engine import FileLog
from evcli.log.line import timestamp
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.register import Register

EVENTS = 70
START = datetime(2026, 3, 1, tzinfo=UTC)
Records = dict[tuple[str, int], Any]


def broken(events: Sequence[Event]) -> set[int]:
    """The events that break a rule where they happened, all in the order of their times."""
    records: Records = {}
    found: set[int] = set()
    waiting: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda each: (each["time"], number_of(each))):
        subject = event["subject"]
        if not is_possible(event, records):
            found.add(number_of(event))
            waiting[subject].append(event)
            continue
        if not keeps_the_rules(event, records):
            found.add(number_of(event))
        apply(event, records)
        while (late := next((each for each in waiting[subject] if is_possible(each, records)), None)) is not None:
            waiting[subject].remove(late)
            apply(late, records)
    return found


def subject(event: Event) -> tuple[str, int]:
    kind, id = event["subject"].split("/")
    return kind, int(id)


def is_possible(event: Event, records: Records) -> bool:
    record, each = records.get(subject(event)), TYPES[event["type"]]
    if isinstance(each, Begins):
        return record is None
    return record is not None and (record[-1] is not None) == isinstance(each, Revives)


def keeps_the_rules(event: Event, records: Records) -> bool:
    each, before = TYPES[event["type"]], records.get(subject(event))
    if each.rule is not None:
        try:
            each.rule(before, event["data"], None)  # type: ignore[arg-type]  # none of these looks at other records
        except Refused:
            return False
    after, kind = effect(event, before), each.kind
    if each.says_fields and all(getattr(before, name) == getattr(after, name) for name in kind.own):
        return False
    if kind.unique and (isinstance(each, Begins | Revives) or kind.unique in each.fields):
        others = (other for (name, id), other in records.items() if name == kind.name and id != after.id)
        return all(other[-1] is not None or kind.key(other) != kind.key(after) for other in others)
    return True


def effect(event: Event, before: Any) -> Any:
    return TYPES[event["type"]].effect(before, subject(event)[1], number_of(event), event["data"])


def apply(event: Event, records: Records) -> None:
    records[subject(event)] = effect(event, records.get(subject(event)))


def changed_again(events: Sequence[Event], late: Event) -> int:
    """The event that gives the record another unique key than it has at present; 0 if the late event is not why."""
    present, happened = keys(events, late, is_by_time=False), keys(events, late, is_by_time=True)
    new_present, new_happened = (keys([*events, late], late, is_by_time=by_time) for by_time in (False, True))
    if new_present[-1][0] == new_happened[-1][0] or (present[-1:] and present[-1][0] != happened[-1][0]):
        return 0
    changes = [number for (before, _), (after, number) in pairwise(new_happened) if before != after]
    return changes[-1]


def keys(events: Sequence[Event], like: Event, *, is_by_time: bool) -> list[tuple[Any, int]]:
    """The unique keys that a record had after each event about it, with that event's number."""
    order = (lambda each: (each["time"], number_of(each))) if is_by_time else number_of
    records: Records = {}
    waiting: list[Event] = []
    found = []
    for event in sorted((each for each in events if each["subject"] == like["subject"]), key=order):
        waiting.append(event)
        while (next_one := next((each for each in waiting if is_possible(each, records)), None)) is not None:
            waiting.remove(next_one)
            apply(next_one, records)
            found.append((TYPES[event["type"]].kind.key(records[subject(event)]), number_of(next_one)))
    return found


class Storyteller:
    """A random history, one command at a time, each of which the model judges, too."""

    seconds: Sequence[int] = (0, 0, 1, 1, 2, -3)
    """How the clock may go on between two commands."""

    def __init__(self, path: Path, seed: int, kinds: Sequence[str], *, has_cache: bool) -> None:
        self.chance, self.kinds, self.now = Random(seed), kinds, 8
        ids = count(1)
        self.register = Register(
            FileLog(str(path)),
            actor="ann",
            clock=lambda: START + timedelta(seconds=self.now),
            new_id=lambda: f"e-{next(ids)}",
            history=History(uses_cache=has_cache),
        )
        self.events: list[Event] = []
        self.told = dict.fromkeys(("accepted", "NotThen", "BreaksLater", "DoesNotLast"), 0)

    def tell(self) -> None:
        """One command of one or two events, some of them late, some by a clock that is behind."""
        chance = self.chance
        self.now = max(0, self.now + chance.choice(self.seconds))
        if self.register.known.number and chance.random() < 0.3:
            self.register.close()  # the cache, if there is one, follows
        wanted = [self._one() for _ in range(chance.choice([1, 1, 1, 1, 2]))]
        try:
            done = self.register.execute(*wanted)
        except NoLog:
            return
        except Refused as refused:
            why = refused
        else:
            assert all(self._judged(each, change.id) is None for each, change in zip(wanted, done.changes, strict=True))
            self.told["accepted"] += any(each.time is not None for each in wanted)
            return
        if len(wanted) == 1:
            self._check(wanted[0], why)

    def _check(self, wanted: Intention, why: Refused) -> None:
        id = wanted.about(self.register.state)
        if not isinstance(why, NotThen | BreaksLater | DoesNotLast):
            with pytest.raises(type(why)):
                happen(Draft(self.register.state), wanted.type, id, len(self.events) + 1, wanted.data)
            return
        happen(Draft(self.register.state), wanted.type, id, len(self.events) + 1, wanted.data)
        assert self._judged(wanted, id) == (
            type(why),
            0 if isinstance(why, NotThen) or why.other is None else number_of(why.other),
        )
        self.told[type(why).__name__] += 1

    def _one(self) -> Intention:
        time = self._time()
        return chance_event(self.chance, self.kinds, self.register.state)._replace(time=time)

    def _time(self) -> str | None:
        when = None if self.chance.random() < 0.3 else max(0, self.now - self.chance.choice([0, 1, 2, 5, 9, 15]))
        return None if when is None else timestamp(START + timedelta(seconds=when))

    def _judged(self, wanted: Intention, id: int) -> tuple[type[Refused], int] | None:
        """How the model refuses an event that the present's rules accept; None if it does not. Then it knows it."""
        number = len(self.events) + 1
        event: Any = {
            "type": wanted.type, "subject": f"{TYPES[wanted.type].kind.name}/{id}", "data": wanted.data,
            "time": wanted.time or timestamp(START + timedelta(seconds=self.now)), "sequence": str(number),
        }  # fmt: skip
        new = broken([*self.events, event]) - broken(self.events) if wanted.time is not None else set()
        if new:
            first = min(new, key=lambda each: ([*self.events, event][each - 1]["time"], each))
            return (NotThen, 0) if number in new else (BreaksLater, first)
        if wanted.time is not None and (by := changed_again(self.events, event)):
            return DoesNotLast, by
        self.events.append(event)
        return None


@pytest.mark.parametrize("behind", [None, 1, 4000], ids=["no cache", "cache", "cache behind"])
@pytest.mark.parametrize(
    "kinds", [["user"], ["desk"], ["user", "bike", "desk", "entry"]], ids=["users", "desks", "all"]
)
@pytest.mark.parametrize("seed", range(3))
def test_late_event_is_accepted_exactly_if_nothing_is_newly_broken(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, desks: None, seed: int, kinds: list[str], behind: int | None
) -> None:
    if behind is not None:
        cache_every_log(monkeypatch, behind)
    story = Storyteller(log_path, seed, kinds, has_cache=behind is not None)
    while len(story.events) < EVENTS:
        story.tell()
    assert min(story.told[each] for each in ("accepted", "NotThen", "BreaksLater")) > 0, story.told
    with reading(str(log_path)) as reader:
        assert [event["time"] for event in reader.events()] == [event["time"] for event in story.events]
    assert (story.register.history.cache_path is not None) == (behind is not None)


class EmailStory(Storyteller):
    """A history of three users who get each other's e-mails, late or not, and of no clock that is behind."""

    seconds = (0, 0, 1, 1, 2, 3)

    def _one(self) -> Intention:
        chance, last = self.chance, self.register.state.last_id("user")
        email = chance.choice(["a@x.de", "b@x.de", "c@x.de", "d@x.de", "e@x.de"])
        wanted = Intention("user.created", {"name": "Ada", "email": email}, lambda _: last + 1, finds=False)
        if last >= 3:
            type, id = chance.choice([*["email-changed"] * 4, "destroyed", "restored"]), chance.randint(1, last)
            wanted = Intention(f"user.{type}", {"email": email} if type == "email-changed" else {}, lambda _: id)
        return wanted._replace(time=self._time())


@pytest.mark.parametrize("seed", range(3))
def test_no_two_live_records_ever_share_a_key_if_no_clock_was_behind(log_path: Path, desks: None, seed: int) -> None:
    story = EmailStory(log_path, seed, ["user"], has_cache=False)
    while len(story.events) < EVENTS:
        story.tell()
    assert min(story.told.values()) > 0, story.told
    user, about = KINDS["user"], defaultdict[str, list[Event]](list)
    for event in story.events:
        about[event["subject"]].append(event)
    for until in sorted({event["time"] for event in story.events}):
        records = (record_as_of(user, events, until) for events in about.values())
        live = [user.key(record) for record in records if record is not None and record[-1] is None]
        assert len(live) == len(set(live)), until


@pytest.mark.parametrize("has_cache", [False, True], ids=["no cache", "cache"])
def test_rule_of_a_kind_asks_what_was_at_that_moment(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, desks: None, has_cache: bool
) -> None:
    if has_cache:
        cache_every_log(monkeypatch)
    asked = list[tuple[Any, ...]]()

    def is_of_somebody(desk: Any, _: Any, records: kind.Records) -> None:
        holder = records.holder("user", "a@x.de")
        is_known = desk == records.get("desk", desk.id)
        asked.append((records.get("user", 1), is_known, desk.room, records.last_id("user")))
        if holder is None:
            raise Refused("nobody is there to move it")

    monkeypatch.setattr(TYPES["desk.moved"], "rule", is_of_somebody)
    story = Storyteller(log_path, 0, ["user"], has_cache=has_cache)
    story.now = 60

    def happens(second: int, type: str, id: int = 1, **data: str) -> None:
        begins, name = isinstance(TYPES[type], Begins), type.partition(".")[0]
        about = (lambda state: state.last_id(name) + 1) if begins else (lambda _: id)
        time = timestamp(START + timedelta(seconds=second))
        story.register.execute(Intention(type, data, about, finds=not begins, time=time))

    happens(5, "desk.added", room="one", code="1")
    happens(5, "desk.added", room="one", code="2")
    happens(10, "user.created", name="Ada", email="a@x.de")
    happens(20, "user.destroyed")
    happens(30, "user.restored")
    happens(40, "desk.rearranged", room="two")
    ada = story.register.at().get("user", 1)
    gone = ada._replace(changed=4, destroyed=4)
    for desk, second, there in ((1, 7, None), (1, 25, gone), (2, 7, None), (2, 25, gone)):
        with pytest.raises(NotThen, match="nobody is there to move it"):
            happens(second, "desk.moved", desk, floor="1", room="three")
        assert asked[0] == (there, True, "one", 1)
        asked.clear()
    happens(15, "desk.moved", floor="1", room="three")
    assert asked[0] == (ada._replace(changed=3), True, "one", 1)
