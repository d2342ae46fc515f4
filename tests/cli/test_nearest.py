"""An unknown command is answered with the one that it may mean, never with the opposite."""

import pytest
from conftest import Cli


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("user remove 1", "'destroy'"),
        ("user delet 1", "'destroy'"),
        ("user restroy 1", "'destroy'"),
        ("user restor 1", "'restore'"),
        ("user undelete 1", "'restore'"),
        ("user add Ada", "'create'"),
        ("user edit 1", "'rename', 'change-email'"),
        ("user rname 1 Ada", "'rename'"),
        ("user ls", "'list'"),
        ("stat", "'state', 'status'"),
        ("create Ada", "'user create'"),
        ("list", "'user list'"),
        ("destroy 1", "'user destroy'"),
    ],
)
def test_unknown_command_names_what_it_may_mean(cli: Cli, words: str, meant: str) -> None:
    ran = cli(*words.split())
    assert ran.code == 2
    assert ran.err.splitlines()[0].endswith(f". Did you mean {meant}?")


@pytest.mark.parametrize("words", ["user xyzzy", "xyzzy"])
def test_unknown_command_that_is_near_to_nothing_names_none(cli: Cli, words: str) -> None:
    ran = cli(*words.split())
    assert ran.code == 2
    assert ran.err.splitlines()[0] == "error: no such command 'xyzzy'"
