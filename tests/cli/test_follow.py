"""`evcli log -f` in a process of its own: what it shows as events land, and how it ends."""

import json
import os
import re
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import IO, Self

import pexpect  # type: ignore[import-untyped]  # it has no types
import pytest
from conftest import Cli

from cli.support import EVCLI, lines_in, many_events, run_process, run_shell, spoil
from evcli.cli.commands import following
from evcli.cli.session import Session

ENDED = b"error: ended by a signal\n"

LONG = 30
"""Seconds after which a test gives up waiting; nothing is timed."""


class Follower:
    """`evcli log -f` at work: its lines come one by one."""

    def __init__(self, *words: str, command: Sequence[str] = EVCLI) -> None:
        self.process = subprocess.Popen(
            [*command, "log", "-f", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A shell that starts things in the background has Ctrl-C ignored, and so would this be.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads here
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out, self.err = self.process.stdout, self.process.stderr
        self._rest = {self.out: b"", self.err: b""}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.process.kill()
        self.process.wait(LONG)
        self.out.close()
        self.err.close()

    def line(self, stream: IO[bytes] | None = None) -> bytes:
        """The next line, with its end; nothing where the stream ends."""
        stream = stream or self.out
        while b"\n" not in self._rest[stream]:
            assert select.select([stream], [], [], LONG)[0], f"no line came; there is {self._rest[stream]!r}"
            data = os.read(stream.fileno(), 1 << 16)
            if not data:
                break
            self._rest[stream] += data
        line, newline, self._rest[stream] = self._rest[stream].partition(b"\n")
        return line + newline

    def lines(self, count: int) -> list[bytes]:
        return [self.line() for _ in range(count)]

    def ends(self) -> tuple[int, bytes, bytes]:
        """Its exit code, and what it said that was not read yet."""
        code = self.process.wait(LONG)
        return code, self._rest[self.out] + self.out.read(), self._rest[self.err] + self.err.read()


@pytest.fixture
def follower() -> Iterator[Callable[..., Follower]]:
    """Starts followers, and ends them."""
    started: list[Follower] = []

    def start(*words: str, command: Sequence[str] = EVCLI) -> Follower:
        started.append(Follower(*words, command=command))
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


Start = Callable[..., Follower]


def numbers(lines: list[bytes]) -> list[int]:
    return [int(re.split(rb"[\t,]", line)[0]) for line in lines]


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_last_events_are_shown_oldest_first_then_each_that_lands(story: Cli, follower: Start) -> None:
    follows = follower()
    assert b"".join(follows.lines(8)).decode() == story.ok("log", "--reverse").out
    for number in (9, 10):
        story.ok("user", "restore" if number == 9 else "destroy", "3")
        assert numbers([follows.line()]) == [number]


@pytest.mark.parametrize(
    ("words", "first"),
    [((), 21), (("-n", "3"), 28), (("--since", "0"), 1), (("--since", "5"), 6), (("--since", "5", "-n", "2"), 29)],
)
def test_n_and_since_say_how_many_are_shown_before(
    cli: Cli, follower: Start, words: tuple[str, ...], first: int
) -> None:
    many_events(cli, 30)
    assert numbers(follower(*words).lines(31 - first)) == list(range(first, 31))


@pytest.mark.parametrize(
    ("words", "before", "landing"),
    [
        (("--type", "*.destroyed"), [5, 8], [10]),
        (("--user", "3"), [7, 8], [9, 10]),
        (("--actor", "ann", "-n", "1"), [8], [9, 10, 11]),
        (("--actor", "bob"), [], []),
        (("--since", "8", "--type", "user.c*"), [], [11]),
    ],
)
def test_filters_hold_for_events_before_and_to_come(
    story: Cli, follower: Start, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], before: list[int],
    landing: list[int],
) -> None:  # fmt: skip
    both = [follower(*words, "--format", "csv"), follower("--since", "8")]
    assert both[0].line().startswith(b"number,")
    assert numbers(both[0].lines(len(before))) == before
    for change in (("restore", "3"), ("destroy", "3"), ("create", "Kurt", "--email", "kurt@example.com")):
        story.ok("user", *change)
        both[1].line()  # so that the other one, too, has had time to show it
    if landing:
        assert numbers(both[0].lines(len(landing))) == landing
    both[0].process.send_signal(signal.SIGINT)
    assert both[0].ends() == (0, b"", b"")


def test_jsonl_of_follow_is_the_lines_of_the_log(story: Cli, follower: Start) -> None:
    follows = follower("--format", "jsonl")
    follows.lines(8)
    story.ok("user", "create", "李明 \u200c", "--email", "li@example.com")
    assert follows.line() == lines_in(story.log)[8]


def test_csv_of_follow_has_its_header_once_and_at_once(cli: Cli, follower: Start) -> None:
    cli.log.touch(mode=0o600)
    follows = follower("--format", "csv")
    assert follows.line() == b"number,time,actor,type,subject,data,recorded\r\n"
    cli.ok("user", "create", "A, b", "--email", "a@example.com")
    row = b'1,2026-03-01T09:00:00.000000Z,ann,user.created,user/1,"name: A, b, email: a@example.com",\r\n'
    assert follows.line() == row


def test_table_of_follow_widens_a_column_from_a_wider_cell_on(
    story: Cli, follower: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    follows = follower("--format", "table", "-n", "2")
    header, rule, *rows = follows.lines(4)
    assert header.split()[:3] == [b"number", b"time", b"actor"]
    assert set(rule.decode().strip()) == {"─"}
    story.ok("user", "restore", "3")
    row = follows.line()
    assert row.split() == [b"9", b"2026-03-01", b"17:00:00+00:00", b"ann", b"user.restored", b"user/3"]
    assert [line.index(b"ann") for line in [*rows, row]] == [rows[0].index(b"ann")] * 3
    monkeypatch.setenv("EVCLI_ACTOR", "somebody-else")
    story.ok("user", "destroy", "3")
    wide = follows.line()
    monkeypatch.setenv("EVCLI_ACTOR", "ann")
    story.ok("user", "restore", "3")
    assert follows.line().index(b"user.restored") == wide.index(b"user.destroyed") > row.index(b"user.restored")


def test_follow_on_a_terminal_has_absolute_times_and_no_pager(cli: Cli, tmp_path: Path) -> None:
    many_events(cli, 60)
    terminal = pexpect.spawn(
        EVCLI[0], [*EVCLI[1:], "log", "-f", "-n", "60"], timeout=LONG, encoding="utf-8", dimensions=(20, 100),
        env={**os.environ, "TERM": "xterm-256color", "EVCLI_PAGER": f"touch {tmp_path}/paged"},
    )  # fmt: skip
    terminal.delaybeforesend = None
    terminal.expect("user-60@example.com")
    assert " ago" not in terminal.before
    assert "2026-03-01 09:00:00" in terminal.before
    terminal.sendcontrol("c")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert "error" not in terminal.before
    assert not (tmp_path / "paged").exists()


# --- what happens to the file -----------------------------------------------------------------------------------------


def test_follow_goes_on_across_a_repair(story: Cli, follower: Start) -> None:
    follows = follower("-n", "1")
    follows.line()
    spoil(story.log, 6, b'"user/1"', b'"user/2"')
    story.ok("repair")
    assert follows.line(follows.err).decode() == (
        f"warning: {story.log}: it was replaced by another file, and event 8, shown above, is no "
        "longer in the log; continuing after event 5\n"
    )
    story.ok("user", "create", "Kurt", "--email", "kurt@example.com")
    assert numbers([follows.line()]) == [6]


def test_cut_of_the_file_is_a_json_warning_in_spite_of_q(story: Cli, follower: Start) -> None:
    follows = follower("--format", "jsonl", "-q")
    follows.lines(8)
    os.truncate(story.log, 0)
    assert "continuing after event 0" in json.loads(follows.line(follows.err))["warning"]["message"]


def test_follow_goes_on_past_a_bad_line_once_it_is_repaired(story: Cli, follower: Start) -> None:
    follows = follower()
    follows.lines(8)
    size = story.log.stat().st_size
    with story.log.open("ab") as log:
        log.write(lines_in(story.log)[-1])
    said = follows.line(follows.err)
    assert said.startswith(f"warning: {story.log} line 9, byte {size}: ".encode())
    assert said.endswith(b"; waiting until it is repaired\n")
    story.ok("repair")
    assert follows.line(follows.err).endswith(b"it was replaced by another file; continuing after event 8\n")
    story.ok("user", "create", "Kurt", "--email", "kurt@example.com")
    assert numbers([follows.line()]) == [9]
    follows.process.send_signal(signal.SIGINT)
    assert follows.ends() == (0, b"", b"")


def test_follow_waits_for_a_log_that_is_not_there_yet(cli: Cli, follower: Start) -> None:
    follows = follower()
    said = f"warning: there is no log at {cli.log} yet; waiting for it\n"
    assert follows.line(follows.err).decode() == said
    for number in (1, 2):
        cli.ok("user", "create", f"U{number}", "--email", f"u{number}@example.com")
        assert numbers([follows.line()]) == [number]
    follows.process.send_signal(signal.SIGINT)
    assert follows.ends() == (0, b"", b"")


@pytest.mark.parametrize(("number", "code", "last"), [(signal.SIGINT, 0, b""), (signal.SIGTERM, 143, ENDED)])
def test_waiting_for_a_log_ends_as_following_does(
    cli: Cli, follower: Start, number: signal.Signals, code: int, last: bytes
) -> None:
    follows = follower()
    follows.line(follows.err)
    follows.process.send_signal(number)
    assert follows.ends() == (code, b"", last)


def test_missing_log_is_told_of_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    pauses = iter(range(3))

    def pause() -> None:
        if next(pauses) == 2:
            cli.ok("user", "create", "Ada", "--email", "ada@example.com")

    monkeypatch.setattr(following, "_wait_while_somebody_listens", pause)
    assert following.opened(Session()).head().number == 1
    assert capsysbinary.readouterr().err.count(b"waiting for it") == 1


def test_n_0_shows_none_of_the_past_as_in_tail(story: Cli, follower: Start) -> None:
    both = [follower("-n", "0", "--format", "csv"), follower("-0", "--since", "2", "--format", "csv")]
    for each in both:
        assert each.line().startswith(b"number,")
    story.ok("user", "restore", "3")
    for each in both:
        assert numbers([each.line()]) == [9]


def test_follow_says_that_a_type_which_there_is_not_never_comes(story: Cli, follower: Start) -> None:
    follows = follower("--type", "creat")
    assert follows.line(follows.err).startswith(
        b'no matching events: no type is called "creat"; types are user.created'
    )
    follows = follower("--type", "create", "-n", "1")
    assert numbers([follows.line()]) == [7]


def test_follow_with_p_shows_what_each_event_changed(story: Cli, follower: Start) -> None:
    follows = follower("-p", "-n", "1")
    assert follows.line().endswith("\tdestroyed: none → 8\t\n".encode())
    story.ok("user", "restore", "3")
    assert follows.line().endswith("\tdestroyed: 8 → none\t\n".encode())


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "form"),
    [(signal.SIGINT, 0, "plain"), (signal.SIGINT, 0, "jsonl"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, "")],
)
def test_ctrl_c_ends_it_with_0_and_other_signals_as_usual(
    story: Cli, follower: Start, number: signal.Signals, code: int, form: str
) -> None:
    follows = follower("--format", form or "plain")
    follows.lines(8)
    follows.process.send_signal(number)
    ended = follows.ends()
    assert ended[0] == code
    assert ended[1:] == (b"", ENDED if code else b"")


def test_follow_ends_without_a_reader_though_nothing_lands(story: Cli, follower: Start) -> None:
    follows = follower()
    follows.lines(8)
    follows.out.close()
    assert follows.process.wait(LONG) == 0
    assert follows.err.read() == b""


@pytest.mark.parametrize("form", ["plain", "jsonl", "csv", "table"])
def test_reader_may_take_the_first_line_and_leave_the_rest(story: Cli, form: str) -> None:
    ran = run_shell('{ "$@"; echo "exit $?" >&2; } | head -n 1', "log", "-f", "--format", form)
    assert len(ran.out.splitlines()) == 1
    assert ran.err == b"exit 0\n"


def test_stdout_that_takes_nothing_is_16(story: Cli) -> None:
    assert run_shell('"$@" >&-', "log", "-f", "--since", "8").code == 16
    if os.path.exists("/dev/full"):
        ran = run_shell('"$@" >/dev/full', "log", "-f")
        assert (ran.code, ran.err) == (16, b"error: the answer could not be shown: stdout: No space left on device\n")


@pytest.mark.parametrize(
    ("line", "phrases"),
    [
        ("--json", ("no end", "--format jsonl")),
        ("--format json", ("no end", "--format jsonl")),
        ("--until 5", ("--until",)),
        ("-n -1", ("-n",)),
        ("--times relative", ("--times",)),
        ("3..5", ("--until",)),
    ],
)
def test_option_that_needs_an_end_is_a_usage_error(story: Cli, line: str, phrases: tuple[str, ...]) -> None:
    ran = story("log", "-f", *line.split())
    assert (ran.code, ran.out) == (2, "")
    assert all(phrase in ran.err for phrase in phrases), ran.err


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(which("strace") is None, reason="strace, which counts what is asked of the system, is not there")
def test_follow_asks_little_and_sleeps_while_nothing_happens(story: Cli, follower: Start, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    follows = follower("-n", "1", command=("strace", "-qq", "-o", str(trace), *EVCLI))
    follows.line()
    for _ in range(2):  # the second is shown after the first, so whole pauses lie before it
        story.ok("user", "restore", "3")
        follows.line()
        story.ok("user", "destroy", "3")
        follows.line()
    subprocess.run(["sleep", "1"], check=True)
    follows.process.send_signal(signal.SIGINT)
    calls = [match[1] for line in trace.read_text().splitlines() if (match := re.match(r"(\w+)\(", line))]
    pauses = [at for at, call in enumerate(calls) if call.endswith("poll")]
    assert len(pauses) > 3
    idle = [second - first for first, second in pairwise(pauses)]
    assert min(idle) <= 4, "even where nothing changed, more is asked than whether anything did"
    timeouts = re.findall(r"^poll\(\[\{fd=1, events=0\}\], 1, (\d+)\)\s+= 0 \(Timeout\)", trace.read_text(), re.M)
    assert timeouts
    assert {int(timeout) for timeout in timeouts} <= set(range(100, 401))


def test_followed_log_can_be_written_at_any_time(story: Cli, follower: Start) -> None:
    followers = [follower("--since", "8") for _ in range(3)]
    for _ in range(5):
        for change in ("restore", "destroy"):
            assert run_process("user", change, "3", "--lock-wait", "0.5").code == 0
    for each in followers:
        assert numbers(each.lines(10)) == list(range(9, 19))
