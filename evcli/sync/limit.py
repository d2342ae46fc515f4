"""How many records a list may end: an empty or truncated one must not end all of them."""

from typing import NamedTuple

from evcli.errors import Refused


class TooManyEnd(Refused):
    """A list would end more records than it may."""

    code = "too-many-ended"


class Limit(NamedTuple):
    """A number of records, or a percentage of the live ones; `least` may always end."""

    number: int
    is_percent: bool = False
    least: int = 0

    def most(self, live: int) -> int:
        """How many of so many live records may end."""
        return max(self.least, live * self.number // 100 if self.is_percent else self.number)


USUAL = Limit(10, is_percent=True, least=5)
