"""Where the cache of a log is: beside it, or in the user's cache folder if others can write in the log's folder."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from evcli.errors import Damaged
from evcli.log import Log
from evcli.log.digest import sha256

APPLICATION = 0x65766331
"""The application id in SQLite's header (https://sqlite.org/pragma.html#pragma_application_id)."""


def find_place(log: str, other_folder: Callable[[], str | None] | None, *, may_create: bool) -> str | None:
    """The path of the log's cache, if it exists or, with `may_create`, can be created.

    `other_folder` returns the folder for caches that cannot be beside their logs; without one, there are none of these.
    None if there is no cache, or the file of its name is not trusted: somebody else's, or not a cache. In a folder
    where others can write, they could put a journal beside the cache, which SQLite would play back.
    """
    log = os.path.realpath(log)
    if _is_our_own(log):
        return _usable(beside(log), may_create=may_create)
    folder = other_folder and other_folder()
    if folder is None:
        return None
    if may_create:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError:
            return None
    if not _is_nobody_elses(folder):
        return None
    return _usable(_elsewhere(log, folder), may_create=may_create)


def beside(log: str) -> str:
    """The path of a cache beside its log."""
    return os.path.realpath(log) + ".cache"


def _elsewhere(log: str, folder: str) -> str:
    return os.path.join(folder, sha256(os.fsencode(log)).hexdigest()[:32] + ".cache")


def _is_our_own(log: str) -> bool:
    """Whether the log and its folder are the user's, and only the user can write in the folder."""
    folder = os.path.dirname(log)
    try:
        found = os.stat(folder)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022 or not os.access(folder, os.W_OK):
            return False
        return os.stat(log).st_uid == os.geteuid()
    except FileNotFoundError:  # a removed log may have left its cache
        return True
    except OSError:
        return False


def _is_nobody_elses(folder: str) -> bool:
    """Whether it is a folder, not a link to one, that the user owns and only the user can write in."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _usable(path: str, *, may_create: bool) -> str | None:
    try:
        if not _has_room_for_a_journal(path):
            return None
        return path if _is_ours_alone(path) and not os.lstat(path).st_mode & 0o077 and _is_cache(path) else None
    except FileNotFoundError:
        return path if may_create else None
    except OSError:
        return None


def _has_room_for_a_journal(path: str) -> bool:
    """Whether SQLite can keep its journal beside that file without writing or removing a file that is not ours."""
    try:
        return _is_ours_alone(path + "-journal")
    except FileNotFoundError:
        return True


def _is_ours_alone(path: str) -> bool:
    """Whether it is a regular file of the user's with no other hard link, so that writing it changes nothing else."""
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1


def _is_cache(path: str) -> bool:
    """Whether the file's header marks it as a cache of evcli, or the file is empty."""
    with open(path, "rb") as file:
        header = file.read(72)
    return not header or (header.startswith(b"SQLite format 3\0") and header[68:] == APPLICATION.to_bytes(4, "big"))


class Claim(NamedTuple):
    """What the header of a cache claims of the last event that the cache knows. It proves nothing."""

    place: int
    """The low 32 bits of the byte after the event."""
    check: bytes
    """The first 8 of the 64 hex digits of its hash."""

    def is_kept(self, log: Log) -> bool:
        """Whether the log still has that event: then the cache knows of none that the log has lost."""
        place = log.end - (log.end - self.place) % (1 << 32)
        if place <= 0:
            return False
        try:
            found = log.seek(lambda position: True, place)
        except Damaged:
            return False
        return found.place == place and found.sha256.startswith(self.check)


def claim_of(path: str) -> Claim:
    """What the header of the cache at `path` claims, read without SQLite: loading that takes longer than most commands.

    The header has two numbers that SQLite keeps for its users and commits with the tables: the user version and the
    schema version (https://sqlite.org/fileformat2.html#the_database_header).
    """
    try:
        with open(path, "rb") as file:
            header = file.read(64)
    except OSError:
        header = b""
    return Claim(int.from_bytes(header[60:64], "big"), header[40:44].hex().encode())


def is_there(path: str) -> bool:
    """Whether there is a non-empty regular file; links and folders do not count."""
    try:
        found = os.lstat(path)
        return stat.S_ISREG(found.st_mode) and found.st_size > 0
    except OSError:
        return False


def create(path: str) -> bool:
    """Create an empty file, accessible to its owner only; return whether it exists now."""
    try:
        if not _has_room_for_a_journal(path):
            return False
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return _is_ours_alone(path)
    except OSError:
        return False
    return True


def forget(log: str, other_folder: Callable[[], str | None] | None) -> None:
    """Remove the log's caches: the one beside it, whoever owns it, and the one in `other_folder`. Raises OSError.

    One that may not be read stays: it is another user's, and is not used while others can write in the folder.
    """
    log = os.path.realpath(log)
    folder = other_folder and other_folder()
    places = [beside(log)] + ([] if folder is None else [_elsewhere(log, folder)])
    for path in places:
        if is_there(path) and os.access(path, os.R_OK) and _is_cache(path):
            remove(path)


def copy_of_a_repair(log: str) -> str:
    """The newest copy that a repair kept of a damaged log, perhaps another user's repair; "" if there is none."""
    folder, name = os.path.split(os.path.realpath(log))
    with suppress(OSError):
        copies = [os.path.join(folder, each) for each in os.listdir(folder) if each.startswith(f"{name}.damaged-")]
        return max(copies, key=lambda path: os.lstat(path).st_mtime_ns, default="")
    return ""


def set_aside(path: str) -> str:
    """Move a faulty cache to a free name beside it, for inspection; return that name. Raises OSError."""
    name, attempt = path + ".faulty", 1
    while os.path.lexists(name):
        attempt += 1
        name = f"{path}.faulty-{attempt}"
    os.rename(path, name)
    with suppress(FileNotFoundError):
        os.unlink(path + "-journal")
    return name


def remove(path: str) -> None:
    """Remove a cache file and SQLite's journal beside it. Raises OSError."""
    for name in (path + "-journal", path):
        with suppress(FileNotFoundError):
            os.unlink(name)
