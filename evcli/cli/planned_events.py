"""A plan of an undo, redo, revert, restore-to or what-if in an answer: as rows, as JSON, and in a sentence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from evcli.cli.done import events_in_words
from evcli.cli.show.cells import Cell
from evcli.cli.show.render import as_json, in_words
from evcli.cli.words import past_of
from evcli.domain.kind import EventType
from evcli.domain.leading import Happened
from evcli.kinds import KINDS, TYPES

HEADER = ("event", "action", "record", "before", "after")


def row(one: Happened) -> tuple[Cell, ...]:
    """What is answered, what is done, and the record before and after it."""
    kind, answers = one.step.type.kind, one.step.answers
    before, after = in_words(kind, one.before), in_words(kind, one.after)
    return (answers[0] if answers else None, one.step.type.verb, f"{kind.name} {one.step.id}", before, after)


def as_document(one: Happened) -> dict[str, Any]:
    """The same as JSON."""
    step = one.step
    return {
        "action": step.type.verb,
        "type": step.type.name,
        "kind": step.type.kind.name,
        "id": step.id,
        "answers": step.answers[0] if step.answers else None,
        "data": step.data,
        "time": step.time,
        "before": as_json(one.before),
        "after": as_json(one.after),
    }


def counted(types: Iterable[EventType]) -> str:
    """`destroyed 2, renamed 1`; of several kinds, `users destroyed 2; bikes retired 1`."""
    counts = Counter(each.name for each in types)
    kinds = dict.fromkeys(TYPES[name].kind.name for name in counts)
    told: list[str] = []
    for kind in map(KINDS.__getitem__, kinds):
        own = ", ".join(f"{past_of(each)} {counts[name]:,}" for name, each in kind.types.items() if counts[name])
        told.append(own if len(kinds) == 1 else f"{kind.plural} {own}")
    return "; ".join(told)


def with_dependents(told: str, asked: int, along: Sequence[int]) -> str:
    """`event 4, and event 5, which depends on it`: what is taken back, so many events, and what else with it."""
    if not along:
        return told
    on = "it" if asked == 1 else "them"
    if len(along) > 1:
        return f"{told}, and {len(along):,} that depend on {on}"
    return f"{told}, and {events_in_words(along[0], along[0], 1)}, which depends on {on}"
