"""Every command in every form: what is printed can be parsed, has the documented shape, and says the same."""

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
    untouched,
)

VECTORS = Path(__file__).parent.parent / "vectors"
BOX = "─│┌┐└┘├┤┬┴┼━┃╭╮╰╯═║"

DRY = {f"{name} --dry-run": (*words, "--dry-run") for name, words in WRITING.items()}
ALL = {
    **{name: words for name, words in EVERY.items() if name not in FOR_PROGRAMS},
    **DRY,
    "user list --all": ("user", "list", "--all"),
    "log of nothing": ("log", "--type", "nope"),
    "user list of nobody": ("user", "list", "--at", "0"),
    "state of nothing": ("state", "--at", "0"),
    "diff of nothing": ("diff", "8", "8"),
    "head --at": ("head", "--at", "3"),
    "verify --expect": ("verify", "--expect", "0:" + "0" * 64),
}
EMPTY = ("log of nothing", "user list of nobody", "state of nothing", "diff of nothing")
"""The commands whose answer in words may have no line."""


def csv_rows(text: str) -> list[list[str]]:
    """The rows of a CSV answer, header first, after a look at its form."""
    assert text.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows, "a CSV answer has a header at least"
    assert {len(row) for row in rows} == {len(rows[0])}, "rows of several lengths"
    return rows


# --- each form can be parsed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ALL)
def test_json_is_one_document_on_one_or_more_lines(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n")
    assert isinstance(json.loads(ran.out), dict | list)


@pytest.mark.parametrize("command", ALL)
def test_json_for_short_is_the_same(story: Cli, command: str, tmp_path: Path) -> None:
    long = story(*ALL[command], "--format", "json", *(["--dry-run", "--id", "x"] if command in WRITING else []))
    short = story(*ALL[command], "--json", *(["--dry-run", "--id", "x"] if command in WRITING else []))
    assert (long.code, short.code) == (0, 0)
    without_ids = [
        {**json.loads(ran.out), "events": []} if command in DRY else json.loads(ran.out) for ran in (long, short)
    ]
    assert without_ids[0] == without_ids[1]


@pytest.mark.parametrize("command", ALL)
def test_jsonl_is_the_document_on_one_line_or_the_arrays_elements_one_a_line(story: Cli, command: str) -> None:
    dry = ["--dry-run", "--id", "x"] if command in WRITING or command in DRY else []
    document = json.loads(story(*ALL[command], *dry, "--format", "json").out)
    ran = story(*ALL[command], *dry, "--format", "jsonl")
    assert ran.code == 0, ran.err
    assert documents(ran.out) == (document if isinstance(document, list) else [document])
    assert ran.out.endswith("\n") or document == []


@pytest.mark.parametrize("command", ALL)
def test_csv_has_a_header_and_rows_of_its_length_ended_as_rfc_4180_says(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "csv")
    assert ran.code == 0, ran.err
    rows = csv_rows(ran.out)
    assert all(name and name == name.strip() for name in rows[0]), f"odd header {rows[0]}"
    assert len(rows) > 1 or command in EMPTY


@pytest.mark.parametrize("command", ALL)
def test_plain_has_lines_without_box_or_trailing_carriage_return(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "plain")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n") or (ran.out == "" and command in EMPTY)
    if command not in ELSEWHERE:
        assert not set(BOX) & set(ran.out), "box characters in plain"
    assert "\r" not in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("command", [name for name in ALL if name not in ELSEWHERE])
def test_plain_is_the_default_in_a_pipe(story: Cli, command: str) -> None:
    dry = ["--dry-run", "--id", "x"] if command in WRITING or command in DRY else []
    assert story(*ALL[command], *dry) == story(*ALL[command], *dry, "--format", "plain")


@pytest.mark.parametrize("command", ALL)
def test_a_table_is_drawn_in_a_pipe_too_when_it_is_asked_for_and_without_colour(story: Cli, command: str) -> None:
    ran = story(*ALL[command], "--format", "table")
    assert ran.code == 0, ran.err
    assert ran.out.endswith("\n") or command in EMPTY
    assert "\x1b" not in ran.out
    assert all(line == line.rstrip(" ") for line in ran.out.splitlines()), "trailing spaces"


@pytest.mark.parametrize("command", ["user list", "user show", "log", "show", "state", "diff", "verify", "status"])
def test_a_table_holds_every_field_of_the_plain_answer(
    story: Cli, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    table = story.ok(*READING[command], "--format", "table").out
    for line in story.ok(*READING[command], "--format", "plain").out.splitlines():
        for field in line.split("\t"):
            assert field in table, f"{field!r} is not in the table"


@pytest.mark.parametrize("command", WRITING)
def test_the_answer_of_a_writing_command_is_the_same_sentence_in_table_and_plain(story: Cli, command: str) -> None:
    log = story.log.read_bytes()
    plain = story(*WRITING[command], "--format", "plain")
    story.log.write_bytes(log)
    assert story(*WRITING[command], "--format", "table") == plain
    assert plain.out.startswith("user ")
    assert plain.out.splitlines()[1].startswith("undo: evcli user ")


@pytest.mark.parametrize("command", DRY)
@pytest.mark.parametrize("form", FORMS)
def test_a_dry_run_shows_the_event_in_every_form_and_writes_nothing(
    story: Cli, command: str, form: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = story(*DRY[command], "--format", form)
    assert ran.code == 0
    assert "event-9" in ran.out
    assert "nothing was written" in ran.err


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["before", "after"])
def test_the_form_may_be_named_before_or_after_the_command(story: Cli, form: str, where: str) -> None:
    words = ("--format", form, "user", "list") if where == "before" else ("user", "list", "--format", form)
    assert story(*words) == story("user", "--format", form, "list")


# --- the documented JSON shapes ---------------------------------------------------------------------------------------

USER = {"id", "name", "email", "created", "changed", "destroyed"}


def is_user(value: Any) -> bool:
    """Whether this has the shape of a user."""
    return (
        isinstance(value, dict)
        and set(value) >= USER
        and all(type(value[name]) is int for name in ("id", "created", "changed"))
        and all(type(value[name]) is str for name in ("name", "email"))
        and (value["destroyed"] is None or type(value["destroyed"]) is int)
    )


def test_the_shape_of_user_list_is_an_array_of_users(story: Cli) -> None:
    users = json.loads(story.ok("user", "list", "--all", "--json").out)
    assert all(map(is_user, users))
    assert users == [ADA, GRACE, ALAN]
    assert json.loads(story.ok("user", "list", "--at", "0", "--json").out) == []


def test_the_shape_of_user_show_is_one_user_and_its_events(story: Cli) -> None:
    user = json.loads(story.ok("user", "show", "3", "--json").out)
    assert is_user(user)
    assert user["events"] == events_in(story.log)[6:]


def test_the_shape_of_state_is_the_head_the_counts_and_all_users_in_order_of_id(story: Cli) -> None:
    state = json.loads(story.ok("state", "--json").out)
    assert set(state) >= {"number", "sha256", "time", "live", "destroyed", "users"}
    assert all(map(is_user, state["users"]))
    assert [user["id"] for user in state["users"]] == [1, 2, 3]


def test_the_shape_of_log_is_an_array_of_events_exactly_as_in_the_log(story: Cli) -> None:
    assert json.loads(story.ok("log", "--json").out) == events_in(story.log)[::-1]
    assert json.loads(story.ok("log", "--type", "nope", "--json").out) == []


def test_the_shape_of_show_is_an_event_and_the_user_before_and_after(story: Cli) -> None:
    shown = json.loads(story.ok("show", "--json").out)
    assert set(shown) >= {"event", "before", "after"}
    assert shown["event"] == events_in(story.log)[-1]
    assert is_user(shown["before"])
    assert is_user(shown["after"])


def test_the_shape_of_diff_is_two_numbers_and_the_changes(story: Cli) -> None:
    shown = json.loads(story.ok("diff", "4", "7", "--json").out)
    assert (shown["from"], shown["to"]) == (4, 7)
    assert [change["id"] for change in shown["changes"]] == [1, 3]
    assert all(set(change) >= {"id", "before", "after"} for change in shown["changes"])
    assert shown["changes"][1]["before"] is None
    assert is_user(shown["changes"][1]["after"])


@pytest.mark.parametrize("command", WRITING)
def test_the_shape_of_every_writing_command_is_events_users_and_whether_it_was_recorded(
    story: Cli, command: str
) -> None:
    answer = json.loads(story.ok(*WRITING[command], "--json", "--id", "x").out)
    assert answer["events"] == [events_in(story.log)[-1]]
    assert len(answer["users"]) == 1
    assert is_user(answer["users"][0])
    assert answer["users"][0] in json.loads(story.ok("user", "list", "--all", "--json").out)
    assert answer["recorded"] is True
    repeated = json.loads(story.ok(*WRITING[command], "--json", "--id", "x").out)
    assert repeated == {**answer, "recorded": False}


def test_the_shapes_of_head_path_and_verify(story: Cli) -> None:
    digest = events_in(story.log)[-1]["sha256"]
    assert json.loads(story.ok("head", "--json").out) == {"number": 8, "sha256": digest}
    assert json.loads(story.ok("path", "--json").out) == {"path": str(story.log)}
    assert json.loads(story.ok("verify", "--json").out) == {
        "status": "good", "events": 8, "head": f"8:{digest}", "torn_bytes": 0, "unterminated": False,
        "faults": [],
    }  # fmt: skip


def test_user_list_says_the_same_in_csv_and_plain_as_in_json(story: Cli) -> None:
    users = json.loads(story.ok("user", "list", "--all", "--json").out)
    as_text = [["" if value is None else str(value) for value in user.values()] for user in users]
    rows = csv_rows(story.ok("user", "list", "--all", "--format", "csv").out)
    assert rows == [list(users[0]), *as_text]
    assert [line.split("\t") for line in story.ok("user", "list", "--all").out.splitlines()] == as_text


def test_csv_has_times_as_they_are_stored(story: Cli) -> None:
    rows = csv_rows(story.ok("log", "--format", "csv").out)
    assert [row[rows[0].index("time")] for row in rows[1:]] == [event["time"] for event in events_in(story.log)[::-1]]


# --- log --format jsonl -----------------------------------------------------------------------------------------------


def test_log_as_jsonl_is_the_logs_own_lines_byte_for_byte(story: Cli) -> None:
    lines = story.log.read_bytes()
    assert story.ok("log", "--format", "jsonl", "--reverse").out.encode() == lines
    newest_first = b"".join(lines.splitlines(keepends=True)[::-1])
    assert story.ok("log", "--format", "jsonl").out.encode() == newest_first


def test_log_as_jsonl_keeps_every_character_of_the_log_as_it_is(cli: Cli) -> None:
    cli.log.write_bytes((VECTORS / "ten.jsonl").read_bytes())
    assert cli.ok("log", "--format", "jsonl", "--reverse").out.encode() == cli.log.read_bytes()


def test_log_as_jsonl_with_odd_but_allowed_characters_is_byte_for_byte_too(cli: Cli) -> None:
    odd = 'soft\u00adhyphen, word\u2060joiner, "quotes", back\\slash, \U000e0041tag, \ufff9, क्\u200dष, /, <, é, e\u0301'
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--id", 'i"d\u00ad')
    cli.ok("user", "destroy", "1", "--reason", odd)
    assert cli.ok("log", "--format", "jsonl", "--reverse").out.encode() == cli.log.read_bytes()
    assert json.loads(cli.ok("log", "-n", "1", "--json").out)[0]["data"]["reason"] == odd


@pytest.mark.parametrize(
    ("options", "numbers"), [("-n 2", [8, 7]), ("--type user.created", [7, 2, 1]), ("--since 6 --reverse", [7, 8])]
)
def test_log_as_jsonl_with_options_is_still_made_of_the_logs_lines(
    story: Cli, options: str, numbers: list[int]
) -> None:
    lines = story.log.read_bytes().splitlines(keepends=True)
    ran = story("log", *options.split(), "--format", "jsonl")
    assert ran.out.encode() == b"".join(lines[number - 1] for number in numbers)


# --- errors, warnings and notes ---------------------------------------------------------------------------------------

ERRORS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such user": (("user", "show", "nobody"), 1, "no-such-user"),
    "e-mail taken": (("user", "create", "X", "--email", "ada@example.com"), 1, "email-taken"),
    "already destroyed": (("user", "destroy", "3"), 1, "destroyed"),
    "not destroyed": (("user", "restore", "1"), 1, "not-destroyed"),
    "unchanged": (("user", "rename", "2", "Grace Hopper"), 1, "unchanged"),
    "bad name": (("user", "create", "", "--email", "x@example.com"), 2, "bad-text"),
    "bad ref": (("state", "--at", "nope"), 2, "bad-ref"),
    "conflict": (("user", "destroy", "2", "--expect", "1"), 13, "conflict"),
    "no log": (("log", "--log", "/nowhere/at/all.jsonl"), 10, "no-log"),
    "a folder": (("log", "--log", "/"), 14, "cannot-open"),
    "unknown command": (("nope",), 2, "bad-input"),
    "unknown option": (("state", "--nope"), 2, "bad-input"),
    "missing argument": (("user", "create"), 2, "bad-input"),
    "missing option": (("user", "create", "Ada"), 2, "bad-input"),
    "missing value": (("user", "list", "-n"), 2, "bad-input"),
    "bad value": (("user", "list", "-n", "x"), 2, "bad-input"),
    "missing command": ((), 2, "bad-input"),
    "missing subcommand": (("user",), 2, "bad-input"),
    "too many words": (("head", "x"), 2, "bad-input"),
    "unknown topic": (("help", "nope"), 2, "bad-input"),
    "unknown shell": (("completion", "nope"), 2, "bad-input"),
    "both forms": (("state", "--format", "nope"), 2, "bad-input"),
}


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("case", ERRORS)
def test_with_json_an_error_is_one_object_on_stderr(story: Cli, case: str, where: str, tmp_path: Path) -> None:
    words, code, name = ERRORS[case]
    if case == "missing value":
        words = words if where == "before" else ("user", "list", "--json", "-n")
    with untouched(tmp_path):
        ran = story("--json", *words) if where == "before" or case == "missing value" else story(*words, "--json")
    _is_json_error(ran, code, name)


@pytest.mark.parametrize("option", ["--format json", "--format=json", "--format jsonl", "--format=jsonl"])
@pytest.mark.parametrize("case", [case for case in ERRORS if case not in ("missing value", "both forms")])
def test_with_the_long_option_an_error_is_one_object_on_stderr_too(story: Cli, case: str, option: str) -> None:
    words, code, name = ERRORS[case]
    _is_json_error(story(*words, *option.split()), code, name)


def _is_json_error(ran: Ran, code: int, name: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.endswith("\n")
    told = json.loads(ran.err)
    assert list(told) == ["error"]
    error = told["error"]
    assert set(error) >= {"code", "exit", "message", "hint"}
    assert error["exit"] == code
    assert error["code"] == name
    assert error["message"]
    assert isinstance(error["hint"], str)


@pytest.mark.parametrize("form", ["table", "plain", "csv"])
@pytest.mark.parametrize("case", [case for case in ERRORS if case not in ("missing value", "both forms")])
def test_in_the_other_forms_an_error_is_a_sentence_and_a_hint(story: Cli, case: str, form: str) -> None:
    words, code, _ = ERRORS[case]
    ran = story(*words, "--format", form)
    assert (ran.code, ran.out) == (code, "")
    first, *rest = ran.err.splitlines()
    assert first.startswith("error: ")
    assert all(line.startswith("hint: ") for line in rest)
    assert len(rest) <= 1


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_with_json_warnings_and_notes_are_objects_on_stderr_one_a_line(story: Cli, form: str) -> None:
    with story.log.open("ab") as log:
        log.write(b'{"specversion')
    ran = story("state", "--at", "@-", "--format", form)
    assert ran.code == 0
    told = documents(ran.err)
    assert ["warning" in one or "note" in one for one in told] == [True, True]
    assert "13 bytes" in told[0]["warning"]["message"]
    assert told[1]["note"]["message"] == "as of event 7 (2026-03-01 15:00:00)"
    assert "note" not in story("state", "--at", "@-", "--format", form, "-q").err


def test_verify_of_a_damaged_log_gives_its_document_on_stdout_and_the_error_object_on_stderr(cli: Cli) -> None:
    cli.log.write_bytes((VECTORS / "bad-one-letter.jsonl").read_bytes())
    ran = cli("verify", "--json")
    assert ran.code == 12
    assert json.loads(ran.out)["status"] == "damaged"
    told = json.loads(ran.err)
    assert told["error"]["exit"] == 12


# --- what other programs make of it -----------------------------------------------------------------------------------

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")')


@pytest.mark.parametrize("name", FORMULAS)
def test_in_csv_no_cell_can_be_taken_for_a_formula(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
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


@pytest.mark.parametrize(
    "name", ['Ada "the first" Lovelace', "Lovelace, Ada", "O'Brien", "a;b", " \u2003x".strip(), "'x"]
)
def test_in_csv_every_other_name_is_read_back_as_it_is(cli: Cli, name: str) -> None:
    cli.ok("user", "create", name, "--email", "ada@example.com")
    assert csv_rows(cli.ok("user", "list", "--format", "csv").out)[1][1] == name


def test_in_plain_no_field_holds_a_tab_and_no_record_a_newline(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a\tb\nc.jsonl"
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--log", str(path))
    assert cli.ok("path", "--log", str(path)).out == f"{tmp_path}/a\\u{{9}}b\\u{{a}}c.jsonl\n"
    status = cli.ok("status", "--log", str(path)).out
    assert all(line.count("\t") == 1 for line in status.splitlines()), status


def test_in_plain_nothing_is_cut_however_narrow_the_screen(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    name, email = "x" * 200, "y" * 60 + "@example.com"
    cli.ok("user", "create", name, "--email", email)
    cli.ok("user", "destroy", "1", "--reason", "z" * 2000)
    assert cli.ok("user", "list", "--all").out == f"1\t{name}\t{email}\t1\t2\t2\n"
    assert "z" * 2000 in cli.ok("log").out
    assert "z" * 2000 in cli.ok("show").out
