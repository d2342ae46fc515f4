"""How fast evcli is: `python tests/bench/run.py` prints one table. README.md beside this file explains each line.

Every figure is a ratio of two things measured in turns in the same run on the same machine, so that it means the same
everywhere. Nothing here is a test, and nothing timed can fail one.
"""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import appends
import bytecode
import commands
import late
import library
import machine
import written
from ground import FULL, QUICK, Ground
from growth import growth
from measuring import Figure, seconds, text_table

README = Path(__file__).with_name("README.md")
GROUPS = {
    "start": commands.start_up,
    "growth": growth,
    "append": appends.append,
    "own": appends.own_time,
    "late": late.late,
    "bytes": library.bytes_read,
    "bisect": commands.bisect,
    "memory": commands.memory,
    "cache": commands.cache,
    "import": commands.imports,
    "sync": commands.syncs,
    "replay": library.fold,
    "audit": library.audit,
    "verify": commands.verify,
}


def main() -> None:
    """Measure what is asked for, print the table, and perhaps write it into the README."""
    options = _options()
    if refusal := bytecode.refusal():
        sys.exit(f"error: {refusal}")
    sizes = QUICK if options.quick else FULL
    if options.events:
        sizes = sizes._replace(events=options.events)
    with TemporaryDirectory(dir=options.folder, prefix="evcli-bench-") as temporary:
        folder = Path(temporary)
        _leave_the_user_alone(folder)
        described = machine.description(folder)
        for name, value in described:
            print(f"{name}: {value}")
        print("tiny sizes: these figures mean nothing\n" if options.quick else "", flush=True)
        ground = Ground(folder, sizes)
        figures: list[Figure] = []
        _progress("the logs", seconds(lambda: (ground.short, ground.long)))
        for name in options.only or GROUPS:
            _progress(name, seconds(lambda: figures.extend(GROUPS[name](ground))))  # noqa: B023  # called at once
    print(text_table(figures))
    if options.write:
        words = [word for word in sys.argv[1:] if not word.startswith("--write") and word != str(options.write)]
        alone = options.only == ["growth"]
        written.write(options.write, words, described, figures, ground.seconds, is_growth_alone=alone)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure evcli; print a table of ratios.")
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group only (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--events", type=int, help=f"length of the long log (default: {FULL.events:,})")
    parser.add_argument("--folder", default="/var/tmp", help="where to write; on a disk, not in memory (%(default)s)")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=README,
        metavar="FILE",
        help="put the table and the plot into FILE (README.md here); with --only growth, the plot alone",
    )
    options = parser.parse_args()
    is_of_growth = options.only == ["growth"]  # which has a place of its own, and may be of a longer log
    if options.write == README and (options.quick or ((options.only or options.events) and not is_of_growth)):
        parser.error("README.md has the whole table in its full sizes: --write FILE for another one")
    return options


def _leave_the_user_alone(folder: Path) -> None:
    """Let evcli find nothing of the user's settings, and put nothing into the user's folders."""
    for name in [name for name in os.environ if name.startswith("EVCLI_")]:
        del os.environ[name]
    os.environ |= {"EVCLI_ACTOR": "bench", "XDG_CACHE_HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def _progress(name: str, taken: float) -> None:
    print(f"{name}: {taken:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
