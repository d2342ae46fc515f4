"""Answers to work that is done: what is stored is announced, and nothing that comes later says otherwise."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evcli.cli.show.output import Answer
from evcli.errors import AnswerLost, EvcliError, OutcomeUnknown

_NOTHING = "; nothing was written"


def answer_to(build: Callable[[], Answer], done: str, hint: str) -> Answer:
    """The answer to work that is `done`. Raises AnswerLost, which says so, where it cannot be built."""
    with _or_lost(done, hint):
        return build()._replace(done=(done, hint))


def answer_once_done(show: Callable[[], None], done: str, hint: str) -> None:
    """Print the answer to work that is done; a signal or error that comes later must not deny it.

    Raises:
        AnswerLost: it could not be printed; says what is `done`.
    """
    try:
        with _or_lost(done, hint):
            show()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def tell_how_far(error: EvcliError, recorded: str) -> None:
    """Let the error that ends a run of several batches say what is `recorded`, a sentence; "" if nothing is."""
    if recorded:
        error.message = error.message.removesuffix(_NOTHING)
        error.message += f"; {recorded}; run it again to continue from there"
    elif not isinstance(error, OutcomeUnknown) and "nothing was written" not in error.message:
        error.message += _NOTHING


def events_in_words(first: int, last: int, count: int) -> str:
    """`event 4`, `events 4 to 7`, or where there are others in between `3 events between 4 and 7`."""
    if count == 1:
        return f"event {first:,}"
    if last - first + 1 == count:
        return f"events {first:,} to {last:,}"
    return f"{count:,} events between {first:,} and {last:,}"


@contextmanager
def _or_lost(done: str, hint: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        why = (error.strerror if isinstance(error, OSError) else str(error)) or ""
        why = why.removeprefix("the answer could not be shown: ")
        raise AnswerLost(f"{done}, but the answer could not be shown: {why}", hint) from error
