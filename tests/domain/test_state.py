"""The fold, and what every State must do: the contract is run for each kind of State that there is."""

from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.users import TYPES, USER, User

from evcli.domain.event import Event
from evcli.domain.overlay import Draft
from evcli.domain.packed import Claims, PackedState
from evcli.domain.state import MemoryState, State, fold, step
from evcli.errors import Refused

STATES: dict[str, Callable[[], State]] = {
    "memory": MemoryState,
    "packed": PackedState,
    "packed, all keys of one hash": lambda: PackedState(lambda _: 7),
    "packed, few hashes, some negative": lambda: PackedState(lambda key: ord(key[0]) % 3 - 2),
}
"""Every kind of State, by name: how to make an empty one."""


class View(NamedTuple):
    """All that can be asked of a State about users, so that two can be compared."""

    number: int
    last_id: int
    users: list[User]
    by_id: list[Any]
    holders: dict[str, Any]


NAMES = ["Ada", "Bob", "ada", "李 明"]
EMAILS = ["a@x.org", "A@x.org", "b@x.org", "c@x.org", "C@X.ORG"]


def view(state: State) -> View:
    last = state.last_id(USER)
    return View(
        state.number,
        last,
        list(state.records(USER)),
        [state.get(USER, id) for id in range(last + 3)],
        {key: state.holder(USER, key) for key in {email.casefold() for email in EMAILS}},
    )


def event(type: str, id: int, **data: str) -> Event:
    """As much of an event as the domain reads."""
    return {"type": type, "subject": f"user/{id}", "data": data}  # type: ignore[typeddict-item]  # the rest is bytes


names = st.sampled_from(NAMES)
emails = st.sampled_from(EMAILS)
ids = st.integers(1, 3)  # few, so that much happens to each


def created(user: int, name: str, email: str) -> Event:
    return event("user.created", user, name=name, email=email)


commands = st.one_of(
    st.builds(created, ids, names, emails),
    st.builds(lambda user, name: event("user.renamed", user, name=name), ids, names),
    st.builds(lambda user, email: event("user.email-changed", user, email=email), ids, emails),
    st.builds(event, st.just("user.destroyed"), ids),
    st.builds(event, st.just("user.restored"), ids),
)


def accepted(attempts: list[Event]) -> list[Event]:
    """Those of the attempts that the rules accept, one after another; a `created` gets the id that is next."""
    state = MemoryState()
    history = []
    for attempt in attempts:
        if attempt["type"] == "user.created":
            attempt = {**attempt, "subject": f"user/{state.last_id(USER) + 1}"}  # noqa: PLW2901  # the same, with its id
        try:
            step(state, attempt, state.number + 1)
        except Refused:
            continue
        history.append(attempt)
    return history


# Long ones only, or nearly all would be a create or two; the short ones are their prefixes.
histories = st.lists(commands, min_size=20, max_size=60).map(accepted)
moderate = settings(deadline=None, max_examples=60, derandomize=True, report_multiple_bugs=False)


class Naive:
    """The register told a second time, as simply as possible: what a fold must come to."""

    def __init__(self, history: list[Event]) -> None:
        self.users: list[dict[str, Any]] = []
        for number, happened in enumerate(history, 1):
            data: Any = happened["data"]
            if happened["type"] == "user.created":
                self.users.append({"id": len(self.users) + 1, **data, "created": number, "destroyed": None})
            user = self.users[int(happened["subject"].removeprefix("user/")) - 1]
            user.update(data, changed=number)
            if happened["type"] in ("user.destroyed", "user.restored"):
                user["destroyed"] = number if happened["type"] == "user.destroyed" else None


@pytest.fixture(params=STATES.values(), ids=list(STATES))
def new_state(request: pytest.FixtureRequest) -> Callable[[], State]:
    """How to make an empty State, for each kind of State in turn."""
    make: Callable[[], State] = request.param
    return make


class TestEveryState:
    """The contract."""

    ada = User(1, "Ada", "Ada@x.org", 1, 1)

    def test_is_empty_at_first(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        assert (state.number, state.last_id(USER), list(state.records(USER))) == (0, 0, [])
        assert state.get(USER, 1) is None
        assert state.holder(USER, "a@x.org") is None

    def test_gives_back_what_was_put(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        assert state.get(USER, 1) == self.ada
        assert list(state.records(USER)) == [self.ada]
        assert state.last_id(USER) == 1

    def test_finds_a_live_record_by_its_unique_key_without_regard_to_case(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        assert state.holder(USER, "ada@x.org") == self.ada

    def test_keeps_the_newest_of_a_record(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        king = self.ada._replace(name="Ada King", changed=2)
        state.put(USER, self.ada, king)
        assert state.get(USER, 1) == king
        assert state.holder(USER, "ada@x.org") == king
        assert list(state.records(USER)) == [king]

    def test_frees_the_key_that_a_record_gave_up(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        moved = self.ada._replace(email="new@x.org", changed=2)
        state.put(USER, self.ada, moved)
        assert state.holder(USER, "ada@x.org") is None
        assert state.holder(USER, "new@x.org") == moved

    def test_frees_the_key_of_a_destroyed_record_but_keeps_the_record(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        gone = self.ada._replace(changed=2, destroyed=2)
        state.put(USER, self.ada, gone)
        assert state.holder(USER, "ada@x.org") is None
        assert state.get(USER, 1) == gone
        assert state.last_id(USER) == 1

    def test_gives_a_restored_record_its_key_back(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        gone = self.ada._replace(changed=2, destroyed=2)
        state.put(USER, self.ada, gone)
        back = self.ada._replace(changed=3)
        state.put(USER, gone, back)
        assert state.holder(USER, "ada@x.org") == back

    def test_lets_a_destroyed_record_share_a_key_with_a_live_one(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        state.put(USER, None, self.ada)
        gone = self.ada._replace(changed=2, destroyed=2)
        state.put(USER, self.ada, gone)
        eve = User(2, "Eve", "ADA@x.org", 3, 3)
        state.put(USER, None, eve)
        assert state.holder(USER, "ada@x.org") == eve
        state.put(USER, gone, gone._replace(name="Ada King", changed=4))
        assert state.holder(USER, "ada@x.org") == eve, "a destroyed record took the key of a live one"

    def test_gives_records_in_order_of_id_whatever_happened_to_them_last(self, new_state: Callable[[], State]) -> None:
        state = new_state()
        users = [User(id, f"U{id}", f"{id}@x.org", id, id) for id in range(1, 12)]
        for user in users:
            state.put(USER, None, user)
        state.put(USER, users[0], users[0]._replace(name="Z", changed=12))
        assert [user.id for user in state.records(USER)] == list(range(1, 12))

    @moderate
    @given(history=histories)
    @pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
    def test_comes_to_the_same_whether_folded_at_once_in_two_halves_or_at_every_prefix(
        self, make: Callable[[], State], history: list[Event]
    ) -> None:
        whole = view(fold(history, make()))
        half = len(history) // 2
        assert view(fold(history[half:], fold(history[:half], make()))) == whole
        growing = make()
        for length in range(len(history) + 1):
            if length:
                step(growing, history[length - 1], length)
            assert view(fold(history[:length], make())) == view(growing), f"the prefix of {length} events differs"
        assert view(growing) == whole

    @moderate
    @given(history=histories)
    @pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
    def test_agrees_with_the_register_told_naively(self, make: Callable[[], State], history: list[Event]) -> None:
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
    @given(history=histories, attempt=commands)
    @pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
    def test_is_unchanged_by_a_refused_event(
        self, make: Callable[[], State], history: list[Event], attempt: Event
    ) -> None:
        state = fold(history, make())
        before = view(state)
        try:
            step(state, attempt, state.number + 1)
        except Refused:
            assert view(state) == before
        else:
            assert state.number == len(history) + 1


any_text = st.text(min_size=1, max_size=70)  # also what no log holds: a State need not know what a text may be


@moderate
@given(
    history=st.lists(
        st.one_of(
            st.builds(created, ids, any_text, any_text),
            st.builds(lambda user, name: event("user.renamed", user, name=name), ids, any_text),
            st.builds(lambda user, email: event("user.email-changed", user, email=email), ids, any_text),
            st.builds(event, st.just("user.destroyed"), ids),
            st.builds(event, st.just("user.restored"), ids),
        ),
        min_size=10,
        max_size=40,
    ).map(accepted)
)
@pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
def test_every_state_agrees_with_the_reference_in_all_answers(make: Callable[[], State], history: list[Event]) -> None:
    reference, state = fold(history), fold(history, make())
    words = {word for user in reference.records(USER) for word in (user.name.casefold(), user.email.casefold())}
    assert state.count(USER) == reference.count(USER)
    assert list(state.records(USER)) == list(reference.records(USER))
    assert list(state.records(USER, live_only=True)) == list(reference.records(USER, live_only=True))
    for word in [*words, "nobody"]:
        assert state.holder(USER, word) == reference.holder(USER, word)
        assert list(state.called(USER, word)) == list(reference.called(USER, word))
        for backward in (False, True):
            found = state.words(USER, word, backward=backward)
            assert list(found) == list(reference.words(USER, word, backward=backward))


@pytest.mark.parametrize("make", STATES.values(), ids=list(STATES))
@pytest.mark.parametrize("numbers", [(1, 1), (2**31, 2**31), (10**12 - 1, 10**12 - 1)])
@pytest.mark.parametrize("text", ["a", "x" * 300, "李" * 200, "😀", "\0", "a\ud800", ""])
def test_every_state_gives_back_any_record_as_it_was(
    make: Callable[[], State], text: str, numbers: tuple[int, int]
) -> None:
    state = make()
    for user in (User(1, text, "e" + text, *numbers), User(1, text, "e" + text, *numbers, destroyed=numbers[1])):
        state.put(USER, state.get(USER, 1), user)
        found = state.get(USER, 1)
        assert (found, type(found)) == (user, User)


@pytest.mark.parametrize(
    "hash_of", [lambda n: n * 2654435761 - 2**43, lambda n: n % 1500 - 700, lambda n: n << 20 | n % 512]
)
def test_thousands_of_claims_are_all_found_however_their_hashes_fall(hash_of: Callable[[int], int]) -> None:
    claims = Claims()
    for id in range(1, 3000):
        claims.add(hash_of(id), id)
        claims.add(hash_of(id), id)
    for id in chain(range(1, 3000, 7), [2999]):
        assert claims.ids(hash_of(id)).count(id) == 1


def test_histories_of_the_property_tests_hold_every_type_of_event() -> None:
    seen: Counter[str] = Counter()

    @moderate
    @given(history=histories)
    def collect(history: list[Event]) -> None:
        seen.update({happened["type"] for happened in history})

    collect()
    rarest = min(seen[type] for type in TYPES)
    assert rarest >= 5, f"the properties prove less than they say; so many histories hold an event of a type: {seen}"


def test_a_fold_does_not_change_the_events() -> None:
    history = [event("user.created", 1, name="Ada", email="a@x.org"), event("user.renamed", 1, name="Eve")]
    before = [{**happened, "data": dict(happened["data"])} for happened in history]
    fold(history)
    assert history == before


def test_an_earlier_state_is_not_changed_by_what_is_folded_later_from_the_same_events() -> None:
    history = [event("user.created", 1, name="Ada", email="a@x.org"), event("user.destroyed", 1)]
    early = fold(history[:1])
    before = view(early)
    fold(history)
    assert view(early) == before


def test_a_user_cannot_be_changed_in_place() -> None:
    user = fold([event("user.created", 1, name="Ada", email="a@x.org")]).get(USER, 1)
    with pytest.raises(AttributeError):
        user.name = "Eve"


# --- a draft ----------------------------------------------------------------------------------------------------------


def test_a_settled_draft_is_the_state_that_the_same_events_fold_to() -> None:
    below, stepped = MemoryState(), MemoryState()
    draft = Draft(below)
    for number, event in enumerate(HISTORY, 1):
        step(draft, event, number)
        step(stepped, event, number)
        assert list(draft.records(USER)) == list(stepped.records(USER))
        assert draft.last_id(USER) == stepped.last_id(USER)
        assert draft.count(USER) == stepped.count(USER)
    assert below.number == 0
    assert not list(below.records(USER))
    draft.settle()
    assert below.number == stepped.number
    assert list(below.records(USER)) == list(stepped.records(USER))
    for user in stepped.records(USER):
        assert below.holder(USER, user.email.casefold()) == stepped.holder(USER, user.email.casefold())


def test_a_draft_finds_records_by_what_they_are_called_now_however_they_came_to_it() -> None:
    below = MemoryState()
    for number, event in enumerate(HISTORY, 1):
        draft = Draft(below)
        list(draft.called(USER, "nobody"))  # so that the index is there before the event
        step(draft, event, number)
        for word in ("ada", "ada king", "grace", "ada@example.com", "ada@example.org", "grace@example.com"):
            wanted = [user for user in draft.records(USER) if word in (user.name.casefold(), user.email.casefold())]
            assert sorted(draft.called(USER, word)) == wanted
        draft.settle()


def _event(type: str, id: int, **data: str) -> Any:
    return {"type": type, "subject": f"user/{id}", "data": data}


HISTORY = [
    _event("user.created", 1, name="Ada", email="ada@example.com"),
    _event("user.created", 2, name="Grace", email="grace@example.com"),
    _event("user.renamed", 1, name="Ada King"),
    _event("user.email-changed", 1, email="ada@example.org"),
    _event("user.destroyed", 2),
    _event("user.created", 3, name="ada", email="GRACE@example.com"),
    _event("user.destroyed", 3, reason="why"),
    _event("user.restored", 2),
    _event("user.renamed", 2, name="Ada King"),
]
