"""`evcli user …`: each command and option, what it prints and stores, and how a refusal is worded."""

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

from cli.support import ADA, WRITING, documents, events_in, fails, in_json, refuses, untouched

CREATE = ("user", "create", "Ada", "--email", "ada@example.com")
"""The first user of many of these tests."""

ABOUT_A_USER = [name for name in WRITING if name != "user create"]


# --- what is accepted -------------------------------------------------------------------------------------------------

ACCEPTED: dict[str, tuple[str, str, dict[str, str]]] = {
    # the command after the story: its sentence, its undo, the data that it stores
    "create '  Rene\u0301 ' --email ' rene@example.com '": (
        "user 4 created: René <rene@example.com> (event 9)",
        "destroy 4",
        {"name": "Ren\u00e9", "email": "rene@example.com"},
    ),
    "rename 2 'Rear Admiral'": (
        "user 2 renamed: Rear Admiral <grace@navy.example>, was Grace Hopper (event 9)",
        "rename 2 'Grace Hopper'",
        {"name": "Rear Admiral"},
    ),
    "change-email 2 hopper@example.com": (
        "user 2 e-mail changed: Grace Hopper <hopper@example.com>, was grace@navy.example (event 9)",
        "change-email 2 grace@navy.example",
        {"email": "hopper@example.com"},
    ),
    "destroy grace@navy.example --reason ' retired '": (
        "user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)",
        "restore 2",
        {"reason": "retired"},
    ),
    "destroy 2": ("user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)", "restore 2", {}),
    "restore Alan": ("user 3 restored: Alan <alan@example.com> (event 9)", "destroy 3", {}),
}


@pytest.mark.parametrize("line", ACCEPTED)
def test_command_says_what_happened_and_how_to_undo_it(story: Cli, line: str) -> None:
    sentence, undo, data = ACCEPTED[line]
    assert story("user", *shlex.split(line)) == Ran(0, f"{sentence}\nundo: evcli user {undo}\n", "")
    assert events_in(story.log)[-1]["data"] == data


def test_create_stores_one_event_in_a_private_log(cli: Cli) -> None:
    cli.ok(*CREATE)
    (event,) = events_in(cli.log)
    assert len(event.pop("sha256")) == 64
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
        "data": {"name": "Ada", "email": "ada@example.com"},
    }
    assert stat.S_IMODE(cli.log.stat().st_mode) == 0o600


@pytest.mark.parametrize("command", WRITING)
def test_undo_line_leads_back(story: Cli, command: str) -> None:
    def live() -> list[tuple[Any, ...]]:
        return [(user["id"], user["name"], user["email"]) for user in in_json(story, "user", "list")]

    before = live()
    undo = story.ok(*WRITING[command]).out.splitlines()[1]
    assert live() != before
    story.ok(*shlex.split(undo)[2:])
    assert live() == before, f"{undo!r} does not lead back"


def test_undo_of_a_name_that_begins_with_a_dash_can_be_typed(cli: Cli) -> None:
    cli.ok("user", "create", "--email", "x@example.com", "--", "-x")
    undo = cli.ok("user", "rename", "1", "Ada").out.splitlines()[1]
    assert undo == "undo: evcli user rename 1 -- -x"
    assert cli.ok(*undo.split()[2:]).out.startswith("user 1 renamed: -x <x@example.com>, was Ada")


def test_undo_names_the_log_when_the_command_did(cli: Cli, tmp_path: Path) -> None:
    other = tmp_path / "new folder" / "other log.jsonl"
    other.parent.mkdir()
    ran = cli(*CREATE, "--log", str(other))
    assert (ran.code, ran.err) == (0, f"began a new log at {other}\n")
    assert ran.out.splitlines()[1] == f"undo: evcli --log '{other}' user destroy 1"
    assert len(events_in(other)) == 1


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("show Alan --at 2", "log --user 3"),
        ("show Kurt", "user list --all"),
        ("show 77", "user list --all"),
        ("destroy 3", "user restore 3"),
        ("create X --email ada@example.com", "user show 1"),
    ],
)
def test_hint_names_the_log_when_the_command_did(story: Cli, line: str, command: str) -> None:
    ran = story(f"--log={story.log}", "user", *line.split())
    fails(ran, 1, "hint: ", f"evcli --log {story.log} {command}")


def test_note_after_an_answer_names_the_log_when_the_command_did(story: Cli) -> None:
    kept = story.ok("head", "--keep", "Q1", f"--log={story.log}").err
    assert f"evcli --log {story.log} verify checks it" in kept
    read = story.ok("verify", f"--log={story.log}").err
    assert f"evcli --log {story.log} verify --against FILE (evcli help evidence)" in read
    assert "evcli verify --against FILE" in story.ok("verify").err


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, ...]] = {
    # the commands after the story, of which the last is refused: what is said
    "rename 'Grace Hoper' New": ('no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper"),
    "change-email 'Grace Hoper' new@example.com": ('no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper"),
    "destroy 'Grace Hoper'": ('no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper"),
    "restore 'Grace Hoper'": ('no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper"),
    "show 'Grace Hoper'": ('no user "Grace Hoper" at event 8', "hint: ", "Grace Hopper"),
    "show Alan --at 5": ('no user "Alan" at event 5', "created by event 7", "--at 7", "evcli log --user"),
    "destroy ada@exampel.com": ('no user "ada@exampel.com" at event 8', "hint: ", "ada@example.com"),
    "destroy 4": ('no user "4" at event 8', "hint: "),
    "destroy ٢": ('no user "٢" at event 8', "hint: "),
    "create Somebody --email GRACE@Navy.example": ("GRACE@Navy.example", "taken by user 2", "Grace Hopper"),
    "change-email 2 ADA@example.com": ("ADA@example.com", "taken by user 1", "Ada Lovelace"),
    "change-email 2 grace@navy.example": ("user 2 already has", "grace@navy.example"),
    "rename 2 'Grace Hopper'": ("user 2 already has", "Grace Hopper"),
    "rename 3 New": ("user 3", "Alan", "destroyed", "event 8", "evcli user restore 3"),
    "change-email 3 new@example.com": ("user 3", "Alan", "destroyed", "event 8", "evcli user restore 3"),
    "destroy 3": ("user 3", "Alan", "destroyed", "event 8", "evcli user restore 3"),
    "restore 2": ("user 2", "Grace Hopper", "not destroyed"),
    "create 'GRACE HOPPER' --email other@example.com; destroy 'grace hopper'": (
        "2 Grace Hopper <grace@navy.example>", "4 GRACE HOPPER <other@example.com>", "id",
    ),
    "create 'Other Alan' --email Alan@example.com; restore 3": (
        'user 3 "Alan"', 'user 4 "Other Alan"', "alan@example.com", "hint: ", "change-email 4", "destroy 4",
    ),
    # of two users called Alan, a restore means the destroyed one
    "create Alan --email alan@example.com; restore Alan": ("user 3", "user 4"),
}  # fmt: skip


@pytest.mark.parametrize("lines", REFUSED)
def test_refusal_is_1_with_its_reason_and_a_hint(story: Cli, lines: str) -> None:
    *before, line = lines.split("; ")
    for each in before:
        story.ok("user", *shlex.split(each))
    for dry_run in ((), ("--dry-run",)) if not line.startswith("show") else ((),):
        refuses(story, ("user", *shlex.split(line), *dry_run), 1, *REFUSED[lines])


BAD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "name of create": (("create", "a\x85b", "--email", "a@example.com"), ("the name", "character 2", "U+0085")),
    "empty name": (("create", " \t ", "--email", "a@example.com"), ("the name", "empty")),
    "long name": (("create", "x" * 201, "--email", "a@example.com"), ("the name", "201", "200")),
    "name of rename": (("rename", "2", "a\udcffb"), ("the name", "character 2", "UTF-8")),
    "e-mail of create": (("create", "Ada", "--email", "a@b@example.com"), ("the e-mail", "a@b@example.com", "@")),
    "e-mail of change-email": (("change-email", "2", "adä@example.com"), ("the e-mail", "character 3", "U+00E4")),
    "empty id": (("destroy", "2", "--id", ""), ("id", "empty")),
    "long id": (("destroy", "2", "--id", "x" * 129), ("id", "129", "128")),
    "newline in an id": (("destroy", "2", "--id", "a\nb"), ("id", "character 2", "U+000A")),
    "bytes in an id": (("destroy", "2", "--id", "\udcff"), ("id", "character 1", "UTF-8")),
    **{f"--expect {head}": (("destroy", "2", "--expect", head), ("--expect", head))
       for head in ("x", "", "-1", "8:", "8:abc", "٨", "8 8", "1" * 13)},
    **{f"--lock-wait {seconds}": (("destroy", "2", f"--lock-wait={seconds}"), ("--lock-wait", seconds))
       for seconds in ("-1", "soon", "nan")},
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_value_is_2_and_says_what_is_wrong_with_it(story: Cli, case: str) -> None:
    words, phrases = BAD[case]
    refuses(story, ("user", *words), 2, *phrases)


def test_bad_value_of_the_first_create_makes_no_log(cli: Cli) -> None:
    refuses(cli, ("user", "create", "", "--email", "a@example.com"), 2, "the name", "empty")
    refuses(cli, (*CREATE, "--id", ""), 2, "id", "empty")
    refuses(cli, (*CREATE, "--expect", "1"), 13, "nothing was written")


@pytest.mark.parametrize("command", ABOUT_A_USER)
def test_writing_about_a_user_without_a_log_is_10(cli: Cli, command: str) -> None:
    refuses(cli, WRITING[command], 10, "no log at", str(cli.log), "evcli user create")


# --- whom WHO means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["2", "002", "GRACE@NAVY.EXAMPLE", "grace hopper"])
def test_who_is_an_id_an_email_or_a_name(story: Cli, who: str) -> None:
    assert in_json(story, "user", "show", who)["id"] == 2


# --- --dry-run --------------------------------------------------------------------------------------------------------


def test_dry_run_of_the_first_create_makes_no_file(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = cli(*CREATE, "--dry-run")
    fields = dict(line.split("\t") for line in ran.out.splitlines())
    assert [fields[name] for name in ("number", "type", "data.name", "data.email")] == [
        "1", "user.created", "Ada", "ada@example.com",
    ]  # fmt: skip
    assert (ran.code, ran.err) == (0, f"dry run: nothing was written; this would begin a new log at {cli.log}\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("create Kurt --email kurt@example.com", ["user 4 created: Kurt <kurt@example.com>"]),
        ("rename 2 'Amazing Grace'", ['user 2: name "Grace Hopper" → "Amazing Grace"']),
        (
            "change-email ada@example.com a@example.com",
            ['user 1 "Ada Lovelace": e-mail "ada@example.com" → "a@example.com"'],
        ),
        (
            "destroy 2 1",
            ["user 2 destroyed: Grace Hopper <grace@navy.example>", "user 1 destroyed: Ada Lovelace <ada@example.com>"],
        ),
        ("restore 3", ["user 3 restored: Alan <alan@example.com>"]),
    ],
)
def test_dry_run_says_whom_and_what_it_would_change(story: Cli, line: str, said: list[str]) -> None:
    words = ("user", *shlex.split(line), "--dry-run")
    ran = story.ok(*words)
    assert ran.err == "dry run: nothing was written; this would be\n"
    told = [row.split("\t") for row in ran.out.splitlines()]
    assert [row[1] for row in told if row[0] == "change"] == said


@pytest.mark.parametrize("command", WRITING)
def test_answer_as_json_has_the_user_before_and_after(story: Cli, command: str) -> None:
    document = in_json(story, *WRITING[command])
    shown = in_json(story, "show")
    assert (document["before"], document["users"]) == ([shown["before"]], [shown["after"]])


@pytest.mark.parametrize("command", WRITING)
def test_dry_run_shows_the_event_that_is_then_written(story: Cli, command: str, tmp_path: Path) -> None:
    words = (*WRITING[command], "--id", "the-id")
    with untouched(tmp_path):
        shown = in_json(story, *words, "--dry-run")
    assert shown["recorded"] is False
    assert in_json(story, *words) == {**shown, "recorded": True}
    assert events_in(story.log)[-1] == shown["events"][0]


# --- --expect, --id and --lock-wait -----------------------------------------------------------------------------------


def test_expected_head_may_be_a_number_or_have_its_hash(story: Cli) -> None:
    head = story.ok("head").out.strip()
    assert story("user", "rename", "2", "Grace H.", "--expect", "8").code == 0
    fails(story("user", "rename", "2", "Grace", "--expect", head), 13, "the head is 9:")
    assert story("user", "rename", "2", "Grace", "--expect", story.ok("head").out.strip()).code == 0


@pytest.mark.parametrize("command", WRITING)
def test_head_that_moved_on_is_13(story: Cli, command: str) -> None:
    for dry_run in ((), ("--dry-run",)):
        words = (*WRITING[command], "--expect", "7", *dry_run)
        refuses(story, words, 13, "the head is 8:", "not 7", "nothing was written", "evcli log --since 7")


@pytest.mark.parametrize("command", WRITING)
def test_repeated_id_answers_with_the_stored_event(story: Cli, command: str, tmp_path: Path) -> None:
    words = (*WRITING[command], "--id", "order-66")
    first = in_json(story, *words)
    assert first["events"][0]["id"] == "order-66"
    story.ok("user", "create", "Later", "--email", "later@example.com")
    with untouched(tmp_path):
        assert in_json(story, *words, "--expect", "8") == {**first, "recorded": False}
        for more in ((), ("--dry-run",)):
            assert story(*words, *more) == Ran(0, "already recorded as event 9\n", "")


def test_id_of_another_event_is_13(story: Cli) -> None:
    refuses(story, ("user", "destroy", "1", "--id", "event-1"), 13, "event-1", "event 1", "user.created", "nothing was")


@pytest.mark.parametrize("command", WRITING)
def test_lock_that_another_writer_keeps_is_11(story: Cli, command: str) -> None:
    with story.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        words = (*WRITING[command], "--lock-wait", "0")
        refuses(story, words, 11, f"{story.log} is locked", "waited 0 s; nothing was written", "--lock-wait")


@pytest.mark.parametrize("words", [("user", "list"), ("log",), ("state",), ("verify",), ("head",)], ids=" ".join)
def test_reading_waits_for_no_writer(story: Cli, words: tuple[str, ...]) -> None:
    with story.log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        story.ok(*words)


# --- clock, actor, crash ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["", "-q"])
def test_clock_that_went_back_is_a_warning(story: Cli, quiet: tuple[str, ...]) -> None:
    story.clock.advance(hours=-10)
    ran = story("user", "rename", "2", "Grace", *quiet)
    assert (ran.code, ran.out.partition("\n")[0]) == (
        0, "" if quiet else "user 2 renamed: Grace <grace@navy.example>, was Grace Hopper (event 9)",
    )  # fmt: skip
    assert ran.err.startswith("warning: ")
    assert "9:00:00" in ran.err
    event = events_in(story.log)[-1]
    assert (event["time"], event["recordedtime"]) == ("2026-03-01T07:00:00.000000Z", "2026-03-01T16:00:00.000000Z")


@pytest.mark.parametrize("actor", ["Béa Ops", None])
def test_actor_is_evcli_actor_or_the_user_of_the_system(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, actor: str | None
) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", actor) if actor else monkeypatch.delenv("EVCLI_ACTOR")
    cli.ok(*CREATE)
    assert events_in(cli.log)[0]["authid"] == (actor or pwd.getpwuid(os.geteuid()).pw_name)


def test_torn_tail_is_put_aside_with_a_warning(story: Cli, tmp_path: Path) -> None:
    good, half = story.log.read_bytes(), b'{"specversion":"1.0","id":"half'
    story.log.write_bytes(good + half)
    ran = story("user", "destroy", "2")
    assert ran.code == 0
    assert ran.out.startswith("user 2 destroyed: Grace Hopper <grace@navy.example> (event 9)\n")
    (copy,) = [path for path in tmp_path.iterdir() if "torn" in path.name]
    assert ran.err.startswith("warning: ")
    assert str(copy) in ran.err
    assert copy.read_bytes() == half
    assert story.log.read_bytes().startswith(good)
    assert len(events_in(story.log)) == 9


# --- list -------------------------------------------------------------------------------------------------------------


def test_list_shows_live_users_in_order_of_id(story: Cli) -> None:
    assert story("user", "list") == Ran(
        0, "1\tAda Lovelace\tada@example.com\t1\t6\t\n2\tGrace Hopper\tgrace@navy.example\t2\t4\t\n", ""
    )


LISTS = {
    "--all": ["Ada Lovelace", "Grace Hopper", "Alan"],
    "--match HOPPER": ["Grace Hopper"],
    "--match example.com": ["Ada Lovelace"],
    "--match ALAN": [],
    "--match e": ["Ada Lovelace", "Grace Hopper"],
    "--match zzz": [],
    "--match ''": ["Ada Lovelace", "Grace Hopper"],
    "--all -n 1": ["Ada Lovelace"],
    "--all -n 2": ["Ada Lovelace", "Grace Hopper"],
    "--all -n 9": ["Ada Lovelace", "Grace Hopper", "Alan"],
    "--all -n 0": ["Ada Lovelace", "Grace Hopper", "Alan"],
    "--all -n 1 --match alan": ["Alan"],
    "--all -n 3 --match a --at 7": ["Ada Lovelace", "Grace Hopper", "Alan"],
    "--at 0": [],
    "--at 2": ["Ada Lovelace", "Grace"],
    "--at 5": ["Grace Hopper"],
    "--at 7": ["Ada Lovelace", "Grace Hopper", "Alan"],
}


@pytest.mark.parametrize("options", LISTS)
def test_list_shows_the_users_that_its_options_ask_for(story: Cli, options: str) -> None:
    assert [user["name"] for user in in_json(story, "user", "list", *shlex.split(options))] == LISTS[options]


def test_empty_list_is_0_and_says_so_on_stderr(story: Cli) -> None:
    assert story("user", "list", "--match", "zzz") == Ran(0, "", "no users match at event 8\n")
    assert story("user", "list", "--at", "0") == Ran(0, "", "no users at event 0\n")
    assert story("user", "list", "--match", "zzz", "-q") == Ran(0, "", "")


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_tells_one_user_and_its_events(story: Cli) -> None:
    assert story("user", "show", "ada@example.com") == Ran(
        0,
        "id\t1\nname\tAda Lovelace\nemail\tada@example.com\ncreated\t1\nchanged\t6\ndestroyed\t\n"
        "event 1\t2026-03-01 09:00:00+00:00 user.created by ann (name: Ada Lovelace, email: ada@example.com)\n"
        "event 5\t2026-03-01 13:00:00+00:00 user.destroyed by ann (reason: left the company)\n"
        "event 6\t2026-03-01 14:00:00+00:00 user.restored by ann\n",
        "",
    )


def test_show_at_a_moment_tells_the_user_as_it_was_then(story: Cli) -> None:
    user = in_json(story, "user", "show", "1", "--at", "5")
    assert user.pop("events") == [event for event in events_in(story.log)[:5] if event["subject"] == "user/1"]
    assert user == {**ADA, "changed": 5, "destroyed": 5}
    assert in_json(story, "user", "show", "grace@example.com", "--at", "3")["id"] == 2, "found by its e-mail of then"
    assert story("user", "show", "2", "--at", "@-5").err == "as of @-5: event 3, of 2026-03-01 11:00:00+00:00\n"


# --- -q ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", WRITING)
def test_q_silences_the_sentence_but_neither_event_nor_json(story: Cli, command: str) -> None:
    log = story.log.read_bytes()
    assert story(*WRITING[command], "-q") == Ran(0, "", "")
    assert len(events_in(story.log)) == 9
    story.log.write_bytes(log)
    ran = story(*WRITING[command], "-q", "--json")
    (answer,) = documents(ran.out)
    assert (ran.code, ran.err, answer["recorded"]) == (0, "", True)
    assert answer["events"] == [events_in(story.log)[-1]]


def test_a_new_log_is_not_begun_in_silence(cli: Cli) -> None:
    """It may be at a mistyped path, or where a rotation moved the old one away, perhaps leaving an empty file."""
    assert cli.ok(*CREATE, "--dry-run").err.count("began") == 0
    cli.log.touch(0o600)
    ran = cli.ok(*CREATE, "--json")
    assert json.loads(ran.out)["began"] is True
    assert f"began a new log at {cli.log}" in ran.err
    ran = cli.ok("user", "destroy", "1", "--json")
    assert (json.loads(ran.out)["began"], ran.err) == (False, "")
