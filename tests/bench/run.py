"""How fast evcli is: `python tests/bench/run.py` prints one table. README.md beside this file explains each line.

Every figure is a ratio of two things measured in turns in the same run on the same machine, so that it means the same
everywhere. Nothing here is a test, and nothing timed can fail one.
"""

import argparse
import compileall
import fcntl
import io
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import generate
import orjson

import evcli
from evcli.cli.main import main as run_evcli
from evcli.domain.user import CREATED, USER
from evcli.eventlog.file import FileLog
from evcli.intention import Intention
from evcli.register import Register


class Sizes(NamedTuple):
    """How much is measured: enough for steady medians, or just enough to see that all of it runs."""

    events: int
    starts: int
    folds: int
    append_rounds: int
    appends: int


FULL = Sizes(events=200_000, starts=20, folds=5, append_rounds=20, appends=50)
QUICK = Sizes(events=500, starts=1, folds=1, append_rounds=1, appends=5)


class Figure(NamedTuple):
    """One line of the table: what was measured, against what, what it should be, what it is."""

    what: str
    against: str
    target: str
    measured: str


def seconds(action: Callable[[], object]) -> float:
    """How long `action` takes, on the wall clock."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(times: int, *actions: Callable[[], object]) -> list[float]:
    """The median seconds of each action; all of them run once in every round, so that a slow moment slows all."""
    rounds = [[seconds(action) for action in actions] for _ in range(times)]
    return [median(column) for column in zip(*rounds, strict=True)]


def start_up(folder: Path, sizes: Sizes) -> list[Figure]:
    """Whole processes on a small log, against one that only imports what evcli stands on."""
    log = folder / "small.jsonl"
    generate.write(log, 20)
    command = [str(Path(sys.executable).with_name("evcli")), "--log", str(log)]
    emails = iter(range(1_000_000))

    def process(*words: str) -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    def bare() -> None:
        process(sys.executable, "-c", "import typer, orjson")

    def create() -> None:
        process(*command, "user", "create", "Ada Lovelace", "--email", f"ada{next(emails)}@example.com")

    def state() -> None:
        process(*command, "state", "--json")

    in_turns(2, bare, create, state)  # so that all files are in memory
    bare_time, create_time, state_time = in_turns(sizes.starts, bare, create, state)
    against = 'python -c "import typer, orjson"'
    return [
        Figure("evcli user create, time of the process", against, "≤ 1.25", f"{create_time / bare_time:.2f}"),
        Figure("evcli state --json, time of the process", against, "≤ 1.25", f"{state_time / bare_time:.2f}"),
    ]


def fold(log: Path, sizes: Sizes) -> list[Figure]:
    """Reading every event with every check and building the state, against only parsing every line."""
    register = Register(FileLog(str(log)), actor="bench")

    def whole() -> None:
        with register.log.reader() as reader:
            assert register.at(reader).number == sizes.events  # a figure for less would be a lie

    def bare() -> None:
        with log.open("rb") as file:
            for line in file:
                orjson.loads(line)

    whole_time, bare_time = in_turns(sizes.folds, whole, bare)
    what = f"fold of {sizes.events:,} events, events per second"
    return [Figure(what, "for line in file: orjson.loads(line)", "≥ 0.15, aim 0.2", f"{bare_time / whole_time:.2f}")]


def bytes_read(log: Path, sizes: Sizes) -> list[Figure]:
    """How much of a long log two short looks at it read, as a share of the file."""
    with log.open("rb") as file:
        late = [orjson.loads(line)["time"] for line in file][-sizes.events // 100]
    share = {
        words: read_by("log", *words, "--log", str(log)) / log.stat().st_size
        for words in (("-n", "20"), ("--since", late))
    }
    return [
        Figure("log -n 20, bytes read", "bytes of the file", "≤ 0.01", f"{share['-n', '20']:.4f}"),
        Figure("log --since (the last hundredth), bytes read", "same", "≤ 0.02", f"{share['--since', late]:.4f}"),
    ]


def read_by(*words: str) -> int:
    """How many bytes the operating system hands to `evcli WORDS`, run in this process, whichever way it reads."""
    streams = sys.stdout, sys.stderr
    try:
        for _ in range(2):  # the first time, modules are read too
            sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
            before = handed_over()
            code = run_evcli(words)
            after = handed_over()
    finally:
        sys.stdout, sys.stderr = streams
    assert code == 0, words  # a figure for a command that failed would be a lie
    return after - before


def handed_over() -> int:
    """How many bytes this process has read so far; Linux counts them."""
    try:
        return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        return 0


def append(folder: Path, sizes: Sizes) -> list[Figure]:
    """The register as a library, deciding and appending, against a bare loop that only makes the same lines durable."""
    log = folder / "appended.jsonl"
    register = Register(FileLog(str(log)), actor="bench")
    emails = iter(range(1_000_000))
    descriptor = os.open(folder / "bare.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

    def whole() -> None:
        for _ in range(sizes.appends):
            data = {"name": "Ada Lovelace", "email": f"ada{next(emails):06}@example.com"}
            about = lambda state: state.last_id(USER) + 1  # noqa: E731  # an intention as the command line makes it
            register.execute(Intention(CREATED, data, about, finds=False))

    whole()  # the first event also makes the file
    line = log.read_bytes().splitlines(keepends=True)[-1]

    def bare() -> None:
        for _ in range(sizes.appends):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, line)
            os.fsync(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    whole_time, bare_time = in_turns(sizes.append_rounds, whole, bare)
    os.close(descriptor)
    what = "append by the library, events per second"
    return [Figure(what, "flock + write + fsync of such a line", "≥ 0.5", f"{bare_time / whole_time:.2f}")]


def table(figures: list[Figure]) -> str:
    """The figures under their headings, in columns."""
    rows = [Figure("what", "against", "target", "measured"), *figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([drawn[0], "  ".join("─" * width for width in widths), *drawn[1:]])


def main() -> None:
    """Measure everything, and print the table."""
    parser = argparse.ArgumentParser(description="Measure evcli; print a table of ratios.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--folder", default="/var/tmp", help="where to write; on a disk, not in memory (%(default)s)")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL

    package = Path(evcli.__file__).parent
    compileall.compile_dir(package, quiet=2)
    print(f"evcli {evcli.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()};")
    print(f"byte-code of {package} compiled beforehand; files in {options.folder}\n", flush=True)
    with TemporaryDirectory(dir=options.folder, prefix="evcli-bench-") as temporary:
        folder = Path(temporary)
        log = folder / "large.jsonl"
        generate.write(log, sizes.events)
        figures = start_up(folder, sizes) + fold(log, sizes) + bytes_read(log, sizes) + append(folder, sizes)
    print(table(figures))


if __name__ == "__main__":
    main()
