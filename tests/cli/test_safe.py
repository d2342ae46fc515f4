"""Hostile text: refused, or shown so that no terminal, spreadsheet or reader of the screen can be deceived by it."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from conftest import Cli, Ran
from support.hostile import CONTROLS, HOSTILE, MARKUP, TOGETHER
from support.markdown import shown as in_markdown

from cli.support import FORMS, events_in, in_json, run_on, run_process, untouched
from evcli.cli.show import safe


def is_safe(ran: Ran, form: str = "plain") -> None:
    """Nothing that deceives is in stdout or stderr; a carriage return only where a line of CSV ends."""
    for stream, text in (("stdout", ran.out), ("stderr", ran.err)):
        shown = text.replace("\r\n", "\n") if form == "csv" and stream == "stdout" else text
        found = CONTROLS.search(shown)
        assert not found, f"U+{ord(found[0]):04X} on {stream} in {form}: {text!r}"
    assert sum(line.startswith("error: ") for line in ran.err.splitlines()) <= 1, f"a forged error line: {ran.err!r}"


# --- what was typed comes back in an error ----------------------------------------------------------------------------

TYPED = (
    "user create --email a@example.com -- %", "user create Ada --email %", "user create Ada --email %@example.com",
    "user rename -- 1 %", "user destroy 1 --reason %", "user destroy 1 --id %", "user show -- %", "user show -- %@",
    "user destroy -- %", "state --at %", "show id:%", "show @%", "show '5 % ago'", "log --since %", "log --user %",
    "log --type %", "log --actor %", "user list --match %", "log -n %", "verify --expect %",
    "user destroy 1 --expect %", "user destroy 1 --lock-wait %", "help %", "completion %", "%", "user %", "log --%",
    "log -%", "log --reverse=%", "head %", "user create Ada % --email a@example.com", "log --format %", "log --color %",
    "report --from %", "report --to %", "report --kind %",
    "diff --user %", "diff --format %", "blame -- %", "blame 1 --at %", "blame 1 --kind %",
    "diff --by %", "log --log /nowhere/%", "user create Ada --email a@example.com --log /proc/%/x",
)  # fmt: skip
"""Every place of a command line where text can be typed."""

TAKEN = ("log --type %", "log --actor %", "user list --match %")
"""The places where any text may match something."""


@pytest.mark.parametrize("form", ["plain", "json"])
@pytest.mark.parametrize("place", TYPED)
def test_typed_text_is_refused_or_shown_escaped(story: Cli, place: str, form: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        for kind, hostile in TOGETHER.items():
            words = [word.replace("%", hostile) for word in shlex.split(place)]
            ran = story("--format", form, *words)
            assert ran.code != 255, f"{kind}: {ran.err}"
            assert ran.code != 0 or place in TAKEN, f"{kind} as {place} was taken"
            is_safe(ran, form)
            if form == "json" and ran.code:
                assert set(json.loads(ran.err)) == {"error"}, f"{kind}: {ran.err!r}"


def test_error_shows_a_hostile_character_as_its_code_point(story: Cli) -> None:
    for kind in ("colour", "C1", "direction override", "surrogates", "newline"):
        first = next(character for character in HOSTILE[kind] if not character.isprintable())
        assert f"\\u{{{ord(first):x}}}" in story("user", "show", f"x{HOSTILE[kind]}").err


def test_bytes_that_are_not_utf_8_are_refused_or_escaped(story: Cli) -> None:
    for words in (
        (b"user", b"show", b"\xff\xfe"),
        (b"user", b"create", b"\xff", b"--email", b"a@example.com"),
        (b"user", b"create", b"Ada", b"--email", b"\x9b@example.com"),
        (b"\xff",),
        (b"--json", b"log", b"--log", b"/nowhere/\xff"),
        (b"--json", b"user", b"show", b"\xff\xfe"),
    ):
        ran = run_process(*words)
        assert ran.code in (1, 2, 10), f"{words}: exit {ran.code}: {ran.err!r}"
        assert ran.out == b""
        assert b"Traceback" not in ran.err, f"{words}: {ran.err!r}"
        is_safe(Ran(ran.code, "", ran.err.decode("utf-8", "strict")))
    assert len(events_in(story.log)) == 8


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TOGETHER)
def test_log_with_a_hostile_path_is_used_and_shown_escaped(cli: Cli, kind: str, form: str, tmp_path: Path) -> None:
    path = os.path.join(str(tmp_path), TOGETHER[kind].replace("/", "_"))
    create = ("user", "create", "Ada", "--email", "ada@example.com")
    rest = ("status", "user list", "user show nobody", "verify")
    for words in (("path",), ("log",), create, ("user", "rename", "1", "Ada King"), *map(str.split, rest)):
        ran = cli(*words, "--log", path, "--format", form)
        assert ran.code in (0, 1, 10), f"{' '.join(words)} exits {ran.code}: {ran.err}"
        is_safe(ran, form)
        if form in ("json", "jsonl"):
            assert all(json.loads(line) for line in (ran.out + ran.err).splitlines())
    good = Path(path).read_bytes()
    for content, words, code in (
        (good + b'{"sp', "log", 0), (good.replace(b"King", b"Kong"), "verify", 12),
        (good.replace(b"King", b"Kong"), "repair", 0),
    ):  # fmt: skip
        Path(path).write_bytes(content)
        ran = cli(words, "--log", path, "--format", form)
        assert (ran.code, "4 bytes" in ran.err) == (code, words == "log")
        is_safe(ran, form)


def test_hostile_path_stays_on_its_line_and_is_exact_in_json(cli: Cli, tmp_path: Path) -> None:
    for kind in ("newline", "colour", "tab"):
        path = f"{tmp_path}/{HOSTILE[kind].replace('/', '_')}"
        assert len(cli.ok("path", "--log", path).out.splitlines()) == 1
        told = cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--log", path).out.splitlines()
        assert [line.split()[0] for line in told] == ["user", "undo:"]
    path = f"{tmp_path}/{HOSTILE['C1']}{HOSTILE['direction override']}\n"
    assert in_json(cli, "path", "--log", path) == {"path": path}


# --- what a file holds ------------------------------------------------------------------------------------------------


SPOILED: tuple[tuple[bytes, bytes], ...] = (
    (b'"Alan"', '"\x1b[31mAl\u202ean"'.encode()),
    (b'"Alan"', b'"\\u001b[31mAlan"'),
    (b'"user.created"', '"user.\x85\u202ecreated"'.encode()),
    (b'"user.created"', b'"user.\\u009bcreated"'),
    (b'"authid":"ann"', '"auth\u202eid":"ann"'.encode()),
    (b'"user/3"', '"user/\u2066 3"'.encode()),
    (b'"source":"evcli"', '"source":"\u200fevcli\u0085"'.encode()),
    (b'"time":"2026', '"time":"\u202e2026'.encode()),
    (b'"name":"Alan"', '"na\u202eme":"Alan"'.encode()),
    (b'"alan@example.com"', '"al\u202e\u009ban@example.com"'.encode()),
    (b"{", b"\xff\xfe\x1b[31m{"),
)
"""A part of the log, and what replaces it at its first place."""


@pytest.mark.parametrize("form", FORMS)
def test_content_of_a_damaged_line_is_shown_escaped(story: Cli, form: str) -> None:
    good = story.log.read_bytes()
    for old, new in SPOILED:
        story.log.write_bytes(good.replace(old, new, 1))
        assert story.log.read_bytes() != good
        for words in (("verify",), ("log",), ("state",), ("user", "list")):
            ran = story(*words, "--format", form)
            assert ran.code == 12, f"{words} with {new!r}: {ran.err}"
            is_safe(ran, form)


# --- what may be stored, and yet looks like something else ------------------------------------------------------------


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text(cli: Cli, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", text)
    monkeypatch.setenv("COLUMNS", "300")
    cli.ok("user", "create", text, "--email", "ada@example.com", "--id", text)
    cli.ok("user", "destroy", "1", "--reason", text)
    commands = (("user", "list", "--all"), ("user", "show", "1"), ("log",), ("show", "1"), ("diff", "0"))
    for form in FORMS:
        shown = text if form in ("table", "plain", "csv", "markdown") else json.dumps(text)[1:-1]
        for words in commands:
            out = cli.ok(*words, "--format", form, "--color", "always").out
            out = in_markdown(out) if form == "markdown" else out
            assert shown in out, f"{text!r} is not in {' '.join(words)} as {form}: {out!r}"
    for color in ("always", "never"):
        ran = cli("user", "show", f"{text} who", "--color", color)
        assert (ran.code, f'no user "{text} who"' in ran.err) == (1, True), ran.err


@pytest.mark.parametrize("form", FORMS)
def test_combining_marks_do_no_harm(cli: Cli, form: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        assert cli("user", "create", "Z" + "\u0334" * 300, "--email", "z@example.com", "--format", form).code == 2
    cli.ok("user", "create", "Z" + "\u0334" * 199, "--email", "z@example.com")
    cli.ok("user", "destroy", "1", "--reason", "\u0334" * 300)
    for words in (("user", "list", "--all"), ("user", "show", "1"), ("log",), ("state", "--at", "1"), ("diff",)):
        ran = cli(*words, "--format", form)
        assert ran.code == 0, ran.err
        is_safe(ran, form)


INVISIBLE = ["soft\u00adhyphen", "word\u2060joiner", "tag\U000e0041", "inter\ufff9linear\ufffb", "joiner\u200dhere"]


@pytest.mark.parametrize("form", ["table", "plain", "json"])
@pytest.mark.parametrize("text", INVISIBLE)
def test_invisible_text_of_a_reason_is_shown_escaped(
    cli: Cli, text: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", text)
    cli.ok("user", "create", "Ada", "--email", "ada@example.com", "--id", text)
    cli.ok("user", "destroy", "1", "--reason", text)
    for words in (("log",), ("show",), ("user", "show", "1")):
        ran = cli(*words, "--format", form)
        assert ran.code == 0, ran.err
        if form != "json":  # whose strings must be exact
            assert text not in ran.out, f"{text!r} is shown as it is in {ran.out!r}"
        is_safe(ran, form)
    assert in_json(cli, "show")["event"]["data"] == {"reason": text}


@pytest.mark.parametrize("name", ["क्\u200dष", "می\u200cخواهم", "👩\u200d💻"])
@pytest.mark.parametrize("form", ["table", "plain", "csv"])
def test_joiners_that_a_script_needs_are_shown_as_they_are(cli: Cli, name: str, form: str) -> None:
    cli.ok("user", "create", name, "--email", "a@example.com")
    assert name in cli.ok("user", "list", "--format", form).out


def test_colour_writes_only_the_escapes_of_evcli(story: Cli) -> None:
    ran = run_on(["user", "show", HOSTILE["colour"], "--color", "always"], story.clock, screen=True)
    assert ran.code == 1
    assert set(re.findall(r"\x1b[^m]*m?", ran.err)) == {"\x1b[1;31m", "\x1b[0m", "\x1b[36m"}
    table = run_on(["user", "list", "--color", "always"], story.clock, screen=True)
    assert set(re.findall(r"\x1b[^m]*m?", table.out)) <= {"\x1b[1m", "\x1b[0m"}


def test_actor_with_control_characters_is_2(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind in ("colour", "C1", "newline", "direction override", "surrogates"):
        monkeypatch.setenv("EVCLI_ACTOR", HOSTILE[kind])
        with untouched(tmp_path):
            ran = cli("user", "create", "Ada", "--email", "ada@example.com")
        assert ran.code == 2
        is_safe(ran)


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
def test_a_long_document_is_escaped_as_a_short_one(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe, "_PIECE", size)
    values = ["a\u202eb", "\x7f", "é\u200d李", "", "\u2028\U000e0041x", "🙂", {"\u00ad": ["\ufeff"]}] * 9
    escaped = safe.safe_json(json.dumps(values, ensure_ascii=False).encode())
    assert json.loads(escaped) == values
    assert not CONTROLS.search(escaped.decode())
    assert "李".encode() in escaped
