"""Which event set each field of a record, and how one record differs: by its own events, with the cache and without."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.caches import cache_the_beginning
from support.calls import Meter
from support.events import creation, lines_of
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, USER

from evcli.domain.event import Event, number_of
from evcli.kinds import KINDS
from evcli.register.diff import Difference
from evcli.register.history import History
from evcli.register.past import Past

FIELDS = ("name", "email", "destroyed")


def told(log: Path, count: int, users: int = 4, seed: int = 2) -> None:
    """A log of so many events: users are created first, then each changes in any way that the rules allow."""
    chance, events, live = random.Random(seed), [], dict[int, bool]()
    for number in range(1, count + 1):
        id = len(live) + 1 if len(live) < users else chance.randint(1, users)
        reason = {"reason": f"because {number}"} if chance.random() < 0.5 else {}
        if id not in live:
            type, data = CREATED, {"name": f"User {id}", "email": f"user-{id}@example.com"}
        elif not live[id]:
            type, data = RESTORED, {}
        else:
            type = chance.choice([RENAMED, EMAIL_CHANGED, DESTROYED])
            data = {RENAMED: {"name": f"N{number}"}, EMAIL_CHANGED: {"email": f"e{number}@example.com"}}.get(type, {})
        live[id] = type != DESTROYED
        events.append(creation(number, id=f"id-{number}", type=type, subject=f"{USER}/{id}", data=data | reason))
    log.write_bytes(b"".join(lines_of(events)))
    log.chmod(0o600)


def walked(past: Past, until: int) -> Iterator[dict[int, dict[str, tuple[Any, Event]]]]:
    """After each event, by id: the value of each field, and the event that set it."""
    found: dict[int, dict[str, tuple[Any, Event]]] = {}
    for number in range(1, until + 1):
        event, before, after = past.change(number)
        set_before = found.get(after.id, {})
        new = {name: getattr(after, name) for name in FIELDS if getattr(before, name, None) != getattr(after, name)}
        found = {**found, after.id: set_before | {name: (value, event) for name, value in new.items()}}
        yield found


@pytest.mark.parametrize("known", [0, 13, 40])
def test_blame_names_the_last_event_that_changed_each_field(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    told(log_path, 40)
    if known:
        cache_the_beginning(log_path, monkeypatch, known)
    kind = KINDS[USER]
    with Past(str(log_path), History(uses_cache=bool(known))) as past:
        for until, wanted in enumerate(walked(Past(str(log_path), History(uses_cache=False)), 40), 1):
            for id, fields in wanted.items():
                found = past.blame(kind, id, until)
                assert {name: (value, event) for name, value, event in found} == fields
                assert [each.name for each in found] == [name for name in FIELDS if name in fields]
        assert (past.history.cache_path is not None) == bool(known)


@pytest.mark.parametrize("known", [0, 7, 14])
def test_difference_of_one_record_is_that_of_all_records(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    told(log_path, 14, users=3)
    if known:
        cache_the_beginning(log_path, monkeypatch, known)
    kind = KINDS[USER]

    def whole(each: Difference) -> tuple[object, ...]:
        return *each, list(each.fields())

    with Past(str(log_path), History(uses_cache=bool(known))) as past:
        for start in range(15):
            for end in range(15):
                every = past.diff(start, end)
                for id in (1, 2, 3):
                    found = past.diff(start, end, (kind, id))
                    assert list(map(whole, found)) == [whole(each) for each in every if each.id == id]
        assert (past.history.cache_path is not None) == bool(known)


@pytest.mark.parametrize("lacks", ["began", "named", "changed"])
@pytest.mark.parametrize("asks", ["blame", "diff"])
def test_cache_whose_events_do_not_lead_to_the_record_is_given_up(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str, asks: str
) -> None:
    told(log_path, 40)
    kind = KINDS[USER]

    def answer(past: Past) -> object:
        if asks == "blame":
            return past.blame(kind, 2, 40)
        return [(*each, list(each.fields())) for each in past.diff(0, 40, (kind, 2))]

    with Past(str(log_path), History(uses_cache=False)) as past:
        wanted = answer(past)
        record = past.at(40).get(USER, 2)
        setters = {number_of(each.event) for each in past.blame(kind, 2, 40)}
    (named, *_) = setters - {record.created, record.changed}
    row = {"began": record.created, "named": named, "changed": record.changed}[lacks]
    cache_the_beginning(log_path, monkeypatch, 40)
    with Past(str(log_path)) as past:
        past.at(40)
        path = past.history.cache_path
        assert path
        with closing(sqlite3.connect(path)) as db, db:
            changed = db.execute(f"DELETE FROM user_spans WHERE changed = {row}").rowcount
        assert changed == 1
        assert answer(past) == wanted
        assert not past.history.uses_cache


def test_with_a_cache_only_the_events_about_the_record_are_read(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(log_path, 3000, users=1000)
    cache_the_beginning(log_path, monkeypatch, 3000)
    with Past(str(log_path)) as past:
        past.at(3000)
        meter = Meter(monkeypatch)
        assert past.blame(KINDS[USER], 500, 3000)
        assert past.diff(0, 3000, (KINDS[USER], 500))
        assert 0 < meter.read < 100_000
        assert log_path.stat().st_size > 900_000
