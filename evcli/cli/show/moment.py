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
    if moment.span is not None and moment.span.earlier is not None:
        first, second = local_time(moment.span.earlier), local_time(moment.span.start)
        yield f'"{ref}" was twice, at {first} and at {second}; the later one is meant'
    if moment.is_future:
        yield f'"{ref}" is in the future; the answer is what is known now'
    covers = "" if moment.span is None else _covers(ref, moment.span, beginning=beginning)
    found = f"event {at.number}, of {local(at.recorded)}" if at.number else "event 0, the empty register"
    yield f"{'since' if beginning else 'as of'} {ref}{covers and f' ({covers})'}: {'after ' * beginning}{found}"


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
