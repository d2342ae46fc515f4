"""Casting many lines at once: byte for byte what `encode` gives for each, and nothing that `encode` refuses."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.events import creation, lines_of
from support.users import CREATED, DESTROYED, RENAMED, RESTORED

from evcli.kinds.data import fault_of
from evcli.log import START, Position
from evcli.log.answers import cast_answers
from evcli.log.line import BadLine, decode
from evcli.log.lines import decode_many
from evcli.log.template import Part, Shared, cast

NOW = "2026-03-01T09:00:00.000000Z"
ADA = {"name": "Ada", "email": "ada@example.com"}


def one_by_one(
    shared: Shared, parts: list[Part], place: Position, answered: Mapping[int, str] = MappingProxyType({})
) -> list[bytes]:
    """The same lines by `encode`."""
    first, last = place.number + 1, place.number + len(parts)
    events = []
    for at, (type, time, id, record, data) in enumerate(parts, first):
        changes: dict[str, Any] = {
            "id": id, "type": type, "subject": f"user/{record}", "time": time, "data": data,
            "authtype": shared.actor_type, "authid": shared.actor, "source": shared.source,
        }  # fmt: skip
        if time != shared.recorded:
            changes["recordedtime"] = shared.recorded
        if shared.correlation is not None:
            changes["correlationid"] = shared.correlation
        if len(parts) > 1:
            changes["batch"] = f"{first}-{last}"
        if at - first in answered:
            changes["causationid"] = answered[at - first]
        events.append(creation(at, **changes))
    lines = lines_of(events, place)
    for line in lines:  # what `encode` leaves to the kind
        if fault := fault_of(orjson.loads(line)):
            raise BadLine(fault)
    return lines


def outcome(make: Any, *arguments: Any) -> list[bytes] | str:
    try:
        lines: list[bytes] = make(*arguments)
    except BadLine:
        return "refused"
    return lines


odd = st.text(st.characters(codec=None), max_size=4)
texts = st.sampled_from(["a", "Ada", 'x"\\', "ä€😀", "a%b", "", "\n", "\x7f", "\ud800", "\u202e", "y" * 201]) | odd
emails = st.sampled_from(["ada@example.com", "no", ""]) | texts
data = st.one_of(
    st.fixed_dictionaries({"name": texts, "email": emails}),
    st.fixed_dictionaries({"name": texts}),
    st.fixed_dictionaries({"reason": texts}),
    st.just({}),
    st.just({"email": "ada@example.com", "name": "Ada"}),
    st.just({"name": 5, "email": None}),
)
OLD = "2020-01-01T00:00:00.000000Z"
wrong = ["2026-03-01T09:00:00.000001Z", "2020-02-30T00:00:00.000000Z", "2020-01-01", '","x":"', "", OLD[:-1] + "1Z"]
times = st.sampled_from([NOW, OLD, *wrong])
good = st.builds(Part, st.just(CREATED), st.sampled_from([NOW, OLD]), st.just("id"), st.just(1), st.just(ADA))
part = st.builds(
    Part,
    st.sampled_from([CREATED, RENAMED, DESTROYED, RESTORED]),
    times,
    texts | st.just("z" * 129),
    st.integers(-1, 3) | st.sampled_from([10**12 - 1, 10**12]),
    data,
)
shared = st.builds(
    Shared,
    texts,
    st.sampled_from(["user", "system", "robot", ""]),
    st.sampled_from(["evcli", "/a?b#c", "a b", ""]),
    st.sampled_from([NOW, "2026-01-01T00:00:00.000000Z"]),
    st.none() | texts,
)
ANN = Shared("ann", "user", "evcli", NOW, "c")
PART = Part(CREATED, NOW, "a", 1, ADA)


@given(shared, st.lists(good | part, min_size=1, max_size=6), st.sampled_from([1, 7, 10**12 - 2]),
    st.sampled_from(["", NOW, "2026-02-01T00:00:00.000000Z"]), st.sampled_from(["", "evcli", "/a?b#c"]))  # fmt: skip
def test_cast_lines_are_those_of_encode_or_both_refuse(
    shared: Shared, parts: list[Part], number: int, recorded: str, source: str
) -> None:
    arguments = (shared, parts, START._replace(number=number - 1, recorded=recorded, source=source))
    assert outcome(cast, *arguments) == outcome(one_by_one, *arguments)


@given(
    shared, st.lists(good | part, min_size=1, max_size=4), st.dictionaries(st.integers(0, 3), st.just("e-1") | texts)
)
def test_cast_answers_are_those_of_encode_or_both_refuse(
    shared: Shared, parts: list[Part], answered: dict[int, str]
) -> None:
    before = START._replace(number=6, recorded="2026-02-01T00:00:00.000000Z", source="evcli")
    assert outcome(cast_answers, shared, parts, answered, before) == outcome(
        one_by_one, shared, parts, before, answered
    )


@pytest.mark.parametrize("parts", [[PART], [PART, PART._replace(id="b", record=2)]], ids=["one", "a batch"])
def test_an_answer_names_what_it_answers_and_the_others_in_its_batch_do_not(parts: list[Part]) -> None:
    lines = cast_answers(ANN, parts, {len(parts) - 1: "cause"}, START)
    found = [orjson.loads(line).get("causationid") for line in lines]
    assert found == [*[None] * (len(parts) - 1), "cause"]
    assert lines == one_by_one(ANN, parts, START, {len(parts) - 1: "cause"})


@given(st.lists(st.tuples(texts, times, data), min_size=1, max_size=4))
def test_one_bad_event_after_good_ones_is_never_let_through(odd: list[tuple[str, str, Any]]) -> None:
    parts = [Part(CREATED, NOW, "first", 1, ADA), *(Part(CREATED, time, id, 2, data) for id, time, data in odd)]
    arguments = (ANN, parts, START)
    lines = outcome(cast, *arguments)
    assert lines == outcome(one_by_one, *arguments)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "a\nb"}, {"id": ""}, {"id": "z" * 129}, {"record": 0}, {"record": 10**12},
        {"time": "2026-03-02T00:00:00.000000Z"},
        {"time": "2020-13-01T00:00:00.000000Z"}, {"time": "2020-01-01T00:00:00.000000z"}, {"data": {}},
        {"data": {"name": float("nan"), "email": "a@x.de"}}, {"data": {"name": "\x1b", "email": "a@x.de"}},
        {"data": {"name": "a\x00", "email": "a@x.de"}}, {"data": {"name": "Ada", "email": "no"}}, {"id": "\ud800"},
    ],
    ids=str,
)  # fmt: skip
def test_each_part_is_checked_also_behind_good_ones(bad: dict[str, Any]) -> None:
    first = Part(CREATED, "2020-01-01T00:00:00.000000Z", "first", 1, ADA)
    with pytest.raises(BadLine):
        cast(ANN, [first, first._replace(id="second"), first._replace(**bad)], START)


def test_cast_lines_are_read_back_at_once() -> None:
    parts = [
        Part(CREATED, NOW, f"id-{number}", number, {"name": f"N {number}", "email": "a@x.de"})
        for number in range(1, 99)
    ]
    lines = cast(ANN._replace(correlation=None), parts, START)
    events = decode_many(lines, START)
    assert events is not None
    assert [event["data"] for event in events] == [part.data for part in parts]


@pytest.mark.parametrize("times", [(NOW, "2020-01-01T00:00:00.000000Z"), ("2020-01-01T00:00:00.000000Z", NOW)])
def test_an_event_of_now_and_one_of_the_past_share_a_batch(times: tuple[str, str]) -> None:
    data = [{"name": "Ada", "email": "a@x.de"}, {"name": "Bob", "email": "b@x.de"}]
    parts = [Part(CREATED, time, f"id-{at}", at, data[at - 1]) for at, time in enumerate(times, 1)]
    lines = cast(ANN, parts, START)
    assert lines == one_by_one(ANN, parts, START)
    assert [b'"recordedtime"' in line for line in lines] == [time != NOW for time in times]


LATER = "2026-03-01T09:00:00.000001Z"
PROVED = Part(CREATED, NOW, "good", 1, ADA)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (PROVED, START._replace(recorded=LATER)),
        (PROVED, START._replace(source="other")),
        (PROVED, START._replace(batch="1-2")),
        (PROVED, START._replace(number=10**12 - 1)),
        (PROVED._replace(record=0), START),
        (PROVED._replace(record=10**12), START),
        (PROVED._replace(id="\x7f"), START),
        (PROVED._replace(data={"name": "Ada", "email": "no"}), START),
        (PROVED._replace(data={"email": "ada@example.com", "name": "Ada"}), START),
        (PROVED._replace(data={**ADA, "reason": ""}), START),
        (PROVED._replace(data={**ADA, "reason": "\x85" * 65536}), START),
        (PROVED._replace(time=LATER), START),
    ],
)
def test_a_template_that_was_proved_accepts_nothing_else(part: Part, place: Position) -> None:
    one = ANN._replace(correlation=None)
    assert [cast(one, [PROVED], START), cast(one, [PROVED], START)] == [one_by_one(one, [PROVED], START)] * 2
    assert outcome(cast, one, [part], place) == outcome(one_by_one, one, [part], place) == "refused"
    assert cast(one, [PROVED], START) == one_by_one(one, [PROVED], START)


def test_a_time_that_is_none_is_refused_also_where_it_was_proved() -> None:
    one = ANN._replace(correlation=None)
    cast(one, [PROVED], START)
    bad = "2026-02-30T09:00:00.000000Z"
    assert outcome(cast, one._replace(recorded=bad), [PROVED._replace(time=bad)], START) == "refused"


@pytest.mark.parametrize(
    "other",
    [
        {"actor": "bob"}, {"actor_type": "system"}, {"source": "/other"}, {"correlation": "c"}, {"correlation": "d"},
        {"recorded": LATER},
    ],
    ids=str,
)  # fmt: skip
def test_a_line_of_a_proved_template_says_what_is_its_own(other: dict[str, str]) -> None:
    for shared in (ANN._replace(correlation=None), ANN._replace(correlation=None)._replace(**other)):
        for part in (PROVED, PROVED._replace(type=RENAMED, data={"name": "Eve"}), PROVED):
            assert cast(shared, [part], START) == one_by_one(shared, [part], START)


def test_only_the_first_line_of_a_template_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def counted(line: bytes, before: Position) -> Any:
        decoded.append(line)
        return decode(line, before)

    monkeypatch.setattr("evcli.log.template.decode", counted)
    one = ANN._replace(actor="nobody before", correlation=None)
    lines = [cast(one, [PROVED._replace(id=id)], START)[0] for id in ("a", "b", "c")]
    assert decoded == lines[:1]


def test_a_template_whose_first_line_was_refused_is_not_taken_for_proved() -> None:
    nobody = ANN._replace(actor="\x7f", correlation=None)
    for _ in range(2):
        assert outcome(cast, nobody, [PROVED], START) == "refused"
