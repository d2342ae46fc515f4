"""One line <-> one event: what is written, what is read, and every way in which a line can be something else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.events import LATER, NO_HASH, ORDER, TIME, before, creation, lines_of, seal

from evcli.log import START
from evcli.log.line import (
    FIRST_BYTES,
    MAX_LINE,
    BadLine,
    decode,
    decode_alone,
    encode,
    hash_of,
    timestamp,
)
from evcli.log.lines import decode_many
from evcli.log.members import is_hash

TESTS = Path(__file__).parent.parent
MEMBERS = creation(1, id="one", data={"name": "Ada", "email": "ada@example.com"})


def members(**changes: Any) -> dict[str, Any]:
    """Good members, with these changed or added, in the format's order."""
    return creation(1, **{**MEMBERS, **changes})


def forged(**changes: Any) -> bytes:
    """A line with a good hash and these members changed or added."""
    return seal(orjson.dumps(members(**changes))[:-1])


def replaced(old: bytes, new: bytes) -> bytes:
    """A line with a good hash in which some bytes were others."""
    body = orjson.dumps(MEMBERS)[:-1]
    assert body.count(old) == 1
    return seal(body.replace(old, new))


def fault_in(line: bytes, number: int = 1, previous: bytes = NO_HASH, recorded: str = "") -> str:
    """What decode says of the line; "" when it takes it. What it refuses must not pass among many lines either."""
    at_once = decode_many([line], before(number, previous, recorded))
    try:
        event, fault = decode(line, before(number, previous, recorded)), ""
    except BadLine as bad:
        event, fault = None, str(bad)
    assert at_once in (None, [event]), f"read at once with others, this line is {at_once}; alone: {fault or event}"
    return fault


def follower(line: bytes, number: int = 2) -> bytes:
    """A good event `number` that follows on the line, be that good or bad."""
    changes = {"id": f"id-{number}", "subject": f"user/{number}", "sequence": f"{number:012}"}
    return seal(orjson.dumps(members(**changes))[:-1], hash_of(line))


GOOD = forged()


# --- what is written --------------------------------------------------------------------------------------------------


def test_a_line_has_these_bytes_in_every_version() -> None:
    line = encode(members(data={"name": "李 “A\\” é", "email": "a@b"}), START)
    body = (
        '{"specversion":"1.0","id":"one","source":"evcli","type":"user.created","subject":"user/1",'
        '"time":"2026-03-01T09:00:00.000000Z","sequence":"000000000001","authtype":"user","authid":"ann",'
        '"data":{"name":"李 “A\\\\” é","email":"a@b"}'
    ).encode()
    assert line == seal(body)
    assert len(line) - len(body) == 78
    assert line.startswith(FIRST_BYTES)


@pytest.mark.parametrize("name", ["ten.jsonl", "batch.jsonl", "source-and-authtype.jsonl"])
def test_the_members_of_a_vector_are_written_again_to_the_same_bytes(vector: Callable[[str], Path], name: str) -> None:
    lines = vector(name).read_bytes().splitlines(keepends=True)
    events = [orjson.loads(line) for line in lines]
    assert lines_of({name: event[name] for name in event if name != "sha256"} for event in events) == lines


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"name": "\ud800", "email": "a@b"}},
        {"data": {"name": 2**70, "email": "a@b"}},
        {"data": {"name": object(), "email": "a@b"}},
        {"id": ""}, {"authid": "\u202e"}, {"type": "user.invented"}, {"subject": "user/0"},
        {"time": "2026-03-01 09:00"}, {"time": TIME, "recordedtime": "2026-03-01T08:59:59.999999Z"}, {"phone": "1"},
    ],
)  # fmt: skip
def test_an_event_that_could_not_be_read_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(BadLine):
        encode(members(**changes), START)


def test_an_event_whose_recorded_moment_goes_back_is_not_written() -> None:
    with pytest.raises(BadLine, match="goes back"):
        encode(MEMBERS, START._replace(recorded=LATER))


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "x" * 128},
        {"id": "\U0001f469" * 128},
        {"id": "\u00a0"},  # unprintable, but not forbidden
        {"authid": "a\u200db"},
        {"correlationid": "c", "causationid": "d"}, {"recordedtime": TIME},
        {"recordedtime": LATER, "correlationid": "c", "causationid": "d"}, {"time": "0001-01-01T00:00:00.000000Z"},
        {"time": "9999-12-31T23:59:59.999999Z"}, {"time": "2024-02-29T00:00:00.000000Z"},
        {"subject": "user/999999999999"}, {"data": {"name": "e\u0301", "email": "a@b"}},
        {"type": "user.destroyed", "data": {}}, {"type": "user.destroyed", "data": {"reason": "left"}},
        {"type": "user.restored", "data": {}},
    ],
)  # fmt: skip
def test_all_that_the_format_allows_is_read(changes: dict[str, Any]) -> None:
    line = forged(**changes)
    assert decode(line, START) == {**members(**changes), "sha256": line[-67:-3].decode()}
    assert fault_in(line) == ""


BAD_FORM: list[tuple[str, bytes, str]] = [
    # name, line, what is said of it
    ("blank line", b"\n", "not in canonical form: a blank line"),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD, "not in canonical form: a byte order mark"),
    ("CRLF", GOOD[:-1] + b"\r\n", "not in canonical form: line endings were changed"),
    ("no newline", GOOD[:-1], "not in canonical form"),
    ("spaces only", b"   \n", "not an event"),
    ("words", b"hello\n", "not an event: not JSON"),
    ("half a line", GOOD[:100] + b"\n", "not an event: not JSON"),
    ("two on a line", GOOD[:-1] + GOOD, "not an event: not JSON"),
    ("zeros", b"\0" * 100 + b"\n", "100 zero bytes"),
    ("zeros inside", GOOD[:50] + b"\0" * 20 + GOOD[70:], "20 zero bytes"),
    ("UTF-16", GOOD.decode().encode("utf-16-le"), "zero bytes"),
    ("Latin-1", replaced(b"Ada", b"Ad\xe9"), "not an event: not JSON"),
    ("surrogates as bytes", replaced(b"Ada", b"\xed\xa0\x80"), "not an event: not JSON"),
    ("surrogate as escape", replaced(b"Ada", b"\\ud800"), "not an event: not JSON"),
    ("control character raw", replaced(b"Ada", b"\x1b"), "not an event: not JSON"),
    ("an array", b"[1]\n", "not an event: not a JSON object"),
    ("a text", b'"hello"\n', "not an event: not a JSON object"),
    ("a number", b"42\n", "not an event: not a JSON object"),
    ("null", b"null\n", "not an event: not a JSON object"),
    ("an empty object", b"{}\n", "not an event: member specversion is missing"),
    ("space after a colon", replaced(b'"id":', b'"id": '), "not in canonical form"),
    ("space at the end", GOOD[:-1] + b" \n", "not in canonical form"),
    ("space at the start", b" " + GOOD, "not in canonical form"),
    ("an escape for A", replaced(b"Ada", b"\\u0041da"), "not in canonical form"),
    ("an escape for /", replaced(b"user/1", b"user\\/1"), "not in canonical form"),
    ("an escape for é", replaced(b"Ada", b"\\u00e9"), "not in canonical form"),
    ("a member twice", replaced(b'"id":"one"', b'"id":"two","id":"one"'), "not in canonical form"),
    ("a member twice, equal", replaced(b'"id":"one"', b'"id":"one","id":"one"'), "not in canonical form"),
    ("data twice", replaced(b'"name":"Ada"', b'"name":"Eve","name":"Ada"'), "not in canonical form"),
    ("1e0", replaced(b'"Ada"', b"1e0"), "not in canonical form"),
    ("1.50", replaced(b'"Ada"', b"1.50"), "not in canonical form"),
    ("1e400", replaced(b'"Ada"', b"1e400"), ""),
    ("-0", replaced(b'"Ada"', b"-0"), ""),
    ("NaN", replaced(b'"Ada"', b"NaN"), "not an event: not JSON"),
    ("Infinity", replaced(b'"Ada"', b"Infinity"), "not an event: not JSON"),
    ("2^64", replaced(b'"Ada"', b"18446744073709551616"), "not in canonical form"),
    ("-2^63 - 1", replaced(b'"Ada"', b"-9223372036854775809"), "not in canonical form"),
    ("5,000 digits", replaced(b'"Ada"', b"7" * 5000), ""),
    ("300 deep", replaced(b'"Ada"', b"[" * 300 + b"]" * 300), "nested more than 32 deep"),
    ("100,000 deep", replaced(b'"Ada"', b"[" * 100_000 + b"]" * 100_000), "more than 65,536 bytes"),
    ("30,000 deep", replaced(b'"Ada"', b"[" * 30_000 + b"]" * 30_000), "not an event"),
    ("a line of 64 KiB and a byte", GOOD[:-1] + b" " * (MAX_LINE - len(GOOD) + 1) + b"\n", "more than 65,536 bytes"),
    ("a line of 64 KiB", GOOD[:-1] + b" " * (MAX_LINE - len(GOOD)) + b"\n", "not in canonical form"),
    ("unknown member", forged(phone="1"), 'member "phone" is not supported'),
    ("ours before theirs", seal(orjson.dumps({"id": "one", **MEMBERS})[:-1]), "members in another order"),
    ("authid before authtype", replaced(b'"authtype":"user","authid":"ann"', b'"authid":"ann","authtype":"user"'),
     "members in another order"),
    ("something after sha256", GOOD[:-2] + b',"z":"1"}\n', "this line is not what was written"),
    ("sha256 not last", orjson.dumps({"sha256": "0" * 64, **MEMBERS}) + b"\n", "members in another order"),
    ("specversion 1.1", forged(specversion="1.1"), 'specversion is "1.1", not "1.0"'),
    ("another authtype", forged(authtype="service"), 'authtype "service" is not one of app_user, user'),
    ("a type of another time", forged(type="user.created.v2"), 'event type "user.created.v2" is not supported'),
    ("a type in another case", forged(type="User.Created"), 'event type "User.Created" is not supported'),
    ("an empty type", forged(type=""), 'event type "" is not supported'),
    ("a type and a subject without a kind", forged(type="invented", subject="/1"), 'event type "invented" is'),
    ("recorded before it happened", forged(recordedtime="2026-03-01T08:59:59.999999Z"), "recordedtime is before time"),
    ("events were removed", forged(sequence="000000000002"), "this line is event 2, but event 1 belongs here"),
    ("numbered 0", forged(sequence="000000000000"), "this line is event 0, but event 1 belongs here"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), [bad[1:] for bad in BAD_FORM], ids=[bad[0] for bad in BAD_FORM])
def test_a_line_in_any_other_form_is_refused_even_with_a_valid_hash(line: bytes, why: str) -> None:
    fault = fault_in(line)
    assert fault, "it was taken for a good line"
    assert why in fault
    assert decode_many([line, follower(line)], START) is None, "it passes when a good line follows"
    assert decode_many([GOOD, line], START) is None, "it passes after a good line"


@pytest.mark.parametrize("name", [*MEMBERS, "sha256"])
def test_a_missing_member_is_named(name: str) -> None:
    event = {**MEMBERS, "sha256": "0" * 64}
    del event[name]
    assert fault_in(orjson.dumps(event) + b"\n") == f"not an event: member {name} is missing"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in (*ORDER, "sha256")
        for value in (None, True, False, 0, 5, 1.5, "", [], ["a"], {}, {"a": "b"})
        if name != "data" or not isinstance(value, dict)  # of which members data are is for the kind to say
    ],
    ids=repr,
)
@pytest.mark.parametrize("beside", [{}, {"recordedtime": LATER}], ids=["", "beside recordedtime"])
def test_a_member_of_the_wrong_kind_is_refused(name: str, value: object, beside: dict[str, str]) -> None:
    changed = {**beside, name: value}
    line = forged(**changed) if name != "sha256" else orjson.dumps({**members(**beside), "sha256": value}) + b"\n"
    with pytest.raises(BadLine):
        decode_alone(line)
    assert fault_in(line)


@pytest.mark.parametrize("type", ["user.destroyed", "user.restored"])
@pytest.mark.parametrize("data", [None, False, 0, "", []], ids=repr)
def test_empty_data_is_an_object_and_nothing_else(type: str, data: object) -> None:
    assert fault_in(forged(type=type, data=data))


ID_FAULTS = {
    "": "is empty", "x" * 129: "has 129 characters; at most 128 are allowed", "a\u0085": "character 2 is U+0085",
    "\u2028": "character 1 is U+2028", "\ufeffa": "character 1 is U+FEFF",
}  # fmt: skip
NO_TIMES = [
    "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.00000Z", "2026-03-01T09:00:00.0000000Z",
    "2026-03-01T09:00:00.000000z", "2026-03-01t09:00:00.000000Z", "2026-03-01 09:00:00.000000Z",
    "2026-03-01T09:00:00,000000Z", "2026-03-01T09:00:00.000000+00:00", "2026-03-01T09:00:00.000000",
    "2026-03-01T09:00:60.000000Z", "2026-03-01T09:60:00.000000Z", "2026-03-01T24:00:00.000000Z",
    "2026-02-29T09:00:00.000000Z", "2026-13-01T09:00:00.000000Z", "2026-00-01T09:00:00.000000Z",
    "2026-03-00T09:00:00.000000Z", "0000-03-01T09:00:00.000000Z", "+2026-03-01T09:00:00.00000Z",
    "2026-W10-7T09:00:00.000000Z", "٢٠٢٦-03-01T09:00:00.000000Z", " 2026-03-01T09:00:00.000000Z",
    "2026-03-01T09:00:00.000000Z\n",
]  # fmt: skip
NO_SUBJECTS = [
    "user", "user/", "user/0", "user/01", "user/-1", "user/+1", "user/1.0", "user/1 ", "user/1\n", "user/1/2", "/1",
    "users/1", "User/1", "group/1", "user/\u0661", "user/1000000000000",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        *(
            (name, value, rf"{name}: {re.escape(why)}.*")
            for name in ("id", "authid", "correlationid", "causationid")
            for value, why in ID_FAULTS.items()
        ),
        *((name, value, rf"{name} is .*not a UTC time.*") for name in ("time", "recordedtime") for value in NO_TIMES),
        *(("subject", value, r"subject .* is not user/ID") for value in NO_SUBJECTS),
    ],
)
def test_a_text_that_the_member_cannot_have_is_named(name: str, value: str, fault: str) -> None:
    assert re.fullmatch(f"not an event: {fault}", fault_in(forged(**{name: value})), re.DOTALL)


SEQUENCES = ["1", "00000000001", "0000000000001", "00000000000x", "-00000000001", "00000000000\u0661", " 0000000001"]
HASHES = ["0" * 63, "0" * 65, "A" * 64, "g" * 64, "é" * 64, "é" * 63 + "a", " " * 64]


@pytest.mark.parametrize(
    ("name", "value"), [*(("sequence", each) for each in SEQUENCES), *(("sha256", each) for each in HASHES)]
)
def test_a_line_read_alone_needs_a_number_and_a_hash_in_their_form(name: str, value: str) -> None:
    line = forged(sequence=value) if name == "sequence" else orjson.dumps({**MEMBERS, name: value}) + b"\n"
    with pytest.raises(BadLine, match=name):
        decode_alone(line)


# --- the chain --------------------------------------------------------------------------------------------------------


def test_a_line_that_follows_on_another_one_is_not_what_was_written() -> None:
    fault = fault_in(GOOD, previous=b"1" * 64)
    assert re.fullmatch(
        r"this line is not what was written \(expected sha256 [0-9a-f]{8}…, found [0-9a-f]{8}…\)", fault
    )


@pytest.mark.case(79)
@pytest.mark.parametrize(
    ("changes", "recorded", "fault"),
    [
        ({}, TIME, ""),
        ({"recordedtime": LATER}, LATER, ""),
        ({}, LATER, f"its recorded moment {TIME} goes back: event 6 has {LATER}"),
    ],
    ids=["the same moment", "recorded later", "an earlier moment"],
)
def test_a_recorded_moment_never_goes_back(changes: dict[str, Any], recorded: str, fault: str) -> None:
    assert fault_in(forged(sequence="000000000007", **changes), number=7, recorded=recorded) == fault


def test_every_single_flipped_bit_of_every_line_is_noticed(vector: Callable[[str], Path]) -> None:
    previous, recorded, unnoticed = NO_HASH, "", []
    for number, line in enumerate(vector("ten.jsonl").read_bytes().splitlines(keepends=True), 1):
        assert fault_in(line, number, previous, recorded) == ""
        for bit in range(len(line) * 8):
            flipped = bytearray(line)
            flipped[bit // 8] ^= 1 << bit % 8
            if not fault_in(bytes(flipped), number, previous, recorded):
                unnoticed.append(f"line {number}, byte {bit // 8}, bit {bit % 8}")
        event = orjson.loads(line)
        previous, recorded = event["sha256"].encode(), event.get("recordedtime", event["time"])
    assert not unnoticed


# --- without evcli ----------------------------------------------------------------------------------------------------


def checker() -> str:
    """The few lines of Python that the README gives to those who check a log without evcli."""
    blocks = re.findall(r"```python\n(.*?)```", (TESTS.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "hashlib" in block]
    return str(block)


def passes_the_checker(log: bytes, folder: Path) -> bool:
    (folder / "events.jsonl").write_bytes(log)
    try:
        exec(compile(checker(), "README.md", "exec"), {})
    except AssertionError:
        return False
    return True


def test_the_checker_of_the_readme_takes_what_evcli_takes(
    vector: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    renamed = creation(2, type="user.renamed", data={"name": "E\u0301 \\ \u200d"})
    good = vector("ten.jsonl").read_bytes()
    for log in (b"".join(lines_of([MEMBERS, renamed])), b"", good):
        assert passes_the_checker(log, tmp_path)
    assert hash_of(good).decode() in capsys.readouterr().out
    for changed in (
        good.replace(b"Grace", b"Grade", 1),
        good.replace(b"\n", b"\r\n"),
        b"".join(good.splitlines(keepends=True)[1:]),
        b"".join(sorted(good.splitlines(keepends=True))),
        good[:-1] + b" \n",
    ):
        assert not passes_the_checker(changed, tmp_path), "the checker takes what evcli refuses"


# --- whatever comes ---------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
moderate = settings(deadline=None, max_examples=150, derandomize=True)


@moderate
@given(line=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_bad_line_and_never_another_error(line: bytes) -> None:
    with pytest.raises(BadLine):
        decode(line + b"\n", START)


@moderate
@given(
    changes=st.dictionaries(st.sampled_from(ORDER), json_values, max_size=3),
    data=st.none() | st.fixed_dictionaries({"name": json_values, "email": json_values}),
)
def test_any_values_are_an_event_that_can_be_written_again_or_a_bad_line(
    changes: dict[str, Any], data: dict[str, Any] | None
) -> None:
    try:
        line = forged(**changes, **({"data": data} if data and "data" not in changes else {}))
    except orjson.JSONEncodeError:
        return  # not even JSON: nobody can forge it with orjson
    if fault_in(line):
        return
    event: dict[str, Any] = {**decode(line, START)}
    del event["sha256"]
    assert encode(event, START) == line


# --- small things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 3, 1, 9, tzinfo=UTC), "2026-03-01T09:00:00.000000Z"),
        (datetime(2026, 3, 1, 9, 0, 0, 37, tzinfo=UTC), "2026-03-01T09:00:00.000037Z"),
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-03-01T03:30:00.000000Z"),
        (datetime(2026, 1, 1, 0, tzinfo=timezone(timedelta(hours=1))), "2025-12-31T23:00:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_microseconds(moment: datetime, written: str) -> None:
    assert timestamp(moment) == written
    assert len(written) == 27


@pytest.mark.parametrize(
    ("text", "answer"),
    [("0" * 64, True), ("0123456789abcdef" * 4, True), ("0" * 63, False), ("0" * 65, False), ("A" * 64, False),
     ("g" + "0" * 63, False), ("0" * 63 + "g", False), ("0" * 31 + "g" + "0" * 32, False), ("", False),
     ("\u0661" * 64, False)],
)  # fmt: skip
def test_a_hash_is_64_lower_case_hex_digits(text: str, answer: bool) -> None:
    assert is_hash(text) is answer
