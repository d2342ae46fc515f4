"""Every sample log: what verify says of it, what is read from it, and that make.py still makes the same bytes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Cli
from support.users import TYPES

SAMPLES = Path(__file__).parents[2] / "sample-logs"
LOGS = sorted(path.name for path in SAMPLES.glob("*.jsonl"))
UNION, TEAM = "european-union.jsonl", "team.jsonl"
ROWS = dict(re.findall(r"^\| `(\S+\.jsonl)` \| .* \| `([^`]+)` \|$", (SAMPLES / "README.md").read_text("utf-8"), re.M))
"""Each file of the table in README.md, and the words that verify must print for it."""

FIFTEEN = [
    "Belgium", "France", "Germany", "Italy", "Luxembourg", "Netherlands", "Denmark", "Ireland", "United Kingdom",
    "Greece", "Portugal", "Spain", "Austria", "Finland", "Sweden",
]  # fmt: skip


class Verdict(NamedTuple):
    """What `verify --json` must say: status, number of good events, and the line of the first fault."""

    status: str
    events: int
    line: int = 0


VERDICTS = {
    UNION: Verdict("good", 30),
    TEAM: Verdict("good", 11),
    "choir.jsonl": Verdict("good", 10),
    "torn-tail.jsonl": Verdict("torn", 29),
    "one-letter-changed.jsonl": Verdict("damaged", 6, 7),
    "line-removed.jsonl": Verdict("damaged", 8, 9),
    "line-twice.jsonl": Verdict("damaged", 10, 11),
    "lines-swapped.jsonl": Verdict("damaged", 10, 11),
    "end-cut-off.jsonl": Verdict("good", 29),
}
DAMAGED = [name for name, verdict in VERDICTS.items() if verdict.status == "damaged"]


def read(cli: Cli, name: str, *words: str) -> Any:
    return json.loads(cli.ok(*words, "--json", "--log", str(SAMPLES / name)).out)


def names(state: Any) -> list[str]:
    return [user["name"] for user in state["users"] if user["destroyed"] is None]


@pytest.mark.parametrize("name", LOGS)
def test_verify_says_what_is_wrong_and_where_as_the_readme_does(cli: Cli, name: str) -> None:
    verdict = VERDICTS[name]
    ran = cli("verify", "--json", "--log", str(SAMPLES / name))
    found = json.loads(ran.out)
    assert ran.code == (12 if name in DAMAGED else 0)
    assert (found["status"], found["events"]) == verdict[:2]
    assert [fault["line"] for fault in found["faults"]][:1] == [verdict.line] * (name in DAMAGED)
    assert ROWS[name] in cli("verify", "--log", str(SAMPLES / name)).out


def test_readme_and_verdicts_name_every_sample() -> None:
    assert sorted(VERDICTS) == sorted(ROWS) == LOGS


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_log_answers_only_for_the_events_before_the_damage(cli: Cli, name: str) -> None:
    _, good, line = VERDICTS[name]
    ran = cli("state", "--log", str(SAMPLES / name))
    assert (ran.code, ran.out) == (12, "")
    assert f"line {line}, byte " in ran.err
    before = [read(cli, each, "state", "--at", str(good)) for each in (name, UNION)]
    assert names(before[0]) == names(before[1])


@pytest.mark.parametrize(
    ("date", "members"),
    [
        ("1957-12-31", 0), ("1958-01-01", 6), ("1973-01-01", 9), ("1981-01-01", 10), ("1986-01-01", 12),
        ("1995-01-01", 15), ("2004-05-01", 25), ("2007-01-01", 27), ("2013-07-01", 28), ("2020-01-31", 27),
    ],
)  # fmt: skip
def test_union_has_its_members_at_each_date(cli: Cli, date: str, members: int) -> None:
    assert read(cli, UNION, "state", "--at", date)["live"] == members


def test_union_has_its_names_at_a_date(cli: Cli) -> None:
    before = read(cli, UNION, "state", "--at", "2003-01-01")
    assert (before["live"], names(before)) == (15, FIFTEEN)
    after = read(cli, UNION, "state", "--at", "2020-02-01")
    assert (after["live"], after["destroyed"]) == (27, 1)
    assert "Czechia" in names(after)
    assert not {"Czech Republic", "United Kingdom"} & {*names(after)}


def test_team_has_events_of_every_type_and_its_users_at_the_end(cli: Cli) -> None:
    state, events = read(cli, TEAM, "state"), read(cli, TEAM, "log")
    assert [(user["name"], user["email"], user["destroyed"]) for user in state["users"]] == [
        ("Maya Okafor", "maya@team.example", None),
        ("Jonas Lindqvist", "jonas@team.example", 10),
        ("Priya Nair-Olsen", "priya@team.example", None),
        ("Tom Bakker", "tom@team.example", None),
        ("李明 Li Ming", "ming@team.example", None),
        ("Jonas Weber", "jonas@team.example", None),
    ]
    assert {event["type"] for event in events} == set(TYPES)
    assert {event["authid"] for event in events} == {"maya", "jonas", "priya"}
    reasons = [event["data"] for event in events if event["type"] == "user.destroyed"]
    assert reasons == [{"reason": "moved to another company"}, {"reason": "contract ended"}]


def test_torn_tail_is_reported_and_ignored(cli: Cli) -> None:
    ran = cli.ok("state", "--json", "--log", str(SAMPLES / "torn-tail.jsonl"))
    assert (json.loads(ran.out)["number"], json.loads(ran.out)["live"]) == (29, 28)
    assert "200 bytes" in ran.err


def test_lost_end_is_found_only_with_a_head_kept_elsewhere(cli: Cli) -> None:
    head = cli.ok("head", "--log", str(SAMPLES / UNION)).out.strip()
    cut = str(SAMPLES / "end-cut-off.jsonl")
    assert cli("verify", "--log", cut).code == 0
    assert cli("verify", "--log", cut, "--expect", head).code == 12


def test_make_writes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(made) == sorted([*LOGS, "choir.heads"])
    assert [name for name in made if made[name] != (SAMPLES / name).read_bytes()] == []
