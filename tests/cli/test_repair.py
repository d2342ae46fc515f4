"""`evcli repair`: what it keeps and leaves out, where the copy is, and what it refuses."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli

import evcli
from cli.support import FORMS, events_in, fails, run_shell, untouched


@pytest.fixture
def broken(story: Cli) -> Cli:
    """evcli over a log of eight events in which one letter of the fifth was changed."""
    story.log.write_bytes(story.log.read_bytes().replace(b"left the company", b"left the compeny"))
    return story


def copies(cli: Cli) -> list[Path]:
    return sorted(cli.log.parent.glob("*.damaged-*"))


def start_of(log: bytes, line: int) -> int:
    return sum(map(len, log.splitlines(keepends=True)[: line - 1]))


def test_a_dry_run_shows_the_first_bad_line_the_bytes_and_every_event_that_would_go(broken: Cli) -> None:
    content = broken.log.read_bytes()
    byte = start_of(content, 5)
    with untouched(broken.log.parent):
        ran = broken.ok("repair", "--dry-run")
    shown = dict(line.split("\t") for line in ran.out.splitlines())
    assert shown["head"].startswith("4:")
    assert shown["first bad line"].startswith(f"line 5, byte {byte}: this line is not what was written")
    assert shown["gone"] == f"4 lines, {len(content) - byte} bytes"
    assert [shown[f"gone line {line}"].split(" by ")[0] for line in range(5, 9)] == [
        "user.destroyed user/1",
        "user.restored user/1",
        "user.created user/3",
        "user.destroyed user/3",
    ]
    assert "name: Alan, email: alan@example.com" in shown["gone line 7"]
    assert "nothing was changed" in ran.err


def test_the_real_run_says_the_same_and_where_the_copy_is(broken: Cli) -> None:
    content = broken.log.read_bytes()
    dry = broken.ok("repair", "--dry-run").out.splitlines()
    ran = broken.ok("repair").out.splitlines()
    assert ran[:-1] == dry[:-1], "a dry run must show exactly what would go"
    (copy,) = copies(broken)
    assert ran[-1] == f"copy\t{copy}"
    assert copy.read_bytes() == content
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert json.loads(broken.ok("verify", "--json").out)["status"] == "good"


def test_as_json_the_plan_and_the_repair_are_one_shape(broken: Cli) -> None:
    content = broken.log.read_bytes()
    dry = json.loads(broken.ok("repair", "--dry-run", "--json").out)
    done = json.loads(broken.ok("repair", "--json").out)
    assert (dry["repaired"], dry["copy"]) == (False, None)
    assert (done["repaired"], done["copy"]) == (True, str(copies(broken)[0]))
    assert {**dry, "repaired": True, "copy": done["copy"]} == done
    byte = start_of(content, 5)
    assert (done["fault"]["line"], done["fault"]["byte"], done["gone_bytes"]) == (5, byte, len(content) - byte)
    assert [(gone["line"], gone["event"]["type"]) for gone in done["gone"]] == [
        (5, "user.destroyed"),
        (6, "user.restored"),
        (7, "user.created"),
        (8, "user.destroyed"),
    ]
    assert done["gone"][2]["event"] == json.loads(content.splitlines()[6])


@pytest.mark.parametrize("form", FORMS)
def test_a_line_that_is_no_event_any_more_is_said_to_be_so_in_every_form(story: Cli, form: str) -> None:
    story.log.write_bytes(story.log.read_bytes() + b"\x1b[31m\xff garbage\n")
    with untouched(story.log.parent):
        ran = story("repair", "--dry-run", "--format", form)
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out
    wanted = '"event":null' if form in ("json", "jsonl") else "not readable as an event"
    assert wanted in ran.out


def test_verify_prints_the_exact_command_that_shows_the_repair(broken: Cli) -> None:
    hint = broken("verify").err.splitlines()[-1]
    command = re.search(r"evcli (repair --dry-run --log \S+)", hint)
    assert command is not None, hint
    assert broken(*shlex.split(command[1])).code == 0
    broken.ok(*shlex.split(command[1].replace(" --dry-run", "")))
    assert json.loads(broken.ok("verify", "--json").out)["events"] == 4


@pytest.mark.parametrize(
    "name", ["with space", "quote's", 'double"quote', "dollar$HOME", "back`tick`", "semi;colon", "-dash", "李"]
)
def test_the_command_that_verify_prints_can_be_pasted_whatever_the_log_is_called(
    broken: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(broken.log.read_bytes())
    hint = broken("verify", f"--log={name}").err.splitlines()[-1]
    command = hint.partition("evcli ")[2].partition(" shows what")[0]
    words = subprocess.run(["sh", "-c", f'printf "%s\\n" {command}'], capture_output=True, text=True, check=True)
    assert broken(*words.stdout.splitlines()).code == 0, command
    broken.ok("repair", f"--log={name}")
    assert broken("verify", f"--log={name}").code == 0


@pytest.mark.parametrize("what", ["good", "torn", "empty"])
def test_a_log_that_is_not_damaged_is_refused_and_stays_as_it_is(story: Cli, what: str) -> None:
    content = story.log.read_bytes()
    story.log.write_bytes({"good": content, "torn": content[:-20], "empty": b""}[what])
    with untouched(story.log.parent):
        for words in (("repair",), ("repair", "--dry-run")):
            ran = story(*words)
            assert ran.code == 1, ran.err
            assert ran.out == ""
            assert "is not damaged" in ran.err
            assert "nothing was changed" in ran.err


def test_what_is_no_log_is_refused_and_stays_as_it_is(cli: Cli) -> None:
    cli.log.write_text("Dear diary,\nmine\n")
    with untouched(cli.log.parent):
        for words in (("repair",), ("repair", "--dry-run")):
            fails(cli(*words), 12, "this is not an evcli log")


def test_where_there_is_no_log_none_is_made(cli: Cli) -> None:
    with untouched(cli.log.parent):
        for words in (("repair",), ("repair", "--dry-run")):
            fails(cli(*words), 10, "there is no log")


def test_a_repair_waits_for_a_writer_and_a_dry_run_does_not(broken: Cli) -> None:
    import fcntl

    descriptor = os.open(broken.log, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with untouched(broken.log.parent):
            fails(broken("repair", "--lock-wait", "0"), 11, "is locked")
    finally:
        os.close(descriptor)
    descriptor = os.open(broken.log, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # a writer would wait for this, as a repair does
    try:
        assert broken("repair", "--dry-run").code == 0
        assert broken("repair", "--lock-wait", "0").code == 11
    finally:
        os.close(descriptor)


def test_what_the_hashes_prove_comes_back_and_is_counted(story: Cli) -> None:
    content = story.log.read_bytes()
    lines = content.splitlines(keepends=True)
    story.log.write_bytes(b"".join([*lines[:3], b"a note\n", *lines[5:], lines[3], lines[4]]).replace(b"\n", b"\r\n"))
    shown = dict(line.split("\t") for line in story.ok("repair").out.splitlines())
    assert shown["recovered"] == "8 events after that line"
    assert shown["gone"] == "1 lines, 8 bytes"
    assert shown["gone line 4"] == "not readable as an event"
    assert story.log.read_bytes() == content
    fails(story("repair"), 1, "is not damaged")


@pytest.mark.parametrize("words", [("repair",), ("repair", "--dry-run")])
def test_a_fork_is_refused_and_says_how_to_choose(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    content = story.log.read_bytes()
    story.log.write_bytes(b"".join(content.splitlines(keepends=True)[:7]))
    story.ok("user", "destroy", "2")
    story.log.write_bytes(content + story.log.read_bytes().splitlines(keepends=True)[-1])
    with untouched(tmp_path):
        fails(story(*words), 12, "two different lines continue event 7", "a backup or a head kept elsewhere can tell")


def test_a_repair_of_a_log_beside_which_there_is_a_copy_already_keeps_both(broken: Cli) -> None:
    content = broken.log.read_bytes()
    broken.ok("repair")
    broken.log.write_bytes(content)
    broken.ok("repair")
    assert [copy.read_bytes() for copy in copies(broken)] == [content] * 2


def test_the_register_goes_on_after_a_repair(broken: Cli) -> None:
    broken.ok("repair")
    assert broken.ok("user", "destroy", "Ada Lovelace").out.startswith("user 1 destroyed")
    assert [event["type"] for event in events_in(broken.log)][-1] == "user.destroyed"
    broken.ok("verify")


# --- what comes between the rename and the answer ---------------------------------------------------------------------

DRIVER = """
import os, sys
from evcli.cli.main import main

number, name, *words = sys.argv[1:]
real = getattr(os, name)

def sending(*arguments):
    result = real(*arguments)
    os.kill(os.getpid(), int(number))
    return result

setattr(os, name, sending)
code = main(words)
sys.stdout.flush()
os._exit(code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_after_the_rename_does_not_hide_the_repair(broken: Cli, number: signal.Signals) -> None:
    content = broken.log.read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(Path(evcli.__file__).parents[1])}
    command = [sys.executable, "-c", DRIVER, str(int(number)), "rename", "repair"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert "nothing was written" not in ran.stderr, "the log was replaced, and that is not told"
    assert ran.returncode == 0, ran.stderr
    assert str(copies(broken)[0]) in ran.stdout


@pytest.mark.parametrize(
    "script",
    ['"$@" >/dev/full', '"$@" >&-', '{ "$@"; echo $? >code; } | true; exit "$(cat code)"'],
    ids=["full", "closed", "pipe"],
)
def test_a_repair_whose_answer_could_not_be_shown_is_16_and_the_copy_is_named(
    broken: Cli, script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    content = broken.log.read_bytes()
    package = {"PYTHONPATH": str(Path(evcli.__file__).parents[1])}
    ran = run_shell(f"sleep 0; {script}", "repair", environment=package)
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert ran.code == 16, ran.err
    assert str(copies(broken)[0]).encode() in ran.err, "where the copy is nobody is told"
