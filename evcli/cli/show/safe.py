"""Make text safe to show: nothing typed or read from a file can move the cursor or reverse the line.

Stored text is never changed; it is escaped when shown. Rich does not do this: its Text, its escape() and markup=False
all let ESC through.
"""

import re
from collections.abc import Iterator

from evcli.domain.text import JOINERS, is_unicode

_PERHAPS_UNSAFE = re.compile(r"[^\n -~]")
"""What JSON of printable ASCII has none of: every other character is looked at, one by one."""

_PIECE = 1 << 16


def safe(text: str) -> str:
    """`text` with control, format and separator characters escaped as in Rust (categories Cc, Cf, Cs, Zl, Zp)."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(
        f"\\u{{{ord(character):x}}}"
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not _is_joiner_at_work(text, at)
        else character
        for at, character in enumerate(text)
    )


def _is_joiner_at_work(text: str, at: int) -> bool:
    """A joiner has an effect only between two non-ASCII characters (emoji, Indic and Arabic scripts).

    Anywhere else it only makes one name look like another.
    """
    return text[at] in JOINERS and not text[at - 1 : at].isascii() and not text[at + 1 : at + 2].isascii()


def valid(text: str) -> str:
    """`text` as JSON can hold it: bytes that were not UTF-8 are escaped as in the other formats."""
    return text if is_unicode(text) else safe(text)


def safe_json(document: bytes) -> bytes:
    """The same JSON with control, format and separator characters in strings escaped; it parses to the same values."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return b"".join(_PERHAPS_UNSAFE.sub(_json_escaped, piece.decode()).encode() for piece in _pieces(document))


def _pieces(document: bytes) -> Iterator[bytes]:
    """The document in pieces, cut at quotes: as a whole, its characters would take many times its memory."""
    start = 0
    while start < len(document):
        end = document.find(b'"', start + _PIECE)
        end = len(document) if end < 0 else end
        yield document[start:end]
        start = end


def _json_escaped(match: "re.Match[str]") -> str:
    import unicodedata

    character = match[0]
    return _json_escape(character) if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") else character


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def encodable(text: str, encoding: str) -> bytes:
    """`text` in `encoding`; characters that it cannot encode are escaped as in `safe`. Never fails."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(
            part
            if (part := character.encode(encoding, "ignore"))
            else f"\\u{{{ord(character):x}}}".encode(encoding, "replace")
            for character in text
        )
