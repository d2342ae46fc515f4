"""Write a file atomically: whole under its name, or not at all.

It is written under a temporary name in the same folder, synced, and only then renamed. A pipe or a device has nothing
to replace: it is written into.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from evcli.cache.location import beside
from evcli.disk import held_signals, make_like, sync, sync_name
from evcli.errors import AlreadyThere, AnswerLost, BadInput, NoFolder, NotSynced, NotWritten
from evcli.log.file.open import heads_of

_TEMPORARY = re.compile(r"\.evcli-[0-9a-f]{16}-([0-9a-f]+)").fullmatch
"""The name of an unfinished export; it ends with the file's inode, which no file of another program does by chance."""
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)").fullmatch


class Stream:
    """An open pipe or device, called `name`."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self._file = file

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write `pieces` into it. Raises AnswerLost, BrokenPipeError, and whatever the iterator raises."""
        for piece in pieces:
            self._put(piece)
        self._put(b"")

    def _put(self, data: bytes) -> None:
        """Write bytes; no bytes flush those before."""
        try:
            if data:
                self._file.write(data)
            else:
                self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise AnswerLost(f"the export could not be written to {self.name}: {error.strerror}") from error


class NewFile:
    """An unfinished file, called `name` in errors: `write` it, `sync` it, then `keep` it."""

    def __init__(self, name: str, path: str, temporary: str, file: IO[bytes], may_replace: bool) -> None:
        self.name, self.path = name, path
        self._temporary = temporary
        self._file = file
        self._may_replace = may_replace

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append `pieces`. Raises NotWritten, and whatever the iterator raises."""
        for piece in pieces:
            try:
                self._file.write(piece)
            except OSError as error:
                raise _not_written(self.name, self.path, error) from error

    def sync(self) -> None:
        """Make what was written durable, with the owner, group and mode of what it replaces. Raises NotWritten."""
        try:
            self._file.flush()
            if self._may_replace:
                with suppress(FileNotFoundError):
                    _make_like(self._file.fileno(), self.path, self.name)
            sync(self._file.fileno())
        except OSError as error:
            raise _not_written(self.name, self.path, error) from error

    def keep(self) -> None:
        """Give the file its name.

        Raises:
            NotWritten: the path is unchanged.
            OutcomeUnknown: the file is in place, but its name may not be durable.
        """
        try:
            if self._may_replace:
                os.replace(self._temporary, self.path)
            else:
                self._take_free_name()
        except OSError as error:
            raise _not_written(self.name, self.path, error) from error
        try:
            sync_name(self.path)
        except OSError as error:
            why = f"it is written, but its folder could not be synced: {error.strerror}"
            raise NotSynced(self.name, why) from error

    def _take_free_name(self) -> None:
        try:
            os.link(self._temporary, self.path)  # unlike a rename, never replaces a file created meanwhile
        except FileExistsError:
            raise AlreadyThere(self.name) from None
        except OSError:  # a file system without hard links
            if os.path.lexists(self.path):
                raise AlreadyThere(self.name) from None
            os.rename(self._temporary, self.path)


def stream_at(path: str, log: str) -> IO[bytes] | None:
    """The pipe or device at `path`, opened to be written into; None where a file is, or may be created.

    `/dev/fd/63`, as a shell writes `>(cat)`, is what this process has open under that number.

    Raises:
        BadInput: it is the log.
        NotWritten: it cannot be opened, or is a FIFO that nobody reads.
    """
    try:
        found, own = os.stat(path), _DESCRIPTOR("/dev/fd/2" if path == "/dev/stderr" else path)
        if own is not None:
            _refuse_the_log(path, log)
            return os.fdopen(os.dup(int(own[1])), "wb")
        if not (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)):
            return None
        # Without O_NONBLOCK, opening a FIFO that nobody reads would wait forever.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise NotWritten(f"{path} has no reader; nothing was written", "start its reader first") from error
        raise _not_written(path, path, error) from error
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


@contextmanager
def new_file(name: str, log: str, *, may_replace: bool) -> Iterator[NewFile]:
    """An unfinished file that becomes `name` if it is kept; else nothing is left of it.

    It is readable by its owner only, or has owner and mode of the file that it replaces.

    Raises:
        BadInput: the name is empty, or that of the log, its cache, the cache's journal or its heads.
        NotWritten: something exists there that may not be replaced, or no file can be created there.
    """
    path = _free(name, log, may_replace)
    _remove_left(os.path.dirname(path))
    try:
        temporary, descriptor = _temporary_file(os.path.dirname(path))
    except OSError as error:
        raise _not_written(name, path, error) from error
    try:
        file = os.fdopen(descriptor, "wb", buffering=1 << 16)
        try:
            yield NewFile(name, path, temporary, file, may_replace)
        finally:
            with suppress(OSError):  # a full disk, already reported by `write`
                file.close()
    finally:
        with held_signals(), suppress(OSError):  # the next export removes it, and this one has said all that counts
            os.unlink(temporary)


def _temporary_file(folder: str) -> tuple[str, int]:
    """The path of a new file in the folder, and its descriptor, locked for as long as this process uses it."""
    first = os.path.join(folder, f".evcli-{os.urandom(8).hex()}")
    # Never take over an existing file.
    descriptor = os.open(first, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # a file system without locks: then nobody can tell that it is unused
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        path = f"{first}-{os.fstat(descriptor).st_ino:x}"
        os.rename(first, path)
    except BaseException:
        os.close(descriptor)
        os.unlink(first)
        raise
    return path, descriptor


def _remove_left(folder: str) -> None:
    """Remove what an export left in the folder when it was killed: people's data under a name that nobody knows."""
    with suppress(OSError):  # a folder that cannot be listed
        for found in filter(None, map(_TEMPORARY, os.listdir(folder))):
            with suppress(OSError):  # its export is at work (BlockingIOError), or it is gone, or another user's
                _remove_unused(os.path.join(folder, found[0]), int(found[1], 16))


def _remove_unused(path: str, inode: int) -> None:
    """Remove the file of that inode if no process has locked it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_ino == inode:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    finally:
        os.close(descriptor)


def _make_like(descriptor: int, path: str, name: str) -> None:
    """Give a file the group and mode of the one at `path` that it replaces, and its owner, or else one of those who may
    write that one, who can make this of it anyway. Raises NotWritten, OSError.
    """
    replaced = os.stat(path)
    has_group = make_like(descriptor, replaced)
    if not has_group or (os.fstat(descriptor).st_uid != replaced.st_uid and not os.access(path, os.W_OK)):
        why = f"{name} has another owner or group, which a new file cannot be given; nothing was written"
        raise NotWritten(why, "name another FILE, or remove this one first")


def _free(path: str, log: str, may_replace: bool) -> str:
    """The absolute path where the file may be created; for a link that may be replaced, its target."""
    if not path or "\0" in path:
        raise BadInput("FILE is not a valid file name", "give a path, or leave FILE out for stdout")
    _refuse_the_log(path, log)
    real = os.path.realpath(path)
    if path.endswith("/") or (os.path.exists(real) and not os.path.isfile(real)):
        what = "a folder" if path.endswith("/") or os.path.isdir(real) else "not a regular file"
        raise NotWritten(f"{path} is {what}; nothing was written", "name a file, or leave FILE out for stdout")
    if not os.path.lexists(path):
        return os.path.abspath(path)
    if not may_replace:
        raise AlreadyThere(path)
    return real


def _refuse_the_log(path: str, log: str) -> None:
    for name in (log, beside(log), beside(log) + "-journal", heads_of(log)):
        if _are_the_same(path, name):
            raise BadInput(f"{path} is the log itself, or belongs to it; nothing was written", "name another FILE")


def _are_the_same(path: str, other: str) -> bool:
    with suppress(OSError):
        if os.path.samefile(path, other):
            return True
    return os.path.realpath(path) == os.path.realpath(other)


def _not_written(name: str, path: str, error: OSError) -> NotWritten:
    if isinstance(error, FileNotFoundError):
        folder = os.path.dirname(path)
        return NoFolder(f"{name} was not written: there is no folder {folder}", folder)
    return NotWritten(f"{name} was not written: {error.strerror}", "no partial file was left; try another FILE")
