"""Cases 57 to 67: values that JSON, Python or somebody's fingers can make, in the log and on the command line."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from cli.support import many_events, tell_the_story, untouched
from conftest import Cli

from evcli.log.line import MAX_LINE
from faults.casebook import EVE, PACKAGE, chain, forged, members, no_traceback, nothing_lost, process, says, seal

THREE = chain(3)
LOG = b"".join(THREE)


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log of eight events."""
    tell_the_story(cli)
    return cli


def is_damage(cli: Cli, line: bytes, *phrases: str) -> None:
    """That line, which has a good hash, is damage after three good ones, and nothing is changed."""
    cli.log.write_bytes(LOG + line)
    cli.log.chmod(0o600)
    with untouched(cli.log.parent):
        ran = cli("verify")
        says(ran, 12, f"line 4, byte {len(LOG)}", *phrases)
        for words in (("state",), ("log",), ("user", "list", "--json"), EVE):
            says(cli(*words), 12, f"line 4, byte {len(LOG)}")


def is_read(cli: Cli, line: bytes) -> dict[str, Any]:
    """That line is good after three good ones; the event as it comes out again."""
    cli.log.write_bytes(LOG + line)
    cli.log.chmod(0o600)
    cli.ok("verify")
    event: dict[str, Any] = json.loads(cli.ok("show", "4", "--json").out)["event"]
    assert orjson.dumps(event) + b"\n" == line
    nothing_lost(cli, LOG + line)
    return event


def made(old: bytes, new: bytes) -> bytes:
    return forged(THREE[2], 4, old, new)


TWICE = {
    "the id": (b'"id":"made-4"', b'"id":"made-4","id":"made-4"'),
    "the type": (b'"type":"user.created"', b'"type":"user.destroyed","type":"user.created"'),
    "the name": (b'"name":"Ada"', b'"name":"Eve","name":"Ada"'),
    "the data": (b'"data":{', b'"data":{},"data":{'),
    "the hash": (b'"specversion"', b'"sha256":"' + b"0" * 64 + b'","specversion"'),
}


@pytest.mark.case(57)
@pytest.mark.parametrize(("old", "new"), TWICE.values(), ids=TWICE)
def test_case_57_a_member_twice_is_damage_however_valid_its_hash(cli: Cli, old: bytes, new: bytes) -> None:
    is_damage(cli, made(old, new))


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e400", "-0", "-0.0", "1.0", "1", "1e3", "true", "null"]


@pytest.mark.case(58)
@pytest.mark.parametrize("number", NUMBERS)
def test_case_58_a_number_where_text_belongs_is_damage(cli: Cli, number: str) -> None:
    is_damage(cli, made(b'"Ada"', number.encode()))
    is_damage(cli, made(b'"made-4"', number.encode()))


@pytest.mark.case(58)
@pytest.mark.parametrize("number", ["NaN", "inf", "-inf", "1e400", "-0.5", "0x10", "١"])
def test_case_58_on_the_command_line_what_is_no_number_is_wrong_usage(story: Cli, number: str) -> None:
    with untouched(story.log.parent):
        for words in (("log", f"-n={number}"), (*EVE, f"--expect={number}")):
            says(story(*words), 2)
        waited = story("user", "show", "99", "--format", "json")
        assert waited.code == 1
        if number in ("NaN", "-inf", "-0.5", "0x10"):
            says(story(*EVE, f"--lock-wait={number}"), 2)


BIG = {
    "2^53": 2**53,
    "2^53 + 1": 2**53 + 1,
    "2^63": 2**63,
    "2^64 - 1": 2**64 - 1,
    "2^64": 2**64,
    "-2^63 - 1": -(2**63) - 1,
    "5,000 digits": int("9" * 4000),
}


@pytest.mark.case(59)
@pytest.mark.parametrize("number", BIG.values(), ids=BIG)
def test_case_59_a_big_number_is_never_rounded_to_another(cli: Cli, number: int) -> None:
    digits = "9" * 5000 if number > 2**70 else str(number)
    is_damage(cli, made(b'"Ada"', digits.encode()))
    is_damage(cli, forged(THREE[2], 4, subject=f"user/{digits.lstrip('-')}"))
    cli.log.write_bytes(LOG)
    with untouched(cli.log.parent):
        for words in (("state", f"--at={digits}"), ("show", f"@-{digits}"), ("log", f"--since={digits}")):
            says(cli(*words), 2)
        says(cli("user", "show", "--", digits), 1)
        assert cli(*EVE, f"--expect={digits}").code in (2, 13)
    # As text, it is kept to its last digit.
    if len(digits) <= 200:
        event = is_read(cli, forged(THREE[2], 4, data={"name": digits, "email": "4@example.com"}))
        assert event["data"]["name"] == digits


@pytest.mark.case(60)
def test_case_60_a_lone_surrogate_is_damage_in_the_log(cli: Cli) -> None:
    is_damage(cli, made(b"Ada", b"\\ud800"))
    is_damage(cli, made(b"Ada", b"\\udc00\\ud800"))
    is_damage(cli, made(b"Ada", b"\xed\xa0\x80"))  # the same, as bytes that UTF-8 does not have
    is_damage(cli, made(b"Ada", b"\xff"))


@pytest.mark.case(60)
def test_case_60_bytes_that_are_not_utf_8_are_wrong_usage_as_an_argument(story: Cli) -> None:
    with untouched(story.log.parent):
        for words in (
            (b"user", b"create", b"\xff", b"--email", b"eve@example.com"),
            (b"user", b"create", b"Eve", b"--email", b"\xff@example.com"),
            (b"user", b"destroy", b"1", b"--reason", b"\xff"),
            (b"user", b"create", b"Eve", b"--email", b"eve@example.com", b"--id", b"\xff"),
            (b"state", b"--at", b"\xff"),
        ):
            says(process(*words, log=story.log), 2)


@pytest.mark.case(61)
@pytest.mark.parametrize("depth", [2, 31, 32, 33, 254, 255, 256, 1024, 1025, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_case_61_however_deep_a_value_is_nested_it_is_damage_and_nothing_falls(
    cli: Cli, depth: int, opening: bytes, closing: bytes
) -> None:
    """No event holds anything deeper than its data, so the limit of 32 is never reached by a good one."""
    if len(opening) * depth > MAX_LINE // 2:
        depth = MAX_LINE // 2 // len(opening)
    inner = b"" if opening == b"[" else b"1"
    is_damage(cli, made(b'"Ada"', opening * depth + inner + closing * depth))


def of_length(length: int) -> bytes:
    """A line of that length, good but for what its reason holds too much."""
    short = forged(THREE[2], 4, type="user.destroyed", subject="user/1", data={"reason": ""})
    return forged(THREE[2], 4, type="user.destroyed", subject="user/1", data={"reason": "x" * (length - len(short))})


@pytest.mark.case(62)
@pytest.mark.parametrize("length", [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE])
def test_case_62_the_limit_of_a_line_is_exact(cli: Cli, length: int) -> None:
    line = of_length(length)
    assert len(line) == length
    is_damage(cli, line, "more than 65,536 bytes" if length > MAX_LINE else "characters")


@pytest.mark.case(62)
def test_case_62_the_longest_line_that_can_be_written_is_below_the_limit(cli: Cli) -> None:
    cli.ok(*EVE)
    cli.ok("user", "destroy", "1", "--reason", "\U0001f980" * 2000)
    assert len(cli.log.read_bytes().splitlines()[1]) < MAX_LINE // 4
    cli.ok("verify")


@pytest.mark.case(62)
@pytest.mark.parametrize("size", [64 << 20, pytest.param(1 << 30, marks=pytest.mark.sweep)], ids=["64 MiB", "1 GiB"])
def test_case_62_a_line_of_any_length_is_damage_and_takes_little_memory(cli: Cli, size: int) -> None:
    cli.log.write_bytes(LOG + b'{"')
    os.truncate(cli.log, size)
    limit = (
        f"import os, resource, sys; resource.setrlimit({resource.RLIMIT_AS}, (100 << 20, 100 << 20)); "
        "os.execv(sys.executable, [sys.executable, '-m', 'evcli', *sys.argv[1:]])"
    )
    for words in (("verify",), ("log",), ("state",), ("repair", "--dry-run")):
        ran = process(*words, log=cli.log, command=(sys.executable, "-c", limit))
        if words == ("repair", "--dry-run"):
            says(ran, 0)
            assert f"{size - len(LOG)} bytes".encode() in ran.out
        else:
            says(ran, 12, f"byte {len(LOG)}")


@pytest.mark.case(63)
@pytest.mark.parametrize("length", [2000, 2001, 131_000])
def test_case_63_a_long_argument_is_stored_or_refused_in_words(story: Cli, length: int) -> None:
    before = story.log.read_bytes()
    ran = process("user", "destroy", "1", "--reason", "x" * length, log=story.log)
    if length <= 2000:
        says(ran, 0)
    else:
        says(ran, 2, f"has {length} characters; at most 2000 are allowed")
        assert len(ran.err) < 500, "what was typed is not repeated for pages"
    for words in (("user", "show", "x" * length), ("state", "--at", "x" * length), ("x" * length,)):
        no_traceback(process(*words, log=story.log))
    nothing_lost(story, before)


@pytest.mark.case(63)
def test_case_63_an_argument_that_the_system_does_not_take_is_the_shells_own_error(story: Cli) -> None:
    before = story.log.read_bytes()
    if sys.platform == "linux":
        with pytest.raises(OSError, match="Argument list too long"):
            process("user", "destroy", "1", "--reason", "x" * 200_000, log=story.log)
    assert story("user", "destroy", "1", "--reason", "x" * 200_000).code == 2
    nothing_lost(story, before)


ODD_NAMES = {
    "nothing": "", "a blank": " ", "NUL": "a\0b", "a newline": "a\nb", "CR": "a\rb", "TAB": "a\tb",
    "U+2028": "a\u2028b", "U+0085": "a\x85b", "VT": "a\x0bb", "U+001C": "a\x1cb", "only newlines": "\n\n",
}  # fmt: skip


@pytest.mark.case(64)
@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_case_64_a_name_that_would_break_a_line_is_refused(story: Cli, name: str) -> None:
    with untouched(story.log.parent):
        says(story("user", "create", name, "--email", "eve@example.com"), 2)
        says(story("user", "rename", "1", name), 2)


@pytest.mark.case(64)
def test_case_64_what_only_surrounds_a_name_is_left_off_and_the_log_has_a_line_more(story: Cli) -> None:
    before = story.log.read_bytes()
    for number, around in enumerate(("\n", "\t", "\r\n", "\u2028", "\x85", " ")):
        story.ok("user", "create", f"{around}Eve{around}", "--email", f"{number}@example.com")
    after = story.log.read_bytes()
    assert after.count(b"\n") == 14
    assert after.count(b'"name":"Eve"') == 6
    nothing_lost(story, before)


def without(name: str) -> dict[str, Any]:
    return {each: value for each, value in members(4).items() if each != name}


NEWER: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (members(4, type="user.promoted"), "is not supported by this version"),
    "a newer version of a type": (members(4, type="user.created.v2"), "is not supported by this version"),
    "an unknown kind": (members(4, type="group.created", subject="group/1"), "is not supported by this version"),
    "a field more": (members(4, extra="x"), 'member "extra" is not supported by this version'),
}


@pytest.mark.case(65)
@pytest.mark.parametrize(("event", "said"), NEWER.values(), ids=NEWER)
def test_case_65_a_newer_event_is_named_and_nothing_is_touched(cli: Cli, event: dict[str, Any], said: str) -> None:
    cli.log.write_bytes(LOG + seal(orjson.dumps(event)[:-1], THREE[2]))
    with untouched(cli.log.parent):
        for words in (("verify",), ("log",), ("state",), EVE, ("repair",), ("user", "destroy", "1")):
            says(cli(*words), 17, said, "line 4")
        assert cli("state", "--at", "3").code == 0


OTHER_SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "a newer version of the form": (members(4, specversion="1.1"), 'specversion is "1.1"'),
    "another source": (members(4, source="other"), 'source is "other"'),
    "another kind of actor": (members(4, authtype="app"), 'authtype "app" is not one of'),
    "a field less": (without("authid"), "member authid is missing"),
    "data with a field more": (members(4, data={"name": "A", "email": "a@b.c", "x": "y"}), 'unknown field "x"'),
    "data with a field less": (members(4, data={"name": "A"}), "email is missing"),
    "data that is a list": (members(4, data=[]), "data"),
    "data that is null": (members(4, data=None), "data"),
    "true for a text": (members(4, authid=True), "authid"),
    "a number for the sequence": (members(4, sequence=4), "sequence"),
    "a text for the data": (members(4, data="x"), "data"),
    "a list for the name": (members(4, data={"name": ["A"], "email": "a@b.c"}), "name"),
    "an object for the id": (members(4, id={"a": "b"}), "id"),
}


@pytest.mark.case(65)
@pytest.mark.parametrize(("event", "said"), OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_case_65_an_event_of_another_shape_is_damage_naming_what_is_odd_and_never_guessed(
    cli: Cli, event: dict[str, Any], said: str
) -> None:
    is_damage(cli, seal(orjson.dumps(event)[:-1], THREE[2]), said)


@pytest.mark.case(66)
def test_case_66_what_the_rules_refuse_is_refused_and_in_a_log_it_is_damage_naming_the_event(story: Cli) -> None:
    with untouched(story.log.parent):
        for words in (
            ("user", "create", "Ada", "--email", "ada@example.com"),
            ("user", "destroy", "3"),
            ("user", "destroy", "99"),
            ("user", "rename", "3", "Al"),
            ("user", "change-email", "3", "al@example.com"),
            ("user", "restore", "1"),
        ):
            says(story(*words), 1)


AGAINST_RULES = {
    "created twice": members(4, subject="user/3", data={"name": "A", "email": "a@b.c"}),
    "an e-mail that is taken": members(4, data={"name": "A", "email": "1@EXAMPLE.com"}),
    "an id left out": members(4, subject="user/5"),
    "a rename of nobody": members(4, type="user.renamed", subject="user/9", data={"name": "A"}),
    "a rename to the same": members(4, type="user.renamed", subject="user/1", data={"name": "Ada"}),
    "a restore of a live user": members(4, type="user.restored", subject="user/1", data={}),
    "a destruction of nobody": members(4, type="user.destroyed", subject="user/9", data={}),
}


@pytest.mark.case(66)
@pytest.mark.parametrize("event", AGAINST_RULES.values(), ids=AGAINST_RULES)
def test_case_66_in_a_log_an_event_against_a_rule_is_damage_naming_it(cli: Cli, event: dict[str, Any]) -> None:
    cli.log.write_bytes(LOG + seal(orjson.dumps(event)[:-1], THREE[2]))
    cli.log.chmod(0o600)
    with untouched(cli.log.parent):
        for words in (("verify",), ("state",), ("user", "list"), EVE):
            says(cli(*words), 12, f"line 4, byte {len(LOG)}", "event 4", event["type"], "breaks a rule")


@pytest.mark.case(67)
def test_case_67_ten_thousand_versions_of_one_user_are_read_in_one_pass_and_bounded_memory(cli: Cli) -> None:
    lines = chain(1)
    for number in range(2, 10_002):
        lines.append(forged(lines[-1], number, type="user.renamed", subject="user/1", data={"name": f"A{number}"}))
    cli.log.write_bytes(b"".join(lines))
    cli.log.chmod(0o600)
    shown = json.loads(cli.ok("user", "show", "1", "--json").out)
    assert (shown["name"], shown["changed"], len(shown["events"])) == ("A10001", 10_001, 10_001)
    assert json.loads(cli.ok("user", "show", "1", "--at", "5000", "--json").out)["name"] == "A5000"
    nothing_lost(cli, b"".join(lines))


@pytest.mark.case(67)
@pytest.mark.sweep
@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_case_67_a_long_log_is_read_in_bounded_memory(cli: Cli, count: int) -> None:
    """What a fold holds is its users: a hundred of them, whatever the events are that made them so."""
    line = b""
    with cli.log.open("wb") as file:
        for number in range(1, count + 1):
            user = (number - 1) % 100 + 1
            if number <= 100:
                line = forged(line, number)
            else:
                name = {"name": f"A{number}"}
                line = forged(line, number, type="user.renamed", subject=f"user/{user}", data=name)
            file.write(line)
    program = (
        "import sys\nfrom evcli.cli.main import main\ncode = main(sys.argv[1:])\n"
        # Not ru_maxrss: that begins with what the process held that started this one.
        "status = open('/proc/self/status').read().split()\n"
        "print(status[status.index('VmHWM:') + 1], file=sys.stderr)\nsys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, "state", "--log", str(cli.log)],
        env={**os.environ, **PACKAGE}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stderr.split()[-1]) < 120_000, "KiB for a register of a hundred users"


@pytest.mark.case(67)
def test_case_67_three_hundred_users_by_the_register_itself_are_a_good_log(cli: Cli) -> None:
    many_events(cli, 300)
    assert json.loads(cli.ok("verify", "--json").out)["events"] == 300
    nothing_lost(cli, Path(cli.log).read_bytes())
