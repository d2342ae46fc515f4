"""The power is cut at every moment of a command, and the disk keeps what it legally may: never damage, nothing lost."""

from pathlib import Path

import pytest

from faults.casebook import forged
from faults.common import CREATE, LOG, Start, batch_file, needs, start, told, written
from faults.conftest import Figures
from faults.powercut import Judge, fault_of_append, fault_of_repair, faults, record

pytestmark = needs("strace")

REPAIR = ("repair",)


def damaged(is_batch_back: bool) -> Start:
    """A log of which a line is damaged; it may be in a batch whose file is there again."""
    good, batch = written(3, 3)
    if is_batch_back:
        at = len(good) + batch.index(b"\n") + 100
        whole, kept = good + batch, good + batch[: batch.index(b"\n") + 1]
        files = {LOG + ".batch": batch_file(len(good), batch)}
    else:
        at, whole, kept, files = good.index(b"\n") + 100, good + batch, good[: good.index(b"\n") + 1], {}
    return Start("damaged", {LOG: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], **files}, kept)


def destroyed(users: int, reason: str) -> tuple[Start, tuple[str, ...]]:
    good, _ = written(users)
    ids = map(str, range(1, users + 1))
    return Start("old", {LOG: good}, good), ("user", "destroy", *ids, "--reason", reason)


def unsynced(what: str) -> Start:
    """A log as a writer left it that was killed before its sync, or could not sync what it took back."""
    good, lines = written(3, 3 if what == "batch" else 1)
    if what == "line":
        return Start("unsynced line", {LOG: good + lines}, good, earlier=(good,))
    if what == "batch":
        files = {LOG: good + lines, LOG + ".batch": batch_file(len(good), lines)}
        return Start("unsynced batch", files, good, earlier=(good,))
    if what == "cut":
        return Start("unsynced cut", {LOG: good}, good, earlier=(good, good + lines))
    first = forged(data={"name": "A" * 200, "email": "a" * 64 + "@example.com"})
    return Start("unsynced first cut", {LOG: b""}, b"", earlier=(b"", first))


CREATE_LONG = ("user", "create", "E" * 200, "--email", "eve@example.com")
"""A line of more than one sector, so that another one before it can show through."""


CASES: dict[str, tuple[Start, tuple[str, ...], Judge]] = {
    "a small line": (start("old"), CREATE, fault_of_append),
    "a line of 3 KB": (*destroyed(1, "r" * 2000), fault_of_append),
    "a line of 8 KB": (*destroyed(1, "\U0001f600" * 2000), fault_of_append),
    "a first append": (start("new"), CREATE, fault_of_append),
    "a batch of two": (*destroyed(2, "both"), fault_of_append),
    "a batch of forty": (*destroyed(40, "all"), fault_of_append),
    "the recovery of a torn tail": (start("torn"), CREATE, fault_of_append),
    "the recovery of an unfinished batch": (start("unfinished batch"), CREATE, fault_of_append),
    "the end of a finished batch": (start("finished batch"), CREATE, fault_of_append),
    "the recovery of an announced batch": (start("half announced batch"), CREATE, fault_of_append),
    "a line on one that was not synced": (unsynced("line"), CREATE, fault_of_append),
    "a batch on a line that was not synced": (unsynced("line"), ("user", "destroy", "2", "3"), fault_of_append),
    "a line on a batch that was not synced": (unsynced("batch"), CREATE, fault_of_append),
    "a line where one was cut and the cut not synced": (unsynced("cut"), CREATE, fault_of_append),
    "a first line where one was cut and the cut not synced": (unsynced("first cut"), CREATE_LONG, fault_of_append),
    "a repair": (damaged(is_batch_back=False), REPAIR, fault_of_repair),
    "a repair inside a batch": (damaged(is_batch_back=True), REPAIR, fault_of_repair),
}


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
def test_a_power_cut_leaves_all_that_was_acknowledged_and_no_half(name: str, disk: Path, figures: Figures) -> None:
    check(disk, figures, name, sector=512, most=150, every=50)


@pytest.mark.sweep
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("name", CASES)
def test_every_power_cut_leaves_all_that_was_acknowledged_and_no_half(
    name: str, sector: int, disk: Path, figures: Figures
) -> None:
    most = 2_500 if name in LONG else 6_000  # so many that of a short line there is every image
    check(disk, figures, name, sector, most, every=20)
