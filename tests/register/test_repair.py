"""Mending a damaged log: only when asked, a full copy first, and nothing lost that the hashes prove."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calls import Calls
from support.errors import raising
from support.events import batch_of, creation, forged, lines_of, place_at_end
from support.logs import reading, split, umask, writing

from evcli.cli.hints import hint_for
from evcli.errors import Damaged, EvcliError, NewerLog, NotALog, NothingToRepair, NotWritten, OutcomeUnknown
from evcli.log.file.engine import FileLog
from evcli.log.file.open import own_path
from evcli.log.line import MAX_LINE, hash_of
from evcli.register import repair as repairing
from evcli.register.history import History
from evcli.register.past import Past
from evcli.register.repair import Plan, plan
from evcli.register.repair import repair as repaired
from evcli.register.verify import audit

TEN = lines_of(creation(number) for number in range(1, 11))
BATCHES = lines_of([creation(1), *batch_of(2, 4), creation(5), *batch_of(6, 8)])
"""Eight events: 2 to 4 and 6 to 8 are batches."""


def instead(at: int, **changes: Any) -> list[bytes]:
    """The first lines of TEN, and others from line `at` on, of which the first has those changes."""
    events = [creation(at, **changes), *(creation(number) for number in range(at + 1, 11))]
    return TEN[: at - 1] + lines_of(events, place_at_end(TEN[: at - 1]))


NEWER = forged(creation(7, type="user.merged"), previous=hash_of(TEN[5]))[0]
"""A proved line after six of TEN, of a type that a later version knows."""


def spoiled(line: bytes) -> bytes:
    return line.replace(b"User", b"Usex")


def planned(log: Path) -> Plan:
    with reading(log) as reader:
        return plan(Past(reader.log))


def repair(log: Path) -> tuple[Plan, str]:
    return repaired(Past(FileLog(str(log))), 0)


def status(log: Path) -> tuple[str, int]:
    with reading(log) as reader:
        report = audit(reader)
        return report.status, report.head.number


def files(log: Path) -> list[str]:
    return sorted(path.name for path in log.parent.iterdir())


class Case:
    """A damaged log: its bytes, its first bad line, and the lines that a repair must leave."""

    def __init__(self, content: bytes | list[bytes], line: int, kept: Sequence[bytes], readable: int = 0) -> None:
        self.content = content = content if isinstance(content, bytes) else b"".join(content)
        self.line = line
        self.byte = len(b"".join(split(content)[: line - 1]))
        self.kept = b"".join(kept)
        self.readable = readable
        """How many of the lines that go can be read as events."""


WHOLE = b"".join(TEN)
DAMAGE = {
    # what is lost, since nothing proves what follows
    "a letter in the first line": Case([spoiled(TEN[0]), *TEN[1:]], 1, [], 10),
    "a letter in a middle line": Case([*TEN[:4], spoiled(TEN[4]), *TEN[5:]], 5, TEN[:4], 6),
    "a letter in the last line": Case([*TEN[:9], spoiled(TEN[9])], 10, TEN[:9], 1),
    "two letters": Case([*TEN[:2], spoiled(TEN[2]), *TEN[3:7], spoiled(TEN[7]), *TEN[8:]], 3, TEN[:2], 8),
    "a line removed": Case(TEN[:3] + TEN[4:], 4, TEN[:3], 6),
    "a sector of zeros in the middle": Case([*TEN[:5], bytes(600), b"\n", *TEN[7:]], 6, TEN[:5], 3),
    "an id twice": Case(instead(4, id="event-1"), 4, TEN[:3], 7),
    "an event against a rule": Case(instead(4, data={"name": "Eve", "email": "user1@example.com"}), 4, TEN[:3], 7),
    "damage and then a torn tail": Case([*TEN[:4], spoiled(TEN[4]), *TEN[5:9], TEN[9][:50]], 5, TEN[:4], 5),
    "a letter in the middle of a batch": Case([*BATCHES[:6], spoiled(BATCHES[6]), BATCHES[7]], 7, BATCHES[:5], 3),
    "a batch whose end is gone, and more": Case([*BATCHES[:3], TEN[0]], 4, BATCHES[:1], 3),
    # what comes back, since the hashes prove it
    "a line of garbage at the end": Case(WHOLE + b"garbage\n", 11, TEN),
    "a line of garbage and an open one": Case(WHOLE + b"garbage\nmore", 11, TEN),
    "a line of garbage in the middle": Case([*TEN[:5], b"\xff\x00garbage\n", *TEN[5:]], 6, TEN),
    "a blank line": Case([*TEN[:5], b"\n", *TEN[5:]], 6, TEN),
    "a blank line first": Case(b"\n" + WHOLE, 1, TEN),
    "a byte order mark": Case(b"\xef\xbb\xbf" + WHOLE, 1, TEN),
    "CRLF": Case(WHOLE.replace(b"\n", b"\r\n"), 1, TEN),
    "CRLF from a line on": Case(b"".join(TEN[:4]) + b"".join(TEN[4:]).replace(b"\n", b"\r\n"), 5, TEN),
    "CR only": Case(WHOLE.replace(b"\n", b"\r"), 1, TEN),
    "no newline between any lines": Case(WHOLE.replace(b"\n", b"") + b"\n", 1, TEN),
    "a line within a line": Case([*TEN[:4], TEN[4][:-1], *TEN[5:]], 5, TEN),
    "a line after notes without a newline": Case([*TEN[:4], b"see here: ", *TEN[4:]], 5, TEN),
    "a line twice": Case(TEN[:3] + TEN[2:], 4, TEN, 1),
    "all lines twice": Case(WHOLE * 2, 11, TEN, 10),
    "two lines swapped": Case([*TEN[:3], TEN[4], TEN[3], *TEN[5:]], 4, TEN),
    "all lines backward": Case(b"".join(reversed(TEN)), 1, TEN),
    "a letter, and the line as it was at the end": Case([*TEN[:4], spoiled(TEN[4]), *TEN[5:], TEN[4]], 5, TEN, 1),
    "zeros beyond the limit of a batch": Case(WHOLE + bytes((1 << 20) + 1), 11, TEN),
    "a line far beyond the limit in the middle": Case([*TEN[:5], b"x" * 3 * MAX_LINE, b"\n", *TEN[5:]], 6, TEN),
    "a chunk of garbage in the middle": Case([*TEN[:5], (b"x" * 63 + b"\n") * 20_000, *TEN[5:]], 6, TEN),
    "the lines of a batch swapped": Case([*BATCHES[:5], BATCHES[7], BATCHES[5], BATCHES[6]], 6, BATCHES),
    "a blank line in a batch": Case([*BATCHES[:6], b"\n", *BATCHES[6:]], 7, BATCHES),
    "a blank line and then half a batch": Case([*BATCHES[:5], b"\n", *BATCHES[5:7]], 6, BATCHES[:5], 2),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE.values(), ids=DAMAGE)
def test_a_plan_changes_nothing_and_a_repair_does_what_it_says(log_path: Path, case: Case) -> None:
    log_path.write_bytes(case.content)
    with reading(log_path) as reader:
        report = audit(reader)
    assert isinstance(report.error, Damaged)
    assert (report.error.line, report.error.byte) == report.faults[0][:2] == (case.line, case.byte)
    assert report.head.number == case.line - 1, "the head is not the place before the first fault"
    found = planned(log_path)
    assert (found.fault.line, found.fault.byte) == (case.line, case.byte)
    assert sum(gone.event is not None for gone in found.gone) == case.readable
    assert (log_path.read_bytes(), files(log_path)) == (case.content, ["events.jsonl"])
    done, copy = repair(log_path)
    assert log_path.read_bytes() == case.kept
    assert done[1:] == found[1:]
    assert (done.head.number, done.head.place) == (case.kept.count(b"\n"), len(case.kept))
    assert Path(copy).read_bytes() == case.content
    assert Path(copy).name == f"events.jsonl.damaged-{found.good.place}"
    assert files(log_path) == ["events.jsonl", Path(copy).name]
    assert status(log_path) == ("good", case.kept.count(b"\n"))
    with pytest.raises(NothingToRepair):
        repair(log_path)
    assert (log_path.read_bytes(), files(log_path)) == (case.kept, ["events.jsonl", Path(copy).name])


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        (b"".join([*TEN[:4], spoiled(TEN[4]), *TEN[5:]]), [5, 6, 7, 8, 9, 10]),
        (b"".join([*TEN[:4], b"one\n", TEN[4], b"\n", b"two\n", *TEN[5:]]), [5, 8]),
        (b"".join([*TEN[:4], b"one\n", *TEN[4:9], TEN[9][:80]]), [5, 11]),
    ],
    ids=["a letter", "garbage among lines", "garbage and a torn tail"],
)
def test_the_lines_left_out_are_named_with_place_and_size(log_path: Path, content: bytes, gone: list[int]) -> None:
    log_path.write_bytes(content)
    found = planned(log_path)
    lines = split(content)
    assert [each.line for each in found.gone] == gone
    assert [each.byte for each in found.gone] == [len(b"".join(lines[: line - 1])) for line in gone]
    assert found.gone_bytes == sum(len(lines[line - 1]) for line in gone)


def test_damage_far_before_a_torn_tail_loses_neither(log_path: Path) -> None:
    lines = lines_of([*(creation(number) for number in range(1, 5000)), *batch_of(5000, 5499)])
    torn = b"".join(lines[4999:5300])
    content = b"".join([*lines[:4], b"garbage\n", *lines[4:4999], torn])
    log_path.write_bytes(content)
    with reading(log_path) as reader:
        assert reader.log.unfinished()[0] == len(torn), "the damage is too near to the tail"
    found = planned(log_path)
    assert [gone.line for gone in found.gone] == [5, *range(5001, 5302)]
    assert found.gone_bytes == len(b"garbage\n") + len(torn)
    _, copy = repair(log_path)
    assert Path(copy).read_bytes() == content
    assert log_path.read_bytes() == b"".join(lines[:4999])


pieces = st.sampled_from([b"", b"notes", b"\xff\x00", b'{"specversion":"1.0","id":"x"}', TEN[3][:-40], b"{", b"}"])
ends = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"", b" "])


@settings(deadline=None, max_examples=150, derandomize=True)
@given(data=st.data(), log=st.sampled_from([TEN, BATCHES]), begin=st.sampled_from([b"", b"\xef\xbb\xbf", b"\n"]))
def test_a_repair_brings_back_all_that_the_hashes_prove(
    data: st.DataObject, log: list[bytes], begin: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = data.draw(st.lists(st.sampled_from(log), max_size=4))
    garbage = data.draw(st.lists(pieces, max_size=4))
    shuffled = data.draw(st.permutations([line[:-1] for line in [*log, *again]] + garbage))
    content = begin + b"".join(piece + data.draw(ends) for piece in shuffled)
    path = tmp_path_factory.mktemp("shuffled") / "events.jsonl"
    path.write_bytes(content)
    try:
        repair(path)
        assert path.read_bytes() == b"".join(log)
    except NothingToRepair:
        assert status(path)[1] == len(log)


def test_a_writer_that_waited_for_the_lock_writes_to_the_repaired_log(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path.write_bytes(b"".join([*TEN[:4], b"garbage\n"]))

    def write() -> None:
        with writing(log_path, 10) as writer:
            writer.append(TEN[4], 5)

    waiting = Thread(target=write)

    def plan_once_it_waits(past: Past) -> Plan:
        waiting.start()
        return plan(past)

    monkeypatch.setattr(repairing, "plan", plan_once_it_waits)
    _, copy = repair(log_path)
    waiting.join()
    assert log_path.read_bytes() == b"".join(TEN[:5])
    assert Path(copy).read_bytes() == b"".join([*TEN[:4], b"garbage\n"])


# --- the files --------------------------------------------------------------------------------------------------------

BROKEN = b"".join([*TEN[:4], b"garbage\n", *TEN[4:8]])
BYTE = len(b"".join(TEN[:4]))


@pytest.fixture
def broken(log_path: Path) -> Path:
    log_path.write_bytes(BROKEN)
    return log_path


@pytest.mark.case(30)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o644])
def test_the_log_keeps_its_mode_and_the_copy_has_it_too(broken: Path, mode: int) -> None:
    broken.chmod(mode)
    with umask(0):
        _, copy = repair(broken)
    assert stat.S_IMODE(broken.stat().st_mode) == mode
    assert stat.S_IMODE(os.stat(copy).st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_log_keeps_its_owner_and_group_and_the_copy_has_them_too(broken: Path) -> None:
    os.chown(broken, 1234, 4321)
    _, copy = repair(broken)
    for each in (broken, Path(copy)):
        assert (each.stat().st_uid, each.stat().st_gid) == (1234, 4321)


def test_a_link_to_the_log_still_leads_to_it(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(broken)
    _, copy = repair(link)
    assert link.is_symlink()
    assert own_path(str(link)) == str(broken)
    assert broken.read_bytes() == b"".join(TEN[:8])
    assert Path(copy).parent == broken.parent
    assert list(link.parent.iterdir()) == [link]


def test_no_file_is_overwritten_and_no_planted_link_followed(broken: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in (f"{broken}.damaged-{BYTE}", f"{broken}.repaired"):
        Path(name).write_text("an earlier one")
        Path(f"{name}-2").symlink_to(victim)
        Path(f"{name}-3").symlink_to(broken)
    _, copy = repair(broken)
    assert copy == f"{broken}.damaged-{BYTE}-4"
    assert Path(copy).read_bytes() == BROKEN
    assert broken.read_bytes() == b"".join(TEN[:8])
    assert victim.read_text() == "mine"
    assert Path(f"{broken}.damaged-{BYTE}").read_text() == Path(f"{broken}.repaired").read_text() == "an earlier one"
    assert not Path(f"{broken}.repaired-4").exists()


def test_the_cache_is_forgotten_before_the_log_is_replaced(broken: Path) -> None:
    class Stubborn(History):
        def forget(self, log: str) -> None:
            assert (log, broken.read_bytes()) == (str(broken), BROKEN)
            raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(NotWritten, match="its cache cannot be removed: Permission denied; it is unchanged"):
        repaired(Past(FileLog(str(broken)), Stubborn()), 0)
    assert (broken.read_bytes(), files(broken)) == (BROKEN, ["events.jsonl"])


# --- what is not repaired ---------------------------------------------------------------------------------------------

FORK = instead(7, authid="bob")
REFUSED: dict[str, tuple[bytes, type[EvcliError], int]] = {
    "a good log": (WHOLE, NothingToRepair, 1),
    "an empty log": (b"", NothingToRepair, 1),
    "a log without its last newline": (WHOLE[:-1], NothingToRepair, 1),
    "a torn one": (WHOLE + TEN[0][:50], NothingToRepair, 1),
    "one torn in its first line": (TEN[0][:50], NothingToRepair, 1),
    "half a batch": (b"".join(BATCHES[:7]), NothingToRepair, 1),
    "somebody's notes": (b"Dear diary,\ntoday\n", NotALog, 12),
    "notes without an end": (b"Dear diary", NotALog, 12),
    "zeros beyond the limit of a batch": (bytes((1 << 20) + 1), NotALog, 12),
    "a text in UTF-16": ("\ufeff".encode("utf-16") + WHOLE.decode().encode("utf-16-le"), NotALog, 12),
    "a fork": (b"".join([*TEN[:6], TEN[6], FORK[6]]), Damaged, 12),
    "a fork before the damage": (b"".join([*TEN, FORK[6]]), Damaged, 12),
    "a fork in the first line": (TEN[0] + lines_of([creation(1, authid="bob")])[0], Damaged, 12),
    "a fork far behind": (b"".join([*TEN[:6], b"garbage\n", *FORK[6:], *TEN[6:]]), Damaged, 12),
    "a fork of which one line is newer": (b"".join([*TEN[:6], b"garbage\n", TEN[6], NEWER]), Damaged, 12),
    "a newer log": (b"".join([*TEN[:6], NEWER]), NewerLog, 17),
    "a newer log without its newline": (b"".join([*TEN[:6], NEWER])[:-1], NewerLog, 17),
    "a newer log with damage before": (b"".join([*TEN[:6], b"garbage\n", NEWER]), NewerLog, 17),
    "a newer log with damage after": (b"".join([*TEN[:6], NEWER, b"garbage\n"]), NewerLog, 17),
}


@pytest.mark.parametrize(("content", "error", "code"), REFUSED.values(), ids=REFUSED)
def test_a_log_that_cannot_be_repaired_is_refused_and_stays(
    log_path: Path, content: bytes, error: type[EvcliError], code: int
) -> None:
    log_path.write_bytes(content)
    for ask in (planned, repair):
        with pytest.raises(error) as refused:
            ask(log_path)
        assert (type(refused.value), refused.value.exit) == (error, code)
        assert "nothing was changed" in refused.value.message + hint_for(refused.value)
    assert log_path.read_bytes() == content
    assert files(log_path) == ["events.jsonl"]


@pytest.mark.parametrize("name", [name for name in REFUSED if "fork" in name and "first" not in name])
def test_a_fork_is_named_by_the_event_that_it_follows(log_path: Path, name: str) -> None:
    log_path.write_bytes(REFUSED[name][0])
    with pytest.raises(Damaged, match="two different lines continue event 6") as refused:
        planned(log_path)
    lines = split(log_path)
    assert refused.value.byte == len(b"".join(lines[: refused.value.line - 1]))
    assert b'"sequence":"000000000007"' in lines[refused.value.line - 1]


def test_a_repair_of_a_torn_log_says_what_the_next_write_does(log_path: Path) -> None:
    log_path.write_bytes(WHOLE + TEN[0][:57])
    with raising(NothingToRepair, 1, "57 bytes", f"10:{hash_of(TEN[9]).decode()}"):
        planned(log_path)


# --- faults on the way ------------------------------------------------------------------------------------------------


STEPS = [
    "fsync log", "write copy", "fchmod copy", "fsync copy", "fsync folder", "write new", "write new", "fchmod new",
    "fsync new", "rename new", "fsync folder",
]  # fmt: skip
"""The first is the audit's: what is to be judged is made durable."""


@pytest.fixture
def calls(broken: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls that are made from now on."""
    return Calls(monkeypatch, broken, "rename", "fchown", "fchmod")


def test_the_copy_is_durable_before_the_log_is_replaced(broken: Path, calls: Calls) -> None:
    repair(broken)
    assert calls.made == STEPS


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("step", range(1, 10), ids=lambda step: f"{step}-{STEPS[step]}")
def test_a_failure_before_the_log_is_replaced_leaves_it_as_it_was(
    broken: Path, calls: Calls, step: int, error: int
) -> None:
    inode = broken.stat().st_ino
    calls.failing_at[step] = error
    with raising(NotWritten, 14, os.strerror(error), "it is unchanged") as failed:
        repair(broken)
    assert (broken.read_bytes(), broken.stat().st_ino) == (BROKEN, inode)
    copies = [path for path in broken.parent.iterdir() if path != broken]
    assert [path.read_bytes() for path in copies] == ([BROKEN] if step > 4 else [])
    assert ("a copy of it is in" in failed.value.message) is (step > 4)
    assert all(f"a copy of it is in {path}" in failed.value.message for path in copies)
    calls.failing_at.clear()
    repair(broken)
    assert status(broken) == ("good", 8)


def test_a_new_name_that_cannot_be_synced_is_an_unknown_outcome(broken: Path, calls: Calls) -> None:
    calls.failing_at[len(STEPS) - 1] = errno.EIO
    with raising(OutcomeUnknown, 15) as failed:
        repair(broken)
    (copy,) = broken.parent.glob("*.damaged*")
    assert str(copy) in failed.value.message
    assert copy.read_bytes() == BROKEN
    assert broken.read_bytes() == b"".join(TEN[:8])
    assert calls.made == STEPS, "a failed sync was tried again"


@pytest.mark.parametrize("step", range(len(STEPS)), ids=lambda step: f"{step}-{STEPS[step]}")
def test_a_repair_killed_before_any_call_loses_nothing(broken: Path, calls: Calls, step: int) -> None:
    child = os.fork()
    if not child:
        try:
            calls.killed_at = step
            repair(broken)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    if step < len(STEPS) - 1:
        assert broken.read_bytes() == BROKEN
        repair(broken)
    assert broken.read_bytes() == b"".join(TEN[:8])
    assert BROKEN in [path.read_bytes() for path in broken.parent.glob("*.damaged*")]
    assert status(broken) == ("good", 8)
