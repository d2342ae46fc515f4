"""Putting what was measured into a file in Markdown: between its markers, so that all other text of it stays."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from ground import IMPORTS
from measuring import Figure, markdown, markdown_table
from plot import Curves, svg

PLOT = "growth.svg"


def write(
    path: Path,
    words: Sequence[str],
    described: Sequence[tuple[str, str]],
    figures: Sequence[Figure],
    curves: Curves,
    *,
    is_growth_alone: bool,
) -> None:
    """Put what `run.py WORDS` measured into the file: the table, and the growth, whose plot is written beside it.

    Of the growth alone, the table keeps what it has; without it, the growth does.
    """
    command = shlex.join(["python", "tests/bench/run.py", *words])
    on = "\n".join((f"Measured by `{command}` on this machine:", "", *(f"- {name}: {it}" for name, it in described)))
    if curves:
        path.with_name(PLOT).write_text(svg(curves, IMPORTS), encoding="utf-8")
        image = f"![How long commands take, by the number of events]({PLOT})"
        _put(path, "growth", "\n\n".join((on, image, _medians(curves))))
    if not is_growth_alone:
        _put(path, "the table", "\n\n".join((on, markdown_table(figures))))


def _medians(curves: Curves) -> str:
    lengths = sorted(next(iter(curves.values())))
    rows = [("median of", *(f"{length:,} events" for length in lengths)), ("---", *("---:" for _ in lengths))]
    rows += [(name, *(f"{curve[length] * 1000:.1f} ms" for length in lengths)) for name, curve in curves.items()]
    return markdown(rows)


def _put(path: Path, what: str, text: str) -> None:
    """Replace what is between the two markers of `what`."""
    begin, end = f"<!-- run.py --write writes {what} from here -->", f"<!-- to here: {what} -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"error: {path} has no place for {what}: no lines {begin} and {end}")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
