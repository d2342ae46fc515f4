"""Hostile text on a real terminal: the screen shows escapes, and nothing else on it, or about it, moves.

evcli runs on a pseudo-terminal, and pyte is the terminal: it notes every control function that it is asked for, so that
a moved cursor, a cleared line, a new title or a bell cannot be missed. Another test asks tmux what it thinks.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which
from typing import Any

import pexpect  # type: ignore[import-untyped]  # it has no types
import pyte
import pytest
from cli.support import FORMS, READING
from conftest import Cli
from support.hostile import CONTROLS, MARKUP, MOVING
from support.markdown import shown as in_markdown

from faults.casebook import PACKAGE, chain, forged

TOGETHER = "".join(MOVING.values())

FINE = {"draw", "linefeed", "carriage_return", "tab", "select_graphic_rendition"}
"""What evcli itself asks of a terminal: letters, new lines, tabs between the fields of plain, and colours."""
COLUMNS = 400

FEW = [form if form in ("table", "json") else pytest.param(form, marks=pytest.mark.sweep) for form in FORMS]
"""The forms, of which two suffice in the ordinary run where errors are shown: they have but two forms themselves."""


class Shown:
    """What a terminal made of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.screen = pyte.HistoryScreen(COLUMNS, 50, history=100_000)
        self.title = self.screen.title
        self.asked: set[str] = set()
        """Every control function that the terminal was asked for."""
        self._depth = 0
        for name in pyte.Stream.events:
            self._watch(name)
        pyte.ByteStream(self.screen).feed(data)

    def _watch(self, name: str) -> None:
        real = getattr(self.screen, name)

        def noted(*arguments: Any, **more: Any) -> Any:
            if not self._depth:  # the screen does some things by way of others
                self.asked.add(name)
            self._depth += 1
            try:
                return real(*arguments, **more)
            finally:
                self._depth -= 1

        setattr(self.screen, name, noted)

    @property
    def lines(self) -> list[str]:
        """All lines, scrolled away or not."""
        shown = [*self.screen.history.top, *(self.screen.buffer[at] for at in range(self.screen.cursor.y + 1))]
        return ["".join(line[at].data for at in range(max(line, default=-1) + 1)).rstrip() for line in shown]


DRIVER = """
import json, os, sys
from evcli.cli.line.completing import complete
from evcli.cli.main import main

for number, words in enumerate(json.loads(sys.argv[1])):
    sys.stdout.write(f"<{number}>\\n")
    sys.stdout.flush()
    if words[0] == "complete":
        complete(words[1], words[2:])
        sys.stdout.flush()
    else:
        main([os.fsdecode(os.fsencode(word)) for word in words])
sys.stdout.write("<end>\\n")
sys.stdout.flush()
os._exit(0)
"""


def on_a_terminal(log: Path, commands: Sequence[Sequence[str]], **environment: str) -> list[Shown]:
    """Run the commands one after another on one terminal; what each of them showed."""
    terminal = pexpect.spawn(
        sys.executable,
        ["-c", DRIVER, json.dumps(commands)],
        env={
            **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
            **PACKAGE, "TERM": "xterm-256color", "EVCLI_LOG": str(log), "EVCLI_PAGER": "cat", "EVCLI_ACTOR": "ann",
            **environment,
        },
        dimensions=(50, COLUMNS), timeout=60, maxread=1 << 20,
    )  # fmt: skip
    terminal.ptyproc.delayafterclose = 0
    terminal.expect(pexpect.EOF)
    data: bytes = terminal.before
    terminal.close()
    parts = []
    for number in range(len(commands)):
        following = f"<{number + 1}>\r\n" if number + 1 < len(commands) else "<end>\r\n"
        _, _, data = data.partition(f"<{number}>\r\n".encode())
        assert following.encode() in data, f"{commands[number]} never came to its end: {data!r}"
        parts.append(Shown(data[: data.index(following.encode())]))
    return parts


def nothing_moved(shown: Shown, words: Sequence[str]) -> None:
    """The terminal was asked for letters, new lines and colours only, and each line is on the screen as it was sent."""
    asked = shown.asked - FINE
    assert not asked, f"{words} made the terminal do {sorted(asked)}: {shown.data!r}"
    assert shown.screen.title == shown.title, f"{words} changed the title"
    sent = shown.data.decode()
    returns = sent.count("\r\n") + sent.count("\r\r\n")  # in CSV there is one more
    assert sent.count("\r") == returns, f"{words} sent a carriage return of its own: {sent!r}"
    found = CONTROLS.search(re.sub("\x1b|\r", "", sent))  # the watched screen judges these two
    assert not found, f"{words}: {sent!r}"


PLACES = (
    "user create --email eve@example.com -- x%x", "user create Eve --email eve%@example.com",
    "user create Eve --email eve@example.com --id x%x", "user destroy 1 --reason x%x", "user show x%x",
    "state --at x%x", "log --since x%x", "verify --expect x%x", "path --log /nowhere/x%x", "log --log /nowhere/x%x",
    "help x%x", "completion x%x", "x%x", "log --x%x", "log --format x%x",
)  # fmt: skip
"""Every place where text can be typed."""


def typed(text: str) -> list[list[str]]:
    """Commands with that text in every place."""
    return [[word.replace("%", text) for word in place.split()] for place in PLACES]


@pytest.mark.case(68, 70)
def test_text_typed_in_any_place_shows_as_escapes_and_moves_nothing(story: Cli) -> None:
    commands = [*typed(TOGETHER), *typed("\udcff")]
    commands += [words for text in MOVING.values() for words in (typed(text)[4], typed(text)[8], typed(text)[12])]
    encoded = [[os.fsencode(word).decode("utf-8", "surrogateescape") for word in words] for words in commands]
    shown = on_a_terminal(story.log, encoded)
    for words, seen in zip(encoded, shown, strict=True):
        nothing_moved(seen, words)
        told = "".join(seen.lines)
        assert "\\" in told or "character" in told, (words, seen.data)
    assert story.log.read_bytes().count(b"\n") == 8


@pytest.mark.case(69)
@pytest.mark.parametrize("form", FORMS)
def test_stored_text_in_any_form_moves_nothing_on_the_screen(cli: Cli, form: str) -> None:
    lines = chain(2)
    texts = [*MARKUP, "soft\u00adhyphen", "tag\U000e0041", "\u2060joiner", "Z" + "\u0334" * 199, "李" * 50, "a\u200db"]
    for user, text in enumerate(texts, 3):
        created = {"name": text, "email": f"{user}@example.com"}
        renamed = {"name": f"Eve {user}", "reason": text * 3}
        for type, subject, data in (("created", user, created), ("renamed", 2, renamed)):
            number = len(lines) + 1
            more: dict[str, Any] = {"id": f"id{text[:50]}{number}", "authid": text[:100], "subject": f"user/{subject}"}
            lines.append(forged(lines[-1], number, type=f"user.{type}", data=data, **more))
    cli.log.write_bytes(b"".join(lines))
    cli.log.chmod(0o600)
    cli.ok("verify")
    commands = [[*words, "--format", form] for words in (*READING.values(), ("diff", "0"), ("user", "show", "1"))]
    for words, seen in zip(commands, on_a_terminal(cli.log, commands), strict=True):
        nothing_moved(seen, words)
    whole = "\n".join("\n".join(seen.lines) for seen in on_a_terminal(cli.log, [["log", "--format", form]]))
    whole = in_markdown(whole) if form == "markdown" else whole
    for text in MARKUP:
        assert (json.dumps(text)[1:-1] if "json" in form else text) in whole, f"{text} is not shown as it is"


@pytest.mark.case(68)
@pytest.mark.parametrize("form", FEW)
def test_text_in_a_damaged_log_moves_nothing_on_the_screen(cli: Cli, form: str, tmp_path: Path) -> None:
    three = chain(3)
    commands: list[list[str]] = []
    escaped = json.dumps(TOGETHER)[1:-1].encode()
    for number, (old, new) in enumerate(
        [
            (b"Ada", TOGETHER.encode()), (b"user.created", escaped), (b"user/4", escaped), (b"authid", escaped),
            (b"made-4", escaped), (b"ann", b"x" * 500_000),
        ]
    ):  # fmt: skip
        log = tmp_path / f"{number}.jsonl"
        log.write_bytes(b"".join(three) + forged(three[2], 4, old, new))
        for words in (["verify"], ["log"], ["repair"]):
            commands.append([*words, "--log", str(log), "--format", form])
    log = tmp_path / "notes"
    log.write_bytes(TOGETHER.encode() + b"\n")
    commands += [[*words, "--log", str(log), "--format", form] for words in (["verify"], ["log"], ["repair"])]
    for words, seen in zip(commands, on_a_terminal(cli.log, commands), strict=True):
        nothing_moved(seen, words)
        assert len(seen.data) < 20_000, f"{words} repeats a whole line of damage"


@pytest.mark.parametrize("form", FEW)
def test_a_log_with_a_hostile_name_can_be_used_and_moves_nothing(story: Cli, form: str, tmp_path: Path) -> None:
    name = str(tmp_path / TOGETHER.replace("/", "_")[:150])
    Path(name).write_bytes(story.log.read_bytes() + b"garbage\n")
    commands = [
        [*words, "--log", name, "--format", form]
        for words in (
            ["verify"], ["repair", "--dry-run"], ["repair"], ["path"], ["status"], ["user", "destroy", "1", "2"],
            ["user", "destroy", "1"], ["log"], ["verify"],
        )
    ]  # fmt: skip
    for words, seen in zip(commands, on_a_terminal(story.log, commands), strict=True):
        nothing_moved(seen, words)
        assert seen.data, f"{words} said nothing"
    assert Path(name).read_bytes().count(b"\n") == 10


def test_completion_offers_nothing_that_moves_the_screen(cli: Cli) -> None:
    lines = chain(1)
    for text in ["a\u200db", "tag\U000e0041", "\u2060joiner", "soft\u00adhyphen", *MARKUP]:
        number = len(lines) + 1
        lines.append(forged(lines[-1], number, data={"name": text, "email": f"{number}@example.com"}))
    cli.log.write_bytes(b"".join(lines))
    commands = [
        ["complete", shell, *words]
        for shell in ("zsh", "fish")
        for words in (["user", "show", ""], ["user", "show", "a"], ["user", "destroy", "t"], ["log", "--since", ""])
    ] + [["complete", "bash", f"evcli user show {begun}", " \t\n\"'><=;|&(:"] for begun in ("", "a", "t", "[")]
    shown = on_a_terminal(cli.log, commands)
    for words, seen in zip(commands, shown, strict=True):
        nothing_moved(seen, words)
    assert any("Ada" in line for seen in shown for line in seen.lines), "nothing was offered at all"
    sent = b"".join(seen.data for seen in shown).decode()
    assert not any(hidden in sent for hidden in ("\u200d", "\U000e0041", "\u2060", "\u00ad"))


def test_the_name_of_an_actor_moves_nothing(story: Cli) -> None:
    for text in (TOGETHER, "".join(MARKUP)):
        commands = [["user", "rename", "1", "Ada K"], ["log", "-n", "1"], ["show"], ["user", "show", "1"]]
        for words, seen in zip(commands, on_a_terminal(story.log, commands, EVCLI_ACTOR=text), strict=True):
            nothing_moved(seen, words)
        story.log.write_bytes(b"".join(story.log.read_bytes().splitlines(keepends=True)[:8]))


def test_the_watched_screen_notices_each_hostile_text_sent_raw() -> None:
    """That the tests above can fail: the same texts, sent raw, are noticed."""
    for kind, text in MOVING.items():
        with pytest.raises(AssertionError):
            nothing_moved(Shown(f"x{text}y\r\n".encode()), [kind])


# --- tmux -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """A tmux of its own; the words that command it."""
    if which("tmux") is None:
        pytest.skip("tmux, a real terminal, is not there")
    command = ["tmux", "-L", f"evcli-{os.getpid()}", "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], capture_output=True, check=False)


def test_tmux_shows_escapes_and_keeps_title_and_clipboard(story: Cli, tmux: list[str], tmp_path: Path) -> None:
    evcli = f"{shlex.quote(sys.executable)} -m evcli"
    script = tmp_path / "script"
    commands = [*typed(TOGETHER)[:9], ["user", "show", "[bold]x[/]"]]
    done = tmp_path / "done"
    script.write_text(
        "printf 'the first line\\n'\n"
        + "".join(f"{evcli} {' '.join(map(shlex.quote, words))}\n" for words in commands)
        + f"printf 'the last line\\n'\ntouch {shlex.quote(str(done))}\nsleep 100\n",
        encoding="utf-8",
    )
    environment = {**os.environ, **PACKAGE, "EVCLI_PAGER": "cat", "LC_ALL": "C.UTF-8"}
    start = [*tmux, "new-session", "-d", "-x", "1500", "-y", "120", f"sh {shlex.quote(str(script))}"]
    begun = subprocess.run(start, env=environment, capture_output=True, text=True, check=False)
    if begun.returncode:
        pytest.skip(f"tmux cannot be started here: {begun.stderr.strip()}")

    def ask(*words: str) -> str:
        return subprocess.run([*tmux, *words], env=environment, capture_output=True, text=True, check=False).stdout

    title = ask("display-message", "-p", "#{pane_title}")
    for _ in range(1200):
        if done.exists():
            break
        time.sleep(0.05)
    screen = ask("capture-pane", "-p", "-S", "-").rstrip().splitlines()
    assert screen[0] == "the first line", "the screen was cleared, or scrolled"
    assert screen[-1] == "the last line"
    said = screen[1:-1]
    assert all(line.startswith(("error: ", "hint: ", "/nowhere/")) for line in said), said
    assert sum(line.startswith("error: ") for line in said) == len(commands) - 1, "path is answered, the rest refused"
    assert "\\u{1b}" in "".join(said)
    assert "[bold]x[/]" in "".join(said)
    assert ask("display-message", "-p", "#{pane_title}") == title
    assert ask("display-message", "-p", "#{alternate_on}").strip() == "0"
    assert ask("list-buffers") == "", "something was put into the clipboard"
