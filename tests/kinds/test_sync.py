"""A sync needs nothing of a kind but its page: what a list says, what can change, and what cannot be done."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cli.support import events_in, in_json, refuses
from conftest import Cli

from evcli.domain.kind import Records
from evcli.errors import Refused
from evcli.kinds import KINDS, MODULES, TYPES

Listed = Callable[..., str]

BIKES = ("A-1,Cargo 8", "A-2,Cargo 8", "A-3,Cargo 9")


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listed:
    monkeypatch.chdir(tmp_path)

    def write(*rows: str, header: str = "frame,model") -> str:
        Path("bikes.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return "bikes.csv"

    return write


@pytest.fixture
def bikes(cli: Cli, listed: Listed) -> Cli:
    cli.ok("sync", listed(*BIKES), "--kind", "bike")
    return cli


def test_bikes_are_registered_and_retired(bikes: Cli, listed: Listed) -> None:
    bikes.ok("bike", "dock", "1", "Main St")
    told = in_json(bikes, "sync", listed(*BIKES[:2], "A-4,Cargo 8"), "--kind", "bike")
    assert told["counts"] == {"register": 1, "retire": 1}
    ran = bikes.ok("sync", "bikes.csv", "--kind", "bike")
    assert ran.out == "up to date: the register has the 3 bikes of bikes.csv\n"
    assert [event["type"] for event in events_in(bikes.log)[4:]] == ["bike.retired", "bike.registered"]


def test_retired_bike_cannot_come_back_so_another_one_begins(bikes: Cli, listed: Listed) -> None:
    bikes.ok("bike", "retire", "3")
    told = in_json(bikes, "sync", listed(*BIKES), "--kind", "bike")
    assert [(each["action"], each["id"]) for each in told["plan"]] == [("register", 4)]


def test_field_that_nothing_changes_is_refused_with_its_line(bikes: Cli, listed: Listed) -> None:
    refuses(
        bikes, ("sync", listed(BIKES[0], "A-2,Cargo 7", BIKES[2]), "--kind", "bike"), 1,
        'bikes.csv line 3: bike 2 A-2 Cargo 8 has the model "Cargo 8", not "Cargo 7", and nothing changes a model of '
        "bikes; nothing was written",
    )  # fmt: skip


def test_fields_that_take_a_rule_are_no_columns_of_a_list(bikes: Cli, listed: Listed) -> None:
    ran = bikes.ok("sync", listed(*(f"{row},Harbour" for row in BIKES), header="frame,model,station"), "--kind", "bike")
    assert ran.err == "bikes.csv: ignored column: station\n"
    assert ran.out.startswith("up to date")


def test_bikes_are_not_found_by_name(bikes: Cli, listed: Listed) -> None:
    words = ("sync", listed(*BIKES), "--kind", "bike", "--by", "name")
    refuses(bikes, words, 2, '--by "name" is not one of frame, id')


def test_unique_field_that_nothing_changes_cannot_be_moved(bikes: Cli, listed: Listed) -> None:
    file = listed("1,A-2,Cargo 8", "2,A-1,Cargo 8", "3,A-3,Cargo 9", header="id,frame,model")
    refuses(bikes, ("sync", file, "--kind", "bike", "--by", "id"), 1, "2 rows of bikes.csv are bad")


def test_kind_without_a_unique_field_has_no_lists(bikes: Cli, listed: Listed) -> None:
    words = ("sync", listed(*BIKES), "--kind", "entry")
    refuses(bikes, words, 2, "entries have no unique field, so a list cannot say which is which")


def test_kind_that_cannot_end_needs_all_of_its_records_on_the_list(
    bikes: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(KINDS["bike"].types, "bike.retired")
    one = "bikes.csv: bike 3 A-3 Cargo 9 is not on the list, and bikes cannot end; nothing was written"
    refuses(bikes, ("sync", listed(*BIKES[:2]), "--kind", "bike"), 1, one)
    refuses(bikes, ("sync", listed(*BIKES[:1]), "--kind", "bike"), 1, "2 bikes are not on the list")
    bikes.ok("sync", "bikes.csv", "--kind", "bike", "--keep-missing")


def test_rule_of_a_kind_is_asked_before_anything_is_written(
    bikes: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rule(_: object, __: object, records: Records) -> None:
        if records.last_id("bike") >= len(BIKES):
            raise Refused("no new bikes")

    monkeypatch.setattr(KINDS["bike"].begins, "rule", rule)
    file = listed(*BIKES[:2], "A-4,Cargo 8", "A-5,Cargo 8")
    refuses(bikes, ("sync", file, "--kind", "bike"), 1, "bikes.csv are bad; nothing was written")
    listed(*BIKES[:2], "A-4,Cargo 8")
    refuses(bikes, ("sync", file, "--kind", "bike"), 1, "bikes.csv line 4: no new bikes; nothing was written")


def test_users_who_swap_a_field_without_stand_ins_are_refused(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("sync", listed("Ada,a@x", "Bo,b@x", "Cy,c@x", header="name,email"))
    email = KINDS["user"].fields["email"]._replace(stand_in=None)
    monkeypatch.setitem(KINDS["user"].fields, "email", email)
    refuses(
        cli, ("sync", listed("Bo,a@x", "Cy,c@x", "Ada,b@x", header="name,email"), "--by", "name"), 1,
        "bikes.csv: the users of lines 2 and 4 exchange their e-mails, for which one of them would have to hold",
    )  # fmt: skip


def test_fields_that_may_be_missing_are_set_where_a_list_has_them(
    cli: Cli, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODULES, "desk", "kinds.desk")
    try:
        rows = ("7,A,,", "8,B,dusty,", "8,C,,4")
        told = in_json(cli, "sync", listed(*rows, header="room,code,note,floor"), "--kind", "desk")
        assert told["counts"] == {"move": 1, "add": 3}
        assert cli.ok("sync", "bikes.csv", "--kind", "desk").out.startswith("up to date")
        told = in_json(cli, "sync", listed("7,A,", "9,B,clean", "8,C,", header="room,code,note"), "--kind", "desk")
        assert [(each["action"], each["id"]) for each in told["plan"]] == [("rearrange", 2), ("note", 2)]
        assert [(each["floor"], each["note"]) for each in in_json(cli, "desk", "list")] == [
            (None, None), (None, "clean"), ("4", None),
        ]  # fmt: skip
    finally:
        KINDS.pop("desk", None)
        for name in [name for name in TYPES if name.startswith("desk.")]:
            del TYPES[name]
