"""Events and records of any kind as rows and fields."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evcli.cli.show.answer import Answer, fields
from evcli.cli.show.cells import Cell, Happened, When
from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.kind import EventType, Kind
from evcli.domain.state import Count
from evcli.kinds import KINDS, all_kinds

if TYPE_CHECKING:
    from evcli.domain.state import State
    from evcli.register.past import Position

LOG_HEADER = ("number", "time", "actor", "type", "subject", "data")


def log_row(event: Event) -> tuple[Cell, ...]:
    """One event on one line, as `log` shows it."""
    return (number_of(event), Happened.of(event), event["authid"], event["type"], event["subject"], summary(event))


def summary(event: Event) -> str:
    """The event's data: `name: Ada, email: ada@example.com`."""
    return ", ".join(f"{name}: {value}" for name, value in event["data"].items())


def event_fields(event: Event) -> list[tuple[str, Cell]]:
    """All of one event, one row per field; its number replaces `sequence`, its data are listed by name."""
    rows: list[tuple[str, Cell]] = [("number", number_of(event))]
    for name, value in event.items():
        if name in ("specversion", "source", "authtype", "sequence", "data"):
            continue
        if name in ("time", "recordedtime"):
            rows.append((name, When(str(value))))
        elif name == "sha256":
            rows += [(f"data.{field}", text) for field, text in event["data"].items()]
            rows.append((name, str(value)))
        else:
            rows.append((name, str(value)))
    return rows


def changed_fields(kind: Kind, before: Any, after: Any) -> list[str]:
    """What an event changed, a field at a time: `name: Grace → Grace Hopper`."""
    pairs = ((name, getattr(before, name, None), getattr(after, name, None)) for name in (*kind.own, kind.ended))
    return [f"{name}: {_value(old)} → {_value(new)}" for name, old, new in pairs if old != new]


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def happened_in_words(each: EventType, data: Mapping[str, str], after: Any) -> str:
    """What happened to a record: `user 3 renamed: Ada King <ada@example.com>`."""
    subject = f"{each.kind.name} {after.id}"
    if "{" in each.past:
        return f"{subject} {each.past.format_map(after._asdict() | dict(data))}"
    return f"{subject} {each.past}: {each.kind.labelled(after)}"


def change_in_words(each: EventType, data: Mapping[str, str], before: Any, after: Any) -> str:
    """Whom an event is about and what it changes: `user 3: name "Ada" → "Ada King"`."""
    kind = each.kind
    who = f"{kind.name} {after.id}"
    changed = {} if before is None else {name: getattr(before, name) for name in kind.own}
    changed = {name: old for name, old in changed.items() if old != getattr(after, name)}
    if not changed:
        return happened_in_words(each, data, after)
    named = kind.called or kind.unique
    if named and named not in changed:
        who += f' "{getattr(after, named)}"'
    labels = {name: field.label for name, field in kind.fields.items()}
    steps = (
        f"{labels.get(name, name)} {_quoted(old)} → {_quoted(getattr(after, name))}" for name, old in changed.items()
    )
    return f"{who}: {', '.join(steps)}"


def _quoted(value: object) -> str:
    return "none" if value is None else f'"{value}"'


def as_json(record: Any) -> dict[str, Any] | None:
    """A record's fields by name, for JSON; None for no record."""
    return None if record is None else record._asdict()


def overview(at: "Position", counts: Iterable[Count], until: str | None = None) -> dict[str, Any]:
    """What `state` says, for JSON, of the register after an event: its head, and how many records are there.

    With `until`, it is as of that time, as it is known after the event.
    """
    live, ended = zip(*counts, strict=True)
    return {
        "number": at.number,
        "sha256": at.sha256.decode(),
        "time": at.recorded or None,
        **({} if until is None else {"as_of": until or None}),
        "live": sum(live),
        "destroyed": sum(ended),
    }


def whole(at: "Position", state: "State", until: str | None = None) -> dict[str, Any]:
    """The document of `state`: what it says of the register after an event, and all records, ended ones too."""
    records = {kind: list(state.records(kind.name)) for kind in all_kinds()}
    live = (sum(record[-1] is None for record in each) for each in records.values())
    counts = (Count(count, len(each) - count) for count, each in zip(live, records.values(), strict=True))
    return overview(at, counts, until) | {kind.plural: list(map(as_json, each)) for kind, each in records.items()}


def in_full(event: Event, before: Any, after: Any) -> Answer:
    """One event in full, and the change that it made."""
    kind = KINDS[subject_of(event)[0]]
    rows = [*event_fields(event), ("before", in_words(kind, before)), ("after", in_words(kind, after))]
    return fields(rows, {"event": event, "before": as_json(before), "after": as_json(after)})


def in_words(kind: Kind, record: Any, named: Callable[[int], str] = "event {}".format) -> str:
    """A record in a cell: `Ada <ada@example.com>`, and which event ended it, if one did; "" for no record."""
    if record is None:
        return ""
    return kind.labelled(record) + (f", {kind.ended} by {named(record[-1])}" if record[-1] else "")
