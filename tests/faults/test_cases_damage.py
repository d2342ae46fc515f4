"""Cases 43 to 56: bytes that are not what was written, from a flipped bit to another history."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.support import contents, untouched
from conftest import Cli

from evcli.errors import Damaged
from evcli.log.line import MAX_BATCH, hash_of
from evcli.log.reader import LogReader
from evcli.register.verify import audit
from faults.casebook import EVE, chain, forged, nothing_lost, says, torn_copies

TEN = chain(10)
LOG = b"".join(TEN)
SECTOR = 512


def at(line: int) -> int:
    """The byte at which a line of the ten begins."""
    return sum(map(len, TEN[: line - 1]))


@pytest.fixture
def ten(cli: Cli) -> Cli:
    """evcli over a log of ten events."""
    put(cli, LOG)
    return cli


def put(cli: Cli, content: bytes) -> None:
    cli.log.write_bytes(content)
    cli.log.chmod(0o600)
    for copy in cli.log.parent.glob("*.torn*"):
        copy.unlink()


def is_damage(cli: Cli, content: bytes, line: int, *phrases: str) -> None:
    """That content is damage with its first fault in that line, for readers and writers, and nothing is changed."""
    put(cli, content)
    byte = at(line) if line <= 10 else len(LOG)
    with untouched(cli.log.parent):
        ran = cli("verify", "--json")
        found = json.loads(ran.out)
        assert (ran.code, found["status"]) == (12, "damaged")
        assert (found["faults"][0]["line"], found["faults"][0]["byte"]) == (line, byte), found["faults"]
        for phrase in phrases:
            assert phrase in found["faults"][0]["message"], found["faults"][0]
        for words in (("state",), EVE):
            says(cli(*words), 12, f"line {line}, byte {byte}")


def is_torn(cli: Cli, content: bytes, events: int) -> None:
    """That content is so many events and a torn tail, which the next write puts aside whole."""
    put(cli, content)
    good = LOG[: at(events + 1)]
    found = json.loads(cli.ok("verify", "--json").out)
    assert (found["status"], found["events"], found["torn_bytes"]) == ("torn", events, len(content) - len(good))
    ran = cli.ok("user", "create", "Eve", "--email", f"eve{cli.ids}@example.com")
    assert f"{len(content) - len(good)} bytes" in ran.err
    assert torn_copies(cli.log) == [content[len(good) :]]
    nothing_lost(cli, good)


@pytest.mark.case(43)
def test_case_43_a_flipped_bit_is_found_with_line_and_byte(log_path: Path) -> None:
    """Some of them; every bit of every byte has a file of its own."""
    for byte in [*range(len(LOG) - 80, len(LOG)), *range(at(2), len(LOG), 61)]:
        spoiled = bytearray(LOG)
        spoiled[byte] ^= 1 << byte % 8
        log_path.write_bytes(spoiled)
        line = LOG[:byte].count(b"\n") + 1
        with LogReader(str(log_path)) as reader:
            report = audit(reader)
        if byte == len(LOG) - 1:
            assert (report.status, report.head.number, report.torn) == ("torn", 10, 1)
        else:
            assert report.status == "damaged", f"byte {byte} is not missed"
            assert isinstance(report.error, Damaged)
            assert (report.error.line, report.error.byte) == (line, at(line)), f"byte {byte}"


@pytest.mark.case(44)
def test_case_44_every_beginning_of_the_file_is_good_or_torn_with_every_whole_line(log_path: Path) -> None:
    for length in range(0, len(LOG), 23):
        log_path.write_bytes(LOG[:length])
        whole = sum(1 for number in range(2, 12) if at(number) - 1 <= length)
        with LogReader(str(log_path)) as reader:
            report = audit(reader)
        assert report.head.number == whole
        assert (report.status, report.torn) == (
            ("torn", length - at(whole + 1)) if length > at(whole + 1) else ("good", 0)
        )


@pytest.mark.case(45)
@pytest.mark.parametrize("length", [1, 2, 511, 512, 513, 4095, 4096])
def test_case_45_a_tail_of_zeros_is_torn(cli: Cli, length: int) -> None:
    is_torn(cli, LOG + bytes(length), 10)


@pytest.mark.case(45)
def test_case_45_a_last_line_with_a_sector_of_zeros_and_its_newline_is_torn(cli: Cli) -> None:
    whole = LOG + forged(TEN[9], 11, type="user.destroyed", subject="user/1", data={"reason": "x" * 2000})
    first = len(LOG) // SECTOR + 1
    assert len(whole) // SECTOR > first + 2, "no sector lies wholly in the last line"
    for sector in range(first, len(whole) // SECTOR):
        image = whole[: sector * SECTOR] + bytes(SECTOR) + whole[(sector + 1) * SECTOR :]
        assert image.endswith(b"\n")
        is_torn(cli, image, 10)


@pytest.mark.case(46)
def test_case_46_zeros_anywhere_else_are_damage(cli: Cli) -> None:
    is_damage(cli, LOG[: at(5)] + bytes(600) + b"\n" + LOG[at(7) :], 5, "zero bytes")
    is_damage(cli, LOG + bytes(MAX_BATCH + 1), 11)


@pytest.mark.case(46)
def test_case_46_a_file_of_zeros_is_no_log_and_stays(cli: Cli) -> None:
    put(cli, bytes(2 * MAX_BATCH))
    with untouched(cli.log.parent):
        for words in (("verify",), ("state",), EVE, ("repair",)):
            assert cli(*words).code == 12


@pytest.mark.case(47)
def test_case_47_what_no_crash_leaves_is_damage_with_a_newline_or_without(cli: Cli) -> None:
    is_damage(cli, LOG + b"\xff\x00garbage", 11)
    is_damage(cli, LOG + b"\xff\x00garbage\n", 11)


@pytest.mark.case(48)
def test_case_48_two_broken_lines_at_the_end_are_damage(cli: Cli) -> None:
    is_damage(cli, LOG + b"garbage\nmore\n", 11)
    is_damage(cli, LOG + b"garbage\nmore", 11)
    is_damage(cli, LOG[: at(9)] + TEN[8].replace(b"Ada", b"Eve") + TEN[9][:50], 9)


OTHER = chain(10, authid="bob")

MOVED: dict[str, tuple[bytes, int]] = {
    # what was done: the bytes, the first bad line
    "a line dropped": (LOG[: at(5)] + LOG[at(6) :], 5),
    "the first line dropped": (LOG[at(2) :], 1),
    "a line doubled": (LOG[: at(6)] + LOG[at(5) :], 6),
    "the last line doubled": (LOG + TEN[9], 11),
    "two lines swapped": (LOG[: at(5)] + TEN[5] + TEN[4] + LOG[at(7) :], 5),
    "a line from another log": (LOG[: at(5)] + OTHER[4] + LOG[at(6) :], 5),
    "a line added from another log": (LOG + chain(11, authid="bob")[10], 11),
}


@pytest.mark.case(49)
@pytest.mark.parametrize(("content", "line"), MOVED.values(), ids=MOVED)
def test_case_49_lines_dropped_doubled_swapped_or_moved_are_damage(cli: Cli, content: bytes, line: int) -> None:
    is_damage(cli, content, line)


@pytest.mark.case(42, 50)
@pytest.mark.parametrize("left", [5, 9])
def test_a_log_that_lost_its_end_is_found_out_by_a_later_head(ten: Cli, left: int) -> None:
    head = ten.ok("head").out.strip()
    put(ten, LOG[: at(left + 1)])
    says(ten("verify"), 0, "truncation or a full rewrite is only detectable against a saved head")
    says(ten("verify", "--expect", head), 12, "event 10", f"the log ends with event {left}")
    for expected in (head, "10"):
        says(ten(*EVE, "--expect", expected), 13, f"the head is {left}:")
    nothing_lost(ten, LOG[: at(left + 1)])


@pytest.mark.case(51)
def test_case_51_a_log_that_was_written_anew_shows_only_against_a_head(ten: Cli) -> None:
    head = ten.ok("head").out.strip()
    lines = [*TEN[:4]]
    for number in range(5, 11):
        lines.append(forged(lines[-1], number, data={"name": "Eve", "email": f"{number}@example.com"}))
    put(ten, b"".join(lines))
    ran = ten.ok("verify")
    assert "truncation or a full rewrite is only detectable against a saved head" in ran.err
    says(ten("verify", "--expect", head), 12, "history was changed", "event 10")
    ten.ok("verify", "--expect", f"4:{hash_of(TEN[3]).decode()}")


@pytest.mark.case(52)
def test_case_52_two_histories_of_one_log_put_together_are_damage_at_the_fork(cli: Cli) -> None:
    branch = list(TEN[:6])
    for number in range(7, 11):
        branch.append(forged(branch[-1], number, authid="bob"))
    is_damage(cli, LOG + b"".join(branch[6:]), 11)
    is_damage(cli, LOG[: at(9)] + b"".join(branch[8:]), 9, "is not what was written")


def changed(change: Callable[[bytes], bytes]) -> bytes:
    """The ten lines, of which the fifth was changed, with a good hash and a good chain after it."""
    lines = list(TEN[:4])
    for number in range(5, 11):
        line = forged(lines[-1], number)
        lines.append(change(line) if number == 5 else line)
    return b"".join(lines)


ANOTHER_ORDER = forged(TEN[3], 5, b'"specversion":"1.0","id":"made-5"', b'"id":"made-5","specversion":"1.0"')

FORMS: dict[str, tuple[bytes, int, str]] = {
    "all line ends are CRLF": (LOG.replace(b"\n", b"\r\n"), 1, "line endings were changed"),
    "one line's end is CRLF": (changed(lambda line: line[:-1] + b"\r\n"), 5, "line endings were changed"),
    "a blank line": (LOG[: at(5)] + b"\n" + LOG[at(5) :], 5, "a blank line"),
    "a byte order mark": (b"\xef\xbb\xbf" + LOG, 1, "byte order mark"),
    "spaces after colons": (changed(lambda line: line.replace(b'":"', b'": "')), 5, "not in canonical form"),
    "a space at the end": (changed(lambda line: line[:-1] + b" \n"), 5, "not in canonical form"),
    "an escape for a letter": (
        b"".join(TEN[:4]) + forged(TEN[3], 5, b"Ada", b"\\u0041da"),
        5,
        "not in canonical form",
    ),
    "members in another order": (b"".join(TEN[:4]) + ANOTHER_ORDER, 5, "members in another order"),
}  # fmt: skip


@pytest.mark.case(53)
@pytest.mark.parametrize(("content", "line", "said"), FORMS.values(), ids=FORMS)
def test_case_53_another_form_of_the_same_is_damage_and_said_to_be_that(
    cli: Cli, content: bytes, line: int, said: str
) -> None:
    is_damage(cli, content, line, said)


@pytest.mark.case(53)
def test_case_53_utf_16_is_no_log_and_a_missing_last_newline_loses_nothing(cli: Cli) -> None:
    put(cli, "\ufeff".encode("utf-16-le") + LOG.decode().encode("utf-16-le"))
    with untouched(cli.log.parent):
        says(cli("verify"), 12, "this is not an evcli log")
        says(cli(*EVE), 12, "this is not an evcli log")
    put(cli, LOG[:-1])
    assert "the newline of the last event is missing" in cli.ok("verify").err
    cli.ok(*EVE)
    nothing_lost(cli, LOG)


@pytest.mark.case(54)
def test_case_54_verify_of_a_log_that_grows_is_never_a_false_alarm(ten: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log grows, in pieces, between any two reads of the one that verifies."""
    import os

    lines = chain(400)
    pieces = iter(b"".join(lines)[at : at + 700] for at in range(len(LOG), len(b"".join(lines)), 700))
    pread = os.pread
    descriptor = os.open(ten.log, os.O_WRONLY | os.O_APPEND)
    import fcntl

    def growing(file: int, length: int, offset: int) -> bytes:
        os.write(descriptor, next(pieces, b""))
        return pread(file, min(length, 5000), offset)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as a writer has it
        monkeypatch.setattr(os, "pread", growing)
        seen = []
        while True:
            ran = ten("verify", "--json")
            assert ran.code == 0, ran.out + ran.err
            found = json.loads(ran.out)
            assert (found["status"], found["torn_bytes"]) == ("good", 0), found
            seen.append(found["events"])
            if found["events"] == 400:
                break
    finally:
        os.close(descriptor)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3, "it did not grow while it was read"


@pytest.mark.case(55)
def test_case_55_a_name_that_is_taken_is_never_overwritten(ten: Cli) -> None:
    put(ten, LOG + TEN[0][:40])
    taken = ten.log.with_name(f"{ten.log.name}.torn-{len(LOG)}")
    taken.write_text("mine")
    folder = ten.log.with_name(f"{ten.log.name}.torn-{len(LOG)}-2")
    folder.mkdir()
    before = contents(ten.log.parent)
    ran = ten.ok(*EVE)
    after = contents(ten.log.parent)
    (name,) = set(after) - set(before)
    assert name in ran.err
    assert after[name] == TEN[0][:40]
    assert taken.read_text() == "mine"
    nothing_lost(ten, LOG)


@pytest.mark.case(56)
def test_case_56_without_a_cache_every_answer_comes_from_the_log_alone(ten: Cli) -> None:
    """There is no cache yet; what lies beside the log must not change an answer."""
    clean = {words: ten.ok(*words).out for words in (("state",), ("log",), ("head",), ("user", "list", "--json"))}
    for suffix in (".db", ".db-wal", ".db-shm", ".cache", ".sqlite", ".torn-5", ".damaged-5", "~"):
        ten.log.with_name(ten.log.name + suffix).write_bytes(b"\xff garbage")
    for words, out in clean.items():
        assert ten.ok(*words).out == out
    nothing_lost(ten, LOG)
