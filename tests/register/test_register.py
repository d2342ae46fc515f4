"""The register: an intention becomes an event or is refused, on the state at the head and nowhere else."""

import errno
import gc
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import Clock
from support.calls import Calls, Meter
from support.errors import raising
from support.events import creation
from support.logs import reading, replace, split, writing
from support.registers import NOW, create, register_at
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, USER, User, find_user

from evcli.domain.refusals import NoSuchRecord, NotLive, Taken, Unchanged
from evcli.domain.state import State
from evcli.errors import (
    BadInput,
    BadText,
    Busy,
    Conflict,
    Damaged,
    EvcliError,
    IdTaken,
    LogCut,
    NoLog,
    OutcomeUnknown,
    Refused,
)
from evcli.log.file.engine import FileLog
from evcli.log.line import timestamp
from evcli.register.actor import random_id, utc_now
from evcli.register.decide import Intention
from evcli.register.past import Past
from evcli.register.register import Register

VECTORS = Path(__file__).parents[1] / "vectors"


def about(who: str, type: str, **data: str) -> Intention:
    return Intention(type, data, about=lambda state: find_user(state, who, destroyed_first=type == RESTORED).id)


def rename(who: str, name: str) -> Intention:
    return about(who, RENAMED, name=name)


Let = Callable[[Callable[[], object]], None]


@pytest.fixture
def before_the_lock(monkeypatch: pytest.MonkeyPatch) -> Let:
    """Let something happen after the next look at the log, before its lock is taken."""
    locked = FileLog.locked

    def let(happen: Callable[[], object]) -> None:
        def after_that(log: FileLog, wait: float, *, may_create: bool) -> Any:
            monkeypatch.setattr(FileLog, "locked", locked)
            happen()
            return locked(log, wait, may_create=may_create)

        monkeypatch.setattr(FileLog, "locked", after_that)

    return let


def record(register: Register, *intentions: Intention) -> None:
    """Execute the intentions, each for itself."""
    for intention in intentions:
        register.execute(intention)


def users(register: Register, number: int | None = None) -> list[User]:
    with reading(register.log.name) as reader:
        return list(Past(reader.log).at(number).records(USER))


def events(register: Register) -> list[Any]:
    with reading(register.log.name) as reader:
        return list(reader.events())


# --- an intention becomes an event ------------------------------------------------------------------------------------


def test_an_accepted_intention_is_an_event_in_the_log(register: Register, log_path: Path) -> None:
    outcome = register.execute(create("Ada"))[0]
    assert log_path.read_bytes() == outcome.line
    assert outcome.recorded
    ada = creation(1, time=timestamp(NOW), data={"name": "Ada", "email": "ada@example.com"})
    assert {name: value for name, value in outcome.event.items() if name != "sha256"} == ada
    assert (ada["authid"], ada["time"]) == ("ann", "2026-03-01T09:00:00.000000Z")


def test_an_outcome_tells_the_record_before_and_after(register: Register) -> None:
    created = register.execute(create("Ada"))[0]
    assert (created.before, created.after) == (None, User(1, "Ada", "ada@example.com", 1, 1))
    renamed = register.execute(rename("Ada", "Ada King"))[0]
    assert (renamed.before, renamed.after) == (created.after, User(1, "Ada King", "ada@example.com", 1, 2))


def test_every_type_of_event_is_recorded(register: Register) -> None:
    record(register, create("Ada"), rename("Ada", "Ada King"), about("1", EMAIL_CHANGED, email="king@example.com"))
    record(register, about("king@example.com", DESTROYED, reason="left"), about("Ada King", RESTORED))
    assert [event["type"] for event in events(register)] == [CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED]
    assert users(register) == [User(1, "Ada King", "king@example.com", 1, 5)]


def test_one_event_can_be_asked_for_with_what_it_changed(register: Register) -> None:
    record(register, create("Ada"), rename("Ada", "Eve"), create("Bob"))
    with reading(register.log.name) as reader:
        event, before, after = register.history.change(reader, 2)
    assert event["data"] == {"name": "Eve"}
    assert (before.name, after.name) == ("Ada", "Eve")


def test_an_event_is_durable_before_it_is_answered(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, sizes = Calls(monkeypatch, log_path), list[int]()
    calls.before["fsync log"] = lambda: sizes.append(log_path.stat().st_size)
    done = register.execute(create("Ada"))
    assert (calls.made[-2:], sizes, done.recorded) == (["write log", "fsync log"], [len(done[0].line)], True)


@pytest.mark.case(5)
def test_a_failed_sync_is_not_answered_and_its_number_is_free(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.execute(create("Ada"))
    with monkeypatch.context() as patch:
        Calls(patch, log_path).failing["fsync log"] = errno.EIO
        with pytest.raises(OutcomeUnknown):
            register.execute(create("Bob"))
    assert register.execute(create("Bob"))[0].event["sequence"] == "000000000002"
    assert [user.name for user in users(register)] == ["Ada", "Bob"]


@pytest.mark.parametrize("actor", ["", "a" * 129, "ann\x1b", "\udcff"])
def test_an_actor_that_no_event_can_hold_is_refused(log_path: Path, actor: str) -> None:
    with raising(BadText, 2, "the actor", hint="EVCLI_ACTOR"):
        Register(FileLog(str(log_path)), actor=actor).execute(create("Ada"))
    assert not log_path.exists()


def test_an_event_gets_a_random_uuid_of_version_4() -> None:
    ids = {random_id() for _ in range(100)}
    assert len(ids) == 100
    for id in ids:
        assert str(UUID(id)) == id
        assert UUID(id).version == 4
        assert UUID(id).variant == "specified in RFC 4122"


def test_the_clock_of_the_world_knows_its_zone() -> None:
    assert utc_now().tzinfo is UTC


# --- refusals ---------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Intention, type[EvcliError]]] = [
    ("a taken e-mail", create("Eve", "ADA@example.com"), Taken),
    ("nobody of that name", rename("Zoe", "Eve"), NoSuchRecord),
    ("the same name", rename("Ada", "Ada"), Unchanged),
    ("destroyed already", about("2", DESTROYED), NotLive),
]


@pytest.mark.case(66)
@pytest.mark.parametrize(("intention", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_refused_intention_leaves_every_byte_as_it_was(
    register: Register, log_path: Path, tmp_path: Path, intention: Intention, error: type[EvcliError], dry_run: bool
) -> None:
    record(register, create("Ada"), create("Bob"), about("Bob", DESTROYED))
    before, files = log_path.read_bytes(), sorted(tmp_path.iterdir())
    with raising(error, 1):
        register.execute(intention, dry_run=dry_run)
    assert log_path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files
    assert register.execute(create("Dan"))[0].event["sequence"] == "000000000004", "the refusal was counted"


def test_a_refused_first_event_makes_no_file(tmp_path: Path) -> None:
    def nobody(state: State) -> int:
        raise NoSuchRecord("user", "x", "event 0")

    register = register_at(tmp_path / "new" / "events.jsonl", makes_folders=True)
    for dry_run in (False, True):
        with raising(NoLog, 10):
            register.execute(rename("Ada", "Eve"), dry_run=dry_run)
    with pytest.raises(Refused):
        register.execute(create("Ada", about=nobody))
    with pytest.raises(Conflict):
        register.execute(create("Ada"), expect=(1, None))
    assert not (tmp_path / "new").exists()


# --- dry run ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_event_and_writes_nothing(register: Register, log_path: Path) -> None:
    register.execute(create("Ada"))
    before = log_path.read_bytes()
    outcome = register.execute(create("Bob"), dry_run=True)[0]
    assert not outcome.recorded
    assert outcome.event["sequence"] == "000000000002"
    assert outcome.after == User(2, "Bob", "bob@example.com", 2, 2)
    assert log_path.read_bytes() == before
    assert register.execute(create("Bob"))[0].event["data"] == outcome.event["data"]


def test_a_dry_run_on_no_log_makes_none(tmp_path: Path) -> None:
    register = register_at(tmp_path / "new" / "events.jsonl", makes_folders=True)
    outcome = register.execute(create("Ada"), dry_run=True)[0]
    assert outcome.after == User(1, "Ada", "ada@example.com", 1, 1)
    assert not (tmp_path / "new").exists()


def test_a_dry_run_waits_for_no_lock(register: Register) -> None:
    register.execute(create("Ada"))
    with writing(register.log.name):
        assert register.execute(create("Bob"), dry_run=True, lock_wait=0)[0].event["sequence"] == "000000000002"
        with pytest.raises(Busy):
            register.execute(create("Bob"), lock_wait=0)


# --- expect -----------------------------------------------------------------------------------------------------------


def test_an_expected_head_by_number_or_with_its_hash_is_accepted(register: Register) -> None:
    register.execute(create("Ada"), expect=(0, None))
    done = register.execute(create("Bob"), expect=(1, None))
    register.execute(create("Dan"), expect=(2, done[0].event["sha256"]))
    assert len(events(register)) == 3


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("expect", [(0, None), (1, None), (3, None), (2, "0" * 64)])
def test_a_head_that_moved_is_a_conflict_and_nothing_is_written(
    register: Register, log_path: Path, expect: tuple[int, str | None], dry_run: bool
) -> None:
    register.execute(create("Ada"))
    head = register.execute(create("Bob"))[0].event["sha256"]
    before = log_path.read_bytes()
    with raising(Conflict, 13, f"the head is 2:{head}, not {expect[0]}", "nothing was written"):
        register.execute(create("Dan"), expect=expect, dry_run=dry_run)
    assert log_path.read_bytes() == before


@pytest.mark.parametrize(("expect", "error"), [((1, None), Conflict), (None, Taken)])
def test_an_intention_is_decided_again_under_the_lock(
    register: Register, log_path: Path, before_the_lock: Let, expect: tuple[int, None] | None, error: type[EvcliError]
) -> None:
    register.execute(create("Ada"))
    before_the_lock(lambda: register_at(log_path).execute(create("Eve")))
    with pytest.raises(error):
        register.execute(create("Eva", "eve@example.com"), expect=expect)
    assert [user.name for user in users(register)] == ["Ada", "Eve"]


# --- ids that callers name --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_same_command_with_the_same_id_is_recorded_once(register: Register, log_path: Path, dry_run: bool) -> None:
    first = register.execute(create("Ada"), id="mine")[0]
    assert first.event["id"] == "mine"
    register.execute(create("Bob"))
    before = log_path.read_bytes()
    again = register.execute(create("Ada"), id="mine", dry_run=dry_run)[0]
    assert (again.event, again.before, again.after) == (first.event, first.before, first.after)
    assert not again.recorded
    assert log_path.read_bytes() == before


def test_a_repeated_id_is_answered_after_a_sync(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.execute(create("Ada"), id="mine")
    calls = Calls(monkeypatch, log_path)
    assert register.execute(create("Ada"), id="mine").was_there
    assert calls.made == ["fsync log"]


def test_a_repeated_id_comes_before_expect_who_and_the_rules(register: Register) -> None:
    register.execute(create("Ada"))
    register.execute(rename("Ada", "Eve"), id="mine", expect=(1, None))
    register.execute(about("Eve", DESTROYED))
    again = register.execute(rename("Ada", "Eve"), id="mine", expect=(1, None))[0]
    assert again.event["sequence"] == "000000000002"
    assert not again.recorded


@pytest.mark.parametrize(
    "another",
    [create("Eve"), create("Ada", "eve@example.com"), rename("Ada", "Ada King"), about("Ada", DESTROYED)],
    ids=["name", "e-mail", "type", "other type"],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_id_of_an_event_that_says_something_else_is_a_conflict(
    register: Register, log_path: Path, another: Intention, dry_run: bool
) -> None:
    register.execute(create("Ada"), id="mine")
    before = log_path.read_bytes()
    with raising(Conflict, 13, "event id mine is taken by event 1 (user.created user/1)", "nothing was written"):
        register.execute(another, id="mine", dry_run=dry_run)
    assert log_path.read_bytes() == before


def test_a_repeated_id_means_whom_it_meant_then(register: Register) -> None:
    register.execute(create("Ada"))
    register.execute(create("Bob"))
    register.execute(about("Ada", DESTROYED), id="mine")
    register.execute(create("Ada", "other@example.com"))
    again = register.execute(about("Ada", DESTROYED), id="mine")[0]
    assert again.event["subject"] == "user/1"
    assert not again.recorded
    with pytest.raises(Conflict):
        register.execute(about("Bob", DESTROYED), id="mine")


def test_an_id_that_only_begins_like_a_recorded_one_is_free(register: Register) -> None:
    register.execute(create("Ada"), id="mine-2")
    assert register.execute(create("Bob"), id="mine")[0].recorded


@pytest.mark.parametrize("id", ["", "x" * 129, "a\x1b", "\udcff", "\u202e"])
def test_an_id_that_no_event_can_have_is_refused(register: Register, log_path: Path, id: str) -> None:
    with raising(BadText, 2, "the event id"):
        register.execute(create("Ada"), id=id)
    assert not log_path.exists()


# --- clocks -----------------------------------------------------------------------------------------------------------


STILL = "2026-03-01T09:00:00.000000Z"
CLOCKS: dict[str, tuple[datetime, str, bool, str]] = {
    # the clock after an event at nine, the time of the next event, whether the clock is behind, and what is said of it
    "behind": (datetime(2026, 3, 1, 8, 59, 30, tzinfo=UTC), "2026-03-01T08:59:30.000000Z", True, "0:00:30"),
    "far behind": (datetime(1969, 7, 20, tzinfo=UTC), "1969-07-20T00:00:00.000000Z", True, "20678 days"),
    "at the first year": (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z", True, "739675 days"),
    "still": (datetime(2026, 3, 1, 9, tzinfo=UTC), STILL, False, ""),
    "in another zone": (
        datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=-8))), "2026-03-01T17:00:00.000000Z", False, ""
    ),
}  # fmt: skip


@pytest.mark.case(79)
@pytest.mark.parametrize(("now", "time", "is_behind", "said"), CLOCKS.values(), ids=CLOCKS)
def test_the_time_of_an_event_is_its_clocks_beside_the_recorded_one(
    register: Register, log_path: Path, now: datetime, time: str, is_behind: bool, said: str
) -> None:
    register.execute(create("Ada"))
    done = register_at(log_path, clock=lambda: now).execute(create("Bob"))
    assert done[0].event["time"] == time
    assert done[0].event.get("recordedtime") == (STILL if is_behind else None)
    assert [said in notice and "behind event 1" in notice for notice in done.notices] == [True] * is_behind
    later = register_at(log_path, "later", clock=lambda: max(now, Clock()())).execute(create("Dan"))
    assert "recordedtime" not in later[0].event
    assert later.notices == []


# --- a register that is kept ------------------------------------------------------------------------------------------


def test_only_what_is_new_is_read_for_the_next_event(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # so that a long log is made soon
        for number in range(400):
            register.execute(create(f"U{number}"))
    size, meter = log_path.stat().st_size, Meter(monkeypatch)
    register.execute(create("Last"))
    assert meter.read < 20_000 < size / 5, f"{meter.read} of {size} bytes were read again"


def cut(log: Path) -> None:
    os.truncate(log, len(split(log)[0]))


def emptied(log: Path) -> None:
    log.write_bytes(b"")


def replaced(log: Path) -> None:
    replace(log, (VECTORS / "ten.jsonl").read_bytes())


@pytest.mark.case(38)
@pytest.mark.parametrize("is_late", [False, True], ids=["before it is looked at", "before it is locked"])
@pytest.mark.parametrize("happens", [cut, emptied, replaced])
def test_a_log_that_loses_events_while_in_use_is_not_written_to(
    register: Register, log_path: Path, before_the_lock: Let, happens: Callable[[Path], None], is_late: bool
) -> None:
    record(register, create("Ada"), create("Bob"))
    left: list[bytes] = []

    def lose() -> None:
        happens(log_path)
        left.append(log_path.read_bytes())

    before_the_lock(lose) if is_late else lose()
    with raising(LogCut, 12, "used to contain event 2"):
        register.execute(create("Dan"))
    assert [log_path.read_bytes()] == left


def test_a_log_that_is_removed_while_in_use_is_not_begun_anew(register: Register, log_path: Path) -> None:
    register.execute(create("Ada"))
    log_path.unlink()
    with pytest.raises(EvcliError) as gone:
        register.execute(create("Bob"))
    assert gone.value.exit in (10, 12)
    assert not log_path.exists()


def test_a_register_that_met_damage_works_again_once_the_log_is_mended(register: Register, log_path: Path) -> None:
    for name in ("Ada", "Bob", "Dan"):
        register_at(log_path, name).execute(create(name))
    good = log_path.read_bytes()
    log_path.write_bytes(good.replace(b"Dan", b"Don", 1))
    with pytest.raises(Damaged) as damage:
        register.execute(create("Eve"))
    assert damage.value.line == 3
    log_path.write_bytes(good)
    assert register.execute(create("Eve"))[0].event["sequence"] == "000000000004"


def test_a_log_that_breaks_a_rule_is_damaged_and_the_event_named(log_path: Path, register: Register) -> None:
    log_path.write_bytes((VECTORS / "bad-rule-destroyed-twice.jsonl").read_bytes())
    with pytest.raises(Damaged, match=r"event 11 \(user\.destroyed\) breaks a rule") as damage:
        register.execute(create("Eve"))
    assert damage.value.line == 11


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(register: Register, was_on: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        register.execute(create("Ada"))
        users(register)
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()


# --- events that are recorded after the fact --------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["2026-03-01T09:00:00.000001Z", "2026-03-01T09:30:00.000000Z"])
def test_an_event_cannot_have_happened_later_than_now(
    register: Register, clock: Clock, log_path: Path, time: str
) -> None:
    clock.advance(hours=1)
    register.execute(create("Ada"))
    before = log_path.read_bytes()
    clock.advance(hours=-1)
    with pytest.raises(BadInput, match="cannot have happened"):
        register.execute(create("Bob", time=time))
    assert log_path.read_bytes() == before


def test_an_event_that_happened_earlier_says_so_and_when_it_was_recorded(register: Register) -> None:
    done = register.execute(create("Ada", time="2020-01-01T00:00:00.000000Z", id="mine"))[0]
    assert [done.event["time"], done.event["recordedtime"]] == ["2020-01-01T00:00:00.000000Z", STILL]
    assert done.event["id"] == "mine"


def test_a_repeated_id_about_nobody_is_a_conflict(register: Register) -> None:
    register.execute(create("Ada"))
    register.execute(rename("Ada", "Eve"), id="once")
    with pytest.raises(IdTaken):
        register.execute(rename("Nobody", "Eve"), id="once")


def test_a_refused_command_leaves_the_state_as_it_was(register: Register) -> None:
    register.execute(create("Ada"))
    with pytest.raises(Refused):
        register.execute(about("1", DESTROYED), about("1", DESTROYED))
    assert register.execute(rename("1", "Eve"))[0].after.name == "Eve"


def test_event_that_answers_another_names_it(register: Register) -> None:
    register.execute(create("Ada"))
    (first,) = register.events()
    back = about("1", DESTROYED)._replace(answers=first["id"])
    done = register.execute(back, create("Bo"))
    assert [outcome.event.get("causationid") for outcome in done] == [first["id"], None]
    assert [event.get("causationid") for event in register.events()] == [None, first["id"], None]
