"""The rows of an import that are to be recorded together."""

from collections.abc import Collection, Sequence

from evcli.register.beginnings import Beginnings
from evcli.register.decide import Intention
from evcli.transfer.places import Place


class Pending:
    """Consecutive rows: what they ask for, and where they are."""

    def __init__(self) -> None:
        self.intentions: list[Intention] | Beginnings = []
        self.lines = list[int]()
        """The lines on which they begin."""
        self.first = 1
        """The number of the first row."""

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, first: int, lines: Sequence[int], intentions: list[Intention] | Beginnings) -> None:
        """Add rows, from the one with the number `first` on."""
        if not self.lines:
            self.intentions, self.first = intentions, first
        elif isinstance(intentions, Beginnings) and isinstance(self.intentions, Beginnings):
            self.intentions += intentions
        else:
            self.intentions = [*self.intentions, *intentions]
        self.lines += lines

    def place(self, index: int, heading: int) -> Place:
        """Where the row at `index` is, below a heading of so many lines."""
        return Place(self.first + index, self.lines[index], heading)

    def kept(self, refused: Collection[int]) -> list[int]:
        """The indexes of the rows that were not refused."""
        return [at for at in range(len(self.lines)) if at not in refused]
