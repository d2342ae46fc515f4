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
    """Before the first call of `module.name` for which `when` holds, another process does `do`."""
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


@pytest.mark.parametrize(("mode", "is_refused"), [(0o640, False), (0o666, True)])
def test_a_file_that_appears_while_a_log_is_created_is_treated_as_found(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, is_refused: bool
) -> None:
    def create_first() -> None:
        register(log_path, "bob").execute(creation("Bob"))
        log_path.chmod(mode)

    meanwhile(monkeypatch, os, "open", creates, create_first)
    if is_refused:
        with pytest.raises(CannotOpen, match="world-writable"):
            register(log_path, "ann").execute(creation("Ann"))
    else:
        register(log_path, "ann").execute(creation("Ann"))
    assert read(log_path)[:2] == ("good", 1 if is_refused else 2)
    assert stat.S_IMODE(log_path.stat().st_mode) == mode, "its creator decides who may open it"
