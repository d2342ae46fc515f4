"""The sweeps can fail: each careless writer, made from the real one by one change, is caught by one of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from faults.common import (
    APPENDING,
    CREATE,
    STORE,
    acknowledged,
    broken_promises,
    command,
    destroyed,
    lay_out,
    mutated,
    needs,
    read,
    run,
    start,
)
from faults.powercut import fault_of_append, fault_of_appends, fault_of_repair, faults, record
from faults.strace import Injection, Sweep, complaint_about
from faults.test_kill_storm import weather
from faults.test_power_cuts import CREATE_LONG, SEVERAL, damaged, no_newline_at_the_end_of_a_sector, unsynced

Check = Callable[[Path, Path], list[str]]


OTHER_STARTS = {each.name: each for each in map(unsynced, ("line", "cut", "first cut"))}


def cut_the_power(name: str) -> Check:
    """The check of power cuts, of a command on a log in that state."""
    other = {"batch": destroyed(2, "both"), "unsynced first cut": (unsynced("first cut"), CREATE_LONG)}
    other["no newline at the end of a sector"] = (no_newline_at_the_end_of_a_sector(), CREATE)
    before, words = other.get(name) or (OTHER_STARTS.get(name) or start(name), CREATE)

    def check(disk: Path, package: Path) -> list[str]:
        return faults(disk, record(disk, before, words, package), fault_of_append, sector=512, most=150, every=1000)[1]

    return check


def cut_the_power_in_a_repair(disk: Path, package: Path) -> list[str]:
    """The check of power cuts, of a repair."""
    recorded = record(disk, damaged("line"), ("repair",), package)
    return faults(disk, recorded, fault_of_repair, sector=512, most=150, every=1000)[1]


def fail_the_sync(disk: Path, package: Path) -> list[str]:
    """The check of one system call: the sync before the write fails once, or that of the line."""
    sweep = Sweep(start("old"), CREATE, 1)
    cases = [Injection("fsync", 1, "EIO"), Injection("fsync", 2, "EIO")]
    return [complaint for case in cases if (complaint := complaint_about(disk, sweep, case, package))]


def let_four_write(disk: Path, package: Path) -> list[str]:
    """The check of writers beside each other."""
    return weather(disk, 0, 12, 1, package)[1]


def cut_the_power_between_appends(name: str) -> Check:
    """The check of power cuts, of several appends of one process."""

    def check(disk: Path, package: Path) -> list[str]:
        before, words, injected = SEVERAL[name]
        recorded = record(disk, before, words, package, injected)
        return faults(disk, recorded, fault_of_appends, sector=512, most=60, every=1000)[1]

    return check


def append_one_by_one(*steps: str) -> Check:
    """The check of several appends of one process, in which nothing fails."""

    def check(disk: Path, package: Path) -> list[str]:
        before, words = start("old"), (APPENDING, *steps)
        log = lay_out(disk / STORE, before)
        return broken_promises(log, before, run(command(log, words), package), len(steps) - steps.count("="), 1)

    return check


def let_three_append_on(disk: Path, package: Path) -> list[str]:
    """The check of processes that each append again and again, beside each other."""
    log = lay_out(disk / STORE, start("old"))
    steps = [["@3", *(f"{name}{number}" for number in range(200))] for name in ("Ann", "Bob", "Eve")]
    with ThreadPoolExecutor(3) as pool:
        ran = list(pool.map(lambda names: run(command(log, (APPENDING, *names)), package), steps))
    acks = [line for each in ran for line in acknowledged(each.out)]
    stored = log.read_bytes().splitlines(keepends=True)
    complaints = [f"exit {each.code}: {each.err}" for each in ran if each.code]
    if read(log)[0] != "good" or len(acks) != 600 or not set(acks) <= set(stored):
        complaints.append(f"lost: of {len(acks)} events that were acknowledged; the log is {read(log)}")
    return complaints


class Mutant(NamedTuple):
    """A file of the package, the text in it that goes (none: the end of the file), and the text in its place."""

    file: str
    old: str
    new: str
    caught_by: Check
    because: str


WRITER = "log/file/writer.py"
IF_DURABLE = "        if is_whole and self._is_durable():\n"

MUTANTS = {
    "the log is not synced": Mutant(
        WRITER, "", "def sync(descriptor):\n    pass\n", cut_the_power("old"), "the answer was given"
    ),
    "the folder is not synced": Mutant(
        "disk.py", "", "def sync_folder(folder):\n    pass\n", cut_the_power("new"), "the answer was given"
    ),
    "the answer comes before the sync": Mutant(
        WRITER,
        "",
        "_append = LogWriter.append\n\ndef _append_later(self, lines, number):\n"
        "    import json\n    events = [json.loads(line) for line in lines.splitlines()]\n"
        "    os.write(1, json.dumps({'events': events, 'recorded': True}).encode())\n"
        "    _append(self, lines, number)\n\nLogWriter.append = _append_later\n",
        cut_the_power("old"),
        "the answer was given",
    ),
    "a tail that was cut off is not synced": Mutant(
        WRITER,
        "            self.sync()\n        except",
        "            if not copy:\n                self.sync()\n        except",
        cut_the_power("torn"),
        "false alarm",
    ),
    "what a killed writer left is not synced first": Mutant(
        WRITER, IF_DURABLE, "        if is_whole:\n", cut_the_power("unsynced line"), "false alarm"
    ),
    "what was cut and not synced is not synced first": Mutant(
        WRITER, IF_DURABLE, "        if is_whole:\n", cut_the_power("unsynced cut"), "false alarm"
    ),
    "an empty log is not synced first": Mutant(
        WRITER,
        IF_DURABLE,
        "        if is_whole and not end.offset:\n",
        cut_the_power("unsynced first cut"),
        "false alarm",
    ),
    "a sync that failed is tried again": Mutant(
        WRITER,
        "",
        "def sync(descriptor):\n    try:\n        os.fsync(descriptor)\n"
        "    except OSError:\n        os.fsync(descriptor)\n",
        fail_the_sync,
        "a failed sync was followed by an answer",
    ),
    "the lock is taken after the head is read": Mutant(
        "log/file/engine.py",
        "",
        "def take_lock(path, descriptor, deadline, wait):\n    pass\n\n_append = LogWriter.append\n\n"
        "def _locking(self, lines, number):\n    fcntl.flock(self.descriptor, fcntl.LOCK_EX)\n"
        "    _append(self, lines, number)\n\nLogWriter.append = _locking\n",
        let_four_write,
        "lost",
    ),
    "the missing newline is written with the line": Mutant(
        WRITER,
        "            if end.is_unterminated:\n                self._write_missing_newline()\n            self.sync()\n",
        "            self.sync()\n            if end.is_unterminated:\n                self._write_missing_newline()\n",
        cut_the_power("no newline at the end of a sector"),
        "false alarm",
    ),
    "an append that goes on does not ask whether its file changed": Mutant(
        WRITER,
        "        self._is_settled = self._is_durable(found)\n",
        "        self._is_settled = True\n",
        append_one_by_one("Eve", "+Bob", "Dan"),
        "lost",
    ),
    "an append that goes on does not lock": Mutant(
        "log/file/engine.py",
        "                take_lock(writer.path, writer.descriptor, deadline, wait)\n",
        "",
        let_three_append_on,
        "lost",
    ),
    "an append that goes on is not synced": Mutant(
        WRITER,
        "",
        "_sync, _syncs = sync, []\n\n"
        "def sync(descriptor):\n    _syncs.append(descriptor)\n    if len(_syncs) < 3:\n        _sync(descriptor)\n",
        cut_the_power_between_appends("on a good log"),
        "answers were given",
    ),
    "what was taken back is not synced before the next append": Mutant(
        WRITER,
        "            taken_back = durable_now(self.descriptor)\n            sync(self.descriptor)\n",
        "            taken_back = durable_now(self.descriptor)\n",
        cut_the_power_between_appends("of which one is not synced"),
        "false alarm",
    ),
    "the repaired log is not synced before it gets its name": Mutant(
        "disk.py",
        "        sync(descriptor)\n    except BaseException:\n        os.unlink(name)\n        raise\n    finally:\n",
        "        pass\n    except BaseException:\n        os.unlink(name)\n        raise\n    finally:\n",
        cut_the_power_in_a_repair,
        "lost",
    ),
}


def world(disk: Path) -> Path:
    """A folder apart from the package, whose own files are none of the log's."""
    folder = disk / "world"
    folder.mkdir()
    return folder


@pytest.mark.case(19)
@needs("strace")
@pytest.mark.parametrize("name", MUTANTS)
def test_a_careless_writer_is_caught(name: str, disk: Path) -> None:
    mutant = MUTANTS[name]
    package = mutated(disk, mutant.file, mutant.old, mutant.new)
    complaints = mutant.caught_by(world(disk), package)
    assert complaints, f"nothing notices that {name}"
    assert any(mutant.because in complaint for complaint in complaints), complaints[:5]


@needs("strace")
@pytest.mark.parametrize(
    "check",
    [
        *(
            # The tests of power cuts do the same to the package itself.
            pytest.param(cut_the_power(name), id=name, marks=[pytest.mark.sweep] if name != "old" else [])
            for name in ("old", "new", "torn", "batch", *OTHER_STARTS)
        ),
        pytest.param(fail_the_sync, id="a sync fails"),
        pytest.param(let_four_write, id="four writers"),
        pytest.param(let_three_append_on, id="three writers that go on"),
        pytest.param(append_one_by_one("Eve", "+Bob", "Dan", "=", "Kim"), id="one by one"),
    ],
)
def test_the_careful_writer_passes_what_catches_careless_ones(check: Check, disk: Path) -> None:
    package = mutated(disk, "log/__init__.py", "", "")
    assert not check(world(disk), package)
