"""What the command line's tests begin with."""

import pytest
from conftest import Cli

from cli.support import tell_the_story


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log in which the story was told."""
    tell_the_story(cli)
    return cli
