"""A follower loses no event, whenever the log is cut and grows again: at every one of the follower's own calls."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.logs import reading

from evcli.log.follow import follow
from faults.common import creation, register, told
from faults.conftest import Figures

SHOWN, LANDING, NEW = 3, 2, 6
CALLS = ("stat", "fstat", "pread")


class Seen(Exception):
    """The follower has looked often enough."""


class Cut(NamedTuple):
    """What somebody does to the log: how many events stay, how many new ones follow, and before which call."""

    left: int
    new: int
    call: int


class Logs(NamedTuple):
    """The lines of the log as it was, and by how many of them stay, the new ones after these."""

    old: list[bytes]
    new: list[list[bytes]]


@pytest.fixture
def logs(disk: Path) -> Logs:
    """Lines of good chains, for every cut."""
    log = disk / "made.jsonl"
    ann = register(log, "old")
    for number in range(SHOWN + LANDING):
        ann.execute(creation(f"Old{number}"))
    old = log.read_bytes().splitlines(keepends=True)
    new = []
    for left in range(len(old) + 1):
        log.write_bytes(b"".join(old[:left]))
        bob = register(log, f"new-{left}")
        for number in range(NEW):
            bob.execute(creation(f"New{number}"))
        new.append(log.read_bytes().splitlines(keepends=True)[left:])
    return Logs(old, new)


class Calls:
    """The calls by which the follower looks at a file, counted from when `count_from_here` is called on."""

    def __init__(self, number: int, do: Callable[[], None]) -> None:
        """Before the call of that number, do that."""
        self.made = -1_000_000
        self._number = number
        self._do = do
        self._real = {name: getattr(os, name) for name in CALLS}

    def count_from_here(self) -> None:
        self.made = 0

    def __enter__(self) -> "Calls":
        for name in CALLS:
            setattr(os, name, self._counted(self._real[name]))
        return self

    def __exit__(self, *_: object) -> None:
        for name in CALLS:
            setattr(os, name, self._real[name])

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.made += 1
            if self.made == self._number:
                self._do()
            return real(*arguments, **named)

        return call


def followed(log: Path, logs: Logs, cut: Cut) -> tuple[list[str], int]:
    """The ids that a follower shows, and how many calls it makes for two events that land and one look after that."""
    log.write_bytes(b"".join(logs.old[:SHOWN]))
    shown: list[str] = []
    calls_made: list[int] = []

    def change() -> None:
        with log.open("r+b") as file:
            file.truncate(sum(map(len, logs.old[: cut.left])))
            file.seek(0, os.SEEK_END)
            file.write(b"".join(logs.new[cut.left][: cut.new]))

    def wait() -> None:
        calls_made.append(calls.made)
        if len(calls_made) == 1:
            with log.open("ab") as file:
                file.write(b"".join(logs.old[SHOWN:]))
            calls.count_from_here()
        elif len(calls_made) == 6:
            raise Seen

    with reading(log) as reader, Calls(cut.call, change) as calls, suppress(Seen):
        shown.extend(event["id"] for event in follow(reader, reader.log.head(), pause=wait, tell=lambda text: None))
    return shown, calls_made[2]


def complaints(log: Path, logs: Logs, cuts: Sequence[Cut]) -> list[str]:
    """The cuts after which an event was never shown, or shown twice."""
    wrong = []
    for cut in cuts:
        shown, _ = followed(log, logs, cut)
        there = [f"new-{cut.left}-{number}" for number in range(1, cut.new + 1)]
        landed = [f"old-{number}" for number in range(SHOWN + 1, cut.left + 1)]
        counted = Counter(shown)
        if missing := [id for id in landed + there if id not in counted]:
            wrong.append(f"lost: {missing} after {cut}")
        if twice := [id for id in counted if counted[id] > 1]:
            wrong.append(f"twice: {twice} after {cut}")
    return wrong


def moments(log: Path, logs: Logs) -> range:
    """The calls before which the log is changed: from when events land until the look after they were read."""
    nothing = Cut(SHOWN + LANDING, 0, -1)
    shown, made = followed(log, logs, nothing)
    assert shown == [f"old-{number}" for number in range(SHOWN + 1, SHOWN + LANDING + 1)]
    return range(1, made + 1)


def test_a_follower_loses_nothing_over_any_cut(disk: Path, logs: Logs, figures: Figures) -> None:
    log = disk / "followed.jsonl"
    cuts = [Cut(*each) for each in product(range(SHOWN + LANDING + 1), range(NEW + 1), moments(log, logs))]
    found = complaints(log, logs, cuts)
    figures.judge(found)
    assert not found, told(found)
