"""A cache with one changed bit never decides what is written: each event is that of the fold of the log."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

import pytest
from support.caches import cache_every_log
from support.logs import reading
from support.users import EMAIL_CHANGED, RENAMED, RESTORED, find_user

from evcli.cache import build as intake
from evcli.cache.database import connect
from evcli.domain.state import State
from evcli.errors import EvcliError
from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.register import Register
from evcli.register.verify import audit
from faults.common import creation, destruction, register, told
from faults.conftest import Figures

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def about(who: str, type: str, data: dict[str, str], *, destroyed_first: bool = False) -> Intention:
    def find(state: State) -> int:
        return find_user(state, who, destroyed_first=destroyed_first).id

    return Intention(type, data, about=find)


class Try(NamedTuple):
    """A command: what is wanted, and the id that its event is given."""

    intentions: list[Intention]
    id: str | None = None


TRIES = [
    Try([creation("Newcomer")]),
    Try([creation("User3")]),  # whose e-mail is taken
    Try([Intention("user.created", {"name": "Back", "email": "user1@example.com"}, creation("x").about, finds=False)]),
    Try([about("2", RENAMED, {"name": "Second"})]),
    Try([about("user4", RENAMED, {"name": "Fourth"})]),
    Try([about("twin", RENAMED, {"name": "Which one"})]),  # two are called so
    Try([about("user5@example.com", EMAIL_CHANGED, {"email": "USER6@example.com"})]),
    Try([about("nobody@example.com", EMAIL_CHANGED, {"email": "nobody2@example.com"})]),
    Try([destruction(3, "gone"), destruction(4, "gone")]),
    Try([destruction(1, "gone")]),  # who is destroyed
    Try([about("user1@example.com", RESTORED, {}, destroyed_first=True)]),
    Try([creation("Newcomer")], id="event-5"),  # which another event has
    Try([creation("Newcomer")], id="new"),
    Try([creation("Newcomer"), creation("Another"), creation("newcomer")]),
]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every log has a cache, in small pages, so that it is no larger than it must be."""

    def small(path: str, timeout: float) -> Connection:
        db = connect(path, timeout)
        db.execute("PRAGMA page_size = 512")
        return db

    cache_every_log(monkeypatch)
    monkeypatch.setattr(intake, "connect", small)


@pytest.fixture
def log(tmp_path: Path, always: None) -> Path:
    """A log of eight users whose cache is small enough to change each of its bits."""
    path = tmp_path / "store" / "events.jsonl"
    one = register(path)
    for number in range(1, 9):
        one.execute(creation(f"User{number}"))
    one.execute(about("7", RENAMED, {"name": "Twin"}))
    one.execute(about("8", RENAMED, {"name": "twin"}))
    one.execute(about("6", EMAIL_CHANGED, {"email": "six@example.com"}))
    one.execute(destruction(1, "gone"))
    return path


def outcome(path: Path, wanted: Try, history: History) -> tuple[str, bytes]:
    """The error that a command ends with, if it does, and what it adds to the log."""
    before = path.read_bytes()
    ids: Iterator[str] = map("later-{}".format, range(1, 100))
    one = Register(FileLog(str(path)), actor="ann", clock=lambda: NOW, new_id=lambda: next(ids), history=history)
    code = ""
    try:
        one.execute(*wanted.intentions, id=wanted.id)
    except EvcliError as error:
        code = f"{error.code}: {error.message}"
    if history._cache is not None:
        history._cache.close()
    added = path.read_bytes()[len(before) :]
    path.write_bytes(before)
    return code, added


def complaints_about(path: Path, begin: int, step: int, *, finds: bool = True) -> tuple[int, list[str]]:
    """How many bits of the cache were changed, every `step`th from `begin` on, and what went wrong.

    Unless it `finds`, words are not filled in yet.
    """
    with reading(path) as reader:
        history = History()
        history.cache(reader, finds=finds)
        history.find_ids(reader, "event-5", exact=True)
    cache = Path(f"{path}.cache")
    whole = cache.read_bytes()
    good = [outcome(path, wanted, History(uses_cache=False)) for wanted in TRIES]
    assert len({added for _, added in good if added}) == 8, "some of them write, and some are refused"
    complaints = []
    places = range(begin, 8 * len(whole), step)
    for at, number in zip(places, cycle(range(len(TRIES))), strict=False):
        byte, bit = divmod(at, 8)
        cache.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1 << bit]) + whole[byte + 1 :])
        cache.chmod(0o600)  # one that others may read is not used
        warnings: list[str] = []
        found = outcome(path, TRIES[number], History(warn=warnings.append))
        if found != good[number]:
            complaints.append(f"bit {bit} of byte {byte}, command {number}: {found} and not {good[number]}")
        if len(warnings) > 1:
            complaints.append(f"bit {bit} of byte {byte}, command {number}: {warnings}")
        for faulty in path.parent.glob("*.faulty*"):
            faulty.unlink()
    return len(places), complaints


def test_a_changed_bit_of_the_cache_changes_no_event(log: Path) -> None:
    _, complaints = complaints_about(log, begin=0, step=487)
    assert not complaints, told(complaints)


def test_a_changed_bit_changes_no_event_before_words_are_filled_in(log: Path) -> None:
    _, complaints = complaints_about(log, begin=0, step=487, finds=False)
    assert not complaints, told(complaints)


@pytest.mark.sweep
@pytest.mark.parametrize("begin", range(8))
def test_no_changed_bit_of_the_cache_changes_an_event(log: Path, begin: int, figures: Figures) -> None:
    for finds in (True, False):
        Path(f"{log}.cache").unlink(missing_ok=True)
        number, complaints = complaints_about(log, begin, step=8, finds=finds)
        figures.count("bits of caches flipped", number)
        assert not complaints, told(complaints)


def test_a_faulty_cache_is_set_aside_once_and_made_anew(log: Path) -> None:
    cache = Path(f"{log}.cache")
    with reading(log) as reader:
        History().at(reader)
    spoilt = cache.read_bytes().replace(b"User3", b"User9")
    cache.write_bytes(spoilt)
    warnings: list[str] = []
    code, _ = outcome(log, TRIES[8], History(warn=warnings.append))
    assert code == ""
    assert len(warnings) == 1
    assert f"{cache}.faulty" in warnings[0]
    assert Path(f"{cache}.faulty").read_bytes() == spoilt
    with reading(log) as reader:
        History().at(reader)
        assert audit(reader).status == "good"
    assert cache.exists()
    assert outcome(log, TRIES[0], History(warn=warnings.append))[0] == ""
    assert len(warnings) == 1
