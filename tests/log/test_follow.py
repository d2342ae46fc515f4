"""Following the log step by step: between two looks, the test changes the file as another process could."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.logs import replace, split
from support.registers import create as creation
from support.registers import register_at

from evcli.domain.event import Event
from evcli.errors import CannotOpen, EvcliError, NotALog
from evcli.log import follow as following
from evcli.log.file import engine
from evcli.log.file.engine import FileLog
from evcli.log.file.open import open_for_reading
from evcli.log.file.view import View
from evcli.log.follow import follow
from evcli.log.reader import Reader
from evcli.register.register import Register
from evcli.register.repair import repair

Step = Callable[[], object]


class Seen(Exception):
    """The test has no more steps."""


def create(register: Register, *names: str) -> None:
    """Users of these names, as one batch where they are several."""
    register.execute(*(creation(name) for name in names))


class Followed:
    """The events and the notices of a follower; each step is done between two of its looks."""

    def __init__(self, log: Path, *steps: Step) -> None:
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


# --- what another does to the log -------------------------------------------------------------------------------------


def more(log: Path, *names: str, ids: str = "other") -> Step:
    """Create users of these names, with a register that is made then."""
    return lambda: create(register_at(log, ids), *names)


def append(log: Path, data: bytes) -> Step:
    def step() -> None:
        with log.open("ab") as file:
            file.write(data)

    return step


def cut(log: Path, left: int) -> Step:
    """Cut the log after its first `left` lines."""
    return lambda: os.truncate(log, len(b"".join(split(log)[:left])))


def replaced(log: Path, content: bytes) -> Step:
    return lambda: replace(log, content)


def folder(log: Path) -> Step:
    def step() -> None:
        log.unlink()
        log.mkdir()

    return step


def landing(log: Path, *commands: str) -> list[bytes]:
    """The lines of users that the log does not have yet; each command creates those of one letter each, as a batch."""
    size, writer = log.stat().st_size, register_at(log, "landing")
    for names in commands:
        create(writer, *names)
    lines = split(log.read_bytes()[size:])
    os.truncate(log, size)
    return lines


# --- what lands -------------------------------------------------------------------------------------------------------

GONE = "is gone; waiting for a new log"
OTHER = "it was replaced by another file"
STEPS: dict[str, tuple[Callable[[Path], list[Step]], str, list[str]]] = {
    # what is done between the looks at the log of a, b and c; the names that are shown; the notices
    "events": (lambda log: [nothing, more(log, "d"), nothing, more(log, "e", ids="more"), nothing], "de", []),
    "a batch": (lambda log: [more(log, "d", "e", "f")], "def", []),
    "a cut after an event that was shown": (
        lambda log: [more(log, "d"), cut(log, 3), more(log, "D")], "dD",
        ["the log was truncated, and event 4, shown above, is no longer in the log; continuing after event 3"],
    ),
    "a copy": (
        lambda log: [replaced(log, log.read_bytes()), more(log, "d")], "d", [f"{OTHER}; continuing after event 3"]
    ),
    "an older copy": (
        lambda log: [replaced(log, b"".join(split(log)[:2])), more(log, "C")], "C",
        [f"{OTHER}, and event 3, shown above, is no longer in the log; continuing after event 2"],
    ),
    "no log for a while": (
        lambda log: [log.unlink, *[nothing] * 5, more(log, "x"), nothing], "x",
        [GONE, f"{OTHER}, and event 3, shown above, is no longer in the log; continuing after event 0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "names", "notices"), STEPS.values(), ids=STEPS)
def test_a_follower_shows_what_is_new_and_notices_what_is_lost(
    three: Register, log_path: Path, steps: Callable[[Path], list[Step]], names: str, notices: list[str]
) -> None:
    followed = Followed(log_path, *steps(log_path))
    assert followed.names == list(names)
    assert [notice.removeprefix(f"{log_path}: ").removeprefix(f"{log_path} ") for notice in followed.notices] == notices


def test_a_torn_tail_that_is_put_aside_is_neither_shown_nor_a_cut(three: Register, log_path: Path) -> None:
    torn = append(log_path, b'{"specversion":"1.0","id":"x')
    followed = Followed(log_path, torn, nothing, more(log_path, "d"))
    assert (followed.names, followed.notices) == (["d"], [])
    assert list(log_path.parent.glob("*.torn-*"))


def test_an_empty_log_is_followed_from_its_first_event(register: Register, log_path: Path) -> None:
    log_path.touch(mode=0o600)
    assert Followed(log_path, lambda: create(register, "a"), lambda: create(register, "b")).names == ["a", "b"]


def test_a_log_that_does_not_change_is_not_read(
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


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_line_that_lands_in_two_parts_is_shown_once_when_whole(three: Register, log_path: Path, cut: int) -> None:
    (line,), before = landing(log_path, "d"), log_path.read_bytes()
    parts = append(log_path, line[:cut]), nothing
    if cut != -1:  # only its newline is missing
        half = Followed(log_path, *parts)
        assert (half.names, half.notices) == ([], [])
        log_path.write_bytes(before)
    whole = Followed(log_path, *parts, append(log_path, line[cut:]), nothing)
    assert (whole.names, whole.notices) == (["d"], [])


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_half_a_batch_is_not_shown_but_what_takes_its_place_is(three: Register, log_path: Path, kept: int) -> None:
    d, e, f = landing(log_path, "def")
    crash = append(log_path, (d + e + f)[: [10, len(d), len(d + e)][kept]])
    assert Followed(log_path, crash, nothing, more(log_path, "g")).names == ["g"]


# --- what is cut ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 1, 2])
@pytest.mark.parametrize("is_looked_at_between", [True, False])
def test_events_after_a_cut_are_shown(three: Register, log_path: Path, left: int, is_looked_at_between: bool) -> None:
    writer = register_at(log_path)

    def cut_now() -> None:
        cut(log_path, left)()
        if not is_looked_at_between:
            again()

    def again() -> None:
        for name in "xyzuv":  # more than were there: the size alone does not tell that it was cut
            create(writer, name)

    followed = Followed(log_path, cut_now, *([again] if is_looked_at_between else []), nothing)
    assert followed.names == list("xyzuv")
    assert followed.notices == [
        f"{log_path}: the log was truncated, and event 3, shown above, is no longer in the log; "
        f"continuing after event {left}"
    ]


def test_a_cut_that_leaves_size_and_time_as_they_were_is_seen(three: Register, log_path: Path) -> None:
    found = log_path.stat()

    def rewritten() -> None:
        cut(log_path, 2)()
        create(register_at(log_path), "C")
        assert log_path.stat().st_size == found.st_size
        os.utime(log_path, ns=(found.st_atime_ns, found.st_mtime_ns))

    followed = Followed(log_path, nothing, rewritten, nothing)
    assert followed.names == ["C"]
    assert followed.notices[0].endswith("continuing after event 2")


def test_a_cut_deeper_than_is_remembered_goes_on_from_the_end(
    three: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 2)
    for name in "def":
        create(three, name)

    def repaired() -> None:
        cut(log_path, 2)()
        create(register_at(log_path), "x")

    followed = Followed(log_path, repaired, more(log_path, "y", ids="more"))
    assert followed.names == ["y"]
    assert followed.notices[0].endswith("continuing after event 3")


def test_a_log_that_was_empty_when_opened_is_known_after_a_cut(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 1)
    log_path.touch(mode=0o600)
    followed = Followed(log_path, *(more(log_path, name, ids=name) for name in "ab"), cut(log_path, 1), nothing)
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
    assert [notice.rpartition(";")[2] for notice in followed.notices] == [" continuing after event 2"]


# --- another file in its place ----------------------------------------------------------------------------------------


def test_another_log_in_its_place_is_shown_from_its_beginning(
    three: Register, log_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REMEMBERED", 2)
    more(tmp_path / "b.jsonl", "x", "y")()
    content = (tmp_path / "b.jsonl").read_bytes()
    followed = Followed(log_path, replaced(log_path, content), more(log_path, "z", ids="more"))
    assert followed.names == ["x", "y", "z"]
    assert followed.notices[0].endswith("continuing after event 0")


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
    followed = Followed(log_path, replaced(log_path, log_path.read_bytes()), nothing)
    assert followed.notices == [f"{log_path}: it was replaced by another file; continuing after event 3"]


def test_a_change_to_a_file_that_is_gone_is_ignored(three: Register, log_path: Path) -> None:
    with log_path.open("r+b") as still_open:
        followed = Followed(log_path, log_path.unlink, nothing, lambda: still_open.truncate(0), nothing, nothing)
    assert followed.notices == [f"{log_path} {GONE}"]


def test_the_file_that_is_left_is_closed(three: Register, log_path: Path) -> None:
    open_before = len(os.listdir("/dev/fd"))
    content = log_path.read_bytes()
    Followed(log_path, *[replaced(log_path, content), nothing] * 5)
    assert len(os.listdir("/dev/fd")) == open_before


# --- what is wrong ----------------------------------------------------------------------------------------------------


BAD: dict[str, Callable[[Path], bytes]] = {
    # what is appended to the log
    "a changed letter": lambda log: landing(log, "d")[0].replace(b'"d"', b'"D"'),
    "a repeated line": lambda log: split(log)[-1],
    "a line left out": lambda log: landing(log, "d", "e")[1],
    "no JSON": lambda log: b"{}\n",
}


@pytest.mark.parametrize("way", ["repair", "cut", "edit", "older"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_follower_goes_on_past_a_bad_line_once_it_is_repaired(
    three: Register, log_path: Path, bad: Callable[[Path], bytes], way: str
) -> None:
    good, added = log_path.read_bytes(), bad(log_path)

    def repaired() -> None:
        if way == "repair":
            repair(register_at(log_path, "repairs"), 1)
        elif way == "edit":
            log_path.write_bytes(good)
        elif way == "cut":
            os.truncate(log_path, len(good))
        else:
            replace(log_path, b"".join(split(log_path)[:2]))

    followed = Followed(log_path, append(log_path, added), nothing, nothing, repaired, more(log_path, "x"), nothing)
    assert followed.names == ["x"]
    assert followed.notices[0].startswith(f"{log_path} line ")
    assert followed.notices[0].endswith("; waiting until it is repaired")
    assert [notice.rpartition("; ")[2] for notice in followed.notices[1:]] == {
        "repair": ["continuing after event 3"], "older": ["continuing after event 2"],
    }.get(way, [])  # fmt: skip


def test_each_bad_line_is_told_once(three: Register, log_path: Path) -> None:
    good = log_path.read_bytes()
    steps = [append(log_path, b"{}\n"), nothing, append(log_path, b"{}\n"), lambda: log_path.write_bytes(good)]
    followed = Followed(log_path, *steps, more(log_path, "x"), append(log_path, b"{}\n"), nothing)
    assert followed.names == ["x"]
    assert [notice.partition(", ")[0].rpartition(" ")[2] for notice in followed.notices] == ["4", "5"]


WRONG: dict[str, tuple[Callable[[Path], Step], type[EvcliError], str]] = {
    # what happens, and how the follower ends
    "notes in its place": (lambda log: replaced(log, b"Milk, eggs\n"), NotALog, "line 1"),
    "a folder in its place": (folder, CannotOpen, "is a folder"),
}


@pytest.mark.parametrize(("happens", "error", "said"), WRONG.values(), ids=WRONG)
def test_a_follower_ends_at_what_is_no_log(
    three: Register, log_path: Path, happens: Callable[[Path], Step], error: type[EvcliError], said: str
) -> None:
    with pytest.raises(error, match=said):
        Followed(log_path, happens(log_path), nothing)


def test_a_cut_between_the_lines_of_a_batch_goes_back_before_it(register: Register, log_path: Path) -> None:
    create(register, "a")
    create(register, "b", "c", "d")
    followed = Followed(log_path, cut(log_path, 3), nothing, more(log_path, "x"), nothing)
    assert followed.names == ["x"]
    assert followed.notices[0].endswith("continuing after event 1")


def test_a_log_that_goes_twice_is_reported_twice(three: Register, log_path: Path) -> None:
    away = log_path.with_name("away")

    def go() -> None:
        log_path.rename(away)

    def come() -> None:
        away.rename(log_path)

    assert Followed(log_path, go, nothing, come, go, nothing).notices == [f"{log_path} {GONE}"] * 2
