"""Dividing what is to be recorded into batches: as few as possible, and groups stay whole where they fit."""

import pytest

from evcli.register.divided import divided


@pytest.mark.parametrize(
    ("groups", "batches"),
    [
        ([[3], [3], [3]], [[3, 3, 3]]),
        ([[3], [3], [3], [1], [1]], [[3, 3, 3, 1], [1]]),
        ([[6], [3, 3], [4]], [[6], [3, 3, 4]]),
        ([[6], [3, 3, 3, 3]], [[6, 3], [3, 3, 3]]),
        ([[11], [11]], [[11], [11]]),
        ([], []),
    ],
    ids=["all fit", "the last does not", "a group is not divided", "one longer than a batch is", "too long", "none"],
)  # fmt: skip
def test_groups_are_divided_only_if_they_are_longer_than_a_batch(
    groups: list[list[int]], batches: list[list[int]]
) -> None:
    assert list(divided(groups, lambda size: size, 10)) == batches
