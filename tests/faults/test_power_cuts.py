"""The power is cut at every moment of a command, and the disk keeps what it legally may: never damage, nothing lost."""

from pathlib import Path

import pytest

from faults.casebook import forged
from faults.common import APPENDING, CREATE, LOG, LONGEST_BATCH, Start, destroyed, needs, start, told, written
from faults.conftest import Figures
from faults.powercut import Judge, fault_of_append, fault_of_appends, fault_of_repair, faults, record
from faults.strace import Injection

pytestmark = needs("strace")

REPAIR = ("repair",)


def damaged(what: str) -> Start:
    """A log that a repair can make something of."""
    good, batch = written(3, 3)
    if what == "lines out of order":
        first, second, third = good.splitlines(keepends=True)
        return Start("damaged", {LOG: first + b"garbage\n" + third + second + batch}, first)
    whole = good + batch
    kept = whole[: (len(good) + batch.index(b"\n") if what == "batch" else good.index(b"\n")) + 1]
    at = len(kept) + 100
    return Start("damaged", {LOG: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]}, kept)


def unsynced(what: str) -> Start:
    """A log as a writer left it that was killed before its sync, or could not sync what it took back."""
    good, lines = written(3, 3 if what == "batch" else 1)
    earlier = {"line": (good,), "batch": (good,), "newline": (good[:-1],), "cut": (good, good + lines)}
    if what in earlier:
        return Start(
            f"unsynced {what}", {LOG: good + (lines if what in ("line", "batch") else b"")}, good, b"", earlier[what]
        )
    first = forged(data={"name": "A" * 200, "email": "a" * 64 + "@example.com"})
    return Start("unsynced first cut", {LOG: b""}, b"", earlier=(b"", first))


def no_newline_at_the_end_of_a_sector() -> Start:
    """A log whose last newline is missing, and was to be the last byte of a sector."""
    good, _ = written(1)
    short = forged(good, 2, data={"name": "A", "email": "a@example.com"})
    name = "A" * (1 + -(len(good) + len(short)) % 512)
    padded = good + forged(good, 2, data={"name": name[:200], "email": "a" * max(1, len(name) - 199) + "@example.com"})
    return Start("no newline", {LOG: padded[:-1]}, padded[:-1])


CREATE_LONG = ("user", "create", "E" * 200, "--email", "eve@example.com")
"""A line of more than one sector, so that another one before it can show through."""


CASES: dict[str, tuple[Start, tuple[str, ...], Judge]] = {
    "a small line": (start("old"), CREATE, fault_of_append),
    "a line of 3 KB": (*destroyed(1, "r" * 2000), fault_of_append),
    "a line of 8 KB": (*destroyed(1, "\U0001f600" * 2000), fault_of_append),
    "a first append": (start("new"), CREATE, fault_of_append),
    "a batch of two": (*destroyed(2, "both"), fault_of_append),
    "a batch of forty": (*destroyed(40, "all"), fault_of_append),
    "a batch as long as one can be": (*destroyed(LONGEST_BATCH, "all"), fault_of_append),
    "the recovery of a torn tail": (start("torn"), CREATE, fault_of_append),
    "the recovery of an unfinished batch": (start("unfinished batch"), CREATE, fault_of_append),
    "the end of a finished batch": (start("finished batch"), CREATE, fault_of_append),
    "the recovery of a batch with a hole": (start("batch with a hole"), CREATE, fault_of_append),
    "a line after a missing newline": (start("no newline"), CREATE, fault_of_append),
    "a batch after a missing newline": (start("no newline"), ("user", "destroy", "2", "3"), fault_of_append),
    "the recovery after a missing newline": (start("no newline, torn"), CREATE, fault_of_append),
    "a line after a missing newline at a sector's end": (no_newline_at_the_end_of_a_sector(), CREATE, fault_of_append),
    "a line on a newline that was not synced": (unsynced("newline"), CREATE, fault_of_append),
    "a line on one that was not synced": (unsynced("line"), CREATE, fault_of_append),
    "a batch on a line that was not synced": (unsynced("line"), ("user", "destroy", "2", "3"), fault_of_append),
    "a line on a batch that was not synced": (unsynced("batch"), CREATE, fault_of_append),
    "a line where one was cut and the cut not synced": (unsynced("cut"), CREATE, fault_of_append),
    "a first line where one was cut and the cut not synced": (unsynced("first cut"), CREATE_LONG, fault_of_append),
    "a repair": (damaged("line"), REPAIR, fault_of_repair),
    "a repair inside a batch": (damaged("batch"), REPAIR, fault_of_repair),
    "a repair that puts lines in order": (damaged("lines out of order"), REPAIR, fault_of_repair),
}


LONG_NAME = "L" * 190
"""Of a user whose line has more than one sector."""

ONE_BY_ONE = (APPENDING, "Eve", LONG_NAME, "Kim")
SEVERAL: dict[str, tuple[Start, tuple[str, ...], tuple[Injection, ...]]] = {
    "on a good log": (start("old"), ONE_BY_ONE, ()),
    "on no log": (start("new"), ONE_BY_ONE, ()),
    "on a torn tail": (start("torn"), ONE_BY_ONE, ()),
    "with another writer between": (start("old"), (APPENDING, "Eve", "+Bob", "Dan"), ()),
    "of which one is not written": (start("old"), ONE_BY_ONE, (Injection("write", 3, "ENOSPC"),)),
    "of which one is not synced": (start("old"), ONE_BY_ONE, (Injection("fsync", 3, "EIO"),)),
}
"""Several appends of one process: the log that they find, the steps, and which calls fail."""


VERY_LONG = ("a batch as long as one can be",)
LONG = ("a line of 3 KB", "a line of 8 KB", "a batch of forty", "a repair", "a repair inside a batch")


def check(disk: Path, figures: Figures, name: str, sector: int, most: int, every: int) -> None:
    before, words, judge = CASES[name]
    recorded = record(disk, before, words)
    number, complaints = faults(disk, recorded, judge, sector, most, every)
    figures.count("power-cut images checked", number)
    figures.judge(complaints)
    assert number > 2, "there is nothing to cut"
    assert not complaints, f"of {number} images: {told(complaints)}"


@pytest.mark.parametrize("name", CASES)
def test_a_power_cut_leaves_all_acknowledged_events_and_no_half(name: str, disk: Path, figures: Figures) -> None:
    check(disk, figures, name, sector=512, most=5 if name in VERY_LONG else 60, every=50)


def check_several(disk: Path, figures: Figures, name: str, sector: int, most: int, every: int) -> None:
    before, words, injected = SEVERAL[name]
    number, complaints = faults(
        disk, record(disk, before, words, injected=injected), fault_of_appends, sector, most, every
    )
    figures.count("power-cut images checked", number)
    figures.judge(complaints)
    assert number > 2, "there is nothing to cut"
    assert not complaints, f"of {number} images: {told(complaints)}"


@pytest.mark.parametrize("name", SEVERAL)
def test_a_power_cut_between_appends_of_one_process_leaves_what_was_answered_for(
    name: str, disk: Path, figures: Figures
) -> None:
    check_several(disk, figures, name, sector=512, most=40, every=100)


@pytest.mark.sweep
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("name", SEVERAL)
def test_every_power_cut_between_appends_of_one_process_leaves_what_was_answered_for(
    name: str, sector: int, disk: Path, figures: Figures
) -> None:
    check_several(disk, figures, name, sector, most=1_500, every=100)


@pytest.mark.sweep
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("name", CASES)
def test_every_power_cut_leaves_all_acknowledged_events_and_no_half(
    name: str, sector: int, disk: Path, figures: Figures
) -> None:
    # Of a short line, that is every image.
    most = 40 if name in VERY_LONG else 2_500 if name in LONG else 6_000
    check(disk, figures, name, sector, most, every=20)
