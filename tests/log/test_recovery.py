"""What a crash can leave at the end of a log: it is put aside with a copy, and no failure on the way loses it."""

import errno
import os
import stat
from pathlib import Path

import pytest
from support.calls import Calls
from support.errors import raising
from support.events import TIME, creation, lines_of
from support.logs import reading, umask
from support.registers import create, register_at

from evcli.disk import keep_copy
from evcli.domain.refusals import Taken
from evcli.errors import Damaged, EvcliError, NotWritten, OutcomeUnknown
from evcli.register.verify import audit

LINES = lines_of(
    [
        creation(1, "ada", data={"name": "ada", "email": "ada@example.com"}),
        creation(2, "bob", data={"name": "bob", "email": "bob@example.com"}),
        creation(3, type="user.destroyed", subject="user/1", data={"reason": "x" * 2000}, time=TIME),
    ]
)
"""Three events; the last one is long and lies in five sectors."""
LOG = b"".join(LINES)
START_OF_LAST = len(LINES[0] + LINES[1])
TAIL = LINES[2][:-9]
"""The last line without its last bytes."""


# --- what the next writer does with a torn tail -----------------------------------------------------------------------


def copies_beside(log_path: Path) -> list[Path]:
    return sorted(log_path.parent.glob("*.torn*"))


@pytest.fixture
def torn(log_path: Path) -> Path:
    """A log whose last line is torn."""
    log_path.write_bytes(LOG[:-9])
    return log_path


@pytest.mark.case(30)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o644])
def test_a_torn_tail_is_copied_for_those_who_may_read_the_log_and_noticed_once(
    torn: Path, mask: int, mode: int
) -> None:
    torn.chmod(mode)
    register = register_at(torn)
    with umask(mask):
        (notice,) = register.execute(create("eve")).notices
    (copy,) = copies_beside(torn)
    assert copy.name == f"events.jsonl.torn-{START_OF_LAST}"
    assert stat.S_IMODE(copy.stat().st_mode) == mode
    assert copy.read_bytes() == TAIL
    assert f"{len(TAIL)} bytes" in notice
    assert f"byte {START_OF_LAST} " in notice
    assert f"are kept in {copy}; if events are missing now, the file was truncated since" in notice
    assert register.execute(create("dan")).notices == []


@pytest.mark.case(55)
def test_a_copy_overwrites_no_file_and_follows_no_link(torn: Path, tmp_path: Path) -> None:
    first, second, third, fourth = (
        torn.with_name(f"{torn.name}.torn-{START_OF_LAST}{end}") for end in ("", "-2", "-3", "-4")
    )
    victim = tmp_path / "victim"
    victim.write_text("mine")
    first.write_text("an earlier one")
    second.write_text("another one")
    third.symlink_to(victim)
    register_at(torn).execute(create("eve"))
    assert (first.read_text(), second.read_text(), victim.read_text()) == ("an earlier one", "another one", "mine")
    assert fourth.read_bytes() == TAIL


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_command_that_writes_nothing_leaves_the_torn_tail(torn: Path, dry_run: bool) -> None:
    if dry_run:
        register_at(torn).execute(create("eve"), dry_run=True)
    else:
        with pytest.raises(Taken):
            register_at(torn).execute(create("bob"))
    assert torn.read_bytes() == LOG[:-9]
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
def test_a_torn_end_is_settled_and_synced_before_an_append(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes, steps: list[str]
) -> None:
    log_path.write_bytes(LINES[0] + LINES[1] + end)
    calls = Calls(monkeypatch, log_path)
    register_at(log_path).execute(create("eve"))
    assert calls.made == [*steps, "fsync log", "write log", "fsync log"]


def test_a_missing_newline_that_cannot_be_written_stops_the_writer(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path.write_bytes(LOG[:-1])
    Calls(monkeypatch, log_path).failing["write log"] = errno.ENOSPC
    with pytest.raises(NotWritten, match="newline of the last event is missing and could not be written"):
        register_at(log_path).execute(create("eve"))
    assert log_path.read_bytes() == LOG[:-1]


@pytest.mark.parametrize("end", [end for end, _ in END.values()], ids=END)
def test_a_writer_killed_at_any_call_leaves_what_the_next_finishes(log_path: Path, end: bytes) -> None:
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


CANNOT: dict[str, tuple[int, type[EvcliError], int, list[str], str]] = {
    # the call that fails, with which error, and what is raised and said
    "write copy": (errno.ENOSPC, NotWritten, 14, ["nothing was written"], ""),
    "fsync copy": (errno.ENOSPC, NotWritten, 14, ["nothing was written"], ""),
    "ftruncate log": (errno.ENOSPC, NotWritten, 14, ["nothing was written"], ""),
    "ftruncate log, which may only be appended to": (errno.EPERM, Damaged, 12, [], "chattr -a"),
}


@pytest.mark.case(18, 33)
@pytest.mark.parametrize("call", CANNOT)
def test_a_tail_that_cannot_be_put_aside_stays_and_nothing_is_written(
    torn: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    number, error, code, said, hint = CANNOT[call]
    Calls(monkeypatch, torn).failing[call.partition(",")[0]] = number
    with raising(error, code, f"byte {START_OF_LAST}", f"{len(TAIL)} bytes", *said, hint=hint) as failed:
        register_at(torn).execute(create("eve"))
    if isinstance(failed.value, Damaged):
        assert (failed.value.line, failed.value.byte) == (3, START_OF_LAST)
        assert "nothing was written" in failed.value.hint
    assert torn.read_bytes() == LOG[:-9]
    assert copies_beside(torn) == [], "a copy that is none was left"


def test_a_failed_sync_after_a_tail_was_put_aside_names_the_copy(torn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Calls(monkeypatch, torn).failing["fsync log"] = errno.EIO
    with raising(OutcomeUnknown, 15, hint="before repeating") as failed:
        register_at(torn).execute(create("eve"))
    (copy,) = copies_beside(torn)
    assert str(copy) in failed.value.hint


def test_a_tail_that_could_not_be_put_aside_is_put_aside_next_time(torn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for call in ("write copy", "fsync copy", "fsync folder", "ftruncate log", "fsync log"):
        with monkeypatch.context() as patch:
            Calls(patch, torn).failing[call] = errno.EIO
            with pytest.raises((NotWritten, OutcomeUnknown)):
                register_at(torn).execute(create("eve"))
        found = [torn.read_bytes()[START_OF_LAST:], *(copy.read_bytes() for copy in copies_beside(torn))]
        assert TAIL in found, f"the tail is lost when {call} fails"
        assert torn.read_bytes().startswith(LOG[:START_OF_LAST])
    register_at(torn).execute(create("eve"))
    with reading(torn) as reader:
        assert (audit(reader).status, reader.at.number) == ("good", 3)


def test_a_copy_is_written_whole_even_when_the_disk_takes_it_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:100]))
    kept = keep_copy(str(tmp_path / "copy"), [b"0123456789" * 50, b"0123456789" * 49], tmp_path.stat())
    assert Path(kept).read_bytes() == b"0123456789" * 99
