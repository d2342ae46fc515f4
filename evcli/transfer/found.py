"""What a reader of an input finds: rows, or what is wrong with one."""

from collections.abc import Sequence
from typing import NamedTuple

from evcli.transfer.fault import Fault


class Rows(NamedTuple):
    """At least one row of the input, without gaps: the lines on which they begin, and their cells.

    If there is a fault, it is that of the only row, which has no cells.
    """

    lines: Sequence[int]
    cells: Sequence[tuple[str, ...]]
    fault: Fault | None = None
