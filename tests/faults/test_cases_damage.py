"""Cases 42 to 56: bytes that are not what was written, from a sector of zeros to another history."""

import fcntl
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from cli.support import untouched
from conftest import Cli

from evcli.log.line import MAX_BATCH, hash_of
from faults.casebook import EVE, chain, forged, nothing_lost, put, says, torn_copies

TEN = chain(10)
LOG = b"".join(TEN)
SECTOR = 512


def at(line: int) -> int:
    """The byte at which a line of the ten begins, or the end for line 11."""
    return sum(map(len, TEN[: line - 1]))


@pytest.fixture
def ten(cli: Cli) -> Cli:
    """evcli over a log of ten events."""
    put(cli, LOG)
    return cli


def branch(number: int, **changes: Any) -> list[bytes]:
    """The ten lines, but written otherwise from that one on, each with a good hash."""
    lines = TEN[: number - 1]
    for each in range(number, 11):
        lines = [*lines, forged(lines[-1], each, **changes)]
    return lines


def torn_ends() -> Iterator[tuple[str, bytes]]:
    """What a crash may leave after the ten lines, by name."""
    for length in (1, 2, 511, 512, 513, 4095, 4096):
        yield f"{length} zeros", bytes(length)
    whole = LOG + forged(TEN[9], 11, type="user.destroyed", subject="user/1", data={"reason": "x" * 2000})
    for sector in range(len(LOG) // SECTOR + 1, len(whole) // SECTOR):
        image = whole[: sector * SECTOR] + bytes(SECTOR) + whole[(sector + 1) * SECTOR :]
        yield f"a line with zeros for sector {sector}", image[len(LOG) :]


@pytest.mark.case(45)
@pytest.mark.parametrize("tail", [pytest.param(tail, id=name) for name, tail in torn_ends()])
def test_a_tail_that_a_crash_leaves_is_torn_and_put_aside_whole(cli: Cli, tail: bytes) -> None:
    put(cli, LOG + tail)
    found = json.loads(cli.ok("verify", "--json").out)
    assert (found["status"], found["events"], found["torn_bytes"]) == ("torn", 10, len(tail))
    says(cli(*EVE), 0, f"{len(tail)} bytes")
    assert torn_copies(cli.log) == [tail]
    nothing_lost(cli, LOG)


def fifth(line: bytes) -> bytes:
    """The ten lines with that one for the fifth, and the others after it in a good chain."""
    return b"".join([*TEN[:4], line, *TEN[5:]])


OTHER = chain(11, authid="bob")
FORK = branch(7, authid="bob")
FIFTH = TEN[4]
CANONICAL = "not in canonical form"

DAMAGE = {
    # the case, and what was done to the bytes: what is in the file, the first bad line, and what is said of it
    (46, "zeros for two lines"): (LOG[: at(5)] + bytes(600) + b"\n" + LOG[at(7) :], 5, "zero bytes"),
    (46, "more zeros than a batch has bytes"): (LOG + bytes(MAX_BATCH + 1), 11, ""),
    (47, "what no crash leaves"): (LOG + b"\xff\x00garbage", 11, ""),
    (47, "what no crash leaves, and a newline"): (LOG + b"\xff\x00garbage\n", 11, ""),
    (48, "two broken lines"): (LOG + b"garbage\nmore\n", 11, ""),
    (48, "two broken lines without a newline"): (LOG + b"garbage\nmore", 11, ""),
    (48, "a changed line and half a line"): (LOG[: at(9)] + TEN[8].replace(b"Ada", b"Eve") + TEN[9][:50], 9, ""),
    (49, "a line dropped"): (LOG[: at(5)] + LOG[at(6) :], 5, ""),
    (49, "the first line dropped"): (LOG[at(2) :], 1, ""),
    (49, "a line doubled"): (LOG[: at(6)] + LOG[at(5) :], 6, ""),
    (49, "the last line doubled"): (LOG + TEN[9], 11, ""),
    (49, "two lines swapped"): (LOG[: at(5)] + TEN[5] + TEN[4] + LOG[at(7) :], 5, ""),
    (49, "a line from another log"): (fifth(OTHER[4]), 5, ""),
    (49, "a line added from another log"): (LOG + OTHER[10], 11, ""),
    (52, "another history after the end"): (LOG + b"".join(FORK[6:]), 11, ""),
    (52, "another history's end"): (LOG[: at(9)] + b"".join(FORK[8:]), 9, "is not what was written"),
    (53, "all line ends are CRLF"): (LOG.replace(b"\n", b"\r\n"), 1, "line endings were changed"),
    (53, "one line's end is CRLF"): (fifth(FIFTH[:-1] + b"\r\n"), 5, "line endings were changed"),
    (53, "a blank line"): (LOG[: at(5)] + b"\n" + LOG[at(5) :], 5, "a blank line"),
    (53, "a byte order mark"): (b"\xef\xbb\xbf" + LOG, 1, "byte order mark"),
    (53, "spaces after colons"): (fifth(FIFTH.replace(b'":"', b'": "')), 5, CANONICAL),
    (53, "a space at the end"): (fifth(FIFTH[:-1] + b" \n"), 5, CANONICAL),
    (53, "an escape for a letter"): (LOG[: at(5)] + forged(TEN[3], 5, b"Ada", b"\\u0041da"), 5, CANONICAL),
    (53, "members in another order"): (
        LOG[: at(5)] + forged(TEN[3], 5, b'"specversion":"1.0","id":"made-5"', b'"id":"made-5","specversion":"1.0"'),
        5, "members in another order",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [pytest.param(*row, marks=pytest.mark.case(case), id=name) for (case, name), row in DAMAGE.items()],
)
def test_bytes_that_no_crash_leaves_are_damage_in_their_line(cli: Cli, content: bytes, line: int, said: str) -> None:
    put(cli, content)
    with untouched(cli.log.parent):
        ran = cli("verify", "--json")
        found = json.loads(ran.out)
        assert (ran.code, found["status"]) == (12, "damaged")
        first = found["faults"][0]
        assert (first["line"], first["byte"]) == (line, at(line)), found["faults"]
        assert said in first["message"]
        for words in (("state",), EVE):
            says(cli(*words), 12, f"line {line}, byte {at(line)}")


NO_LOGS = {46: bytes(2 * MAX_BATCH), 53: ("\ufeff" + LOG.decode()).encode("utf-16-le")}


@pytest.mark.parametrize(
    "content", [pytest.param(content, marks=pytest.mark.case(case)) for case, content in NO_LOGS.items()]
)
def test_zeros_and_utf_16_are_no_log_and_stay(cli: Cli, content: bytes) -> None:
    put(cli, content)
    with untouched(cli.log.parent):
        for words in (("verify",), ("state",), EVE, ("repair",)):
            says(cli(*words), 12, "this is not an evcli log")


@pytest.mark.case(53)
def test_a_missing_last_newline_is_told_and_loses_nothing(cli: Cli) -> None:
    put(cli, LOG[:-1])
    says(cli("verify"), 0, "the newline of the last event is missing")
    cli.ok(*EVE)
    nothing_lost(cli, LOG)


UNKNOWABLE = "truncation or a full rewrite is only detectable against a saved head"


@pytest.mark.case(42, 50)
@pytest.mark.parametrize("left", [5, 9])
def test_a_log_that_lost_its_end_is_found_out_by_a_later_head(ten: Cli, left: int) -> None:
    head = ten.ok("head").out.strip()
    put(ten, LOG[: at(left + 1)])
    says(ten("verify"), 0, UNKNOWABLE)
    says(ten("verify", "--expect", head), 12, "event 10", f"the log ends with event {left}")
    for expected in (head, "10"):
        says(ten(*EVE, "--expect", expected), 13, f"the head is {left}:")
    nothing_lost(ten, LOG[: at(left + 1)])


@pytest.mark.case(51)
def test_a_log_that_was_written_anew_is_found_out_by_a_head(ten: Cli) -> None:
    head = ten.ok("head").out.strip()
    put(ten, b"".join(branch(5, authid="bob")))
    says(ten("verify"), 0, UNKNOWABLE)
    says(ten("verify", "--expect", head), 12, "history was changed", "event 10")
    ten.ok("verify", "--expect", f"4:{hash_of(TEN[3]).decode()}")


@pytest.mark.case(54)
def test_verify_of_a_log_that_grows_is_no_false_alarm(ten: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log grows, in pieces, between any two reads of the one that verifies."""
    whole = b"".join(chain(400))
    pieces = iter(whole[begin : begin + 200] for begin in range(len(LOG), len(whole), 200))
    pread, events = os.pread, [0]
    with ten.log.open("ab", buffering=0) as file:

        def growing(descriptor: int, length: int, offset: int) -> bytes:
            file.write(next(pieces, b""))
            return pread(descriptor, min(length, 5000), offset)

        fcntl.flock(file, fcntl.LOCK_EX)  # as a writer has it
        monkeypatch.setattr(os, "pread", growing)
        while events[-1] < 400:
            found = json.loads(ten.ok("verify", "--json").out)
            assert (found["status"], found["torn_bytes"]) == ("good", 0), found
            events.append(found["events"])
    assert events == sorted(events)
    assert len(set(events)) > 4, "it did not grow while it was read"


@pytest.mark.case(56)
def test_files_beside_the_log_change_no_answer(ten: Cli) -> None:
    clean = {words: ten.ok(*words).out for words in (("state",), ("log",), ("head",), ("user", "list", "--json"))}
    for suffix in (".db", ".db-wal", ".db-shm", ".cache", ".sqlite", ".torn-5", ".damaged-5", "~"):
        ten.log.with_name(ten.log.name + suffix).write_bytes(b"\xff garbage")
    for words, out in clean.items():
        assert ten.ok(*words).out == out
    nothing_lost(ten, LOG)
