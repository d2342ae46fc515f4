"""`evcli log`, `show`, `diff`: what happened, one event whole, and what changed between two moments."""

import json
import time
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import ADA, ALAN, GRACE, events_in, in_json, many_events, refuses


def numbers(ran: Ran) -> list[int]:
    """The events that `log --json` showed, which must succeed."""
    assert ran.code == 0, ran.err
    return [int(event["sequence"]) for event in json.loads(ran.out)]


# --- log --------------------------------------------------------------------------------------------------------------


def test_log_shows_events_newest_first_one_a_line(story: Cli) -> None:
    assert story("log") == Ran(
        0,
        "8\t2026-03-01 16:00:00+00:00\tann\tuser.destroyed\tuser/3\t\t\n"
        "7\t2026-03-01 15:00:00+00:00\tann\tuser.created\tuser/3\tname: Alan, email: alan@example.com\t\n"
        "6\t2026-03-01 14:00:00+00:00\tann\tuser.restored\tuser/1\t\t\n"
        "5\t2026-03-01 13:00:00+00:00\tann\tuser.destroyed\tuser/1\treason: left the company\t\n"
        "4\t2026-03-01 12:00:00+00:00\tann\tuser.email-changed\tuser/2\temail: grace@navy.example\t\n"
        "3\t2026-03-01 11:00:00+00:00\tann\tuser.renamed\tuser/2\tname: Grace Hopper\t\n"
        "2\t2026-03-01 10:00:00+00:00\tann\tuser.created\tuser/2\tname: Grace, email: grace@example.com\t\n"
        "1\t2026-03-01 09:00:00+00:00\tann\tuser.created\tuser/1\tname: Ada Lovelace, email: ada@example.com\t\n",
        "",
    )


def test_log_as_json_is_the_events_as_stored(story: Cli) -> None:
    stored = events_in(story.log)
    shown = in_json(story, "log", "--reverse")
    assert shown == stored
    assert [list(event) for event in shown] == [list(event) for event in stored], "members in their order"
    assert in_json(story, "log") == stored[::-1]
    assert in_json(story, "log", "--type", "nope") == []


LOGS = {
    "": [8, 7, 6, 5, 4, 3, 2, 1],
    "-n 3": [8, 7, 6],
    "-n 0": [8, 7, 6, 5, 4, 3, 2, 1],
    "--reverse": [1, 2, 3, 4, 5, 6, 7, 8],
    "--reverse -n 3": [6, 7, 8],
    "--reverse -n 0": [1, 2, 3, 4, 5, 6, 7, 8],
    "--since 4": [8, 7, 6, 5],
    "--since 8": [],
    "--since @-": [8],
    "--until 4": [4, 3, 2, 1],
    "--until 0": [],
    "--since 2 --until 5": [5, 4, 3],
    "--since 2 --until 5 --reverse": [3, 4, 5],
    "--since 5 --until 2": [],
    "--since 2026-03-01": [8, 7, 6, 5, 4, 3, 2, 1],
    "--since today": [8, 7, 6, 5, 4, 3, 2, 1],
    "--until yesterday": [],
    "--until 2026-02-28": [],
    "--since 2026-03-01T15:00": [8, 7],
    "--since 2026-03-01T15:00:01": [8],
    "--until 2026-03-01T10:00": [2, 1],
    "--since id:event-6": [8, 7],
    "--type user.created": [7, 2, 1],
    "--type user.*ed -n 2": [8, 7],
    "--type *.d*": [8, 5],
    "--type user.email-changed": [4],
    "--type USER.CREATED": [],
    "--type create": [7, 2, 1],
    "--type created -2": [7, 2],
    "--type change-email": [4],
    "--type email-changed": [4],
    "--type user.[!cd]*": [6, 4, 3],
    "--type nope": [],
    "--user 2": [4, 3, 2],
    "--user grace@navy.example": [4, 3, 2],
    "--user alan": [8, 7],
    "--user 1 --type *.destroyed": [5],
    "--user 2 --since 2 --until 3": [3],
    "--user 1 -n 1": [6],
    "--user 1 -n 2 --reverse": [5, 6],
    "--actor ann": [8, 7, 6, 5, 4, 3, 2, 1],
    "--actor bob": [],
    "--actor an": [],
    "-2": [8, 7],
    "-0": [8, 7, 6, 5, 4, 3, 2, 1],
    "-L 1": [8],
    "--limit=10": [8, 7, 6, 5, 4, 3, 2, 1],
    "--since -3 -1": [8],
    "3..5": [5, 4],
    "6..": [8, 7],
    "..2": [2, 1],
    "..": [8, 7, 6, 5, 4, 3, 2, 1],
    "@-3..HEAD~1 --reverse": [6, 7],
    "5..3": [],
    "2026-03-01..2026-03-01": [8, 7, 6, 5, 4, 3, 2, 1],
    "2026-03-01T14:00..id:event-7 -1": [7],
    "--grep HOPPER": [3],
    "--grep example.com": [7, 2, 1],
    "--grep company": [5],
    "--grep name": [],
    "--grep a.a": [],
    "--grep e --user 2 --type rename": [3],
}


@pytest.mark.parametrize("options", LOGS)
def test_log_shows_what_its_options_ask_for(story: Cli, options: str) -> None:
    assert numbers(story("log", *options.split(), "--json")) == LOGS[options]


def test_log_by_actor_shows_what_that_actor_did(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", "bob")
    story.ok("user", "restore", "3")
    assert numbers(story("log", "--actor", "bob", "--json")) == [9]
    assert numbers(story("log", "--actor", "ann", "-n", "2", "--json")) == [8, 7]


def test_since_and_until_tell_the_moments_that_they_found(story: Cli) -> None:
    ran = story("log", "--since", "2026-03-01 12:30", "--until", "@-")
    assert ran.err.splitlines() == [
        "since 2026-03-01 12:30 (+00:00): after event 4, of 2026-03-01 12:00:00+00:00",
        "as of @-: event 7, of 2026-03-01 15:00:00+00:00",
    ]
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["7", "6", "5"]
    assert story("log", "--since", "4", "--until", "7").err == ""


def test_log_without_a_match_is_0(story: Cli) -> None:
    ran = story("log", "--type", "nope")
    assert (ran.code, ran.out) == (0, "")
    assert "error" not in ran.err
    assert story("log", "--type", "nope", "-q") == Ran(0, "", "")


@pytest.mark.parametrize("words", ["--until 0", "--until 2020-01-01", "--user 1 --until 0", "--since 8"])
def test_log_of_a_moment_without_events_is_not_called_empty(story: Cli, words: str) -> None:
    assert "no matching events" in story.ok("log", *words.split()).err


def test_log_times_are_local(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-05:30")
    time.tzset()
    assert story("log", "-n", "1").out.startswith("8\t2026-03-01 21:30:00+05:30\t")


def test_log_of_an_unknown_user_is_1(story: Cli) -> None:
    refuses(story, ("log", "--user", "Ada Lovelase"), 1, 'no user "Ada Lovelase" at event 8', "Ada Lovelace")


def test_log_of_several_blocks_is_whole_in_both_directions(cli: Cli) -> None:
    many_events(cli, 300)
    assert numbers(cli("log", "--json")) == list(range(300, 0, -1))
    assert numbers(cli("log", "--json", "--reverse")) == list(range(1, 301))
    assert numbers(cli("log", "--since", "100", "--until", "200", "--json")) == list(range(200, 100, -1))


@pytest.mark.parametrize("words", [("-n", "-1"), ("-n", "x"), ("-n", "1.5"), ("--until",), ("--nope",), ("extra",)])
def test_wrong_usage_of_log_is_2(story: Cli, words: tuple[str, ...]) -> None:
    refuses(story, ("log", *words), 2, words[0].lstrip("-"), "hint: ", "-h shows how it is used")


# --- nothing is never silent ------------------------------------------------------------------------------------------

TYPES = "types are user.created, user.renamed, user.email-changed, user.destroyed, user.restored"


@pytest.mark.parametrize("typed", ["user.creat", "nope", "users.*", "CREATED"])
def test_a_type_that_there_is_not_is_answered_with_those_that_there_are(story: Cli, typed: str) -> None:
    ran = story("log", "--type", typed)
    assert ran == Ran(0, "", f'no matching events: no type is called "{typed}"; {TYPES}\n')


def test_an_actor_who_did_nothing_is_answered_with_those_who_did(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for actor, change in (("maya", "restore"), ("Zoe", "destroy")):
        monkeypatch.setenv("EVCLI_ACTOR", actor)
        story.ok("user", change, "3")
    assert story("log", "--actor", "MAYA") == Ran(0, "", 'no matching events by "MAYA": they are by maya, ann, Zoe\n')
    assert story("log", "--actor", "MAYA", "--type", "create").err == 'no matching events by "MAYA": they are by ann\n'
    assert story("log", "--actor", "ann", "9..").err == 'no matching events by "ann": they are by Zoe\n'
    assert story("log", "--actor", "x", "--until", "0").err == "no matching events\n"


def test_of_many_actors_the_ten_nearest_are_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        monkeypatch.setenv("EVCLI_ACTOR", f"actor {number:02}")
        cli.ok("user", "create", f"U{number}", "--email", f"u{number}@example.com")
    found = cli("log", "--actor", "Actor 7").err
    assert "they are by actor 07, actor 00, actor 01, " in found
    assert found.endswith("actor 09 and 2 more\n")


@pytest.mark.parametrize("words", ["--type nope", "--actor nope", "--grep nope", ""])
def test_log_is_called_empty_only_when_it_is(story: Cli, words: str) -> None:
    assert ("empty" in story.ok("log", *words.split()).err) is False
    story.log.write_bytes(b"")
    assert story.ok("log", *words.split()).err == "the log is empty\n"


# --- ranges, and what is not one --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        ("ada", ('"ada" is not A..B', "did you mean evcli log --user ada?")),
        ("created", ("did you mean evcli log --type created?",)),
        ("user.*", ("did you mean evcli log --type 'user.*'?",)),
        ("2026-03-01", ("did you mean evcli log 2026-03-01..?",)),
        ("@-3", ("did you mean evcli log @-3..?",)),
        ("HEAD~2", ("did you mean evcli log 'HEAD~2'..?",)),
        ("-2p", ("no such option: -2", "evcli log -h")),
        ("3..4 5", ("unexpected extra argument",)),
        ("5", ('"5" is not A..B', "did you mean evcli show 5?")),
        ("3..5 --since 2", ('"3..5" says the same as --since and --until', "leave one of them out")),
        ("3.. --until 5", ('"3.." says the same', "leave one of them out")),
        ("3..99", ('"99": there is no such event',)),
        ("-5..-2", ("-5", "write a moment relative to now as @-5 here")),
        ("-5x", ("no such option: -5",)),
        ("-５", ("no such option",)),
        ("--times soon", ('--times "soon" is not one of absolute, relative',)),
    ],
)
def test_what_is_nearly_a_range_or_a_number_is_answered_with_what_may_be_meant(
    story: Cli, words: str, phrases: tuple[str, ...]
) -> None:
    refuses(story, ("log", *words.split()), 2, *phrases)


def test_no_word_is_no_range(story: Cli) -> None:
    refuses(story, ("log", ""), 2, '"" is not A..B')


def test_grep_finds_a_text_however_its_accents_are_written(story: Cli) -> None:
    story.ok("user", "rename", "1", "Zo\u00e9 STRASSE")
    for text in ("zoe\u0301", "ZO\u00c9", "stra\u00dfe"):
        assert numbers(story("log", "--grep", text, "--json")) == [9]


def test_range_tells_the_moments_that_it_found(story: Cli) -> None:
    assert story("log", "@-2..2026-03-01").err.splitlines() == [
        "since @-2: after event 6, of 2026-03-01 14:00:00+00:00",
        "as of 2026-03-01 (end of day, +00:00): event 8, of 2026-03-01 16:00:00+00:00",
    ]


@pytest.mark.parametrize("words", [("-2",), ("-L", "2"), ("--limit", "2"), ("-n2",), ("-n", "2")])
def test_list_of_users_is_limited_as_the_log_is(story: Cli, words: tuple[str, ...]) -> None:
    assert [user["id"] for user in in_json(story, "user", "list", "--all", *words)] == [1, 2]


# --- what each event changed ------------------------------------------------------------------------------------------

CHANGES = [
    "destroyed: none → 8",
    "name: none → Alan, email: none → alan@example.com",
    "destroyed: 5 → none",
    "destroyed: none → 5",
    "email: grace@example.com → grace@navy.example",
    "name: Grace → Grace Hopper",
    "name: none → Grace, email: none → grace@example.com",
    "name: none → Ada Lovelace, email: none → ada@example.com",
]


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ("", [8, 7, 6, 5, 4, 3, 2, 1]), ("--reverse", [1, 2, 3, 4, 5, 6, 7, 8]), ("--user 1", [6, 5, 1]),
        ("-2 --reverse", [7, 8]), ("3..5", [5, 4]), ("--type nope", []),
    ],
)  # fmt: skip
def test_log_p_shows_each_field_that_an_event_changed_old_and_new(story: Cli, words: str, events: list[int]) -> None:
    plain = story.ok("log", *words.split()).out.splitlines()
    shown = story.ok("log", "-p", *words.split()).out.splitlines()
    assert shown == [f"{line}{CHANGES[8 - event]}\t" for line, event in zip(plain, events, strict=True)]
    assert story.ok("log", "-p", *words.split(), "--format", "csv").out.startswith(
        "number,time,actor,type,subject,data,ch"
    )


def test_table_of_log_p_has_the_changes_under_their_event(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    lines = story.ok("log", "-p", "--user", "2", "--format", "table").out.splitlines()[2:]
    column = lines[0].index("email: ")
    assert [line[column:] for line in lines] == [
        "email: grace@navy.example", "  email: grace@example.com → grace@navy.example",
        "name: Grace Hopper", "  name: Grace → Grace Hopper",
        "name: Grace, email: grace@example.com", "  name: none → Grace", "  email: none → grace@example.com",
    ]  # fmt: skip
    assert [line[:column].split()[:1] for line in lines] == [["4"], [], ["3"], [], ["2"], [], []]


def test_json_of_log_p_is_the_documents_of_show(story: Cli) -> None:
    each = [in_json(story, "show", str(number)) for number in range(8, 0, -1)]
    assert in_json(story, "log", "-p") == each
    assert [json.loads(line) for line in story.ok("log", "-p", "--format", "jsonl").out.splitlines()] == each


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_tells_one_event_with_the_user_before_and_after(story: Cli) -> None:
    ran = story("show", "8")
    assert ran == Ran(
        0,
        "number\t8\n"
        "id\tevent-8\n"
        "type\tuser.destroyed\n"
        "subject\tuser/3\n"
        "time\t2026-03-01 16:00:00+00:00\n"
        "authid\tann\n"
        f"sha256\t{events_in(story.log)[7]['sha256']}\n"
        "before\tAlan <alan@example.com>\n"
        "after\tAlan <alan@example.com>, destroyed by event 8\n",
        "",
    )
    assert story("show").out == ran.out


def test_show_has_a_field_for_each_member_of_the_data(story: Cli) -> None:
    assert "\ndata.name\tAlan\ndata.email\talan@example.com\nsha256\t" in story.ok("show", "7").out
    assert "\ndata.reason\tleft the company\nsha256\t" in story.ok("show", "5").out


def test_show_as_json_is_the_event_and_the_user_before_and_after(story: Cli) -> None:
    live = {**ALAN, "changed": 7, "destroyed": None}
    events = events_in(story.log)
    assert in_json(story, "show", "8") == {"event": events[7], "before": live, "after": ALAN}
    assert in_json(story, "show", "7") == {"event": events[6], "before": None, "after": live}


@pytest.mark.parametrize(
    ("ref", "number"), [("3", 3), ("@", 8), ("@-", 7), ("@-7", 1), ("id:event-5", 5), ("2026-03-01 11:30", 3)]
)
def test_show_takes_every_form_of_moment(story: Cli, ref: str, number: int) -> None:
    assert in_json(story, "show", ref)["event"] == events_in(story.log)[number - 1]


def test_show_of_event_0_or_of_an_empty_log_is_2(story: Cli) -> None:
    for ref in ("0", "yesterday"):
        refuses(story, ("show", ref), 2, f'"{ref}"', "hint: ", "1")
    story.log.write_bytes(b"")
    refuses(story, ("show",), 2, "empty")


# --- diff -------------------------------------------------------------------------------------------------------------


LIVE_ALAN = {**ALAN, "changed": 7, "destroyed": None}
DIFFS: dict[str, tuple[int, int, list[tuple[int, Any, Any, list[int], dict[str, int]]]]] = {
    # from, to; of each user that differs: id, before, after, the events about it, and which of them set a field
    "": (7, 8, [(3, LIVE_ALAN, ALAN, [8], {"destroyed": 8})]),
    "0": (0, 8, [
        (1, None, ADA, [1, 5, 6], {"name": 1, "email": 1}), (2, None, GRACE, [2, 3, 4], {"name": 3, "email": 4}),
        (3, None, ALAN, [7, 8], {"name": 7, "email": 7, "destroyed": 8}),
    ]),
    "4 7": (4, 7, [(1, {**ADA, "changed": 1}, ADA, [5, 6], {}), (3, None, LIVE_ALAN, [7], {"name": 7, "email": 7})]),
    "7 6": (7, 6, [(3, LIVE_ALAN, None, [7], {"name": 7, "email": 7})]),
    "4 2": (4, 2, [(2, GRACE, {**GRACE, "name": "Grace", "email": "grace@example.com", "changed": 2}, [3, 4],
                    {"name": 3, "email": 4})]),
    "5 5": (5, 5, []),
}  # fmt: skip


@pytest.mark.parametrize("moments", DIFFS)
def test_diff_as_json_is_two_numbers_and_the_changes(story: Cli, moments: str) -> None:
    start, end, changes = DIFFS[moments]
    events = events_in(story.log)
    assert in_json(story, "diff", *moments.split()) == {
        "from": start,
        "to": end,
        "changes": [
            {
                "kind": "user", "id": id, "before": old, "after": new, "events": [events[at - 1] for at in about],
                "fields": [
                    {"field": name, "before": (old or {}).get(name), "after": (new or {}).get(name), "event": number}
                    for name, number in fields.items()
                ],
            }
            for id, old, new, about, fields in changes
        ],
    }  # fmt: skip
    assert in_json(story, "diff", *moments.split(), "--by", "field") == in_json(story, "diff", *moments.split())


def test_diff_shows_a_user_that_differs_before_and_after_and_the_events(story: Cli) -> None:
    told = "event 8, 2026-03-01 16:00:00+00:00: user.destroyed by ann"
    assert story("diff") == Ran(
        0, f"user 3\tAlan <alan@example.com>\tAlan <alan@example.com>, destroyed by event 8\t{told}\n", ""
    )
    line = story.ok("diff", "4", "6").out
    assert line.split("\t")[3] == (
        "event 5, 2026-03-01 13:00:00+00:00: user.destroyed by ann (reason: left the company); "
        "event 6, 2026-03-01 14:00:00+00:00: user.restored by ann\n"
    )
    assert story.ok("diff", "2", "4").out.startswith(
        "user 2\tGrace <grace@example.com>\tGrace Hopper <grace@navy.example>\tevent 3, "
    )
    assert story("diff", "5", "5") == Ran(0, "", "nothing changed from event 5 to event 5\n")


def test_diff_as_a_table_has_the_events_below_each_user(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    title, header, line, *rows = story.ok("diff", "4", "6", "--format", "table").out.splitlines()
    assert (title, header.split(), set(line)) == ("from event 4 to event 6", ["record", "before", "after"], {"─"})
    below = " " * header.index("after")
    assert rows == [
        "user 1  Ada Lovelace <ada@example.com>  Ada Lovelace <ada@example.com>",
        f"{below}  event 5, 2026-03-01 13:00:00+00:00: user.destroyed by ann (reason: left the company)",
        f"{below}  event 6, 2026-03-01 14:00:00+00:00: user.restored by ann",
    ]


def test_diff_by_field_says_which_event_set_each_field_last(story: Cli) -> None:
    story.ok("user", "rename", "2", "Rear Admiral Hopper", "--reason", "promoted")
    assert [line.split("\t") for line in story.ok("diff", "2", "--by", "field").out.splitlines()] == [
        ["user 2", "name", "Grace", "Rear Admiral Hopper", "9", "2026-03-01 17:00:00+00:00", "ann", "promoted", ""],
        ["user 2", "email", "grace@example.com", "grace@navy.example", "4", "2026-03-01 12:00:00+00:00", "ann", "", ""],
        ["user 3", "name", "", "Alan", "7", "2026-03-01 15:00:00+00:00", "ann", "", ""],
        ["user 3", "email", "", "alan@example.com", "7", "2026-03-01 15:00:00+00:00", "ann", "", ""],
        ["user 3", "destroyed", "", "8", "8", "2026-03-01 16:00:00+00:00", "ann", "", ""],
    ]
    header = story.ok("diff", "--by", "field", "--format", "csv").out.splitlines()[0]
    assert header == "record,field,before,after,event,time,actor,reason,recorded"
    refuses(story, ("diff", "--by", "actor"), 2, "person, field")


def test_diff_tells_the_moments_that_it_found(story: Cli) -> None:
    ran = story("diff", "@-2", "2026-03-01 15:30")
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "as of @-2: event 6, of 2026-03-01 14:00:00+00:00",
        "as of 2026-03-01 15:30 (+00:00): event 7, of 2026-03-01 15:00:00+00:00",
    ]


def test_diff_of_an_empty_log_is_empty(cli: Cli) -> None:
    cli.log.touch()
    assert in_json(cli, "diff") == {"from": 0, "to": 0, "changes": []}


@pytest.mark.parametrize("words", [("diff", "-2"), ("diff", "0", "-2"), ("show", "-2")], ids=" ".join)
def test_moment_that_looks_like_an_option_is_hinted_at_as_an_at(story: Cli, words: tuple[str, ...]) -> None:
    refuses(story, words, 2, "-2", "hint: ", "@-2")


def test_diff_is_in_the_order_of_ids(cli: Cli) -> None:
    for number in range(1, 13):
        cli.ok("user", "create", f"U{number}", "--email", f"u{number}@example.com")
    changes = json.loads(cli.ok("diff", "0", "@", "--json").out)["changes"]
    assert [change["id"] for change in changes] == list(range(1, 13))
