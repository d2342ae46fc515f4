"""Who acts, when, and under which ids: read once, when deciding, because a fold must not depend on its environment."""

import os
from datetime import UTC, datetime

from evcli.domain.text import text_fault
from evcli.errors import BadSetting, BadText
from evcli.log.members import AUTH_TYPES, LONGEST_ID, is_source


class Actor:
    """The actor's id, and its type: one of AUTH_TYPES."""

    def __init__(self, id: str, type: str = "user") -> None:
        self.id, self.type = id, type

    def check(self) -> None:
        """Raise BadText or BadSetting if no event can name this actor."""
        fault = text_fault(self.id, LONGEST_ID)
        if not fault and not any(character.isprintable() and character != " " for character in self.id):
            fault = "is blank"
        if fault:
            raise BadText("the actor", fault)
        if self.type not in AUTH_TYPES:
            raise BadSetting("actor type", f'"{self.type}" is not a type of actor', ", ".join(AUTH_TYPES))


def check_source(source: str) -> None:
    """Raise BadSetting if no log can have this source."""
    if not is_source(source):
        raise BadSetting("source", f'"{source}" is not a URI reference of 1 to 128 characters')


def utc_now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def random_id() -> str:
    """A random UUID, version 4 (RFC 9562, section 5.4)."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
