"""What a crash can leave at the end of a log: told from damage, put aside with a copy, and never somebody's notes."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.calls import Calls
from support.events import TIME, creation, lines_of
from support.logs import reading
from support.users import CREATED, USER

from evcli.cli.hints import hint_for
from evcli.disk import keep_copy
from evcli.domain.refusals import Taken
from evcli.errors import Damaged, NotWritten, OutcomeUnknown
from evcli.log.file import engine as file_module
from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.register.verify import audit

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LINES = lines_of(
    [
        creation(1, "ada", data={"name": "ada", "email": "ada@example.com"}),
        creation(2, "bob", data={"name": "bob", "email": "bob@example.com"}),
        creation(3, type="user.destroyed", subject="user/1", data={"reason": "x" * 2000}, time=TIME),
    ]
)
"""Three events; the last one is long and lies in five sectors."""
START_OF_LAST = len(LINES[0] + LINES[1])


def create(name: str) -> Intention:
    data = {"name": name, "email": f"{name}@example.com"}
    return Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False)


def register_at(path: Path, ids: str = "later") -> Register:
    counter = iter(range(1, 1000))
    return Register(FileLog(str(path)), actor="ann", clock=lambda: NOW, new_id=lambda: f"{ids}-{next(counter)}")


@pytest.fixture(autouse=True)
def _every_sync_is_an_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a sync is another call; here it is the one that the tests watch, on every system."""

    def plain(descriptor: int) -> None:
        os.fsync(descriptor)

    if sys.platform == "darwin":
        monkeypatch.setattr(file_module, "sync", plain)


# --- what the next writer does with a torn tail -----------------------------------------------------------------------


def copies_beside(log_path: Path) -> list[Path]:
    return sorted(log_path.parent.glob("*.torn*"))


@pytest.fixture
def log() -> bytes:
    return b"".join(LINES)


@pytest.fixture
def torn(log: bytes, log_path: Path) -> Path:
    """A log whose last line lacks its last bytes."""
    log_path.write_bytes(log[:-9])
    return log_path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.case(30)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_copy_is_named_for_its_byte_and_its_owners_only_whatever_the_umask(
    torn: Path, log: bytes, mask: int
) -> None:
    with umask(mask):
        register_at(torn).execute(create("eve"))
    (copy,) = copies_beside(torn)
    assert copy.name == f"events.jsonl.torn-{START_OF_LAST}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes() == log[START_OF_LAST:-9]


def test_the_writer_says_how_many_bytes_it_cut_where_and_where_they_are(torn: Path, log: bytes) -> None:
    start = START_OF_LAST
    (notice,) = register_at(torn).execute(create("eve")).notices
    assert f"{len(log) - 9 - start} bytes" in notice
    assert f"byte {start}" in notice
    assert str(copies_beside(torn)[0]) in notice


def test_the_second_event_after_a_tail_was_cut_says_nothing_of_it(torn: Path) -> None:
    register = register_at(torn)
    register.execute(create("eve"))
    assert register.execute(create("dan")).notices == []


@pytest.mark.case(55)
def test_no_copy_is_ever_overwritten(torn: Path, log: bytes) -> None:
    start = START_OF_LAST
    taken = torn.with_name(f"{torn.name}.torn-{start}")
    taken.write_text("an earlier one")
    torn.with_name(f"{torn.name}.torn-{start}-2").write_text("another one")
    register_at(torn).execute(create("eve"))
    assert taken.read_text() == "an earlier one"
    assert torn.with_name(f"{torn.name}.torn-{start}-2").read_text() == "another one"
    assert torn.with_name(f"{torn.name}.torn-{start}-3").read_bytes() == log[start:-9]


def test_a_link_planted_where_the_copy_goes_is_not_followed(torn: Path, log: bytes, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    torn.with_name(f"{torn.name}.torn-{START_OF_LAST}").symlink_to(victim)
    register_at(torn).execute(create("eve"))
    assert victim.read_text() == "mine"


def test_readers_pass_over_a_torn_tail_and_leave_it(torn: Path, log: bytes) -> None:
    with reading(torn) as reader:
        assert audit(reader).status == "torn"
    assert torn.read_bytes() == log[:-9]
    assert copies_beside(torn) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_command_that_writes_nothing_leaves_the_torn_tail(torn: Path, log: bytes, dry_run: bool) -> None:
    if dry_run:
        register_at(torn).execute(create("eve"), dry_run=True)
    else:
        with pytest.raises(Taken):
            register_at(torn).execute(create("bob"))
    assert torn.read_bytes() == log[:-9]
    assert copies_beside(torn) == []


PUT_ASIDE = ["write copy", "fsync copy", "fsync folder", "ftruncate log"]
NEWLINE = ["write log"]
END: dict[str, tuple[bytes, list[str]]] = {
    # what the log ends with, and the calls before its sync
    "a torn tail": (LINES[2][:-9], PUT_ASIDE),
    "no newline": (LINES[2][:-1], NEWLINE),
    "another byte for the newline": (LINES[2][:-1] + b"x", [*PUT_ASIDE, *NEWLINE]),
    "a torn tail after no newline": (LINES[2][:-1] + LINES[0][:40], [*PUT_ASIDE, *NEWLINE]),
    "nothing unfinished": (LINES[2], []),
}


@pytest.mark.case(19)
@pytest.mark.parametrize(("end", "steps"), END.values(), ids=END)
def test_what_a_crash_left_is_settled_and_synced_before_a_line(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes, steps: list[str]
) -> None:
    log_path.write_bytes(LINES[0] + LINES[1] + end)
    calls = Calls(monkeypatch, log_path)
    register_at(log_path).execute(create("eve"))
    assert calls.made == [*steps, "fsync log", "write log", "fsync log"]


def test_a_newline_that_is_missing_is_written_and_not_spoken_of(log_path: Path, log: bytes) -> None:
    log_path.write_bytes(log[:-1])
    done = register_at(log_path).execute(create("eve"))
    assert log_path.read_bytes() == log + done[0].line
    assert done.notices == []


def test_a_newline_that_cannot_be_written_stops_the_writer(
    log_path: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path.write_bytes(log[:-1])
    Calls(monkeypatch, log_path).failing["write log"] = errno.ENOSPC
    with pytest.raises(NotWritten, match="newline of the last event is missing and could not be written"):
        register_at(log_path).execute(create("eve"))
    assert log_path.read_bytes() == log[:-1]


@pytest.mark.parametrize("end", [end for end, _ in END.values()], ids=END)
def test_killed_at_any_call_the_next_writer_finishes(log_path: Path, end: bytes) -> None:
    good = LINES[0] + LINES[1]
    step = 0
    while True:
        for copy in copies_beside(log_path):
            copy.unlink()
        log_path.write_bytes(good + end)
        is_done = _append_in_a_child(log_path, step) == 0
        assert log_path.read_bytes().startswith(good)
        register_at(log_path).execute(create("dan"))
        with reading(log_path) as reader:
            assert audit(reader).status == "good"
            assert reader.at.number == 3 + (LINES[2][:-1] in end) + (b'"name":"eve"' in log_path.read_bytes())
        if is_done:
            break
        step += 1
    assert step >= 3


def _append_in_a_child(log_path: Path, step: int) -> int:
    """Write in a process that is gone before its call number `step`; its exit code, 0 when it made fewer."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        with pytest.MonkeyPatch.context() as patch:
            Calls(patch, log_path).killed_at = step
            register_at(log_path, ids="child").execute(create("eve"))
        code = 0
    finally:
        os._exit(code)


@pytest.mark.case(18)
@pytest.mark.parametrize("call", ["write copy", "fsync copy", "ftruncate log"])
def test_a_tail_that_cannot_be_put_aside_stays_where_it_is_and_nothing_is_written(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    calls = Calls(monkeypatch, torn)
    calls.failing[call] = errno.ENOSPC
    with pytest.raises(NotWritten) as failed:
        register_at(torn).execute(create("eve"))
    assert failed.value.exit == 14
    assert "nothing was written" in failed.value.message
    assert f"byte {START_OF_LAST}" in failed.value.message
    assert f"{len(log) - 9 - START_OF_LAST} bytes" in failed.value.message
    assert torn.read_bytes() == log[:-9]
    assert copies_beside(torn) == [], "a copy that is none was left"


def test_a_failed_sync_after_a_tail_was_put_aside_names_the_copy(torn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Calls(monkeypatch, torn).failing["fsync log"] = errno.EIO
    with pytest.raises(OutcomeUnknown) as failed:
        register_at(torn).execute(create("eve"))
    (copy,) = copies_beside(torn)
    assert str(copy) in hint_for(failed.value)
    assert "before repeating" in hint_for(failed.value)


def test_after_a_fault_while_putting_a_tail_aside_the_next_writer_finishes(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("write copy", "fsync copy", "fsync folder", "ftruncate log", "fsync log"):
        with monkeypatch.context() as patch:
            Calls(patch, torn).failing[call] = errno.EIO
            with pytest.raises((NotWritten, OutcomeUnknown)):
                register_at(torn).execute(create("eve"))
        tail_is_somewhere = torn.read_bytes() == log[:-9] or any(
            copy.read_bytes() == log[START_OF_LAST:-9] for copy in copies_beside(torn)
        )
        assert tail_is_somewhere, f"the tail is lost when {call} fails"
        assert torn.read_bytes().startswith(log[:START_OF_LAST])
    register_at(torn).execute(create("eve"))
    with reading(torn) as reader:
        assert (audit(reader).status, reader.at.number) == ("good", 3)


@pytest.mark.case(33)
def test_a_log_that_may_only_be_appended_to_keeps_its_tail_and_says_what_to_do(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, torn)
    calls.failing["ftruncate log"] = errno.EPERM
    with pytest.raises(Damaged) as refused:
        register_at(torn).execute(create("eve"))
    assert refused.value.exit == 12
    assert (refused.value.line, refused.value.byte) == (3, START_OF_LAST)
    assert f"{len(log) - 9 - START_OF_LAST} bytes" in refused.value.message
    assert "chattr -a" in refused.value.hint
    assert "nothing was written" in refused.value.hint
    assert torn.read_bytes() == log[:-9]
    assert copies_beside(torn) == []


def test_a_copy_is_written_whole_even_when_the_disk_takes_it_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:100]))
    kept = keep_copy(str(tmp_path / "copy"), [b"0123456789" * 50, b"0123456789" * 49])
    assert Path(kept).read_bytes() == b"0123456789" * 99
