"""Figures of one append after another, in this process, each decided on and answered for before the next."""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import generate
import rival_auditchain
import rival_eventsourcing
import rival_sqlite
from ground import Ground
from measuring import Bound, Figure, in_turns, times_the_rate
from rival_auditchain import Entry
from rival_eventsourcing import User

from evcli.cli.session import Session
from evcli.register.decide import Intention

WHAT = "one synced append after another, as a library"
NAME = "Ada Lovelace"
MEMORY = Path("/dev/shm")
OWN_EVENTS = 50_000
"""The log in memory has at most this many events: enough for a cache, and little memory."""

Action = Callable[[], None]


def append(ground: Ground) -> list[Figure]:
    """Each append on the long log made durable before the next, against the least that this takes, and peers."""
    with ExitStack() as opened:
        mine = opened.enter_context(_evcli(ground, ground.long))
        mine()  # the first event also brings the register up to the head
        peers = {against: opened.enter_context(begun(ground)) for against, _, begun in PEERS}
        in_turns(1, *peers.values())  # so that every file is there, and begun
        mine_time, *times = in_turns(ground.sizes.append_rounds, mine, *peers.values())
    targets = {against: target for against, target, _ in PEERS}
    rate, *rates = (ground.sizes.appends / time for time in (mine_time, *times))
    return times_the_rate(WHAT, targets, rate, rates)


def own_time(ground: Ground) -> list[Figure]:
    """What the process itself takes for an append: its processor time, without the sync and the write."""
    appends = ground.sizes.appends
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else ground.folder, prefix="evcli-bench-") as folder:
        log = Path(folder) / "log.jsonl"
        generate.write(log, min(ground.sizes.events, OWN_EVENTS))
        with _evcli(ground, log) as mine, _opened(Path(folder) / "written") as descriptor, _without_syncs():
            mine()
            line = _last_line(log)

            def write() -> None:
                for _ in range(appends):
                    os.write(descriptor, line)

            mine_time, write_time = in_turns(ground.sizes.append_rounds, mine, write, clock=time.process_time)
    own, written = ((mine_time - write_time) / appends * 1e6, write_time / appends * 1e6)
    where = f"a sync that does nothing, a file in {Path(folder).parent}, its write subtracted"
    medians = f"{own + written:.1f} µs − {written:.1f} µs"
    return [Figure(f"{WHAT}: processor time", where, Bound("≤", 60, " µs"), own, medians)]


@contextmanager
def _evcli(ground: Ground, log: Path) -> Iterator[Action]:
    """The register as the command line builds it."""
    session = Session()
    session.set("log", str(log))
    register = session.register

    def append() -> None:
        for _ in range(ground.sizes.appends):
            data = {"name": NAME, "email": ground.email()}
            about = lambda state: state.last_id("user") + 1  # noqa: E731  # an intention as the command line makes it
            register.execute(Intention("user.created", data, about, finds=False))

    yield append
    register.log.close()


@contextmanager
def _without_syncs() -> Iterator[None]:
    """Let every sync that Python makes do nothing; in memory, those of SQLite take no time."""
    with patch.object(os, "fsync", lambda _: None), patch.object(os, "fdatasync", lambda _: None, create=True):
        yield


def _last_line(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(-4096, os.SEEK_END)
        return file.read().splitlines(keepends=True)[-1]


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    yield descriptor
    os.close(descriptor)


# --- what it is measured against --------------------------------------------------------------------------------------


@contextmanager
def _bare(ground: Ground) -> Iterator[Action]:
    line = _last_line(ground.long)
    with _opened(ground.folder / "bare.jsonl") as descriptor:

        def append() -> None:
            for _ in range(ground.sizes.appends):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                os.write(descriptor, line)
                os.fsync(descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_UN)

        yield append


@contextmanager
def _sqlite(ground: Ground) -> Iterator[Action]:
    connection = rival_sqlite.connect(ground.folder / "appended.sqlite3", wal=True)

    def append() -> None:
        for _ in range(ground.sizes.appends):
            rival_sqlite.insert(connection, NAME, ground.email())

    yield append
    connection.close()


@contextmanager
def _eventsourcing(ground: Ground) -> Iterator[Action]:
    path = ground.folder / "appended.eventsourcing"
    users, numbers = rival_eventsourcing.open_users(path), iter(range(1, 1_000_000))
    assert rival_eventsourcing.durability(path) == "journal_mode=wal, synchronous=FULL"

    def append() -> None:
        for _ in range(ground.sizes.appends):
            users.save(User(next(numbers), NAME, ground.email()))

    yield append
    users.close()


def _entry(ground: Ground) -> Entry:
    return "bench", "user.created", "user/1", {"name": NAME, "email": ground.email()}


@contextmanager
def _auditchain(ground: Ground) -> Iterator[Action]:
    log = rival_auditchain.open_log(ground.folder / "appended.auditchain.jsonl")

    def append() -> None:
        for _ in range(ground.sizes.appends):
            rival_auditchain.append(log, _entry(ground))

    yield append
    log.close()


@contextmanager
def _auditchain_in_a_loop(ground: Ground) -> Iterator[Action]:
    with asyncio.Runner() as loop:
        log = loop.run(rival_auditchain.open_in_a_loop(ground.folder / "looped.auditchain.jsonl"))
        times = ground.sizes.appends
        yield lambda: loop.run(rival_auditchain.append_in_a_loop(log, times, lambda: _entry(ground)))
        loop.run(log.close())


PEERS = (
    ("flock + write + fsync of such a line", 0.5, _bare),
    ("sqlite3, WAL, synchronous=FULL: no history", 0.65, _sqlite),
    ("eventsourcing, SQLite, WAL, synchronous=FULL: no rules", 1.0, _eventsourcing),
    ("auditchain, JSONL: no sync, no rules", 2.5, _auditchain),
    ("auditchain in an event loop: no sync, no rules", None, _auditchain_in_a_loop),
)
"""Of each, what it is and leaves out, how many times its rate evcli's should be, and how it is opened."""
