"""The past: a log and its fold, queried at any moment. Everything that only reads a register goes through here."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from evcli.domain.event import Event, number_of
from evcli.domain.state import State
from evcli.errors import Damaged, LogCut, NoLog
from evcli.kinds.data import fault_of, first_fault
from evcli.log import START, Log, Position
from evcli.log.file.engine import FileLog
from evcli.log.reader import Reader
from evcli.register.history import History

if TYPE_CHECKING:
    from evcli.domain.kind import Kind
    from evcli.register.changes import Change
    from evcli.register.diff import Difference
    from evcli.register.former import Had
    from evcli.register.period import Period
    from evcli.register.refs import Moment
    from evcli.register.setters import Setting
    from evcli.register.stamps import Stamps
    from evcli.register.two_times.happening import Happenings, View
    from evcli.register.verify import Report


ALWAYS = ""
"""Before every time that an event can have."""

__all__ = ["ALWAYS", "Past", "Position", "log_file"]


def log_file(path: str, *, makes_folders: bool) -> Log:
    """The log in the file at a path; a new one's missing folders are made, or else an error."""
    return FileLog(path, makes_folders=makes_folders)


class Past:
    """A log as of the last time it was read, and its state after any event."""

    def __init__(self, log: Log | str, history: History | None = None) -> None:
        """The past of a log, or of the log file at a path."""
        self.log: Log = FileLog(log) if isinstance(log, str) else log
        self.reader = Reader(self.log)
        self.history = History() if history is None else history

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the log; the next use opens it again."""
        self.log.close()

    def open(self, *, trusts_cache: bool = True) -> list[str]:
        """Read the current end of the log, and return warnings about how the log is kept.

        Raises:
            NoLog, CannotOpen, NotALog.
            LogCut: its cache knows more than it has; not raised without `trusts_cache`.
        """
        self.look()
        if trusts_cache:
            self.history.check(self.reader)
        return self.log.warnings()

    def look(self) -> None:
        """Look at the log as it is now. Raises NoLog, CannotOpen."""
        if self.log.wait(0) == "gone":
            raise NoLog(self.log.name)

    def head(self) -> Position:
        """The position after the last event. Raises Damaged if its line is bad."""
        return self.log.head()

    def moment(self, ref: str, now: datetime, *, beginning: bool = False) -> "Moment":
        """The moment that `ref` names in the log; see `refs.resolve`. Raises BadRef, Damaged."""
        from evcli.register.refs import resolve

        return resolve(ref, self.reader, now, beginning=beginning, find_ids=partial(self.history.find_ids, self.reader))

    def at(self, number: int | None = None) -> State:
        """The state after event `number` (None: the last one). Raises Damaged, LogCut."""
        return self.history.at(self.reader, number)

    def as_of(self, until: str, number: int) -> State:
        """The state at the time `until`, as it is known after event `number`; see `as_of`. Raises Damaged, LogCut."""
        from evcli.register.two_times.as_of import state_as_of

        return state_as_of(self.history, self.reader, until, number)

    def position(self, at: "int | Moment") -> Position:
        """The position after an event, by number or moment; fastest if its state was just asked for.

        Raises Damaged.
        """
        if isinstance(at, int):
            return self.history.position(self.reader, at)
        return at.at or self.position(at.number)

    def events(
        self, after: Position = START, until: int | None = None, stop: Position | None = None
    ) -> Iterator[Event]:
        """The events after a position, up to event `until` or the position `stop` (the end), oldest first, checked.

        Raises Damaged.
        """
        for events, places in self.reader.bundles(after, until, None if stop is None else stop.place):
            good, why = first_fault(events) or (len(events), "")
            yield from events[:good]
            if why:
                raise Damaged(self.log.name, number_of(events[good]), places[good], why)

    def events_backward(self, end: Position) -> Iterator[Event]:
        """The events before a position, newest first, checked. Raises Damaged."""
        return self._checked(self.reader.events_backward(end))

    def events_about(
        self, kind: str, id: int, until: int, *, after: int = 0, backward: bool = False
    ) -> Iterator[Event]:
        """The events about one record, after event `after` and up to event `until`. Raises Damaged."""
        return self._checked(self.history.events_about(self.reader, kind, id, until, after=after, backward=backward))

    def events_as_of(
        self, until: str, number: int, *, start: str = ALWAYS, after: int = 0, backward: bool = False
    ) -> Iterator[Event]:
        """The events in the order in which they happened; see `as_of.events_as_of`. Raises Damaged."""
        from evcli.register.two_times.as_of import events_as_of

        found = events_as_of(self.history, self.reader, until, number, start=start, after=after, backward=backward)
        return self._checked(found)

    def passed_over(self, until: str, after: int, start: str = ALWAYS) -> int:
        """How many events happened from `start` to `until` but were recorded late, after event `after`."""
        from evcli.register.two_times.as_of import passed_over

        return passed_over(self.history, self.reader, until, after, start)

    def event_at(self, place: int) -> Event:
        """The event whose line begins at `place`. Raises Damaged."""
        return next(self._checked(iter((self.reader.event_at(place),))))

    def change(self, number: int) -> tuple[Event, Any, Any]:
        """Event `number` (from 1), and its record before and after it. Raises Damaged, LogCut."""
        return self.history.change(self.reader, number)

    def had(self, kind: "Kind", who: str, until: int, as_of: str | None = None) -> "list[Had]":
        """Every record that `who` meant at any event up to `until`, and when; see `former.had`. Raises Damaged."""
        from evcli.register.former import had

        return had(self.history, self.reader, kind, who, until, as_of)

    def changes(self, events: Iterable[Event], *, at_once: bool = False) -> Iterator["Change"]:
        """These events, oldest or newest first, each with its record before and after; see `changes.changes`."""
        from evcli.register.changes import changes

        return changes(self.history, self.reader, events, at_once=at_once)

    def happenings(self, number: int) -> "Happenings":
        """What happened to records in the order in which it happened, as is known after event `number`."""
        from evcli.register.two_times.happening import Happenings

        return Happenings(self.history, self.reader, self._about, number)

    def stamps(self, kind: str, until: int) -> "Stamps":
        """When, by whom and why the events about records of a kind happened, up to event `until`."""
        from evcli.register.stamps import Stamps

        return Stamps(self.history, self.reader, kind, until)

    def period(self, kind: "Kind", start: int, end: int) -> "Period":
        """What happened to the records of a kind between two events; see `period.period`. Raises Damaged."""
        from evcli.register.period import period

        return period(self.history, self.reader, kind, start, end)

    def diff(self, start: int, end: int, about: "tuple[Kind, int] | None" = None) -> "list[Difference]":
        """The records, or the one, that differ between the states after two events, by which events; see `diff`."""
        from evcli.register.diff import diff, diff_of_one

        if about is None:
            return diff(self.history, self.reader, start, end)
        return diff_of_one(self.history, self.reader, self._about, *about, start, end)

    def diff_as_of(self, first: "View", second: "View", about: "tuple[Kind, int] | None" = None) -> "list[Difference]":
        """The same of what had happened by a time, as is known after an event; see `happening.diff_as_of`."""
        from evcli.register.two_times.happening import diff_as_of

        return diff_as_of(self.history, self.reader, self._about, first, second, about)

    def blame(self, kind: "Kind", id: int, until: int) -> "list[Setting]":
        """The fields of a record after event `until`, each with the event that set it; see `setters.blame`."""
        from evcli.register.setters import blame

        return blame(self.history, self.reader, self._about, kind, id, until)

    def versions(self, kind: "Kind", id: int, start: int, end: int) -> "Iterator[tuple[Event, Any]]":
        """The events about a record after event `start` and up to event `end`, each with the record after it.

        Raises Damaged.
        """
        from evcli.register.setters import after_each, of_one

        before, _, events = of_one(self.history, self.reader, self._about, kind, id, start, end)
        return after_each(before, events)

    def _about(self, kind: str, id: int, after: int, until: int) -> Iterator[Event]:
        return self.events_about(kind, id, until, after=after)

    def follow(self, start: Position, *, pause: Callable[[], None], tell: Callable[[str], None]) -> Iterator[Event]:
        """The events after `start`, then new ones as they are appended; see `log.follow`."""
        from evcli.log.follow import follow

        return self._checked(follow(self.reader, start, pause=pause, tell=tell))

    def _checked(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events, up to one whose data are not valid: Damaged."""
        for event in events:
            if why := fault_of(event):
                number = number_of(event)
                raise Damaged(self.log.name, number, self.reader.position_of(number - 1).place, why)
            yield event

    def verify(self, expect: tuple[int, str] | None = None, marked: Collection[int] = ()) -> "Report":
        """Check everything; a log that has lost events its cache knows is damaged too. See `verify.audit`."""
        from evcli.register.verify import audit, changed_meanwhile, cut

        try:
            report = audit(self.reader, expect, marked)
            if report.error is None:
                self.history.check(self.reader)
        except LogCut as lost:
            return cut(report, lost)
        except Damaged as error:
            return changed_meanwhile(error)
        return report
