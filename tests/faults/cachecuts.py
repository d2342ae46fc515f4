"""Every state of a log and its cache that a power cut may leave, from the calls that evcli and SQLite really made.

The model of the disk is that of `powercut`: a file has its synced content, and since then each sector is old or new,
at any of the file's later sizes; a name is as it was when the folder was synced, or as any later call left it. But a
database is written in the middle, and a file keeps its content when its name changes.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from faults.calls import Op, made_by
from faults.common import LOG, OURS, Start, run
from faults.common import lay_out as lay_out_files

SECTOR = 512

_SCRIPT = """
import json, os, sys
from evcli.register import history
from evcli.cache import cache, database
from evcli.cli.main import main
os.environ.pop("EVCLI_CACHE", None)
history.CACHED_FROM = history.MOST_BEHIND = 1
ours = database.VERSION
for line in json.loads(sys.argv[1]):
    words = line.split()
    if words[0] == "release":
        database.VERSION = cache.VERSION = "an older one" if words[1] == "older" else ours
    elif words[0] == "cache":
        os.environ["EVCLI_CACHE"] = words[1]
    elif code := main(["--log", sys.argv[2], *words]):
        sys.exit(f"{line} ended with {code}")
"""
"""evcli with a cache for the shortest log, until `cache off`; after `release older`, caches are of another release."""


class Recording(NamedTuple):
    """The files before a series of commands, each with its possible contents, and the calls of the commands."""

    before: dict[str, list[bytes]]
    ops: list[Op]


Files = tuple[tuple[str, bytes], ...]


def prepared(folder: Path, words: Sequence[str], package: Path = OURS) -> Path:
    """A log on which these commands were run."""
    folder.mkdir(mode=0o700)
    log = folder / LOG
    ran = run([sys.executable, "-c", _SCRIPT, json.dumps(words), str(log)], package)
    assert ran.code == 0, ran.err
    return log


def record(log: Path, words: Sequence[str], package: Path = OURS, *, is_synced: bool = True) -> Recording:
    """Run commands under strace; unless `is_synced`, the log's last line need not be on the disk before."""
    before = {path.name: [path.read_bytes()] for path in log.parent.iterdir()}
    if not is_synced:
        whole = before[LOG][0]
        before[LOG] = [whole[: whole.rindex(b"\n", 0, -1) + 1], whole]
    words = [sys.executable, "-c", _SCRIPT, json.dumps(words), str(log)]
    ran, ops = made_by(words, log.parent, package)
    assert ran.code == 0, f"without any fault: {ran.err}"
    return Recording(before, [op for op in ops if op.what != "ack"])


class _File:
    """A file's synced content, and what it was after each call since."""

    def __init__(self, contents: Sequence[bytes] = (b"",)) -> None:
        self.synced, *self.since = contents

    @property
    def now(self) -> bytes:
        return self.since[-1] if self.since else self.synced

    def write(self, data: bytes, offset: int) -> None:
        """Write at `offset`, or append when that is negative."""
        now = self.now
        at = len(now) if offset < 0 else offset
        self.since.append(now[:at].ljust(at, b"\0") + data + now[at + len(data) :])

    def contents(self, most: int, chance: random.Random) -> list[bytes]:
        """Legal contents after a power cut: those of one age, and about `most` with sectors of different ages."""
        found = [self.now, self.synced]
        if self.since:
            found += chance.sample(self.since, min(most, len(self.since)))
            ages = [self.synced, *self.since]
            found += [self._mixed(len(chance.choice(ages)), ages, chance) for _ in range(most)]
        return list(dict.fromkeys(found))

    def _mixed(self, size: int, ages: Sequence[bytes], chance: random.Random) -> bytes:
        """Sectors of any age; or all of one age, except for one sector (of those that differ) or a few."""
        base = chance.choice((self.now, self.synced, chance.choice(ages)))
        chosen = dict.fromkeys(range(0, size, SECTOR), base)
        if odds := chance.choice((0.0, 0.0, 0.05, 1.0)):
            chosen |= {at: chance.choice(ages) for at in chosen if chance.random() < odds}
        else:
            other = chance.choice(ages)
            differing = [at for at in chosen if base[at : at + SECTOR] != other[at : at + SECTOR]]
            chosen |= dict.fromkeys(chance.sample(differing, min(1, len(differing))), other)
        return b"".join(age[at : at + SECTOR].ljust(SECTOR, b"\0") for at, age in chosen.items())[:size]


def images(recorded: Recording, most: int) -> Iterator[tuple[int, Files]]:
    """Legal images after each number of calls: every choice of names, with contents that are drawn.

    Each image comes once, except that those after the last call, of which more is asked, come again.
    """
    chance = random.Random(1)
    names: dict[str, list[_File | None]] = {name: [_File(each)] for name, each in recorded.before.items()}
    seen: set[Files] = set()
    for after in range(len(recorded.ops) + 1):
        if after == len(recorded.ops):
            seen.clear()
        if after:
            _apply(names, recorded.ops[after - 1])
        choices = [[(name, file) for file in dict.fromkeys(states)] for name, states in names.items()]
        for chosen in product(*choices):
            there = [(name, file) for name, file in chosen if file is not None]
            drawn = {file: file.contents(most, chance) for _, file in there}
            for number in range(max(map(len, drawn.values()))):
                # The first image has the newest contents; then each file goes on alone, and past its end is drawn.
                content = {
                    file: each[number] if number < len(each) else chance.choice(each) for file, each in drawn.items()
                }
                image = tuple((name, content[file]) for name, file in there)
                if image not in seen:
                    seen.add(image)
                    yield after, image


def _apply(names: dict[str, list[_File | None]], op: Op) -> None:
    if (op.what, op.path) == ("sync", ""):
        for states in names.values():
            del states[:-1]
        return
    states = names.setdefault(op.path, [None])
    file = states[-1]
    if op.what == "make":
        if file is None:
            states.append(_File())
        return
    assert file is not None, f"{op.what} of {op.path}, which is not there"
    if op.what == "write":
        file.write(op.data, op.offset)
    elif op.what == "cut":
        file.since.append(file.now[: op.offset].ljust(op.offset, b"\0"))
    elif op.what == "sync":
        file.synced, file.since = file.now, []
    else:
        states.append(None)
        if op.what == "rename":
            names.setdefault(op.to, [None]).append(file)


def lay_out(folder: Path, image: Files) -> Path:
    """Put an image on the disk, and nothing else; its log."""
    return lay_out_files(folder, Start("image", dict(image), b""))
