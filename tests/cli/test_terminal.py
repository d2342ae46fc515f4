"""What a person sees on a real terminal: tables, how long ago, and a pager for more than a screen."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]  # it has no types
import pyte
import pytest
from conftest import Cli

from cli.support import EVCLI, WRITING, events_in, many_events, run_process, run_shell


class Terminal:
    """A terminal of `lines` by `columns` on which evcli runs; what it shows is on `screen`."""

    def __init__(
        self, *words: str, lines: int = 24, columns: int = 100, environment: Mapping[str, str] | None = None
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = pexpect.spawn(
            EVCLI[0], [*EVCLI[1:], *words], env={**kept, "TERM": "xterm-256color", **(environment or {})},
            dimensions=(lines, columns), timeout=20, encoding="utf-8",
        )  # fmt: skip
        self.process.delaybeforesend = None
        self.process.ptyproc.delayafterclose = 0

    def ends(self) -> int:
        """Wait until the process ends; its exit code as a shell has it."""
        self.expect(pexpect.EOF)
        self.process.wait()
        self.process.close()
        return int(self.process.exitstatus if self.process.signalstatus is None else 128 + self.process.signalstatus)

    def expect(self, pattern: Any) -> None:
        """Wait until this is shown."""
        self.process.expect(pattern)
        shown = self.process.before + (self.process.after if isinstance(self.process.after, str) else "")
        self.raw += shown
        self._stream.feed(shown)

    @property
    def lines(self) -> list[str]:
        """All that was shown, scrolled away or not, a line a line, without the blank ones at the end."""
        width = range(self._screen.columns)
        above = ["".join(line[at].data for at in width) for line in self._screen.history.top]
        return [line.rstrip() for line in "\n".join([*above, *self._screen.display]).rstrip().split("\n")]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A pager that shows all and leaves a mark: what LESS was. EVCLI_PAGER names it."""
    return make_pager(tmp_path, "marking", 'cat; printf "%s" "LESS=$LESS" > "$0.mark"')


def make_pager(folder: Path, name: str, commands: str) -> Path:
    """A pager made of lines of sh; it may leave a mark in the file that is its own name and `.mark`."""
    script = folder / name
    script.write_text(f"#!/bin/sh\n{commands}\n")
    script.chmod(0o755)
    return script


def mark_of(pager: Path) -> Path:
    """Where the pager leaves its mark."""
    return pager.with_name(pager.name + ".mark")


# --- tables -----------------------------------------------------------------------------------------------------------


def test_answer_on_a_terminal_is_a_table(story: Cli) -> None:
    terminal = Terminal("user", "list")
    assert terminal.ends() == 0
    header, rule, *rows = terminal.lines
    assert header.split()[:5] == ["id", "name", "email", "created", "changed"]
    assert set(rule) == {"─"}
    assert [re.split(r"\s{2,}", row) for row in rows] == [
        ["1", "Ada Lovelace", "ada@example.com", "1", "6"], ["2", "Grace Hopper", "grace@navy.example", "2", "4"],
    ]  # fmt: skip
    assert "\x1b[" in terminal.raw


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_table_is_at_most_as_wide_as_the_terminal(story: Cli, columns: int) -> None:
    terminal = Terminal("log", columns=columns, environment={"EVCLI_PAGER": ""})
    assert terminal.ends() == 0
    written = re.sub(r"\x1b\[[0-9;]*m", "", terminal.raw).split("\r\n")
    assert max(map(len, written)) <= columns, written


def test_error_on_a_terminal_has_colour_and_the_same_words(story: Cli) -> None:
    terminal = Terminal("user", "show", "nobody")
    assert terminal.ends() == 1
    assert terminal.lines[0] == 'error: no user "nobody" at event 8'
    assert terminal.lines[1].startswith("hint: ")
    assert terminal.raw.startswith("\x1b[1;31merror:\x1b[0m ")


def test_form_for_programs_is_the_same_on_a_terminal(story: Cli) -> None:
    for form in ("plain", "json", "jsonl", "csv"):
        terminal = Terminal("user", "list", "--format", form, columns=300)
        assert terminal.ends() == 0
        assert terminal.raw.replace("\r\r\n", "\r\n").replace("\r\n", "\n") == story.ok(
            "user", "list", "--format", form
        ).out.replace("\r\n", "\n")


@pytest.mark.parametrize("command", ["user create", "user destroy"])
def test_writing_on_a_terminal_asks_nothing(story: Cli, command: str) -> None:
    terminal = Terminal(*WRITING[command])
    assert terminal.ends() == 0
    assert terminal.lines[0].startswith("user ")
    assert terminal.lines[1].startswith("undo: evcli user ")
    assert len(events_in(story.log)) == 9


# --- the pager --------------------------------------------------------------------------------------------------------


def test_more_than_a_screen_goes_through_the_pager_whole(cli: Cli, mark: Path) -> None:
    many_events(cli, 60)
    terminal = Terminal("log", environment={"EVCLI_PAGER": str(mark)})
    assert terminal.ends() == 0
    assert mark_of(mark).read_text() == "LESS=FRX"
    numbers = [line.split()[0] for line in terminal.lines[2:]]
    assert numbers == [str(number) for number in range(60, 0, -1)]


@pytest.mark.parametrize(
    "line",
    ["log -n 5", "log --type nope", "log --no-pager", "--no-pager log", "user create X --email x@example.com",
     "user show nobody"],
)  # fmt: skip
def test_short_or_unpaged_answer_uses_no_pager(cli: Cli, mark: Path, line: str) -> None:
    many_events(cli, 60)
    Terminal(*line.split(), environment={"EVCLI_PAGER": str(mark)}).ends()
    assert not mark_of(mark).exists()


def test_pager_is_used_from_one_line_more_than_a_screen(cli: Cli, mark: Path) -> None:
    many_events(cli, 60)
    for count, is_paged in (("17", False), ("19", True)):
        Terminal("user", "list", "-n", count, lines=20, environment={"EVCLI_PAGER": str(mark)}).ends()
        assert mark_of(mark).exists() == is_paged


def test_pipe_uses_no_pager(cli: Cli, mark: Path) -> None:
    many_events(cli, 60)
    ran = run_process("log", "--format", "table", environment={"EVCLI_PAGER": str(mark), "COLUMNS": "200"})
    assert len(ran.out.splitlines()) == 62
    assert not mark_of(mark).exists()


def test_evcli_pager_wins_over_pager_and_may_be_empty(cli: Cli, mark: Path, tmp_path: Path) -> None:
    many_events(cli, 60)
    other = make_pager(tmp_path, "other", 'cat; touch "$0.mark"')
    for environment, used in (
        ({"EVCLI_PAGER": str(mark), "PAGER": str(other)}, mark),
        ({"PAGER": str(other)}, other),
        ({"EVCLI_PAGER": "", "PAGER": str(other)}, None),
        ({"EVCLI_PAGER": "/nowhere/no-pager", "PAGER": str(other)}, None),
    ):
        terminal = Terminal("log", environment=environment)
        assert terminal.ends() == 0
        assert len(terminal.lines) == 62
        assert [pager for pager in (mark, other) if mark_of(pager).exists()] == ([used] if used else [])
        for pager in (mark, other):
            mark_of(pager).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("pager", "is_used"),
    [("X=1 {}", True), ("X=1 _y2='a b' {} -S", True), ("X=1", False), ("{} -X=1", True), ("1x= {}", False)],
)
def test_pager_may_have_settings_before_it_as_in_a_shell(cli: Cli, mark: Path, pager: str, is_used: bool) -> None:
    many_events(cli, 60)
    terminal = Terminal("log", environment={"EVCLI_PAGER": pager.format(mark)})
    assert terminal.ends() == 0
    assert len(terminal.lines) == 62
    assert mark_of(mark).exists() == is_used


@pytest.mark.parametrize(("name", "pager"), [("EVCLI_PAGER", '"x'), ("PAGER", "less '"), ("EVCLI_PAGER", "x\\")])
def test_pager_that_no_shell_can_read_is_named_and_all_is_shown(cli: Cli, name: str, pager: str) -> None:
    many_events(cli, 60)
    terminal = Terminal("log", environment={name: pager})
    assert terminal.ends() == 0
    assert len(terminal.lines) == 63
    assert terminal.lines[0].startswith(f"warning: {name} is not a command: No ")
    assert terminal.lines[0].endswith("; shown without a pager")


def test_pager_gets_its_options_and_the_less_that_was_set(cli: Cli, tmp_path: Path) -> None:
    many_events(cli, 60)
    pager = make_pager(tmp_path, "options", 'cat > /dev/null; printf "%s" "$1 $2 $LESS" > "$0.mark"')
    Terminal("log", environment={"EVCLI_PAGER": f"{pager} -S 'two words'", "LESS": "iM"}).ends()
    assert mark_of(pager).read_text() == "-S two words iM"


def test_pager_that_ends_early_is_no_error(cli: Cli, tmp_path: Path) -> None:
    many_events(cli, 2000)
    pager = make_pager(tmp_path, "short", "head -n 3")
    terminal = Terminal("log", environment={"EVCLI_PAGER": str(pager)})
    assert terminal.ends() == 0
    assert len(terminal.lines) == 3


needs_less = pytest.mark.skipif(shutil.which("less") is None, reason="there is no less here")


@needs_less
def test_less_is_the_default_pager_and_keeps_ctrl_c(cli: Cli) -> None:
    many_events(cli, 60)
    terminal = Terminal("log", lines=20)
    for _ in range(2):
        terminal.expect("user-44@example.com")  # the last that fits the screen
        terminal.expect(":")
        terminal.process.sendcontrol("c")  # less shows its screen again
    terminal.expect("user-44@example.com")
    terminal.expect(":")
    terminal.process.send("G")
    terminal.expect("user-1@")
    terminal.process.send("q")
    assert terminal.ends() == 0
    assert "Traceback" not in terminal.raw
    assert "error" not in terminal.raw


@needs_less
def test_hostile_text_reaches_less_escaped(cli: Cli) -> None:
    many_events(cli, 30)
    cli.ok("user", "destroy", "1", "--reason", "soft\u00adhyphen")
    terminal = Terminal("log", lines=20)
    terminal.expect(re.escape("soft\\u{ad}hyphen"))
    terminal.process.send("q")
    assert terminal.ends() == 0


def test_pipe_from_a_terminal_gets_plain(story: Cli) -> None:
    terminal = pexpect.spawn("sh", ["-c", '"$@" | cat', "sh", *EVCLI, "user", "list"], timeout=20, encoding="utf-8")
    terminal.expect(pexpect.EOF)
    assert terminal.before.replace("\r\n", "\n") == story.ok("user", "list").out
    assert run_shell('"$@" | cat', "user", "list").out.decode() == story.ok("user", "list").out


def test_answer_to_a_write_is_never_paged(cli: Cli, mark: Path) -> None:
    for number in range(40):
        cli.ok("user", "create", f"U{number}", "--email", f"u{number}@example.com")
    ids = map(str, range(1, 41))
    assert Terminal("user", "destroy", *ids, environment={"EVCLI_PAGER": str(mark)}).ends() == 0
    assert not mark_of(mark).exists()
