"""`evcli state`: the whole register at any moment; and that every command takes a moment in each of its forms."""

import json
import re
from datetime import timedelta

import pytest
from conftest import Cli, Ran

from cli.support import ADA, ALAN, GRACE, events_in, in_json, lines_in, refuses


def test_state_prints_live_users_and_the_head_with_counts_on_stderr(story: Cli) -> None:
    users = "1\tAda Lovelace\tada@example.com\t1\t6\n2\tGrace Hopper\tgrace@navy.example\t2\t4\n"
    assert story("state") == Ran(0, users, "event 8, of 2026-03-01 16:00:00+00:00: 2 live, 1 destroyed\n")
    assert story("state", "-q") == Ran(0, users, "")


def test_state_as_json_has_destroyed_users_too(story: Cli) -> None:
    assert in_json(story, "state") == {
        "number": 8,
        "sha256": events_in(story.log)[-1]["sha256"],
        "time": "2026-03-01T16:00:00.000000Z",
        "live": 2,
        "destroyed": 1,
        "users": [ADA, GRACE, ALAN],
    }


def test_state_at_0_or_of_an_empty_log_is_the_empty_register(story: Cli) -> None:
    nothing = {"number": 0, "sha256": "0" * 64, "time": None, "live": 0, "destroyed": 0, "users": []}
    assert in_json(story, "state", "--at", "0") == nothing
    assert story("state", "--at", "0") == Ran(0, "", "event 0, the empty register: 0 live, 0 destroyed\n")
    story.log.write_bytes(b"")
    assert in_json(story, "state") == nothing


@pytest.mark.parametrize("line", [1, 2, 5, 8])
@pytest.mark.parametrize("is_garbage", [False, True])
def test_hint_for_damage_advises_a_backup_first_and_at_n_before_it_still_answers(
    story: Cli, line: int, is_garbage: bool
) -> None:
    before = [story.ok("state", "--at", str(number)).out for number in range(line)]
    lines = lines_in(story.log)
    lines[line - 1] = b"{}\n" if is_garbage else lines[line - 1].replace(b'"authid":"ann"', b'"authid":"eve"')
    story.log.write_bytes(b"".join(lines))
    for words in (("state",), ("state", "--at", str(line)), ("state", "--at", "1" * 5000), ("verify",)):
        ran = story(*words)
        hint = ran.err.rpartition("hint: ")[2]
        if words[-1] == "1" * 5000 and not (is_garbage and line == 8):
            continue  # there is no such event
        assert ran.code == 12
        if line == 1 and is_garbage:
            assert "is this the right file?" in hint
            continue
        assert hint.index("nothing was changed; first look for a backup") < hint.index("evcli repair --dry-run")
        assert "shows what a repair would lose" in hint
        assert ("evcli verify lists all faults" in hint) == (words != ("verify",))
        assert (f"evcli state --at {line - 1}" in hint) == (line > 1)
        assert line == 1 or story.ok("state", "--at", str(line - 1)).out == before[-1]


@pytest.mark.parametrize("words", [("state",), ("log",), ("verify",)])
def test_hint_for_damage_names_the_log_once(story: Cli, words: tuple[str, ...]) -> None:
    lines = lines_in(story.log)
    lines[6] = lines[6].replace(b"Alan", b"Adam")
    other = story.log.with_name("a b")
    verify = "" if words == ("verify",) else "; evcli verify lists all faults"
    for log, named, same in ((other, f" --log '{other}'", "with the same log, "), (story.log, "", "")):
        log.write_bytes(b"".join(lines))
        ran = story(*words, *(["--log", str(log)] if named else []))
        assert ran.err.rpartition("hint: ")[2] == (
            "nothing was changed; first look for a backup, or copy the log; then evcli repair --dry-run"
            f"{named} shows what a repair would lose; {same}evcli state --at 6 still answers{verify}\n"
        )


LIVE_ADA = {**ADA, "changed": 1}
THEN = {
    0: [],
    1: [LIVE_ADA],
    2: [LIVE_ADA, {**GRACE, "name": "Grace", "email": "grace@example.com", "changed": 2}],
    3: [LIVE_ADA, {**GRACE, "email": "grace@example.com", "changed": 3}],
    4: [LIVE_ADA, GRACE],
    5: [{**ADA, "changed": 5, "destroyed": 5}, GRACE],
    6: [ADA, GRACE],
    7: [ADA, GRACE, {**ALAN, "changed": 7, "destroyed": None}],
    8: [ADA, GRACE, ALAN],
}
"""The users after each event of the story."""


@pytest.mark.parametrize("number", THEN)
def test_state_at_an_event_is_what_was_true_after_it(story: Cli, number: int) -> None:
    state = in_json(story, "state", "--at", str(number))
    assert (state["number"], state["users"]) == (number, THEN[number])
    assert state["live"] == sum(user["destroyed"] is None for user in THEN[number])
    assert state["destroyed"] == sum(user["destroyed"] is not None for user in THEN[number])


# --- moments: event n of the story was recorded at (8 + n):00, and it is 17:00 ----------------------------------------

MOMENTS = {
    "@": 8,
    "@--": 6,
    "@-5": 3,
    "-5": 3,
    "-8": 0,
    "id:event-3": 3,
    "2026-03-01": 8,
    "2026-02-28": 0,
    "2026-03-01 12:30": 4,
    "2026-03-01T12:00:00.000000Z": 4,
    "2026-03-01T13:00+0100": 4,
    "90m ago": 7,
    "5 hours ago": 4,
    "2 years ago": 0,
    "today 10:15": 2,
    "yesterday": 0,
    "now": 8,
}
WHEN = [
    "event 0, the empty register",
    *(f"event {hour - 8}, of 2026-03-01 {hour:02}:00:00+00:00" for hour in range(9, 17)),
]
COVERS = {
    "2026-03-01": " (end of day, +00:00)",
    "2026-02-28": " (end of day, +00:00)",
    "2026-03-01 12:30": " (+00:00)",
    "90m ago": " (2026-03-01 15:30:00+00:00)",
    "5 hours ago": " (2026-03-01 12:00:00+00:00)",
    "2 years ago": " (2024-03-01 17:00:00+00:00)",
    "today 10:15": " (2026-03-01 10:15:00+00:00)",
    "yesterday": " (end of 2026-02-28, +00:00)",
}


@pytest.mark.parametrize("ref", MOMENTS)
def test_moment_is_told_on_stderr(story: Cli, ref: str) -> None:
    told = f"as of {ref}{COVERS.get(ref, '')}: {WHEN[MOMENTS[ref]]}"
    for words in ((f"--at={ref}",), ("--at", ref)):  # also apart from its option, though it begins with a dash
        ran = story("state", *words, "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["number"] == MOMENTS[ref]
        assert json.loads(ran.err) == {"note": {"message": told}}
    assert story("state", f"--at={ref}", "--format", "table").err == f"{told}\n"
    counts = story("state", f"--at={ref}", "--format", "plain").err.splitlines()[1]
    assert re.fullmatch(r"[0-9] live, [0-9] destroyed", counts), "the event is said once"


@pytest.mark.parametrize("ref", ["0", "5", "8", "008"])
def test_plain_number_is_not_told(story: Cli, ref: str) -> None:
    ran = story("state", "--at", ref, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["number"] == int(ref)


def test_time_printed_by_log_names_the_event_it_was_printed_for(story: Cli) -> None:
    story.clock.now = story.clock.now.replace(microsecond=700_000)
    story.ok("user", "destroy", "2")
    printed = story.ok("log", "-n", "1").out.split("\t")[1]
    assert printed == "2026-03-01 17:00:00+00:00"
    assert in_json(story, "state", "--at", printed)["number"] == 9


def test_note_on_dates_is_true_after_an_event_of_the_future(story: Cli) -> None:
    story.clock.now -= timedelta(days=2)
    told = {
        "today": "as of today: event 8, of 2026-03-01 16:00:00+00:00",
        "now": "as of now: event 8, of 2026-03-01 16:00:00+00:00",
        "2026-02-27": "as of 2026-02-27 (end of day, +00:00): event 0, the empty register",
        "2026-03-01 10:30": "as of 2026-03-01 10:30 (+00:00): event 2, of 2026-03-01 10:00:00+00:00",
    }
    for ref, said in told.items():
        assert said in story.ok("state", "--at", ref).err.splitlines(), ref


def test_time_in_the_future_answers_with_now_and_says_so(story: Cli) -> None:
    ran = story("state", "--at", "3000-01-01", "--format", "table")
    assert ran.code == 0
    assert '"3000-01-01" is in the future' in ran.err
    assert "as of 3000-01-01 (end of day, +00:00): event 8, of 2026-03-01 16:00:00+00:00" in ran.err


BAD_REFS = {
    "": ("",),
    "9": ("the head is event 8", "0", "8"),
    "2003": ("the head is event 8", "2003-12-31"),
    "@-9": ("event 8", "@-8"),
    "@x": ("@-N",),
    "id:": ("id:",),
    "id:nope": ("no event id starts with that",),
    "id:event-": ("several", "1 (event-1)"),
    "٣": ("ASCII",),
    "@-٣": ("event number",),
    "2026-٠٣-01": ("ASCII",),
    "tomorrow": ("yesterday",),
    "2026-02-30": ("2026-02-30",),
    "2026-03-01 25:00": ("2026-03-01 25:00",),
    "12:30": ("event number",),
    "5 fortnights ago": ("fortnights", "months"),
    "-1 day ago": ("event number",),
}


@pytest.mark.parametrize("ref", BAD_REFS)
def test_bad_moment_is_2_and_says_what_is_allowed(story: Cli, ref: str) -> None:
    refuses(story, ("state", f"--at={ref}"), 2, f'"{ref}"', "hint: ", *BAD_REFS[ref])


@pytest.mark.parametrize(
    "words",
    [
        ("state", "--at"), ("head", "--at"), ("user", "list", "--at"), ("user", "show", "2", "--at"),
        ("log", "--since"), ("log", "--until"), ("show",), ("diff",), ("diff", "1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_with_a_moment_refuses_a_bad_one(story: Cli, words: tuple[str, ...]) -> None:
    for ref in ("9", "2003", "nope", "٣", "@-9"):
        refuses(story, (*words, ref), 2, f'"{ref}"', "hint: ")


def test_user_of_another_name_at_the_event_that_began_it(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    cli.ok("user", "rename", "1", "Eve")
    assert "user 1 had another name at that point" in cli("user", "show", "Eve", "--at", "1").err


def test_file_that_is_no_log_has_no_empty_register(cli: Cli) -> None:
    cli.log.write_text("Milk\n")
    refuses(cli, ("state", "--at", "0"), 12, "is not an evcli log")
