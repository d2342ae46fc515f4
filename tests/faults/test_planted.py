"""What somebody plants beside a log loses no event, changes nobody's file, hangs nothing, and changes no answer."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest

from faults.common import LOG, Ended, content, in_parallel, read, told
from faults.conftest import Figures
from faults.planting import NAMES, OWN_CACHES, OWN_FILES, PLANTS, TEMPORARY, Server, World, files, path_of, what_is

WRITING = {
    "create": ["user", "create", "Eve", "--email", "eve@example.com"],
    "rename": ["user", "rename", "1", "Adam"],
    "change-email": ["user", "change-email", "2", "two@example.com"],
    "destroy": ["user", "destroy", "1", "2", "3"],
    "restore": ["user", "restore", "5"],
    "import": ["import", "OTHERS/people.csv"],
    "repair": ["repair"],
}
READING = {
    "repair --dry-run": ["repair", "--dry-run"],
    "verify": ["verify"],
    "head": ["head"],
    "head --at": ["head", "--at", "3"],
    "log": ["log"],
    "log of a user": ["log", "--user", "2"],
    "show": ["show", "4"],
    "show by id": ["show", "id:User-3"],
    "state": ["state"],
    "state --at": ["state", "--at", "5"],
    "list": ["user", "list", "--all"],
    "user": ["user", "show", "2"],
    "diff": ["diff", "2", "5"],
    "status": ["status"],
    "path": ["path"],
    "export": ["export"],
    "export to a file": ["export", "STORE/out.csv"],
    "export events to a file": ["export", "STORE/out.jsonl", "--what", "events"],
    "dry run": ["user", "create", "Eve", "--email", "eve@example.com", "--dry-run"],
}
COMMANDS = {**WRITING, **READING}


CACHE = LOG + ".cache"


class Case(NamedTuple):
    """Something planted under a name, beside a log in a state, when a command runs."""

    state: str
    name: str
    plant: str
    command: str


class Run(NamedTuple):
    """What a command did: how it ended, and what the log is then."""

    ended: Ended
    log: bytes


class Planter:
    """Runs commands in worlds of its own, in one process that stays."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "world")
        self.server = Server(folder)
        self._plain: dict[tuple[str, str], Run] = {}

    def run(self, command: str) -> Run:
        world = self.world
        words = [
            word.replace("STORE", str(world.store)).replace("OTHERS", str(world.others)) for word in COMMANDS[command]
        ]
        return Run(self.server.run(world.log, words), content(world.log))

    def plain(self, state: str, command: str) -> Run:
        """What the command does where nothing is planted."""
        if (state, command) not in self._plain:
            self.world.lay_out(state)
            self._plain[state, command] = self.run(command)
        return self._plain[state, command]

    def complaint(self, case: Case) -> str:
        plain = self.plain(case.state, case.command)
        self.world.lay_out(case.state)
        at = path_of(self.world.store, case.name)
        if os.path.lexists(at):
            at.unlink()
        PLANTS[case.plant](at, self.world.log, self.world.others)
        before, planted = self.world.of_others(), what_is(at)
        log = content(self.world.log)
        ran = self.run(case.command)
        broken = self.broken(case, plain, log, ran)
        if self.world.of_others() != before:
            broken.append("a file of somebody else was changed")
        if not may_change(case, planted, at, self.world.log) and what_is(at) != planted:
            broken.append("what was planted was changed")
        broken += self.afterwards(at, ran)
        end = ran.ended
        return f"{case}: {'; '.join(broken)} (exit {end.code}: {end.err.strip()})" if broken else ""

    def broken(self, case: Case, plain: Run, before: bytes, ran: Run) -> list[str]:
        """What is wrong with how the command ended, and with the log."""
        end, broken = ran.ended, []
        if end.code == -signal.SIGALRM:
            broken.append("it hung")
        if "Traceback" in end.err or '"bug"' in end.err or "Exception ignored" in end.err:
            broken.append("it is a bug in its own words")
        if end.code != (expected := expected_code(case, plain)):
            broken.append(f"exit {expected} is expected")
        elif end.code == 0 and meaning(end.out) != meaning(plain.ended.out):
            broken.append("the answer is another")
        if not ran.log.startswith(files().good) and case.state in ("good", "cached", "torn"):
            broken.append("lost: what was acknowledged before is not all there")
        if end.code == plain.ended.code and events(ran.log) != events(plain.log):
            broken.append("lost: the log does not hold what it holds where nothing is planted")
        if case.command not in WRITING and ran.log != before:
            broken.append("lost: a command that only reads changed the log")
        if end.code != 0 and ran.log != before:
            broken.append("lost: a command that failed changed the log")
        copies = [path.read_bytes() for path in self.world.store.glob(LOG + ".*-*") if path.is_file()]
        if ran.log != before and not ran.log.startswith(before) and not any(each and each in before for each in copies):
            broken.append("lost: what was cut off is in no copy")
        return broken

    def afterwards(self, at: Path, ran: Run) -> list[str]:
        """What is wrong with the log once nothing is planted any more."""
        if os.path.islink(at) or at.is_file() or at.is_fifo():
            at.unlink()
        elif at.is_dir():
            for each in at.iterdir():
                each.unlink()
            at.rmdir()
        if not ran.log or read(self.world.log)[0] == "damaged":
            return []
        ended = self.server.run(self.world.log, ["user", "create", "Zoe", "--email", "zoe@example.com"])
        if ended.code or read(self.world.log)[0] != "good":
            return [f"the next append fails: {ended.err}"]
        return []


def may_change(case: Case, planted: tuple[Any, ...], at: Path, log: Path) -> bool:
    """Whether what was planted may be other now: the log, by another name, or what can be a cache of evcli's own."""
    if case.plant == "hard link to the log" and os.path.lexists(at) and os.path.lexists(log):
        return os.path.samefile(at, log)
    if ".cache" not in case.name:
        return not planted
    is_only_a_name = "link" in case.plant and what_is(at) == ()
    can_be_left_by_a_build = case.plant in OWN_FILES and case.name != CACHE
    # Another user's cache of this very log would call it cut, once it is repaired.
    is_of_another_past = (case.name, case.plant, case.command) == (CACHE, "another user's cache", "repair")
    return is_only_a_name or can_be_left_by_a_build or case.plant in OWN_CACHES or is_of_another_past


def expected_code(case: Case, plain: Run) -> int:
    """The exit code that is right: that of the same command where nothing is planted, but for what a cache knows."""
    if case.name == TEMPORARY and case.command.endswith("to a file") and case.state != "absent":
        return 14  # nobody can guess that name; where it is taken nevertheless, nothing is written
    knows_of_a_log = case.name == CACHE and case.plant in ("old cache", "cache of another log")
    if knows_of_a_log and case.state == "absent" and case.command in {*WRITING, "dry run"} - {"repair"}:
        return 12  # there was a log, and a new one is not begun in its place
    return plain.ended.code


def meaning(out: bytes) -> object:
    """An answer without what is other in every run: ids, times and hashes of new events, and paths of copies."""
    try:
        return without_chance(json.loads(out))
    except ValueError:
        return out


def events(log: bytes) -> list[object]:
    """What the lines of a log say happened; of a line that is torn, or damaged, only that it is there."""
    found = (meaning(line) for line in log.splitlines())
    return [(each["type"], each["subject"], each["data"]) if isinstance(each, dict) else each for each in found]


CHANCE = ("id", "time", "recordedtime", "sha256", "correlationid", "copy", "cache", "size", "bytes", "path", "warnings")


def without_chance(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: without_chance(value) for name, value in found.items() if name not in CHANCE}
    if isinstance(found, list):
        return [without_chance(each) for each in found]
    return found


def plants() -> list[str]:
    return [name for name in PLANTS if os.geteuid() == 0 or "another user" not in name]


@pytest.fixture
def planters(disk: Path) -> Iterator["Queue[Planter]"]:
    """As many as there are processors."""
    files()
    waiting: Queue[Planter] = Queue()
    for number in range(os.cpu_count() or 1):
        (disk / str(number)).mkdir()
        waiting.put(Planter(disk / str(number)))
    yield waiting
    while not waiting.empty():
        waiting.get().server.end()


def plant_all(planters: "Queue[Planter]", cases: Sequence[Case], figures: Figures) -> None:
    found: list[str] = []

    def complaint(case: Case) -> str:
        planter = planters.get()
        try:
            if len(found) < 40:  # after that many, a run is red and should end
                found.extend(filter(None, [planter.complaint(case)]))
                figures.count("files planted")
            return ""
        finally:
            planters.put(planter)

    in_parallel(complaint, cases)
    figures.judge(found)
    assert not found, told(found)


@pytest.mark.case(55, 56)
def test_planted_files_harm_nothing(planters: "Queue[Planter]", figures: Figures) -> None:
    cases = [case for name in NAMES for case in list(where_it_matters(name))[:: 7 if ".cache" not in name else 61]]
    plant_all(planters, cases, figures)


def where_it_matters(name: str) -> Iterator[Case]:
    """Every command, with everything planted under that name, in every state in which something looks for it."""
    states, commands = next(found for part, found in MATTERS.items() if part in name)
    for state, plant, command in product(states, plants(), commands):
        # What was taken into a cache before it was damaged is answered from there; only verify looks at it again.
        if (state, name, plant) != ("damaged", CACHE, "old cache"):
            yield Case(state, name, plant, command)


MATTERS = {
    ".cache": (("good", "cached", "damaged", "absent"), tuple(COMMANDS)),
    ".batch": (("good", "torn"), tuple(COMMANDS)),
    ".torn": (("torn",), (*WRITING, "verify", "state")),
    ".damaged": (("damaged",), ("repair", "repair --dry-run", "verify", "create")),
    ".repaired": (("damaged",), ("repair", "repair --dry-run", "verify", "create")),
    TEMPORARY: (("good", "damaged"), ("export", "export to a file", "export events to a file")),
}


@pytest.mark.sweep
@pytest.mark.parametrize("name", NAMES)
def test_planted_files_harm_no_command(name: str, planters: "Queue[Planter]", figures: Figures) -> None:
    plant_all(planters, list(where_it_matters(name)), figures)
