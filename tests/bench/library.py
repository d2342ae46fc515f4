"""Figures of evcli as a library, in this process: what a fold, an audit and a short look cost."""

import io
import os
import sys
from pathlib import Path

import rival_auditchain
import rival_eventsourcing
from bare import parse_only
from ground import Ground
from measuring import Figure, at_most, in_turns, times_the_rate, without_garbage_collection
from rival_eventsourcing import Replayed

from evcli.cli.main import main as run_evcli
from evcli.domain.state import MemoryState
from evcli.kinds.user import KIND
from evcli.log.file.engine import FileLog
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.past import Past


def fold(ground: Ground) -> list[Figure]:
    """Reading every event with every check and building the state in memory, from nothing."""
    events, fewer = ground.sizes.events, ground.sizes.peers_events
    users = rival_eventsourcing.open_users(ground.folder / "replayed.eventsourcing")
    rival_eventsourcing.fill(users, ground.long, fewer)
    os.sync()
    _assert_equal(_folded(ground.long, fewer), Replayed().read(users))
    with without_garbage_collection():
        mine, bare, package = in_turns(
            ground.sizes.rounds,
            lambda: _folded(ground.long, events),
            lambda: parse_only(ground.long),
            lambda: Replayed().read(users),
        )
    users.close()
    targets = {
        "for line in file: orjson.loads(line)": 0.16,
        f"eventsourcing, its notification log of {fewer:,} into plain dictionaries: no checks": 2,
    }
    rates = [events / bare, fewer / package]
    return times_the_rate(f"replay of {events:,} events to a state", targets, events / mine, rates)


def _folded(log: Path, events: int) -> MemoryState:
    """The state after so many events of the log."""
    state = MemoryState()
    with Reader(FileLog(str(log))) as reader:
        replay(reader, state, until=events)
    assert state.number == events  # a figure for less would be a lie
    return state


def _assert_equal(mine: MemoryState, other: Replayed) -> None:
    """A figure for another state would be a lie."""
    users = list(mine.records("user"))
    assert users == list(other.users.values())
    assert {KIND.key(user): user.id for user in users if user.destroyed is None} == other.holders


def audit(ground: Ground) -> list[Figure]:
    """The whole audit of a log, against the audit of a chain of the same events."""
    events = ground.sizes.peers_events
    path = ground.log(events)
    chain = rival_auditchain.open_log(ground.folder / "audited.auditchain.jsonl")
    rival_auditchain.fill(chain, path, events)
    os.sync()

    def mine() -> None:
        with Past(str(path)) as past:
            report = past.verify()
        assert (report.status, report.head.number) == ("good", events), report  # a figure for less would be a lie

    with without_garbage_collection():
        mine_time, other = in_turns(ground.sizes.rounds, mine, lambda: rival_auditchain.verify(chain, events))
    chain.close()
    targets = {"auditchain, JSONL, as many: the chain alone, no rules": 1.5}
    what = f"verify of {events:,} events, in one process"
    return times_the_rate(what, targets, events / mine_time, [events / other])


def bytes_read(ground: Ground) -> list[Figure]:
    """How much of a long log a short look at its end reads, as a share of the file."""
    size = ground.long.stat().st_size
    read = _read_by("log", "--since", ground.late(), "--log", str(ground.long))
    what = "log --since (the last hundredth), bytes read"
    return [Figure(what, "bytes of the file", at_most(0.0125), read / size, f"{read:,} : {size:,}")]


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
