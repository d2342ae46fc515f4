"""Cases 25 to 42: what is found where the log should be, who may do what with it, and who else is at it."""

import errno
import fcntl
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest
from cli.support import tell_the_story, untouched
from conftest import Cli

from evcli.log.file.engine import FileLog
from evcli.log.reader import LogReader
from faults.casebook import EVE, PACKAGE, Kernel, chain, held, nothing_lost, process, says, torn_copies


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log of eight events."""
    tell_the_story(cli)
    return cli


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.case(25)
def test_case_25_no_file_no_folder_or_a_file_in_the_folders_place(cli: Cli, tmp_path: Path) -> None:
    says(cli("log"), 10, "there is no log")
    deep = tmp_path / "a" / "b" / "events.jsonl"
    says(cli("log", "--log", str(deep)), 10)
    cli.ok(*EVE, "--log", str(deep))
    assert (mode(deep), mode(deep.parent), mode(deep.parent.parent)) == (0o600, 0o700, 0o700)
    (tmp_path / "file").write_text("mine")
    with untouched(tmp_path):
        says(cli(*EVE, "--log", str(tmp_path / "file" / "events.jsonl")), 14, "is not a folder", "nothing was written")
        says(cli("log", "--log", str(tmp_path / "file" / "events.jsonl")), 10)


@pytest.mark.case(26)
def test_case_26_an_empty_log_or_one_torn_in_its_first_line_is_the_empty_register(cli: Cli) -> None:
    (line,) = chain(1)
    for length in range(0, len(line), 5):
        for copy in cli.log.parent.glob("*.torn*"):
            copy.unlink()
        cli.log.write_bytes(line[:length])
        cli.log.chmod(0o600)
        assert cli.ok("head").out == f"0:{'0' * 64}\n", f"with the first {length} bytes"
        if length % 50 == 0:
            cli.ok(*EVE)
            assert torn_copies(cli.log) == ([line[:length]] if length else [])
    nothing_lost(cli, b"")


@pytest.mark.case(27)
def test_case_27_a_link_of_ones_own_is_followed(story: Cli, tmp_path: Path) -> None:
    before = story.log.read_bytes()
    link = tmp_path / "link.jsonl"
    link.symlink_to(story.log)
    story.ok(*EVE, "--log", str(link))
    assert link.is_symlink()
    assert story.log.read_bytes().count(b"\n") == 9
    nothing_lost(story, before)


@pytest.mark.case(27)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link that is another user's")
def test_case_27_a_link_of_another_user_is_refused_and_its_target_untouched(story: Cli, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(story.log)
    os.lchown(link, 12345, 12345)
    with untouched(tmp_path):
        says(story(*EVE, "--log", str(link)), 14, "is another user's link", "nothing was written")


@pytest.mark.case(27)
def test_case_27_a_link_to_nothing_is_no_log_until_one_is_begun_at_its_target(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "events.jsonl"
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    says(cli("log", "--log", str(link)), 10)
    cli.ok(*EVE, "--log", str(link))
    assert link.is_symlink()
    assert target.read_bytes().count(b"\n") == 1


def _socket(path: Path) -> None:
    one = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name may be no longer than 107 bytes
    try:
        one.bind(path.name)
    finally:
        os.chdir(here)
        one.close()


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a FIFO": (os.mkfifo, "is a FIFO"),
    "a socket": (_socket, "is a socket"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "a link to /dev/null": (lambda path: path.symlink_to("/dev/null"), "is a device"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "cannot be opened"),
}


@pytest.mark.case(28)
@pytest.mark.parametrize(("make", "said"), NO_FILES.values(), ids=NO_FILES)
def test_case_28_what_is_no_file_is_named_for_what_it_is_and_nobody_waits_for_it(
    cli: Cli, make: Callable[[Path], object], said: str
) -> None:
    make(cli.log)
    for words in (("log",), ("verify",), ("repair",), EVE):
        says(cli(*words), 14, said)


@pytest.mark.case(29)
def test_case_29_a_second_hard_link_is_warned_of_and_the_log_is_written(story: Cli, tmp_path: Path) -> None:
    before = story.log.read_bytes()
    os.link(story.log, tmp_path / "other.jsonl")
    assert "2 hard links" in story.ok(*EVE).err
    assert "2 hard links" in story.ok("log").err
    assert (tmp_path / "other.jsonl").read_bytes().count(b"\n") == 9
    nothing_lost(story, before)


@pytest.mark.case(30)
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_case_30_whatever_the_umask_all_files_are_their_owners_only(cli: Cli, mask: int, tmp_path: Path) -> None:
    seen: list[int] = []
    with umask(mask):
        cli.ok(*EVE)
        cli.ok("user", "create", "Zoe", "--email", "zoe@example.com")
        cli.log.write_bytes(cli.log.read_bytes() + b'{"specversion":"1.0"')
        cli.ok("user", "destroy", "1", "2")
        cli.log.write_bytes(cli.log.read_bytes() + b"garbage\n")
        cli.ok("repair")
    seen = [mode(path) for path in tmp_path.iterdir() if path.is_file()]
    assert seen == [0o600] * 3, "the log, the torn tail and the damaged log"


@pytest.mark.case(31)
def test_case_31_who_else_may_read_or_write_the_log(story: Cli) -> None:
    before = story.log.read_bytes()
    for rights in (0o644, 0o664, 0o660):
        story.log.chmod(rights)
        story.ok("user", "rename", "1", f"Ada {rights}")
        assert mode(story.log) == rights
    before = story.log.read_bytes()
    for rights in (0o666, 0o602):
        story.log.chmod(rights)
        with untouched(story.log.parent):
            says(story(*EVE), 14, "is world-writable", "chmod o-w")
            assert "is world-writable" in story.ok("log").err
    story.log.chmod(0o600)
    nothing_lost(story, before)


@pytest.mark.case(32)
def test_case_32_without_the_right_to_write_reading_works_and_writing_is_refused(story: Cli) -> None:
    before = story.log.read_bytes()
    story.log.chmod(0o400)
    ran = process(*EVE, log=story.log, without_root_rights=True)
    says(ran, 14, "Permission denied", "nothing was written")
    assert process("head", log=story.log, without_root_rights=True).out.startswith(b"8:")
    story.log.chmod(0o600)
    nothing_lost(story, before)


@pytest.mark.case(32)
def test_case_32_in_a_folder_that_may_not_be_written_reading_works_and_no_log_begins(
    story: Cli, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    shutil.copy(story.log, closed / "events.jsonl")
    closed.chmod(0o500)
    try:
        assert process("head", log=closed / "events.jsonl", without_root_rights=True).out.startswith(b"8:")
        says(process(*EVE, log=closed / "new.jsonl", without_root_rights=True), 14, "cannot be created")
        torn = closed / "events.jsonl"
        torn.write_bytes(torn.read_bytes() + b"half")
        ran = process(*EVE, log=torn, without_root_rights=True)
        assert ran.code in (12, 14), ran.err  # no copy of the tail can be made, so it is not cut
        assert torn.read_bytes().endswith(b"half")
        several = process("user", "destroy", "1", "2", log=torn, without_root_rights=True)
        assert several.code in (12, 14)
    finally:
        closed.chmod(0o700)


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'


@pytest.mark.case(33)
@pytest.mark.skipif(which("unshare") is None, reason="unshare, which makes a mount of one's own, is not there")
def test_case_33_on_a_read_only_mount_reading_works_and_writing_is_refused(story: Cli, tmp_path: Path) -> None:
    before = story.log.read_bytes()
    command = ("unshare", "-rm", "sh", "-c", READ_ONLY, str(tmp_path), sys.executable, "-m", "evcli")
    ran = process("head", log=story.log, command=command)
    if b"unshare" in ran.err or b"mount" in ran.err:
        pytest.skip(f"no mount of one's own here: {ran.err.decode().strip()}")
    assert ran.out.startswith(b"8:")
    says(process("verify", log=story.log, command=command), 0)
    says(process(*EVE, log=story.log, command=command), 14, "Read-only file system", "nothing was written")
    says(process(*EVE, log=tmp_path / "new.jsonl", command=command), 14, "nothing was written")
    nothing_lost(story, before)


@pytest.mark.case(33)
def test_case_33_a_log_that_may_only_be_appended_to_is_appended_to_and_keeps_a_torn_tail_with_advice(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = story.log.read_bytes()
    kernel = Kernel(monkeypatch, story.log)
    kernel.fail("ftruncate log", errno.EPERM)  # what chattr +a does
    story.ok(*EVE)
    stored = story.log.read_bytes()
    story.log.write_bytes(stored + b'{"sp')
    with untouched(story.log.parent):
        says(story("user", "destroy", "1"), 12, "4 bytes", f"byte {len(stored)}", "chattr -a", "nothing was written")
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(33)
@pytest.mark.skipif(which("chattr") is None, reason="chattr is not there")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file immutable")
@pytest.mark.parametrize(("attribute", "code"), [("i", 14), ("a", 0)])
def test_case_33_a_real_immutable_or_append_only_log(story: Cli, attribute: str, code: int) -> None:
    before = story.log.read_bytes()
    if subprocess.run(["chattr", f"+{attribute}", story.log], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no such attributes")
    try:
        ran = story(*EVE)
        assert ran.code == code, ran.err
        story.ok("verify")
    finally:
        subprocess.run(["chattr", f"-{attribute}", story.log], check=True)
    nothing_lost(story, before)


def started(log: Path, *words: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **PACKAGE, "EVCLI_LOG": str(log), "EVCLI_ACTOR": "ann"}
    command = [sys.executable, "-m", "evcli", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.case(34)
def test_case_34_two_creators_at_once_make_one_file_with_both_events(cli: Cli) -> None:
    both = [started(cli.log, "user", "create", "x", "--email", f"{n}@example.com", "--lock-wait", "60") for n in (1, 2)]
    said = [one.communicate()[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert {json.loads(line)["data"]["email"][0] for line in cli.log.read_bytes().splitlines()} == {"1", "2"}
    nothing_lost(cli, cli.log.read_bytes())


@pytest.mark.case(35)
def test_case_35_of_eight_writers_at_once_every_event_is_stored_once(cli: Cli) -> None:
    """In small: eight writers of forty commands each, with a reader beside them, have a file of their own."""
    program = (
        "import sys\nfrom evcli.cli.main import main\n"
        "for n in range(6):\n"
        "    main(['user', 'create', 'x', '--email', f'{sys.argv[1]}-{n}@example.com', '--lock-wait', '60'])\n"
    )
    environment = {**os.environ, **PACKAGE}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(n)], env=environment, stdout=subprocess.PIPE)
        for n in range(8)
    ]
    told = b"".join(writer.communicate()[0] for writer in writers)
    assert told.count(b"(event ") == 48
    assert cli.log.read_bytes().count(b"\n") == 48
    nothing_lost(cli, cli.log.read_bytes())


@pytest.mark.case(36)
def test_case_36_a_lock_that_is_never_freed_ends_in_words(story: Cli) -> None:
    before = story.log.read_bytes()
    with held(story.log), untouched(story.log.parent):
        for wait in ("0", "0.05"):
            says(story(*EVE, "--lock-wait", wait), 11, "is locked", f"waited {wait} s", "nothing was written")
        story.ok("log")
        story.ok("verify")
    nothing_lost(story, before)


@pytest.mark.case(37)
def test_case_37_a_clock_that_jumps_does_not_change_how_long_the_lock_is_waited_for(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = story.log.read_bytes()
    with monkeypatch.context() as patch:
        jumps = iter(range(10**9, 0, -(10**6)))
        patch.setattr(time, "time", lambda: float(next(jumps)))
        with held(story.log):
            says(story(*EVE, "--lock-wait", "0.05"), 11, "is locked")
    nothing_lost(story, before)


@pytest.mark.case(37)
@pytest.mark.skipif(which("faketime") is None, reason="faketime, which sets a process's clock, is not there")
@pytest.mark.parametrize("by", ["-10d", "+10y"])
def test_case_37_with_another_clock_the_lock_is_waited_for_all_the_same(story: Cli, by: str) -> None:
    with held(story.log):
        command = ("faketime", "-f", by, sys.executable, "-m", "evcli")
        says(process(*EVE, "--lock-wait", "0.2", log=story.log, command=command), 11, "is locked")


def wait_until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait for what the process does next; fail when it ends without having done it."""
    while not holds():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def has_open(process: "subprocess.Popen[bytes]", log: Path) -> Callable[[], bool]:
    def holds() -> bool:
        found = []
        for name in Path(f"/proc/{process.pid}/fd").glob("*"):
            try:
                if os.path.samefile(name, log) and not os.readlink(name).startswith("/dev"):
                    flags = Path(f"/proc/{process.pid}/fdinfo/{name.name}").read_text().split("flags:\t")[1].split()[0]
                    found.append(bool(int(flags, 8) & os.O_APPEND))
            except OSError:
                continue
        return any(found)

    return holds


@pytest.mark.case(38)
@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="there is no /proc to see what a process has open")
@pytest.mark.parametrize("what", ["renamed and put back", "replaced by another", "removed"])
def test_case_38_a_log_that_changes_places_while_it_is_waited_for_is_written_where_it_is_now(
    story: Cli, what: str, tmp_path: Path
) -> None:
    before = story.log.read_bytes()
    with held(story.log):
        waiting = started(story.log, *EVE, "--lock-wait", "60")
        try:
            wait_until(has_open(waiting, story.log), waiting)
            aside = tmp_path / "aside"
            story.log.rename(aside)
            if what == "renamed and put back":
                shutil.copy(aside, story.log)
            elif what == "replaced by another":
                story.log.write_bytes(before[: before.index(b"\n") + 1])
                story.log.chmod(0o600)
        except BaseException:
            waiting.kill()
            raise
    _, said = waiting.communicate()
    assert aside.read_bytes() == before, "the event went into the file that is not the log any more"
    if what == "removed":
        assert waiting.returncode in (10, 11), said
        assert not story.log.exists()
    elif what == "replaced by another":
        # Its own reading of the old log does not hold for this one, and it says so or begins anew with it.
        assert waiting.returncode in (0, 11, 12), said
    else:
        assert waiting.returncode == 0, said
        assert story.log.read_bytes().count(b"\n") == 9
        nothing_lost(story, before)


@pytest.mark.case(39)
def test_case_39_what_is_opened_is_not_handed_to_children(story: Cli) -> None:
    with FileLog(str(story.log)).locked(0, may_create=False) as writer, LogReader(str(story.log)) as reader:
        for descriptor in (writer.descriptor, reader.descriptor):
            assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
            assert not os.get_inheritable(descriptor)


@pytest.mark.case(40)
@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP], ids=["ENOLCK", "EOPNOTSUPP"])
def test_case_40_a_file_system_without_locks_is_refused_for_writing(
    story: Cli, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    before = story.log.read_bytes()
    kernel = Kernel(monkeypatch, story.log)
    kernel.fail("flock log", error)
    with untouched(story.log.parent):
        says(story(*EVE), 14, "cannot be locked", "nothing was written", "local file system")
        story.ok("log")
        story.ok("verify")
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(41)
def test_case_41_a_copy_made_at_any_moment_of_an_append_is_good_or_torn(
    story: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = story.log.read_bytes()
    copies = []
    write = os.write

    def in_pieces(descriptor: int, data: bytes) -> int:
        for at in range(0, len(data), 50):
            write(descriptor, data[at : at + 50])
            copies.append(story.log.read_bytes())
        return len(data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", in_pieces)
        story.ok(*EVE)
    backup = tmp_path / "backup.jsonl"
    assert len(copies) > 5
    for copy in copies:
        backup.write_bytes(copy)
        found = json.loads(story.ok("verify", "--log", str(backup), "--json").out)
        assert (found["status"], found["events"]) == (("good", 9) if copy == copies[-1] else ("torn", 8))
    nothing_lost(story, before)


@pytest.mark.case(41)
def test_case_41_a_copy_made_at_any_moment_of_a_batch_is_good_or_torn_and_has_what_its_lines_say(
    story: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A copy of the log alone lacks the batch file: then some lines of an unfinished batch are events like others."""
    copies = []
    write = os.write

    def in_pieces(descriptor: int, data: bytes) -> int:
        for at in range(0, len(data), 90):
            write(descriptor, data[at : at + 90])
            copies.append(story.log.read_bytes())
        return len(data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", in_pieces)
        story.ok("user", "destroy", "1", "2")
    backup = tmp_path / "backup.jsonl"
    for copy in copies:
        backup.write_bytes(copy)
        assert json.loads(story.ok("verify", "--log", str(backup), "--json").out)["status"] in ("good", "torn")


@pytest.mark.case(42)
def test_case_42_an_older_backup_put_back_is_found_out_by_a_newer_head(story: Cli) -> None:
    before = story.log.read_bytes()
    head = story.ok("head").out.strip()
    story.log.write_bytes(b"".join(before.splitlines(keepends=True)[:5]))
    says(story("verify", "--expect", head), 12, "event 8", "the log ends with event 5")
    says(story(*EVE, "--expect", head), 13, "the head is 5:")
    says(story(*EVE, "--expect", "8"), 13, "the head is 5:")
    story.ok("verify")  # without a kept head, nobody can know
    nothing_lost(story, b"".join(before.splitlines(keepends=True)[:5]))
