"""The source of a log, which is the same in every line, and the type of actor of each event."""

from pathlib import Path

import pytest
from support.events import TIME, batch_of, creation, forged, lines_of, place_at_end
from support.logs import reading

from evcli.errors import Damaged
from evcli.log import START, Position
from evcli.log.line import BadLine, decode_each
from evcli.log.lines import decode_many
from evcli.log.members import AUTH_TYPES, is_source
from evcli.log.template import Part, Shared, cast

GOOD = [
    "evcli", "a", "x" * 128, "/register", "https://example.org:8080/a/b?c=d&e#f", "urn:uuid:6e8bc430-9c3a", "//[::1]/a",
    "mailto:ada@example.org", "a%20b", "?q", "#f", "..", "!$&'()*+,;=",
]  # fmt: skip
BAD: list[object] = [
    "", "x" * 129, "a b", "a\n", "é", "a%2", "a%zz", "%", "a#b#c", "<a>", '"', "a\\b", "{a}", "a|b", "a^b", "a`b",
    "\x7f", "٣", None, 5, ["evcli"], {}, True,
]  # fmt: skip


def is_taken(lines: list[bytes], place: Position = START) -> bool:
    """Whether each line alone is accepted; all lines at once must be accepted then and only then."""
    at_once = decode_many(lines, place)
    try:
        events = list(decode_each(lines, place))
    except BadLine:
        assert at_once is None
        return False
    assert at_once == events
    return True


@pytest.mark.parametrize("source", GOOD)
def test_source_is_any_uri_reference(source: str) -> None:
    assert is_source(source)
    assert is_taken(lines_of(creation(number, source=source) for number in (1, 2)))


@pytest.mark.parametrize("source", BAD)
def test_source_that_is_no_uri_reference_is_damage(source: object) -> None:
    assert not is_source(source)
    assert not is_taken(forged(creation(1, source=source)))
    assert not is_taken(forged(creation(1), creation(2, source=source)))


@pytest.mark.parametrize("at", [2, 3, 4])
@pytest.mark.parametrize("first", ["evcli", "/ours"])
def test_line_of_a_second_source_is_damage(log_path: Path, first: str, at: int) -> None:
    events = [creation(number, source="/theirs" if number == at else first) for number in range(1, 5)]
    lines = forged(*events)
    assert not is_taken(lines)
    assert is_taken(lines[: at - 1])
    place = place_at_end(lines[: at - 1])
    assert place.source == first
    assert not is_taken(lines[at - 1 : at], place), "a reader that starts at this line accepts it"
    log_path.write_bytes(b"".join(lines))
    said = f'its source is "/theirs", but that of the log is "{first}"'
    with reading(log_path) as reader:
        for start in (START, place):
            with pytest.raises(Damaged, match=f"line {at}, byte") as damage:
                list(reader.events(start))
            assert said in damage.value.message
        with pytest.raises(Damaged):
            list(reader.events_backward(reader.log.head()))


def test_type_of_actor_is_one_of_seven() -> None:
    seven = {"app_user", "user", "service_account", "api_key", "system", "unauthenticated", "unknown"}
    assert set(AUTH_TYPES) == seven
    for auth_type in AUTH_TYPES:
        assert is_taken(lines_of([creation(1, authtype=auth_type), creation(2)])), auth_type


@pytest.mark.parametrize("auth_type", ["", "User", "users", "robot", "user ", "appuser", None, 5, ["user"], {}])
def test_any_other_type_of_actor_is_damage(auth_type: object) -> None:
    assert not is_taken(forged(creation(1, authtype=auth_type)))
    assert not is_taken(forged(creation(1), creation(2, authtype=auth_type)))


@pytest.mark.parametrize("count", [1, 3])
def test_cast_line_has_the_source_and_the_actor_of_its_command(count: int) -> None:
    shared = Shared("robot-7", "service_account", "/ours", TIME, None)
    parts = [
        Part("user.created", TIME, f"id-{n}", n, {"name": "A", "email": f"{n}@x.org"}) for n in range(1, count + 1)
    ]
    for event in decode_each(cast(shared, parts, START), START):
        assert (event["source"], event["authtype"], event["authid"]) == ("/ours", "service_account", "robot-7")
    for wrong in (shared._replace(source="a b"), shared._replace(actor_type="robot")):
        with pytest.raises(BadLine):
            cast(wrong, parts, START)
    with pytest.raises(BadLine, match="its source"):
        cast(shared, parts, START._replace(source="evcli"))


def test_batch_has_one_source() -> None:
    lines = lines_of(batch_of(1, 4, source="/ours"))
    assert is_taken(lines)
    assert not is_taken(forged(*batch_of(1, 4, source="/ours")[:3], *batch_of(1, 4)[3:]))
