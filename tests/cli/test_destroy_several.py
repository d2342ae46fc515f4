"""`evcli user destroy A B C`: one batch, all or none."""

import json

import pytest
from conftest import Cli

from cli.support import FORMS, events_in, fails, in_json, many_events, refuses, untouched


@pytest.fixture
def five(cli: Cli) -> Cli:
    """evcli over a log with Ada, Bob, Cyd, Dan and Eve, users 1 to 5, by as many events."""
    for name in ("Ada", "Bob", "Cyd", "Dan", "Eve"):
        cli.ok("user", "create", name, "--email", f"{name.lower()}@example.com")
    return cli


def live(cli: Cli) -> list[str]:
    return [user["name"] for user in in_json(cli, "user", "list")]


def test_users_are_destroyed_in_the_order_of_their_naming(five: Cli) -> None:
    ran = five.ok("user", "destroy", "4", "ada@example.com", "Bob")
    assert ran.out.splitlines() == [
        "user 4 destroyed: Dan <dan@example.com> (event 6)",
        "user 1 destroyed: Ada <ada@example.com> (event 7)",
        "user 2 destroyed: Bob <bob@example.com> (event 8)",
        "undo: evcli user restore 4 1 2",
    ]
    assert live(five) == ["Cyd", "Eve"]
    assert [path.name for path in five.log.parent.iterdir()] == ["events.jsonl"]
    five.ok("verify")


def test_undo_of_a_batch_is_one_line_that_takes_all_of_it_back(five: Cli) -> None:
    undone = five.ok("user", "destroy", "3", "1", "2").out.splitlines()[3:]
    assert undone == ["undo: evcli user restore 3 1 2"]
    again = five.ok(*undone[0].split()[2:]).out.splitlines()[3:]
    assert live(five) == ["Ada", "Bob", "Cyd", "Dan", "Eve"]
    assert again == ["undo: evcli user destroy 3 1 2"]
    five.ok(*again[0].split()[2:])
    assert live(five) == ["Dan", "Eve"]


def test_events_of_one_command_are_one_batch(five: Cli) -> None:
    five.ok("user", "destroy", "1", "2", "3", "--reason", "left")
    events = events_in(five.log)[5:]
    first = events[0]["correlationid"]
    assert {(event["correlationid"], event["batch"]) for event in events} == {(first, "6-8")}
    assert len({event["id"] for event in events} | {first}) == 4
    assert [event["data"] for event in events] == [{"reason": "left"}] * 3
    assert [event["subject"] for event in events] == ["user/1", "user/2", "user/3"]
    five.ok("user", "restore", "1", "2")
    assert first not in {event["correlationid"] for event in events_in(five.log)[8:]}
    five.ok("user", "destroy", "5")
    assert "correlationid" not in events_in(five.log)[-1]


REFUSED = {
    # what is wrong with one of them: the words, and what is said
    "unknown id": (["1", "2", "99"], 'no user "99"'),
    "unknown name first": (["Zoe", "1", "2"], 'no user "Zoe"'),
    "unknown e-mail between": (["1", "zoe@example.com", "2"], 'no user "zoe@example.com"'),
    "destroyed before": (["1", "5"], 'user 5 "Eve" is already destroyed (event 6)'),
    "named twice": (["1", "2", "1"], "user 1 "),
    "named twice in two ways": (["1", "Bob", "ada@example.com"], "user 1 "),
    "ambiguous name": (["1", "dan"], "could be any of 2 users"),
    "empty": (["1", ""], 'no user ""'),
    "not UTF-8": (["1", "\udcff"], "no user"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_refusal_of_one_destroys_nobody(five: Cli, words: list[str], said: str) -> None:
    five.ok("user", "destroy", "5")
    five.ok("user", "create", "DAN", "--email", "dan2@example.com")
    with untouched(five.log.parent):
        for more in ((), ("--dry-run",)):
            fails(five("user", "destroy", *words, *more), 1, said)
            ran = five("user", "destroy", *words, *more, "--json")
            assert (ran.code, ran.out) == (1, "")
            assert said in json.loads(ran.err)["error"]["message"]
    assert live(five) == ["Ada", "Bob", "Cyd", "Dan", "DAN"]


def test_refusal_of_one_named_twice_names_no_event_that_is_not_there(five: Cli) -> None:
    assert "event 6" not in five("user", "destroy", "1", "2", "1").err


def test_several_with_an_id_are_recorded_once_and_restored_in_one_line(five: Cli) -> None:
    for verb, back, events in (("destroy", "restore", "6 to 8"), ("restore", "destroy", "9 to 11")):
        words = ("user", verb, "3", "1", "2", "--id", f"my {verb}")
        assert five.ok(*words).out.splitlines()[3:] == [f"undo: evcli user {back} 3 1 2"]
        with untouched(five.log.parent):
            assert five.ok(*words, "--expect", "5").out == f"already recorded as events {events}\n"
            document = in_json(five, *words)
        assert [event["id"] for event in document["events"]] == [f"my {verb}{more}" for more in ("", ".2", ".3")]
        assert ([user["id"] for user in document["users"]], document["recorded"]) == ([3, 1, 2], False)
    assert live(five) == ["Ada", "Bob", "Cyd", "Dan", "Eve"]


def test_id_of_several_is_not_that_of_another_command(five: Cli) -> None:
    five.ok("user", "destroy", "1", "2", "--id", "x")
    for who in (("2", "1"), ("1",), ("1", "2", "3")):
        refuses(five, ("user", "destroy", *who, "--id", "x"), 13, "event id x is taken by event 6", "evcli show 6")
    refuses(five, ("user", "destroy", "3", "4", "--id", "y" * 127), 2, "at most 126 are allowed for 2 events")


def test_expected_head_counts_for_all_of_them(five: Cli) -> None:
    refuses(five, ("user", "destroy", "1", "2", "--expect", "4"), 13, "the head is 5:")
    five.ok("user", "destroy", "1", "2", "--expect", "5")
    assert live(five) == ["Cyd", "Dan", "Eve"]


@pytest.mark.parametrize("form", FORMS)
def test_dry_run_shows_every_event_and_writes_none(five: Cli, form: str) -> None:
    with untouched(five.log.parent):
        ran = five.ok("user", "destroy", "1", "2", "--dry-run", "--format", form)
    assert "user/1" in ran.out
    assert "user/2" in ran.out
    if form in ("json", "jsonl"):
        document = json.loads(ran.out)
        assert document["recorded"] is False
        assert [event["sequence"] for event in document["events"]] == ["000000000006", "000000000007"]


def test_answer_as_json_has_all_events_and_users(five: Cli) -> None:
    document = in_json(five, "user", "destroy", "2", "1")
    assert document["events"] == events_in(five.log)[5:]
    assert [(user["id"], user["destroyed"]) for user in document["users"]] == [(2, 6), (1, 7)]
    assert document["recorded"] is True


def test_name_may_become_plain_by_the_users_named_before_it(five: Cli) -> None:
    five.ok("user", "create", "Ada", "--email", "ada2@example.com")
    five.ok("user", "destroy", "1", "Ada")
    assert live(five) == ["Bob", "Cyd", "Dan", "Eve"]


def test_more_than_a_batch_holds_is_2_and_says_how_much_it_is(cli: Cli) -> None:
    many_events(cli, 600)
    everybody = [str(id) for id in range(1, 601)]
    refuses(cli, ("user", "destroy", *everybody, "--reason", "x" * 2000), 2, "600 events", "1,048,576")
    cli.ok("user", "destroy", *everybody[:400], "--reason", "x" * 2000)
    assert len(live(cli)) == 200


def test_several_without_a_log_are_10(cli: Cli) -> None:
    refuses(cli, ("user", "destroy", "1", "2"), 10, "there is no log")
