"""Where the cache of a log is: beside it, or in the user's cache folder when its folder is not the user's alone."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

APPLICATION = 0x65766331
"""What SQLite's header says of whose file it is (https://sqlite.org/pragma.html#pragma_application_id)."""


def find_place(log: str, other_folder: Callable[[], str] | None, *, may_create: bool) -> str | None:
    """The path of the cache of the log at that path, where one is, or, with `may_create`, may be made.

    `other_folder` names the folder for caches that cannot stand beside their logs; without it there are none of these.
    None when there is none, or what has its name cannot be relied on: somebody else's file or no cache at all. In a
    folder that others can write in, they could put a journal beside the cache, which SQLite would play back.
    """
    log = os.path.realpath(log)
    if _is_our_own(log):
        return _usable(beside(log), may_create=may_create)
    if other_folder is None:
        return None
    folder = other_folder()
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
    except FileNotFoundError:  # a log that is gone may have left its cache
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
    """Whether SQLite can keep its journal beside that file without writing to, or removing, what is not ours."""
    try:
        return _is_ours_alone(path + "-journal")
    except FileNotFoundError:
        return True


def _is_ours_alone(path: str) -> bool:
    """Whether it is a regular file of the user's, and has no other name: writing it changes nothing else."""
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1


def _is_cache(path: str) -> bool:
    """Whether the file says of itself that it is a cache of evcli's, or is empty."""
    with open(path, "rb") as file:
        header = file.read(72)
    return not header or (header.startswith(b"SQLite format 3\0") and header[68:] == APPLICATION.to_bytes(4, "big"))


def is_there(path: str) -> bool:
    """Whether there is a file with something in it; a link, or a folder, is none."""
    try:
        found = os.lstat(path)
        return stat.S_ISREG(found.st_mode) and found.st_size > 0
    except OSError:
        return False


def create(path: str) -> bool:
    """Make an empty file, its owner's alone; whether one is there now."""
    try:
        if not _has_room_for_a_journal(path):
            return False
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return _is_ours_alone(path)
    except OSError:
        return False
    return True


def forget(log: str, other_folder: Callable[[], str] | None) -> None:
    """Remove the caches of the log at that path, beside it (whosever it is) and of the user's own. Raises OSError."""
    log = os.path.realpath(log)
    places = [beside(log)] + ([] if other_folder is None else [_elsewhere(log, other_folder())])
    for path in places:
        if is_there(path) and _is_cache(path):
            remove(path)


def set_aside(path: str) -> str:
    """Move a faulty cache to a free name beside it, for whoever wants to look; that name. Raises OSError."""
    name, attempt = path + ".faulty", 1
    while os.path.lexists(name):
        attempt += 1
        name = f"{path}.faulty-{attempt}"
    os.rename(path, name)
    with suppress(FileNotFoundError):
        os.unlink(path + "-journal")
    return name


def remove(path: str) -> None:
    """Remove a cache file, with what SQLite may keep beside it. Raises OSError."""
    for name in (path + "-journal", path):
        with suppress(FileNotFoundError):
            os.unlink(name)
