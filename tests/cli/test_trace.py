"""`evcli trace`: what an event answers, what answers it, and which command it is part of."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran
from support.caches import cache_every_log
from support.events import creation, lines_of

from cli.support import fails, in_json, refuses
from evcli.cli.commands import trace

LIST = "list:people.csv:9c1e9c1e9c1e9c1e"
ENDS: dict[str, Any] = {"type": "user.destroyed", "data": {}}
REVIVES: dict[str, Any] = {"type": "user.restored", "data": {}}
EVENTS = (
    creation(1),
    creation(2, correlationid=LIST),
    creation(3, correlationid=LIST),
    creation(4, subject="user/3", causationid="event-3", correlationid="undo:x", **ENDS),
    creation(5, subject="user/2", causationid="event-2", correlationid="undo:x", **ENDS),
    creation(6, subject="user/3", causationid="event-4", correlationid="redo:y", **REVIVES),
    creation(7, subject="user/3", causationid="event-6", **ENDS),
    creation(8, subject="user/3", causationid="event-4", **REVIVES),
    creation(9, subject="user/3", causationid="event-of-another-log", **ENDS),
)
TIME = "2026-03-01 09:00:00+00:00"
TREE = f"""\
3\t\t{TIME}\tann\tuser.created\tuser/3\tsync of people.csv
  4\t3\t{TIME}\tann\tuser.destroyed\tuser/3\tundo: 2 events, 4 to 5
    6\t4\t{TIME}\tann\tuser.restored\tuser/3\tredo
      7\t6\t{TIME}\tann\tuser.destroyed\tuser/3\t
    8\t4\t{TIME}\tann\tuser.restored\tuser/3\t
"""


@pytest.fixture(params=[False, True], ids=["no cache", "a cache"])
def told(request: pytest.FixtureRequest, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The events above, in a log with and without a cache."""
    cli.log.write_bytes(b"".join(lines_of(EVENTS)))
    cli.log.chmod(0o600)
    if request.param:
        cache_every_log(monkeypatch)
    return cli


def test_tree_goes_from_the_root_to_its_leaves(told: Cli) -> None:
    assert told("trace", "4") == Ran(0, TREE, "")
    title, header, *_ = told.ok("trace", "4", "--format", "table").out.splitlines()
    assert title == "event 4: what it answers, and what answers it"
    assert header.split() == ["number", "answers", "time", "(+00:00)", "actor", "type", "subject", "operation"]
    csv = told.ok("trace", "4", "--format", "csv").out.splitlines()
    assert [line.split(",")[:2] for line in csv[1:]] == [["3", ""], ["4", "3"], ["6", "4"], ["7", "6"], ["8", "4"]]


def test_an_event_is_traced_from_any_place_of_its_tree(told: Cli) -> None:
    numbers = {n: [line.split("\t")[0] for line in told.ok("trace", str(n)).out.splitlines()] for n in (3, 7, 5)}
    assert numbers[3] == ["3", "  4", "    6", "      7", "    8"]
    assert numbers[7] == ["3", "  4", "    6", "      7"]
    assert numbers[5] == ["2", "  5"]


def operation(correlation: str, command: str | None, list: str | None = None, **more: int) -> dict[str, Any]:
    return {"correlation": correlation, "command": command, "list": list, **more}


def test_document_is_nested(told: Cli) -> None:
    event = {number: in_json(told, "show", str(number))["event"] for number in range(1, 10)}
    sync = operation(LIST, "sync", "people.csv")
    last = {"event": event[7], "operation": None, "effects": []}
    assert in_json(told, "trace", "4") == {
        "event": event[4],
        "operation": operation("undo:x", "undo", events=2, first=4, last=5),
        "causes": [{"id": "event-3", "event": event[3], "operation": sync}],
        "effects": [
            {"event": event[6], "operation": operation("redo:y", "redo"), "effects": [last]},
            {"event": event[8], "operation": None, "effects": []},
        ],
    }
    assert in_json(told, "trace", "7")["causes"] == [
        {"id": "event-6", "event": event[6], "operation": operation("redo:y", "redo")},
        {"id": "event-4", "event": event[4], "operation": operation("undo:x", "undo")},
        {"id": "event-3", "event": event[3], "operation": sync},
    ]
    assert in_json(told, "trace", "1") == {"event": event[1], "operation": None, "causes": [], "effects": []}


def test_what_is_not_in_the_log_is_said_so(told: Cli) -> None:
    assert told.ok("trace").out == (
        "-\t\t\t\t\t\tid event-of-another-log is not in the log before this\n"
        f"  9\t\t{TIME}\tann\tuser.destroyed\tuser/3\t\n"
    )
    causes = in_json(told, "trace", "9")["causes"]
    assert causes == [{"id": "event-of-another-log", "event": None, "operation": None}]


def test_event_that_is_linked_to_none_is_alone(told: Cli) -> None:
    line = f"1\t\t{TIME}\tann\tuser.created\tuser/1\t\n"
    said = "event 1 answers no event, and none answers it\n"
    assert told("trace", "1") == Ran(0, line, said)
    table = told.ok("trace", "1", "--format", "table")
    assert (table.out.splitlines(keepends=True)[0], table.err) == (said, ""), "it is said once"
    assert told("trace", "2", "--at", "2").err == "", "it is part of a sync"


def test_trace_at_a_moment_is_what_was_known_then(told: Cli) -> None:
    known = TREE.splitlines(keepends=True)[:2]
    assert told.ok("trace", "4", "--at", "5").out == "".join(known)
    assert told.ok("trace", "4", "--at", "4").out == "".join(known).replace(": 2 events, 4 to 5", "")
    assert told.ok("trace", "--at", "4").out.splitlines()[-1][:3] == "  4", "by default, it is the last event of then"
    refuses(told, ("trace", "6", "--at", "5"), 2, '"6" is event 6, which was not recorded by --at, event 5')
    for words in (("0",), ("--at", "0"), ("@-9",)):
        refuses(told, ("trace", *words), 2, "is the empty register", "events are counted from 1")


def test_commands_on_several_records_imports_and_syncs_are_operations(cli: Cli, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("name,email\nAda,ada@example.com\nBob,bob@example.com\nEve,eve@example.com\n")
    cli.ok("import", str(people))
    cli.ok("user", "destroy", "1", "2")
    people.write_text("name,email\nEva,eve@example.com\nKim,kim@example.com\n")
    cli.ok("sync", str(people))
    cli.ok("user", "destroy", "3")
    said = {number: cli.ok("trace", str(number)).out.rstrip("\n").split("\t")[-1] for number in range(1, 9)}
    assert said == {
        **dict.fromkeys((1, 2, 3), "import: 3 events, 1 to 3"),
        **dict.fromkeys((4, 5), "one command: 2 events, 4 to 5"),
        **dict.fromkeys((6, 7), "sync of people.csv: 2 events, 6 to 7"),
        8: "",
    }
    assert in_json(cli, "trace", "4")["operation"]["command"] is None


def test_correlation_id_of_another_program_names_no_command(cli: Cli) -> None:
    uuid = "0192d3a4-0000-8000-8000-000000000000"
    other = uuid.replace("-8000", "-4000", 1)
    ids = [(uuid, "event-1"), (other, other), ("list:people.csv", "event-3"), (uuid, uuid)]
    events = [creation(number, correlationid=each, id=id) for number, (each, id) in enumerate(ids, 1)]
    cli.log.write_bytes(b"".join(lines_of(events)))
    said = [in_json(cli, "trace", str(number))["operation"]["command"] for number in range(1, 5)]
    assert said == [None, None, None, "import"]


def test_event_that_was_undone_and_redone_is_the_root_of_both(story: Cli) -> None:
    story.ok("undo")
    story.ok("redo")
    numbers = [line.split("\t")[0] for line in story.ok("trace", "9").out.splitlines()]
    assert numbers == ["8", "  9", "    10"]
    document = in_json(story, "trace", "8")
    (undone,) = document["effects"]
    (redone,) = undone["effects"]
    assert [each["operation"]["command"] for each in (undone, redone)] == ["undo", "redo"]


@pytest.mark.parametrize("command", ["undo", "redo", "revert", "restore-to", "what-if"])
def test_command_is_known_by_the_beginning_of_the_correlation_id(cli: Cli, command: str) -> None:
    events = [creation(1, correlationid=f"{command}:1"), creation(2, correlationid=f"{command}s:1")]
    cli.log.write_bytes(b"".join(lines_of(events)))
    assert in_json(cli, "trace", "1")["operation"]["command"] == command
    assert in_json(cli, "trace", "2")["operation"]["command"] is None


def test_many_effects_are_counted_for_people_and_all_in_json(cli: Cli) -> None:
    events = [creation(1), *(creation(number, causationid="event-1") for number in range(2, 25))]
    cli.log.write_bytes(b"".join(lines_of(events)))
    ran = cli("trace", "1")
    assert (len(ran.out.splitlines()), ran.err) == (21, "3 more events answer these; --json has all of them\n")
    assert len(cli.ok("trace", "1", "--format", "csv").out.splitlines()) == 25
    assert len(in_json(cli, "trace", "1")["effects"]) == 23


def test_document_is_no_deeper_than_json_can_be_and_counts_the_rest(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [creation(1), *(creation(number, causationid=f"event-{number - 1}") for number in range(2, 401))]
    cli.log.write_bytes(b"".join(lines_of(events)))
    node, depth = in_json(cli, "trace", "1"), 0
    while node["effects"]:
        assert "deeper" not in node
        (node,), depth = node["effects"], depth + 1
    assert (depth, node["deeper"]) == (trace._DEEPEST, 299)


def test_damage_of_an_event_of_the_tree_is_named(told: Cli) -> None:
    told.log.write_bytes(told.log.read_bytes().replace(b'"user/2","time"', b'"user/1","time"'))
    fails(told("trace", "2"), 12, "line 2")
    assert json.loads(told("trace", "5", "--json").err)["error"]["exit"] == 12
