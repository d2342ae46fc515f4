"""Which row of an input stands against a refused one."""

from collections.abc import Callable

from evcli.domain.event import number_of
from evcli.domain.refusals import Misplaced, Taken
from evcli.errors import Refused
from evcli.kinds import KINDS
from evcli.transfer.places import Place


def name_other(why: Refused, place_of: Callable[[int], Place | None]) -> None:
    """Let the refusal of a row name the other row, by `place_of`, that recorded the event in its way."""
    if isinstance(why, Misplaced) and why.other is not None:
        why.place = place_of(number_of(why.other))
    if isinstance(why, Taken):
        place = place_of(why.event)
        if place is not None:
            kind = KINDS[why.kind]
            field = kind.fields[why.field]
            why.message = f"the {kind.name} of {place} already has that {field.label}"
            why.hint = f"no two live {kind.plural} share {field.one}"
