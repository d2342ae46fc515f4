"""In which order records take each other's unique keys, so that the rules accept each event.

A record can take a key once the one that holds it has another. Most form chains, which begin where a key is free; where
records exchange their keys in a circle, one of them must hold a stand-in meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

from evcli.domain.kind import EventType


class Step(NamedTuple):
    """One planned event: its type, the record's id (0: the next one), its data, and the line that asks for it."""

    type: EventType
    id: int
    data: dict[str, str]
    line: int
    """0 for a record that is not on the list."""


class Move(NamedTuple):
    """A live record gets another unique key."""

    old: str
    new: str
    steps: list[Step]


def circles_and_chains(moves: Sequence[Move]) -> tuple[list[list[Move]], list[Move]]:
    """Moves that form circles, each the taker of the one before it; and the others, in an order that works.

    No two moves have the same old key, or the same new one.
    """
    taker = {move.new: move for move in moves}
    given_up = {move.old for move in moves}
    chains: list[Move] = []
    for move in moves:
        if move.new not in given_up:
            chains += _takers(move, taker)
    done = {move.old for move in chains}
    circles: list[list[Move]] = []
    for move in moves:
        if move.old not in done:
            circles.append(_takers(move, taker))
            done |= {each.old for each in circles[-1]}
    return circles, chains


def _takers(first: Move, taker: dict[str, Move]) -> list[Move]:
    """A move, the one that takes what it gives up, and so on; in a circle, each once."""
    found = [first]
    while (after := taker.get(found[-1].old)) is not None and after is not first:
        found.append(after)
    return found
