"""For any history of lists: a sync ends with exactly the list, a second one does nothing, a crash changes neither."""

import csv
import os
from collections.abc import Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from conftest import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.users import KIND, USER

from evcli.domain.fields import key_of
from evcli.domain.refusals import Ambiguous
from evcli.log.memory import MemoryLog
from evcli.register.register import Register
from evcli.sync import reading, run
from evcli.sync.lists import opened
from evcli.sync.means import Means
from evcli.sync.plan import Reasons
from evcli.sync.run import Planned, Sync

REASONS = Reasons("on it", "not on it", "stands in")
NAMES = ["Ada", "ada", "Bo", "Cy", "Di", "Eve", "Fay"]
EMAILS = ["a@x.de", "A@x.de", "b@x.de", "c@x.de", "d@x.de", "e@x.de", "f@x.de"]

Person = tuple[str, str]


class Month(NamedTuple):
    """One list: how it is synced, who is on it, and after how many batches the first attempt is killed."""

    by: str
    people: list[Person]
    keeps: bool
    crash: int


def csv_of(people: Sequence[Sequence[object]], header: Sequence[str] = ("name", "email")) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([header, *people])
    return text.getvalue().encode()


def register_over(log: MemoryLog, clock: Clock) -> Register:
    counter = iter(range(10**6))
    return Register(log, actor="ann", clock=clock, new_id=lambda: f"{len(log.lines)}-{next(counter)}")


def synced(
    log: MemoryLog,
    path: str,
    content: bytes,
    *,
    by: str = "email",
    keeps: bool = False,
    batches: int | None = None,
    earlier: str | None = None,
) -> Planned:
    """Sync a list in a process of its own, which is killed after so many batches."""
    Path(path).write_bytes(content)
    with ExitStack() as lists:
        listed = lists.enter_context(opened(path))
        before = None if earlier is None else lists.enter_context(opened(earlier))
        register = register_over(log, Clock())
        one = Sync(register, listed, Means(KIND), REASONS, by=by, earlier=before, keeps=keeps, lock_wait=0)
        planned = one.plan(lambda name, note: None)
        if batches != 0 and not planned.bad:
            for done, _ in enumerate(one.write(planned, lists), 1):
                if done == batches:
                    break
    return planned


def live_in(log: MemoryLog) -> list[Any]:
    register = register_over(log, Clock())
    register.catch_up()
    return list(register.state.records(USER, live_only=True))


def people_in(log: MemoryLog) -> list[Person]:
    return sorted((user.name, user.email) for user in live_in(log))


@st.composite
def months(draw: st.DrawFn) -> Month:
    by = draw(st.sampled_from(["email", "name", "name"]))
    emails = draw(st.lists(st.sampled_from(EMAILS), unique_by=str.lower, min_size=1, max_size=6))
    unique_names = st.lists(st.sampled_from(NAMES), unique_by=str.casefold, min_size=len(emails), max_size=len(emails))
    any_names = st.lists(st.sampled_from(NAMES), min_size=len(emails), max_size=len(emails))
    names = draw(unique_names if by == "name" else any_names)
    return Month(by, list(zip(names, emails, strict=True)), draw(st.integers(0, 5)) == 0, draw(st.integers(0, 4)))


def is_ambiguous(users: list[Any], people: list[Person]) -> bool:
    """Whether several live users have a name that a list has, and none of them its e-mail, too."""
    return any(
        len(called := [user for user in users if user.name.casefold() == name.casefold()]) > 1
        and not any(key_of(user.email) == key_of(email) for user in called)
        for name, email in people
    )


def identities(users: list[Any], month: Month) -> dict[int, Person]:
    """Which users a list must keep, as whom."""

    def key(name: str, email: str) -> str:
        return key_of(email) if month.by == "email" else name.casefold()

    keys = {key(*person): person for person in month.people}
    found = [(user.id, keys[own]) for user in users if (own := key(user.name, user.email)) in keys]
    return dict(found) if len({person for _, person in found}) == len(found) else {}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of some two events, and rows that are looked at two at a time."""
    monkeypatch.setattr(run, "MAX_BATCH", 1200)
    monkeypatch.setattr(reading, "AT_ONCE", 2)


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(months(), min_size=1, max_size=4))
def test_any_history_of_lists_ends_with_exactly_the_last_one(small: None, history: list[Month]) -> None:
    whole, killed = MemoryLog(), MemoryLog()
    with TemporaryDirectory() as folder:
        for month in history:
            path, content = os.path.join(folder, "list.csv"), csv_of(month.people)
            before = live_in(whole)
            planned = synced(whole, path, content, by=month.by, keeps=month.keeps)
            if planned.bad:
                refused_rightly(planned, before, month)
                assert live_in(whole) == before
                continue
            kept = [] if not month.keeps else [user for user in before if user.id not in identities(before, month)]
            wanted = sorted([*month.people, *((user.name, user.email) for user in kept)])
            assert people_in(whole) == wanted
            now = {user.id: (user.name, user.email) for user in live_in(whole)}
            assert identities(before, month).items() <= now.items()
            assert not synced(whole, path, content, by=month.by, keeps=month.keeps).steps

            synced(killed, path, content, by=month.by, keeps=month.keeps, batches=month.crash)
            synced(killed, path, content, by=month.by, keeps=month.keeps)
            assert people_in(killed) == wanted


def refused_rightly(planned: Planned, before: list[Any], month: Month) -> None:
    """A list is refused only for a name that several have, or for an e-mail of somebody who is to be kept."""
    if any(isinstance(bad.error, Ambiguous) for bad in planned.bad):
        assert month.by == "name"
        assert is_ambiguous(before, month.people)
    else:
        taken = {key_of(user.email) for user in before if user.id not in identities(before, month)}
        assert month.keeps
        assert taken & {key_of(email) for _, email in month.people}


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_people_keep_their_ids_however_they_exchange_names_and_emails(small: None, data: st.DataObject) -> None:
    log, killed, size = MemoryLog(), MemoryLog(), 6
    by = data.draw(st.sampled_from(["id", "number"]))
    first = [(f"K{at}", f"N{at}", f"e{at}@x.de") for at in range(1, size + 1)]
    emails = data.draw(st.permutations([email for _, _, email in first]))
    names = data.draw(st.permutations([name for _, name, _ in first]))
    there = data.draw(st.lists(st.integers(1, size), unique=True, min_size=1))
    rows = [(str(id) if by == "id" else f"K{id}", names[id - 1], emails[id - 1]) for id in there]
    free = [email for at, email in enumerate(emails, 1) if at not in there][: data.draw(st.integers(0, 2))]
    rows += [("" if by == "id" else f"new {at}", f"new {at}", email) for at, email in enumerate(free)]
    content = csv_of(rows, (by, "name", "email"))
    is_synced = data.draw(st.booleans())
    with TemporaryDirectory() as folder:
        path, before = os.path.join(folder, "list.csv"), os.path.join(folder, "before.csv")
        for each in (log, killed):
            synced(each, before, csv_of(first, ("number", "name", "email")))
        if not is_synced:  # the register has these users from elsewhere
            Path(before).write_bytes(Path(before).read_bytes() + b"\n")
        words: dict[str, Any] = {"by": by, "earlier": None if by == "id" else before}
        synced(log, path, content, **words)
        synced(killed, path, content, batches=data.draw(st.integers(0, 5)), **words)
        synced(killed, path, content, **words)
        assert not synced(killed, path, content, **words).steps
    for each in (log, killed):
        now = {user.id: (user.name, user.email) for user in live_in(each)}
        assert {id: now[id] for id in there} == {
            id: (name, email) for id, (_, name, email) in zip(there, rows, strict=False)
        }
        assert sorted(now.values()) == sorted((name, email) for _, name, email in rows)
