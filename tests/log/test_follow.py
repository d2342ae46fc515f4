"""Following the log step by step: between two looks, the test does to the file what somebody could do."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.logs import split
from support.registers import create as creation
from support.registers import register_at

from evcli.domain.event import Event
from evcli.errors import CannotOpen, Damaged, EvcliError, NotALog
from evcli.log import follow as following
from evcli.log.file import engine
from evcli.log.file.engine import FileLog
from evcli.log.file.open import open_for_reading
from evcli.log.file.view import View
from evcli.log.follow import follow
from evcli.log.reader import Reader
from evcli.register.register import Register


class Seen(Exception):
    """The test has no more steps."""


def create(register: Register, *names: str) -> None:
    """Users of these names, as one batch where they are several."""
    register.execute(*(creation(name) for name in names))


class Followed:
    """The events and the notices of a follower; each step is done between two of its looks."""

    def __init__(self, log: Path, *steps: Callable[[], object]) -> None:
        self.events: list[Event] = []
        self.notices: list[str] = []
        self._steps = iter(steps)
        self.reader = Reader(FileLog(str(log)))
        with self.reader:
            try:
                for event in follow(self.reader, self.reader.log.head(), pause=self._wait, tell=self.notices.append):
                    self.events.append(event)
            except Seen:
                pass

    def _wait(self) -> None:
        step = next(self._steps, None)
        if step is None:
            raise Seen
        step()

    @property
    def names(self) -> list[str]:
        return [event["data"]["name"] for event in self.events]


def nothing() -> None:
    """Two looks one after the other."""


@pytest.fixture
def three(register: Register) -> Register:
    """Three users, a, b and c."""
    for name in "abc":
        create(register, name)
    return register


@pytest.fixture
def landing(three: Register, log_path: Path) -> bytes:
    """The line of a fourth user, d, which the log does not have yet."""
    create(three, "d")
    *before, last = split(log_path)
    log_path.write_bytes(b"".join(before))
    return last


# --- what lands -------------------------------------------------------------------------------------------------------


def test_each_event_that_lands_is_shown_once_and_no_earlier_one(three: Register, log_path: Path) -> None:
    followed = Followed(log_path, nothing, lambda: create(three, "d"), nothing, lambda: create(three, "e"), nothing)
    assert (followed.names, followed.notices) == (["d", "e"], [])


def test_an_empty_log_is_followed_from_its_first_event(register: Register, log_path: Path) -> None:
    log_path.touch(mode=0o600)
    assert Followed(log_path, lambda: create(register, "a"), lambda: create(register, "b")).names == ["a", "b"]


def test_a_batch_is_shown_whole(three: Register, log_path: Path) -> None:
    assert Followed(log_path, lambda: create(three, "d", "e", "f")).names == ["d", "e", "f"]


def test_while_nothing_changes_the_log_is_not_read(
    three: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    real = View.refresh

    def refresh(view: View) -> None:
        looks.append(1)
        real(view)

    monkeypatch.setattr(View, "refresh", refresh)
    Followed(log_path, *[nothing] * 50, lambda: create(three, "d"), *[nothing] * 50)
    # One when the log is opened, one at the beginning, two around the event by its writer, one when it landed.
    assert len(looks) <= 6


def append(log: Path, data: bytes) -> Callable[[], None]:
    def step() -> None:
        with log.open("ab") as file:
            file.write(data)

    return step


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_line_that_lands_in_two_parts_is_shown_once_when_whole(landing: bytes, log_path: Path, cut: int) -> None:
    before = log_path.read_bytes()
    parts = append(log_path, landing[:cut]), nothing
    if landing[:cut] != landing[:-1]:  # which lacks only its newline
        half = Followed(log_path, *parts)
        assert (half.names, half.notices) == ([], [])
        log_path.write_bytes(before)
    whole = Followed(log_path, *parts, append(log_path, landing[cut:]), nothing)
    assert (whole.names, whole.notices) == (["d"], [])


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_half_a_batch_is_not_shown_but_what_takes_its_place_is(three: Register, log_path: Path, kept: int) -> None:
    start = log_path.stat().st_size
    create(three, "d", "e", "f")
    *_, d, e, f = split(log_path)
    os.truncate(log_path, start)
    crash = append(log_path, (d + e + f)[: [10, len(d), len(d + e)][kept]])
    followed = Followed(log_path, crash, nothing, lambda: create(register_at(log_path), "g"), nothing)
    assert followed.names == ["g"]


def test_a_torn_tail_that_is_put_aside_is_neither_shown_nor_a_cut(three: Register, log_path: Path) -> None:
    followed = Followed(
        log_path, append(log_path, b'{"specversion":"1.0","id":"x'), nothing, lambda: create(register_at(log_path), "d")
    )
    assert (followed.names, followed.notices) == (["d"], [])
    assert list(log_path.parent.glob("*.torn-*"))


# --- what is cut ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 1, 2])
@pytest.mark.parametrize("is_looked_at_between", [True, False])
def test_after_a_cut_what_follows_it_is_shown(
    three: Register, log_path: Path, left: int, is_looked_at_between: bool
) -> None:
    end = sum(map(len, split(log_path)[:left]))

    def cut() -> None:
        os.truncate(log_path, end)
        if not is_looked_at_between:
            again()

    def again() -> None:
        for name in "xyzuv":  # more than were there: the size alone does not tell that it was cut
            create(writer, name)

    writer = register_at(log_path)
    followed = Followed(log_path, cut, *([again] if is_looked_at_between else []), nothing)
    assert followed.names == list("xyzuv")
    assert followed.notices == [
        f"{log_path}: the log was cut, and event 3, shown above, is no longer in the log; going on after event {left}"
    ]


def test_an_event_that_was_shown_and_taken_back_is_noticed(three: Register, log_path: Path) -> None:
    size = log_path.stat().st_size
    followed = Followed(
        log_path,
        lambda: create(three, "d"),
        lambda: os.truncate(log_path, size),
        lambda: create(register_at(log_path), "D"),
    )
    assert followed.names == ["d", "D"]
    (notice,) = followed.notices
    assert "event 4, shown above, is no longer in the log; going on after event 3" in notice


def test_a_cut_that_leaves_size_and_time_as_they_were_is_seen(three: Register, log_path: Path) -> None:
    found = log_path.stat()
    two = b"".join(split(log_path)[:2])

    def rewritten() -> None:
        with log_path.open("r+b") as log:
            log.truncate(len(two))
        create(register_at(log_path), "C")
        assert log_path.stat().st_size == found.st_size
        os.utime(log_path, ns=(found.st_atime_ns, found.st_mtime_ns))

    followed = Followed(log_path, nothing, rewritten, nothing)
    assert followed.names == ["C"]
    assert followed.notices[0].endswith("going on after event 2")


def test_a_cut_deeper_than_is_remembered_goes_on_from_the_end(
    three: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 2)
    for name in "def":
        create(three, name)
    end = sum(map(len, split(log_path)[:2]))

    def repaired() -> None:
        os.truncate(log_path, end)
        create(register_at(log_path), "x")

    followed = Followed(log_path, repaired, lambda: create(register_at(log_path, "more"), "y"))
    assert followed.names == ["y"]
    assert followed.notices[0].endswith("going on after event 3")


def test_a_log_that_was_empty_when_opened_is_known_after_a_cut(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 1)
    log_path.touch(mode=0o600)

    def cut() -> None:
        os.truncate(log_path, len(split(log_path)[0]))

    followed = Followed(log_path, lambda: create(register, "a"), lambda: create(register, "b"), cut, nothing)
    assert followed.names == ["a", "b"], "after a cut, what was shown is not shown again"


def test_a_cut_while_it_is_read_is_a_cut_and_no_damage(
    three: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = sum(map(len, split(log_path)[:2]))
    real, once = Reader.events, iter([1])

    def events(reader: Reader, *place: Any, **stop: Any) -> Iterator[Event]:
        if len(place) == 1 and place[0].number == 3 and next(once, None):  # as a follower reads, the first time
            os.truncate(log_path, end)
            create(register_at(log_path, "a-longer-id-than-any-that-was-there"), *"xyzu")
            assert reader.log.head().number == 6
        return real(reader, *place, **stop)

    monkeypatch.setattr(Reader, "events", events)
    followed = Followed(log_path, nothing, nothing)
    assert followed.names == ["x", "y", "z", "u"]
    assert [notice.rpartition(";")[2] for notice in followed.notices] == [" going on after event 2"]


# --- another file in its place ----------------------------------------------------------------------------------------


def replace(log: Path, content: bytes) -> Callable[[], None]:
    def step() -> None:
        new = log.with_name("new")
        new.write_bytes(content)
        new.chmod(0o600)
        new.rename(log)

    return step


def test_a_copy_in_its_place_is_followed_without_loss_or_repetition(three: Register, log_path: Path) -> None:
    content = log_path.read_bytes()
    followed = Followed(log_path, replace(log_path, content), lambda: create(register_at(log_path), "d"))
    assert followed.names == ["d"]
    assert followed.notices == [f"{log_path}: another file took its place; going on after event 3"]


def test_an_older_copy_in_its_place_is_followed_after_its_end(three: Register, log_path: Path) -> None:
    older = b"".join(split(log_path)[:2])
    followed = Followed(log_path, replace(log_path, older), lambda: create(register_at(log_path), "C"))
    assert followed.names == ["C"]
    assert followed.notices[0].endswith("event 3, shown above, is no longer in the log; going on after event 2")


def test_another_log_in_its_place_is_shown_from_its_beginning(
    three: Register, log_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 2)
    create(register_at(tmp_path / "b.jsonl"), "x", "y")
    content = (tmp_path / "b.jsonl").read_bytes()
    followed = Followed(log_path, replace(log_path, content), lambda: create(register_at(log_path, "more"), "z"))
    assert followed.names == ["x", "y", "z"]
    assert followed.notices[0].endswith("going on after event 0")


def test_a_log_that_is_gone_is_waited_for_with_one_notice(three: Register, log_path: Path) -> None:
    followed = Followed(log_path, log_path.unlink, *[nothing] * 5, lambda: create(register_at(log_path), "x"), nothing)
    assert followed.names == ["x"]
    assert len(followed.notices) == 2
    assert followed.notices[0] == f"{log_path} is gone; waiting until there is a log again"


def test_a_file_that_goes_and_comes_back_between_two_looks_is_found_again(
    three: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, real, times = log_path.with_name("away"), open_for_reading, iter(range(10))

    def reopened(path: str) -> int:
        if next(times) != 1:  # the first is the follower's own
            return real(path)
        log_path.rename(away)
        try:
            return real(path)
        finally:
            away.rename(log_path)

    monkeypatch.setattr(engine, "open_for_reading", reopened)
    followed = Followed(log_path, replace(log_path, log_path.read_bytes()), nothing)
    assert followed.notices == [f"{log_path}: another file took its place; going on after event 3"]


def test_a_change_to_a_file_that_is_gone_is_ignored(three: Register, log_path: Path) -> None:
    with log_path.open("r+b") as still_open:
        followed = Followed(log_path, log_path.unlink, nothing, lambda: still_open.truncate(0), nothing, nothing)
    assert followed.notices == [f"{log_path} is gone; waiting until there is a log again"]


def test_the_file_that_is_left_is_closed(three: Register, log_path: Path) -> None:
    open_before = len(os.listdir("/dev/fd"))
    content = log_path.read_bytes()
    Followed(log_path, *[replace(log_path, content), nothing] * 5)
    assert len(os.listdir("/dev/fd")) == open_before


def folder(log: Path) -> Callable[[], None]:
    def step() -> None:
        log.unlink()
        log.mkdir()

    return step


@pytest.mark.parametrize(
    ("step", "error"),
    [(lambda log: replace(log, b"Milk, eggs\n"), NotALog), (folder, CannotOpen)],
    ids=["notes", "a folder"],
)
def test_a_follower_ends_when_no_log_takes_its_place(
    three: Register, log_path: Path, step: Callable[[Path], Callable[[], None]], error: type[EvcliError]
) -> None:
    with pytest.raises(error):
        Followed(log_path, step(log_path), nothing)


# --- what is wrong ----------------------------------------------------------------------------------------------------


DAMAGE: dict[str, Callable[[bytes, bytes, bytes], bytes]] = {
    # what lands, of the line before, the one that belongs there and the one after it
    "a changed letter": lambda before, d, e: d.replace(b'"name":"d"', b'"name":"D"'),
    "a repeated line": lambda before, d, e: before,
    "a line left out": lambda before, d, e: e,
    "no JSON": lambda before, d, e: b"{}\n",
}


@pytest.mark.parametrize("lands", DAMAGE.values(), ids=DAMAGE)
def test_a_line_that_does_not_belong_there_is_damage_and_not_shown(
    three: Register, log_path: Path, lands: Callable[[bytes, bytes, bytes], bytes]
) -> None:
    for name in "de":
        create(three, name)
    *before, d, e = split(log_path)
    log_path.write_bytes(b"".join(before))
    with pytest.raises(Damaged, match="line 4"):
        Followed(log_path, append(log_path, lands(before[-1], d, e)), nothing)
