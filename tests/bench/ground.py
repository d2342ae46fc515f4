"""What is measured on: how much of everything, a long log and a short one, and evcli's commands on them."""

import itertools
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import generate
import orjson

PYTHON = sys.executable
EVCLI = str(Path(sys.executable).with_name("evcli"))
COMPLETED = "completed@bench.example"
"""The e-mail of a user in both logs; no other e-mail has its beginning."""


class Sizes(NamedTuple):
    """How much is measured: enough for steady medians, or just enough to see that all of it runs."""

    events: int  # in the long log
    few: int  # events in the short log
    starts: int  # rounds of what takes a fraction of a second
    rounds: int  # rounds of what takes seconds
    users: int  # imported, except by
    users_one_by_one: int  # the rival that syncs after each user
    appends: int  # in one round: many, so that each round has its share of what is done once in some hundred appends
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
        return self._written("long.jsonl", generate.write, self.sizes.events)

    @cached_property
    def short(self) -> Path:
        """The short log."""
        return self._written("short.jsonl", generate.write, self.sizes.few)

    @cached_property
    def people(self) -> Path:
        """The users to import, as a CSV file."""
        return self._written("people.csv", generate.write_people, self.sizes.users)

    @cached_property
    def fewer_people(self) -> Path:
        """Fewer users, for the rival that syncs after each."""
        return self._written("fewer-people.csv", generate.write_people, self.sizes.users_one_by_one)

    @cached_property
    def user_since_long(self) -> str:
        """A user of the long log with one event up to its middle, as users of the short log have: equal answers."""
        events: dict[str, int] = {}
        with self.long.open("rb") as file:
            for line in itertools.islice(file, self.half * 4 // 5, self.half):
                event = orjson.loads(line)
                events[event["subject"]] = events.get(event["subject"], 0) + (
                    1 if event["type"] == "user.created" else 2
                )
        return next(subject for subject, count in events.items() if count == 1).removeprefix("user/")

    @cached_property
    def late(self) -> str:
        """The time from which on the last hundredth of the long log's events happened."""
        with self.long.open("rb") as file:
            line = next(itertools.islice(file, self.sizes.events * 99 // 100, None))
        return str(orjson.loads(line)["time"])

    def _written(self, name: str, write: Callable[[Path, int], None], number: int) -> Path:
        path = self.folder / name
        write(path, number)
        os.sync()  # a disk that is still writing would slow down the next measurement
        return path

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
