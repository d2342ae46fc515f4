"""Cases 68 to 80: text that deceives, e-mails that look alike, clocks that lie, moments that are none."""

import csv
import io
import json
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from cli.support import EVCLI, FORMS, READING, events_in, run_on, untouched
from conftest import Cli, Clock
from rich.cells import cell_len
from support.markdown import shown as in_markdown

from faults.casebook import EVE, chain, forged, no_traceback, nothing_lost, process, put, says
from faults.common import needs

HOSTILE = {
    "clear": "\x1b[2J", "title": "\x1b]0;owned\x07", "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07", "C1": "\x9b31m",
    "bell": "\a", "backspace": "ab\b\b", "forged line": "\rack 99", "override": "a\u202eb", "isolate": "a\u2066b",
    "zero width": "a\u200bb", "byte order mark": "a\ufeffb",
}  # fmt: skip
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
MARKUP = ["[/]", "[bold]x[/bold]", "[link=http://x]y[/link]", ":smile:", "trailing\\", "[[x]", "%s{0}"]


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


@pytest.mark.case(68, 70, 73)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_that_is_typed_is_refused_and_escaped(story: Cli, hostile: str, form: str) -> None:
    with untouched(story.log.parent):
        for words in places(hostile):
            ran = story(*words, "--format", form)
            assert ran.code in (1, 2, 10), ran.err
            shown_safely(ran.out + ran.err, form)
            assert not any(line.startswith("ack") for line in ran.err.splitlines())
            if form == "json":
                told = json.loads(ran.err)["error"]
                assert set(told) == {"code", "exit", "message", "hint"}
                assert (told["exit"], ran.out) == (ran.code, "")


@pytest.mark.case(68)
@pytest.mark.parametrize("form", ["plain", "table", "json"])
@pytest.mark.parametrize("old", [b"Ada", b"made-4", b"user.created", b"user/4", b"authid"])
def test_hostile_text_in_a_damaged_line_is_shown_escaped(cli: Cli, old: bytes, form: str) -> None:
    three = chain(3)
    newer = (17,) if old in (b"user.created", b"authid") else ()  # a type or a member that nobody knows yet
    for hostile in ("".join(HOSTILE.values()), HOSTILE["C1"]):
        for new in (hostile.encode(), json.dumps(hostile)[1:-1].encode()):
            put(cli, b"".join(three) + forged(three[2], 4, old, new))
            for code, *words in ((12, "verify"), (0, "repair", "--dry-run")):
                ran = cli(*map(str, words), "--format", form)
                assert ran.code in (code, *newer), (new, ran.err)
                shown_safely(ran.out + ran.err, form)


@pytest.mark.case(69)
@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text(cli: Cli, text: str) -> None:
    cli.ok("user", "create", text, "--email", "eve@example.com")
    cli.ok("user", "destroy", "1", "--reason", text)
    for form in FORMS:
        for words in (("user", "list", "--all"), ("log",), ("user", "show", "1"), ("state", "--at", "1")):
            ran = cli.ok(*words, "--format", form, "--color", "always")
            out = in_markdown(ran.out) if form == "markdown" else ran.out
            assert (json.dumps(text)[1:-1] if "json" in form else text) in out
    says(cli("user", "show", f"{text}?"), 1, f'no user "{text}?"')


@pytest.mark.case(70)
@pytest.mark.parametrize("name", ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻"])
def test_joiners_that_a_script_needs_are_shown_and_others_escaped(cli: Cli, name: str) -> None:
    cli.ok("user", "create", name, "--email", "eve@example.com")
    cli.ok("user", "create", "A\u200dda", "--email", "ada@example.com")
    out = cli.ok("user", "list").out
    assert name in out
    assert "A\\u{200d}da" in out


@pytest.mark.case(71)
@pytest.mark.parametrize("width", [20, 40, 100])
def test_marks_and_wide_characters_leave_a_table_whole(cli: Cli, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for number, name in enumerate(["Z" + "\u0334" * 199, "李" * 100, "🦀" * 200, "é" * 200]):
        cli.ok("user", "create", name, "--email", f"{number}@example.com")
    lines = cli.ok("user", "list", "--format", "table").out.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert sum("".join(lines).count(character) for character in "李🦀") == 300, "something was cut off"
    before = cli.log.read_bytes()
    for name, length in (("x" * 10_000, 10_000), ("Z" + "\u0334" * 300, 301)):
        says(cli("user", "create", name, "--email", "x@example.com"), 2, f"{length} characters")
    nothing_lost(cli, before)


SCREENS: dict[str, dict[str, str]] = {
    "the POSIX locale without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "the C locale": {"LC_ALL": "C"}, "ASCII": {"PYTHONIOENCODING": "ascii"}, "Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "one column": {"COLUMNS": "1"}, "no colour": {"NO_COLOR": "1", "FORCE_COLOR": "1"}, "dumb": {"TERM": "dumb"},
}  # fmt: skip


@pytest.mark.case(72)
@pytest.mark.parametrize("environment", SCREENS.values(), ids=SCREENS)
def test_no_screen_is_too_poor_for_a_name(cli: Cli, environment: dict[str, str]) -> None:
    cli.ok("user", "create", "李 Zoë 🦀", "--email", "li@example.com")
    ran = process("user", "list", "--format", "table", log=cli.log, environment=environment)
    says(ran, 0)
    text = "".join(ran.out.decode(environment.get("PYTHONIOENCODING", "utf-8")).split())
    assert "UnicodeEncodeError" not in text
    assert "李" in text or "\\u{674e}" in text
    says(process("user", "show", "李 Zoë", log=cli.log, environment=environment), 1)


@pytest.mark.case(72)
def test_exit_codes_still_tell_on_a_closed_terminal(story: Cli) -> None:
    shell = ("sh", "-c", '"$@" >&- 2>&-', "sh", *EVCLI)
    assert process("user", "list", log=story.log, command=shell).code == 16
    assert process("user", "show", "99", log=story.log, command=shell).code == 1


@pytest.mark.case(73)
@pytest.mark.parametrize("text", [*MARKUP, "é\u200d李", "\u2060x", "a\u00adb", '"', "\\", "</script>"])
def test_a_stored_reason_comes_back_the_same_as_json(story: Cli, text: str) -> None:
    story.ok("user", "destroy", "1", "--reason", text)
    out = story.ok("log", "--json").out
    assert json.loads(out)[0]["data"] == {"reason": text}
    shown_safely(out, "json")


@pytest.mark.case(74)
@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_no_csv_cell_begins_as_a_formula_does(cli: Cli, first: str) -> None:
    name = f"{first}1+1,\"quoted\", 'x'"
    cli.ok("user", "create", "--email", "eve@example.com", "--", name)
    rows = list(csv.DictReader(io.StringIO(cli.ok("user", "list", "--format", "csv").out, newline="")))
    assert rows[0]["name"] == "'" + name
    for words in (("log",), ("user", "show", "1"), ("state",), ("diff", "0")):
        for row in csv.reader(io.StringIO(cli.ok(*words, "--format", "csv").out, newline="")):
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r", "\n", "\0")) for cell in row), row


ALIKE = ["é", "e\u0301", "ﬁ", "ａ", "ß", "ı", "İ", "\u212a"]
UNSEEN = ["а", "\u200b", "\u00ad", "\u202e", "\u2060"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(pytest.param(text, "which no e-mail can have", marks=pytest.mark.case(75)) for text in ALIKE),
        *(pytest.param(text, "", marks=pytest.mark.case(76)) for text in UNSEEN),
    ],
)
def test_a_character_outside_ascii_is_refused_in_an_e_mail(story: Cli, text: str, said: str) -> None:
    with untouched(story.log.parent):
        for email in (f"{text}da@example.com", f"ada@{text}xample.com"):
            ran = story("user", "create", "Ada", "--email", email)
            says(ran, 2, f"U+{ord(text[-1]):04X}", said)
            shown_safely(ran.err, "plain")


@pytest.mark.case(78)
def test_a_name_that_another_unicode_stores_otherwise_is_read_as_it_is(cli: Cli) -> None:
    """Names are brought to NFC when they are written; who reads asks no table, so each Python has the same state."""
    names = ["e\u0301", "\u0378", "\U0003ffff", "\ue000", "A\u030a"]
    lines = chain(2)
    for number, name in enumerate(names, 3):
        lines.append(forged(lines[-1], number, data={"name": name, "email": f"{number}@example.com"}))
        assert unicodedata.normalize("NFC", name) != name or not name.isprintable()
    put(cli, b"".join(lines))
    assert [user["name"] for user in json.loads(cli.ok("user", "list", "--json").out)][2:] == names
    nothing_lost(cli, b"".join(lines))


@pytest.mark.case(79)
@pytest.mark.parametrize("year", [2040, 9999])
def test_a_clock_ahead_is_believed_and_the_next_one_is_behind(story: Cli, clock: Clock, year: int) -> None:
    now, clock.now = clock.now, datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    story.ok(*EVE)
    clock.now = now
    says(story("user", "destroy", "Eve"), 0, "clock is")
    assert events_in(story.log)[-1]["recordedtime"].startswith(str(year))


@pytest.mark.case(79)
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Nowhere/Atall", "XYZ-25:61", "", ":", "UTC0"]
)
def test_commands_answer_in_a_time_zone_that_is_odd_or_missing(story: Cli, zone: str) -> None:
    for words in (("log",), ("state", "--at", "2026-10-25 02:30"), ("status",), ("state", "--at", "2026-03-01 12:00")):
        is_refused = zone == "Nowhere/Atall" and "--at" in words  # a local time of nowhere
        says(process(*words, log=story.log, environment={"TZ": zone}), 2 if is_refused else 0)


@needs("faketime")
@pytest.mark.case(79)
@pytest.mark.parametrize("when", ["-10d", "@1969-07-20 00:00:00", "@2040-01-01 00:00:00"])
def test_an_event_is_stored_by_a_process_with_another_clock(story: Cli, when: str) -> None:
    command = ("faketime", "-f", when, *EVCLI)
    says(process(*EVE, log=story.log, command=command, environment={"FAKETIME_DONT_FAKE_MONOTONIC": "1"}), 0)
    assert story.ok("log", "-n", "1").out.startswith("9\t"), "order is by number, not by time"


@pytest.mark.case(80)
def test_moment_0_is_the_empty_register_for_every_command(story: Cli) -> None:
    assert json.loads(story.ok("state", "--at", "0", "--json").out)["users"] == []
    assert story.ok("user", "list", "--at", "0", "--json").out == "[]\n"
    says(story("user", "show", "1", "--at", "0"), 1)


@pytest.mark.case(80)
@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_a_reading_command_has_no_traceback_on_any_stream(story: Cli, clock: Clock, words: tuple[str, ...]) -> None:
    for screen in (True, False):
        no_traceback(run_on([*words, "--no-pager"], clock, screen=screen))
