"""What is measured on: how much of everything, a long log and a short one, and evcli's commands on them."""

import importlib.util
import itertools
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import generate
import orjson

from evcli.kinds.user import TYPES

CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED = TYPES

PYTHON = sys.executable
EVCLI = str(Path(sys.executable).with_name("evcli"))
COMPLETED = "completed@bench.example"
"""The e-mail of a user in both logs, whom nobody else's e-mail begins like."""


class Sizes(NamedTuple):
    """How much is measured: enough for steady medians, or just enough to see that all of it runs."""

    events: int
    """In the long log."""
    few: int
    """In the short one."""
    starts: int
    """Rounds of what takes the fraction of a second."""
    rounds: int
    """Rounds of what takes seconds."""
    users: int
    """Imported by everybody, but for…"""
    users_one_by_one: int
    """…the rival that syncs after each of them."""
    appends: int
    """In one round. Many, so that every round has its share of what is done once in some hundred appends."""
    append_rounds: int


FULL = Sizes(1_000_000, 10, starts=21, rounds=3, users=100_000, users_one_by_one=20_000, appends=1000, append_rounds=5)
# Long enough for evcli to do what it does on a long log.
QUICK = Sizes(3000, 10, starts=1, rounds=1, users=300, users_one_by_one=30, appends=5, append_rounds=1)


class Ground:
    """A folder with the logs, each written when it is first asked for.

    The run itself appends to both: the long log gains some thousand events, the short one some dozen.
    """

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.folder = folder
        self.sizes = sizes
        self.half = sizes.events // 2
        self._emails = itertools.count()

    @cached_property
    def long(self) -> Path:
        """The long log."""
        return self._log("long.jsonl", self.sizes.events)

    @cached_property
    def short(self) -> Path:
        """The short log."""
        return self._log("short.jsonl", self.sizes.few)

    @cached_property
    def people(self) -> Path:
        """The users to import, as a CSV file."""
        return self._people("people.csv", self.sizes.users)

    @cached_property
    def fewer_people(self) -> Path:
        """Fewer of them, for who needs a sync for each."""
        return self._people("fewer-people.csv", self.sizes.users_one_by_one)

    @cached_property
    def user_since_long(self) -> str:
        """A user of the long log with one event up to its middle, as users of the short log have: equal answers."""
        events: dict[str, int] = {}
        with self.long.open("rb") as file:
            for line in itertools.islice(file, self.half * 4 // 5, self.half):
                event = orjson.loads(line)
                events[event["subject"]] = events.get(event["subject"], 0) + (1 if event["type"] == CREATED else 2)
        return next(subject for subject, count in events.items() if count == 1).removeprefix("user/")

    @cached_property
    def late(self) -> str:
        """The time from which on the last hundredth of the long log's events happened."""
        with self.long.open("rb") as file:
            line = next(itertools.islice(file, self.sizes.events * 99 // 100, None))
        return str(orjson.loads(line)["time"])

    def _log(self, name: str, events: int) -> Path:
        path = self.folder / name
        generate.write(path, events)
        os.sync()  # what is still being written to the disk would slow down who is measured next
        return path

    def _people(self, name: str, users: int) -> Path:
        path = self.folder / name
        generate.write_people(path, users)
        return path

    def evcli(self, log: Path, *words: str) -> list[str]:
        """The command `evcli WORDS` on that log."""
        return [EVCLI, "--log", str(log), *words]

    def create(self, log: Path) -> list[str]:
        """The command that creates a user whom nobody created before."""
        return self.evcli(log, "user", "create", "Ada Lovelace", "--email", self.email())

    def email(self) -> str:
        """An e-mail that nobody had before."""
        return f"ada{next(self._emails):08}@bench.example"


def cache_files(log: Path) -> list[Path]:
    """What evcli keeps beside a log to be fast; deleting it changes no answer."""
    return sorted(log.parent.glob(f"{log.name}.cache*"))


def why_not(command: str) -> str:
    """Why `evcli COMMAND` cannot be measured; nothing when it can."""
    known = subprocess.run([EVCLI, command, "-h"], capture_output=True, check=False).returncode == 0
    return "" if known else f"this evcli has no {command}"


def why_no_eventsourcing() -> str:
    """Why the eventsourcing package cannot be measured against; nothing when it can."""
    return "" if importlib.util.find_spec("eventsourcing") else "eventsourcing is not installed"
