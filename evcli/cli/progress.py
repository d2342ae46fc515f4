"""A progress bar on a terminal, drawn by rich, which is loaded only then."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Bar:
    """How far an input is read: rows, rows a second, and the time that is left where the input's size is known."""

    def __init__(self, size: int | None, *, color: bool) -> None:
        console = Console(stderr=True, no_color=not color, highlight=False, markup=False, emoji=False)
        # Drawn when it is told to, never by a thread: a signal that is held in one thread would be taken by the other.
        self._progress = Progress(
            TextColumn("importing"),
            BarColumn(),
            _Rows(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=size, rows=0, rate=0.0)
        self._progress.start()

    def show(self, done: int, rows: int, rate: float) -> None:
        """Draw it: so many bytes are done, which were so many rows, so many a second."""
        self._progress.update(self._task, completed=done, rows=rows, rate=rate, refresh=True)

    def end(self) -> None:
        """Take it away."""
        self._progress.stop()


class _Rows(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['rows']:,} rows, {task.fields['rate']:,.0f} a second")
