"""The system calls that change or sync the files of a log, watched in this process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Calls:
    """The calls that write to, truncate or sync a file, in order, as `name what`: of the log, a folder, or a copy."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What is to happen before a call, by the call."""
        self.failing: dict[str, int] = {}
        """With which errno a call fails."""
        self.killed_at = -1
        """How many calls are made before the process dies at the next."""
        self._log = log
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            did = f"{name} {self._what(descriptor)}"
            if len(self.made) == self.killed_at:
                os._exit(9)
            self.made.append(did)
            if did in self.before:
                self.before[did]()
            if did in self.failing:
                raise OSError(self.failing[did], os.strerror(self.failing[did]))
            return real(descriptor, *arguments)

        return call

    def _what(self, descriptor: int) -> str:
        found = os.fstat(descriptor)
        known = {"log": self._log, "folder": self._log.parent, "folder above": self._log.parent.parent}
        for what, path in known.items():
            if path.exists() and os.path.samestat(found, path.stat()):
                return what
        return "copy"
