"""The first event after which a state is bad: by bisection, or by a walk where that may change more than once."""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Protocol

from evcli.domain.event import number_of
from evcli.domain.kind import Begins, Ends, EventType, Kind, Revives
from evcli.domain.state import State
from evcli.errors import Refused
from evcli.register.past import Past

Verdict = Literal["good", "bad", "skip"]
"""What a look at a state says of it; `skip`: it cannot be told."""

Look = Callable[[int], Verdict]
"""The verdict on the state after an event, by number."""

_COUNTED: dict[type[EventType], int] = {Begins: 1, Revives: 1, Ends: -1}
"""What an event adds to the number of live records, by its role."""


class WrongEnd(Refused):
    """The state at one end of the search is not what it must be: good at its beginning, bad at its end."""

    code = "wrong-end"

    def __init__(self, number: int, verdict: Verdict, wanted: Verdict) -> None:
        said = "was skipped" if verdict == "skip" else f"is {verdict}"
        super().__init__(f"the state after event {number} {said}; it must be {wanted}")
        self.number, self.wanted = number, wanted


class NeverBad(Refused):
    """A walk met no bad state."""

    code = "never-bad"

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"no state from event {start} to event {end} is bad")


class OnlySkipped(Refused):
    """The first bad event is one of several, since the states between were skipped."""

    code = "only-skipped"

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"the first bad event is one of events {first} to {last}: the states between were skipped")


class Found(NamedTuple):
    """Where good states end and bad ones begin."""

    good: int
    """The last event known to leave a good state."""
    bad: int
    """The first event known to leave a bad one: the one that was looked for, unless states between were skipped."""
    skipped: list[int]
    """The events between the two."""


def bisect(look: Look, start: int, end: int) -> Found:
    """Find an event that leaves a bad state directly after a good one, in a logarithmic number of looks.

    `start` comes before `end`. Raises WrongEnd: the state after `start` is not good, or the one after `end` not bad.
    """
    ends: tuple[tuple[int, Verdict], ...] = ((start, "good"), (end, "bad"))
    for number, wanted in ends:
        if (verdict := look(number)) != wanted:
            raise WrongEnd(number, verdict, wanted)
    good, bad, skipped = start, end, list[int]()
    while number := _middle(good, bad, skipped):
        verdict = look(number)
        if verdict == "skip":
            insort(skipped, number)
            continue
        good, bad = (number, bad) if verdict == "good" else (good, number)
        skipped = [each for each in skipped if good < each < bad]
    return Found(good, bad, skipped)


def _middle(good: int, bad: int, skipped: list[int]) -> int:
    """The middle of the widest gap between what was looked at, far from what was skipped; 0 if there is no gap."""
    low, high = max(pairwise([good, *skipped, bad]), key=lambda gap: gap[1] - gap[0])
    return (low + high) // 2 if high - low > 1 else 0


def walk(verdicts: Iterable[tuple[int, Verdict]], start: int, end: int) -> Found:
    """Find the first bad state among those after `start`, whose verdicts come in order; `start` itself comes first.

    States without a verdict are as the one before them. Raises WrongEnd: the state after `start` is not good; NeverBad.
    """
    skipped = list[int]()
    for number, verdict in verdicts:
        if number == start and verdict != "good":
            raise WrongEnd(number, verdict, "good")
        if verdict == "bad":
            good = (skipped[0] if skipped else number) - 1
            return Found(good, number, skipped)
        skipped = [*skipped, number] if verdict == "skip" else []
    raise NeverBad(start, end)


class Question(Protocol):
    """What makes a state bad."""

    def holds(self, state: State) -> bool:
        """Whether it holds in a state."""

    def each(self, past: Past, start: int, end: int) -> Iterator[tuple[int, bool]]:
        """Whether it holds after event `start`, and after each later one up to `end` that can change it, in order."""


class OfRecord:
    """Whether something holds of one record; of one that is not there yet, it does not."""

    def __init__(self, kind: Kind, id: int, holds: Callable[[Any], bool]) -> None:
        """`holds` is asked of the record."""
        self._kind, self._id, self._holds = kind, id, holds

    def holds(self, state: State) -> bool:
        """Whether it holds in a state."""
        return self._holds_of(state.get(self._kind.name, self._id))

    def each(self, past: Past, start: int, end: int) -> Iterator[tuple[int, bool]]:
        """Whether it holds after event `start`, and after each later one about the record."""
        yield start, self.holds(past.at(start))
        for event, record in past.versions(self._kind, self._id, start, end):
            yield number_of(event), self._holds_of(record)

    def _holds_of(self, record: Any) -> bool:
        return record is not None and self._holds(record)


class CountOver:
    """Whether more records of a kind are live than a number."""

    def __init__(self, kind: Kind, most: int) -> None:
        self._kind, self._most = kind, most

    def holds(self, state: State) -> bool:
        """Whether it holds in a state."""
        return state.count(self._kind.name).live > self._most

    def each(self, past: Past, start: int, end: int) -> Iterator[tuple[int, bool]]:
        """Whether it holds after event `start`, and after each later one that begins, ends or revives a record."""
        live = past.at(start).count(self._kind.name).live
        yield start, live > self._most
        counted = {name: _COUNTED[type(each)] for name, each in self._kind.types.items() if type(each) in _COUNTED}
        for event in past.events(past.position(start), end):
            if event["type"] in counted:
                live += counted[event["type"]]
                yield number_of(event), live > self._most
