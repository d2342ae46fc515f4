"""CSV that is safe in a spreadsheet: text that looks like a formula is prefixed with ', which can be removed again.

Text is guarded if it begins with one of = + - @ TAB CR LF NUL (OWASP ASVS 1.2.10), also after any number of ', so that
a name that really begins with '= is not mistaken for a guarded one.
"""

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def guarded(text: str) -> str:
    """`text` as written to CSV."""
    return f"'{text}" if _looks_like_a_formula(text) else text


def unguarded(cell: str) -> str:
    """The inverse of `guarded`."""
    return cell[1:] if cell.startswith("'") and _looks_like_a_formula(cell) else cell


def _looks_like_a_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_BEGINNINGS)
