"""A record in the order in which things happened to it."""

from typing import cast

from evcli.domain.event import Event
from evcli.domain.timeline import happenings, record_as_of
from evcli.kinds import KINDS

USER = KINDS["user"]
ALWAYS = "9999"


def event(number: int, time: str, verb: str, **data: str) -> Event:
    made = {
        "type": USER.verbs[verb].name, "subject": "user/3", "time": time, "sequence": f"{number:012}", "data": data,
    }  # fmt: skip
    return cast(Event, made)


CREATED = event(1, "2020", "create", name="Ada", email="a@x.org")


def order(*events: Event) -> list[int]:
    return [int(each["sequence"]) for each, _, _ in happenings(USER, events, ALWAYS)]


def test_events_happen_in_the_order_of_their_times_and_those_of_one_time_in_the_order_of_their_numbers() -> None:
    late, same = event(3, "2021", "rename", name="B"), event(4, "2022", "rename", name="C")
    assert order(same, event(2, "2022", "rename", name="D"), late, CREATED) == [1, 3, 2, 4]


def test_record_as_of_a_time_includes_what_happened_at_that_time_and_nothing_later() -> None:
    events = [CREATED, event(2, "2023", "rename", name="B"), event(3, "2022", "rename", name="C", reason="why")]
    found = [record_as_of(USER, events, until) for until in ("2019", "2020", "2022", "2023")]
    assert [record and (record.id, record.name, record.changed) for record in found] == [
        None, (3, "Ada", 1), (3, "C", 3), (3, "B", 2),
    ]  # fmt: skip


def test_event_that_does_not_fit_where_it_happened_waits_until_it_can_happen() -> None:
    early, back = event(2, "2019", "destroy"), event(3, "2019", "restore")
    assert order(CREATED, early, back) == [1, 2, 3]
    assert order(CREATED, event(2, "2023", "destroy"), event(3, "2022", "restore")) == [1, 2, 3]
    assert record_as_of(USER, [CREATED, early], "2019") is None
    assert record_as_of(USER, [CREATED, early], "2020").destroyed == 2


def test_event_that_can_never_happen_leaves_the_others_as_they_are() -> None:
    assert order(event(2, "2019", "restore"), CREATED, event(3, "2021", "rename", name="B")) == [1, 3]
