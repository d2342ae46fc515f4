"""The format's test vectors: what must be read in each file, and what must be said of what is wrong in it."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.logs import reading
from support.users import CREATED, RESTORED, USER

from evcli.domain.state import MemoryState, State
from evcli.errors import Damaged, NewerLog, NothingToRepair
from evcli.log import START
from evcli.log.file.engine import FileLog
from evcli.log.line import decode, encode, hash_of, place_after
from evcli.log.replay import replay
from evcli.register.decide import Intention
from evcli.register.past import Past
from evcli.register.register import Register
from evcli.register.repair import repair
from evcli.register.verify import audit

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


def log_of(name: str) -> FileLog:
    return FileLog(str(VECTORS / name))


def create_three(log_path: Path, ids: list[str]) -> None:
    """A log of three events with these ids, which a writer takes as they come: only named ones are looked up."""
    given = iter(ids)
    register = Register(
        FileLog(str(log_path)), actor="ann", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), new_id=lambda: next(given)
    )
    for name in ("ada", "bob", "dan"):
        data = {"name": name, "email": f"{name}@x.org"}
        register.execute(Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False))


def test_every_vector_is_described_and_every_description_has_its_vector() -> None:
    assert {path.name for path in VECTORS.glob("*.jsonl")} == set(EXPECTED)


def test_every_reason_in_the_descriptions_has_its_words() -> None:
    assert {what["why"] for what in EXPECTED.values() if "why" in what} == set(SAID)


@pytest.mark.parametrize("name", EXPECTED)
def test_verify_gives_each_vector_its_status(name: str) -> None:
    what = EXPECTED[name]
    with reading(log_of(name).name) as reader:
        report = audit(reader)
    assert report.status == what["status"], f"{name}: {report.faults}"
    assert (report.error is None) == (what["status"] in ("good", "torn"))
    assert bool(report.faults) == (what["status"] == "damaged")
    assert report.torn == what.get("torn_bytes", 0)
    assert report.is_unterminated == (what.get("unterminated", False) or name == "newer-type-no-newline.jsonl")
    if "events" in what:
        assert report.head.number == what["events"]
    if "head" in what:
        assert report.head.head == what["head"]


@pytest.mark.parametrize("name", named("newer"))
def test_a_newer_vector_answers_only_for_moments_before_it(name: str, register: Register) -> None:
    what = EXPECTED[name]
    with reading(log_of(name).name) as reader:
        assert Past(reader.log).at(what["events"]).number == what["events"]
        with pytest.raises(NewerLog) as newer:
            Past(reader.log).at()
    assert (newer.value.line, newer.value.exit) == (what["line"], 17)
    assert says(newer.value.why, what["why"]), newer.value.why


@pytest.mark.parametrize("name", named("damaged"))
def test_a_damaged_vector_is_refused_naming_line_and_byte_and_why(name: str, register: Register) -> None:
    what = EXPECTED[name]
    lines = (VECTORS / name).read_bytes().split(b"\n")
    byte = sum(len(line) + 1 for line in lines[: what["line"] - 1])
    with reading(log_of(name).name) as reader:
        report = audit(reader)
        if name != "bad-id-twice.jsonl":  # which only verify looks for
            with pytest.raises(Damaged) as damage:
                Past(reader.log).at()
            assert (damage.value.line, damage.value.byte, damage.value.exit) == (what["line"], byte, 12)
            assert f"line {what['line']}, byte {byte}: " in damage.value.message
            assert report.faults[0].message == damage.value.why, "verify says something else"
    assert report.faults[0][:2] == (what["line"], byte)
    assert says(report.faults[0].message, what["why"]), f"{what['why']} is told as: {report.faults[0].message}"
    assert report.head.number == what["line"] - 1


@pytest.mark.parametrize("name", EXPECTED)
def test_repair_keeps_what_the_hashes_prove_of_a_vector(name: str, log_path: Path) -> None:
    what = EXPECTED[name]
    shutil.copy(VECTORS / name, log_path)
    before = log_path.read_bytes()
    refusal = {"good": NothingToRepair, "torn": NothingToRepair, "newer": NewerLog}.get(what["status"])
    if what.get("repair") == "refused":
        refusal = Damaged
    past = Past(FileLog(str(log_path)))
    if refusal:
        with pytest.raises(refusal):
            repair(past, 0)
        assert log_path.read_bytes() == before
        assert os.listdir(log_path.parent) == [log_path.name]
        return
    _, copy = repair(past, 0)
    assert Path(copy).read_bytes() == before
    with reading(log_path) as reader:
        report = audit(reader)
    assert (report.status, report.head.number) == ("good", what["repaired_events"])
    ten = (VECTORS / "ten.jsonl").read_bytes().splitlines(keepends=True)
    if report.head.number == 10:
        assert log_path.read_bytes() == b"".join(ten)


@pytest.mark.parametrize("name", named("damaged"))
def test_one_fault_is_reported_once_not_for_every_line_that_follows(name: str) -> None:
    with reading(log_of(name).name) as reader:
        faults = audit(reader).faults
    if name == "bad-crlf.jsonl":
        assert [fault.line for fault in faults] == list(range(1, 11)), "every line has the fault itself"
    elif name == "bad-swapped.jsonl":
        assert [fault.line for fault in faults] == [6, 7, 8], "each of the three joints is broken"
    elif name in ("bad-line-twice.jsonl", "bad-batch-line-twice.jsonl", "bad-fork.jsonl"):
        assert len(faults) <= 2, f"{name}: {faults}"
    else:
        assert len(faults) == 1, f"{name}: {faults}"


def test_an_id_that_occurs_twice_is_a_fault_of_the_second_event_that_has_it(log_path: Path) -> None:
    create_three(log_path, ids=["one", "two", "one"])
    with reading(log_path) as reader:
        report = audit(reader)
    byte = log_path.read_bytes().rindex(b'{"specversion"')
    assert report.status == "damaged"
    assert report.faults == [(3, byte, "id one is not unique in the log")]


def test_ids_of_one_hash_are_only_a_fault_when_they_are_the_same(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evcli.register.verify.hash", len, raising=False)
    create_three(log_path, ids=["one", "two", "six"])
    with reading(log_path) as reader:
        assert audit(reader).status == "good"
    log_path.unlink()
    create_three(log_path, ids=["one", "two", "two"])
    with reading(log_path) as reader:
        assert [fault[::2] for fault in audit(reader).faults] == [(3, "id two is not unique in the log")]


def test_an_id_that_occurs_twice_is_named_before_a_bad_line_that_comes_later(log_path: Path) -> None:
    create_three(log_path, ids=["one", "one", "one"])
    good = log_path.read_bytes()
    start = good.index(b'{"specversion"', 1)
    log_path.write_bytes(good + b"garbage\n")
    with reading(log_path) as reader:
        report = audit(reader)
    assert [fault.line for fault in report.faults] == [2, 3, 4]
    assert report.head.number == 1
    assert (report.error.line, report.error.byte) == (2, start)  # type: ignore[union-attr]  # it is Damaged


def test_an_id_that_occurs_twice_after_a_bad_line_is_not_looked_for(log_path: Path) -> None:
    create_three(log_path, ids=["one", "one", "one"])
    first, second, third = log_path.read_bytes().splitlines(keepends=True)
    log_path.write_bytes(first + b"garbage\n" + second + third)
    with reading(log_path) as reader:
        assert [fault.line for fault in audit(reader).faults][:1] == [2]
        assert not any("unique" in fault.message for fault in audit(reader).faults)


def chained(*events: tuple[str, str, int]) -> list[bytes]:
    """The lines of events given by id, type and user, with a good chain, whether the rules accept them or not."""
    lines: list[bytes] = []
    place = START
    for number, (id, type, user) in enumerate(events, 1):
        data = {"name": "Ada", "email": f"{number}@x.org"} if type == CREATED else {}
        members = {
            "specversion": "1.0", "id": id, "source": "evcli", "type": type, "subject": f"user/{user}",
            "time": "2026-03-01T09:00:00.000000Z", "sequence": f"{number:012}", "authtype": "user", "authid": "ann",
            "data": data,
        }  # fmt: skip
        line = encode(members, place)
        place = place_after(decode(line, place), line, place.place + len(line))
        lines.append(line)
    return lines


def test_ids_are_compared_up_to_an_event_that_breaks_a_rule_and_no_further(log_path: Path) -> None:
    lines = chained(("one", CREATED, 1), ("one", CREATED, 2), ("one", RESTORED, 2), ("one", CREATED, 3))
    log_path.write_bytes(b"".join(lines))
    with reading(log_path) as reader:
        report = audit(reader)
    assert [(fault.line, fault.byte) for fault in report.faults] == [(2, len(lines[0])), (3, len(lines[0] + lines[1]))]
    assert ["unique" in fault.message for fault in report.faults] == [True, False]


def test_a_replay_shows_the_events_that_the_rules_accept_and_where_their_lines_begin(log_path: Path) -> None:
    lines = chained(("one", CREATED, 1), ("two", CREATED, 2), ("three", RESTORED, 2), ("four", CREATED, 3))
    log_path.write_bytes(b"".join(lines))
    shown: list[tuple[str, int]] = []
    with reading(log_path) as reader, pytest.raises(Damaged):
        replay(
            reader,
            MemoryState(),
            each=lambda events, offsets: shown.extend(
                (event["id"], offset) for event, offset in zip(events, offsets, strict=False)
            ),
        )
    assert shown == [("one", 0), ("two", len(lines[0]))]


@pytest.mark.parametrize("end", [b"", b"garbage\n"])
def test_of_very_many_repeated_ids_the_first_hundred_are_listed(log_path: Path, end: bytes) -> None:
    log_path.write_bytes(b"".join(chained(*(("one", CREATED, user) for user in range(1, 160)))) + end)
    with reading(log_path) as reader:
        report = audit(reader)
    assert [fault.line for fault in report.faults] == list(range(2, 102))
    assert report.head.number == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_head_that_is_not_on_the_chain_is_a_fault_where_its_event_begins(log_path: Path, number: int) -> None:
    create_three(log_path, ids=["one", "two", "three"])
    lines = log_path.read_bytes().splitlines(keepends=True)
    with reading(log_path) as reader:
        report = audit(reader, (number, "f" * 64))
        assert audit(reader, (number, hash_of(lines[number - 1]).decode())).status == "good"
    assert [fault[:2] for fault in report.faults] == [(number, len(b"".join(lines[: number - 1])))]


@pytest.mark.parametrize("sequence", [b'"three"', b'"-00000000003"', b'""', b"3", b"null"])
def test_a_line_that_is_numbered_strangely_is_one_fault_and_the_rest_is_still_looked_at(
    log_path: Path, sequence: bytes
) -> None:
    create_three(log_path, ids=["one", "two", "three"])
    good = log_path.read_bytes()
    log_path.write_bytes(good.replace(b'"000000000002"', sequence) + b"garbage\n")
    with reading(log_path) as reader:
        report = audit(reader)
    assert report.status == "damaged"
    assert [fault.line for fault in report.faults][:1] == [2]
    assert [fault.line for fault in report.faults][-1:] == [4]


@pytest.mark.parametrize("name", named("damaged"))
def test_before_its_fault_a_damaged_vector_still_answers(name: str, register: Register) -> None:
    line = EXPECTED[name]["line"]
    with reading(log_of(name).name) as reader:
        for number in range(line):
            assert Past(reader.log).at(number).number == number


@pytest.mark.parametrize("name", [name for name in EXPECTED if "live" in EXPECTED[name]])
def test_the_users_of_a_vector_are_as_described_now_and_at_every_moment(name: str, register: Register) -> None:
    what = EXPECTED[name]
    with reading(log_of(name).name) as reader:
        assert live(Past(reader.log).at()) == what["live"]
        for number, users in what.get("at", {}).items():
            assert live(Past(reader.log).at(int(number))) == users, f"at event {number}"


@pytest.mark.parametrize("name", [*named("torn"), *named("good")])
def test_a_torn_or_good_vector_answers_up_to_its_last_good_line(name: str, register: Register) -> None:
    with reading(log_of(name).name) as reader:
        assert Past(reader.log).at().number == EXPECTED[name]["events"]
        assert reader.log.head().number == EXPECTED[name]["events"]
        assert sum(1 for _ in reader.events_backward(reader.log.head())) == EXPECTED[name]["events"]


@pytest.mark.parametrize("name", EXPECTED)
def test_reading_a_vector_changes_no_byte_and_leaves_no_file(name: str, tmp_path: Path, register: Register) -> None:
    copy = tmp_path / name
    shutil.copyfile(VECTORS / name, copy)
    with reading(copy) as reader:
        audit(reader)
    assert copy.read_bytes() == (VECTORS / name).read_bytes()
    assert list(tmp_path.glob("*jsonl*")) == [copy]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_next_event_is_added_to_a_good_or_torn_vector_and_refused_by_a_damaged_one(
    name: str, log_path: Path, register: Register
) -> None:
    what = EXPECTED[name]
    before = (VECTORS / name).read_bytes()
    log_path.write_bytes(before)
    new = Intention(
        CREATED, {"name": "New", "email": "new@x.org"}, about=lambda state: state.last_id(USER) + 1, finds=False
    )
    if name == "bad-id-twice.jsonl":  # which only verify looks for
        return
    if what["status"] in ("damaged", "newer"):
        with pytest.raises(Damaged if what["status"] == "damaged" else NewerLog):
            register.execute(new)
        assert log_path.read_bytes() == before
        assert list(log_path.parent.glob("*torn*")) == []
        return
    register.execute(new)
    good = before[: len(before) - what.get("torn_bytes", 0)]
    assert log_path.read_bytes().startswith(good)
    assert log_path.read_bytes().count(b"\n") == what["events"] + 1
    with reading(log_path) as reader:
        assert audit(reader).status == "good"
