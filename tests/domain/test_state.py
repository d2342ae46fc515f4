"""The fold, and the contract of a State: it is run for each class of State."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple
from weakref import ref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, TYPES, USER, User, happened

from evcli.domain.event import Event
from evcli.domain.overlay import Draft, get_many, holders
from evcli.domain.packed import Claims, PackedState
from evcli.domain.state import Count, Foldable, MemoryState, State, fold, happen_all, step
from evcli.errors import Refused

STATES: dict[str, Callable[[], Foldable]] = {
    "memory": MemoryState,
    "packed": PackedState,
    "packed, all keys of one hash": lambda: PackedState(lambda _: 7),
    "packed, few hashes, some negative": lambda: PackedState(lambda key: ord(key[0]) % 3 - 2),
    "draft": lambda: Draft(MemoryState()),
}
"""Every class of State, by name: how to make an empty one."""

Make = Callable[[], Foldable]
every_state = pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
moderate = settings(deadline=None, max_examples=60, derandomize=True, report_multiple_bugs=False)


class View(NamedTuple):
    """All that a State answers about users, so that two States can be compared."""

    number: int
    last_id: int
    counted: Count
    users: list[User]
    live: list[User]
    by_id: list[Any]
    holders: dict[str, Any]
    called: dict[str, list[User]]
    words: list[list[tuple[str, User]]]
    many: list[User]
    held: dict[str, User]


NAMES = ["Ada", "Bob", "ada", "李 明"]
EMAILS = ["a@x.org", "A@x.org", "b@x.org", "c@x.org", "C@X.ORG"]
KEYS = ["a@x.org", "b@x.org", "c@x.org"]
WORDS = [word.casefold() for word in (*NAMES, *EMAILS, "nobody")]


def view(state: State, words: list[str] = WORDS) -> View:
    last = state.last_id(USER)
    # First, because a draft remembers what it is asked for one by one.
    many, held = sorted(get_many(state, USER, range(last + 3))), dict(holders(state, USER, words))
    # A draft gives the records that it changed first.
    in_order = sorted if isinstance(state, Draft) else list
    return View(
        state.number,
        last,
        state.count(USER),
        list(state.records(USER)),
        list(state.records(USER, live_only=True)),
        [state.get(USER, id) for id in range(last + 3)],
        {word: state.holder(USER, word) for word in words},
        {word: in_order(state.called(USER, word)) for word in words},
        [list(state.words(USER, word, backward=backward)) for word in words for backward in (False, True)],
        many,
        held,
    )


def attempts(names: st.SearchStrategy[str], emails: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    """Events that the rules may accept or refuse, about few users, so that much happens to each."""
    ids = st.integers(1, 3)
    return st.one_of(
        st.builds(lambda user, name, email: happened(CREATED, user, name=name, email=email), ids, names, emails),
        st.builds(lambda user, name: happened(RENAMED, user, name=name), ids, names),
        st.builds(lambda user, email: happened(EMAIL_CHANGED, user, email=email), ids, emails),
        st.builds(happened, st.sampled_from((DESTROYED, RESTORED)), ids),
    )


def accepted(attempts: list[Event]) -> list[Event]:
    """The attempts that the rules accept, one after another; a `created` gets the next id."""
    state = MemoryState()
    history = []
    for attempt in attempts:
        if attempt["type"] == CREATED:
            attempt = {**attempt, "subject": f"user/{state.last_id(USER) + 1}"}  # noqa: PLW2901  # the same, with its id
        try:
            step(state, attempt, state.number + 1)
        except Refused:
            continue
        history.append(attempt)
    return history


any_text = st.text(min_size=1, max_size=70)  # also what no log holds: a State does not check texts
commands = attempts(st.sampled_from(NAMES), st.sampled_from(EMAILS))
# Long ones only, or nearly all would be a create or two; the short ones are their prefixes.
histories = st.lists(commands, min_size=20, max_size=60).map(accepted)
histories_of_any_text = st.lists(attempts(any_text, any_text), min_size=10, max_size=40).map(accepted)


class Naive:
    """The register written a second time, as simply as possible: what a fold must come to."""

    def __init__(self, history: list[Event]) -> None:
        self.users: list[dict[str, Any]] = []
        for number, each in enumerate(history, 1):
            data: Any = each["data"]
            if each["type"] == CREATED:
                self.users.append({"id": len(self.users) + 1, **data, "created": number, "destroyed": None})
            user = self.users[int(each["subject"].removeprefix("user/")) - 1]
            user.update(data, changed=number)
            if each["type"] in (DESTROYED, RESTORED):
                user["destroyed"] = number if each["type"] == DESTROYED else None


# --- the contract -----------------------------------------------------------------------------------------------------

ADA = User(1, "Ada", "Ada@x.org", 1, 1)
KING = ADA._replace(name="Ada King", changed=2)
MOVED = ADA._replace(email="new@x.org", changed=2)
GONE = ADA._replace(changed=2, destroyed=2)
BACK = ADA._replace(changed=3)
EVE = User(2, "Eve", "ADA@x.org", 3, 3)
ELEVEN = [User(id, f"U{id}", f"{id}@x.org", id, id) for id in range(1, 12)]


@every_state
@pytest.mark.parametrize(
    ("puts", "holder", "other_holder"),
    [
        pytest.param([], None, None, id="nothing"),
        pytest.param([ADA], ADA, None, id="a new record has its key, in any case"),
        pytest.param([ADA, KING], KING, None, id="the newest record replaces the older one"),
        pytest.param([ADA, MOVED], None, MOVED, id="a key that was given up is free"),
        pytest.param([ADA, GONE], None, None, id="a destroyed record stays, and its key is free"),
        pytest.param([ADA, GONE, BACK], BACK, None, id="a restored record has its key again"),
        pytest.param([ADA, GONE, EVE], EVE, None, id="a live record takes the key of a destroyed one"),
        pytest.param([ADA, GONE, EVE, GONE._replace(name="K", changed=4)], EVE, None, id="and keeps it"),
        pytest.param([*ELEVEN, ELEVEN[0]._replace(name="Z", changed=12)], None, None, id="records are in order of id"),
    ],
)
def test_state_holds_the_newest_of_each_record_and_who_has_which_key(
    make: Make, puts: list[User], holder: User | None, other_holder: User | None
) -> None:
    state = make()
    for user in puts:
        state.put(USER, state.get(USER, user.id), user)
    newest = {user.id: user for user in puts}
    assert (state.number, state.last_id(USER)) == (0, len(newest))
    assert list(state.records(USER)) == list(newest.values())
    assert [state.get(USER, id) for id in range(1, len(newest) + 2)] == [*newest.values(), None]
    assert (state.holder(USER, "ada@x.org"), state.holder(USER, "new@x.org")) == (holder, other_holder)


@every_state
@pytest.mark.parametrize("numbers", [(1, 1), (2**31, 2**31), (10**12 - 1, 10**12 - 1)])
@pytest.mark.parametrize("text", ["a", "x" * 300, "李" * 200, "😀", "\0", "a\ud800", ""])
def test_state_gives_back_any_record_as_it_was(make: Make, text: str, numbers: tuple[int, int]) -> None:
    state = make()
    for user in (User(1, text, "e" + text, *numbers), User(1, text, "e" + text, *numbers, destroyed=numbers[1])):
        state.put(USER, state.get(USER, 1), user)
        found = state.get(USER, 1)
        assert (found, type(found)) == (user, User)


@moderate
@given(history=histories)
@every_state
def test_fold_comes_to_the_same_at_once_in_halves_and_by_steps(make: Make, history: list[Event]) -> None:
    whole = view(fold(history, make()))
    half = len(history) // 2
    assert view(fold(history[half:], fold(history[:half], make()))) == whole
    growing = make()
    assert view(fold([], make())) == view(growing)
    for length in range(1, len(history) + 1):
        step(growing, history[length - 1], length)
        assert view(fold(history[:length], make())) == view(growing), f"the prefix of {length} events differs"
    assert view(growing) == whole


@moderate
@given(history=histories)
@every_state
def test_fold_agrees_with_the_naive_register(make: Make, history: list[Event]) -> None:
    state = fold(history, make())
    users = Naive(history).users
    assert [user._asdict() for user in state.records(USER)] == [
        {field: user[field] for field in User._fields} for user in users
    ]
    for email in EMAILS:
        live = [user for user in users if user["destroyed"] is None and user["email"].lower() == email.lower()]
        assert len(live) <= 1, f"{len(live)} live users share {email}"
        holder = state.holder(USER, email.casefold())
        assert (holder.id if holder else None) == (live[0]["id"] if live else None), f"wrong holder of {email}"


@moderate
@given(history=st.one_of(histories, histories_of_any_text))
@every_state
def test_state_agrees_with_the_reference_in_all_answers(make: Make, history: list[Event]) -> None:
    reference = fold(history)
    words = {word for user in reference.records(USER) for word in (user.name.casefold(), user.email.casefold())}
    assert view(fold(history, make()), [*words, "nobody"]) == view(reference, [*words, "nobody"])


@moderate
@given(history=histories, attempt=commands)
@every_state
def test_refused_event_changes_no_state(make: Make, history: list[Event], attempt: Event) -> None:
    state = fold(history, make())
    before = view(state)
    try:
        step(state, attempt, state.number + 1)
    except Refused:
        assert view(state) == before
    else:
        assert state.number == len(history) + 1


@moderate
@given(history=histories, is_indexed=st.booleans())
@every_state
def test_draft_answers_as_the_state_that_it_settles_to(make: Make, history: list[Event], is_indexed: bool) -> None:
    half = len(history) // 2
    below, stepped = fold(history[:half], make()), fold(history[:half])
    draft, before = Draft(below), view(below)
    for number, each in enumerate(history[half:], half + 1):
        if is_indexed:  # the index of words is there before the event
            list(draft.called(USER, "nobody"))
        step(draft, each, number)
        step(stepped, each, number)
        wanted = view(stepped)
        assert view(draft) == wanted._replace(called={word: sorted(each) for word, each in wanted.called.items()})
    assert view(below) == before, "a draft changed the state below it"
    draft.settle()
    assert view(below)._replace(called={}) == view(stepped)._replace(called={})


@pytest.mark.parametrize(
    "hash_of", [lambda n: n * 2654435761 - 2**43, lambda n: n % 1500 - 700, lambda n: n << 20 | n % 512]
)
def test_claims_are_found_for_any_distribution_of_hashes(hash_of: Callable[[int], int]) -> None:
    claims = Claims()
    for id in range(1, 3000):
        claims.add(hash_of(id), id)
        claims.add(hash_of(id), id)
    for id in chain(range(1, 3000, 7), [2999]):
        assert claims.ids(hash_of(id)).count(id) == 1


class Plain(Draft):
    """A state in which every event happens by the plain steps."""

    def __init__(self) -> None:
        super().__init__(MemoryState())


@settings(moderate, max_examples=20)
@given(histories)
def test_quick_steps_do_and_refuse_what_the_plain_ones_do(history: list[Event]) -> None:
    def after(state: Foldable, attempt: Event) -> tuple[View, str]:
        why = ""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("evcli.domain.state.FEW", 0)
            try:
                happen_all(state, [*history, attempt], 1)
            except Refused as refused:
                why = refused.message
        return view(state, [])._replace(holders={email: state.holder(USER, email) for email in KEYS}), why

    last = fold(history).last_id(USER)
    for id in {1, 2, last, last + 1, last + 2}:
        tries = [happened(DESTROYED, id), happened(RESTORED, id)]
        tries += [happened(RENAMED, id, name=name) for name in NAMES[:2]]
        tries += [happened(EMAIL_CHANGED, id, email=email) for email in EMAILS]
        tries += [happened(CREATED, id, name="Eve", email=email) for email in [*EMAILS, "new@x.org"]]
        for attempt in tries:
            assert after(MemoryState(), attempt) == after(Plain(), attempt)


def test_every_type_of_event_of_a_user_has_a_quick_step() -> None:
    state = MemoryState()
    history = [
        happened(CREATED, 1, name="Ada", email="Ada@x.org"),
        happened(RENAMED, 1, name="Ada King"),
        happened(EMAIL_CHANGED, 1, email="ada@x.org"),
        happened(DESTROYED, 1, reason="left"),
        happened(RESTORED, 1),
    ]
    for number, each in enumerate(history, 1):
        assert state.quick[each["type"]](1, number, each["data"]), each["type"]
    assert state.get(USER, 1) == User(1, "Ada King", "ada@x.org", 1, 5)


def test_quick_steps_are_not_made_for_few_events() -> None:
    state = MemoryState()
    users = [happened(CREATED, id, name="Ada", email=f"{id}@x.org") for id in range(1, 1001)]
    happen_all(state, users[:10], 1)
    assert not state.quick
    happen_all(state, users[10:], 11)
    assert list(state.quick) == [CREATED]
    assert state.count(USER) == Count(1000, 0)


def test_state_with_quick_steps_is_freed_without_the_collector() -> None:
    state = MemoryState()
    gc.disable()
    try:
        happen_all(state, [happened(CREATED, id, name="Ada", email=f"{id}@x.org") for id in range(1, 101)], 1)
        assert state.quick
        column = ref(state._tables[USER].began)
        del state
        assert column() is None
    finally:
        gc.enable()


def test_generated_histories_hold_every_type_of_event() -> None:
    seen: Counter[str] = Counter()

    @moderate
    @given(history=histories)
    def collect(history: list[Event]) -> None:
        seen.update({each["type"] for each in history})

    collect()
    rarest = min(seen[type] for type in TYPES)
    assert rarest >= 5, f"the properties prove less than they say; number of histories with each type: {seen}"


def test_fold_changes_neither_its_events_nor_an_earlier_state() -> None:
    history = [happened(CREATED, 1, name="Ada", email="a@x.org"), happened(DESTROYED, 1)]
    copies = [{**each, "data": dict(each["data"])} for each in history]
    early = fold(history[:1])
    before = view(early)
    fold(history)
    assert history == copies
    assert view(early) == before
    with pytest.raises(AttributeError):
        early.get(USER, 1).name = "Eve"


def test_draft_that_takes_any_id_begins_each_once_and_so_do_drafts_on_top_of_it() -> None:
    below = MemoryState()
    step(below, happened(CREATED, 1, name="A", email="a@example.com"), 1)
    with pytest.raises(Refused):
        step(Draft(below), happened(CREATED, 5, name="E", email="e@example.com"), 2)
    draft = Draft(below, takes_any_id=True)
    step(draft, happened(CREATED, 5, name="E", email="e@example.com"), 2)
    top = Draft(draft)
    step(top, happened(CREATED, 3, name="C", email="c@example.com"), 3)
    for state, id in ((draft, 5), (top, 3), (top, 1)):
        with pytest.raises(Refused):
            step(state, happened(CREATED, id, name="X", email="x@example.com"), 4)
    assert [each.id for each in top.records(USER)] == [1, 3, 5]
    assert (top.last_id(USER), top.count(USER), draft.count(USER)) == (5, Count(3, 0), Count(2, 0))


class Slow(MemoryState):
    """A State that is asked for many records at once."""

    def get_many(self, kind: str, ids: Iterable[int]) -> list[Any]:
        return [record for id in ids if (record := self.get(kind, id)) is not None]

    def holders(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        return {key: record for key in keys if (record := self.holder(kind, key)) is not None}


def test_what_is_fetched_from_below_does_not_replace_what_a_draft_knows() -> None:
    events = [
        happened(CREATED, 1, name="Ada", email="a@x.org"), happened(DESTROYED, 1),
        happened(CREATED, 2, name="Bob", email="a@x.org"), happened(DESTROYED, 2), happened(RESTORED, 1),
    ]  # fmt: skip
    draft = Draft(fold(events[:3], Slow()))
    for number, event in enumerate(events[3:], 4):
        draft.prepare([event])
        step(draft, event, number)
    assert view(draft) == view(fold(events))
