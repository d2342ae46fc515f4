"""`evcli sync`: the plan and its forms, what is refused, and what the log keeps of a list."""

import errno
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from support.caches import cache_every_log
from support.calls import signal_after_each_append
from support.registers import create, register_at

from cli.support import documents, events_in, fails, in_json, refuses, run_shell, untouched
from evcli.domain import overlay
from evcli.domain.state import State
from evcli.errors import OutcomeUnknown
from evcli.log.file.engine import FileLog
from evcli.register import decide
from evcli.sync import finding, lists, reading, run
from evcli.sync.means import Means
from evcli.sync.run import Sync
from evcli.transfer import run as importing

Listed = Callable[..., str]

FOUR = ("Ada,ada@example.com", "Bo,bo@example.com", "Cy,cy@example.com", "Di,di@example.com")


@pytest.fixture
def four(cli: Cli, listed: Listed) -> Cli:
    """Four users of a list called jan.csv."""
    cli.ok("sync", listed(*FOUR, name="jan.csv"))
    return cli


def people(cli: Cli) -> list[str]:
    return [f"{user['name']},{user['email']}" for user in in_json(cli, "user", "list")]


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_list_creates_changes_restores_and_destroys(four: Cli, listed: Listed) -> None:
    four.ok("user", "destroy", "4")
    file = listed("Ada King,ada@example.com", "Bo,BO@example.com", "Di Smith,di@example.com", "Eve,eve@example.com")
    ran = four.ok("sync", file)
    assert ran.out == (
        "synced people.csv: created 1, renamed 2, e-mail changed 1, destroyed 1, restored 1 (events 6 to 11)\n"
    )
    assert people(four) == [
        "Ada King,ada@example.com", "Bo,BO@example.com", "Di Smith,di@example.com", "Eve,eve@example.com",
    ]  # fmt: skip
    assert [event["type"] for event in events_in(four.log)[5:]] == [
        "user.destroyed", "user.renamed", "user.email-changed", "user.restored", "user.renamed", "user.created",
    ]  # fmt: skip
    assert {event["batch"] for event in events_in(four.log)[5:]} == {"6-11"}
    with untouched(four.log.parent):
        assert four.ok("sync", file).out == "up to date: the register has the 4 users of people.csv\n"
        assert four.ok("sync", file, "--dry-run").err == (
            "dry run: there is nothing to write\nup to date: the register has the 4 users of people.csv\n"
        )


def test_dry_run_shows_the_plan_in_every_form_and_writes_nothing(four: Cli, listed: Listed) -> None:
    file = listed("Bo,bo@example.com", "Ada,ada@example.com", "Cyd,cy@example.com", "Eve,eve@example.com")
    with untouched(four.log.parent):
        table = four.ok("sync", file, "--dry-run", "--format", "table")
        csv = four.ok("sync", file, "--dry-run", "--format", "csv")
        plain = four.ok("sync", file, "--dry-run")
        told = in_json(four, "sync", file, "--dry-run")
    assert table.out.splitlines() == [
        "created 1, renamed 1, destroyed 1, after event 4",
        "line  action   id  name  email            was",
        "─────────────────────────────────────────────",
        "      destroy  4   Di    di@example.com",
        "4     rename   3   Cyd   cy@example.com   Cy",
        "5     create   5   Eve   eve@example.com",
    ]
    assert csv.out == (
        "line,action,id,name,email,was\r\n,destroy,4,Di,di@example.com,\r\n"
        "4,rename,3,Cyd,cy@example.com,Cy\r\n5,create,5,Eve,eve@example.com,\r\n"
    )
    assert plain.out.splitlines()[1] == "4\trename\t3\tCyd\tcy@example.com\tCy"
    assert (
        plain.err
        == "dry run: nothing was written; this is the plan\ncreated 1, renamed 1, destroyed 1, after event 4\n"
    )
    bytes = Path(file).read_bytes()
    assert told | {"plan": 0} == {
        "list": "people.csv", "sha256": sha256(bytes).hexdigest(),
        "correlation": f"list:people.csv:{sha256(bytes).hexdigest()[:16]}",
        "head": four.ok("head").out.strip(),
        "rows": 4, "unchanged": 2, "kept": 0, "events": 3, "first": None, "last": None,
        "counts": {"create": 1, "rename": 1, "destroy": 1}, "recorded": False, "began": False, "plan": 0,
    }  # fmt: skip
    before = {"id": 3, "name": "Cy", "email": "cy@example.com", "created": 3, "changed": 3, "destroyed": None}
    assert told["plan"][1] == {
        "action": "rename", "type": "user.renamed", "line": 4, "id": 3,
        "data": {"name": "Cyd", "reason": "on the list people.csv"},
        "before": before, "after": before | {"name": "Cyd", "changed": 6},
    }  # fmt: skip
    assert [(each["line"], each["before"] is None) for each in told["plan"]] == [(None, False), (4, False), (5, True)]


def test_json_of_a_sync_says_what_was_recorded(cli: Cli, listed: Listed) -> None:
    told = in_json(cli, "sync", listed(*FOUR))
    assert (told["events"], told["first"], told["last"], told["recorded"], told["began"]) == (4, 1, 4, True, True)
    assert [each["after"]["name"] for each in told["plan"]] == ["Ada", "Bo", "Cy", "Di"]
    assert told["head"] == cli.ok("head").out.strip()
    again = in_json(cli, "sync", "people.csv")
    assert (again["events"], again["first"], again["began"], again["plan"]) == (0, None, False, [])
    assert again["unchanged"] == again["rows"] == 4


def test_missing_users_are_kept_if_asked(four: Cli, listed: Listed) -> None:
    file = listed("Eve,eve@example.com")
    told = four.ok("sync", file, "--keep-missing").out
    assert told.splitlines() == [
        "synced people.csv: created 1 (event 5); 4 are not on it, and kept", "undo: evcli user destroy 5",
    ]  # fmt: skip
    assert four.ok("sync", file, "--keep-missing").out.endswith("of people.csv; 4 are not on it, and kept\n")
    assert in_json(four, "sync", file, "--keep-missing")["kept"] == 4


def test_destroyed_user_of_that_email_who_is_most_alike_comes_back(cli: Cli, listed: Listed) -> None:
    for name in ("Ada", "Bo", "Ada", "Cy"):
        cli.ok("user", "create", name, "--email", "desk@example.com")
        cli.ok("user", "destroy", "desk@example.com")
    assert in_json(cli, "sync", listed("Bo,desk@example.com"))["plan"][0]["id"] == 2
    cli.ok("user", "destroy", "2")
    assert in_json(cli, "sync", listed("Ada,desk@example.com"))["plan"][0]["id"] == 3, "the later one of two"


def test_of_two_as_much_alike_the_one_who_was_destroyed_last_comes_back(cli: Cli, listed: Listed) -> None:
    for email in ("a@example.com", "b@example.com"):
        cli.ok("user", "create", "Ada", "--email", email)
    for id in ("2", "1"):
        cli.ok("user", "destroy", id)
    told = in_json(cli, "sync", listed("Ada,new@example.com"), "--by", "name")
    assert told["plan"][0]["id"] == 1, "created first, but destroyed last"


@pytest.mark.parametrize("mark", ["8", " 12 ", "true", "TRUE"])
def test_row_marked_as_destroyed_is_of_nobody_who_is_there(four: Cli, listed: Listed, mark: str) -> None:
    file = listed(*(f"{row}," for row in FOUR[:3]), f"Di,di@example.com,{mark}", header="name,email,destroyed")
    assert in_json(four, "sync", file)["counts"] == {"destroy": 1}


def test_export_of_all_is_a_list_that_is_up_to_date(four: Cli) -> None:
    four.ok("user", "destroy", "2")
    four.ok("export", "--all", "all.csv")
    assert four.ok("sync", "all.csv").out == "up to date: the register has the 3 users of all.csv\n"


# --- who is who -------------------------------------------------------------------------------------------------------


def test_swapped_emails_need_a_stand_in_which_says_so(four: Cli, listed: Listed) -> None:
    file = listed("Ada,bo@example.com", "Bo,ada@example.com", *FOUR[2:])
    plan = in_json(four, "sync", file, "--by", "name", "--dry-run")["plan"]
    assert [(each["id"], each["line"]) for each in plan] == [(1, 2), (2, 3), (1, 2)]
    four.ok("sync", file, "--by", "name")
    events = events_in(four.log)[4:]
    assert [(event["subject"], event["data"]["email"]) for event in events] == [
        ("user/1", "swap-1@evcli.invalid"), ("user/2", "ada@example.com"), ("user/1", "bo@example.com"),
    ]  # fmt: skip
    aside = "on the list people.csv (a stand-in, while e-mails are swapped)"
    assert [event["data"]["reason"] for event in events] == [aside, *["on the list people.csv"] * 2]


def test_stand_in_is_one_that_nobody_has(four: Cli, listed: Listed) -> None:
    four.ok("user", "create", "Eve", "--email", "swap-1@evcli.invalid")
    rows = ("Ada,bo@example.com", "Bo,ada@example.com", "Cy,cy@example.com", "Di,swap-2@EVCLI.invalid")
    four.ok("sync", listed(*rows, "Eve,swap-1@evcli.invalid"), "--by", "name", "--reason", "r" * 2000)
    assert {event["data"]["email"] for event in events_in(four.log)[5:]} >= {"swap-3@evcli.invalid"}
    assert people(four)[:2] == list(rows[:2])


def test_by_email_two_who_swapped_emails_swap_names(four: Cli, listed: Listed) -> None:
    told = in_json(four, "sync", listed("Ada,bo@example.com", "Bo,ada@example.com", *FOUR[2:]))
    assert told["counts"] == {"rename": 2}


def test_chain_of_emails_is_planned_from_its_free_end(four: Cli, listed: Listed) -> None:
    rows = ("Ada,bo@example.com", "Bo,cy@example.com", "Cy,new@example.com", "Eve,ada@example.com")
    told = in_json(four, "sync", listed(*rows), "--by", "name")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [
        ("destroy", 4), ("change-email", 3), ("change-email", 2), ("change-email", 1), ("create", 5),
    ]  # fmt: skip


def test_name_of_several_users_is_refused_unless_one_has_the_email_too(four: Cli, listed: Listed) -> None:
    four.ok("user", "create", "ADA", "--email", "other@example.com")
    file = listed("Ada,new@example.com", *FOUR[1:])
    refuses(
        four, ("sync", file, "--by", "name"), 1,
        'people.csv line 2: "Ada" could be any of 2 users: 1 Ada <ada@example.com>, 5 ADA <other@example.com>;',
        "--by email or --by id tells them apart",
    )  # fmt: skip
    assert in_json(four, "sync", listed("Ada,other@example.com", *FOUR[1:]), "--by", "name")["counts"] == {
        "rename": 1, "destroy": 1,
    }  # fmt: skip


def test_names_of_the_same_hash_are_told_apart(cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_hash", lambda name: 1 << finding._BITS)
    monkeypatch.setattr(finding, "MOST", 2)
    cli.ok("sync", listed(*of_users(6)))
    told = in_json(cli, "sync", listed(*of_users(5), "n5,other@x"), "--by", "name")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [("rename", 6), ("change-email", 6)]
    cli.ok("user", "create", "N5", "--email", "e5@x")
    refuses(cli, ("sync", listed("N5,another@x"), "--by", "name"), 1, '"N5" could be any of 2 users')


def test_destroyed_user_whose_email_another_one_gets_does_not_come_back(four: Cli, listed: Listed) -> None:
    four.ok("user", "destroy", "4")
    told = in_json(four, "sync", listed(*FOUR[:3], "Di,d@example.com", "Eve,di@example.com"), "--by", "name")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [("create", 5), ("create", 6)]
    four.ok("user", "destroy", "5")
    told = in_json(four, "sync", listed(*FOUR[:3], "Di,di2@example.com", "Eve,di@example.com"), "--by", "name")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [("restore", 5), ("change-email", 5)]


def test_by_id_finds_who_has_another_name_and_email(four: Cli, listed: Listed) -> None:
    four.ok("user", "destroy", "4")
    rows = ("2,Bob,ada@example.com", "1,Ada,a@example.com", "4,Di,di@example.com", ",Cyd,cy@example.com")
    told = in_json(four, "sync", listed(*rows, ",Eve,bo@example.com", header="id,name,email"), "--by", "id")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [
        ("rename", 3), ("change-email", 1), ("rename", 2), ("change-email", 2), ("restore", 4), ("create", 5),
    ]  # fmt: skip


def test_export_in_json_is_a_list_that_has_ids(four: Cli, listed: Listed) -> None:
    four.ok("user", "destroy", "2")
    four.ok("export", "--all", "all.json")
    users = json.loads(Path("all.json").read_text())
    users[0]["email"] = "new@example.com"
    Path("all.json").write_text(json.dumps(users))
    told = in_json(four, "sync", "all.json", "--by", "id")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [("change-email", 1)]
    users[0]["name"] = 7
    Path("all.json").write_text(json.dumps(users))
    fails(four("sync", "all.json", "--by", "id", "-q"), 2, "name: is 7, not a string")
    Path("all.json").write_text(json.dumps([users[2] | {"id": True}]))
    fails(four("sync", "all.json", "--by", "id", "-q"), 2, "id: is true, not a string")


@pytest.mark.parametrize(
    ("rows", "phrase"),
    [
        (("1,A,a@x", "7,B,b@x"), 'line 3: no user "7" at event 4'),
        (("1,A,a@x", "x,B,b@x"), 'line 3: "x" is not an id'),
        (("1,A,a@x", "0,B,b@x"), 'line 3: "0" is not an id'),
        (("1,A,a@x", "1,B,b@x"), "line 3: user 1 Ada <ada@example.com> is on the list twice: on line 2, too"),
    ],
)
def test_bad_ids_are_refused(four: Cli, listed: Listed, rows: tuple[str, ...], phrase: str) -> None:
    refuses(
        four, ("sync", listed(*rows, header="id,name,email"), "--by", "id"), 1 if "no user" in phrase else 2, phrase
    )


MARCH = ("7,Ada,ada@example.com", "8,Bo,bo@example.com", "9,Cy,cy@example.com", ",Di,di@example.com")
NUMBERED = ("--by", "Number", "--previous", "march.csv")


def numbered(listed: Listed, *rows: str, name: str = "april.csv") -> str:
    return listed(*rows, name=name, header="number,name,email")


def test_key_of_another_system_means_who_had_it_on_the_list_before(four: Cli, listed: Listed) -> None:
    four.ok("user", "rename", "4", "Dora")
    four.ok("sync", numbered(listed, *MARCH, name="march.csv"))
    four.ok("user", "change-email", "2", "bo@elsewhere.example")
    april = ("8,Bo Smith,ada@example.com", "7,Ada,a@example.com", "10,Eve,cy@example.com", "11,Di,di@example.com")
    told = in_json(four, "sync", numbered(listed, *april), *NUMBERED)
    assert [(each["action"], each["id"]) for each in told["plan"]] == [
        ("destroy", 3), ("change-email", 1), ("rename", 2), ("change-email", 2), ("create", 5),
    ]  # fmt: skip
    assert four.ok("sync", "april.csv", *NUMBERED).out.startswith("up to date")
    assert four.ok("sync", "april.csv", *NUMBERED).err == "march.csv: ignored column: name\n"


def test_list_before_that_led_to_no_event_means_the_register_as_it_is(four: Cli, listed: Listed) -> None:
    four.ok("sync", numbered(listed, *MARCH, name="march.csv"))
    four.ok("user", "change-email", "2", "bo@elsewhere.example")
    told = in_json(four, "sync", numbered(listed, "7,Ada,a@x", "8,Bo,b@x", *MARCH[2:]), *NUMBERED)
    assert [(each["action"], each["id"]) for each in told["plan"]] == [
        ("destroy", 2), ("change-email", 1), ("create", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        (("--by", "number"), ('--by "number" is not one of email, name, id', "needs --previous LIST")),
        (("--by", "e-mail"), ("hint: did you mean --by email? another column",)),
        (("--by", "Nmae"), ("hint: did you mean --by name? another column",)),
        (("--previous", "march.csv"), ("--previous is for --by COLUMN",)),
        (("--by", "id", "--previous", "march.csv"), ("--previous is for --by COLUMN",)),
        (("--by", " ", "--previous", "march.csv"), ("--previous is for --by COLUMN",)),
        (("--by", "number", "--previous", "nope.csv"), ("nope.csv cannot be read",)),
        (("--by", "number", "--previous", "jan.csv"), ("jan.csv line 1: the header has no column number; nothing",)),
        (
            ("--by", "number", "--previous", "twice.csv"),
            ('twice.csv line 3: "7" is on the list twice: on line 2, too',),
        ),
        (("--by", "number", "--previous", "bad.csv"), ("bad.csv line 3: has 2 cells, but the header has 3; nothing",)),
        (("--by", "id"), ("april.csv line 1: the header has no column id; nothing",)),
    ],
)
def test_wrong_list_before_is_refused(
    four: Cli, listed: Listed, words: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    for name, rows in {"march.csv": MARCH, "twice.csv": (MARCH[0], "7,Bo,bo@x"), "bad.csv": (MARCH[0], "8,Bo")}.items():
        numbered(listed, *rows, name=name)
    refuses(four, ("sync", numbered(listed, *MARCH), *words), 2, *phrases)


@pytest.mark.parametrize(
    ("rows", "phrase"),
    [
        (("7,Ada,a@x", "7,Bo,b@x"), "april.csv line 3: user 1 Ada <ada@example.com> is on the list twice: on line 2"),
        (("20,Ada,a@x", "20,Bo,b@x"), 'april.csv line 3: user "20" is on the list twice: on line 2, too'),
    ],
)
def test_key_that_is_on_the_list_twice_is_refused(
    four: Cli, listed: Listed, rows: tuple[str, ...], phrase: str
) -> None:
    numbered(listed, *MARCH, name="march.csv")
    refuses(four, ("sync", numbered(listed, *rows), *NUMBERED), 2, phrase)


# --- lists that are refused -------------------------------------------------------------------------------------------

TWICE = "is on the list twice: on line 2, too"


@pytest.mark.parametrize(
    ("words", "rows", "phrase"),
    [
        ((), ("A,ada@example.com", "B,ADA@example.com"), f"line 3: user 1 Ada <ada@example.com> {TWICE}; nothing"),
        ((), ("A,new@example.com", "B,NEW@example.com"), f'line 3: user "new@example.com" {TWICE}; nothing'),
        (("--by", "name"), ("Ada,a@x", "ada,b@x"), f"line 3: user 1 Ada <ada@example.com> {TWICE}; nothing"),
        (("--by", "name"), ("Eve,a@x", "eve,b@x"), f'line 3: user "eve" {TWICE}; nothing'),
        (("--by", "name"), ("Ada,a@x", "Bo,A@x"), f'line 3: user "a@x" {TWICE}; nothing'),
        (("--by", "name"), ("Eve,a@x", "Bo,A@x"), f'line 3: user "a@x" {TWICE}; nothing'),
        (("--by", "name"), ("Ada,ada@example.com", "Bo,ada@example.com"), f'e-mail "ada@example.com" {TWICE}; nothing'),
        (("--by", "name"), ("Ada,ada@example.com", "Eve,ada@example.com"), f'e-mail "ada@example.com" {TWICE}'),
        ((), ("A,a@x b@x",), 'line 2, email: "a@x b@x" is 2 e-mails; nothing was written'),
        ((), ("A,a@x", ",b@x"), "line 3, name: is empty; nothing was written"),
        ((), ("A,a@x", "B"), "line 3: has 1 cell, but the header has 2; nothing was written"),
        ((), (), "people.csv has no rows: nobody is on it; nothing was written"),
    ],
)  # fmt: skip
def test_bad_list_is_refused_with_its_line(
    four: Cli, listed: Listed, words: tuple[str, ...], rows: tuple[str, ...], phrase: str
) -> None:
    refuses(four, ("sync", listed(*rows), *words, "--max-destroy", "100%"), 2, phrase)


def test_every_bad_row_is_named_up_to_twenty(four: Cli, listed: Listed) -> None:
    rows = [f"N{at},e{at}@x@y" for at in range(120)]
    file = listed("Ada,ada@example.com", *rows, "Ada,ada@example.com")
    with untouched(four.log.parent):
        ran = four("sync", file)
    assert ran.code == 2
    assert ran.err.count("warning: people.csv line ") == 20
    assert ran.err.endswith("error: 121 rows of people.csv are bad; nothing was written\n")


def test_bad_rows_that_only_rules_refuse_exit_1(four: Cli, listed: Listed) -> None:
    four.ok("user", "create", "ADA", "--email", "a@x")
    four.ok("user", "create", "BO", "--email", "b@x")
    words = ("sync", listed("Ada,new@x", "Bo,new2@x"), "--by", "name", "--max-destroy", "9")
    ran = four(*words)
    assert ran.code == 1
    assert ran.err.endswith("error: 2 rows of people.csv are bad; nothing was written\n")
    told = documents(four(*words, "--json").err)
    assert [each["warning"]["line"] for each in told[:-1]] == [2, 3]


def test_bad_row_in_json_has_its_line_and_field(four: Cli, listed: Listed) -> None:
    (told,) = documents(four("sync", listed("Ada,ada@example.com", "Bo,b"), "--json").err)
    assert (told["error"]["exit"], told["error"]["line"], told["error"]["field"]) == (2, 3, "email")


def test_columns_without_a_name_are_ignored(four: Cli, listed: Listed) -> None:
    ran = four.ok("sync", listed(*(f"{row},x,y" for row in FOUR), header="name,email,,"))
    assert ran.err == "people.csv: ignored: columns 3, 4 have no name\n"
    assert ran.out == "up to date: the register has the 4 users of people.csv\n"


@pytest.mark.parametrize("mark", ["no", "false", "-", "²"])
def test_unclear_mark_of_a_destroyed_row_is_refused(four: Cli, listed: Listed, mark: str) -> None:
    file = listed(*(f"{row}," for row in FOUR[:3]), f"Di,di@example.com,{mark}", header="name,email,destroyed")
    refuses(four, ("sync", file), 2, f'line 5, destroyed: is "{mark}": neither empty nor the number of an event')


def test_user_who_is_kept_may_hold_an_email_that_the_list_gives_away(four: Cli, listed: Listed) -> None:
    words = ("sync", listed("Eve,ada@example.com"), "--by", "name", "--keep-missing")
    refuses(four, words, 1, "line 2, email: user 1 Ada <ada@example.com> has it, is not on the list, and is to be kept")


def test_list_that_changes_while_it_is_read_is_refused(
    four: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, check = listed("Ada,ada@example.com"), lists.List.check

    def changed(one: Any) -> None:
        Path(file).write_text("name,email\n")
        check(one)

    monkeypatch.setattr(lists.List, "check", changed)
    fails(four("sync", file), 2, "people.csv was changed while it was read; nothing was written")


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (("nope.csv",), "nope.csv cannot be read: No such file or directory"),
        (("",), "a file without a name cannot be read: No such file or directory"),
        (("a\0b",), "the list's name contains NUL"),
        (("people.csv", "--by", "frame"), '--by "frame" is not one of email, name, id'),
        (("people.csv", "--kind", "cat"), '--kind "cat": there is no such kind of record'),
        (("people.csv", "--from", "xml"), '--from "xml" is not one of csv, jsonl'),
        (("people.csv", "--max-destroy", "half"), '--max-destroy "half" is neither a number nor a percentage'),
        (("people.csv", "--max-destroy", "5.5%"), '--max-destroy "5.5%" is neither a number nor a percentage'),
        (("people.csv", "--reason", " "), "the reason is empty"),
    ],
)
def test_wrong_words_are_refused(four: Cli, listed: Listed, words: tuple[str, ...], phrase: str) -> None:
    listed("Ada,ada@example.com")
    refuses(four, ("sync", *words), 2, phrase)


# --- how many may be destroyed ----------------------------------------------------------------------------------------


def of_users(count: int) -> list[str]:
    return [f"N{at},e{at}@x" for at in range(count)]


@pytest.mark.parametrize(
    ("live", "words", "most"),
    [
        (20, (), 5), (50, (), 5), (59, (), 5), (60, (), 6), (20, ("--max-destroy", "6"), 6),
        (20, ("--max-destroy", "0"), 0), (20, ("--max-destroy", "50%"), 10), (19, ("--max-destroy", "50%"), 9),
        (20, ("--max-destroy", "1"), 1),
    ],
)  # fmt: skip
def test_list_may_destroy_so_many_and_not_one_more(
    cli: Cli, listed: Listed, live: int, words: tuple[str, ...], most: int
) -> None:
    cli.ok("sync", listed(*of_users(live)))
    with untouched(cli.log.parent):
        cut = listed(*of_users(live - most - 1))
        percent = -(-100 * (most + 1) // live)
        fails(
            cli("sync", cut, *words), 1,
            f"people.csv lacks {most + 1} of {live} users: they would be destroyed, but at most {most} may be; nothing",
            f"--max-destroy {percent}% allows it",
        )  # fmt: skip
        dry = cli("sync", cut, *words, "--dry-run", "--json")
        assert (dry.code, len(json.loads(dry.out)["plan"])) == (1, most + 1)
        assert documents(dry.err)[-1]["error"]["code"] == "too-many-ended"
        listed(*of_users(live))
    assert in_json(cli, "sync", listed(*of_users(live - most)), *words)["events"] == most
    cli.ok("sync", listed(*of_users(live - most - 1)), "--max-destroy", f"{percent}%")


# --- what the log keeps of it -----------------------------------------------------------------------------------------


def test_reason_of_ones_own_is_kept_with_every_event(four: Cli, listed: Listed) -> None:
    four.ok("sync", listed("Ada B,ada@example.com", *FOUR[1:3]), "--reason", " HR list ")
    assert [event["data"]["reason"] for event in events_in(four.log)[4:]] == ["HR list"] * 2
    assert events_in(four.log)[0]["data"]["reason"] == "on the list jan.csv"
    four.ok("sync", listed("Ada B,ada@example.com", *FOUR[1:2]))
    assert events_in(four.log)[-1]["data"]["reason"] == "not on the list people.csv"


def listed_by(cli: Cli, *words: str) -> list[int]:
    return [int(event["sequence"]) for event in documents(cli.ok("log", "--format", "jsonl", *words).out)]


def test_log_finds_the_events_of_a_list_by_its_bytes_or_its_name(four: Cli, listed: Listed) -> None:
    four.ok("sync", listed(*FOUR[:3]))
    second = listed(*FOUR[:2])
    four.ok("sync", second)
    assert listed_by(four, "--list", second) == [6], "the bytes count, where the file is there"
    os.rename(second, "renamed.csv")
    assert listed_by(four, "--list", "renamed.csv") == [6]
    assert listed_by(four, "--list", "elsewhere/people.csv") == [6, 5], "a name finds every list of that name"
    assert listed_by(four, "--list", "jan.csv", "--user", "2") == [2]
    correlation = events_in(four.log)[4]["correlationid"]
    assert listed_by(four, "--list", correlation) == [5], "as evcli show prints it"
    assert four.ok("log", "--list", correlation).err == ""
    assert listed_by(four, "--list", correlation[:-1]) == []
    listed("Eve,eve@example.com")
    ran = four.ok("log", "--list", "people.csv", "--reverse")
    assert ran.err == "no event is of people.csv as it is now: these are of lists of that name\n"
    assert ran.out.startswith("5\t")


def test_log_says_which_lists_there_are(cli: Cli, listed: Listed) -> None:
    cli.ok("user", "create", 'x"correlationid":"list:fake:0",', "--email", "x@x.de")
    assert (
        cli.ok("log", "--list", "nope").err == "no event is of such a list: it was not synced, or it changed nothing\n"
    )
    for at in range(12):
        cli.ok("sync", listed(f"N{at},x@x.de", name=f"{at:02}.csv"))
    lists = ", ".join(f"{at:02}.csv" for at in range(10))
    assert cli.ok("log", "--list", "nope").err.endswith(f"nothing; lists that did are {lists} and 2 more\n")


def test_name_of_a_list_may_be_anything(cli: Cli, listed: Listed) -> None:
    name = 'a "b":\\ü\u202e\n' + "ü" * 100 + ".csv"
    cli.ok("sync", listed("Ada,ada@example.com", name=name))
    (event,) = events_in(cli.log)
    begun = 'list:a "b":\\ü__' + "ü" * 96 + ":"
    assert event["correlationid"] == begun + sha256(Path(name).read_bytes()).hexdigest()[:16]
    assert len(event["correlationid"]) == 128
    assert listed_by(cli, "--list", name) == [1]
    os.unlink(name)
    assert listed_by(cli, "--list", name) == [1]


def test_name_of_a_list_that_is_not_unicode_is_valid_json(cli: Cli, listed: Listed) -> None:
    told = in_json(cli, "sync", listed("Ada,ada@example.com", name="\udcff.csv"))
    assert (told["list"], told["recorded"]) == ("\\u{dcff}.csv", True)


@pytest.mark.parametrize("script", ['"$@" < people.csv', 'cat people.csv | "$@"'])
def test_list_is_read_from_standard_input(four: Cli, listed: Listed, script: str) -> None:
    listed("Ada,ada@example.com")
    ran = run_shell(script, "sync", "-", environment={"EVCLI_LOG": str(four.log)})
    assert ran.out.startswith(b"synced stdin: destroyed 3 (events 5 to 7)"), ran.err
    digest = sha256(Path("people.csv").read_bytes()).hexdigest()
    assert events_in(four.log)[-1]["correlationid"] == f"list:stdin:{digest[:16]}"
    assert listed_by(four, "--list", "-") == listed_by(four, "--list", "people.csv") == [7, 6, 5]


# --- long lists -------------------------------------------------------------------------------------------------------


@pytest.fixture
def piped() -> Iterator[str]:
    """The path of a pipe that holds a list."""
    reading_end, writing_end = os.pipe()
    os.write(writing_end, "\n".join(("name,email", *FOUR)).encode())
    os.close(writing_end)
    yield f"/dev/fd/{reading_end}"
    os.close(reading_end)


def copied_by(write: Callable[[FileIO, memoryview], int], monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the copy of a pipe be written so."""
    one = type("Copy", (FileIO,), {"write": write})
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: one(folder / "copy", "w+"))


def test_pipe_is_copied_whole_whatever_one_write_takes(
    cli: Cli, piped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied_by(lambda file, data: FileIO.write(file, data[:10]), monkeypatch, tmp_path)
    assert len(in_json(cli, "sync", piped, "--dry-run")["plan"]) == 4


def test_pipe_that_cannot_be_copied_is_refused(
    cli: Cli, piped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: FileIO, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    copied_by(full, monkeypatch, tmp_path)
    fails(cli("sync", piped), 14, f"a copy of {piped}", "No space left on device; nothing was written", "TMPDIR")
    assert not cli.log.exists()


def test_rows_that_are_as_their_records_are_not_held(four: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("this is as it was")

    monkeypatch.setattr(Means, "changes", refuse)
    assert four.ok("sync", "jan.csv").out.startswith("up to date")


def test_records_are_looked_up_many_at_once_but_not_all(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("sync", listed(*of_users(20)))
    sizes = list[int]()

    def counted(state: State, kind: str, ids: list[int]) -> list[Any]:
        sizes.append(len(ids))
        return overlay.get_many(state, kind, ids)

    monkeypatch.setattr(reading, "AT_ONCE", 4)
    monkeypatch.setattr(reading, "get_many", counted)
    cli.ok("sync", listed(*of_users(10)), "--max-destroy", "10")
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize("words", [(), ("--by", "name"), ("--by", "id")])
def test_plan_on_a_cache_is_that_on_a_fold(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    cached, folded = list[Any](), list[Any]()
    lists = [
        [f"{at},N{at},e{at}@x" for at in range(1, 9)],
        ["1,N1,e2@x", "2,N2,e1@x", "3,N,e3@x", "4,N4,e5@x", "7,N7,e7@x", ",New,e8@x"],
        ["2,N2,e2@x", "1,N1,e1@x", "5,N5,e5@x", "8,N8,e8@x", "7,N7,E7@x", ",New,new@x"],
    ]
    for log, answers in (("cached", cached), ("folded", folded)):
        monkeypatch.setenv("EVCLI_LOG", log)
        if log == "cached":
            cache_every_log(monkeypatch)
        else:
            monkeypatch.setenv("EVCLI_CACHE", "off")
        cli.ids = 0
        for at, rows in enumerate(lists):
            some = words if at else ()
            answers.append(in_json(cli, "sync", listed(*rows, header="id,name,email"), *some, "--max-destroy", "9"))
            answers.append(in_json(cli, "sync", "people.csv", *some, "--max-destroy", "9"))
    assert cached == folded
    assert Path("cached").read_bytes() == Path("folded").read_bytes()
    assert Path("cached.cache").exists()


def test_rest_of_standard_input_is_the_list(four: Cli, listed: Listed) -> None:
    listed("name,email", "Ada,ada@example.com", header="a line that somebody else has read")
    run_shell('{ read line; "$@"; } < people.csv', "sync", "-", environment={"EVCLI_LOG": str(four.log)})
    digest = sha256(b"name,email\nAda,ada@example.com\n").hexdigest()
    assert events_in(four.log)[-1]["correlationid"] == f"list:stdin:{digest[:16]}"


def test_batch_has_room_for_the_longest_name_of_a_list(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (run, decide):
        monkeypatch.setattr(module, "MAX_BATCH", 7000)
    cli.ok("sync", listed(*of_users(40), name="ü" * 100 + ".csv"), "--reason", "r")
    assert cli.log.stat().st_size > 2 * 7000


# --- other writers, and interruptions ---------------------------------------------------------------------------------


def test_expected_head_is_that_of_the_plan(four: Cli, listed: Listed) -> None:
    file = listed(*FOUR)
    head = four.ok("head").out.strip()
    refuses(four, ("sync", file, "--expect", "3"), 13, "the head is", "not 3", "evcli log --since 3")
    refuses(four, ("sync", file, "--expect", f"4:{'0' * 64}"), 13, "the head is")
    refuses(four, ("sync", file, "--expect", "x"), 2, '--expect "x"')
    four.ok("sync", file, "--expect", head, "--dry-run")
    four.ok("sync", listed(*FOUR[1:]), "--expect", head)


def test_event_of_another_writer_after_planning_stops_it(
    four: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Sync.plan

    def late(one: Sync, *words: Any) -> Any:
        planned = plan(one, *words)
        register_at(four.log).execute(create("Eve"))
        return planned

    monkeypatch.setattr(Sync, "plan", late)
    ran = four("sync", listed(*FOUR[1:]))
    fails(ran, 13, "the head is 5:", "nothing was written", "evcli log --since 4", "run it again to plan anew")
    assert len(events_in(four.log)) == 5


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two events or three."""
    monkeypatch.setattr(run, "MAX_BATCH", 1500)


def test_plan_that_does_not_fit_is_several_batches_said_first(cli: Cli, listed: Listed, small: None) -> None:
    ran = cli.ok("sync", listed(*FOUR))
    assert ran.err.splitlines()[0] == (
        "4 events are written in 2 batches; after each of them the register is good, and this can be run again"
    )
    assert ran.out.startswith("synced people.csv: created 4 (events 1 to 4)\n")
    assert [event["batch"] for event in events_in(cli.log)] == ["1-2", "1-2", "3-4", "3-4"]
    assert len({event["correlationid"] for event in events_in(cli.log)}) == 1


@pytest.mark.parametrize("command", ["sync", "import"])
def test_warning_of_every_batch_is_said_once(
    four: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for module in (run, importing):
        monkeypatch.setattr(module, "MAX_BATCH", 700)  # batches of one event
    os.link(four.log, "another-name")
    ran = four.ok(command, listed("Eve,eve@example.com", "Flo,flo@example.com"))
    assert ran.err.count("warning: ") == ran.err.count("hard link") == 1


@pytest.mark.parametrize(("most", "batches"), [(1800, ["6-8"]), (1400, ["5-6", "7-8"])])
def test_swap_is_in_one_batch_if_it_fits(
    four: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch, most: int, batches: list[str]
) -> None:
    monkeypatch.setattr(run, "MAX_BATCH", most)
    rows = ("1,Ada,bo@example.com", "2,Bo,ada@example.com", "3,Cyd,cy@example.com", "4,Di,di@example.com")
    four.ok("sync", listed(*rows, header="id,name,email"), "--by", "id")
    events = events_in(four.log)[4:]
    assert [event["type"] for event in events] == ["user.renamed", *["user.email-changed"] * 3]
    assert sorted({event["batch"] for event in events if "batch" in event}) == batches


def test_another_writer_between_two_batches_stops_it(
    cli: Cli, listed: Listed, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Sync._execute

    def late(one: Sync, *words: Any) -> Any:
        done = execute(one, *words)
        if done.first == 1:
            register_at(cli.log).execute(create("Eve"))
        return done

    monkeypatch.setattr(Sync, "_execute", late)
    ran = cli("sync", listed(*FOUR))
    fails_after = "the head is 3:"
    assert ran.code == 13
    assert fails_after in ran.err
    assert "; events 1 to 2 are recorded; run it again to continue from there\n" in ran.err
    assert "nothing was written" not in ran.err
    assert cli.ok("sync", "people.csv").out == "synced people.csv: created 2, destroyed 1 (events 4 to 6)\n"


def test_sync_that_is_interrupted_between_batches_says_what_is_there(
    cli: Cli, listed: Listed, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal_after_each_append(monkeypatch, signal.SIGTERM)
    ran = cli("sync", listed(*FOUR))
    assert (ran.code, ran.out) == (143, "")
    assert ran.err.splitlines()[1:] == [
        f"began a new log at {cli.log}",
        "error: interrupted; events 1 to 2 are recorded; run it again to continue from there",
    ]
    monkeypatch.setattr(run, "MAX_BATCH", 700)  # batches of one event
    ran = cli("sync", "people.csv")
    assert ran.err.endswith("error: interrupted; event 3 is recorded; run it again to continue from there\n")


def test_signal_after_the_last_batch_waits_for_the_answer(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal_after_each_append(monkeypatch, signal.SIGINT)
    assert cli.ok("sync", listed(*FOUR)).out.startswith("synced people.csv: created 4 (events 1 to 4)\n")


def test_refused_sync_leaves_no_log(cli: Cli, listed: Listed) -> None:
    for words in (("--dry-run",), ("--expect", "1"), ("--by", "id")):
        cli("sync", listed("Ada,ada@example.com"), *words)
        assert not cli.log.exists()


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_no_log_is_begun_in_a_missing_folder(cli: Cli, listed: Listed, words: tuple[str, ...]) -> None:
    refuses(
        cli,
        ("--log", "nope/log.jsonl", "sync", listed("Ada,ada@example.com"), *words),
        14,
        "there is no folder",
        "mkdir -p",
    )


def test_up_to_date_is_said_of_what_is_durable(four: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(log: FileLog) -> None:
        raise OutcomeUnknown(log.name, "the sync failed")

    monkeypatch.setattr(FileLog, "sync", fail)
    fails(four("sync", "jan.csv"), 15, "the sync failed")
    four.ok("sync", "jan.csv", "--dry-run")
