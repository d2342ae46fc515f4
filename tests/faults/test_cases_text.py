"""Cases 68 to 80: text that deceives, e-mails that look alike, clocks that lie, numbers that are none."""

import csv
import io
import json
import os
import re
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from shutil import which

import pytest
from cli.support import FORMS, READING, events_in, run_on, tell_the_story, untouched
from conftest import Cli, Clock

from faults.casebook import EVE, chain, forged, no_traceback, nothing_lost, process, says

HOSTILE = {
    "clear": "\x1b[2J",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "C1": "\x9b31m",
    "bell": "\a",
    "backspace": "ab\b\b",
    "forged line": "\rack 99",
    "override": "a\u202eb",
    "isolate": "a\u2066b",
    "zero width": "a\u200bb",
    "byte order mark": "a\ufeffb",
}
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log of eight events."""
    tell_the_story(cli)
    return cli


def shown_safely(text: str, form: str) -> None:
    """No character stands there that does something instead of being seen."""
    plain = text.replace("\r\n", "\n") if form == "csv" else text
    found = UNSAFE.search(plain.replace("\t", " ") if form == "plain" else plain)
    assert found is None, f"U+{ord(found[0]):04X} in {text!r}"


def places(hostile: str) -> list[tuple[str, ...]]:
    """Every place of a command where such a text can be typed."""
    return [
        ("user", "create", f"x{hostile}x", "--email", "eve@example.com"),
        ("user", "create", "Eve", "--email", f"eve{hostile}@example.com"),
        ("user", "create", "Eve", "--email", "eve@example.com", "--id", f"x{hostile}x"),
        ("user", "destroy", "1", "--reason", f"x{hostile}x"),
        ("user", "show", f"x{hostile}x"),
        ("log", "--log", f"/nowhere/x{hostile}x"),
        ("state", "--at", f"x{hostile}x"),
        (f"x{hostile}x",),
    ]


@pytest.mark.case(68)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["clear", "title", "clipboard", "C1", "bell", "backspace", "forged line"])
def test_case_68_controls_in_whatever_is_typed_are_refused_and_shown_escaped(story: Cli, kind: str, form: str) -> None:
    hostile = HOSTILE[kind]
    with untouched(story.log.parent):
        for words in places(hostile):
            ran = story(*words, "--format", form)
            assert ran.code in (1, 2, 10), ran.err
            shown_safely(ran.out + ran.err, form)
            assert not any(line.startswith("ack") for line in ran.err.splitlines())


@pytest.mark.case(68)
@pytest.mark.parametrize("form", ["plain", "table", "json"])
def test_case_68_controls_in_what_a_line_of_the_log_holds_are_shown_escaped(cli: Cli, form: str) -> None:
    three = chain(3)
    for hostile in ("".join(HOSTILE.values()), HOSTILE["C1"]):
        escaped = json.dumps(hostile)[1:-1].encode()
        for old in (b"Ada", b"made-4", b"user.created", b"user/4", b"authid"):
            for new in (hostile.encode(), escaped):
                cli.log.write_bytes(b"".join(three) + forged(three[2], 4, old, new))
                for words in (("verify",), ("repair", "--dry-run")):
                    ran = cli(*words, "--format", form)
                    code = 12 if words == ("verify",) else 0
                    may_be_newer = old in (b"user.created", b"authid")  # a type or a member that nobody knows
                    assert ran.code == code or (may_be_newer and ran.code == 17), (old, new, ran.err)
                    shown_safely(ran.out + ran.err, form)


MARKUP = ["[/]", "[bold]x[/bold]", "[link=http://x]y[/link]", ":smile:", "trailing\\", "[[x]", "%s{0}"]


@pytest.mark.case(69)
@pytest.mark.parametrize("text", MARKUP)
def test_case_69_markup_is_text(cli: Cli, text: str) -> None:
    cli.ok("user", "create", text, "--email", "eve@example.com")
    cli.ok("user", "destroy", "1", "--reason", text)
    for form in FORMS:
        for words in (("user", "list", "--all"), ("log",), ("user", "show", "1"), ("state", "--at", "1")):
            ran = cli.ok(*words, "--format", form, "--color", "always")
            assert (json.dumps(text)[1:-1] if "json" in form else text) in ran.out
    says(cli("user", "show", f"{text}?"), 1, f'no user "{text}?"')


@pytest.mark.case(70)
@pytest.mark.parametrize("kind", ["override", "isolate", "zero width", "byte order mark"])
def test_case_70_what_turns_or_hides_text_is_refused_in_a_name_and_shown_escaped(story: Cli, kind: str) -> None:
    character = next(each for each in HOSTILE[kind] if not each.isprintable())
    with untouched(story.log.parent):
        ran = story("user", "create", HOSTILE[kind], "--email", "eve@example.com")
        says(ran, 2, f"U+{ord(character):04X}")
        shown_safely(ran.err, "plain")
        assert f"\\u{{{ord(character):x}}}" in story("user", "show", HOSTILE[kind]).err


JOINED = ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻"]


@pytest.mark.case(70)
@pytest.mark.parametrize("name", JOINED)
def test_case_70_joiners_that_a_script_needs_are_shown_as_they_are_and_others_escaped(cli: Cli, name: str) -> None:
    cli.ok("user", "create", name, "--email", "eve@example.com")
    cli.ok("user", "create", "A\u200dda", "--email", "ada@example.com")
    out = cli.ok("user", "list").out
    assert name in out
    assert "A\\u{200d}da" in out


@pytest.mark.case(71)
@pytest.mark.parametrize("width", ["20", "40", "100"])
def test_case_71_combining_marks_and_wide_characters_leave_the_table_whole(
    cli: Cli, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", width)
    for number, name in enumerate(["Z" + "\u0334" * 199, "李" * 100, "🦀" * 200, "é" * 200]):
        cli.ok("user", "create", name, "--email", f"{number}@example.com")
    lines = cli.ok("user", "list", "--format", "table").out.splitlines()
    assert max(cell_len(line) for line in lines) <= int(width)
    whole = "".join(lines)
    assert sum(whole.count(character) for character in "李🦀") == 300, "something was cut off"
    before = cli.log.read_bytes()
    says(cli("user", "create", "x" * 10_000, "--email", "x@example.com"), 2, "10000 characters")
    says(cli("user", "create", "Z" + "\u0334" * 300, "--email", "x@example.com"), 2, "301 characters")
    nothing_lost(cli, before)


PLACES_TO_SHOW: dict[str, dict[str, str]] = {
    "the C locale": {"LC_ALL": "C"},
    "the POSIX locale without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "one column": {"COLUMNS": "1"},
    "no colour": {"NO_COLOR": "1", "FORCE_COLOR": "1"},
    "a dumb terminal": {"TERM": "dumb"},
}


@pytest.mark.case(72)
@pytest.mark.parametrize("environment", PLACES_TO_SHOW.values(), ids=PLACES_TO_SHOW)
def test_case_72_wherever_it_is_shown_no_name_is_too_much(cli: Cli, environment: dict[str, str]) -> None:
    cli.ok("user", "create", "李 Zoë 🦀", "--email", "li@example.com")
    ran = process("user", "list", "--format", "table", log=cli.log, environment=environment)
    says(ran, 0)
    text = ran.out.decode(environment.get("PYTHONIOENCODING", "utf-8"))
    assert "UnicodeEncodeError" not in text
    whole = "".join(text.split())
    assert "李" in whole or "\\u{674e}" in whole
    says(process("user", "show", "李 Zoë", log=cli.log, environment=environment), 1)


@pytest.mark.case(72)
def test_case_72_on_a_closed_terminal_the_exit_code_still_tells(cli: Cli) -> None:
    cli.ok(*EVE)
    shell = ("sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-m", "evcli")
    assert process("user", "list", log=cli.log, command=shell).code == 16
    assert process("user", "show", "99", log=cli.log, command=shell).code == 1


@pytest.mark.case(73)
@pytest.mark.parametrize("kind", HOSTILE)
def test_case_73_as_json_all_of_it_is_one_document_that_says_exactly_that(story: Cli, kind: str) -> None:
    for words in places(HOSTILE[kind]):
        ran = story(*words, "--json")
        told = json.loads(ran.err)["error"]
        assert set(told) == {"code", "exit", "message", "hint"}
        assert told["exit"] == ran.code
        assert ran.out == ""


@pytest.mark.case(73)
@pytest.mark.parametrize("text", [*MARKUP, "é\u200d李", "\u2060x", "a\u00adb", '"', "\\", "</script>"])
def test_case_73_as_json_what_was_stored_comes_back_the_same(cli: Cli, text: str) -> None:
    cli.ok(*EVE)
    cli.ok("user", "destroy", "1", "--reason", text)
    ran = cli.ok("log", "--json")
    assert json.loads(ran.out)[0]["data"] == {"reason": text}
    shown_safely(ran.out, "json")


@pytest.mark.case(74)
@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_case_74_in_csv_no_cell_begins_as_a_formula_does(cli: Cli, first: str) -> None:
    name = f"{first}1+1,\"quoted\", 'x'"
    cli.ok("user", "create", "--email", "eve@example.com", "--", name)
    rows = list(csv.DictReader(io.StringIO(cli.ok("user", "list", "--format", "csv").out, newline="")))
    assert rows[0]["name"] == "'" + name
    for words in (("log",), ("user", "show", "1"), ("state",), ("diff", "0")):
        for row in csv.reader(io.StringIO(cli.ok(*words, "--format", "csv").out, newline="")):
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r", "\n", "\0")) for cell in row), row


SAME_EMAIL = [("Ada@Example.COM", "ada@example.com"), ("ADA@EXAMPLE.COM", "ada@example.com")]


@pytest.mark.case(75)
@pytest.mark.parametrize(("one", "other"), SAME_EMAIL)
def test_case_75_e_mails_that_differ_in_case_only_are_the_same(cli: Cli, one: str, other: str) -> None:
    cli.ok("user", "create", "Ada", "--email", one)
    with untouched(cli.log.parent):
        says(cli("user", "create", "Eve", "--email", other), 1, "is taken by user 1")
    assert cli.ok("user", "show", other).code == 0
    assert events_in(cli.log)[0]["data"]["email"] == one


@pytest.mark.case(75)
@pytest.mark.parametrize("letter", ["é", "e\u0301", "ﬁ", "ａ", "ß", "ı", "İ", "\u212a"])
def test_case_75_letters_outside_ascii_are_in_no_e_mail_so_none_can_look_like_another(
    cli: Cli, letter: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        for email in (f"{letter}da@example.com", f"ada@{letter}xample.com"):
            ran = cli("user", "create", "Ada", "--email", email)
            says(ran, 2, "which no e-mail can have")
            code_point = f"U+{ord(letter[1] if letter[0] == 'e' else letter):04X}"
            assert code_point in ran.err


@pytest.mark.case(75)
def test_case_75_composed_or_decomposed_a_name_is_stored_and_found_as_one(cli: Cli) -> None:
    cli.ok("user", "create", "Rene\u0301", "--email", "rene@example.com")
    assert events_in(cli.log)[0]["data"]["name"] == "Ren\u00e9"
    for who in ("Ren\u00e9", "Rene\u0301", "REN\u00c9"):
        cli.ok("user", "show", who)


@pytest.mark.case(76)
@pytest.mark.parametrize("character", ["а", "\u200b", "\u00ad", "\u202e", "\u2060"])
def test_case_76_a_cyrillic_letter_or_one_that_is_not_seen_is_refused_in_an_e_mail(
    cli: Cli, character: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = cli("user", "create", "Ada", "--email", f"{character}da@example.com")
        says(ran, 2, f"U+{ord(character):04X}")
        shown_safely(ran.err, "plain")


LONG = "a" * 63 + "."
EMAILS: dict[str, tuple[str, bool]] = {
    "no @": ("ada.example.com", False),
    "two @": ("ada@lovelace@example.com", False),
    "a local part of 65 characters": ("a" * 65 + "@example.com", True),  # as the HTML standard has it
    "254 characters": ("a" * 242 + "@example.com", True),
    "255 characters": ("a" * 243 + "@example.com", False),
    "a domain of 255 characters": ("a@" + LONG * 3 + "a" * 63, False),
    "a label of 63 characters": ("a@" + "b" * 63 + ".com", True),
    "a label of 64 characters": ("a@" + "b" * 64 + ".com", False),
    "a quoted local part": ('"ada lovelace"@example.com', False),
    "an address": ("ada@[127.0.0.1]", False),
    "one label": ("ada@localhost", True),
    "a dot at the end": ("ada@example.com.", False),
    "a dot at the start": (".ada@example.com", True),  # likewise
    "a name before it": ("Ada <ada@example.com>", False),
    "nothing before the @": ("@example.com", False),
    "nothing after it": ("ada@", False),
}


@pytest.mark.case(77)
@pytest.mark.parametrize(("email", "is_taken"), EMAILS.values(), ids=EMAILS)
def test_case_77_an_e_mail_is_what_a_browsers_field_takes(cli: Cli, email: str, is_taken: bool, tmp_path: Path) -> None:
    if is_taken:
        cli.ok("user", "create", "Ada", "--email", email)
        assert json.loads(cli.ok("user", "list", "--json").out)[0]["email"] == email
        nothing_lost(cli, cli.log.read_bytes())
        return
    with untouched(tmp_path):
        says(cli("user", "create", "Ada", "--email", email), 2)


@pytest.mark.case(78)
def test_case_78_a_name_that_another_years_unicode_would_store_otherwise_is_read_as_it_stands(cli: Cli) -> None:
    """Names are brought to NFC when they are written; who reads asks no table, so each Python has the same state."""
    lines = chain(2)
    for number, name in enumerate(["e\u0301", "\u0378", "\U0003ffff", "\ue000", "A\u030a"], 3):
        lines.append(forged(lines[-1], number, data={"name": name, "email": f"{number}@example.com"}))
        assert unicodedata.normalize("NFC", name) != name or not name.isprintable()
    cli.log.write_bytes(b"".join(lines))
    cli.log.chmod(0o600)
    users = json.loads(cli.ok("user", "list", "--json").out)
    assert [user["name"] for user in users][2:] == ["e\u0301", "\u0378", "\U0003ffff", "\ue000", "A\u030a"]
    nothing_lost(cli, b"".join(lines))


@pytest.mark.case(79)
@pytest.mark.parametrize(
    "now",
    [datetime(2026, 2, 19, tzinfo=UTC), datetime(1969, 7, 20, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
    ids=["10 days back", "1969", "year 1"],
)
def test_case_79_a_clock_that_is_behind_is_recorded_with_a_warning_and_order_is_by_number(
    story: Cli, clock: Clock, now: datetime
) -> None:
    before = story.log.read_bytes()
    clock.now = now
    ran = story.ok(*EVE)
    assert "clock is" in ran.err
    last, event = events_in(story.log)[-2:]
    assert event["time"].startswith(f"{now:%Y}".zfill(4))
    assert event["recordedtime"] == last["time"]
    assert story.ok("log", "-n", "1").out.startswith("9\t")
    nothing_lost(story, before)


@pytest.mark.case(79)
@pytest.mark.parametrize("year", [2040, 9999])
def test_case_79_a_clock_that_is_ahead_is_believed_and_the_next_one_is_behind(
    story: Cli, clock: Clock, year: int
) -> None:
    before = story.log.read_bytes()
    now = clock.now
    clock.now = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    story.ok(*EVE)
    clock.now = now
    ran = story.ok("user", "destroy", "Eve")
    assert "clock is" in ran.err
    assert events_in(story.log)[-1]["recordedtime"].startswith(str(year))
    nothing_lost(story, before)


@pytest.mark.case(79)
def test_case_79_in_a_log_a_recorded_moment_that_goes_back_is_damage(cli: Cli) -> None:
    three = chain(3)
    cli.log.write_bytes(b"".join(three) + forged(three[2], 4, time="2026-02-28T23:59:59.999999Z"))
    says(cli("verify"), 12, "line 4", "goes back")


@pytest.mark.case(79)
@pytest.mark.parametrize("zone", ["America/St_Johns", "Asia/Kathmandu", "Nowhere/Atall", "XYZ-25:61", "", ":", "UTC0"])
def test_case_79_in_a_zone_that_is_odd_or_none_all_answers_come(story: Cli, zone: str) -> None:
    for words in (("log",), ("state", "--at", "2026-03-01 12:00"), ("status",)):
        says(process(*words, log=story.log, environment={"TZ": zone}), 0)


@pytest.mark.case(79)
def test_case_79_in_the_hour_that_occurs_twice_every_moment_is_found(cli: Cli, clock: Clock) -> None:
    clock.now = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, for the first time
    cli.ok(*EVE)
    clock.advance(hours=1)  # 02:30, for the second time
    cli.ok("user", "rename", "1", "Eve II")
    for words in (("state", "--at", "2026-10-25 02:30"), ("log", "--since", "2026-10-25 02:30"), ("log",)):
        says(process(*words, log=cli.log, environment={"TZ": "Europe/Berlin"}), 0)


@pytest.mark.case(79)
@pytest.mark.skipif(which("faketime") is None, reason="faketime, which sets a process's clock, is not there")
@pytest.mark.parametrize("when", ["-10d", "@1969-07-20 00:00:00", "@2040-01-01 00:00:00"])
def test_case_79_with_another_clock_for_the_whole_process(story: Cli, when: str) -> None:
    before = story.log.read_bytes()
    command = ("faketime", "-f", when, sys.executable, "-m", "evcli")
    says(process(*EVE, log=story.log, command=command, environment={"FAKETIME_DONT_FAKE_MONOTONIC": "1"}), 0)
    nothing_lost(story, before)


AT: dict[str, tuple[int, str]] = {
    # the moment, the exit code, how the answer or the error begins
    "0": (0, "0:"),
    "1": (0, "1:"),
    "8": (0, "8:"),
    "@": (0, "8:"),
    "-1": (0, "7:"),  # one event before now
    "-8": (0, "0:"),
    "-9": (2, "error: "),
    "9": (2, "error: "),
    "9223372036854775808": (2, "error: "),
    "99999999999999999999999": (2, "error: "),
    "1e3": (2, "error: "),
    "1_000": (2, "error: "),
    "+1": (2, "error: "),
    "0x1": (2, "error: "),
    "1.0": (2, "error: "),
    "٣": (2, "error: "),
    "³": (2, "error: "),
    "": (2, "error: "),
    " ": (2, "error: "),
    "008": (0, "8:"),
}


@pytest.mark.case(80)
@pytest.mark.parametrize("at", AT)
def test_case_80_a_moment_by_number_is_0_to_the_last_in_ascii_digits(story: Cli, at: str) -> None:
    code, begins = AT[at]
    with untouched(story.log.parent):
        ran = story("head", f"--at={at}")
        assert ran.code == code, ran.err
        no_traceback(ran)
        assert (ran.out if code == 0 else ran.err).startswith(begins)


@pytest.mark.case(80)
def test_case_80_moment_0_is_the_empty_register_for_every_command(story: Cli) -> None:
    assert json.loads(story.ok("state", "--at", "0", "--json").out)["users"] == []
    assert story.ok("user", "list", "--at", "0", "--json").out == "[]\n"
    assert story("user", "show", "1", "--at", "0").code == 1


@pytest.mark.case(80)
def test_case_80_every_reading_command_shows_every_form_without_a_traceback(story: Cli, clock: Clock) -> None:
    for words in READING.values():
        for screen in (True, False):
            no_traceback(run_on([*words, "--no-pager"], clock, screen=screen))
    assert os.path.exists(story.log)
