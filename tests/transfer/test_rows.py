"""The rows of an import: which inputs and cells are accepted, what each row becomes, and what is said of a bad one."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from conftest import Clock
from support.logs import reading
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, KIND, RENAMED, RESTORED, USER

from evcli.errors import EvcliError
from evcli.log.file.engine import FileLog
from evcli.register.register import Register
from evcli.register.verify import audit
from evcli.transfer.happened import Bad, Noted
from evcli.transfer.run import Import
from evcli.transfer.source import opened
from evcli.transfer.wanted import Wanted

NOW = "2026-03-01T09:00:00.000000Z"
UUID8 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch


class Ran(NamedTuple):
    """What an import said of its input: the exit code of its first error, that error in words, and its notes."""

    code: int
    said: str
    notes: list[str]


Load = Callable[..., Ran]


@pytest.fixture
def load(tmp_path: Path, log_path: Path, clock: Clock) -> Load:
    """Import a file with that content, with a register of its own."""

    def run(content: str | bytes, name: str = "people.csv", *, skip_existing: bool = False) -> Ran:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        register, notes = Register(FileLog(str(log_path)), actor="ann", clock=clock), []
        with opened(str(path)) as source:
            source.name = name
            wanted = Wanted(KIND, clock)
            try:
                for each in Import(register, source, wanted, skip_existing=skip_existing, lock_wait=1).record():
                    if isinstance(each, Noted):
                        notes.append(each.message)
                    elif isinstance(each, Bad):
                        place = f"{name} {each.place}{', ' * bool(each.field)}{each.field}"
                        return Ran(each.error.exit, f"{place}: {in_words(each.error)}", notes)
            except EvcliError as error:
                return Ran(error.exit, in_words(error), notes)
        return Ran(0, "", notes)

    return run


def in_words(error: EvcliError) -> str:
    """All that an error carries for people: the command line makes its hint of these."""
    return "; ".join([error.message, error.hint, *(str(getattr(error, more, "")) for more in ("form", "filter"))])


def events_in(log: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in log.read_bytes().splitlines()]


def is_good(log: Path) -> bool:
    with reading(log) as reader:
        return audit(reader).status == "good"


def people(count: int) -> str:
    """A CSV file of that many people."""
    return "name,email\n" + "".join(f"Person {number},person.{number}@example.com\n" for number in range(1, count + 1))


# --- what rows become -------------------------------------------------------------------------------------------------


def test_row_is_an_event_with_its_own_id_and_a_shared_correlation(load: Load, log_path: Path) -> None:
    assert load("name,email\nAda Lovelace,ada@example.com\nGrace,grace@example.com\n").code == 0
    first, second = events_in(log_path)
    assert first["data"] == {"name": "Ada Lovelace", "email": "ada@example.com"}
    assert (first["type"], first["subject"], first["authid"], first["time"]) == (CREATED, "user/1", "ann", NOW)
    assert "recordedtime" not in first
    assert UUID8(first["id"])
    assert UUID8(second["id"])
    assert first["id"] != second["id"]
    assert first["correlationid"] == second["correlationid"] == first["id"]
    assert is_good(log_path)


def test_id_of_a_row_depends_on_every_cell_up_to_it(load: Load, log_path: Path) -> None:
    seen = set()
    for first in ("Ada,ada@example.com", "Adb,ada@example.com", "Ad,aada@example.com", "Ada,adb@example.com"):
        load(f"name,email\n{first}\nBob,bob@example.com\n")
        seen |= {event["id"] for event in events_in(log_path)}
        log_path.unlink()
    assert len(seen) == 8


def test_action_of_a_row_happens_to_the_user_it_names(load: Load, log_path: Path, register: Register) -> None:
    ran = load(
        "Action,Name,E-Mail,EMAIL,reason\n"
        "create,Ada,x,ada@example.com,\n"
        ",Bob,x,bob@example.com,\n"
        "Rename,Ada King,x,ADA@example.com,\n"
        "change-email,ada king,x,king@example.com,\n"
        "destroy,,x,bob@example.com,he left\n"
        "restore,,x,bob@example.com,\n"
        "destroy,,x,king@example.com,\n"
    )
    assert ran == Ran(0, "", ["ignored column: E-Mail"])
    assert [(event["type"], event["subject"], event["data"]) for event in events_in(log_path)[2:]] == [
        (RENAMED, "user/1", {"name": "Ada King"}),
        (EMAIL_CHANGED, "user/1", {"email": "king@example.com"}),
        (DESTROYED, "user/2", {"reason": "he left"}),
        (RESTORED, "user/2", {}),
        (DESTROYED, "user/1", {}),
    ]
    assert live(register) == [("Bob", "bob@example.com")]


def live(register: Register) -> list[tuple[str, str]]:
    return [(user.name, user.email) for user in register.at().records(USER, live_only=True)]


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2020-01-02", "2020-01-01T23:00:00.000000Z"),
        ("2020-01-02 03:04", "2020-01-02T02:04:00.000000Z"),
        ("2020-07-02T03:04:05", "2020-07-02T01:04:05.000000Z"),
        (" 2020-01-02T03:04:05.25Z ", "2020-01-02T03:04:05.250000Z"),
        ("2020-01-02T03:04:05+05:30", "2020-01-01T21:34:05.000000Z"),
        ("2026-03-01T09:00:00Z", NOW),
    ],
)
def test_date_is_when_it_happened_and_now_when_it_was_recorded(
    load: Load, log_path: Path, monkeypatch: pytest.MonkeyPatch, date: str, moment: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert load(f"name,email,date\nAda,ada@example.com,{date}\nBob,bob@example.com,\n").code == 0
    first, second = events_in(log_path)
    assert (first["time"], first.get("recordedtime")) == (moment, NOW if moment != NOW else None)
    assert (second["time"], "recordedtime" in second) == (NOW, False)
    assert is_good(log_path)


# --- which inputs are read --------------------------------------------------------------------------------------------

USUAL = {
    "plain": b"name,email\nAda,ada@example.com\nBob Ray,bob@example.com\n",
    "no last newline": b"name,email\nAda,ada@example.com\nBob Ray,bob@example.com",
    "BOM and CRLF": b"\xef\xbb\xbfname,email\r\nAda,ada@example.com\r\nBob Ray,bob@example.com\r\n",
    "CR": b"name,email\rAda,ada@example.com\rBob Ray,bob@example.com\r",
    "spaces and gaps": b"\n\n EMAIL , Name \n\nada@example.com, Ada\n\n,\n bob@example.com ,Bob Ray\n\n",
    "quoted": b'"name","email"\n"Ada","ada@example.com"\n"Bob Ray","bob@example.com"\n',
    "quoted after a space": b'email, "name"\nada@example.com, "Ada"\n"bob@example.com",   "Bob Ray"\n',
    "JSON": b'{"name":"Ada","email":"ada@example.com"}\n{"email":"bob@example.com","NAME":"Bob Ray"}\n',
    "JSON with BOM and CRLF": b'\xef\xbb\xbf \n{"name":"Ada","email":"ada@example.com"}\r\n\r\n'
    b'{"name":"Bob Ray","email":"bob@example.com"}',
    "JSON with colons": b'{"name":"Ada","email":"ada@example.com","reason":"a:b: c"}\n'
    b'{"name" : "Bob Ray" , "email" : "bob@example.com"}\n',
    "JSON with null": b'{"name":"Ada","email":"ada@example.com","destroyed":null}\n'
    b'{"name":"Bob Ray","email":"bob@example.com"}\n',
}


@pytest.mark.parametrize("form", USUAL)
def test_usual_forms_of_input_are_read(load: Load, register: Register, form: str) -> None:
    assert load(USUAL[form], "people") == Ran(0, "", [])
    assert live(register) == [("Ada", "ada@example.com"), ("Bob Ray", "bob@example.com")]


FUTURE = ("2026-03-01T09:00:01Z", "9999-12-31", "2026-03-02")
NO_DATE = ("yesterday", "10m ago", "now", "today", "42", "2026-02-30", "0001-01-01T00:00+14:00")

BAD: list[tuple[bytes, str, tuple[str, ...]]] = [
    (b"", "people.csv", ("people.csv is empty", "name and email")),
    (b"", "people.jsonl", ("people.jsonl is empty",)),
    (b"\n\n", "people.csv", ("people.csv is empty",)),
    (b"name\nAda\n", "people.csv", ("line 1", "no column email")),
    (b"Ada,ada@example.com\n", "people.csv", ("no column name", "no column email", "name,email")),
    (b"name,email,NAME\n", "people.csv", ("line 1", '"name" 2 times')),
    (b"name,email\nAda\n", "people.csv", ("line 2", "1 cell", "the header has 2")),
    (b"name,email\nAda,King,ada@example.com\n", "people.csv", ("line 2", "3 cells", "quote cells")),
    (b'name,email\n"Ada,ada@example.com\nBob,bob@example.com\n', "people.csv", ("line 2", "quote")),
    (b'name,email\n"Ada"x,ada@example.com\n', "people.csv", ("line 2", "is not CSV")),
    (b'name,email\n"Ada\nKing",ada@example.com\n', "people.csv", ("line 2, name", "newline")),
    (b"name,email\nAda\0,ada@example.com\n", "people.csv", ("line 2, name", "NUL")),
    (b"name,email\n,ada@example.com\n", "people.csv", ("line 2, name: is empty",)),
    (b"name,email\nAda,\n", "people.csv", ("line 2, email: is empty",)),
    (b"name,email\nAda,ada\n", "people.csv", ("line 2, email: ", '"ada"', "@")),
    (b"name,email\n" + b"x" * 201 + b",ada@example.com\n", "people.csv", ("line 2, name: has 201 characters",)),
    (b"name,email\n" + b"x" * 200_000 + b",ada@example.com\n", "people.csv", ("line 2", "field limit")),
    (b"name,email,action\nAda,ada@example.com,delete\n", "people.csv", ("line 2, action: ", '"delete"', "destroy")),
    (b"name,email,reason\nAda,ada@example.com,\x1b\n", "people.csv", ("line 2, reason: ",)),
    (b"name,email\nAda,ada@example.com\nM\xfcller,m@example.com\n", "people.csv", ("line 3", "byte 32", "0xFC")),
    (b"\xef\xbb\xbfname,email\nM\xfcller,m@example.com\n", "people.csv", ("line 2", "byte 15", "1252")),
    (b"n\xe4me,name,email\n", "people.csv", ("line 1", "byte 1", "0xE4")),
    (b"PK\x03\x04....", "people.csv", ("spreadsheet", "CSV UTF-8")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "people.xls", ("old Excel", "CSV UTF-8")),
    (b"%PDF-1.7\nname,email\n", "people.csv", ("is a PDF", "as CSV")),
    (b"\x1f\x8b....", "people.csv", ("gzip",)),
    (b'{"name":"Ada"}\n', "people.csv", ("looks like JSON", "jsonl")),
    (b'{"name":"Ada"}\n', "people.jsonl", ("line 1, email: is missing",)),
    (b'{"specversion":"1.0","id":"x","name":"Ada"}\n', "people.jsonl", ("line 1, email: is missing",)),
    (b'{"name":"Ada","email":5}\n', "people.jsonl", ("line 1, email: is 5, not a string",)),
    (b'{"name":"Ada","NAME":"x","email":"a@x.de"}\n', "people.jsonl", ("line 1, name: appears twice",)),
    (b'{"name":"Ada","name":"Bo","email":"a@x.de"}\n', "people.jsonl", ("line 1, name: appears twice",)),
    (b'{"name":"A","email":"a@x.de","x":{"y":1},"x":2}\n', "people.jsonl", ("line 1, x: appears twice",)),
    (b'[{"name":"Ada","email":"a@x.de"},\n\n5]\n', "people.jsonl", ("row 2 (line 3)", "not a JSON object")),
    (b'\n{"name":"Ada",\n', "people.jsonl", ("row 1 (line 2)", "not JSON")),
    (b' [\n {"name":"Ada"}]', "people.csv", ("people.csv has a .csv extension but looks like JSON", "json")),
    (b' [\n {"name":"Ada"}]', "people", ("row 1 (line 2), email: is missing",)),
    (b"<!DOCTYPE html>\n<html><body>name,email</body></html>", "people.csv", ("is an HTML page", "sign in")),
    (b"\xef\xbb\xbf\n<!-- a\nb --><HTML lang=en>", "people.jsonl", ("is an HTML page", "sign in")),
    (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">', "people", ("is an HTML page", "sign in")),
    (b",email\n", "people.csv", ("no column name", "; column 1 has no name")),
    (b'name,email,note\nAda,a@x.de,"1\n2"\nBob,b\n', "people.csv", ("row 2 (line 4)", "2 cells")),
    (b'name,email\n\n"Bob\n",b@x.de\nEve,e\n', "people.csv", ("row 2 (line 5), email",)),
    (b'{"name":"Ada","email":"a@x.de"}\n{"name":"\xe9"}', "people.jsonl", ("line 2", "byte 41", "0xE9", "é")),
    (b'{"name":"Ada","email":"ada@example.com","destroyed":2}', "people.jsonl", ("line 1, destroyed: ",)),
    (b"name,email,destroyed\nAda,ada@example.com,2\n", "people.csv", ("line 2, destroyed: is set",)),
    *(
        (b"name,email,date\nA,a@x.de," + date.encode(), "people.csv", ("line 2, date: ", said))
        for date, said in [*((date, "in the future") for date in FUTURE), *((date, date) for date in NO_DATE)]
    ),
]


@pytest.mark.parametrize(("content", "name", "phrases"), BAD)
def test_bad_input_is_2_with_its_place_and_leaves_no_log(
    load: Load, log_path: Path, content: bytes, name: str, phrases: tuple[str, ...]
) -> None:
    ran = load(content, name)
    assert ran.code == 2, ran
    for phrase in (name, *phrases):
        assert phrase in ran.said
    assert not log_path.exists()


@pytest.mark.parametrize(
    ("header", "notes"),
    [
        ("name,email,", ["ignored: column 3 has no name"]),
        ("name, ,email,x,\t", ["ignored column: x", "ignored: columns 2, 5 have no name"]),
        ("name,email" + 12 * ",", ["ignored: columns 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more have no name"]),
    ],
)
def test_column_without_a_name_is_called_by_its_number(load: Load, header: str, notes: list[str]) -> None:
    assert load(f"{header}\n").notes == notes


# --- what the rules refuse --------------------------------------------------------------------------------------------

MANY = people(9000)


@pytest.mark.parametrize(
    ("content", "place", "first"),
    [
        pytest.param("name,email\nAda,a@x.de\nBob,b@x.de\nEve,A@x.de\nZoe,no\n", "line 4", "line 2", id="a bad cell"),
        pytest.param(MANY + "Eve,person.8000@example.com\nZoe,zoe@example.com\n", "line 9002", "line 8001", id="batch"),
        pytest.param(MANY + "Eve,person.3@example.com\n", "line 9002", "line 4", id="over batches"),
        pytest.param(
            MANY.replace("\n", "\n\n") + "Eve,person.3@example.com\n",
            "row 9001 (line 18003)", "row 3 (line 7)", id="two lines a row",
        ),
    ],
)  # fmt: skip
def test_second_row_with_an_email_is_refused_naming_both(load: Load, content: str, place: str, first: str) -> None:
    for _ in range(2):  # a second run meets what the first one recorded
        ran = load(content)
        assert ran.code == 1
        assert f"{place}: the user of {first} already has that e-mail" in ran.said


@pytest.mark.parametrize("skip_existing", [False, True])
@pytest.mark.parametrize(
    ("row", "phrase"),
    [
        ("rename,X,nobody@example.com", 'no user "nobody@example.com"'),
        ("rename,Ada,ada@example.com", "already has the name"),
        ("destroy,,nobody@example.com", "no user"),
        ("restore,,ada@example.com", "is not destroyed"),
        ("restore,,nobody@example.com", "no user"),
        ("change-email,Nobody,x@example.com", 'no user "Nobody"'),
        ("change-email,Twin,x@example.com", "could be any of 2 users"),
        ("change-email,Ada,twin@example.com", "is taken by user 2"),
    ],
)
def test_row_against_a_rule_is_1_with_its_line(
    load: Load, log_path: Path, row: str, phrase: str, skip_existing: bool
) -> None:
    load("name,email\nAda,ada@example.com\nTwin,twin@example.com\ntwin,twin2@example.com\n", "first.csv")
    before = log_path.read_bytes()
    ran = load(f"action,name,email\n{row}\n", skip_existing=skip_existing)
    assert (ran.code, phrase in ran.said) == (1, True), ran
    assert ran.said.startswith("people.csv line 2: ")
    assert log_path.read_bytes() == before


def test_guard_is_taken_off_a_row_in_two_pieces(load: Load, monkeypatch: pytest.MonkeyPatch, log_path: Path) -> None:
    first = "name,email,note\n'=Ada,ada@example.com,\"x\n"
    monkeypatch.setattr("evcli.transfer.source.CHUNK", len(first))
    assert load(first + 'y"\n').code == 0
    with reading(log_path) as reader:
        assert [event["data"]["name"] for event in reader.events()] == ["=Ada"]
