"""Which refused rows an import may skip, and what it tells of them."""

from evcli.domain.kind import Begins, Ends, Revives
from evcli.domain.refusals import NotEnded, NotLive, Taken, Unchanged
from evcli.errors import Refused
from evcli.kinds import TYPES
from evcli.register.decide import Intention
from evcli.transfer.happened import Skipped
from evcli.transfer.places import Place


def is_already_so(intention: Intention, why: Refused) -> bool:
    """Whether a row is refused because what it asks for is the case."""
    role = type(TYPES[intention.type])
    return isinstance(why, Unchanged) or (role, type(why)) in ((Begins, Taken), (Ends, NotLive), (Revives, NotEnded))


class Skipping:
    """What one run may skip, and what it skipped."""

    def __init__(self, *, existing: bool, again: bool) -> None:
        """`existing`: rows that begin a record that is there; and with `again` all that would change nothing."""
        self._existing, self._again = existing, again
        self._first = dict[str | None, Place]()
        """The first row that was skipped for each unique field that is in use."""

    def may_skip(self, intention: Intention, why: Refused) -> bool:
        """Whether a refused row is skipped, and does not end the run."""
        return self._existing and self.could(intention, why)

    def could(self, intention: Intention, why: Refused) -> bool:
        """Whether it would be skipped if the run skipped what exists."""
        return is_already_so(intention, why) and (self._again or not intention.finds)

    def skipped(self, intention: Intention, place: Place, why: Refused, began: Place | None) -> Skipped:
        """The result for a skipped row; `began` is the row that began the record that is there, if one did."""
        if not isinstance(why, Taken):
            return Skipped(place, why)
        kind = TYPES[intention.type].kind
        first = self._first.setdefault(kind.claimed_key(intention.data), place)
        if why.record[-3] != why.record[-2]:  # it may have got its unique field after that row
            began = None
        same = next((each for each in (began, first) if each is not None and each < place), None)
        has = why.record._asdict()
        said = ((name, value) for name, value in intention.data.items() if name in kind.own and name != kind.unique)
        differs = [(name, has[name], value) for name, value in said if has[name] != value]
        return Skipped(place, why, kind.name, why.record, same, differs)
