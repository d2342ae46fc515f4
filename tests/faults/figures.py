"""The figures that a run counts, and their place in docs/architecture.md."""

import re
from collections.abc import Mapping

FIGURES = (
    "system calls swept",
    "writes torn",
    "power-cut images checked",
    "bits flipped",
    "bits of caches flipped",
    "prefixes read",
    "kills",
    "files planted",
    "fuzz runs",
    "acknowledged events lost",
    "false alarms",
)

_ROW = re.compile(r"^(\| (?P<name>[^|]+) \| )(?P<number>[0-9,]+)(?= \|)", re.MULTILINE)


def in_table(text: str) -> dict[str, int]:
    """The figures in the page's table, by name, in its order."""
    rows = {match["name"]: int(match["number"].replace(",", "")) for match in _ROW.finditer(text)}
    return {name: number for name, number in rows.items() if name in FIGURES}


def with_figures(text: str, counted: Mapping[str, int]) -> str:
    """The page's text with these figures in its table."""
    return _ROW.sub(lambda row: f"{row[1]}{counted[row['name']]:,}" if row["name"] in FIGURES else row[0], text)
