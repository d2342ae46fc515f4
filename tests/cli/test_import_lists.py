"""`evcli import` of lists in other forms: its options and hints. How each form is read is in tests/transfer."""

import gzip
import json
import shlex
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from conftest import Cli

from cli.support import events_in, fails, refuses, run_shell, untouched

GERMAN = "Vorname;Nachname;Eintritt;Mail\r\nZoë;Müller;31.12.2024;zoe@example.com\r\n".encode("cp1252")
NAMED = ("--encoding", "windows-1252", "--column", "email=Mail", "--column=date=Eintritt", "--date-format", "%d.%m.%Y")
LIST = b"name,email,date\nAda,ada@example.com,{}\n"


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of that name in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path("people.csv")


def test_list_is_read_as_the_options_say_and_what_was_taken_for_what_is_said(cli: Cli, people: Path) -> None:
    people.write_bytes(GERMAN)
    ran = cli.ok("import", "people.csv", *NAMED)
    said = 'people.csv: name from "Vorname" + "Nachname", e-mail from "Mail", date from "Eintritt"'
    assert ran.err.splitlines()[0] == said
    (event,) = events_in(cli.log)
    assert (event["data"], event["time"][:10]) == ({"name": "Zoë Müller", "email": "zoe@example.com"}, "2024-12-31")
    assert "nothing to import" in cli.ok("import", "people.csv", *NAMED).out, "running it again finds the rows"


def test_login_names_are_addresses_in_the_domain(cli: Cli, people: Path) -> None:
    people.write_bytes(b"ada:x:1000:1000:Ada Lovelace:/home/ada:/bin/sh\n")
    cli.ok("import", "people.csv", "--from", "passwd", "--email-domain", "@example.com")
    assert events_in(cli.log)[0]["data"] == {"name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.mark.parametrize("delimiter", ["tab", "\\t", "\t"])
def test_tab_may_be_typed_in_three_ways(cli: Cli, people: Path, delimiter: str) -> None:
    people.write_text("name\temail\nAda\tada@example.com\n")
    cli.ok("import", "people.csv", "--delimiter", delimiter)


WRONG = [
    ("--date-format %d.%m", "is not the form of a date", "31.12.2024 is %d.%m.%Y"),
    ("--date-format %Q", "is not the form of a date", "%d.%m.%Y"),
    ("--delimiter ab", "cannot separate cells", "one character of CSV"),
    ("--delimiter ; --from jsonl", "cannot separate cells", "one character of CSV"),
    ("--column note=Note", "is not FIELD=COLUMN", "fields are name, email, date, action, reason, destroyed"),
    ("--column name", "is not FIELD=COLUMN", "fields are"),
    ("--column name=", "is not FIELD=COLUMN", "fields are"),
    ("--column name=A --column NAME=B", "the same field twice", "name=First+Last"),
    ("--email-domain example.com", "is for --from passwd", ""),
    ("--from xml", '--from "xml" is not one of csv, jsonl, json, scim, ldif, passwd, addresses', ""),
    ("--encoding klingon", '"klingon" is not an encoding', "windows-1252"),
    ("--column email=Mail", 'there is no column "Mail"; the columns are "name", "email", "date"', ""),
]


@pytest.mark.parametrize(("options", "said", "hint"), WRONG)
def test_option_that_is_wrong_is_2_and_says_what_is_right(
    cli: Cli, people: Path, options: str, said: str, hint: str
) -> None:
    people.write_bytes(LIST)
    with untouched(cli.log.parent):
        fails(cli("import", "people.csv", *options.split()), 2, said, hint)


BAD = [
    (b"", "people.csv is empty"),
    (b"<!doctype html><title>Sign in</title>", "is an HTML page", "is it a login page"),
    (gzip.compress(LIST, mtime=0)[:-9], "is cut off", "download or copy it again"),
    (
        b'name,email\nAda,"a@x.de; b@x.de"\n',
        'line 2, email: "a@x.de; b@x.de" is 2 e-mails',
        "keep one: a@x.de or b@x.de",
    ),
    (b"name,email\nAda,a@x.de/b@x.de/c@x.de/d@x.de\n", "is 4 e-mails", "keep one: a@x.de or b@x.de or c@x.de\n"),
    (b"name,E-Mail,Mail\nAda,a,b\n", '"E-Mail" and "Mail" could both be', "say which: --column email=E-Mail"),
    (b"email,Full Name,Real Name\na@b,A,B\n", "could both be the name", "say which: --column 'name=Full Name'"),
    (b"Login,Person\na,b\n", "no column name and no column email", "or name one: --column name=COLUMN"),
    (LIST.replace(b"{}", b"31.12.2024"), "line 2, date", "hint: --date-format %d.%m.%Y says how to read it"),
    (LIST.replace(b"{}", b"03/04/24"), "line 2, date", "--date-format %d/%m/%y or --date-format %m/%d/%y says"),
    (LIST.replace(b"{}", b"12-31-2024 23:59"), "line 2, date", "hint: --date-format '%m-%d-%Y %H:%M' says"),
    (LIST.replace(b"{}", b"2024.12.31"), "line 2, date", "hint: --date-format %Y.%m.%d says"),
    (b"a:x:1000:1000:A:/:/bin/sh\n", "looks like a passwd file", "--from passwd --email-domain example.com"),
    (b"[]", "has a .csv extension but looks like JSON", "--from json reads it"),
]


@pytest.mark.parametrize(("content", "phrases"), [(content, phrases) for content, *phrases in BAD])
def test_bad_list_is_2_with_a_way_out_and_nothing_is_written(
    cli: Cli, people: Path, content: bytes, phrases: list[str]
) -> None:
    people.write_bytes(content)
    with untouched(cli.log.parent):
        fails(cli("import", "people.csv"), 2, "people.csv", "nothing was written", *phrases)


def test_nothing_is_recorded_of_half_a_packed_file_however_long(cli: Cli, people: Path) -> None:
    rows = "".join(f"Person {number},person.{number}@example.com\n" for number in range(6000))
    whole = gzip.compress(b"name,email\n" + rows.encode(), mtime=0)
    people.write_bytes(whole[:-5])
    with untouched(cli.log.parent):
        fails(cli("import", "people.csv"), 2, "people.csv is cut off", "nothing was written")
    people.write_bytes(whole)
    cli.ok("import", "people.csv")
    assert len({event["batch"] for event in events_in(cli.log)}) > 1, "its beginning would have been recorded"


@pytest.mark.parametrize("name", ["all.jsonl", "batch.json"])
@pytest.mark.parametrize("command", ["import", "sync"])
def test_events_of_a_log_are_no_list(story: Cli, people: Path, name: str, command: str) -> None:
    story.ok("export", "--what", "events", name)
    refuses(story, (command, name), 2, f"{name} has the events of a log", "evcli export --log FILE writes the records")


def test_hint_for_a_row_is_in_the_warning_of_a_dry_run(cli: Cli, people: Path) -> None:
    people.write_bytes(LIST.replace(b"{}", b"31.12.2024"))
    told = cli("import", "people.csv", "--dry-run", "--json").err.splitlines()
    assert json.loads(told[0])["warning"]["hint"] == "--date-format %d.%m.%Y says how to read it"


DATES = [
    ("%d.%m.%Y", "03.04.2024", "2024-04-03T00:00:00"),
    ("%m/%d/%Y", "03/04/2024", "2024-03-04T00:00:00"),
    ("%d.%m.%Y %H:%M", "03.04.2024 05:06", "2024-04-03T05:06:00"),
    ("%d %b %y", "3 Apr 24", "2024-04-03T00:00:00"),
]


@pytest.mark.parametrize(("form", "date", "moment"), DATES)
def test_date_is_read_in_the_form_that_is_told(cli: Cli, people: Path, form: str, date: str, moment: str) -> None:
    people.write_bytes(LIST.replace(b"{}", date.encode()))
    cli.ok("import", "people.csv", "--date-format", form)
    assert events_in(cli.log)[0]["time"] == f"{moment}.000000Z"


@pytest.mark.parametrize("date", ["31.02.2024", "2024-4-3", "3.4."])
def test_date_in_another_form_than_told_is_a_bad_row(cli: Cli, people: Path, date: str) -> None:
    people.write_bytes(LIST.replace(b"{}", date.encode()))
    fails(
        cli("import", "people.csv", "--date-format", "%d.%m.%Y"), 2, f'line 2, date: "{date}" is not a date in the form'
    )


def test_real_dates_are_read_beside_those_in_the_form_that_is_told(cli: Cli, people: Path) -> None:
    people.write_text("name,email,date\nAda,ada@example.com,2024-05-06 07:08\nBob,bob@example.com, 03.03.2020\n")
    cli.ok("import", "people.csv", "--date-format", "%d.%m.%Y")
    assert [event["time"][:16] for event in events_in(cli.log)] == ["2024-05-06T07:08", "2020-03-03T00:00"]


def test_real_date_is_none_where_the_form_has_the_day_before_the_month(cli: Cli, people: Path) -> None:
    people.write_bytes(LIST.replace(b"{}", b"2024-04-30"))
    fails(
        cli("import", "people.csv", "--date-format", "%Y-%d-%m"), 2, '"2024-04-30" is not a date in the form %Y-%d-%m'
    )


@pytest.mark.parametrize(
    "heading",
    ["Joined", "Joined on", "Member since", "Start date", "Hire date", "Datum", "Eintritt", "Date d’entrée",
     "Fecha de alta"],
)  # fmt: skip
def test_ignored_column_of_dates_is_named_with_the_option_that_takes_it(cli: Cli, people: Path, heading: str) -> None:
    people.write_text(
        f"name,email,Born,{heading},Last seen\n"
        "Ada,ada@example.com,1980-01-01,2020-01-01,2021-01-01\nBob,bob@example.com,,,\nEve,eve@example.com,,3.4.2021,\n"
    )
    option = f"date={heading}"
    assert f'people.csv: ignored column "{heading}" has dates: --column {shlex.quote(option)} records when' in (
        cli.ok("import", "people.csv", "--dry-run").err
    )
    assert "has dates" not in cli("import", "people.csv", "--dry-run", "--column", option).err
    people.write_text(f"name,email,date,{heading}\nAda,ada@example.com,,2020-01-01\n")
    assert "has dates" not in cli.ok("import", "people.csv", "--dry-run").err


@pytest.mark.parametrize("cells", ["2020-01-01,x", ","], ids=["other", "empty"])
def test_ignored_column_of_other_things_is_not_taken_for_dates(cli: Cli, people: Path, cells: str) -> None:
    first, second = cells.split(",")
    people.write_text(f"name,email,Joined\nAda,ada@example.com,{first}\nBob,bob@example.com,{second}\n")
    assert "has dates" not in cli.ok("import", "people.csv").err


def test_list_in_a_pipe_is_read_as_from_a_file(cli: Cli, people: Path) -> None:
    people.write_bytes(gzip.compress(GERMAN, mtime=0))
    ran = run_shell('cat people.csv | "$@"', "import", "-", *NAMED)
    assert (ran.code, events_in(cli.log)[0]["data"]["name"]) == (0, "Zoë Müller")


# --- workbooks --------------------------------------------------------------------------------------------------------

NAMES = ("=1+1", "'=1", "12", "#REF!", "true", "_x0041_", "2024-12-31", "Ada")


@pytest.mark.parametrize("options", [(), ("--wide", "--all", "--with-head"), ("--columns", "email,name")])
def test_workbook_of_an_export_says_what_the_register_is(cli: Cli, people: Path, options: tuple[str, ...]) -> None:
    people.write_text("name,email\n" + "".join(f"{name},n{at}@example.com\n" for at, name in enumerate(NAMES)))
    cli.ok("import", "people.csv")
    cli.ok("user", "destroy", "2")
    cli.ok("export", *options, "people.xlsx")
    assert "up to date" in cli.ok("sync", "people.xlsx").out
    cli.ok("user", "rename", "1", "Ada King")
    assert "renamed 1" in cli.ok("sync", "people.xlsx").out


def test_rows_of_a_workbook_are_those_of_the_same_csv(cli: Cli, people: Path) -> None:
    people.write_text(text := "name,email,date\nAda,ada@example.com,2024-12-31\n")
    book = openpyxl.Workbook()
    assert book.active is not None
    header, (name, email, _) = (line.split(",") for line in text.splitlines())
    book.active.append(header)
    book.active.append((name, email, date(2024, 12, 31)))
    book.save("people.xlsx")
    cli.ok("import", "people.csv")
    said = "nothing to import from people.xlsx: 1 row was already recorded"
    assert said in cli.ok("import", "people.xlsx").out
    assert "1 row was already recorded" in run_shell('cat people.xlsx | "$@" import -').out.decode()


def test_fault_of_a_workbook_names_the_row_of_the_sheet(cli: Cli, people: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in ((), ("name", "email"), ("Ada", "ada@example.com"), ("Bob", "#N/A")):
        book.active.append(row)
    book.save("people.xlsx")
    why = "people.xlsx line 4, email: is #N/A, an error in the workbook (cell B4)"
    hint = "open it in a spreadsheet program and correct the cell"
    for command in ("import", "sync"):
        fails(cli(command, "people.xlsx"), 2, why, hint)
