"""Which refused rows an import may skip, and what it tells of them."""

from evcli.domain.kind import Begins
from evcli.domain.refusals import Taken
from evcli.errors import Refused
from evcli.kinds import TYPES
from evcli.register.decide import Intention
from evcli.transfer.happened import Skipped
from evcli.transfer.places import Place


def is_already_so(intention: Intention, why: Refused) -> bool:
    """Whether a row is refused because the record that it is to begin is there."""
    return isinstance(why, Taken) and type(TYPES[intention.type]) is Begins


class Skipping:
    """What is skipped in one run."""

    def __init__(self) -> None:
        self._first = dict[str | None, Place]()
        """The first row that was skipped for each unique field that is in use."""

    def skipped(self, intention: Intention, place: Place, why: Refused, began: Place | None) -> Skipped:
        """The result for a skipped row; `began` is the row that began the record that is there, if one did."""
        if not isinstance(why, Taken):
            return Skipped(place, why)
        kind = TYPES[intention.type].kind
        first = self._first.setdefault(kind.claimed_key(intention.data), place)
        same = next((each for each in (began, first) if each is not None and each < place), None)
        has = why.record._asdict()
        said = ((name, value) for name, value in intention.data.items() if name in kind.own and name != kind.unique)
        differs = [(name, has[name], value) for name, value in said if has[name] != value]
        return Skipped(place, why, kind.name, why.record, same, differs)
