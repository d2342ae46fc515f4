"""`--as-of TIME`: what had happened by then, as known now or `--at` a moment; and what a moment by date passes over."""

import json
from pathlib import Path

import pytest
from conftest import Cli, Ran
from support.events import creation, forged, lines_of

from cli.support import applied, fails, in_json, refuses, spoil

UNION = Path(__file__).parents[2] / "sample-logs" / "european-union.csv"
FIFTEEN = [
    "Belgium", "France", "Germany", "Italy", "Luxembourg", "Netherlands", "Denmark", "Ireland", "United Kingdom",
    "Greece", "Portugal", "Spain", "Austria", "Finland", "Sweden",
]  # fmt: skip


@pytest.fixture
def union(cli: Cli) -> Cli:
    """The members of the European Union, imported on 2026-03-01 with their dates: events 1 to 30."""
    cli.ok("import", "-q", str(UNION))
    cli.clock.advance(hours=1)
    return cli


def late(cli: Cli, tmp_path: Path, *rows: str) -> None:
    """Record these rows of date, action, name, e-mail."""
    path = tmp_path / f"{cli.ids}.csv"
    path.write_text("date,action,name,email\n" + "".join(f"{row}\n" for row in rows))
    cli.ok("import", "-q", str(path))


def names(ran: Ran) -> list[str]:
    return [line.split("\t")[1] for line in ran.out.splitlines()]


def test_union_imported_today_with_its_dates_had_fifteen_members_in_2003(union: Cli) -> None:
    said = "as of 2003-01-01 (end of day, +00:00): what had happened by then\n"
    for words in (("user", "list"), ("state",)):
        ran = union.ok(*words, "--as-of", "2003-01-01")
        assert names(ran) == FIFTEEN
        assert ran.err.startswith(said)
    document = in_json(union, "state", "--as-of", "2003-01-01")
    assert [user["name"] for user in document["users"]] == FIFTEEN
    assert {name: document[name] for name in ("number", "live", "as_of")} == {
        "number": 30, "live": 15, "as_of": "2003-01-01T23:59:59.999999Z",
    }  # fmt: skip
    exported = union.ok("export", "--as-of", "2003-01-01", "--format", "json")
    assert json.loads(exported.out) == document["users"]
    assert "15 users as of 2003-01-01 23:59:59+00:00, as known at event 30 exported" in exported.err
    assert union.ok("user", "list", "--at", "2003-01-01").out == ""


def test_title_says_the_time_and_what_is_known(union: Cli) -> None:
    table = union.ok("state", "--as-of", "2003-01-01", "--at", "7", "--format", "table")
    assert table.out.startswith("2003-01-01 23:59:59+00:00, as known at event 7: 7 live, 0 destroyed\n")
    assert table.err == "as of 2003-01-01 (end of day, +00:00): what had happened by then, as known at event 7\n"
    title = union.ok("blame", "17", "--as-of", "2010-01", "--format", "table").out.splitlines()[0]
    assert title == "user 17, as of 2010-01-31 23:59:59+00:00, as known at event 30"
    empty = union.ok("user", "list", "--as-of", "1950-01-01")
    assert empty.err.endswith("no users at 1950-01-01 23:59:59+00:00, as known at event 30\n")


def test_log_as_of_shows_what_happened_in_that_order(union: Cli, tmp_path: Path) -> None:
    late(union, tmp_path, "1960-01-01,rename,West Germany,de@members.example")
    assert [line.split("\t")[0] for line in union.ok("log", "--as-of", "1973-01-01").out.splitlines()] == [
        "9", "8", "7", "31", "6", "5", "4", "3", "2", "1",
    ]  # fmt: skip
    between = union("log", "--as-of", "1958-01-02..1973", "-n", "1")
    fails(between, 2, '--as-of "1973" is the number of an event', "for the end of the year write 1973-12-31", out="")
    ran = union.ok("log", "--as-of", "1958-01-02..1973-01-01", "--reverse", "--format", "csv")
    assert [line.split(",")[0] for line in ran.out.splitlines()[1:]] == ["31", "7", "8", "9"]
    assert ran.err.splitlines() == [
        "since 1958-01-02 (beginning of day, +00:00): what happened from then on",
        "as of 1973-01-01 (end of day, +00:00): what had happened by then",
    ]
    known = union.ok("log", "--as-of", "1958-01-02..", "--at", "7")
    assert [line.split("\t")[0] for line in known.out.splitlines()] == ["7"]
    assert known.err.splitlines() == [
        "since 1958-01-02 (beginning of day, +00:00): what happened from then on, as known at event 7",
        "as of now: what had happened by now, as known at event 7",
    ]


def test_changes_of_log_p_as_of_are_those_in_the_order_of_what_happened(union: Cli, tmp_path: Path) -> None:
    late(union, tmp_path, "2010-01-01,rename,Bohemia,cz@members.example")
    by_number = {
        line.split("\t")[0]: line.split("\t")[6] for line in union.ok("log", "-p", "--as-of", "now").out.splitlines()
    }
    assert by_number["31"] == "name: Czech Republic → Bohemia"
    assert by_number["29"] == "name: Bohemia → Czechia"
    assert union.ok("log", "-p", "-n", "1").out.split("\t")[6] == "name: Czechia → Bohemia"


def test_history_of_one_user_is_in_the_order_of_what_happened(union: Cli, tmp_path: Path) -> None:
    late(union, tmp_path, "2010-01-01,rename,Bohemia,cz@members.example")
    shown = in_json(union, "user", "show", "17", "--as-of", "2016-12-31")
    assert (shown["name"], [int(event["sequence"]) for event in shown["events"]]) == ("Czechia", [17, 31, 29])
    blamed = in_json(union, "blame", "17", "--as-of", "2016-12-31")
    assert (blamed["as_of"], blamed["number"]) == ("2016-12-31T23:59:59.999999Z", 31)
    assert [(each["field"], each["value"], each["event"]) for each in blamed["fields"]] == [
        ("name", "Czechia", 29), ("email", "cz@members.example", 17),
    ]  # fmt: skip
    assert in_json(union, "blame", "17")["fields"][0]["event"] == 31


def test_who_is_called_as_at_that_time_or_before(union: Cli) -> None:
    ran = union.ok("user", "show", "Czech Republic", "--as-of", "2020-01-01")
    assert (
        'user 17 Czechia <cz@members.example> had the name "Czech Republic" from event 17 until event 29\n' in ran.err
    )
    at = "at 2010-01-01 23:59:59+00:00, as known at event 30"
    refuses(
        union, ("user", "show", "Czechia", "--as-of", "2010-01-01"), 1, f'no user "Czechia" {at}',
        "user 17 had another name at that time; evcli user show 17 --as-of '2010-01-01 23:59:59+00:00'",
    )  # fmt: skip
    for words in (("blame", "Croatia"), ("log", "--user", "Croatia"), ("user", "show", "hr@members.example")):
        refuses(
            union, (*words, "--as-of", "2010-01-01"), 1, at,
            "user 28 was not there yet: evcli log --user 28 shows since when it was",
        )  # fmt: skip
    refuses(
        union, ("user", "show", "28", "--as-of", "2010-01-01"), 1, f'no user "28" {at}', "user 28 was not there yet"
    )
    refuses(union, ("user", "show", "99", "--as-of", "2010-01-01"), 1, f'no user "99" {at}', "ids go from 1 to 28")
    refuses(union, ("user", "show", "Nobody", "--as-of", "2010-01-01"), 1, at, "evcli user list --all")


def test_diff_as_of_one_time_is_what_was_learned_of_it(union: Cli, tmp_path: Path) -> None:
    late(
        union,
        tmp_path,
        "1957-01-01,create,Saarland,sl@members.example",
        "1960-01-01,rename,West Germany,de@members.example",
    )
    ran = union.ok("diff", "30", "--as-of", "1959-12-31")
    assert [line.split("\t")[:3] for line in ran.out.splitlines()] == [["user 29", "", "Saarland <sl@members.example>"]]
    ran = union.ok("diff", "30", "--as-of", "1960-12-31", "--by", "field")
    assert [line.split("\t")[:5] for line in ran.out.splitlines()] == [
        ["user 3", "name", "Germany", "West Germany", "32"],
        ["user 29", "name", "", "Saarland", "31"],
        ["user 29", "email", "", "sl@members.example", "31"],
    ]
    document = in_json(union, "diff", "30", "--as-of", "1959-12-31")
    same = "1959-12-31T23:59:59.999999Z"
    assert (document["from"], document["to"], document["as_of"]) == (30, 32, {"from": same, "to": same})


def test_diff_between_two_times_is_what_became_different(union: Cli) -> None:
    ran = union.ok("diff", "--as-of", "2015-12-31..2020-12-31", "--format", "table")
    title, *_ = ran.out.splitlines()
    assert title == (
        "from 2015-12-31 23:59:59+00:00, as known at event 30, to 2020-12-31 23:59:59+00:00, as known at event 30"
    )
    changes = in_json(union, "diff", "--as-of", "2015-12-31..2020-12-31")["changes"]
    assert [(each["id"], [int(event["sequence"]) for event in each["events"]]) for each in changes] == [
        (9, [30]), (17, [29]),
    ]  # fmt: skip
    backward = in_json(union, "diff", "--as-of", "2020-12-31..2015-12-31")["changes"]
    assert [(each["before"], each["after"]) for each in backward] == [
        (each["after"], each["before"]) for each in changes
    ]
    assert [each["fields"][0]["event"] for each in backward] == [30, 29]
    ran = union.ok("diff", "--as-of", "..1973-01-01", "--user", "7")
    assert names(ran) == [""]


def test_json_patch_tests_the_time_of_the_first_state(union: Cli) -> None:
    words = ("diff", "--as-of", "2015-12-31..2020-12-31", "--format", "json-patch")
    patch = json.loads(union.ok(*words).out)
    first, last = (in_json(union, "state", "--as-of", f"{year}-12-31") for year in (2015, 2020))
    assert applied(first, patch) == last
    with pytest.raises(AssertionError):
        applied(in_json(union, "state", "--as-of", "2014-12-31"), patch)
    one = json.loads(union.ok(*words, "--user", "17").out)
    assert applied(first, one)["users"][16] == last["users"][16]
    assert json.loads(union.ok("diff", "30", "30", "--as-of", "2015-12-31", "--format", "json-patch").out) == []


def test_export_with_head_says_the_time(union: Cli) -> None:
    exported = json.loads(union.ok("export", "--as-of", "1960-01-01", "--with-head", "--format", "json").out)
    assert len(exported["users"]) == 6
    assert (exported["as_of"]["as_of"], exported["as_of"]["number"]) == ("1960-01-01T23:59:59.999999Z", 30)


@pytest.mark.parametrize(
    ("typed", "phrases"),
    [
        ("42", ('--as-of "42" is the number of an event, not a time', "--at takes an event: --at 42")),
        ("2003", ("is the number of an event, not a time", "for the end of the year write 2003-12-31")),
        ("@", ("is a place in the log, not a time", "--at takes an event: --at @")),
        ("@-5", ("is a place in the log, not a time",)),
        ("HEAD~2", ("is a place in the log, not a time",)),
        ("id:1b", ("is a place in the log, not a time",)),
        ("Q1 review", ("is not a time", "--at takes an event, or the name of a kept head")),
        ("31.12.2003", ("is not a time", "write 2003-12-31")),
        ("2003-02-30", ("is not a valid time", "hint: a time is a date or time like")),
        ("2003-01-01..2004-01-01", ("is a range: one time is needed here", "evcli log and evcli diff take A..B")),
        ("", ("--as-of is empty",)),
    ],
    ids=["number", "year", "now", "back", "HEAD", "id", "name", "order", "no day", "range", "empty"],
)
def test_time_that_is_none_is_refused_with_a_way_out(union: Cli, typed: str, phrases: tuple[str, ...]) -> None:
    refuses(union, ("state", "--as-of", typed), 2, *phrases)


def test_future_is_what_is_known(union: Cli) -> None:
    ran = union.ok("user", "list", "--as-of", "2030-01-01", "--all")
    assert len(names(ran)) == 28
    assert ran.err.startswith('"2030-01-01" is in the future; the answer is what is known now\n')
    ran = union.ok("user", "list", "--as-of", "2030-01-01", "--at", "5")
    assert len(names(ran)) == 5
    assert ran.err.startswith('"2030-01-01" is in the future; the answer is what is known then\n')


def test_now_is_the_head_where_it_was_recorded_ahead_of_this_clock(cli: Cli) -> None:
    cli.clock.advance(days=3)
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.clock.advance(days=-3)
    for typed in ("now", "today"):
        assert names(cli.ok("user", "list", "--as-of", typed)) == ["Ada"]
    assert names(cli.ok("user", "list", "--as-of", "2026-03-01")) == []


def test_options_that_exclude_each_other_are_refused(union: Cli) -> None:
    for words, phrase in (
        (("log", "-f", "--as-of", "2003-01-01"), "--follow shows events as they are recorded"),
        (("log", "-f", "--at", "5"), "--follow never ends"),
        (("log", "--as-of", "2004-01-01..2003-12-31"), "the other way round: 2003-12-31..2004-01-01"),
        (("log", "--at", "5", "--until", "6"), "--at and --until both say"),
        (("log", "1..5", "--at", "5"), '--at and "1..5" both say'),
        (("export", "--what", "events", "--as-of", "2003-01-01"), "--as-of applies to records only"),
    ):
        refuses(union, words, 2, phrase)


def test_trace_as_of_ends_with_what_had_happened(cli: Cli, tmp_path: Path) -> None:
    late(cli, tmp_path, "2020-01-01,create,Ada,ada@example.com", "2021-01-01,rename,Ada King,ada@example.com")
    cli.clock.advance(days=1)
    cli.ok("undo")
    cli.clock.advance(days=1)
    cli.ok("redo")
    numbers = {
        typed: [each["event"]["sequence"][-1] for each in in_json(cli, "trace", "1", "--as-of", typed)["effects"]]
        for typed in ("2020-06-01", "2026-03-02", "now")
    }
    assert numbers == {"2020-06-01": [], "2026-03-02": ["4"], "now": ["4"]}
    assert in_json(cli, "trace", "--as-of", "2020-06-01")["event"]["sequence"][-1] == "1"
    (undone,) = in_json(cli, "trace", "1", "--as-of", "2026-03-02")["effects"]
    assert undone["effects"] == []
    assert in_json(cli, "trace", "1", "--as-of", "now")["effects"][0]["effects"] != []
    refuses(cli, ("trace", "2", "--as-of", "2020-06-01"), 2, "is event 2, which happened later, at 2021-01-01 00:00:00")
    refuses(cli, ("trace", "--as-of", "2019-06-01"), 2, "nothing had happened by 2019-06-01 23:59:59")


def test_trace_as_of_leaves_out_what_answers_an_event_that_had_not_happened(cli: Cli) -> None:
    hours = [f"2026-03-01T{hour:02}:00:00.000000Z" for hour in (9, 10, 12, 13)]
    events = (
        creation(1, time=hours[0]),
        creation(2, time=hours[2], subject="user/1", type="user.destroyed", data={}, causationid="event-1"),
        creation(
            3, time=hours[1], recordedtime=hours[3], subject="user/1", type="user.restored", data={},
            causationid="event-2",
        ),
    )  # fmt: skip
    cli.log.write_bytes(b"".join(lines_of(events)))
    cli.log.chmod(0o600)
    cli.clock.advance(days=1)
    assert in_json(cli, "trace", "1", "--as-of", "2026-03-01 11:00")["effects"] == []
    assert len(cli.ok("trace", "1", "--as-of", "2026-03-01 12:00").out.splitlines()) == 3


def test_log_at_is_log_until(union: Cli) -> None:
    assert union("log", "--at", "7") == union("log", "--until", "7")


# --- what a moment by date passes over --------------------------------------------------------------------------------


def told(ran: Ran) -> list[str]:
    """What is said of events that are passed over."""
    return [line for line in ran.err.splitlines() if "recorded later" in line]


BY_THEN = "15 events happened by then but were recorded later: {} 2003-01-01 counts them"


@pytest.mark.parametrize(
    ("words", "by_time"),
    [
        ("user list --at", "--as-of"), ("state --at", "--as-of"), ("export --at", "--as-of"),
        ("export --what events --at", "evcli log --as-of"), ("log --until", "--as-of"), ("log --at", "--as-of"),
        ("head --at", "evcli state --as-of"),
        ("restore-to --max-destroy 100% --dry-run", "evcli state --as-of"),
    ],
)  # fmt: skip
def test_moment_by_date_says_once_what_it_passes_over(union: Cli, words: str, by_time: str) -> None:
    assert told(union.ok(*words.split(), "2003-01-01")) == [BY_THEN.format(by_time)]


def test_moment_by_date_that_finds_no_such_user_says_so_too(union: Cli) -> None:
    for words in (("user", "show", "1"), ("blame", "1")):
        ran = union(*words, "--at", "2003-01-01")
        assert (ran.code, told(ran)) == (1, [BY_THEN.format("--as-of")])


@pytest.mark.parametrize(
    ("words", "by_time"),
    [
        ("log --since 1973-01-01 --until 1973-12-31", "--as-of 1973-01-01..1973-12-31"),
        ("log 1973-01-01..1973-12-31", "--as-of 1973-01-01..1973-12-31"),
        ("diff 1972-12-31 1973-12-31", "--as-of 1972-12-31..1973-12-31"),
    ],
)
def test_two_moments_by_date_say_what_happened_between_them(union: Cli, words: str, by_time: str) -> None:
    said = f"3 events happened between but were recorded later: {by_time} counts them"
    assert told(union.ok(*words.split())) == [said]


@pytest.mark.parametrize(
    ("period", "asked"),
    [
        ("--to 1973-12-31", "..1973-12-31"),
        ("--from 1973-01-01 --to 1973-12-31", "1972-12-31..1973-12-31"),
        ("--from 1973-Q1", "1972-12-31..1973-Q1"),
        ("--from 1973-01-01T00:00:00+00:00 --to 1973-Q1", "'1972-12-31 23:59:59+00:00..1973-Q1'"),
    ],
)
def test_report_that_passes_over_events_names_the_difference_that_counts_them(
    union: Cli, period: str, asked: str
) -> None:
    (said,) = told(union.ok("report", *period.split()))
    assert said.endswith(f" but were recorded later: evcli diff --as-of {asked} shows what changed")
    came = in_json(union, "diff", "--as-of", asked.strip("'"))["changes"]
    assert len(came) == int(said.partition(" ")[0])


def test_what_happened_on_the_first_day_is_between_for_since_but_not_for_diff(union: Cli) -> None:
    assert told(union.ok("log", "--since", "1973-01-02", "--until", "1973-12-31")) == []
    assert told(union.ok("diff", "1973-01-01", "1973-12-31")) == []
    assert told(union.ok("diff", "1973-01-01T00:00:00.000000Z", "1973-12-31")) == []
    assert told(union.ok("diff", "1972-12-31T23:59:59.999999Z", "1973-12-31")) != []
    assert told(union.ok("diff", "9999-12-31", "1973-12-31")) == []


def test_moment_by_date_before_a_damaged_line_is_answered_all_the_same(cli: Cli) -> None:
    for name in ("Ada", "Bob", "Cyd", "Dan", "Eve", "Flo"):
        cli.ok("user", "create", name, "--email", f"{name}@example.com")
        cli.clock.advance(days=name == "Bob")
    spoil(cli.log, 4, b"Dan@", b"Don@")
    assert in_json(cli, "state", "--at", "2026-03-01")["number"] == 2


def test_nothing_is_said_where_nothing_is_passed_over(union: Cli, tmp_path: Path) -> None:
    late(union, tmp_path, "1999-01-01,create,Atlantis,at@lost.example")
    for words in (
        "state --at 30", "state --at @-1", "state --at now", "state --at 1957-12-31", "log --since 1973-01-01",
        "diff 1973-01-01", "user list --at 2003-01-01 --as-of 2003-01-01", "log --until 2003-01-01 --as-of now",
        "diff 2003-01-01 2003-01-02 --as-of 2003-01-01",
    ):  # fmt: skip
        assert told(union.ok(*words.split())) == [], words
    assert told(union.ok("state", "--at", "2003-01-01", "-q")) == []
    at = union.ok("state", "--at", "2026-03-01 09:30")
    assert told(at) == ["1 event happened by then but was recorded later: --as-of '2026-03-01 09:30' counts it"]


def test_what_is_passed_over_names_the_log_that_was_named(union: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVCLI_LOG")
    ran = union("head", "--at", "2003-01-01", "--log", str(union.log))
    assert told(ran)[0].endswith(f": evcli --log {union.log} state --as-of 2003-01-01 counts them")


def spoiled(log: bytes, how: str) -> bytes:
    """The log with line 34 or the last one, 35, spoiled, or with one after them that is newer."""
    lines = log.splitlines(keepends=True)
    if how == "newer":
        last = json.loads(lines[-1])
        event = {**last, "id": "later", "sequence": f"{36:012}", "type": "user.merged"}
        return log + forged(event, previous=event.pop("sha256").encode())[0]
    return b"".join([*lines[:33], b"garbage\n", *lines[34:]] if how == "amid" else [*lines[:34], b"garbage\n"])


@pytest.mark.parametrize("how", ["amid", "last", "newer"])
def test_bad_line_after_what_is_asked_of_does_not_matter(union: Cli, tmp_path: Path, how: str) -> None:
    for number, name in enumerate(("Ada", "Bob", "Cyd", "Dan", "Eve"), 31):
        union.clock.advance(days=1)
        if number % 2:
            union.ok("user", "create", name, "--email", f"{name}@example.com")
        else:
            late(union, tmp_path, f"1999-01-01,create,{name},{name}@example.com")
    lines = (
        "state --as-of 2003-01-01 --at 33", "state --as-of now --at 33", "state --as-of 2026-03-02 --at 33",
        "user list --as-of today --at 31", "user show Bob --as-of 2026-03-02 --at 33",
        "blame 10 --as-of 2026-03-02 --at 33", "log --as-of 2026-03-04 --at 33",
        "log --as-of 1998-01-01..2026-03-02 --at 33 --reverse", "log --as-of 2026-03-04 --at 33 -n 3 -p",
        "diff 30 33 --as-of 2026-03-04", "diff --as-of 1998-01-01..2026-03-04 30 33", "log --at 33",
    )  # fmt: skip
    whole = {line: union.ok(*line.split()).out for line in lines}
    union.log.write_bytes(spoiled(union.log.read_bytes(), how))
    for line in lines:
        assert union.ok(*line.split()).out == whole[line], line
    assert whole["log --as-of 2026-03-04 --at 33"].count("\n") == 33
    exit, number = {"amid": (12, 34), "last": (12, 35), "newer": (17, 36)}[how]
    for more in ((), ("--at", f"{number}")):
        refuses(union, ("state", "--as-of", "2026-03-04", *more), exit, f"line {number}, ")
