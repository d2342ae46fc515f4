"""`evcli log`, `show`, `diff`: what happened, one event whole, and what changed between two moments."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Cli, Ran

from cli.support import ADA, ALAN, GRACE, events_in, fails, many_events, untouched


def numbers(ran: Ran) -> list[int]:
    """The events that `log --json` showed, after it showed them rightly."""
    assert ran.code == 0, ran.err
    return [int(event["sequence"]) for event in json.loads(ran.out)]


# --- log --------------------------------------------------------------------------------------------------------------


def test_log_shows_the_events_newest_first_one_a_line(story: Cli) -> None:
    assert story("log") == Ran(
        0,
        "8\t2026-03-01 16:00:00\tann\tuser.destroyed\tuser/3\t\n"
        "7\t2026-03-01 15:00:00\tann\tuser.created\tuser/3\tname: Alan, email: alan@example.com\n"
        "6\t2026-03-01 14:00:00\tann\tuser.restored\tuser/1\t\n"
        "5\t2026-03-01 13:00:00\tann\tuser.destroyed\tuser/1\treason: left the company\n"
        "4\t2026-03-01 12:00:00\tann\tuser.email-changed\tuser/2\temail: grace@navy.example\n"
        "3\t2026-03-01 11:00:00\tann\tuser.renamed\tuser/2\tname: Grace Hopper\n"
        "2\t2026-03-01 10:00:00\tann\tuser.created\tuser/2\tname: Grace, email: grace@example.com\n"
        "1\t2026-03-01 09:00:00\tann\tuser.created\tuser/1\tname: Ada Lovelace, email: ada@example.com\n",
        "",
    )


def test_log_as_json_is_the_events_exactly_as_in_the_log(story: Cli) -> None:
    ran = story("log", "--json", "--reverse")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == events_in(story.log)
    assert [list(event) for event in json.loads(ran.out)] == [list(event) for event in events_in(story.log)]


LOGS = {
    "": [8, 7, 6, 5, 4, 3, 2, 1],
    "-n 3": [8, 7, 6],
    "-n 0": [8, 7, 6, 5, 4, 3, 2, 1],
    "-n 99": [8, 7, 6, 5, 4, 3, 2, 1],
    "--reverse": [1, 2, 3, 4, 5, 6, 7, 8],
    "--reverse -n 3": [1, 2, 3],
    "--since 4": [8, 7, 6, 5],
    "--since 0": [8, 7, 6, 5, 4, 3, 2, 1],
    "--since 8": [],
    "--since @-": [8],
    "--since -3": [8, 7, 6],
    "--until 4": [4, 3, 2, 1],
    "--until 0": [],
    "--until @--": [6, 5, 4, 3, 2, 1],
    "--since 2 --until 5": [5, 4, 3],
    "--since 2 --until 5 --reverse": [3, 4, 5],
    "--since 5 --until 2": [],
    "--since 5 --until 2 --reverse": [],
    "--since 2026-03-01": [8, 7, 6, 5, 4, 3, 2, 1],
    "--since 2026-03-02": [],
    "--until 2026-02-28": [],
    "--until 2026-03-01": [8, 7, 6, 5, 4, 3, 2, 1],
    "--since 2026-03-01T15:00": [8, 7],
    "--since 2026-03-01T15:00:01": [8],
    "--until 2026-03-01T10:00": [2, 1],
    "--since id:event-6": [8, 7],
    "--until id:event-2": [2, 1],
    "--type user.created": [7, 2, 1],
    "--type user.*ed -n 2": [8, 7],
    "--type *.d*": [8, 5],
    "--type user.email-changed": [4],
    "--type USER.CREATED": [],
    "--type user.[!cd]*": [6, 4, 3],
    "--type nope": [],
    "--user 2": [4, 3, 2],
    "--user grace@navy.example": [4, 3, 2],
    "--user alan": [8, 7],
    "--user 1 --type *.destroyed": [5],
    "--user 2 --since 2 --until 3": [3],
    "--user 1 -n 1": [6],
    "--user 1 -n 1 --reverse": [1],
    "--actor ann": [8, 7, 6, 5, 4, 3, 2, 1],
    "--actor bob": [],
    "--actor an": [],
}


@pytest.mark.parametrize("options", LOGS)
def test_log_shows_what_its_options_ask_for(story: Cli, options: str) -> None:
    assert numbers(story("log", *options.split(), "--json")) == LOGS[options]


def test_log_by_actor_shows_only_what_that_actor_did(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", "bob")
    story.ok("user", "restore", "3")
    assert numbers(story("log", "--actor", "bob", "--json")) == [9]
    assert numbers(story("log", "--actor", "ann", "-n", "2", "--json")) == [8, 7]


def test_since_a_day_begins_with_that_day_and_until_a_day_ends_with_it(story: Cli) -> None:
    for _ in range(2):
        story.clock.now += timedelta(days=1)
        story.ok("user", "restore", "3")
        story.ok("user", "destroy", "3")
    assert numbers(story("log", "--since", "2026-03-02", "--until", "2026-03-02", "--json")) == [10, 9]
    assert numbers(story("log", "--since", "yesterday", "--json")) == [12, 11, 10, 9]
    assert numbers(story("log", "--until", "yesterday", "-n", "2", "--json")) == [10, 9]
    assert numbers(story("log", "--since", "today", "--json")) == [12, 11]
    assert numbers(story("log", "--since", "12 hours ago", "--json")) == [12, 11]


def test_since_and_until_tell_the_moments_they_found(story: Cli) -> None:
    ran = story("log", "--since", "2026-03-01 12:30", "--until", "@-")
    assert ran.err == "since event 4 (2026-03-01 12:00:00)\nas of event 7 (2026-03-01 15:00:00)\n"
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["7", "6", "5"]
    assert story("log", "--since", "4", "--until", "7").err == ""


def test_an_empty_log_of_events_is_done_too(story: Cli) -> None:
    ran = story("log", "--type", "nope")
    assert (ran.code, ran.out) == (0, "")
    assert "error" not in ran.err
    assert story("log", "--type", "nope", "-q") == Ran(0, "", "")


def test_log_times_are_local(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-05:30")
    time.tzset()
    assert story("log", "-n", "1").out.startswith("8\t2026-03-01 21:30:00\t")


def test_log_of_an_unknown_user_is_refused(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("log", "--user", "Ada Lovelase"), 1, 'no user "Ada Lovelase" at event 8', "Ada Lovelace")


def test_log_of_more_events_than_fit_a_block_is_whole_in_both_directions(cli: Cli) -> None:
    many_events(cli, 300)
    assert numbers(cli("log", "--json")) == list(range(300, 0, -1))
    assert numbers(cli("log", "--json", "--reverse")) == list(range(1, 301))
    assert numbers(cli("log", "--since", "100", "--until", "200", "--json")) == list(range(200, 100, -1))


@pytest.mark.parametrize("words", [("-n", "-1"), ("-n", "x"), ("-n", "1.5"), ("--until",), ("--nope",), ("extra",)])
def test_log_with_wrong_usage_is_2(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("log", *words), 2, words[0].lstrip("-"), "hint: ", "-h shows how it is used")


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_tells_the_last_event_whole_with_the_user_before_and_after(story: Cli) -> None:
    ran = story("show", "8")
    assert ran == Ran(
        0,
        "number\t8\n"
        "id\tevent-8\n"
        "type\tuser.destroyed\n"
        "subject\tuser/3\n"
        "time\t2026-03-01 16:00:00\n"
        "authid\tann\n"
        f"sha256\t{events_in(story.log)[7]['sha256']}\n"
        "before\tAlan <alan@example.com>\n"
        "after\tAlan <alan@example.com>, destroyed by event 8\n",
        "",
    )
    assert story("show").out == ran.out


def test_show_has_a_field_for_each_of_the_data(story: Cli) -> None:
    assert "\ndata.name\tAlan\ndata.email\talan@example.com\nsha256\t" in story.ok("show", "7").out
    assert "\ndata.reason\tleft the company\nsha256\t" in story.ok("show", "5").out


def test_show_as_json_is_the_documented_shape(story: Cli) -> None:
    ran = story("show", "8", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "event": events_in(story.log)[7],
        "before": {**ALAN, "changed": 7, "destroyed": None},
        "after": ALAN,
    }


def test_show_of_a_creation_has_nobody_before(story: Cli) -> None:
    document = json.loads(story.ok("show", "7", "--json").out)
    assert document["before"] is None
    assert document["after"] == {**ALAN, "changed": 7, "destroyed": None}


@pytest.mark.parametrize(
    ("ref", "number"), [("3", 3), ("@", 8), ("@-", 7), ("@-7", 1), ("id:event-5", 5), ("2026-03-01 11:30", 3)]
)
def test_show_takes_every_form_of_ref(story: Cli, ref: str, number: int) -> None:
    ran = story("show", ref, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["event"] == events_in(story.log)[number - 1]


def test_an_exact_id_is_found_though_others_begin_with_it(cli: Cli) -> None:
    for id in ("a", "ab", "abc"):
        cli.ok("user", "create", id, "--email", f"{id}@example.com", "--id", id)
    assert json.loads(cli.ok("show", "id:a", "--json").out)["event"]["id"] == "a"
    assert json.loads(cli.ok("show", "id:abc", "--json").out)["event"]["id"] == "abc"


def test_an_id_may_hold_quotes_and_backslashes(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--id", 'a"b\\c')
    assert json.loads(cli.ok("show", 'id:a"b', "--json").out)["event"]["id"] == 'a"b\\c'


def test_there_is_no_event_0_to_show(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("show", "0"), 2, '"0"', "hint: ", "1")
        fails(story("show", "yesterday"), 2, '"yesterday"', "hint: ", "1")


def test_there_is_nothing_to_show_in_an_empty_log(cli: Cli, tmp_path: Path) -> None:
    cli.log.touch()
    with untouched(tmp_path):
        fails(cli("show"), 2, "empty")


# --- diff -------------------------------------------------------------------------------------------------------------


def test_diff_shows_what_the_last_event_changed(story: Cli) -> None:
    assert story("diff") == Ran(
        0, "user 3\tAlan <alan@example.com>\tAlan <alan@example.com>, destroyed by event 8\n", ""
    )
    assert json.loads(story.ok("diff", "--json").out) == {
        "from": 7,
        "to": 8,
        "changes": [{"kind": "user", "id": 3, "before": {**ALAN, "changed": 7, "destroyed": None}, "after": ALAN}],
    }


def test_diff_from_a_moment_goes_to_now(story: Cli) -> None:
    document = json.loads(story.ok("diff", "0", "--json").out)
    assert document == {
        "from": 0,
        "to": 8,
        "changes": [{"kind": "user", "id": user["id"], "before": None, "after": user} for user in (ADA, GRACE, ALAN)],
    }


def test_diff_between_two_moments_shows_only_users_that_differ(story: Cli) -> None:
    assert story("diff", "2", "4") == Ran(
        0, "user 2\tGrace <grace@example.com>\tGrace Hopper <grace@navy.example>\n", ""
    )


def test_diff_backwards_shows_the_way_back(story: Cli) -> None:
    assert json.loads(story.ok("diff", "7", "6", "--json").out) == {
        "from": 7,
        "to": 6,
        "changes": [{"kind": "user", "id": 3, "before": {**ALAN, "changed": 7, "destroyed": None}, "after": None}],
    }


def test_diff_of_a_moment_with_itself_is_empty_and_says_so(story: Cli) -> None:
    assert story("diff", "5", "5") == Ran(0, "", "nothing changed from event 5 to event 5\n")
    assert json.loads(story.ok("diff", "5", "5", "--json").out) == {"from": 5, "to": 5, "changes": []}


def test_diff_tells_the_moments_it_found(story: Cli) -> None:
    ran = story("diff", "@-2", "2026-03-01 15:30")
    assert ran.code == 0
    assert ran.err == "as of event 6 (2026-03-01 14:00:00)\nas of event 7 (2026-03-01 15:00:00)\n"


def test_diff_of_an_empty_log_is_empty(cli: Cli) -> None:
    cli.log.touch()
    ran = cli("diff", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {"from": 0, "to": 0, "changes": []}


@pytest.mark.parametrize("words", [("diff", "-2"), ("diff", "0", "-2"), ("show", "-2")], ids=" ".join)
def test_a_moment_counted_from_now_is_hinted_at_in_its_written_form(
    story: Cli, words: tuple[str, ...], tmp_path: Path
) -> None:
    with untouched(tmp_path):
        fails(story(*words), 2, "-2", "hint: ", "@-2")


@pytest.mark.parametrize("words", [("log",), ("show",), ("diff",)], ids=" ".join)
def test_history_without_a_log_is_10_and_makes_none(cli: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli(*words), 10, f"there is no log at {cli.log}")
