"""Columns of records: when, by whom and why; exports that say what they are; spreadsheets."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Cli, Clock, Ran
from support.caches import cache_every_log

from cli.support import documents, events_in, fails, in_json, many_events, refuses, run_on
from evcli.cli import columns
from evcli.register.stamps import Stamps

WIDE = (
    "id", "name", "email",
    "created", "created_at", "created_by", "created_reason",
    "changed", "changed_at", "changed_by", "changed_reason",
    "destroyed", "destroyed_at", "destroyed_by", "destroyed_reason",
)  # fmt: skip


@pytest.fixture(params=[False, True], ids=["no cache", "cache"])
def told(story: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The story, and that Bob destroyed Grace for a reason; with a cache, or without."""
    monkeypatch.setenv("EVCLI_ACTOR", "bob")
    story.ok("user", "destroy", "2", "--reason", "=moved, to Oslo", "-q")
    if request.param:
        cache_every_log(monkeypatch)
        story.ok("state")
    return story


def stamped(cli: Cli, user: dict[str, Any]) -> dict[str, Any]:
    """A user as JSON shows it, with all columns, looked up in the log itself."""
    events = events_in(cli.log)
    found: dict[str, Any] = {name: user[name] for name in ("id", "name", "email")}
    for stamp in ("created", "changed", "destroyed"):
        number = user[stamp]
        event = None if number is None else events[number - 1]
        found[stamp] = number
        found[f"{stamp}_at"] = event and event["time"]
        found[f"{stamp}_by"] = event and event["authid"]
        found[f"{stamp}_reason"] = event and event["data"].get("reason")
    return found


# --- columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(10))
@pytest.mark.parametrize("live_only", [False, True])
def test_wide_lists_and_exports_say_when_by_whom_and_why(told: Cli, at: int, live_only: bool) -> None:
    words = ("--at", str(at), *([] if live_only else ["--all"]))
    expected = [stamped(told, user) for user in in_json(told, "user", "list", *words)]
    assert in_json(told, "user", "list", "--wide", *words) == expected
    assert in_json(told, "export", "--wide", *words) == expected
    assert documents(told.ok("export", "--wide", "--format", "jsonl", *words).out) == expected
    rows = list(csv.DictReader(io.StringIO(told.ok("export", "--wide", *words).out, newline="")))
    as_text = [{name: "" if value is None else str(value) for name, value in each.items()} for each in expected]
    for row in as_text:
        row["destroyed_reason"] = row["destroyed_reason"].replace("=moved", "'=moved")
        row["changed_reason"] = row["changed_reason"].replace("=moved", "'=moved")
    assert rows == as_text


def test_wide_has_every_column_in_the_order_of_the_events(told: Cli) -> None:
    assert told.ok("export", "--wide").out.splitlines()[0] == ",".join(WIDE)
    assert tuple(in_json(told, "user", "list", "--wide")[0]) == WIDE


def test_columns_are_those_that_are_named_in_that_order(told: Cli) -> None:
    names = "destroyed_by, name,created_at"
    assert told.ok("export", "--columns", names, "--all").out == (
        "destroyed_by,name,created_at\r\n"
        ",Ada Lovelace,2026-03-01T09:00:00.000000Z\r\n"
        "bob,Grace Hopper,2026-03-01T10:00:00.000000Z\r\n"
        "ann,Alan,2026-03-01T15:00:00.000000Z\r\n"
    )
    listed = told.ok("user", "list", "--columns", names, "--all").out.splitlines()
    assert listed[1] == "bob\tGrace Hopper\t2026-03-01 10:00:00+00:00"
    assert in_json(told, "user", "list", "--columns", "name") == [{"name": "Ada Lovelace"}]


def test_columns_without_stamps_read_no_event(told: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evcli.register.stamps.Stamps.of", None)
    assert told.ok("user", "list", "--columns", "name,changed").out == "Ada Lovelace\t6\n"


def test_a_wide_table_leaves_out_what_nobody_has(story: Cli) -> None:
    def header(*words: str) -> str:
        return run_on(["user", "list", "--wide", "--format", "table", *words], story.clock).out

    assert "destroyed" not in header()
    assert "reason" not in header()
    assert "destroyed" in header("--all")
    assert "reason" in run_on(["user", "list", "--columns", "created_reason", "--format", "table"], story.clock).out


@pytest.mark.parametrize(
    ("names", "why", "hint"),
    [
        ("nmae", '"nmae" is no column of users', "did you mean name? columns are id, name, "),
        ("name,,id", '"" is no column', "columns are"),
        ("", '"" is no column', "columns are"),
        ("created_when", '"created_when" is no column', "did you mean created"),
        ("id,name,id", 'names "id" twice', "leave one of them out"),
    ],
)
def test_columns_that_are_none_are_refused(told: Cli, names: str, why: str, hint: str) -> None:
    for command in (("user", "list"), ("export",)):
        refuses(told, (*command, "--columns", names), 2, why, hint)
        refuses(told, (*command, "--columns", "id", "--wide"), 2, "leave one of them out")


def test_records_are_looked_up_some_at_a_time(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "AT_ONCE", 7)
    many_events(cli, 30)
    cli.ok("user", "rename", "3", "Third", "--reason", "order", "-q")
    asked: list[int] = []
    of = Stamps.of

    def watched(self: Stamps, numbers: Any) -> Any:
        asked.append(len(numbers))
        return of(self, numbers)

    monkeypatch.setattr(Stamps, "of", watched)
    listed = in_json(cli, "user", "list", "--columns", "id,changed,changed_reason")
    assert [each["id"] for each in listed] == list(range(1, 31))
    assert [each["changed_reason"] for each in listed] == [None, None, "order", *[None] * 27]
    assert asked == [7, 7, 7, 7, 2]


# --- exports that say what they are -----------------------------------------------------------------------------------


def origin(cli: Cli, number: int, asked: str) -> dict[str, Any]:
    events = events_in(cli.log)
    return {
        "moment": events[number - 1]["time"], "asked": asked, "number": number,
        "head": f"{number}:{events[number - 1]['sha256']}", "log": events[0]["sha256"], "source": "evcli",
        "file": "events.jsonl", "zone": "UTC (+00:00)", "exported": "2026-03-01T17:00:00.000000Z",
    }  # fmt: skip


def test_json_says_of_which_moment_head_log_and_zone_it_is(story: Cli) -> None:
    users = in_json(story, "export", "--at", "3")
    document = json.loads(story.ok("export", "--with-head", "--at", "2026-03-01 11:30", "--json").out)
    assert document == {"as_of": origin(story, 3, "2026-03-01 11:30"), "users": users}
    first, *rest = documents(story.ok("export", "--with-head", "--format", "jsonl", "--at", "3").out)
    assert (first, rest) == ({"as_of": origin(story, 3, "3")}, users)


def test_csv_says_so_in_lines_before_its_header(story: Cli) -> None:
    *comments, header, _, _, _ = story.ok("export", "--with-head", "--all").out.split("\r\n")[:-1]
    about = [f"# {name}: {value}" for name, value in origin(story, 8, "now").items()]
    assert comments == ["# evcli users", *about]
    assert header.startswith("id,name,")


def test_what_somebody_typed_is_no_line_of_its_own(story: Cli, tmp_path: Path) -> None:
    log = tmp_path / 'a, "b"\nid,name,email\x1b.jsonl'
    log.write_bytes(story.log.read_bytes())
    text = story.ok("export", "--with-head", "--log", str(log)).out
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert ['# file: a, "b"\\u{a}id,name,email\\u{1b}.jsonl'] in rows
    assert [len(row) for row in rows[:10]] == [1] * 10


def test_the_head_of_an_export_is_durable(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.calls import Calls

    calls = Calls(monkeypatch, story.log)
    story.ok("export")
    assert calls.made == []
    story.ok("export", "--with-head")
    assert calls.made == ["fsync log"]


def test_an_export_of_nothing_has_a_head_too(story: Cli) -> None:
    found = json.loads(story.ok("export", "--with-head", "--json", "--at", "0").out)
    assert found["users"] == []
    assert (found["as_of"]["moment"], found["as_of"]["head"]) == (None, "0:" + "0" * 64)
    assert found["as_of"]["log"] == events_in(story.log)[0]["sha256"]
    story.log.write_bytes(b"")
    found = json.loads(story.ok("export", "--with-head", "--json").out)
    assert (found["as_of"]["log"], found["as_of"]["source"], found["users"]) == (None, None, [])


@pytest.mark.parametrize("option", ["--columns=id", "--wide", "--with-head", "--excel", "--delimiter=;", "--all"])
def test_options_for_records_are_refused_for_events(story: Cli, option: str) -> None:
    refuses(story, ("export", "--what", "events", option), 2, option.partition("=")[0])


# --- spreadsheets -----------------------------------------------------------------------------------------------------


def test_csv_for_excel_begins_with_a_mark_and_may_have_semicolons(told: Cli, tmp_path: Path) -> None:
    told.ok("export", "--excel", "--delimiter", ";", "--all", "--columns", "name,destroyed_reason", str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == (
        b"\xef\xbb\xbfname;destroyed_reason\r\nAda Lovelace;\r\nGrace Hopper;'=moved, to Oslo\r\nAlan;\r\n"
    )
    assert told.ok("export", "--delimiter", "tab", "--columns", "id,name").out == "id\tname\r\n1\tAda Lovelace\r\n"
    assert told.ok("export", "--excel", "--columns", "id").out == "\ufeffid\r\n1\r\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--excel", "x.jsonl"), "--excel is for CSV"),
        (("--excel", "users.json"), "--excel is for CSV"),
        (("--excel", "users.xlsx"), "a workbook needs neither"),
        (("--delimiter", ";", "users.jsonl"), "--delimiter is for CSV"),
        (("--delimiter", "x"), "is not one of , ; | tab"),
        (("--delimiter", ""), "is not one of"),
        (("users.xls",), "users.xls would hold csv"),
        (("users.ODS",), "users.ODS would hold csv"),
        (("--what", "events", "e.xlsx"), "events are exported as jsonl or json, not as xlsx"),
    ],
)
def test_wrong_forms_for_a_spreadsheet_are_refused(story: Cli, words: tuple[str, ...], why: str) -> None:
    refuses(story, ("export", *words), 2, why)


def values(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    """The cells of a sheet, as openpyxl reads them."""
    return list(openpyxl.load_workbook(path)[sheet].values)


def test_a_workbook_is_read_by_another_library(told: Cli, tmp_path: Path) -> None:
    path = tmp_path / "users.xlsx"
    told.ok("export", "--wide", "--all", "--with-head", str(path))
    header, *rows = values(path, "users")
    assert header == WIDE
    assert [dict(zip(header, row, strict=True)) for row in rows] == in_json(told, "export", "--wide", "--all")
    about = {name: None if value is None else str(value) for name, value in origin(told, 9, "now").items()}
    assert dict(values(path, "as of")) == about
    assert openpyxl.load_workbook(path)["users"].freeze_panes == "A2"


def test_a_workbook_has_text_where_a_formula_would_be(cli: Cli, tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "https://example.com", "12", "plain"]
    for at, name in enumerate(names):
        cli.ok("user", "create", f"--email=n{at}@example.com", "-q", "--", name)
    cli.ok("export", "--columns", "name", str(tmp_path / "x.xlsx"))
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "x.xlsx")["users"].iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in cells] == [(name, "s", None) for name in names]
    assert [cell.quotePrefix for cell in cells] == [True] * 5 + [False] * 3


def test_a_workbook_without_its_library_is_refused_with_what_to_install(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evcli.cli.show.workbook.find_spec", lambda name: None)
    refuses(story, ("export", str(tmp_path / "x.xlsx")), 2, "XlsxWriter", 'pip install "evcli[xlsx]"')


def test_more_rows_than_a_sheet_has_are_refused(story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evcli.cli.show import workbook

    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    story.ok("export", str(tmp_path / "x.xlsx"))
    refuses(story, ("export", "--all", str(tmp_path / "y.xlsx")), 14, "a sheet has at most 2 rows", "export CSV")


# --- and back ---------------------------------------------------------------------------------------------------------

FORMS: dict[str, tuple[str, ...]] = {
    "csv": ("people.csv",),
    "excel": ("--excel", "people.csv"),
    "german excel": ("--excel", "--delimiter", ";", "people.csv"),
    "tab": ("--delimiter", "tab", "people.csv"),
    "json": ("people.json",),
    "jsonl": ("people.jsonl",),
    "workbook": ("people.xlsx",),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_import_reads_an_export_with_head_and_all_columns(story: Cli, tmp_path: Path, form: str) -> None:
    *options, name = FORMS[form]
    path, copy = tmp_path / name, Cli(tmp_path / "copy.jsonl", Clock())
    story.ok("export", "--wide", "--with-head", *options, str(path))
    ran = copy("--log", str(copy.log), "import", str(path))
    assert (ran.code, ran.out.startswith("imported 2 users ")) == (0, True)
    listed = json.loads(copy("--log", str(copy.log), "user", "list", "--json").out)
    assert [(each["name"], each["email"]) for each in listed] == [
        ("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@navy.example"),
    ]  # fmt: skip


def test_a_line_of_json_about_an_export_is_passed_over_only_as_the_first(cli: Cli, tmp_path: Path) -> None:
    row, about = '{"name":"Ada","email":"ada@example.com"}\n', '{"as_of":{}}\n'
    (tmp_path / "people.jsonl").write_text(row + about)
    ran: Ran = cli("import", str(tmp_path / "people.jsonl"))
    fails(ran, 2, "line 2")
    (tmp_path / "people.jsonl").write_text(about + row)
    cli.ok("import", str(tmp_path / "people.jsonl"))
