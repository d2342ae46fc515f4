"""How answers look and where they go: colour, quiet, times, narrow and poor terminals, and a stdout that is no good."""

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Cli, Ran

from cli.support import (
    EVCLI,
    EVERY,
    FORMS,
    POOR_LOCALE,
    READING,
    WRITING,
    Raw,
    events_in,
    in_json,
    many_events,
    refuses,
    run_on,
    run_process,
    run_shell,
    untouched,
)

# --- colour -----------------------------------------------------------------------------------------------------------

COLOURS: dict[tuple[bool, str, str], bool] = {
    # on a terminal, a variable, the option: whether there is colour
    (False, "", ""): False,
    (True, "", ""): True,
    (True, "NO_COLOR=1", ""): False,
    (True, "NO_COLOR=", ""): True,
    (True, "TERM=dumb", ""): False,
    (False, "FORCE_COLOR=1", ""): True,
    (True, "FORCE_COLOR=0", ""): False,
    (True, "FORCE_COLOR=no", ""): False,
    (False, "FORCE_COLOR=3", ""): True,
    (False, "FORCE_COLOR=", ""): False,
    (False, "", "always"): True,
    (False, "", "auto"): False,
    (True, "", "auto"): True,
    (True, "", "never"): False,
    (False, "NO_COLOR=1", "always"): True,
    (True, "FORCE_COLOR=1", "never"): False,
}


@pytest.mark.parametrize("case", COLOURS, ids=str)
def test_table_and_error_have_colour_where_it_is_wanted(
    story: Cli, case: tuple[bool, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, variable, when = case
    monkeypatch.setenv("TERM", "xterm-256color")
    if variable:
        monkeypatch.setenv(*variable.split("="))
    options = ["--color", when] if when else []
    table = run_on(["user", "list", "--format", "table", *options], story.clock, screen=screen)
    assert (table.code, table.err) == (0, "")
    assert ("\x1b[" in table.out) == COLOURS[case]
    error = run_on(["user", "show", "nobody", *options], story.clock, screen=screen)
    assert (error.code, error.out) == (1, "")
    assert ("\x1b[" in error.err) == COLOURS[case]
    assert re.sub(r"\x1b\[[0-9;]*m", "", error.err).startswith('error: no user "nobody" at event 8\nhint: ')


@pytest.mark.parametrize("form", ["plain", "json", "jsonl", "csv"])
def test_form_for_programs_never_has_colour(story: Cli, form: str) -> None:
    for words in (("user", "list"), ("log",), ("show",), ("verify",)):
        ran = run_on([*words, "--format", form, "--color", "always"], story.clock, screen=True)
        assert ran.code == 0
        assert "\x1b" not in ran.out
    if form.startswith("json"):
        assert "\x1b" not in run_on(["user", "show", "x", "--format", form, "--color", "always"], story.clock).err


@pytest.mark.parametrize("when", ["sometimes", "", "ALWAYS", "yes"])
def test_unknown_colour_rule_is_a_usage_error(story: Cli, when: str) -> None:
    refuses(story, ("state", "--color", when), 2, "--color", "auto", "always", "never")


# --- quiet ------------------------------------------------------------------------------------------------------------


def test_q_silences_notes_only(story: Cli) -> None:
    loud, quiet = story("state", "--at", "@-"), story("state", "--at", "@-", "-q")
    assert (quiet.out, quiet.err) == (loud.out, "")
    with story.log.open("ab") as log:
        log.write(b'{"spec')
    (warning,) = story("state", "--at", "@-", "--quiet").err.splitlines()
    assert warning.startswith("warning: ")
    assert 'error: no user "x"' in story("user", "show", "x", "-q").err


# --- times ------------------------------------------------------------------------------------------------------------

AGES = {
    timedelta(0): "just now",
    timedelta(seconds=1): "1 second ago",
    timedelta(seconds=59): "59 seconds ago",
    timedelta(seconds=60): "1 minute ago",
    timedelta(minutes=59, seconds=59): "59 minutes ago",
    timedelta(hours=2): "2 hours ago",
    timedelta(hours=23, minutes=59): "23 hours ago",
    timedelta(days=1): "1 day ago",
    timedelta(days=6, hours=23): "6 days ago",
}


@pytest.mark.parametrize("age", AGES, ids=AGES.get)
def test_table_on_a_terminal_says_how_long_ago(cli: Cli, age: timedelta) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.clock.now += age
    table = run_on(["log"], cli.clock, screen=True).out
    assert re.search(rf"^1 +{AGES[age]} +ann ", table, re.MULTILINE), table
    assert "2026-03-01" not in table
    for words in (["show"], ["status"]):
        assert AGES[age] in run_on(words, cli.clock, screen=True).out


def test_table_says_a_time_older_than_a_week_and_the_offset_of_all_in_its_header(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    story.clock.advance(days=7)
    table = run_on(["log", "--color", "never"], story.clock, screen=True).out
    assert re.match(r"number +time \(\+05:30\) +actor ", table), table
    assert re.search(r"^1 +2026-03-01 14:30:00 +ann ", table, re.MULTILINE), table
    assert "2026-03-01 14:30:00+05:30" in run_on(["show", "1"], story.clock, screen=True).out, "a field has no header"


def test_table_says_how_long_ago_until_a_time_is_a_week_old(cli: Cli) -> None:
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.clock.now += timedelta(days=7, microseconds=-1)
    assert "6 days ago" in run_on(["log"], cli.clock, screen=True).out
    cli.clock.now += timedelta(microseconds=1)
    assert "2026-03-01 09:00:00" in run_on(["log"], cli.clock, screen=True).out


def test_times_in_the_doubled_hour_each_have_their_offset(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    for minute, name in ((330, "Ada"), (375, "Bo")):
        cli.clock.now = datetime(2025, 11, 2, tzinfo=UTC) + timedelta(minutes=minute)
        cli.ok("user", "create", name, "--email", f"{name}@example.com")
    for form in ("table", "plain"):
        told = cli.ok("log", "--format", form).out
        for number, shown in ((1, "2025-11-02 01:30:00-04:00"), (2, "2025-11-02 01:15:00-05:00")):
            assert shown in told, form
            assert in_json(cli, "state", "--at", shown)["number"] == number
    ran = cli.ok("state", "--at", "2025-11-02 01:15:00")
    assert '"2025-11-02 01:15:00" was twice, at 2025-11-02 01:15:00-04:00 and at 2025-11-02 01:15:00-05:00' in ran.err


def test_a_clock_behind_the_log_is_told_once_and_now_means_the_head(story: Cli) -> None:
    story.clock.advance(hours=-3)
    behind = "event 8 was recorded at 2026-03-01 16:00:00+00:00, 2:00:00 ahead of this clock"
    for words in (["user", "list"], ["state", "--at", "now"], ["state", "--at", "today"], ["log", "-n", "1"]):
        ran = story.ok(*words)
        assert ran.err.count("warning: ") == 1, words
        assert behind in ran.err, words
    assert in_json(story, "state", "--at", "now")["number"] == 8
    assert behind in story.ok("status", "-q").out
    assert not story.ok("state", "--at", "2026-03-01 15:30").err.count("in the future"), "an event after it is known"
    story.clock.advance(hours=2)
    story.clock.now -= timedelta(milliseconds=900)
    assert "warning" not in story.ok("log").err, "clocks differ by a moment"


def test_an_unknown_zone_is_told_and_times_are_shown_in_utc(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Moon/Base")
    time.tzset()
    ran = story.ok("log", "-n", "1")
    assert ran.err == 'warning: the zone "Moon/Base" (TZ) is not known here: times are shown in UTC\n'
    assert "16:00:00+00:00" in ran.out
    refused = story("log", "--since", "2026-03-01")
    assert refused.code == 2
    assert "hint: write the time with its offset from UTC" in refused.err


def test_csv_has_times_in_utc(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    for words in (["log"], ["show", "1"], ["user", "show", "1"], ["status"]):
        told = story.ok(*words, "--format", "csv").out
        assert "2026-03-01T09:00:00.000000Z" in told, words
        assert "+05:30" not in told, words


def test_time_is_absolute_in_a_pipe_in_plain_and_if_it_is_to_come(story: Cli) -> None:
    cases = [(False, "table"), (False, "plain"), (True, "plain"), (True, "table")]
    for screen, form in cases:
        if (screen, form) == (True, "table"):
            story.clock.advance(days=-1)
        ran = run_on(["log", "--format", form], story.clock, screen=screen)
        assert "2026-03-01 16:00:00" in ran.out, form
        assert " ago" not in ran.out, form


# --- narrow and poor terminals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ["20", "1", "0", "-5", "wide", "", "33", "1000"])
def test_table_is_drawn_at_any_width(story: Cli, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for words in READING.values():
        assert story.ok(*words, "--format", "table").out


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_table_keeps_to_the_width_and_cuts_nothing(cli: Cli, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    name, email = "".join(chr(ord("A") + at % 26) for at in range(100)), "0123456789" * 4 + "@example.com"
    cli.ok("user", "create", name, "--email", email)
    for command in (("user", "show", "1"), ("show",), ("diff",)):
        out = cli.ok(*command, "--format", "table").out
        if command == ("diff",):
            out = out.split("\n", 1)[1]  # the line above the table is a sentence
        assert max(map(len, out.splitlines())) <= columns, out
        letters = "".join(out.split())
        for text in (name, email):
            at = -1
            for character in text:  # folded cells stand beside each other, but in order
                at = letters.find(character, at + 1)
                assert at >= 0, f"{text} is cut in {out}"


def test_wide_characters_are_measured_as_they_are_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", "40")
    cli.ok("user", "create", "李明" * 20, "--email", "li@example.com")
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    out = cli.ok("user", "list", "--format", "table").out
    assert max(map(cell_len, out.splitlines())) <= 40
    assert out.count("李") == 20


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r"])
@pytest.mark.parametrize("form", FORMS)
def test_character_that_the_output_cannot_hold_is_its_code_point(cli: Cli, encoding: str, form: str) -> None:
    cli.ok("user", "create", "Ωmega 李 👩\u200d💻 é", "--email", "o@example.com")
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cases = (
        *READING.values(),
        ("help", "formats"),
        ("user", "show", "Ωmeg"),
        ("user", "rename", "2", "Ω", "--dry-run"),
    )
    read_as = "utf-8" if form in ("json", "jsonl") else encoding  # JSON is UTF-8 wherever it goes
    for words in cases:
        ran = run_on([*words, "--format", form], cli.clock, encoding=encoding, read_as=read_as)
        assert ran.code == (1 if "Ωmeg" in words else 0), ran.err
    shown = run_on(["user", "list", "--format", form], cli.clock, encoding=encoding, read_as=read_as).out
    assert ("Ωmega 李" if read_as == "utf-8" else "\\u{674e}") in shown


def test_ascii_terminal_gets_no_box_characters(story: Cli) -> None:
    for words in (("user", "list"), ("log",), ("state",)):
        ran = run_on([*words, "--format", "table"], story.clock, encoding="ascii")
        assert ran.code == 0
        assert ran.out.isascii()
        assert "\\u{" not in ran.out


@pytest.mark.parametrize("form", ["table", "plain", "csv"])
def test_process_in_the_c_locale_escapes_names(cli: Cli, form: str) -> None:
    cli.ok("user", "create", "Ωmega é", "--email", "o@example.com")
    ran = run_process("user", "list", "--format", form, environment=POOR_LOCALE)
    assert (ran.code, ran.err) == (0, b"")
    assert b"\\u{3a9}mega \\u{e9}" in ran.out
    ran = run_process("user", "show", "Ω", environment=POOR_LOCALE)
    assert ran.code == 1
    assert b'no user "' in ran.err
    assert ran.err.isascii()


# --- a stdout that is no good -----------------------------------------------------------------------------------------


def into_a_closed_pipe(*words: str) -> Raw:
    """Run evcli with a stdout that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        return run_process(*words, stdout=stdout)


def into_a_full_disk(*words: str) -> Raw:
    """Run evcli with a stdout that takes nothing."""
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    return run_shell('"$@" >/dev/full', *words)


def into_nothing(*words: str) -> Raw:
    """Run evcli with stdout closed."""
    return run_shell('"$@" >&-', *words)


BAD = {"closed pipe": into_a_closed_pipe, "full disk": into_a_full_disk, "closed": into_nothing}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("form", ["plain", "table", "json"])
def test_event_with_a_lost_answer_is_stored_and_told_on_stderr(story: Cli, kind: str, form: str) -> None:
    ran = BAD[kind](*WRITING["user rename"], "--format", form)
    assert ran.code == 16, ran.err
    events = events_in(story.log)
    assert (len(events), events[-1]["data"]) == (9, {"name": "Amazing Grace"})
    told = ran.err.decode()
    assert "event 9 is stored" in told
    assert "evcli show 9" in told
    assert "Traceback" not in told
    if form == "json":
        error = json.loads(told)["error"]
        assert (error["exit"], error["code"]) == (16, "answer-lost")


@pytest.mark.parametrize("command", [name for name in WRITING if name != "user rename"])
def test_writing_command_stores_its_event_without_a_reader(story: Cli, command: str) -> None:
    ran = into_a_closed_pipe(*WRITING[command])
    assert ran.code == 16, ran.err
    assert b"event 9 is stored" in ran.err
    assert len(events_in(story.log)) == 9


def test_reading_into_a_closed_pipe_ends_quietly(story: Cli) -> None:
    for command in ("user list", "user show", "log", "verify", "head"):
        assert into_a_closed_pipe(*READING[command], "-q") == Raw(0, b"", b"")
    for words in (("-h",), ("log", "-h"), ("--version",)):
        assert into_a_closed_pipe(*words) == Raw(0, b"", b"")


def test_reading_into_a_stdout_that_takes_nothing_is_16(story: Cli) -> None:
    lines = [(*EVERY[each], "-q") for each in ("user list", "log", "state", "verify", "path", "help")]
    for words in (*lines, ("-h",), ("log", "-h"), ("--version",)):
        ran = into_a_full_disk(*words)
        assert ran.code == 16, ran.err
        assert ran.err.startswith(b"error: ")
        assert b"No space left on device" in ran.err
        assert b"Traceback" not in ran.err
    ran = into_nothing("log")
    assert ran.code == 16
    assert ran.err.startswith(b"error: ")


@pytest.mark.parametrize("kind", BAD)
def test_dry_run_and_refusal_with_a_bad_stdout_store_nothing(story: Cli, kind: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = BAD[kind](*WRITING["user destroy"], "--dry-run")
        assert ran.code == (0 if kind == "closed pipe" else 16)
        assert b"is stored" not in ran.err
        assert BAD[kind]("user", "destroy", "3").code == 1


def test_quiet_write_needs_no_stdout(story: Cli) -> None:
    assert into_nothing(*WRITING["user destroy"], "-q") == Raw(0, b"", b"")
    assert len(events_in(story.log)) == 9


def test_reader_may_take_the_first_line_and_leave_the_rest(cli: Cli) -> None:
    many_events(cli, 1500)
    for form in FORMS:
        ran = run_shell('{ "$@"; echo "exit $?" >&2; } | head -n 1', "log", "--format", form)
        assert len(ran.out.splitlines()) == 1
        assert ran.err == b"exit 0\n", form


def test_closed_streams_put_no_message_into_the_log(story: Cli) -> None:
    before = story.log.read_bytes()
    assert run_shell('"$@" <&- >&- 2>&-', *WRITING["user destroy"]).code == 16
    assert run_shell('"$@" <&- >&- 2>&-', "user", "destroy", "nobody").code == 1
    assert story.log.read_bytes().startswith(before)
    assert len(events_in(story.log)) == 9
    assert story("verify", "-q").code == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_stderr_that_takes_nothing_changes_no_exit_code(story: Cli) -> None:
    assert run_shell('"$@" 2>/dev/full', "user", "show", "nobody").code == 1
    ran = run_shell('"$@" 2>/dev/full', "state", "--at", "@-")
    assert ran.code == 0
    assert ran.out.startswith(b"1\tAda Lovelace\t")
    assert run_shell('"$@" 2>&-', "user", "show", "nobody").code == 1


def test_stdin_is_not_read(story: Cli) -> None:
    ran = run_shell('echo surplus | { "$@" >/dev/null; cat; }', "log")
    assert ran == Raw(0, b"surplus\n", b"")


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_process_prints_what_main_prints(story: Cli, form: str) -> None:
    for line, code in (("log -n 2", 0), ("user show nobody", 1), ("nope", 2), ("head --log /no", 10)):
        words = (*line.split(), "--format", form)
        inside, outside = story(*words), run_process(*words)
        assert inside.code == code
        assert Ran(outside.code, outside.out.decode(), outside.err.decode()) == inside


def test_stdout_comes_before_the_error_that_follows_it(story: Cli) -> None:
    story.log.write_bytes(story.log.read_bytes().replace(b"Alan", b"Alen"))
    done = subprocess.run([*EVCLI, "verify"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
    first, *_, last = done.stdout.decode().splitlines()
    assert first == "status\tdamaged"
    assert last.startswith("hint: ")
