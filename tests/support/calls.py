"""The system calls that change or sync the files of a log, watched in this process."""

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evcli.log.file.writer import LogWriter


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


class Calls:
    """The calls that change or sync a file, in order, as `name what`: the log, a folder, the new log, or a copy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path, *more: str) -> None:
        """Watch writes, syncs and truncations; `more` names other functions of os."""
        self.made: list[str] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What is to happen before a call, by the call."""
        self.failing: dict[str, int] = {}
        """With which errno a call fails."""
        self.failing_at: dict[int, int] = {}
        """The same, by how many calls are made before it."""
        self.instead: dict[str, Callable[..., Any]] = {}
        """What is done instead of a call; it is given the real one and the arguments."""
        self.killed_at = -1
        """How many calls are made before the process dies at the next."""
        self._log = log
        if sys.platform == "darwin":  # where a sync is another call, and this one when that is refused
            monkeypatch.setattr(fcntl, "fcntl", _refuse)
        for name in ("write", "fsync", "ftruncate", *more):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def fail(self, call: str, error: int, *, after: str = "", once: bool = False) -> None:
        """Let the call fail: each time, or from the first one after another call, or only that one."""

        def failing(real: Callable[..., Any], *arguments: Any) -> Any:
            if after and after not in self.made:
                return real(*arguments)
            if once:
                del self.instead[call]
            raise OSError(error, os.strerror(error))

        self.instead[call] = failing

    def mend(self) -> None:
        """Let every call succeed again, and forget those that were made."""
        self.instead.clear()
        self.made.clear()

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *arguments: Any) -> Any:
            did = f"{name} {self._what(file)}"
            if len(self.made) == self.killed_at:
                os._exit(9)
            error = self.failing_at.get(len(self.made))
            self.made.append(did)
            if did in self.before:
                self.before[did]()
            if error := error or self.failing.get(did):
                raise OSError(error, os.strerror(error))
            if did in self.instead:
                return self.instead[did](real, file, *arguments)
            return real(file, *arguments)

        return call

    def _what(self, file: Any) -> str:
        found = os.stat(file)
        known = {
            "log": self._log,
            "new": self._log.with_name(f"{self._log.name}.repaired"),
            "folder": self._log.parent,
            "folder above": self._log.parent.parent,
        }
        for what, path in known.items():
            if path.exists() and os.path.samestat(found, path.stat()):
                return what
        return "copy"


class Meter:
    """Counts the bytes that are read from files, by whichever module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = 0
        pread = os.pread

        def counting(descriptor: int, length: int, offset: int) -> bytes:
            found = pread(descriptor, length, offset)
            self.read += len(found)
            return found

        def refuse(*_: object) -> bytes:
            raise AssertionError("a file is read by other means than os.pread: these bytes would not be counted")

        monkeypatch.setattr(os, "pread", counting)
        monkeypatch.setattr(os, "read", refuse)


def signal_after_each_append(patch: pytest.MonkeyPatch, number: int) -> None:
    """Let a signal arrive right after each append of this process."""
    append = LogWriter.append

    def interrupted(writer: LogWriter, lines: bytes, first: int) -> None:
        append(writer, lines, first)
        signal.raise_signal(number)

    patch.setattr(LogWriter, "append", interrupted)
