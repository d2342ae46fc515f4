"""Every command in every form: the output can be parsed, has the documented shape, and says the same."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import (
    ADA,
    ALAN,
    ELSEWHERE,
    EVERY,
    FOR_PROGRAMS,
    FORMS,
    GRACE,
    READING,
    WRITING,
    documents,
    events_in,
    in_json,
    lines_in,
    untouched,
)

VECTORS = Path(__file__).parent.parent / "vectors"
BOX = "─│┌┐└┘├┤┬┴┼━┃╭╮╰╯═║"

DRY = {f"{name} --dry-run": (*words, "--dry-run", "--id", "x") for name, words in WRITING.items()}
ALL = {
    **{name: words for name, words in EVERY.items() if name not in (*FOR_PROGRAMS, *WRITING)},
    **DRY,
    "user list --all": ("user", "list", "--all"),
    "log of nothing": ("log", "--type", "nope"),
    "user list of nobody": ("user", "list", "--at", "0"),
    "state of nothing": ("state", "--at", "0"),
    "diff of nothing": ("diff", "8", "8"),
    "head --at": ("head", "--at", "3"),
    "verify --expect": ("verify", "--expect", "0:" + "0" * 64),
}
"""Every command that changes nothing."""

EMPTY = ("log of nothing", "user list of nobody", "state of nothing", "diff of nothing")
"""The commands whose answer in words may have no line."""


def csv_rows(text: str) -> list[list[str]]:
    """The rows of a CSV answer, header first: lines end as RFC 4180 says, and all rows are as long as the header."""
    assert text.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows, "a CSV answer has a header at least"
    assert {len(row) for row in rows} == {len(rows[0])}, "rows of several lengths"
    return rows


# --- each form can be parsed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ALL)
def test_json_is_one_document_and_jsonl_its_elements(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n")
    document = json.loads(ran.out)
    assert isinstance(document, dict | list)
    assert story(*ALL[command], "--json") == ran
    each = story(*ALL[command], "--format", "jsonl")
    assert each.code == 0, each.err
    assert documents(each.out) == (document if isinstance(document, list) else [document])
    assert each.out.endswith("\n") or document == []


@pytest.mark.parametrize("command", ALL)
def test_csv_has_a_header_and_rows_of_its_length(story: Cli, command: str) -> None:
    header, *rows = csv_rows(story.ok(*ALL[command], "--format", "csv").out)
    assert all(name and name == name.strip() for name in header), f"odd header {header}"
    assert rows or command in EMPTY


@pytest.mark.parametrize("command", ALL)
def test_plain_is_the_default_in_a_pipe_and_has_no_decoration(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "plain")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n") or (ran.out == "" and command in EMPTY)
    if command not in ELSEWHERE:
        assert story(*ALL[command]) == ran
        assert not set(BOX) & set(ran.out), "box characters in plain"
    assert not set("\r\x1b") & set(ran.out)


@pytest.mark.parametrize("command", ALL)
def test_table_in_a_pipe_has_neither_colour_nor_trailing_spaces(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "table")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n") or command in EMPTY
    assert "\x1b" not in ran.out
    assert all(line == line.rstrip(" ") for line in ran.out.splitlines()), "trailing spaces"


@pytest.mark.parametrize("command", [name for name in READING if name not in ("head", "report")])
def test_table_holds_every_field_of_the_plain_answer(story: Cli, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    table = story.ok(*READING[command], "--format", "table").out
    for line in story.ok(*READING[command], "--format", "plain").out.splitlines():
        for field in line.split("\t"):
            told = field.removesuffix("+00:00") if command in ("log", "blame", "trace") else field  # the header says it
            assert told in table, f"{told!r} is not in the table"


@pytest.mark.parametrize("command", WRITING)
def test_writing_command_answers_in_every_form(story: Cli, command: str) -> None:
    log, outputs = story.log.read_bytes(), {}
    for form in FORMS:
        story.log.write_bytes(log)
        outputs[form] = story.ok(*WRITING[command], "--format", form, "--id", "x").out
    assert outputs["table"] == outputs["plain"]
    assert outputs["plain"].startswith("user ")
    assert outputs["plain"].splitlines()[1].startswith("undo: evcli user ")
    assert documents(outputs["jsonl"]) == [json.loads(outputs["json"])]
    assert len(csv_rows(outputs["csv"])) > 1


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("form", FORMS)
def test_dry_run_shows_the_event_in_every_form(story: Cli, command: str, form: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story(*WRITING[command], "--dry-run", "--format", form)
        quiet = story(*WRITING[command], "--dry-run", "--format", form, "-q")
    assert (ran.code, quiet.code, quiet.err) == (0, 0, "")
    assert "event-9" in ran.out
    assert "event-10" in quiet.out
    assert "nothing was written" in ran.err


# --- the documented JSON shapes: test_log, test_state, test_user and test_verify have the others ----------------------


def is_user(value: Any) -> bool:
    """Whether this has the shape of a user."""
    return (
        isinstance(value, dict)
        and set(value) >= {"id", "name", "email", "created", "changed", "destroyed"}
        and all(type(value[name]) is int for name in ("id", "created", "changed"))
        and all(type(value[name]) is str for name in ("name", "email"))
        and (value["destroyed"] is None or type(value["destroyed"]) is int)
    )


def test_user_list_as_json_is_an_array_of_users(story: Cli) -> None:
    users = in_json(story, "user", "list", "--all")
    assert all(map(is_user, users))
    assert users == [ADA, GRACE, ALAN]
    assert in_json(story, "user", "list", "--at", "0") == []


def test_user_show_as_json_is_one_user_with_its_events(story: Cli) -> None:
    assert in_json(story, "user", "show", "3") == {**ALAN, "events": events_in(story.log)[6:]}


@pytest.mark.parametrize("command", WRITING)
def test_writing_command_as_json_is_events_users_and_recorded(story: Cli, command: str) -> None:
    answer = in_json(story, *WRITING[command])
    assert answer["events"] == [events_in(story.log)[-1]]
    assert answer["recorded"] is True
    (user,) = answer["users"]
    assert is_user(user)
    assert user in in_json(story, "user", "list", "--all")


def test_user_list_says_the_same_in_csv_and_plain_as_in_json(story: Cli) -> None:
    as_text = [["" if value is None else str(value) for value in user.values()] for user in (ADA, GRACE, ALAN)]
    assert csv_rows(story.ok("user", "list", "--all", "--format", "csv").out) == [list(ADA), *as_text]
    assert [line.split("\t") for line in story.ok("user", "list", "--all").out.splitlines()] == as_text


def test_csv_has_times_as_they_are_stored(story: Cli) -> None:
    rows = csv_rows(story.ok("log", "--format", "csv").out)
    assert [row[rows[0].index("time")] for row in rows[1:]] == [event["time"] for event in events_in(story.log)[::-1]]


# --- log --format jsonl -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ("", [8, 7, 6, 5, 4, 3, 2, 1]), ("--reverse", [1, 2, 3, 4, 5, 6, 7, 8]), ("-n 2", [8, 7]),
        ("--type user.created", [7, 2, 1]), ("--since 6 --reverse", [7, 8]),
    ],
)  # fmt: skip
def test_log_as_jsonl_is_made_of_the_lines_of_the_log(story: Cli, options: str, numbers: list[int]) -> None:
    shown = story.ok("log", *options.split(), "--format", "jsonl").out.encode()
    assert shown == b"".join(lines_in(story.log)[number - 1] for number in numbers)


def test_log_as_jsonl_keeps_every_character_as_it_is(cli: Cli) -> None:
    cli.log.write_bytes((VECTORS / "ten.jsonl").read_bytes())
    assert cli.ok("log", "--format", "jsonl", "--reverse").out.encode() == cli.log.read_bytes()
    cli.log.unlink()
    odd = 'soft\u00adhyphen, word\u2060joiner, "quotes", back\\slash, \U000e0041tag, \ufff9, क्\u200dष, /, <, é, e\u0301'
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--id", 'i"d\u00ad')
    cli.ok("user", "destroy", "1", "--reason", odd)
    assert cli.ok("log", "--format", "jsonl", "--reverse").out.encode() == cli.log.read_bytes()
    assert in_json(cli, "log", "-n", "1")[0]["data"]["reason"] == odd


# --- errors, warnings and notes ---------------------------------------------------------------------------------------

ERRORS: dict[str, tuple[int, str]] = {
    # the command after the story: its exit code, and its code in JSON
    "user show nobody": (1, "no-such-user"),
    "user create X --email ada@example.com": (1, "email-taken"),
    "user destroy 3": (1, "destroyed"),
    "user restore 1": (1, "not-destroyed"),
    "user change-email 2 grace@navy.example": (1, "unchanged"),
    "user create \t --email x@example.com": (2, "bad-text"),
    "state --at nope": (2, "bad-ref"),
    "user destroy 2 --expect 1": (13, "conflict"),
    "log --log /nowhere/at/all.jsonl": (10, "no-log"),
    "log --log /": (14, "cannot-open"),
    "nope": (2, "bad-input"),
    "state --nope": (2, "bad-input"),
    "user create": (2, "bad-input"),
    "user create Ada": (2, "bad-input"),
    "user list -n x": (2, "bad-input"),
    "": (2, "bad-input"),
    "user": (2, "bad-input"),
    "head x": (2, "bad-input"),
    "help nope": (2, "bad-input"),
    "completion nope": (2, "bad-input"),
}
OPTIONS = (("--json",), ("--format", "json"), ("--format=json",), ("--format", "jsonl"), ("--format=jsonl",))


def is_json_error(ran: Ran, code: int, name: str) -> None:
    """It failed so, with nothing on stdout, and with one object on stderr."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.endswith("\n")
    told = json.loads(ran.err)
    assert list(told) == ["error"]
    assert set(told["error"]) >= {"code", "exit", "message", "hint"}
    assert (told["error"]["exit"], told["error"]["code"]) == (code, name)
    assert told["error"]["message"]
    assert isinstance(told["error"]["hint"], str)


@pytest.mark.parametrize("line", ERRORS)
def test_error_in_json_is_one_object_on_stderr(story: Cli, line: str, tmp_path: Path) -> None:
    words = line.split(" ") if line else []
    with untouched(tmp_path):
        for option in OPTIONS:
            is_json_error(story(*words, *option), *ERRORS[line])
        is_json_error(story("--json", *words), *ERRORS[line])


def test_error_in_json_needs_no_complete_command_line(story: Cli) -> None:
    for line in (
        "--json user list -n",
        "user list --json -n",
        "--json state --format nope",
        "state --format nope --json",
    ):
        is_json_error(story(*line.split()), 2, "bad-input")


@pytest.mark.parametrize("line", ERRORS)
def test_error_in_words_is_a_sentence_and_a_hint(story: Cli, line: str) -> None:
    words = line.split(" ") if line else []
    for form in ("table", "plain", "csv"):
        ran = story(*words, "--format", form)
        assert (ran.code, ran.out) == (ERRORS[line][0], "")
        first, *rest = ran.err.splitlines()
        assert first.startswith("error: ")
        assert [each.startswith("hint: ") for each in rest] in ([], [True])


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_warning_and_note_in_json_are_objects_on_stderr(story: Cli, form: str) -> None:
    with story.log.open("ab") as log:
        log.write(b'{"specversion')
    ran = story("state", "--at", "@-", "--format", form)
    assert ran.code == 0
    warning, note = documents(ran.err)
    assert "13 bytes" in warning["warning"]["message"]
    assert note["note"]["message"] == "as of @-: event 7, of 2026-03-01 15:00:00+00:00"
    assert '"note"' not in story("state", "--at", "@-", "--format", form, "-q").err


# --- what other programs make of it -----------------------------------------------------------------------------------

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")')


@pytest.mark.parametrize("name", FORMULAS)
def test_csv_has_no_cell_that_is_a_formula(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", name)
    cli.ok("user", "create", "--email", "=1+1@example.com", "--id", name, "--", name)
    cli.ok("user", "change-email", "--", "1", "-1@example.com")
    cli.ok("user", "rename", "1", f"x{name}")
    cli.ok("user", "rename", "--", "1", name)
    cli.ok("user", "destroy", "1", f"--reason={name}")
    outputs = [
        cli.ok(*words, "--format", "csv").out
        for words in (
            ("user", "list", "--all"), ("user", "show", "1"), ("log",), ("show", "1"), ("show", "5"),
            ("diff", "0"), ("state", "--at", "4"), ("user", "restore", "1", "--id", f"{name}2"),
        )
    ]  # fmt: skip
    for output in outputs:
        cells = [cell for row in csv_rows(output) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], output
    assert f"'{name}" in [cell for row in csv_rows(outputs[0]) for cell in row]


@pytest.mark.parametrize("name", ['Ada "the first" Lovelace', "Lovelace, Ada", "O'Brien", "a;b", "'x"])
def test_csv_keeps_every_other_name_as_it_is(cli: Cli, name: str) -> None:
    cli.ok("user", "create", name, "--email", "ada@example.com")
    assert csv_rows(cli.ok("user", "list", "--format", "csv").out)[1][1] == name


def test_plain_has_no_tab_in_a_field_and_no_newline_in_a_record(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a\tb\nc.jsonl"
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--log", str(path))
    assert cli.ok("path", "--log", str(path)).out == f"{tmp_path}/a\\u{{9}}b\\u{{a}}c.jsonl\n"
    status = cli.ok("status", "--log", str(path)).out
    assert all(line.count("\t") == 1 for line in status.splitlines()), status


def test_plain_cuts_nothing_on_a_narrow_screen(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    name, email = "x" * 200, "y" * 60 + "@example.com"
    cli.ok("user", "create", name, "--email", email)
    cli.ok("user", "destroy", "1", "--reason", "z" * 2000)
    assert cli.ok("user", "list", "--all").out == f"1\t{name}\t{email}\t1\t2\t2\n"
    assert "z" * 2000 in cli.ok("log").out
    assert "z" * 2000 in cli.ok("show").out
