"""REF -> event number: every form, in every zone, and the search for it, which must find what counting would find."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.errors import raising
from support.events import creation, lines_of
from support.logs import reading

from evcli.cli.hints import hint_for
from evcli.errors import BadRef
from evcli.log.line import timestamp
from evcli.log.members import MEMBERS
from evcli.log.reader import Reader
from evcli.register.refs import Moment, resolve
from evcli.register.times import read_time
from evcli.register.zone import unknown_zone

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

# Rules of time zones as POSIX writes them, so that the machine's own tables do not matter.
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"
KOLKATA = "IST-5:30"
KIRITIMATI = "<+14>-14"
SAO_PAULO_2018 = "<-03>3<-02>,M11.1.0/0,M2.3.0/0"  # clocks were set back from midnight to 23:00 of the same day


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def write(
    path: Path, moments: list[datetime], ids: list[str] | None = None, times: list[datetime] | None = None
) -> Path:
    """A log with an event recorded at each of the moments; `times` is when each happened, if that was before."""
    events = []
    for number, moment in enumerate(moments, 1):
        happened = times[number - 1] if times else moment
        members = creation(number, id=ids[number - 1] if ids else f"id-{number}", time=timestamp(happened))
        if happened != moment:
            members["recordedtime"] = timestamp(moment)
        events.append({name: members[name] for name, _ in MEMBERS if name in members})
    path.write_bytes(b"".join(lines_of(events)))
    return path


def zone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()


MOMENTS = [
    at("2026-03-01T09:00:00+00:00"),  # 1
    at("2026-03-01T23:59:59.999999+00:00"),  # 2
    at("2026-03-02T00:00:00+00:00"),  # 3
    at("2026-03-03T17:03:11+00:00"),  # 4
    at("2026-03-03T17:03:11.000001+00:00"),  # 5
    at("2026-03-03T17:03:11.999999+00:00"),  # 6
    at("2026-03-03T17:03:12+00:00"),  # 7
    at("2026-03-04T11:50:00+00:00"),  # 8
    at("2026-03-04T11:59:00+00:00"),  # 9
    at("2026-03-04T12:00:00+00:00"),  # 10
]


@pytest.fixture
def log(log_path: Path) -> Iterator[Reader]:
    """Ten events from 1 to 4 March 2026; it is noon, UTC, on the 4th."""
    with reading(write(log_path, MOMENTS)) as reader:
        yield reader


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.case(80)
@pytest.mark.parametrize(
    ("ref", "number"),
    [
        ("0", 0), ("1", 1), ("10", 10), ("007", 7), ("0000000000000000000003", 3), (" 4 ", 4), ("@", 10), ("@-", 9),
        ("@--", 8), ("@---", 7), ("@-5", 5), ("@-0", 10), ("@-10", 0), ("@----------", 0), ("-5", 5), ("-10", 0),
        ("@~2", 8), ("@~", 9), ("@~~", 8), ("HEAD", 10), ("HEAD~1", 9), ("HEAD~", 9), ("HEAD-3", 7),
        ("id:id-4", 4), ("id:id-10", 10),
    ],
)  # fmt: skip
def test_events_are_counted_from_the_beginning_or_from_now_or_named(log: Reader, ref: str, number: int) -> None:
    assert resolve(ref, log, NOW).number == number
    assert resolve(ref, log, NOW, beginning=True).number == number, "only a time has a beginning and an end"


def test_only_a_number_as_it_is_written_is_plain(log: Reader) -> None:
    assert resolve("4", log, NOW) == Moment(4, is_plain=True)
    for ref in ("@", "@-1", "-1", "id:id-4", "2026-03-02", "now"):
        assert not resolve(ref, log, NOW).is_plain, f"{ref} is not a number"


@pytest.mark.parametrize("ref", ["0", "@", "@-0", "-0", "2026-03-02", "now", "yesterday", "1 day ago"])
def test_every_moment_of_an_empty_log_is_the_empty_register(log_path: Path, ref: str) -> None:
    with reading(write(log_path, [])) as reader:
        assert resolve(ref, reader, NOW).number == 0


NUMBERS = "event numbers go from 0 (the empty register) to 10"
OUTSIDE = {
    # what no event is, and what is said of it
    **dict.fromkeys(["11", "999999999999", "1000000000000", "9" * 30, str(2**63), str(2**64)], NUMBERS),
    "2003": "for the year write 2003-12-31",
    **dict.fromkeys(
        ["@-11", "-11", "@-----------", "@-999999999999", "-9999999999999999999999"], "@-10 is the empty register"
    ),
}


@pytest.mark.case(80)
@pytest.mark.parametrize(("ref", "hint"), OUTSIDE.items())
def test_a_number_outside_the_log_is_refused_naming_the_head(log: Reader, ref: str, hint: str) -> None:
    why = "is before the beginning" if "-" in ref else f'"{ref}": there is no such event'
    with raising(BadRef, 2, f"{why}: the head is event 10") as refused:
        resolve(ref, log, NOW)
    assert refused.value.hint == hint


BAD = [
    "", " ", "\t", "@x", "@1", "@+1", "@-1x", "@-x", "@@", "--5", "- 5", "+5", "1_000", "1e3", "0x10", "1.0",
    "3-", "head", "tomorrow", "noon", "yesterday morning", "today 25:00", "today 9", "5 ago", "ago", "m ago",
    "-5m ago", "1.5h ago", "5 fortnights ago", "2026-13-01x", "2026-3-1", "20260301", "01.03.2026",
    "2026-3", "202603", "2026-13", "2026-Q5", "2026Q", "2026-q1", "HEAD~~x", "HEADS",
    "2026-03-01T", "2026-W10", "2026-03-01 9:00", "2026-03-01 09", "2026-03-01 09:00:00.1234567",
    "2026-03-01 09:00.5", "2026-03-01 09:00 CET", "2026-03-01 09:00+1", "2026-03-01 09:00+25:00", "2026-02-29",
    "2026-00-01", "2026-13-01", "2026-03-01 24:00", "2026-03-01 09:60", "2026-03-01 09:00:60", "0000-01-01",
    "id:", "event-1", "Now", "TODAY\x1b", "999999 years ago", "999999 weeks ago", "999999999999 s ago",
]  # fmt: skip


OTHER_DIGITS = ["٣", "３", "@-٣", "-٣", "٢٠٢٦-٠٣-٠١", "2026-03-0１", "٥ m ago", "today ٩:00", "²"]


@pytest.mark.case(80)
@pytest.mark.parametrize("ref", [*BAD, *OTHER_DIGITS])
def test_a_text_that_is_no_form_of_a_moment_is_refused(log: Reader, ref: str) -> None:
    with pytest.raises(BadRef) as refused:
        resolve(ref, log, NOW)
    assert refused.value.exit == 2
    assert hint_for(refused.value)
    assert refused.value.message.startswith(f'"{ref}"')
    assert ref != "٣" or "digits that are not ASCII; write 0 to 9" in refused.value.message


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("2026/11/26", "write 2026-11-26"), ("2026.1.6", "write 2026-01-06"), ("26.11.2026", "write 2026-11-26"),
        ("20261126", "there"), ("Nov 26 2026", "write 2026-11-26"), ("26 November 2026", "write 2026-11-26"),
        ("November 26, 2026", "write 2026-11-26"), ("11/12/2026", "the year, the month and the day"),
        ("monday", "3 days ago"), ("last week", "1 week ago"), ("tomorrow", "3 days ago"),
        ("Nov 2026", "write 2026-11"),
        ("26 Nov 12", "a moment is"), ("nov 26 nov", "a moment is"), ("2026 march", "write 2026-03"),
        ("Q1 2026", "write 2026-Q1"), ("2026/q4", "write 2026-Q4"), ("Q5 2026", "a moment is"),
        ("Q1 26", "a moment is"), ("2026 1 Q", "a moment is"),
        ("3 March", "the year, the month and the day"), ("Sept 30", "the year, the month and the day"),
        ("marketing 2026", "a moment is"), ("ma 3", "a moment is"), ("jan feb", "a moment is"),
        ("March", "a moment is"),
    ],
)  # fmt: skip
def test_a_time_in_another_order_is_answered_with_how_to_write_it(log: Reader, ref: str, hint: str) -> None:
    with pytest.raises(BadRef) as refused:
        resolve(ref, log, NOW)
    assert hint in (refused.value.hint if hint != "there" else refused.value.message)


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def named(log_path: Path) -> Iterator[Reader]:
    """Events with ids of which some begin alike; the eleventh is the beginning of the ten before it."""
    ids = [f"abc-{letter}" for letter in "0123456789"] + ["abc-", "xyz", 'q"\\é']
    with reading(write(log_path, [NOW] * len(ids), ids)) as reader:
        yield reader


@pytest.mark.parametrize(
    ("ref", "number"), [("id:abc-3", 4), ("id:x", 12), ("id:xyz", 12), ('id:q"', 13), ('id:q"\\é', 13), ("id:abc-", 11)]
)
def test_an_id_is_named_by_its_unique_beginning_or_in_full(named: Reader, ref: str, number: int) -> None:
    assert resolve(ref, named, NOW).number == number


def test_several_ids_that_begin_so_are_named(named: Reader) -> None:
    said = "several event ids start with that: 1 (abc-0), 2 (abc-1), 3 (abc-2)"
    with raising(BadRef, 2, said, hint="type more of the id"):
        resolve("id:ab", named, NOW)


@pytest.mark.parametrize("ref", ["id:nope", "id:ABC", "id:abc-00", "id: xyz", "id:\x1b", "id:\u202e", "id:\udcff"])
def test_an_id_that_no_event_has_is_refused(named: Reader, ref: str) -> None:
    with raising(BadRef, 2, "no event id starts with that"):
        resolve(ref, named, NOW)


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "end", "beginning"),
    [
        # what is written, the last event in it, the last event before it
        ("2026-02-28", 0, 0), ("2026-03-01", 2, 0), ("2026-03-02", 3, 2), ("2026-03-03", 7, 3), ("2026-03-04", 10, 7),
        ("today", 10, 7), ("yesterday", 7, 3), ("2026-03-01 09:00", 1, 0), ("2026-03-01 08:59", 0, 0),
        ("2026-03-01T09:00", 1, 0), ("2026-03-01T09:00Z", 1, 0), ("2026-03-01 09:00Z", 1, 0),
        ("2026-03-01 09:00 UTC", 1, 0), ("2026-03-01T10:00+01:00", 1, 0), ("2026-03-01T10:00+0100", 1, 0),
        ("2026-03-01T10:00+01", 1, 0), ("2026-03-01T04:00-05:00", 1, 0), ("2026-03-03T17:03:11.000000Z", 4, 3),
        ("2026-03-03T17:03:11,000001Z", 5, 4), ("2026-03-03T17:03:11.5Z", 5, 5), ("2026-03-03 17:03:11", 6, 3),
        ("2026-03-03 17:03:12", 7, 6), ("2026-03-03 17:03", 3, 3), ("2026-03-03 17:04", 7, 7),
        ("yesterday 17:03:11", 6, 3), ("yesterday 17:04", 7, 7), ("yesterdayT17:04", 7, 7), ("yesterday 9:00", 3, 3),
        ("today 00:00", 7, 7), ("today 11:50", 8, 7), ("now", 10, 9), ("0m ago", 10, 9), ("1m ago", 9, 8),
        ("1 min ago", 9, 8), ("60s ago", 9, 8), ("10m ago", 8, 7), ("10 minutes ago", 8, 7), ("11m ago", 7, 7),
        ("1h ago", 7, 7), ("1 hour ago", 7, 7), ("1d ago", 3, 3), ("2 days ago", 3, 3), ("3 days ago", 1, 1),
        ("1 week ago", 0, 0), ("1 month ago", 0, 0), ("2 years ago", 0, 0), ("  10   minutes  ago ", 8, 7),
        ("1999-12-31", 0, 0), ("0001-01-01", 0, 0), ("0001-01-02 00:00Z", 0, 0),
    ],
)  # fmt: skip
def test_a_time_is_its_last_event_or_at_its_beginning_the_one_before(
    log: Reader, ref: str, end: int, beginning: int
) -> None:
    assert resolve(ref, log, NOW).number == end
    assert resolve(ref, log, NOW, beginning=True).number == beginning


@pytest.mark.parametrize("ref", ["2026-03-05", "2026-03-04 12:01", "2099-01-01", "9999-12-31", "9999-12-31 23:59:59Z"])
def test_a_time_in_the_future_is_the_head_and_marked_as_future(log: Reader, ref: str) -> None:
    found = resolve(ref, log, NOW)
    assert (found.number, found.is_future, found.at) == (10, True, log.log.head())


def test_a_time_that_has_begun_is_not_the_future(log: Reader) -> None:
    for ref in ("2026-03-04", "today", "now", "2026-03-04 12:00", "yesterday"):
        assert not resolve(ref, log, NOW).is_future, ref


def test_a_time_copied_from_an_event_means_that_event(log: Reader) -> None:
    for number, moment in enumerate(MOMENTS, 1):
        assert resolve(timestamp(moment), log, NOW).number == number
        assert resolve(moment.isoformat(), log, NOW).number >= number


def test_an_event_counts_from_when_it_was_recorded(log_path: Path) -> None:
    recorded = [at("2026-03-01T09:00:00Z"), at("2026-03-03T09:00:00Z")]
    happened = [at("2026-03-01T09:00:00Z"), at("2026-02-01T09:00:00Z")]
    with reading(write(log_path, recorded, times=happened)) as reader:
        assert resolve("2026-03-02", reader, NOW).number == 1
        assert resolve("2026-03-03", reader, NOW).number == 2


@pytest.mark.parametrize(
    ("ref", "now", "then"),
    [
        ("1 month ago", "2026-03-31T12:00:00Z", "2026-02-28T12:00:00Z"),
        ("1 month ago", "2024-03-31T12:00:00Z", "2024-02-29T12:00:00Z"),
        ("3 months ago", "2026-03-04T12:00:00Z", "2025-12-04T12:00:00Z"),
        ("12 months ago", "2026-03-04T12:00:00Z", "2025-03-04T12:00:00Z"),
        ("1 year ago", "2024-02-29T12:00:00Z", "2023-02-28T12:00:00Z"),
        ("2y ago", "2026-03-04T12:00:00Z", "2024-03-04T12:00:00Z"),
        ("1w ago", "2026-03-04T12:00:00Z", "2026-02-25T12:00:00Z"),
        ("36h ago", "2026-03-04T12:00:00Z", "2026-03-03T00:00:00Z"),
    ],
)
def test_months_and_years_are_counted_back_by_the_calendar(ref: str, now: str, then: str) -> None:
    assert read_time(ref, at(now))[:2] == (at(then), at(then))


# --- zones ------------------------------------------------------------------------------------------------------------


@pytest.mark.case(79)
@pytest.mark.parametrize(
    ("name", "ref", "start", "end"),
    [
        ("UTC", "2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59.999999Z"),
        (BERLIN, "2026-03-01", "2026-02-28T23:00:00Z", "2026-03-01T22:59:59.999999Z"),
        (KOLKATA, "2026-03-01", "2026-02-28T18:30:00Z", "2026-03-01T18:29:59.999999Z"),
        (KIRITIMATI, "2026-03-01", "2026-02-28T10:00:00Z", "2026-03-01T09:59:59.999999Z"),
        (NEW_YORK, "2026-03-01", "2026-03-01T05:00:00Z", "2026-03-02T04:59:59.999999Z"),
        # a day of 23 hours and one of 25
        (BERLIN, "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z"),
        (BERLIN, "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59.999999Z"),
        (NEW_YORK, "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59.999999Z"),
        (NEW_YORK, "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59.999999Z"),
        # a day without midnight, and one with two last hours
        (SAO_PAULO_2018, "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999999Z"),
        (SAO_PAULO_2018, "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T02:59:59.999999Z"),
        # an hour that is twice: the second is meant
        (BERLIN, "2026-10-25 02:30", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"),
        (NEW_YORK, "2025-11-02 01:15:00", "2025-11-02T06:15:00Z", "2025-11-02T06:15:00.999999Z"),
        (NEW_YORK, "2025-11-02 01:15:00-04:00", "2025-11-02T05:15:00Z", "2025-11-02T05:15:00.999999Z"),
        # periods
        ("UTC", "2024-02", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999999Z"),
        (BERLIN, "2026-03", "2026-02-28T23:00:00Z", "2026-03-31T21:59:59.999999Z"),
        (BERLIN, "2024-Q1", "2023-12-31T23:00:00Z", "2024-03-31T21:59:59.999999Z"),
        ("UTC", "2024Q4", "2024-10-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("UTC", "2024-12", "2024-12-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("UTC", "9999-12", "9999-12-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        # written with a zone, the local one does not matter
        (NEW_YORK, "2026-03-01T10:00+01:00", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        (KIRITIMATI, "2026-03-01 09:00:00Z", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.999999Z"),
        (BERLIN, "today", "2026-03-03T23:00:00Z", "2026-03-04T22:59:59.999999Z"),
        (KIRITIMATI, "today", "2026-03-04T10:00:00Z", "2026-03-05T09:59:59.999999Z"),
        (BERLIN, "yesterday 17:00", "2026-03-03T16:00:00Z", "2026-03-03T16:00:00Z"),
        (KIRITIMATI, "yesterday 17:00", "2026-03-04T03:00:00Z", "2026-03-04T03:00:00Z"),
        (NEW_YORK, "10m ago", "2026-03-04T11:50:00Z", "2026-03-04T11:50:00Z"),
        (BERLIN, "1 year ago", "2025-03-04T12:00:00Z", "2025-03-04T12:00:00Z"),
        (BERLIN, "6 months ago", "2025-09-04T11:00:00Z", "2025-09-04T11:00:00Z"),  # 13:00 as now, in summer time
    ],
)
def test_a_time_without_a_zone_is_local_and_so_is_the_length_of_a_day(
    monkeypatch: pytest.MonkeyPatch, name: str, ref: str, start: str, end: str
) -> None:
    zone(monkeypatch, name)
    span = read_time(ref, NOW)
    assert (timestamp(span.start), timestamp(span.end)) == (timestamp(at(start)), timestamp(at(end)))


@pytest.mark.parametrize("name", ["UTC", KIRITIMATI, NEW_YORK, BERLIN])
@pytest.mark.parametrize("ref", ["0001-01-01", "9999-12-31", "0001-01-01 00:00", "9999-12-31 23:59:59.999999"])
def test_the_first_and_the_last_day_can_be_named_in_every_zone(
    log: Reader, monkeypatch: pytest.MonkeyPatch, name: str, ref: str
) -> None:
    zone(monkeypatch, name)
    assert resolve(ref, log, NOW).number == (0 if ref.startswith("0001") else 10)


@pytest.mark.parametrize(
    ("name", "ref", "earlier"),
    [
        (NEW_YORK, "2025-11-02 01:15", "2025-11-02T05:15:00Z"),
        (NEW_YORK, "2025-11-02 02:00", None),
        (NEW_YORK, "2025-11-02 00:59", None),
        (NEW_YORK, "2025-11-02 01:15-05:00", None),
        (BERLIN, "2026-03-29 03:00", None),
        (BERLIN, "2026-03-29 01:59", None),
        (SAO_PAULO_2018, "2018-02-17", None),
    ],
)
def test_a_local_time_that_the_clock_showed_twice_says_when_it_was_first(
    monkeypatch: pytest.MonkeyPatch, name: str, ref: str, earlier: str | None
) -> None:
    zone(monkeypatch, name)
    assert read_time(ref, NOW).earlier == (at(earlier) if earlier else None)


@pytest.mark.parametrize(
    ("name", "ref", "last", "next"),
    [
        (BERLIN, "2026-03-29 02:30", "2026-03-29 01:59:59+01:00", "2026-03-29 03:00:00+02:00"),
        (BERLIN, "2026-03-29 02:00", "2026-03-29 01:59:59+01:00", "2026-03-29 03:00:00+02:00"),
        (BERLIN, "2026-03-29 02:59:59", "2026-03-29 01:59:59+01:00", "2026-03-29 03:00:00+02:00"),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08 01:59:59-05:00", "2026-03-08 03:00:00-04:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-29 23:59:59-10:00", "2011-12-31 00:00:00+14:00"),
    ],
)
def test_a_local_time_that_the_clock_never_showed_is_refused(
    log: Reader, monkeypatch: pytest.MonkeyPatch, name: str, ref: str, last: str, next: str
) -> None:
    zone(monkeypatch, name)
    if unknown_zone():
        pytest.skip(f"this machine has no table for {name}")
    with raising(BadRef, 2, f'"{ref}" never was: the clock went from {last} to {next}'):
        resolve(ref, log, NOW)


@pytest.mark.parametrize("name", ["Moon/Base", ":Moon/Base", "Europe", "MEZ", "/nowhere"])
@pytest.mark.parametrize("ref", ["2026-03-01", "2026-03-01 09:00", "today", "yesterday 9:00", "2026-03", "1 month ago"])
def test_in_an_unknown_zone_a_local_time_is_refused(
    log: Reader, monkeypatch: pytest.MonkeyPatch, name: str, ref: str
) -> None:
    zone(monkeypatch, name)
    said = f'is a local time, but the zone "{name.removeprefix(":")}" (TZ) is not known here'
    with raising(BadRef, 2, said):
        resolve(ref, log, NOW)
    for exact in ("2026-03-01 09:00Z", "10m ago", "now", "3"):
        resolve(exact, log, NOW)


@pytest.mark.parametrize("name", ["", "UTC", "UTC0", ":UTC", "GMT", BERLIN, NEW_YORK, KIRITIMATI, KOLKATA, "CET-1"])
def test_a_zone_that_is_written_out_is_known(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    zone(monkeypatch, name)
    assert unknown_zone() is None


def test_now_and_today_are_the_head_where_it_was_recorded_by_a_clock_that_was_ahead(log_path: Path) -> None:
    ahead = NOW + timedelta(hours=20)
    with reading(write(log_path, [NOW, ahead])) as reader:
        for ref in ("now", "today", "@", "2026-03-06"):
            assert resolve(ref, reader, NOW).number == 2, ref
        assert resolve("now", reader, NOW, beginning=True).number == 2
        assert resolve("today", reader, NOW, beginning=True).number == 0
        assert resolve("2026-03-04", reader, NOW).number == 1
        assert not resolve("2026-03-04 13:00", reader, NOW).is_future, "an event after it is known"
        assert resolve("2026-03-06", reader, NOW).is_future


# --- the search -------------------------------------------------------------------------------------------------------

steps = st.lists(st.integers(0, 3), max_size=40)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(steps=steps, question=st.integers(-2, 125))
def test_the_search_finds_what_counting_finds(
    steps: list[int], question: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moments, moment = [], at("2026-03-01T00:00:00Z")
    for step in steps:  # several events may be recorded at one moment
        moment += timedelta(microseconds=step)
        moments.append(moment)
    asked = at("2026-03-01T00:00:00Z") + timedelta(microseconds=question)
    path = write(tmp_path_factory.mktemp("search") / "log", moments)
    with reading(path) as reader:
        assert resolve(timestamp(asked), reader, NOW).number == sum(moment <= asked for moment in moments)
        assert resolve(timestamp(asked), reader, NOW, beginning=True).number == sum(
            moment < asked for moment in moments
        )
        for number in range(len(moments) + 1):
            assert reader.position_of(number).number == number
