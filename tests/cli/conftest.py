"""What the command line's tests begin with."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import tell_the_story


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log in which the story was told."""
    tell_the_story(cli)
    return cli


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a list of these rows; the folder is the current one."""
    monkeypatch.chdir(tmp_path)

    def write(*rows: str, name: str = "people.csv", header: str = "name,email") -> str:
        Path(name).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return name

    return write
