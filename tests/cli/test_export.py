"""`evcli export`: users and events for other programs, on stdout or as a file that is whole or not there."""

import csv
import io
import json
import os
import re
import resource
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from shutil import which

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from conftest import Cli, Ran
from hypothesis import given
from hypothesis import strategies as st

from cli.support import ADA, ALAN, EVCLI, GRACE, events_in, fails, many_events, run_process, run_shell, untouched
from evcli.domain.event import Event
from evcli.transfer.csv_guard import guarded, unguarded

USERS = [ADA, GRACE]
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


def test_users_are_the_live_ones_as_csv(story: Cli) -> None:
    ran = story("export")
    assert ran.code == 0
    assert ran.out == (
        "id,name,email,created,changed,destroyed\r\n"
        "1,Ada Lovelace,ada@example.com,1,6,\r\n"
        "2,Grace Hopper,grace@navy.example,2,4,\r\n"
    )
    assert ran.err == "2 users as of event 8 exported to stdout\n"


def test_all_users_are_destroyed_ones_too(story: Cli) -> None:
    ran = story.ok("export", "--all")
    assert rows_of(ran.out) == list(map(as_text, EVERYBODY))
    assert ran.err.startswith("3 users ")


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("words", [(), ("--all",)], ids=["live", "all"])
def test_users_as_json_have_the_documented_shape(story: Cli, form: str, words: tuple[str, ...]) -> None:
    out = story.ok("export", "--format", form, *words).out
    assert (json.loads(out) if form == "json" else [*map(json.loads, out.splitlines())]) == (
        EVERYBODY if words else USERS
    )


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_users_at_a_moment_are_those_that_user_list_has_then(story: Cli, at: int, form: str) -> None:
    listed = json.loads(story.ok("user", "list", "--at", str(at), "--json").out)
    out = story.ok("export", "--at", str(at), "--format", form, "-q").out
    if form == "csv":
        assert rows_of(out) == list(map(as_text, listed))
    else:
        assert (json.loads(out) if form == "json" else [*map(json.loads, out.splitlines())]) == listed


def test_the_moment_is_told_where_it_was_no_number(story: Cli) -> None:
    ran = story.ok("export", "--at", "2026-03-01 10:30")
    assert ran.err == "as of event 2 (2026-03-01 10:00:00)\n2 users as of event 2 exported to stdout\n"
    assert story.ok("export", "--at", "1").err == "1 user as of event 1 exported to stdout\n"
    assert story.ok("export", "--at", "1", "-q").err == ""


# --- CSV that a spreadsheet can open, and an import can read ----------------------------------------------------------

HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "''@x", "'quoted'", "a,b", 'a "b"', "=\"x\",'y'", "'", "''",
    "Ωmega 李", "a\u200db", "naïve",
)  # fmt: skip


def test_csv_guards_formulas_and_gives_names_and_emails_back_exactly(cli: Cli) -> None:
    emails = ["=a@x.example", "+a@x.example", "-a@x.example", "'=a@x.example", "'a@x.example", "{|}@x.example"]
    emails += [f"n{at}@x.example" for at in range(len(HOSTILE) - len(emails))]
    for name, email in zip(HOSTILE, emails, strict=True):
        cli.ok("user", "create", f"--email={email}", "--", name)
    rows = rows_of(cli.ok("export").out)
    cells = [row[column] for row in rows for column in ("name", "email")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    found = [(unguarded(row["name"]), unguarded(row["email"])) for row in rows]
    assert found == list(zip(HOSTILE, emails, strict=True))
    assert rows[0]["name"] == "'=1+1"
    assert rows[6]["name"] == "'quoted'", "what no spreadsheet takes for a formula is left alone"


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n\0ab, ")))
def test_the_guard_can_always_be_taken_away(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0"))


@pytest.mark.parametrize("text", ["Ada", "'Ada'", "'", "O'Neil", ""])
def test_other_text_is_not_guarded(text: str) -> None:
    assert guarded(text) == text
    assert unguarded(text) == text


def test_csv_is_utf_8_whatever_the_locale_is(cli: Cli) -> None:
    cli.ok("user", "create", "Ωmega 李", "--email", "o@example.com")
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:strict"}
    ran = run_process("export", "-q", environment=poor)
    assert (ran.code, ran.err) == (0, b"")
    assert rows_of(ran.out.decode())[0]["name"] == "Ωmega 李"


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_the_logs_own_lines_byte_for_byte(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "create", "Ωmega 李 a\u200db", "--email", "o@example.com")
    ran = story.ok("export", "--what", "events")
    assert ran.out.encode() == story.log.read_bytes()
    assert ran.err == "9 events as of event 9 exported to stdout\n"
    story.ok("export", "--what", "events", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == story.log.read_bytes()


@pytest.mark.parametrize("at", range(9))
def test_events_up_to_a_moment_are_the_logs_first_lines(story: Cli, at: int) -> None:
    lines = story.log.read_text().splitlines(keepends=True)[:at]
    assert story.ok("export", "--what", "events", "--at", str(at)).out == "".join(lines)
    assert (
        json.loads(story.ok("export", "--what", "events", "--at", str(at), "--json").out) == events_in(story.log)[:at]
    )


def test_more_events_than_fit_a_chunk_are_all_exported_up_to_any_of_them(cli: Cli) -> None:
    many_events(cli, 700)
    lines = cli.log.read_text().splitlines(keepends=True)
    for at in (1, 200, 256, 699, 700):
        assert cli.ok("export", "--what", "events", "--at", str(at)).out == "".join(lines[:at])


def test_events_as_json_are_a_batch_that_the_cloudevents_package_reads(story: Cli) -> None:
    story.ok("user", "create", "Ωmega 李", "--email", "o@example.com")
    batch = json.loads(story.ok("export", "--what", "events", "--format", "json").out)
    read = [JSONFormat().read(CloudEvent, json.dumps(one)) for one in batch]
    events = events_in(story.log)
    assert len(read) == len(events) == 9
    for one, event in zip(read, events, strict=True):
        assert one.get_data() == event.pop("data")
        event["time"] = datetime.fromisoformat(event["time"])
        assert one.get_attributes() == event


def test_members_of_the_log_are_all_of_the_cloudevents_specification_or_its_extensions() -> None:
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
    with untouched(tmp_path):
        fails(story("export", *line.split()), 2, "hint: ", *WRONG[line])
        if line != "one two":
            fails(story("export", *line.split(), str(tmp_path / "new")), 2, "hint: ", *WRONG[line])


def test_where_there_is_no_log_nothing_is_made(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli("export", str(tmp_path / "new")), 10, "there is no log")


# --- a file, whole or not at all --------------------------------------------------------------------------------------


def test_a_file_is_its_owners_only_and_all_that_is_made(story: Cli, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    ran = story("export", str(tmp_path / "users.csv"))
    assert ran == Ran(0, "", f"2 users as of event 8 exported to {tmp_path}/users.csv\n")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "users.csv"}
    found = (tmp_path / "users.csv").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_nlink) == (0o600, 1)
    assert (tmp_path / "users.csv").read_bytes().decode() == story.ok("export").out


@pytest.mark.parametrize("words", [("-",), ()], ids=["-", "nothing"])
def test_stdout_is_what_a_dash_and_nothing_mean(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    with untouched(tmp_path):
        assert rows_of(story.ok("export", *words).out) == list(map(as_text, USERS))


def test_a_file_that_is_there_is_replaced_only_by_force(story: Cli, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    with untouched(tmp_path):
        fails(story("export", str(mine)), 14, f"{mine} already exists; nothing was written", "--force")
    story.ok("export", str(mine), "--force")
    assert rows_of(mine.read_bytes().decode()) == list(map(as_text, USERS))
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    story.ok("export", str(tmp_path / "new"), "--force")


def test_by_force_a_link_stays_one_and_what_it_points_to_is_replaced(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, real = tmp_path / "link", tmp_path / "there" / "real"
    link.symlink_to(real)
    fails(story("export", str(link)), 14, "already exists")
    for _ in range(2):  # where it points to nothing, and to a file
        story.ok("export", str(link), "--force")
        assert link.readlink() == real
        assert real.read_bytes().decode() == story.ok("export").out
    assert list(real.parent.iterdir()) == [real]


def test_a_file_that_came_meanwhile_is_not_replaced(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, real = tmp_path / "new", os.link

    def link(source: str, target: str) -> None:
        new.write_text("mine")
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    fails(story("export", str(new)), 14, "already exists")
    assert new.read_text() == "mine"
    assert not list(tmp_path.glob(".evcli*"))


def test_where_there_are_no_links_the_file_is_renamed(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: str, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    story.ok("export", str(tmp_path / "new"))
    assert rows_of((tmp_path / "new").read_bytes().decode())
    assert not list(tmp_path.glob(".evcli*"))


def test_where_there_are_no_links_a_file_that_came_meanwhile_is_not_replaced_either(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: str, target: str) -> None:
        Path(target).write_text("mine")
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    fails(story("export", str(tmp_path / "new")), 14, "already exists")
    assert (tmp_path / "new").read_text() == "mine"


def _itself(log: Path) -> Path:
    return log


def _by_another_way(log: Path) -> Path:
    return log.parent / "." / ".." / log.parent.name / log.name


def _link(log: Path) -> Path:
    (log.parent / "link").symlink_to(log)
    return log.parent / "link"


def _hard_link(log: Path) -> Path:
    os.link(log, log.parent / "hard")
    return log.parent / "hard"


def _cache(log: Path) -> Path:
    return Path(f"{log}.cache")


def _cache_through_a_link(log: Path) -> Path:
    (log.parent / "to-cache").symlink_to(f"{log}.cache")
    return log.parent / "to-cache"


def _cache_through_a_folder(log: Path) -> Path:
    (log.parent / "here").symlink_to(log.parent)
    return log.parent / "here" / f"{log.name}.cache"


@pytest.mark.parametrize(
    "way",
    [_itself, _by_another_way, _link, _hard_link, _cache, _cache_through_a_link, _cache_through_a_folder],
    ids=lambda way: way.__name__.strip("_"),
)
@pytest.mark.parametrize("is_log_a_link", [False, True])
def test_the_log_and_the_file_beside_it_are_never_written_onto(
    story: Cli, tmp_path: Path, way: Callable[[Path], Path], is_log_a_link: bool
) -> None:
    path = way(story.log)
    log = story.log
    if is_log_a_link:
        (tmp_path / "elsewhere").mkdir()
        log = tmp_path / "elsewhere" / "log"
        log.symlink_to(story.log)
    with untouched(tmp_path):
        for force in ((), ("--force",)):
            fails(story("export", str(path), "--log", str(log), *force), 2, "is the log itself, or belongs to it")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_file_that_cannot_be_one_is_wrong_usage(story: Cli, path: str) -> None:
    fails(story("export", path), 2, "FILE names no file")


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
def test_what_is_no_file_is_not_replaced(story: Cli, tmp_path: Path, force: tuple[str, ...]) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with untouched(tmp_path):
        fails(story("export", str(tmp_path / "folder"), *force), 14, "is a folder")
        fails(story("export", str(tmp_path / "fifo"), *force), 14, "is no regular file")
        fails(story("export", "/dev/null", *force), 14, "/dev/null is no regular file", "stdout")


def test_a_missing_folder_is_14_and_named(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("export", str(tmp_path / "no" / "x")), 14, "was not written", f"there is no folder {tmp_path}/no")


def test_a_folder_in_which_nothing_may_be_made_is_14(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    ran = run_process("export", str(tmp_path / "locked" / "x"), without_root_rights=True)
    assert (ran.code, ran.out) == (14, b"")
    assert b"was not written: Permission denied" in ran.err


def test_a_full_disk_is_14_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    many_events(cli, 2000)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with untouched(tmp_path):
        done = subprocess.run(
            [*EVCLI, "export", "--what", "events", str(tmp_path / "new")], capture_output=True, preexec_fn=limited,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 14, done.stderr
    assert b"new was not written: File too large" in done.stderr


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
def test_a_file_is_there_exactly_if_it_is_said_to_be(
    story: Cli, tmp_path: Path, fault: str, code: int, phrase: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    options = ["-f", "-qq", "-o", "/dev/null", "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    ran = run_process("export", str(folder / "new"), command=("strace", *options, *EVCLI))
    assert ran.code == code, ran
    assert phrase in ran.err.decode()
    assert [path.name for path in folder.iterdir()] == (["new"] if code in (0, 15) else [])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
@pytest.mark.parametrize("what", ["users", "events"])
def test_an_interrupted_export_leaves_nothing(
    cli: Cli, tmp_path: Path, number: signal.Signals, code: int, what: str
) -> None:
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
                os.kill(os.getpid(), {int(number)})
            yield piece
    real(self, counted())
newfile.NewFile.write = write
run()
"""
    with untouched(tmp_path):
        ran = run_process("export", "--what", what, str(tmp_path / "new"), command=(EVCLI[0], "-c", script))
    assert (ran.code, ran.out) == (code, b"")
    assert ran.err == b"error: interrupted; nothing was written\n"


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(story: Cli) -> Cli:
    """The story, with one letter changed in event 6."""
    lines = story.log.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"user/1"', b'"user/2"')
    story.log.write_bytes(b"".join(lines))
    return story


def test_users_of_a_damaged_log_are_not_exported(damaged: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(damaged("export"), 12, "line 6", "; nothing was exported")
        fails(damaged("export", str(tmp_path / "new")), 12, "line 6", "; nothing was exported")
    assert rows_of(damaged.ok("export", "--at", "5").out)


def test_events_of_a_damaged_log_end_before_the_damage_and_the_error_says_so(damaged: Cli) -> None:
    lines = damaged.log.read_text().splitlines(keepends=True)
    ran = damaged("export", "--what", "events")
    fails(ran, 12, "line 6, byte ", "; what was exported is incomplete", out="".join(lines[:5]))


def test_a_json_array_that_damage_ends_is_left_open_so_that_nobody_takes_it_for_whole(damaged: Cli) -> None:
    ran = damaged("export", "--what", "events", "--json")
    assert ran.code == 12
    assert "incomplete" in json.loads(ran.err)["error"]["message"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(ran.out)
    assert len(json.loads(ran.out + "]")) == 5


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_no_file_is_made_of_the_events_of_a_damaged_log(damaged: Cli, tmp_path: Path, form: str) -> None:
    with untouched(tmp_path):
        ran = damaged("export", "--what", "events", "--format", form, str(tmp_path / "new"))
    assert ran.code == 12
    assert "nothing was exported" in ran.err


@pytest.mark.parametrize("what", ["users", "events"])
def test_a_log_that_was_cut_below_the_moment_is_damaged(
    story: Cli, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evcli.cli.session import Session
    from evcli.register.refs import Moment

    real = Session.moment

    def moment(session: Session, ref: str) -> Moment:
        found = real(session, ref)
        os.truncate(story.log, sum(map(len, story.log.read_bytes().splitlines(keepends=True)[:3])))
        return found

    monkeypatch.setattr(Session, "moment", moment)
    ran = story("export", "--what", what, "--at", "7", str(tmp_path / "new"))
    assert (ran.code, ran.out) == (12, "")
    assert "used to contain event 7" in ran.err
    assert not (tmp_path / "new").exists()


# --- stdout, and memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--what", "events"), ("--what", "events", "--json")], ids=" ".join)
def test_a_stdout_that_is_no_good_ends_an_export_as_it_ends_other_answers(cli: Cli, words: tuple[str, ...]) -> None:
    many_events(cli, 3000)
    ran = run_shell('{ "$@"; echo "exit $?" >&2; } | head -c 100', "export", "-q", *words)
    assert ran.err == b"exit 0\n"
    assert run_shell('"$@" >&-', "export", *words).code == 16
    if os.path.exists("/dev/full"):
        ran = run_shell('"$@" >/dev/full', "export", *words)
        assert ran.code == 16
        assert b"the answer could not be shown: stdout: No space left on device" in ran.err


def test_exporting_events_takes_no_more_memory_for_more_events(cli: Cli, tmp_path: Path) -> None:
    def peak() -> int:
        script = "import resource, sys; from evcli.cli.main import main; main(sys.argv[1:]); " \
                 "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"  # fmt: skip
        words = ("export", "--what", "events", "--json", "--force", str(tmp_path / "out"))
        return int(run_process(*words, command=(EVCLI[0], "-c", script)).out)

    many_events(cli, 1000)
    few = peak()
    many_events(cli, 40_000)  # 12 MB of log, and several times that as events
    assert peak() < few + 8_000


def test_what_is_exported_as_csv_is_imported_as_it_was(cli: Cli, tmp_path: Path) -> None:
    odd = ["=1+1", "'=x", "''-y", "+49 30", "@home", "'quoted'", 'a "b", c', "-", "Zoë", "'"]
    for number, name in enumerate(odd):
        cli.ok("user", "create", "--email", f"=user{number}@example.com", "--", name)
    cli.ok("user", "destroy", "3")
    cli.ok("export", str(tmp_path / "users.csv"))
    before = cli.ok("user", "list", "--json").out
    ran = cli("import", str(tmp_path / "users.csv"), "--log", str(tmp_path / "other.jsonl"))
    assert ran.code == 0, ran.err
    assert "ignored columns: id, created, changed" in ran.err
    told = [(user["name"], user["email"]) for user in json.loads(before)]
    again = json.loads(cli.ok("user", "list", "--json", "--log", str(tmp_path / "other.jsonl")).out)
    assert [(user["name"], user["email"]) for user in again] == told
    cli.ok("export", str(tmp_path / "all.csv"), "--all")
    ran = cli("import", str(tmp_path / "all.csv"), "--log", str(tmp_path / "third.jsonl"))
    assert ran.code == 2
    assert "destroyed" in ran.err
