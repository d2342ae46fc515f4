"""Random histories of records of several kinds, seeded, in a log in memory."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from evcli.domain.kind import Begins, EventType
from evcli.domain.state import State
from evcli.errors import Refused
from evcli.kinds import KINDS
from evcli.log.memory import MemoryLog
from evcli.register.decide import Intention
from evcli.register.register import Register

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)

VALUES = {
    "email": ["a@x.de", "A@x.de", "b@x.de", "c@x.de", "d@x.de"],
    "frame": ["W-1", "W-2", "W-3"],
    "code": ["1", "2", "3"],
}
"""Few values of unique fields, so that records need each other's."""
OTHERS = ["one", "two", "three"]


def register_in_memory(log: MemoryLog | None = None) -> Register:
    """A register over a log in memory, with a clock that stands still and counted ids."""
    log = MemoryLog() if log is None else log
    counter = iter(range(10**6))
    return Register(log, actor="ann", clock=lambda: NOW, new_id=lambda: f"{len(log.lines)}-{next(counter)}")


def chance_event(chance: random.Random, kinds: Sequence[str], state: State) -> Intention:
    """Any event, about one of the last records; many are refused."""
    kind = KINDS[chance.choice(kinds)]
    each: EventType = chance.choice(list(kind.types.values()))
    fields = [name for name in each.fields if each.fields[name].required or chance.random() < 0.5]
    data = {name: chance.choice(VALUES.get(name, OTHERS)) for name in fields}
    if type(each) is Begins:
        return Intention(each.name, data, _next_id(kind.name), finds=False)
    last = state.last_id(kind.name)
    return Intention(each.name, data, _this(chance.randint(max(1, last - 4), last + 1)))


def a_history(chance: random.Random, kinds: Sequence[str], events: int) -> Register:
    """A register to which at least so many things have happened, some of them several at once."""
    register = register_in_memory()
    while register.known.number < events:
        something_happens(chance, register, kinds)
    return register


def something_happens(chance: random.Random, register: Register, kinds: Sequence[str]) -> None:
    """One more event, or several at once."""
    is_done = False
    while not is_done:
        several = range(chance.choice([1, 1, 1, 2, 3]))
        is_done = try_to(register, *(chance_event(chance, kinds, register.state) for _ in several))


def try_to(register: Register, *wanted: Intention) -> bool:
    """Record the events, unless they are refused; whether they were recorded."""
    try:
        register.execute(*wanted)
    except Refused:
        return False
    return True


def facts(state: State, kinds: Sequence[str], *, but: State | None = None) -> dict[tuple[str, int], Any]:
    """The fields of every record, and whether it has ended; those that `but` does not have must have ended."""
    found: dict[tuple[str, int], Any] = {}
    for kind in kinds:
        for record in state.records(kind):
            if but is not None and but.get(kind, record.id) is None:
                assert record[-1] is not None, f"{kind} {record.id} should have ended"
            else:
                found[kind, record.id] = (*record[1:-3], record[-1] is None)
    return found


def _next_id(kind: str) -> Callable[[State], int]:
    return lambda state: state.last_id(kind) + 1


def _this(id: int) -> Callable[[State], int]:
    return lambda _: id
