"""Errors in tests: what is raised, its exit code, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from evcli.cli.hints import hint_for
from evcli.errors import EvcliError

Error = TypeVar("Error", bound=EvcliError)


@contextmanager
def raising(error: type[Error], code: int, *said: str, hint: str = "") -> Iterator[pytest.ExceptionInfo[Error]]:
    """The block raises this error, with that exit code; its message holds each of `said`, and its hint holds `hint`."""
    with pytest.raises(error) as raised:
        yield raised
    assert raised.value.exit == code
    for each in said:
        assert each in raised.value.message
    assert hint in hint_for(raised.value)
