"""Any bytes as a log: never a traceback, never a wrong event, never a byte changed that is not an unfinished tail."""

from pathlib import Path

import pytest
from cli.support import contents
from conftest import Cli
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.logs import reading

from evcli.errors import Damaged, EvcliError, NothingToRepair
from evcli.log.file.engine import FileLog
from evcli.log.line import FIRST_BYTES
from evcli.register.past import Past
from evcli.register.repair import repair
from evcli.register.verify import Report, audit
from faults.casebook import chain, forged, no_traceback
from faults.common import as_lines

BATCHES = {4: "4-6", 5: "4-6", 6: "4-6", 9: "9-10", 10: "9-10"}
TEN = chain(10, BATCHES)
LOG = b"".join(TEN)
BOBS = b"".join(chain(10, authid="bob"))

quick = settings(
    deadline=None, max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

pieces = st.one_of(
    st.sampled_from(TEN),
    st.sampled_from(chain(10, authid="bob")),
    st.sampled_from(
        [b"\n", b"\0", bytes(512), bytes(1500), b'{"', FIRST_BYTES, b"\r\n", b"\xef\xbb\xbf", b"\xff", b"}\n"]
    ),
    st.binary(max_size=40),
)
edits = st.lists(st.tuples(st.integers(0, len(LOG)), st.integers(0, 800), pieces), min_size=1, max_size=3)


def edited(changes: list[tuple[int, int, bytes]]) -> bytes:
    content = LOG
    for at, length, new in changes:
        content = content[:at] + new + content[at + length :]
    return content


files = st.one_of(
    st.binary(max_size=600),
    st.lists(pieces, max_size=8).map(b"".join),
    edits.map(edited),
    st.tuples(st.integers(0, 10), st.lists(pieces, max_size=3)).map(lambda row: b"".join([*TEN[: row[0]], *row[1]])),
)


def put(log: Path, content: bytes) -> None:
    for path in log.parent.glob(log.name + "*"):
        path.unlink()
    log.write_bytes(content)
    log.chmod(0o600)


def judged(log: Path) -> Report | None:
    """What an audit says; None where the file cannot be read as a log at all."""
    try:
        with reading(log) as reader:
            report = audit(reader)
            if report.status != "damaged":
                forward = list(reader.events())
                assert list(reader.events_backward(reader.at)) == forward[::-1]
                assert reader.log.head() == reader.at
            return report
    except Damaged:
        return None


def check_reader(log: Path, content: bytes) -> None:
    """A reader gives only events that were written once, says truly how the log ends, and changes nothing."""
    put(log, content)
    report = judged(log)
    assert log.read_bytes() == content, "a reader wrote"
    if report is None:
        event("not read at all")
        return
    event(report.status)
    good = as_lines(content, report.head.place)
    assert good.count(b"\n") == report.head.number
    # The events are made by two chains only, so each good beginning must be one of theirs.
    assert LOG.startswith(good) or BOBS.startswith(good), "an event was read that never was"
    if report.status == "torn":
        assert report.head.place - report.is_unterminated + report.torn == len(content)
    if report.status == "good":
        assert good == as_lines(content)


@quick
@given(content=files)
def test_a_reader_of_any_bytes_reads_only_events_of_a_whole_chain(log_path: Path, content: bytes) -> None:
    check_reader(log_path, content)


@pytest.mark.sweep
@settings(quick, max_examples=5_000, derandomize=False)
@given(content=files)
def test_any_bytes_are_tried_for_longer(log_path: Path, content: bytes) -> None:
    check_reader(log_path, content)


@quick
@given(content=files)
def test_a_writer_cuts_from_any_file_only_what_it_keeps_a_copy_of(log_path: Path, content: bytes) -> None:
    put(log_path, content)
    report = judged(log_path)
    before = contents(log_path.parent)
    try:
        with FileLog(str(log_path)).locked(0, may_create=False) as writer:
            place = writer.view.head()
            if report is None or report.status == "damaged":
                return  # a command that appends folds the log first, and meets the damage
            writer.append(forged(number=place.number + 1), place.number + 1)
    except EvcliError:
        assert contents(log_path.parent) == before
        assert report is None or report.status == "damaged", "a log that can be read cannot be written"
        return
    now = log_path.read_bytes()
    assert now[: place.place] == as_lines(content, place.place)
    copies = [path.read_bytes() for path in log_path.parent.glob("*.torn*")]
    rest = content[place.place - report.is_unterminated :]
    assert copies == ([rest] if rest else [])


@quick
@given(content=files)
def test_a_repair_of_any_file_leaves_a_good_log_or_refuses(log_path: Path, content: bytes) -> None:
    put(log_path, content)
    report = judged(log_path)
    refusal: EvcliError | None = None
    try:
        planned, copy = repair(Past(FileLog(str(log_path))), 0)
    except EvcliError as error:
        refusal = error
    if refusal:
        assert log_path.read_bytes() == content
        assert list(log_path.parent.iterdir()) == [log_path]
        is_good = report is not None and report.status in ("good", "torn")
        assert is_good == isinstance(refusal, NothingToRepair)
        return
    assert report is not None
    event("repaired")
    assert report.status == "damaged"
    assert Path(copy).read_bytes() == content
    now = log_path.read_bytes()
    assert LOG.startswith(now) or BOBS.startswith(now), "an event is kept that never was"
    batch_start = BATCHES.get(report.head.number, f"{report.head.number}-")
    assert planned.head.number >= min(report.head.number, int(batch_start.partition("-")[0]) - 1)
    after = judged(log_path)
    assert after is not None
    assert (after.status, after.head) == ("good", planned.head)


@settings(quick, max_examples=25)
@given(content=files)
def test_no_command_shows_a_traceback_whatever_the_file(cli: Cli, content: bytes) -> None:
    put(cli.log, content)
    for words in (
        ("verify",), ("log",), ("state", "--json"), ("user", "list"), ("show", "@-"), ("diff",), ("status",), ("head",),
        ("repair", "--dry-run"), ("user", "destroy", "1", "2", "--dry-run"), ("repair",), ("user", "destroy", "1", "2"),
    ):  # fmt: skip
        ran = cli(*words)
        no_traceback(ran)
        assert ran.code in (0, 1, 2, 12, 14), (words, ran.code, ran.err)
