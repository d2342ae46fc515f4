"""What is planted beside a log loses no event, changes no file of others, hangs no command and changes no answer."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faults import planting
from faults.common import LOG, Ended, content, in_parallel, one_each, read, told
from faults.conftest import Figures
from faults.planting import NAMES, PLANTS, TEMPORARY, World, files, what_is

CREATE = "user create Eve --email eve@example.com"
WRITING = (
    CREATE, "user rename 1 Adam", "user change-email 2 two@example.com", "user destroy 1 2 3", "user restore 5",
    "import OTHERS/people.csv", "repair",
)  # fmt: skip
READING = (
    "repair --dry-run", "verify", "head", "head --at 3", "log", "log --user 2", "show 4", "show id:User-3", "state",
    "state --at 5", "user list --all", "user show 2", "diff 2 5", "status", "path", "export", "export STORE/out.csv",
    "export STORE/out.jsonl --what events", f"{CREATE} --dry-run",
)  # fmt: skip
CACHE, HEADS = LOG + ".cache", LOG + ".heads"
OWN_CACHES = ("cache of another log", "broken cache", "old cache")


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


class Planter(World):
    """Judges cases in its own world."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._plain: dict[tuple[str, str], Run] = {}

    def plain(self, state: str, command: str) -> Run:
        """What the command does where nothing is planted."""
        if (state, command) not in self._plain:
            self.lay_out(state)
            self._plain[state, command] = Run(self.do(command), content(self.log))
        return self._plain[state, command]

    def complaint(self, case: Case) -> str:
        """What the plant of a case broke; "" when it broke nothing."""
        plain = self.plain(case.state, case.command)
        self.lay_out(case.state)
        at = planting.path_of(self.store, case.name)
        if os.path.lexists(at):
            at.unlink()
        planting.plant(case.plant, at, self.log, self.others)
        before, planted, log = self.of_others(), what_is(at), content(self.log)
        ran = Run(self.do(case.command), content(self.log))
        broken = self.broken(case, plain, log, ran)
        if self.of_others() != before:
            broken.append("a file of somebody else was changed")
        if not may_change(case, planted, at, self.log) and what_is(at) != planted:
            broken.append("what was planted was changed")
        broken += self.afterwards(at, ran)
        end = ran.ended
        return f"{case}: {'; '.join(broken)} (exit {end.code}: {end.err.strip()})" if broken else ""

    def broken(self, case: Case, plain: Run, before: bytes, ran: Run) -> list[str]:
        """What is wrong with how the command ended, and with the log."""
        end, expected = ran.ended, expected_code(case, plain)
        copies = [path.read_bytes() for path in self.store.glob(LOG + ".*-*") if path.is_file()]
        is_copied = ran.log.startswith(before) or any(each and each in before for each in copies)
        is_whole = ran.log.startswith(files().good) or case.state not in ("good", "cached", "torn")
        wrong = {
            "it hung": end.code == -signal.SIGALRM,
            "it is a bug in its own words": re.search('Traceback|"bug"|Exception ignored', end.err) is not None,
            f"exit {expected} is expected": end.code != expected,
            "the answer is another": end.code == expected == 0 and meaning(end.out) != meaning(plain.ended.out),
            "lost: what was acknowledged before is not all there": not is_whole,
            "lost: the log does not hold what it holds where nothing is planted": end.code == plain.ended.code
            and events(ran.log) != events(plain.log),
            "lost: a command that only reads changed the log": case.command not in WRITING and ran.log != before,
            "lost: a command that failed changed the log": end.code != 0 and ran.log != before,
            "lost: what was cut off is in no copy": ran.log != before and not is_copied,
        }
        return [words for words, is_so in wrong.items() if is_so]

    def afterwards(self, at: Path, ran: Run) -> list[str]:
        """What is wrong with the log after what was planted is removed."""
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink(missing_ok=True)
        if not ran.log or read(self.log)[0] == "damaged":
            return []
        ended = self.do("user create Zoe --email zoe@example.com")
        if ended.code or read(self.log)[0] != "good":
            return [f"the next append fails: {ended.err}"]
        return []


def may_change(case: Case, planted: tuple[Any, ...], at: Path, log: Path) -> bool:
    """Whether what was planted may have changed: it is the log by another name, or may be evcli's own cache."""
    if case.plant == "hard link to the log" and os.path.lexists(at) and os.path.lexists(log):
        return os.path.samefile(at, log)
    if ".cache" not in case.name:
        return not planted
    is_only_a_name = "link" in case.plant and what_is(at) == ()
    can_be_left_by_a_build = case.plant in planting.OWN_FILES and case.name != CACHE
    # Another user's cache of this very log would call it cut, once it is repaired.
    is_of_another_past = (case.name, case.plant, case.command) == (CACHE, "another user's cache", "repair")
    return is_only_a_name or can_be_left_by_a_build or case.plant in planting.OWN_CACHES or is_of_another_past


def expected_code(case: Case, plain: Run) -> int:
    """The right exit code: that of the same command with nothing planted, except for what a cache knows."""
    if case.name == TEMPORARY and "STORE" in case.command and case.state != "absent":
        return 14  # nobody can guess that name; if it exists all the same, nothing is written
    knows_of_a_log = case.name == CACHE and case.plant in ("old cache", "cache of another log")
    if knows_of_a_log and case.state == "absent" and case.command in {*WRITING, f"{CREATE} --dry-run"} - {"repair"}:
        return 12  # there was a log, and no new one replaces it
    if case.name == HEADS and case.command == "verify" and case.plant in (*planting.OWN_FILES, *OWN_CACHES):
        return 12  # a file of one's own that has no kept heads is named
    return plain.ended.code


def meaning(out: bytes) -> object:
    """An answer without what differs in every run: ids, times and hashes of new events, and paths of copies."""
    try:
        return without_chance(json.loads(out))
    except ValueError:
        return out


def events(log: bytes) -> list[object]:
    """What happened by the lines of a log; a line that is torn or damaged counts as itself."""
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
def plant_all(disk: Path, figures: Figures) -> Callable[[Sequence[Case]], None]:
    """Judges cases, as many at once as there are processors."""
    files()
    found: list[str] = []

    def judge(cases: Sequence[Case]) -> None:
        with one_each(disk, Planter, Planter.end) as planter:

            def complaint(case: Case) -> str:
                if len(found) < 40:  # a run with 40 complaints is red, and should end
                    found.extend(filter(None, [planter().complaint(case)]))
                    figures.count("files planted")
                return ""

            in_parallel(complaint, cases)
        figures.judge(found)
        assert not found, told(found)

    return judge


MENDING = ("repair", "repair --dry-run", "verify", CREATE)
MATTERS = {
    ".cache": (("good", "cached", "damaged", "absent"), WRITING + READING),
    ".heads": (("good", "torn"), (CREATE, "verify", "head", "state", "state --at Q1", "state --at 3", "status")),
    ".batch": (("good", "torn"), WRITING + READING),
    ".torn": (("torn",), (*WRITING, "verify", "state")),
    ".damaged": (("damaged",), MENDING),
    ".repaired": (("damaged",), MENDING),
    TEMPORARY: (("good", "damaged"), tuple(command for command in READING if command.startswith("export"))),
}
"""For a part of a name: the states and the commands in which something looks for that name."""


def where_it_matters(name: str) -> Iterator[Case]:
    """Every plant under that name, with every state and command that matter."""
    plants = [each for each in PLANTS if os.geteuid() == 0 or "another user" not in each]
    states, commands = next(found for part, found in MATTERS.items() if part in name)
    for state, what, command in product(states, plants, commands):
        # What was cached before the log was damaged is answered from the cache; only verify reads it again.
        if (state, name, what) != ("damaged", CACHE, "old cache"):
            yield Case(state, name, what, command)


def test_plants_harm_no_command(plant_all: Callable[[Sequence[Case]], None]) -> None:
    plant_all([case for name in NAMES for case in list(where_it_matters(name))[:: 7 if ".cache" not in name else 61]])


@pytest.mark.sweep
@pytest.mark.parametrize("name", NAMES)
def test_every_plant_harms_no_command(name: str, plant_all: Callable[[Sequence[Case]], None]) -> None:
    plant_all(list(where_it_matters(name)))
