"""Signals that would end the program wait while an event is between its write and its answer.

Otherwise Ctrl-C could leave an event stored that nobody was told of. kill -9 cannot be held; the log itself meets it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def held_signals() -> Iterator[None]:
    """INT, TERM and HUP that come to this thread while the block runs are delivered when it ends.

    When it ends with an error, they are dropped: that error must be told, not that somebody pressed Ctrl-C meanwhile.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    except BaseException:
        drop_signals()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def drop_signals() -> None:
    """Forget the signals of `held_signals` that have come and wait."""
    for number in _ENDING & signal.sigpending():
        with suppress(ValueError):  # only the main thread may, and only there do they become exceptions
            signal.signal(number, signal.signal(number, signal.SIG_IGN))
