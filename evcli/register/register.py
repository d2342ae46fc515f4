"""The register: the one place where a log and its fold meet.

`execute` makes an event of an intention, under the log's lock, when the type's rule accepts it on the state at the
head. Ids, times and the actor are taken once, here: a fold never asks the world.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from evcli.disk import held_signals
from evcli.domain.event import number_of, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.state import MemoryState, State
from evcli.domain.text import text_fault
from evcli.errors import BadInput, BadText, Conflict, LogCut, NoLog, Refused
from evcli.log import START, Position
from evcli.log.file.engine import FileLog, LogWriter
from evcli.log.line import hash_of, timestamp
from evcli.log.members import AUTH_TYPES, LONGEST_ID, is_source
from evcli.log.reader import LogReader
from evcli.log.replay import replay
from evcli.register.decide import (
    Actor,
    Batch,
    Change,
    Desk,
    Intention,
    LeftOut,
    Outcome,
    accept,
    all_or_none,
    outcomes,
    write_down,
)
from evcli.register.history import History

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
        actor_type: str = "user",
        source: str = "evcli",
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
        history: History | None = None,
    ) -> None:
        self.log = log
        self.history = History() if history is None else history
        self._actor = Actor(actor, actor_type)
        self._new_source = source
        self._clock = clock
        self._new_id = new_id
        self._state: State = MemoryState()
        self._at = START
        self._firm = START
        """The place up to which the log was read or written under its lock: it must stay."""
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
        self._check(lock_wait)
        if id is not None and len(intentions) > 1:
            raise BadInput("--id names one event, and these are several", "send them one by one")
        if id is not None:
            if fault := text_fault(id, LONGEST_ID):
                raise BadText("the event id", fault)
            intentions = [intentions[0]._replace(id=id)]
        there = self._look_ahead(id) if dry_run or self._is_far_behind() else True
        if not there and intentions[0].finds:
            raise NoLog(self.log.path)
        if dry_run:
            done = self._decide_without_lock(intentions, id, expect, there)
            answer(done)
            return done
        if not there:
            self._check_head(expect)
            self._accept(intentions)  # a refused command must leave no file
        with ExitStack() as held:  # outside the lock: nobody else waits until the answer is shown
            with self.log.locked(lock_wait, may_create=not there) as writer:
                self._catch_up(writer.reader, is_locked=True)
                known = self._recorded_before(writer.reader, intentions[0], id) if id is not None else None
                if known:
                    writer.sync()
                    done = [known._replace(notices=writer.notices)]
                else:
                    self._check_head(expect)
                    changes, draft = self._accept(intentions)
                    batch = self._write_down(changes)
                    done = outcomes(batch, changes, recorded=True)
                    held.enter_context(held_signals())
                    self._append(writer, batch, draft)
                    done[0].notices.extend(writer.notices)
            answer(done)
        return done

    @property
    def state(self) -> State:
        """The state after the last event that this register has read or recorded."""
        return self._state

    def _check(self, lock_wait: float) -> None:
        if not lock_wait >= 0:
            raise BadInput(f"--lock-wait {lock_wait} must be a non-negative number of seconds")
        if fault := text_fault(self._actor.id, LONGEST_ID):
            raise BadText("the actor", fault, "EVCLI_ACTOR names who does it")
        if self._actor.type not in AUTH_TYPES:
            what = f'"{self._actor.type}" is not a type of actor'
            raise BadInput(what, f"EVCLI_ACTOR_TYPE is one of {', '.join(AUTH_TYPES)}")
        if not is_source(self._new_source):
            what = f'"{self._new_source}" is not a URI reference of 1 to 128 characters'
            raise BadInput(what, "EVCLI_SOURCE names the source of a new log")

    def _is_far_behind(self) -> bool:
        """Whether so much is to be folded, or taken into the cache, that it is worth doing before the lock is taken."""
        return not self._at.number or self.history.is_behind(self._at)

    def _look_ahead(self, id: str | None = None) -> bool:
        """Fold what is there, and look for `id`, so that only the rest is left under the lock; False without a log."""
        try:
            with self.log.reader() as reader:
                self._catch_up(reader)
                if id is not None:
                    self.history.find_ids(reader, id, exact=True)
        except NoLog:
            if self._at.number:
                raise
            self.history.check_missing(self.log.path)
            return False
        return True

    def _catch_up(self, reader: LogReader, *, is_locked: bool = False) -> None:
        """Bring the state up to the end of the log; under its lock, the cache is used as it is, since others wait."""
        if not _still_has(reader, self._at):
            if not _still_has(reader, self._firm):
                raise LogCut(reader.path, self._firm.number, self._firm.offset, reader.end.offset)
            self._begin_again()  # what was read beside a writer was taken back
        cache = self.history.cache(reader, may_grow=not is_locked)
        if cache is not None and cache.at.number > self._based_on:
            state = self.history.backed(cache, reader.path)
            self._state, self._at, self._based_on = Draft(state), cache.at, cache.at.number
        try:
            replay(reader, self._state, self._at)
        except BaseException:
            self._begin_again()  # half caught up is no state to go on from
            raise
        self._at = reader.at if reader.at.source else reader.position_at(reader.at.offset)
        if is_locked:
            self._firm = self._at

    def _begin_again(self) -> None:
        self._state, self._at, self._based_on = MemoryState(), START, 0

    def _decide_without_lock(
        self, intentions: Sequence[Intention], id: str | None, expect: tuple[int, str | None] | None, there: bool
    ) -> list[Outcome]:
        if there and id is not None:
            with self.log.reader() as reader:
                if known := self._recorded_before(reader, intentions[0], id):
                    return [known]
        self._check_head(expect)
        changes, _ = self._accept(intentions)
        return outcomes(self._write_down(changes), changes, recorded=False)

    def _recorded_before(self, reader: LogReader, intention: Intention, id: str) -> Outcome | None:
        """The outcome of the event that has `id`, or None; raises Conflict if it says something else than intended."""
        found = self.history.find_ids(reader, id, exact=True, may_grow=False)
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

    def _check_head(self, expect: tuple[int, str | None] | None) -> None:
        at = self._at
        if expect is not None and (expect[0] != at.number or expect[1] not in (None, at.sha256.decode())):
            raise Conflict(
                f"the head is {at.head}, not {expect[0]}{':' + expect[1] if expect[1] else ''}; nothing was written",
                f"see what happened meanwhile: evcli log --since {min(expect[0], at.number)}",
            )

    def _accept(self, intentions: Sequence[Intention], left_out: LeftOut | None = None) -> tuple[list[Change], Draft]:
        """What would change, if all are accepted on the state at the head, and the state after it."""
        draft = Draft(self._state)
        return accept(draft, intentions, left_out or all_or_none(self._state, intentions)), draft

    def _write_down(self, changes: Sequence[Change], correlation: str | None = None) -> Batch:
        """The events that say so."""
        if correlation is None and len(changes) > 1:
            correlation = self._new_id()
        now = timestamp(self._clock())
        return write_down(Desk(self._actor, self._source, now, self._at, self._new_id, correlation), changes)

    @property
    def _source(self) -> str:
        """The source that all events of this log have; a log's first event decides it."""
        return self._at.source or self._new_source

    def _append(self, writer: LogWriter, batch: Batch, draft: Draft) -> None:
        lines = b"".join(batch.lines)
        writer.append(lines, batch.number)
        draft.settle()
        number, end = self._at.number + len(batch.lines), self._at.offset + len(lines)
        self._at = self._firm = Position(number, end, hash_of(lines), batch.moment, source=self._source)


def _still_has(reader: LogReader, place: Position) -> bool:
    return place.offset <= reader.end.offset and reader.follows(place)
