"""Figures of whole commands, from the start of the process to its end, as people wait for them."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import rival_sqlite
from bare import parse_and_hash, parse_only
from ground import COMPLETED, PYTHON, Ground, cache_files, why_no_eventsourcing, why_not
from measuring import (
    Figure,
    at_least,
    at_most,
    in_turns,
    more_memory,
    peak,
    peak_memory,
    run,
    skipped,
    times_as_long,
    times_the_rate,
)

HERE = Path(__file__).parent
AT_ONCE = 1000
"""Users in one save of the eventsourcing package, where it is not one: about as many as evcli syncs at once."""


def start_up(ground: Ground) -> list[Figure]:
    """Commands on a small log, against a process that only imports what evcli stands on."""

    def bare() -> None:
        run(PYTHON, "-c", "import typer, orjson")

    def create() -> None:
        run(*ground.create(ground.short))

    def state() -> None:
        run(*ground.evcli(ground.short, "state", "--json"))

    in_turns(2, bare, create, state)  # so that all files are in memory
    bare_time, create_time, state_time = in_turns(ground.sizes.starts, bare, create, state)
    against, few = 'python -c "import typer, orjson"', f"on {ground.sizes.few} events"
    return [
        times_as_long(f"user create {few}", against, at_most(1.25), create_time, bare_time),
        times_as_long(f"state --json {few}", against, at_most(1.25), state_time, bare_time),
    ]


def flat(ground: Ground) -> list[Figure]:
    """Commands on a long log whose cache is there, against the same on a short log."""
    long, short, sizes = ground.long, ground.short, ground.sizes
    for log in (long, short):  # the first one also makes the cache
        run(*ground.evcli(log, "user", "create", "Completed Once", "--email", COMPLETED))
    what, against = f"on {sizes.events:,} events", f"the same on {sizes.few} events"

    def bare() -> None:
        run(PYTHON, "-c", "import typer, orjson, sqlite3")

    def create(log: Path) -> Callable[[], object]:
        return lambda: run(*ground.create(log))

    in_turns(2, bare, create(long), create(short))
    bare_time, long_time, short_time = in_turns(sizes.starts, bare, create(long), create(short))
    imports = 'python -c "import typer, orjson, sqlite3"'
    figures = [
        times_as_long(f"user create {what}", imports, at_most(1.25), long_time, bare_time),
        times_as_long(f"user create {what}", against, at_most(1.1), long_time, short_time),
    ]
    pairs = {
        f"user show ID --at {ground.half}": (
            ground.evcli(long, "user", "show", ground.user_since_long, "--at", str(ground.half)),
            ground.evcli(short, "user", "show", "4", "--at", "5"),
        ),
        "log -n 20": (ground.evcli(long, "log", "-n", "20"), ground.evcli(short, "log", "-n", "20")),
        "head": (ground.evcli(long, "head"), ground.evcli(short, "head")),
    }
    for name, (on_long, on_short) in pairs.items():
        pair = partial(run, *on_long), partial(run, *on_short)
        figures.append(_flat(f"{name} {what}", against, sizes.starts, *pair))
    pair = partial(_completed, ground, long), partial(_completed, ground, short)
    assert pair[0]() == pair[1]() != ""  # a figure for no answer would be a lie
    return [*figures, _flat(f"completion of a user {what}", against, sizes.starts, *pair)]


def _flat(what: str, against: str, times: int, on_long: Callable[[], object], on_short: Callable[[], object]) -> Figure:
    in_turns(2, on_long, on_short)
    return times_as_long(what, against, at_most(1.1), *in_turns(times, on_long, on_short))


def _completed(ground: Ground, log: Path) -> str:
    """What zsh is handed for an e-mail half typed."""
    words = ground.evcli(log, "user", "show", COMPLETED[:10])
    return run(*words, env=os.environ | {"_EVCLI_COMPLETE": "zsh"})


def cache(ground: Ground) -> list[Figure]:
    """Building the cache: a command that needs it, when it is not there, against only parsing every line."""
    peaks: list[int] = []

    def build() -> None:
        for file in cache_files(ground.long):
            file.unlink()
        peaks.append(peak(lambda: ground.evcli(ground.long, "user", "show", "1")))

    build_time, bare_time = in_turns(ground.sizes.rounds, build, lambda: parse_only(ground.long))
    made = bool(cache_files(ground.long))
    events = ground.sizes.events
    what = f"building the cache from {events:,} events" + ("" if made else " (this evcli made none)")
    return [
        times_the_rate(
            what, "for line in file: orjson.loads(line)", at_least(0.08), events / build_time, events / bare_time
        ),
        Figure(f"{what}, peak memory", "", at_most(150, " MB"), max(peaks) / 1e6, "the most of all rounds"),
    ]


def imports(ground: Ground) -> list[Figure]:
    """Importing users from a CSV file into a new log, against importing the same file into a new database."""
    sizes, people = ground.sizes, str(ground.people)
    what = f"import of {sizes.users:,} users"
    with_sqlite = "sqlite3, all in one transaction, unique e-mails"
    with_saves = f"eventsourcing, SQLite, {AT_ONCE:,} users a save"
    one_by_one = f"eventsourcing, SQLite, a save a user ({sizes.users_one_by_one:,} of them)"
    targets = {with_sqlite: at_least(0.2), one_by_one: at_least(15), with_saves: at_least(15)}
    if why := why_not("import"):
        return [skipped(what, against, target, why) for against, target in targets.items()]

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
        import rival_eventsourcing

        database = _new(ground, "imported.eventsourcing")
        run(PYTHON, str(HERE / "rival_eventsourcing.py"), str(source), str(database), str(at_once))
        assert rival_eventsourcing.count(database) == users

    actions: list[Callable[[], None]] = [mine, sqlite]
    if not (why := why_no_eventsourcing()):
        actions += [
            lambda: eventsourcing(ground.fewer_people, sizes.users_one_by_one, 1),
            lambda: eventsourcing(ground.people, sizes.users, AT_ONCE),
        ]
    in_turns(1, mine, sqlite)
    times = in_turns(sizes.rounds, *actions)
    counts = (sizes.users, sizes.users, sizes.users_one_by_one, sizes.users)
    rates = [count / time for count, time in zip(counts, times, strict=False)]
    return [
        times_the_rate(what, against, target, rates[0], rate) if rate else skipped(what, against, target, why)
        for (against, target), rate in zip(targets.items(), [*rates[1:], 0.0, 0.0], strict=False)
    ]


def _new(ground: Ground, name: str) -> Path:
    """A path where nothing is, nor anything that belongs to it."""
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
    against = "for line in file: orjson.loads + sha256"
    return [
        times_the_rate(f"verify of {events:,} events", against, at_least(0.25), events / whole_time, events / bare_time)
    ]


def memory(ground: Ground) -> list[Figure]:
    """The most memory that a command takes on a long log whose cache is there, against the same on a short log."""
    sizes = ground.sizes
    run(*ground.create(ground.long))
    figures = []
    for name, target in {"log -n 20": 20, "user create": 20, "export": 20, "verify": 150}.items():
        what, against = f"{name} on {sizes.events:,} events, peak memory", f"the same on {sizes.few} events"
        if name == "export" and (why := why_not(name)):
            figures.append(skipped(what, against, at_most(target, " MB"), why))
            continue

        def command(log: Path, name: str = name) -> Callable[[], list[str]]:
            return lambda: ground.create(log) if name == "user create" else ground.evcli(log, *name.split())

        peaks = peak_memory(sizes.rounds, command(ground.long), command(ground.short))
        figures.append(more_memory(what, against, at_most(target, " MB"), *peaks))
    return figures
