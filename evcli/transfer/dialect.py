"""How the cells of a CSV input are separated, and which lines come before its header."""

import csv
import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import NamedTuple

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Those that are looked for, the most usual first, and what they are called."""

_SEPARATOR = re.compile(r'"?sep=(\\t|.)"?[ \t]*(\r\n|\r|\n|\Z)', re.IGNORECASE).match
_COMMENT = re.compile(r"\"?#[^\r\n]*(\r\n|\r|\n|\Z)").match


class Dialect(NamedTuple):
    """How to read the cells."""

    delimiter: str
    has_spaces: bool
    """Whether a space may stand before a cell's quotes; otherwise a cell keeps its spaces, as in JSON."""
    lines: int
    """How many lines come before the header: `sep=;` of Excel, `#TYPE` of PowerShell, comments."""
    bytes: int
    """How many bytes these have."""


def dialect_of(first: bytes, is_header: Callable[[Sequence[str]], bool], delimiter: str | None) -> Dialect:
    """How to read an input that begins with `first`; `is_header` says whether cells may be the header."""
    text = first.decode(errors="surrogateescape")
    skipped = lines = 0
    while True:
        asked = [delimiter] if delimiter else list(DELIMITERS)
        found = next((each for each in asked if is_header(_first_row(text[skipped:], each))), None)
        if found is None and (match := _SEPARATOR(text, skipped)):
            delimiter = delimiter or match[1].replace("\\t", "\t")
        elif found is not None or not (match := _COMMENT(text, skipped)):
            break
        skipped, lines = match.end(), lines + 1
    if found is None:
        found = max(asked, key=lambda each: len(_first_row(text[skipped:], each)))
    passed = text[:skipped].encode(errors="surrogateescape")
    return Dialect(found, _has_spaces(text[skipped:], found), lines, len(passed))


def _first_row(text: str, delimiter: str) -> list[str]:
    """The first row with cells; none if it cannot be read."""
    try:
        rows = csv.reader(
            StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=_has_spaces(text, delimiter)
        )
        return next(filter(None, rows), [])
    except csv.Error:
        return []


def _has_spaces(text: str, delimiter: str) -> bool:
    """Whether a delimiter and a space are in the header, or before a quote that opens a cell."""
    each = re.escape(delimiter)
    return re.search(rf'\A[^"\n]*{each} |{each} +"[^"{each}\r\n]', text) is not None
