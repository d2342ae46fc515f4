"""What a long command shows while it is at work: on a terminal a bar that goes again, on a pipe nothing."""

import sys
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from evcli.cli.show.output import Output

if TYPE_CHECKING:
    from evcli.cli.show.bar import Bar


class Waiting:
    """How far something is. Drawn only where somebody looks; `end` must follow."""

    def __init__(self, output: Output, what: str, unit: str) -> None:
        """`what` is being done, to so many of `unit`."""
        self._output = output
        self._what = what
        self._unit = unit
        self._start = monotonic()
        self._bar: Bar | None = None

    def show(self, done: int, total: int | None, count: int) -> None:
        """So many bytes of so many are done, which were so many units; without a total, nobody knows when it ends."""
        output = self._output
        if output.quiet or output.form in ("json", "jsonl") or not output.can_redraw(sys.stderr):
            return
        with suppress(OSError):  # a terminal that is gone is no reason to stop
            if self._bar is None:
                from evcli.cli.show.bar import Bar

                self._bar = Bar(self._what, self._unit, total, color=output.has_color(sys.stderr))
            self._bar.show(done, count, count / max(monotonic() - self._start, 0.001))

    def end(self) -> None:
        """Take the bar away, if there is one."""
        bar, self._bar = self._bar, None
        if bar:
            with suppress(OSError):
                bar.end()
