"""`evcli blame`, and `evcli diff` of one user and as a JSON Patch: who set what, and what makes one state another."""

import copy
import itertools
import json
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import applied, events_in, fails, in_json, refuses

SET: dict[str, dict[str, tuple[object, int]]] = {
    # of each user of the story: its fields, and the events that set them
    "1": {"name": ("Ada Lovelace", 1), "email": ("ada@example.com", 1), "destroyed": (None, 6)},
    "2": {"name": ("Grace Hopper", 3), "email": ("grace@navy.example", 4)},
    "3": {"name": ("Alan", 7), "email": ("alan@example.com", 7), "destroyed": (8, 8)},
}


@pytest.mark.parametrize("id", SET)
def test_blame_as_json_has_each_field_with_the_event_that_set_it(story: Cli, id: str) -> None:
    events = events_in(story.log)
    assert in_json(story, "blame", id) == {
        "kind": "user", "id": int(id), "number": 8,
        "fields": [
            {
                "field": name, "value": value, "event": number, "type": events[number - 1]["type"],
                "time": events[number - 1]["time"], "recorded": events[number - 1]["time"], "actor": "ann",
                "reason": None,
            }
            for name, (value, number) in SET[id].items()
        ],
    }  # fmt: skip


def test_blame_says_when_by_whom_and_why_at_a_moment(story: Cli) -> None:
    assert story("blame", "ada@example.com", "--at", "5") == Ran(
        0,
        "name\tAda Lovelace\t1\t2026-03-01 09:00:00+00:00\tann\tuser.created\t\t\n"
        "email\tada@example.com\t1\t2026-03-01 09:00:00+00:00\tann\tuser.created\t\t\n"
        "destroyed\t5\t5\t2026-03-01 13:00:00+00:00\tann\tuser.destroyed\tleft the company\t\n",
        "",
    )
    title, header, *_ = story.ok("blame", "1", "--at", "5", "--format", "table").out.splitlines()
    assert title == "user 1, as of event 5"
    assert header.split("  ")[0] == "field"
    csv = story.ok("blame", "1", "--format", "csv").out.splitlines()
    assert csv[0] == "field,value,event,time,actor,type,reason,recorded"
    assert csv[3] == "destroyed,,6,2026-03-01T14:00:00.000000Z,ann,user.restored,,"


def test_narrow_table_of_blame_does_not_break_a_type(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert "user.email-changed" in story.ok("blame", "2", "--format", "table").out


def test_blame_tells_what_happened_earlier_than_it_was_recorded(cli: Cli, tmp_path: Any) -> None:
    (tmp_path / "people.csv").write_text("name,email,date\nAda,ada@example.com,2020-01-01\n")
    cli.ok("import", str(tmp_path / "people.csv"))
    first = in_json(cli, "blame", "1")["fields"][0]
    assert (first["time"][:10], first["recorded"][:10]) == ("2020-01-01", "2026-03-01")


def test_user_of_blame_and_diff_is_called_as_at_that_moment_or_before(story: Cli) -> None:
    had = 'user 2 Grace Hopper <grace@navy.example> had the e-mail "grace@example.com" from event 2 until event 4\n'
    for words in (("blame", "grace@example.com"), ("diff", "0", "--user", "grace@example.com")):
        ran = story(*words)
        assert (ran.code, ran.err) == (0, had)
    refuses(story, ("blame", "Grace Hopper", "--at", "2"), 1, "at event 2", "user 2 had another name at that point")
    refuses(story, ("diff", "1", "2", "--user", "Alan"), 1, "at event 2", "user 3 was created by event 7")
    refuses(story, ("diff", "2", "1", "--user", "Grace Hopper"), 1, "at event 2", "had another name")
    refuses(
        story, ("blame", "1", "--kind", "cat"), 2, '--kind "cat": there is no such kind of record', "kinds are user"
    )


def test_diff_of_one_user_has_that_user_alone(story: Cli) -> None:
    every = in_json(story, "diff", "0")
    assert in_json(story, "diff", "0", "--user", "2") == every | {"changes": [every["changes"][1]]}
    assert story("diff", "4", "--user", "2") == Ran(0, "", "nothing changed about user 2 from event 4 to event 8\n")


# --- JSON Patch -------------------------------------------------------------------------------------------------------


def patch(cli: Cli, *words: object) -> list[dict[str, Any]]:
    """The operations that `diff` prints."""
    found: list[dict[str, Any]] = json.loads(cli.ok("diff", *map(str, words), "--format", "json-patch").out)
    return found


def test_json_patch_makes_the_state_at_one_moment_that_at_another(story: Cli) -> None:
    states = [in_json(story, "state", "--at", str(number)) for number in range(9)]
    for start, end in itertools.product(range(9), repeat=2):
        assert applied(states[start], patch(story, start, end)) == states[end]


def test_json_patch_of_one_user_changes_that_user_alone(story: Cli) -> None:
    states = [in_json(story, "state", "--at", str(number)) for number in range(9)]
    for start, end in itertools.product(range(2, 9), repeat=2):
        wanted = copy.deepcopy(states[start])
        wanted["users"][1] = states[end]["users"][1]
        assert applied(states[start], patch(story, start, end, "--user", "2")) == wanted
    alan = states[8]["users"][2]
    assert applied(states[0], patch(story, 0, 8, "--user", "3"))["users"] == [alan]
    assert applied(states[8], patch(story, 8, 6, "--user", "3"))["users"] == states[8]["users"][:2]
    assert patch(story, 4, 8, "--user", "2") == patch(story, 5, 5) == []


def test_json_patch_tests_that_it_is_given_the_first_state(story: Cli) -> None:
    other = in_json(story, "state", "--at", "3")
    for words in ((2, 4), (2, 4, "--user", "2")):
        with pytest.raises(AssertionError):
            applied(other, patch(story, *words))


def test_json_patch_is_refused_by_every_other_command_before_it_does_anything(story: Cli) -> None:
    for words in (
        ("log",),
        ("user", "create", "Eve", "--email", "eve@example.com"),
        ("user", "destroy", "1", "-q", "-q"),  # a line that typer reads
    ):
        refuses_in_json(story, *words)
    fails(story("diff", "--format", "patch"), 2, "write json-patch, which only diff has")
    ran = story("diff", "--json", "--format", "json-patch")
    assert (ran.code, "both json and json-patch" in ran.err) == (2, True)


def refuses_in_json(cli: Cli, *words: str) -> None:
    before = cli.log.read_bytes()
    ran = cli(*words, "--format", "json-patch")
    error = json.loads(ran.err)["error"]
    assert (ran.code, ran.out, error["exit"]) == (2, "", 2)
    assert error["message"] == "--format json-patch is only for evcli diff"
    assert cli.log.read_bytes() == before
