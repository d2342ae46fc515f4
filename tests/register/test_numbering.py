"""Which events of the log those of a supposed history are."""

import random

import pytest

from evcli.what_if.numbering import Numbering


@pytest.mark.parametrize("seed", range(20))
def test_events_have_the_numbers_that_counting_gives(seed: int) -> None:
    rng = random.Random(seed)
    fork = rng.randrange(4)
    numbering = Numbering(fork)
    history: list[int | None] = list(range(1, fork + 1))
    for number in range(fork + 1, fork + 12):
        while rng.random() < 0.3:
            history.append(None)
            numbering.put_in.append(len(history))
        if rng.random() < 0.4:
            numbering.missing.append(number)
        else:
            history.append(number)
    assert [numbering.in_log(number) for number in range(1, len(history) + 1)] == history
