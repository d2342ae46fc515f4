"""Data are checked by their kind when events are replayed or shown; the log itself checks form and chain only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.events import creation, forged

from evcli.domain.state import MemoryState
from evcli.errors import Damaged
from evcli.log import START
from evcli.log.file.engine import FileLog
from evcli.log.line import decode
from evcli.log.lines import decode_many
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.past import Past
from evcli.register.repair import plan


def with_name(value: bytes) -> bytes:
    """The line of a good chain that creates a user whose name is this JSON value."""
    return forged(orjson.dumps(creation(1))[:-1].replace(b'"User 1"', value))[0]


def with_data(data: Any) -> bytes:
    return forged(creation(1, data=data))[0]


BAD_DATA: dict[str, tuple[bytes, str]] = {
    "1.0": (with_name(b"1.0"), "name: is float"),  # which orjson writes as it reads it
    "2^53 + 1": (with_name(b"9007199254740993"), "name: is int"),
    "2^64 - 1": (with_name(b"18446744073709551615"), "name: is int"),
    "null": (with_name(b"null"), "name: is NoneType"),
    "31 arrays": (with_name(b"[" * 29 + b"]" * 29), "name: is list"),
    "an unknown field": (with_data({"name": "A", "email": "a@b", "age": "7"}), 'data: unknown field "age"'),
    "no email": (with_data({"name": "A"}), "data: email is missing"),
    "nothing": (with_data({}), "data: name is missing"),
    "a name too long": (with_data({"name": "a" * 201, "email": "a@b"}), "name: has 201 characters"),
    "a forbidden character": (with_data({"name": "a\u202e", "email": "a@b"}), "character 2 is U+202E"),
    "a bad email": (with_data({"name": "A", "email": "a"}), "data: email: "),
    "another order": (with_data({"email": "a@b", "name": "A"}), "data: not in the order name, email"),
}

READS: dict[str, Callable[[Past], object]] = {
    "replay": lambda past: replay(Reader(past.log), MemoryState()),
    "state": lambda past: past.at(),
    "events": lambda past: list(past.events()),
    "events, newest first": lambda past: list(past.events_backward(past.head())),
    "events about a user": lambda past: list(past.events_about("user", 1, 3)),
    "an event": lambda past: past.change(2),
    "following": lambda past: next(past.follow(past.position(1), pause=lambda: None, tell=lambda said: None)),
}


@pytest.fixture(params=list(BAD_DATA.values()), ids=list(BAD_DATA))
def bad(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    """A line whose form and hash are good and whose data are not, and what is said of it."""
    found: tuple[bytes, str] = request.param
    return found


def test_log_takes_any_object_for_data(bad: tuple[bytes, str]) -> None:
    line, _ = bad
    assert decode(line, START)["data"] == orjson.loads(line)["data"]
    assert decode_many([line], START) in (None, [decode(line, START)]), "the fast one takes no lists"


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_bad_data_are_damage_at_their_line(
    bad: tuple[bytes, str], read: Callable[[Past], object], log_path: Path
) -> None:
    data = orjson.loads(bad[0])["data"]
    lines = forged(creation(1), creation(1, data=data, sequence=f"{2:012}", id="two"), creation(2, sequence=f"{3:012}"))
    log_path.write_bytes(b"".join(lines))
    with Past(FileLog(str(log_path))) as past, pytest.raises(Damaged) as damage:
        read(past)
    assert (damage.value.line, damage.value.byte) == (2, len(lines[0]))
    assert bad[1] in damage.value.why


def test_verify_names_all_bad_data_and_repair_leaves_them_out(log_path: Path) -> None:
    events = [creation(1), *(creation(number, data={"name": "A"}) for number in (2, 3)), creation(4)]
    log_path.write_bytes(b"".join(forged(*events)))
    with Past(str(log_path)) as past:
        faults = past.verify().faults
        planned = plan(past)
    assert [(fault.line, "email is missing" in fault.message) for fault in faults] == [(2, True), (3, True)]
    assert planned.head.number == 1
