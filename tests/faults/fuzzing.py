"""How often hypothesis has tried something, counted while it does: each example, and each command of the machine."""

from collections.abc import Callable
from functools import wraps
from typing import Any

runs = 0


def count() -> None:
    """Count one run."""
    global runs  # noqa: PLW0603  # hypothesis calls from everywhere, and a test has no fixture to count with
    runs += 1


def counted(example: Callable[..., Any]) -> Callable[..., Any]:
    """The same test of one example, which counts itself."""

    @wraps(example)
    def each(*arguments: Any, **named: Any) -> Any:
        count()
        return example(*arguments, **named)

    return each
