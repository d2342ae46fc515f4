"""Figures of whole commands, from the start of the process to its end, as people wait for them."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import rival_eventsourcing
import rival_sqlite
from bare import parse_and_hash, parse_only
from ground import IMPORTS, PYTHON, Ground, cache_files
from measuring import (
    Figure,
    at_most,
    in_turns,
    peak,
    run,
    seconds,
    times_as_long,
    times_the_rate,
    without_garbage_collection,
)

HERE = Path(__file__).parent
AT_ONCE = 1000
"""Users in one save of the eventsourcing package: about as many as evcli syncs at once."""


def start_up(ground: Ground) -> list[Figure]:
    """Commands on a small log, against a process that only imports what evcli needs."""
    appended = ground.copy_of_short("started")
    reads = ("user show 1", "head", "log -n 5 --json")
    actions: list[Callable[[], object]] = [
        ground.imports,
        lambda: run(*ground.create(appended)),
        *(partial(run, *ground.evcli(ground.short, *words.split())) for words in reads),
    ]
    in_turns(ground.sizes.warm_ups, *actions)  # so that all files are in memory
    imported, *times = in_turns(ground.sizes.starts, *actions)
    return [
        times_as_long(f"{words} on {ground.sizes.few} events", IMPORTS, at_most(0.8), mine, imported)
        for words, mine in zip(("user create", *reads), times, strict=True)
    ]


def cache(ground: Ground) -> list[Figure]:
    """Building the cache: a command that needs it, when it is not there, against only parsing every line."""
    peaks: list[int] = []

    def build() -> None:
        for file in cache_files(ground.long):
            file.unlink()
        peaks.append(peak(ground.evcli(ground.long, "user", "show", "1")))

    with without_garbage_collection():
        build_time, bare_time = in_turns(ground.sizes.rounds, build, lambda: parse_only(ground.long))
    assert cache_files(ground.long)  # a figure for no cache would be a lie
    events = ground.sizes.events
    what, against = f"building the cache from {events:,} events", "for line in file: orjson.loads(line)"
    return [
        *times_the_rate(what, {against: 0.12}, events / build_time, [events / bare_time]),
        Figure(f"{what}, peak memory", "", at_most(150, " MB"), max(peaks) / 1e6, "the most of all rounds"),
    ]


def imports(ground: Ground) -> list[Figure]:
    """Importing users from a CSV file into a new log, against importing the same file into a new database."""
    sizes, people = ground.sizes, str(ground.people)
    targets = {
        "sqlite3, one transaction, unique e-mails: no history": 0.3,
        f"eventsourcing, SQLite, {AT_ONCE:,} users a save: no rules": 15,
    }

    def mine() -> None:
        log = _new(ground, "imported.jsonl")
        run(*ground.evcli(log, "import", people))
        with log.open("rb") as file:
            assert sum(1 for _ in file) == sizes.users

    def sqlite() -> None:
        database = _new(ground, "imported.sqlite3")
        run(PYTHON, str(HERE / "rival_sqlite.py"), people, str(database))
        assert rival_sqlite.count(database) == sizes.users

    def eventsourcing() -> None:
        database = _new(ground, "imported.eventsourcing")
        run(PYTHON, str(HERE / "rival_eventsourcing.py"), people, str(database), str(AT_ONCE))
        assert rival_eventsourcing.count(database) == sizes.users

    in_turns(1, mine, sqlite)
    mine_time, *others = in_turns(sizes.rounds, mine, sqlite, eventsourcing)
    what = f"import of {sizes.users:,} users"
    return times_the_rate(what, targets, sizes.users / mine_time, [sizes.users / time for time in others])


def syncs(ground: Ground) -> list[Figure]:
    """Syncing a list that asks for an event in every hundred rows, against importing as many users."""
    sizes, base = ground.sizes, _new(ground, "base.jsonl")
    run(*ground.evcli(base, "import", str(ground.people)))
    header, *people = ground.people.read_text(encoding="utf-8").splitlines()
    run(*ground.evcli(base, "user", "show", people[-1].rpartition(",")[2]))  # so that the cache is there
    renamed, replaced = range(0, len(people), 300), range(1, len(people), 300)
    for at in renamed:
        people[at] = "Dr. " + people[at]
    for at in replaced:
        people[at] = f"Newcomer,newcomer{at}@company.example"
    listed = ground.folder / "listed.csv"
    listed.write_text("\n".join([header, *people, ""]), encoding="utf-8")
    rounds, peaks = list[tuple[float, float]](), list[int]()
    for _ in range(sizes.rounds):
        log = _new(ground, "synced.jsonl")
        sync = ground.evcli(log, "sync", str(listed))
        for file in (base, *cache_files(base)):
            shutil.copy(file, ground.folder / file.name.replace("base", "synced", 1))
        mine = seconds(lambda: peaks.append(peak(sync)))  # noqa: B023  # called at once
        imported = ground.evcli(_new(ground, "imported.jsonl"), "import", str(ground.people))
        rounds.append((mine, seconds(lambda: run(*imported))))  # noqa: B023
        with log.open("rb") as lines:
            assert sum(1 for _ in lines) == sizes.users + len(renamed) + 2 * len(replaced)
    rate, other = (sizes.users / median(column) for column in zip(*rounds, strict=True))
    what = f"sync of {sizes.users:,} rows, one event for every hundred"
    return [
        *times_the_rate(what, {"import of as many users": 0.5}, rate, [other]),
        Figure(f"{what}, peak memory", "", at_most(60, " MB"), max(peaks) / 1e6, "the most of all rounds"),
    ]


def _new(ground: Ground, name: str) -> Path:
    """A path without a file, or any file that belongs to it."""
    for file in ground.folder.glob(f"{name}*"):
        file.unlink()
    return ground.folder / name


def verify(ground: Ground) -> list[Figure]:
    """The whole audit, against a loop that parses every line and checks the chain of hashes."""
    with without_garbage_collection():
        whole_time, bare_time = in_turns(
            ground.sizes.rounds,
            lambda: run(*ground.evcli(ground.long, "verify")),
            lambda: parse_and_hash(ground.long),
        )
    events = ground.sizes.events
    targets = {"for line in file: orjson.loads + sha256": 0.28}
    return times_the_rate(f"verify of {events:,} events", targets, events / whole_time, [events / bare_time])


def bisect(ground: Ground) -> list[Figure]:
    """Searching all of a long log whose cache is there for when a user came, against showing that user at a moment."""
    events, log = ground.sizes.events, ground.long
    user = str(json.loads(run(*ground.evcli(log, "user", "list", "-n", "1", "--json")))[0]["id"])
    search = ground.evcli(log, "bisect", "--user", user, "--is", "live", "-q", "--json")
    found = json.loads(run(*search))
    assert found["event"]["subject"] == f"user/{user}"  # a figure for another event would be a lie
    show = ground.evcli(log, "user", "show", user, "--at", str(found["bad"]))
    in_turns(ground.sizes.warm_ups, lambda: run(*search), lambda: run(*show))
    mine, other = in_turns(ground.sizes.starts, lambda: run(*search), lambda: run(*show))
    what = f"bisect --user ID --is live on {events:,} events"
    return [
        Figure(f"{what}, looks", "", at_most(25), found["looks"], f"{found['looks']} states"),
        times_as_long(what, "user show ID --at N on the same", at_most(1.3), mine, other),
    ]


def memory(ground: Ground) -> list[Figure]:
    """The most memory that a command takes on a long log whose cache is there, against the same on a short log."""
    sizes = ground.sizes
    run(*ground.create(ground.long))
    appended = ground.copy_of_short("remembered")
    figures = []
    for name, target in {"log -n 20": 20, "user create": 20, "export": 20, "verify": 150}.items():

        def command(log: Path, name: str = name) -> list[str]:
            return ground.create(log) if name == "user create" else ground.evcli(log, *name.split())

        short = appended if name == "user create" else ground.short
        what, against = f"{name} on {sizes.events:,} events, peak memory", f"the same on {sizes.few} events"
        pairs = [(peak(command(ground.long)), peak(command(short))) for _ in range(sizes.rounds)]
        mine, other = (median(column) / 1e6 for column in zip(*pairs, strict=True))
        medians = f"{mine:.1f} MB : {other:.1f} MB"
        figures.append(Figure(what, against, at_most(target, " MB"), mine - other, medians))
    return figures
