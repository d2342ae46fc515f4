"""Signals that would end the program wait while an event is between its write and its answer.

Otherwise Ctrl-C could leave an event stored that nobody was told of. kill -9 cannot be held; the log itself meets it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def held_signals() -> Iterator[None]:
    """INT, TERM and HUP that come to this thread while the block runs are delivered when it ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
