"""Lines of many events alike: byte for byte those of `cast`, or none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.events import TIME
from support.users import CREATED, RENAMED

from evcli.log import START, Position
from evcli.log.alike import Alike, cast_alike
from evcli.log.line import MAX_LINE, BadLine
from evcli.log.template import Part, Shared, cast

SHARED = Shared("ann", "user", "evcli", TIME, "series")
PLACE = Position(41, 0, b"a" * 64, TIME, source="evcli")
TEXTS = st.text(st.sampled_from('ab"\\é李%{}, '), min_size=1, max_size=6).map(lambda text: f"N{text}N")


def alike(names: list[str], **changes: Any) -> Alike:
    data = {"name": names, "email": [f"n{at}@x.de" for at in range(len(names))]}
    return Alike(CREATED, TIME, [f"id-{at}" for at in range(len(names))], 7, data)._replace(**changes)


def one_by_one(shared: Shared, many: Alike, before: Position) -> list[bytes]:
    rows = zip(many.ids, zip(*many.data.values(), strict=True), strict=True)
    parts = [
        Part(many.type, many.time, id, record, dict(zip(many.data, row, strict=True)))
        for record, (id, row) in enumerate(rows, many.first)
    ]
    return cast(shared, parts, before)


@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.sampled_from(["ann", 'a"\\u0000"b', "%s"]),
    st.sampled_from(["series", None]),
    st.sampled_from([TIME, f"2{TIME[1:3]}9{TIME[4:]}"]),
    st.sampled_from([START, PLACE]),
    TEXTS,
)
def test_lines_alike_are_those_of_cast(
    names: list[str], actor: str, correlation: str | None, recorded: str, before: Position, id: str
) -> None:
    shared = SHARED._replace(actor=actor, correlation=correlation, recorded=recorded)
    many = alike(names)
    many = many._replace(ids=[id, *many.ids[1:]])
    assert cast_alike(shared, many, before) == one_by_one(shared, many, before)


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"data": {"name": ["A", "B"], "email": ["a@x.de", "no"]}}, START),
        ({"data": {"name": ["A", "B"], "email": ["a@x.de\nb@x.de", "c@x.de"]}}, START),
        ({"data": {"name": ["A", "B"], "email": ["a@x.de", "e" * 250 + "@x.de"]}}, START),
        ({"data": {"name": ["A", ""], "email": ["a@x.de", "b@x.de"]}}, START),
        ({"data": {"name": ["A", "x" * 201], "email": ["a@x.de", "b@x.de"]}}, START),
        ({"data": {"name": ["A", "\u202e"], "email": ["a@x.de", "b@x.de"]}}, START),
        ({"data": {"name": ["A"], "email": ["a@x.de", "b@x.de"]}}, START),
        ({"data": {"email": ["a@x.de", "b@x.de"], "name": ["A", "B"]}}, START),
        ({"data": {"name": ["A", "B"]}}, START),
        ({"type": RENAMED}, START),
        ({"ids": ["a", ""]}, START),
        ({"ids": ["a", "x" * 129]}, START),
        ({"time": f"9{TIME[1:]}"}, START),
        ({"first": 0}, START),
        ({"first": 10**12 - 1}, START),
        ({}, PLACE._replace(number=10**12 - 2)),
    ],
)
def test_what_is_not_plainly_an_event_has_no_lines(changes: dict[str, Any], before: Position) -> None:
    assert cast_alike(SHARED, alike(["A", "B"]), before._replace(number=0))
    assert cast_alike(SHARED, alike(["A", "B"])._replace(**changes), before) is None


def test_highest_numbers_are_lines() -> None:
    for many, before in (
        (alike(["A", "B"], first=10**12 - 2), START),
        (alike(["A", "B"]), PLACE._replace(number=10**12 - 3)),
    ):
        assert cast_alike(SHARED, many, before) == one_by_one(SHARED, many, before)


def test_line_that_would_be_too_long_has_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    many = alike(["A", "B" * 9])
    longest = max(map(len, one_by_one(SHARED, many, START)))
    monkeypatch.setattr("evcli.log.alike.MAX_LINE", longest)
    assert longest < MAX_LINE
    assert cast_alike(SHARED, many, START)
    monkeypatch.setattr("evcli.log.alike.MAX_LINE", longest - 1)
    assert cast_alike(SHARED, many, START) is None


def test_first_line_is_read_as_a_reader_would() -> None:
    with pytest.raises(BadLine, match="source"):
        cast_alike(SHARED._replace(source="/other"), alike(["A", "B"]), PLACE)
