"""A long series of events, recorded batch by batch: an import, which may be interrupted and then run again."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from evcli.disk import held_signals
from evcli.domain.overlay import Draft
from evcli.errors import Conflict
from evcli.log.correlated import correlated
from evcli.register.decide import Change, Intention, LeftOut, frame
from evcli.register.register import LOCK_WAIT, Register


class SeriesRegister(Register):
    """A register that also records what is too long for one batch.

    While it does, the state keeps what it records in memory, and leaves it to the next command to catch up the cache:
    up to so many bytes, so that memory stays bounded.
    """

    MOST_BEHIND = 64 << 20

    def execute_batch(
        self,
        intentions: Sequence[Intention],
        *,
        correlation: str,
        since: int,
        left_out: LeftOut,
        lock_wait: float = LOCK_WAIT,
        answer: Callable[[int, list[Change], list[str]], None],
    ) -> int:
        """Record one batch of a longer series, all of them or none but those that `left_out` takes note of.

        Args:
            intentions: the events that are wanted, in order, each with its id; `frame` helps to know how many.
            correlation: the id that all events of the series share.
            since: up to which byte the log is known to the caller; after it, no other event of the series may stand.
            left_out: is told what is refused, and may be told so twice; when it does not raise, the others go on.
            lock_wait: seconds to wait for other writers.
            answer: is given the first event's number, the changes, if there are any, and notices; signals are held.

        Returns:
            Up to which byte the log is now known.

        Raises:
            Conflict: somebody else has recorded events of the series meanwhile.
            What `left_out` raises, and what `execute_all` does.
        """
        self.history.most_behind = self.MOST_BEHIND
        self._check(lock_wait)
        there = self._look_ahead() if self._is_far_behind() else True
        if not there and not self._accept(intentions, left_out)[0]:
            answer(0, [], [])
            return 0
        with ExitStack() as held:  # outside the lock: nobody else waits until the answer is shown
            with self.log.locked(lock_wait, may_create=not there) as writer:
                self._catch_up(writer.reader, is_locked=True)
                if next(correlated(writer.reader, correlation, since), None):
                    raise Conflict(
                        "the same input is being recorded by somebody else at the same time",
                        "run it again when that is done: recorded rows are skipped",
                    )
                changes, draft = self._accept(intentions, left_out)
                number, notices = 0, list[str]()
                if changes:
                    batch = self._write_down(changes, correlation)
                    held.enter_context(held_signals())
                    self._append(writer, batch, draft)
                    number, notices = batch.number, batch.notices + writer.notices
            answer(number, changes, notices)
            return self._at.offset

    def recorded_ids(self, correlation: str) -> tuple[dict[str, int], int]:
        """The ids of all events of a series, each with its number, and up to which byte the log was looked at.

        They are durable then: whoever is told that they are there may rely on it.
        """
        if not self._look_ahead():
            return {}, 0
        with self.log.reader() as reader:
            self._catch_up(reader)
            found = {id: number for number, id in correlated(reader, correlation, 0)}
            if found:
                reader.sync()
            return found, reader.end.offset

    def rehearsal(self) -> Draft:
        """A state on which something can be tried out, as it is at the head."""
        self._check(0)
        self._look_ahead()
        return Draft(self._state)

    @property
    def frame(self) -> int:
        """At most so many bytes of an event's line are not its data; a batch holds MAX_BATCH bytes of lines."""
        self._check(0)
        return frame(self._actor, self._source)
