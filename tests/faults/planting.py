"""What somebody may plant beside a log, under every name that evcli makes or looks for, and what must stay as it is.

A log lies in `store`; what is somebody else's lies in `others`, and a planted link may lead there.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from conftest import Cli, Clock

from evcli.register import history
from faults.common import LOG, OURS, Ended, creation, destruction, environment, register

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
"""Runs evcli for each line, as tearing.py does. With NO_CHANCE set, the name of a temporary file is known before."""

TEMPORARY = ".evcli-" + "0" * 16


class Files(NamedTuple):
    """The contents that worlds are made of."""

    good: bytes
    torn: bytes
    damaged: bytes
    bad_line: int
    """Where the damaged line begins."""
    cache: bytes
    other_cache: bytes
    database: bytes
    """A file of SQLite's that is somebody's, not a cache."""


@cache
def files() -> Files:
    """Logs of a few users in which three ids are destroyed, and what else may lie beside them."""
    with TemporaryDirectory() as folder:
        log, other = Path(folder, LOG), Path(folder, "other.jsonl")
        good = _log(log, "User")
        _log(other, "Other")
        lines = good.splitlines(keepends=True)
        cached, other_cache = cache_of(log), cache_of(other)
        made = sqlite3.connect(Path(folder, "made.db"))
        made.execute("CREATE TABLE notes (text)")
        made.execute("INSERT INTO notes VALUES ('mine')")
        made.commit()
        made.close()
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
        patch.setattr(history, "CACHED_FROM", 1)
        patch.setattr(history, "MOST_BEHIND", 1)
        Cli(log, Clock()).ok("--log", str(log), "state")
    return log.with_name(log.name + ".cache").read_bytes()


STATES: dict[str, Callable[[Files], dict[str, bytes]]] = {
    "good": lambda some: {LOG: some.good},
    "cached": lambda some: {LOG: some.good, LOG + ".cache": some.cache},
    "torn": lambda some: {LOG: some.torn},
    "damaged": lambda some: {LOG: some.damaged},
    "absent": lambda some: {},
}

NAMES = [
    *(LOG + suffix for suffix in (".batch", ".cache", ".cache.new", ".cache-journal", ".cache.new-journal")),
    *(LOG + suffix for suffix in (".torn-END", ".torn-END-2", ".damaged-BAD", ".damaged-BAD-2")),
    *(LOG + suffix for suffix in (".repaired", ".repaired-2")),
    TEMPORARY,
]
"""Every name that evcli makes or looks for beside a log; END and BAD are bytes of the log."""


def path_of(store: Path, name: str) -> Path:
    """Where a planted thing of that name is."""
    some = files()
    return store / name.replace("END", str(len(some.good))).replace("BAD", str(some.bad_line))


# --- what is planted --------------------------------------------------------------------------------------------------


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


def _of_another_user(path: Path, content: bytes) -> None:
    _write(path, content, 0o644)
    os.chown(path, OTHER_USER, OTHER_USER)


def _full_folder(path: Path) -> None:
    path.mkdir()
    _write(path / "kept", b"mine")


Plant = Callable[[Path, Path, Path], object]
"""Plants something at a path, beside a log, with a folder of what is others'."""


def _link(name: str) -> Plant:
    return lambda at, log, others: at.symlink_to(others / name)


def _hard_link(name: str) -> Plant:
    return lambda at, log, others: os.link(others / name, at)


PLANTS: dict[str, Plant] = {
    "link to the log": lambda at, log, others: at.symlink_to(log),
    "hard link to the log": lambda at, log, others: os.link(log, at) if log.exists() else None,
    **{f"link to {name}": _link(name) for name in ("text", "empty", "database", "cache", "nothing")},
    **{f"hard link to {name}": _hard_link(name) for name in ("text", "empty", "database", "cache")},
    "link to a folder": lambda at, log, others: at.symlink_to(others),
    "FIFO": lambda at, log, others: os.mkfifo(at, 0o600),
    "folder": lambda at, log, others: at.mkdir(),
    "full folder": lambda at, log, others: _full_folder(at),
    "text": lambda at, log, others: _write(at, b"somebody's notes\n"),
    "empty file": lambda at, log, others: _write(at, b""),
    "database": lambda at, log, others: _write(at, files().database),
    "cache of another log": lambda at, log, others: _write(at, files().other_cache),
    "broken cache": lambda at, log, others: _write(at, files().cache[:4096] + bytes(4096)),
    "old cache": lambda at, log, others: _write(at, files().cache),
    "batch file": lambda at, log, others: _write(at, b'{"start":100,"end":200,"sha256":"%b"}\n' % (b"0" * 64)),
    "another user's text": lambda at, log, others: _of_another_user(at, b"somebody's notes\n"),
    "another user's empty file": lambda at, log, others: _of_another_user(at, b""),
    "another user's cache": lambda at, log, others: _of_another_user(at, files().cache),
}  # fmt: skip

OWN_CACHES = ("empty file", "cache of another log", "broken cache", "old cache")
"""What evcli may take for a cache of its own under a cache's name, and make anew or remove."""

OWN_FILES = ("text", "database", "batch file")
"""What a build that was killed may have left, as far as evcli can tell, under the names that only a build uses."""


class World:
    """A folder in which a log lies beside what was planted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.others = folder / "others"
        self.log = self.store / LOG

    def lay_out(self, state: str) -> None:
        """Make the log and the files of others anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.store.mkdir(parents=True, mode=0o700)
        self.others.mkdir()
        some = files()
        for name, content in STATES[state](some).items():
            _write(self.store / name, content)
        _write(self.others / "people.csv", b"name,email\nNew,new@example.com\nNewer,newer@example.com\n")
        # Of this very user: another user's are told by their owner alone.
        victims = {"text": b"somebody's notes\n", "empty": b"", "database": some.database, "cache": some.other_cache}
        for name, content in victims.items():
            _write(self.others / name, content, 0o644)

    def of_others(self) -> dict[str, Any]:
        """All that evcli must not change, nor make."""
        return {path.name: what_is(path, links=False) for path in self.others.iterdir()}


def what_is(path: Path, *, links: bool = True) -> tuple[object, ...]:
    """What lies there, as whoever put it there would look at it: kind, mode, owner, time, and content."""
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


class Server:
    """evcli in a process that stays, each command in a fork."""

    def __init__(self, folder: Path) -> None:
        self.out, self.err = folder / "out", folder / "err"
        variables = {**environment(OURS), "PYTHONPATH": f"{OURS}{os.pathsep}{Path(__file__).parents[1]}"}
        variables.pop("EVCLI_CACHE", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, log: Path, words: list[str]) -> Ended:
        """Run one command on that log."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        variables = {"NO_CHANCE": "1"} if words[0] == "export" else {}
        request = [variables, ["--log", str(log), "--json", *words], str(self.out), str(self.err)]
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Ended(int(self.process.stdout.readline()), self.out.read_bytes(), self.err.read_text())

    def end(self) -> None:
        """End the process."""
        self.process.communicate()
