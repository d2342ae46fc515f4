"""Text that tries to deceive: it moves the cursor, turns the line around, hides, or is no text at all."""

import re

MOVING = {
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "title that ends in a bell": "\x1b]0;owned\x07",
    "title in C1": "\x9d0;owned\x9c",
    "screen": "\x1b[2J\x1b[H",
    "up": "\x1b[3A",
    "status": "\x1b[6n",
    "reset": "\x1bc",
    "alternate screen": "\x1b[?1049h",
    "C1": "\x9b31mred\x9d0;owned\x9c",
    "colour in C1": "\x9b31m",
    "carriage return": "harmless\rack 99",
    "backspace": "abc\b\b\bxyz",
    "bell": "\a",
    "shift out": "\x0e",
    "vertical": "a\x0bb\x0cc",
    "delete": "a\x7fb",
    "next line": "a\x85ack 99",
    "direction override": "gpj.\u202egpj.exe",
    "direction isolates": "a\u2066b\u2069c\u2067d",
    "direction marks": "a\u200eb\u200fc\u061cd",
    "line separators": "a\u2028b\u2029c",
    "zero-width": "a\u200bb\ufeffc",
}
"""What a terminal shows otherwise than it was sent, or not at all."""

HOSTILE = {
    **MOVING,
    "colour": "\x1b[31mred\x1b[0m",
    "link": "\x1b]8;;http://example.com\x1b\\click\x1b]8;;\x1b\\",
    "newline": "one\nerror: two",
    "tab": "one\ttwo",
    "surrogates": "a\udcffb\udc9b",
}


def _joined(*kinds: str) -> str:
    return "".join(HOSTILE[kind] for kind in kinds)


TOGETHER = {
    "escapes": _joined("colour", "clipboard", "title", "screen", "link", "up", "status", "reset", "alternate screen"),
    "controls": _joined("C1", "carriage return", "backspace", "bell", "shift out", "vertical", "delete"),
    "lines": _joined("newline", "tab", "next line", "line separators"),
    "directions": _joined("direction override", "direction isolates", "direction marks"),
    "zero-width": HOSTILE["zero-width"],
    "surrogates": HOSTILE["surrogates"],
}
"""The same in fewer texts, for what is tried in many places."""

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
"""A character by which a reader can be deceived; a tab and a newline are not among them."""

MARKUP = [
    "[/]", "[bold]x[/bold]", "[red]", "[link=file:///etc/passwd]x[/link]", ":smile:", "[[x]", "\\[x]", "%s %d {0} {x}",
    "\\u{1b}", "<b>", "`id`", "$(id)", "trailing\\",
]  # fmt: skip
"""Text that a program which formats it would take for its own marks."""
