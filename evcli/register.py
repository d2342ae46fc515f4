"""The register: the one place where a log and its fold meet.

`execute` makes an event of an intention, under the log's lock, when the type's rule accepts it on the state at the
head; `at` gives the state at any event. Ids, times and the actor are taken once, here, and stored: a fold never asks
the world anything.
"""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from evcli.domain.event import Event, number_of
from evcli.domain.kinds import TYPES
from evcli.domain.state import MemoryState, State, step
from evcli.domain.text import text_fault
from evcli.errors import BadText, Conflict, LogCut, NoLog, Refused
from evcli.eventlog.file import FileLog, LogWriter
from evcli.eventlog.format import LONGEST_ID, decode, encode, hash_of, timestamp
from evcli.eventlog.reading import START, LogReader, Position
from evcli.eventlog.signals import held_signals
from evcli.replay import replay

LOCK_WAIT = 10.0
"""Seconds to try for the lock, unless told otherwise."""


class Intention(NamedTuple):
    """An event that somebody wants: not yet accepted, without time, number and hash."""

    type: str
    data: Mapping[str, str]
    about: Callable[[State], int]
    """Which record it is about: its id, from the state that the event would follow on. May raise Refused."""
    finds: bool = True
    """Whether the record must be there before (False for an event that creates it)."""


class Outcome(NamedTuple):
    """What became of an intention: the event, and the record before and after it."""

    event: Event
    line: bytes
    before: Any
    after: Any
    recorded: bool
    """False when nothing was written now: a dry run, or an id that was recorded before."""
    notices: list[str]
    """Warnings for people: a clock that is behind, a torn tail put aside, a file that others may write."""


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def random_id() -> str:
    """A random UUID, version 4 (RFC 9562, section 5.4)."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Register:
    """A log with its fold. Keeps the state at the head between calls, and reads only what was appended since."""

    def __init__(
        self,
        log: FileLog,
        *,
        actor: str,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.log = log
        self._actor = actor
        self._clock = clock
        self._new_id = new_id
        self._state: State = MemoryState()
        self._at = START

    # --- reading ------------------------------------------------------------------------------------------------------

    def at(self, reader: LogReader, number: int | None = None) -> State:
        """The state after event `number` of the log that `reader` has open (after the last one, when None).

        Raises:
            Damaged: an event up to there is not what was written, or breaks a rule.
        """
        state: State = MemoryState()
        replay(reader, state, until=number)
        return state

    def change(self, reader: LogReader, number: int) -> tuple[Event, Any, Any]:
        """Event `number` (from 1), and the record that it is about before and after it. Raises Damaged."""
        state: State = MemoryState()
        replay(reader, state, until=number - 1)
        before_it = reader.at
        event = next(reader.events(before_it, number))
        kind, id = _subject(event)
        before = state.get(kind, id)
        replay(reader, state, before_it, number)
        return event, before, state.get(kind, id)

    # --- writing ------------------------------------------------------------------------------------------------------

    def execute(
        self,
        intention: Intention,
        *,
        id: str | None = None,
        expect: tuple[int, str | None] | None = None,
        dry_run: bool = False,
        lock_wait: float = LOCK_WAIT,
        answer: Callable[[Outcome], None] = lambda outcome: None,
    ) -> Outcome:
        """Record the event that somebody wants, if its rule accepts it on the state at the head.

        Args:
            intention: the event that is wanted.
            id: the event's id; if an event of the same content has it already, that one is the answer.
            expect: number (and hash, if given) that the head must still have.
            dry_run: decide and answer, but write nothing.
            lock_wait: seconds to wait for other writers.
            answer: is given the outcome while signals are held, so that an event is announced if it is stored.

        Raises:
            Refused: a rule says no.
            Conflict: the head moved, or the id is another event's.
            BadText: the id, or the actor, cannot be one.
            NoLog: the event is about a record, and there is no log.
            Busy, Damaged, NotWritten, OutcomeUnknown: see there.
        """
        if id is not None and (fault := text_fault(id, LONGEST_ID)):
            raise BadText("the event id", fault)
        if fault := text_fault(self._actor, LONGEST_ID):
            raise BadText("the actor", fault, "EVCLI_ACTOR names who does it")
        there = self._look_ahead()
        if not there and intention.finds:
            raise NoLog(self.log.path)
        if dry_run:
            outcome = self._decide_without_lock(intention, id, expect, there)
            answer(outcome)
            return outcome
        if not there:
            self._accept(intention, expect)  # a refused command must leave no file
        with self.log.locked(lock_wait, may_create=not there) as writer:
            self._catch_up(writer.reader)
            if id is not None and (known := self._recorded_before(writer.reader, intention, id)):
                writer.sync()
                outcome = known._replace(notices=writer.notices)
                answer(outcome)
                return outcome
            outcome = self._decide(intention, id, expect)
            with held_signals():
                self._append(writer, outcome)
                outcome = outcome._replace(recorded=True, notices=outcome.notices + writer.notices)
                answer(outcome)
        return outcome

    def _look_ahead(self) -> bool:
        """Fold what is there before waiting for the lock, to hold it only for the rest; False if there is no log."""
        try:
            with self.log.reader() as reader:
                self._catch_up(reader)
        except NoLog:
            if self._at.number:
                raise
            return False
        return True

    def _catch_up(self, reader: LogReader) -> None:
        if self._at.offset > reader.end.offset or not reader.follows(self._at):
            raise LogCut(reader.path, self._at.number, self._at.offset, reader.end.offset)
        replay(reader, self._state, self._at)
        self._at = reader.at

    def _decide_without_lock(
        self, intention: Intention, id: str | None, expect: tuple[int, str | None] | None, there: bool
    ) -> Outcome:
        if there and id is not None:
            with self.log.reader() as reader:
                if known := self._recorded_before(reader, intention, id):
                    return known
        return self._decide(intention, id, expect)

    def _recorded_before(self, reader: LogReader, intention: Intention, id: str) -> Outcome | None:
        """The outcome of the event that has `id`, or None; raises Conflict if it says something else than intended."""
        found = reader.find_ids(id, exact=True)
        if not found:
            return None
        event, number = found[0], number_of(found[0])
        _, before, after = self.change(reader, number)
        same = event["type"] == intention.type and event["data"] == intention.data
        if same and intention.finds:
            try:
                same = intention.about(self.at(reader, number - 1)) == _subject(event)[1]
            except Refused:
                same = False
        if not same:
            raise Conflict(
                f"event id {id} is taken by event {number} ({event['type']} {event['subject']}), "
                "which says something else; nothing was written",
                f"evcli show {number} shows it; another event needs another --id",
            )
        return Outcome(event, b"", before, after, False, [])

    def _accept(self, intention: Intention, expect: tuple[int, str | None] | None) -> tuple[int, Any]:
        """The id of the record it is about and the record, if the type's rule accepts it on the state at the head."""
        state, at = self._state, self._at
        if expect is not None and (expect[0] != at.number or expect[1] not in (None, at.sha256.decode())):
            raise Conflict(
                f"the head is {at.head}, not {expect[0]}{':' + expect[1] if expect[1] else ''}; nothing was written",
                f"see what happened meanwhile: evcli log --since {min(expect[0], at.number)}",
            )
        type = TYPES[intention.type]
        record_id = intention.about(state)
        record = state.get(type.kind, record_id)
        type.rule(state, record_id, record, intention.data)
        return record_id, record

    def _decide(self, intention: Intention, id: str | None, expect: tuple[int, str | None] | None) -> Outcome:
        """The event and what it would do, if it is accepted. Changes nothing."""
        record_id, before = self._accept(intention, expect)
        at, type = self._at, TYPES[intention.type]
        number = at.number + 1
        after = type.apply(before, record_id, number, intention.data)
        now = timestamp(self._clock())
        members = {
            "specversion": "1.0",
            "id": id or self._new_id(),
            "source": "evcli",
            "type": intention.type,
            "subject": f"{type.kind}/{record_id}",
            "time": now,
            **({"recordedtime": at.recorded} if now < at.recorded else {}),
            "sequence": f"{number:012d}",
            "authtype": "user",
            "authid": self._actor,
            "data": dict(intention.data),
        }
        line = encode(members, at.sha256, at.recorded)
        notices = [] if now >= at.recorded else [_clock_notice(now, at)]
        return Outcome(decode(line, number, at.sha256, at.recorded), line, before, after, False, notices)

    def _append(self, writer: LogWriter, outcome: Outcome) -> None:
        number = self._at.number + 1
        writer.append(outcome.line, number)
        step(self._state, outcome.event, number)
        recorded = outcome.event.get("recordedtime") or outcome.event["time"]
        offset = writer.reader.end.offset + len(outcome.line)
        self._at = Position(number, offset, hash_of(outcome.line), recorded)


def _subject(event: Event) -> tuple[str, int]:
    kind, _, id = event["subject"].partition("/")
    return kind, int(id)


def _clock_notice(now: str, at: Position) -> str:
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
