"""Which text an event may contain, fixed forever: lengths in code points, and the forbidden characters.

Control characters, line separators, direction marks and overrides, zero-width space, byte order mark and lone
surrogates are forbidden everywhere, because they can deceive a terminal or a reader. Joiners (U+200C, U+200D) are
allowed: names in many scripts need them.
"""

import re
from collections.abc import Sequence

JOINERS = "\u200c\u200d"

_FORBIDDEN = "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
"""Compiled when a text needs it, which few do: that takes longer than anything else here."""


def text_fault(text: object, longest: int) -> str:
    """Why `text` is not valid in an event as a text of 1 to `longest` code points; "" if it is.

    The answer follows a field's name and a colon, and names the character and its position, from 1.
    """
    if not isinstance(text, str):
        return f"is {type(text).__name__}, not text"
    if not text:
        return "is empty"
    if len(text) > longest:
        return f"has {len(text)} characters; at most {longest} are allowed"
    # Every forbidden character is unprintable, and that check is several times cheaper than the search.
    if not text.isprintable() and (found := re.search(_FORBIDDEN, text)):
        return f"character {found.start() + 1} is {character_name(found[0])}, which is not allowed"
    return ""


def is_unicode(text: str) -> bool:
    """Whether `text` is valid Unicode: command-line bytes that are not UTF-8 arrive as surrogates; no log has them."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


_IDEOGRAPHS = "\uf900-\ufaff\U0002f800-\U0002fa1f"


def composed(text: str) -> str:
    """`text` in NFC, the form in which names are stored; but for CJK compatibility ideographs, which stay as they are.

    NFC would replace those by others that are drawn differently, and people's names are written with them.
    """
    if text.isascii():
        return text
    import unicodedata

    if unicodedata.is_normalized("NFC", text):
        return text
    return re.sub(f"[^{_IDEOGRAPHS}]+", lambda part: unicodedata.normalize("NFC", part[0]), text)


def are_composed(texts: Sequence[str]) -> bool:
    """Whether each of `texts` is in NFC; of some that `composed` leaves as they are, it is not."""
    joined = " ".join(texts)  # a space combines with nothing, so it keeps them apart
    if joined.isascii():
        return True
    import unicodedata

    return unicodedata.is_normalized("NFC", joined)


def is_space(character: str) -> bool:
    """Whether it is a space of some width, as names in some scripts have; not a line separator."""
    import unicodedata

    return unicodedata.category(character) == "Zs"


def character_name(character: str) -> str:
    """A character's code point and name: `U+001B (escape)`."""
    if "\ud800" <= character <= "\udfff":
        return f"U+{ord(character):04X} (bytes that are not UTF-8)"
    common = _COMMON_NAMES.get(character)
    if common is None:
        import unicodedata

        common = unicodedata.name(character, "a control character" if ord(character) < 0xA0 else "unassigned").lower()
    return f"U+{ord(character):04X} ({common})"


_COMMON_NAMES = {
    "\0": "NUL",
    "\a": "bell",
    "\b": "backspace",
    "\t": "tab",
    "\n": "newline",
    "\r": "carriage return",
    "\x1b": "escape",
    "\x7f": "delete",
    "\x85": "next line",
    "\x9b": "control sequence introducer",
    "\ufeff": "byte order mark",
}
