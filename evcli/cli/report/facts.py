"""What a report says: the period, the moments it lies between, where it comes from, and how to make it again."""

import os
import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from evcli.cli.session import Session
from evcli.cli.show.times import local_time
from evcli.domain.kind import Kind
from evcli.errors import BadInput
from evcli.kinds import MODULES
from evcli.register.past import Position
from evcli.register.period import Period
from evcli.register.zone import local_zone

if TYPE_CHECKING:
    from evcli.register.refs import Moment

_WRITTEN = re.compile(r"[0-9]{4}-.*|[0-9]{4}Q[1-4]").fullmatch
_PERIODS = ("month", "quarter")
"""What alone is a beginning and an end."""


class Bound(NamedTuple):
    """One end of the period: what was asked for, and the event that it means."""

    ref: str | None
    """The REF as it was typed; None for the beginning or the end of the log."""
    time: datetime | None
    """The time that the REF says; None if it does not say one."""
    at: Position

    @property
    def name(self) -> str:
        """The REF where it always means the same; else the time that it said, or its event."""
        if self.time is None:
            return f"event {self.at.number}"
        ref = "" if self.ref is None else self.ref.strip()
        return ref if _WRITTEN(ref) else local_time(self.time)


class Facts(NamedTuple):
    """All that a report says."""

    period: Period
    beginning: Bound
    end: Bound
    log: str
    """The log's file name, without its folder."""
    identity: str | None
    """The hash of the log's first event; None for an empty log."""
    zone: str
    made: datetime
    is_complete: bool
    """Whether the period was over when the report was made."""
    command: str
    again: str
    """A command that makes the same report at any later time."""

    @property
    def title(self) -> str:
        """`users in 2026-Q1`, `users from 2026-01-01 to event 42`: true whenever it is read."""
        first = "the beginning" if self.beginning.ref is None else self.beginning.name
        last = self.end.name
        span = f"from {first} to {last}" if first != last else f"at {first}" if self.end.time is None else f"in {first}"
        return f"{self.period.kind.plural} {span}"


def facts_of(session: Session, kind: Kind, since: str | None, until: str | None) -> Facts:
    """The facts of the period between two REFs of the opened log, durable in it. Raises BadInput, BadRef, Damaged."""
    register = session.register
    register.log.sync()  # a head that is handed out must be durable
    first = None if since is None else session.moment(since, beginning=True)
    is_alone = until is None and first is not None and first.span is not None and first.span.covers in _PERIODS
    to = since if is_alone else until
    last = None if to is None else session.moment(to, since=first, by_time="evcli diff --as-of")
    start, end = first.number if first else 0, last.number if last else register.head().number
    if start > end or _is_backward(first, last):
        told = f"--from {since} is after event {start}, --to {to or '@'} is event {end}"
        hint = f"the other way round: --from {to} --to {since}" if to else "name an earlier --from"
        raise BadInput(f"the period ends before it begins: {told}", hint)
    period = register.period(kind, start, end)
    now, said_end = session.output.now, last.span.end if last and last.span else None
    is_complete = said_end is None or said_end <= now
    if not is_complete and last and not last.is_future:
        session.output.preface("the period is not over; the report is about what is known now")
    of_kind = [] if kind.name == next(iter(MODULES)) else ["--kind", kind.name]
    return Facts(
        period=period,
        beginning=Bound(since, first.span.start if first and first.span else None, period.start),
        end=Bound(to, said_end, period.end),
        log=os.path.basename(session.path),
        identity=register.reader.identity(),
        zone=local_zone(),
        made=now,
        is_complete=is_complete,
        command=_command(session, [*of_kind, *_option("--from", since), *_option("--to", until)]),
        again=_command(session, [*of_kind, "--from", str(start), "--to", str(end)]),
    )


def _is_backward(first: "Moment | None", last: "Moment | None") -> bool:
    """Whether both are times, and the first one begins after the last one ends: there may be no event between them."""
    return bool(first and last and first.span and last.span and first.span.start > last.span.end)


def _option(flag: str, value: str | None) -> Sequence[str]:
    return () if value is None else (flag, value)


def _command(session: Session, words: Sequence[str]) -> str:
    return f"evcli report{session.log_words}{''.join(f' {shlex.quote(word)}' for word in words)}"
