"""A late event is decided on the log, of which a cache only says where to look: few lines of it, and not it alone."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import orjson
import pytest
from conftest import Clock
from support.caches import cache_every_log
from support.calls import Meter
from support.registers import create, register_at
from support.users import DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED

from evcli.domain.refusals import BreaksLater, DoesNotLast, Misplaced, NotThen
from evcli.register.decide import Intention
from evcli.register.register import Register


def at(hour: int) -> str:
    return f"2026-02-01T{hour:02}:00:00.000000Z"


def late(type: str, id: int, hour: int | None = None, **data: str) -> Intention:
    return Intention(type, data, lambda _: id, time=None if hour is None else at(hour))


@pytest.fixture
def told(log_path: Path) -> Register:
    """Users 1 and 2, to whom something happened every hour of 2026-02-01."""
    hour = iter(range(1, 24))
    register = register_at(log_path, clock=lambda: datetime(2026, 2, 1, next(hour), tzinfo=UTC))
    for wanted in (
        create("Ada"), create("Bob"), late(RENAMED, 1, name="Ada K"), late(EMAIL_CHANGED, 1, email="ada@x.org"),
        late(RENAMED, 1, name="Ada L"), late(DESTROYED, 2), late(RESTORED, 2), late(RENAMED, 1, name="Ada M"),
    ):  # fmt: skip
        register.execute(wanted)
    return register


REFUSED = {
    "of its own record": (late(DESTROYED, 1, 2), 3),
    "of the last event of its own record": (late(DESTROYED, 1, 8), 9),
    "of another": (create("Eve", "ada@x.org", time=at(3)), 4),
    "of one who had its key": (create("Eve", "ada@example.com", time=at(2)), 1),
}


def cached(log_path: Path, patch: pytest.MonkeyPatch) -> tuple[Register, str]:
    """A register over a log that has a cache, and the path of that."""
    cache_every_log(patch)
    register = register_at(log_path)
    register.at()
    register.catch_up()
    path = register.history.cache_path
    assert path
    return register, path


@pytest.mark.parametrize(("wanted", "other"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("row", range(1, 10))
def test_lost_row_of_a_cache_decides_nothing(
    told: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch, row: int, wanted: Intention, other: int
) -> None:
    told.execute(late(EMAIL_CHANGED, 1, email="ada@y.org"))
    register, path = cached(log_path, monkeypatch)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"DELETE FROM user_spans WHERE changed = {row}")
    with pytest.raises(Misplaced) as refused:
        register.execute(wanted)
    assert refused.value.more == {"event": other}


def test_row_of_a_cache_that_names_another_line_decides_nothing(
    told: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, path = cached(log_path, monkeypatch)
    with closing(sqlite3.connect(path)) as db, db:
        rows = dict(db.execute("SELECT changed, row FROM user_spans"))
        *own, _, previous = orjson.loads(rows[3])
        row = orjson.dumps([*own, orjson.loads(rows[5])[len(own)], previous])
        db.execute("UPDATE user_spans SET row = ?, sum = ? WHERE changed = 3", (row, crc32(row)))
    wanted, other = REFUSED["of its own record"]
    with pytest.raises(Misplaced) as refused:
        register.execute(wanted)
    assert refused.value.more == {"event": other}


def test_with_a_cache_few_lines_are_read(log_path: Path, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in range(1, 3000, 500):
        register.execute(*(create(f"User {number}", f"user-{number}@x.org") for number in range(first, first + 500)))
    register.execute(late(RENAMED, 7, name="Ada"))
    cache_every_log(monkeypatch, 1000)
    other = register_at(log_path)
    other.catch_up()
    meter = Meter(monkeypatch)
    before = "2026-03-01T08:00:00.000000Z"
    with pytest.raises(NotThen):
        other.execute(late(DESTROYED, 7)._replace(time=before))
    other.execute(late(EMAIL_CHANGED, 7, email="ada@x.org"))
    with pytest.raises(BreaksLater):
        other.execute(create("Eve", "user-7@x.org", time=before))
    assert 0 < meter.read < 200_000
    assert log_path.stat().st_size > 900_000


def test_what_a_register_recorded_late_itself_is_not_read_again(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.history.most_behind = 1 << 30  # as for an import
    meter = Meter(monkeypatch)
    for first in range(1, 1000, 100):
        numbers = range(first, first + 100)
        register.execute(*(create(f"User {each}", f"user-{each}@x.org", time=at(2)) for each in numbers))
        register.execute(*(late(RENAMED, each, 3, name="Ada") for each in numbers))
    assert 0 < meter.read < 200_000
    assert log_path.stat().st_size > 700_000


def test_what_did_not_fit_before_is_not_held_against_a_late_event(register: Register, clock: Clock) -> None:
    def happens(hour: int, wanted: Intention) -> None:
        clock.now = datetime(2026, 2, 1, hour, tzinfo=UTC)
        register.execute(wanted)

    happens(5, create("Ada"))
    happens(6, create("Bob"))
    happens(20, late(DESTROYED, 1))
    # Then by clocks that are behind: Bob cannot have changed his e-mail after he was destroyed, nor Cyd have had Ada's.
    happens(10, late(EMAIL_CHANGED, 2, email="ada@example.com"))
    happens(8, late(DESTROYED, 2))
    happens(15, create("Cyd", "ada@example.com"))
    happens(21, late(DESTROYED, 3))
    # So Bob's new e-mail, which is also Ada's then, now is when Cyd comes; but that did not fit anyway.
    register.execute(late(RESTORED, 2, 9))


def test_unique_key_that_differed_before_is_not_held_against_a_late_event(register: Register, clock: Clock) -> None:
    b, c = (late(EMAIL_CHANGED, 1, email=email) for email in ("b@x.org", "c@x.org"))
    for hour, wanted in ((5, create("Ada")), (20, b), (10, c)):  # the last one by a clock that is behind
        clock.now = datetime(2026, 2, 1, hour, tzinfo=UTC)
        register.execute(wanted)
    register.execute(late(RENAMED, 1, 6, name="Ada K"))


def test_event_that_changed_the_unique_key_again_is_named(told: Register) -> None:
    with pytest.raises(DoesNotLast) as refused:
        told.execute(late(EMAIL_CHANGED, 1, 3, email="c@x.org"))
    assert refused.value.more == {"event": 4}


def test_what_another_process_recorded_meanwhile_counts(register: Register, log_path: Path) -> None:
    register.execute(create("Ada", time=at(1)))
    register_at(log_path).execute(late(RENAMED, 1, 3, name="Ada K"))
    with pytest.raises(BreaksLater):
        register.execute(late(DESTROYED, 1, 2))
