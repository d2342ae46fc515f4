"""`evcli repair`: what it keeps and leaves out, where the copy is, and what it refuses."""

import fcntl
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli

import evcli
from cli.support import FORMS, fails, in_json, lines_in, refuses, run_process, run_shell, untouched


@pytest.fixture
def broken(story: Cli) -> Cli:
    """evcli over a log of eight events in which one letter of the fifth was changed."""
    story.log.write_bytes(story.log.read_bytes().replace(b"left the company", b"left the compeny"))
    return story


def copies(cli: Cli) -> list[Path]:
    return sorted(cli.log.parent.glob("*.damaged-*"))


def start_of(log: bytes, line: int) -> int:
    return sum(map(len, log.splitlines(keepends=True)[: line - 1]))


def test_dry_run_shows_the_bad_line_and_every_event_that_would_go(broken: Cli) -> None:
    content = broken.log.read_bytes()
    byte = start_of(content, 5)
    with untouched(broken.log.parent):
        ran = broken.ok("repair", "--dry-run")
    shown = dict(line.split("\t") for line in ran.out.splitlines())
    assert shown["head"].startswith("4:")
    assert shown["first bad line"].startswith(f"line 5, byte {byte}: this line is not what was written")
    assert shown["gone"] == f"4 lines, {len(content) - byte} bytes"
    gone = [shown[f"gone line {line}"].split(" by ")[0] for line in range(5, 9)]
    assert gone == ["user.destroyed user/1", "user.restored user/1", "user.created user/3", "user.destroyed user/3"]
    assert "name: Alan, email: alan@example.com" in shown["gone line 7"]
    assert "nothing was changed" in ran.err


def test_repair_says_what_the_dry_run_said_and_where_the_copy_is(broken: Cli) -> None:
    content = broken.log.read_bytes()
    dry = broken.ok("repair", "--dry-run").out.splitlines()
    ran = broken.ok("repair").out.splitlines()
    assert ran[:-1] == dry[:-1], "a dry run must show exactly what would go"
    (copy,) = copies(broken)
    assert ran[-1] == f"copy\t{copy}"
    assert copy.read_bytes() == content
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert in_json(broken, "verify")["status"] == "good"
    assert broken.ok("user", "destroy", "Ada Lovelace").out.startswith("user 1 destroyed"), "the register goes on"
    broken.ok("verify")


def test_plan_and_repair_as_json_have_one_shape(broken: Cli) -> None:
    content = broken.log.read_bytes()
    dry, done = in_json(broken, "repair", "--dry-run"), in_json(broken, "repair")
    assert (dry["repaired"], dry["copy"]) == (False, None)
    assert (done["repaired"], done["copy"]) == (True, str(copies(broken)[0]))
    assert {**dry, "repaired": True, "copy": done["copy"]} == done
    byte = start_of(content, 5)
    assert (done["fault"]["line"], done["fault"]["byte"], done["gone_bytes"]) == (5, byte, len(content) - byte)
    events = [json.loads(line) for line in content.splitlines()]
    assert [gone["line"] for gone in done["gone"]] == [5, 6, 7, 8]
    assert [gone["event"]["type"] for gone in done["gone"]] == [event["type"] for event in events[4:]]
    assert [gone["event"] for gone in done["gone"][1:]] == events[5:]


@pytest.mark.parametrize("form", FORMS)
def test_line_that_is_no_event_is_said_to_be_none_in_every_form(story: Cli, form: str) -> None:
    story.log.write_bytes(story.log.read_bytes() + b"\x1b[31m\xff garbage\n")
    with untouched(story.log.parent):
        ran = story("repair", "--dry-run", "--format", form)
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out
    wanted = '"event":null' if form in ("json", "jsonl") else "not readable as an event"
    assert wanted in ran.out


@pytest.mark.parametrize(
    "name", ["plain", "with space", "quote's", 'double"quote', "dollar$HOME", "back`tick`", "semi;colon", "-dash", "李"]
)
def test_command_that_verify_hints_at_can_be_pasted(
    broken: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(broken.log.read_bytes())
    hint = broken("verify", f"--log={name}").err.splitlines()[-1]
    command = hint.partition("evcli ")[2].partition(" shows what")[0]
    assert command.startswith("repair --dry-run --log"), hint
    pasted = subprocess.run(["sh", "-c", f'printf "%s\\n" {command}'], capture_output=True, text=True, check=True)
    words = pasted.stdout.splitlines()
    broken.ok(*words)
    broken.ok(*(word for word in words if word != "--dry-run"))
    assert in_json(broken, "verify", f"--log={name}")["events"] == 4


REFUSED: dict[str, tuple[Callable[[bytes], bytes | None], int, tuple[str, ...]]] = {
    "good": (lambda log: log, 1, ("is not damaged", "nothing was changed")),
    "torn": (lambda log: log[:-20], 1, ("is not damaged", "nothing was changed")),
    "empty": (lambda log: b"", 1, ("is not damaged", "nothing was changed")),
    "no log": (lambda log: b"Dear diary,\nmine\n", 12, ("this is not an evcli log",)),
    "no file": (lambda log: None, 10, ("there is no log",)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_log_that_is_not_damaged_is_refused(story: Cli, what: str) -> None:
    make, code, phrases = REFUSED[what]
    content = make(story.log.read_bytes())
    story.log.write_bytes(content) if content is not None else story.log.unlink()
    for words in (("repair",), ("repair", "--dry-run")):
        refuses(story, words, code, *phrases)


def test_repair_waits_for_a_writer_and_a_dry_run_does_not(broken: Cli) -> None:
    with broken.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refuses(broken, ("repair", "--lock-wait", "0"), 11, "is locked", "waited 0 s")
    with broken.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # a writer would wait for this, as a repair does
        broken.ok("repair", "--dry-run")
        assert broken("repair", "--lock-wait", "0").code == 11


def test_recovered_events_are_counted(story: Cli) -> None:
    content = story.log.read_bytes()
    lines = lines_in(story.log)
    story.log.write_bytes(b"".join([*lines[:3], b"a note\n", *lines[5:], lines[3], lines[4]]).replace(b"\n", b"\r\n"))
    shown = dict(line.split("\t") for line in story.ok("repair").out.splitlines())
    assert shown["recovered"] == "8 events after that line"
    assert shown["gone"] == "1 lines, 8 bytes"
    assert shown["gone line 4"] == "not readable as an event"
    assert story.log.read_bytes() == content
    fails(story("repair"), 1, "is not damaged")


def test_fork_is_refused_and_says_how_to_choose(story: Cli) -> None:
    content = story.log.read_bytes()
    story.log.write_bytes(b"".join(lines_in(story.log)[:7]))
    story.ok("user", "destroy", "2")
    story.log.write_bytes(content + lines_in(story.log)[-1])
    for words in (("repair",), ("repair", "--dry-run")):
        refuses(story, words, 12, "two different lines continue event 7", "compare a backup or a saved head")


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
def test_signal_after_the_rename_does_not_hide_the_repair(broken: Cli, number: signal.Signals) -> None:
    content = broken.log.read_bytes()
    ran = run_process("repair", command=(sys.executable, "-c", DRIVER, str(int(number)), "rename"))
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert b"nothing was written" not in ran.err, "the log was replaced, and that is not told"
    assert ran.code == 0, ran.err
    assert str(copies(broken)[0]) in ran.out.decode()


@pytest.mark.parametrize(
    "script",
    ['"$@" >/dev/full', '"$@" >&-', '{ "$@"; echo $? >code; } | true; exit "$(cat code)"'],
    ids=["full", "closed", "pipe"],
)
def test_repair_with_a_lost_answer_is_16_and_names_the_copy(
    broken: Cli, script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    content = broken.log.read_bytes()
    package = {"PYTHONPATH": str(Path(evcli.__file__).parents[1])}
    ran = run_shell(script, "repair", environment=package)
    assert broken.log.read_bytes() == content[: start_of(content, 5)]
    assert ran.code == 16, ran.err
    assert str(copies(broken)[0]).encode() in ran.err, "where the copy is nobody is told"
