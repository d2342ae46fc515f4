"""Many lines at once: what the quick check takes, the slow one takes too, however the lines were changed."""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.events import LATER, NO_HASH, ORDER, TIME, before, creation, forged, seal

from evcli.log import START
from evcli.log.line import CLOSING_LENGTH, MAX_LINE, BadLine, decode_each, hash_of
from evcli.log.lines import decode_many

Members = dict[str, Any]


def members(number: int, **changes: Any) -> Members:
    """The members of a good event, with these changed or added, in the format's order."""
    return creation(number, "Ada", **changes)


def slowly(lines: list[bytes], number: int = 1, previous: bytes = NO_HASH, recorded: str = "") -> list[Any] | str:
    """The events as they are decoded one by one, or why the first bad one is bad."""
    try:
        return list(decode_each(lines, before(number, previous, recorded)))
    except BadLine as bad:
        return str(bad)


def is_no_more_generous(lines: list[bytes], number: int = 1, previous: bytes = NO_HASH, recorded: str = "") -> bool:
    """Hold the quick check against the slow one; whether the quick one took the lines."""
    quick = decode_many(lines, before(number, previous, recorded))
    if quick is None:
        return False
    assert quick == slowly(lines, number, previous, recorded), f"taken at once, but not one by one: {lines!r}"
    return True


GOOD = [members(number) for number in range(1, 7)]
SHAPES = {
    "plain": {},
    "recorded later": {"recordedtime": LATER},
    "correlated": {"correlationid": "c"},
    "caused": {"causationid": "c"},
    "all": {"recordedtime": LATER, "correlationid": "c", "causationid": "d"},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("count", [1, 2, 100])
def test_good_lines_of_one_shape_are_taken_at_once(shape: Members, count: int) -> None:
    lines = forged(*(members(number, **shape) for number in range(1, count + 1)))
    assert decode_many(lines, START) == slowly(lines)


def test_thousands_of_lines_are_taken_at_once_from_any_place() -> None:
    lines = forged(*(members(number) for number in range(1, 2102)))
    assert decode_many(lines, START) == slowly(lines)
    assert decode_many(lines[998:], before(999, hash_of(lines[997]), TIME)) == slowly(lines)[998:]
    assert decode_many(lines[999:], before(1000, hash_of(lines[998]), TIME)) == slowly(lines)[999:]


@pytest.mark.parametrize(
    ("number", "previous", "recorded"),
    [(3, 2, TIME), (5, 2, TIME), (4, 1, TIME), (4, 3, TIME), (4, 2, LATER)],
    ids=["an earlier number", "a later number", "an earlier hash", "a later hash", "a later moment"],
)
def test_good_lines_in_the_wrong_place_are_not_taken(number: int, previous: int, recorded: str) -> None:
    lines = forged(*GOOD)
    assert decode_many(lines[3:], before(number, hash_of(lines[previous]), recorded)) is None


TYPES = {
    "user.created": {"name": "Ada", "email": "ada@example.com"},
    "user.renamed": {"name": "Ada"},
    "user.email-changed": {"email": "ada@example.com"},
    "user.destroyed": {"reason": "left"},
    "user.restored": {},
}


def test_events_of_all_types_are_taken_together() -> None:
    lines = forged(*(members(at, type=type, data=data) for at, (type, data) in enumerate(TYPES.items(), 1)))
    assert decode_many(lines, START) == slowly(lines)


def test_lines_of_two_shapes_are_the_same_events_either_way() -> None:
    for one in SHAPES.values():
        for other in SHAPES.values():
            lines = forged(members(1, **one), members(2, **other), members(3, **{**one, "time": LATER}))
            is_no_more_generous(lines)
            assert isinstance(slowly(lines), list) or "goes back" in slowly(lines)


def body(number: int, old: bytes = b"", new: bytes = b"") -> bytes:
    """An event's line up to its hash, in which some bytes are others."""
    made = orjson.dumps(members(number))[:-1]
    assert not old or old in made, f"{old!r} is not in {made!r}"
    return made.replace(old, new, 1) if old else made


# What is done to the third of six events; every hash is good.
VALUES: dict[str, list[Any]] = {
    # the member, and its values
    "specversion": [True, "1.1"],
    "id": [3, "", "x" * 128, "x" * 129, "a\x1bb", "a\u202eb", "a\u00adb", "a\u200db"],
    "source": ["other"],
    "type": ["user.exploded", "", ["user.created"], "user.renamed"],
    "subject": [
        ["user/3"], "group/3", "user/", "user/0", "user/03", "user/1234567890123", "user/3\nuser/3", "user/3\n",
        "user/٣",
    ],
    "time": [
        {"a": 1}, ["x" * 27], "2026-02-29T09:00:00.000000Z", "2026-03-01T09:00:60.000000Z",
        "2026-03-01T24:00:00.000000Z",
        "0000-03-01T09:00:00.000000Z", "2026-03-01T09:00:00.0000000", "2026-03-01T09:00:00.00000Z",
        "٢026-03-01T09:00:00.000000Z", "2026-03-01T08:59:59.999999Z", LATER,
    ],
    "recordedtime": ["2026-03-01T08:00:00.000000Z", "", None],
    "sequence": ["000000000004", "00000000003", 3],
    "authtype": ["robot"],
    "authid": [None, "", "x" * 129, "a\nb", "y" * MAX_LINE],
    "data": [
        "name", [], {"name": "", "email": "a@b"}, {"name": "x" * 201, "email": "a@b"},
        {"name": "a\u200bb", "email": "a@b"},
        {"name": "a\u200db", "email": "a@b"}, {"name": "Ada", "email": "ab"}, {"email": "a@b", "name": "Ada"},
        {"name": "Ada", "email": "a@b", "x": "y"}, {"name": "Ada"}, {"name": ["Ada"], "email": "a@b"},
        {"name": "Ada", "email": "a@b", "x": "y" * MAX_LINE},
    ],
    "extra": ["x"],
}  # fmt: skip
BYTES: list[tuple[bytes, bytes]] = [
    # bytes of the line, and others in their place
    (b'"source"', b'"id":"id-3","source"'), (b'"name"', b'"name":"Eve","name"'), (b'"id":', b'"id": '),
    (b"Ada", b"\\u0041da"), (b"user/3", b"user\\/3"), (b'"id":', b'"id":\r'), (b'"Ada"', b"NaN"),
    (b'"Ada"', b"Infinity"),
    (b'"Ada"', b"1.0"), (b'"Ada"', b"18446744073709551616"), (b'"Ada"', b"9" * 5000),
    (b'"Ada"', b"[" * 40 + b"]" * 40), (b'"Ada"', b"[" * 2000 + b"]" * 2000), (b"Ada", b"\\ud800"), (b"Ada", b"\xff"),
    (b"Ada", b"A\0a"),
]  # fmt: skip
CHANGED: dict[str, Members | bytes] = {
    **{
        f"{name} {at}: {value!r:.40}": members(3, **{name: value})
        for name, values in VALUES.items()
        for at, value in enumerate(values)
    },
    **{f"{at}: {new[:40]!r} for {old!r}": body(3, old, new) for at, (old, new) in enumerate(BYTES)},
    "members in another order": {**{"id": "id-3"}, **members(3)},
    "a member less": {name: value for name, value in members(3).items() if name != "source"},
    "a space before the hash": body(3) + b" ",
    "two events in one": body(3) + b',"sha256":"' + b"0" * 64 + b'"},' + body(4),
    "an event inside a list": b"[" + body(3),
    "only a number": b"3",
    "nothing": b"",
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_changed_event_is_taken_among_others_only_if_also_alone(changed: Members | bytes, at: int) -> None:
    def moved(value: Any) -> Any:  # the row is written for event 3
        if isinstance(value, bytes):
            return value.replace(b"id-3", b"id-%d" % (at + 1)).replace(b"000000000003", b"%012d" % (at + 1))
        return {**value, "sequence": f"{at + 1:012}"} if value.get("sequence") == "000000000003" else value

    lines = forged(*GOOD[:at], moved(changed), *GOOD[at + 1 :])
    is_no_more_generous(lines)


@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_line_that_continues_another_one_is_not_taken(at: int) -> None:
    lines = forged(*GOOD)
    lines[at] = seal(lines[at][:-78], b"1" * 64)
    assert decode_many(lines, START) is None


MIXED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "two on one line": lambda lines: [lines[0][:-1] + b"," + lines[1], *lines[2:]],
    "two on one line, and one on two": lambda lines: [
        lines[0][:-1] + b"," + lines[1],
        lines[2][:200] + b"\n",
        lines[2][200:],
        *lines[3:],
    ],
    "two on one line, and one broken at a comma": lambda lines: [
        lines[0][:-1] + b"," + lines[1],
        *lines[2].replace(b',"source"', b'\n"source"').splitlines(keepends=True),
        *lines[3:],
    ],
    "the last one without its end": lambda lines: [*lines[:-1], lines[-1][:-1]],
    "one without its end": lambda lines: [lines[0], lines[1][:-1], *lines[2:]],
    "two as one": lambda lines: [lines[0] + lines[1], *lines[2:]],
    "one as two": lambda lines: [lines[0][:100], lines[0][100:], *lines[1:]],
    "one missing": lambda lines: [lines[0], *lines[2:]],
    "one twice": lambda lines: [lines[0], lines[0], *lines[1:]],
    "two swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "reversed": lambda lines: lines[::-1],
    "a blank one": lambda lines: [*lines[:3], b"\n", *lines[3:]],
    "an empty one": lambda lines: [*lines[:3], b"", *lines[3:]],
    "a comma": lambda lines: [*lines[:3], b",\n", *lines[3:]],
    "CRLF": lambda lines: [line[:-1] + b"\r\n" for line in lines],
    "a byte order mark": lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]],
    "upper-case hashes": lambda lines: [
        re.sub(rb"[0-9a-f]{64}", lambda found: found[0].upper(), line) for line in lines
    ],
    "the end of one in the next": lambda lines: [lines[0][:-3], lines[0][-3:] + lines[1], *lines[2:]],
}


def digest(previous: bytes, line: bytes) -> bytes:
    return sha256(previous + line[:-CLOSING_LENGTH]).hexdigest().encode()


def test_an_event_on_two_lines_and_two_on_one_are_not_taken() -> None:
    # A list in the data joins two lines to one event; a third line has two events, so that the count is right again.
    inner = orjson.dumps(members(9))[:-1] + b"}"
    whole = orjson.dumps(members(1, data={"x": [members(9), members(9)]}) | {"sha256": "0" * 64})
    cut = whole.index(inner) + len(inner)
    first, second = whole[:cut] + b"\n", whole[cut + 1 :] + b"\n"
    second = second[:-67] + digest(NO_HASH, first) + second[-3:]
    middle = orjson.dumps(members(2) | {"sha256": digest(first[-67:-3], second).decode()})
    third = middle + b"," + orjson.dumps(members(3) | {"sha256": "0" * 64}) + b"\n"
    third = third[:-67] + digest(second[-67:-3], third) + third[-3:]
    assert not is_no_more_generous([first, second, third])


@pytest.mark.parametrize("mix", MIXED.values(), ids=MIXED)
def test_lines_other_than_the_written_ones_are_not_taken(mix: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = mix(forged(*GOOD))
    assert decode_many(lines, START) is None
    assert isinstance(slowly(lines), str), "the row changes nothing"


def test_a_flipped_bit_anywhere_is_not_taken() -> None:
    lines = forged(*GOOD[:2])
    chunk = b"".join(lines)
    assert decode_many([], START) is None
    for at in range(len(chunk)):
        for bit in range(8):
            spoiled = bytearray(chunk)
            spoiled[at] ^= 1 << bit
            found = bytes(spoiled).splitlines(keepends=True) if b"\n" in spoiled else [bytes(spoiled)]
            assert decode_many(found, START) is None, f"bit {bit} of byte {at}"


# --- whatever comes ---------------------------------------------------------------------------------------------------

texts = st.text(max_size=4) | st.sampled_from(["", "Ada", "a\u200db", "\u202e", "user/1", TIME, LATER, "x" * 129])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
data = st.sampled_from(list(TYPES.items())).flatmap(
    lambda row: st.tuples(st.just(row[0]), st.just(row[1]) | st.fixed_dictionaries(dict.fromkeys(row[1], texts)))
)
changes = st.one_of(
    st.just({}),
    st.sampled_from(list(SHAPES.values())),
    data.map(lambda row: {"type": row[0], "data": row[1]}),
    st.dictionaries(st.sampled_from(ORDER), values, max_size=2),
    st.dictionaries(st.sampled_from(["id", "authid", "correlationid", "causationid", "time"]), texts, max_size=2),
)
moderate = settings(deadline=None, max_examples=300, derandomize=True)


@moderate
@given(several=st.lists(changes, min_size=1, max_size=5))
def test_the_quick_check_takes_no_event_that_the_slow_one_refuses(several: list[Members]) -> None:
    try:
        lines = forged(*(members(number, **each) for number, each in enumerate(several, 1)))
    except orjson.JSONEncodeError:
        return  # not even JSON: nobody can forge it with orjson
    taken = is_no_more_generous(lines)
    event("taken at once" if taken else "one by one")
    if not taken and isinstance(found := slowly(lines), list):
        same_shape = len({tuple(each) for each in found}) == 1
        plain = all(str(value).isprintable() for each in found for value in each.values())
        assert not (same_shape and plain), f"good, of one shape, and yet not taken at once: {lines!r}"


@moderate
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, 10**6), st.integers(0, 12), st.binary(max_size=12) | st.sampled_from([b"\n", b'"', b","])
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_quick_check_takes_no_bytes_that_the_slow_one_refuses(
    edits: list[tuple[int, int, bytes]],
) -> None:
    chunk = b"".join(forged(*GOOD))
    for anywhere, length, new in edits:
        at = anywhere % len(chunk)
        chunk = chunk[:at] + new + chunk[at + length :]
    lines = [line + b"\n" for line in chunk.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    is_no_more_generous([line for line in lines if line])


@moderate
@given(st.lists(st.binary(max_size=60) | st.sampled_from(forged(*GOOD[:3])), max_size=5))
def test_any_bytes_are_read_alike_by_both_checks(lines: list[bytes]) -> None:
    is_no_more_generous(lines)
