"""Every sample log is opened: what is read from it, what verify says of it, and that make.py still makes it so."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Cli

SAMPLES = Path(__file__).parents[2] / "sample-logs"
LOGS = sorted(path.name for path in SAMPLES.glob("*.jsonl"))

FIFTEEN = [
    "Belgium", "France", "Germany", "Italy", "Luxembourg", "Netherlands", "Denmark", "Ireland", "United Kingdom",
    "Greece", "Portugal", "Spain", "Austria", "Finland", "Sweden",
]  # fmt: skip


class Verdict(NamedTuple):
    """What `verify --json` must say: status, number of good events, and the line of each fault."""

    status: str
    events: int
    lines: tuple[int, ...] = ()


VERDICTS = {
    "european-union.jsonl": Verdict("good", 30),
    "team.jsonl": Verdict("good", 11),
    "torn-tail.jsonl": Verdict("torn", 29),
    "one-letter-changed.jsonl": Verdict("damaged", 6, (7,)),
    "line-removed.jsonl": Verdict("damaged", 8, (9,)),
    "line-twice.jsonl": Verdict("damaged", 10, (11,)),
    "lines-swapped.jsonl": Verdict("damaged", 10, (11,)),
    "end-cut-off.jsonl": Verdict("good", 29),
}


def read(cli: Cli, name: str, *words: str) -> Any:
    return json.loads(cli.ok(*words, "--json", "--log", str(SAMPLES / name)).out)


def names(state: Any) -> list[str]:
    return [user["name"] for user in state["users"] if user["destroyed"] is None]


def test_every_sample_has_a_verdict_and_a_row_in_the_table() -> None:
    assert sorted(VERDICTS) == LOGS
    assert sorted(name for name, _ in rows_of_the_table()) == LOGS


@pytest.mark.parametrize("name", LOGS)
def test_verify_says_what_is_wrong_and_where(cli: Cli, name: str) -> None:
    verdict = VERDICTS[name]
    ran = cli("verify", "--json", "--log", str(SAMPLES / name))
    found = json.loads(ran.out)
    assert ran.code == (12 if verdict.status == "damaged" else 0)
    assert (found["status"], found["events"]) == verdict[:2]
    assert tuple(fault["line"] for fault in found["faults"])[: len(verdict.lines)] == verdict.lines
    assert bool(found["faults"]) == bool(verdict.lines)


@pytest.mark.parametrize("name", [name for name in LOGS if VERDICTS[name].status == "damaged"])
def test_a_damaged_log_never_answers(cli: Cli, name: str) -> None:
    ran = cli("state", "--log", str(SAMPLES / name))
    assert (ran.code, ran.out) == (12, "")
    assert f"line {VERDICTS[name].lines[0]}, byte " in ran.err


@pytest.mark.parametrize("name", [name for name in LOGS if VERDICTS[name].status == "damaged"])
def test_what_stands_before_the_damage_can_be_read(cli: Cli, name: str) -> None:
    good = VERDICTS[name].events
    state = read(cli, name, "state", "--at", str(good))
    assert names(state) == names(read(cli, "european-union.jsonl", "state", "--at", str(good)))


def test_the_fifteen_members_of_2003(cli: Cli) -> None:
    state = read(cli, "european-union.jsonl", "state", "--at", "2003-01-01")
    assert state["live"] == 15
    assert names(state) == FIFTEEN


def test_the_twenty_seven_members_of_2020_with_czechia_under_its_new_name(cli: Cli) -> None:
    state = read(cli, "european-union.jsonl", "state", "--at", "2020-02-01")
    assert (state["live"], state["destroyed"]) == (27, 1)
    assert "Czechia" in names(state)
    assert not {"Czech Republic", "United Kingdom"} & {*names(state)}


@pytest.mark.parametrize(
    ("date", "members"),
    [
        ("1957-12-31", 0), ("1958-01-01", 6), ("1973-01-01", 9), ("1981-01-01", 10), ("1986-01-01", 12),
        ("1995-01-01", 15), ("2004-05-01", 25), ("2007-01-01", 27), ("2013-07-01", 28), ("2020-01-31", 27),
    ],
)  # fmt: skip
def test_how_many_members_there_were(cli: Cli, date: str, members: int) -> None:
    assert read(cli, "european-union.jsonl", "state", "--at", date)["live"] == members


def test_the_team_as_it_is_at_the_end(cli: Cli) -> None:
    state = read(cli, "team.jsonl", "state")
    assert [(user["name"], user["email"], user["destroyed"]) for user in state["users"]] == [
        ("Maya Okafor", "maya@team.example", None),
        ("Jonas Lindqvist", "jonas@team.example", 10),
        ("Priya Nair-Olsen", "priya@team.example", None),
        ("Tom Bakker", "tom@team.example", None),
        ("李明 Li Ming", "ming@team.example", None),
        ("Jonas Weber", "jonas@team.example", None),
    ]


def test_the_team_had_everything_happen_to_it(cli: Cli) -> None:
    events = read(cli, "team.jsonl", "log")
    assert {event["type"] for event in events} == {
        "user.created", "user.renamed", "user.email-changed", "user.destroyed", "user.restored",
    }  # fmt: skip
    assert {event["authid"] for event in events} == {"maya", "jonas", "priya"}
    assert [event["data"] for event in events if event["type"] == "user.destroyed"] == [
        {"reason": "moved to another company"},
        {"reason": "contract ended"},
    ]


def test_a_torn_tail_is_told_and_passed_over(cli: Cli) -> None:
    ran = cli.ok("state", "--json", "--log", str(SAMPLES / "torn-tail.jsonl"))
    assert (json.loads(ran.out)["number"], json.loads(ran.out)["live"]) == (29, 28)
    assert "200 bytes" in ran.err


def test_only_a_head_kept_elsewhere_shows_that_the_end_was_cut_off(cli: Cli) -> None:
    head = cli.ok("head", "--log", str(SAMPLES / "european-union.jsonl")).out.strip()
    cut = str(SAMPLES / "end-cut-off.jsonl")
    assert cli("verify", "--log", cut).code == 0
    assert cli("verify", "--log", cut, "--expect", head).code == 12


@pytest.mark.parametrize("name", LOGS)
def test_the_table_says_what_verify_says(cli: Cli, name: str) -> None:
    ran = cli("verify", "--log", str(SAMPLES / name))
    assert dict(rows_of_the_table())[name] in ran.out


def test_making_them_anew_gives_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True)
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == LOGS
    for name in LOGS:
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name


def rows_of_the_table() -> list[tuple[str, str]]:
    """Each file of the table in README.md, and the words that verify must say of it."""
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\S+\.jsonl)` \| .* \| `([^`]+)` \|$", text, re.MULTILINE)
