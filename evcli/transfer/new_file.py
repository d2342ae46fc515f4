"""Write a file atomically: whole under its name, or not at all.

It is written under a temporary name in the same folder, synced, and only then renamed.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from evcli.cache.location import beside
from evcli.disk import held_signals, sync, sync_folder
from evcli.errors import AlreadyThere, BadInput, NotSynced, NotWritten


class NewFile:
    """An unfinished file: `write` it, `sync` it, then `keep` it."""

    def __init__(self, path: str, temporary: str, file: IO[bytes], may_replace: bool) -> None:
        self.path = path
        self._temporary = temporary
        self._file = file
        self._may_replace = may_replace

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append `pieces`. Raises NotWritten, and whatever the iterator raises."""
        for piece in pieces:
            try:
                self._file.write(piece)
            except OSError as error:
                raise _not_written(self.path, error) from error

    def sync(self) -> None:
        """Make what was written durable. Raises NotWritten."""
        try:
            self._file.flush()
            sync(self._file.fileno())
        except OSError as error:
            raise _not_written(self.path, error) from error

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
            raise _not_written(self.path, error) from error
        try:
            with suppress(PermissionError):  # a folder that is writable but not readable
                sync_folder(os.path.dirname(self.path))
        except OSError as error:
            why = f"it is written, but its folder could not be synced: {error.strerror}"
            raise NotSynced(self.path, why) from error

    def _take_free_name(self) -> None:
        try:
            os.link(self._temporary, self.path)  # unlike a rename, never replaces a file created meanwhile
        except FileExistsError:
            raise _is_there(self.path) from None
        except OSError:  # a file system without hard links
            if os.path.lexists(self.path):
                raise _is_there(self.path) from None
            os.rename(self._temporary, self.path)


@contextmanager
def new_file(path: str, log: str, *, may_replace: bool) -> Iterator[NewFile]:
    """An unfinished file, readable by its owner only, that becomes `path` if it is kept; else nothing is left of it.

    Raises:
        BadInput: the path is empty, or that of the log, its cache or the cache's journal.
        NotWritten: something exists there that may not be replaced, or no file can be created there.
    """
    path = _free(path, log, may_replace)
    temporary = os.path.join(os.path.dirname(path), f".evcli-{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:  # never take over an existing file
        raise _not_written(path, error) from error
    try:
        file = os.fdopen(descriptor, "wb", buffering=1 << 16)
        try:
            yield NewFile(path, temporary, file, may_replace)
        finally:
            with suppress(OSError):  # a full disk, already reported by `write`
                file.close()
    finally:
        with held_signals(), suppress(FileNotFoundError):
            os.unlink(temporary)


def _free(path: str, log: str, may_replace: bool) -> str:
    """The absolute path where the file may be created; for a link that may be replaced, its target."""
    if not path or "\0" in path:
        raise BadInput("FILE is not a valid file name", "give a path, or leave FILE out for stdout")
    for name in (log, beside(log), beside(log) + "-journal"):
        if _are_the_same(path, name):
            raise BadInput(f"{path} is the log itself, or belongs to it; nothing was written", "name another FILE")
    real = os.path.realpath(path)
    if os.path.exists(real) and not os.path.isfile(real):
        what = "a folder" if os.path.isdir(real) else "not a regular file"
        raise NotWritten(f"{path} is {what}; nothing was written", "name a file, or leave FILE out for stdout")
    if not os.path.lexists(path):
        return os.path.abspath(path)
    if not may_replace:
        raise _is_there(path)
    return real


def _are_the_same(path: str, other: str) -> bool:
    with suppress(OSError):
        if os.path.samefile(path, other):
            return True
    return os.path.realpath(path) == os.path.realpath(other)


def _is_there(path: str) -> AlreadyThere:
    return AlreadyThere(path)


def _not_written(path: str, error: OSError) -> NotWritten:
    if isinstance(error, FileNotFoundError):
        return NotWritten(
            f"{path} was not written: there is no folder {os.path.dirname(path)}", "create the folder first"
        )
    return NotWritten(f"{path} was not written: {error.strerror}", "no partial file was left; try another FILE")
