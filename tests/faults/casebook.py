"""What the numbered cases share: a log that was acknowledged, calls that fail, lines that somebody forges.

"Nothing lost" is part of every case: what was acknowledged before is there byte for byte, the next append works once
the fault is gone, verify is content then, and nobody was shown a traceback.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
from cli.support import EVCLI, Raw, run_process
from conftest import Cli, Ran
from support.calls import Calls
from support.events import NO_HASH, creation, seal

import evcli
from evcli.log.line import hash_of

CASES = range(1, 81)
"""The numbers of the cases. `@pytest.mark.case(8, 9)` stands on the test that shows them, wherever in tests/."""

PACKAGE = {"PYTHONPATH": str(Path(evcli.__file__).parents[1])}
EVE = ("user", "create", "Eve", "--email", "eve@example.com")


def process(*words: str | bytes, log: Path, command: Sequence[str] = EVCLI, **how: Any) -> Raw:
    """Run evcli, the one that is under test, in a process of its own."""
    environment = {**PACKAGE, "EVCLI_LOG": str(log), "EVCLI_ACTOR": "ann", **how.pop("environment", {})}
    return run_process(*words, command=command, environment=environment, **how)


def limited(kind: int, limit: int) -> tuple[str, ...]:
    """The command that sets a limit for itself, then becomes evcli."""
    set_it = f"import os, resource, sys; resource.setrlimit({kind}, ({limit}, {limit})); "
    return sys.executable, "-c", set_it + "os.execv(sys.executable, [sys.executable, '-m', 'evcli', *sys.argv[1:]])"


def no_traceback(ran: Ran | Raw) -> str:
    """Nobody is shown how evcli is made, or that it has a bug; what they are shown."""
    said = ran.err if isinstance(ran.err, str) else ran.err.decode(errors="replace")
    for phrase in ("Traceback", "this is a bug", "Exception ignored"):
        assert phrase not in said, said
    return said


def says(ran: Ran | Raw, code: int, *phrases: str) -> None:
    """The command ended with that code, no traceback, and all of that on stderr."""
    said = no_traceback(ran)
    assert ran.code == code, f"exit {ran.code} instead of {code}: {said}"
    for phrase in phrases:
        assert phrase in said, f"{phrase!r} is not in {said!r}"


def nothing_lost(cli: Cli, before: bytes) -> None:
    """Hold the log against what was acknowledged, append to it, and let verify judge it."""
    assert cli.log.read_bytes().startswith(before), "what was acknowledged is not there any more"
    name = f"later{cli.ids}"
    cli.ok("user", "create", name, "--email", f"{name}@example.com")
    cli.ok("verify")
    assert cli.log.read_bytes().startswith(before)


def put(cli: Cli, content: bytes) -> None:
    """Let that be what the log holds."""
    cli.log.write_bytes(content)
    cli.log.chmod(0o600)


def torn_copies(log: Path) -> list[bytes]:
    """What was put aside from the log."""
    return [path.read_bytes() for path in sorted(log.parent.glob(log.name + ".torn*"))]


class Kernel(Calls):
    """The calls on files, noted and made to fail; a write to the log may also take only a part."""

    part: tuple[int, int | None] | None = None
    """How many bytes a write takes, and how many it says that it took, if that is not the truth."""

    def heal(self) -> None:
        """Let all calls work again."""
        self.failing.clear()
        self.part = None

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def in_part(descriptor: int, *arguments: Any) -> Any:
            if name != "write" or self.part is None or self._what(descriptor) != "log":
                return real(descriptor, *arguments)
            length, said = self.part
            taken = real(descriptor, bytes(arguments[0])[:length]) if length else 0
            return taken if said is None else said

        return super()._watched(name, in_part)


def members(number: int, **changes: Any) -> dict[str, Any]:
    """The members of a good event that creates user `number`, with these changed or added."""
    data = {"name": "Ada", "email": f"{number}@example.com"}
    return creation(number, **{"id": f"made-{number}", "data": data, **changes})


def forged(before: bytes = b"", number: int = 1, old: bytes = b"", new: bytes = b"", **changes: Any) -> bytes:
    """A line after the line `before`, with a good hash, in which members, or bytes, are others."""
    body = orjson.dumps(members(number, **changes))[:-1]
    assert body.count(old) == 1 or not old, f"{old!r} is not in {body!r} once"
    return seal(body.replace(old, new) if old else body, hash_of(before) if before else NO_HASH)


def chain(count: int, batches: Mapping[int, str] = MappingProxyType({}), **changes: Any) -> list[bytes]:
    """So many lines, each creating a user; `batches` says of which batch an event is, by its number."""
    lines: list[bytes] = []
    for number in range(1, count + 1):
        batch: dict[str, Any] = {"batch": batches[number]} if number in batches else {}
        lines.append(forged(lines[-1] if lines else b"", number, **batch, **changes))
    return lines
