"""What every engine of a log owes its register: one suite for the file and for the reference in memory."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Clock
from support.events import batch_of, creation, lines_of
from support.logs import numbers
from support.registers import create

from evcli.domain.event import Event, number_of
from evcli.domain.refusals import Taken
from evcli.errors import Busy, Damaged
from evcli.log import START, Log, Position
from evcli.log.file.engine import FileLog
from evcli.log.follow import follow
from evcli.log.memory import MemoryLog
from evcli.log.reader import Reader
from evcli.register.register import Register

Engine = Callable[[], Log]
"""Opens the same log again, as another process would."""

LAST = "2026-03-01T09:00:09.000000Z"
TEN = lines_of(
    [
        *(creation(number, time=f"2026-03-01T09:00:0{number}.000000Z") for number in range(1, 7)),
        *batch_of(7, 10, time=LAST),
    ]
)
"""Ten lines: six single events, a second apart, and a batch of four."""


class Stop(Exception):
    """The test has seen enough."""


@pytest.fixture(params=["file", "memory"])
def engine(request: pytest.FixtureRequest, log_path: Path) -> Engine:
    lines: list[bytes] = []
    return {"file": lambda: FileLog(str(log_path)), "memory": lambda: MemoryLog(lines)}[request.param]


@pytest.fixture
def ten(engine: Engine) -> Log:
    """The log with the ten lines."""
    log = engine()
    for lines in (TEN[:1], TEN[1:6], TEN[6:]):
        log.append(lambda head, lines=lines: lines, 0)  # type: ignore[misc]  # it is asked at once
    return log


def everything(log: Log, place: int = 0, until: int | None = None) -> list[bytes]:
    return [line for _, lines in log.read(place, until) for line in lines]


def positions(log: Log) -> list[Position]:
    """The positions before the first line and after each, as a checked reading of all of them finds them."""
    reader, found = Reader(log), [START]
    for _ in reader.events():
        found.append(reader.position_at(reader.end))
    return found


def collect(events: Iterator[Event], into: list[int]) -> None:
    for event in events:
        into.append(number_of(event))  # what was seen before it ended counts


def test_lines_come_back_in_order_from_any_place_to_any_place(ten: Log) -> None:
    places = [at.place for at in positions(ten)]
    assert len(places) == len(TEN) + 1
    for start, begin in enumerate(places):
        for stop, end in enumerate(places):
            assert everything(ten, begin, end) == TEN[start:stop], f"from line {start} to line {stop}"


def test_read_says_where_each_line_begins_and_the_last_one_ends(ten: Log) -> None:
    expected = [at.place for at in positions(ten)]
    found = [place for places, _ in ten.read() for place in places[:-1]]
    assert [*found, ten.end] == expected


def test_head_is_the_position_after_the_last_line(ten: Log, engine: Engine) -> None:
    assert ten.head() == engine().head() == positions(ten)[-1]
    assert (ten.head().number, ten.head().place) == (10, ten.end)


def test_seek_finds_each_position_by_number_and_by_time(ten: Log) -> None:
    for number, at in enumerate(positions(ten)):
        assert ten.seek(lambda position, number=number: position.number <= number) == at  # type: ignore[misc]
        if number <= 6:
            found = ten.seek(lambda position, at=at: position.recorded <= at.recorded)  # type: ignore[misc]
            assert found == at, f"the last event recorded by {at.recorded}"


def test_seek_looks_at_nothing_after_until(ten: Log) -> None:
    for at in positions(ten):
        assert ten.seek(lambda position: True, at.place) == at


def test_the_first_append_begins_the_log(engine: Engine) -> None:
    heads: list[Position] = []

    def decide(head: Position) -> Sequence[bytes]:
        heads.append(head)
        return TEN[:1]

    after = engine().append(decide, 0)
    assert heads == [START]
    assert after == engine().head()
    assert everything(engine()) == TEN[:1]


def test_append_answers_with_the_position_after_its_last_line(ten: Log, engine: Engine) -> None:
    assert [at.number for at in (ten.head(), engine().head())] == [10, 10]
    more = lines_of([creation(11, time=LAST)], ten.head())
    assert ten.append(lambda head: more, 0) == ten.head() == engine().head()


def test_a_decision_that_raises_leaves_nothing(ten: Log, engine: Engine) -> None:
    def decide(head: Position) -> Sequence[bytes]:
        raise Stop

    with pytest.raises(Stop):
        ten.append(decide, 0)
    assert everything(engine()) == TEN
    assert ten.head() == engine().head()


def test_a_decision_for_no_lines_leaves_nothing(ten: Log, engine: Engine) -> None:
    assert ten.append(lambda head: (), 0) == ten.head()
    assert everything(engine()) == TEN


def test_a_decision_is_made_on_what_others_appended_since_the_last_look(ten: Log, engine: Engine) -> None:
    assert ten.head().number == 10
    engine().append(lambda head: lines_of([creation(11, time=LAST)], head), 0)
    ten.append(lambda head: lines_of([creation(head.number + 1, time=LAST)], head), 0)
    assert numbers(Reader(engine()).events()) == list(range(1, 13))


def test_no_writer_comes_between_a_decision_and_its_lines(ten: Log, engine: Engine) -> None:
    """It is kept out by a lock, or its lines are seen by a second decision."""
    heads: list[int] = []

    def decide(head: Position) -> Sequence[bytes]:
        heads.append(head.number)
        if len(heads) == 1:
            try:
                engine().append(
                    lambda other: lines_of([creation(other.number + 1, time=LAST, id="the other")], other), 0
                )
            except Busy:
                heads.append(head.number)  # as if it had been asked again
        return lines_of([creation(head.number + 1, time=LAST, id="mine")], head)

    ten.append(decide, 0)
    events = list(Reader(engine()).events())
    assert numbers(events) == list(range(1, len(events) + 1))
    assert events[-1]["id"] == "mine"
    assert heads == [10, len(events) - 1]


def test_lines_that_others_appended_are_there_after_a_wait(ten: Log, engine: Engine) -> None:
    assert ten.head().number == 10
    engine().append(lambda head: lines_of([creation(11, time=LAST)], head), 0)
    assert ten.wait(0) == ""
    assert (len(everything(ten)), ten.head().number) == (11, 11)


def test_events_of_others_are_followed_as_they_land(ten: Log, engine: Engine) -> None:
    seen, pauses, other = list[int](), iter(range(4)), engine()

    def pause() -> None:
        if next(pauses, None) is None:
            raise Stop
        other.append(lambda head: lines_of(batch_of(head.number + 1, head.number + 2, time=LAST), head), 0)

    coming = follow(Reader(ten), positions(ten)[8], pause=pause, tell=pytest.fail)
    with pytest.raises(Stop):
        collect(coming, seen)
    assert seen == list(range(9, 19))


def test_a_log_that_is_settled_and_synced_is_unchanged(ten: Log) -> None:
    assert ten.settle(0)
    ten.sync()
    assert everything(ten) == TEN
    assert ten.unfinished() == (0, False)


def test_a_register_works_on_any_engine(engine: Engine) -> None:
    def register(name: str) -> Register:
        ids = iter(range(100))
        return Register(engine(), actor=name, clock=Clock(), new_id=lambda: f"{name}-{next(ids)}")

    ann, bob = register("ann"), register("bob")
    ann.execute(create("Ada"), create("Bob"))
    bob.execute(create("Eve"))
    with pytest.raises(Taken):
        ann.execute(create("Dan"), create("Eve"))
    assert ann.execute(create("Dan"), dry_run=True)[0].after.id == 4
    ann.execute(create("Dan"))
    assert [user.name for user in bob.at().records("user")] == ["Ada", "Bob", "Eve", "Dan"]
    assert [user.name for user in ann.at(2).records("user")] == ["Ada", "Bob"]
    assert ann.verify().head == bob.head()
    assert ann.verify().status == "good"
    assert ann.moment("@-2", Clock()()).number == 2


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_seek_up_to_a_damaged_line_raises_and_past_it_does_not(kind: str, log_path: Path) -> None:
    lines = [*TEN[:4], b"junk\n"]
    log_path.write_bytes(b"".join(lines))
    log: Log = FileLog(str(log_path)) if kind == "file" else MemoryLog(lines)
    end = log.end
    with pytest.raises(Damaged, match="line 5"):
        log.seek(lambda position: True, end)
    with pytest.raises(Damaged, match="line 5"):
        log.head()
    assert log.seek(lambda position: position.number <= 2).number == 2
