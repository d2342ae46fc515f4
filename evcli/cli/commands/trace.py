"""`evcli trace`: what an event answers, what answers it, and the command that it is part of."""

from collections.abc import Iterator
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.operations import operation_of
from evcli.cli.options import AS_OF, AT
from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.cells import Cell, Happened
from evcli.cli.show.times import local
from evcli.domain.event import Event, number_of
from evcli.errors import BadInput, BadRef
from evcli.register.past import Past
from evcli.register.trace import Trace
from evcli.register.trace import trace as linked_to

_HEADER = ("number", "answers", "time", "actor", "type", "subject", "operation")

_DEEPEST = 100
"""How many levels of effects a document has: JSON that is nested deeper cannot be read everywhere."""

_HELP = """Show what an event answers, and what answers it.

An event of undo, redo, revert, restore-to or what-if --apply answers the event that it takes back or brings back. Above
the event is what it answers, below it what answers it, each one step further to the right. The operation is the command
that recorded them: all events of an import, a sync or another command share a correlation id.
"""


def trace(session: Session, ref: str | None, at: str | None, as_of: str | None) -> Answer:
    """`evcli trace`"""
    register = session.opened()
    known, time = session.view(at, as_of)
    until = register.head().number if known is None else known
    number = _last(register, until, time) if ref is None else session.moment(ref).number
    if number == 0:
        raise BadRef(ref or "@", "is the empty register, before the first event", "events are counted from 1")
    if number > until:
        raise BadRef(ref or "@", f"is event {number}, which was not recorded by --at, event {until}")
    found = linked_to(register, number, until)
    if time is not None:
        found = _by_then(found, ref, time)
    title = f"event {number}: what it answers, and what answers it"
    if not (found.causes or found.missing or found.effects or found.size):
        title = f"event {number} answers no event, and none answers it"
        if session.output.chosen_form not in ("table", "markdown"):
            session.output.note(title)
    if len(found.effects) > MOST_NAMED and session.output.form not in ("json", "jsonl", "csv"):
        session.output.note(f"{len(found.effects) - MOST_NAMED:,} more events answer these; --json has all of them")
        found = found._replace(effects=found.effects[:MOST_NAMED])
    rows = _rows(found, indents=session.output.chosen_form in ("table", "plain"))
    return Answer(_HEADER, rows, document=_document(found), title=title, whole="type")


def _last(register: Past, until: int, time: str | None) -> int:
    """Event `until`, or of what is known after it the last event that had happened by a time. Raises BadInput."""
    if time is None:
        return until
    last = next(register.events_as_of(time, until, backward=True), None)
    if last is None:
        raise BadInput(
            f"nothing had happened by {local(time)}", "evcli log --as-of now --reverse -n 0 shows what was first"
        )
    return number_of(last)


def _by_then(found: Trace, ref: str | None, time: str) -> Trace:
    """The same without what had not happened by that time. Raises BadRef."""
    if found.event["time"] > time:
        why = f"is event {number_of(found.event)}, which happened later, at {local(found.event['time'])}"
        raise BadRef(ref or "@", why, "--at counts when events were recorded")
    there, effects = {number_of(found.event)}, []
    for effect in found.effects:
        if effect.answers in there and effect.event["time"] <= time:
            there.add(number_of(effect.event))
            effects.append(effect)
    return found._replace(effects=effects)


def _rows(found: Trace, *, indents: bool) -> Iterator[tuple[Cell, ...]]:
    """The tree from its root to its leaves, a row for each event."""

    def row(event: Event, depth: int, answers: int | None, operation: str) -> tuple[Cell, ...]:
        number = f"{'  ' * depth}{number_of(event)}" if indents else number_of(event)
        who = (Happened.of(event), event["authid"], event["type"], event["subject"])
        return number, answers, *who, operation

    depth, above = 0, None
    if found.missing is not None:
        yield "-", None, None, None, None, None, f"id {found.missing} is not in the log before this"
        depth = 1
    for event in reversed(found.causes):
        yield row(event, depth, above, _operation(event))
        depth, above = depth + 1, number_of(event)
    several = f": {found.size:,} events, {found.first:,} to {found.last:,}" if found.size > 1 else ""
    yield row(found.event, depth, above, _operation(found.event) + several)
    children: dict[int, list[Event]] = {}
    for event, answers in found.effects:
        children.setdefault(answers, []).append(event)
    waiting = [(event, depth + 1, number_of(found.event)) for event in children.get(number_of(found.event), ())][::-1]
    while waiting:
        event, depth, above = waiting.pop()
        yield row(event, depth, above, _operation(event))
        number = number_of(event)
        waiting += [(each, depth + 1, number) for each in children.get(number, ())][::-1]


def _operation(event: Event) -> str:
    operation = operation_of(event)
    return "" if operation is None else operation.in_words


def _document(found: Trace) -> dict[str, Any]:
    top = _node(found.event)
    if top["operation"] is not None:
        top["operation"] |= {"events": found.size, "first": found.first, "last": found.last}
    causes = [{"id": event["id"], **_node(event)} for event in found.causes]
    if found.missing is not None:
        causes.append({"id": found.missing, "event": None, "operation": None})
    top |= {"causes": causes, "effects": []}
    nodes = {number_of(found.event): (top, 0)}
    for event, answers in found.effects:
        above, depth = nodes[answers]
        if depth == _DEEPEST:
            above["deeper"] = above.get("deeper", 0) + 1
            nodes[number_of(event)] = above, depth
        else:
            node = {**_node(event), "effects": []}
            above["effects"].append(node)
            nodes[number_of(event)] = node, depth + 1
    return top


def _node(event: Event) -> dict[str, Any]:
    operation = operation_of(event)
    return {"event": event, "operation": None if operation is None else operation._asdict()}


COMMANDS = {
    "trace": lambda: Command(
        trace,
        _HELP,
        [Parameter("ref", (), "[REF]", "Default: the last event.", is_moment=True), AT, AS_OF],
        ["evcli trace", "evcli trace 42", "evcli trace id:1b4e28ba --at yesterday --json"],
        EXIT_CODES,
        only_asks=True,
    )
}
