"""Figures of whole commands, from the start of the process to its end, as people wait for them."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import rival_eventsourcing
import rival_sqlite
from bare import parse_and_hash, parse_only
from ground import COMPLETED, PYTHON, Ground, cache_files
from measuring import (
    Figure,
    at_most,
    in_turns,
    peak,
    run,
    times_as_long,
    times_the_rate,
)

HERE = Path(__file__).parent
AT_ONCE = 1000
"""Users in one save of the eventsourcing package, where it is not one: about as many as evcli syncs at once."""


def start_up(ground: Ground) -> list[Figure]:
    """Commands on a small log, against a process that only imports what evcli needs."""
    actions: list[Callable[[], object]] = [
        partial(run, PYTHON, "-c", "import typer, orjson"),
        lambda: run(*ground.create(ground.short)),
        partial(run, *ground.evcli(ground.short, "state", "--json")),
    ]
    in_turns(2, *actions)  # so that all files are in memory
    bare, create, state = in_turns(ground.sizes.starts, *actions)
    against, few = 'python -c "import typer, orjson"', f"on {ground.sizes.few} events"
    return [
        times_as_long(f"user create {few}", against, at_most(1.25), create, bare),
        times_as_long(f"state --json {few}", against, at_most(1.25), state, bare),
    ]


def flat(ground: Ground) -> list[Figure]:
    """Commands on a long log whose cache is there, against the same on a short log."""
    long, short, sizes = ground.long, ground.short, ground.sizes
    for log in (long, short):  # the first one also makes the cache
        run(*ground.evcli(log, "user", "create", "Completed Once", "--email", COMPLETED))
    what, against = f"on {sizes.events:,} events", f"the same on {sizes.few} events"
    actions: list[Callable[[], object]] = [
        partial(run, PYTHON, "-c", "import typer, orjson, sqlite3"),
        lambda: run(*ground.create(long)),
        lambda: run(*ground.create(short)),
    ]
    in_turns(2, *actions)
    bare, on_long, on_short = in_turns(sizes.starts, *actions)
    imports = 'python -c "import typer, orjson, sqlite3"'
    figures = [
        times_as_long(f"user create {what}", imports, at_most(1.25), on_long, bare),
        times_as_long(f"user create {what}", against, at_most(1.1), on_long, on_short),
    ]
    show = ("user", "show", ground.user_since_long, "--at", str(ground.half))
    recent, head = ("log", "-n", "20"), ("head",)
    pairs = [(f"user show ID --at {ground.half}", show, ("user", "show", "4", "--at", "5"))]
    compared: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
        name: (partial(run, *ground.evcli(long, *words)), partial(run, *ground.evcli(short, *other)))
        for name, words, other in (*pairs, ("log -n 20", recent, recent), ("head", head, head))
    }
    completions = partial(_completed, ground, long), partial(_completed, ground, short)
    assert completions[0]() == completions[1]() != ""  # a figure for no answer would be a lie
    compared["completion of a user"] = completions
    for name, (mine, other_one) in compared.items():
        in_turns(2, mine, other_one)
        times = in_turns(sizes.starts, mine, other_one)
        figures.append(times_as_long(f"{name} {what}", against, at_most(1.1), *times))
    return figures


def _completed(ground: Ground, log: Path) -> str:
    """What zsh gets for the beginning of an e-mail."""
    words = ground.evcli(log, "user", "show", COMPLETED[:10])
    return run(*words, env=os.environ | {"_EVCLI_COMPLETE": "zsh"})


def cache(ground: Ground) -> list[Figure]:
    """Building the cache: a command that needs it, when it is not there, against only parsing every line."""
    peaks: list[int] = []

    def build() -> None:
        for file in cache_files(ground.long):
            file.unlink()
        peaks.append(peak(ground.evcli(ground.long, "user", "show", "1")))

    build_time, bare_time = in_turns(ground.sizes.rounds, build, lambda: parse_only(ground.long))
    assert cache_files(ground.long)  # a figure for no cache would be a lie
    events = ground.sizes.events
    what, against = f"building the cache from {events:,} events", "for line in file: orjson.loads(line)"
    return [
        *times_the_rate(what, {against: 0.08}, events / build_time, [events / bare_time]),
        Figure(f"{what}, peak memory", "", at_most(150, " MB"), max(peaks) / 1e6, "the most of all rounds"),
    ]


def imports(ground: Ground) -> list[Figure]:
    """Importing users from a CSV file into a new log, against importing the same file into a new database."""
    sizes, people = ground.sizes, str(ground.people)
    what, count = f"import of {sizes.users:,} users", sizes.users_one_by_one
    targets = {
        "sqlite3, all in one transaction, unique e-mails": 0.2,
        f"eventsourcing, SQLite, a save a user ({count:,} of them)": 15,
        f"eventsourcing, SQLite, {AT_ONCE:,} users a save": 15,
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

    def eventsourcing(source: Path, users: int, at_once: int) -> None:
        database = _new(ground, "imported.eventsourcing")
        run(PYTHON, str(HERE / "rival_eventsourcing.py"), str(source), str(database), str(at_once))
        assert rival_eventsourcing.count(database) == users

    in_turns(1, mine, sqlite)
    times = in_turns(
        sizes.rounds,
        mine,
        sqlite,
        lambda: eventsourcing(ground.fewer_people, count, 1),
        lambda: eventsourcing(ground.people, sizes.users, AT_ONCE),
    )
    counts = (sizes.users, sizes.users, count, sizes.users)
    rate, *rates = (number / time for number, time in zip(counts, times, strict=True))
    return times_the_rate(what, targets, rate, rates)


def _new(ground: Ground, name: str) -> Path:
    """A path without a file, or any file that belongs to it."""
    for file in ground.folder.glob(f"{name}*"):
        file.unlink()
    return ground.folder / name


def verify(ground: Ground) -> list[Figure]:
    """The whole audit, against a loop that parses every line and checks the chain of hashes."""
    whole_time, bare_time = in_turns(
        ground.sizes.rounds,
        lambda: run(*ground.evcli(ground.long, "verify")),
        lambda: parse_and_hash(ground.long),
    )
    events = ground.sizes.events
    targets = {"for line in file: orjson.loads + sha256": 0.25}
    return times_the_rate(f"verify of {events:,} events", targets, events / whole_time, [events / bare_time])


def memory(ground: Ground) -> list[Figure]:
    """The most memory that a command takes on a long log whose cache is there, against the same on a short log."""
    sizes = ground.sizes
    run(*ground.create(ground.long))
    figures = []
    for name, target in {"log -n 20": 20, "user create": 20, "export": 20, "verify": 150}.items():

        def command(log: Path, name: str = name) -> list[str]:
            return ground.create(log) if name == "user create" else ground.evcli(log, *name.split())

        what, against = f"{name} on {sizes.events:,} events, peak memory", f"the same on {sizes.few} events"
        pairs = [(peak(command(ground.long)), peak(command(ground.short))) for _ in range(sizes.rounds)]
        mine, other = (median(column) / 1e6 for column in zip(*pairs, strict=True))
        medians = f"{mine:.1f} MB : {other:.1f} MB"
        figures.append(Figure(what, against, at_most(target, " MB"), mine - other, medians))
    return figures
