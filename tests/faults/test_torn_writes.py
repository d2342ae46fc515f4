"""A write is torn after every possible byte, and then the writer is killed, or told of a short count or an error."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import Queue
from typing import NamedTuple

import pytest

from faults import tearing
from faults.common import (
    CREATE,
    DESTROY,
    LOG,
    LONGEST_BATCH,
    OURS,
    Ended,
    Start,
    broken_promises,
    environment,
    in_parallel,
    lay_out,
    needs,
    start,
    told,
    written,
)
from faults.conftest import Figures

pytestmark = needs("gcc")

ENDS = ("kill", "short", "ENOSPC", "EIO")


class Write(NamedTuple):
    """One write that a command makes on a log in some state: to which file, beside the log, and how long it is."""

    before: Start
    words: tuple[str, ...]
    wanted: int
    suffix: str


def destroyed(users: int) -> tuple[Start, tuple[str, ...]]:
    """A log of so many users, and the words that destroy them all at once."""
    good, _ = written(users)
    return Start("old", {LOG: good}, good), ("user", "destroy", *map(str, range(1, users + 1)), "--reason", "all")


WRITES = {
    "the line of an append": Write(start("old"), CREATE, 1, ""),
    "the first line": Write(start("new"), CREATE, 1, ""),
    "the lines of a batch": Write(start("old"), DESTROY, 2, ""),
    "the lines of a batch of forty": Write(*destroyed(40), 40, ""),
    "the lines of a batch as long as one can be": Write(*destroyed(LONGEST_BATCH), LONGEST_BATCH, ""),
    "the lines of a batch after a recovery": Write(start("batch with a hole"), DESTROY, 2, ""),
    "the copy of a torn tail": Write(start("torn"), CREATE, 1, f".torn-{len(start('torn').good)}"),
    "the line after a recovery": Write(start("torn"), CREATE, 1, ""),
}


class Tearer:
    """evcli with torn writes, in a process that stays: `tear(write, bytes, then)` says what was broken by it."""

    def __init__(self, library: Path, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(tearing.__file__)],
            env={**environment(OURS), "LD_PRELOAD": str(library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, write: Write, variables: dict[str, str]) -> tuple[Path, Ended]:
        log = lay_out(self.folder / "store", write.before)
        out, err = self.folder / "out", self.folder / "err"
        words = ["--log", str(log), "--json", *write.words]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([variables, words, str(out), str(err)]) + "\n")
        self.process.stdin.flush()
        return log, Ended(int(self.process.stdout.readline()), out.read_bytes(), err.read_text())

    def length(self, write: Write) -> int:
        """How many bytes the write has when nothing tears it."""
        log, ran = self.run(write, {})
        assert ran.code == 0, ran.err
        return (log.parent / (log.name + write.suffix)).stat().st_size - (
            len(write.before.good) if not write.suffix else 0
        )

    def fault(self, write: Write, count: int, then: str, length: int) -> str:
        log = str(self.folder / "store" / "events.jsonl")
        path = log + write.suffix
        variables = {"TEAR_PATH": path, "TEAR_K": "1", "TEAR_BYTES": str(count), "TEAR_THEN": then}
        at, ran = self.run(write, variables)
        broken = broken_promises(at, write.before, ran, write.wanted)
        if ran.code == -signal.SIGALRM:
            broken.append("it hung")
        if then == "kill" and ran.code != -signal.SIGKILL:
            broken.append("it was not killed: the write was not torn at all")
        if then in ("ENOSPC", "EIO") and ran.code == 0:
            broken.append("exit 0 after a write that failed")
        if then == "short" and count < length and ran.code == 0 and not write.suffix.startswith(".torn"):
            broken.append("exit 0 after a write that was cut short")
        what = f"torn after byte {count} of {length}, then {then}"
        return f"{what}: {'; '.join(broken)} (exit {ran.code}: {ran.err.strip()})" if broken else ""

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("tear") / "tear.so"
    source = Path(__file__).with_name("tear.c")
    options = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
    subprocess.run(["gcc", *options, "-o", str(built), str(source), "-ldl"], check=True)
    return built


def tear_all(library: Path, disk: Path, figures: Figures, name: str, step: int) -> None:
    write = WRITES[name]
    tearers: Queue[Tearer] = Queue()
    for number in range(os.cpu_count() or 1):
        (disk / f"{number}").mkdir()
        tearers.put(Tearer(library, disk / f"{number}"))
    tearer = tearers.get()
    length = tearer.length(write)
    tearers.put(tearer)
    assert length > 50, "there is nothing to tear"

    def fault(case: tuple[str, int]) -> str:
        tearer = tearers.get()
        try:
            return tearer.fault(write, case[1], case[0], length)
        finally:
            tearers.put(tearer)

    if length > 5_000:  # of a megabyte, each place takes a second
        step = max(step, length // (800 if length < 100_000 else 25 if step == 1 else 4))
    counts = sorted({*range(0, length, step), length - 1, length})
    cases = [(then, count) for then in ENDS for count in counts]
    complaints = in_parallel(fault, cases)
    while not tearers.empty():
        tearers.get().end()
    figures.count("writes torn", len(cases))
    figures.judge(complaints)
    assert not complaints, told(complaints)


@pytest.mark.case(12)
@pytest.mark.parametrize("name", WRITES)
def test_a_torn_write_loses_nothing(name: str, library: Path, disk: Path, figures: Figures) -> None:
    tear_all(library, disk, figures, name, step=120)


@pytest.mark.sweep
@pytest.mark.parametrize("name", WRITES)
def test_a_write_torn_after_any_byte_loses_nothing(name: str, library: Path, disk: Path, figures: Figures) -> None:
    tear_all(library, disk, figures, name, step=1)
