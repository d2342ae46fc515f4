"""From the words typed to the exit code: usage, hints, interrupts, bugs."""

import fcntl
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, Ran

import evcli
from cli.support import EVCLI, EVERY, READING, WRITING, Raw, events_in, fails, run_process, untouched
from evcli.cli.show import output

# --- wrong usage ------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, ...]] = {
    "": ("missing command", "evcli -h"),
    "lgo": ("lgo", "log"),
    "usr list": ("usr", "user"),
    "versions": ("versions", "evcli -h"),
    "user": ("missing command", "evcli user -h"),
    "user creat Ada": ("creat", "create"),
    "user lst": ("lst", "list"),
    "create Ada": ("create", "evcli -h"),
    "list": ("list", "evcli -h"),
    "user list --mtach x": ("--mtach", "--match"),
    "user list --jsno": ("--jsno", "--json"),
    "log -x": ("-x", "evcli log -h"),
    "log --limit 5": ("--limit", "evcli log -h"),
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
    "user list -n -1": ("-n", "-1", "evcli user list -h"),
    "user list -n many": ("-n", "many", "evcli user list -h"),
    "head 5": ("5", "evcli head -h"),
    "state yesterday": ("yesterday", "evcli state -h"),
    "verify --at 3": ("--at", "evcli verify -h"),
    "help refs formats": ("formats", "evcli help -h"),
    "completion": ("SHELL", "evcli completion -h"),
    "completion powershell": ("powershell", "bash", "zsh", "fish"),
    "state --json=yes": ("--json", "evcli state -h"),
    "state --format": ("--format", "evcli state -h"),
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_2_and_says_what_is_wrong_and_how_it_is_used(story: Cli, line: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story(*line.split())
    fails(ran, 2, "hint: ", *WRONG[line])


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (("user", "create", "Ada", "Lovelace", "--email", "ada@example.com"), '"Ada Lovelace"'),
        (("user", "create", "--email", "ada@example.com", "Ada", "King", "Lovelace"), '"Ada King Lovelace"'),
        (("user", "rename", "1", "Ada", "King"), '"Ada King"'),
    ],
    ids=["create", "create, option first", "rename"],
)
def test_a_name_of_several_words_without_quotes_is_told_to_be_put_in_quotes(
    cli: Cli, words: tuple[str, ...], quoted: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = cli(*words)
    fails(ran, 2, "hint: ", "quotes", quoted, f"evcli {' '.join(words[:2])}")


def test_the_hint_about_quotes_is_only_given_where_a_name_stands(story: Cli) -> None:
    for words in (("user", "show", "Ada", "Lovelace"), ("user", "list", "Ada")):
        ran = story(*words)
        fails(ran, 2, "hint: ", words[-1])
        if words[1] != "show":
            assert "name of several words" not in ran.err, f"{' '.join(words)}: {ran.err}"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--format", "csv", "state"),
        ("state", "--json", "--format", "plain"),
        ("--format", "table", "state", "--json"),
        ("--format", "csv", "state", "--format", "jsonl"),
        ("user", "--json", "list", "--format", "csv"),
    ],
    ids=" ".join,
)
def test_two_different_forms_are_a_contradiction(story: Cli, words: tuple[str, ...]) -> None:
    ran = story(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "--format" in ran.err
    assert "--json" in ran.err


def test_the_same_form_twice_is_none(story: Cli) -> None:
    assert story("--json", "head", "--format", "json", "--json").code == 0
    assert story("--format", "csv", "user", "--format", "csv", "list", "--format", "csv").code == 0


@pytest.mark.parametrize("form", ["xml", "yaml", "", "JSON", "Table"])
def test_a_form_that_there_is_not_is_wrong_usage_naming_all(story: Cli, form: str) -> None:
    fails(story("state", "--format", form), 2, "table", "plain", "json", "jsonl", "csv")


# --- options for every command ----------------------------------------------------------------------------------------

SHARED = {
    "--log FILE": ("--log", "%"),
    "--format csv": ("--format", "csv"),
    "--json": ("--json",),
    "--color never": ("--color", "never"),
    "--no-pager": ("--no-pager",),
    "-q": ("-q",),
    "--quiet": ("--quiet",),
}


@pytest.mark.parametrize("option", SHARED)
@pytest.mark.parametrize("command", [*READING, "export", "path", "help", "completion"])
def test_shared_options_may_stand_before_or_after_the_commands_name(story: Cli, command: str, option: str) -> None:
    given = [word.replace("%", str(story.log)) for word in SHARED[option]]
    first, *rest = EVERY[command]
    before, after = story(*given, first, *rest), story(first, *rest, *given)
    assert before.code == 0, before.err
    assert before == after
    if len(rest) and first == "user":
        assert story(first, *given, *rest) == before


@pytest.mark.parametrize("option", SHARED)
@pytest.mark.parametrize("command", WRITING)
def test_shared_options_may_stand_on_either_side_of_writing_commands_too(
    story: Cli, command: str, option: str, tmp_path: Path
) -> None:
    given = [word.replace("%", str(story.log)) for word in SHARED[option]]
    words = (*WRITING[command], "--dry-run", "--id", "x")
    with untouched(tmp_path):
        before, after = story(*given, *words), story(*words, *given)
    assert before.code == 0, before.err
    assert before == after


def test_the_last_log_named_counts(story: Cli) -> None:
    ran = story("--log", "/nowhere/first.jsonl", "head", "--log", str(story.log))
    assert ran == story("head")


def test_evcli_log_names_the_log_when_no_option_does(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_LOG", "/nowhere/else.jsonl")
    fails(story("head"), 10, "/nowhere/else.jsonl")
    assert story("head", "--log", str(story.log)).code == 0


def test_version_says_which_it_is(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        assert cli("--version") == Ran(0, f"evcli {evcli.__version__}\n", "")


def test_python_m_evcli_and_main_end_with_the_same_code(story: Cli) -> None:
    for words, code in ((("head",), 0), (("user", "show", "x"), 1), (("nope",), 2), (("head", "--log", "/no"), 10)):
        assert story(*words).code == code
        assert run_process(*words).code == code


def test_nothing_is_asked_when_there_is_no_terminal(story: Cli) -> None:
    for words in WRITING.values():
        ran = run_process(*words, "--dry-run")
        assert ran.code == 0, ran.err


# --- interrupts -------------------------------------------------------------------------------------------------------

HELPER = """
import signal, sys, os, time
from evcli.cli.main import run
{patch}
run()
"""

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


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_an_interrupt_before_anything_was_written_says_so(
    story: Cli, number: signal.Signals, code: int, form: str, tmp_path: Path
) -> None:

    with story.log.open("rb") as other, untouched(tmp_path):
        fcntl.flock(other, fcntl.LOCK_EX)
        script = HELPER.format(patch=TELL_WHEN_WAITING)
        words = [*WRITING["user destroy"], "--lock-wait", "60", "--format", form]
        with subprocess.Popen(
            [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "waiting\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    if form == "json":
        error = json.loads(err)["error"]
        assert (error["code"], error["exit"]) == ("interrupted", code)
    else:
        assert err == "error: interrupted; nothing was written\n"


INTERRUPT_AT_SYNC = """
real = os.fsync
def fsync(descriptor):
    os.kill(os.getpid(), signal.{name})
    real(descriptor)
os.fsync = fsync
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_between_the_write_and_the_answer_is_held_back_until_both_are_done(story: Cli, name: str) -> None:
    ran = run_process(
        *WRITING["user destroy"],
        command=(sys.executable, "-c", HELPER.format(patch=INTERRUPT_AT_SYNC.format(name=name))),
    )
    assert ran == Raw(
        0, b"user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)\nundo: evcli user restore 2\n", b""
    )
    assert len(events_in(story.log)) == 9


def test_an_interrupt_that_was_ignored_from_the_start_stays_ignored(story: Cli) -> None:
    patch = "os.kill(os.getpid(), signal.SIGINT)"
    script = HELPER.format(patch=f"signal.signal(signal.SIGINT, signal.SIG_IGN)\n{patch}")
    assert run_process("head", command=(sys.executable, "-c", script)).code == 0


def test_main_leaves_the_signal_handlers_as_they_were(story: Cli) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    story.ok("head")
    story("user", "show", "nobody")
    story.ok(*WRITING["user destroy"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_an_interrupt_while_python_still_starts_shows_no_traceback(story: Cli) -> None:
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
def bug(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes a bug in every reading command's answer."""

    def make() -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("a \x1b[31mbug\nof two lines")

        monkeypatch.setattr(output.Output, "show", broken)

    return make


def test_a_bug_is_255_with_one_line_and_how_to_report_it(story: Cli, bug: Callable[[], None]) -> None:
    bug()
    ran = story("head")
    assert (ran.code, ran.out) == (255, "")
    error, hint = ran.err.splitlines()
    assert re.fullmatch(r"error: .*bug.*ZeroDivisionError: a \\u\{1b\}\[31mbug\\u\{a\}of two lines", error)
    assert hint.startswith("hint: ")
    assert "EVCLI_DEBUG=1" in hint


def test_a_bug_as_json_is_an_error_object(story: Cli, bug: Callable[[], None]) -> None:
    bug()
    ran = story("head", "--json")
    assert (ran.code, ran.out) == (255, "")
    assert json.loads(ran.err)["error"]["exit"] == 255


def test_a_bug_after_the_event_was_stored_says_that_it_is(story: Cli, bug: Callable[[], None]) -> None:
    bug()
    ran = story(*WRITING["user destroy"])
    assert len(events_in(story.log)) == 9
    assert ran.code != 0
    assert "event 9 is stored" in ran.err, f"nobody learns that the event is stored: {ran.err!r}"


def test_with_evcli_debug_a_bug_shows_its_traceback(story: Cli) -> None:
    script = HELPER.format(
        patch="from evcli.cli.show import output\ndef broken(*_): return 1 / 0\noutput.Output.show = broken"
    )
    plain = run_process("head", command=(sys.executable, "-c", script))
    assert plain.code == 255
    assert b"Traceback" not in plain.err
    ran = run_process("head", command=(sys.executable, "-c", script), environment={"EVCLI_DEBUG": "1"})
    assert b"Traceback (most recent call last):" in ran.err
    assert b"ZeroDivisionError" in ran.err
    assert ran.code == 255, f"with EVCLI_DEBUG=1 a bug exits {ran.code}"


@pytest.mark.parametrize("value", ["0", "", "no"])
def test_other_values_of_evcli_debug_show_none(
    story: Cli, bug: Callable[[], None], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("EVCLI_DEBUG", value)
    bug()
    assert story("head").code == 255


def test_what_the_user_did_wrong_shows_no_traceback_even_with_evcli_debug(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVCLI_DEBUG", "1")
    fails(story("user", "show", "nobody"), 1, 'no user "nobody"')
    fails(story("nope"), 2, "nope")


def test_a_working_folder_that_was_removed_is_no_bug(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    line = f'cd "{tmp_path}/gone" && rmdir "$PWD" && exec "$@"'
    ran = run_process("log", "--log", "relative.jsonl", command=("sh", "-c", line, "sh", *EVCLI))
    assert ran.code in (10, 14), ran.err
    assert b"Traceback" not in ran.err
    assert b"bug" not in ran.err
