"""A moment is found by bisection: a changed line on the way is damage; it never moves the moment to another event."""

from pathlib import Path

import pytest
from conftest import Cli
from support.events import creation, lines_of
from support.logs import reading

from evcli.errors import Damaged

USERS = 9


def moment(number: int, half: str = "0") -> str:
    """When event `number` was recorded, or half a second later."""
    return f"2026-03-01T00:00:{number:02}.{half}00000Z"


@pytest.fixture
def lines(log_path: Path) -> list[bytes]:
    """Nine users, one recorded each second."""
    lines = lines_of(creation(number, time=moment(number)) for number in range(1, USERS + 1))
    log_path.write_bytes(b"".join(lines))
    return lines


def with_time(line: bytes, time: str) -> bytes:
    """The line with another time: its own hash does not fit any more, which only the line before it can tell."""
    begin = line.index(b'"time":"') + len(b'"time":"')
    return line[:begin] + time.encode() + line[begin + len(time) :]


def place_at(log: Path, when: str) -> int:
    """The last event that was recorded until then, as bisection finds it."""
    with reading(log) as reader:
        return reader.seek(lambda position: position.recorded <= when).number


@pytest.mark.parametrize("other", ["2026-02-28T23:00:00.000000Z", "2026-03-01T01:00:00.000000Z"])
def test_a_changed_time_is_damage_or_moves_nothing(log_path: Path, lines: list[bytes], other: str) -> None:
    wrong, caught = [], 0
    moments = [(moment(number, "5"), number) for number in range(USERS + 1)]
    for changed in range(USERS):
        log_path.write_bytes(b"".join([*lines[:changed], with_time(lines[changed], other), *lines[changed + 1 :]]))
        for when, number in moments:
            try:
                found = place_at(log_path, when)
            except Damaged:
                caught += 1
            else:
                wrong += [(changed + 1, when, number, found)] if found != number else []
    assert not wrong
    assert caught >= USERS, "every changed time moves at least one moment"


def test_moments_are_found_where_nothing_was_changed(log_path: Path, lines: list[bytes]) -> None:
    assert [place_at(log_path, moment(number, "5")) for number in range(USERS + 1)] == list(range(USERS + 1))


@pytest.mark.parametrize("command", [("user", "list"), ("state",)])
def test_a_command_names_the_changed_line(
    cli: Cli, log_path: Path, lines: list[bytes], command: tuple[str, ...]
) -> None:
    later = with_time(lines[4], "2026-03-01T01:00:00.000000Z")
    log_path.write_bytes(b"".join([*lines[:4], later, *lines[5:]]))
    ran = cli(*command, "--at", moment(6, "5"))
    assert (ran.code, ran.out) == (12, "")
    assert "line 5" in ran.err
