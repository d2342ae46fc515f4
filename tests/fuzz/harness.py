"""What the harnesses share: atheris where there is one, and a log in a folder of its own."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' own helpers
sys.path.insert(0, str(Path(__file__).parents[2]))  # evcli, when it is not installed


def fuzz(load: Callable[[], Callable[[bytes], None]]) -> None:
    """Let atheris call what `load` gives, whose imports it watches; say so and end with 0 when there is no atheris."""
    try:
        import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # only for whoever wants to fuzz
    except ImportError:
        print("skipped: atheris is not installed (pip install atheris)")
        sys.exit(0)
    with atheris.instrument_imports(include=["evcli"]):
        one_input = load()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
