"""How long a command takes on a short log, on longer ones, and on the long one: what the plot shows."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ground import COMPLETED, IMPORTS, Ground, Sizes
from measuring import Figure, at_most, in_turns, run, times_as_long
from plot import Curves

APPEND, SHOW, LOG, HEAD = "user create", "user show ID --at HALF", "log -n 20", "head"
COMPLETION = "completion of a user"
TARGETS = {APPEND: 1.1, SHOW: 1.1, LOG: 1.03, HEAD: 1.03, COMPLETION: 1.08}
PLOTTED = (APPEND, SHOW, LOG, COMPLETION, IMPORTS)


def growth(ground: Ground) -> list[Figure]:
    """Each command in turns on all logs, whose caches are there; its time on the long log against the short one."""
    sizes = ground.sizes
    logs = lengths(sizes)
    for length in logs:  # the first command on a long log also makes its cache
        run(*ground.evcli(ground.log(length), "user", "create", "Completed Once", "--email", COMPLETED))
    found: dict[str, dict[int, float]] = {}
    for name, make in MADE.items():
        actions = [make(ground, length) for length in logs]
        in_turns(sizes.warm_ups, ground.imports, *actions)
        imported, *times = in_turns(sizes.starts, ground.imports, *actions)
        found[name] = dict(zip(logs, times, strict=True))
        found[IMPORTS] = dict.fromkeys(logs, imported)  # in the end, those beside the completions
    ground.seconds = {name: found[name] for name in PLOTTED}
    return _figures(found, sizes.few, sizes.events)


def lengths(sizes: Sizes) -> list[int]:
    """How long the logs are."""
    return sorted({sizes.few, sizes.events, *(length for length in sizes.between if length < sizes.events)})


def _figures(found: Curves, few: int, events: int) -> list[Figure]:
    figures = []
    for name, target in TARGETS.items():
        what, taken = f"{name} on {events:,} events", found[name]
        figures.append(times_as_long(what, f"the same on {few} events", at_most(target), taken[events], taken[few]))
    completed, imported = found[COMPLETION][events], found[IMPORTS][events]
    figures.append(times_as_long(f"{COMPLETION} on {events:,} events", IMPORTS, None, completed, imported))
    return figures


Action = Callable[[], object]


def _append(ground: Ground, length: int) -> Action:
    log = ground.copy_of_short("appended") if length == ground.sizes.few else ground.log(length)
    return lambda: run(*ground.create(log))


def _show(ground: Ground, length: int) -> Action:
    # In the middle of the short log, each user has one event.
    id = "4" if length == ground.sizes.few else ground.user_with_one_event(length)
    return partial(run, *ground.evcli(ground.log(length), "user", "show", id, "--at", str(length // 2)))


def _log(ground: Ground, length: int) -> Action:
    return partial(run, *ground.evcli(ground.log(length), "log", "-n", "20"))


def _head(ground: Ground, length: int) -> Action:
    return partial(run, *ground.evcli(ground.log(length), "head"))


def _completion(ground: Ground, length: int) -> Action:
    complete = partial(_completed, ground, ground.log(length))
    assert COMPLETED in complete()  # a figure for no answer would be a lie
    return complete


def _completed(ground: Ground, log: Path) -> str:
    """What zsh gets for the beginning of an e-mail."""
    evcli, *words = ground.evcli(log, "user", "show", COMPLETED[:10])
    return run(evcli, "_complete", "zsh", *words)


MADE: dict[str, Callable[[Ground, int], Action]] = {
    APPEND: _append,
    SHOW: _show,
    LOG: _log,
    HEAD: _head,
    COMPLETION: _completion,
}
"""What makes each command, of the log of a length."""
