"""`evcli user …`: each command and each option, what it prints, what it stores, and what it refuses."""

import fcntl
import json
import os
import pwd
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import ADA, ALAN, GRACE, WRITING, documents, events_in, fails, untouched

ADA_WORDS = ("user", "create", "Ada", "--email", "ada@example.com")
"""The first user of many of these tests."""


# --- create -----------------------------------------------------------------------------------------------------------


def test_create_says_who_was_created_by_which_event_and_the_way_back(cli: Cli) -> None:
    ran = cli("user", "create", "Ada Lovelace", "--email", "ada@example.com")
    assert ran == Ran(0, "user 1 created: Ada Lovelace <ada@example.com> (event 1)\nundo: evcli user destroy 1\n", "")


def test_create_stores_one_event_with_what_was_said_who_said_it_and_when(cli: Cli) -> None:
    cli.ok("user", "create", "Ada Lovelace", "--email", "ada@example.com")
    (event,) = events_in(cli.log)
    digest = event.pop("sha256")
    assert len(digest) == 64
    assert event == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "evcli",
        "type": "user.created",
        "subject": "user/1",
        "time": "2026-03-01T09:00:00.000000Z",
        "sequence": "000000000001",
        "authtype": "user",
        "authid": "ann",
        "data": {"name": "Ada Lovelace", "email": "ada@example.com"},
    }


def test_the_first_create_makes_the_log_readable_by_its_owner_only(cli: Cli) -> None:
    assert not cli.log.exists()
    cli.ok(*ADA_WORDS)
    assert stat.S_IMODE(cli.log.stat().st_mode) == 0o600


def test_the_first_create_makes_the_folders_above_the_log(cli: Cli, tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "events.jsonl"
    ran = cli(*ADA_WORDS, "--log", str(deep))
    assert (ran.code, ran.err) == (0, "")
    assert len(events_in(deep)) == 1


def test_create_trims_the_name_and_stores_it_in_composed_form(cli: Cli) -> None:
    ran = cli("user", "create", "  Rene\u0301 ", "--email", " rene@example.com ")
    assert ran.out.startswith("user 1 created: René <rene@example.com> (event 1)\n")
    assert (ran.code, ran.err) == (0, "")
    assert events_in(cli.log)[0]["data"] == {"name": "Ren\u00e9", "email": "rene@example.com"}


@pytest.mark.parametrize(
    "name",
    ["A", "x" * 200, "李 明", "نور", "O'Brien", "👩\u200d💻", "क्\u200dष", '"quoted"', "back\\slash", "$(id)", "-1"],
)
def test_create_takes_every_printable_name(cli: Cli, name: str) -> None:
    ran = cli("user", "create", "--email", "a@example.com", "--", name)
    assert (ran.code, ran.err) == (0, "")
    assert events_in(cli.log)[0]["data"]["name"] == name


def test_two_users_may_have_the_same_name(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    ran = cli("user", "create", "Ada", "--email", "other@example.com")
    assert ran == Ran(0, "user 2 created: Ada <other@example.com> (event 2)\nundo: evcli user destroy 2\n", "")


def test_an_email_that_a_live_user_has_is_refused_naming_that_user(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "create", "Somebody", "--email", "GRACE@Navy.example")
    fails(ran, 1, "GRACE@Navy.example", "taken by user 2", "Grace Hopper")


def test_the_email_of_a_destroyed_user_is_free_again(story: Cli) -> None:
    ran = story("user", "create", "Other Alan", "--email", "alan@example.com")
    assert ran == Ran(0, "user 4 created: Other Alan <alan@example.com> (event 9)\nundo: evcli user destroy 4\n", "")


def test_ids_of_destroyed_users_are_never_given_again(story: Cli) -> None:
    assert json.loads(story.ok("user", "create", "N", "--email", "n@example.com", "--json").out)["users"][0]["id"] == 4


# --- the other four ---------------------------------------------------------------------------------------------------


def test_rename_says_the_new_name_the_old_one_and_the_way_back(story: Cli) -> None:
    ran = story("user", "rename", "2", "Rear Admiral")
    assert ran == Ran(
        0,
        "user 2 renamed: Rear Admiral <grace@navy.example>, was Grace Hopper (event 9)\n"
        "undo: evcli user rename 2 'Grace Hopper'\n",
        "",
    )
    assert events_in(story.log)[-1]["data"] == {"name": "Rear Admiral"}


def test_change_email_says_the_new_email_the_old_one_and_the_way_back(story: Cli) -> None:
    ran = story("user", "change-email", "2", "hopper@example.com")
    assert ran == Ran(
        0,
        "user 2 e-mail changed: Grace Hopper <hopper@example.com>, was grace@navy.example (event 9)\n"
        "undo: evcli user change-email 2 grace@navy.example\n",
        "",
    )
    assert events_in(story.log)[-1]["data"] == {"email": "hopper@example.com"}


def test_destroy_says_who_and_how_to_bring_them_back_and_keeps_the_reason(story: Cli) -> None:
    ran = story("user", "destroy", "grace@navy.example", "--reason", " retired ")
    assert ran == Ran(
        0, "user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)\nundo: evcli user restore 2\n", ""
    )
    assert events_in(story.log)[-1]["data"] == {"reason": "retired"}


def test_destroy_without_a_reason_stores_none(story: Cli) -> None:
    story.ok("user", "destroy", "2")
    assert events_in(story.log)[-1]["data"] == {}


def test_restore_says_who_is_back(story: Cli) -> None:
    ran = story("user", "restore", "Alan")
    assert ran == Ran(0, "user 3 restored: Alan <alan@example.com> (event 9)\nundo: evcli user destroy 3\n", "")
    assert events_in(story.log)[-1]["data"] == {}


@pytest.mark.parametrize("command", WRITING)
def test_the_way_back_of_every_writing_command_leads_back(story: Cli, command: str) -> None:
    def live() -> list[tuple[Any, ...]]:
        users = json.loads(story.ok("user", "list", "--json").out)
        return [(user["id"], user["name"], user["email"]) for user in users]

    before = live()
    answer = story.ok(*WRITING[command]).out
    assert live() != before
    undo = next(line for line in answer.splitlines() if line.startswith("undo: evcli "))
    story.ok(*shlex.split(undo.removeprefix("undo: evcli ")))
    assert live() == before, f"{undo!r} does not lead back"


def test_the_way_back_names_the_log_when_the_command_did(cli: Cli, tmp_path: Path) -> None:
    other = tmp_path / "other log.jsonl"
    ran = cli(*ADA_WORDS, "--log", str(other))
    assert ran.out.splitlines()[1] == f"undo: evcli --log '{other}' user destroy 1"
    assert (ran.code, ran.err) == (0, "")


# --- whom WHO means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who", ["2", "002", "grace@navy.example", "GRACE@NAVY.EXAMPLE", "Grace Hopper", "grace hopper"]
)
def test_who_is_an_id_an_email_or_a_name_in_any_case(story: Cli, who: str) -> None:
    ran = story("user", "show", who, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["id"] == 2


def test_who_is_found_in_whatever_form_its_accents_were_typed(cli: Cli) -> None:
    cli.ok("user", "create", "Ren\u00e9", "--email", "rene@example.com")
    assert json.loads(cli.ok("user", "show", "rene\u0301", "--json").out)["id"] == 1


@pytest.mark.parametrize("command", ["rename", "change-email", "destroy", "restore", "show"])
def test_an_unknown_name_is_refused_with_the_nearest_ones(story: Cli, command: str, tmp_path: Path) -> None:
    more = {"rename": ["New Name"], "change-email": ["new@example.com"]}.get(command, [])
    with untouched(tmp_path):
        ran = story("user", command, "Grace Hoper", *more)
    fails(ran, 1, 'no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper")


def test_an_unknown_email_is_refused_with_the_nearest_one(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", "ada@exampel.com")
    fails(ran, 1, 'no user "ada@exampel.com" at event 8', "hint: ", "ada@example.com")


def test_the_undo_of_a_name_that_begins_with_a_dash_can_be_typed(cli: Cli) -> None:
    cli.ok("user", "create", "--email", "x@example.com", "--", "-x")
    undo = cli.ok("user", "rename", "1", "Ada").out.splitlines()[1]
    assert undo == "undo: evcli user rename 1 -- -x"
    assert cli.ok(*undo.split()[2:]).out.startswith("user 1 renamed: -x <x@example.com>, was Ada")


def test_a_command_in_a_hint_names_the_log_that_was_asked(story: Cli) -> None:
    log = f"--log={story.log}"
    for words, command in (
        (("show", "Alan", "--at", "2"), f"evcli --log {story.log} log --user 3"),
        (("show", "Grace"), f"evcli --log {story.log} user list --all"),
        (("show", "77"), f"evcli --log {story.log} user list --all"),
        (("destroy", "3"), f"evcli --log {story.log} user restore 3"),
        (("create", "X", "--email", "ada@example.com"), f"evcli --log {story.log} user show 1"),
    ):
        ran = story(log, "user", *words)
        assert (ran.code, command in ran.err) == (1, True), ran.err


@pytest.mark.parametrize("who", ["4", "0", "99999999999999999999", "٢"])
def test_an_unknown_id_is_refused_with_a_hint(story: Cli, who: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", who)
    fails(ran, 1, f'no user "{who}" at event 8', "hint: ")


def test_an_ambiguous_name_is_refused_with_the_candidates(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "create", "GRACE HOPPER", "--email", "other.grace@example.com")
    with untouched(tmp_path):
        ran = story("user", "destroy", "grace hopper")
    fails(ran, 1, "2 Grace Hopper <grace@navy.example>", "4 GRACE HOPPER <other.grace@example.com>", "id")


def test_a_live_user_comes_before_a_destroyed_one_and_for_restore_the_other_way_round(story: Cli) -> None:
    story.ok("user", "create", "Alan", "--email", "alan@example.com")
    assert json.loads(story.ok("user", "show", "Alan", "--json").out)["id"] == 4
    assert json.loads(story.ok("user", "show", "alan@example.com", "--json").out)["id"] == 4
    ran = story("user", "restore", "Alan")
    fails(ran, 1, "user 3", "user 4")  # 3 is meant, and its e-mail now is 4's


def test_a_name_of_digits_or_with_an_at_is_reached_by_id(cli: Cli, tmp_path: Path) -> None:
    cli.ok("user", "create", "42", "--email", "forty-two@example.com")
    cli.ok("user", "create", "me@home", "--email", "home@example.com")
    with untouched(tmp_path):
        fails(cli("user", "show", "42"), 1, 'no user "42"')
        fails(cli("user", "show", "me@home"), 1, 'no user "me@home"')
    assert json.loads(cli.ok("user", "show", "1", "--json").out)["name"] == "42"
    assert json.loads(cli.ok("user", "show", "2", "--json").out)["name"] == "me@home"


# --- what the rules refuse --------------------------------------------------------------------------------------------


def test_destroying_twice_is_refused_saying_by_which_event_it_was_destroyed(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", "3")
    fails(ran, 1, "user 3", "Alan", "destroyed", "event 8", "evcli user restore 3")


@pytest.mark.parametrize(
    "words", [("rename", "3", "New Name"), ("change-email", "3", "new@example.com")], ids=lambda words: words[0]
)
def test_a_destroyed_user_cannot_be_changed(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", *words)
    fails(ran, 1, "user 3", "Alan", "destroyed", "event 8", "evcli user restore 3")


def test_restoring_a_live_user_is_refused(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "restore", "2")
    fails(ran, 1, "user 2", "Grace Hopper", "not destroyed")


def test_a_restore_whose_email_is_taken_names_both_users_and_what_can_be_done(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "create", "Other Alan", "--email", "Alan@example.com")
    with untouched(tmp_path):
        ran = story("user", "restore", "3")
    fails(ran, 1, 'user 3 "Alan"', 'user 4 "Other Alan"', "alan@example.com", "hint: ", "change-email 4", "destroy 4")


def test_changing_to_an_email_that_another_live_user_has_is_refused(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "change-email", "2", "ADA@example.com")
    fails(ran, 1, "ADA@example.com", "taken by user 1", "Ada Lovelace")


def test_only_the_case_of_an_email_may_change(story: Cli) -> None:
    ran = story("user", "change-email", "2", "Grace@Navy.example")
    assert ran.out.startswith(
        "user 2 e-mail changed: Grace Hopper <Grace@Navy.example>, was grace@navy.example (event 9)\n"
    )
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("rename", "2", "Grace Hopper"), "Grace Hopper"),
        (("change-email", "2", "grace@navy.example"), "grace@navy.example"),
    ],
    ids=["rename", "change-email"],
)
def test_saying_what_is_already_so_is_refused(story: Cli, words: tuple[str, ...], value: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", *words)
    fails(ran, 1, "user 2 already has", value)


# --- bad input --------------------------------------------------------------------------------------------------------

BAD_NAMES = {
    "empty": ("", ("empty",)),
    "only spaces": (" \t ", ("empty",)),
    "201 characters": ("x" * 201, ("201", "200")),
    "NUL": ("a\0b", ("character 2", "U+0000")),
    "newline": ("a\nb", ("character 2", "U+000A")),
    "tab": ("ab\tc", ("character 3", "U+0009")),
    "escape": ("\x1b[31mred", ("character 1", "U+001B")),
    "delete": ("ab\x7f", ("character 3", "U+007F")),
    "C1 control": ("a\x9bb", ("character 2", "U+009B")),
    "next line inside": ("a\x85b", ("character 2", "U+0085")),
    "direction override": ("abc\u202edef", ("character 4", "U+202E")),
    "direction isolate": ("a\u2066b", ("character 2", "U+2066")),
    "Arabic letter mark": ("a\u061cb", ("character 2", "U+061C")),
    "zero-width space": ("a\u200bb", ("character 2", "U+200B")),
    "line separator inside": ("a\u2028b", ("character 2", "U+2028")),
    "byte order mark": ("\ufeffa", ("character 1", "U+FEFF")),
    "bytes that are not UTF-8": ("a\udcffb", ("character 2", "UTF-8")),
    "unprintable but not forbidden": ("a\u00adb", ("character 2", "U+00AD")),
}

BAD_EMAILS = {
    "empty": ("", ("empty",)),
    "no at": ("ada.example.com", ("ada.example.com", "@")),
    "two ats": ("a@b@example.com", ("a@b@example.com", "@")),
    "no host": ("ada@", ("ada@",)),
    "no local part": ("@example.com", ("@example.com",)),
    "space": ("a da@example.com", ("character 2", "U+0020")),
    "not ASCII": ("adä@example.com", ("character 3", "U+00E4")),
    "host of 64 characters": ("a@" + "b" * 64, ("b" * 64,)),
    "dash at the host's end": ("a@b-", ("a@b-",)),
    "255 characters": ("a" * 243 + "@example.com", ("255", "254")),
    "escape": ("a\x1b@example.com", ("character 2", "U+001B")),
    "direction override": ("a\u202e@example.com", ("character 2", "U+202E")),
    "bytes that are not UTF-8": ("a\udc80@example.com", ("character 2", "UTF-8")),
}

BAD_REASONS = {
    "empty": ("", ("empty",)),
    "2001 characters": ("x" * 2001, ("2001", "2000")),
    "newline inside": ("a\nb", ("character 2", "U+000A")),
    "escape": ("ab\x1b", ("character 3", "U+001B")),
    "direction override": ("\u202ea", ("character 1", "U+202E")),
}

BAD_IDS = {
    "empty": ("", ("empty",)),
    "129 characters": ("x" * 129, ("129", "128")),
    "newline": ("a\nb", ("character 2", "U+000A")),
    "bytes that are not UTF-8": ("\udcff", ("character 1", "UTF-8")),
}


def _said(text: str) -> str:
    return text.replace(",", "")  # 2,000 and 2000 are both good


@pytest.mark.parametrize("case", BAD_NAMES)
def test_a_bad_name_is_refused_saying_which_character_and_where_and_no_log_appears(
    cli: Cli, case: str, tmp_path: Path
) -> None:
    name, phrases = BAD_NAMES[case]
    with untouched(tmp_path):
        ran = cli("user", "create", "--email", "a@example.com", "--", name)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "the name", *phrases)


@pytest.mark.parametrize("case", BAD_NAMES)
def test_a_bad_new_name_is_refused_and_the_log_stays_as_it_was(story: Cli, case: str, tmp_path: Path) -> None:
    name, phrases = BAD_NAMES[case]
    with untouched(tmp_path):
        ran = story("user", "rename", "--", "2", name)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "the name", *phrases)


@pytest.mark.parametrize("case", BAD_EMAILS)
def test_a_bad_email_is_refused_saying_why_and_no_log_appears(cli: Cli, case: str, tmp_path: Path) -> None:
    email, phrases = BAD_EMAILS[case]
    with untouched(tmp_path):
        ran = cli("user", "create", "Ada", "--email", email)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "the e-mail", *phrases)


@pytest.mark.parametrize("case", BAD_EMAILS)
def test_a_bad_new_email_is_refused_and_the_log_stays_as_it_was(story: Cli, case: str, tmp_path: Path) -> None:
    email, phrases = BAD_EMAILS[case]
    with untouched(tmp_path):
        ran = story("user", "change-email", "--", "2", email)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "the e-mail", *phrases)


@pytest.mark.parametrize("case", BAD_REASONS)
def test_a_bad_reason_is_refused_and_the_log_stays_as_it_was(story: Cli, case: str, tmp_path: Path) -> None:
    reason, phrases = BAD_REASONS[case]
    with untouched(tmp_path):
        ran = story("user", "destroy", "2", "--reason", reason)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "the reason", *phrases)


@pytest.mark.parametrize("case", BAD_IDS)
def test_a_bad_event_id_is_refused_and_no_log_appears(cli: Cli, case: str, tmp_path: Path) -> None:
    id, phrases = BAD_IDS[case]
    with untouched(tmp_path):
        ran = cli(*ADA_WORDS, "--id", id)
    fails(Ran(ran.code, ran.out, _said(ran.err)), 2, "id", *phrases)


@pytest.mark.parametrize(("actor", "phrase"), [("a\x1bb", "U+001B"), ("x" * 129, "129"), ("\udcff", "UTF-8")])
def test_a_bad_actor_is_refused_naming_where_it_comes_from(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, actor: str, phrase: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", actor)
    with untouched(tmp_path):
        ran = cli(*ADA_WORDS)
    fails(ran, 2, "the actor", phrase, "EVCLI_ACTOR")


@pytest.mark.parametrize("command", [name for name in WRITING if name != "user create"])
def test_writing_about_a_user_who_would_have_to_exist_without_a_log_is_10(
    cli: Cli, command: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = cli(*WRITING[command])
    fails(ran, 10, "no log at", str(cli.log), "evcli user create")


# --- --dry-run --------------------------------------------------------------------------------------------------------


def test_a_dry_run_of_the_first_create_prints_the_event_and_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = cli(*ADA_WORDS, "--dry-run")
    assert ran.code == 0
    fields = dict(line.split("\t") for line in ran.out.splitlines())
    assert fields["number"] == "1"
    assert fields["type"] == "user.created"
    assert fields["data.name"] == "Ada"
    assert fields["data.email"] == "ada@example.com"
    assert ran.err == "dry run: nothing was written; this would be\n"


@pytest.mark.parametrize("command", WRITING)
def test_a_dry_run_shows_exactly_the_event_that_the_same_command_then_writes(
    story: Cli, command: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        dry = story(*WRITING[command], "--dry-run", "--json", "--id", "the-id")
    assert dry.code == 0, dry.err
    shown = json.loads(dry.out)
    assert shown["recorded"] is False
    wet = json.loads(story.ok(*WRITING[command], "--json", "--id", "the-id").out)
    assert wet == {**shown, "recorded": True}
    assert events_in(story.log)[-1] == shown["events"][0]


def test_a_dry_run_is_refused_by_the_same_rules(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("user", "destroy", "3", "--dry-run"), 1, "event 8")
        fails(story("user", "create", "X", "--email", "ada@example.com", "--dry-run"), 1, "user 1")
        fails(story("user", "destroy", "2", "--dry-run", "--expect", "7"), 13, "the head is 8:")
        fails(story("user", "destroy", "nobody", "--dry-run"), 1, "nobody")


# --- --expect ---------------------------------------------------------------------------------------------------------


def test_expect_lets_the_event_through_while_the_head_is_still_that(story: Cli) -> None:
    head = story.ok("head").out.strip()
    ran = story("user", "rename", "2", "Grace H.", "--expect", "8")
    assert (ran.code, ran.err) == (0, "")
    fails(story("user", "rename", "2", "Grace", "--expect", head), 13, "the head is 9:")
    ran = story("user", "rename", "2", "Grace", "--expect", story.ok("head").out.strip())
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("command", WRITING)
def test_a_head_that_moved_on_is_a_conflict_and_nothing_is_written(story: Cli, command: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story(*WRITING[command], "--expect", "7")
    fails(ran, 13, "the head is 8:", "not 7", "nothing was written", "evcli log --since 7")


def test_the_right_number_with_another_hash_is_a_conflict(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", "2", "--expect", "8:" + "0" * 64)
    fails(ran, 13, "the head is 8:", "nothing was written")


def test_expect_0_begins_a_log_and_expect_1_does_not(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli(*ADA_WORDS, "--expect", "1"), 13, "nothing was written")
    assert cli(*ADA_WORDS, "--expect", "0").code == 0


@pytest.mark.parametrize("head", ["x", "", "-1", "8:", "8:abc", "٨", "8 8", "1" * 13])
def test_a_head_that_cannot_be_read_is_wrong_usage(story: Cli, head: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", "2", "--expect", head)
    fails(ran, 2, "--expect", head)


# --- --id -------------------------------------------------------------------------------------------------------------


def test_the_same_command_sent_twice_with_one_id_is_recorded_once(cli: Cli, tmp_path: Path) -> None:
    cli.ok(*ADA_WORDS, "--id", "order-66")
    assert events_in(cli.log)[0]["id"] == "order-66"
    cli.clock.advance(days=1)
    with untouched(tmp_path):
        ran = cli(*ADA_WORDS, "--id", "order-66")
    assert ran == Ran(0, "already recorded as event 1\n", "")


@pytest.mark.parametrize("command", WRITING)
def test_a_repeated_id_answers_with_the_event_that_is_stored_whatever_happened_since(
    story: Cli, command: str, tmp_path: Path
) -> None:
    first = json.loads(story.ok(*WRITING[command], "--id", "once", "--json").out)
    story.ok("user", "create", "Later", "--email", "later@example.com")
    with untouched(tmp_path):
        ran = story(*WRITING[command], "--id", "once", "--json", "--expect", "8")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {**first, "recorded": False}


def test_an_id_is_looked_at_before_who_and_the_rules(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "destroy", "Grace Hopper", "--id", "bye")
    story.ok("user", "create", "Grace Hopper", "--email", "new.grace@example.com")
    with untouched(tmp_path):
        ran = story("user", "destroy", "Grace Hopper", "--id", "bye")
    assert ran == Ran(0, "already recorded as event 9\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ("user", "create", "Adam", "--email", "ada@example.com"),
        ("user", "create", "Ada", "--email", "adam@example.com"),
        ("user", "rename", "1", "Ada"),
        ("user", "destroy", "1"),
    ],
    ids=" ".join,
)
def test_an_id_that_another_event_has_is_a_conflict(cli: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    cli.ok(*ADA_WORDS, "--id", "taken")
    with untouched(tmp_path):
        ran = cli(*words, "--id", "taken")
    fails(ran, 13, "taken", "event 1", "user.created", "nothing was written")


def test_an_id_whose_event_is_about_another_user_is_a_conflict(story: Cli, tmp_path: Path) -> None:
    story.ok("user", "destroy", "1", "--id", "bye")
    with untouched(tmp_path):
        ran = story("user", "destroy", "2", "--id", "bye")
    fails(ran, 13, "bye", "event 9", "nothing was written")


def test_a_dry_run_with_an_id_that_is_recorded_says_so(cli: Cli, tmp_path: Path) -> None:
    cli.ok(*ADA_WORDS, "--id", "once")
    with untouched(tmp_path):
        ran = cli(*ADA_WORDS, "--id", "once", "--dry-run")
    assert (ran.code, ran.out) == (0, "already recorded as event 1\n")


# --- --lock-wait ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", WRITING)
def test_a_lock_that_another_writer_keeps_is_busy_and_nothing_is_written(
    story: Cli, command: str, tmp_path: Path
) -> None:
    with story.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with untouched(tmp_path):
            ran = story(*WRITING[command], "--lock-wait", "0")
    fails(ran, 11, str(story.log), "locked", "nothing was written", "--lock-wait")


@pytest.mark.parametrize("words", [("user", "list"), ("log",), ("state",), ("verify",), ("head",)], ids=" ".join)
def test_reading_does_not_wait_for_a_writer(story: Cli, words: tuple[str, ...]) -> None:
    with story.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert story(*words).code == 0


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan"])
def test_a_wait_that_is_no_time_is_wrong_usage(story: Cli, seconds: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "destroy", "2", f"--lock-wait={seconds}")
    fails(ran, 2, "--lock-wait", seconds)


# --- clock and actor --------------------------------------------------------------------------------------------------


def test_a_clock_that_went_back_is_told_and_keeps_recorded_moments_in_order(story: Cli) -> None:
    story.clock.advance(hours=-10)
    ran = story("user", "rename", "2", "Grace")
    assert ran.code == 0
    assert ran.out.startswith("user 2 renamed: Grace <grace@navy.example>, was Grace Hopper (event 9)\n")
    assert ran.err.startswith("warning: ")
    assert "9:00:00" in ran.err
    event = events_in(story.log)[-1]
    assert event["time"] == "2026-03-01T07:00:00.000000Z"
    assert event["recordedtime"] == "2026-03-01T16:00:00.000000Z"


def test_warnings_are_not_silenced_by_q(story: Cli) -> None:
    story.clock.advance(hours=-10)
    ran = story("user", "rename", "2", "Grace", "-q")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("warning: ")


def test_the_actor_is_who_evcli_actor_names(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", "Béa Ops")
    cli.ok(*ADA_WORDS)
    assert events_in(cli.log)[0]["authid"] == "Béa Ops"


def test_without_evcli_actor_the_actor_is_the_user_of_the_system(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVCLI_ACTOR")
    cli.ok(*ADA_WORDS)
    assert events_in(cli.log)[0]["authid"] == pwd.getpwuid(os.geteuid()).pw_name


# --- list -------------------------------------------------------------------------------------------------------------


def test_list_shows_live_users_in_order_of_id(story: Cli) -> None:
    assert story("user", "list") == Ran(
        0, "1\tAda Lovelace\tada@example.com\t1\t6\t\n2\tGrace Hopper\tgrace@navy.example\t2\t4\t\n", ""
    )


def test_list_all_shows_destroyed_users_too(story: Cli) -> None:
    ran = story("user", "list", "--all", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == [ADA, GRACE, ALAN]


@pytest.mark.parametrize(
    ("text", "ids"), [("HOPPER", [2]), ("example.com", [1]), ("ALAN", []), ("e", [1, 2]), ("zzz", []), ("", [1, 2])]
)
def test_list_match_looks_into_name_and_email_in_any_case(story: Cli, text: str, ids: list[int]) -> None:
    ran = story("user", "list", "--match", text, "--json", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert [user["id"] for user in json.loads(ran.out)] == ids


@pytest.mark.parametrize(("limit", "ids"), [("1", [1]), ("2", [1, 2]), ("9", [1, 2, 3]), ("0", [1, 2, 3])])
def test_list_n_shows_that_many_and_0_all(story: Cli, limit: str, ids: list[int]) -> None:
    ran = story("user", "list", "--all", "-n", limit, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [user["id"] for user in json.loads(ran.out)] == ids


def test_list_match_all_and_n_work_together_n_counting_what_matches(story: Cli) -> None:
    ran = story("user", "list", "--all", "--match", "a", "-n", "3", "--at", "7", "--json")
    assert [user["name"] for user in json.loads(ran.out)] == ["Ada Lovelace", "Grace Hopper", "Alan"]
    ran = story("user", "list", "--all", "--match", "alan", "-n", "1", "--json")
    assert [user["name"] for user in json.loads(ran.out)] == ["Alan"]


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (0, []),
        (1, ["Ada Lovelace"]),
        (2, ["Ada Lovelace", "Grace"]),
        (3, ["Ada Lovelace", "Grace Hopper"]),
        (4, ["Ada Lovelace", "Grace Hopper"]),
        (5, ["Grace Hopper"]),
        (6, ["Ada Lovelace", "Grace Hopper"]),
        (7, ["Ada Lovelace", "Grace Hopper", "Alan"]),
        (8, ["Ada Lovelace", "Grace Hopper"]),
    ],
)
def test_list_at_shows_who_was_live_after_that_event(story: Cli, number: int, names: list[str]) -> None:
    ran = story("user", "list", "--at", str(number), "--json", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert [user["name"] for user in json.loads(ran.out)] == names


def test_an_empty_list_is_done_too_and_says_so_on_stderr(story: Cli) -> None:
    assert story("user", "list", "--match", "zzz") == Ran(0, "", "no users match at event 8\n")
    assert story("user", "list", "--at", "0") == Ran(0, "", "no users at event 0\n")
    assert story("user", "list", "--match", "zzz", "-q") == Ran(0, "", "")


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_tells_one_user_and_the_events_about_it(story: Cli) -> None:
    assert story("user", "show", "ada@example.com") == Ran(
        0,
        "id\t1\nname\tAda Lovelace\nemail\tada@example.com\ncreated\t1\nchanged\t6\ndestroyed\t\n"
        "event 1\t2026-03-01 09:00:00 user.created by ann (name: Ada Lovelace, email: ada@example.com)\n"
        "event 5\t2026-03-01 13:00:00 user.destroyed by ann (reason: left the company)\n"
        "event 6\t2026-03-01 14:00:00 user.restored by ann\n",
        "",
    )


def test_show_at_tells_the_user_and_the_events_up_to_that_moment(story: Cli) -> None:
    ran = story("user", "show", "1", "--at", "5", "--json")
    assert (ran.code, ran.err) == (0, "")
    user = json.loads(ran.out)
    assert user["events"] == [event for event in events_in(story.log)[:5] if event["subject"] == "user/1"]
    assert {**user, "events": None} == {**ADA, "changed": 5, "destroyed": 5, "events": None}


def test_show_finds_a_user_by_what_it_was_called_then(story: Cli) -> None:
    ran = story("user", "show", "grace@example.com", "--at", "3", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["id"] == 2


def test_showing_a_user_who_came_later_says_by_which_event(story: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("user", "show", "Alan", "--at", "5")
    fails(ran, 1, 'no user "Alan" at event 5', "created by event 7", "--at 7", "evcli log --user")


def test_show_tells_the_resolved_moment_on_stderr_when_it_was_no_number(story: Cli) -> None:
    ran = story("user", "show", "2", "--at", "@-5")
    assert ran.code == 0
    assert ran.err == "as of event 3 (2026-03-01 11:00:00)\n"


# --- -q and the forms of an answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", WRITING)
def test_q_silences_the_sentence_but_not_the_event(story: Cli, command: str) -> None:
    before = len(events_in(story.log))
    assert story(*WRITING[command], "-q") == Ran(0, "", "")
    assert len(events_in(story.log)) == before + 1


@pytest.mark.parametrize("command", WRITING)
def test_q_leaves_the_json_answer(story: Cli, command: str) -> None:
    ran = story(*WRITING[command], "-q", "--json")
    assert (ran.code, ran.err) == (0, "")
    (answer,) = documents(ran.out)
    assert answer["recorded"] is True
    assert answer["events"] == [events_in(story.log)[-1]]


def test_a_torn_tail_is_put_aside_and_told_before_the_next_event(story: Cli, tmp_path: Path) -> None:
    good = story.log.read_bytes()
    with story.log.open("ab") as log:
        log.write(b'{"specversion":"1.0","id":"half')
    ran = story("user", "destroy", "2")
    assert ran.code == 0
    assert ran.out.startswith("user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)\n")
    (copy,) = [path for path in tmp_path.iterdir() if "torn" in path.name]
    assert ran.err.startswith("warning: ")
    assert str(copy) in ran.err
    assert copy.read_bytes() == b'{"specversion":"1.0","id":"half'
    assert story.log.read_bytes().startswith(good)
    assert len(events_in(story.log)) == 9
