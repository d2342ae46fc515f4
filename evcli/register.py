"""The register: the one place where a log and its fold meet.

`execute` makes an event of an intention, under the log's lock, when the type's rule accepts it on the state at the
head. Ids, times and the actor are taken once, here: a fold never asks the world.
"""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from evcli.domain.draft import Draft
from evcli.domain.event import Event, number_of, recorded_moment, subject_of
from evcli.domain.kinds import TYPES
from evcli.domain.state import MemoryState, State, step
from evcli.domain.text import text_fault
from evcli.errors import BadInput, BadText, Conflict, LogCut, NoLog, Refused
from evcli.eventlog.batch import MAX_BATCH
from evcli.eventlog.file import FileLog, LogWriter
from evcli.eventlog.format import LONGEST_ID, encode, hash_of, timestamp
from evcli.eventlog.position import START, Position
from evcli.eventlog.reading import LogReader
from evcli.eventlog.signals import held_signals
from evcli.history import History
from evcli.intention import Intention, Outcome
from evcli.replay import replay

LOCK_WAIT = 10.0
"""Seconds to try for the lock, unless told otherwise."""


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
        history: History | None = None,
    ) -> None:
        self.log = log
        self.history = History() if history is None else history
        self._actor = actor
        self._clock = clock
        self._new_id = new_id
        self._state: State = MemoryState()
        self._at = START
        self._based_on = 0
        """The event up to which the state is the cache's."""

    def at(self, reader: LogReader, number: int | None = None) -> State:
        """The state after event `number` of the log that `reader` reads (the last one, when None). Raises Damaged."""
        return self.history.at(reader, number)

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
        """Record one event that somebody wants, as `execute_all` does."""
        return self.execute_all(
            [intention],
            id=id,
            expect=expect,
            dry_run=dry_run,
            lock_wait=lock_wait,
            answer=lambda outcomes: answer(outcomes[0]),
        )[0]

    def execute_all(
        self,
        intentions: Sequence[Intention],
        *,
        id: str | None = None,
        expect: tuple[int, str | None] | None = None,
        dry_run: bool = False,
        lock_wait: float = LOCK_WAIT,
        answer: Callable[[list[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        """Record the events that somebody wants, all or none, if each is accepted on the state that it would follow on.

        Args:
            intentions: the events that are wanted, at least one, in order.
            id: the event's id, for one event; if an event of the same content has it already, that one is the answer.
            expect: number (and hash, if given) that the head must still have.
            dry_run: decide and answer, but write nothing.
            lock_wait: seconds to wait for other writers.
            answer: is given the outcomes while signals are held, so that events are announced if they are stored.

        Raises:
            Refused: a rule says no.
            Conflict: the head moved, or the id is another event's.
            BadText: the id, or the actor, cannot be one.
            BadInput: an id for several events, or more events than a batch can hold.
            NoLog: an event is about a record, and there is no log.
            Busy, Damaged, NotWritten, OutcomeUnknown: see there.
        """
        if not lock_wait >= 0:
            raise BadInput(f"--lock-wait {lock_wait} is no number of seconds")
        if id is not None and len(intentions) > 1:
            raise BadInput("--id names one event, and these are several", "send them one by one")
        if id is not None and (fault := text_fault(id, LONGEST_ID)):
            raise BadText("the event id", fault)
        if fault := text_fault(self._actor, LONGEST_ID):
            raise BadText("the actor", fault, "EVCLI_ACTOR names who does it")
        # What an earlier call knew is caught up under the lock; only a first fold is worth doing before it.
        there = self._look_ahead() if dry_run or not self._at.number else True
        if not there and intentions[0].finds:
            raise NoLog(self.log.path)
        if dry_run:
            outcomes = self._decide_without_lock(intentions, id, expect, there)
            answer(outcomes)
            return outcomes
        if not there:
            self._accept(intentions, expect)  # a refused command must leave no file
        with self.log.locked(lock_wait, may_create=not there) as writer:
            self._catch_up(writer.reader)
            if id is not None and (known := self._recorded_before(writer.reader, intentions[0], id)):
                writer.sync()
                outcomes = [known._replace(notices=writer.notices)]
                answer(outcomes)
                return outcomes
            outcomes = self._decide(intentions, id, expect)
            with held_signals():
                self._append(writer, outcomes)
                outcomes = [outcome._replace(recorded=True) for outcome in outcomes]
                outcomes[0] = outcomes[0]._replace(notices=outcomes[0].notices + writer.notices)
                answer(outcomes)
        return outcomes

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
        cache = self.history.cache(reader)
        if cache is not None and cache.at.number > self._based_on:
            self._state, self._at, self._based_on = Draft(cache.state()), cache.at, cache.at.number
        try:
            replay(reader, self._state, self._at)
        except BaseException:
            self._state, self._at, self._based_on = MemoryState(), START, 0  # half caught up is no state to go on from
            raise
        self._at = reader.at

    def _decide_without_lock(
        self, intentions: Sequence[Intention], id: str | None, expect: tuple[int, str | None] | None, there: bool
    ) -> list[Outcome]:
        if there and id is not None:
            with self.log.reader() as reader:
                if known := self._recorded_before(reader, intentions[0], id):
                    return [known]
        return self._decide(intentions, id, expect)

    def _recorded_before(self, reader: LogReader, intention: Intention, id: str) -> Outcome | None:
        """The outcome of the event that has `id`, or None; raises Conflict if it says something else than intended."""
        found = self.history.find_ids(reader, id, exact=True)
        if not found:
            return None
        event, number = found[0], number_of(found[0])
        _, before, after = self.history.change(reader, number)
        same = event["type"] == intention.type and event["data"] == intention.data
        if same and intention.finds:
            try:
                same = intention.about(self.history.at(reader, number - 1)) == subject_of(event)[1]
            except Refused:
                same = False
        if not same:
            raise Conflict(
                f"event id {id} is taken by event {number} ({event['type']} {event['subject']}), "
                "which says something else; nothing was written",
                f"evcli show {number} shows it; another event needs another --id",
            )
        return Outcome(event, b"", before, after, False, [])

    def _accept(
        self, intentions: Sequence[Intention], expect: tuple[int, str | None] | None
    ) -> list[tuple[int, Any, Any]]:
        """For each, the record's id and the record before and after, if all are accepted on the state at the head."""
        at = self._at
        if expect is not None and (expect[0] != at.number or expect[1] not in (None, at.sha256.decode())):
            raise Conflict(
                f"the head is {at.head}, not {expect[0]}{':' + expect[1] if expect[1] else ''}; nothing was written",
                f"see what happened meanwhile: evcli log --since {min(expect[0], at.number)}",
            )
        draft = Draft(self._state)
        changes: list[tuple[int, Any, Any]] = []
        for intention in intentions:
            kind, _, rule, apply = TYPES[intention.type]
            try:
                id = intention.about(draft)
                before = draft.get(kind, id)
                rule(draft, id, before, intention.data)
            except Refused:
                if not changes:
                    raise
                # What refuses it may be an earlier event of this very command, which is not there to speak of.
                rule(self._state, id := intention.about(self._state), self._state.get(kind, id), intention.data)
                raise Refused(f"{kind} {id} is named more than once", "nothing was written") from None
            draft.number += 1
            after = apply(before, id, draft.number, intention.data)
            draft.put(kind, before, after)
            changes.append((id, before, after))
        return changes

    def _decide(
        self, intentions: Sequence[Intention], id: str | None, expect: tuple[int, str | None] | None
    ) -> list[Outcome]:
        """The events and what they would do, if all are accepted. Changes nothing."""
        changes = self._accept(intentions, expect)
        correlation = {"correlationid": self._new_id()} if len(intentions) > 1 else {}
        at, outcomes = self._at, []
        for intention, (record_id, before, after) in zip(intentions, changes, strict=True):
            now = timestamp(self._clock())
            members = {
                "specversion": "1.0",
                "id": id or self._new_id(),
                "source": "evcli",
                "type": intention.type,
                "subject": f"{TYPES[intention.type].kind}/{record_id}",
                "time": now,
                **({"recordedtime": at.recorded} if now < at.recorded else {}),
                "sequence": f"{at.number + 1:012}",
                "authtype": "user",
                "authid": self._actor,
                **correlation,
                "data": dict(intention.data),
            }
            line = encode(members, at.sha256, at.recorded)
            event = cast("Event", {**members, "sha256": hash_of(line).decode()})
            notices = [] if now >= at.recorded else [_clock_notice(now, at)]
            outcomes.append(Outcome(event, line, before, after, False, notices))
            at = Position(at.number + 1, at.offset + len(line), hash_of(line), recorded_moment(event))
        size = sum(len(outcome.line) for outcome in outcomes)
        if size > MAX_BATCH:
            raise BadInput(f"{len(outcomes)} events at once are {size:,} bytes, and a batch holds {MAX_BATCH:,}")
        return outcomes

    def _append(self, writer: LogWriter, outcomes: list[Outcome]) -> None:
        writer.append(b"".join(outcome.line for outcome in outcomes), self._at.number + 1)
        offset = self._at.offset
        for outcome in outcomes:
            number = self._at.number + 1
            step(self._state, outcome.event, number)
            offset += len(outcome.line)
            self._at = Position(number, offset, hash_of(outcome.line), recorded_moment(outcome.event))


def _clock_notice(now: str, at: Position) -> str:
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
