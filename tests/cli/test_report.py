"""`evcli report`: all that an auditor asks of a period, in every form, and how to check it without evcli."""

import csv
import io
import time
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from conftest import Cli
from support.markdown import texts_in

from cli.support import ADA, ALAN, GRACE, events_in, fails, in_json, refuses, run_on, run_process, untouched
from evcli import __version__
from evcli.errors import OutcomeUnknown
from evcli.log.file.engine import FileLog
from evcli.register.period import Counts
from evcli.register.zone import local_zone

PERIOD = ("report", "--from", "2026-03-01 11:30", "--to", "2026-03-01 15:30")
"""Of the story, events 4 to 7: an e-mail is changed, Ada is destroyed and restored, Alan is created."""


def heads(cli: Cli, *numbers: int) -> list[str]:
    return [f"{number}:{events_in(cli.log)[number - 1]['sha256']}" for number in numbers]


# --- in each form -----------------------------------------------------------------------------------------------------


def test_table_has_a_sum_a_list_for_each_question_and_the_checks(story: Cli) -> None:
    story.ok("user", "rename", "1", "Ada King", "--reason", "married")
    out = story.ok("report", "--from", "4", "--to", "9", "--format", "table").out
    head, last = heads(story, 4, 9)
    assert (
        out.partition("proof ")[0]
        == f"""\
users from event 4 to event 9
at the beginning  2
+ came            1
+ came back       1
- left            2
= at the end      2
changes           1
untouched         1

came (1)
time (+00:00)        id  user                     what     actor  reason  event
───────────────────────────────────────────────────────────────────────────────
2026-03-01 15:00:00  3   Alan <alan@example.com>  created  ann            7

came back (1)
time (+00:00)        id  user                            what      actor  reason  event
───────────────────────────────────────────────────────────────────────────────────────
2026-03-01 14:00:00  1   Ada Lovelace <ada@example.com>  restored  ann            6

left (2)
time (+00:00)        id  user                            what       actor  reason            event
──────────────────────────────────────────────────────────────────────────────────────────────────
2026-03-01 13:00:00  1   Ada Lovelace <ada@example.com>  destroyed  ann    left the company  5
2026-03-01 16:00:00  3   Alan <alan@example.com>         destroyed  ann                      8

changed (1)
time (+00:00)        id  user                       what                       actor  reason   event
────────────────────────────────────────────────────────────────────────────────────────────────────
2026-03-01 17:00:00  1   Ada King                   name: Ada Lovelace → Ada   ann    married  9
                         <ada@example.com>          King

at the beginning (2)
id  name          email               created  changed
──────────────────────────────────────────────────────
1   Ada Lovelace  ada@example.com     1        1
2   Grace Hopper  grace@navy.example  2        4

at the end (2)
id  name          email               created  changed
──────────────────────────────────────────────────────
1   Ada King      ada@example.com     1        9
2   Grace Hopper  grace@navy.example  2        4

about this report
from                     after event 4, of 2026-03-01 12:00:00+00:00
head at the beginning    {head}
to                       event 9, of 2026-03-01 17:00:00+00:00
head at the end          {last}
log                      events.jsonl
hash of its first event  {events_in(story.log)[0]["sha256"]}
time zone                UTC
made                     2026-03-01 17:00:00+00:00 by evcli {__version__}
command                  evcli report --from 4 --to 9
again                    evcli report --from 4 --to 9
"""
    )


def test_markdown_has_what_the_table_has(story: Cli) -> None:
    found = texts_in(story.ok(*PERIOD, "--format", "markdown").out)
    assert found[0] == "users from 2026-03-01 11:30 to 2026-03-01 15:30"
    assert "\n\n## came (1)\n\n|" in story.ok(*PERIOD, "--format", "markdown").out
    assert [each for each in found if each.endswith(")") and each[-2].isdigit()] == [
        "came (1)", "came back (1)", "left (1)", "changed (1)", "at the beginning (2)", "at the end (3)",
    ]  # fmt: skip
    assert "email: grace@example.com → grace@navy.example" in found
    assert "left the company" in found
    assert set(heads(story, 3, 7)) <= set(found)


def test_csv_has_a_row_for_each_record_and_event(story: Cli) -> None:
    ran = story.ok("report", "--from", "4", "--to", "8", "--format", "csv")
    rows = list(csv.reader(io.StringIO(ran.out, newline=""), strict=True))
    times = [f"2026-03-01T{hour}:00:00.000000Z" for hour in (13, 14, 15, 16)]
    assert rows == [
        ["id", "name", "email", "at_beginning", "change", "what", "type", "event", "time", "recorded", "actor",
         "reason", "at_end"],
        ["1", *list(ADA.values())[1:3], "yes", "left", "destroyed", "user.destroyed", "5", times[0], times[0], "ann",
         "left the company", "yes"],
        ["1", *list(ADA.values())[1:3], "yes", "came back", "restored", "user.restored", "6", times[1], times[1], "ann",
         "", "yes"],
        ["2", *list(GRACE.values())[1:3], "yes", *[""] * 8, "yes"],
        ["3", *list(ALAN.values())[1:3], "no", "came", "created", "user.created", "7", times[2], times[2], "ann", "",
         "no"],
        ["3", *list(ALAN.values())[1:3], "no", "left", "destroyed", "user.destroyed", "8", times[3], times[3], "ann",
         "", "no"],
    ]  # fmt: skip
    assert ran.err.splitlines() == [
        "users from event 4 to event 8: 2 at the beginning + 1 came + 1 came back - 2 left = 2 at the end",
        f"heads: {' and '.join(heads(story, 4, 8))}",
    ]
    plain = [line.split("\t") for line in story.ok("report", "--from", "4", "--to", "8").out.splitlines()]
    in_utc = [[cell.replace(" ", "T").replace("+00:00", ".000000Z") for cell in row[8:10]] for row in plain]
    assert [[*row[:8], *times, *row[10:]] for row, times in zip(plain, in_utc, strict=True)] == rows[1:]


def test_json_has_counts_records_changes_heads_and_checks(story: Cli) -> None:
    document = in_json(story, *PERIOD)
    events = events_in(story.log)
    old = {**GRACE, "email": "grace@example.com", "changed": 3}
    ada = {**ADA, "changed": 1}
    alan = {**ALAN, "changed": 7, "destroyed": None}

    def change(what: str, number: int, before: Any, after: Any, **more: Any) -> dict[str, Any]:
        event = events[number - 1]
        common = {name: event[name] for name in ("type", "time", "data")}
        who = {"recorded": event["time"], "actor": "ann", "reason": None, "before": before, "after": after}
        return {"change": what, "number": number, **common, **who, **more}

    assert document == {
        "kind": "user",
        "from": {"ref": "2026-03-01 11:30", "time": "2026-03-01T11:30:00.000000Z", "number": 3,
                 "sha256": events[2]["sha256"], "recorded": events[2]["time"]},
        "to": {"ref": "2026-03-01 15:30", "time": "2026-03-01T15:30:00.000000Z", "number": 7,
               "sha256": events[6]["sha256"], "recorded": events[6]["time"]},
        "counts": {"beginning": 2, "came": 1, "came_back": 1, "left": 1, "end": 3, "changed": 1, "untouched": 0},
        "users": [
            {"id": 1, "at_beginning": ada, "at_end": ADA, "changes": [
                change("left", 5, ada, {**ada, "changed": 5, "destroyed": 5}, reason="left the company"),
                change("came back", 6, {**ada, "changed": 5, "destroyed": 5}, ADA),
            ]},
            {"id": 2, "at_beginning": old, "at_end": GRACE, "changes": [change("changed", 4, old, GRACE)]},
            {"id": 3, "at_beginning": None, "at_end": alan, "changes": [change("came", 7, None, alan)]},
        ],
        "log": {"name": "events.jsonl", "sha256": events[0]["sha256"]},
        "zone": "UTC", "made": "2026-03-01T17:00:00.000000Z", "evcli": __version__, "complete": True,
        "command": "evcli report --from '2026-03-01 11:30' --to '2026-03-01 15:30'",
        "again": "evcli report --from 3 --to 7",
        "checks": document["checks"],
    }  # fmt: skip
    assert [set(check) for check in document["checks"]] == [{"shows", "command", "prints"}] * 3


def test_a_record_that_ended_is_named_and_one_that_ended_before_is_not(story: Cli) -> None:
    assert [user["id"] for user in in_json(story, "report", "--from", "7")["users"]] == [1, 2, 3]
    assert [user["id"] for user in in_json(story, "report", "--from", "8")["users"]] == [1, 2]
    assert "Alan" in story.ok("report", "--from", "7", "--html", "-").out


def test_an_event_recorded_later_shows_both_times(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("name,email,date\nAda,ada@example.com,2020-02-29\n")
    cli.ok("import", str(tmp_path / "old.csv"))
    assert (
        "2020-02-29 00:00:00+00:00, recorded 2026-03-01 09:00:00+00:00" in cli.ok("report", "--format", "markdown").out
    )
    (user,) = in_json(cli, "report", "--from", "2026-03-01")["users"]
    assert user["at_beginning"] is None, "it is the recording that counts"
    (change,) = user["changes"]
    assert (change["time"][:10], change["recorded"][:10]) == ("2020-02-29", "2026-03-01")


def test_times_of_a_report_stay_true_however_long_it_is_kept(story: Cli) -> None:
    assert " ago" in run_on(["log"], story.clock, screen=True).out
    ran = run_on([*PERIOD, "--no-pager"], story.clock, screen=True)
    assert "2026-03-01 14:00:00" in ran.out
    assert " ago" not in ran.out


def test_heads_of_a_report_are_durable(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: FileLog) -> None:
        raise OutcomeUnknown("the log", "not synced")

    monkeypatch.setattr(FileLog, "sync", fail)
    fails(story("report"), 15, "not synced")


def test_command_names_the_log_and_quotes_what_was_typed(story: Cli) -> None:
    copy = story.log.parent / "a copy.jsonl"
    copy.write_bytes(story.log.read_bytes())
    document = in_json(story, "report", "--from", "2026-03-01 11:30", "--log", str(copy))
    assert document["command"] == f"evcli report --log '{copy}' --from '2026-03-01 11:30'"
    assert document["again"] == f"evcli report --log '{copy}' --from 3 --to 8"
    assert document["log"]["name"] == "a copy.jsonl"


@pytest.mark.parametrize(
    ("zone", "named", "shown"),
    [("Europe/Berlin", "Europe/Berlin", "+01:00"), (":UTC", "UTC", "+00:00"), ("Mars/Olympus", "UTC", "+00:00"),
     ("XYZ-3", "XYZ-3", "+03:00")],
)  # fmt: skip
def test_report_names_the_zone_of_its_times(
    story: Cli, zone: str, named: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert in_json(story, "report")["zone"] == named
    assert f":00:00{shown}" in story.ok("report").out


def test_zone_is_the_machines_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ")
    time.tzset()
    monkeypatch.setattr("os.path.realpath", lambda _: "/usr/share/zoneinfo/America/Lima")
    assert local_zone() == "America/Lima"
    monkeypatch.setattr("os.path.realpath", lambda path: path)
    assert local_zone() == time.tzname[0]


# --- which period -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "numbers", "title", "told"),
    [
        ("", (0, 8), "users from the beginning to event 8", 0),
        ("--from 2026-03", (0, 8), "users in 2026-03", 3),
        ("--from 2026-Q2", (8, 8), "users in 2026-Q2", 3),
        ("--from 2026-Q2 --to 2026-Q2", (8, 8), "users in 2026-Q2", 3),
        ("--from 2026-Q1 --to 2026-03-01T10:00", (0, 2), "users from 2026-Q1 to 2026-03-01T10:00", 2),
        ("--from 2026-03-01", (0, 8), "users from 2026-03-01 to event 8", 1),
        ("--to 2026-03-01", (0, 8), "users from the beginning to 2026-03-01", 2),
        ("--from @-3 --to @", (5, 8), "users from event 5 to event 8", 2),
        ("--from=-3", (5, 8), "users from event 5 to event 8", 1),
        ("--from yesterday", (0, 8), "users from 2026-02-28 00:00:00+00:00 to event 8", 1),
        ("--from 3 --to 3", (3, 3), "users at event 3", 0),
    ],
)  # fmt: skip
def test_period_is_what_its_refs_mean(story: Cli, words: str, numbers: tuple[int, int], title: str, told: int) -> None:
    ran = story.ok("report", *words.split(), "--format", "csv")
    *notes, total, _ = ran.err.splitlines()
    assert total.partition(":")[0] == title or total.startswith(f"{title}: ")
    assert len(notes) == told, notes
    document = in_json(story, "report", *words.split())
    assert (document["from"]["number"], document["to"]["number"]) == numbers
    assert in_json(story, *document["again"].split()[1:])["users"] == document["users"]


def test_period_that_is_not_over_says_so_in_every_form(story: Cli) -> None:
    for form in ("table", "markdown"):
        assert "was not over when this was made" in story.ok("report", "--from", "2026-03", "--format", form).out
    assert "was not over when this was made" in story.ok("report", "--from", "2026-03", "--html", "-").out
    assert in_json(story, "report", "--from", "2026-03")["complete"] is False
    assert "the period is not over" in story.ok("report", "--from", "2026-03").err
    assert "not over" not in story.ok("report", "--from", "2026-04").err, "one that is in the future is told as such"
    story.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    assert in_json(story, "report", "--to", "now")["complete"] is True
    ran = story.ok("report", "--from", "2026-03", "--format", "table")
    assert "not over" not in ran.out + ran.err
    assert in_json(story, "report", "--from", "2026-03")["complete"] is True


@pytest.mark.parametrize(
    ("words", "code", "phrases"),
    [
        ("--from 5 --to 2", 2, ("ends before it begins", "--from 2 --to 5")),
        ("--from 2026-05-02 --to 2026-05-01", 2, ("ends before it begins", "--from 2026-05-01 --to 2026-05-02")),
        ("--from 2026-Q2 --to 2026-Q1", 2, ("ends before it begins",)),
        ("--from 2026", 2, ("for the year write 2026-01-01",)),
        ("--to 2026", 2, ("for the year write 2026-12-31",)),
        ("--kind bike", 2, ("bike", "user")),
        ("--html page.html --json", 2, ("--html", "json")),
        ("--force", 2, ("--html",)),
        ("--html events.jsonl", 2, ("is the log itself",)),
    ],
)  # fmt: skip
def test_wrong_period_is_refused_with_the_way_out(
    story: Cli, words: str, code: int, phrases: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(story.log.parent)
    with untouched(story.log.parent):
        ran = story("report", *words.replace("--json", "--format json").split())
    assert (ran.code, ran.out) == (code, "")
    for phrase in phrases:
        assert phrase in ran.err


def test_counts_that_do_not_add_up_are_an_error_and_no_report(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counts, "led_to", property(lambda counts: counts.end + 1))
    for words in ((), ("--html", str(story.log.parent / "page.html"))):
        refuses(
            story, ("report", "--from", "3", *words), 255, "but the events between them lead to 3", "EVCLI_CACHE=off"
        )


# --- checked without evcli --------------------------------------------------------------------------------------------


def run_checks(cli: Cli, folder: Path, shell: str = "sh") -> list[str]:
    """What the checks of a report print in that folder, a line each; the script is what its Markdown has."""
    script = texts_in(cli.ok(*PERIOD, "--format", "markdown").out)[-1]
    ran = run_process(command=("sh", "-c", f'cd "$1" && exec {shell}', "sh", str(folder)), input=script.encode())
    assert ran.err == b""
    return ran.out.decode().splitlines()


@pytest.mark.skipif(not (which("jq") and which("sha256sum")), reason="needs jq and sha256sum")
@pytest.mark.parametrize("name", ["events.jsonl", 'it\'s a "$log".jsonl', "-n"])
def test_checks_print_what_the_report_says_they_must(
    story: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "other" / name
    log.parent.mkdir()
    log.write_bytes(b"".join(story.log.read_bytes().splitlines(keepends=True)[:7]).removesuffix(b"\n"))
    log.chmod(0o600)
    monkeypatch.setenv("EVCLI_LOG", str(log))
    must = [line for check in in_json(story, *PERIOD)["checks"] for line in check["prints"]]
    assert must == [
        *heads(story, 3, 7), "2", "3", "1 user.created", "1 user.destroyed", "1 user.email-changed", "1 user.restored",
    ]  # fmt: skip
    assert run_checks(story, log.parent) == must
    if which("bash"):
        assert run_checks(story, log.parent, "bash") == must


@pytest.mark.skipif(not (which("jq") and which("sha256sum")), reason="needs jq and sha256sum")
def test_checks_notice_a_changed_and_a_missing_line(story: Cli, tmp_path: Path) -> None:
    good = story.log.read_bytes()
    report = tmp_path / "review"
    report.mkdir()
    (report / "events.jsonl").write_bytes(good.replace(b"left the company", b"left the compamy"))
    assert run_checks(story, report)[:2] == [heads(story, 3)[0], "line 5 is not what was written"]
    (report / "events.jsonl").write_bytes(b"".join(good.splitlines(keepends=True)[:6]))
    assert run_checks(story, report)[:3] == [heads(story, 3)[0], "2", "2"]


def test_name_of_a_log_may_be_any_bytes(story: Cli) -> None:
    log, shown = story.log.with_name("\udcff\n.jsonl"), "\\u{dcff}\\u{a}.jsonl"
    log.write_bytes(story.log.read_bytes())
    named = ("report", "--log", str(log))
    assert in_json(story, *named)["log"]["name"] == shown
    assert shown in texts_in(story.ok(*named, "--format", "markdown").out)
    assert f"the log {shown}." in story.ok(*named, "--html", "-").out
    for form in ("table", "plain", "csv", "jsonl"):
        story.ok(*named, "--format", form)


def test_an_empty_register_needs_no_checks(story: Cli) -> None:
    assert in_json(story, "report", "--to", "0")["checks"] == []
    assert "sha256sum" not in story.ok("report", "--to", "0", "--html", "-").out
    assert len(in_json(story, "report", "--to", "1")["checks"]) == 3
    assert len(in_json(story, "report", "--from", "8")["checks"]) == 2, "there are no events to count"
