"""From the words typed to the exit code: usage, hints, interrupts, bugs."""

import fcntl
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, Ran

import evcli
from cli.support import EVCLI, EVERY, FORMS, READING, WRITING, Raw, events_in, fails, refuses, run_process, untouched
from evcli.cli.hints import hint_for
from evcli.cli.show import output
from evcli.errors import OutcomeUnknown

# --- wrong usage ------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, ...]] = {
    "lgo": ("lgo", "log"),
    "usr list": ("usr", "user"),
    "versions": ("versions", "evcli -h"),
    "user": ("missing command", "evcli user -h"),
    "user creat Ada": ("creat", "create"),
    "user lst": ("lst", "list"),
    "create Ada": ("create", "evcli user create Ada --email EMAIL"),
    "list": ("list", "evcli user list"),
    "user list --mtach x": ("--mtach", "--match"),
    "user list --jsno": ("--jsno", "--json"),
    "log -x": ("-x", "evcli log -h"),
    "log --most 5": ("--most", "evcli log -h"),
    "user create": ("NAME", "evcli user create -h"),
    "user create Ada": ("--email", "evcli user create -h"),
    "user create --email": ("--email", "evcli user create -h"),
    "user create --email a@example.com": ("NAME", "evcli user create -h"),
    "user rename 1": ("NAME", "evcli user rename -h"),
    "user rename": ("WHO", "evcli user rename -h"),
    "user change-email 1": ("EMAIL", "evcli user change-email -h"),
    "user destroy": ("WHO", "evcli user destroy -h"),
    "user restore": ("WHO", "evcli user restore -h"),
    "user show": ("WHO", "evcli user show -h"),
    "user list -n": ("-n", "evcli user list -h"),
    "user list -n -1": ("-n", "-1 is less than 0\n", "evcli user list -h"),
    "user list -n many": ("-n", "'many' is not a whole number\n", "evcli user list -h"),
    "user destroy 1 --lock-wait long": ("--lock-wait", "'long' is not a number\n"),
    "report --since 2026-03": ("--since\n", "did you mean --from? evcli report -h"),
    "report --until 3": ("--until\n", "did you mean --to? evcli report -h"),
    "log --from 3": ("--from\n", "did you mean --since? evcli log -h"),
    "log --to=3": ("--to\n", "did you mean --until? evcli log -h"),
    "state --att 3": ("--att\n", "did you mean --at? evcli state -h"),
    "state --as-of 3": ('--as-of "3" is the number of an event, not a time', "--at 3"),
    "user list --since 3": ("--since\n", "hint: evcli user list -h shows how it is used"),
    "diff --from 2 --to 3": ("--from\n", "evcli diff FROM TO"),
    "user list --sort name": ("--sort\n", "hint: evcli user list -h shows how it is used"),
    "sync x.csv --max-destory=5": ("--max-destory\n", "did you mean --max-destroy? evcli sync -h"),
    "bisect --good 3": ("--good\n", "did you mean --from? evcli bisect -h"),
    "bisect --bad 3": ("--bad\n", "did you mean --to? evcli bisect -h"),
    "bisect ./check --quickly": ("--quickly\n", "a command and its options come after --: evcli bisect -- ./check …"),
    "user list --al": ("--al\n", "did you mean --all? evcli user list -h"),
    "head 5": ("5", "did you mean evcli head --at 5\n"),
    "state yesterday": ("yesterday", "did you mean evcli state --at yesterday\n"),
    "path 5": ("5", "evcli path -h"),
    "verify --at 3": ("--at", "evcli verify -h"),
    "help refs formats": ("formats", "evcli -h"),
    "completion": ("SHELL", "evcli completion -h"),
    "completion powershell": ("powershell", "bash", "zsh", "fish"),
    "state --json=yes": ("--json", "evcli state -h"),
    "state --format nope": ('"nope" is not one of table, plain', "hint: evcli help formats"),
    "export --format XLSX": ('"XLSX" is not one of', "evcli export FILE.xlsx writes a workbook"),
    "report --format=html": ("is not one of", "evcli report --html FILE writes a page"),
    "state --format": ("--format", "evcli state -h"),
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_2_with_a_hint(story: Cli, line: str) -> None:
    refuses(story, line.split(), 2, "hint: ", *WRONG[line])


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("user create Ada Lovelace --email ada@example.com", '"Ada Lovelace"'),
        ("user create --email ada@example.com Ada King Lovelace", '"Ada King Lovelace"'),
        ("user rename 1 Ada King", '"Ada King"'),
    ],
)
def test_name_of_several_words_is_hinted_to_need_quotes(cli: Cli, line: str, quoted: str) -> None:
    refuses(cli, line.split(), 2, "hint: ", "quote a name", quoted, f"evcli {' '.join(line.split()[:2])}")


def test_hint_about_quotes_needs_a_place_for_a_name(story: Cli) -> None:
    fails(story("user", "show", "Ada", "Lovelace"), 2, "hint: ", "Lovelace")
    ran = story("user", "list", "Ada")
    fails(ran, 2, "hint: ", "Ada")
    assert "quote a " not in ran.err


@pytest.mark.parametrize(
    "line",
    [
        "--json --format csv state",
        "state --json --format plain",
        "--format table state --json",
        "--format csv state --format jsonl",
        "user --json list --format csv",
    ],
)
def test_two_different_forms_are_a_usage_error(story: Cli, line: str) -> None:
    ran = story(*line.split())
    assert (ran.code, ran.out) == (2, "")
    assert "--format" in ran.err
    assert "--json" in ran.err


def test_one_form_may_be_named_twice(story: Cli) -> None:
    story.ok("--json", "head", "--format", "json", "--json")
    story.ok("--format", "csv", "user", "--format", "csv", "list", "--format", "csv")


@pytest.mark.parametrize("form", ["xml", "yaml", "", "JSON", "Table"])
def test_unknown_form_is_a_usage_error(story: Cli, form: str) -> None:
    fails(story("state", "--format", form), 2, *FORMS)


# --- options for every command ----------------------------------------------------------------------------------------

SHARED = (
    "--log LOG",
    *(f"--format {form}" for form in FORMS),
    "--json",
    "--color never",
    "--no-pager",
    "-q",
    "--quiet",
)


@pytest.mark.parametrize("option", SHARED)
@pytest.mark.parametrize("command", [*READING, *WRITING, "export", "path", "help", "completion"])
def test_shared_option_is_taken_before_and_after_the_command(story: Cli, command: str, option: str) -> None:
    if command == "export" and option in ("--format table", "--format plain", "--format markdown"):
        return  # which it does not have
    given = option.replace("LOG", str(story.log)).split()
    first, *rest = EVERY[command]
    if command in WRITING:
        rest += ["--dry-run", "--id", "x"]
    with untouched(story.log.parent):
        before = story(*given, first, *rest)
        assert before.code == 0, before.err
        assert story(first, *rest, *given) == before
        if first == "user":
            assert story(first, *given, *rest) == before


def test_last_log_named_counts_and_then_evcli_log(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ("--log", str(story.log))
    assert story("--log", "/nowhere/first.jsonl", "head", *log) == story("head")
    monkeypatch.setenv("EVCLI_LOG", "/nowhere/else.jsonl")
    fails(story("head"), 10, "/nowhere/else.jsonl")
    story.ok("head", *log)


def test_version_is_printed_without_a_log(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        assert cli("--version") == Ran(0, f"evcli {evcli.__version__}\n", "")


# --- interrupts -------------------------------------------------------------------------------------------------------

HELPER = """
import signal, sys, os, time
from evcli.cli.main import run
{patch}
run()
"""


def patched(patch: str) -> tuple[str, ...]:
    """The command that is evcli after this patch."""
    return (sys.executable, "-c", HELPER.format(patch=patch))


SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
"""The signals that end evcli, with the exit codes."""

TELL_WHEN_WAITING = """
real = time.sleep
def sleep(seconds):
    sys.stderr.write("waiting\\n")
    sys.stderr.flush()
    time.sleep = real
    real(seconds)
time.sleep = sleep
"""
"""The first time that the lock is waited for is told."""


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_interrupt_before_the_write_says_that_nothing_was_written(
    story: Cli, name: str, form: str, tmp_path: Path
) -> None:
    with story.log.open("rb") as other, untouched(tmp_path):
        fcntl.flock(other, fcntl.LOCK_EX)
        words = [*WRITING["user destroy"], "--lock-wait", "60", "--format", form]
        with subprocess.Popen(
            [*patched(TELL_WHEN_WAITING), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "waiting\n"
            process.send_signal(signal.Signals[name])
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (SIGNALS[name], "")
    if form == "json":
        error = json.loads(err)["error"]
        assert (error["code"], error["exit"]) == ("interrupted", SIGNALS[name])
    else:
        assert err == "error: interrupted; nothing was written\n"


INTERRUPT_AT_SYNC = """
real = os.fsync
def fsync(descriptor):
    os.kill(os.getpid(), signal.{name})
    real(descriptor)
os.fsync = fsync
"""


@pytest.mark.parametrize("name", SIGNALS)
def test_interrupt_after_the_write_waits_for_the_answer(story: Cli, name: str) -> None:
    ran = run_process(*WRITING["user destroy"], command=patched(INTERRUPT_AT_SYNC.format(name=name)))
    assert ran == Raw(
        0, b"user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)\nundo: evcli user restore 2\n", b""
    )
    assert len(events_in(story.log)) == 9


def test_interrupt_that_was_ignored_at_the_start_stays_ignored(story: Cli) -> None:
    patch = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nos.kill(os.getpid(), signal.SIGINT)"
    assert run_process("head", command=patched(patch)).code == 0


def test_main_leaves_the_signal_handlers_as_they_were(story: Cli) -> None:
    before = [signal.getsignal(signal.Signals[name]) for name in SIGNALS]
    for words in (("head",), ("user", "show", "nobody"), WRITING["user destroy"]):
        story(*words)
    assert [signal.getsignal(signal.Signals[name]) for name in SIGNALS] == before


def test_interrupt_while_python_starts_shows_no_traceback(story: Cli) -> None:
    script = """
import builtins, os, signal, sys
real = builtins.__import__
def importing(name, *rest, **more):
    if name == "orjson":
        builtins.__import__ = real
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *rest, **more)
builtins.__import__ = importing
import runpy
sys.argv = ["evcli", *sys.argv[1:]]
runpy.run_module("evcli", run_name="__main__", alter_sys=True)
"""
    ran = run_process("head", command=(sys.executable, "-c", script))
    assert b"Traceback" not in ran.err, ran.err.decode()
    assert ran.code in (130, -signal.SIGINT)


# --- bugs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def buggy(story: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """evcli over the story with a bug in every answer."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a \x1b[31mbug\nof two lines")

    monkeypatch.setattr(output.Output, "show", broken)
    return story


def test_bug_is_255_with_one_line_and_how_to_report_it(buggy: Cli) -> None:
    ran = buggy("head")
    assert (ran.code, ran.out) == (255, "")
    error, hint = ran.err.splitlines()
    assert re.fullmatch(r"error: .*bug.*ZeroDivisionError: a \\u\{1b\}\[31mbug\\u\{a\}of two lines", error)
    assert hint.startswith("hint: ")
    assert "EVCLI_DEBUG=1" in hint
    ran = buggy("head", "--json")
    assert (ran.code, ran.out) == (255, "")
    assert json.loads(ran.err)["error"]["exit"] == 255


def test_bug_after_the_write_says_that_the_event_is_stored(buggy: Cli) -> None:
    ran = buggy(*WRITING["user destroy"])
    assert len(events_in(buggy.log)) == 9
    assert ran.code != 0
    assert "event 9 is stored" in ran.err, f"nobody learns that the event is stored: {ran.err!r}"


def test_bug_shows_its_traceback_only_with_evcli_debug_1(story: Cli) -> None:
    command = patched("from evcli.cli.show import output\ndef broken(*_): return 1 / 0\noutput.Output.show = broken")
    for value in (None, "0", "", "no", "1"):
        ran = run_process("head", command=command, environment={} if value is None else {"EVCLI_DEBUG": value})
        assert ran.code == 255, f"with EVCLI_DEBUG={value} a bug exits {ran.code}"
        assert (b"Traceback" in ran.err) == (value == "1")
        assert b"ZeroDivisionError" in ran.err


def test_refusal_shows_no_traceback_with_evcli_debug(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_DEBUG", "1")
    fails(story("user", "show", "nobody"), 1, 'no user "nobody"')
    fails(story("nope"), 2, "nope")


def test_removed_working_folder_is_no_bug(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    line = f'cd "{tmp_path}/gone" && rmdir "$PWD" && exec "$@"'
    ran = run_process("log", "--log", "relative.jsonl", command=("sh", "-c", line, "sh", *EVCLI))
    assert ran.code in (10, 14), ran.err
    assert b"Traceback" not in ran.err
    assert b"bug" not in ran.err


def test_own_hint_of_an_unknown_outcome_comes_before_the_usual_one() -> None:
    error = OutcomeUnknown("log", "why")
    error.hint = "kept in FILE"
    assert hint_for(error) == "kept in FILE; check the disk, then run evcli log -n 3 before repeating the command"


def test_log_folder_that_may_not_be_read_says_so_and_gets_no_empty_log(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o300)
    create = ("user", "create", "Ada", "--email", "ada@example.com", "--log", str(tmp_path / "folder" / "log"))
    ran = run_process(*create, without_root_rights=True)
    (tmp_path / "folder").chmod(0o700)
    assert (ran.code, ran.out) == (14, b"")
    assert b"log cannot be created: its folder may not be read" in ran.err
    assert b"nothing was written" in ran.err
    assert not list((tmp_path / "folder").iterdir())
    assert run_process(*create).code == 0
