"""A report as tables for people, as rows for programs, and as a JSON document."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from evcli import __version__
from evcli.cli.report.checks import as_lines, checks
from evcli.cli.report.facts import Bound, Facts
from evcli.cli.show.answer import Answer
from evcli.cli.show.cells import Cell, Sentence, When
from evcli.cli.show.render import as_json, changed_fields
from evcli.cli.show.safe import valid
from evcli.cli.show.times import local, local_time
from evcli.domain.kind import Changes
from evcli.register.period import Act, Course

ROLES = {"begins": "came", "revives": "came back", "ends": "left", "changes": "changed"}
"""What the events of each role are called."""

TRUST = (
    "A head proves every event up to it to whoever kept the head elsewhere, as by keeping this report: nobody can then "
    "change, drop or put in one of them unnoticed."
)


def sum_of(facts: Facts) -> str:
    """`12 at the beginning + 2 came + 1 came back - 2 left = 13 at the end`."""
    counts = facts.period.counts
    return (
        f"{counts.beginning} at the beginning + {counts.came} came + {counts.came_back} came back - {counts.left} left "
        f"= {counts.end} at the end"
    )


def tables(facts: Facts) -> Answer:
    """The report for people: the counts, and below them a table for each question."""
    counts = facts.period.counts
    rows: list[tuple[str, Cell]] = [
        ("at the beginning", counts.beginning),
        ("+ came", counts.came),
        ("+ came back", counts.came_back),
        ("- left", counts.left),
        ("= at the end", counts.end),
        ("changes", counts.changed),
        ("untouched", counts.untouched),
    ]
    return Answer(("", "count"), rows, title=facts.title, is_headed=False, more=list(_more(facts)))


def _more(facts: Facts) -> Iterator[Answer]:
    yield from lists(facts)
    yield Answer(("field", "value"), list(about(facts)), title="about this report", is_headed=False)
    if lines := as_lines(checks(facts)):
        yield Answer(lines=lines, title="check it without evcli")


def lists(facts: Facts) -> Iterator[Answer]:
    """Who came, came back, left and changed; and who was there at the beginning and at the end."""
    period = facts.period
    header = ("time", "id", period.kind.name, "what", "actor", "reason", "event")
    for role, title in ROLES.items():
        if acts := period.of_role(role):
            yield Answer(header, map(_row, acts), title=f"{title} ({len(acts)})")
    counts = period.counts
    present = {
        f"at the beginning ({counts.beginning})": (course.at_beginning for course in period.courses()),
        f"at the end ({counts.end})": (course.at_end for course in period.courses()),
    }
    for title, records in present.items():
        rows = (record[:-1] for record in records if record is not None)
        yield Answer(period.kind.record._fields[:-1], rows, title=title)


def about(facts: Facts) -> Iterator[tuple[str, Cell]]:
    """Where the report comes from, a fact at a time."""
    yield "from", _bound(facts.beginning, "after ")
    yield "head at the beginning", facts.beginning.at.head
    yield "to", _bound(facts.end, "")
    yield "head at the end", facts.end.at.head
    if not facts.is_complete:
        yield "not over", "the period was not over when this was made"
    yield "log", facts.log
    yield "hash of its first event", facts.identity
    yield "time zone", facts.zone
    yield "made", f"{local_time(facts.made)} by evcli {__version__}"
    yield "command", facts.command
    yield "again", facts.again
    yield "proof", TRUST


def _bound(bound: Bound, joint: str) -> Cell:
    at = bound.at
    event = f"event {at.number}, of {local(at.recorded)}" if at.number else "event 0, the empty register"
    return f"{local_time(bound.time)}: {joint}{event}" if bound.time else f"{joint}{event}"


def _row(act: Act) -> tuple[Cell, ...]:
    kind = act.type.kind
    return (when(act), act.after.id, kind.labelled(act.after), what(act), act.actor, act.reason, act.number)


def when(act: Act) -> Cell:
    """When it happened, and when it was recorded if that was later."""
    if act.recorded == act.time:
        return When(act.time)
    return Sentence((When(act.time), ", recorded ", When(act.recorded)))


def what(act: Act) -> str:
    """What was done, with the old and the new values if it changed any: `name: Grace → Grace Hopper`."""
    past, kind = act.type.past, act.type.kind
    if "{" in past:
        return past.format_map(act.after._asdict() | dict(act.data))
    if type(act.type) is not Changes:
        return past
    if changed := changed_fields(kind, act.before, act.after):
        return ", ".join(changed)
    said = ", ".join(f"{name}: {value}" for name, value in act.data.items() if name != "reason")
    return f"{past}: {said}" if said else past


# --- for programs -----------------------------------------------------------------------------------------------------


def rows(facts: Facts) -> Answer:
    """A row for each record and event of the period, and one for each record without events, by id."""
    kind = facts.period.kind
    header = (
        "id", *kind.own, "at_beginning", "change", "what", "type", "event", "time", "recorded", "actor", "reason",
        "at_end",
    )  # fmt: skip
    found = (row for course in facts.period.courses() for row in _rows(course, len(kind.own)))
    return Answer(header=header, rows=found, document=None)


def _rows(course: Course, own: int) -> Iterator[Sequence[Cell]]:
    first, last = (("yes" if record else "no") for record in (course.at_beginning, course.at_end))
    for act in course.acts:
        did = (what(act), act.type.name, act.number, When(act.time), When(act.recorded), act.actor, act.reason)
        yield *act.after[: own + 1], first, ROLES[act.type.role], *did, last
    if not course.acts:
        yield *course.at_end[: own + 1], first, *[None] * 8, last


def document(facts: Facts) -> dict[str, Any]:
    """The report as a JSON document."""
    period = facts.period
    return {
        "kind": period.kind.name,
        "from": _end(facts.beginning),
        "to": _end(facts.end),
        "counts": period.counts._asdict(),
        period.kind.plural: list(map(_course, period.courses())),
        "log": {"name": valid(facts.log), "sha256": facts.identity},
        "zone": facts.zone,
        "made": _utc(facts.made),
        "evcli": __version__,
        "complete": facts.is_complete,
        "command": valid(facts.command),
        "again": valid(facts.again),
        "checks": [check._asdict() | {"command": valid(check.command)} for check in checks(facts)],
    }


def _end(bound: Bound) -> dict[str, Any]:
    at = bound.at
    return {
        "ref": bound.ref,
        "time": bound.time and _utc(bound.time),
        "number": at.number,
        "sha256": at.sha256.decode(),
        "recorded": at.recorded or None,
    }


def _course(course: Course) -> dict[str, Any]:
    first, last = as_json(course.at_beginning), as_json(course.at_end)
    return {"id": course.id, "at_beginning": first, "at_end": last, "changes": list(map(_change, course.acts))}


def _change(act: Act) -> dict[str, Any]:
    return {
        "change": ROLES[act.type.role],
        "number": act.number,
        "type": act.type.name,
        "time": act.time,
        "recorded": act.recorded,
        "actor": act.actor,
        "reason": act.reason,
        "data": act.data,
        "before": as_json(act.before),
        "after": as_json(act.after),
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
