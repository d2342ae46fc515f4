"""Undo, redo, revert and restore-to, for any history of any kinds."""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import pytest
from cli.support import refuses
from conftest import Cli, Clock
from support.histories import a_history, facts, register_in_memory, something_happens
from support.registers import create

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.refusals import NoWay
from evcli.domain.state import MemoryState, State, fold
from evcli.errors import Refused
from evcli.kinds import TYPES
from evcli.log.memory import MemoryLog
from evcli.register.actor import random_id
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.undo import batches, courses
from evcli.undo.batches import write
from evcli.undo.operations import NothingLeft
from evcli.undo.plans import AlreadyTakenBack, Way, redo, restore_to, revert, undo
from evcli.undo.taking_back import Cannot, HasDependents

pytestmark = pytest.mark.usefixtures("desks")

KINDS = [["user"], ["bike"], ["user", "desk", "bike"]]


def ids(register: Register) -> Callable[[], str]:
    return register._new_id


def done(register: Register, way: Way, batches: int = 10**6) -> None:
    """Write the plan, or only so many batches of it, as if the command had been killed then."""
    with ExitStack() as held:
        for number, _ in enumerate(write(register, way.plan, 0, held), 1):
            if number == batches:
                break


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of some two events."""
    monkeypatch.setattr(batches, "MAX_BATCH", 1200)


@pytest.mark.parametrize("kinds", KINDS, ids=",".join)
@pytest.mark.parametrize("seed", range(5))
def test_redo_gives_back_what_undo_took_however_often(seed: int, kinds: Sequence[str]) -> None:
    register = a_history(random.Random(seed), kinds, 20)
    states = [facts(register.state, kinds)]
    while True:
        try:
            done(register, undo(register, ids(register)))
        except (NothingLeft, Cannot):
            break
        states.append(facts(register.state, kinds))
    assert kinds != ["user"] or not any(is_live for *_, is_live in states[-1].values())
    for before in reversed(states[:-1]):
        try:
            done(register, redo(register, ids(register)))
        except Cannot:
            assert kinds != ["user"]
            return
        assert facts(register.state, kinds) == before
    with pytest.raises(NothingLeft):
        redo(register, ids(register))


def in_effect(events: Sequence[Event], without: Collection[int] = ()) -> list[Event]:
    """The events that nothing takes back, without those that take others back: written from the rule alone."""
    gone = set[str]()
    found = []
    for event in reversed(events):
        if event["id"] in gone or number_of(event) in without:
            continue
        if event.get("correlationid", "").startswith(("undo:", "redo:", "revert:")):
            gone.add(event["causationid"])
        else:
            found.append(event)
    return found[::-1]


def made_by(events: Sequence[Event], without: Collection[int] = ()) -> dict[tuple[str, int], Any]:
    """What the events in effect make of each record; one whose beginning is not has begun and ended."""
    numbers = {number_of(event) for event in in_effect(events, without)}
    records: dict[tuple[str, int], Any] = {}
    for number, event in enumerate(events, 1):
        subject, each = subject_of(event), TYPES[event["type"]]
        if number in numbers or each.role == "begins":
            data = {name: value for name, value in event["data"].items() if name != "reason"}
            record = each.effect(records.get(subject), subject[1], number, data)
            records[subject] = record if number in numbers else record._replace(**{each.kind.ended: number})
    return {subject: (*record[1:-3], record[-1] is None) for subject, record in records.items()}


@pytest.mark.parametrize("kinds", KINDS, ids=",".join)
@pytest.mark.parametrize("seed", [*range(8), 21])
def test_the_register_is_always_what_the_events_in_effect_made_of_it(
    small: None, seed: int, kinds: Sequence[str]
) -> None:
    chance = random.Random(seed)
    register, counts = a_history(chance, kinds, 8), dict.fromkeys(("undo", "redo", "revert", "restore_to"), 0)
    for _ in range(60):
        what = chance.choice(["happens", *counts, "undo", "redo", "redo"])
        head = register.known.number
        number, wanted = chance.randint(1, head), None
        try:
            if what == "undo":
                done(register, undo(register, ids(register), with_dependents=chance.random() < 0.5))
            elif what == "redo":
                done(register, redo(register, ids(register)))
            elif what == "revert":
                numbers = {number, chance.randint(1, head), chance.randint(1, head)}
                way = revert(register, ids(register), numbers, with_dependents=chance.random() < 0.5)
                wanted = made_by(list(register.events()), {*numbers, *way.along})
                done(register, way)
            elif what == "restore_to":
                done(register, restore_to(register, ids(register), number))
            else:
                something_happens(chance, register, kinds)
        except Cannot:
            assert kinds != ["user"], "whatever happens to a user can be taken back"
            continue
        except Refused:
            assert register.known.number == head, "a refused command writes nothing"
            continue
        if what in counts:
            counts[what] += 1
        assert facts(register.state, kinds) == made_by(list(register.events()))
        assert wanted is None or facts(register.state, kinds) == wanted
    assert kinds != ["user"] or all(counts.values()), counts


@pytest.mark.parametrize("kinds", KINDS, ids=",".join)
@pytest.mark.parametrize("seed", range(3))
def test_revert_of_the_last_events_gives_the_state_before_them_also_with_undos_among_them(
    seed: int, kinds: Sequence[str]
) -> None:
    chance = random.Random(seed)
    told = a_history(chance, kinds, 6)
    happen: list[Callable[[], None]] = [
        lambda: something_happens(chance, told, kinds),
        lambda: done(told, undo(told, ids(told))),
        lambda: done(told, redo(told, ids(told))),
        lambda: done(told, revert(told, ids(told), [chance.randint(1, told.known.number)])),
    ]
    while told.known.number < 30:
        with suppress(Refused):
            chance.choice(happen)()
    events = list(told.events())
    for number in range(len(events)):
        register, wanted = copy_of(told), fold(events[:number])
        try:
            done(register, revert(register, ids(register), range(number + 1, len(events) + 1)))
        except Cannot:
            assert kinds != ["user"]
            continue
        except AlreadyTakenBack:
            pass
        assert facts(register.state, kinds, but=wanted) == facts(wanted, kinds)


@pytest.mark.parametrize("kinds", KINDS, ids=",".join)
@pytest.mark.parametrize("seed", range(3))
def test_restore_to_gives_the_state_of_every_moment_also_if_it_is_killed(
    small: None, seed: int, kinds: Sequence[str]
) -> None:
    chance = random.Random(seed)
    told = a_history(chance, kinds, 20)
    events = list(told.events())
    for to in range(len(events) + 1):
        register = copy_of(told)
        try:
            done(register, restore_to(register, ids(register), to), batches=chance.randint(1, 3))
            done(register, restore_to(register, ids(register), to))
        except NoWay:
            assert kinds != ["user"]
            continue
        wanted = fold(events[:to])
        assert facts(register.state, kinds, but=wanted) == facts(wanted, kinds)
        assert not restore_to(register, ids(register), to).plan.happened


def copy_of(register: Register) -> Register:
    log = MemoryLog()
    log.lines += register.log.lines  # type: ignore[attr-defined]  # it is one in memory, too
    copied = register_in_memory(log)
    copied.catch_up()
    return copied


def test_records_are_looked_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    register, asked = register_in_memory(), list[int]()
    register.execute(*(create(f"U{number}") for number in range(9)))
    register.execute(*(Intention("user.renamed", {"name": "X"}, partial(_id, id)) for id in range(1, 10)))
    get = MemoryState.get

    def one(state: MemoryState, kind: str, id: int) -> Any:
        asked.append(id)
        return get(state, kind, id)

    def many(state: MemoryState, kind: str, ids: Collection[int]) -> list[Any]:
        return [record for id in ids if (record := get(state, kind, id))]

    monkeypatch.setattr(MemoryState, "get", one)
    monkeypatch.setattr(MemoryState, "get_many", many, raising=False)
    restore_to(register, ids(register), 9)
    revert(register, ids(register), range(10, 19))
    assert not asked


def test_chain_of_dependents_is_taken_back_and_the_past_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    register, count, asked = register_in_memory(), 9, list[int | None]()
    register.execute(*(create(f"U{number}") for number in range(count)))
    before, freed = facts(register.state, ["user"]), "free@example.com"
    for id in range(1, count + 1):  # each takes the e-mail that the one before has left
        own = register.state.get("user", id).email
        register.execute(Intention("user.email-changed", {"email": freed}, partial(_id, id)))
        freed = own
    at = Register.at

    def counted(register: Register, number: int | None = None) -> State:
        asked.append(number)
        return at(register, number)

    monkeypatch.setattr(Register, "at", counted)
    follow, followed = courses.followed, list[Event]()

    def noted(record: Any, events: Sequence[Event]) -> Iterator[courses.Past]:
        followed.extend(events)
        return follow(record, events)

    monkeypatch.setattr(courses, "followed", noted)
    way = revert(register, ids(register), [count + 1], with_dependents=True)
    assert (asked, len(followed)) == ([count], count)
    done(register, way)
    assert (facts(register.state, ["user"]), len(way.along)) == (before, count - 1)


def test_each_event_of_a_restore_answers_the_last_one_about_its_record() -> None:
    register = a_history(random.Random(3), ["user"], 20)
    events = list(register.events())
    last = {event["subject"]: event["id"] for event in events[5:]}
    done(register, restore_to(register, ids(register), 5))
    added = list(register.events())[len(events) :]
    assert added
    assert all(event["causationid"] == last[event["subject"]] for event in added)
    assert {event["correlationid"][:11] for event in added} == {"restore-to:"}
    assert len({event["correlationid"] for event in added}) == 1


def test_an_undo_names_what_it_takes_back_newest_first_and_a_plan_changes_nothing() -> None:
    register = a_history(random.Random(4), ["user"], 20)
    state, head = facts(register.state, ["user"]), register.known
    way = revert(register, ids(register), range(1, 21), with_dependents=True)
    assert (facts(register.state, ["user"]), register.known) == (state, head)
    assert type(register.state) is not Draft or not register.state.puts
    done(register, way)
    events = list(register.events())
    answered = {event["id"]: number_of(event) for event in events}
    numbers = [answered[event["causationid"]] for event in events[head.number :]]
    assert numbers == sorted(numbers, reverse=True) == [number_of(event) for event in way.taken]


def test_what_is_brought_back_needs_all_the_fields_that_it_set() -> None:
    register = register_in_memory()
    for type, data in (
        ("desk.added", {"room": "A", "code": "1"}),
        ("desk.moved", {"floor": "1", "room": "A"}),
        ("desk.rearranged", {"room": "B"}),
        ("desk.moved", {"floor": "2", "room": "B"}),
    ):
        register.execute(Intention(type, data, lambda _: 1, finds=TYPES[type].role != "begins"))
    for _ in range(2):
        done(register, undo(register, ids(register)))
    with pytest.raises(HasDependents, match=r"depends on event 5: event 6 \(desk.rearranged of desk 1"):
        revert(register, ids(register), [5])
    done(register, revert(register, ids(register), [5], with_dependents=True))
    assert register.state.get("desk", 1)[1:-3] == ("B", None, "1", "2")


@pytest.mark.parametrize("most", range(2000, 3000, 60))
def test_no_batch_is_longer_than_one_may_be(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    clock, log = Clock(), MemoryLog()
    register = Register(log, actor="ann", clock=clock, new_id=random_id)
    register.execute(*(create(f"U{number}") for number in range(10)))
    register.execute(
        *(Intention("user.email-changed", {"email": f"{id}@x.de"}, partial(_id, id)) for id in range(1, 11))
    )
    clock.advance(hours=-1)  # the longest lines have two times
    monkeypatch.setattr(batches, "MAX_BATCH", most)
    for way in (partial(restore_to, to=10), undo):
        head = register.known.number
        done(register, way(register, random_id))
        sizes: dict[str, int] = {}
        for event, line in zip(list(register.events())[head:], log.lines[head:], strict=True):
            batch = event.get("batch", event["id"])
            sizes[batch] = sizes.get(batch, 0) + len(line)
        assert len(sizes) > 1
        assert most - 800 < max(sizes.values()) <= most


def _id(id: int, _: State) -> int:
    return id


def test_what_nothing_undoes_is_named_and_no_way_back_is_promised(cli: Cli) -> None:
    cli.ok("bike", "register", "WBK-1", "--model", "Cargo 8")
    ran = cli.ok("undo")
    assert ran.out.splitlines()[1:] == ["bike 1 retired: WBK-1 Cargo 8 (event 2)"]
    assert ran.err == (
        "this cannot be taken back as a whole: nothing undoes one of its events (bike 1 retired: WBK-1 Cargo 8)\n"
    )
    refuses(cli, ("redo",), 1, "event 2 (bike.retired of bike 1 by ann) cannot be taken back: nothing that can happen")
    cli.ok("entry", "begin", "Monday")
    cli.ok("entry", "note", "1", "It rained")
    refuses(cli, ("undo",), 1, "event 4 (entry.noted of entry 1 by ann) cannot be taken back", "to an entry undoes it;")
    refuses(
        cli, ("restore-to", "2"), 1, "entry 1 (Monday) should not be there, and nothing ends it; nothing was written"
    )
    assert cli.ok("restore-to", "3").out.startswith("nothing to do")


def test_plan_for_several_kinds_counts_the_events_of_each(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.ok("user", "create", "Bob", "--email", "bob@example.com")
    cli.ok("bike", "register", "WBK-1", "--model", "Cargo 8")
    said = "restore-to event 0: bikes retired 1; users destroyed 2, after event 3; 3 of 3 records would be ended\n"
    assert cli.ok("restore-to", "0", "--dry-run").err.endswith(said)
