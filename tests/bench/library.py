"""Figures of evcli as a library, in this process: what a fold, an append and a short look cost."""

import fcntl
import io
import os
import sys
from pathlib import Path
from uuid import UUID

import rival_eventsourcing
import rival_sqlite
from bare import parse_only
from ground import Ground
from measuring import Figure, at_most, in_turns, times_the_rate, without_garbage_collection
from rival_eventsourcing import Replayed, User

from evcli.cli.main import main as run_evcli
from evcli.cli.session import Session
from evcli.domain.state import MemoryState
from evcli.kinds.user import KIND
from evcli.log.file.engine import FileLog
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.decide import Intention


def fold(ground: Ground) -> list[Figure]:
    """Reading every event with every check and building the state in memory, from nothing."""
    events = ground.sizes.events
    what = f"replay of {events:,} events to a state"

    def whole() -> MemoryState:
        state = MemoryState()
        with Reader(FileLog(str(ground.long))) as reader:
            replay(reader, state, until=events)
        assert state.number == events  # a figure for less would be a lie
        return state

    users = rival_eventsourcing.open_users(ground.folder / "replayed.eventsourcing")
    rival_eventsourcing.fill(users, ground.long, events)
    os.sync()

    def package() -> Replayed:
        return Replayed().read(users)

    _assert_equal(whole(), package(), rival_eventsourcing.aggregates(users))
    with without_garbage_collection():
        times = in_turns(
            ground.sizes.rounds,
            whole,
            lambda: parse_only(ground.long),
            lambda: rival_eventsourcing.aggregates(users),
            package,
        )
    users.close()
    targets = {
        "for line in file: orjson.loads(line)": 0.15,
        "eventsourcing, reading its notification log into aggregates": 2,
        "eventsourcing, the same into plain dictionaries": 2,
    }
    rate, *rates = (events / time for time in times)
    return times_the_rate(what, targets, rate, rates)


def _assert_equal(mine: MemoryState, other: Replayed, aggregates: dict[UUID, User]) -> None:
    """A figure for another state would be a lie."""
    users = list(mine.records("user"))
    assert users == list(other.users.values())
    assert {KIND.key(user): user.id for user in users if user.destroyed is None} == other.holders
    theirs = [(user.number, user.name, user.email, user.is_destroyed) for user in aggregates.values()]
    assert [(user.id, user.name, user.email, user.destroyed is not None) for user in users] == theirs


def append(ground: Ground) -> list[Figure]:
    """One event after another, each decided on, made durable and answered for before the next, on the long log."""
    sizes = ground.sizes
    session = Session()
    session.set("log", str(ground.long))
    register = session.register

    def whole() -> None:
        for _ in range(sizes.appends):
            data = {"name": "Ada Lovelace", "email": ground.email()}
            about = lambda state: state.last_id("user") + 1  # noqa: E731  # an intention as the command line makes it
            register.execute(Intention("user.created", data, about, finds=False))

    whole()  # the first event also brings the register up to the head
    with ground.long.open("rb") as file:
        file.seek(-4096, os.SEEK_END)
        line = file.read().splitlines(keepends=True)[-1]
    descriptor = os.open(ground.folder / "bare.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    connection = rival_sqlite.connect(ground.folder / "appended.sqlite3", wal=True)

    def bare() -> None:
        for _ in range(sizes.appends):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, line)
            os.fsync(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def sqlite() -> None:
        for _ in range(sizes.appends):
            rival_sqlite.insert(connection, "Ada Lovelace", ground.email())

    database = ground.folder / "appended.eventsourcing"
    users, numbers = rival_eventsourcing.open_users(database), iter(range(1, 1_000_000))

    def package() -> None:
        for _ in range(sizes.appends):
            users.save(User(next(numbers), "Ada Lovelace", ground.email()))

    in_turns(1, bare, sqlite, package)  # so that every file is there, and begun
    times = in_turns(sizes.append_rounds, whole, bare, sqlite, package)
    os.close(descriptor)
    connection.close()
    users.close()
    targets = {
        "flock + write + fsync of such a line": 0.5,
        "sqlite3, WAL, synchronous=FULL": 0.65,
        f"eventsourcing, SQLite ({rival_eventsourcing.durability(database)})": 2,
    }
    rate, *rates = (sizes.appends / time for time in times)
    return times_the_rate("one synced append after another, as a library", targets, rate, rates)


def bytes_read(ground: Ground) -> list[Figure]:
    """How much of a long log two short looks at it read, as a share of the file."""
    size = ground.long.stat().st_size
    looks = {
        "log -n 20, bytes read": (0.01, ("-n", "20")),
        "log --since (the last hundredth), bytes read": (0.02, ("--since", ground.late)),
    }
    figures = []
    for what, (target, words) in looks.items():
        read = _read_by("log", *words, "--log", str(ground.long))
        figures.append(Figure(what, "bytes of the file", at_most(target), read / size, f"{read:,} : {size:,}"))
    return figures


def _read_by(*words: str) -> int:
    """How many bytes the operating system hands to `evcli WORDS`, run in this process, whichever way it reads."""
    streams = sys.stdout, sys.stderr
    try:
        for _ in range(2):  # the first time, modules are read too
            sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
            before = _handed_over()
            code = run_evcli(words)
            after = _handed_over()
    finally:
        sys.stdout, sys.stderr = streams
    assert code == 0, words  # a figure for a command that failed would be a lie
    return after - before


def _handed_over() -> int:
    """How many bytes this process has read so far; Linux counts them."""
    try:
        return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])
    except FileNotFoundError:
        return 0
