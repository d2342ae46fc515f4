"""Progress of a long command: a transient progress bar on a terminal; nothing in a pipe."""

import sys
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from evcli.cli.show.output import Output

if TYPE_CHECKING:
    from evcli.cli.show.bar import Bar


class Waiting:
    """The progress of a task, drawn only on a terminal; call `end` afterwards."""

    def __init__(self, output: Output, what: str, unit: str) -> None:
        """`what` is the task, `unit` what it counts."""
        self._output = output
        self._what = what
        self._unit = unit
        self._start = monotonic()
        self._bar: Bar | None = None

    def show(self, done: int, total: int | None, count: int) -> None:
        """Show that `done` of `total` bytes (None if unknown), or `count` units, are done."""
        output = self._output
        if output.quiet or output.form in ("json", "jsonl") or not output.can_redraw(sys.stderr):
            return
        with suppress(OSError):  # losing the terminal must not stop the command
            if self._bar is None:
                from evcli.cli.show.bar import Bar

                self._bar = Bar(self._what, self._unit, total, color=output.has_color(sys.stderr))
            self._bar.show(done, count, count / max(monotonic() - self._start, 0.001))

    def end(self) -> None:
        """Remove the bar, if there is one."""
        bar, self._bar = self._bar, None
        if bar:
            with suppress(OSError):
                bar.end()
