"""Make the sample logs anew: `python sample-logs/make.py [FOLDER]`. The same bytes come out every time.

The good ones are written by evcli's own register, with the story's dates as its clock; the others are a good one to
whose bytes something was done. README.md beside this file says what is in each.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from evcli.domain.find import find
from evcli.domain.state import State
from evcli.kinds.user import KIND, TYPES
from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.heads import keep
from evcli.register.register import Register

HERE = Path(__file__).parent


CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED = TYPES


class Happening(NamedTuple):
    """One thing that happened to a user: when (UTC), recorded by whom, as which type of event, about whom, its data."""

    when: str
    actor: str
    type: str
    who: str
    data: dict[str, str]


def european_union() -> Iterator[Happening]:
    """Tell who joined and left the European Union and its forerunners: at noon, which is that day nearly everywhere."""
    with (HERE / "european-union.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            type, fields = {
                "create": (CREATED, ("name", "email")),
                "rename": (RENAMED, ("name",)),
                "destroy": (DESTROYED, ("reason",)),
            }[row["action"]]
            data = {field: row[field] for field in fields}
            yield Happening(f"{row['date']} 12:00", "historian", type, row["email"], data)


TEAM = (
    Happening("2024-01-08 09:00", "maya", CREATED, "", {"name": "Maya Okafor", "email": "maya@team.example"}),
    Happening("2024-01-08 09:02", "maya", CREATED, "", {"name": "Jonas Lindqvist", "email": "jonas@team.example"}),
    Happening("2024-01-08 09:05", "maya", CREATED, "", {"name": "Priya Nair", "email": "priya@team.example"}),
    Happening("2024-02-19 08:30", "jonas", CREATED, "", {"name": "Tom Bakker", "email": "tom@freelance.example"}),
    Happening("2024-05-13 10:15", "priya", RENAMED, "Priya Nair", {"name": "Priya Nair-Olsen"}),
    Happening("2024-06-28 16:45", "jonas", DESTROYED, "Tom Bakker", {"reason": "contract ended"}),
    Happening("2024-09-02 08:10", "maya", RESTORED, "Tom Bakker", {}),
    Happening("2024-09-02 08:11", "maya", EMAIL_CHANGED, "Tom Bakker", {"email": "tom@team.example"}),
    Happening("2025-01-13 09:20", "maya", CREATED, "", {"name": "李明 Li Ming", "email": "ming@team.example"}),
    Happening("2025-03-31 17:00", "maya", DESTROYED, "Jonas Lindqvist", {"reason": "moved to another company"}),
    # The e-mail of a destroyed user is free again, so this Jonas may have it.
    Happening("2025-04-07 09:00", "priya", CREATED, "", {"name": "Jonas Weber", "email": "jonas@team.example"}),
)

CHOIR = (
    Happening("2025-09-07 18:00", "rosa", CREATED, "", {"name": "Mei Tanaka", "email": "mei@choir.example"}),
    Happening("2025-09-07 18:01", "rosa", CREATED, "", {"name": "Mei Tan", "email": "mei.tan@choir.example"}),
    Happening("2025-09-07 18:03", "rosa", CREATED, "", {"name": "Oskar Lund", "email": "oskar@choir.example"}),
    Happening("2025-09-21 19:30", "rosa", CREATED, "", {"name": "Ines Duarte", "email": "ines@choir.example"}),
    Happening("2025-10-05 18:10", "sam", RENAMED, "Ines Duarte", {"name": "Ines Duarte-Roth"}),
    Happening("2025-10-19 18:00", "rosa", CREATED, "", {"name": "Yusuf Demir", "email": "yusuf@choir.example"}),
)
CHOIR_SINCE = (
    # It was the other Mei who left; and the e-mail that this made free went to somebody new.
    Happening("2025-11-17 18:20", "sam", DESTROYED, "Mei Tanaka", {"reason": "moved away"}),
    Happening("2025-11-18 09:00", "rosa", RENAMED, "Oskar Lund", {"name": "Oskar Lund-Berg"}),
    Happening("2025-11-19 19:05", "sam", CREATED, "", {"name": "Mei Ito", "email": "mei@choir.example"}),
    Happening("2025-11-20 18:00", "rosa", CREATED, "", {"name": "Ruth Aalto", "email": "ruth@choir.example"}),
)


def happen(log: Path, happening: Happening) -> None:
    """Record what happened in the log, as its actor would have at its moment."""
    when, actor, type, who, data = happening
    is_new = type == CREATED

    def about(state: State) -> int:
        id: int = state.last_id(KIND.name) + 1 if is_new else find(state, KIND, who).id
        return id

    def clock() -> datetime:
        return datetime.fromisoformat(when).replace(tzinfo=UTC)

    id = uuid5(NAMESPACE_URL, f"{log.name} {when} {type} {who} {data}")
    Register(FileLog(str(log)), actor=actor, clock=clock).execute(
        Intention(type, data, about, finds=not is_new), id=str(id)
    )


def record(log: Path, happenings: Iterable[Happening]) -> list[bytes]:
    """Write a new log of what happened; return its lines, each with its newline."""
    log.unlink(missing_ok=True)
    for happening in happenings:
        happen(log, happening)
    return log.read_bytes().splitlines(keepends=True)


def record_choir(folder: Path) -> None:
    """Write the choir's log; its head of one week is kept in a file of its own, as somebody else would have it."""
    log, kept = folder / "choir.jsonl", folder / "choir.heads"
    kept.unlink(missing_ok=True)
    record(log, CHOIR)
    with FileLog(str(log)) as opened, ExitStack() as held:
        moment = datetime(2025, 11, 15, 20, tzinfo=UTC)
        keep(opened, opened.head(), "Week 46", moment, to=str(kept), wait=0, held=held)
    (folder / "choir.jsonl.heads").unlink()
    for happening in CHOIR_SINCE:
        happen(log, happening)


def main(folder: Path) -> None:
    """Write every sample log into `folder`, in the place of what was there."""
    lines = record(folder / "european-union.jsonl", european_union())
    record(folder / "team.jsonl", TEAM)
    record_choir(folder)
    spoiled = {
        # A crash in the middle of the last append: half of event 30 is on the disk.
        "torn-tail.jsonl": [*lines[:29], lines[29][:200]],
        # Somebody edited event 7 by hand: Denmark became Danmark.
        "one-letter-changed.jsonl": [*lines[:6], lines[6].replace(b"Denmark", b"Danmark"), *lines[7:]],
        # Somebody took out event 9.
        "line-removed.jsonl": [*lines[:8], *lines[9:]],
        # Event 10 appears twice.
        "line-twice.jsonl": [*lines[:10], *lines[9:]],
        # Events 11 and 12 have changed places.
        "lines-swapped.jsonl": [*lines[:10], lines[11], lines[10], *lines[12:]],
        # Event 30 was cut off cleanly. Nothing in the file shows it; a head kept elsewhere does.
        "end-cut-off.jsonl": lines[:29],
    }
    for name, kept in spoiled.items():
        (folder / name).write_bytes(b"".join(kept))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
