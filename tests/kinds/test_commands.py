"""Users, bikes and entries of a diary in one log: every command does for any kind what it does for users."""

import json
import random
import shlex
from pathlib import Path

import pytest
from cli.support import events_in, fails, in_json, lines_in
from conftest import Cli
from support.caches import cache_every_log
from support.events import forged
from support.logs import reading

from evcli.cli import words as command_words
from evcli.cli.app import root
from evcli.cli.command import Parameter
from evcli.cli.line import completing, parser
from evcli.cli.line.plain import next_value
from evcli.cli.session import Session
from evcli.kinds import KINDS, MODULES, TYPES, all_kinds
from evcli.log import START
from evcli.log.lines import decode_many
from evcli.register.history import History

STORY = (
    ("user create Ada --email ada@example.com", "user 1 created: Ada <ada@example.com> (event 1)"),
    ("bike register WBK-1815 --model 'Cargo 8'", "bike 1 registered: WBK-1815 Cargo 8 (event 2)"),
    ("bike register WBK-1816 --model 'Cargo 9'", "bike 2 registered: WBK-1816 Cargo 9 (event 3)"),
    ("bike dock wbk-1815 'Main St'", "bike 1 docked at Main St (event 4)"),
    ("entry begin Monday", "entry 1 begun: Monday (event 5)"),
    ("bike undock frame=WBK-1815 Ada --reason 'to work'", "bike 1 undocked by Ada (event 6)"),
    ("entry note 1 'It rained'", "entry 1 noted: Monday (event 7)"),
    ("bike dock 1 Harbour", "bike 1 docked at Harbour (event 8)"),
    ("bike retire 2", "bike 2 retired: WBK-1816 Cargo 9 (event 9)"),
    ("bike register WBK-1816 --model 'Cargo 10'", "bike 3 registered: WBK-1816 Cargo 10 (event 10)"),
)
FIRST_BIKE = {
    "id": 1, "frame": "WBK-1815", "model": "Cargo 8", "station": "Harbour", "rider": None,
    "registered": 2, "changed": 8, "retired": None,
}  # fmt: skip


@pytest.fixture
def told(cli: Cli) -> Cli:
    for line, _ in STORY:
        cli.ok(*shlex.split(line))
        cli.clock.advance(hours=1)
    return cli


def test_each_event_is_told_in_a_sentence(cli: Cli) -> None:
    for line, sentence in STORY:
        assert cli.ok(*shlex.split(line)).out.splitlines()[0] == sentence


def test_log_p_shows_what_events_of_any_kind_changed(told: Cli) -> None:
    changes = {line.split("\t")[0]: line.split("\t")[-2] for line in told.ok("log", "-p").out.splitlines()}
    assert changes["6"] == "station: Main St → none, rider: none → Ada"
    assert changes["9"] == "retired: none → 9"
    assert changes["2"] == "frame: none → WBK-1815, model: none → Cargo 8"
    assert [line[0] for line in told.ok("log", "--type", "dock").out.splitlines()] == ["8", "4"]


def test_report_is_about_one_kind_in_its_own_words(told: Cli) -> None:
    report = in_json(told, "report", "--kind", "bike", "--from", "3")
    assert report["counts"] == {
        "beginning": 2, "came": 1, "came_back": 0, "left": 1, "end": 2, "changed": 3, "untouched": 0,
    }  # fmt: skip
    assert [bike["id"] for bike in report["bikes"]] == [1, 2, 3]
    assert report["again"] == report["command"] + " --to 10" == "evcli report --kind bike --from 3 --to 10"
    assert report["checks"][2]["prints"] == ["2 bike.docked", "1 bike.registered", "1 bike.retired", "1 bike.undocked"]
    assert '"bike.retired":-1' in report["checks"][1]["command"]
    lines = told.ok("report", "--kind", "bike", "--from", "3").out.splitlines()
    assert [line.split("\t")[7] for line in lines][:3] == ["docked at Main St", "undocked by Ada", "docked at Harbour"]
    (entry,) = told.ok("report", "--kind", "entry").out.splitlines()[1:]
    assert entry.split("\t")[3:5] == ["changed", "noted: note: It rained"]


def test_what_if_asks_about_records_of_any_kind(told: Cli) -> None:
    ran = told("what-if", "--drop", "2", "--", "bike", "list", "--all")
    assert [line.split("\t")[:2] for line in ran.out.splitlines()] == [["2", "WBK-1816"], ["3", "WBK-1816"]]
    assert [line.split(":")[1] for line in ran.err.splitlines() if line.startswith("warning")] == [
        f" event {number} (bike.{past} by ann) would be refused"
        for number, past in ((4, "docked"), (6, "undocked"), (8, "docked"))
    ]
    change = '4 bike dock 1 "Station Square"'
    assert in_json(told, "what-if", "--change", change, "--", "diff", "3", "4", "--bike", "1")["changes"][0][
        "fields"
    ] == [{"field": "station", "before": None, "after": "Station Square", "event": 4}]
    users = in_json(told, "what-if", "--change", "3 user create Bo --email bo@x.de", "--", "user", "list")
    assert [(each["id"], each["created"]) for each in users] == [(1, 1), (2, 3)]
    kept = told("what-if", "--drop", "5", "--insert", "bike retire 3")
    assert kept.out.splitlines() == [
        "bike 3\tWBK-1816 Cargo 10\tWBK-1816 Cargo 10, retired by the inserted event", "entry 1\tMonday\t"
    ]  # fmt: skip


def test_what_if_is_applied_by_what_the_kind_declares(told: Cli) -> None:
    edits = ("--change", "8 bike dock 1 'Station Square'", "--drop", "9")
    fails(told("what-if", *edits, "--apply", "-q"), 1, "bike 2", "retired", "nothing was written")
    lines = told.ok("what-if", *edits[:2], "--apply").out.splitlines()
    assert lines == [
        "applied to 1 record",
        "bike 1 undocked by Ada (event 11)",
        "bike 1 docked at Station Square (event 12)",
        "undo: evcli undo",
    ]
    told.ok("undo")
    assert in_json(told, "bike", "show", "1")["station"] == "Harbour"
    put_in = ("--insert", "bike register WBK-7 --model M", "--insert", "bike dock WBK-7 Pier --reason new")
    told.ok("what-if", *put_in, "--apply", "--reason", "found")
    bike, events = in_json(told, "bike", "show", "WBK-7"), events_in(told.log)[-2:]
    assert (bike["id"], bike["station"]) == (4, "Pier")
    assert [(each["type"], each["data"]["reason"]) for each in events] == [
        ("bike.registered", "found"), ("bike.docked", "found"),
    ]  # fmt: skip


def test_what_several_records_of_any_kind_had_is_told_with_when(told: Cli) -> None:
    said = 'bike 2 WBK-1816 Cargo 9 (retired: event 9) had the frame number "wbk-1816" from event 3 until event 9\n'
    for words in (("bike", "show", "wbk-1816"), ("log", "--bike", "wbk-1816")):
        assert told(*words).err == said
    assert told("bike", "show", "WBK-1815").err == ""
    fails(told("entry", "show", "Monday"), 1, "no entry")


REFUSED = {
    "bike undock 2 Eve": "error: bike 2 is not docked",
    "bike undock 1 Eve": "error: bike 1 is not docked: Ada has it",
    "bike dock WBK-9 x": 'error: no bike "WBK-9" at event 4\nhint: did you mean "WBK-1816" or "WBK-1815"?',
    "bike register wbk-1816 --model x": 'error: the frame number "wbk-1816" does not match [A-Z]+-\\d+',
    "bike register WBK-1816 --model x": 'error: frame number WBK-1816 is taken by bike 2 "WBK-1816 Cargo 9" '
    "(registered by event 3)\nhint: see evcli bike show 2; no two live bikes share a frame number",
    "bike dock 1 x --reason ''": "error: the reason is empty",
    "entry note 2 x": 'error: no entry "2" at event 4\nhint: there is no entry yet',
    "entry destroy 1": "error: no such command 'destroy'",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_refusal_is_told_in_the_words_of_the_kind(cli: Cli, line: str) -> None:
    for before, _ in STORY[:4]:
        cli.ok(*shlex.split(before))
    if "undock 1" in line:
        cli.ok("bike", "undock", "1", "Ada")
    ran = cli(*shlex.split(line))
    assert ran.code in (1, 2)
    assert ran.err.startswith(REFUSED[line]), ran.err


def test_a_retired_bike_does_not_come_back(told: Cli) -> None:
    ran = told("bike", "dock", "2", "Harbour")
    assert (ran.code, ran.err) == (
        1,
        'error: bike 2 "WBK-1816 Cargo 9" is already retired (event 9)\n'
        "hint: no bike can come back; see evcli bike show 2\n",
    )


def test_records_are_listed_and_shown_now_and_then(told: Cli) -> None:
    assert in_json(told, "bike", "list")[0] == FIRST_BIKE
    assert [each["id"] for each in in_json(told, "bike", "list", "--all")] == [1, 2, 3]
    assert told.ok("bike", "list", "--at", "6").out == (
        "1\tWBK-1815\tCargo 8\t\tAda\t2\t6\t\n2\tWBK-1816\tCargo 9\t\t\t3\t3\t\n"
    )
    assert told.ok("bike", "list", "--match", "harb").out.startswith("1\tWBK-1815")
    shown = in_json(told, "bike", "show", "WBK-1816", "--at", "5")
    assert (shown["id"], [event["type"] for event in shown["events"]]) == (2, ["bike.registered"])
    noted = in_json(told, "entry", "show", "1")
    assert [event["data"] for event in noted["events"]] == [{"title": "Monday"}, {"note": "It rained"}]
    assert "--all" not in told.ok("entry", "list", "-h").out, "no entry ends"


@pytest.mark.parametrize("has_cache", [False, True])
def test_wide_columns_are_called_as_the_kind_calls_its_events(
    told: Cli, monkeypatch: pytest.MonkeyPatch, has_cache: bool
) -> None:
    if has_cache:
        cache_every_log(monkeypatch)
    events = [json.loads(line) for line in told.log.read_text().splitlines()]
    for each in in_json(told, "bike", "list", "--all", "--wide"):
        for stamp in ("registered", "changed", "retired"):
            event = events[each[stamp] - 1] if each[stamp] else {"time": None, "authid": None, "data": {}}
            assert each[f"{stamp}_at"] == event["time"]
            assert each[f"{stamp}_by"] == event["authid"]
            assert each[f"{stamp}_reason"] == event["data"].get("reason")
    assert told("bike", "list", "--columns", "created_at").code == 2
    monkeypatch.setenv("COLUMNS", "300")
    header = told.ok("bike", "list", "--wide", "--format", "table", "--at", "3").out.splitlines()[0]
    assert "  rider  " in header, "a field of its own is a column, though nobody has it"
    assert "retired" not in header


def test_status_counts_every_kind_when_a_cache_answers(
    told: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_every_log(monkeypatch)
    people = tmp_path / "people.csv"  # more than is read to find the last event
    people.write_text("name,email\n" + "".join(f"N{n},n{n}@example.com\n" for n in range(200)))
    told.ok("import", str(people))
    told.ok("state")
    for loaded in (KINDS, TYPES):
        loaded.clear()  # as in a new process, which has not read an event of every kind
    counts = in_json(told, "status")
    assert (counts["live"], counts["destroyed"]) == (204, 1)


def test_log_state_diff_and_show_know_every_kind(told: Cli) -> None:
    assert [line.split("\t")[0] for line in told.ok("log", "--bike", "WBK-1815").out.splitlines()] == list("8642")
    assert [line.split("\t")[0] for line in told.ok("log", "--entry", "1").out.splitlines()] == list("75")
    state = in_json(told, "state")
    assert (state["live"], state["destroyed"]) == (4, 1)
    assert [len(state[name]) for name in ("users", "bikes", "entries")] == [1, 3, 1]
    assert told.ok("state").out.splitlines()[-1] == "entry\t1\tMonday"
    docked, retired = (line.split("\t") for line in told.ok("diff", "7", "9").out.splitlines())
    assert docked[:3] == ["bike 1", "WBK-1815 Cargo 8", "WBK-1815 Cargo 8"]
    assert retired[:3] == ["bike 2", "WBK-1816 Cargo 9", "WBK-1816 Cargo 9, retired by event 9"]
    assert retired[3] == "event 9, 2026-03-01 17:00:00+00:00: bike.retired by ann"
    fields = [line.split("\t")[1:5] for line in told.ok("diff", "5", "9", "--by", "field").out.splitlines()]
    assert fields == [["station", "Main St", "Harbour", "8"], ["retired", "", "9", "9"]]
    changed = in_json(told, "diff", "7", "8")["changes"]
    assert [(each["kind"], each["id"], each["after"]["station"]) for each in changed] == [("bike", 1, "Harbour")]
    shown = in_json(told, "show", "8")
    assert (shown["before"]["rider"], shown["after"]) == ("Ada", FIRST_BIKE)


def test_blame_and_a_patch_are_of_any_kind(told: Cli) -> None:
    fields = in_json(told, "blame", "WBK-1815", "--kind", "bike")["fields"]
    assert [(each["field"], each["value"], each["event"]) for each in fields] == [
        ("frame", "WBK-1815", 2), ("model", "Cargo 8", 2), ("station", "Harbour", 8), ("rider", None, 8),
    ]  # fmt: skip
    at_6 = [line.split("\t") for line in told.ok("blame", "1", "--kind", "bike", "--at", "6").out.splitlines()]
    assert [(*row[:3], row[6]) for row in at_6[2:]] == [
        ("station", "", "6", "to work"),
        ("rider", "Ada", "6", "to work"),
    ]
    never_docked = [line.split("\t")[:3] for line in told.ok("blame", "2", "--kind", "bike").out.splitlines()]
    assert never_docked[2:] == [["station", "", "3"], ["rider", "", "3"], ["retired", "9", "9"]]
    (one,) = in_json(told, "diff", "0", "--user", "1", "--bike", "1")["changes"]
    assert (one["kind"], one["id"], one["after"]) == ("bike", 1, FIRST_BIKE)
    patch = json.loads(told.ok("diff", "7", "10", "--format", "json-patch").out)
    assert [(each["op"], each["path"]) for each in patch if "/" in each["path"][1:]] == [
        ("replace", "/bikes/0/station"), ("replace", "/bikes/0/rider"), ("replace", "/bikes/0/changed"),
        ("replace", "/bikes/1/changed"), ("replace", "/bikes/1/retired"), ("add", "/bikes/-"),
    ]  # fmt: skip


def test_bisect_asks_of_any_kind(told: Cli) -> None:
    for words, number in (
        ("--bike wbk-1815 --field station --equals 'Main St' --to 5", 4),
        ("--bike 1 --field rider --equals Ada --first", 6),
        ("--bike 1 --field station --equals '' --from 5 --to 7", 6),
        ("--bike 2 --is retired", 9),
        ("--bike 2 --is live --to 8", 3),
        ("--entry 1 --field title --equals Monday", 5),
        ("--kind bike --count-over 1", 3),
        ("--kind bike --count-over 1 --from 9", 10),
        ("--kind bike --count-over 1 --from 9 --first", 10),
    ):
        assert in_json(told, "bisect", *shlex.split(words))["bad"] == number, words
    fails(told("bisect", "--bike", "1", "--is", "destroyed"), 2, '--is "destroyed" is not live or retired')
    fails(told("bisect", "--entry", "1", "--field", "note", "--equals", "x"), 2, "entry has no such field")
    fails(told("bisect", "--bike", "1", "--field", "frame", "--equals", "1815"), 2, "frame number")


def test_trace_is_of_any_kind(told: Cli) -> None:
    told.ok("undo")
    told.ok("revert", "8")
    rows = [line.split("\t") for line in told.ok("trace", "8").out.splitlines()]
    assert [(row[0], row[4], row[5], row[6]) for row in rows] == [
        ("8", "bike.docked", "bike/1", ""), ("  12", "bike.undocked", "bike/1", "revert"),
    ]  # fmt: skip


def test_written_answers_have_the_plural_of_the_kind(cli: Cli) -> None:
    document = in_json(cli, "entry", "begin", "Monday")
    assert document["entries"] == [{"id": 1, "title": "Monday", "begun": 1, "changed": 1, "closed": None}]


def test_exported_records_are_imported_again(told: Cli, tmp_path: Path) -> None:
    out = tmp_path / "bikes.csv"
    told.ok("export", "--what", "bikes", str(out))
    assert out.read_text().splitlines()[0] == "id,frame,model,station,rider,registered,changed,retired"
    told.log.unlink()
    Path(f"{told.log}.cache").unlink(missing_ok=True)
    said = f"imported 2 bikes from {out}: events 1 to 2\nundo: evcli bike retire 1 2\n"
    assert told.ok("import", "--kind", "bike", str(out)).out == said
    assert told.ok("bike", "list", "--format", "csv").out.splitlines()[1] == "1,WBK-1815,Cargo 8,,,1,1,"


ROWS = """\
frame,model,station,rider,action,date,reason
WBK-1,Cargo 8,,,,2026-02-01,bought
WBK-1,,Main St,,dock,,
WBK-1,,,Ada,undock,,
WBK-1,,,,retire,,worn out
"""


def test_every_verb_is_an_action_of_an_import(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    assert cli.ok("import", "--kind", "bike", str(file), "--dry-run").out.splitlines()[1:] == [
        "  bike 1 registered: WBK-1 Cargo 8 (happened 2026-02-01 00:00:00+00:00)",
        '  bike 1 "WBK-1": station none → "Main St"',
        '  bike 1 "WBK-1": station "Main St" → none, rider none → "Ada"',
        "  bike 1 retired: WBK-1 Cargo 8",
    ]
    said = f"imported 4 events from {file}: events 1 to 4 (1 bike was changed by it)\n"
    assert cli.ok("import", "--kind", "bike", str(file)).out == said
    assert [(event["type"], event["data"]) for event in events_in(cli.log)] == [
        ("bike.registered", {"frame": "WBK-1", "model": "Cargo 8", "reason": "bought"}),
        ("bike.docked", {"station": "Main St"}),
        ("bike.undocked", {"rider": "Ada"}),
        ("bike.retired", {"reason": "worn out"}),
    ]
    file.write_text(ROWS.replace("WBK-1,,,Ada,undock,,\n", "WBK-1,,Pier,,dock,,\n"))
    assert "line 4" in cli("import", "--kind", "bike", str(file)).err


def test_a_row_of_a_kind_without_names_is_skipped_with_what_differs(cli: Cli, tmp_path: Path) -> None:
    cli.ok("bike", "register", "WBK-1", "--model", "Cargo 8")
    file = tmp_path / "rows.csv"
    file.write_text("frame,model\nWBK-1,Cargo 9\n")
    ran = cli.ok("import", "--kind", "bike", str(file), "--skip-existing")
    assert ran.err == f'warning: {file} line 2: skipped: bike 1 has WBK-1, but its model is "Cargo 8", not "Cargo 9"\n'


def test_columns_of_an_import_may_be_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("Rahmen;Modell\nWBK-1;Cargo 8\n")
    words = ("import", "--kind", "bike", str(tmp_path / "rows.csv"), "--column", "model=Modell")
    assert "no column frame" in cli(*words).err
    cli.ok(*words, "--column", "frame=Rahmen")
    assert events_in(cli.log)[0]["data"] == {"frame": "WBK-1", "model": "Cargo 8"}


def test_a_record_without_a_name_is_meant_by_its_id_in_an_import(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("title,note,id,action\nMonday,,,\n,It rained,1,note\n")
    said = f"imported 2 events from {file}: events 1 to 2 (1 entry was changed by it)\n"
    assert cli.ok("import", "--kind", "entry", str(file)).out == said


def test_an_import_of_an_unknown_kind_is_refused(cli: Cli) -> None:
    said = 'error: --kind "boat": there is no such kind of record\nhint: kinds are user, bike, entry\n'
    for words in (("import", "-"), ("sync", "-"), ("report",)):
        fails(cli(*words, "--kind", "boat"), 2, said)


def test_completion_offers_the_records_of_the_kind(told: Cli, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def offered(*words: str) -> list[str]:
        completing.complete("fish", ["--log", str(told.log), *words])
        return [line.split("\t")[0] for line in capfdbinary.readouterr().out.decode().splitlines()]

    assert offered("bike", "dock", "") == ["1", "3"]
    assert offered("bike", "show", "WBK-1815") == ["WBK-1815"]
    assert offered("log", "--bike", "") == ["1", "2", "3"]
    assert offered("entry", "note", "") == ["1"]
    assert offered("log", "--type", "bike.u") == ["bike.undocked"]


LINES = """
user show | user destroy | user destroy 1 | user restore | user rename | user rename 1 | bike dock | bike retire |
bike undock 1 | bike show --json | bike list --at | -q bike list --json --at | entry note | entry show 1 |
entry begin | user create | user create Ada --email | log --bike | log -f --user | log --since | log --type | show |
diff | diff 3 | diff 3 5 | state --at | head --at | head | export --what | export x --at | import | --log |
--json -q bike show | user |  | nope | user nope | state --at -5 --at | user list -n | -x show | bike dock 1 Harbour |
show -- | blame | blame --kind bike | diff --bike | bisect --bike | bisect --field | trace | help | completion | line
"""


@pytest.mark.parametrize("line", [line.strip() for line in LINES.split("|")])
def test_completion_offers_on_a_plain_line_what_typer_offers(
    told: Cli, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("user", "create", "Alan", "--email", "alan@example.com")
    told("user", "destroy", "alan@example.com")
    monkeypatch.setenv("EVCLI_LOG", str(told.log))
    for typed in ("", "1", "a", "A", "WBK", "@", "-", "--", "--at=1", "y"):
        offered = completing._candidates(line.split(), typed)
        assert list(offered) == parser.completions(Session(), root(), line.split(), typed), typed


def test_completion_of_blame_offers_records_of_the_kind_that_was_named(
    told: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVCLI_LOG", str(told.log))
    assert [value for value, _ in completing._candidates(["blame", "--kind", "bike"], "WBK-1815")] == ["WBK-1815"]
    assert [value for value, _ in completing._candidates(["blame"], "A")] == ["Ada"]
    file = next_value(["import", "--kind", "bike"], root())
    assert file is not None
    assert file[0].kind == "", "FILE is no record"
    assert Parameter("x", ("--user",), kind="user").about("bike").kind == "user", "an option says its kind itself"


@pytest.mark.parametrize(
    ("line", "what"),
    [("user show", "who"), ("bike dock", "who"), ("log --bike", "about_bike"), ("diff 3", "to"), ("blame", "who")],
)
def test_completion_of_a_record_or_a_moment_needs_no_typer(line: str, what: str) -> None:
    found = next_value(line.split(), root())
    assert found is not None
    assert found[0].name == what


def test_the_cache_and_the_fold_agree_at_every_event(told: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    with reading(told.log) as reader:
        cached, folded = History(), History(uses_cache=False)
        cached.at(reader)
        assert Path(f"{told.log}.cache").exists()
        for number in range(len(STORY) + 1):
            for kind in all_kinds():
                found, right = cached.at(reader, number), folded.at(reader, number)
                assert list(found.records(kind.name)) == list(right.records(kind.name)), f"{kind.name} at {number}"
                assert found.count(kind.name) == right.count(kind.name)
                if kind.unique:
                    keys = {str(kind.key(record)) for record in right.records(kind.name)}
                    assert [found.holder(kind.name, key) for key in keys] == [
                        right.holder(kind.name, key) for key in keys
                    ]


def examples() -> list[tuple[str, str]]:
    """Every line of every command's help, with its command: not collected, since the kinds come with a fixture."""
    return [
        (f"{kind.name} {verb}", line)
        for kind in all_kinds()
        for verb, words in command_words.commands(kind).items()
        for line in words()[2]
    ]


def test_every_example_of_help_is_accepted(cli: Cli) -> None:
    firsts: dict[str, str] = {}
    for name, line in examples():
        firsts.setdefault(name, line)
    for name, line in examples():
        kind = KINDS[name.split()[0]]
        begin = firsts[f"{kind.name} {next(iter(kind.verbs))}"]
        others = [first for each, first in firsts.items() if each.startswith(f"{kind.name} ") and first != begin]
        stories = [[], [begin], [begin] * 9, *([begin, each] for each in others), *([begin] * 9 + [x] for x in others)]
        stories += [[begin, x, y] for x in others for y in others]
        stories.append(_ended(kind.name))
        assert any(_is_accepted(cli, story, line) for story in stories), f"help of {name} shows {line}"


def _ended(kind: str) -> list[str]:
    """Nine users, of whom some are destroyed: what restoring 7, 8 and 9 at once needs."""
    creations = [f"evcli user create N{n} --email n{n}@example.com" for n in range(1, 10)]
    return [*creations, "evcli user destroy 7 8 9"] if kind == "user" else []


def _is_accepted(cli: Cli, story: list[str], line: str) -> bool:
    cli.log.unlink(missing_ok=True)
    for number, before in enumerate(story):
        is_another = number > 0 and before == story[0]
        distinct = before.replace("ada@", f"{number}@").replace("1815", str(number)) if is_another else before
        if cli(*shlex.split(distinct)[1:]).code:
            return False
    head = len(cli.log.read_bytes().splitlines()) if cli.log.exists() else 0
    typed = line.replace("$(uuidgen)", "an-id").replace("--expect 42", f"--expect {head}")
    return cli(*shlex.split(typed)[1:]).code == 0


def test_the_undo_line_gives_the_record_back_after_any_event(cli: Cli) -> None:
    chance = random.Random(1)
    undone = 0
    for _ in range(250):
        kind = KINDS[chance.choice(list(MODULES))]
        verb = chance.choice(list(kind.verbs))
        each = kind.verbs[verb]
        words = [kind.name, verb] + ([] if each.role == "begins" else [str(chance.randint(1, 3))])
        for name in each.fields:
            value = {"email": f"{chance.choice('abc')}@example.com", "frame": f"W-{chance.randint(1, 3)}"}
            text = value.get(name, chance.choice(["Ada", "-x", "two words", "O'Hara"]))
            words = (
                [*words, "--", text]
                if name == command_words.argument_of(each)
                else [*words[:2], f"{command_words.option_of(name)}={text}", *words[2:]]
            )
        before = cli("state", "--json").out or "null"
        ran = cli(*words)
        if ran.code:
            continue
        lines = [line for line in ran.out.splitlines() if line.startswith("undo: ")]
        id = ran.out.split()[1]
        if lines:
            undone += 1
            cli.ok(*shlex.split(lines[0])[2:])
            old = next((r for r in (json.loads(before) or {}).get(kind.plural, []) if r["id"] == int(id)), None)
            now = in_json(cli, kind.name, "show", id)
            if old is None:
                assert now[kind.ended], f"{words} is taken back by an end"
            else:
                assert bool(old[kind.ended]) == bool(now[kind.ended]), words
                assert [old[name] for name in kind.own] == [now[name] for name in kind.own], words
    assert undone > 50


def test_an_event_about_a_record_of_another_kind_is_damage_among_many(told: Cli) -> None:
    assert decode_many(lines_in(told.log), START) is not None
    events = [{name: event[name] for name in event if name != "sha256"} for event in events_in(told.log)]
    wrong = forged(*(event | {"subject": "user/1"} if event["type"] == "bike.retired" else event for event in events))
    assert decode_many(wrong, START) is None
    told.log.write_bytes(b"".join(wrong))
    assert 'subject "user/1" is not bike/ID' in told("verify", "--json").err.replace("\\", "")


def test_a_restore_in_an_import_means_the_destroyed_one_first(cli: Cli, tmp_path: Path) -> None:
    for name in ("Ada", "Eve"):
        cli.ok("user", "create", name, "--email", "a@example.com")
        if name == "Ada":
            cli.ok("user", "destroy", "1")
    file = tmp_path / "rows.csv"
    file.write_text("name,email,action\nAda,a@example.com,restore\n")
    ran = cli("import", str(file))
    assert (ran.code, 'user 1 "Ada" cannot be restored' in ran.err) == (1, True), ran.err


@pytest.mark.usefixtures("desks")
def test_late_event_that_changes_nothing_is_told_since_which_event_all_its_fields_are_so(cli: Cli) -> None:
    cli.ok("desk", "add", "North", "--code", "D1", "--occurred", "2020-01-01")
    cli.ok("desk", "move", "1", "2", "--room", "South", "--occurred", "2021-01-01")
    cli.ok("desk", "rearrange", "1", "West", "--occurred", "2022-01-01")
    cli.ok("desk", "note", "1", "so", "--occurred", "2023-01-01")
    said = 'desk 1 already has the floor "2" and the room "West" since event 3, of 2022-01-01'
    fails(cli("desk", "move", "1", "2", "--room", "West", "--occurred", "2020-06-01"), 1, said)
