"""What was true at a time is what a model says that sorts the events and folds them, with the cache and without."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.caches import cache_every_log, cache_the_beginning
from support.events import lines_of
from support.kinds import beside_users
from support.late import VALUES, lately, moment

from evcli import kinds
from evcli.domain.event import Event, number_of, recorded_moment
from evcli.domain.kind import Begins, Revives
from evcli.domain.overlay import get_many
from evcli.domain.state import State
from evcli.kinds import KINDS
from evcli.register.past import ALWAYS, Past

EVENTS = 40
PAGES = {"bike": "kinds.bike", "desk": "kinds.desk"}


@pytest.fixture(autouse=True)
def more_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from beside_users(monkeypatch, PAGES)


def model(events: list[Event], until: str, number: int) -> dict[str, dict[int, Any]]:
    """The records by kind and id: all events sorted, and each done once it can be."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    happened = [each for each in events if number_of(each) <= number and each["time"] <= until]
    happened.sort(key=lambda each: (each["time"], each["sequence"]))
    waiting: list[Event] = []
    for event in happened:
        waiting.append(event)
        while any(_happens(each, found) and not waiting.remove(each) for each in list(waiting)):  # type: ignore[func-returns-value]
            pass
    return found


def _happens(event: Event, found: dict[str, dict[int, Any]]) -> bool:
    kind, id = event["subject"].split("/")
    each, record = KINDS[kind].types[event["type"]], found[kind].get(int(id))
    if isinstance(each, Begins) != (record is None):
        return False
    if record is not None and (record[-1] is not None) != isinstance(each, Revives):
        return False
    found[kind][int(id)] = each.effect(record, int(id), number_of(event), event["data"])
    return True


def check(state: State, events: list[Event], until: str, number: int) -> None:
    """All that the state says is what the model says."""
    expected = model(events, until, number)
    for kind in kinds.MODULES:
        records = [expected[kind][id] for id in sorted(expected[kind])]
        live = [record for record in records if record[-1] is None]
        assert list(state.records(kind)) == records, (kind, until, number)
        assert list(state.records(kind, live_only=True)) == live
        assert state.count(kind) == (len(live), len(records) - len(live))
        assert state.last_id(kind) == max(expected[kind], default=0)
        assert sorted(get_many(state, kind, range(EVENTS))) == records
        for word in map(str.casefold, VALUES):
            called = [record for record in records if word in KINDS[kind].words(record)]
            assert sorted(state.called(kind, word)) == called, (kind, word, until, number)
            holders = [record for record in called if record[-1] is None and KINDS[kind].key(record) == word]
            assert state.holder(kind, word) == (holders[0] if holders else None)
        words = sorted((word, record) for record in records for word in KINDS[kind].words(record))
        assert list(state.words(kind, "")) == words
    assert state.number == number


def in_order(events: list[Event]) -> list[int]:
    return [number_of(each) for each in sorted(events, key=lambda each: (each["time"], each["sequence"]))]


def times(events: list[Event]) -> list[str]:
    last = max(map(recorded_moment, events))
    return [each for each in map(moment, range(60)) if each <= last][::5]


CACHES = {"no cache": 0, "whole in the cache": EVENTS, "cache behind": EVENTS - 6, "cache far behind": EVENTS // 2}


@pytest.mark.parametrize("cached", CACHES.values(), ids=list(CACHES))
@pytest.mark.parametrize("seed", range(4))
def test_state_events_and_counts_are_those_of_the_model(
    seed: int, cached: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "events.jsonl"
    members: Any = lately(seed, ["user", "bike", "desk"] if seed % 2 else ["user"], EVENTS)
    log.write_bytes(b"".join(lines_of(members)))
    if cached:
        cache_the_beginning(log, monkeypatch, cached)
    with Past(str(log)) as past:
        past.open()
        for number in range(0, EVENTS + 1, 8):
            for until in times(members):
                check(past.as_of(until, number), members, until, number)
                for start, after in ((ALWAYS, 0), (moment(9), 0), (ALWAYS, 7), (until, 3)):
                    asked = [
                        each for each in members[after:number] if start <= each["time"] <= until
                    ]  # fmt: skip
                    for backward in (False, True):
                        found = past.events_as_of(until, number, start=start, after=after, backward=backward)
                        assert list(map(number_of, found)) == in_order(asked)[:: -1 if backward else 1]
                    over = [each for each in members[after:] if "recordedtime" in each]
                    assert past.passed_over(until, after, start) == sum(start <= e["time"] <= until for e in over)
        assert bool(past.history.cache_path) == bool(cached)


LAST = "(SELECT max(number) FROM user_late)"
FAULTS = {
    "late row lost": f"DELETE FROM user_late WHERE number = {LAST}",
    "late row changed": "UPDATE user_late SET time = '2020'",
    "span lost": "DELETE FROM user_spans WHERE changed = (SELECT number FROM user_late ORDER BY time DESC LIMIT 1)",
    "span changed": f"UPDATE user_spans SET sum = 0 WHERE changed = {LAST}",
    "span of the last record changed": "UPDATE user_spans SET sum = 0 WHERE id = (SELECT max(id) FROM user_spans)",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("asked", ["events", "events backward", "records"])
def test_cache_whose_rows_are_wrong_is_given_up_and_the_log_answers(
    fault: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, until = tmp_path / "events.jsonl", moment(99)
    members: Any = lately(1, ["user"], EVENTS)
    log.write_bytes(b"".join(lines_of(members)))
    cache_every_log(monkeypatch)
    with Past(str(log)) as past:
        past.at()
        cache = past.history.cache(past.reader)
        assert cache is not None
        cache.db.execute(fault)
        if asked == "records":
            expected = model(members, until, EVENTS)["user"]
            assert list(past.as_of(until, EVENTS).records("user")) == [expected[id] for id in sorted(expected)]
        else:
            found = past.events_as_of(until, EVENTS, backward=asked != "events")
            assert list(map(number_of, found)) == in_order(members)[:: 1 if asked == "events" else -1]
        # Where an event was found by another time, only what asks by time can see it.
        assert past.history.uses_cache == (asked == "records" and fault == FAULTS["late row changed"])
