"""The file of kept heads on the disk: nothing acknowledged is lost by a crash, and an unfinished line is not read."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.calls import Calls
from support.logs import locked_by_another, umask

from evcli.errors import Busy, CannotOpen, EvcliError, NotWritten, OutcomeUnknown
from evcli.log.file.heads import LARGEST, Lines, appending, lines_of
from evcli.log.file.open import heads_of

ONE, TWO = (b'{"name":"%b","head":"1:ab"}' % name for name in (b"Q1", b"Q2"))
LONG = b'{"name":"%b","head":"2:cd"}' % (b"n" * 1200)


@pytest.fixture
def heads(log_path: Path) -> Path:
    """The path of the file of heads beside an empty log."""
    log_path.touch(0o600)
    return Path(heads_of(str(log_path)))


def keep(heads: Path, line: bytes, wait: float = 0) -> None:
    with appending(str(heads), str(heads).removesuffix(".heads"), wait, is_beside=True) as file:
        file.append(line)


def found(heads: Path) -> Lines:
    lines = lines_of(str(heads), str(heads).removesuffix(".heads"))
    assert lines is not None
    return lines


def test_lines_are_read_as_they_were_added_and_end_with_a_newline(heads: Path) -> None:
    assert lines_of(str(heads)) is None
    keep(heads, ONE)
    keep(heads, TWO)
    assert heads.read_bytes() == ONE + b"\n" + TWO + b"\n"
    assert found(heads) == Lines(str(heads), [ONE, TWO])
    assert [found(heads).place_of(index) for index in (0, 1, 2)] == [0, len(ONE) + 1, len(heads.read_bytes())]


# --- crashes ----------------------------------------------------------------------------------------------------------


def images(before: bytes, added: bytes) -> Iterator[bytes]:
    """What a disk may hold after a power cut during an append: any size, and each new sector there or zero."""
    whole = before + added
    for size in range(len(before), len(whole) + 1):
        yield whole[:size]
    sectors = range(len(before) // 512, len(whole) // 512 + 1)
    ends = {len(before) + 1, len(whole) - 1, len(whole), *(sector * 512 for sector in sectors)}
    for size, there in product([end for end in ends if len(before) < end <= len(whole)], product([0, 1], repeat=4)):
        image = bytearray(whole[:size])
        for sector, is_there in zip(sectors, there, strict=False):
            if not is_there:
                start, end = max(sector * 512, len(before)), min(sector * 512 + 512, size)
                image[start:end] = bytes(max(0, end - start))
        yield bytes(image)


@pytest.mark.parametrize("before", [b"", ONE + b"\n", ONE, (ONE + b"\n") * 18])
def test_a_power_cut_at_any_moment_leaves_what_was_kept_before_and_a_file_that_can_be_added_to(
    heads: Path, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # of thousands of files; what is synced when is another test's
    kept = before.splitlines()
    added = b"\n" * (before == ONE) + LONG + b"\n"
    heads.touch()
    counted = 0
    for image in {*images(before, added)}:
        heads.write_bytes(image)
        lines = found(heads)
        assert lines.lines in (kept, [*kept, LONG]), image
        assert lines.end + lines.torn == len(image)
        assert bool(lines.torn) == (image.rstrip(b"\n") not in (before.rstrip(b"\n"), before + added[:-1])), image
        keep(heads, TWO)
        assert heads.read_bytes() == b"".join(line + b"\n" for line in [*lines.lines, TWO])
        counted += 1
    assert counted > 1200


@pytest.mark.parametrize(
    "last", [b"notes", b"notes\n", b"no\0tes\n", b"\n", b'{"nome":"Q', ONE.replace(b"}", b"]") + b"\n"]
)
def test_what_is_no_rest_of_a_line_is_never_cut(heads: Path, last: bytes) -> None:
    heads.write_bytes(ONE + b"\n" + last)
    assert found(heads).torn == 0
    assert found(heads).lines == [ONE, last.removesuffix(b"\n")]
    keep(heads, TWO)
    assert heads.read_bytes() == ONE + b"\n" + last.removesuffix(b"\n") + b"\n" + TWO + b"\n"


def test_a_line_that_is_being_written_is_not_called_unfinished(heads: Path) -> None:
    heads.write_bytes(ONE + b"\n" + TWO[:9])
    assert found(heads).torn == 9
    with locked_by_another(heads):
        assert found(heads) == Lines(str(heads), [ONE])


@pytest.mark.parametrize("left", [None, b"", TWO[:20]], ids=["new", "empty", "unfinished"])
def test_the_name_of_a_file_is_synced_before_its_first_line_and_then_the_line(
    heads: Path, monkeypatch: pytest.MonkeyPatch, left: bytes | None
) -> None:
    if left is not None:
        heads.write_bytes(left)  # by a writer that was killed before it had synced the name
    calls = Calls(monkeypatch, heads)
    keep(heads, ONE)
    assert calls.made == [*["ftruncate log"] * bool(left), "fsync log", "fsync folder", "write log", "fsync log"]
    calls.made.clear()
    with heads.open("ab") as file:
        file.write(TWO[:20])
    keep(heads, TWO)
    assert calls.made == ["ftruncate log", "fsync log", "write log", "fsync log"]


FAILED = (
    ("write log", "", NotWritten), ("fsync log", "", NotWritten), ("fsync log", "write log", OutcomeUnknown),
)  # fmt: skip
NAME_FAILED = ("fsync folder", "", NotWritten)
"""Of a file without lines only: the name of one that has some is synced."""


@pytest.mark.parametrize(
    ("call", "after", "error", "is_new"),
    [(*each, is_new) for each in FAILED for is_new in (True, False)] + [(*NAME_FAILED, True)],
)
def test_a_failed_call_leaves_the_file_as_it_was(
    heads: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: str, error: type[EvcliError], is_new: bool
) -> None:
    if not is_new:
        keep(heads, ONE)
    calls = Calls(monkeypatch, heads)
    calls.fail(call, errno.EIO, after=after, once=True)
    with pytest.raises(error, match="Input/output error"):
        keep(heads, TWO)
    assert (heads.read_bytes() if heads.exists() else b"") == (b"" if is_new else ONE + b"\n")
    assert heads.exists() is not is_new
    keep(heads, TWO)
    assert found(heads).lines == ([TWO] if is_new else [ONE, TWO])


@pytest.mark.parametrize("before", [b"", ONE + b"\n", ONE + b"\n" + TWO[:9], ONE])
def test_a_writer_that_is_killed_at_any_call_leaves_a_file_that_can_be_added_to(
    heads: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    calls = Calls(monkeypatch, heads)
    for at in range(7):
        heads.unlink(missing_ok=True)
        if before:
            heads.write_bytes(before)
        child = os.fork()
        if not child:
            calls.killed_at = at
            try:
                keep(heads, LONG)
            finally:
                os._exit(sys.exc_info()[0] is not None)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        kept = [ONE] if before else []
        lines = found(heads).lines
        assert lines == [*kept, LONG] if code == 0 else lines in (kept, [*kept, LONG])
        keep(heads, TWO)
        assert heads.read_bytes() == b"".join(line + b"\n" for line in [*lines, TWO])
    assert code == 0, "the last one was not killed"


def test_the_name_is_synced_also_in_a_folder_that_may_not_be_read(heads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, opened = list[str](), os.open

    def denied(path: Any, flags: int, *more: Any) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", denied)
    monkeypatch.setattr(os, "sync", lambda: made.append("sync"))
    keep(heads, ONE)
    assert made == ["sync"]


def test_a_short_write_is_taken_back(heads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(heads, ONE)
    calls = Calls(monkeypatch, heads)
    calls.instead["write log"] = lambda real, file, data: real(file, data[:10])
    with pytest.raises(NotWritten, match="only a part"):
        keep(heads, TWO)
    assert heads.read_bytes() == ONE + b"\n"


# --- who else is there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o660, 0o660), (0o664, 0o664), (0o666, 0o664)])
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_new_file_has_the_mode_of_the_log_but_is_never_world_writable(
    heads: Path, log_path: Path, mode: int, expected: int, mask: int
) -> None:
    log_path.chmod(mode)
    with umask(mask):
        keep(heads, ONE)
    assert stat.S_IMODE(heads.stat().st_mode) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_new_file_has_the_group_of_the_log(heads: Path, log_path: Path) -> None:
    os.chown(log_path, -1, 4711)
    keep(heads, ONE)
    assert heads.stat().st_gid == 4711


def test_a_group_that_cannot_be_kept_may_do_nothing(
    heads: Path, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path.chmod(0o664)
    real = os.stat

    def of_another_group(path: Any, **named: Any) -> os.stat_result:
        status = real(path, **named)
        return os.stat_result([*status[:5], status.st_gid + 1, *status[6:]]) if path == str(log_path) else status

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "stat", of_another_group)
    monkeypatch.setattr(os, "fchown", refused)
    keep(heads, ONE)
    assert stat.S_IMODE(heads.stat().st_mode) & 0o070 == 0


def test_a_new_file_elsewhere_is_its_owners_alone(log_path: Path, tmp_path: Path) -> None:
    log_path.touch(0o644)
    with appending(str(tmp_path / "safe"), str(log_path), 0, is_beside=False) as file:
        file.append(ONE)
    assert stat.S_IMODE((tmp_path / "safe").stat().st_mode) == 0o600


def test_a_locked_file_is_waited_for(heads: Path) -> None:
    keep(heads, ONE)
    with locked_by_another(heads), pytest.raises(Busy):
        keep(heads, TWO)
    assert found(heads).lines == [ONE]


def test_a_file_that_was_replaced_while_it_was_waited_for_is_opened_again(
    heads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(heads, ONE)
    old = heads.with_name("old")

    def replace(*_: object) -> None:
        if not old.exists():
            heads.rename(old)
            heads.write_bytes(b"")

    monkeypatch.setattr("evcli.log.file.heads._refuse_links", replace)  # the last thing before the lock
    keep(heads, TWO)
    assert (old.read_bytes(), heads.read_bytes()) == (ONE + b"\n", TWO + b"\n")


def planted(heads: Path, how: str) -> None:
    """Something in the place of the file of heads."""
    other = heads.with_name("other")
    other.write_bytes(ONE + b"\n")
    match how:
        case "link":
            heads.symlink_to(other)
        case "hard link":
            heads.hardlink_to(other)
        case "hard link to the log":
            heads.hardlink_to(str(heads).removesuffix(".heads"))
        case "folder":
            heads.mkdir()
        case "FIFO":
            os.mkfifo(heads)
        case "anybody's":
            heads.touch()
            heads.chmod(0o666)
        case "somebody else's":
            heads.touch()
            os.chown(heads, 4711, 4711)
        case "huge":
            heads.touch()
            os.truncate(heads, LARGEST + 1)


PLANTS = ["link", "hard link", "hard link to the log", "folder", "FIFO", "anybody's", "somebody else's", "huge"]


@pytest.mark.parametrize("how", PLANTS)
def test_what_is_planted_beside_a_log_is_neither_read_nor_written(heads: Path, how: str) -> None:
    if how == "somebody else's" and os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    planted(heads, how)
    before = heads.lstat()
    with pytest.raises(CannotOpen):
        found(heads)
    with pytest.raises(CannotOpen):
        keep(heads, TWO)
    assert heads.with_name("other").read_bytes() == ONE + b"\n"
    assert (heads.lstat().st_size, heads.lstat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_member_of_the_group_that_shares_a_log_may_have_made_the_file(heads: Path, log_path: Path) -> None:
    keep(heads, ONE)
    for path, owner in ((log_path, -1), (heads, 4711)):
        os.chown(path, owner, 4712)
    log_path.chmod(0o660)
    assert found(heads).lines == [ONE]
    log_path.chmod(0o640)
    with pytest.raises(CannotOpen, match="somebody else"):
        found(heads)


def test_a_file_elsewhere_may_be_reached_by_a_link_of_ones_own(heads: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "link"
    elsewhere.symlink_to(tmp_path / "there")
    log = str(heads).removesuffix(".heads")
    for line in (ONE, TWO):
        with appending(str(elsewhere), log, 0, is_beside=False) as file:
            file.append(line)
    lines = lines_of(str(elsewhere))
    assert lines is not None
    assert (lines.lines, elsewhere.is_symlink()) == ([ONE, TWO], True)


def test_a_file_elsewhere_that_has_another_name_is_not_added_to(heads: Path, tmp_path: Path) -> None:
    notes, elsewhere = tmp_path / "notes", tmp_path / "elsewhere"
    notes.touch()
    elsewhere.hardlink_to(notes)
    log = str(heads).removesuffix(".heads")
    with pytest.raises(CannotOpen, match="hard links"), appending(str(elsewhere), log, 0, is_beside=False) as file:
        file.append(ONE)
    assert notes.read_bytes() == b""


def test_a_new_file_to_which_nothing_was_added_is_removed(heads: Path) -> None:
    with appending(str(heads), str(heads).removesuffix(".heads"), 0, is_beside=True):
        assert heads.exists()
    assert not heads.exists()
