"""The cache of a register that appends again and again: it follows in large steps, and is left useful."""

from pathlib import Path

import pytest
from support.caches import cache_every_log
from support.logs import replace
from support.registers import create

from evcli.cache.cache import last_known
from evcli.log.file.engine import FileLog
from evcli.register import register as module
from evcli.register.history import History
from evcli.register.register import Register


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every log has a cache, and is long; three of the events here are more than the lag that is allowed."""
    cache_every_log(monkeypatch)
    monkeypatch.setattr(module, "OWN_BEHIND", 800)


def names(register: Register, *names: str) -> None:
    for name in names:
        register.execute(create(name))


def known(log: Path) -> int:
    """How many events the log's cache knows."""
    found = last_known(f"{log}.cache")
    return found[0] if found else 0


def test_a_cache_follows_its_registers_own_appends_in_large_steps(log_path: Path) -> None:
    register = Register(FileLog(str(log_path)), actor="ann")
    steps = []
    for name in ("Ada", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal"):
        names(register, name)
        steps.append(known(log_path) if Path(f"{log_path}.cache").exists() else 0)
    assert steps == [0, 0, 0, 3, 3, 3, 6, 6]
    assert [user.name for user in register.state.records("user")][-1] == "Hal"


def test_a_closed_register_leaves_a_cache_that_knows_its_events(log_path: Path) -> None:
    with Register(FileLog(str(log_path)), actor="ann") as register:
        names(register, "Ada", "Bob")
    assert known(log_path) == 2
    names(register, "Cleo")  # it opens the log again
    register.close()
    register.close()
    assert known(log_path) == 3


def test_a_register_that_appended_nothing_leaves_the_cache_as_it_is(log_path: Path) -> None:
    names(Register(FileLog(str(log_path)), actor="ann"), "Ada")
    with Register(FileLog(str(log_path)), actor="bob") as register:
        assert register.history.uses_cache
        register.execute(create("Bob"), dry_run=True)
    was = known(log_path)
    names(Register(FileLog(str(log_path)), actor="ann"), "Cleo")
    register.close()
    assert known(log_path) == was == 1


def test_little_that_was_appended_is_left_to_the_next_command(log_path: Path) -> None:
    history = History()
    history.most_behind = 800
    with Register(FileLog(str(log_path)), actor="ann", history=history) as register:
        names(register, "Ada", "Bob")
    assert not Path(f"{log_path}.cache").exists()


@pytest.mark.parametrize("end", [b"", b"junk\n"], ids=["emptied", "another file"])
def test_closing_a_register_whose_log_was_spoiled_raises_nothing(log_path: Path, end: bytes) -> None:
    with Register(FileLog(str(log_path)), actor="ann") as register:
        names(register, "Ada", "Bob")
        replace(log_path, end)
    log_path.unlink()
    register.close()
