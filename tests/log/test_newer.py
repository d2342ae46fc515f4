"""A proved line that this version does not know is newer, not damaged: it stops what needs it, and is left alone."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.events import LATER, creation, forged, lines_of, place_at_end
from support.logs import reading
from support.registers import create, register_at

from evcli.errors import Damaged, NewerLog
from evcli.log import START
from evcli.log.file.engine import FileLog
from evcli.log.line import BadLine, NewerLine, decode, hash_of, is_proved
from evcli.log.lines import decode_many
from evcli.register.past import Past
from evcli.register.repair import repair
from evcli.register.verify import audit

TWO = lines_of([creation(1), creation(2)])
AFTER_TWO = place_at_end(TWO)


def line_of(**changes: Any) -> bytes:
    """A proved event 3 with these members changed or added; what is added comes before `data`."""
    members = creation(3, **changes)
    return forged({**members, "data": members.pop("data")}, previous=hash_of(TWO[1]))[0]


def unknown(data: bytes) -> bytes:
    """A proved event 3 of an unknown type, with this as its data, byte for byte."""
    body = orjson.dumps(creation(3, type="bike.created", data={}))[:-1]
    return forged(body.removesuffix(b"{}") + data, previous=hash_of(TWO[1]))[0]


def nested(depth: int) -> bytes:
    """Data that make a line nested so deep, of objects and lists in turn."""
    inner = b"{}"
    for at in range(depth - 2):
        inner = b"[%b]" % inner if at % 2 else b'{"a":%b}' % inner
    return inner if inner.startswith(b"{") else b'{"a":%b}' % inner[1:-1]


NEWER = {
    "another type": line_of(type="user.created.v2"),
    "another kind": line_of(type="bike.created", subject="bike/1"),
    "a type of the log itself": line_of(type="log.archived", subject="log"),
    "an empty type": line_of(type=""),
    "another member": line_of(phone="1"),
    "a member that holds anything": line_of(partition={"key": [1, None, True]}),
    "another type and member": line_of(type="user.created.v2", phone="1"),
    "another type, and who did it in another way": line_of(type="user.created.v2", authtype="robot"),
    "another type, and data that are a list": line_of(type="user.created.v2", data=[]),
    "the greatest number": unknown(b'{"a":9007199254740991}'),
    "the least number": unknown(b'{"a":-9007199254740991}'),
    "nested 32 deep": unknown(nested(32)),
}
NUMBERS = [
    b"1.5", b"1.0", b"1e5", b"-0", b"-0.0", b"01", b"9007199254740992", b"-9007199254740992", b"9223372036854775808",
    b"18446744073709551616",
]  # fmt: skip
"""No version writes a float, a number that is not in canonical form, or one of 2^53 or more."""
DAMAGED = {
    **{f"the number {each.decode()}": unknown(b'{"a":%b}' % each) for each in NUMBERS},
    "nested 33 deep": unknown(nested(33)),
    "a float in a list": unknown(b'{"a":[1,{"b":2.5}]}'),
    "a float in another member": line_of(phone=1.5),
    "a number too great in another member": line_of(phone=2**53),
    "a space": unknown(b'{"a": 1}'),
    "an escaped slash": unknown(b'{"a":"\\/"}'),
    "an escape in upper case": unknown(b'{"a":"\\u001F"}'),
    "a member twice": unknown(b'{"a":1,"a":1}'),
    "another event's hash": forged(creation(3, type="bike.created"), previous=hash_of(TWO[0]))[0],
    "another number": forged(creation(4, type="bike.created"), previous=hash_of(TWO[1]))[0],
}


@pytest.mark.parametrize("line", DAMAGED.values(), ids=DAMAGED)
def test_a_line_that_no_version_writes_is_damage(line: bytes, log_path: Path) -> None:
    with pytest.raises(BadLine) as bad:
        decode(line, AFTER_TWO)
    assert not isinstance(bad.value, NewerLine)
    assert not is_proved(line, AFTER_TWO)
    log_path.write_bytes(b"".join(TWO) + line)
    with reading(log_path) as reader:
        assert audit(reader).status == "damaged"
        with pytest.raises(Damaged, match="line 3"):
            list(reader.events())


@pytest.mark.case(65)
@pytest.mark.parametrize("line", NEWER.values(), ids=NEWER)
def test_a_proved_line_that_is_not_known_is_newer_and_stops_later_moments(line: bytes, log_path: Path) -> None:
    assert is_proved(line, AFTER_TWO)
    with pytest.raises(NewerLine, match="is not supported by this version"):
        decode(line, AFTER_TWO)
    assert decode_many([line], AFTER_TWO) is None
    assert decode_many([*TWO, line], START) is None
    log_path.write_bytes(b"".join(TWO) + line)
    with reading(log_path) as reader:
        assert [Past(reader.log).at(number).number for number in range(3)] == [0, 1, 2]
        for number in (3, None):
            with pytest.raises(NewerLog) as newer:
                Past(reader.log).at(number)
            assert (newer.value.exit, newer.value.line, newer.value.byte) == (17, 3, len(b"".join(TWO)))
        report = audit(reader)
    assert (report.status, report.head, report.faults) == ("newer", AFTER_TWO, [])


def test_a_date_before_a_newer_line_is_found(log_path: Path) -> None:
    log_path.write_bytes(b"".join(TWO) + line_of(type="bike.created", time=LATER))
    with reading(log_path) as reader:
        assert reader.seek(lambda position: position.recorded < LATER) == AFTER_TWO


ENDS = {
    "a newline": b"\n",
    "no newline": b"",
    "another byte": b"x",
    "a torn tail": b'\n{"specversion":"1.0","id":"hal',
    "NULs": b"\n" + bytes(700),
    "no newline and a torn tail": b'{"specversion":"1.0","id":"hal',
}


@pytest.mark.case(65)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("name", ["another type", "another member", "another type, and data that are a list"])
def test_no_writer_and_no_repair_touches_a_newer_log(log_path: Path, name: str, end: bytes) -> None:
    log_path.write_bytes(b"".join(TWO) + NEWER[name][:-1] + end)
    os.utime(log_path, ns=(10**18, 10**18))
    before, content = log_path.stat(), log_path.read_bytes()
    for dry_run in (True, False):
        with pytest.raises(NewerLog):
            register_at(log_path).execute(create("eve"), dry_run=dry_run)
    with pytest.raises(NewerLog):
        repair(Past(FileLog(str(log_path))), 0)
    after = log_path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    assert log_path.read_bytes() == content
    assert os.listdir(log_path.parent) == [log_path.name]


# --- the canonical form depends on no library -------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def plainly(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@settings(deadline=None, max_examples=300, derandomize=True)
@given(values)
def test_two_libraries_write_the_same_canonical_form(value: object) -> None:
    assert orjson.dumps(value) == plainly(value)


def test_two_libraries_write_every_character_alike() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    assert orjson.dumps(every) == plainly(every)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(values)
def test_a_newer_line_may_hold_any_value(value: object) -> None:
    line = unknown(b'{"a":' + plainly(value) + b"}")
    with pytest.raises(NewerLine):
        decode(line, AFTER_TWO)


def test_a_newer_line_before_half_a_line_is_not_torn(log_path: Path) -> None:
    lines = lines_of([creation(1)])
    newer = forged(creation(2, type="user.praised"), previous=hash_of(lines[0]))
    log_path.write_bytes(b"".join([*lines, *newer]) + b'{"specver')
    with reading(log_path) as reader:
        assert reader.log.unfinished() == (0, False)
