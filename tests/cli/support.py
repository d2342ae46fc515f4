"""What the command line's tests share: a story to tell, streams of any kind, processes, folders that must stay."""

import copy
import ctypes
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import IO, Any, NamedTuple

from conftest import Cli, Clock, Ran
from support.events import NO_HASH, creation, forged

from evcli.cli.main import main
from evcli.log.line import hash_of

FORMS = ("table", "plain", "markdown", "json", "jsonl", "csv")

READING = {
    "user list": ("user", "list"),
    "user show": ("user", "show", "2"),
    "log": ("log",),
    "show": ("show",),
    "state": ("state",),
    "diff": ("diff",),
    "blame": ("blame", "2"),
    "trace": ("trace",),
    "bisect": ("bisect", "--user", "2", "--is", "live"),
    "report": ("report",),
    "what-if": ("what-if", "--drop", "2"),
    "verify": ("verify",),
    "head": ("head",),
    "status": ("status",),
}
"""Every command that reads the log, with what it needs to answer with 0 after the story."""

WRITING = {
    "user create": ("user", "create", "Kurt", "--email", "kurt@example.com"),
    "user rename": ("user", "rename", "2", "Amazing Grace"),
    "user change-email": ("user", "change-email", "2", "amazing@example.com"),
    "user destroy": ("user", "destroy", "2"),
    "user restore": ("user", "restore", "3"),
}
"""Every command that writes an event, with what it needs to be accepted after the story."""

FOR_PROGRAMS = {
    "export": ("export",),
    "export events": ("export", "--what", "events"),
}
"""Every command that reads the log for other programs: it has no table and no plain form."""

ELSEWHERE = {
    "path": ("path",),
    "help": ("help", "refs"),
    "completion": ("completion", "bash"),
}
"""Every command that needs no log."""

EVERY = {**READING, "export": FOR_PROGRAMS["export"], **WRITING, **ELSEWHERE}

GROUPS = {"evcli": (), "user": ("user",)}


POOR_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:strict"}
"""The environment of a process whose streams hold ASCII only."""


def tell_the_story(cli: Cli) -> None:
    """Eight events, an hour apart from 2026-03-01 09:00 UTC on; it is 17:00 afterwards.

    Users 1 and 2 are live then (Ada Lovelace, who was away from 13:00 to 14:00, and Grace Hopper), 3 (Alan) is not.
    It is really told once; later tests get a copy of the file, which is byte for byte the same.
    """
    assert not cli.log.exists(), "a story begins with nothing"
    if _told:
        cli.log.write_bytes(_told[0])
        cli.log.chmod(0o600)
        cli.ids = len(STORY)
        cli.clock.advance(hours=len(STORY))
        return
    for words in STORY:
        cli.ok(*words)
        cli.clock.advance(hours=1)
    _told.append(cli.log.read_bytes())


STORY = (
    ("user", "create", "Ada Lovelace", "--email", "ada@example.com"),
    ("user", "create", "Grace", "--email", "grace@example.com"),
    ("user", "rename", "2", "Grace Hopper"),
    ("user", "change-email", "2", "grace@navy.example"),
    ("user", "destroy", "1", "--reason", "left the company"),
    ("user", "restore", "1"),
    ("user", "create", "Alan", "--email", "alan@example.com"),
    ("user", "destroy", "3"),
)
_told: list[bytes] = []


def many_events(cli: Cli, count: int) -> None:
    """So many users, created by as many events at the clock's time: the log's lines, written without evcli."""
    time = cli.clock.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    previous = NO_HASH
    with cli.log.open("wb") as log:  # line by line, for a process that is started later begins with this one's memory
        for number in range(1, count + 1):
            data = {"name": f"User {number}", "email": f"user-{number}@example.com"}
            event = creation(number, id=cli.next_id(), time=time, data=data)
            (line,) = forged(event, previous=previous)
            previous = hash_of(line)
            log.write(line)
    cli.log.chmod(0o600)


def spoil(log: Path, number: int, old: bytes, new: bytes) -> int:
    """Put other bytes of the same length into line `number` of the log file itself; the byte where that line begins."""
    lines = lines_in(log)
    assert old in lines[number - 1]
    assert len(old) == len(new)
    lines[number - 1] = lines[number - 1].replace(old, new)
    with log.open("r+b") as file:
        file.write(b"".join(lines))
    return len(b"".join(lines[: number - 1]))


ADA = {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com", "created": 1, "changed": 6, "destroyed": None}
GRACE = {"id": 2, "name": "Grace Hopper", "email": "grace@navy.example", "created": 2, "changed": 4, "destroyed": None}
ALAN = {"id": 3, "name": "Alan", "email": "alan@example.com", "created": 7, "changed": 8, "destroyed": 8}
"""The users of the story as JSON shows them at its end."""


# --- what must stay as it is ------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes | str]:
    """Every name below `folder`, with the bytes of the file, or what else it is; but for caches, which come and go."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else oct(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.suffix != ".cache"
    }


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Nothing below `folder` may appear, vanish or change while the block runs."""
    before = contents(folder)
    yield
    after = contents(folder)
    appeared, vanished = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    changed = [name for name in before if name in after and before[name] != after[name]]
    assert (appeared, vanished, changed) == ([], [], []), f"{appeared=}, {vanished=}, {changed=}"


def fails(ran: Ran, code: int, *phrases: str, out: str = "") -> None:
    """The command failed with `code`, said nothing on stdout but `out`, and all of `phrases` in an error and a hint."""
    assert ran.code == code, f"exit {ran.code} instead of {code}: stdout {ran.out!r}, stderr {ran.err!r}"
    assert ran.out == out, f"stdout is {ran.out!r}"
    lines = ran.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, f"not one error line in {ran.err!r}"
    assert lines[lines.index(errors[0]) + 1 :] in ([], [line for line in lines if line.startswith("hint: ")]), ran.err
    for phrase in phrases:
        assert phrase in ran.err, f"{phrase!r} is not in {ran.err!r}"


def refuses(cli: Cli, words: Sequence[str], code: int, *phrases: str) -> None:
    """The command fails with `code` and these phrases, and nothing in the log's folder is changed by it."""
    with untouched(cli.log.parent):
        fails(cli(*words), code, *phrases)


def in_json(cli: Cli, *words: str) -> Any:
    """The JSON document that a command prints, which must succeed."""
    return json.loads(cli.ok(*words, "--json").out)


def applied(document: Any, operations: list[dict[str, Any]], *, has_gaps: bool = False) -> Any:
    """A document after these operations, as RFC 6902 says; a test that fails, or a place that is not there, raises.

    Only where ids may be missing is a record added elsewhere than at the end.
    """
    document = copy.deepcopy(document)
    for each in operations:
        *way, last = each["path"].removeprefix("/").split("/")
        place = document
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        at = int(last) if isinstance(place, list) and last != "-" else last
        match each["op"]:
            case "test":
                assert place[at] == each["value"]
            case "add":
                assert isinstance(place, list)
                assert at == "-" or (has_gaps and at <= len(place))
                place.insert(len(place) if at == "-" else at, each["value"])
            case "remove":
                del place[at]
            case "replace":
                assert place[at] != each["value"], "an operation that changes nothing"
                place[at] = each["value"]
    return document


def lines_in(log: Path) -> list[bytes]:
    """The lines of the log file, each with its newline."""
    return log.read_bytes().splitlines(keepends=True)


def documents(text: str) -> list[dict[str, Any]]:
    """The JSON objects of `text`, one a line."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(one, dict) for one in found), text
    return found


def events_in(log: Path) -> list[dict[str, Any]]:
    """The events in the log file, read with nothing of evcli's."""
    return documents(log.read_text(encoding="utf-8"))


# --- streams of any kind, in this process -----------------------------------------------------------------------------


class Screen(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run_on(
    words: Sequence[str], clock: Clock, *, screen: bool = False, encoding: str = "utf-8", read_as: str = ""
) -> Ran:
    """Run evcli in this process with streams of that kind; what it printed is read in `read_as` or else `encoding`."""
    kind = Screen if screen else io.TextIOWrapper
    out, err = io.BytesIO(), io.BytesIO()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (kind(buffer, encoding=encoding, newline="") for buffer in (out, err))
    counter = iter(range(1, 1_000_000))
    try:
        code = main(list(words), clock=clock, new_id=lambda: f"id-{next(counter)}")
        sys.stdout.flush()
        sys.stderr.flush()
        return Ran(code, *(buffer.getvalue().decode(read_as or encoding) for buffer in (out, err)))
    finally:
        sys.stdout, sys.stderr = streams


# --- real processes ---------------------------------------------------------------------------------------------------

EVCLI = (sys.executable, "-m", "evcli")


class Raw(NamedTuple):
    """What one process printed, in bytes, and its exit code."""

    code: int
    out: bytes
    err: bytes


def run_process(
    *words: str | bytes,
    command: Sequence[str | bytes] = EVCLI,
    stdout: int | IO[bytes] = subprocess.PIPE,
    without_root_rights: bool = False,
    environment: Mapping[str, str] | None = None,
    input: bytes = b"",
) -> Raw:
    """Run evcli (or another `command`) in a process of its own, without a terminal."""
    done = subprocess.run(
        [*command, *words],
        input=input,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        timeout=60,
        check=False,
        preexec_fn=_drop_root_rights if without_root_rights else None,
    )
    return Raw(done.returncode, done.stdout or b"", done.stderr)


def run_shell(script: str, *words: str, environment: Mapping[str, str] | None = None) -> Raw:
    """Run a line of sh, in which "$@" is evcli with `words`."""
    return run_process(*words, command=("sh", "-c", script, "sh", *EVCLI), environment=environment)


def _drop_root_rights() -> None:
    """Let root's file permissions count as everybody's (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH); nothing for others."""
    if os.geteuid() == 0 and sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for capability in (1, 2):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: takes effect when the program is executed
