"""A log of any size, for measuring: `python tests/bench/generate.py FILE [EVENTS]`. The same bytes every time.

It is the register of a company over some years: users come (about half of all events), change names and e-mails, go,
and some come back. It is written with the log's own encoder and without syncs, so 200,000 events take seconds.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from evcli.kinds.user import TYPES
from evcli.log import START as BEGINNING
from evcli.log import Position
from evcli.log.line import encode, hash_of, timestamp

CREATED, RENAMED, _, DESTROYED, RESTORED = TYPES

START = datetime(2020, 1, 6, 8, 0, tzinfo=UTC)
FIRST_NAMES = (
    "Ada", "Grace", "Jürgen", "Zoë", "Ngozi", "Søren", "María José", "Łukasz", "李明", "Amélie", "John", "Priya",
)  # fmt: skip
LAST_NAMES = (
    "Lovelace", "Hopper", "Müller", "O’Brien", "Okafor", "Kierkegaard", "García", "Nowak", "Smith", "van Dijk",
)  # fmt: skip
REASONS = ("left the company", "contract ended", "created twice by mistake", "asked for it on the telephone")
ACTORS = ("ann", "ben", "hr-import")


class Company:
    """The live and the destroyed users, so that the rules accept every event."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.emails = 0
        self.names: dict[int, str] = {}
        self.live: list[int] = []
        self.gone: list[int] = []

    def next(self) -> tuple[str, int, dict[str, str]]:
        """What happens next: the event's type, the id of its user, and its data."""
        type = self.chance.choices(tuple(TYPES), (50, 15, 15, 16, 4))[0]
        if len(self.live) < 10 or (type == RESTORED and not self.gone):
            type = CREATED
        if type == CREATED:
            id = len(self.names) + 1
            self.live.append(id)
            return type, id, {"name": self.new_name(id), "email": self.new_email()}
        if type == RESTORED:
            return type, self.move(self.gone, self.live), {}
        if type == DESTROYED:
            id = self.move(self.live, self.gone)
            return type, id, {"reason": self.chance.choice(REASONS)} if self.chance.random() < 0.7 else {}
        id = self.chance.choice(self.live)
        return type, id, {"name": self.new_name(id)} if type == RENAMED else {"email": self.new_email()}

    def new_name(self, id: int) -> str:
        """A name for user `id` that is not the one it has."""
        old = self.names.get(id)
        while (name := f"{self.chance.choice(FIRST_NAMES)} {self.chance.choice(LAST_NAMES)}") == old:
            pass
        self.names[id] = name
        return name

    def new_email(self) -> str:
        """A new e-mail."""
        self.emails += 1
        return f"mailbox{self.emails}@company.example"

    def move(self, ids: list[int], others: list[int]) -> int:
        """Move a random one of `ids` to `others`."""
        at = self.chance.randrange(len(ids))
        ids[at], ids[-1] = ids[-1], ids[at]
        others.append(ids.pop())
        return others[-1]


def lines(events: int, seed: int = 42) -> Iterator[bytes]:
    """The lines of a log, each with its newline: about 350 bytes a line, minutes to hours apart."""
    chance = random.Random(seed)
    company = Company(chance)
    moment, place = START, BEGINNING
    for number in range(1, events + 1):
        type, id, data = company.next()
        moment += timedelta(seconds=chance.expovariate(1 / 900))
        time = timestamp(moment)
        members: dict[str, Any] = {
            "specversion": "1.0", "id": str(UUID(int=chance.getrandbits(128), version=4)), "source": "evcli",
            "type": type, "subject": f"user/{id}", "time": time, "sequence": f"{number:012d}", "authtype": "user",
            "authid": chance.choice(ACTORS), "data": data,
        }  # fmt: skip
        line = encode(members, place)
        yield line
        place = Position(number, 0, hash_of(line), time)


def write(path: Path, events: int) -> None:
    """Write a log to `path`."""
    with path.open("wb") as file:
        file.writelines(lines(events))


def write_people(path: Path, users: int, seed: int = 42) -> None:
    """Write users to `path` as CSV, with the columns name and email."""
    company = Company(random.Random(seed))
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("name", "email"))
        rows.writerows((company.new_name(id), company.new_email()) for id in range(1, users + 1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a log of any size, for measuring.")
    parser.add_argument("file", type=Path)
    parser.add_argument("events", type=int, nargs="?", default=200_000)
    options = parser.parse_args()
    write(options.file, options.events)
