"""Rows of an import that happened on their dates: each must fit where it happened, as any late event."""

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import events_in, fails, in_json, refuses
from evcli.log.line import MAX_BATCH
from evcli.transfer import run

HEADER = "date,action,name,email\n"
ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_rows_may_be_in_another_order_than_they_happened_in(cli: Cli, rows: Path) -> None:
    rows.write_text(
        HEADER
        + f"2021-01-01,,Bob,{BOB}\n2020-01-01,,Ada,{ADA}\n2021-06-01,destroy,,{BOB}\n2020-06-01,rename,Ada K,{ADA}\n"
        + f"2022-01-01,restore,,{BOB}\n2021-03-01,rename,Rob,{BOB}\n"
    )
    cli.ok("import", str(rows), "--dry-run")
    cli.ok("import", str(rows))
    assert [event["time"][:7] for event in events_in(cli.log)] == [
        "2021-01", "2020-01", "2021-06", "2020-06", "2022-01", "2021-03",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "stands", "said"),
    [
        (f"2020-06-01,destroy,,{ADA}", 2,
         "this cannot have happened on 2020-06-01 00:00:00+00:00: the event of line 3, of 2021-01-01 00:00:00+00:00 "
         "(user 1 renamed), could not have happened after it: user 1 would have been destroyed already"),
        (f"2019-12-31,rename,Eve,{ADA}", 1,
         "user 1 was not there on 2019-12-31 00:00:00+00:00: it was created by the event of line 2, of 2020-01-01"),
        (f"2020-06-01,create,Eve,{BOB}", 3,
         f"e-mail {BOB} was user 2's on 2020-06-01 00:00:00+00:00, by the event of line 4, of 2020-05-01 00:00:00"),
        (f"2020-04-01,create,Eve,{BOB}", 3,
         f"(user 2 created), could not have happened after it: e-mail {BOB} would have been user 3's"),
    ],
    ids=["ends", "not there", "taken", "takes"],
)  # fmt: skip
def test_row_that_does_not_fit_is_named_with_the_row_that_stands_against_it(
    cli: Cli, rows: Path, row: str, stands: int, said: str
) -> None:
    before = f"2020-01-01,,Ada,{ADA}\n2021-01-01,rename,Ada K,{ADA}\n2020-05-01,,Bob,{BOB}\n,destroy,,{BOB}\n"
    rows.write_text(HEADER + before + row + "\n")
    fails(cli("import", str(rows), "--dry-run"), 1, "rows.csv line 6: ", said, "error: 1 of 5 rows")
    fails(cli("import", str(rows)), 1, "rows.csv line 6: ", said)
    rows.write_text(HEADER + before)
    cli.ok("import", str(rows))
    rows.write_text(HEADER + before + row + "\n")  # now the others are recorded
    refuses(cli, ("import", str(rows)), 1, "rows.csv line 6: ", said)
    again = rows.with_name("again.csv")
    again.write_text(HEADER + row + "\n")
    ran = cli("import", str(again))
    fails(ran, 1, "again.csv line 2: ", f"event {stands}, of", f"evcli show {stands} shows that event")
    assert ran.err.count("nothing was written") == 1


def test_row_recorded_anew_is_not_its_own_obstacle(cli: Cli, rows: Path) -> None:
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2020-02-01,,Bob,{BOB}\n2020-03-01,rename,Rob,{BOB}\n")
    cli.ok("import", str(rows))
    cli.ok("user", "destroy", "1")
    anew = ("import", str(rows), "--again", "--skip-existing")
    refuses(
        cli, anew, 1, f"rows.csv line 2: e-mail {ADA} was user 1's on 2020-01-01 00:00:00+00:00, by event 1, of",
        "hint: if user 1 is the same user, evcli user restore 1 brings it back; evcli show 1 shows that event",
    )  # fmt: skip
    cli.ok("user", "restore", "1")
    cli.ok(*anew)
    cli.ok("user", "change-email", "1", "a@example.com")
    fails(cli(*anew), 1, "line 2", f"e-mail {ADA} was user 1's on", "hint: evcli show 1 shows that event")


def test_row_recorded_anew_is_refused_by_a_row_of_its_own_run(cli: Cli, rows: Path) -> None:
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2021-01-01,rename,Ada K,{ADA}\n")
    cli.ok("import", str(rows))
    rows.write_text(rows.read_text() + f"2020-05-01,,Bob,{BOB}\n,destroy,,{BOB}\n2020-06-01,,Eve,{BOB}\n")
    said = f"rows.csv line 6: e-mail {BOB} was user 2's on 2020-06-01 00:00:00+00:00, by the event of line 4, of"
    for more in (("--dry-run",), ()):
        fails(cli("import", str(rows), "--again", "--skip-existing", *more), 1, said)


def test_row_above_the_one_that_it_follows_is_told_the_order(cli: Cli, rows: Path) -> None:
    row = f"2022-01-01,,Ada,{ADA}\n2023-01-01,destroy,,{ADA}\n{{}},rename,Ada K,{ADA}\n"
    said = "rows are taken in the order of the file: sort them by date"
    rows.write_text(HEADER + row.format("2022-06-01"))
    fails(cli("import", str(rows)), 1, 'line 4: no user "ada@example.com"', "only live users are considered; " + said)
    rows.write_text(HEADER + row.format(""))
    assert said not in cli("import", str(rows)).err


def test_dry_run_shows_when_each_row_happened(cli: Cli, rows: Path) -> None:
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n,rename,Ada K,{ADA}\n")
    assert cli.ok("import", str(rows), "--dry-run").out.splitlines()[1:] == [
        f"  user 1 created: Ada <{ADA}> (happened 2020-01-01 00:00:00+00:00)", '  user 1: name "Ada" → "Ada K"',
    ]  # fmt: skip
    changes = in_json(cli, "import", str(rows), "--dry-run")["changes"]
    assert [change["time"] for change in changes] == ["2020-01-01T00:00:00.000000Z", None]


def test_earlier_row_that_does_not_fit_is_named_before_a_later_one_that_cannot_be_read(cli: Cli, rows: Path) -> None:
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2019-01-01,rename,Eve,{ADA}\n2020-13-01,,Bob,{BOB}\n")
    fails(cli("import", str(rows)), 1, "rows.csv line 3: user 1 was not there on 2019-01-01")


@pytest.mark.parametrize("room", [1, MAX_BATCH], ids=["a row a batch", "one batch"])
def test_note_says_which_records_what_happened_last_says_something_else_of(
    cli: Cli, rows: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(run, "MAX_BATCH", room)
    names = "2022-01-01,rename,Ada L,{0}\n2021-01-01,rename,Ada K,{0}\n"
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2020-01-01,,Bob,{BOB}\n" + names.format(ADA) + names.format(BOB)
                    + f"2023-01-01,rename,Rob,{BOB}\n")  # fmt: skip
    for more in (("--dry-run",), ()):
        err = cli.ok("import", str(rows), *more).err
        assert (
            "user 1 is Ada K <ada@example.com> now, since this was recorded last; --as-of now says Ada L "
            "<ada@example.com>, by event 3 of 2022-01-01 00:00:00+00:00; evcli user rename 1 'Ada L' records that "
            "again, now\n"
        ) in err
        assert "user 2 is" not in err


def test_row_whose_key_is_free_now_but_was_not_then_is_not_skipped(cli: Cli, rows: Path) -> None:
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2021-01-01,destroy,,{ADA}\n2020-06-01,,Eve,{ADA}\n")
    fails(cli("import", str(rows), "--skip-existing"), 1, "line 4: e-mail ada@example.com was user 1's on 2020-06-01")


def test_note_says_how_to_ask_by_the_dates(cli: Cli, rows: Path) -> None:
    said = "happened on their dates, and were recorded now: evcli state --as-of DATE shows what was true then\n"
    rows.write_text(HEADER + f"2020-01-01,,Ada,{ADA}\n2021-01-01,rename,Ada K,{ADA}\n")
    assert said not in cli.ok("import", str(rows), "--dry-run").err
    assert f"these events {said}" in cli.ok("import", str(rows)).err
    assert said not in cli.ok("import", str(rows)).err
    mixed = rows.with_name("mixed.csv")
    mixed.write_text(HEADER + f",,Bob,{BOB}\n2025-01-01,rename,Ada L,{ADA}\n")
    assert f"1 of these events {said}" in cli.ok("import", str(mixed)).err


def test_note_is_not_about_a_row_that_was_skipped(cli: Cli, rows: Path) -> None:
    cli.ok("user", "create", "Ada", "--email", ADA)
    for name in ("Bea", "Cleo"):
        cli.clock.advance(hours=2)
        cli.ok("user", "rename", "1", name)
    between = (cli.clock.now - timedelta(hours=1)).isoformat()  # Bea, but the present's rules speak first
    rows.write_text(HEADER + f"{between},rename,Cleo,{ADA}\n2020-01-01,,Zoe,zoe@example.com\n")
    ran = cli.ok("import", str(rows), "--again", "--skip-existing")
    assert "(1 row was skipped)" in ran.out
    assert "--as-of now says" not in ran.err


def test_unique_field_that_an_event_changed_later_is_refused(cli: Cli, rows: Path) -> None:
    first = "2020-01-01,create,Ada,a@x.org\n"
    later, earlier = "2022-01-01,change-email,Ada,b@x.org\n", "2021-01-01,change-email,Ada,c@x.org\n"
    said = "e-mail c@x.org on 2021-01-01 00:00:00+00:00 would not last: "
    rows.write_text(HEADER + first + later + earlier)
    fails(
        cli("import", str(rows)), 1, f"rows.csv line 4: {said}the event of line 3, of 2022-01-01 00:00:00+00:00, "
        "changed it again", "nothing was written\nhint: rows are taken in the order of the file: sort them by date\n",
    )  # fmt: skip
    rows.write_text(HEADER + first + later)
    cli.ok("import", str(rows))
    rows.write_text(HEADER + earlier)
    fails(
        cli("import", str(rows)), 1, f"line 2: {said}event 2, of 2022-01-01 00:00:00+00:00, changed it again",
        "hint: without a date it changes now; evcli show 2 shows that event",
    )  # fmt: skip
