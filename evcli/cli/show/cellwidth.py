"""How wide text is on a terminal, and how it is divided into lines."""

import re
import unicodedata

from rich.cells import cell_len

_JOINER = "\u200d"
_WORDS = re.compile(r" *[^ ]+").findall


def width_of(text: str) -> int:
    """The number of columns that text takes on a terminal.

    The vowel signs of Indic scripts (category Mc) take one each, as in the C library and most terminals; rich takes
    them for nothing.
    """
    if text.isascii():
        return len(text)
    others = "".join(each for each in text if unicodedata.category(each) != "Mc")
    return len(text) - len(others) + cell_len(others)


def longest_word(text: str) -> int:
    """The width of the widest word."""
    return max(map(width_of, text.split(" ")))


def lines_of(text: str, width: int) -> list[str]:
    """The text in lines of at most that width, broken between words, and within a word only if it is wider."""
    if width_of(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _WORDS(text):
        if width_of(line + word) <= width:
            line += word
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word.lstrip(" ") if line else word, width)
        lines += full
    return [*lines, line]


def _broken(word: str, width: int) -> list[str]:
    """A word in pieces of at most that width, of at least one character each; marks stay with their characters."""
    pieces, taken = [""], 0
    for each in word:
        size = width_of(each)
        is_joined = _JOINER in (each, pieces[-1][-1:]) or unicodedata.category(each)[0] == "M"
        if pieces[-1] and taken + size > width and not is_joined:
            pieces.append("")
            taken = 0
        pieces[-1] += each
        taken += size
    return pieces
