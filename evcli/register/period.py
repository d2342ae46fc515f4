"""What happened to the records of one kind between two moments, and which of them were there at each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evcli.domain.event import Event, number_of, recorded_moment, subject_of
from evcli.domain.kind import EventType, Kind
from evcli.domain.overlay import Draft
from evcli.domain.state import State, step
from evcli.errors import EvcliError
from evcli.kinds import TYPES
from evcli.log import Position
from evcli.log.reader import Reader
from evcli.register.history import History


class DoesNotAddUp(EvcliError):
    """The records live at two moments, and the events between them, contradict each other: a fault of evcli's own."""

    code = "does-not-add-up"

    def __init__(self, plural: str, start: int, end: int, counts: "Counts") -> None:
        super().__init__(
            f"{counts.beginning} {plural} are live at event {start} and {counts.end} at event {end}, but the events "
            f"between them lead to {counts.led_to}; no report was made"
        )


class Act(NamedTuple):
    """One event of the period: what it did to its record, who did it, when and with which data."""

    number: int
    type: EventType
    time: str
    """When it happened."""
    recorded: str
    """When it was recorded, which decides whether it belongs to the period."""
    actor: str
    data: Mapping[str, str]
    before: Any
    after: Any
    """The record before and after it."""

    @property
    def reason(self) -> str | None:
        """Why it was done, if that was said."""
        return self.data.get("reason")


class Course(NamedTuple):
    """One record during the period: as it was at the beginning and at the end, None if it was not live, and its events.

    A record that was not live at either moment has at least one event.
    """

    id: int
    at_beginning: Any
    at_end: Any
    acts: Sequence[Act]


class Counts(NamedTuple):
    """How many: beginning + came + came_back - left = end."""

    beginning: int
    came: int
    came_back: int
    left: int
    end: int
    changed: int
    """Events that changed a live record."""
    untouched: int
    """Records that were there all the time, and that no event is about."""

    @property
    def led_to(self) -> int:
        """How many are live at the end by what happened since the beginning."""
        return self.beginning + self.came + self.came_back - self.left


class Period:
    """The records of a kind between two positions of a log."""

    def __init__(
        self, kind: Kind, start: Position, end: Position, state: State, acts: Sequence[Act], live: tuple[int, int]
    ) -> None:
        """`state` is the one at the end; `live` are the numbers of records at the beginning and at the end."""
        self.kind, self.start, self.end, self.acts = kind, start, end, acts
        self._state = state
        self._by_id: dict[int, list[Act]] = {}
        for act in acts:
            self._by_id.setdefault(act.after.id, []).append(act)
        self.counts = self._counted(*live)

    def _counted(self, beginning: int, end: int) -> Counts:
        roles = [act.type.role for act in self.acts]
        touched = sum(_if_live(each[0].before) is not None for each in self._by_id.values())
        return Counts(
            beginning=beginning,
            came=roles.count("begins"),
            came_back=roles.count("revives"),
            left=roles.count("ends"),
            end=end,
            changed=roles.count("changes"),
            untouched=beginning - touched,
        )

    def courses(self) -> Iterator[Course]:
        """Every record that was live at some time in the period, by id."""
        for record in self._state.records(self.kind.name):
            acts = self._by_id.get(record.id, ())
            first = acts[0].before if acts else record
            if acts or record[-1] is None:
                yield Course(record.id, _if_live(first), _if_live(record), acts)

    def of_role(self, role: str) -> list[Act]:
        """The events whose type has that role, in order."""
        return [act for act in self.acts if act.type.role == role]


def period(history: History, reader: Reader, kind: Kind, start: int, end: int) -> Period:
    """What happened to the records of `kind` after event `start` and up to event `end`, which is not before it.

    The number of live records at the end is counted apart from the events that lead there.

    Raises:
        Damaged, LogCut.
        DoesNotAddUp: the records at both moments and the events between them contradict each other.
    """
    live_at_end = history.at(reader, end).count(kind.name).live  # the rules hold, or this says which event breaks one
    before = history.at(reader, start)
    live_at_start = before.count(kind.name).live
    first = history.position(reader, start)
    state = Draft(before)
    acts: list[Act] = []
    for events, _ in reader.bundles(first, end):
        state.prepare(events)
        acts += _acts(state, events, kind)
    found = Period(kind, first, history.position(reader, end), state, acts, (live_at_start, live_at_end))
    if found.counts.led_to != found.counts.end:
        raise DoesNotAddUp(kind.plural, start, end, found.counts)
    return found


def _acts(state: Draft, events: Iterable[Event], kind: Kind) -> Iterator[Act]:
    """Apply the events to the state; return those about the kind."""
    for event in events:
        number = number_of(event)
        before, after = step(state, event, number)
        if subject_of(event)[0] == kind.name:
            type, recorded = TYPES[event["type"]], recorded_moment(event)
            yield Act(number, type, event["time"], recorded, event["authid"], event["data"], before, after)


def _if_live(record: Any) -> Any:
    return record if record is not None and record[-1] is None else None
