"""An event: something that happened to one record.

An event is a plain dict in CloudEvents form (https://github.com/cloudevents/spec, version 1.0); the TypedDict adds
types at no run-time cost. A command is an event that has not been accepted yet.
"""

from typing import NotRequired, TypedDict

Subject = tuple[str, int]
"""The record that an event is about: the name of its kind, and its id."""


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
    """The event's number, from 1: its line number in the log."""
    return int(event["sequence"])


def subject_of(event: Event) -> Subject:
    """The kind and id of the record that the event is about."""
    kind, _, id = event["subject"].partition("/")
    return kind, int(id)


def recorded_moment(event: Event) -> str:
    """When the event was recorded: its `recordedtime`, or its `time` if it was recorded as it happened."""
    return event.get("recordedtime") or event["time"]


def in_short(event: Event) -> str:
    """What an event is, about which record, by whom: `user.renamed of user 2 by ann`."""
    return f"{event['type']} of {event['subject'].replace('/', ' ')} by {event['authid']}"
