"""`evcli what-if`: what would be refused and different, any answer about it, and that nothing of it is written."""

import itertools
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import (
    ALAN,
    FORMS,
    GRACE,
    STORY,
    contents,
    documents,
    events_in,
    fails,
    in_json,
    refuses,
    untouched,
)
from cli.test_completion import offered

ASKING = {
    "list": ("user", "list", "--all"),
    "list with stamps": ("user", "list", "--wide", "--at", "5"),
    "record": ("user", "show", "2"),
    "former name": ("user", "show", "Grace"),
    "log": ("log",),
    "log -p": ("log", "-p", "--reverse", "-n", "6"),
    "log of one": ("log", "--user", "1", "--since", "1"),
    "log by time": ("log", "--until", "2026-03-01 12:30"),
    "show": ("show", "id:event-4"),
    "state": ("state",),
    "state at": ("state", "--at", "@-2"),
    "diff": ("diff", "2", "7"),
    "diff by field": ("diff", "0", "--by", "field"),
    "blame": ("blame", "1"),
    "state as of": ("state", "--as-of", "2026-03-01 12:30"),
    "state at and as of": ("state", "--at", "6", "--as-of", "2026-03-01 13:30"),
    "list as of": ("user", "list", "--as-of", "2026-03-01 12:30", "--all"),
    "record as of": ("user", "show", "2", "--as-of", "2026-03-01 11:00"),
    "log as of": ("log", "--as-of", "2026-03-01 12:30"),
    "diff as of": ("diff", "--as-of", "2026-03-01 10:00", "2026-03-01 15:00"),
    "blame as of": ("blame", "1", "--as-of", "2026-03-01 13:30"),
    "report": ("report", "--from", "3"),
    "trace": ("trace", "5"),
    "bisect": ("bisect", "--user", "1", "--is", "destroyed", "--first"),
    "nobody": ("user", "show", "nobody"),
    "bad moment": ("state", "--at", "99"),
}
"""Questions of every command that may be asked, and what goes wrong."""


NOTHING_SUPPOSED = "nothing is supposed: this is what happened\n"


@pytest.mark.parametrize("form", FORMS)
def test_without_edits_the_answer_is_byte_for_byte_the_commands_own_after_a_note(story: Cli, form: str) -> None:
    said = NOTHING_SUPPOSED
    if form in ("json", "jsonl"):
        said = f'{{"note":{{"message":"{said[:-1]}"}}}}\n'
    for words in (*ASKING.values(), ("export",), ("export", "--what", "events")):
        line = [*words, "--format", form]
        own = story(*line)
        assert story("what-if", "--", *line) == own._replace(err=said + own.err), line


def test_words_after_dashes_keep_dashes_of_their_own(story: Cli) -> None:
    words = ("user", "list", "--", "--all")
    assert story("what-if", "--", *words) == story(*words)
    assert story("what-if", "--", "user", "show", "--", "2").out == story.ok("user", "show", "--", "2").out


def test_changing_an_event_to_itself_changes_nothing_but_hashes(story: Cli) -> None:
    own = documents(story.ok("log", "--format", "jsonl").out)
    same = "2 user create Grace --email grace@example.com"
    ran = story.ok("what-if", "--change", same, "--", "log", "--format", "jsonl")
    assert (documents(ran.out), ran.err) == (own, "")
    assert story("what-if", "--change", same) == Ran(0, "", "nothing would be different\n")


def test_later_events_that_would_be_refused_come_first_and_then_what_would_be_different(story: Cli) -> None:
    refused = (
        'warning: event 3 (user.renamed by ann) would be refused: there would be no user "2"\n'
        'warning: event 4 (user.email-changed by ann) would be refused: there would be no user "2"\n'
    )
    assert story("what-if", "--drop", "2") == Ran(
        0, "user 2\tGrace Hopper <grace@navy.example>\t\n", f"{refused}1 record would be different\n"
    )
    assert story("what-if", "--drop", "2", "-q") == Ran(0, "user 2\tGrace Hopper <grace@navy.example>\t\n", refused)
    title, header, _, row = story.ok("what-if", "--drop", "3", "--format", "table").out.splitlines()
    assert title == "1 record would be different"
    assert (header.split(), row.split()[:2]) == (["record", "now", "would", "be"], ["user", "2"])
    asked = story("what-if", "--drop", "2", "--", "user", "list")
    told = "user 2 is Grace Hopper <grace@navy.example>, and would not be there\n"
    assert asked == Ran(0, "1\tAda Lovelace\tada@example.com\t1\t3\t\n", refused + told)


def test_event_of_that_history_is_named_as_the_logs_or_as_the_inserted_or_changed_one(story: Cli) -> None:
    def said(*edits: str) -> list[str]:
        ran = story.ok("what-if", *edits)
        refusals = [line.partition(" would be refused: ")[2] for line in ran.err.splitlines() if "warning" in line]
        return refusals + [line.rpartition("\t")[2] for line in ran.out.splitlines()]

    grace, ada = "Grace Hopper <grace@navy.example>", "Ada Lovelace <ada@example.com>"
    first, second = (f"user destroy {id} --occurred '2026-03-01 15:30'" for id in (3, 2))
    assert said("--drop", "4", "--insert", first) == [
        "user 3 would already be destroyed, by the inserted event", "Grace Hopper <grace@example.com>",
    ]  # fmt: skip
    assert story("what-if", "--insert", "user destroy 2 2").err.endswith("destroyed, by the inserted event\n")
    assert said("--insert", second) == [f"{grace}, destroyed by the inserted event"]
    assert said("--insert", first, "--insert", second) == [
        "user 3 would already be destroyed, by the inserted event what-if-1",
        f"{grace}, destroyed by the inserted event what-if-2",
    ]
    assert f"{ada}, destroyed by event 7, as changed" in said("--drop", "2", "--change", "7 user destroy 1")
    assert f"{ada}, destroyed by event 5" in said("--drop", "2", "--drop", "6")
    taken = said("--insert", "user create Bo --email alan@example.com --occurred 2026-02-01")
    assert taken[0] == "e-mail alan@example.com would be user 4's, created by the inserted event"


def test_event_of_a_record_that_was_recorded_later_is_put_in_after_what_it_had_been_through_by_then(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "create", "Bob", "--email", "bob@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "rename", "1", "Eve", "--occurred", "2022-01-01")
    cli.ok("user", "rename", "1", "Ann", "--occurred", "2021-01-01")
    numbers = []
    for year in (2020, 2021, 2022, 2023):
        put_in = f"user destroy 1 --occurred {year}-06-01"
        numbers.append(
            in_json(cli, "what-if", "--insert", put_in, "--", "show", "id:what-if-1")["event"]["sequence"][-1]
        )
    assert numbers == ["2", "5", "5", "5"]
    refuses(
        cli, ("what-if", "--insert", "user destroy 1 --occurred 2019-12-31"), 1, "user 1 was not there on 2019-12-31 00"
    )


def test_document_has_what_would_be_refused_and_what_would_be_different(story: Cli) -> None:
    events = events_in(story.log)
    refused = [
        {"event": event, "code": "no-such-user", "message": 'there would be no user "2"'} for event in events[2:4]
    ]
    assert in_json(story, "what-if", "--drop", "2") == {
        "number": 5, "refused": refused, "differences": [{"kind": "user", "id": 2, "now": GRACE, "would_be": None}],
    }  # fmt: skip
    change = "7 user create Al --email alan@example.com"
    assert in_json(story, "what-if", "--change", change, "--insert", "user restore 3")["differences"] == [
        {"kind": "user", "id": 3, "now": ALAN, "would_be": ALAN | {"name": "Al", "changed": 9, "destroyed": None}}
    ]
    ran = story.ok("what-if", "--drop", "2", "--", "state", "--json")
    warning, _, note = documents(ran.err)
    assert (warning["warning"]["event"], warning["warning"]["code"]) == (3, "no-such-user")
    assert note["note"]["message"].startswith("user 2 is Grace Hopper")
    assert [each["id"] for each in json.loads(ran.out)["users"]] == [1, 3]


def test_history_with_a_dropped_event_is_the_one_in_which_it_was_never_recorded(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [in_json(story, "what-if", "--drop", "3", "--", *words) for words in (("state",), ("log",), ("blame", "2"))]
    monkeypatch.setenv("EVCLI_LOG", str(tmp_path / "other.jsonl"))
    other = Cli(tmp_path / "other.jsonl", story.clock)
    other.clock.now = datetime(2026, 3, 1, 9, tzinfo=UTC)
    for number, words in enumerate(STORY, 1):
        other.ids = number - 1
        if number != 3:
            other.ok(*words)
        other.clock.advance(hours=1)
    assert asked == [in_json(other, *words) for words in (("state",), ("log",), ("blame", "2"))]


def test_events_of_a_range_are_those_that_log_shows(story: Cli) -> None:
    for events, left in (("..3", [4, 5, 6, 7, 8]), ("2..6", [1, 2, 7, 8]), ("6..", [1, 2, 3, 4, 5, 6])):
        dropped = {each["id"] for each in in_json(story, "log", events)}
        refused = {each["event"]["id"] for each in in_json(story, "what-if", "--drop", events)["refused"]}
        kept = {each["id"] for each in in_json(story, "what-if", "--drop", events, "--", "log")}
        assert kept | refused == {f"event-{number}" for number in left}
        assert not dropped & (kept | refused)


def test_event_that_is_put_in_happens_at_its_time_or_now(story: Cli) -> None:
    put_in = "user rename 1 Ada --occurred '2026-03-01 11:00' --reason 'she said so'"
    event = in_json(story, "what-if", "--insert", put_in, "--", "show", "id:what-if-1")["event"]
    assert event["sequence"] == "000000000004"
    assert (event["time"], event["data"]) == ("2026-03-01T11:00:00.000000Z", {"name": "Ada", "reason": "she said so"})
    assert "recordedtime" not in event
    assert event["authid"] == "ann"
    events = in_json(story, "what-if", "--insert", "evcli user destroy 1 2", "--", "log")
    assert [(each["sequence"][-2:], each["time"][:16], each["batch"]) for each in events[:2]] == [
        ("10", "2026-03-01T17:00", "9-10"), ("09", "2026-03-01T17:00", "9-10"),
    ]  # fmt: skip
    numbers = [
        int(each["sequence"]) for each in in_json(story, "what-if", "--insert", put_in, "--", "log", "--reverse")
    ]
    assert numbers == list(range(1, 10))


def test_record_that_is_put_in_leaves_others_their_ids(story: Cli) -> None:
    early = "user create Eve --email eve@example.com --occurred=2026-02-01"
    users = in_json(story, "what-if", "--insert", early, "--drop", "2", "--", "state")["users"]
    assert [(each["id"], each["name"], each["created"]) for each in users] == [
        (1, "Ada Lovelace", 2), (3, "Alan", 5), (4, "Eve", 1),
    ]  # fmt: skip
    later_first = in_json(story, "what-if", "--insert", "user destroy 2", "--insert", early, "--", "log")
    assert [each["id"] for each in later_first] == [
        "what-if-2",
        *(f"event-{number}" for number in range(8, 0, -1)),
        "what-if-1",
    ]
    state = in_json(story, "what-if", "--insert", early, "--drop", "7", "--", "state", "--at", "1")
    assert (state["live"], state["destroyed"], [each["id"] for each in state["users"]]) == (1, 0, [4])


def test_changed_event_keeps_its_number_its_time_and_its_actor(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", "bob")
    was = events_in(story.log)[4]
    change = "5 user rename 1 Ada"
    ran = story.ok("what-if", "--change", change, "--", "log", "--format", "jsonl", "--reverse")
    event = documents(ran.out)[4]
    assert event == was | {"type": "user.renamed", "data": {"name": "Ada"}, "sha256": event["sha256"]}
    assert "event 6 (user.restored by ann) would be refused: user 1" in ran.err
    users = in_json(story, "what-if", "--change", "3 user create Bo --email bo@example.com", "--", "state")["users"]
    assert [(each["id"], each["name"], each["created"]) for each in users if each["id"] > 1] == [
        (2, "Grace", 2), (3, "Alan", 7), (4, "Bo", 3),
    ]  # fmt: skip
    other = in_json(story, "what-if", "--change", "7 user create Bo --email bo@example.com", "--", "user", "show", "3")
    assert (other["name"], other["created"], other["destroyed"]) == ("Bo", 7, 8)


def applied(document: Any, operations: list[dict[str, Any]]) -> Any:
    """A document after the operations of a JSON Patch about fields and records."""
    for each in operations:
        _, *way, last = each["path"].split("/")
        place = document
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if each["op"] == "add":
            place.insert(len(place) if last == "-" else int(last), each["value"])
        elif each["op"] == "remove":
            del place[int(last)]
        else:
            place[last] = each["value"]
    return document


def test_json_patch_finds_records_where_ids_are_unused(story: Cli) -> None:
    eve = "user create Eve --email eve@example.com --occurred 2026-03-01"
    edits = ("--drop", "2", "--insert", eve, "--insert", "user rename 4 Eva --occurred '2026-03-01 15:30'")
    states = [in_json(story, "what-if", *edits, "--", "state", "--at", str(number)) for number in range(8)]
    assert [[each["id"] for each in state["users"]] for state in states] == [
        [], [4], [1, 4], [1, 4], [1, 4], [1, 3, 4], [1, 3, 4], [1, 3, 4],
    ]  # fmt: skip
    for start, end in itertools.product(range(8), repeat=2):
        line = ("what-if", *edits, "--", "diff", str(start), str(end), "--format", "json-patch")
        assert applied(json.loads(json.dumps(states[start])), json.loads(story.ok(*line).out)) == states[end]


def test_what_is_named_one_by_one_has_an_end(cli: Cli) -> None:
    cli.ok("user", "create", "A", "--email", "a@example.com")
    for number in range(25):
        cli.ok("user", "rename", "1", f"A{number}")
    ran = cli.ok("what-if", "--drop", "1")
    assert ran.err.count("warning: event ") == 20
    assert "warning: 5 more would be refused; with --json all of them are named\n" in ran.err
    assert len(in_json(cli, "what-if", "--drop", "1")["refused"]) == 25
    for number in range(21):
        cli.ok("user", "create", "B", "--email", f"b{number}@example.com")
    ran = cli.ok("what-if", "--drop", "26..", "--", "user", "list", "--format", "csv")
    assert ran.err.count("would not be there") == 20
    assert "1 more would be different; without a command, all of them are shown\n" in ran.err
    assert cli.ok("what-if", "--drop", "26..").out.count("\n") == 21


def test_apply_shows_what_would_be_and_writes_one_batch_that_undo_takes_back(story: Cli) -> None:
    before = in_json(story, "state")["users"]
    ran = story.ok("what-if", "--drop", "4", "--drop", "8", "--apply")
    assert ran == Ran(
        0,
        "applied to 2 records\n"
        "user 2 e-mail changed: Grace Hopper <grace@example.com>, was grace@navy.example (event 9)\n"
        "user 3 restored: Alan <alan@example.com> (event 10)\n"
        "undo: evcli undo\n",
        "user 2 is Grace Hopper <grace@navy.example>, and would be Grace Hopper <grace@example.com>\n"
        "user 3 is Alan <alan@example.com>, destroyed by event 8, and would be Alan <alan@example.com>\n",
    )
    events = events_in(story.log)[8:]
    assert [(each["causationid"], each["batch"], each["data"]["reason"]) for each in events] == [
        ("event-4", "9-10", "what-if --drop 4 --drop 8"), ("event-8", "9-10", "what-if --drop 4 --drop 8"),
    ]  # fmt: skip
    (correlation,) = {each["correlationid"] for each in events}
    assert correlation.startswith("what-if:")
    assert in_json(story, "trace", "10")["operation"]["command"] == "what-if"
    story.ok("undo")
    now = in_json(story, "state")["users"]
    stamps = ("changed", "destroyed")
    assert [{**each, **dict.fromkeys(stamps)} for each in now] == [{**each, **dict.fromkeys(stamps)} for each in before]
    assert [each["destroyed"] is None for each in now] == [each["destroyed"] is None for each in before]


def test_dry_run_of_apply_shows_the_plan_and_writes_nothing(story: Cli) -> None:
    with untouched(story.log.parent):
        ran = story.ok(
            "what-if", "--drop", "3", "--insert", "user destroy 2", "--apply", "--dry-run", "--reason", "wrong"
        )
        document = in_json(story, "what-if", "--drop", "2", "--apply", "--dry-run", "--expect", "8")
    assert ran.out.splitlines() == [
        "3\trename\tuser 2\tGrace Hopper <grace@navy.example>\tGrace <grace@navy.example>",
        "3\tdestroy\tuser 2\tGrace <grace@navy.example>\tGrace <grace@navy.example>, destroyed by event 10",
    ]
    assert ran.err.endswith(
        "dry run: nothing was written; this is the plan\nwhat-if: renamed 1, destroyed 1, after event 8\n"
    )
    assert (document["recorded"], document["events"], document["users"][0]["id"]) == (False, [], 2)
    assert "number" not in document
    assert [each["event"]["id"] for each in document["refused"]] == ["event-3", "event-4"]
    assert document["differences"] == [{"kind": "user", "id": 2, "now": GRACE, "would_be": None}]
    assert [(each["type"], each["answers"], each["data"]) for each in document["plan"]] == [
        ("user.destroyed", 2, {"reason": "what-if --drop 2"})
    ]


def test_event_that_was_put_in_at_a_time_is_applied_as_of_that_time(story: Cli) -> None:
    create = "user create Eve --email eve@example.com --occurred '2026-03-01 10:30'"
    destroy = "user destroy 2 --occurred '2026-03-01 15:30'"
    edits = ("--insert", create, "--insert", "user rename 4 Eva", "--insert", destroy)
    plan = in_json(story, "what-if", *edits, "--apply", "--dry-run")["plan"]
    assert [(each["type"], each["time"] and each["time"][11:16]) for each in plan] == [
        ("user.destroyed", "15:30"), ("user.created", "10:30"), ("user.renamed", None),
    ]  # fmt: skip
    ran = story.ok("what-if", *edits, "--apply")
    assert "destroyed: Grace Hopper <grace@navy.example> (event 9, happened 2026-03-01 15:30:00+00:00)" in ran.out
    users = in_json(story, "user", "list", "--all", "--as-of", "2026-03-01 15:40")
    assert [(each["name"], each["destroyed"]) for each in users if each["id"] != 1] == [
        ("Grace Hopper", 9), ("Alan", None), ("Eve", None),
    ]  # fmt: skip
    assert in_json(story, "user", "show", "4")["name"] == "Eva"


def test_note_says_why_what_was_put_in_at_a_time_is_not_recorded_as_of_it(story: Cli) -> None:
    overtaken = ("--insert", "user rename 2 Gray --occurred '2026-03-01 10:30'", "--apply")
    said = "user.renamed of user 2 on 2026-03-01 10:30:00+00:00 is not recorded: it makes no difference now"
    with untouched(story.log.parent):
        assert story("what-if", *overtaken) == Ran(0, "nothing to do: nothing would be different\n", said + "\n")
        ran = story.ok("what-if", "--drop", "4", *overtaken, "--dry-run", "--json")
        assert [each["type"] for each in json.loads(ran.out)["plan"]] == ["user.email-changed"]
        assert documents(ran.err)[-1]["note"]["message"] == said
        destroy = "user destroy 2 --occurred '2026-03-01 15:30' --reason gone"
        (step,) = in_json(story, "what-if", "--insert", destroy, *overtaken, "--dry-run")["plan"]
        assert (step["type"], step["time"]) == ("user.destroyed", "2026-03-01T15:30:00.000000Z")
        other = "user change-email 2 hopper@navy.example --occurred '2026-03-01 10:30'"
        ran = story.ok("what-if", "--drop", "4", "--insert", other, "--apply", "--dry-run")
        assert "user.email-changed of user 2 is recorded as happening now: " in ran.err
    taken = "user create Bo --email grace@example.com --occurred '2026-03-01 11:30'"
    ran = story.ok("what-if", "--drop", "4..8", "--drop", "2", "--insert", taken, "--apply")
    (event,) = (each for each in events_in(story.log) if each["data"].get("name") == "Bo")
    assert "recordedtime" not in event
    assert ran.err.splitlines()[-1] == (
        "user.created of user 4 is recorded as happening now: e-mail grace@example.com was user 2's on "
        "2026-03-01 11:30:00+00:00, by event 2, of 2026-03-01 10:00:00+00:00"
    )


def test_what_is_dropped_of_a_late_event_is_not_counted_before_now_either(cli: Cli) -> None:
    for name in ("Ada", "Bob"):
        cli.ok("user", "create", name, "--email", f"{name}@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "rename", "2", "Ben", "--occurred", "2021-01-01")
    assert in_json(cli, "what-if", "--drop", "1", "--apply")["still"] == []
    assert [each["name"] for each in in_json(cli, "user", "list", "--as-of", "2020-06-01")] == ["Bob"]
    ran = cli.ok("what-if", "--drop", "2", "--apply")
    assert ran.err.splitlines()[-1].startswith("--as-of before now still counts event 2, which was recorded late")


def test_record_that_is_put_in_is_applied_by_an_event_that_answers_none(story: Cli) -> None:
    document = in_json(story, "what-if", "--insert", "user create Eve --email eve@example.com", "--apply")
    (event,) = document["events"]
    assert (event["subject"], event["type"], "causationid" in event) == ("user/4", "user.created", False)
    assert (document["recorded"], document["refused"], document["users"]) == (
        True, [], [{"id": 4, "name": "Eve", "email": "eve@example.com", "created": 9, "changed": 9, "destroyed": None}],
    )  # fmt: skip
    assert event == events_in(story.log)[-1]


def test_record_of_a_changed_event_is_applied_by_an_event_that_answers_it(story: Cli) -> None:
    plan = in_json(story, "what-if", "--change", "8 user rename 1 Ada", "--apply", "--dry-run")["plan"]
    assert [(each["type"], each["id"], each["answers"]) for each in plan] == [
        ("user.renamed", 1, 8), ("user.restored", 3, 8),
    ]  # fmt: skip


def test_long_options_are_cut_where_they_become_the_reason(story: Cli) -> None:
    renames = [word for number in range(120) for word in ("--insert", f"user rename 1 'Ada {number:03}'")]
    (event,) = in_json(story, "what-if", *renames, "--apply", "-q")["events"]
    assert event["data"]["reason"].startswith("what-if --insert 'user rename 1 ")
    assert 1800 < len(event["data"]["reason"]) <= 1900


def test_apply_of_what_changes_nothing_writes_nothing(story: Cli) -> None:
    with untouched(story.log.parent):
        same = "3 user rename 2 'Grace Hopper'"
        assert story("what-if", "--change", same, "--apply") == Ran(
            0, "nothing to do: nothing would be different\n", ""
        )
        assert story("what-if", "--change", same, "--apply", "-q") == Ran(0, "", "")


BAD = {
    # the words after `evcli what-if`: the exit code, and what is said
    "": (2, "there is nothing to suppose", "--drop, --insert and --change say what"),
    "--apply": (2, "there is nothing to suppose"),
    "--drop 2 --reason x": (2, "--reason is for --apply"),
    "--drop 2 --dry-run": (2, "--dry-run is for --apply", "add --apply"),
    "--drop 2 --lock-wait 1 -- state": (2, "--lock-wait is for --apply"),
    "--drop 2 --apply -- state": (2, "--apply answers with what it writes", "ask first, without --apply"),
    "--drop 2 --apply --expect 7": (13, "the head is 8:"),
    "--drop 2 --apply --expect x": (2, '--expect "x" is not an event number'),
    "--drop 9": (2, '"9": there is no such event'),
    "--drop 0": (2, '"0" is the empty register, before the first event'),
    "--drop yesterday": (2, '"yesterday" is not an event', "evcli log --until yesterday -1 shows the last event"),
    "--change 'today user destroy 1'": (2, '"today" is not an event'),
    "--drop ..3 -- show 3 --json --format json-patch": (2, "--format is both json and json-patch"),
    "--drop 2 -- log --format json-patch": (2, "--format json-patch is only for evcli diff"),
    "--drop 4 -- show id:event-4": (2, "no event id starts with that"),
    "--drop 2 3": (2, '"3" is no command; --drop names one event', "of several: --drop 2 --drop 3"),
    "--drop 2 4..6 @-1": (2, '"4..6" is no command', "--drop 2 --drop 4..6 --drop @-1"),
    "--drop 4..4": (2, '"4..4" has no events: A..B are those after A up to B'),
    "--drop 2 user list --all": (2, "no such option: --all", "comes after --: evcli what-if … -- COMMAND"),
    "--drop 2 -- user list --nope": (2, "no such option: --nope", "evcli user list -h"),
    "--drop 2 -- verify": (2, "what-if runs no verify", "it runs log, show, diff,", "list and show of a kind"),
    "--drop 2 -- user destroy 1": (2, "what-if runs no user destroy"),
    "--drop 2 -- what-if --drop 2": (2, "what-if runs no what-if"),
    "--drop 2 -- log -f": (2, "log -f waits for new events"),
    "--drop 2 -- report --html page.html": (2, "report --html writes a file"),
    "--drop 2 -- export users.csv": (2, "export FILE writes a file", "leave FILE out, for stdout"),
    "--drop 2 -- user show 2": (1, 'no user "2" at event 5'),
    "--drop 2 -- show 8": (2, '"8": there is no such event: the head is event 5'),
    "--insert ''": (2, '--insert "" is empty', "hint: --insert 'user create NAME"),
    "--change ''": (2, '--change "" is empty', "hint: --change 'REF user create NAME"),
    "--insert 'user create \"Ada'": (2, "a quote is not closed", "a name with spaces stands in double quotes"),
    "--insert 'user list'": (2, '"user list": this is no command that records an event', "such as user create"),
    "--insert 'log'": (2, "this is no command that records an event"),
    "--insert 'evcli'": (2, "this is no command that records an event"),
    "--insert 'user create Ada'": (2, "--insert \"user create Ada\": missing option '--email'"),
    "--insert 'user create Ada --email x'": (2, '--insert "user create Ada --email x": the e-mail "x" has'),
    "--insert 'user destroy 2 --dry-run'": (2, "--dry-run has no meaning here"),
    "--insert 'user destroy 2 --lock-wait 1'": (2, "--lock-wait has no meaning here"),
    "--insert 'user destroy 2 --id x'": (2, "--id has no meaning here"),
    "--insert 'user destroy 2 --json'": (2, "--json is not an option of the event"),
    "--insert 'user destroy 2 --occurred 2099-01-01'": (2, '2099-01-01": --occurred "2099-01-01" is in the future'),
    "--insert 'user destroy 2 --occurred yesterday'": (
        1, "user 2 was not there on 2026-02-28 00:00:00+00:00: it was created by event 2, of 2026-03-01 10:00:00+00:00",
        "hint: evcli show 2 shows that event",
    ),
    "--insert 'user destroy 2 --occurred @'": (2, '--occurred @": --occurred "@" is a place in the log, not a time'),
    "--insert 'user destroy 9'": (1, '--insert "user destroy 9": there would be no user "9"', "ids go from 1 to 3"),
    "--insert 'user destroy 9 --occurred yesterday'": (1, 'there would be no user "9"'),
    "--drop 2 --insert 'user destroy 2'": (1, 'there would be no user "2"'),
    "--drop 2 --insert 'user destroy 2 --occurred \"2026-03-01 15:30\"'": (1, 'there would be no user "2"'),
    "--insert 'user destroy 2 2'": (1, "user 2 would already be destroyed, by the inserted event"),
    "--insert 'user restore 2'": (1, "user 2 would not be destroyed"),
    "--insert 'user rename 2 \"Grace Hopper\"'": (1, 'user 2 would already have the name "Grace Hopper"'),
    "--drop 4 --insert 'user destroy 3'": (1, "user 3 would already be destroyed, by event 8", "bring it back"),
    "--change 3": (2, '--change "3": what happened instead must follow', "--change '3 user create NAME"),
    "--change '0 user destroy 1'": (2, "is the empty register"),
    "--change '3 user destroy 1 2'": (2, "one event cannot become 2", "--insert puts further ones in"),
    "--change '3 user destroy 1 --occurred 2026-01-01'": (2, "the event keeps its time"),
    "--change '3 user destroy 1' --change '3 user destroy 2'": (2, "event 3 is changed already"),
    "--drop 3 --change '3 user destroy 1'": (2, "event 3 is dropped already"),
    "--change '3 user rename 3 Al'": (1, '--change "3 user rename 3 Al": there would be no user "3"'),
}  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_what_cannot_be_supposed_is_refused_by_the_option_that_asks_for_it(story: Cli, line: str) -> None:
    code, *phrases = BAD[line]
    before = contents(story.log.parent)
    ran = story("what-if", *shlex.split(line))
    assert (ran.code, ran.out) == (code, ""), ran
    for phrase in phrases:
        assert str(phrase) in ran.err.rpartition("error: ")[2], ran.err
    assert contents(story.log.parent) == before


def test_nothing_is_written_and_no_log_is_no_history(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        for words in ASKING.values():
            story("what-if", "--drop", "2", "--insert", "user create E --email e@example.com", "--", *words)
    story.log.unlink()
    refuses(story, ("what-if", "--drop", "1"), 10, "there is no log")
    refuses(story, ("what-if", "--drop", "1", "--", "state"), 10, "there is no log")


def test_kept_head_is_a_moment_where_the_histories_are_still_the_same(story: Cli) -> None:
    for number in ("2", "5"):
        story.ok("head", "--at", number, "--keep", f"number {number}")
    drop = ("what-if", "--drop", "4", "--", "state", "--at")
    assert in_json(story, *drop, "number 2") == in_json(story, "state", "--at", "2")
    fails(story(*drop, "number 5", "-q"), 2, '"number 5" is event 5 of the log, which this history does not have')


def test_warning_about_the_log_is_given_once(story: Cli) -> None:
    story.log.chmod(0o666)
    own = story("state")
    assert own.err.count("warning:") == 1
    assert story("what-if", "--", "state") == own._replace(err=NOTHING_SUPPOSED + own.err)


def test_command_after_dashes_is_helped_and_completed_as_it_is_alone(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert story("what-if", "--drop", "2", "--", "state", "-h") == story("state", "-h")
    assert offered("what-if", "--drop", "7") == ["7"]
    alone = [offered(*words) for words in COMPLETED]
    monkeypatch.setenv("EVCLI_LOG", "another")
    assert [offered("what-if", "--log", str(story.log), "--drop", "2", "--", *words) for words in COMPLETED] == alone


COMPLETED = (("bl",), ("user", "show", ""), ("user", "list", "--a"), ("diff", "4"))


def test_only_commands_that_can_be_asked_are_offered_after_dashes(story: Cli) -> None:
    assert offered("what-if", "--", "") == [
        "user", "log", "show", "diff", "blame", "report", "state", "bisect", "trace", "export",
    ]  # fmt: skip
    assert offered("what-if", "--drop", "2", "--", "st") == ["state"]
    assert offered("what-if", "--", "user", "") == ["list", "show"]
