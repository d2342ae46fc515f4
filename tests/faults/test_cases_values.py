"""Cases 57 to 67: values that JSON, Python or somebody's fingers can make, in the log and on the command line."""

import json
import os
import resource
import subprocess
import sys
from typing import Any

import orjson
import pytest
from cli.support import untouched
from conftest import Cli

from evcli.log.line import MAX_LINE
from faults.casebook import EVE, PACKAGE, chain, forged, limited, no_traceback, nothing_lost, process, put, says

THREE = chain(3)
LOG = b"".join(THREE)


def made(old: bytes, new: bytes) -> bytes:
    """A line after the three, with a good hash, in which some bytes are others."""
    return forged(THREE[2], 4, old, new)


def event(**changes: Any) -> bytes:
    """A line after the three, with a good hash, in which some members are others."""
    return forged(THREE[2], 4, **changes)


def of_length(length: int) -> bytes:
    """A line of that length, good but for what its reason holds too much."""
    short = len(event(type="user.destroyed", subject="user/1", data={"reason": ""}))
    line = event(type="user.destroyed", subject="user/1", data={"reason": "x" * (length - short)})
    assert len(line) == length
    return line


def row(case: int, name: str, line: bytes, *said: str) -> Any:
    """A row of the table: which case | what the line has | its bytes | what is said of it."""
    return pytest.param(line, said, marks=pytest.mark.case(case), id=name)


def against_a_rule(name: str, **changes: Any) -> Any:
    """A row of the table: an event that is well formed, and that the rules refuse."""
    return row(66, name, event(**changes), f"event 4 ({changes.get('type', 'user.created')}) breaks a rule")


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e400", "-0", "-0.0", "1.0", "1", "1e3", "true", "null"]
BIG = [*(str(number) for number in (2**53, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1)), "9" * 5000]
NO_TEXT = {"lone": b"\\ud800", "two": b"\\udc00\\ud800", "as bytes": b"\xed\xa0\x80", "no UTF-8": b"\xff"}
NESTED = {"list": (b"[", b"", b"]"), "object": (b'{"a":', b"1", b"}")}
DEPTHS = [2, 31, 32, 33, 254, 255, 256, 1024, 1025, 100_000]


def deep(kind: str, depth: int) -> bytes:
    """A value nested so deep, or as deep as half a line allows."""
    opening, inner, closing = NESTED[kind]
    depth = min(depth, MAX_LINE // 2 // len(opening))
    return opening * depth + inner + closing * depth


DAMAGE = [
    row(57, "the id twice", made(b'"id":"made-4"', b'"id":"made-4","id":"made-4"')),
    row(57, "the type twice", made(b'"type":"user.created"', b'"type":"user.destroyed","type":"user.created"')),
    row(57, "the name twice", made(b'"name":"Ada"', b'"name":"Eve","name":"Ada"')),
    row(57, "the data twice", made(b'"data":{', b'"data":{},"data":{')),
    row(57, "the hash twice", made(b'"specversion"', b'"sha256":"' + b"0" * 64 + b'","specversion"')),
    *(row(58, f"{number} for the name", made(b'"Ada"', number.encode())) for number in NUMBERS),
    *(row(58, f"{number} for the id", made(b'"made-4"', number.encode())) for number in NUMBERS),
    *(row(59, f"{digits[:20]} for the name", made(b'"Ada"', digits.encode())) for digits in BIG),
    *(row(59, f"{digits[:20]} for a user", event(subject=f"user/{digits.lstrip('-')}")) for digits in BIG),
    *(row(60, f"surrogates: {name}", made(b"Ada", text)) for name, text in NO_TEXT.items()),
    # No event holds anything deeper than its data, so the limit of 32 is never reached by a good one.
    *(row(61, f"{kind} {depth} deep", made(b'"Ada"', deep(kind, depth))) for kind in NESTED for depth in DEPTHS),
    row(62, "a byte less than the limit", of_length(MAX_LINE - 1), "characters"),
    row(62, "as long as the limit", of_length(MAX_LINE), "characters"),
    row(62, "a byte more than the limit", of_length(MAX_LINE + 1), "more than 65,536 bytes"),
    row(62, "three times the limit", of_length(3 * MAX_LINE), "more than 65,536 bytes"),
    row(65, "a newer version of the form", event(specversion="1.1"), 'specversion is "1.1"'),
    row(65, "another source", event(source="other"), 'source is "other"'),
    row(65, "another kind of actor", event(authtype="app"), 'authtype "app" is not one of'),
    row(65, "a field less", made(b'"authid":"ann",', b""), "member authid is missing"),
    row(65, "data with a field more", event(data={"name": "A", "email": "a@b.c", "x": "y"}), 'unknown field "x"'),
    row(65, "data with a field less", event(data={"name": "A"}), "email is missing"),
    row(65, "data that is a list", event(data=[]), "data"),
    row(65, "data that is null", event(data=None), "data"),
    row(65, "true for a text", event(authid=True), "authid"),
    row(65, "a number for the sequence", event(sequence=4), "sequence"),
    row(65, "a text for the data", event(data="x"), "data"),
    row(65, "a list for the name", event(data={"name": ["A"], "email": "a@b.c"}), "name"),
    row(65, "an object for the id", event(id={"a": "b"}), "id"),
    against_a_rule("created twice", subject="user/3", data={"name": "A", "email": "a@b.c"}),
    against_a_rule("an e-mail that is taken", data={"name": "A", "email": "1@EXAMPLE.com"}),
    against_a_rule("an id left out", subject="user/5"),
    against_a_rule("a rename of nobody", type="user.renamed", subject="user/9", data={"name": "A"}),
    against_a_rule("a rename to the same", type="user.renamed", subject="user/1", data={"name": "Ada"}),
    against_a_rule("a restore of a live user", type="user.restored", subject="user/1", data={}),
    against_a_rule("a destruction of nobody", type="user.destroyed", subject="user/9", data={}),
    row(79, "a moment that goes back", event(time="2026-02-28T23:59:59.999999Z"), "goes back"),
]


@pytest.mark.parametrize(("line", "said"), DAMAGE)
def test_a_line_that_no_writer_writes_is_damage(cli: Cli, line: bytes, said: tuple[str, ...]) -> None:
    place = f"line 4, byte {len(LOG)}"
    put(cli, LOG + line)
    with untouched(cli.log.parent):
        for words in (("verify",), ("state",), ("user", "list"), EVE):
            says(cli(*words), 12, place, *said)
        says(cli("user", "list", "--json"), 12, place)
        if "breaks a rule" not in "".join(said):  # only who folds the events asks the rules
            says(cli("log"), 12, place, *said)


@pytest.mark.case(58)
@pytest.mark.parametrize("number", ["NaN", "inf", "-inf", "1e400", "-0.5", "0x10", "١"])
def test_a_word_that_is_no_number_is_wrong_usage(story: Cli, number: str) -> None:
    with untouched(story.log.parent):
        for words in (("log", f"-n={number}"), (*EVE, f"--expect={number}")):
            says(story(*words), 2)
        if number in ("NaN", "-inf", "-0.5", "0x10"):
            says(story(*EVE, f"--lock-wait={number}"), 2)


@pytest.mark.case(59)
@pytest.mark.parametrize("digits", BIG, ids=lambda digits: digits[:20])
def test_a_big_number_is_never_rounded_to_another(cli: Cli, digits: str) -> None:
    put(cli, LOG)
    with untouched(cli.log.parent):
        for words in (("state", f"--at={digits}"), ("show", f"@-{digits}"), ("log", f"--since={digits}")):
            says(cli(*words), 2)
        says(cli("user", "show", "--", digits), 1)
        assert cli(*EVE, f"--expect={digits}").code in (2, 13)
    if len(digits) <= 200:  # as text, it is kept to its last digit
        line = event(data={"name": digits, "email": "4@example.com"})
        put(cli, LOG + line)
        cli.ok("verify")
        assert orjson.dumps(json.loads(cli.ok("show", "4", "--json").out)["event"]) + b"\n" == line
        nothing_lost(cli, LOG + line)


@pytest.mark.case(60)
def test_bytes_that_are_not_utf_8_are_wrong_usage(story: Cli) -> None:
    with untouched(story.log.parent):
        for words in (
            (b"user", b"create", b"\xff", b"--email", b"eve@example.com"),
            (b"user", b"create", b"Eve", b"--email", b"\xff@example.com"),
            (b"user", b"destroy", b"1", b"--reason", b"\xff"),
            (b"user", b"create", b"Eve", b"--email", b"eve@example.com", b"--id", b"\xff"),
            (b"state", b"--at", b"\xff"),
        ):
            says(process(*words, log=story.log), 2)


@pytest.mark.case(63)
@pytest.mark.parametrize("length", [2000, 2001, 131_000])
def test_a_long_argument_is_stored_or_refused_in_words(story: Cli, length: int) -> None:
    ran = process("user", "destroy", "1", "--reason", "x" * length, log=story.log)
    if length <= 2000:
        says(ran, 0)
    else:
        says(ran, 2, f"has {length} characters; at most 2000 are allowed")
        assert len(ran.err) < 500, "what was typed is not repeated for pages"
    for words in (("user", "show", "x" * length), ("state", "--at", "x" * length), ("x" * length,)):
        no_traceback(process(*words, log=story.log))


@pytest.mark.case(63)
def test_an_argument_longer_than_the_system_takes_is_refused(story: Cli) -> None:
    words = ("user", "destroy", "1", "--reason", "x" * 200_000)
    if sys.platform == "linux":
        with pytest.raises(OSError, match="Argument list too long"):
            process(*words, log=story.log)
    says(story(*words), 2)


@pytest.mark.case(62)
def test_the_longest_line_that_can_be_written_is_below_the_limit(story: Cli) -> None:
    story.ok("user", "destroy", "1", "--reason", "\U0001f980" * 2000)
    assert len(story.log.read_bytes().splitlines()[-1]) < MAX_LINE // 4


@pytest.mark.case(62)
@pytest.mark.parametrize("size", [64 << 20, pytest.param(1 << 30, marks=pytest.mark.sweep)], ids=["64 MiB", "1 GiB"])
def test_a_line_of_any_length_is_damage_and_takes_little_memory(cli: Cli, size: int) -> None:
    cli.log.write_bytes(LOG + b'{"')
    os.truncate(cli.log, size)
    for words in (("verify",), ("log",), ("state",), ("repair", "--dry-run")):
        ran = process(*words, log=cli.log, command=limited(resource.RLIMIT_AS, 100 << 20))
        if words == ("repair", "--dry-run"):
            says(ran, 0)
            assert f"{size - len(LOG)} bytes".encode() in ran.out
        else:
            says(ran, 12, f"byte {len(LOG)}")


@pytest.mark.case(67)
def test_ten_thousand_versions_of_one_user_are_read_in_one_pass(cli: Cli) -> None:
    lines = chain(1)
    for number in range(2, 10_002):
        lines.append(forged(lines[-1], number, type="user.renamed", subject="user/1", data={"name": f"A{number}"}))
    put(cli, b"".join(lines))
    shown = json.loads(cli.ok("user", "show", "1", "--json").out)
    assert (shown["name"], shown["changed"], len(shown["events"])) == ("A10001", 10_001, 10_001)
    assert json.loads(cli.ok("user", "show", "1", "--at", "5000", "--json").out)["name"] == "A5000"
    nothing_lost(cli, b"".join(lines))


@pytest.mark.case(67)
@pytest.mark.sweep
@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_a_long_log_is_read_in_bounded_memory(cli: Cli, count: int) -> None:
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
