"""Undo, redo and revert of late events: what is taken back is so at any time, for any history of any kinds."""

import random
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest
from support.histories import NOW, chance_event, facts, register_in_memory

from evcli.errors import Refused
from evcli.log.line import timestamp
from evcli.register.register import Register
from evcli.undo.batches import write
from evcli.undo.operations import NothingLeft
from evcli.undo.plans import Way, redo, undo
from evcli.undo.taking_back import Cannot

pytestmark = pytest.mark.usefixtures("desks")

TIMES = [timestamp(NOW - timedelta(days=days)) for days in range(8, -1, -1)]
"""The last one is now."""
KINDS = [["user"], ["desk"], ["user", "desk", "bike"]]

States = list[dict[tuple[str, int], Any]]


def done(register: Register, way: Way) -> None:
    with ExitStack() as held:
        for _ in write(register, way.plan, 0, held):
            pass


def late_events(chance: random.Random, register: Register, kinds: Sequence[str]) -> None:
    """One to four more events at once, most of them late."""
    before = register.known.number
    while register.known.number == before:
        wanted = [chance_event(chance, kinds, register.state) for _ in range(chance.choice([1, 1, 2, 4]))]
        with suppress(Refused):
            register.execute(*(each._replace(time=chance.choice([*TIMES[:-1], None])) for each in wanted))


def at_all_times(register: Register, kinds: Sequence[str]) -> States:
    """What the register is at each time, as it is known now; now only if no late event was overtaken."""
    states = [facts(register.as_of(time, register.known.number), kinds) for time in TIMES]
    return states if states[-1] == facts(register.state, kinds) else states[:-1]


def are_alike(states: States, wanted: States) -> bool:
    """Whether records are the same at each time; one that was not there may have ended."""
    return len(states) >= len(wanted) and all(
        all(state.get(subject) == record for subject, record in was.items())
        and not any(state[subject][-1] for subject in state.keys() - was.keys())
        for state, was in zip(states, wanted, strict=False)
    )


@pytest.mark.parametrize("kinds", KINDS, ids=",".join)
def test_undo_and_redo_of_late_events_give_back_what_was_at_any_time(kinds: Sequence[str]) -> None:
    fitting = 0
    for seed in range(12):
        chance, register = random.Random(seed), register_in_memory()
        states = [at_all_times(register, kinds)]
        for _ in range(8):
            late_events(chance, register, kinds)
            states.append(at_all_times(register, kinds))
        undone = 0
        for wanted in reversed(states[:-1]):
            try:
                way = undo(register, register._new_id)
            except Cannot:
                break
            done(register, way)
            if way.still:
                break
            undone += 1
            assert are_alike(at_all_times(register, kinds), wanted)
        else:
            with pytest.raises(NothingLeft):
                undo(register, register._new_id)
        fitting += undone
        for wanted in states[len(states) - undone :] if undone == len(states) - 1 else ():
            way = redo(register, register._new_id)
            done(register, way)
            assert not way.still
            assert are_alike(at_all_times(register, kinds), wanted)
    assert fitting > 15
