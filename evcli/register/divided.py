"""Dividing what is to be recorded into batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def divided(groups: Sequence[Sequence[T]], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """The members of the groups in as few batches of at most `most` as they fit into.

    A group is divided only if it is longer than a batch.
    """
    batch, room = list[T](), most
    for group in groups:
        sizes = list(map(size, group))
        for each, own, needed in zip(group, sizes, [sum(sizes), *sizes[1:]], strict=True):
            if batch and (own if needed > most else needed) > room:
                yield batch
                batch, room = [], most
            batch.append(each)
            room -= own
    if batch:
        yield batch
