"""When, by whom and why: the stamps of many events are what their lines say, with the cache and without."""

import random
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.caches import cache_every_log
from support.calls import Meter
from support.events import creation, lines_of
from support.users import CREATED, RENAMED, USER

from evcli.domain.event import Event, number_of
from evcli.errors import Damaged
from evcli.log.file.engine import FileLog
from evcli.register import stamps
from evcli.register.past import Past
from evcli.register.stamps import Stamp


def told(log: Path, count: int, seed: int = 1) -> list[Event]:
    """A log of so many events about some users, by several actors, at different times and with reasons or without."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    users = 0
    for number in range(1, count + 1):
        time = f"2026-03-{number // 1440 % 28 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00.000000Z"
        common: dict[str, Any] = {"id": f"id-{number}", "time": time, "authid": chance.choice(["ann", "bob"])}
        reason = {"reason": f"because {number}"} if chance.random() < 0.5 else {}
        if users < 3 or chance.random() < 0.5:
            users += 1
            data = {"name": f"User {users}", "email": f"user-{users}@example.com", **reason}
            events.append(creation(number, **common, type=CREATED, subject=f"{USER}/{users}", data=data))
        else:
            data = {"name": f"Name {number}", **reason}
            id = chance.randint(1, users)
            events.append(creation(number, **common, type=RENAMED, subject=f"{USER}/{id}", data=data))
    log.write_bytes(b"".join(lines_of(events)))
    log.chmod(0o600)
    with FileLog(str(log)) as file:
        return list(Past(file).events())


def expected(events: Iterable[Event], numbers: Iterable[int]) -> dict[int, Stamp]:
    wanted = set(numbers)
    return {
        number_of(event): Stamp(event["time"], event["authid"], event["data"].get("reason"))
        for event in events
        if number_of(event) in wanted
    }


def chosen(found: Mapping[int, Stamp], numbers: Iterable[int]) -> dict[int, Stamp]:
    return {number: found[number] for number in numbers}


@pytest.mark.parametrize("has_cache", [True, False])
@pytest.mark.parametrize("near", [0, 700, 1 << 20])
def test_stamps_are_what_the_lines_say(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, has_cache: bool, near: int
) -> None:
    if has_cache:
        cache_every_log(monkeypatch, most_behind=20_000)
    monkeypatch.setattr(stamps, "NEAR", near)
    events = told(log_path, 310)
    lines = log_path.read_bytes().splitlines(keepends=True)
    log_path.write_bytes(b"".join(lines[:300]))
    with Past(str(log_path)) as past:
        past.at()  # builds the cache
        with log_path.open("ab") as log:
            log.write(b"".join(lines[300:]))  # which it does not know
        past.look()
        assert (past.history.cache(past.reader) is not None) is has_cache
        chance = random.Random(near)
        for until in (310, 300, 150):
            found = past.stamps(USER, until)
            for count in (1, 3, 40, until):
                numbers = chance.sample(range(1, until + 1), count)
                assert chosen(found.of(numbers), numbers) == expected(events, numbers)
        assert past.history.uses_cache, "it was not given up"


def test_a_faulty_cache_is_given_up_and_the_log_is_read_once(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    events = told(log_path, 200)
    with Past(str(log_path)) as past:
        past.at()
        path = past.history.cache_path
        assert path is not None
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM user_spans WHERE changed = 77")
        found = past.stamps(USER, 200)
        numbers = range(60, 90)
        assert chosen(found.of(numbers), numbers) == expected(events, numbers)
        meter = Meter(monkeypatch)
        for start in range(1, 200, 10):
            assert chosen(found.of([start]), [start]) == expected(events, [start])
        assert meter.read == 0


def test_with_a_cache_a_few_stamps_read_a_few_lines(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    told(log_path, 3000)
    with Past(str(log_path)) as past:
        past.at()
        found = past.stamps(USER, 3000)
        found.of([1])
        meter = Meter(monkeypatch)
        found.of([5, 1500, 2999])
        assert 0 < meter.read < 100_000
        assert log_path.stat().st_size > 900_000


def test_a_changed_line_is_damage(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    told(log_path, 50)
    with Past(str(log_path)) as past:
        past.at()
        lines = log_path.read_bytes().splitlines(keepends=True)
        changed = lines[19].replace(b"ann", b"eve").replace(b"bob", b"eve")
        assert len(changed) == len(lines[19])
        with log_path.open("r+b") as log:
            log.write(b"".join([*lines[:19], changed]))
        with pytest.raises(Damaged, match="line 20"):
            past.stamps(USER, 50).of([20])
