"""`--occurred`: an event that happened earlier, and must fit where it happened."""

import json
import shlex
from time import tzset

import pytest
from conftest import Cli

from cli.support import WRITING, events_in, in_json, refuses

DAY = "2026-03-01"


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_every_writing_command_says_when_it_happened(story: Cli, words: tuple[str, ...]) -> None:
    told = story.ok(*words, "--occurred", f"{DAY} 16:30").out
    assert told.partition("\n")[0].endswith("(event 9, happened 2026-03-01 16:30:00+00:00)")
    event = events_in(story.log)[-1]
    assert (event["time"], event["recordedtime"]) == ("2026-03-01T16:30:00.000000Z", "2026-03-01T17:00:00.000000Z")
    story.ok("verify")


def test_several_happened_at_the_beginning_of_a_date_alone(story: Cli) -> None:
    story.clock.advance(days=2)
    document = in_json(story, "user", "destroy", "1", "2", "--occurred", "2026-03-02")
    assert [event["time"] for event in document["events"]] == ["2026-03-02T00:00:00.000000Z"] * 2


def test_dry_run_shows_both_times(story: Cli) -> None:
    rehearsed = story.ok("user", "destroy", "2", "--dry-run", "--occurred", f"{DAY} 16:30").out
    assert "time\t2026-03-01 16:30:00+00:00\nrecordedtime\t2026-03-01 17:00:00+00:00\n" in rehearsed


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        (DAY, f"--occurred {DAY}"),
        (f"{DAY} 16:30", f"--occurred '{DAY} 16:30:00+00:00'"),
        (f"{DAY}T16:30:00.5Z", f"--occurred {DAY}T16:30:00.500000Z"),
    ],
    ids=["date", "second", "fraction"],
)
def test_way_back_says_exactly_when_it_happened(story: Cli, typed: str, option: str) -> None:
    story.clock.advance(days=2)
    told = story.ok("user", "create", "Kurt", "--email", "kurt@example.com", "--occurred", typed).out
    back = told.splitlines()[-1]
    assert back == f"undo: evcli user destroy 4 {option}"
    story.ok(*shlex.split(back)[2:])
    created, destroyed = events_in(story.log)[8:]
    assert created["time"] == destroyed["time"]


def at(time: str) -> str:
    return f"{DAY} {time}:00+00:00"


@pytest.mark.parametrize(
    ("words", "time", "code", "event", "said"),
    [
        ("rename 2 X", "09:30", "not-then", 2, f"user 2 was not there on {at('09:30')}: it was created by event 2, of"),
        ("rename 1 X", "13:30", "not-then", 5, f"user 1 was already destroyed on {at('13:30')}, by event 5, of"),
        ("restore 3", "15:30", "not-then", 7, f"user 3 was not destroyed on {at('15:30')}"),
        ("rename 2 Grace", "10:30", "not-then", None, f'user 2 already had the name "Grace" on {at("10:30")}'),
        ("create X --email grace@example.com", "11:30", "not-then", 2,
         f"e-mail grace@example.com was user 2's on {at('11:30')}, by event 2, of {at('10:00')}"),
        ("create X --email grace@example.com", "09:30", "breaks-later", 2,
         f"this cannot have happened on {at('09:30')}: event 2, of {at('10:00')} (user 2 created), could not have "
         "happened after it: e-mail grace@example.com would have been user 4's"),
        ("destroy 2", "10:30", "breaks-later", 3, "(user 2 renamed), could not have happened after it: user 2 would "
         "have been destroyed already"),
        ("change-email 2 g@example.com", "10:30", "does-not-last", 4,
         f"e-mail g@example.com on {at('10:30')} would not last: event 4, of {at('12:00')}, changed it again"),
        ("rename 2 'Grace Hopper'", "10:30", "unchanged", None, 'user 2 already has the name "Grace Hopper"'),
    ],
    ids=["not there", "ended", "not ended", "unchanged", "taken", "takes", "ends", "does not last", "present"],
)  # fmt: skip
def test_refusal_names_the_event_that_stands_against_it(
    story: Cli, words: str, time: str, code: str, event: int | None, said: str
) -> None:
    typed = ("user", *shlex.split(words), "--occurred", f"{DAY} {time}")
    way = "without --occurred it changes now; " * (code == "does-not-last")
    hint = f"hint: nothing was written; {way}evcli show {event} shows that event"
    refuses(story, typed, 1, said, *[hint] * bool(event))
    error = json.loads(story(*typed, "--json").err)["error"]
    assert (error["code"], error.get("event")) == (code, event)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_date_alone_before_an_event_of_that_day_is_told_a_time_after_it(
    story: Cli, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    tzset()
    rename = ("user", "rename", "2", "X", "--occurred")
    time = {"UTC": f"{DAY} 10:00:01", "Asia/Kolkata": f"{DAY} 15:30:01"}[zone]
    said = f"a date alone means its beginning: '{time}' is after that event; evcli show 2 shows that event"
    refuses(story, (*rename, DAY), 1, said)
    for other in (f"{DAY} 00:01", "2026-02-28"):
        assert "a date alone" not in story(*rename, other).err
    story.ok(*rename, time)


def test_second_of_several_is_refused_for_what_happened_to_it(story: Cli) -> None:
    refuses(story, ("user", "destroy", "2", "1", "--occurred", f"{DAY} 12:30"), 1, "event 5, of", "(user 1 destroyed)")


def test_revival_that_breaks_a_later_event_is_no_reason_to_revive(story: Cli) -> None:
    story.ok("user", "create", "Eve", "--email", "alan@example.com", "--occurred", f"{DAY} 16:30")
    story.clock.advance(hours=1)
    story.ok("user", "destroy", "4")
    said = "e-mail alan@example.com would have been user 3's"
    refuses(
        story, ("user", "restore", "3", "--occurred", f"{DAY} 16:10"), 1, said,
        "hint: nothing was written; evcli show 9 shows that event",
    )  # fmt: skip


def test_note_says_what_happened_after_an_event_that_did_not_last(story: Cli) -> None:
    for more in (("--dry-run",), ()):
        ran = story.ok("user", "rename", "2", "Amazing Grace", "--occurred", f"{DAY} 10:30", *more)
        assert (
            "user 2 is Amazing Grace <grace@navy.example> now, since this was recorded last; --as-of now says Grace "
            f"Hopper <grace@navy.example>, by event 3 of {at('11:00')}; evcli user rename 2 'Grace Hopper' "
            "records that again, now\n"
        ) in ran.err


def test_command_of_the_note_makes_the_present_what_happened_last(story: Cli) -> None:
    story.ok("user", "create", "Kurt", "--email", "kurt@example.com", "--occurred", f"{DAY} 08:00")
    story.ok("user", "rename", "4", "--occurred", f"{DAY} 15:00", "--", "-Kurt-")
    told = story.ok("user", "rename", "4", "Kurt Gödel", "--occurred", f"{DAY} 14:00").err
    assert "; evcli user rename 4 -- -Kurt- records that again, now\n" in told
    assert not story.ok("user", "rename", "4", "--", "-Kurt-").err
    assert in_json(story, "state")["users"] == in_json(story, "state", "--as-of", "now")["users"]


@pytest.mark.parametrize(
    ("time", "said", "hint"),
    [
        ("42", '--occurred "42" is the number of an event, not a time', "a TIME is a date or time like"),
        ("0042", "is the number of an event, not a time", "a TIME is a date or time like"),
        ("2025", "is the number of an event, not a time", "write 2025-01-01"),
        ("@-", "is a place in the log, not a time", "a TIME is a date or time like"),
        ("id:x", "is a place in the log, not a time", "a TIME is a date or time like"),
        ("soon", "is not a time", "a TIME is a date or time like"),
        (" ", "is empty", "a TIME is a date or time like"),
        ("01.03.2026", "is not a time", "write 2026-03-01"),
        ("2026-03-02", "is in the future", "only what has happened can be recorded"),
        ("0001-01-01T00:00+14:00", "is not a time that an event can have", "a TIME is a date or time like"),
    ],
)
def test_time_that_is_none_is_refused(story: Cli, time: str, said: str, hint: str) -> None:
    refuses(story, ("user", "destroy", "2", "--occurred", time), 2, said, hint)


def test_same_id_with_another_time_is_a_conflict_that_names_both(story: Cli) -> None:
    sent, then = ("user", "destroy", "2", "--id", "once"), "2026-03-01T16:59:59.500000Z"
    story.ok(*sent, "--occurred", then)
    story.clock.advance(hours=1)
    assert story.ok(*sent, "--occurred", then).out == "already recorded as event 9\n"
    same = f"hint: that event happened {then}, {{}}: with --occurred {then} it is the same command"
    for other, said in (
        ((), "this one now"),
        (("--occurred", "61m ago"),
         "this one 2026-03-01T16:59:00.000000Z; a command that may be sent again needs an absolute time"),
    ):  # fmt: skip
        refuses(story, (*sent, *other), 13, "which happened at another time; nothing was written", same.format(said))
    refuses(story, ("user", "destroy", "2", "--id", "once", "--reason", "x"), 13, "whose content differs")


def test_same_id_by_a_clock_that_was_behind_is_no_conflict(story: Cli) -> None:
    story.clock.advance(hours=-10)
    sent = ("user", "destroy", "2", "--id", "once")
    story.ok(*sent)
    assert story.ok(*sent).out == "already recorded as event 9\n"
    refuses(story, (*sent, "--occurred", f"{DAY} 06:00"), 13, "which happened at another time")


def test_same_id_of_an_event_that_happened_when_it_was_recorded_is_no_late_one(story: Cli) -> None:
    sent = ("user", "destroy", "2", "--id", "once")
    story.ok(*sent)
    refuses(
        story, (*sent, "--occurred", f"{DAY} 16:30"), 13,
        "that event happened when it was recorded: without --occurred this is the same command",
    )  # fmt: skip


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["write", "rehearse"])
def test_what_is_so_already_is_refused_with_the_event_that_says_it(story: Cli, more: tuple[str, ...]) -> None:
    typed = ("user", "rename", "2", "Grace Hopper", "--occurred", f"{DAY} 10:30", *more)
    said = f'user 2 already has the name "Grace Hopper" since event 3, of {at("11:00")}'
    refuses(story, typed, 1, said, "the date of an event cannot be changed once it is recorded")
    refuses(story, ("user", "rename", "2", "Grace Hopper"), 1, "there is nothing to record\n")


def test_year_long_ago_is_noted(story: Cli) -> None:
    create = ("user", "create", "Kurt", "--dry-run", "--email", "kurt@example.com", "--occurred")
    assert '"0202-01-01" is in the year 202\n' in story.ok(*create, "0202-01-01").err
    assert '"1899-12-31" is in the year 1899\n' in story.ok(*create, "1899-12-31").err
    assert "in the year" not in story.ok(*create, "1900-01-01").err


def test_time_that_the_clock_showed_twice_is_the_later_one(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    tzset()
    ran = story.ok("user", "create", "Kurt", "--email", "kurt@example.com", "--occurred", "2025-10-26 02:30")
    assert "happened 2025-10-26 02:30:00+01:00" in ran.out
    assert '"2025-10-26 02:30" was twice, at' in ran.err


def test_event_by_a_clock_that_is_behind_need_not_fit(story: Cli) -> None:
    story.clock.advance(hours=-7)
    story.ok("user", "destroy", "2")
    assert events_in(story.log)[-1]["time"] == "2026-03-01T10:00:00.000000Z"
