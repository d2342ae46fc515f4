"""Mending a damaged log: only when asked, a full copy first, cut at the first bad line, nothing good lost before it."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evcli.audit import audit
from evcli.errors import Damaged, EvcliError, NotALog, NothingToRepair, NotWritten, OutcomeUnknown
from evcli.eventlog.file import FileLog
from evcli.eventlog.format import MAX_LINE, NO_HASH, encode, hash_of
from evcli.eventlog.reading import LogReader
from evcli.register import Register
from evcli.repair import Plan, mend, plan

TIME = "2026-03-01T09:00:00.000000Z"


def chain(count: int, before: bytes = b"", first: int = 1, **changes: Any) -> list[bytes]:
    """So many lines, each creating a user, which follow on `before`."""
    lines = []
    for number in range(first, first + count):
        members: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"id-{number}",
            "source": "evcli",
            "type": "user.created",
            "subject": f"user/{number}",
            "time": TIME,
            "sequence": f"{number:012}",
            "authtype": "user",
            "authid": "ann",
            "data": {"name": "Ada", "email": f"{number}@example.com"},
        }
        before = encode({**members, **changes}, hash_of(before) if before else NO_HASH, TIME if before else "")
        lines.append(before)
    return lines


TEN = chain(10)


def spoiled(line: bytes) -> bytes:
    return line.replace(b"Ada", b"Eve")


def planned(log: Path) -> Plan:
    with LogReader(str(log)) as reader:
        return plan(reader)


def repair(log: Path) -> tuple[Plan, str]:
    with FileLog(str(log)).locked(0, may_create=False) as writer:
        return mend(writer)


def status(log: Path) -> tuple[str, int]:
    with LogReader(str(log)) as reader:
        report = audit(reader)
        return report.status, report.head.number


def files(log: Path) -> list[str]:
    return sorted(path.name for path in log.parent.iterdir())


def forked(at: int) -> bytes:
    """Ten lines, of which those after line `at` are of another history: each good in itself."""
    return b"".join(TEN[:at] + chain(10 - at, chain(1, first=at)[0], at + 1, authid="bob"))


def twice_the_id(at: int) -> bytes:
    """Ten lines in a good chain, of which line `at` has the id of the first one."""
    again = chain(1, TEN[at - 2], at, id="id-1")
    return b"".join(TEN[: at - 1] + again + chain(10 - at, again[0], at + 1))


def against_a_rule(at: int) -> bytes:
    """Ten lines in a good chain, of which line `at` creates a user who has that e-mail already."""
    again = chain(1, TEN[at - 2], at, data={"name": "Eve", "email": "1@example.com"})
    return b"".join(TEN[: at - 1] + again + chain(10 - at, again[0], at + 1))


DAMAGE: dict[str, tuple[bytes, int, int]] = {
    # what is wrong: the bytes, the first bad line, how many of the lines that go can be read as events
    "a letter in the first line": (b"".join([spoiled(TEN[0]), *TEN[1:]]), 1, 10),
    "a letter in a middle line": (b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]]), 5, 6),
    "a letter in the last line": (b"".join([*TEN[:9], spoiled(TEN[9])]), 10, 1),
    "two letters": (b"".join([*TEN[:2], spoiled(TEN[2]), *TEN[3:7], spoiled(TEN[7]), *TEN[8:]]), 3, 8),
    "a line of garbage at the end": (b"".join(TEN) + b"garbage\n", 11, 0),
    "a line of garbage and an open one": (b"".join(TEN) + b"garbage\nmore", 11, 0),
    "a line of garbage in the middle": (b"".join([*TEN[:5], b"\xff\x00garbage\n", *TEN[5:]]), 6, 5),
    "a blank line": (b"".join([*TEN[:5], b"\n", *TEN[5:]]), 6, 5),
    "a line removed": (b"".join(TEN[:3] + TEN[4:]), 4, 6),
    "a line twice": (b"".join(TEN[:3] + TEN[2:]), 4, 8),
    "two lines swapped": (b"".join([*TEN[:3], TEN[4], TEN[3], *TEN[5:]]), 4, 7),
    "another history from a line on": (forked(6), 7, 4),
    "a sector of zeros in the middle": (b"".join([*TEN[:5], bytes(600), b"\n", *TEN[7:]]), 6, 3),
    "zeros beyond the line limit": (b"".join(TEN) + bytes(MAX_LINE + 1), 11, 0),
    "a line far beyond the limit in the middle": (b"".join([*TEN[:5], b"x" * 3 * MAX_LINE, b"\n", *TEN[5:]]), 6, 5),
    "an id twice": (twice_the_id(4), 4, 7),
    "an event against a rule": (against_a_rule(4), 4, 7),
    "an id twice and a spoiled line later": (twice_the_id(4).replace(b"9@example", b"8@example"), 4, 7),
    "damage and then a torn tail": (b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:], TEN[9][:50]]), 5, 6),
}


def first_byte(line: int) -> int:
    return sum(map(len, TEN[: line - 1]))


@pytest.mark.parametrize(("content", "line", "readable"), DAMAGE.values(), ids=DAMAGE)
def test_the_plan_is_the_first_bad_line_and_all_that_follows_and_changes_nothing(
    log_path: Path, content: bytes, line: int, readable: int
) -> None:
    log_path.write_bytes(content)
    found = planned(log_path)
    assert (found.fault.line, found.fault.byte) == (line, first_byte(line))
    assert found.head.number == line - 1
    assert found.gone_bytes == len(content) - first_byte(line)
    assert sum(gone.event is not None for gone in found.gone) == readable
    assert (found.gone[0].line, found.gone[0].byte) == (line, first_byte(line))
    assert [gone.line for gone in found.gone] == list(range(line, line + len(found.gone)))
    assert all(gone.byte == 0 or content[gone.byte - 1 : gone.byte] == b"\n" for gone in found.gone)
    assert log_path.read_bytes() == content
    assert files(log_path) == ["events.jsonl"]


@pytest.mark.parametrize(("content", "line", "readable"), DAMAGE.values(), ids=DAMAGE)
def test_a_repair_does_what_was_planned_keeps_all_of_it_and_leaves_a_good_log(
    log_path: Path, content: bytes, line: int, readable: int
) -> None:
    log_path.write_bytes(content)
    before = planned(log_path)
    done, copy = repair(log_path)
    assert (done.head, done.gone, done.gone_bytes) == (before.head, before.gone, before.gone_bytes)
    assert log_path.read_bytes() == b"".join(TEN[: line - 1])
    assert Path(copy).read_bytes() == content
    assert status(log_path) == ("good", line - 1)
    assert files(log_path) == ["events.jsonl", Path(copy).name]


@pytest.mark.parametrize(("content", "line", "readable"), DAMAGE.values(), ids=DAMAGE)
def test_what_the_audit_names_first_is_where_a_repair_cuts(
    log_path: Path, content: bytes, line: int, readable: int
) -> None:
    log_path.write_bytes(content)
    with LogReader(str(log_path)) as reader:
        report = audit(reader)
    assert isinstance(report.error, Damaged)
    assert (report.error.line, report.error.byte) == (line, first_byte(line))
    assert (report.faults[0].line, report.faults[0].byte) == (line, first_byte(line))
    assert report.head.number == line - 1, "the head is not the place before the first fault"


def test_after_a_repair_the_next_event_follows_on_the_last_good_one(log_path: Path, register: Register) -> None:
    log_path.write_bytes(b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]]))
    repair(log_path)
    with FileLog(str(log_path)).locked(0, may_create=False) as writer:
        assert writer.reader.last().number == 4
        writer.append(TEN[4], 5)
    assert status(log_path) == ("good", 5)


def test_the_copy_is_its_owners_only_whatever_the_umask_and_named_for_the_byte(log_path: Path) -> None:
    log_path.write_bytes(b"".join([*TEN[:4], spoiled(TEN[4])]))
    log_path.chmod(0o644)
    before = os.umask(0)
    try:
        _, copy = repair(log_path)
    finally:
        os.umask(before)
    assert copy == f"{log_path}.damaged-{first_byte(5)}"
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600


def test_no_copy_is_ever_overwritten_and_no_planted_link_followed(log_path: Path, tmp_path: Path) -> None:
    content = b"".join([*TEN[:4], spoiled(TEN[4])])
    name = f"{log_path}.damaged-{first_byte(5)}"
    victim = tmp_path / "victim"
    victim.write_text("mine")
    Path(name).write_text("an earlier one")
    Path(f"{name}-2").symlink_to(victim)
    log_path.write_bytes(content)
    _, copy = repair(log_path)
    assert copy == f"{name}-3"
    assert Path(copy).read_bytes() == content
    assert (Path(name).read_text(), victim.read_text()) == ("an earlier one", "mine")


def test_the_same_damage_repaired_twice_leaves_two_copies(log_path: Path) -> None:
    content = b"".join([*TEN[:4], spoiled(TEN[4])])
    kept = set()
    for _ in range(2):
        log_path.write_bytes(content)
        kept.add(repair(log_path)[1])
    assert len(kept) == 2
    assert all(Path(copy).read_bytes() == content for copy in kept)


# --- what is not repaired ---------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[bytes, type[EvcliError], int]] = {
    "a good log": (b"".join(TEN), NothingToRepair, 1),
    "an empty log": (b"", NothingToRepair, 1),
    "a torn one": (b"".join(TEN) + TEN[0][:50], NothingToRepair, 1),
    "one torn in its first line": (TEN[0][:50], NothingToRepair, 1),
    "somebody's notes": (b"Dear diary,\ntoday\n", NotALog, 12),
    "notes without an end": (b"Dear diary", NotALog, 12),
    "zeros beyond the line limit": (bytes(2 * MAX_LINE), NotALog, 12),
    "a text in UTF-16": ("\ufeff".encode("utf-16") + b"".join(TEN).decode().encode("utf-16-le"), NotALog, 12),
}


@pytest.mark.parametrize(("content", "error", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_damaged_or_no_log_is_refused_and_stays_as_it_is(
    log_path: Path, content: bytes, error: type[EvcliError], code: int
) -> None:
    log_path.write_bytes(content)
    for ask in (planned, repair):
        with pytest.raises(error) as refused:
            ask(log_path)
        assert refused.value.exit == code
        assert "nothing was changed" in refused.value.message + refused.value.hint
    assert log_path.read_bytes() == content
    assert files(log_path) == ["events.jsonl"]


def test_of_a_torn_log_it_is_said_how_many_bytes_the_next_write_puts_aside(log_path: Path) -> None:
    log_path.write_bytes(b"".join(TEN) + b"x" * 57)
    with pytest.raises(NothingToRepair) as refused:
        planned(log_path)
    assert "57 bytes" in refused.value.message
    assert f"10:{hash_of(TEN[9]).decode()}" in refused.value.message


# --- beside an announced batch ----------------------------------------------------------------------------------------


def announce(log: Path, start: int, lines: bytes) -> Path:
    path = log.with_name(log.name + ".batch")
    said = b'{"start":%d,"end":%d,"sha256":"%b"}\n' % (start, start + len(lines), hash_of(lines))
    path.write_bytes(said)
    return path


def test_a_repair_forgets_a_batch_whose_lines_it_cuts(log_path: Path) -> None:
    content = b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]])
    log_path.write_bytes(content)
    batch = announce(log_path, first_byte(8), b"".join(TEN[7:]))
    _, copy = repair(log_path)
    assert log_path.read_bytes() == b"".join(TEN[:4])
    assert Path(copy).read_bytes() == content
    assert not batch.exists(), "what is appended now could pass for half of the batch that was cut"
    with FileLog(str(log_path)).locked(0, may_create=False) as writer:
        writer.append(b"".join(TEN[4:]), 5)
    assert status(log_path) == ("good", 10)


def test_half_a_batch_after_damage_goes_with_it_and_is_in_the_copy(log_path: Path) -> None:
    content = b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]])[:-9]
    log_path.write_bytes(content)
    batch = announce(log_path, first_byte(8), b"".join(TEN[7:]))
    found = planned(log_path)
    assert found.gone_bytes == len(content) - first_byte(5)
    _, copy = repair(log_path)
    assert log_path.read_bytes() == b"".join(TEN[:4])
    assert Path(copy).read_bytes() == content
    assert not batch.exists()


# --- faults on the way ------------------------------------------------------------------------------------------------


class Calls:
    """The calls that change or sync files, in order; some of them fail, or end the process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self.before: Callable[[str], None] = lambda call: None
        self._log = log
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            found = os.fstat(descriptor)
            is_log = os.path.samestat(found, self._log.stat())
            what = "folder" if stat.S_ISDIR(found.st_mode) else "log" if is_log else "copy"
            self.made.append(f"{name} {what}")
            self.before(self.made[-1])
            return real(descriptor, *arguments)

        return call


BROKEN = b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]])
STEPS = ["fsync log", "write copy", "fsync copy", "fsync folder", "fsync folder", "ftruncate log", "fsync log"]
"""The first is the audit's: what is to be judged is made durable. A batch is forgotten before the cut."""


@pytest.fixture
def broken(log_path: Path) -> Path:
    log_path.write_bytes(BROKEN)
    return log_path


def test_the_copy_is_durable_before_the_cut_and_the_cut_before_the_answer(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, broken)
    repair(broken)
    assert calls.made == STEPS


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("call", ["write copy", "fsync copy", "fsync folder", "ftruncate log"])
def test_until_the_cut_a_fault_leaves_the_log_as_it_was(
    broken: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int
) -> None:
    def fail(made: str) -> None:
        if made == call:
            raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        Calls(patch, broken).before = fail
        with pytest.raises(NotWritten) as failed:
            repair(broken)
    assert failed.value.exit == 14
    assert "as it was" in failed.value.message
    assert broken.read_bytes() == BROKEN
    copies = {str(path): path.read_bytes() for path in broken.parent.glob("*.damaged*")}
    # Before the cut was tried, a copy is of no use; once it was, who knows what the disk has done?
    assert list(copies.values()) == ([BROKEN] if call == "ftruncate log" else [])
    assert all(f"a copy of it is in {path}" in failed.value.message for path in copies)
    repair(broken)
    assert status(broken) == ("good", 4)


def test_when_the_batch_file_cannot_be_removed_before_the_cut_the_copy_is_named(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(broken, first_byte(8), b"".join(TEN[7:]))

    def fail(made: str) -> None:
        if calls.made == [*STEPS[:4], "ftruncate copy"]:  # the batch file is no log either
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        calls = Calls(patch, broken)
        calls.before = fail
        with pytest.raises(NotWritten, match="a copy of it is in") as failed:
            repair(broken)
    (copy,) = broken.parent.glob("*.damaged*")
    assert str(copy) in failed.value.message
    assert copy.read_bytes() == broken.read_bytes() == BROKEN


def test_a_cut_that_cannot_be_synced_is_an_unknown_outcome_and_names_the_copy(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(made: str) -> None:
        if made == "fsync log" and calls.made.count(made) > 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    calls = Calls(monkeypatch, broken)
    calls.before = fail
    with pytest.raises(OutcomeUnknown) as failed:
        repair(broken)
    assert failed.value.exit == 15
    (copy,) = broken.parent.glob("*.damaged*")
    assert str(copy) in failed.value.message
    assert copy.read_bytes() == BROKEN
    assert calls.made.count("fsync log") == 2, "a failed sync was tried again"


def test_killed_before_any_call_a_repair_leaves_the_log_as_it_was_or_mended_and_nothing_is_lost(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, broken)
    found = []
    for step in range(len(STEPS)):
        broken.write_bytes(BROKEN)
        child = os.fork()
        if not child:
            try:
                calls.made.clear()
                calls.before = lambda _, step=step: os._exit(9) if len(calls.made) == step + 1 else None  # type: ignore[misc]
                repair(broken)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        content = broken.read_bytes()
        found.append(content)
        if content != BROKEN:
            assert content == b"".join(TEN[:4])
            assert BROKEN in [path.read_bytes() for path in broken.parent.glob("*.damaged*")]
        else:
            repair(broken)
        assert status(broken) == ("good", 4)
    assert found == [BROKEN] * 6 + [b"".join(TEN[:4])]
