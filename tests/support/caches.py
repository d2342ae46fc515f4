"""Caches in tests: a log has one only from some length on, unless a test asks for it."""

import pytest

from evcli.register import history


def cache_every_log(patch: pytest.MonkeyPatch, most_behind: int = 1) -> None:
    """Let the shortest log have a cache, which is at most that many bytes behind it."""
    patch.setattr(history, "CACHED_FROM", 1)
    patch.setattr(history, "MOST_BEHIND", most_behind)
