"""A list as it is opened and named: its file, the hash of its bytes, and the correlation id of its events."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, NamedTuple

import orjson

from evcli.domain.text import text_fault
from evcli.errors import BadInput, NotWritten
from evcli.log.correlated import correlated
from evcli.log.members import LONGEST_ID
from evcli.register.past import Past
from evcli.transfer.source import CHUNK, Source, unreadable

_PREFIX = "list:"
_DIGITS = 16
"""How many digits of a list's hash are in the correlation id: enough to tell any two lists apart."""
_LONGEST_NAME = LONGEST_ID - len(_PREFIX) - len(":") - _DIGITS
# Within a JSON string, quotes are escaped by a backslash, so only the member itself can match this.
_MEMBER = re.compile(rb'"correlationid":("list:(?:[^"\\]|\\.)*"),').search


class List:
    """An open list."""

    def __init__(self, path: str, file: IO[bytes]) -> None:
        """`file` is a regular file, of which the rest is read."""
        self.name = "stdin" if path == "-" else path
        self.source = Source(self.name, file.fileno())
        self._descriptor, self._start = file.fileno(), os.lseek(file.fileno(), 0, os.SEEK_CUR)
        self._stamp = self._now()
        self.sha256 = self._hash()
        """The hash of its bytes."""

    @property
    def correlation(self) -> str:
        """The correlation id of all events that it leads to: it names the list and its bytes."""
        return f"{_PREFIX}{_cleaned(self.name)}:{self.sha256[:_DIGITS]}"

    @property
    def short_name(self) -> str:
        """Its name without folders, as events can have it."""
        return _cleaned(self.name)

    def check(self) -> None:
        """Raise BadInput if the file was changed since it was opened."""
        if self._now() != self._stamp:
            raise BadInput(f"{self.name} was changed while it was read; nothing was written", "run it again")

    def _now(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns

    def _hash(self) -> str:
        digest, at = sha256(), self._start
        try:
            while data := os.pread(self._descriptor, CHUNK, at):
                digest.update(data)
                at += len(data)
        except OSError as error:
            raise unreadable(self.name, error) from error
        return digest.hexdigest()


@contextmanager
def opened(path: str) -> Iterator[List]:
    """The list at `path`; `-` is standard input. A pipe is read to its end first. Raises BadInput, NotWritten."""
    name = "stdin" if path == "-" else path
    try:
        file: IO[bytes] = open(os.dup(0) if path == "-" else path, "rb", buffering=0)  # noqa: SIM115  # closed below
    except OSError as error:
        raise unreadable(name, error) from error
    except ValueError:
        raise BadInput("the list's name contains NUL, which no file name can") from None
    with file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield List(path, file)
            return
        from tempfile import TemporaryFile

        with TemporaryFile(buffering=0) as copy:
            while data := _read(name, file):
                _write(name, copy, data)
            copy.seek(0)
            yield List(path, copy)


def _read(name: str, file: IO[bytes]) -> bytes:
    try:
        return file.read(CHUNK)
    except OSError as error:
        raise unreadable(name, error) from error


def _write(name: str, copy: IO[bytes], data: bytes) -> None:
    """Write all of it: half a list would end the records of the other half. Raises NotWritten."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[copy.write(rest) :]
    except OSError as error:
        why = f"a copy of {name} could not be kept while it is read: {error.strerror}; nothing was written"
        raise NotWritten(why, "TMPDIR names the folder for such copies") from error


class Meant(NamedTuple):
    """The lists that a path means among those in a log."""

    correlations: frozenset[str]
    """The correlation ids of their events."""
    is_by_name: bool
    """Whether they only have the name of the file at the path, and other bytes."""
    others: list[str]
    """The names of all lists in the log."""


def meant(past: Past, path: str) -> Meant:
    """The list with the bytes of the file at `path`; if there is none, that with this correlation id, or all lists of
    that name. Raises BadInput.
    """
    every = {each: name_in(each) or "" for each in _in_log(past)}
    names = sorted({*every.values()})
    is_file = os.path.isfile(path)
    if is_file:
        with opened(path) as found:
            by_bytes = frozenset(each for each in every if each.endswith(":" + found.sha256[:_DIGITS]))
        if by_bytes:
            return Meant(by_bytes, False, names)
    if path in every:
        return Meant(frozenset((path,)), False, names)
    wanted = "stdin" if path == "-" else _cleaned(path)
    return Meant(frozenset(each for each, name in every.items() if name == wanted), is_file, names)


def name_in(correlation: str) -> str | None:
    """The name of the list that a correlation id names; None if it names none."""
    name, colon, _ = correlation.removeprefix(_PREFIX).rpartition(":")
    return name if correlation.startswith(_PREFIX) and colon else None


def numbers_of(past: Past, correlation: str) -> tuple[int, int] | None:
    """The numbers of the first and the last event of a list; None if it led to none. Lines are not checked."""
    found = [each.number for each in correlated(past.log, correlation, 0)]
    return (found[0], found[-1]) if found else None


def _in_log(past: Past) -> set[str]:
    """The correlation ids of all lists. Lines are searched, not checked: they only tell which events to look for."""
    found = set[bytes]()
    for _, lines in past.log.read():
        for line in lines:
            if b'"correlationid":"list:' in line and (member := _MEMBER(line)):
                found.add(member[1])
    return set(map(orjson.loads, found))


def _cleaned(name: str) -> str:
    """A file's name without folders and without characters that no event can have."""
    base = os.path.basename(name) or "_"
    return "".join("_" if text_fault(character, 1) else character for character in base[:_LONGEST_NAME])
