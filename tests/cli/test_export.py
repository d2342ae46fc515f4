"""`evcli export`: users and events for other programs, on stdout or as a file that is whole or not there."""

import csv
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from conftest import Cli, Ran
from hypothesis import given
from hypothesis import strategies as st

from cli.support import (
    ADA,
    ALAN,
    EVCLI,
    GRACE,
    POOR_LOCALE,
    documents,
    events_in,
    fails,
    in_json,
    lines_in,
    many_events,
    refuses,
    run_process,
    run_shell,
    spoil,
    untouched,
)
from evcli.domain.event import Event
from evcli.transfer.csv_guard import guarded, unguarded

EVERYBODY = [ADA, GRACE, ALAN]
HEADER = ["id", "name", "email", "created", "changed", "destroyed"]


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV export by column, as another program reads them; its header is as documented."""
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert rows.fieldnames == HEADER
    return list(rows)


def as_text(user: Mapping[str, object]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in user.items()}


# --- users ------------------------------------------------------------------------------------------------------------


def test_export_prints_the_live_users_as_csv(story: Cli) -> None:
    assert story("export") == Ran(
        0,
        "id,name,email,created,changed,destroyed\r\n"
        "1,Ada Lovelace,ada@example.com,1,6,\r\n"
        "2,Grace Hopper,grace@navy.example,2,4,\r\n",
        "2 users as of event 8 exported to stdout\n",
    )
    assert story("export", "-") == story("export")
    ran = story.ok("export", "--all")
    assert rows_of(ran.out) == list(map(as_text, EVERYBODY))
    assert ran.err.startswith("3 users ")


@pytest.mark.parametrize("words", [(), ("--all",), *(("--at", str(at)) for at in range(9))], ids=" ".join)
def test_exported_users_are_those_of_user_list(story: Cli, words: tuple[str, ...]) -> None:
    listed = in_json(story, "user", "list", *words)
    assert rows_of(story.ok("export", *words).out) == list(map(as_text, listed))
    assert in_json(story, "export", *words) == listed
    assert documents(story.ok("export", "--format", "jsonl", *words).out) == listed


def test_moment_is_told_unless_it_was_a_number(story: Cli) -> None:
    ran = story.ok("export", "--at", "2026-03-01 10:30")
    assert ran.err.splitlines() == [
        "as of 2026-03-01 10:30 (+00:00): event 2, of 2026-03-01 10:00:00+00:00",
        "2 users as of event 2 exported to stdout",
    ]
    assert story.ok("export", "--at", "1").err == "1 user as of event 1 exported to stdout\n"
    assert story.ok("export", "--at", "1", "-q").err == ""


# --- CSV that a spreadsheet can open, and an import can read ----------------------------------------------------------

HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "''@x", "'quoted'", "a,b", 'a "b"', "=\"x\",'y'", "'", "''",
    "Ωmega 李", "a\u200db", "naïve",
)  # fmt: skip


def test_csv_guards_formulas_and_import_takes_the_guard_away(cli: Cli, tmp_path: Path) -> None:
    emails = ["=a@x.example", "+a@x.example", "-a@x.example", "'=a@x.example", "'a@x.example", "{|}@x.example"]
    emails += [f"n{at}@x.example" for at in range(len(HOSTILE) - len(emails))]
    stored = list(zip(HOSTILE, emails, strict=True))
    for name, email in stored:
        cli.ok("user", "create", f"--email={email}", "--", name)
    rows = rows_of(cli.ok("export").out)
    cells = [row[column] for row in rows for column in ("name", "email")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [(unguarded(row["name"]), unguarded(row["email"])) for row in rows] == stored
    assert rows[0]["name"] == "'=1+1"
    assert rows[6]["name"] == "'quoted'", "what no spreadsheet takes for a formula is left alone"
    cli.ok("export", str(tmp_path / "users.csv"))
    other = ("--log", str(tmp_path / "other.jsonl"))
    assert "ignored columns: id, created, changed" in cli.ok("import", str(tmp_path / "users.csv"), *other).err
    assert [(user["name"], user["email"]) for user in in_json(cli, "user", "list", *other)] == stored


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n\0ab, ")))
def test_guard_can_always_be_taken_away(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0"))


@pytest.mark.parametrize("text", ["Ada", "'Ada'", "'", "O'Neil", ""])
def test_text_that_is_no_formula_is_not_guarded(text: str) -> None:
    assert guarded(text) == text
    assert unguarded(text) == text


def test_csv_is_utf_8_in_any_locale(cli: Cli) -> None:
    cli.ok("user", "create", "Ωmega 李", "--email", "o@example.com")
    ran = run_process("export", "-q", environment=POOR_LOCALE)
    assert (ran.code, ran.err) == (0, b"")
    assert rows_of(ran.out.decode())[0]["name"] == "Ωmega 李"


# --- events -----------------------------------------------------------------------------------------------------------


def test_exported_events_are_the_lines_of_the_log(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "create", "Ωmega 李 a\u200db", "--email", "o@example.com")
    ran = story.ok("export", "--what", "events")
    assert ran.out.encode() == story.log.read_bytes()
    assert ran.err == "9 events as of event 9 exported to stdout\n"
    story.ok("export", "--what", "events", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == story.log.read_bytes()
    for at in range(9):
        words = ("export", "--what", "events", "--at", str(at))
        assert story.ok(*words).out.encode() == b"".join(lines_in(story.log)[:at])
        assert in_json(story, *words) == events_in(story.log)[:at]


def test_exported_events_are_complete_beyond_one_chunk(cli: Cli) -> None:
    many_events(cli, 700)
    for at in (1, 200, 256, 699, 700):
        out = cli.ok("export", "--what", "events", "--at", str(at)).out
        assert out.encode() == b"".join(lines_in(cli.log)[:at])


def test_events_as_json_are_read_by_the_cloudevents_package(story: Cli) -> None:
    story.ok("user", "create", "Ωmega 李", "--email", "o@example.com")
    batch = json.loads(story.ok("export", "--what", "events", "--format", "json").out)
    read = [JSONFormat().read(CloudEvent, json.dumps(one)) for one in batch]
    events = events_in(story.log)
    assert len(read) == len(events) == 9
    for one, event in zip(read, events, strict=True):
        assert one.get_data() == event.pop("data")
        event["time"] = datetime.fromisoformat(event["time"])
        assert one.get_attributes() == event


def test_extension_attributes_are_named_as_cloudevents_wants() -> None:
    extensions = [name for name in Event.__annotations__ if name not in CORE]
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in extensions), "CloudEvents 1.0, attribute names"


CORE = ("specversion", "id", "source", "type", "subject", "time", "data")


# --- usage ------------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, ...]] = {
    "--what nothing": ("nothing", "users, events"),
    "--format table": ("csv or json or jsonl", "not as table", "evcli user list"),
    "--format plain": ("not as plain",),
    "--what events --format csv": ("jsonl or json", "not as csv", "evcli log"),
    "--what events --format table": ("evcli log",),
    "--what events --all": ("--all",),
    "--at 9": ("9",),
    "one two": ("two",),
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_2_and_leaves_nothing(story: Cli, line: str, tmp_path: Path) -> None:
    for more in ((), (str(tmp_path / "new"),) if line != "one two" else ()):
        refuses(story, ("export", *line.split(), *more), 2, "hint: ", *WRONG[line])


def test_export_without_a_log_makes_no_file(cli: Cli, tmp_path: Path) -> None:
    refuses(cli, ("export", str(tmp_path / "new")), 10, "there is no log")


# --- a file, whole or not at all --------------------------------------------------------------------------------------


def test_file_is_private_and_all_that_is_made(story: Cli, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    ran = story("export", str(tmp_path / "users.csv"))
    assert ran == Ran(0, "", f"2 users as of event 8 exported to {tmp_path}/users.csv\n")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "users.csv"}
    found = (tmp_path / "users.csv").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_nlink) == (0o600, 1)
    assert (tmp_path / "users.csv").read_bytes().decode() == story.ok("export").out


def test_existing_file_is_replaced_only_by_force(story: Cli, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    refuses(story, ("export", str(mine)), 14, f"{mine} already exists; nothing was written", "--force")
    story.ok("export", str(mine), "--force")
    assert mine.read_bytes().decode() == story.ok("export").out
    story.ok("export", str(tmp_path / "new"), "--force")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o600])
def test_force_keeps_the_mode_and_owner_of_the_target(story: Cli, tmp_path: Path, mode: int) -> None:
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.touch()
    link.symlink_to(mine)
    owner = (12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(mine, *owner)
    mine.chmod(mode)
    for name in (mine, link):
        story.ok("export", str(name), "--force")
        found = mine.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, *owner)
    assert mine.read_bytes().decode() == story.ok("export").out


def test_target_whose_owner_cannot_be_kept_is_not_replaced(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fchown(descriptor: int, user: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    monkeypatch.setattr(os, "fchown", fchown)
    story.ok("export", str(theirs), "--force")
    theirs.write_text("theirs")
    real = os.stat

    def another(path: Any, *given: Any, **named: Any) -> os.stat_result:
        found = real(path, *given, **named)
        if path == str(theirs):
            found = os.stat_result([*found[:5], found.st_gid + 1, *found[6:]])
        return found

    monkeypatch.setattr(os, "stat", another)
    fails(story("export", str(theirs), "--force"), 14, f"{theirs} has another owner or group", "nothing was")
    monkeypatch.undo()
    assert theirs.read_text() == "theirs"
    assert not list(tmp_path.glob(".evcli*"))


@pytest.mark.parametrize(
    ("name", "form"), [("users.json", "json"), ("users.JSONL", "jsonl"), ("users.ndjson", "jsonl"), ("a.csv", "csv"),
                       ("json", "csv"), ("users.json.old", "csv")],
)  # fmt: skip
def test_ending_of_the_file_chooses_the_format_and_format_overrides(
    story: Cli, tmp_path: Path, name: str, form: str
) -> None:
    def exported(*words: str) -> str:
        story.ok("export", str(tmp_path / name), "--force", *words)
        return (tmp_path / name).read_bytes().decode()

    assert exported() == story.ok("export", "--format", form).out
    for other in ("csv", "json", "jsonl"):
        assert exported("--format", other) == story.ok("export", "--format", other).out
    if form != "csv":
        assert exported("--what", "events") == story.ok("export", "--what", "events", "--format", form).out


def test_events_have_no_csv_and_an_ending_does_not_change_that(story: Cli, tmp_path: Path) -> None:
    for words in ((), ("--force",)):
        refuses(story, ("export", "--what", "events", str(tmp_path / "e.csv"), *words), 2, "jsonl or json, not as csv")


# --- what is written into ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", ["", "--force"])
def test_pipe_of_a_shell_and_its_stdout_are_written_into(story: Cli, tmp_path: Path, force: str) -> None:
    expected = story.ok("export", "-q").out.encode()
    kept = tmp_path / "kept"
    for script in (
        f'"$@" {force} >(cat >{kept}; echo done) | grep -q done',
        f'"$@" {force} /dev/stdout >{kept}',
        f'"$@" {force} /dev/fd/1 | cat >{kept}',
        f'"$@" {force} /dev/stderr 2>{kept}',
        f'"$@" {force} /dev/fd/7 7>{kept}',
        f'mkfifo {kept}.fifo; cat {kept}.fifo >{kept} & exec 8>{kept}.fifo; "$@" {force} {kept}.fifo; exec 8>&-; wait',
        f'"$@" {force} /dev/null && echo -n "$("$@" -)" >/dev/null; "$@" >{kept}',
    ):
        kept.unlink(missing_ok=True)
        ran = run_process("export", "-q", command=("bash", "-c", script, "bash", *EVCLI))
        assert ran == (0, b"", b""), script
        assert kept.read_bytes() == expected, script
    assert not list(tmp_path.glob(".evcli*"))


def test_pipe_that_closes_ends_an_export_and_a_full_one_is_16(cli: Cli, tmp_path: Path) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    if os.path.exists("/dev/full"):
        assert run_process("export", "/dev/full").code == 16, "what is little is written when it is flushed"
    many_events(cli, 3000)
    slow = f"mkfifo {tmp_path}/slow; dd bs=1 status=none <{tmp_path}/slow & exec 8>{tmp_path}/slow; "
    slow += f'"$@" {tmp_path}/slow; exec 8>&-; wait'
    ran = run_process("export", "-q", command=("bash", "-c", slow, "bash", *EVCLI))
    assert ran == (0, cli.ok("export").out.encode(), b""), "a reader may be slower than the export"
    closes = 'exec 7> >(head -c 10 >/dev/null); "$@" /dev/fd/7'
    assert run_process("export", "-q", command=("bash", "-c", closes, "bash", *EVCLI)) == (0, b"", b"")
    if os.path.exists("/dev/full"):
        ran = run_process("export", "/dev/full")
        assert ran.code == 16
        assert ran.err == b"error: the export could not be written to /dev/full: No space left on device\n"


def test_stream_that_is_the_log_is_not_written_into(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = run_shell(f'"$@" /dev/fd/7 7>>{story.log}', "export")
        assert (ran.code, b"is the log itself" in ran.err) == (2, True)


def test_force_replaces_the_target_of_a_link(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, real = tmp_path / "link", tmp_path / "there" / "real"
    link.symlink_to(real)
    fails(story("export", str(link)), 14, "already exists")
    for _ in range(2):  # where it points to nothing, and to a file
        story.ok("export", str(link), "--force")
        assert link.readlink() == real
        assert real.read_bytes().decode() == story.ok("export").out
    assert list(real.parent.iterdir()) == [real]


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("appears", [True, False])
def test_file_that_appears_meanwhile_is_not_replaced(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool, appears: bool
) -> None:
    new, real = tmp_path / "new", os.link

    def link(source: str, target: str) -> None:
        if appears:
            new.write_text("mine")
        if not has_links:
            raise PermissionError(1, "Operation not permitted")  # the file is then renamed
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    if appears:
        fails(story("export", str(new)), 14, "already exists")
        assert new.read_text() == "mine"
    else:
        story.ok("export", str(new))
        assert rows_of(new.read_bytes().decode())
    assert not list(tmp_path.glob(".evcli*"))


def linked(link: Path, target: Path | str) -> Path:
    link.symlink_to(target)
    return link


def hard_linked(log: Path) -> Path:
    os.link(log, log.parent / "hard")
    return log.parent / "hard"


WAYS: dict[str, Callable[[Path], Path]] = {
    "itself": lambda log: log,
    "another way": lambda log: log.parent / "." / ".." / log.parent.name / log.name,
    "link": lambda log: linked(log.parent / "link", log),
    "hard link": hard_linked,
    "cache": lambda log: Path(f"{log}.cache"),
    "kept heads": lambda log: Path(f"{log}.heads"),
    "link to the cache": lambda log: linked(log.parent / "to-cache", f"{log}.cache"),
    "cache through a folder": lambda log: linked(log.parent / "here", log.parent) / f"{log.name}.cache",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_log_a_link", [False, True])
def test_log_and_its_cache_are_never_written_onto(story: Cli, tmp_path: Path, way: str, is_log_a_link: bool) -> None:
    path, log = WAYS[way](story.log), story.log
    if is_log_a_link:
        (tmp_path / "elsewhere").mkdir()
        log = linked(tmp_path / "elsewhere" / "log", story.log)
    for force in ((), ("--force",)):
        refuses(story, ("export", str(path), "--log", str(log), *force), 2, "is the log itself, or belongs to it")


def test_path_of_no_file_is_refused(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    for path, code, phrases in (
        ("", 2, ("FILE is not a valid file name",)),
        ("a\0b", 2, ("FILE is not a valid file name",)),
        (f"{tmp_path}/folder", 14, ("is a folder",)),
        (f"{tmp_path}/new/", 14, ("is a folder",)),
        (f"{tmp_path}/fifo", 14, ("fifo has no reader; nothing was written", "start its reader")),
        (f"{tmp_path}/socket", 14, ("is not a regular file", "stdout")),
        (f"{tmp_path}/no/x", 14, ("was not written", f"there is no folder {tmp_path}/no")),
        (f"{tmp_path}/{'x' * 256}", 14, ("x was not written: File name too long",)),
        (f"{story.log}/x", 14, ("x was not written: Not a directory",)),
        ("/dev/fd/77", 14, ("/dev/fd/77 was not written",)),
    ):
        for force in ((), ("--force",)):
            refuses(story, ("export", path, *force), code, *phrases)


def test_folder_that_may_not_be_written_is_14(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    ran = run_process("export", str(tmp_path / "locked" / "x"), without_root_rights=True)
    assert (ran.code, ran.out) == (14, b"")
    assert b"was not written: Permission denied" in ran.err


def test_full_disk_is_14_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    many_events(cli, 2000)
    with untouched(tmp_path):
        ran = run_shell('trap "" XFSZ; ulimit -f 100; "$@"', "export", "--what", "events", str(tmp_path / "new"))
    assert ran.code == 14, ran.err
    assert b"new was not written: File too large" in ran.err


needs_strace = pytest.mark.skipif(which("strace") is None, reason="strace, which makes system calls fail, is not there")


@needs_strace
@pytest.mark.parametrize(
    ("fault", "code", "phrase"),
    [
        ("fsync:error=EIO:when=1", 14, "was not written: Input/output error"),
        ("fsync:error=EIO:when=2", 15, "its folder could not be synced"),
        ("fsync:signal=INT:when=1", 130, "interrupted; nothing was written"),
        ("link,linkat:signal=INT", 0, "exported"),  # it is too late to leave nothing
        ("fsync:signal=TERM:when=2", 0, "exported"),
        ("link,linkat:error=EPERM", 0, "exported"),  # a rename does it too
        ("link,linkat,rename,renameat:error=ENOSPC", 14, "was not written: No space left on device"),
    ],
)
def test_file_is_there_exactly_if_the_answer_says_so(
    story: Cli, tmp_path: Path, fault: str, code: int, phrase: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    options = ["-f", "-qq", "-o", "/dev/null", "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    ran = run_process("export", str(folder / "new"), command=("strace", *options, *EVCLI))
    assert ran.code == code, ran
    assert phrase in ran.err.decode()
    assert [path.name for path in folder.iterdir()] == (["new"] if code in (0, 15) else [])


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("what", ["users", "events"])
def test_interrupted_export_leaves_nothing(cli: Cli, tmp_path: Path, name: str, code: int, what: str) -> None:
    many_events(cli, 3000)
    cli.ok("status")  # makes the cache
    # The signal comes in the middle of the records, whatever the machine's speed.
    script = f"""
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from evcli.transfer import new_file as newfile
from evcli.cli.main import run
real = newfile.NewFile.write
def write(self, pieces):
    def counted():
        for number, piece in enumerate(pieces):
            if number == 1000:
                assert [name for name in os.listdir({str(tmp_path)!r}) if name.startswith(".evcli-")]
                os.kill(os.getpid(), signal.{name})
            yield piece
    real(self, counted())
newfile.NewFile.write = write
run()
"""
    with untouched(tmp_path):
        ran = run_process("export", "--what", what, str(tmp_path / "new"), command=(EVCLI[0], "-c", script))
    assert (ran.code, ran.out) == (code, b"")
    assert ran.err == b"error: interrupted; nothing was written\n"


KILLED = """
import os, signal, sys
from evcli.transfer import new_file as newfile
from evcli.cli.main import run
step = getattr(newfile.NewFile, sys.argv[1])
def stop(new, *given):
    step(new, *given)
    os.kill(os.getpid(), signal.SIGSTOP)
setattr(newfile.NewFile, sys.argv.pop(1), stop)
run()
"""


@pytest.mark.parametrize("step", ["write", "sync", "keep"])
def test_what_a_killed_export_left_is_removed_by_the_next_one(story: Cli, tmp_path: Path, step: str) -> None:
    words = [EVCLI[0], "-c", KILLED, step, "export", str(tmp_path / "first")]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        os.waitpid(process.pid, os.WUNTRACED)
        (left,) = tmp_path.glob(".evcli*")
        others = [left.with_name(name) for name in (left.name + "1", left.name[:23], f".evcli-{'0' * 16}", "x-1")]
        for other in others:
            other.write_text("another's")
        story.ok("export", str(tmp_path / "second"))
        assert left.exists(), "what an export at work has not finished is no leftover"
        process.send_signal(signal.SIGKILL)
    story.ok("export", str(tmp_path / "third"))
    assert not left.exists()
    assert [other.read_text() for other in others] == ["another's"] * 4
    assert (tmp_path / "first").exists() == (step == "keep")


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(story: Cli) -> Cli:
    """The story, with one letter changed in event 6."""
    spoil(story.log, 6, b'"user/1"', b'"user/2"')
    return story


def test_damaged_log_makes_no_file_and_no_users(damaged: Cli, tmp_path: Path) -> None:
    for words in ((), (str(tmp_path / "new"),), ("--what", "events", str(tmp_path / "new"))):
        refuses(damaged, ("export", *words), 12, "line 6", "; nothing was exported")
    with untouched(tmp_path):
        ran = damaged("export", "--what", "events", "--format", "json", str(tmp_path / "new"))
    assert (ran.code, "nothing was exported" in ran.err) == (12, True)
    assert rows_of(damaged.ok("export", "--at", "5").out)


def test_events_on_stdout_end_before_the_damage(damaged: Cli) -> None:
    before = b"".join(lines_in(damaged.log)[:5]).decode()
    fails(damaged("export", "--what", "events"), 12, "line 6, byte ", "; the export is incomplete", out=before)


def test_pipe_gets_the_events_before_the_damage_and_the_error_says_so(damaged: Cli) -> None:
    ran = run_shell('"$@" /dev/fd/7 7>&1', "export", "--what", "events")
    assert (ran.code, ran.out) == (12, b"".join(lines_in(damaged.log)[:5]))
    assert b"; the export is incomplete" in ran.err


def test_json_array_that_damage_ends_is_left_open(damaged: Cli) -> None:
    ran = damaged("export", "--what", "events", "--json")
    assert ran.code == 12
    assert "incomplete" in json.loads(ran.err)["error"]["message"]
    with pytest.raises(json.JSONDecodeError):  # so that no program takes it for whole
        json.loads(ran.out)
    assert len(json.loads(ran.out + "]")) == 5


@pytest.mark.parametrize("what", ["users", "events"])
def test_log_that_is_cut_below_the_moment_is_damaged(
    story: Cli, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evcli.cli.session import Session
    from evcli.register.refs import Moment

    real = Session.moment

    def moment(session: Session, ref: str, *, by_time: str) -> Moment:
        found = real(session, ref, by_time=by_time)
        os.truncate(story.log, sum(map(len, story.log.read_bytes().splitlines(keepends=True)[:3])))
        return found

    monkeypatch.setattr(Session, "moment", moment)
    ran = story("export", "--what", what, "--at", "7", str(tmp_path / "new"))
    assert (ran.code, ran.out) == (12, "")
    assert "used to contain event 7" in ran.err
    assert not (tmp_path / "new").exists()


# --- stdout, and memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--what", "events"), ("--what", "events", "--json")], ids=" ".join)
def test_bad_stdout_ends_an_export_like_other_answers(cli: Cli, words: tuple[str, ...]) -> None:
    many_events(cli, 3000)
    ran = run_shell('{ "$@"; echo "exit $?" >&2; } | head -c 100', "export", "-q", *words)
    assert ran.err == b"exit 0\n"
    assert run_shell('"$@" >&-', "export", *words).code == 16
    if os.path.exists("/dev/full"):
        ran = run_shell('"$@" >/dev/full', "export", *words)
        assert ran.code == 16
        assert b"the answer could not be shown: stdout: No space left on device" in ran.err


def test_memory_does_not_grow_with_the_events(cli: Cli, tmp_path: Path) -> None:
    def peak() -> int:
        script = "import resource, sys; from evcli.cli.main import main; main(sys.argv[1:]); " \
                 "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"  # fmt: skip
        words = ("export", "--what", "events", "--json", "--force", str(tmp_path / "out"))
        return int(run_process(*words, command=(EVCLI[0], "-c", script)).out)

    many_events(cli, 1000)
    few = peak()
    many_events(cli, 40_000)  # 12 MB of log, and several times that as events
    assert peak() < few + 8_000
