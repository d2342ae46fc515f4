"""The way back from an import: one line, if one command undoes all that it recorded."""

import shlex
from pathlib import Path

import pytest
from conftest import Cli
from support.users import CREATED, DESTROYED, RENAMED, RESTORED, TYPES

from cli.support import EVCLI, in_json, run_process
from evcli.cli.said.way_back import WayBack
from evcli.transfer.happened import Recorded

ACTED = "name,email,action\n,ada@example.com,{0}\n,grace@navy.example,{0}\n"


def line(*batches: tuple[int, int, str], log: str = "") -> str:
    """What is said after batches of so many events, the first of which has that number, about users 101 and so on."""
    way_back, id = WayBack(), 101
    for first, count, type in batches:
        way_back.take(Recorded(first, list(range(id, id + count)), type == CREATED, [], type=type))
        id += count
    return way_back.line(log)


def imported(cli: Cli, tmp_path: Path, rows: str) -> list[str]:
    """What the import of these rows prints."""
    (tmp_path / "people.csv").write_text(rows)
    return cli.ok("import", str(tmp_path / "people.csv")).out.splitlines()


def live(cli: Cli) -> list[int]:
    return [user["id"] for user in in_json(cli, "user", "list")]


def test_rows_that_destroy_or_restore_are_undone_by_one_line(story: Cli, tmp_path: Path) -> None:
    (undo,) = imported(story, tmp_path, ACTED.format("destroy"))[1:]
    assert (undo, live(story)) == ("undo: evcli user restore 1 2", [])
    story.ok(*undo.split()[2:])
    assert live(story) == [1, 2]
    story.ok("user", "destroy", "1", "2")
    (undo,) = imported(story, tmp_path, ACTED.format("restore"))[1:]
    assert (undo, live(story)) == ("undo: evcli user destroy 1 2", [1, 2])
    story.ok(*undo.split()[2:])
    assert live(story) == []


@pytest.mark.parametrize(
    "rows",
    [
        ",ada@example.com,destroy\nKurt,kurt@example.com,create\n",
        "Kurt,kurt@example.com,\n,ada@example.com,destroy\n",
        ",ada@example.com,destroy\n,ada@example.com,restore\n",
        "Ada King,ada@example.com,rename\n",
    ],
    ids=["destroy, create", "create, destroy", "destroy, restore", "rename"],
)
def test_rows_that_no_one_command_undoes_promise_none(story: Cli, tmp_path: Path, rows: str) -> None:
    assert len(imported(story, tmp_path, f"name,email,action\n{rows}")) == 1


def test_dry_run_has_no_way_back(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(ACTED.format("destroy"))
    assert "undo" not in story.ok("import", str(tmp_path / "people.csv"), "--dry-run").out


def test_several_batches_of_one_type_are_undone_together() -> None:
    assert line((5, 2, DESTROYED), (7, 1, DESTROYED)) == "undo: evcli user restore 101 102 103"
    assert line((5, 2, CREATED), (9, 1, CREATED)) == "undo: evcli user destroy 101 102 103"
    assert line((5, 2, RESTORED), log=" --log x") == "undo: evcli --log x user destroy 101 102"
    assert line((5, 2, CREATED), (7, 1, DESTROYED)) == line((5, 2, "")) == line((5, 1, RENAMED)) == line() == ""


def test_type_that_comes_back_as_something_else_is_not_undone_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TYPES[RESTORED], "apply", lambda user, data: user)
    assert line((5, 2, DESTROYED)) == ""
    assert line((5, 2, RESTORED)) == "undo: evcli user destroy 101 102"


def test_at_most_twenty_are_named_and_more_are_found_in_the_log() -> None:
    every = " ".join(map(str, range(101, 121)))
    assert line((5, 15, DESTROYED), (20, 5, DESTROYED)) == f"undo: evcli user restore {every}"
    assert line((5, 15, DESTROYED), (20, 6, DESTROYED), log=" --log x") == (
        "to take them back: evcli --log x log --since 4 --until 25 --format plain | cut -f5 | cut -d/ -f2"
        " | xargs -n 500 evcli --log x user restore"
    )


def test_many_among_events_of_others_promise_no_way_back() -> None:
    assert line((5, 15, DESTROYED), (21, 6, DESTROYED)) == ""
    assert line((5, 15, DESTROYED), (21, 5, DESTROYED)).startswith("undo: ")


def test_way_back_of_many_takes_exactly_them_back(story: Cli, tmp_path: Path) -> None:
    rows = "".join(f"Person {number},p{number}@example.com\n" for number in range(30))
    (way,) = imported(story, tmp_path, f"name,email\n{rows}")[1:]
    assert live(story) == [1, 2, *range(4, 34)]
    command = way.partition(": ")[2].replace("evcli", shlex.join(EVCLI))
    ran = run_process("-c", command, command=("sh",))
    assert (ran.code, ran.err) == (0, b"")
    assert live(story) == [1, 2]
