"""A progress bar on a terminal, drawn by rich, which is loaded only then."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Bar:
    """How far something is: how many, how many a second, and the time that is left where the end is known."""

    def __init__(self, what: str, unit: str, size: int | None, *, color: bool) -> None:
        """`what` is being done, to so many of `unit`, until `size` bytes are done."""
        console = Console(stderr=True, no_color=not color, highlight=False, markup=False, emoji=False)
        # Drawn when it is told to, never by a thread: a signal that is held in one thread would be taken by the other.
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
        """Draw it: so many bytes are done, which were so many units, so many a second."""
        self._progress.update(self._task, completed=done, count=count, rate=rate, refresh=True)

    def end(self) -> None:
        """Take it away."""
        self._progress.stop()


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        fields = task.fields
        return Text(f"{fields['count']:,} {fields['unit']}, {fields['rate']:,.0f} a second")
