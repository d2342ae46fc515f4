"""Completion: what is offered, and that bash, zsh and fish themselves insert it rightly, and run nothing of it."""

import io
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it has no types
import pytest
from conftest import Cli

from cli.support import EVCLI, Raw, many_events, run_on, run_process, untouched
from evcli.cli.line.completing import complete

SHELLS = ("bash", "zsh", "fish")
BREAKS = " \t\n\"'@><=;|&(:"
"""What bash has in COMP_WORDBREAKS unless it was changed."""


def offered(*words: str, shell: str = "zsh") -> list[str]:
    """The candidates for the last of `words`, without their descriptions; nothing may be said on stderr."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (io.TextIOWrapper(buffer, encoding="utf-8") for buffer in (out, err))
    try:
        complete(shell, list(words))
        sys.stdout.flush()
        sys.stderr.flush()
        assert err.getvalue() == b""
        return [line.split("\t")[0] for line in out.getvalue().decode().splitlines()]
    finally:
        sys.stdout, sys.stderr = streams


# --- what is offered --------------------------------------------------------------------------------------------------


MOMENTS = ["8", "7", "6", "5", "4", "3", "2", "1"]
OFFERED: dict[str, list[str]] = {
    # the words before the one that is completed, and its beginning, after the story: what is offered
    "us": ["user"],
    "user ": ["create", "rename", "change-email", "destroy", "restore", "list", "show"],
    "user re": ["rename", "restore"],
    "user list --ma": ["--match"],
    "--no-p": ["--no-pager"],
    "export --what ": ["users", "events"],
    "export --what e": ["events"],
    "log --type user.": [
        "user.created", "user.renamed", "user.email-changed", "user.destroyed", "user.restored",
    ],
    "help e": ["exit-codes", "environment", "evidence", "export"],
    "help user re": ["rename", "restore"],
    "help user rename ": [],
    "help refs ": [],
    "completion ": ["bash", "zsh", "fish"],
    # ids first, and what was begun then
    "user show ": ["1", "2", "3"],
    "user show 2": ["2"],
    "user show grace": ["grace@navy.example"],
    "user show Grace": ["Grace Hopper"],
    "user show Ada\\ L": ["Ada Lovelace"],
    "user show zzz": [],
    # only users with whom the command can do something
    "log --user ": ["1", "2", "3"],
    "user rename ": ["1", "2"],
    "user change-email ": ["1", "2"],
    "user destroy ": ["1", "2"],
    "user restore ": ["3"],
    "bisect --user ": ["1", "2", "3"],
    "bisect --user 3 --field ": ["name", "email"],
    "bisect --user 3 --is ": ["live", "destroyed"],
    # both ends of a range
    "log yes": ["yesterday.."],
    "log 4": ["4.."],
    "log 4..to": ["4..today"],
    "log yesterday..7": ["yesterday..7"],
    "log ..7": ["..7"],
    "log 4.": ["4.."],
    # events only
    "revert ": MOMENTS,
    "revert 3 4..": [f"4..{event}" for event in MOMENTS],
    "what-if --drop ": MOMENTS,
    "what-if --change ": MOMENTS,
    "log x..": [f"x..{moment}" for moment in (*MOMENTS, "@", "@-", "today", "yesterday")],
}  # fmt: skip


def words_of(line: str) -> list[str]:
    """The words of a line, of which the last may be empty."""
    return [*shlex.split(line), *([""] if line.endswith(" ") else [])]


@pytest.mark.parametrize("line", OFFERED)
def test_completion_offers_what_can_follow(story: Cli, line: str) -> None:
    assert offered(*words_of(line)) == OFFERED[line]


@pytest.mark.parametrize(
    ("line", "among"),
    [
        (" ", "user log show diff blame state verify head status path help"),
        ("user create --", "--email --dry-run --expect --id --log --json"),
        ("export --", "--what --at --all --force --format"),
        ("log --f", "--follow --format"),
    ],
)
def test_completion_offers_these_among_others(story: Cli, line: str, among: str) -> None:
    assert set(offered(*words_of(line))) >= set(among.split())


def test_name_is_offered_that_can_be_seen_and_means_one_user(cli: Cli) -> None:
    for number, name in enumerate(["Ada", "ADA", "42", "me@home", "Alan", "क्\u200dष", "a\u200db"]):
        cli.ok("user", "create", name, "--email", f"u{number}@example.com")
    expected = {"A": ["Alan"], "4": ["4"], "me": [], "क": ["क्\u200dष"], "a\u200d": []}
    assert {begun: offered("user", "show", begun) for begun in expected} == expected


@pytest.mark.parametrize(
    "line",
    ["show", "diff", "diff 0", "blame 2 --at", "report --from",
     "report --from 2 --to", "state --at", "head --at", "user list --at", "user show 2 --at", "log --since",
     "log --until", "bisect --from", "bisect --to", "trace",
     "trace --at"],
)  # fmt: skip
def test_moment_is_completed_by_the_last_events_newest_first(story: Cli, line: str) -> None:
    found = offered(*line.split(), "")
    assert found[:8] == MOMENTS
    assert set(found[8:]) >= {"@", "yesterday"}
    assert offered(*line.split(), "yes") == ["yesterday"]


def test_long_log_offers_its_last_events_only(cli: Cli) -> None:
    many_events(cli, 100)
    numbers = [value for value in offered("show", "") if value.isdigit()]
    assert numbers[0] == "100"
    assert len(numbers) < 60


def test_candidate_has_a_description_where_the_shell_shows_it(story: Cli) -> None:
    ran = run_process("_complete", "fish", "user", "show", "")
    assert ran.out.decode().splitlines() == [
        "1\tAda Lovelace <ada@example.com>", "2\tGrace Hopper <grace@navy.example>", "3\tAlan <alan@example.com>",
    ]  # fmt: skip


def test_log_named_on_the_line_is_the_one_that_is_read(story: Cli, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    story.ok("user", "create", "Zoe", "--email", "zoe@example.com", "--log", str(other))
    for option in (("--log", str(other)), (f"--log={other}",)):
        assert offered(*option, "user", "show", "Z") == ["Zoe"]
        assert offered("user", "show", *option, "Z") == ["Zoe"]


INSERTED: dict[str, str] = {
    # what is typed after `evcli `: what bash puts in the place of what it takes for the last word
    "us": "user",
    "user show Grace\\ H": "Grace\\ Hopper",
    "user show 'Grace H": "Grace Hopper",
    'user show "Grace H': "Grace Hopper",
    "user show Grace' H": " Hopper",
    'user show Gr"ac"e" H': " Hopper",
    "user show 'Grace'\\ H": "Grace\\ Hopper",
    "user show '": "1",
    "user show  \t grace": "grace@navy.example",
    "user show grace@n": "@navy.example",
    "user show 'grace@n": "grace@navy.example",
    "user show 'grace'@n": "@navy.example",
    "user show grace\\@n": "grace@navy.example",
    "log --actor=x --user=": "1",
    "log --user=": "1",
    "log --user=gr": "grace@navy.example",
    "log --user=grace@n": "@navy.example",
    "log --user='Grace H": "Grace Hopper",
    'log --user="': "1",
    "log --user Ada\\ ": "Ada\\ Lovelace",
    "log '--user' Ada\\ ": "Ada\\ Lovelace",
    "log --type user.cr --actor '' --user gr": "grace@navy.example",
    "log --actor=x --user gr": "grace@navy.example",
    'user show Gr"ac"e': "Grace\\ Hopper",
    "user show be:": "last",
    "user show 'be:'l": "be:last",
    "user show 'back\\'s": "back\\\\slash",
    'user show "be:': "be:last",
    "user show be\\:": "be:last",
    "user show O": "O\\'Neil\\ \\$5\\!\\`",
    "user show 'O": "O'\\''Neil $5!`",
    'user show "O': "O'Neil \\$5\"'!'\"\\`",
    "user show \"O'Neil \\$": "O'Neil \\$5\"'!'\"\\`",
    "user show 'back\\s": "back\\slash",
    'user show "back\\s': "back\\\\slash",
    'user show "back\\\\s': "back\\\\slash",
    "user show back\\\\s": "back\\\\slash",
    "user show 山田": "山田\\\u3000太郎",
    "user show 山田\u3000太": "山田\\\u3000太郎",
    "log yes": "yesterday..",
    "log 3..yes": "3..yesterday",
    "log 3..@": "@",
}


@pytest.fixture
def odd_names(story: Cli) -> Cli:
    """The story, and users whose names bash must be told with care."""
    for number, name in enumerate(["be:last", "O'Neil $5!`", "back\\slash", "山田\u3000太郎"]):
        story.ok("user", "create", name, "--email", f"odd{number}@example.com")
    return story


def test_bash_candidate_is_quoted_as_the_word_was_begun(odd_names: Cli) -> None:
    found = {line: offered(f"evcli {line}", BREAKS, shell="bash")[:1] for line in INSERTED}
    assert found == {line: [inserted] for line, inserted in INSERTED.items()}
    assert offered("user", "show", "back x") == [], "a space is part of the word that a shell passes"


def test_word_that_bash_does_not_break_is_inserted_whole(story: Cli) -> None:
    found = [offered(f"evcli {line}", " \t\n", shell="bash")[:1] for line in ("log --user=gr", "user show grace@n")]
    assert found == [["--user=grace@navy.example"], ["grace@navy.example"]]


@pytest.mark.parametrize("value", ["bash", "zsh", "fish"])
def test_exported_evcli_complete_is_named_and_does_not_turn_commands_into_nothing(story: Cli, value: str) -> None:
    with untouched(story.log.parent):
        ran = run_process("user", "destroy", "2", environment={"_EVCLI_COMPLETE": value})
    assert (ran.code, ran.out) == (2, b"")
    assert b"_EVCLI_COMPLETE is set" in ran.err
    assert b"unset _EVCLI_COMPLETE" in ran.err
    ran = run_process("_complete", value, "", environment={"_EVCLI_COMPLETE": value})
    assert (ran.code, ran.err) == (0, b"")
    for other in ("", "1", "bash_source"):
        assert (
            run_process("user", "list", environment={"_EVCLI_COMPLETE": other}).out
            == story.ok("user", "list").out.encode()
        )


# --- what is wrong with a log is not completion's to say --------------------------------------------------------------


SPOILED: dict[str, Callable[[Path, bytes], object]] = {
    "damaged": lambda log, content: log.write_bytes(content.replace(b"Alan", b"Alen")),
    "gone": lambda log, content: None,
    "notes": lambda log, content: log.write_text("Milk, eggs\n"),
    "folder": lambda log, content: log.mkdir(),
    "FIFO": lambda log, content: os.mkfifo(log),
}


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("shell", SHELLS)
def test_completion_without_a_good_log_is_empty_and_silent(story: Cli, shell: str, kind: str, tmp_path: Path) -> None:
    content = story.log.read_bytes()
    story.log.unlink()
    SPOILED[kind](story.log, content)
    with untouched(tmp_path):
        for words in (("user", "show", ""), ("user", "show", "A"), ("log", "--user", ""), ("show", "9")):
            given = (f"evcli {' '.join(words)}", BREAKS) if shell == "bash" else words
            assert offered(*given, shell=shell) == []
        if kind == "gone":
            assert run_process("_complete", shell, *given) == Raw(0, b"", b"")


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", ()), ("bash", ("",)), ("bash", ("evcli 'user \"show",)), ("bash", ("evcli \\",)), ("zsh", ()),
        ("zsh", ("user", "nope", "")), ("fish", ("--format", "nope", "user", "")), ("tcsh", ("user", "")),
        ("fish", ("\udcff", "")), ("zsh", ("user", "show", "\udcff")),
    ],
)  # fmt: skip
def test_line_that_makes_no_sense_gets_no_error(story: Cli, shell: str, words: tuple[str, ...]) -> None:
    ran = run_process("_complete", shell, *words)
    assert (ran.code, ran.err) == (0, b"")


def test_completion_writes_nothing(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        for words in (("user", "destroy", "2", ""), ("user", "create", "X", "--email", ""), ("user", "restore", "")):
            offered(*words)


# --- the shells themselves --------------------------------------------------------------------------------------------

START = {
    "bash": (("--norc", "--noprofile", "-i"), "PS1='ready> '; eval \"$(evcli completion bash)\""),
    "zsh": (
        ("-f", "-i"),
        'PS1=\'ready> \'; autoload -Uz compinit && compinit -u -C -d "$COMPINIT"; eval "$(evcli completion zsh)"',
    ),
    "fish": (("-N", "-i"), "function fish_prompt; echo 'ready> '; end; evcli completion fish | source"),
}


class Shell:
    """A shell on a terminal of its own, in which `evcli` notes the arguments that it is given."""

    def __init__(self, name: str, folder: Path, kept: Path) -> None:
        executable = shutil.which(name)
        if executable is None:
            pytest.skip(f"there is no {name} here")
        self._notes = folder / "arguments"
        (folder / "bin").mkdir()
        (folder / "work").mkdir()
        script = folder / "bin" / "evcli"
        script.write_text(
            '#!/bin/sh\nif [ "$1" = _complete ] || [ "$1" = completion ]; then\n'
            f'exec "{EVCLI[0]}" -m evcli "$@"\nfi\n'
            f'printf "%s\\0" "$@" > "{self._notes}"\necho "<<noted>>"\n'
        )
        script.chmod(0o755)
        (folder / "home").mkdir(exist_ok=True)
        arguments, setup = START[name]
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        self.process = pexpect.spawn(
            executable, list(arguments), env={**os.environ, "TERM": "xterm", "PATH": path, "COMPINIT": str(kept)},
            cwd=str(folder / "work"), dimensions=(50, 200), timeout=8, encoding="utf-8",
        )  # fmt: skip
        self.process.delaybeforesend = None
        self.process.ptyproc.delayafterclose = 0
        self.process.send(f"{setup}; echo re''ady\r")
        self.process.expect("ready\r\n")
        self.process.expect("ready> ")
        self.folder = folder / "work"
        self.shown = ""

    def arguments_of(self, typed: str) -> list[str]:
        """What evcli is given when this line is typed, with tabs, and entered; or what the shell shows instead."""
        self._notes.unlink(missing_ok=True)
        self.process.send(typed + "\r")
        if self.process.expect(["<<noted>>", pexpect.TIMEOUT]):
            shown = str(self.process.before)[-200:]
            self.process.sendcontrol("c")
            self.process.expect(["ready> ", pexpect.TIMEOUT])
            return ["nothing was run", shown]
        self.shown = str(self.process.before)
        self.process.expect("ready> ")
        return self._notes.read_bytes().decode().split("\0")[:-1]

    def type_and_drop(self, typed: str) -> None:
        """Type this line, with tabs, and throw it away; return when the shell has done all that."""
        assert self.arguments_of(f"{typed}\x15evcli done") == ["done"]

    def close(self) -> None:
        """End the shell."""
        self.process.kill(signal.SIGKILL)
        self.process.wait()
        self.process.close()


@pytest.fixture(params=SHELLS)
def shell(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    """bash, zsh and fish, each in its turn."""
    monkeypatch.delenv("COLUMNS")
    running = Shell(request.param, tmp_path, tmp_path_factory.getbasetemp() / "compinit")
    yield running
    running.close()


HOSTILE = "x $(touch pwned) `touch pwned` ; touch pwned ' \" \\ * ? [a] {b,c} ! # & | > < ~ $HOME % (touch pwned)"
"""A name in which every shell finds something that it would do."""


def test_shell_completes_commands_options_users_and_events(cli: Cli, shell: Shell) -> None:
    many_events(cli, 129)
    cli.ok("user", "create", "Grace Hopper", "--email", "grace@navy.example")
    (shell.folder / "members.csv").touch()
    wrong = {}
    for typed, arguments in (
        ("evcli export --force mem\t", ["export", "--force", "members.csv"]),
        ("evcli export --what e\t", ["export", "--what", "events"]),
        ("evcli us\tcre\tx", ["user", "create", "x"]),
        ("evcli user list --ma\tx", ["user", "list", "--match", "x"]),
        ("evcli log --type user.em\t", ["log", "--type", "user.email-changed"]),
        ("evcli user show grace@n\t", ["user", "show", "grace@navy.example"]),
        ("evcli log --user=grace@n\t", ["log", "--user=grace@navy.example"]),
        ("evcli user show Grace\\ H\t", ["user", "show", "Grace Hopper"]),
        ("evcli user show 'Grace H\t", ["user", "show", "Grace Hopper"]),
        ("evcli head --at 13\t", ["head", "--at", "130"]),  # 13 itself is too long ago to be offered
    ):
        if (found := shell.arguments_of(typed)) != arguments:
            wrong[typed] = found
    assert not wrong


def test_shell_inserts_a_hostile_name_as_text_and_runs_nothing(cli: Cli, shell: Shell) -> None:
    cli.ok("user", "create", HOSTILE, "--email", "harmless@example.com")
    cli.ok("user", "create", "Ada *", "--email", "info@example.com")
    for surprise in ("x touched", "pwn", "a", "b", "c", "Ada secret", "Ada second"):
        (shell.folder / surprise).touch()  # for a shell that takes * or ? for a pattern
    wrong = {}
    for begun, name in (
        ("x\\ ", HOSTILE), ("'x ", HOSTILE), ('"x ', HOSTILE), ("Ada", "Ada *"), ("'Ada ", "Ada *"), ('"Ada ', "Ada *"),
    ):  # fmt: skip
        if (found := shell.arguments_of(f"evcli user show {begun}\t")) != ["user", "show", name]:
            wrong[begun] = found
    assert not wrong
    assert not (shell.folder / "pwned").exists()


def test_completion_runs_nothing_of_the_line_and_shows_no_error(cli: Cli, shell: Shell) -> None:
    for typed in (
        'evcli log --user "$(touch pwned)" --since \t',
        "evcli user show '; touch pwned; \t",
        'evcli --log "$(touch pwned)" user show \t',
    ):
        shell.type_and_drop(typed)
        assert "rror" not in shell.shown, f"without a log, {typed!r} shows {shell.shown!r}"
        assert "Traceback" not in shell.shown
    assert not (shell.folder / "pwned").exists()


@pytest.mark.parametrize("name", SHELLS)
def test_script_is_read_by_its_shell(cli: Cli, name: str, tmp_path: Path) -> None:
    assert run_on(["completion", name], cli.clock, screen=True).out == cli.ok("completion", name).out
    executable = shutil.which(name)
    if executable is None:
        pytest.skip(f"there is no {name} here")
    script = tmp_path / "script"
    script.write_text(cli.ok("completion", name).out)
    assert run_process(str(script), command=(executable, "-n")) == Raw(0, b"", b"")
