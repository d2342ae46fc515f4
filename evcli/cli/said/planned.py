"""A sync's plan in an answer: as rows, as JSON, and in a sentence."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from evcli.cli.show.cells import Cell
from evcli.cli.show.render import as_json
from evcli.cli.words import past_of
from evcli.domain.kind import Changes, Kind
from evcli.sync.means import Means
from evcli.sync.order import Step
from evcli.sync.run import Planned


def header_of(means: Means) -> tuple[str, ...]:
    """The columns of a plan."""
    return ("line", "action", "id", *means.compared, "was")


def rows_of(means: Means, planned: Planned) -> Iterator[tuple[Cell, ...]]:
    """The plan, a row for each event: what asks for it, what is done, what the record then is, and what it was."""
    for step, change in zip(planned.steps, planned.changes, strict=True):
        own = (getattr(change.after, name) for name in means.compared)
        yield (step.line or None, step.type.verb, change.id, *own, _was(step, change.before))


def as_document(planned: Planned) -> list[dict[str, Any]]:
    """The plan as JSON."""
    return [
        {
            "action": step.type.verb,
            "type": step.type.name,
            "line": step.line or None,
            "id": change.id,
            "data": step.data,
            "before": as_json(change.before),
            "after": as_json(change.after),
        }
        for step, change in zip(planned.steps, planned.changes, strict=True)
    ]


def counts_of(kind: Kind, planned: Planned) -> dict[str, int]:
    """How many events there are of each type that is planned, by verb, in the order of the kind's page."""
    found = Counter(step.type.verb for step in planned.steps)
    return {verb: found[verb] for verb in kind.verbs if found[verb]}


def in_words(kind: Kind, counts: dict[str, int]) -> str:
    """`created 3, e-mail changed 1`."""
    return ", ".join(f"{past_of(kind.verbs[verb])} {count:,}" for verb, count in counts.items())


def _was(step: Step, before: Any) -> str | None:
    if type(step.type) is not Changes:
        return None
    return ", ".join(str(getattr(before, name)) for name in step.type.fields if name in step.data)
