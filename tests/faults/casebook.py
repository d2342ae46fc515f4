"""What the numbered cases share: a log that was acknowledged, files and calls that fail, and what must hold after all.

"Nothing lost" is part of every case: what was acknowledged before is there byte for byte, the next append works once
the fault is gone, verify is content then, and nobody was shown a traceback.
"""

import fcntl
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from cli.support import Raw, run_process
from conftest import Cli, Ran
from support.events import NO_HASH

import evcli
from evcli.log.line import hash_of

CASES = range(1, 81)
"""The numbers of the cases. `@pytest.mark.case(8, 9)` stands on the test that shows them, wherever in tests/."""

PACKAGE = {"PYTHONPATH": str(Path(evcli.__file__).parents[1])}
EVE = ("user", "create", "Eve", "--email", "eve@example.com")
TIME = "2026-03-01T09:00:00.000000Z"
ORDER = (
    "specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "authtype", "authid",
    "correlationid", "causationid", "batch", "data",
)  # fmt: skip


def process(
    *words: str | bytes, log: Path, command: Sequence[str] = (sys.executable, "-m", "evcli"), **how: Any
) -> Raw:
    """Run evcli, the one that is under test, in a process of its own."""
    environment = {**PACKAGE, "EVCLI_LOG": str(log), "EVCLI_ACTOR": "ann", **how.pop("environment", {})}
    return run_process(*words, command=command, environment=environment, **how)


def limited(kind: int, limit: int) -> tuple[str, ...]:
    """The command that sets a limit for itself, then becomes evcli."""
    set_it = f"import os, resource, sys; resource.setrlimit({kind}, ({limit}, {limit})); "
    return sys.executable, "-c", set_it + "os.execv(sys.executable, [sys.executable, '-m', 'evcli', *sys.argv[1:]])"


def no_traceback(ran: Ran | Raw) -> None:
    """Nobody is shown how evcli is made, or that it has a bug."""
    said = ran.err if isinstance(ran.err, str) else ran.err.decode(errors="replace")
    assert "Traceback" not in said, said
    assert "this is a bug" not in said, said
    assert "Exception ignored" not in said, said


def nothing_lost(cli: Cli, before: bytes) -> None:
    """Hold the log against what was acknowledged, append to it, and let verify judge it."""
    assert cli.log.read_bytes().startswith(before), "what was acknowledged is not there any more"
    name = f"later{cli.ids}"
    cli.ok("user", "create", name, "--email", f"{name}@example.com")
    cli.ok("verify")
    assert cli.log.read_bytes().startswith(before)


def says(ran: Ran | Raw, code: int, *phrases: str) -> None:
    """The command ended with that code, no traceback, and all of that on stderr."""
    said = ran.err if isinstance(ran.err, str) else ran.err.decode(errors="replace")
    assert ran.code == code, f"exit {ran.code} instead of {code}: {said}"
    no_traceback(ran)
    for phrase in phrases:
        assert phrase in said, f"{phrase!r} is not in {said!r}"


def put(cli: Cli, content: bytes) -> None:
    """Let that be what the log holds."""
    cli.log.write_bytes(content)
    cli.log.chmod(0o600)


# --- calls that fail --------------------------------------------------------------------------------------------------


class Kernel:
    """The calls on files, noted as `name what`; each can be made to fail, once, always, or to do something else.

    `what` is `log`, `batch` or another suffix of a name beside the log (`torn`, `damaged`), or `folder`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self._instead: dict[str, Callable[..., Any]] = {}
        self._log = log
        self._patch = monkeypatch
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))
        monkeypatch.setattr(fcntl, "flock", self._watched("flock", fcntl.flock))

    def fail(self, call: str, error: int, *, only: int = 0) -> None:
        """Let the call fail with that error: always, or only the time that it is made as number `only`."""

        def failing(real: Callable[..., Any], *arguments: Any) -> Any:
            if only and self.made.count(call) != only:
                return real(*arguments)
            raise OSError(error, os.strerror(error))

        self._instead[call] = failing

    def short(self, call: str, length: int, *, says: int | None = None) -> None:
        """Let a write take only so many bytes, and say so, or something else."""

        def shorter(real: Callable[..., Any], descriptor: int, data: bytes) -> int:
            taken: int = real(descriptor, bytes(data)[:length]) if length else 0
            return taken if says is None else says

        self._instead[call] = shorter

    def heal(self) -> None:
        """Let all calls work again."""
        self._instead.clear()

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            did = f"{name} {self._what(descriptor)}"
            self.made.append(did)
            if did in self._instead:
                return self._instead[did](real, descriptor, *arguments)
            return real(descriptor, *arguments)

        return call

    def _what(self, descriptor: int) -> str:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            return "folder"
        for path in self._log.parent.glob(self._log.name + "*"):
            if os.path.samestat(found, path.stat()):
                return path.name[len(self._log.name) + 1 :].partition("-")[0] or "log"
        return "other"


# --- lines that somebody makes ----------------------------------------------------------------------------------------


def members(number: int, **changes: Any) -> dict[str, Any]:
    """The members of a good event that creates user `number`, with these changed or added."""
    plain: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"made-{number}",
        "source": "evcli",
        "type": "user.created",
        "subject": f"user/{number}",
        "time": TIME,
        "sequence": f"{number:012}",
        "authtype": "user",
        "authid": "ann",
        "data": {"name": "Ada", "email": f"{number}@example.com"},
    }
    changed = {**plain, **changes}
    return {name: changed[name] for name in [*ORDER, *(set(changed) - set(ORDER))] if name in changed}


def seal(body: bytes, before: bytes = b"") -> bytes:
    """The line that `body` makes after the line `before`, with a good hash, as somebody forges it."""
    digest = hashlib.sha256((hash_of(before) if before else NO_HASH) + body).hexdigest()
    return body + b',"sha256":"' + digest.encode() + b'"}\n'


def forged(before: bytes = b"", number: int = 1, old: bytes = b"", new: bytes = b"", **changes: Any) -> bytes:
    """A line with a good hash in which members, or bytes, are others."""
    body = orjson.dumps(members(number, **changes))[:-1]
    assert body.count(old) == 1 or not old, f"{old!r} is not in {body!r} once"
    return seal(body.replace(old, new) if old else body, before)


def chain(count: int, batches: Mapping[int, str] = MappingProxyType({}), **changes: Any) -> list[bytes]:
    """So many lines, each creating a user; `batches` says of which batch an event is, by its number."""
    lines: list[bytes] = []
    for number in range(1, count + 1):
        batch: dict[str, Any] = {"batch": batches[number]} if number in batches else {}
        lines.append(forged(lines[-1] if lines else b"", number, **batch, **changes))
    return lines


def torn_copies(log: Path) -> list[bytes]:
    """What was put aside from the log."""
    return [path.read_bytes() for path in sorted(log.parent.glob(log.name + ".torn*"))]


@contextmanager
def held(log: Path) -> Iterator[int]:
    """Another writer holds the lock while the block runs."""
    descriptor = os.open(log, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
