"""The format's test vectors: what must be read in each file, and what must be said of what is wrong in it."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.events import creation, lines_of
from support.logs import reading, split
from support.registers import create, register_at
from support.users import CREATED, RESTORED, USER

from evcli.domain.event import Event
from evcli.domain.state import MemoryState, State
from evcli.errors import Damaged, NewerLog, NothingToRepair
from evcli.log.file.engine import FileLog
from evcli.log.line import hash_of
from evcli.log.replay import replay
from evcli.register.past import Past
from evcli.register.repair import repair
from evcli.register.verify import Report, audit

VECTORS = Path(__file__).parent.parent / "vectors"
EXPECTED: dict[str, dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))

SAID = {
    # the word of expected.json: what our message says (any of these)
    "hash": ("this line is not what was written (expected sha256 ",),
    "sequence or hash": ("lines were removed, repeated or moved", "this line is not what was written"),
    "not canonical": ("not in canonical form: ",),
    "zeros before good lines": ("zero bytes replace an event, before good lines",),
    "not an event": ("not an event: ",),
    "not an event, nor the beginning of one": ("not an event: ", "not in canonical form: "),
    "in the middle of batch 4-9, but not part of it": ("it is in the middle of batch 4-9, but not part of it",),
    "batch: not FIRST-LAST with FIRST < LAST": ('batch "4-4" is not FIRST-LAST with FIRST < LAST',),
    "id of event 2 again (verify)": ("is not unique in the log",),
    "two lines continue event 10": ("lines were removed, repeated or moved",),
    "data: not in order": ("data: not in the order name, reason",),
    "rule: already destroyed": ("breaks a rule: ", "is already destroyed"),
    "rule: e-mail taken": ("breaks a rule: ", "is taken by user"),
    "rule: id is not the next one": ("breaks a rule: ", "is not the next one"),
    "unknown type": ("event type ", "is not supported by this version"),
    "unknown member": ("member ", "is not supported by this version"),
    "data: unknown field": ("data: unknown field ",),
    "recorded moment goes back": ("its recorded moment ", " goes back"),
}
ALL_OF_THEM = {
    "rule: already destroyed",
    "rule: e-mail taken",
    "rule: id is not the next one",
    "recorded moment goes back",
}


def named(status: str) -> list[str]:
    return [name for name, what in EXPECTED.items() if what["status"] == status]


def live(state: State) -> list[dict[str, Any]]:
    return [
        {"id": user.id, "name": user.name, "email": user.email}
        for user in state.records(USER)
        if user.destroyed is None
    ]


def says(message: str, why: str) -> bool:
    fits: Callable[[Iterable[bool]], bool] = all if why in ALL_OF_THEM else any
    return fits(fragment in message for fragment in SAID[why])


def audited(path: Path) -> Report:
    with reading(path) as reader:
        return audit(reader)


def past(name: str) -> Past:
    """The moments of a vector."""
    return Past(FileLog(str(VECTORS / name)))


def test_every_vector_is_described_and_every_reason_has_its_words() -> None:
    assert {path.name for path in VECTORS.glob("*.jsonl")} == set(EXPECTED)
    assert {what["why"] for what in EXPECTED.values() if "why" in what} == set(SAID)


@pytest.mark.parametrize("name", EXPECTED)
def test_verify_gives_each_vector_its_status_and_changes_nothing(name: str, log_path: Path) -> None:
    what = EXPECTED[name]
    shutil.copyfile(VECTORS / name, log_path)
    report = audited(log_path)
    assert report.status == what["status"], f"{name}: {report.faults}"
    assert (report.error is None) == (what["status"] in ("good", "torn"))
    assert bool(report.faults) == (what["status"] == "damaged")
    assert report.torn == what.get("torn_bytes", 0)
    assert report.is_unterminated == (what.get("unterminated", False) or name == "newer-type-no-newline.jsonl")
    assert report.head.number == what.get("events", report.head.number)
    assert report.head.head == what.get("head", report.head.head)
    assert log_path.read_bytes() == (VECTORS / name).read_bytes()
    assert os.listdir(log_path.parent) == [log_path.name]


@pytest.mark.parametrize("name", named("newer"))
def test_a_newer_vector_answers_only_for_moments_before_it(name: str) -> None:
    what = EXPECTED[name]
    assert past(name).at(what["events"]).number == what["events"]
    with pytest.raises(NewerLog) as newer:
        past(name).at()
    assert (newer.value.line, newer.value.exit) == (what["line"], 17)
    assert says(newer.value.why, what["why"]), newer.value.why


@pytest.mark.parametrize("name", named("damaged"))
def test_a_damaged_vector_is_refused_naming_line_byte_and_why(name: str) -> None:
    what = EXPECTED[name]
    byte = len(b"".join(split(VECTORS / name)[: what["line"] - 1]))
    report = audited(VECTORS / name)
    if name != "bad-id-twice.jsonl":  # which only verify looks for
        with pytest.raises(Damaged) as damage:
            past(name).at()
        assert (damage.value.line, damage.value.byte, damage.value.exit) == (what["line"], byte, 12)
        assert f"line {what['line']}, byte {byte}: " in damage.value.message
        assert report.faults[0].message == damage.value.why, "verify says something else"
    assert report.faults[0][:2] == (what["line"], byte)
    assert says(report.faults[0].message, what["why"]), f"{what['why']} is reported as: {report.faults[0].message}"
    assert report.head.number == what["line"] - 1
    assert [past(name).at(number).number for number in range(what["line"])] == list(range(what["line"]))


@pytest.mark.parametrize("name", EXPECTED)
def test_repair_keeps_what_the_hashes_prove_of_a_vector(name: str, log_path: Path) -> None:
    what = EXPECTED[name]
    shutil.copy(VECTORS / name, log_path)
    before = log_path.read_bytes()
    refusal = {"good": NothingToRepair, "torn": NothingToRepair, "newer": NewerLog}.get(what["status"])
    if what.get("repair") == "refused":
        refusal = Damaged
    if refusal:
        with pytest.raises(refusal):
            repair(Past(FileLog(str(log_path))), 0)
        assert log_path.read_bytes() == before
        assert os.listdir(log_path.parent) == [log_path.name]
        return
    _, copy = repair(Past(FileLog(str(log_path))), 0)
    assert Path(copy).read_bytes() == before
    report = audited(log_path)
    assert (report.status, report.head.number) == ("good", what["repaired_events"])
    if report.head.number == 10:
        assert log_path.read_bytes() == (VECTORS / "ten.jsonl").read_bytes()


@pytest.mark.parametrize("name", named("damaged"))
def test_a_fault_is_reported_once_and_not_for_each_later_line(name: str) -> None:
    faults = audited(VECTORS / name).faults
    if name == "bad-crlf.jsonl":
        assert [fault.line for fault in faults] == list(range(1, 11)), "every line has the fault itself"
    elif name == "bad-swapped.jsonl":
        assert [fault.line for fault in faults] == [6, 7, 8], "each of the three joints is broken"
    elif name in ("bad-line-twice.jsonl", "bad-batch-line-twice.jsonl", "bad-fork.jsonl"):
        assert len(faults) <= 2, f"{name}: {faults}"
    else:
        assert len(faults) == 1, f"{name}: {faults}"


def with_ids(ids: Sequence[str]) -> list[bytes]:
    """The lines of events with these ids, which no reader of lines compares."""
    return lines_of(creation(number, id=id) for number, id in enumerate(ids, 1))


REPEATED: dict[str, tuple[list[str], int | None, list[int], list[int]]] = {
    # the ids, the line after which there is garbage, and the lines of the faults: of an id, and of the garbage
    "the first again": (["one", "two", "one"], None, [3], []),
    "none again": (["one", "two", "six"], None, [], []),
    "the second again": (["one", "two", "two"], None, [3], []),
    "again, and then garbage": (["one", "one", "one"], 3, [2, 3], [4]),
    "garbage, and then again": (["one", "one", "one"], 1, [], [2]),
}


@pytest.mark.parametrize("hashed", [hash, len], ids=["by hash", "by length"])
@pytest.mark.parametrize("name", REPEATED)
def test_an_id_is_a_fault_only_of_an_event_that_repeats_it(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, hashed: Callable[[str], int]
) -> None:
    ids, garbage, repeated, bad = REPEATED[name]
    monkeypatch.setattr("evcli.register.verify.hash", hashed, raising=False)
    lines = with_ids(ids)
    if garbage:
        lines.insert(garbage, b"garbage\n")
    log_path.write_bytes(b"".join(lines))
    report = audited(log_path)
    faults = sorted(repeated + bad)
    assert report.status == ("damaged" if faults else "good")
    assert [fault[:2] for fault in report.faults] == [(line, len(b"".join(lines[: line - 1]))) for line in faults]
    assert [fault.message for fault in report.faults if "unique" in fault.message] == [
        f"id {ids[line - 1]} is not unique in the log" for line in repeated
    ]
    if faults:
        assert isinstance(report.error, Damaged)
        assert (report.error.line, report.error.byte) == report.faults[0][:2]
        assert report.head.number == faults[0] - 1


def chained(*events: tuple[str, str, int]) -> list[bytes]:
    """The lines of events given by id, type and user, with a good chain, whether the rules accept them or not."""
    members = [
        creation(number, id=id, type=type, subject=f"user/{user}") for number, (id, type, user) in enumerate(events, 1)
    ]
    return lines_of({**each, "data": each["data"] if each["type"] == CREATED else {}} for each in members)


def test_ids_are_compared_only_up_to_an_event_that_breaks_a_rule(log_path: Path) -> None:
    lines = chained(("one", CREATED, 1), ("one", CREATED, 2), ("one", RESTORED, 2), ("one", CREATED, 3))
    log_path.write_bytes(b"".join(lines))
    report = audited(log_path)
    assert [(fault.line, fault.byte) for fault in report.faults] == [(2, len(lines[0])), (3, len(lines[0] + lines[1]))]
    assert ["unique" in fault.message for fault in report.faults] == [True, False]


def test_a_replay_shows_accepted_events_and_where_their_lines_begin(log_path: Path) -> None:
    lines = chained(("one", CREATED, 1), ("two", CREATED, 2), ("three", RESTORED, 2), ("four", CREATED, 3))
    log_path.write_bytes(b"".join(lines))
    shown: list[tuple[str, int]] = []

    def show(events: Sequence[Event], offsets: Sequence[int]) -> None:
        shown.extend((event["id"], offset) for event, offset in zip(events, offsets, strict=False))

    with reading(log_path) as reader, pytest.raises(Damaged):
        replay(reader, MemoryState(), each=show)
    assert shown == [("one", 0), ("two", len(lines[0]))]


@pytest.mark.parametrize("end", [b"", b"garbage\n"])
def test_only_the_first_hundred_repeated_ids_are_listed(log_path: Path, end: bytes) -> None:
    log_path.write_bytes(b"".join(with_ids(["one"] * 159)) + end)
    report = audited(log_path)
    assert [fault.line for fault in report.faults] == list(range(2, 102))
    assert report.head.number == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_head_that_is_not_on_the_chain_is_a_fault_of_its_event(log_path: Path, number: int) -> None:
    lines = with_ids(["one", "two", "three"])
    log_path.write_bytes(b"".join(lines))
    with reading(log_path) as reader:
        report = audit(reader, (number, "f" * 64))
        assert audit(reader, (number, hash_of(lines[number - 1]).decode())).status == "good"
    assert [fault[:2] for fault in report.faults] == [(number, len(b"".join(lines[: number - 1])))]


@pytest.mark.parametrize("sequence", [b'"three"', b'"-00000000003"', b'""', b"3", b"null"])
def test_a_line_with_a_strange_number_does_not_end_the_audit(log_path: Path, sequence: bytes) -> None:
    good = b"".join(with_ids(["one", "two", "three"]))
    log_path.write_bytes(good.replace(b'"000000000002"', sequence) + b"garbage\n")
    report = audited(log_path)
    assert report.status == "damaged"
    assert [fault.line for fault in report.faults][:1] == [2]
    assert [fault.line for fault in report.faults][-1:] == [4]


@pytest.mark.parametrize("name", [name for name in EXPECTED if "live" in EXPECTED[name]])
def test_the_users_of_a_vector_are_as_described_at_every_moment(name: str) -> None:
    what = EXPECTED[name]
    assert live(past(name).at()) == what["live"]
    for number, users in what.get("at", {}).items():
        assert live(past(name).at(int(number))) == users, f"at event {number}"


@pytest.mark.parametrize("name", [*named("torn"), *named("good")])
def test_a_torn_or_good_vector_answers_up_to_its_last_good_line(name: str) -> None:
    events = EXPECTED[name]["events"]
    assert past(name).at().number == events
    with reading(VECTORS / name) as reader:
        assert reader.log.head().number == events
        assert len(list(reader.events_backward(reader.log.head()))) == events


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "bad-id-twice.jsonl"])  # only verify sees that
def test_an_event_is_added_only_to_a_good_or_torn_vector(name: str, log_path: Path) -> None:
    what = EXPECTED[name]
    before = (VECTORS / name).read_bytes()
    log_path.write_bytes(before)
    if what["status"] in ("damaged", "newer"):
        with pytest.raises(Damaged if what["status"] == "damaged" else NewerLog):
            register_at(log_path).execute(create("New"))
        assert log_path.read_bytes() == before
        assert list(log_path.parent.glob("*torn*")) == []
        return
    register_at(log_path).execute(create("New"))
    good = before[: len(before) - what.get("torn_bytes", 0)]
    assert log_path.read_bytes().startswith(good)
    assert log_path.read_bytes().count(b"\n") == what["events"] + 1
    assert audited(log_path).status == "good"
