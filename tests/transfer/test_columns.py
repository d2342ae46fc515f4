"""Many rows at once lead to the same events, byte for byte, and to the same messages, as rows one by one."""

import csv
import os
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from conftest import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds.conftest import three_kinds
from support.users import KIND, USER

from evcli.domain import columns
from evcli.domain.overlay import Draft
from evcli.domain.state import MemoryState
from evcli.errors import BadInput, EvcliError, Refused
from evcli.kinds import KINDS
from evcli.log.memory import MemoryLog
from evcli.register import beginnings, decide
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.transfer import run, source
from evcli.transfer.happened import Bad, Happened, Recorded, Skipped
from evcli.transfer.run import Import
from evcli.transfer.source import opened
from evcli.transfer.wanted import Wanted

__all__ = ["three_kinds"]

NAMES = [
    "Ada", " Zoë ", "Zoe\u0308", "李明", 'The "Duke"', "back\\slash", "a, b", "'=x", "", "\u0301x", "می\u200cخواهم",
    "two\nlines", "x" * 201, "tab\t", "A-1", "B-2", "a-1", "A-\u0661",
]  # fmt: skip
EMAILS = [*(f"{name}{number}@x.de" for name in "aAb" for number in range(8)), " c@x.de", "no", "a@b.c\nd@e.f", "é@x.de"]

Cells = dict[str, str]
OTHERS: list[Cells] = [
    *({},) * 12, {"action": "create"}, {"action": "destroy"}, {"action": "rename"}, {"action": "change-email"},
    {"action": "restore"}, {"action": "retire"}, {"action": "dock"}, {"action": "nope"}, {"date": "2020-01-02"},
    {"reason": "why"}, {"destroyed": "2"}, {"retired": " "}, {"id": "1"},
]  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name and content of an input; most rows are good, so that not every import stops at once."""
    good = draw(st.sampled_from([5, 40, 40, 1000]))
    rows = []
    for at in range(draw(st.integers(0, 25))):
        row = {"name": f"N {at}", "email": f"n{at}@x.de", "frame": f"N-{at}", "model": "M", "title": f"T {at}"}
        if draw(st.integers(0, good)) == 0:
            name, email = draw(st.sampled_from(NAMES)), draw(st.sampled_from(EMAILS))
            row = {"name": name, "email": email, "frame": name, "model": email, "title": name, "station": name}
            row |= draw(st.sampled_from(OTHERS))
        rows.append(row)
    header = list(dict.fromkeys(name for row in rows for name in row)) or ["name", "email", "frame", "model", "title"]
    if draw(st.booleans()):
        return "in.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in rows)
    text = StringIO()
    csv.writer(text, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\n\n"]))).writerows(
        [header, *([row.get(name, "") for name in header] for row in rows)]
    )
    content = text.getvalue().encode()
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.sampled_from([b"\xff", b'"', b",", b"\n"])) + content[at:]
    return "in.csv", content


Step = tuple[str, bytes, str, bool, bool]
"""An import: the name and content of the file, the kind, and whether to skip what exists, and to write nothing."""

steps = st.tuples(files(), st.sampled_from(["user", "user", "bike", "entry"]), st.booleans(), st.booleans()).map(
    lambda drawn: (*drawn[0], *drawn[1:])
)


def in_words(happened: Happened) -> Any:
    """All that an import tells of a row or a batch."""
    if isinstance(happened, Bad | Skipped):
        error = happened.error if isinstance(happened, Bad) else happened.why
        return type(happened), happened.line, getattr(happened, "field", ""), type(error), error.__dict__
    return happened


def story(steps: list[Step], log: MemoryLog, folder: str) -> list[Any]:
    """What these imports into one log tell, by processes of their own; each is run twice."""
    told: list[Any] = []
    clock, counter = Clock(), iter(range(10**6))
    for at, (name, content, kind, skip_existing, is_rehearsal) in enumerate(step for step in steps for _ in "12"):
        register = Register(log, actor="ann", clock=clock, new_id=lambda: f"id-{next(counter)}")
        clock.advance(minutes=-3 if at % 4 == 2 else 10)
        path = os.path.join(folder, name)
        Path(path).write_bytes(content)
        with opened(path) as file:
            one = Import(register, file, Wanted(KINDS[kind], clock), skip_existing=skip_existing, lock_wait=0)
            try:
                for happened in one.rehearse() if is_rehearsal else one.record():
                    told.append(in_words(happened))
            except EvcliError as error:
                told.append((type(error), error.__dict__))
            told.append((one.already, one.skipped, one.events, one.first, one.last, one.line, one.rows))
            records = [list(register.state.records(each)) for each in KINDS]
            told.append((register.state.number, records, register.known))
            told.append([register.state.holder(USER, email.lower()) for email in EMAILS])
    return told


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces and batches, so that few rows have many edges."""
    monkeypatch.setattr(run, "AT_ONCE", 3)
    monkeypatch.setattr(run, "MAX_BATCH", 3000)
    monkeypatch.setattr(source, "CHUNK", 100)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps, min_size=1, max_size=3))
def test_rows_at_once_are_rows_one_by_one(small: None, three_kinds: None, steps: list[Step]) -> None:
    at_once, one_by_one = MemoryLog(), MemoryLog()
    with TemporaryDirectory() as folder:
        told = story(steps, at_once, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Wanted, "beginnings", lambda self, rows, ids: None)
            assert told == story(steps, one_by_one, folder)
    assert at_once.lines == one_by_one.lines


@pytest.mark.parametrize("kind", ["user", "bike", "entry"])
def test_plain_rows_are_not_looked_at_one_by_one(
    three_kinds: None, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this is plain")

    monkeypatch.setattr(Wanted, "intention", refuse)
    monkeypatch.setattr(beginnings, "write_down", refuse)
    monkeypatch.setattr(Intention, "__new__", refuse)
    rows = [
        {"name": "Zoë", "email": f"n{at}@x.de", "frame": f"N-{at}", "model": "李", "title": 'a "T"'} for at in range(9)
    ]
    content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    told = story([("in.jsonl", content, kind, False, False)], MemoryLog(), str(tmp_path))
    assert [happened.ids for happened in told if isinstance(happened, Recorded)] == [[*range(1, 10)]]


def rows_of(*names: str) -> bytes:
    return b"".join(orjson.dumps({"name": name, "email": f"n{at}@x.de"}) + b"\n" for at, name in enumerate(names))


def batches_of(told: list[Any]) -> list[int]:
    return [len(happened.ids) for happened in told if isinstance(happened, Recorded)]


def test_nothing_is_taken_after_a_bad_row_whoever_goes_on_asking(small: None, tmp_path: Path) -> None:
    content = b"name,email\nA,a@b\nB,b@b\n" + b'"C\nC",c@b\n' + b"".join(b"%c,%c@b\n" % (at, at) for at in b"DEFGHIJ")
    told = story([("in.csv", content, USER, False, False)], MemoryLog(), str(tmp_path))
    assert batches_of(told) == []


def test_row_longer_than_a_batch_may_be_gets_one_of_its_own(small: None, tmp_path: Path) -> None:
    content = rows_of("A", "B", "C" + " " * 4000, "D", "E")
    assert batches_of(story([("in.jsonl", content, USER, False, False)], MemoryLog(), str(tmp_path))) == [2, 1, 2]


@pytest.mark.parametrize(("spare", "batches"), [(0, [2, 2]), (-1, [1, 1, 1, 1])])
def test_batch_may_be_filled_to_the_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int, batches: list[int]
) -> None:
    row = len(orjson.dumps(("A", "n0@x.de", "", "", "", "")))
    frame = Register(MemoryLog(), actor="ann").frame + run.MEMBERS
    monkeypatch.setattr(run, "MAX_BATCH", 2 * (row + frame) + spare)
    told = story([("in.jsonl", rows_of(*"ABCD"), USER, False, False)], MemoryLog(), str(tmp_path))
    assert batches_of(told) == batches


def test_rule_of_a_kind_is_asked(three_kinds: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(*_: object) -> None:
        raise Refused("never")

    monkeypatch.setattr(KINDS["bike"].begins, "rule", rule)
    told = story([("in.csv", b"frame,model\nA-1,M\nA-2,M\n", "bike", False, False)], MemoryLog(), str(tmp_path))
    assert batches_of(told) == []


def test_records_begin_in_a_draft_as_in_memory() -> None:
    each, data = KIND.begins, {"name": ["A", "B"], "email": ["a@x.de", "B@x.de"]}
    states: list[MemoryState | Draft] = [MemoryState(), Draft(MemoryState())]
    for state in states:
        begun = columns.begun(state, each, data)
        assert begun is not None
        columns.settle(state, USER, begun)
        assert columns.begun(state, each, {"name": ["C"], "email": ["b@X.de"]}) is None
        assert [state.number, *state.records(USER)] == [2, *begun.records]


def test_batch_too_long_for_the_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = beginnings.Beginnings(KIND.begins, {"name": ["A", "B"], "email": ["a@x.de", "b@x.de"]}, ["1", "2"])
    for module in (beginnings, decide):
        monkeypatch.setattr(module, "MAX_BATCH", 500)
    log = MemoryLog()
    with pytest.raises(BadInput, match="a batch holds at most 500"):
        Register(log, actor="ann").execute(many=many)
    assert not log.lines
