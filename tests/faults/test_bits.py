"""Every prefix of a log and every flipped bit in it: no event too few, none that was not written, the place named."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.logs import reading

from evcli.domain.event import Event
from evcli.domain.state import MemoryState
from evcli.errors import EvcliError
from evcli.log.replay import replay
from evcli.register.verify import audit
from faults.common import LOG, creation, destruction, register, told
from faults.conftest import Figures


@cache
def fifteen_events() -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """A log of single events and of batches, and the numbers from and to which each batch goes."""
    with TemporaryDirectory() as folder:
        log = Path(folder, LOG)
        one = register(log)
        one.execute(*[creation(f"User{number}") for number in range(1, 5)])
        one.execute(*[destruction(number, "gone") for number in (1, 2)])
        one.execute(creation("Single"))
        one.execute(creation("Second"))
        one.execute(*[creation(f"Late{number}") for number in range(1, 8)])
        return log.read_bytes(), ((1, 4), (5, 6), (9, 15))


def whole_in(content: bytes, size: int) -> int:
    """How many events of the log can be read in its first bytes: those of which all but a newline is there."""
    _, batches = fifteen_events()
    ends = [at for at, byte in enumerate(content) if byte == ord("\n")]
    number = sum(1 for end in ends if end <= size)
    for first, last in batches:
        if first <= number < last:
            return first - 1
    return number


def read_all(log: Path) -> tuple[list[Event], int, EvcliError | None, str]:
    """The events that a reader gives, the torn bytes after them, the error that ended it, and the audit's word."""
    events: list[Event] = []
    error: EvcliError | None = None
    torn = 0
    try:
        with reading(log) as reader:
            torn = reader.log.unfinished()[0]
            replay(reader, MemoryState(), each=lambda taken, _: events.extend(taken))
    except EvcliError as found:
        error = found
    try:
        with reading(log) as reader:
            status = audit(reader).status
    except EvcliError:
        status = "damaged"
    return events, torn, error, status


def fault_of_prefix(log: Path, whole: bytes, events: list[Event], size: int) -> str:
    """What a reader gets wrong in the first bytes of a good log."""
    log.write_bytes(whole[:size])
    number = whole_in(whole, size)
    end = min(size, len(b"".join(whole.splitlines(keepends=True)[:number])))
    found, torn, error, status = read_all(log)
    if error is not None or status == "damaged":
        return f"false alarm: {size} bytes are called {status}: {error}"
    if found != events[:number]:
        return f"lost: of {size} bytes, {len(found)} events are read, not {number}"
    if (torn, status) != (size - end, "torn" if size > end else "good"):
        return f"{size} bytes: {torn} are called torn, and the log {status}"
    return ""


def fault_of_flip(log: Path, whole: bytes, events: list[Event], at: int, bit: int) -> str:
    """What a reader gets wrong in a log with one flipped bit."""
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    log.write_bytes(flipped)
    line = whole.count(b"\n", 0, at) + 1
    start = whole.rfind(b"\n", 0, at) + 1
    found, torn, error, status = read_all(log)
    what = f"bit {bit} of byte {at}, line {line}"
    if at == len(whole) - 1:  # the last newline is no part of the proof: nothing is lost with it
        wrong = error is not None or found != events or (torn, status) != (1, "torn")
        return f"{what}: {len(found)} events are read, and the log is called {status}: {error}" if wrong else ""
    if found != events[: line - 1]:
        return f"{what}: {len(found)} events are read, or others than were written"
    if torn:
        return f"{what}: {torn} bytes of an acknowledged log are called torn"
    if error is None or status != "damaged":
        return f"{what}: not found"
    if (getattr(error, "line", 0), getattr(error, "byte", -1)) != (line, start):
        return f"{what}, which begins at byte {start}: the error names another place: {error.message}"
    if error.exit != 12 or f"line {line}, byte {start}: " not in error.message:
        return f"{what}: the message does not say where: {error.message}"
    return ""


@pytest.fixture
def fifteen(disk: Path) -> tuple[Path, bytes, list[Event]]:
    log = disk / "events.jsonl"
    whole, _ = fifteen_events()
    log.write_bytes(whole)
    events, torn, error, status = read_all(log)
    assert (len(events), torn, error, status) == (15, 0, None, "good")
    return log, whole, events


@pytest.mark.case(41, 44)
def test_every_prefix_is_good_or_torn_and_keeps_every_whole_event(
    fifteen: tuple[Path, bytes, list[Event]], figures: Figures
) -> None:
    log, whole, events = fifteen
    complaints = [fault for size in range(len(whole) + 1) if (fault := fault_of_prefix(log, whole, events, size))]
    figures.count("prefixes read", len(whole) + 1)
    figures.judge(complaints)
    assert not complaints, told(complaints)


def check_flips(fifteen: tuple[Path, bytes, list[Event]], figures: Figures, places: list[tuple[int, int]]) -> None:
    log, whole, events = fifteen
    complaints = [fault for at, bit in places if (fault := fault_of_flip(log, whole, events, at, bit))]
    figures.count("bits flipped", len(places))
    assert not complaints, told(complaints)


@pytest.mark.case(43)
def test_a_flipped_bit_is_found_where_it_is(fifteen: tuple[Path, bytes, list[Event]], figures: Figures) -> None:
    size = len(fifteen[1])
    places = [(at, at // 7 % 8) for at in range(0, size, 7)]
    check_flips(fifteen, figures, [*places, *((at, bit) for at in range(size - 3, size) for bit in range(8))])


@pytest.mark.sweep
def test_every_flipped_bit_is_found_where_it_is(fifteen: tuple[Path, bytes, list[Event]], figures: Figures) -> None:
    check_flips(fifteen, figures, [(at, bit) for at in range(len(fifteen[1])) for bit in range(8)])
