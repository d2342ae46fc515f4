"""What if: a history with edits is what a plain model, of lists and dictionaries, makes of it, for any kind."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from conftest import Clock
from support.caches import cache_every_log

from evcli import kinds
from evcli.domain.event import Event, number_of, recorded_moment, subject_of
from evcli.domain.rules import step_of
from evcli.domain.timeline import record_as_of
from evcli.domain.way import is_there
from evcli.errors import BadInput, NoLog, Refused
from evcli.kinds import KINDS, TYPES
from evcli.log import START, branch
from evcli.log.file.engine import FileLog
from evcli.log.line import decode_each
from evcli.log.memory import MemoryLog
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.register import Register
from evcli.register.series import rehearsal
from evcli.undo.batches import write
from evcli.undo.plans import Way, undo, without_way_back
from evcli.what_if.applying import applying
from evcli.what_if.supposed import Edits, Insertion, NotPossible, Supposed, suppose

LONG_AGO = "2026-03-01T08:59:59.000000Z"
WORDS = {
    "name": "Ada Bo", "email": "a@x.de b@x.de c@x.de", "frame": "A-1 A-2 A-3", "model": "Cargo", "station": "Main Dock",
    "rider": "Ada Bo", "floor": "1 2", "room": "1 2 3", "code": "1 2 3", "note": "1 2",
}  # fmt: skip
"""Few values of each field, so that records compete for them."""


@pytest.fixture(autouse=True)
def bikes_and_desks(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(kinds.MODULES, "desk", "kinds.desk")
    yield
    kinds.KINDS.pop("desk", None)
    for name in [name for name in kinds.TYPES if name.startswith("desk.")]:
        del kinds.TYPES[name]


def an_intention(chance: random.Random, last_ids: int = 4) -> Intention:
    """Any command about users, bikes or desks; the rules may refuse it."""
    kind = KINDS[chance.choice(["user", "bike", "desk"])]
    each = chance.choice([kind.begins, *kind.types.values()])
    fields = {name: field for name, field in each.fields.items() if field.required or chance.random() < 0.5}
    data = {name: chance.choice(WORDS[name].split()) for name in fields}
    if each is kind.begins:
        return Intention(each.name, data, lambda state: state.last_id(kind.name) + 1, finds=False)
    id = chance.randint(1, last_ids)
    return Intention(each.name, data, lambda _: id)


def a_register(path: Any, clock: Clock, *, uses_cache: bool) -> Register:
    ids = iter(range(1, 10_000))
    history = History(uses_cache=uses_cache)
    return Register(FileLog(str(path)), actor="ann", clock=clock, new_id=lambda: f"event-{next(ids)}", history=history)


def late(chance: random.Random) -> str | None:
    """When an event happened that is recorded later; usually none."""
    return f"2026-02-0{chance.randint(1, 9)}T09:00:00.000000Z" if chance.random() < 0.1 else None


def a_log(chance: random.Random, register: Register, clock: Clock, length: int) -> None:
    """About so many events that the rules accept, some of them in batches, some late."""
    while register.state.number < length:
        clock.advance(seconds=chance.randint(0, 2))
        try:
            register.execute(
                *(an_intention(chance)._replace(time=late(chance)) for _ in range(chance.choice([1, 1, 1, 2, 3])))
            )
        except (Refused, NoLog):  # the first command must begin a record
            continue


class Model:
    """Records by id, nothing else: what a history leads to."""

    takes_any_id = True

    def __init__(self) -> None:
        self.number = 0
        self.tables: dict[str, dict[int, Any]] = {}
        self.kind = ""

    def happen(self, type: str, id: int, data: dict[str, str]) -> None:
        self.kind = TYPES[type].kind.name
        step_of(TYPES[type], self)(self, id, self.number + 1, data)  # type: ignore[arg-type]  # a table and a state in one
        self.number += 1

    def all(self, kind: str) -> dict[int, Any]:
        return self.tables.setdefault(kind, {})

    def get(self, first: Any, second: int | None = None) -> Any:
        return self.all(self.kind if second is None else first).get(first if second is None else second)

    def held(self, key: str) -> int | None:
        kind = KINDS[self.kind]
        return next((each.id for each in self.all(self.kind).values() if not each[-1] and kind.key(each) == key), None)

    def last_id(self, kind: str = "") -> int:
        return max(self.all(kind or self.kind), default=0)

    def put(self, id: int, before: Any, after: Any, key: Any) -> None:
        self.all(self.kind)[id] = after

    def keep(self, id: int, before: Any, after: Any) -> None:
        self.all(self.kind)[id] = after

    def records(self, kind: str) -> list[Any]:
        return sorted(self.all(kind).values())


Told = list[tuple[str, str, dict[str, str], str, int | None]]
"""Of each event: its id, its type, its data, its subject and the number that it has in the log."""


def by_the_model(events: Iterable[Event], edits: Edits, now: Any) -> tuple[Told, list[int], list[Model]]:
    """What happens, the numbers of what is refused, and the model after each event. Raises Refused for an edit."""
    told: Told = []
    refused: list[int] = []
    states = [Model()]
    given = {kind: now.last_id(kind) for kind in KINDS}
    put_in = 0

    def happen(id: str, type: str, subject: str, data: dict[str, str], number: int | None) -> None:
        model = Model()
        model.number, model.tables = states[-1].number, {kind: dict(all) for kind, all in states[-1].tables.items()}
        model.happen(type, int(subject.partition("/")[2]), data)
        states.append(model)
        told.append((id, type, data, subject, number))

    def subject(intention: Intention, keeps: str | None = None) -> str:
        kind = TYPES[intention.type].kind
        if intention.finds:
            return f"{kind.name}/{intention.about(states[-1])}"  # type: ignore[arg-type]  # which asks it for nothing
        if keeps and keeps.startswith(f"{kind.name}/"):
            return keeps
        given[kind.name] += 1
        return f"{kind.name}/{given[kind.name]}"

    def insert(after: int) -> None:
        nonlocal put_in
        for each in edits.inserted:
            for intention in each.intentions if each.after == after else ():
                put_in += 1
                happen(f"what-if-{put_in}", intention.type, subject(intention), dict(intention.data), None)

    insert(0)
    for event in events:
        number = number_of(event)
        if instead := edits.changed.get(number):
            begins = event["type"] == KINDS[subject_of(event)[0]].begins.name
            about = subject(instead, event["subject"] if begins else None)
            happen(event["id"], instead.type, about, dict(instead.data), number)
        elif number not in edits.dropped:
            try:
                happen(event["id"], event["type"], event["subject"], event["data"], number)
            except Refused:
                refused.append(number)
        insert(number)
    return told, refused, states


def some_edits(chance: random.Random, events: list[Event]) -> Edits:
    numbers = range(1, len(events) + 1)
    dropped = frozenset(chance.sample(numbers, chance.choice([0, 1, 1, 3])))
    changed = {number: an_intention(chance) for number in chance.sample(numbers, chance.choice([0, 0, 1]))}
    whole = [0, *(n for n in numbers if events[n - 1].get("batch", f"-{n}").endswith(f"-{n}"))]
    inserted = []
    for many in chance.choice([[], [], [1], [1, 2]]):
        after = chance.choice(whole)
        time = chance.choice([recorded_moment(events[after - 1]), LONG_AGO]) if after else LONG_AGO
        inserted.append(Insertion(after, time, [an_intention(chance) for _ in range(many)], is_dated=True))
    return Edits(dropped, {number: each for number, each in changed.items() if number not in dropped}, inserted)


def check(supposed: Supposed, told: Told, refused: list[int], states: list[Model], now: Any) -> None:
    past, head = supposed.register, len(told)
    events = list(past.events())
    assert [(e["id"], e["type"], e["data"], e["subject"]) for e in events] == [each[:4] for each in told]
    assert [number_of(each.event) for each in supposed.refused] == refused
    lines = [line for _, some in past.log.read() for line in some]
    assert list(decode_each(lines, START)) == events  # the numbers, the batches and the chain, from the first event on
    assert past.head().number == head == supposed.state.number
    for number in {0, head // 3, head // 2, head - 1, head} - {-1}:
        state, model = past.at(number), states[number]
        for kind in KINDS:
            found = model.records(kind)
            assert list(state.records(kind)) == found
            assert sum(state.count(kind)) == len(found)
            assert state.count(kind).live == sum(each[-1] is None for each in found)
        assert past.position(number).number == number
    for number in range(1, head + 1, 3):
        kind, id = subject_of(events[number - 1])
        event, before, after = past.change(number)
        assert (event, before, after) == (
            events[number - 1],
            *(states[n].all(kind).get(id) for n in (number - 1, number)),
        )
        about = [each for each in events[:number] if subject_of(each) == (kind, id)]
        assert list(past.events_about(kind, id, number)) == about
        assert list(past.events_about(kind, id, number, backward=True)) == about[::-1]
        assert list(past.events_about(kind, id, number, after=number_of(about[0]))) == about[1:]
    assert list(past.events_backward(past.head())) == events[::-1]
    check_as_of(past, events)
    assert [change[0] for change in past.changes(iter(events))] == events
    differing = {(each.kind, (each.now or each.then).id): (each.now, each.then) for each in supposed.differing}
    for kind in KINDS:
        everyone = {each.id for each in now.records(kind)} | states[-1].all(kind).keys()
        for id in everyone:
            pair = now.get(kind, id), states[-1].all(kind).get(id)
            is_other = said(pair[0]) != said(pair[1])
            assert differing.get((kind, id)) == (pair if is_other else None)


def check_as_of(past: Any, events: list[Event]) -> None:
    number = len(events) * 2 // 3
    for until in sorted({event["time"] for event in events})[::4]:
        state = past.as_of(until, number)
        for kind in KINDS:
            about: dict[int, list[Event]] = {}
            for event in events[:number]:
                if subject_of(event)[0] == kind:
                    about.setdefault(subject_of(event)[1], []).append(event)
            were = (record_as_of(KINDS[kind], about[id], until) for id in sorted(about))
            assert list(state.records(kind)) == [record for record in were if record is not None]


def said(record: Any) -> Any:
    return record and (record[1:-3], record[-1] is None)


@pytest.mark.parametrize("uses_cache", [False, True], ids=["without a cache", "with a cache"])
def test_history_with_edits_is_what_the_model_makes_of_it(
    uses_cache: bool, clock: Clock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if uses_cache:
        cache_every_log(monkeypatch)
    monkeypatch.setattr(branch, "CHUNK", 7)
    ends = set()
    for seed in range(12):
        chance = random.Random(seed)
        path = tmp_path / f"{seed}.jsonl"
        register = a_register(path, clock, uses_cache=uses_cache)
        a_log(chance, register, clock, length=30)
        events, now = list(register.events()), register.at()
        for _ in range(8):
            edits = some_edits(chance, events)
            try:
                expected = by_the_model(events, edits, now)
            except Refused:
                with pytest.raises(NotPossible):
                    suppose(register, edits)
                ends.add("not possible")
                continue
            check(suppose(register, edits), *expected, now)
            ends.add("refused" if expected[1] else "all accepted")
        register.close()
    assert ends == {"not possible", "refused", "all accepted"}


def test_applied_history_makes_every_record_what_it_would_be_and_undo_takes_that_back(clock: Clock) -> None:
    ids, ends, no_way = (f"id-{number}" for number in count(1)), Counter[str](), list[str]()
    for seed in range(60):
        chance = random.Random(seed)
        register = Register(MemoryLog(), actor="ann", clock=clock, new_id=ids.__next__)
        a_log(chance, register, clock, length=20)
        rehearsal(register)
        before, events = register.at(), list(register.events())
        attempts = (supposed_differently(register, chance, events, only_puts_in=seed % 2 > 0) for _ in range(100))
        supposed = next(filter(None, attempts))
        try:
            way = applying(register, supposed, ids.__next__, "why")
        except Refused as no:
            no_way.append(no.message)
            continue
        written(register, way)
        now = register.at()
        for kind in KINDS:
            for id in {each.id for state in (now, supposed.state) for each in state.records(kind)}:
                assert is_there(now.get(kind, id), supposed.state.get(kind, id)), f"{kind} {id} of seed {seed}"
        new = list(register.events(register.position(len(events))))
        assert len({event.get("correlationid", "") for event in new}) <= 1
        assert all(event["correlationid"].startswith("what-if:") for event in new)
        put_in = [each.event for events in supposed.put_in.values() for each in events]
        undated = [event["id"] for event, _ in way.undated]
        assert {at(event) for event in put_in if event["id"] not in undated} <= set(map(at, new))
        ends["at its time"] += len(put_in) - len(undated)
        answered = {event.get("causationid", "-") for event in new}
        assert answered <= {"-", *(event["id"] for event in events[supposed.fork :])}
        if new and without_way_back(register, way.plan) is None:
            written(register, undo(register, ids.__next__))
            assert not list(differences(before, register.at()))
            ends["undone"] += 1
        ends["applied"] += 1
    assert not [why for why in no_way if "user" in why], "whatever became of one can be taken back"
    assert (ends["applied"] > 35, ends["undone"] > 20, ends["at its time"] > 5) == (True, True, True), ends


def at(event: Event) -> tuple[str, str, str]:
    return event["subject"], event["type"], event["time"]


def supposed_differently(
    register: Register, chance: random.Random, events: list[Event], *, only_puts_in: bool
) -> Supposed | None:
    """A history in which some record is another at the end; None if these edits made none."""
    edits = some_edits(chance, events)
    try:
        supposed = suppose(register, edits._replace(dropped=frozenset(), changed={}) if only_puts_in else edits)
    except NotPossible:
        return None
    return supposed if supposed.differing else None


def written(register: Register, way: Way) -> None:
    with ExitStack() as held:
        for _ in write(register, way.plan, 10, held):
            pass


def differences(before: Any, now: Any) -> Iterator[tuple[Any, Any]]:
    for kind in KINDS:
        for each in now.records(kind):
            if not is_there(each, before.get(kind, each.id)):
                yield before.get(kind, each.id), each


def test_no_more_than_a_batch_holds_is_put_in_at_once(register: Register) -> None:
    reasons = [
        Intention("user.created", {"name": "A", "email": f"a{n}@x.de", "reason": "r" * 2000}, lambda s: 0, finds=False)
        for n in range(500)
    ]
    register.execute(reasons[0]._replace(about=lambda _: 1))
    with pytest.raises(BadInput, match="at most 1,048,576"):
        suppose(register, Edits(frozenset(), {}, [Insertion(1, LONG_AGO, reasons[1:])]))
