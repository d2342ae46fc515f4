"""The shapes: an event, a kind of record, and what a type of event means to a record of that kind.

An event is a plain dict in the form of a CloudEvent (https://github.com/cloudevents/spec, version 1.0); the TypedDict
gives it types and costs nothing at run time. A command is an event that has not been accepted yet.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    from evcli.domain.state import State

Data = Mapping[str, str]


class Event(TypedDict):
    """One line of the log; members in this order. Times are RFC 3339 in UTC with six fraction digits."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    recordedtime: NotRequired[str]
    sequence: str
    authtype: str
    authid: str
    correlationid: NotRequired[str]
    causationid: NotRequired[str]
    batch: NotRequired[str]
    data: dict[str, str]
    sha256: str


def number_of(event: Event) -> int:
    """The event's number, from 1: its line in the log."""
    return int(event["sequence"])


def subject_of(event: Event) -> tuple[str, int]:
    """Which record the event is about: its kind and id."""
    kind, _, id = event["subject"].partition("/")
    return kind, int(id)


def recorded_moment(event: Event) -> str:
    """When the event was recorded: its `recordedtime`, or its `time` when it was recorded as it happened."""
    return event.get("recordedtime") or event["time"]


class EventType(NamedTuple):
    """What events of one type hold, when they are accepted, and what they make of a record."""

    kind: str
    """The kind of record that events of this type are about: what stands before the slash of their subject."""
    data_fault: Callable[[Mapping[str, object]], str]
    """Say why this cannot be the data of such an event; "" when it can. Asks nothing but the data."""
    rule: Callable[["State", int, Any, Data], None]
    """(state before, record id, the record or None, data): raises Refused when it cannot happen; writes nothing."""
    apply: Callable[[Any, int, int, Data], Any]
    """(the record or None, record id, event number, data): the record afterwards."""


class Kind(NamedTuple):
    """One kind of record.

    A record is a NamedTuple of numbers and texts. Its `id`, `changed` (the event that made it so) and `destroyed` (the
    event that destroyed it, or None) mean the same for every kind.
    """

    name: str
    types: Mapping[str, EventType]
    record: Any
    """The class of its records."""
    unique_key: Callable[[Any], str]
    """The text that no two live records share."""
    name_key: Callable[[Any], str]
    """What people call a record, without regard to case; several may be called the same."""
    claimed_key: Callable[[Data], str | None]
    """The unique key that an event's data wants for its record, or None: what its rule will ask for."""
