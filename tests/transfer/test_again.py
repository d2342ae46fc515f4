"""A list that is imported again: which rows are done, which do not stand any more, and how all are recorded anew."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Clock
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, KIND, RENAMED, RESTORED, USER

from evcli.log.memory import MemoryLog
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.transfer import run, source, undone
from evcli.transfer.before import Before
from evcli.transfer.happened import Bad, Happened, Skipped, Undone
from evcli.transfer.places import Place
from evcli.transfer.run import Import
from evcli.transfer.source import opened
from evcli.transfer.wanted import Wanted


class Lists:
    """Imports of lists into one log, each by a process of its own, and what others do meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.log = MemoryLog()
        self._path = folder / "in.csv"

    def load(
        self,
        *rows: str,
        batches: int | None = None,
        meanwhile: Callable[[], None] | None = None,
        rehearses: bool = False,
        **options: Any,
    ) -> list[Happened]:
        """What an import of these rows tells: `Ada` begins a user, `Ada destroy` ends her.

        After so many batches it is killed, unless something happens meanwhile.
        """
        cells = [(*row.split(), "")[:2] for row in rows]
        self._path.write_text("name,email,action\n" + "".join(f"{who},{who}@x.de,{action}\n" for who, action in cells))
        register = Register(self.log, actor="ann", clock=Clock())
        with opened(str(self._path)) as file:
            self.last = Import(register, file, Wanted(KIND, Clock()), lock_wait=0, **options)
            telling = self.last.rehearse() if rehearses else self.last.record()
            told = list(islice(telling, batches))
            if meanwhile is not None:
                meanwhile()
                told += telling
            return told

    def other(self, type: str, id: int, **data: str) -> None:
        """Somebody else's event."""
        finds = type != CREATED
        Register(self.log, actor="bob", clock=Clock()).execute(Intention(type, data, lambda _: id, finds))

    @property
    def events(self) -> list[tuple[str, str]]:
        """The subject of each event and, shortened, its series."""
        events: list[Any] = [orjson.loads(line) for line in self.log.lines]
        assert len({event["id"] for event in events}) == len(events)
        series = list(dict.fromkeys(event.get("correlationid") for event in events))
        return [(event["subject"], "abcdef"[series.index(event.get("correlationid"))]) for event in events]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many rows of the last import were recorded before and skipped, and how many events it recorded."""
        return self.last.already, self.last.skipped, self.last.events


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch for each row, and each row is read and looked up alone."""
    monkeypatch.setattr(run, "MAX_BATCH", 1)
    monkeypatch.setattr(source, "CHUNK", 10)
    monkeypatch.setattr(undone, "AT_ONCE", 1)


def gone(told: list[Happened]) -> list[Undone]:
    return [each for each in told if isinstance(each, Undone)]


def on(line: int) -> Place:
    return Place(line - 1, line, 1)


LIST = ("Ada", "Bob", "Eve")


# --- rows that do not stand any more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rehearses", [False, True])
@pytest.mark.parametrize("more", [(), ("Zoe",)])
def test_recorded_row_whose_record_was_ended_since_is_told(
    lists: Lists, more: tuple[str, ...], rehearses: bool
) -> None:
    lists.other(CREATED, 1, name="Kim", email="kim@x.de")
    lists.load(*LIST)
    lists.other(RENAMED, 2, name="Ada King")
    lists.other(DESTROYED, 4)
    told = lists.load(*LIST, *more, rehearses=rehearses)
    assert gone(told) == [Undone(on(4), 4, USER, 4, "destroyed", 6)]
    assert lists.counts == (3, 0, len(more))


@pytest.mark.parametrize("rehearses", [False, True])
def test_recorded_row_whose_record_was_revived_since_is_told_with_the_last_event_that_did(
    lists: Lists, small: None, rehearses: bool
) -> None:
    lists.load(*LIST)
    ended = [f"{name} destroy" for name in LIST]
    lists.load(*ended)
    for type in (RESTORED, DESTROYED, RESTORED):
        lists.other(type, 2)
    lists.other(RENAMED, 2, name="Bo")
    lists.other(RESTORED, 1)
    assert gone(lists.load(*ended, rehearses=rehearses)) == [
        Undone(on(2), 4, USER, 1, "restored", 11), Undone(on(3), 5, USER, 2, "restored", 9)
    ]  # fmt: skip


def test_row_whose_record_was_revived_before_a_later_row_is_told(lists: Lists, small: None) -> None:
    lists.load("Ada", "Bob")
    ended = ("Ada destroy", "Bob destroy")
    lists.load(*ended, batches=1, meanwhile=lambda: lists.other(RESTORED, 1))
    lists.other(RESTORED, 2)
    assert [(each.event, each.by) for each in gone(lists.load(*ended))] == [(3, 4), (5, 6)]


def test_rows_that_do_not_stand_are_told_in_the_order_of_the_input(lists: Lists) -> None:
    lists.load("Ada")
    lists.load("Ada destroy", "Bob")
    lists.other(RESTORED, 1)
    lists.other(DESTROYED, 2)
    assert [each.event for each in gone(lists.load("Ada destroy", "Bob"))] == [2, 3]


@pytest.mark.parametrize("rehearses", [False, True])
def test_what_the_list_itself_undoes_is_not_told(lists: Lists, small: None, rehearses: bool) -> None:
    rows = (*LIST, "Ada destroy", "Bob destroy", "Bob restore")
    lists.load(*rows)
    assert gone(lists.load(*rows)) == []
    assert gone(lists.load(*rows, "Eve destroy", "Ada restore", rehearses=rehearses)) == []


@pytest.mark.parametrize("rehearses", [True, False])
def test_what_a_new_row_puts_right_is_not_told(lists: Lists, rehearses: bool) -> None:
    lists.load(*LIST)
    lists.other(DESTROYED, 1)
    assert gone(lists.load(*LIST, "Ada restore", rehearses=rehearses)) == []


def test_what_an_earlier_form_of_the_list_undid_is_told(lists: Lists) -> None:
    lists.load(*LIST, "Bob destroy")
    assert gone(lists.load(*LIST)) == [Undone(on(3), 2, USER, 2, "destroyed", 4)]


def test_row_that_changes_an_ended_record_does_not_stand(lists: Lists) -> None:
    lists.other(CREATED, 1, name="Kim", email="Ada@x.de")
    lists.load("Ada rename")
    lists.other(DESTROYED, 1)
    assert gone(lists.load("Ada rename")) == [Undone(on(2), 2, USER, 1, "destroyed", 3)]


def test_list_is_looked_through_only_as_far_as_it_was_recorded(
    lists: Lists, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, seen = Before._look_up, list[str]()

    def spied(before: Before, lines: Sequence[int], rows: Sequence[tuple[str, ...]]) -> int:
        seen.extend(name for name, *_ in rows)
        return look_up(before, lines, rows)

    monkeypatch.setattr(Before, "_look_up", spied)
    rows = ["Ada", "Bo", "Cy", "Di"]
    lists.load(*rows)
    assert seen == rows[:2], "what tells the form of the list"
    seen.clear()
    lists.load(*rows, "Eve", "Fay", rehearses=True)
    assert seen == rows
    seen.clear()
    lists.load(*rows, "Eve", "Fay", rehearses=True, again=True)
    assert seen == [*rows, "Eve"], "which is left, so that no other series begins"


def test_row_recorded_anew_stands(lists: Lists) -> None:
    lists.load(*LIST)
    lists.other(DESTROYED, 1)
    lists.load(*LIST, again=True, skip_existing=True)
    assert lists.counts == (0, 2, 1)
    assert gone(lists.load(*LIST)) == []
    assert lists.counts == (3, 0, 0)
    lists.other(DESTROYED, 4)
    assert gone(lists.load(*LIST)) == [Undone(on(2), 5, USER, 4, "destroyed", 6)]


# --- another series ---------------------------------------------------------------------------------------------------


def test_all_rows_are_recorded_anew_as_another_series(lists: Lists) -> None:
    for series in range(4):
        lists.load(*LIST, again=True)
        assert lists.counts == (0, 0, 3)
        assert not lists.last.before.is_resumed
        for id in range(series * 3 + 1, series * 3 + 4):
            lists.other(DESTROYED, id)
    own = [event for event in lists.events if event[1] != "b"]
    assert own == [(f"user/{id}", series) for id, series in zip(range(1, 13), "aaacccdddeee", strict=True)]


def test_killed_series_is_resumed_before_another_begins(lists: Lists, small: None) -> None:
    lists.load(*LIST)
    for id in (1, 2, 3):
        lists.other(DESTROYED, id)
    lists.load(*LIST, again=True, batches=1)
    lists.load(*LIST, again=True, batches=1)
    assert gone(lists.load(*LIST, again=True)) == []
    assert lists.counts == (2, 0, 1)
    assert lists.last.before.is_resumed
    assert [series for _, series in lists.events] == [*"aaabbbccc"]
    assert isinstance(lists.load(*LIST, again=True)[-1], Bad), "a third series begins with a row whose user is there"


def test_first_series_is_finished_before_another_begins(lists: Lists, small: None) -> None:
    lists.load(*LIST, batches=2)
    lists.other(DESTROYED, 1)
    told = lists.load(*LIST, again=True)
    assert [series for _, series in lists.events] == [*"aaba"]
    assert gone(told) == [Undone(on(2), 1, USER, 1, "destroyed", 3)]
    lists.load(*LIST, again=True, skip_existing=True)
    assert lists.counts == (0, 2, 1)


@pytest.mark.parametrize("also", [(), (3,)])
def test_series_whose_last_rows_were_skipped_is_finished(lists: Lists, small: None, also: tuple[int, ...]) -> None:
    lists.load(*LIST)
    lists.other(DESTROYED, 1)
    lists.load(*LIST, again=True, skip_existing=True)
    for id in (4, *also):  # what was skipped then need not be there now
        lists.other(DESTROYED, id)
    lists.load(*LIST, again=True, skip_existing=True)
    assert not lists.last.before.is_resumed
    assert lists.counts == (0, 2 - len(also), 1 + len(also))


def test_series_is_finished_if_others_recorded_the_rest_of_it(lists: Lists, small: None) -> None:
    lists.load(*LIST, batches=2)
    lists.other(CREATED, 3, name="Eve", email="eve@X.de")
    lists.other(DESTROYED, 1)
    lists.load(*LIST, again=True, skip_existing=True)
    assert not lists.last.before.is_resumed
    assert lists.counts == (0, 2, 1)


def test_row_before_the_last_recorded_one_is_done_though_it_is_not_there(lists: Lists, small: None) -> None:
    lists.load(*LIST)
    lists.other(DESTROYED, 1)
    lists.other(DESTROYED, 3)
    lists.load(*LIST, again=True, skip_existing=True, batches=2, meanwhile=lambda: lists.other(DESTROYED, 2))
    assert lists.counts == (0, 1, 2)
    lists.load(*LIST, again=True, skip_existing=True)
    assert not lists.last.before.is_resumed
    assert lists.counts == (0, 2, 1)


def test_new_row_goes_to_the_newest_of_the_series_that_have_come_as_far(lists: Lists) -> None:
    lists.load("Ada")
    lists.other(DESTROYED, 1)
    lists.load("Ada", again=True)
    lists.load("Ada", "Bob")
    assert [series for _, series in lists.events] == [*"abcc"]


@pytest.mark.parametrize("last", ["Eve nope", "Eve too,many", "Nobody destroy", "Zoe"])
def test_series_is_not_finished_before_a_row_that_is_not_there(lists: Lists, small: None, last: str) -> None:
    lists.load("Ada", "Bob")
    lists.other(DESTROYED, 1)
    lists.load("Ada", "Bob", last, again=True)
    assert lists.last.before.is_resumed


def test_run_without_again_takes_rows_of_every_series_as_done_and_goes_on_with_the_furthest(
    lists: Lists, small: None
) -> None:
    lists.load(*LIST)
    for id in (1, 2, 3):
        lists.other(DESTROYED, id)
    lists.load(*LIST, again=True, batches=1)
    told = lists.load(*LIST, "Zoe")
    assert gone(told) == [Undone(on(3), 2, USER, 2, "destroyed", 5), Undone(on(4), 3, USER, 3, "destroyed", 6)]
    assert lists.counts == (3, 0, 1)
    lists.load(*LIST, "Zoe", again=True, skip_existing=True)
    assert lists.counts == (1, 1, 2)
    lists.load(*LIST, "Zoe", "Kim")
    assert lists.counts == (4, 0, 1)
    assert [series for _, series in lists.events] == [*"aaabbbcacca"]


def test_dry_run_of_another_series_says_what_would_be_and_writes_nothing(lists: Lists) -> None:
    lists.load(*LIST)
    lists.other(DESTROYED, 2)
    before = list(lists.log.lines)
    lists.load(*LIST, again=True, skip_existing=True, rehearses=True)
    assert (lists.counts, lists.log.lines) == ((0, 2, 1), before)


# --- rows that are skipped --------------------------------------------------------------------------------------------


def skips(told: list[Happened]) -> list[tuple[int, int, list[tuple[str, str, str]]]]:
    return [
        (each.line, each.same_as.line if each.same_as else 0, list(each.differs))
        for each in told
        if isinstance(each, Skipped)
    ]


@pytest.mark.parametrize("rehearses", [False, True])
def test_skipped_row_is_told_with_what_differs_and_with_an_earlier_row_of_its_key(
    lists: Lists, rehearses: bool
) -> None:
    lists.other(CREATED, 1, name="Kim", email="ada@x.de")
    told = lists.load("Ada", "Bob", "BOB", "Eve", "ada", "Eve", skip_existing=True, rehearses=rehearses)
    assert skips(told) == [
        (2, 0, [("name", "Kim", "Ada")]),
        (4, 3, [("name", "Bob", "BOB")]),
        (6, 2, [("name", "Kim", "ada")]),
        (7, 5, []),
    ]


def test_skipped_row_keeps_no_frame_of_the_run_in_memory(lists: Lists) -> None:
    (told,) = [each for each in lists.load("Ada", "ADA", skip_existing=True) if isinstance(each, Skipped)]
    assert told.why.__traceback__ is None


def test_row_whose_key_another_row_got_later_does_not_repeat_its_first_one(lists: Lists) -> None:
    lists.load("Ada")
    lists.other(EMAIL_CHANGED, 1, email="Bob@x.de")
    assert skips(lists.load("Ada", "Bob", skip_existing=True)) == [(3, 0, [("name", "Ada", "Bob")])]


def test_row_that_repeats_one_of_an_earlier_run_is_told(lists: Lists) -> None:
    lists.load("Ada", "Bob")
    assert skips(lists.load("Ada", "Bob", "ADA", skip_existing=True)) == [(4, 2, [("name", "Ada", "ADA")])]


def test_row_that_would_change_nothing_is_skipped_in_another_series_only(lists: Lists) -> None:
    rows = ("Ada", "Bob", "Bob destroy", "Bob restore", "Ada rename")
    lists.other(CREATED, 1, name="Kim", email="Ada@x.de")
    lists.load(*rows, skip_existing=True)
    lists.load(*rows, again=True, skip_existing=True)
    assert lists.counts == (0, 3, 2)
    assert [type(each) for each in lists.load("Ada rename", skip_existing=True)] == [Bad]
    for row in ("Nobody destroy", "Nobody rename", "Kim rename"):
        assert [type(each) for each in lists.load(row, again=True, skip_existing=True)] == [Bad]


def test_list_of_those_to_end_is_recorded_anew_but_for_those_who_have_ended(lists: Lists) -> None:
    lists.load(*LIST)
    rows = ("Ada destroy", "Bob destroy")
    lists.load(*rows)
    lists.other(RESTORED, 1)
    (bad,) = lists.load(*rows, again=True)
    assert isinstance(bad, Bad)
    assert (bad.line, bad.is_skippable) == (3, True)
    lists.load(*rows, again=True, skip_existing=True)
    assert lists.counts == (0, 1, 1)
    lists.other(RESTORED, 2)
    lists.load(*rows, again=True, skip_existing=True)
    assert lists.counts == (0, 1, 1)


def test_list_of_those_to_revive_is_recorded_anew_but_for_those_who_live(lists: Lists) -> None:
    lists.load("Ada", "Bob", "Ada destroy", "Bob destroy")
    rows = ("Ada restore", "Bob restore")
    lists.load(*rows)
    lists.other(DESTROYED, 2)
    assert gone(lists.load(*rows)) == [Undone(on(3), 6, USER, 2, "destroyed", 7)]
    lists.load(*rows, again=True, skip_existing=True)
    assert lists.counts == (0, 1, 1)


def test_row_that_changes_one_who_has_ended_finds_nobody(lists: Lists) -> None:
    lists.load("Bob", "Bob destroy")
    for row in ("Bob change-email", "Bob rename"):
        (bad,) = lists.load(row)
        assert isinstance(bad, Bad)
        assert bad.error.code == "no-such-user"


def test_row_that_ends_one_of_several_who_have_ended_says_which_ended_last(lists: Lists) -> None:
    for id in (1, 2):
        lists.other(CREATED, id, name="Ada", email="Ada@x.de")
        lists.other(DESTROYED, id)
    (bad,) = lists.load("Ada destroy")
    assert isinstance(bad, Bad)
    assert bad.error.message == 'user 2 "Ada" is already destroyed (event 4)'


def test_row_in_another_series_does_not_repeat_itself(lists: Lists) -> None:
    lists.load("Ada", "Bob")
    assert skips(lists.load("Ada", "Bob", again=True, skip_existing=True)) == [(2, 0, []), (3, 0, [])]
    (bad,) = lists.load("Ada", "Bob", again=True)
    assert isinstance(bad, Bad)
    assert "is taken by user 1" in bad.error.message
