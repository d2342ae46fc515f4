"""What is measured on: how much of everything, a long log and a short one, and evcli's commands on them."""

import itertools
import os
import shutil
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import generate
import orjson
from measuring import run
from plot import Curves

PYTHON = sys.executable
EVCLI = str(Path(sys.executable).with_name("evcli"))
IMPORTS = 'python -c "import typer, orjson"'
COMPLETED = "completed@bench.example"
"""The e-mail of a user in both logs; no other e-mail has its beginning."""


class Sizes(NamedTuple):
    """How much is measured: enough for steady medians, or just enough to see that all of it runs."""

    events: int  # in the long log
    few: int  # events in the short log
    peers_events: int  # in the logs of peers that take long to fill
    between: tuple[int, ...]  # lengths of further logs, for the growth from the short one to the long one
    warm_ups: int  # rounds before these, so that all files are in memory
    starts: int  # rounds of what takes a fraction of a second
    rounds: int  # rounds of what takes seconds
    users: int  # imported
    appends: int  # in one round: many, so that each round has its share of what is done once in some hundred appends
    append_rounds: int


FULL = Sizes(
    1_000_000, 10, 100_000, (10_000, 1_000_000),
    warm_ups=2, starts=41, rounds=3, users=100_000, appends=1000, append_rounds=5,
)  # fmt: skip
# Long enough for evcli to do what it does on a long log.
QUICK = Sizes(3000, 10, 500, (1000,), warm_ups=1, starts=1, rounds=1, users=300, appends=5, append_rounds=1)


class Ground:
    """A folder with the logs, each written when it is first asked for.

    The run itself appends to the long log, some thousand events; the short one has exactly its few events, and one
    more for completion. What appends to a short log gets a copy.
    """

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.folder = folder
        self.sizes = sizes
        self.seconds: Curves = {}
        """What the growth was found to be: a command's seconds, by the length of the log."""
        self._emails = itertools.count()
        self._logs: dict[int, Path] = {}

    @property
    def long(self) -> Path:
        """The long log."""
        return self.log(self.sizes.events)

    @property
    def short(self) -> Path:
        """The short log."""
        return self.log(self.sizes.few)

    def log(self, events: int) -> Path:
        """The log of that length."""
        if events not in self._logs:
            self._logs[events] = self._written(f"log-{events}.jsonl", generate.write, events)
        return self._logs[events]

    def copy_of_short(self, name: str) -> Path:
        """A copy of the short log, to append to."""
        return Path(shutil.copy(self.short, self.folder / f"{name}.jsonl"))

    @cached_property
    def people(self) -> Path:
        """The users to import, as a CSV file."""
        return self._written("people.csv", generate.write_people, self.sizes.users)

    def user_with_one_event(self, events: int) -> str:
        """A user with one event up to the middle of the log of that length: the same answer in logs of all lengths."""
        found: dict[str, int] = {}
        with self.log(events).open("rb") as file:
            for line in itertools.islice(file, events // 2 * 4 // 5, events // 2):
                event = orjson.loads(line)
                found[event["subject"]] = found.get(event["subject"], 0) + (1 if event["type"] == "user.created" else 2)
        return next(subject for subject, count in found.items() if count == 1).removeprefix("user/")

    def late(self) -> str:
        """The time from which on the last hundredth of the long log's events, as many as it has by now, happened."""
        with self.long.open("rb") as file:
            count = sum(1 for _ in file)
            file.seek(0)
            line = next(itertools.islice(file, count * 99 // 100, None))
        return str(orjson.loads(line)["time"])

    def _written(self, name: str, write: Callable[[Path, int], None], number: int) -> Path:
        path = self.folder / name
        write(path, number)
        os.sync()  # a disk that is still writing would slow down the next measurement
        return path

    def imports(self) -> None:
        """A process that only imports what most programs like evcli import."""
        run(PYTHON, "-c", "import typer, orjson")

    def evcli(self, log: Path, *words: str) -> list[str]:
        """The command `evcli WORDS` on that log."""
        return [EVCLI, "--log", str(log), *words]

    def create(self, log: Path) -> list[str]:
        """The command that creates a new user."""
        return self.evcli(log, "user", "create", "Ada Lovelace", "--email", self.email())

    def email(self) -> str:
        """A new e-mail."""
        return f"ada{next(self._emails):08}@bench.example"


def cache_files(log: Path) -> list[Path]:
    """What evcli keeps beside a log to be fast; deleting it changes no answer."""
    return sorted(log.parent.glob(f"{log.name}.cache*"))
