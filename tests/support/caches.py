"""Caches in tests: a log has one only from some length on, unless a test asks for it."""

import sys

import pytest

from evcli.register import history

CACHING = (
    sys.executable,
    "-c",
    "import os, sys; os.environ.pop('EVCLI_CACHE', None)\n"
    "from evcli.register import history; history.CACHED_FROM = history.MOST_BEHIND = 1\n"
    "from evcli.cli.main import main; sys.exit(main(sys.argv[1:]))",
)
"""evcli as a process, with a cache for the shortest log."""


def cache_every_log(patch: pytest.MonkeyPatch, most_behind: int = 1) -> None:
    """Let the shortest log have a cache, which is at most that many bytes behind it."""
    patch.setattr(history, "CACHED_FROM", 1)
    patch.setattr(history, "MOST_BEHIND", most_behind)
