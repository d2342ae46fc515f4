"""Caches in tests: a log has one only from some length on, unless a test asks for it."""

import sys
from pathlib import Path

import pytest

from evcli.register import history
from evcli.register.past import Past

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


def cache_the_beginning(log: Path, patch: pytest.MonkeyPatch, count: int) -> None:
    """Let the log have a cache that knows its first events, so many, and stays as it is."""
    cache_every_log(patch, 1 << 20)
    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:count]))
    with Past(str(log)) as past:
        past.history.most_behind = 1
        past.at()
        assert past.history.cache_path
    log.write_bytes(whole)
