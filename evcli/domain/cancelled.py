"""Whether late events and those that take them back cancel each other: whether it is, at any time, as without both.

What takes a late event back happens when that happened, directly after it. Later events that were taken back, too, may
then find the record ended: they wait for ever, as `timeline` says, and count for nothing.
"""

from collections.abc import Sequence
from typing import Any

from evcli.domain.event import Event
from evcli.domain.fitting import Lives, covers, may_happen
from evcli.domain.life import Hold, Life, Place
from evcli.domain.way import is_there

_AFTER_ALL = 10**12
"""A number after that of every event."""


def cancel(lives: Lives, before: Life, after: Life, without: Life, answers: Sequence[Event]) -> bool:
    """Whether these events can happen when those happened that they answer, and are as if neither had.

    Args:
        lives: what happened to every record, with all that is to happen.
        before: what happened to this one until now.
        after: the same, with these events in it.
        without: what its life is to be like.
        answers: the events.
    """
    return (
        _are_alike(after, without)
        and all(may_happen(lives, after, event) for event in answers)
        and not any(_is_taken(lives, before, after, hold) for hold in after.holds())
    )


def is_alike(record: Any, other: Any) -> bool:
    """Whether two records say the same; where one is not there at all, the other one has ended or is not, either."""
    return is_there(record, other) if other is None else is_there(other, record)


def _are_alike(one: Life, other: Life) -> bool:
    times = {step.place[0] for life in (one, other) for step in life.steps}
    places: list[Place] = [(time, _AFTER_ALL) for time in times]
    return all(is_alike(one.at(place), other.at(place)) for place in places)


def _is_taken(lives: Lives, before: Life, after: Life, hold: Hold) -> bool:
    """Whether another record has the key meanwhile, with which this one did not share it until now."""
    kind = after.kind
    had = [each for each in before.holds() if each.key == hold.key]
    if any(covers(own, hold) for own in had):
        return False
    others = (lives.life(kind, id) for id in lives.ever_had(kind, hold.key) if id != after.id)
    theirs = (each for life in others for each in life.holds() if each.key == hold.key)
    return any(_meet(hold, each) and not any(_meet(own, each) for own in had) for each in theirs)


def _meet(one: Hold, other: Hold) -> bool:
    first, second = sorted((one, other), key=lambda hold: hold.since)
    return first.until is None or second.since < first.until
