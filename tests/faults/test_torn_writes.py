"""A write is torn after every possible byte, and then the writer is killed, or gets a short count or an error."""

import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from faults import tearing
from faults.common import (
    CREATE,
    DESTROY,
    LOG,
    LONGEST_BATCH,
    OURS,
    STORE,
    Ended,
    Server,
    Start,
    broken_promises,
    destroyed,
    environment,
    in_parallel,
    lay_out,
    needs,
    one_each,
    start,
    told,
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


class Tearer(Server):
    """evcli with torn writes, in a process that stays: `fault(write, bytes, then, …)` says what was broken by it."""

    def __init__(self, library: Path, folder: Path) -> None:
        super().__init__([str(tearing.__file__)], folder, {**environment(OURS), "LD_PRELOAD": str(library)})
        self.folder = folder

    def made(self, write: Write, variables: dict[str, str]) -> tuple[Path, Ended]:
        log = lay_out(self.folder / STORE, write.before)
        return log, self.run(variables, log, write.words)

    def length(self, write: Write) -> int:
        """How many bytes the write has when nothing tears it."""
        log, ran = self.made(write, {})
        assert ran.code == 0, ran.err
        return Path(f"{log}{write.suffix}").stat().st_size - (0 if write.suffix else len(write.before.good))

    def fault(self, write: Write, count: int, then: str, length: int) -> str:
        path = str(self.folder / STORE / LOG) + write.suffix
        variables = {"TEAR_PATH": path, "TEAR_K": "1", "TEAR_BYTES": str(count), "TEAR_THEN": then}
        log, ran = self.made(write, variables)
        broken = broken_promises(log, write.before, ran, write.wanted)
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


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("tear") / "tear.so"
    source = Path(__file__).with_name("tear.c")
    options = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
    subprocess.run(["gcc", *options, "-o", str(built), str(source), "-ldl"], check=True)
    return built


def tear_all(library: Path, disk: Path, figures: Figures, name: str, step: int) -> None:
    write = WRITES[name]
    with one_each(disk, lambda folder: Tearer(library, folder), Tearer.end) as tearer:
        length = tearer().length(write)
        assert length > 50, "there is nothing to tear"
        if length > 5_000:  # of a megabyte, each place takes a second
            step = max(step, length // (800 if length < 100_000 else 25 if step == 1 else 4))
        counts = sorted({*range(0, length, step), length - 1, length})
        cases = [(then, count) for then in ENDS for count in counts]
        complaints = in_parallel(lambda case: tearer().fault(write, case[1], case[0], length), cases)
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
