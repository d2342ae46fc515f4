"""A log that is another one up to a place, and goes on in memory from there: a history that did not happen.

Nothing is copied of what both have in common, and nothing is ever written.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from evcli.domain.event import Event
from evcli.errors import BadInput, NotWritten
from evcli.log import Log, Position, Seen
from evcli.log.digest import sha256_for
from evcli.log.line import MAX_BATCH, envelope, place_after

CHUNK = 1_000
"""So many lines are read at once."""


class Branch(Log):
    """The lines of `trunk` up to the position `fork`, and then others, which `grow` adds.

    A place up to the fork is the trunk's; after it, places count lines.
    """

    def __init__(self, trunk: Log, fork: Position) -> None:
        self.name, self.path = trunk.name, trunk.path
        self.fork = self.tip = fork
        """Where it leaves the trunk, and where it ends."""
        self._trunk = trunk
        self._lines: list[bytes] = []

    def grow(self, events: Sequence[Event]) -> None:
        """Add events, whose members are valid and in order, with the numbers and hashes that follow; several are one
        batch.

        Raises BadInput if they are too many for one.
        """
        first, count = self.tip.number + 1, len(events)
        batch, sha256, size = f"{first}-{first + count - 1}", sha256_for(count), 0
        for number, event in enumerate(events, first):
            members: dict[str, Any] = {**event, "sequence": f"{number:012}"}
            members.pop("sha256", None)
            if count == 1:
                members.pop("batch", None)
            else:
                members["batch"] = batch
            body = orjson.dumps(members)[:-1]
            hash = sha256(self.tip.sha256 + body).hexdigest()
            line = b'%b,"sha256":"%b"}\n' % (body, hash.encode())
            size += len(line)
            self._lines.append(line)
            self.tip = Position(
                number, self.tip.place + 1, hash.encode(), event.get("recordedtime") or event["time"],
                source=event["source"],
            )  # fmt: skip
        if count > 1 and size > MAX_BATCH:
            raise BadInput(f"{count} events at once are {size:,} bytes, but a batch holds at most {MAX_BATCH:,}")

    @property
    def end(self) -> int:
        """The place after the last line."""
        return self.tip.place

    def head(self) -> Position:
        """The position after the last line."""
        return self.tip

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The trunk's lines, then those in memory."""
        fork, end = self.fork.place, self.end if until is None else min(until, self.end)
        if place < fork:
            yield from self._trunk.read(place, min(fork, end))
        for start in range(max(place, fork), end, CHUNK):
            stop = min(start + CHUNK, end)
            yield list(range(start, stop + 1)), self._lines[start - fork : stop - fork]

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """Find the position by bisection, in memory first."""
        fork, end = self.fork.place, self.end if until is None else min(until, self.end)
        found = (
            bisect_left(range(fork, end), 1, key=lambda place: not holds(self._after(place + 1))) if end > fork else 0
        )
        return self._after(fork + found) if found else self._trunk.seek(holds, min(fork, end))

    def _after(self, place: int) -> Position:
        line = self._lines[place - self.fork.place - 1]
        return place_after(envelope(line), line, place)

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float) -> Position:
        """Refuse: what did not happen is not recorded. Raises NotWritten."""
        raise NotWritten("this history is only supposed; nothing was written")

    def wait(self, seconds: float) -> Seen:
        """Nothing is ever added."""
        return ""

    def close(self) -> None:
        """Close the trunk; the next use opens it again."""
        self._trunk.close()

    def settle(self, patience: float = 1.0) -> bool:
        """Settle the trunk."""
        return self._trunk.settle(patience)

    def warnings(self) -> list[str]:
        """The trunk's."""
        return self._trunk.warnings()
