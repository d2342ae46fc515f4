"""Events that were recorded later than they happened, as every command shows them."""

from pathlib import Path
from time import tzset

import pytest
from conftest import Cli, Clock

from cli.support import run_on
from evcli.cli.show.cells import Happened, marked


@pytest.fixture
def late(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A user of 2020 and her new name of an hour ago, recorded on 2026-03-01; then another user."""
    monkeypatch.setenv("COLUMNS", "200")
    people = tmp_path / "people.csv"
    people.write_text(
        "date,action,name,email\n2020-01-01,create,Ada,ada@example.com\n"
        "2026-03-01 08:00,rename,Ada King,ada@example.com\n"
    )
    cli.ok("import", "-q", str(people))
    cli.ok("user", "create", "Eve", "--email", "eve@example.com")
    return cli


def test_table_marks_what_happened_earlier_than_it_was_recorded(late: Cli) -> None:
    marked = ["2020-01-01 00:00:00, recorded 2026-03-01 ", "2026-03-01 08:00:00, recorded 09:00:00 "]
    for words in (("log",), ("log", "-p"), ("blame", "1"), ("diff", "0", "--by", "field")):
        table = late.ok(*words, "--format", "table").out
        assert [mark for mark in marked if mark not in table] == [], words
    (eve,) = [line for line in late.ok("log", "--format", "table").out.splitlines() if "Eve" in line]
    assert "recorded" not in eve
    markdown = late.ok("log", "--format", "markdown").out
    assert "| 2020-01-01 00:00:00+00:00, recorded 2026-03-01 |" in markdown
    assert "| 2026-03-01 08:00:00+00:00, recorded 09:00:00 |" in markdown


def test_recorded_column_of_plain_and_csv_leaves_the_time_as_it_is(late: Cli) -> None:
    then, now = "2026-03-01 09:00:00+00:00", "2026-03-01T09:00:00.000000Z"
    plain = [line.split("\t") for line in late.ok("log").out.splitlines()]
    assert [row[1] for row in plain] == [then, "2026-03-01 08:00:00+00:00", "2020-01-01 00:00:00+00:00"]
    assert [row[-1] for row in plain] == ["", then, then]
    for words in (("log",), ("log", "-p"), ("blame", "1"), ("diff", "0", "--by", "field")):
        header, *rows = late.ok(*words, "--format", "csv").out.splitlines()
        assert header.endswith(",recorded")
        assert [row.endswith(f",{now}") for row in rows] == ["Eve" not in row and "eve" not in row for row in rows]


def test_sentence_about_an_event_says_when_it_was_recorded(late: Cli) -> None:
    told = "event 1\t2020-01-01 00:00:00+00:00, recorded 2026-03-01: user.created by ann (name: Ada, email: ada@"
    assert told in late.ok("user", "show", "1").out
    assert "09:00:00+00:00 user.created" in late.ok("user", "show", "2").out
    stored = "2020-01-01T00:00:00.000000Z, recorded 2026-03-01T09:00:00.000000Z: user.created by"
    assert stored in late.ok("user", "show", "1", "--format", "csv").out
    assert stored in late.ok("diff", "0", "--format", "csv").out
    assert "event 1, 2020-01-01 00:00:00+00:00, recorded 2026-03-01: user.created by ann" in late.ok("diff", "0").out


def test_recent_times_of_a_terminal_are_relative_in_the_mark_too(late: Cli, clock: Clock) -> None:
    clock.advance(hours=2)
    eve, king, ada = run_on(("log", "--no-pager"), clock, screen=True).out.splitlines()[2:]
    assert "2020-01-01 00:00:00, recorded 2 hours ago " in ada
    assert " 3 hours ago, recorded 2 hours ago " in king
    assert "recorded" not in eve
    ada = run_on(("log", "--no-pager", "--times", "relative"), clock, screen=True).out.splitlines()[-1]
    assert " 6 years ago, recorded 2 hours ago " in ada


@pytest.mark.parametrize(
    ("time", "recorded", "said"),
    [
        ("03-07T23:30", "03-08T05:30", "2026-03-07 18:30:00-05:00, recorded 2026-03-08"),
        ("03-08T05:30", "03-08T06:30", "2026-03-08 00:30:00-05:00, recorded 01:30:00"),
        ("03-08T05:30", "03-08T07:30", "2026-03-08 00:30:00-05:00, recorded 03:30:00-04:00"),
    ],
    ids=["another day", "one day", "one day of two offsets"],
)
def test_mark_is_local_and_as_short_as_the_day_allows(
    monkeypatch: pytest.MonkeyPatch, time: str, recorded: str, said: str
) -> None:
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    tzset()
    assert marked(Happened(f"2026-{time}:00.000000Z", f"2026-{recorded}:00.000000Z")) == said
