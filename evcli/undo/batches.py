"""Writing a plan that may be longer than a batch: each batch only onto the head that the one before it left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import orjson

from evcli.domain.kind import Begins
from evcli.domain.leading import Happened, Step
from evcli.log.line import MAX_BATCH
from evcli.register.decide import Done, Intention, Series
from evcli.register.divided import divided
from evcli.register.register import Register
from evcli.register.series import MOST_BEHIND

_UUID = 38
"""The size in bytes of an id in quotes, as a register's frame has it."""


class Plan(NamedTuple):
    """Events that are to be recorded, tried out on the head, and the correlation id that they share."""

    happened: Sequence[Happened]
    batches: Sequence[Sequence[Step]]
    correlation: str


def planned(register: Register, groups: Sequence[Sequence[Happened]], correlation: str) -> Plan:
    """The plan of these steps, whose data are complete; those of one group belong together."""
    # The frame has room for an id in place of the correlation.
    frame = register.frame + len(orjson.dumps(correlation)) - _UUID

    def size(one: Happened) -> int:
        answers = one.step.answers
        named = 0 if answers is None else len(b',"causationid":') + len(orjson.dumps(answers[1]))
        return frame + named + len(orjson.dumps(one.step.data))

    batches = [[one.step for one in batch] for batch in divided(groups, size, MAX_BATCH)]
    return Plan([one for group in groups for one in group], batches, correlation)


def write(register: Register, plan: Plan, lock_wait: float, held: ExitStack) -> Iterator[Done]:
    """Write the plan, batch by batch, onto the head that the register knows. Raises HeadMoved, and as `execute` does.

    Signals are held from before a batch is written until the next is asked for; after the last one, by `held`.
    """
    if len(plan.batches) > 1:
        register.history.most_behind = MOST_BEHIND
    for number, batch in enumerate(plan.batches, 1):
        with ExitStack() as until_next:
            at = register.known
            yield register.execute(
                *map(_intention, batch),
                expect=(at.number, at.sha256.decode()),
                lock_wait=lock_wait,
                series=Series(plan.correlation, at.place, lambda intention, why: False),
                held=held if number == len(plan.batches) else until_next,
            )


def _intention(step: Step) -> Intention:
    answers = None if step.answers is None else step.answers[1]
    finds = type(step.type) is not Begins
    return Intention(step.type.name, step.data, _about(step.id), finds, time=step.time, answers=answers, fits=True)


def _about(id: int) -> Callable[[Any], int]:
    return lambda _: id
