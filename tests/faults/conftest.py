"""The log that most cases begin with, and what the sweeps count."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cli.support import tell_the_story
from conftest import Cli

from faults import fuzzing
from faults.casebook import Kernel, nothing_lost
from faults.figures import FIGURES


class Figures:
    """What one test counted: `figures.count("kills", 3)`. Only what was really done and judged is counted."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def count(self, what: str, number: int = 1) -> None:
        assert what in FIGURES, f"{what} is none of the figures"
        self.counted[what] += number

    def judge(self, complaints: list[str]) -> None:
        """Count the complaints that say that something was lost."""
        self.count("acknowledged events lost", sum("lost:" in complaint for complaint in complaints))
        self.count("false alarms", sum("false alarm:" in complaint for complaint in complaints))


@pytest.fixture
def story(cli: Cli) -> Iterator[Cli]:
    """evcli over a log of eight events. After the test they must be there, and the next append must work."""
    tell_the_story(cli)
    before = cli.log.read_bytes()
    yield cli
    nothing_lost(cli, before)


@pytest.fixture
def kernel(story: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """The calls on the story's log that are made from now on. After the test they all work again."""
    kernel = Kernel(monkeypatch, story.log)
    yield kernel
    kernel.heal()


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder in memory where there is one: what a sweep judges is computed, and thousands of syncs prove nothing."""
    memory = "/dev/shm"
    with TemporaryDirectory(prefix="evcli-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Where a sweep counts; the figures travel with the test's report, also from another process."""
    counted = Figures()
    yield counted
    request.node.user_properties.append(("figures", dict(counted.counted)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Count what hypothesis runs in the tests that are fuzzing, from the run itself."""
    if not item.path.name.startswith("test_fuzz_"):
        return (yield)
    before = fuzzing.runs
    test: Any = getattr(getattr(item, "obj", None), "hypothesis", None)  # the machine has none, and counts for itself
    inner = getattr(test, "inner_test", None)
    if inner:
        test.inner_test = fuzzing.counted(inner)
    try:
        return (yield)
    finally:
        if inner:
            test.inner_test = inner
        item.user_properties.append(("figures", {"fuzz runs": fuzzing.runs - before}))
