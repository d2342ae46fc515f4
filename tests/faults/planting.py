"""What a stranger may plant beside a log, under every name that evcli makes or looks for, and what must not change.

A log is in the folder `store`; files of others are in the folder `others`, to which a planted link may point.
"""

import hashlib
import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from conftest import Cli, Clock
from support.caches import cache_every_log

from faults.common import LOG, OURS, Ended, Server, creation, destruction, environment, register

OTHER_USER = 54321
LONG_AGO = 1_500_000_000_000_000_000

SERVER = """
import os
from evcli.register import history
from faults import tearing

history.CACHED_FROM = history.MOST_BEHIND = 1  # a cache for the shortest log
tearing.LONGEST = 10
real = os.urandom
os.urandom = lambda size: bytes(size) if "NO_CHANCE" in os.environ else real(size)
tearing.serve()
"""
"""Runs evcli for each line, as tearing.py does. With NO_CHANCE, the name of a temporary file is known beforehand."""

TEMPORARY = ".evcli-" + "0" * 16


class Files(NamedTuple):
    """The contents of which worlds are made."""

    good: bytes
    torn: bytes
    damaged: bytes
    bad_line: int
    """The byte at which the damaged line begins."""
    cache: bytes
    other_cache: bytes
    database: bytes
    """A database of SQLite that is no cache."""


@cache
def files() -> Files:
    """Logs of a few users of whom two are destroyed, and what else may be beside them."""
    with TemporaryDirectory() as folder:
        log, other = Path(folder, LOG), Path(folder, "other.jsonl")
        good = _log(log, "User")
        _log(other, "Other")
        lines = good.splitlines(keepends=True)
        cached, other_cache = cache_of(log), cache_of(other)
        with closing(sqlite3.connect(Path(folder, "made.db"))) as made:
            made.executescript("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
        database = Path(folder, "made.db").read_bytes()
    bad_line = sum(map(len, lines[:-2]))
    damaged = good[:bad_line] + lines[-2].replace(b'"authid":"ann"', b'"authid":"eve"') + lines[-1]
    return Files(good, good + lines[-1][:100], damaged, bad_line, cached, other_cache, database)


def _log(log: Path, name: str) -> bytes:
    one = register(log, name)
    for number in range(1, 7):
        one.execute(creation(f"{name}{number}"))
    one.execute(*[destruction(5, "gone"), destruction(6, "gone")])
    for number in range(7, 9):
        one.execute(creation(f"{name}{number}"))
    return log.read_bytes()


def cache_of(log: Path) -> bytes:
    """The cache that a reader leaves beside that log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EVCLI_CACHE", raising=False)
        cache_every_log(patch)
        Cli(log, Clock()).ok("--log", str(log), "state")
    return log.with_name(log.name + ".cache").read_bytes()


STATES = ("good", "cached", "torn", "damaged", "absent")
"""What a command finds: a log of that content, with its cache or without, or no log."""

NAMES = [
    *(LOG + suffix for suffix in (
        ".batch", ".cache", ".cache.new", ".cache-journal", ".cache.new-journal", ".torn-END", ".torn-END-2",
        ".damaged-BAD", ".damaged-BAD-2", ".repaired", ".repaired-2", ".heads",
    )),
    TEMPORARY,
]  # fmt: skip
"""Every name that evcli makes or looks for beside a log; END and BAD are bytes of the log."""


def path_of(store: Path, name: str) -> Path:
    """The path of what is planted under that name."""
    some = files()
    return store / name.replace("END", str(len(some.good))).replace("BAD", str(some.bad_line))


# --- what is planted --------------------------------------------------------------------------------------------------


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


NOTES = b"somebody's notes\n"
LINKED = ("text", "empty", "database", "cache")
"""The files of others to which links point."""
PLANTS = (
    "link to the log", "hard link to the log", *(f"link to {name}" for name in (*LINKED, "nothing")),
    *(f"hard link to {name}" for name in LINKED), "link to a folder", "FIFO", "folder", "full folder", "text",
    "empty file", "database", "cache of another log", "broken cache", "old cache", "batch file",
    "another user's text", "another user's empty file", "another user's cache",
)  # fmt: skip


def plant(what: str, at: Path, log: Path, others: Path) -> None:
    """Plant one of PLANTS at a path, beside a log, with a folder of the files of others."""
    target = {"the log": log, "a folder": others}.get(linked := what.rpartition(" to ")[2], others / linked)
    if what.startswith("link to "):
        at.symlink_to(target)
    elif what.startswith("hard link to "):
        if target.exists():
            os.link(target, at)
    elif what == "FIFO":
        os.mkfifo(at, 0o600)
    elif what.endswith("folder"):
        at.mkdir()
        if what == "full folder":
            _write(at / "kept", b"mine")
    else:
        some = files()
        contents = {
            "text": NOTES, "empty file": b"", "database": some.database, "cache": some.cache, "old cache": some.cache,
            "cache of another log": some.other_cache, "broken cache": some.cache[:4096] + bytes(4096),
            "batch file": b'{"start":100,"end":200,"sha256":"%b"}\n' % (b"0" * 64),
        }  # fmt: skip
        name = what.removeprefix("another user's ")
        _write(at, contents[name], 0o600 if name == what else 0o644)
        if name != what:
            os.chown(at, OTHER_USER, OTHER_USER)


OWN_CACHES = ("empty file", "cache of another log", "broken cache", "old cache")
"""What evcli may believe to be its own cache under the name of a cache, and may replace or remove."""

OWN_FILES = ("text", "database", "batch file")
"""What a build that was killed may have left, for all that evcli knows, under the names that only a build uses."""


class World(Server):
    """A folder with a log beside what is planted, and a process that runs each command there in a fork."""

    def __init__(self, folder: Path) -> None:
        variables = {**environment(OURS), "PYTHONPATH": f"{OURS}{os.pathsep}{Path(__file__).parents[1]}"}
        variables.pop("EVCLI_CACHE", None)
        super().__init__(["-c", SERVER], folder, variables)
        self.folder = folder / "world"
        self.store, self.others = self.folder / "store", self.folder / "others"
        self.log = self.store / LOG

    def do(self, command: str) -> Ended:
        """Run one command on the log; STORE and OTHERS in it are the two folders."""
        folders = {"STORE": str(self.store), "OTHERS": str(self.others)}
        words = [re.sub("STORE|OTHERS", lambda found: folders[found[0]], word) for word in command.split()]
        return self.run({"NO_CHANCE": "1"} if command.startswith("export") else {}, self.log, words)

    def lay_out(self, state: str) -> None:
        """Make a log in that state, and the files of others."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.store.mkdir(parents=True, mode=0o700)
        self.others.mkdir()
        some = files()
        log = {"absent": None, "torn": some.torn, "damaged": some.damaged}.get(state, some.good)
        if log is not None:
            _write(self.log, log)
        if state == "cached":
            _write(self.store / f"{LOG}.cache", some.cache)
        _write(self.others / "people.csv", b"name,email\nNew,new@example.com\nNewer,newer@example.com\n")
        # They belong to this user: a file of another user is refused for its owner alone.
        for name, content in zip(LINKED, (NOTES, b"", some.database, some.other_cache), strict=True):
            _write(self.others / name, content, 0o644)

    def of_others(self) -> dict[str, Any]:
        """All that evcli must neither change nor make."""
        return {path.name: what_is(path, links=False) for path in self.others.iterdir()}


def what_is(path: Path, *, links: bool = True) -> tuple[object, ...]:
    """What is at a path, as its owner sees it: kind, mode, owner, time, and content."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return ()
    if stat.S_ISLNK(found.st_mode):
        return ("link", os.readlink(path), found.st_ino)
    content: object = None
    if stat.S_ISREG(found.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISDIR(found.st_mode) and links:
        content = {each.name: what_is(each) for each in path.iterdir()}
    return found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, content
