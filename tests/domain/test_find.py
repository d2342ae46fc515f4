"""Which user a word means: by id, by e-mail or by name, and what the error says when it means none or several."""

import re

import pytest
from support.users import USER, User, find_user, label

from evcli.cli.hints import hint_for
from evcli.domain.overlay import Draft
from evcli.domain.refusals import Ambiguous, NoSuchRecord
from evcli.domain.state import MemoryState

ADA = User(1, "Ada Lovelace", "Ada@Example.com", 1, 1)
GONE = User(2, "Bob", "bob@example.com", 2, 5, destroyed=5)
BOB = User(3, "Bob", "bob@example.com", 6, 6)
JOSE = User(4, "Jos\u00e9 Stra\u00dfe", "jose@example.com", 7, 7)
SEVEN = User(5, "7", "seven@example.com", 8, 8)
AT = User(6, "me@home", "me@example.com", 9, 9)
TWIN = User(7, "Eve", "eve1@example.com", 10, 10)
OTHER_TWIN = User(8, "EVE", "eve2@example.com", 11, 11)
LOST = User(9, "Only Gone", "gone@example.com", 12, 13, destroyed=13)


def register(*users: User) -> MemoryState:
    state = MemoryState()
    for user in users:
        state.put(USER, None, user)
    state.number = 42
    return state


EVERYBODY = register(ADA, GONE, BOB, JOSE, SEVEN, AT, TWIN, OTHER_TWIN, LOST)


@pytest.mark.case(75)
@pytest.mark.parametrize(
    ("who", "user"),
    [
        ("1", ADA), ("2", GONE), ("ada@example.com", ADA), ("ADA@EXAMPLE.COM", ADA), ("Ada Lovelace", ADA),
        ("ada lovelace", ADA), ("  Ada Lovelace ", ADA), ("bob@example.com", BOB), ("Bob", BOB),
        ("José Straße", JOSE), ("Jose\u0301 Straße", JOSE), ("JOSÉ STRASSE", JOSE), ("me@example.com", AT),
        ("Only Gone", LOST), ("gone@example.com", LOST),
        ("7", TWIN), ("5", SEVEN),  # digits are always an id, never a name
        ("6", AT),  # a name with an at sign is reached by id only
    ],
)  # fmt: skip
def test_user_is_found_by_id_email_or_name_in_any_case(who: str, user: User) -> None:
    assert find_user(EVERYBODY, who) == user


@pytest.mark.parametrize(("who", "user"), [("Bob", GONE), ("bob@example.com", GONE), ("Ada Lovelace", ADA), ("3", BOB)])
def test_restore_prefers_a_destroyed_user(who: str, user: User) -> None:
    assert find_user(EVERYBODY, who, destroyed_first=True) == user


@pytest.mark.parametrize(
    "who",
    [
        "0", "10", "999999999999", "9999999999999999999999999", "١", "\uff11", "1_0", "-1", "+1",  # not an id in use
        "me@home",  # an at sign makes it an e-mail
        "Ada\udcff", "\udcff@example.com", "\0", "\x1b[2J",  # no user can have this text
    ],
)  # fmt: skip
def test_unknown_user_is_an_error_that_names_the_moment(who: str) -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, who)
    assert missing.value.message == f'no user "{who}" at event 42'
    assert missing.value.exit == 1


@pytest.mark.parametrize("who", ["1", "Ada", "ada@example.com", ""])
def test_empty_register_holds_nobody(who: str) -> None:
    with pytest.raises(NoSuchRecord):
        find_user(MemoryState(), who)


@pytest.mark.parametrize("who", ["Eve", "eve", "EVE"])
def test_ambiguous_name_lists_each_candidate_with_its_id(who: str) -> None:
    with pytest.raises(Ambiguous) as several:
        find_user(EVERYBODY, who)
    for words in ("2 users", "7 Eve <eve1@example.com>", "8 EVE <eve2@example.com>"):
        assert words in several.value.message
    assert several.value.exit == 1


def test_ambiguous_name_lists_ten_candidates_and_counts_the_rest() -> None:
    state = register(*(User(id, "Ann", f"{id}@x.org", id, id) for id in range(1, 14)))
    with pytest.raises(Ambiguous) as several:
        find_user(state, "Ann")
    for words in ("13 users", "10 Ann <10@x.org>", "and 3 more"):
        assert words in several.value.message
    assert "11 Ann" not in several.value.message


def test_ambiguous_name_lists_candidates_by_id_whatever_the_state() -> None:
    state = register(*(User(id, "Ann", f"{id}@x.org", id, id) for id in range(1, 5)), User(5, "Bo", "b@x.org", 5, 5))
    draft = Draft(state)
    draft.put(USER, User(5, "Bo", "b@x.org", 5, 5), User(5, "Ann", "b@x.org", 5, 43))
    draft.put(USER, User(2, "Ann", "2@x.org", 2, 2), User(2, "ANN", "2@x.org", 2, 44))
    with pytest.raises(Ambiguous) as several:
        find_user(draft, "Ann")
    assert re.findall(r"\d(?= A)", several.value.message) == ["1", "2", "3", "4", "5"]


def test_destroyed_users_of_one_email_are_listed_with_their_events() -> None:
    state = register(ADA, GONE, GONE._replace(id=3, name="Rob", destroyed=9))
    with pytest.raises(Ambiguous) as several:
        find_user(state, "bob@example.com", destroyed_first=True)
    assert "2 Bob <bob@example.com> (destroyed: event 5)" in several.value.message
    assert "3 Rob <bob@example.com> (destroyed: event 9)" in several.value.message


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("Ada Lovelance", 'did you mean "Ada Lovelace"'),
        ("ada lovelac", 'did you mean "Ada Lovelace"'),
        ("adda@example.com", 'did you mean "Ada@Example.com"'),
        ("77", "1 to 9"),
        ("user/7", 'did you mean "7"?'),
        ("bike/7", "evcli user list --all"),
        ("user/x", "evcli user list --all"),
    ],
)
def test_hint_offers_the_nearest_word_or_the_ids_in_use(who: str, words: str) -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, who)
    assert words in hint_for(missing.value)


def test_hint_without_a_near_word_names_the_list_command() -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, "Zebedee")
    assert hint_for(missing.value) == "evcli user list --all shows every user"


def test_label_shows_whether_a_user_is_destroyed() -> None:
    assert label(ADA) == "1 Ada Lovelace <Ada@Example.com>"
    assert label(GONE) == "2 Bob <bob@example.com> (destroyed: event 5)"
