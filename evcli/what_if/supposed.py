"""What if: the history of a log with events dropped, put in or changed, in memory, and what the rules refuse of it.

What the log holds up to the first of these differences is common to both. The events after it happen again, one after
another; those that the rules refuse now are left out. Records keep their ids: events about other records go on meaning
these. So the id of a record that is never begun stays unused, and a record that is put in gets one after all others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.kind import Begins, said
from evcli.domain.overlay import Draft
from evcli.domain.state import State, step
from evcli.errors import Refused
from evcli.kinds import TYPES
from evcli.log.branch import Branch
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.what_if.branched import BranchedHistory
from evcli.what_if.numbering import Numbering

if TYPE_CHECKING:
    from evcli.domain.event import Subject
    from evcli.domain.leading import Answered

FEW = 1_000
"""So many events are looked up in the state before them at once."""


class Insertion(NamedTuple):
    """Events to put in after event `after`, as one command would record them at `time`."""

    after: int
    time: str
    intentions: Sequence[Intention]
    is_dated: bool = False
    """Whether it was said that they happened at that time."""


class Edits(NamedTuple):
    """How a history differs from the log: the events that it lacks, those that are others in it, and more events."""

    dropped: frozenset[int]
    changed: Mapping[int, Intention]
    inserted: Sequence[Insertion]

    def first(self, head: int) -> int:
        """The last event before the first difference; `head` if there is none."""
        edited = min((*self.dropped, *self.changed), default=head + 1)
        return min(edited - 1, *(each.after for each in self.inserted), head)


class Differing(NamedTuple):
    """A record that would be another at the end: as it is, and as it would be; None where there is none."""

    kind: str
    now: Any
    then: Any


class LeftOut(NamedTuple):
    """A later event that the rules would refuse, and why."""

    event: Event
    why: Refused


class PutIn(NamedTuple):
    """An event that was put in, and whether it was said when it happened."""

    event: Event
    is_dated: bool


class Supposed(NamedTuple):
    """The history that was supposed."""

    register: Register
    refused: Sequence[LeftOut]
    differing: Sequence[Differing]
    state: State
    """The state at its end."""
    fork: int
    """The last event before the first difference."""
    answers: "Mapping[Subject, Answered]"
    """Of each record about which there are other events: the first event of the log that is not what it was, if any."""
    numbering: Numbering
    put_in: "Mapping[Subject, Sequence[PutIn]]"
    """Of each record about which events were put in: these, in the order in which they would be recorded."""


class NotPossible(Refused):
    """An event that is put in, or that replaces another, breaks a rule where it is to happen."""

    def __init__(self, edit: Insertion | int, why: Refused, numbering: Numbering) -> None:
        """`numbering` is that of the events before it."""
        super().__init__(why.message, why.hint)
        self.code, self.edit, self.why, self.numbering = why.code, edit, why, numbering


def suppose(register: Register, edits: Edits) -> Supposed:
    """The history of an opened register with these edits; the events that are put in are by whom the register acts for.

    Raises:
        NotPossible: the rules refuse an edit where it is.
        BadInput: events that are put in at once are more than one batch holds.
        Damaged, LogCut.
    """
    head = register.head()
    fork = register.position(edits.first(head.number))
    if fork.batch:  # the lines of a batch that is not whole would be damage
        fork = register.position(int(fork.batch.partition("-")[0]) - 1)
    supposing = _Supposing(register, edits, register.at(fork.number), register.at(head.number))
    branch = Branch(register.log, fork)
    supposing.run(branch, register.events(fork, head.number) if fork.number < head.number else ())
    actor, _ = register.author
    history = BranchedHistory(register, branch, supposing.state)
    past = Register(branch, actor=actor.id, actor_type=actor.type, history=history)
    differing = list(supposing.differing())
    return Supposed(
        past,
        supposing.refused,
        differing,
        supposing.state,
        fork.number,
        supposing.answers,
        supposing.numbering,
        supposing.put_in,
    )


class _Supposing:
    """The events after the first difference, as they happen again."""

    def __init__(self, register: Register, edits: Edits, below: State, now: State) -> None:
        self._edits, self._now = edits, now
        self._actor, self._source = register.author
        self.state = Draft(below, takes_any_id=True)
        self.refused: list[LeftOut] = []
        self.numbering = Numbering(below.number, edits.changed)
        self._touched = set[tuple[str, int]]()
        """The records about which there are other events now."""
        self.answers: dict[tuple[str, int], Answered] = {}
        self._given: dict[str, int] = {}
        """The last id of each kind that a new record got."""
        self._count = 0
        self.put_in = defaultdict[tuple[str, int], list[PutIn]](list)

    def run(self, branch: Branch, events: Iterable[Event]) -> None:
        """Let these events happen again, and the edits with them. Raises NotPossible, BadInput, Damaged."""
        waiting = sorted(self._edits.inserted, key=lambda each: each.after)
        for _, command in groupby(self._prepared(events), key=lambda event: event.get("batch") or event["sequence"]):
            recorded = list(command)
            while waiting and waiting[0].after < number_of(recorded[0]):
                self._insert(branch, waiting.pop(0))
            self._grow(branch, [event for event in map(self._again, recorded) if event is not None])
        for insertion in waiting:
            self._insert(branch, insertion)

    def differing(self) -> Iterator[Differing]:
        """The records that are others at the end, by kind and id."""
        for kind, id in sorted(self._touched):
            now, then = self._now.get(kind, id), self.state.get(kind, id)
            if said(now) != said(then):
                yield Differing(kind, now, then)

    def _prepared(self, events: Iterable[Event]) -> Iterator[Event]:
        waiting = iter(events)
        while some := list(islice(waiting, FEW)):
            self.state.prepare(some)
            yield from some

    def _grow(self, branch: Branch, events: Sequence[Event]) -> None:
        if events:
            branch.grow(events)

    def _again(self, event: Event) -> Event | None:
        """What happens in place of a recorded event, if anything. Raises NotPossible."""
        number = number_of(event)
        instead = self._edits.changed.get(number)
        if instead is not None or number in self._edits.dropped:
            self._miss(event)
        if number in self._edits.dropped:
            self.numbering.missing.append(number)
            return None
        try:
            if instead is not None:
                event = self._changed(event, instead)
            step(self.state, event, self.state.number + 1)
        except Refused as why:
            if instead is not None:
                raise NotPossible(number, why, self.numbering) from None
            self._miss(event)
            self.numbering.missing.append(number)
            self.refused.append(LeftOut(event, why.with_traceback(None)))
            return None
        return event

    def _miss(self, event: Event) -> None:
        """Take note that an event of the log is not what it was."""
        self._touched.add(subject_of(event))
        self.answers.setdefault(subject_of(event), (number_of(event), event["id"]))

    def _changed(self, event: Event, instead: Intention) -> Event:
        """The event as another command would have recorded it: a record that it begins keeps its id. Raises Refused."""
        was, becomes = TYPES[event["type"]], TYPES[instead.type]
        keeps_id = type(was) is Begins and was.kind is becomes.kind
        subject = self._subject(instead, subject_of(event)[1] if keeps_id else None)
        self._miss(event | {"subject": subject})
        return {**event, "type": instead.type, "subject": subject, "data": dict(instead.data)}

    def _subject(self, intention: Intention, id: int | None) -> str:
        """The record that an intention is about; a new one has this id, or the next that no record of the log has."""
        each = TYPES[intention.type]
        kind = each.kind.name
        if type(each) is not Begins:
            id = intention.about(self.state)
        elif id is None:
            id = self._given[kind] = self._given.get(kind, self._now.last_id(kind)) + 1
        self._touched.add((kind, id))
        return f"{kind}/{id}"

    def _insert(self, branch: Branch, insertion: Insertion) -> None:
        recorded = max(insertion.time, branch.tip.recorded)
        events: list[Event] = []
        for intention in insertion.intentions:
            self._count += 1
            event: Any = {
                "specversion": "1.0",
                "id": f"what-if-{self._count}",
                "source": branch.tip.source or self._source,
                "type": intention.type,
                "subject": "",
                "time": insertion.time,
                **({"recordedtime": recorded} if recorded > insertion.time else {}),
                "sequence": "",
                "authtype": self._actor.type,
                "authid": self._actor.id,
                **({"batch": ""} if len(insertion.intentions) > 1 else {}),
                "data": dict(intention.data),
            }
            try:
                event["subject"] = self._subject(intention, None)
                step(self.state, event, self.state.number + 1)
            except Refused as why:
                raise NotPossible(insertion, why, self.numbering) from None
            self.numbering.put_in.append(self.state.number)
            self.put_in[subject_of(event)].append(PutIn(event, insertion.is_dated))
            events.append(event)
        self._grow(branch, events)
