"""`evcli state`: the whole register at any moment, in every way to name one."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Cli, Ran

from cli.support import ADA, ALAN, GRACE, events_in, fails, untouched


def test_state_prints_live_users_and_the_head_with_the_counts_on_stderr(story: Cli) -> None:
    assert story("state") == Ran(
        0,
        "1\tAda Lovelace\tada@example.com\t1\t6\n2\tGrace Hopper\tgrace@navy.example\t2\t4\n",
        "event 8 (2026-03-01 16:00:00): 2 live, 1 destroyed\n",
    )


def test_state_with_q_prints_the_users_only(story: Cli) -> None:
    ran = story("state", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 2


def test_state_as_json_is_the_documented_shape_with_destroyed_users_too(story: Cli) -> None:
    ran = story("state", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "number": 8,
        "sha256": events_in(story.log)[-1]["sha256"],
        "time": "2026-03-01T16:00:00.000000Z",
        "live": 2,
        "destroyed": 1,
        "users": [ADA, GRACE, ALAN],
    }


def test_state_at_0_is_the_empty_register_with_64_zeros_and_no_time(story: Cli) -> None:
    assert json.loads(story.ok("state", "--at", "0", "--json").out) == {
        "number": 0, "sha256": "0" * 64, "time": None, "live": 0, "destroyed": 0, "users": [],
    }  # fmt: skip
    assert story("state", "--at", "0") == Ran(0, "", "event 0 (the empty register): 0 live, 0 destroyed\n")


def test_an_empty_log_is_a_valid_one(cli: Cli) -> None:
    cli.log.touch()
    ran = cli("state", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["number"] == 0


ADA_THEN = {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com", "created": 1}
THEN = {
    0: [],
    1: [{**ADA_THEN, "changed": 1, "destroyed": None}],
    2: [
        {**ADA_THEN, "changed": 1, "destroyed": None},
        {"id": 2, "name": "Grace", "email": "grace@example.com", "created": 2, "changed": 2, "destroyed": None},
    ],
    3: [
        {**ADA_THEN, "changed": 1, "destroyed": None},
        {"id": 2, "name": "Grace Hopper", "email": "grace@example.com", "created": 2, "changed": 3, "destroyed": None},
    ],
    4: [{**ADA_THEN, "changed": 1, "destroyed": None}, GRACE],
    5: [{**ADA_THEN, "changed": 5, "destroyed": 5}, GRACE],
    6: [ADA, GRACE],
    7: [ADA, GRACE, {**ALAN, "changed": 7, "destroyed": None}],
    8: [ADA, GRACE, ALAN],
}
"""The users after each event of the story."""


@pytest.mark.parametrize("number", THEN)
def test_state_at_any_event_is_what_was_true_after_it(story: Cli, number: int) -> None:
    ran = story("state", "--at", str(number), "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["users"] == THEN[number]
    assert document["number"] == number
    assert document["live"] == sum(user["destroyed"] is None for user in THEN[number])
    assert document["destroyed"] == sum(user["destroyed"] is not None for user in THEN[number])


# --- every way to name a moment: event n of the story was recorded at (8 + n):00, and it is 17:00 ---------------------

MOMENTS = {
    "@": 8,
    "@-": 7,
    "@--": 6,
    "@---": 5,
    "@-5": 3,
    "@-0": 8,
    "@-8": 0,
    "-5": 3,
    "-8": 0,
    "id:event-3": 3,
    "2026-03-01": 8,
    "2026-02-28": 0,
    "2026-03-01 12:30": 4,
    "2026-03-01T12:30": 4,
    "2026-03-01 12:00": 4,
    "2026-03-01 12:00:00": 4,
    "2026-03-01 11:59:59": 3,
    "2026-03-01 11:59:59.999999": 3,
    "2026-03-01T12:00:00.000000Z": 4,
    "2026-03-01T13:00:00+01:00": 4,
    "2026-03-01T13:00+0100": 4,
    "2026-03-01 06:30:00-05:30": 4,
    "1h ago": 8,
    "90m ago": 7,
    "90 minutes ago": 7,
    "5 hours ago": 4,
    "3601 s ago": 7,
    "1 day ago": 0,
    "2d ago": 0,
    "3 weeks ago": 0,
    "1 month ago": 0,
    "2 years ago": 0,
    "today": 8,
    "today 10:15": 2,
    "yesterday": 0,
    "yesterday 17:00": 0,
    "now": 8,
}
WHEN = ["the empty register", *(f"2026-03-01 {hour:02}:00:00" for hour in range(9, 17))]


@pytest.mark.parametrize("ref", MOMENTS)
def test_every_form_of_ref_finds_its_event_and_tells_it_on_stderr(story: Cli, ref: str) -> None:
    number = MOMENTS[ref]
    ran = story("state", f"--at={ref}", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["number"] == number
    assert json.loads(ran.err) == {"note": {"message": f"as of event {number} ({WHEN[number]})"}}
    ran = story("state", f"--at={ref}", "--format", "table")
    assert ran.err == f"as of event {number} ({WHEN[number]})\n"


@pytest.mark.parametrize("ref", ["0", "5", "8", "008"])
def test_a_plain_number_needs_no_telling(story: Cli, ref: str) -> None:
    ran = story("state", "--at", ref, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["number"] == int(ref)


@pytest.mark.parametrize("ref", ["@-5", "yesterday", "2026-03-01 12:00"])
def test_a_ref_with_dashes_or_spaces_may_stand_apart_from_its_option(story: Cli, ref: str) -> None:
    assert json.loads(story.ok("state", "--at", ref, "--json").out)["number"] == MOMENTS[ref]


def test_minus_n_stands_apart_from_its_option_too(story: Cli) -> None:
    assert json.loads(story.ok("state", "--at", "-5", "--json").out)["number"] == 3


def test_yesterday_is_the_whole_calendar_day_before(story: Cli) -> None:
    story.clock.now += timedelta(days=1)
    story.ok("user", "destroy", "2")
    assert json.loads(story.ok("state", "--at", "yesterday", "--json").out)["number"] == 8
    assert json.loads(story.ok("state", "--at", "yesterday 12:30", "--json").out)["number"] == 4
    assert json.loads(story.ok("state", "--at", "today", "--json").out)["number"] == 9


def test_a_time_printed_by_log_names_the_event_it_was_printed_for(story: Cli) -> None:
    story.clock.now = story.clock.now.replace(microsecond=700_000)
    story.ok("user", "destroy", "2")
    line = story.ok("log", "-n", "1").out
    printed = line.split("\t")[1]
    assert printed == "2026-03-01 17:00:00"
    assert json.loads(story.ok("state", "--at", printed, "--json").out)["number"] == 9


def test_a_time_without_a_zone_is_local(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "XXX-02:00")  # two hours east of Greenwich
    time.tzset()
    ran = story("state", "--at", "2026-03-01 14:00", "--format", "table")
    assert ran.err == "as of event 4 (2026-03-01 14:00:00)\n"


def test_a_time_in_the_future_answers_with_now_and_says_so(story: Cli) -> None:
    ran = story("state", "--at", "3000-01-01", "--format", "table")
    assert ran.code == 0
    assert '"3000-01-01" is in the future' in ran.err
    assert "as of event 8 (2026-03-01 16:00:00)" in ran.err


BAD_REFS = {
    "": ("",),
    " ": ("",),
    "9": ("the head is event 8", "0", "8"),
    "99999999999999999999": ("the head is event 8",),
    "2003": ("the head is event 8", "2003-12-31"),
    "@-9": ("event 8", "@-8"),
    "-9": ("event 8", "@-8"),
    "@---------": ("event 8", "@-8"),
    "@-99999999999999999999": ("event 8",),
    "@5": ("@-N",),
    "@x": ("@-N",),
    "@+1": ("@-N",),
    "id:": ("id:",),
    "id:nope": ("no event id starts with that",),
    "id:event-": ("several", "1 (event-1)"),
    "٣": ("ASCII",),
    "２": ("ASCII",),
    "@-٣": ("event number",),
    "²": ("ASCII",),
    "2026-٠٣-01": ("ASCII",),
    "tomorrow": ("yesterday",),
    "2026": ("the head is event 8", "2026-12-31"),
    "2026-13-01": ("2026-13-01",),
    "2026-02-30": ("2026-02-30",),
    "2026-03": ("event number",),
    "2026-3-1": ("event number",),
    "01.03.2026": ("event number",),
    "2026-03-01 25:00": ("2026-03-01 25:00",),
    "2026-03-01 12:00:61": ("2026-03-01 12:00:61",),
    "12:30": ("event number",),
    "5 fortnights ago": ("fortnights", "months"),
    "-1 day ago": ("event number",),
    "1.5": ("event number",),
    "+5": ("event number",),
    "0x5": ("event number",),
    "HEAD": ("event number",),
}


@pytest.mark.parametrize("ref", BAD_REFS)
def test_a_ref_that_names_no_moment_is_refused_with_what_is_allowed(story: Cli, ref: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("state", f"--at={ref}")
    fails(ran, 2, f'"{ref}"', "hint: ", *BAD_REFS[ref])


@pytest.mark.parametrize(
    "words",
    [
        ("state", "--at"), ("head", "--at"), ("user", "list", "--at"), ("user", "show", "2", "--at"),
        ("log", "--since"), ("log", "--until"), ("show",), ("diff",), ("diff", "1"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("ref", ["9", "2003", "nope", "٣", "@-9"])
def test_every_command_that_takes_a_ref_refuses_a_bad_one(
    story: Cli, words: tuple[str, ...], ref: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = story(*words, ref)
    fails(ran, 2, f'"{ref}"', "hint: ")


def test_state_without_a_log_is_10_and_makes_none(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = cli("state")
    fails(ran, 10, f"there is no log at {cli.log}", "hint: ", "--log FILE or EVCLI_LOG")
