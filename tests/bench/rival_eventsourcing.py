"""What people would use instead: the eventsourcing package (https://eventsourcing.readthedocs.io), on its SQLite
module. `python rival_eventsourcing.py CSV DATABASE USERS-PER-SAVE` imports a CSV file of users.

Used as its documentation does it: an aggregate whose events the decorator makes, an application that saves it, the
default transcoder. Where there is a choice, the faster way is taken: ids that only grow, so that its table grows at one
end; large sections of the notification log; and no rule about e-mails, which it would have to keep by an aggregate for
each. It opens SQLite in WAL mode and leaves `synchronous` as it is, which is FULL: each save is synced.
"""

import csv
import gc
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.utils import get_topic

from evcli.kinds.user import TYPES

SECTION = 10_000
"""Notifications in one reading: the more, the faster; beyond this, hardly."""


class User(Aggregate):
    """A user and what can happen to one."""

    @staticmethod
    def create_id(number: int) -> UUID:
        return UUID(int=number)

    @event("Created")
    def __init__(self, number: int, name: str, email: str) -> None:
        self.number = number
        self.name = name
        self.email = email
        self.is_destroyed = False

    @event("Renamed")
    def rename(self, name: str) -> None:
        self.name = name

    @event("EmailChanged")
    def change_email(self, email: str) -> None:
        self.email = email

    @event("Destroyed")
    def destroy(self, reason: str) -> None:
        self.is_destroyed = True

    @event("Restored")
    def restore(self) -> None:
        self.is_destroyed = False


class Users(Application[UUID]):
    """The application that saves users and hands out its events in the order in which they were saved."""

    log_section_size = SECTION


def open_users(path: Path) -> Users:
    """The application on a database of its own."""
    return Users({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})


def durability(path: Path) -> str:
    """The journal mode and `synchronous` of a connection as the package opens it."""
    users: Any = open_users(path)
    with users.factory.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
        cursor.execute("PRAGMA synchronous")
        (level,) = cursor.fetchone()
    users.close()
    return f"journal_mode={mode}, synchronous={('OFF', 'NORMAL', 'FULL', 'EXTRA')[level]}"


# --- the events of an evcli log, and the state that they come to ------------------------------------------------------

_events: Any = User  # the decorator puts the classes of the events there, unseen by mypy
_CLASSES: dict[str, Callable[..., Any]] = dict(
    zip(
        TYPES,
        (_events.Created, _events.Renamed, _events.EmailChanged, _events.Destroyed, _events.Restored),
        strict=True,
    )
)


def fill(users: Users, log: Path, events: int) -> None:
    """Save the first `events` events of an evcli log, as if the application had recorded them."""
    versions: dict[int, int] = {}
    topic = get_topic(User)
    with log.open("rb") as file:
        lines = map(orjson.loads, islice(file, events))
        while batch := [_as_domain_event(event, versions, topic) for event in islice(lines, SECTION)]:
            users.events.put(batch)


def _as_domain_event(event: dict[str, Any], versions: dict[int, int], topic: str) -> Any:
    number = int(event["subject"].removeprefix("user/"))
    versions[number] = versions.get(number, 0) + 1
    members = dict(event["data"])
    if event["type"] == "user.created":
        members |= {"number": number, "originator_topic": topic}
    elif event["type"] == "user.destroyed":
        members.setdefault("reason", "")
    return _CLASSES[event["type"]](
        originator_id=User.create_id(number),
        originator_version=versions[number],
        timestamp=datetime.fromisoformat(event["time"]),
        **members,
    )


Row = tuple[int, str, str, int, int, int | None]


class Replayed:
    """Users as evcli's state has them (id, name, e-mail, events that created, changed, destroyed), and e-mails in use.

    Plain tuples in dictionaries: less than evcli's fold does, which also asks every rule.
    """

    def __init__(self) -> None:
        self.users: dict[int, Row] = {}
        self.holders: dict[str, int] = {}
        self._apply: dict[type[Any], Callable[[int, int, Any], None]] = {
            _events.Created: self._create,
            _events.Renamed: self._rename,
            _events.EmailChanged: self._change_email,
            _events.Destroyed: self._destroy,
            _events.Restored: self._restore,
        }

    def read(self, users: Users) -> "Replayed":
        """Take in everything that the application's notification log has."""
        select, to_domain_event, apply = users.notification_log.select, users.mapper.to_domain_event, self._apply
        last = 0
        while notifications := select(last + 1, SECTION):
            for notification in notifications:
                event = to_domain_event(notification)
                apply[type(event)](event.originator_id.int, notification.id, event)
            last = notifications[-1].id
        return self

    def _create(self, id: int, number: int, event: Any) -> None:
        self.users[id] = (id, event.name, event.email, number, number, None)
        self.holders[event.email.casefold()] = id

    def _rename(self, id: int, number: int, event: Any) -> None:
        _, _, email, created, _, _ = self.users[id]
        self.users[id] = (id, event.name, email, created, number, None)

    def _change_email(self, id: int, number: int, event: Any) -> None:
        _, name, email, created, _, _ = self.users[id]
        del self.holders[email.casefold()]
        self.users[id] = (id, name, event.email, created, number, None)
        self.holders[event.email.casefold()] = id

    def _destroy(self, id: int, number: int, event: Any) -> None:
        _, name, email, created, _, _ = self.users[id]
        del self.holders[email.casefold()]
        self.users[id] = (id, name, email, created, number, number)

    def _restore(self, id: int, number: int, event: Any) -> None:
        _, name, email, created, _, _ = self.users[id]
        self.users[id] = (id, name, email, created, number, None)
        self.holders[email.casefold()] = id


# --- the import -------------------------------------------------------------------------------------------------------


def count(path: Path) -> int:
    """How many events there are."""
    users = open_users(path)
    number = users.recorder.max_notification_id() or 0
    users.close()
    return number


def main(source: str, database: str, at_once: str) -> None:
    """Import a CSV file with the columns name and email, with that number of users in each save."""
    gc.disable()
    users = open_users(Path(database))
    with open(source, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        numbered = enumerate(rows, 1)
        while batch := [User(number, name, email) for number, (name, email) in islice(numbered, int(at_once))]:
            users.save(*batch)
    users.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
