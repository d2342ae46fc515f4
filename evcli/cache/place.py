"""Where the cache of a log is: beside it, or in the user's cache folder when that folder is not ours to write in."""

import os
import stat
from collections.abc import Callable
from hashlib import sha256


def find_place(log: str, other_folder: Callable[[], str] | None, *, may_create: bool) -> str | None:
    """The cache file of the log at that path; with `may_create`, an empty one is made where there is none.

    `other_folder` names the folder for caches that cannot stand beside their logs; without it there are none of these.
    None when there is no cache, or none that is its owner's alone: what others can write cannot be relied on, and what
    others can read must not hold a register.
    """
    log = os.path.realpath(log)
    folder = os.path.dirname(log)
    try:
        is_own_log = os.stat(log).st_uid == os.geteuid()
    except FileNotFoundError:  # its cache may still be there
        is_own_log = True
    except OSError:
        return None
    if is_own_log and os.access(folder, os.W_OK):
        return _usable(log + ".cache", may_create=may_create)
    if other_folder is None:
        return None
    folder = other_folder()
    if may_create:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError:
            return None
    name = sha256(os.fsencode(log)).hexdigest()[:32]
    return _usable(os.path.join(folder, name + ".cache"), may_create=may_create)


def _usable(path: str, *, may_create: bool) -> str | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        if not may_create or not create(path):
            return None
        found = os.lstat(path)
    except OSError:
        return None
    is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return path if is_ours else None


def create(path: str) -> bool:
    """Make an empty cache file, its owner's alone; whether one is there now."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:  # somebody else was faster
        return True
    except OSError:
        return False
    return True


def remove(path: str) -> None:
    """Remove a cache file, with what SQLite may keep beside it. Raises OSError."""
    for name in (path + "-journal", path):
        try:
            os.unlink(name)
        except FileNotFoundError:
            continue
