"""A power cut while a cache is made, renamed or caught up: the cache is good or made again, and no alarm is false."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Cli, Clock
from support.caches import cache_every_log

from evcli.cache.database import VERSION
from faults.cachecuts import Files, Recording, images, lay_out, prepared, record
from faults.common import LOG, OURS, mutated, needs
from faults.conftest import Figures

pytestmark = needs("strace")

USERS = [
    "user create Ada --email ada@example.com --id a",
    "user create Bob --email bob@example.com --id b",
    "user rename 1 Adele --id c",
]
MORE = [
    "user destroy 2 --id d",
    "user create Bea --email bob@example.com --id e",
    "user change-email 1 adele@example.com --id f",
]
STATE, OLDER = ["state"], ["release older"]


class Case(NamedTuple):
    """The commands on a log with a cache, then those without one; and those during which the power is cut."""

    cached: list[str]
    uncached: list[str]
    done: list[str]
    is_synced: bool = False


CASES = {
    "making it": Case([], USERS + MORE, STATE),
    "catching it up": Case(USERS + STATE, MORE, STATE),
    "catching it up twice": Case(USERS + STATE, [], [MORE[0], *STATE, *MORE[1:], *STATE], is_synced=True),
    "making it anew": Case(OLDER + USERS + STATE, MORE, STATE),
    "making it anew and catching it up": Case(OLDER + USERS + STATE, [], [*STATE, *MORE, *STATE], is_synced=True),
    "catching it up and making it anew": Case(
        OLDER + USERS + STATE, [], [*OLDER, *MORE, *STATE, "release ours", *STATE], is_synced=True
    ),
    "a write that catches it up first": Case(USERS + STATE, MORE, ["user create C --email c@example.com"]),
    "taking in words": Case([], USERS + MORE, ["state", "user show adele"]),
    "taking in ids": Case(USERS + STATE, MORE, ["show id:b"]),
}

COMMANDS = [
    "state --json", "state --at 2 --json", "user list --all --json", "show id:e --json", "log --user 2 --json",
    "user show adele --json", "user show bob@example.com --json",
    "user create Zoe --email bob@example.com", "user rename adele Ann", "user restore 2",
    "user create Zoe --email zoe@example.com --id f", "user create Zoe --email zoe@example.com", "state --json",
    "verify --json",
]  # fmt: skip
"""What is asked, and then written, on each image."""


class Judge:
    """Compares the answers of evcli with a cache with those for the same log without one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "image"
        self._monkeypatch = monkeypatch
        self._right: dict[bytes, tuple[list[tuple[int, str]], bytes]] = {}
        cache_every_log(monkeypatch)
        monkeypatch.setenv("EVCLI_ACTOR", "ann")

    def fault_of(self, image: Files, *, is_done: bool) -> str:
        """What is wrong with an image, if `is_done` with one after all commands had ended; "" when nothing is."""
        log = dict(image)[LOG]
        if is_done and known_to(lay_out(self._folder, image)) is None:
            return "lost: the cache was made, and is not there"
        if log not in self._right:
            self._monkeypatch.setenv("EVCLI_CACHE", "off")
            self._right[log] = self._run(((LOG, log),))
            self._monkeypatch.delenv("EVCLI_CACHE")
        (right, right_log), (answers, written) = self._right[log], self._run(image)
        for words, (code, out), (right_code, right_out) in zip(COMMANDS, answers, right, strict=True):
            if code == 12 != right_code:
                return f"false alarm: {words}: {out}"
            if (code, out) != (right_code, right_out):
                return f"{words} answered {code} {out!r}, and without a cache {right_code} {right_out!r}"
        if any(".faulty" in path.name for path in self._folder.iterdir()):
            return "the cache was set aside as faulty"
        if written != right_log:
            return "the events that were written are not those without a cache"
        if known_to(self._folder / LOG) != written.count(b"\n"):
            return "the cache is neither good nor made anew"
        return ""

    def _run(self, image: Files) -> tuple[list[tuple[int, str]], bytes]:
        log = lay_out(self._folder, image)
        self._monkeypatch.setenv("EVCLI_LOG", str(log))
        cli = Cli(log, Clock(Clock().now.replace(year=2040)))  # later than what was recorded
        ended = [cli(*words.split()) for words in COMMANDS]
        return [(ran.code, ran.out or (ran.err if ran.code == 12 else "")) for ran in ended], log.read_bytes()


def known_to(log: Path) -> int | None:
    """The last event that the cache of a log knows; None when there is no cache of this release."""
    path = log.with_name(LOG + ".cache")
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as db, suppress(sqlite3.Error):
        row = db.execute("SELECT number FROM log WHERE version = ?", (VERSION,)).fetchone()
        return None if row is None else int(row[0])
    return None


def recording(folder: Path, case: Case, package: Path = OURS) -> Recording:
    """The calls of a case."""
    log = prepared(folder / "store", [*case.cached, "cache off", *case.uncached], package)
    return record(log, case.done, package, is_synced=case.is_synced)


def judged(judge: Judge, recorded: Recording, most: int, share: float = 1.0) -> Iterator[str]:
    """What is wrong with a share of all images, and with each one after the last call; "" when nothing is."""
    chance = random.Random(2)
    for after, image in images(recorded, most):
        is_done = after == len(recorded.ops)
        if is_done or chance.random() < share:
            wrong = judge.fault_of(image, is_done=is_done)
            last = [f"{op.what} {op.path}" for op in recorded.ops[max(0, after - 3) : after]]
            sizes = {name: len(content) for name, content in image}
            yield wrong and f"power cut after {after} calls, the last {last}; disk holds {sizes}: {wrong}"


@pytest.fixture
def judge(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    return Judge(disk, monkeypatch)


@pytest.mark.parametrize(
    ("most", "share"), [(4, 0.1), pytest.param(12, 1.0, marks=pytest.mark.sweep)], ids=["some", "all"]
)
@pytest.mark.parametrize("name", CASES)
def test_power_cut_leaves_a_cache_that_answers_right(
    name: str, most: int, share: float, disk: Path, judge: Judge, figures: Figures
) -> None:
    found = list(judged(judge, recording(disk, CASES[name]), most, share))
    complaints = [wrong for wrong in found if wrong]
    figures.count("power-cut images checked", len(found))
    figures.judge(complaints)
    assert not complaints, complaints[:10]


class Mutant(NamedTuple):
    """A file of the cache package, its text before and after the change; the case that catches it, and the fault."""

    file: str
    old: str
    new: str
    case: str
    because: str


MUTANTS = {
    "the cache is not synced when it is caught up": Mutant(
        "cache.py", "synchronous = FULL", "synchronous = OFF", "catching it up", "set aside as faulty"
    ),
    "it is caught up without a journal": Mutant(
        "cache.py", "journal_mode = DELETE", "journal_mode = OFF", "catching it up", "set aside as faulty"
    ),
    "a new cache is renamed before it is synced": Mutant(
        "build.py", " sync(descriptor)\n", " pass\n", "making it", "neither good nor made anew"
    ),
    "its folder is not synced when it is renamed": Mutant(
        "build.py", "    sync_folder(os.path.dirname(path))\n", "", "making it", "lost: the cache was made"
    ),
    "it takes in what is not synced": Mutant("cache.py", "reader.log.sync()\n", "pass\n", "making it", "false alarm"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_careless_cache_is_caught_by_power_cuts(name: str, disk: Path, judge: Judge) -> None:
    mutant = MUTANTS[name]
    package = mutated(disk, f"cache/{mutant.file}", mutant.old, mutant.new)
    found = judged(judge, recording(disk, CASES[mutant.case], package), most=20)
    assert any(mutant.because in wrong for wrong in found), "no image shows it"
