"""CSV that a spreadsheet can open: text that it would take for a formula gets a ' before it, which can be taken away.

Text is guarded that begins with one of = + - @ TAB CR LF NUL (OWASP ASVS 1.2.10); or so after some ', so that a name
which somebody wrote with a ' before its = is not mistaken for a guarded one.
"""

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def guarded(text: str) -> str:
    """`text` as it stands in CSV."""
    return f"'{text}" if _looks_like_a_formula(text) else text


def unguarded(cell: str) -> str:
    """The text of which `guarded` made `cell`."""
    return cell[1:] if cell.startswith("'") and _looks_like_a_formula(cell) else cell


def _looks_like_a_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_BEGINNINGS)
