"""When events happen that answer others: those that answer late ones, when these happened, if they fit there.

So what is taken back is taken back for `--as-of`, too. What answers an event that was recorded as it happened, happens
now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evcli.domain.cancelled import cancel, is_alike
from evcli.domain.event import Event, Subject, number_of, subject_of
from evcli.domain.leading import Happened
from evcli.domain.life import Life
from evcli.domain.timeline import is_late
from evcli.kinds import KINDS
from evcli.register.register import Register
from evcli.register.two_times.lives import Trial
from evcli.undo.courses import Past, courses


class Backdated(NamedTuple):
    """Steps, of which some say when they happen."""

    groups: list[list[Happened]]
    still: Sequence[int]
    """The numbers of late events that are answered now, since nothing fits when they happened: they go on counting."""


def backdated(
    register: Register,
    groups: Sequence[Sequence[Happened]],
    answered: Iterable[Event],
    known: Mapping[Subject, Sequence[Past]],
) -> Backdated:
    """The same steps, on the head that the register knows; each that answers a late event happens when that happened.

    All of one record's do so, or else none of them.

    Args:
        register: where they are to be recorded.
        groups: the steps.
        answered: the events that they answer.
        known: what has happened to their records, or to some of them; perhaps only since a moment.

    Raises Damaged, LogCut.
    """
    late = {number_of(event): event for event in answered if is_late(event)}
    backdating = _Backdating(register, [one for group in groups for one in group], late, known)
    while failed := set(backdating.failing()):
        backdating.placed -= failed
    dated = iter(backdating.dated())
    return Backdated([[next(dated) for _ in group] for group in groups], backdating.still)


class _Backdating:
    """These steps, of which those about the records that are `placed` happen when what they answer happened."""

    def __init__(
        self,
        register: Register,
        happened: Sequence[Happened],
        late: Mapping[int, Event],
        known: Mapping[Subject, Sequence[Past]],
    ) -> None:
        self._register, self._happened, self._late = register, happened, late
        now = register.trial().now
        self.placed = {subject_of(event) for event in late.values()}
        self.placed -= {subject_of(event) for event in late.values() if event["time"] > now}
        whole = {subject: known[subject] for subject in self.placed if _is_whole(known.get(subject, ()))}
        pasts = whole | courses(register, self.placed - whole.keys(), 0)
        self._events = {subject: [past.event for past in each] for subject, each in pasts.items()}

    @property
    def still(self) -> list[int]:
        """The numbers of the late events that are answered now."""
        numbers = (_answered(one) for one in self._happened if self._time(one) is None)
        return sorted({number for number in numbers if number in self._late})

    def dated(self) -> Iterator[Happened]:
        """The steps, with their times."""
        return (one._replace(step=one.step._replace(time=self._time(one))) for one in self._happened)

    def _time(self, one: Happened) -> str | None:
        """When a step happens; None: now."""
        event = self._late.get(_answered(one))
        return None if event is None or subject_of(event) not in self.placed else event["time"]

    def failing(self) -> Iterator[Subject]:
        """The placed records of which something does not fit."""
        trial, first = self._register.trial(), self._register.known.number + 1
        events = trial.suppose(
            (one.step.type.name, self._time(one), one.step.id, number, one.step.data)
            for number, one in enumerate(self._happened, first)
        )
        planned: dict[Subject, list[tuple[Event, Happened]]] = {subject: [] for subject in self.placed}
        for event, one in zip(events, self._happened, strict=True):
            if (subject := subject_of(event)) in planned:
                planned[subject].append((event, one))
        return (subject for subject, own in planned.items() if not self._fits(trial, subject, own))

    def _fits(self, trial: Trial, subject: Subject, own: Sequence[tuple[Event, Happened]]) -> bool:
        events, kind, id = self._events[subject], KINDS[subject[0]], subject[1]
        answers = [event for event, one in own if self._time(one) is not None]
        without = [event for event in events if number_of(event) not in self._late]
        before, after = Life(kind, id, events), Life(kind, id, [*events, *answers])
        if not cancel(trial, before, after, Life(kind, id, without), answers):
            return False
        last = after if len(answers) == len(own) else Life(kind, id, [*events, *(event for event, _ in own)])
        was, becomes = own[0][1].before, own[-1][1].after
        if is_alike(before.last, was):
            return is_alike(last.last, becomes)
        return kind.key(before.last) != kind.key(was) or kind.key(last.last) == kind.key(becomes)


def _answered(one: Happened) -> int:
    return 0 if one.step.answers is None else one.step.answers[0]


def _is_whole(course: Sequence[Past]) -> bool:
    return bool(course) and course[0].before is None
