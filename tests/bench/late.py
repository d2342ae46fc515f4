"""How long a late event takes, which must fit where it happened, on logs of several lengths."""

import subprocess
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from ground import Ground
from growth import lengths
from measuring import Figure, at_most, in_turns, run, times_as_long

THEN, EARLIER = "2020-05-01", "2020-04-01"
"""A late user was renamed, and cannot have been destroyed before."""
ORDINARY, ACCEPTED, REFUSED = "user rename", "user create --occurred", "user destroy --occurred, refused"


def late(ground: Ground) -> list[Figure]:
    """Late events that are accepted and refused, against an ordinary command, in turns on logs that have caches."""
    sizes = ground.sizes
    found: dict[str, dict[int, float]] = {}
    logs = {length: ground.log(length) for length in lengths(sizes)} | {sizes.few: ground.copy_of_short("late")}
    who = {length: _late_user(ground, log) for length, log in logs.items()}
    for name, make in {ORDINARY: _rename, ACCEPTED: _create, REFUSED: _destroy}.items():
        actions = [make(ground, log, who[length]) for length, log in logs.items()]
        in_turns(sizes.warm_ups, *actions)
        found[name] = dict(zip(logs, in_turns(sizes.starts, *actions), strict=True))
    few, events = sizes.few, sizes.events
    figures = []
    for name in (ACCEPTED, REFUSED):
        what, taken = f"{name} on {events:,} events", found[name]
        figures.append(times_as_long(what, ORDINARY, at_most(3), taken[events], found[ORDINARY][events]))
        others = " : ".join(f"{taken[length] * 1000:.1f} ms" for length in sorted(logs, reverse=True))
        grown = times_as_long(what, f"the same on {few} events", None, taken[events], taken[few])
        figures.append(grown._replace(medians=others))
    return [*figures, _as_of(ground, logs[events], who[events])]


def _as_of(ground: Ground, log: Path, who: str) -> Figure:
    """A user who was renamed late, by when things happened, against the same by when they were recorded."""
    asked = [partial(run, *ground.evcli(log, "user", "show", who, option, "now")) for option in ("--as-of", "--at")]
    in_turns(ground.sizes.warm_ups, *asked)
    mine, other = in_turns(ground.sizes.starts, *asked)
    return times_as_long(
        f"user show --as-of on {ground.sizes.events:,} events", "user show --at", at_most(1.3), mine, other
    )


Action = Callable[[], object]


def _late_user(ground: Ground, log: Path) -> str:
    """Who was created and renamed late, in that log."""
    email = ground.email()
    run(*ground.evcli(log, "user", "create", "Late", "--email", email, "--occurred", "2020-03-01"))
    run(*ground.evcli(log, "user", "rename", email, "Later", "--occurred", THEN))
    return email


def _rename(ground: Ground, log: Path, who: str) -> Action:
    names = (f"Renamed {number}" for number in count())
    return lambda: run(*ground.evcli(log, "user", "rename", who, next(names)))


def _create(ground: Ground, log: Path, _: str) -> Action:
    return lambda: run(*ground.create(log), "--occurred", EARLIER)


def _destroy(ground: Ground, log: Path, who: str) -> Action:
    return partial(_refused, *ground.evcli(log, "user", "destroy", who, "--occurred", EARLIER))


def _refused(*command: str) -> None:
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != 1 or THEN not in ended.stderr:  # a figure for another answer would be a lie
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr}")
