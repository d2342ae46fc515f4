"""Operations: what was done by one command, and which of them are in effect.

The log alone says it. All events of a command share a correlation id; those of an undo, a redo and a revert begin with
that word, and each of these events answers, as its causation id says, the one that it takes back. An event is in effect
unless an event that is in effect takes it back.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from evcli.domain.event import Event, in_short, number_of
from evcli.errors import Refused
from evcli.log.correlated import Answer, answering, correlated
from evcli.register.register import Register
from evcli.register.series import is_of_a_row
from evcli.undo import REDO, TAKING_BACK, UNDO
from evcli.undo.import_parts import parts_around


class Operation(NamedTuple):
    """The events of one command that are in effect."""

    correlation: str | None
    numbers: list[int]
    """The numbers of these events, ascending."""
    interrupted: str = ""
    """The correlation id of the undo or redo that began to take this operation back, and ended before it was done."""
    parts: Sequence[Sequence[int]] = ()
    """The numbers in parts, of an import that may have had several runs."""


class NothingLeft(Refused):
    """There is nothing to undo, or to redo."""

    code = "nothing-left"


class SomethingSince(Refused):
    """Event `since` was recorded after the undo that would be redone, whose events are `undo`."""

    code = "something-since"

    def __init__(self, undo: Sequence[int], since: Event) -> None:
        what = f"event {number_of(since)} ({in_short(since)})"
        super().__init__(f"the undo by event {undo[-1]} cannot be redone: {what} came after it; nothing was written")
        self.undo = undo


def taken_back(register: Register, after: int) -> dict[str, int]:
    """The ids of the events that are taken back by one after event `after`, each with the number of that one."""
    return _taken_back(answers_after(register, after), lambda each: True)


def answers_after(register: Register, after: int) -> list[Answer]:
    """The events after event `after` that each take one back, oldest first."""
    return list(answering(register.log, register.position(after).place, TAKING_BACK))


def left_of(
    answers: Sequence[Answer], asked: Sequence[Event], along: Sequence[Event] = (), surely: Collection[int] = ()
) -> list[int]:
    """The numbers of those of these events, at least one, that must be taken back so that none of them counts.

    Where one that is asked for takes another such one back, both stay as they are; unless it is `surely` taken back,
    being one of these numbers, or goes along: then both are. `answers` are all since the first of them.
    """
    ids, events = {event["id"] for event in asked}, [*asked, *along]
    numbers = {number_of(event) for event in events}

    def stays(number: int, answered: str) -> bool:
        return answered in ids and number not in surely

    def counts(each: Answer) -> bool:
        return each.number not in numbers or stays(each.number, each.answered)

    gone = _taken_back(answers, counts)
    in_effect = [event for event in events if event["id"] not in gone]
    return [
        number_of(each)
        for each in in_effect
        if not (_is(each, *TAKING_BACK) and stays(number_of(each), each.get("causationid", "")))
    ]


def _taken_back(answers: Sequence[Answer], counts: Callable[[Answer], bool]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in reversed(answers):
        if each.id not in found and counts(each):
            found[each.answered] = each.number
    return found


def last_operation(register: Register) -> Operation:
    """The newest operation in effect that is neither an undo nor a redo. Raises NothingLeft, Damaged."""
    walk = _Walk(register)
    for event in walk:
        if not _is(event, UNDO, REDO):
            return walk.operation_of(event)
        walk.answered.add(event.get("causationid", ""))
    raise NothingLeft("nothing is in effect that could be undone")


def last_undo(register: Register) -> Operation:
    """The newest undo in effect, if nothing else was done since. Raises NothingLeft, SomethingSince, Damaged."""
    walk = _Walk(register)
    for event in walk:
        if _is(event, UNDO):
            return walk.operation_of(event)
        if not _is(event, REDO):
            gone = taken_back(register, 0)
            undos = [each for each in answering(register.log, 0, (UNDO,)) if each.id not in gone]
            if undos:
                last = undos[-1].correlation
                raise SomethingSince([each.number for each in undos if each.correlation == last], event)
            break
        walk.answered.add(event.get("causationid", ""))
    raise NothingLeft("nothing is undone that could be redone")


def correlation_of(event: Event) -> str:
    """The correlation id of an event; "" if it has none."""
    return event.get("correlationid", "")


def _is(event: Event, *words: str) -> bool:
    return correlation_of(event).startswith(words)


class _Walk:
    """The events in effect, newest first."""

    def __init__(self, register: Register) -> None:
        self.answered = set[str]()
        """The ids of the events that are taken back, as far as the walk has come; the caller adds to it."""
        self._register = register
        self._events = register.events_backward(register.known)
        self._last: Event | None = None
        self._answered: Event | None = None
        """The last event of the log, and the one that it takes back, once the walk has passed it."""

    def __iter__(self) -> Iterator[Event]:
        for event in self._events:
            if self._last is None:
                self._last = event
            if event["id"] == self._last.get("causationid"):
                self._answered = event
            if event["id"] not in self.answered:
                yield event

    def operation_of(self, last: Event) -> Operation:
        """The operation whose last event in effect this is, the one that the walk has reached."""
        correlation = correlation_of(last)
        if is_of_a_row(correlation):
            return self._import_of(last)
        numbers = [number_of(last)]
        # What takes an operation back begins with its newest event: those before one in effect are in effect.
        for event in self._events if correlation else ():
            if correlation_of(event) != correlation:
                break
            numbers.append(number_of(event))
        return Operation(correlation or None, numbers[::-1], self._interrupted(correlation))

    def _import_of(self, last: Event) -> Operation:
        """The same for an event of an import: only between its batches may other writers come."""
        correlation = correlation_of(last)
        parts = parts_around(self._register, correlation, number_of(last))
        before, own = parts[0][0] - 1, {number for part in parts for number in part}
        gone = taken_back(self._register, before)
        found = correlated(self._register.log, correlation, self._register.position(before).place)
        left = {each.number for each in found if each.id not in gone}
        is_begun = self._answered is not None and number_of(self._answered) in own
        in_effect = [numbers for part in parts if (numbers := [number for number in part if number in left])]
        return Operation(correlation, sorted(left), self._interrupted(correlation) if is_begun else "", in_effect)

    def _interrupted(self, correlation: str) -> str:
        """The correlation id of the last event of the log, if that took an event of the same operation back."""
        if self._last is None or self._answered is None or correlation_of(self._answered) != correlation:
            return ""
        return correlation_of(self._last) if correlation else ""
