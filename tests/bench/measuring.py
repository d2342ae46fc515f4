"""How to measure: in turns, medians, peak memory; and what a line of the table says."""

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

PEAK = Path(__file__).with_name("peak.py")


class Bound(NamedTuple):
    """What a figure should be: at least or at most this number."""

    sign: str
    number: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether `value` is what it should be."""
        return value >= self.number if self.sign == "≥" else value <= self.number

    def __str__(self) -> str:
        return f"{self.sign} {self.number:g}{self.unit}"


def at_least(number: float) -> Bound:
    """A figure that should be this large, or larger."""
    return Bound("≥", number)


def at_most(number: float, unit: str = "") -> Bound:
    """A figure that should be this small, or smaller."""
    return Bound("≤", number, unit)


class Figure(NamedTuple):
    """One line of the table: what was measured, against what, the target, the figure, and the values it is made of.

    Without a target, it says how another line is to be read.
    """

    what: str
    against: str
    target: Bound | None
    value: float
    medians: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's words."""
        unit = self.target.unit if self.target else ""
        decimals = 1 if unit or self.value >= 10 else 3 if self.value >= 0.1 else 4
        missed = self.target is not None and not self.target.holds(self.value)
        measured = f"{self.value:.{decimals}f}{unit}" + " MISSED" * missed
        return self.what, self.against, str(self.target or "—"), measured, self.medians


def times_as_long(what: str, against: str, target: Bound | None, mine: float, other: float) -> Figure:
    """How many times the other's seconds mine are."""
    return Figure(what, against, target, mine / other, f"{_duration(mine)} : {_duration(other)}")


def times_the_rate(what: str, rivals: Mapping[str, float | None], mine: float, others: Sequence[float]) -> list[Figure]:
    """How many times the rate a second of each rival mine is; for each rival, how many times it should be at least."""
    return [
        Figure(
            what, against, None if target is None else at_least(target), mine / other, f"{mine:,.0f}/s : {other:,.0f}/s"
        )
        for (against, target), other in zip(rivals.items(), others, strict=True)
    ]


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


HEADINGS = ("what", "against", "target", "measured", "medians")


def text_table(figures: Sequence[Figure]) -> str:
    """The figures under their headings, in columns."""
    rows = [HEADINGS, *(figure.cells for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([drawn[0], "  ".join("─" * width for width in widths), *drawn[1:]])


def markdown_table(figures: Sequence[Figure]) -> str:
    """The same for a Markdown file."""
    return markdown([HEADINGS, ("---",) * len(HEADINGS), *(figure.cells for figure in figures)])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The rows of a table for a Markdown file."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


# --- time -------------------------------------------------------------------------------------------------------------


Clock = Callable[[], float]


def seconds(action: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """How long `action` takes, on the wall clock unless told; its result is freed only afterwards."""
    start = clock()
    returned = action()
    taken = clock() - start
    del returned
    return taken


def in_turns(times: int, *actions: Callable[[], object], clock: Clock = time.perf_counter) -> list[float]:
    """The median seconds of each action; all of them run once in every round, so that a slow moment slows all."""
    rounds = [[seconds(action, clock) for action in actions] for _ in range(times)]
    return [median(column) for column in zip(*rounds, strict=True)]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause the collector, as evcli does while it folds, so that no peer pays for what evcli avoids."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# --- processes --------------------------------------------------------------------------------------------------------


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end, and give what it answered; a figure for one that failed would be a lie: that raises."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def peak(command: Sequence[str]) -> int:
    """The peak memory of a command's process, in bytes."""
    # Not started from here: a process counts the memory of its parent at the start as its own, and this one has much.
    return int(run(sys.executable, "-I", "-S", str(PEAK), *command))
