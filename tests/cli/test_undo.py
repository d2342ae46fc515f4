"""`evcli undo`, `redo`, `revert`, `restore-to`: what they say, what they write, and what they refuse."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from support.calls import signal_after_each_append
from support.registers import create, register_at

from cli.support import ALAN, documents, events_in, fails, in_json, refuses, untouched
from evcli.cli.said import undone
from evcli.cli.show.progress import Waiting
from evcli.errors import Interrupted, OutcomeUnknown
from evcli.log.file.engine import FileLog
from evcli.log.file.writer import LogWriter
from evcli.register.register import Register
from evcli.sync import run as syncing
from evcli.transfer import run as importing
from evcli.undo import batches, import_parts

Listed = Callable[..., str]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one or two events."""
    for module in (batches, importing, syncing):
        monkeypatch.setattr(module, "MAX_BATCH", 1000)


def people(cli: Cli) -> list[str]:
    return [f"{user['name']},{user['email']}" for user in in_json(cli, "user", "list")]


def names(cli: Cli) -> list[str]:
    return [user["name"] for user in in_json(cli, "user", "list")]


# --- what is said, and written ----------------------------------------------------------------------------------------


def test_undo_says_what_it_took_back_what_happened_and_the_way_back(story: Cli) -> None:
    assert story.ok("undo").out == (
        "undone: event 8 (user.destroyed of user 3 by ann)\n"
        "user 3 restored: Alan <alan@example.com> (event 9)\n"
        "redo: evcli redo\n"
    )
    assert story.ok("redo").out == (
        "redone: the undo by event 9\n"
        "user 3 destroyed: Alan <alan@example.com> (event 10)\n"
        "undo: evcli undo\n"
    )  # fmt: skip
    undone, redone = events_in(story.log)[8:]
    assert (undone["causationid"], redone["causationid"]) == ("event-8", undone["id"])
    assert (undone["correlationid"][:5], redone["correlationid"][:5]) == ("undo:", "redo:")
    assert (undone["data"], redone["data"]) == ({"reason": "undo of event 8"}, {"reason": "redo: takes back event 9"})
    story.ok("verify")


def test_quiet_undo_says_nothing_and_the_way_back_names_the_log(story: Cli) -> None:
    ran = story.ok("undo", "-q")
    assert (ran.out, ran.err) == ("", "")
    assert story.ok("redo", "--log", str(story.log)).out.endswith(f"undo: evcli --log {story.log} undo\n")


def test_a_reason_is_that_of_every_event(story: Cli) -> None:
    story.ok("user", "destroy", "1", "2")
    story.ok("undo", "--reason", "not these")
    assert [event["data"] for event in events_in(story.log)[10:]] == [{"reason": "not these"}] * 2
    refuses(story, ("redo", "--reason", " "), 2, "the reason is empty")


def test_dry_run_shows_the_plan_and_writes_nothing(story: Cli) -> None:
    with untouched(story.log.parent):
        ran = story.ok("revert", "8", "5..6", "--dry-run")
        document = in_json(story, "restore-to", "2", "--dry-run")
        in_json(story, "undo", "--dry-run")
        refuses(story, ("redo", "--dry-run"), 1, "nothing is undone that could be redone")
    assert ran.out.splitlines() == [
        "8\trestore\tuser 3\tAlan <alan@example.com>, destroyed by event 8\tAlan <alan@example.com>",
        "6\tdestroy\tuser 1\tAda Lovelace <ada@example.com>\tAda Lovelace <ada@example.com>, destroyed by event 10",
    ]
    assert ran.err == (
        "dry run: nothing was written; this is the plan\n"
        "revert of 2 events between 6 and 8: destroyed 1, restored 1, after event 8\n"
    )
    assert (document["recorded"], document["events"], document["to"]) == (False, [], 2)
    assert [(each["action"], each["id"], each["answers"], each["data"]) for each in document["plan"]] == [
        ("rename", 2, 4, {"name": "Grace", "reason": "restore to event 2"}),
        ("change-email", 2, 4, {"email": "grace@example.com", "reason": "restore to event 2"}),
    ]


def test_json_has_the_events_the_records_and_what_was_taken_back(story: Cli) -> None:
    document = in_json(story, "undo")
    (event,) = document["events"]
    assert event == events_in(story.log)[8]
    assert (document["users"], document["before"]) == ([ALAN | {"changed": 9, "destroyed": None}], [ALAN])
    assert (document["undone"], document["along"], document["already"]) == ([8], [], [])
    assert (document["recorded"], document["began"], document["head"]) == (True, False, f"9:{event['sha256']}")
    assert document["correlation"] == event["correlationid"]
    document = in_json(story, "revert", "7", "8")
    assert (document["undone"], document["already"]) == ([7], [8])
    assert in_json(story, "restore-to", "8")["correlation"] is None


def test_restore_to_brings_every_record_back_and_says_so_if_nothing_is_left(story: Cli) -> None:
    assert story.ok("restore-to", "4").out == (
        "restored to event 4\nnothing to do" if False else "nothing to do: the register is what it was at event 4\n"
    )
    story.ok("user", "destroy", "2")
    assert story.ok("restore-to", "3").out == (
        "restored to event 3\n"
        "user 2 restored: Grace Hopper <grace@navy.example> (event 10)\n"
        "user 2 e-mail changed: Grace Hopper <grace@example.com>, was grace@navy.example (event 11)\n"
        "undo: evcli undo\n"
    )
    with untouched(story.log.parent):
        assert story.ok("restore-to", "3").out == "nothing to do: the register is what it was at event 3\n"
    story.ok("head", "--keep", "Q1")
    story.ok("user", "create", "Kurt", "--email", "kurt@example.com")
    assert "user 4 destroyed" in story.ok("restore-to", "q1").out
    story.ok("undo")
    assert names(story) == ["Ada Lovelace", "Grace Hopper", "Kurt"]


def test_restore_to_gives_swapped_keys_back_by_a_stand_in_and_says_why(story: Cli, listed: Listed) -> None:
    story.ok(
        "sync", listed("1,Ada,grace@navy.example", "2,Grace,ada@example.com", header="id,name,email"), "--by", "id"
    )
    story.ok("restore-to", "8", "--reason", "back")
    assert people(story) == ["Ada Lovelace,ada@example.com", "Grace Hopper,grace@navy.example"]
    reasons = [event["data"]["reason"] for event in events_in(story.log)[13:]]
    assert reasons.count("back (a stand-in, while others change)") == 1
    assert set(reasons) == {"back", "back (a stand-in, while others change)"}


# --- how far back -----------------------------------------------------------------------------------------------------


def test_undo_goes_further_back_and_after_another_command_starts_there(story: Cli) -> None:
    for event in (8, 7, 6):
        assert story.ok("undo").out.startswith(f"undone: event {event} ")
    story.ok("user", "rename", "2", "G")
    for event in (12, 5, 4):
        assert story.ok("undo").out.startswith(f"undone: event {event} ")
    assert people(story) == ["Ada Lovelace,ada@example.com", "Grace Hopper,grace@example.com"]


def test_redo_after_another_command_is_refused_and_revert_does_it(story: Cli) -> None:
    story.ok("user", "destroy", "1", "2")
    story.ok("undo")
    story.ok("user", "rename", "2", "G")
    refuses(
        story, ("redo",), 1,
        "the undo by event 12 cannot be redone: event 13 (user.renamed of user 2 by ann) came after it",
        "hint: evcli revert 10..12 takes that undo back",
    )  # fmt: skip
    refuses(story, ("revert", "10..12"), 1, "event 13 (user.renamed of user 2 by ann)")
    story.ok("revert", "12")
    assert names(story) == ["G"]
    story.ok("undo")
    story.ok("undo")
    assert story.ok("redo").out.startswith("redone: the undo by event 16")


def test_of_several_undos_only_the_last_is_named(story: Cli) -> None:
    story.ok("user", "rename", "2", "G")
    story.ok("user", "destroy", "1", "2")
    story.ok("undo")
    story.ok("undo")
    story.ok("user", "rename", "2", "H")
    refuses(story, ("redo",), 1, "the undo by event 14 cannot be redone: event 15 (", "hint: evcli revert 14 takes")
    story.ok("revert", "14", "--with-dependents")
    story.ok("user", "rename", "1", "A")
    refuses(story, ("redo",), 1, "the undo by event 13 cannot be redone", "hint: evcli revert 11..13 takes")


def test_undo_of_a_revert_and_a_restore_are_undone_like_any_command(story: Cli) -> None:
    story.ok("revert", "3")
    story.ok("restore-to", "6")
    assert names(story) == ["Ada Lovelace", "Grace Hopper"]
    story.ok("undo")
    story.ok("undo")
    assert names(story) == ["Ada Lovelace", "Grace Hopper"]
    assert story.ok("undo").out.startswith("undone: event 8 ")


def test_nothing_is_left_to_undo_at_the_beginning(cli: Cli) -> None:
    fails(cli("undo"), 10, "there is no log")
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    refuses(cli, ("redo",), 1, "nothing is undone that could be redone; nothing was written")
    cli.ok("undo")
    refuses(cli, ("undo",), 1, "nothing is in effect that could be undone; nothing was written")


# --- imports and lists ------------------------------------------------------------------------------------------------

ROWS = [f"P{number},p{number}@example.com" for number in range(6)]


def killed_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the next command be killed when it has written so many batches."""
    execute, left = Register.execute, [count]

    def until_then(register: Register, *intentions: object, **how: object) -> object:
        if not left[0]:
            monkeypatch.setattr(Register, "execute", execute)
            raise Interrupted(signal.SIGINT)
        left[0] -= 1
        return execute(register, *intentions, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Register, "execute", until_then)


def test_import_of_several_batches_with_others_in_between_is_undone_and_redone_as_one(
    small: None, story: Cli, listed: Listed
) -> None:
    rows = Path(listed(*ROWS))
    story.ok("import", str(rows))
    assert events_in(story.log)[8].get("batch") != "9-14", "several batches"
    story.ok("user", "rename", "2", "G")
    before = people(story)
    story.ok("undo")
    ran = story.ok("undo")
    assert re.search(r"6 events are written in \d batches", ran.err)
    assert ran.out.startswith("undone: import, events 9 to 14\nuser 9 destroyed")
    assert names(story) == ["Ada Lovelace", "Grace Hopper"]
    story.ok("redo")
    story.ok("redo")
    assert people(story) == before


def test_import_among_others_is_undone_without_them(small: None, story: Cli, listed: Listed) -> None:
    def between() -> None:
        register_at(story.log, "x").execute(create("Other"))

    import_with(story, listed(*ROWS), between)
    (other,) = [event for event in events_in(story.log) if event["authid"] == "bob"]
    assert 9 < int(other["sequence"]) < 15, "it is among them"
    story.ok("undo")
    assert names(story) == ["Ada Lovelace", "Grace Hopper", "Other"]


def rename_another(cli: Cli) -> None:
    cli.ok("user", "rename", "1", "Ada")


def rename_and_undo(cli: Cli) -> None:
    cli.ok("user", "rename", "1", "Ada")
    cli.ok("undo")


def two_by_another(cli: Cli) -> None:
    register_at(cli.log, "x").execute(create("Other"), create("Another"))


@pytest.mark.parametrize("between", [rename_another, rename_and_undo, two_by_another])
def test_list_that_grew_is_undone_without_the_import_before_a_command(
    story: Cli, listed: Listed, between: Callable[[Cli], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    story.ok("import", listed(*ROWS[:2]))
    between(story)
    before = people(story)
    monkeypatch.setenv("EVCLI_ACTOR", "carl")
    story.ok("import", listed(*ROWS[:3]))
    ran = story.ok("undo")
    assert (people(story), ran.err) == (before, "")
    if between is not rename_and_undo:
        story.ok("undo")
    before = people(story)
    ran = story.ok("undo")
    assert ran.out.startswith("undone: import, events 9 to 10\n")
    assert names(story) == ["Ada Lovelace", "Grace Hopper"]
    story.ok("redo")
    assert people(story) == before, "it was another undo"


def test_list_that_grew_meanwhile_is_undone_as_one_after_a_note(story: Cli, listed: Listed) -> None:
    for count in (2, 3, 5):
        story.ok("import", listed(*ROWS[:count]))
    note = "that import has 3 parts (several runs, or skipped rows between); all are undone; evcli revert"
    assert f"{note} 11..13 takes back only the last\n" in story.ok("undo", "--dry-run").err
    story.ok("undo")
    assert names(story) == ["Ada Lovelace", "Grace Hopper"]


def test_batches_that_were_full_are_of_one_run(cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_BATCH", 1400)
    cli.ok("import", listed(*ROWS))
    assert [event["batch"] for event in events_in(cli.log)[::2]] == ["1-2", "3-4", "5-6"]
    monkeypatch.setattr(import_parts, "MAX_BATCH", 1300)
    assert "parts" not in cli.ok("undo", "--dry-run").err


def test_undo_that_goes_on_names_the_parts_that_are_left(
    small: None, cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("import", listed(*ROWS))
    killed_after(monkeypatch, 3)
    assert "that import has 6 parts" in cli("undo").err
    assert names(cli) == ["P0", "P1", "P2"]
    assert "that import has 3 parts" in cli("undo").err


def import_with(cli: Cli, path: str, between: Callable[[], None]) -> None:
    """Import while another writer comes after the first batch."""
    execute, count = Register.execute, [0]

    def execute_and(register: Register, *intentions: object, **how: object) -> object:
        done = execute(register, *intentions, **how)  # type: ignore[arg-type]
        count[0] += 1
        if count[0] == 1:
            between()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Register, "execute", execute_and)
        cli.ok("import", path)


@pytest.mark.parametrize("source", ["import", "sync"])
def test_interrupted_undo_is_finished_by_the_next_and_redone_as_one(
    small: None, cli: Cli, listed: Listed, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok(source, listed(*ROWS))
    killed_after(monkeypatch, 2)
    ran = cli("undo")
    assert ran.code == 130
    assert "are recorded; the same command, run again, goes on" in ran.err
    left = len(names(cli))
    assert 0 < left < 6
    cli.ok("undo")
    assert not names(cli)
    assert len({event["correlationid"] for event in events_in(cli.log)[6:]}) == 1
    killed_after(monkeypatch, 1)
    assert cli("redo").code == 130
    assert 0 < len(names(cli)) < 6
    cli.ok("redo")
    assert len(names(cli)) == 6
    assert len({event["correlationid"] for event in events_in(cli.log)[12:]}) == 1
    cli.ok("undo")
    assert not names(cli)


def test_signal_between_batches_ends_it_and_one_after_the_last_waits_for_the_answer(
    small: None, cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("import", listed(*ROWS[:4]))
    signal_after_each_append(monkeypatch, signal.SIGTERM)
    ran = cli("restore-to", "0")
    assert (ran.code, ran.out) == (143, "")
    said = r"error: interrupted; events? 5( to 6)? (is|are) recorded; evcli restore-to 0 goes on\n"
    assert re.search(said, ran.err)
    ran = cli("restore-to", "3")
    assert "evcli restore-to 3 goes on" in ran.err
    monkeypatch.setattr(batches, "MAX_BATCH", 10**6)
    assert cli.ok("restore-to", "0").out.startswith("restored to event 0\n")


def test_others_who_write_between_batches_end_it(
    small: None, cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("import", listed(*ROWS[:4]))
    append = LogWriter.append

    def then_another(writer: LogWriter, lines: bytes, first: int) -> None:
        monkeypatch.setattr(LogWriter, "append", append)
        append(writer, lines, first)
        monkeypatch.setattr(FileLog, "locked", after_another)

    locked = FileLog.locked

    def after_another(log: FileLog, wait: float, *, may_create: bool) -> object:
        monkeypatch.setattr(FileLog, "locked", locked)
        register_at(cli.log, "x").execute(create("Other"))
        return locked(log, wait, may_create=may_create)

    monkeypatch.setattr(LogWriter, "append", then_another)
    ran = cli("undo")
    assert ran.code == 13
    assert re.search(r"events? 5( to 6)? (is|are) recorded\nhint: evcli log --since \d shows what happened", ran.err)
    left = re.search(r"; evcli (revert [0-9.]+) takes back what is left\n", ran.err)
    assert left
    cli.ok(*left[1].split())
    assert names(cli) == ["Other"]


def test_only_a_plan_of_several_batches_shows_how_far_it_is(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(Waiting, "show", lambda _, done, total, count: shown.append(count))
    cli.ok("import", listed(*ROWS[:4]))
    shown.clear()
    cli.ok("undo")
    assert not shown
    monkeypatch.setattr(batches, "MAX_BATCH", 1000)
    cli.ok("redo")
    assert shown[-1] == 4


def test_nothing_to_do_is_said_of_what_is_durable(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(log: FileLog) -> None:
        raise OutcomeUnknown(str(story.log), "not synced")

    monkeypatch.setattr(FileLog, "sync", fail)
    fails(story("restore-to", "8"), 15, "not synced")


def test_sync_is_undone_as_one_and_not_with_an_earlier_one_of_the_same_list(story: Cli, listed: Listed) -> None:
    swapped = listed("1,Ada,grace@navy.example", "2,Grace,ada@example.com", header="id,name,email")
    before = people(story)
    story.ok("sync", swapped, "--by", "id")
    first = people(story)
    story.ok("user", "rename", "1", "A")
    story.ok("sync", swapped, "--by", "id")
    assert people(story) == first
    assert len(in_json(story, "undo")["undone"]) == 1
    assert "A,grace@navy.example" in people(story)
    story.ok("undo")
    assert story.ok("undo").out.startswith("undone: sync of people.csv, events 9 to 13\n")
    assert people(story) == before


# --- late events ------------------------------------------------------------------------------------------------------


def live_at(cli: Cli, time: str) -> list[str]:
    return [user["name"] for user in in_json(cli, "user", "list", "--as-of", time)]


def test_late_event_is_taken_back_and_redone_where_it_happened(cli: Cli) -> None:
    cli.ok("user", "create", "Ann", "--email", "ann@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "destroy", "1", "--occurred", "2022-05-05")
    ran = cli.ok("undo")
    assert "\nuser 1 restored: Ann <ann@example.com> (event 3, happened 2022-05-05 00:00:00+00:00)\n" in ran.out
    assert (ran.err, live_at(cli, "2023-01-01")) == ("", ["Ann"])
    (planned,) = in_json(cli, "redo", "--dry-run")["plan"]
    assert planned["time"] == "2022-05-05T00:00:00.000000Z"
    cli.ok("redo")
    assert (live_at(cli, "2022-01-01"), live_at(cli, "2023-01-01")) == (["Ann"], [])
    assert [event["time"][:10] for event in events_in(cli.log)] == ["2020-01-01", *["2022-05-05"] * 3]
    cli.ok("revert", "1..2", "1")
    assert not live_at(cli, "2022-01-01")


def test_dated_import_that_is_undone_leaves_nobody_at_any_time_and_can_be_repeated(cli: Cli, listed: Listed) -> None:
    rows = listed("A,a@example.com,2020-01-01", "B,b@example.com,2021-01-01", header="name,email,date")
    days = ("2020-01-01", "2020-07-01", "2021-07-01", "today")
    cli.ok("import", rows)
    cli.ok("undo")
    assert [live_at(cli, day) for day in days] == [[]] * 4
    cli.ok("redo")
    assert [live_at(cli, day) for day in days] == [["A"], ["A"], ["A", "B"], ["A", "B"]]
    cli.ok("undo")
    cli.ok("import", rows, "--again")
    assert [live_at(cli, day) for day in days] == [["A"], ["A"], ["A", "B"], ["A", "B"]]


def test_late_event_goes_on_counting_where_nothing_fits_when_it_happened_and_a_note_says_so(cli: Cli) -> None:
    cli.ok("user", "create", "Ann", "--email", "ann@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "rename", "1", "Anna", "--occurred", "2022-01-01")
    cli.ok("user", "rename", "1", "Annie", "--occurred", "2021-01-01")
    note = "--as-of before now still counts event 3, which was recorded late: what takes it back does not fit when it"
    assert cli.ok("undo", "--dry-run").err.endswith(f"{note} happened\n")
    assert in_json(cli, "undo", "--dry-run")["still"] == [3]
    assert cli.ok("undo").err == f"{note} happened\n"
    assert "recordedtime" not in events_in(cli.log)[-1]
    assert (live_at(cli, "2021-07-01"), live_at(cli, "2022-07-01"), live_at(cli, "today")) == (
        ["Annie"], ["Anna"], ["Anna"],
    )  # fmt: skip


def test_email_that_another_had_meanwhile_is_not_given_back_then(cli: Cli) -> None:
    cli.ok("user", "create", "Ann", "--email", "a@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "change-email", "1", "b@example.com", "--occurred", "2021-01-01")
    cli.ok("user", "create", "Bob", "--email", "a@example.com", "--occurred", "2022-01-01")
    cli.ok("user", "change-email", "2", "c@example.com", "--occurred", "2023-01-01")
    assert "still counts event 2, which was recorded late" in cli.ok("revert", "2").err
    assert live_at(cli, "2022-07-01") == ["Ann", "Bob"]
    assert in_json(cli, "user", "show", "1", "--as-of", "2022-07-01")["email"] == "b@example.com"


def test_restore_to_is_about_what_was_recorded_and_says_which_late_events_still_count(cli: Cli) -> None:
    cli.ok("user", "create", "Ann", "--email", "ann@example.com", "--occurred", "2020-01-01")
    cli.ok("user", "create", "Bob", "--email", "bob@example.com", "--occurred", "2021-01-01")
    cli.ok("user", "rename", "1", "Anna", "--occurred", "2022-01-01")
    cli.ok("undo")
    note = "--as-of before now still counts event 2, which was recorded late\n"
    assert cli.ok("restore-to", "1", "--dry-run").err.endswith(note)
    assert in_json(cli, "restore-to", "1", "--dry-run")["still"] == [2]
    assert cli.ok("restore-to", "1").err == note
    assert (live_at(cli, "2021-07-01"), live_at(cli, "today")) == (["Ann", "Bob"], ["Ann"])
    assert cli.ok("restore-to", "1").err == ""


# --- how many may be ended by a date ----------------------------------------------------------------------------------


def test_restore_to_a_date_ends_at_most_half_of_what_is_live_unless_it_is_allowed(cli: Cli) -> None:
    for name in "abcde":
        cli.ok("user", "create", name.upper(), "--email", f"{name}@example.com")
        cli.clock.advance(days=1)
    cli.ok("user", "destroy", "1")
    said = (
        "error: the register at event 2 lacks 3 of 4 users: they would be destroyed, but at most 2 may be; nothing was "
    )
    hint = "written\nhint: is that the moment? if so, --max-destroy 75% allows it; evcli state --at 2 shows it\n"
    for words in ((), ("--max-destroy", "2"), ("--max-destroy", "74%")):
        refuses(cli, ("restore-to", "2026-03-02", *words), 1, said + hint)
    with untouched(cli.log.parent):
        dry = cli("restore-to", "2026-03-02", "--dry-run")
        document = cli("restore-to", "2026-03-02", "--dry-run", "--json")
    assert (dry.code, len(dry.out.splitlines())) == (1, 4)
    plan = "restore-to event 2: destroyed 3, restored 1, after event 6; 3 of 4 users would be destroyed\n"
    assert plan in dry.err
    assert dry.err.endswith(said + hint)
    assert documents(document.err)[-1]["error"]["code"] == "too-many-ended"
    half = cli.ok("restore-to", "2026-03-03", "--dry-run").err
    assert half.endswith("restore-to event 3: destroyed 2, restored 1, after event 6\n")
    cli.ok("head", "--keep", "Q1", "--at", "2")
    for line in ("2026-03-02 --max-destroy 75%", "2026-03-02 --max-destroy 3", "Q1", "2"):
        cli.ok("restore-to", *line.split())
        cli.ok("undo")
    refuses(cli, ("restore-to", "1", "--max-destroy", "half"), 2, '--max-destroy "half" is neither')


# --- what depends on others -------------------------------------------------------------------------------------------

DEPENDENTS = {
    "the record would not be there": ((), "2", [3, 4]),
    "the record would not be ended": ((), "5", [6]),
    "the record would not be live": ((("user", "rename", "1", "A"),), "6", [9]),
    "the same field was set": ((("user", "rename", "2", "G"),), "3", [9]),
    "another has the key": (
        (("user", "change-email", "1", "x@example.com"), ("user", "create", "B", "--email", "ADA@example.com")),
        "9",
        [10],
    ),
    "another has the key of one that has ended": ((("user", "create", "B", "--email", "alan@example.com"),), "8", [9]),
    "another took the key by a change": (
        (("user", "change-email", "1", "alan@example.com"), ("user", "rename", "1", "A")), "8", [9],
    ),
    "the record has ended": ((("user", "destroy", "2"),), "4", [9]),
}  # fmt: skip


@pytest.mark.parametrize("why", DEPENDENTS)
def test_later_events_that_depend_on_one_are_named_and_may_be_taken_along(story: Cli, why: str) -> None:
    commands, ref, dependents = DEPENDENTS[why]
    for words in commands:
        story.ok(*words)
    depend = "a later event depends" if len(dependents) == 1 else f"{len(dependents)} later events depend"
    ran = story("revert", ref)
    refuses(story, ("revert", ref), 1, f"{depend} on event {ref}: event {dependents[0]} (", "--with-dependents takes")
    assert all(f"event {number} (" in ran.err for number in dependents)
    document = in_json(story, "revert", ref, "--with-dependents")
    assert document["along"] == dependents[::-1]
    assert document["undone"] == sorted([*dependents, int(ref)], reverse=True)
    assert (story.ok("undo").code, story.ok("verify").code) == (0, 0)


def test_dependents_of_dependents_are_taken_along(story: Cli) -> None:
    story.ok("user", "create", "B", "--email", "alan@example.com")
    story.ok("user", "rename", "4", "B2")
    document = in_json(story, "revert", "8", "--with-dependents")
    assert (document["undone"], document["along"]) == ([10, 9, 8], [10, 9])


def test_what_comes_back_with_a_reverted_undo_may_depend_on_what_is_reverted_with_it(story: Cli) -> None:
    story.ok("user", "rename", "2", "G")
    story.ok("undo")
    refuses(story, ("revert", "3", "10"), 1, "a later event depends on event 3: event 9 (")
    assert in_json(story, "revert", "3", "10", "--with-dependents")["undone"] == [10, 9, 3]
    assert names(story)[1] == "Grace"


def test_what_was_undone_and_redone_since_is_taken_along_as_it_was_done_first(story: Cli) -> None:
    story.ok("user", "create", "B", "--email", "alan@example.com")
    story.ok("user", "destroy", "2")
    for words in ("undo", "undo", "redo", "redo"):
        story.ok(words)
    refuses(story, ("revert", "8"), 1, "a later event depends on event 8: event 9 (user.created of user 4 by ann);")
    refuses(story, ("revert", "4"), 1, "a later event depends on event 4: event 10 (user.destroyed of user 2 by ann);")
    assert in_json(story, "revert", "8", "4", "--with-dependents")["undone"] == [10, 9, 8, 4]


def test_later_events_are_each_named_with_the_event_that_they_depend_on(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.ok("user", "create", "Bob", "--email", "bob@example.com")
    cli.ok("user", "rename", "2", "B")
    cli.ok("user", "destroy", "1")
    refuses(
        cli, ("revert", "1", "2"), 1, "error: 2 later events depend on these: "
        "event 3 (user.renamed of user 2 by ann), on event 2, event 4 (user.destroyed of user 1 by ann), on event 1; "
    )  # fmt: skip


def test_revert_of_an_event_and_of_what_took_it_back_leaves_both(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.ok("user", "create", "Zoe", "--email", "zoe@example.com")
    cli.ok("undo")
    said = "event 2 is already taken back, by event 3; nothing was written"
    refuses(cli, ("revert", "2", "3"), 1, said)
    assert in_json(cli, "revert", "0..3")["undone"] == [1]
    assert not names(cli)
    cli.ok("user", "create", "Bob", "--email", "bob@example.com")
    cli.ok("user", "rename", "3", "B")
    cli.ok("undo")
    cli.ok("redo")
    assert in_json(cli, "revert", "5..@")["undone"] == [6]
    assert names(cli) == ["Bob"]


def test_dependents_that_were_taken_along_are_named_beside_what_was_asked_for(story: Cli) -> None:
    one, several = "event 7, and event 8, which depends on it", "event 2, and 2 that depend on it"
    assert story.ok("revert", "7", "--with-dependents").out.startswith(f"reverted: {one}\n")
    story.ok("undo")
    plan = story.ok("revert", "7", "--with-dependents", "--dry-run").err
    assert plan.endswith(f"revert of {one}: destroyed 1, restored 1, after event 12\n")
    assert story.ok("revert", "2", "--with-dependents").out.startswith(f"reverted: {several}\n")
    story.ok("undo")
    assert story.ok("revert", "2", "3", "--with-dependents").out.startswith(
        "reverted: events 2 to 3, and event 4, which depends on them\n"
    )


def test_undo_of_an_event_names_the_command_that_takes_it_back(cli: Cli) -> None:
    fails(cli("undo", "5"), 2, "hint: undo takes back the last command; evcli revert 5 takes back an event\n")


def test_many_dependents_are_counted(story: Cli) -> None:
    for number in range(5):
        story.ok("user", "rename", "2", f"G{number}")
    refuses(
        story, ("revert", "2"), 1, "7 later events depend on event 2: event 3 (user.renamed of user 2 by ann), ",
        "event 9 (user.renamed of user 2 by ann) and 4 more; nothing was written",
    )  # fmt: skip


def test_what_happened_to_another_field_stays(story: Cli) -> None:
    story.ok("revert", "3")
    assert people(story)[1] == "Grace,grace@navy.example"


def test_an_end_and_a_return_since_need_no_other_event(story: Cli) -> None:
    story.ok("user", "destroy", "2")
    story.ok("user", "restore", "2")
    story.ok("revert", "3")
    assert people(story)[1] == "Grace,grace@navy.example"


def test_what_was_taken_back_since_is_no_dependent(story: Cli) -> None:
    story.ok("user", "rename", "2", "G")
    story.ok("undo")
    story.ok("revert", "3")
    assert people(story)[1] == "Grace,grace@navy.example"
    story.ok("undo")
    story.ok("revert", "10")
    refuses(story, ("revert", "3"), 1, "event 9 (user.renamed of user 2 by ann)")


def test_what_is_taken_back_already_is_said_so(story: Cli) -> None:
    story.ok("revert", "3")
    refuses(story, ("revert", "3"), 1, "event 3 is already taken back, by event 9", "hint: evcli revert 9 takes that")
    ran = story.ok("revert", "3", "4")
    assert ran.err == "event 3 is already taken back, by event 9\n"
    assert people(story)[1] == "Grace,grace@example.com"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("revert", "0"), "is the empty register"),
        (("revert", "9"), "there is no such event"),
        (("revert", "5..4"), '"5..4" has no events: A..B are those after A up to B'),
        (("revert", "4..4"), '"4..4" has no events'),
        (("restore-to", "soon"), "soon"),
        (("undo", "--expect", "x"), "--expect"),
        (("undo", "--lock-wait", "-1"), "--lock-wait"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_words_are_refused(story: Cli, words: tuple[str, ...], said: str) -> None:
    refuses(story, words, 2, said)


def test_moment_that_is_no_event_is_not_reverted(story: Cli) -> None:
    story.ok("head", "--keep", "Q1 review")
    shows = "; evcli log --until {} -1 shows the last event before it"
    forms = "an event is named by its number, @ (the last one), @-1 or id:…"
    for ref, hint in {"yesterday": shows, "today": shows, "2026-03-01": shows, "Q1 review": shows, "soon": ""}.items():
        shown = hint.format(f"'{ref}'" if " " in ref else ref)
        refuses(story, ("revert", ref), 2, f'error: "{ref}" is not an event\nhint: {forms}{shown}\n')
        refuses(story, ("revert", f"2..{ref}"), 2, f'error: "{ref}" is not an event\n')
    for ref in ("8", "@", "@-0", "HEAD", "id:event-8"):
        assert in_json(story, "revert", ref, "--dry-run")["undone"] == [8]


def test_plan_is_written_only_onto_the_head_on_which_it_was_made(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses(story, ("undo", "--expect", "7"), 13, "the head is 8:")
    assert story.ok("undo", "--expect", "8").code == 0
    execute = Register.execute

    def after_another(register: Register, *intentions: object, **how: object) -> object:
        monkeypatch.setattr(Register, "execute", execute)
        register_at(story.log, "x").execute(create("Other"))
        return execute(register, *intentions, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Register, "execute", after_another)
    fails(story("undo"), 13, "nothing was written", "evcli log --since 9 shows what happened meanwhile")
    assert len(events_in(story.log)) == 10


def test_many_that_are_taken_back_already_are_counted(story: Cli, listed: Listed) -> None:
    story.ok("import", listed(*(f"P{number},p{number}@example.com" for number in range(22))))
    story.ok("undo")
    lines = story.ok("revert", "7..30").err.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (21, "event 9 is already taken back, by event 52", "so are 2 more")


def test_events_are_named_as_refs_that_revert_takes() -> None:
    assert [undone._as_refs(numbers) for numbers in ([4], [4, 5, 6], [4, 6])] == ["4", "3..6", "4 6"]
