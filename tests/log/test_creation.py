"""A log is created beside other processes: what they created, wrote or forbade meanwhile stays."""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.common import creation, read, register

from evcli.errors import CannotOpen


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, when: Callable[..., bool], do: Callable[[], object]
) -> None:
    """Before the first call of `module.name` for which `when` holds, somebody else does that."""
    real = getattr(module, name)

    def call(*arguments: Any, **named: Any) -> Any:
        if when(*arguments):
            monkeypatch.setattr(module, name, real)
            do()
        return real(*arguments, **named)

    monkeypatch.setattr(module, name, call)


def creates(path: Any, flags: int, *_: Any) -> bool:
    """Whether this call of os.open creates a log."""
    return bool(flags & os.O_CREAT) and str(path).endswith(".jsonl")


@pytest.mark.case(34)
def test_the_first_events_of_two_creators_are_both_stored(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = register(log_path, "bob")
    meanwhile(monkeypatch, fcntl, "flock", lambda *_: True, lambda: bob.execute(creation("Bob")))
    register(log_path, "ann").execute(creation("Ann"))
    assert read(log_path)[:2] == ("good", 2)


def test_a_log_that_appears_while_one_is_created_is_appended_to(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_first() -> None:
        register(log_path, "bob").execute(creation("Bob"))
        log_path.chmod(0o640)

    meanwhile(monkeypatch, os, "open", creates, create_first)
    register(log_path, "ann").execute(creation("Ann"))
    assert read(log_path)[:2] == ("good", 2)
    assert stat.S_IMODE(log_path.stat().st_mode) == 0o640, "its creator has opened it for a group"


def test_a_file_that_appears_is_checked_like_one_that_was_there(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plant() -> None:
        log_path.touch()
        log_path.chmod(0o666)

    meanwhile(monkeypatch, os, "open", creates, plant)
    with pytest.raises(CannotOpen, match="world-writable"):
        register(log_path).execute(creation("Ann"))
    assert log_path.read_bytes() == b""
    assert stat.S_IMODE(log_path.stat().st_mode) == 0o666
