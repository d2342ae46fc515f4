"""Appends of one process, one after another, by one register: `python appending.py LOG STEP...`.

A step is the name of a user to create; `+Bob` is created by another writer, `=` puts a copy of the log in its place,
and `@3` waits for two more processes to come as far. Each append is answered as on the command line,
`{"events": [...], "recorded": true}`, before the next begins. One that fails is told of, and the next is tried; the
exit code is that of the last failure.
"""

import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import orjson

from evcli.errors import EvcliError, Interrupted, NotWritten
from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.register import Register


def register(log: Path) -> Register:
    """A register whose log must keep its promises alone."""
    return Register(FileLog(str(log), makes_folders=True), actor="ann", history=History(uses_cache=False))


def create(by: Register, name: str) -> None:
    """Create a user; signals wait until the answer is out."""
    data = {"name": name, "email": f"{name.lower()}@example.com"}
    with ExitStack() as held:
        done = by.execute(
            Intention("user.created", data, lambda state: state.last_id("user") + 1, finds=False), held=held
        )
        events = [orjson.loads(line) for line in done.lines]
        os.write(1, orjson.dumps({"events": events, "recorded": done.recorded}))


def replace(log: Path) -> None:
    """Put a copy of the log in its place; not synced, since a sync that fails here would not be one of evcli's."""
    copy = Path(f"{log}.repaired")
    copy.touch(0o600)
    copy.write_bytes(log.read_bytes())
    copy.rename(log)


def wait_for_others(log: Path, count: int) -> None:
    """Wait until that many processes are here."""
    Path(f"{log}.here-{os.getpid()}").touch()
    while len(list(log.parent.glob("*.here-*"))) < count:
        time.sleep(0.001)


def run(log: Path, steps: list[str], own: Register) -> int:
    """Take the steps; the exit code of the last append that failed, or 0."""
    code = 0
    for step in steps:
        try:
            if step == "=":
                with suppress(OSError):  # then the log stays
                    replace(log)
            elif step[0] == "@":
                wait_for_others(log, int(step[1:]))
            else:
                create(register(log) if step[0] == "+" else own, step.lstrip("+"))
        except (EvcliError, OSError) as error:
            code = error.exit if isinstance(error, EvcliError) else NotWritten.exit  # as on the command line
            print(f"{step}: exit {code}: {error}", file=sys.stderr, flush=True)
    return code


def interrupted(number: int, _: object) -> None:
    """What a signal does while it is not held: end the program, as it ends the command line."""
    print("interrupted", file=sys.stderr, flush=True)
    raise SystemExit(Interrupted(number).exit)


def main(log: Path, steps: list[str]) -> int:
    """Take the steps, with signals as on the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    with register(log) as own:
        return run(log, steps, own)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
