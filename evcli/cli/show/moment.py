"""What is said of a moment that was found: first what was asked, then what was found."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evcli.cli.show.times import local, local_time
from evcli.register.past import Position

if TYPE_CHECKING:
    from evcli.register.refs import Moment
    from evcli.register.times import Span

_HAS_ZONE = re.compile(r"[0-9-]{10}.*(Z|z|UTC|[+-][0-9:]+)").fullmatch


def in_words(ref: str, moment: "Moment", at: Position, *, beginning: bool) -> Iterator[str]:
    """The notes on a moment at a position of the log: `as of 2026-11-22 (end of day, +01:00): event 42, of …`."""
    if moment.span is not None:
        yield from _twice(ref, moment.span)
    if moment.is_future:
        yield f'"{ref}" is in the future; the answer is what is known now'
    covers = "" if moment.span is None else _covers(ref, moment.span, beginning=beginning)
    found = f"event {at.number}, of {local(at.recorded)}" if at.number else "event 0, the empty register"
    yield f"{'since' if beginning else 'as of'} {ref}{covers and f' ({covers})'}: {'after ' * beginning}{found}"


def happened_by(
    words: str, span: "Span", known: int | None, *, beginning: bool = False, is_future: bool = False
) -> Iterator[str]:
    """The same of a time that counts when things happened, perhaps as known at an event; or of its beginning."""
    yield from _twice(words, span)
    if is_future:
        yield f'"{words}" is in the future; the answer is what is known {"then" if known is not None else "now"}'
    covers = _covers(words, span, beginning=beginning)
    asked = f"{'since' if beginning else 'as of'} {words}{covers and f' ({covers})'}"
    told = "what happened from then on" if beginning else f"what had happened by {'now' if words == 'now' else 'then'}"
    yield f"{asked}: {told}" if known is None else f"{asked}: {told}, as known at event {known}"


def _twice(words: str, span: "Span") -> Iterator[str]:
    if span.earlier is not None:
        first, second = local_time(span.earlier), local_time(span.start)
        yield f'"{words}" was twice, at {first} and at {second}; the later one is meant'


def _covers(ref: str, span: "Span", *, beginning: bool) -> str:
    """The edge of a span of time that counts, as far as `ref` does not say it: `end of day, +01:00`."""
    edge, side = (span.start, "beginning") if beginning else (span.end, "end")
    exact = local_time(edge)
    day, offset = exact[:10], exact[19:]
    if span.covers:
        return f"{side} of {'day' if ref.startswith(day) else day}, {offset}"
    if ref == "now" or _HAS_ZONE(ref):
        return ""
    return offset if ref.startswith(day) else exact
