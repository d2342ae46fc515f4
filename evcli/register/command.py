"""A command, as a register takes it: the requested events, their conditions, and what became of them so far."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evcli.register.decide import Head, Intention, Series

if TYPE_CHECKING:
    from evcli.register.beginnings import Beginnings, Begun
    from evcli.register.two_times.lives import Trial


class Command:
    """Requested events, and their conditions. Raises BadText for an id that no event can have."""

    def __init__(
        self,
        intentions: Sequence[Intention],
        id: str | None,
        expect: Head | None,
        series: Series | None,
        many: "Beginnings | None" = None,
    ) -> None:
        """`many` are the intentions as columns, if they are given so."""
        if id is not None:
            from evcli.register.repeated import named

            intentions = named(intentions, id)
        self.intentions, self.id, self.expect, self.series = many or intentions, id, expect, series
        self.many = many
        self.begun: Begun | None = None
        """What they led to if all of them were accepted at once."""
        self.is_late = many is None and any(each.time is not None and not each.fits for each in intentions)
        """Whether one of them says when it happened, and it is to be seen whether it fits there."""
        self.trial: Trial | None = None
        """What they were tried on, if so."""
