"""The register: the one place where a log and its fold meet, and the interface for everything above.

`execute` turns intentions into events, decided on the state at the head; what only reads is in `Past`.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from evcli.disk import held_signals
from evcli.domain.overlay import Draft
from evcli.domain.state import Foldable, MemoryState, State
from evcli.errors import BadInput, Conflict, Damaged, EvcliError, LogCut, NoLog
from evcli.log import START, Log, Position
from evcli.log.line import timestamp
from evcli.log.replay import replay
from evcli.log.template import Shared
from evcli.register.actor import Actor, check_source, random_id, utc_now
from evcli.register.decide import (
    Accepted,
    Done,
    Head,
    Intention,
    NotAccepted,
    Series,
    accept,
    check_head,
    clock_notice,
    frame,
    refusal_alone,
    write_down,
)
from evcli.register.history import History
from evcli.register.past import Past

if TYPE_CHECKING:
    from evcli.register.beginnings import Beginnings
    from evcli.register.command import Command
    from evcli.register.two_times.lives import Recorded, Trial

OWN_BEHIND = 400_000
"""Maximum lag of the cache in bytes, about a thousand events, behind what this register itself appends."""

LOCK_WAIT = 10.0
"""Default number of seconds to wait for the lock."""


class Register(Past):
    """A log with its fold. Keeps the state at the head between calls, and reads only what was appended since."""

    def __init__(
        self,
        log: Log | str,
        *,
        actor: str,
        actor_type: str = "user",
        source: str = "evcli",
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
        history: History | None = None,
    ) -> None:
        super().__init__(log, history)
        self._actor = Actor(actor, actor_type)
        self._new_source = source
        self._is_checked = False  # the actor and the source
        self._clock = clock
        self._new_id = new_id
        self._state: Foldable = MemoryState()
        self._at = START
        """The position after the last event that is in the state."""
        self._firm = START
        """The position up to which the log was read or written under its lock: that part cannot change any more."""
        self._based_on = 0
        """The event up to which the state comes from the cache."""
        self._recorded: Recorded | None = None
        """What happened to each record, once a late event asks."""

    @property
    def state(self) -> State:
        """The state after the last event that this register has read or recorded."""
        return self._state

    @property
    def known(self) -> Position:
        """The position after that event."""
        return self._at

    @property
    def frame(self) -> int:
        """The maximum size in bytes of an event's line without its data; a batch holds MAX_BATCH bytes of lines."""
        self.check()
        return frame(self._actor, self._source)

    @property
    def author(self) -> tuple[Actor, str]:
        """Who acts, and the source of a new log. Raises BadText, BadSetting."""
        self.check()
        return self._actor, self._new_source

    def execute(
        self,
        *intentions: Intention,
        id: str | None = None,
        expect: Head | None = None,
        dry_run: bool = False,
        lock_wait: float = LOCK_WAIT,
        series: Series | None = None,
        held: ExitStack | None = None,
        many: "Beginnings | None" = None,
    ) -> Done:
        """Record the requested events, all or none, if each is accepted on the state before it.

        Args:
            intentions: the requested events, at least one, in order.
            id: the event's id, or the first of several events'; if the same command was recorded with it, its events
                are returned.
            expect: number (and hash, if given) that the head must have.
            dry_run: decide and answer, but write nothing.
            lock_wait: seconds to wait for other writers.
            series: the series they belong to; it may allow skipping some.
            held: signals are held from before the write until this is closed, so that what is stored is announced.
            many: the requested events as columns, in place of `intentions`.

        Raises:
            Refused, Conflict, BadText, BadInput, NoLog, Busy, Damaged, NotWritten, OutcomeUnknown: see there.
            NotAccepted: a rule rejects an event of a series.
        """
        if not lock_wait >= 0:
            raise BadInput(f"lock_wait is {lock_wait}, but must be a non-negative number of seconds")
        self.check()
        from evcli.register.command import Command  # what only reads does without it

        command = Command(intentions, id, expect, series, many)
        is_there = self._look_ahead(command, dry_run=dry_run)
        # A command that is refused, or leaves nothing to write, must not begin a log.
        if dry_run or not (is_there or self._accept(Draft(self._state), command)[0]):
            return self._decide(Draft(self._state), command)
        with ExitStack() as until_return:
            return self._append(command, lock_wait, held or until_return)

    def _append(self, command: "Command", lock_wait: float, held: ExitStack) -> Done:
        done = draft = None
        is_asked = False

        def decide(head: Position) -> Sequence[bytes]:
            nonlocal done, draft, is_asked  # if it is called again, all of them are set again
            is_asked = True
            self.catch_up(head)
            draft = Draft(self._state)
            done = self._decide(draft, command)
            if done.was_there or not done.lines:
                return ()
            held.enter_context(held_signals())
            return done.lines

        try:
            at = self.log.append(decide, lock_wait)
        except Damaged:
            if not is_asked:  # the last line is damaged; report the first damaged line instead
                replay(self.reader, MemoryState())
            raise
        assert done is not None and draft is not None, "every engine asks"  # noqa: S101, PT018
        if not done.was_there and done.lines:
            (command.begun or draft).settle()
            if command.trial and self._recorded:
                self._recorded.took(command.trial, self._at, at)
            self._at = self._firm = at
            done.recorded = True
        done.notices += self.log.notices
        return done

    def check(self) -> None:
        """Raise BadText or BadInput if no event can have this actor, or no log this source."""
        if not self._is_checked:
            self._actor.check()
            check_source(self._new_source)
            self._is_checked = True

    def _look_ahead(self, command: "Command", *, dry_run: bool) -> bool:
        """Do before taking the lock what would take long under it; False if there is no log."""
        try:
            length = self.log.length()
        except NoLog:
            if self._at.number:
                raise
            self.history.check_missing(self.log)
            if command.series is None and command.intentions[0].finds:
                raise
            check_head(self._at, command.expect)
            self.log.check_beginning()
            return False
        most, own = self.history.most_behind, self._at.place
        if (
            dry_run
            or (command.is_late and length > own)
            or length - own >= most
            or self.history.is_behind(self._at, max(most, OWN_BEHIND))
        ):
            self.catch_up()
            if command.is_late:
                self.trial()
            if command.id is not None:
                self.history.with_ids(self.reader, [str(each.id) for each in command.intentions])
        return True

    def close(self) -> None:
        """Close the log; the cache learns of what was appended, if that is much."""
        if self.history.is_behind(self._at, self.history.most_behind):
            with suppress(EvcliError, OSError):  # everything is in the log; the next command adds it to the cache
                self.catch_up()
        super().close()

    def catch_up(self, head: Position | None = None) -> None:
        """Bring the state up to the end of the log: to `head`, under its lock; the cache must not grow then."""
        if head is None:
            self.look()
        elif self._at.number and (head.place, head.sha256) == (self._at.place, self._at.sha256):
            self._firm = self._at
            return
        reader = self.reader
        if not reader.follows(self._at):
            if not reader.follows(self._firm):
                raise LogCut(self.log.name, self._firm.number, self._firm.place, self.log.end)
            self._begin_again()  # lines that were read during an append were taken back
        cache = self.history.cache(reader, may_grow=head is None, finds=head is None)
        if cache is not None and cache.at.number > self._based_on:
            state = self.history.backed(cache, self.log)
            self._state, self._at, self._based_on = Draft(state), cache.at, cache.at.number
        try:
            replay(reader, self._state, self._at)
        except BaseException:
            self._begin_again()  # a half caught-up state cannot be continued
            raise
        self._at = reader.at if reader.at.source else reader.position_at(reader.at.place)
        if head is not None:
            self._firm = self._at

    def trial(self) -> "Trial":
        """What late events are tried on, after the last event that is in the state. Raises Damaged."""
        from evcli.register.two_times.lives import Recorded, Trial

        if self._recorded is None:
            self._recorded = Recorded(self.history, self.reader)
        self._recorded.catch_up(self._state, self._at)
        return Trial(self._recorded, timestamp(self._clock()))

    def _begin_again(self) -> None:
        self._state, self._at, self._based_on, self._recorded = MemoryState(), START, 0, None

    def _decide(self, draft: Draft, command: "Command") -> Done:
        """Decide on the state at the head, of which `draft` is a draft; or return what was recorded before."""
        intentions, id, expect, series = command.intentions, command.id, command.expect, command.series
        if id is not None and self._at.number:
            from evcli.register.repeated import recorded_before

            if known := recorded_before(self.history, self.reader, intentions):
                return known
        check_head(self._at, expect)
        if series is not None and self._at.number and series.is_recorded_by_others(self.log):
            raise Conflict(
                "another process is recording the same input at the same time",
                "run it again when that is done: recorded rows are skipped",
            )
        changes, refused = self._accept(draft, command)
        if not changes:
            return Done([], refused=refused)
        overtaken = list(command.trial.overtaken.values()) if command.trial else []
        own = self._new_id() if series is None and len(changes) > 1 else None
        correlation = own if series is None else series.correlation
        now = timestamp(self._clock())
        write = command.begun.write_down if command.begun else partial(write_down, changes)
        moment = max(now, self._at.recorded)  # recorded moments never go back
        shared = Shared(self._actor.id, self._actor.type, self._source, moment, correlation)
        lines = write(self._at, shared, now, self._new_id)
        notices = [clock_notice(now, self._at)] if now < self._at.recorded else []
        return Done(changes, lines, first=self._at.number + 1, refused=refused, notices=notices, overtaken=overtaken)

    def _accept(self, draft: Draft, command: "Command") -> Accepted:
        command.begun = command.many.accepted(self._state) if command.many else None
        if command.begun:
            return command.begun, {}
        command.trial = self.trial() if command.is_late else None
        try:
            return accept(draft, command.intentions, command.series.may_skip if command.series else None, command.trial)
        except NotAccepted as no:
            if command.series is not None:
                raise
            trial = self.trial() if command.is_late else None
            raise refusal_alone(no, self._state, command.intentions, trial) from None

    @property
    def _source(self) -> str:
        """The source of all events of this log; the first event sets it."""
        return self._at.source or self._new_source
