"""A command of several events that is sent with an id: it is recorded once, whole, and known by that id."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.caches import cache_every_log
from support.errors import raising
from support.logs import reading
from support.registers import create, register_at
from support.users import DESTROYED, RENAMED, RESTORED, find_user

from evcli.errors import BadText, IdTaken
from evcli.register.decide import Intention
from evcli.register.register import Register


def about(who: str, type: str = DESTROYED, **data: str) -> Intention:
    return Intention(type, data, about=lambda state: find_user(state, who, destroyed_first=type == RESTORED).id)


def destroy(*who: str) -> list[Intention]:
    return [about(one) for one in who]


@pytest.fixture(params=["folded", "cached"])
def five(request: pytest.FixtureRequest, register: Register, monkeypatch: pytest.MonkeyPatch) -> Register:
    """A register of users 1 to 5, by as many events, with a cache or without."""
    if request.param == "cached":
        cache_every_log(monkeypatch)
    register.execute(*map(create, ("Ada", "Bob", "Cyd", "Dan", "Eve")))
    return register


@pytest.fixture
def sent(five: Register) -> Register:
    """The same, after 1, 2 and 3 were destroyed by events 6 to 8 as the command `mine`."""
    five.execute(*destroy("1", "2", "3"), id="mine")
    return five


def ids(register: Register) -> list[str]:
    with reading(register.log.name) as reader:
        return [event["id"] for event in reader.events()]


def test_events_of_one_command_have_ids_that_follow_from_the_given_one(sent: Register) -> None:
    assert ids(sent)[5:] == ["mine", "mine.2", "mine.3"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_several_that_are_sent_twice_are_recorded_once(five: Register, log_path: Path, dry_run: bool) -> None:
    first = five.execute(*destroy("Bob", "eve@example.com", "1"), id="mine", expect=(5, None))
    five.execute(about("5", RESTORED))
    five.execute(create("Bob", "other@example.com"))
    before = log_path.read_bytes()
    for register in (five, register_at(log_path)):
        again = register.execute(
            *destroy("Bob", "eve@example.com", "1"), id="mine", expect=(5, None), dry_run=dry_run
        )  # fmt: skip
        assert (again.was_there, again.recorded, again.first) == (True, False, 6)
        assert [each[:1] + each[2:4] for each in again] == [each[:1] + each[2:4] for each in first]
    assert log_path.read_bytes() == before


def test_repeated_names_mean_whom_they_meant_after_the_events_before_them(five: Register) -> None:
    five.execute(create("Ada", "ada2@example.com"))
    for is_again in (False, True):  # after 1 is destroyed, one Ada is left
        done = five.execute(*destroy("1", "Ada"), id="mine")
        assert ([change.id for change in done.changes], done.was_there) == ([1, 6], is_again)


@pytest.mark.parametrize(
    "another",
    [
        destroy("1", "3", "2"), destroy("2", "1", "3"), destroy("1", "2"), destroy("1"), destroy("1", "2", "3", "4"),
        destroy("1", "2", "4"), destroy("4", "2", "3"), destroy("1", "2", "nobody"),
        [*destroy("1", "2"), about("3", reason="left")], [about("1", reason="left"), *destroy("2", "3")],
        [*destroy("1", "2"), about("3", RESTORED)],
    ],
    ids=[
        "last in another order", "first in another order", "fewer", "first alone", "more", "another last",
        "another first", "last is nobody", "last says more", "first says more", "last of another type",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry_run", [False, True])
def test_any_other_command_with_that_id_is_a_conflict(
    sent: Register, log_path: Path, another: Sequence[Intention], dry_run: bool
) -> None:
    before = log_path.read_bytes()
    said = "event id mine is taken by event 6 (user.destroyed user/1), of a command with other content, another order"
    with raising(IdTaken, 13, said, "nothing was written", hint="evcli show 6"):
        sent.execute(*another, id="mine", dry_run=dry_run)
    assert log_path.read_bytes() == before


@pytest.mark.parametrize("who", [["2"], ["2", "3"]])
def test_part_of_a_command_with_its_own_id_is_a_conflict(sent: Register, who: list[str]) -> None:
    with raising(IdTaken, 13, "event id mine.2 is taken by event 7 (user.destroyed user/2), of a command"):
        sent.execute(*destroy(*who), id="mine.2")


def test_several_conflict_with_the_same_events_sent_one_by_one(five: Register) -> None:
    five.execute(*destroy("1"), id="mine")
    with raising(IdTaken, 13, "event id mine is taken by event 6 (user.destroyed user/1), of a command"):
        five.execute(*destroy("1", "2"), id="mine")
    five.execute(*destroy("2"), id="mine.2")
    with raising(IdTaken, 13, "event id mine is taken by event 6"):
        five.execute(*destroy("1", "2"), id="mine")
    assert five.execute(*destroy("2"), id="mine.2").was_there


def test_several_conflict_with_events_that_have_their_ids_in_another_order(five: Register) -> None:
    five.execute(about("2")._replace(id="mine.2"), about("1")._replace(id="mine"))
    with raising(IdTaken, 13, "event id mine.2 is taken by event 6"):
        five.execute(*destroy("2", "1"), id="mine")


@pytest.mark.parametrize("taken", ["mine.2", "mine.3"])
def test_derived_id_that_another_event_has_is_a_conflict(five: Register, log_path: Path, taken: str) -> None:
    five.execute(about("4", RENAMED, name="Don"), id=taken)
    before = log_path.read_bytes()
    with raising(IdTaken, 13, f"event id {taken} is taken by event 6 (user.renamed user/4)", "nothing was written"):
        five.execute(*destroy("1", "2", "3"), id="mine")
    assert log_path.read_bytes() == before
    assert five.execute(*destroy("1"), id="mine").recorded


def test_refused_command_leaves_its_ids_free(sent: Register) -> None:
    with pytest.raises(Exception, match="already destroyed"):
        sent.execute(*destroy("4", "1"), id="other")
    assert sent.execute(*destroy("4", "5"), id="other").recorded
    assert ids(sent)[8:] == ["other", "other.2"]


@pytest.mark.parametrize(("count", "longest"), [(1, 128), (2, 126), (9, 126), (10, 125)])
def test_id_leaves_room_for_the_ids_that_are_derived(
    register: Register, log_path: Path, count: int, longest: int
) -> None:
    commands = [create(f"User{number}") for number in range(count)]
    with raising(BadText, 2, f"has {longest + 1} characters; at most {longest} are allowed"):
        register.execute(*commands, id="x" * (longest + 1))
    assert not log_path.exists()
    assert len(register.execute(*commands, id="x" * longest)) == count
