"""Registers for tests, and the most usual intention."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.register import Register
from support.users import CREATED, USER

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def create(name: str, email: str = "", **changes: Any) -> Intention:
    """Create a user with the next id."""
    data = {"name": name, "email": email or f"{name.lower()}@example.com"}
    return Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False)._replace(**changes)


def register_at(
    path: Path,
    ids: str = "other",
    *,
    actor: str = "bob",
    clock: Callable[[], datetime] | None = None,
    makes_folders: bool = False,
) -> Register:
    """A register of its own over the log at `path`; its events have the ids `ids`-1, `ids`-2 and so on."""
    counter = iter(range(1, 1_000_000))
    return Register(
        FileLog(str(path), makes_folders=makes_folders),
        actor=actor,
        clock=clock or (lambda: NOW),
        new_id=lambda: f"{ids}-{next(counter)}",
    )
