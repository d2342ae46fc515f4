"""Two kinds beside users, in a table that a test hands in: the program has not one line about them."""

from collections.abc import Iterator

import pytest
from support.kinds import beside_users

from evcli import kinds

PAGES = {"bike": "kinds.bike", "entry": "kinds.entry"}


@pytest.fixture(autouse=True)
def three_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from beside_users(monkeypatch, PAGES)


@pytest.fixture
def desks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Desks, too: their fields may be missing, and some are set by several types of event."""
    monkeypatch.setitem(kinds.MODULES, "desk", "kinds.desk")
    yield
    kinds.KINDS.pop("desk", None)
    for name in [name for name in kinds.TYPES if name.startswith("desk.")]:
        del kinds.TYPES[name]
