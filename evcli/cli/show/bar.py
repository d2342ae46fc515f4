"""A progress bar on a terminal, drawn by rich, which is loaded only if one is shown."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Bar:
    """A progress bar: the count, the rate, and the time left if the size is known."""

    def __init__(self, what: str, unit: str, size: int | None, *, color: bool) -> None:
        """`what` is the task, `unit` what it counts, `size` the bytes in all, if known."""
        console = Console(stderr=True, no_color=not color, highlight=False, markup=False, emoji=False)
        # Refreshed by `show` only, never by a thread: another thread would take the signals that this one blocks.
        self._progress = Progress(
            TextColumn(what),
            BarColumn(),
            _Speed(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=size, count=0, rate=0.0, unit=unit)
        self._progress.start()

    def show(self, done: int, count: int, rate: float) -> None:
        """Draw the bar: `done` bytes, `count` units, `rate` units a second."""
        self._progress.update(self._task, completed=done, count=count, rate=rate, refresh=True)

    def end(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        fields = task.fields
        return Text(f"{fields['count']:,} {fields['unit']}, {fields['rate']:,.0f} a second")
