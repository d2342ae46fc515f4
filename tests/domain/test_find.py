"""Which user somebody means: by id, by e-mail, by name, and what is said when it is nobody or several."""

import pytest
from support.users import USER, User, find_user, label

from evcli.cli.hints import hint_for
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
        ("1", ADA),
        ("2", GONE),
        ("ada@example.com", ADA),
        ("ADA@EXAMPLE.COM", ADA),
        ("Ada Lovelace", ADA),
        ("ada lovelace", ADA),
        ("  Ada Lovelace ", ADA),
        ("bob@example.com", BOB),
        ("Bob", BOB),
        ("José Straße", JOSE),
        ("Jose\u0301 Straße", JOSE),
        ("JOSÉ STRASSE", JOSE),
        ("me@example.com", AT),
        ("Only Gone", LOST),
        ("gone@example.com", LOST),
    ],
)
def test_a_user_is_found_by_id_email_or_name_in_whatever_case_and_a_live_one_first(who: str, user: User) -> None:
    assert find_user(EVERYBODY, who) == user


@pytest.mark.parametrize(("who", "user"), [("Bob", GONE), ("bob@example.com", GONE), ("Ada Lovelace", ADA), ("3", BOB)])
def test_for_a_restore_a_destroyed_user_comes_first(who: str, user: User) -> None:
    assert find_user(EVERYBODY, who, destroyed_first=True) == user


@pytest.mark.parametrize("who", ["7", "5"])
def test_all_digits_are_always_an_id_never_a_name(who: str) -> None:
    assert find_user(EVERYBODY, who).id == int(who)


def test_a_name_with_an_at_sign_is_reached_by_id_only() -> None:
    with pytest.raises(NoSuchRecord):
        find_user(EVERYBODY, "me@home")
    assert find_user(EVERYBODY, "6") == AT


@pytest.mark.parametrize(
    "who", ["0", "10", "999999999999", "9999999999999999999999999", "١", "\uff11", "1_0", "-1", "+1"]
)
def test_no_user_has_an_id_that_was_not_given_or_is_not_in_ascii_digits(who: str) -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, who)
    assert missing.value.message == f'no user "{who}" at event 42'
    assert missing.value.exit == 1


@pytest.mark.parametrize("who", ["Eve", "eve", "EVE"])
def test_a_name_of_several_is_refused_naming_each_with_its_id(who: str) -> None:
    with pytest.raises(Ambiguous) as several:
        find_user(EVERYBODY, who)
    assert "2 users" in several.value.message
    assert "7 Eve <eve1@example.com>" in several.value.message
    assert "8 EVE <eve2@example.com>" in several.value.message
    assert several.value.exit == 1


def test_of_many_candidates_ten_are_named_and_the_rest_counted() -> None:
    state = register(*(User(id, "Ann", f"{id}@x.org", id, id) for id in range(1, 14)))
    with pytest.raises(Ambiguous) as several:
        find_user(state, "Ann")
    assert "13 users" in several.value.message
    assert "10 Ann <10@x.org>" in several.value.message
    assert "11 Ann" not in several.value.message
    assert "and 3 more" in several.value.message


def test_two_destroyed_users_of_one_email_are_told_apart_by_their_events() -> None:
    state = register(GONE, GONE._replace(id=3, name="Rob", destroyed=9))
    with pytest.raises(Ambiguous) as several:
        find_user(state, "bob@example.com", destroyed_first=True)
    assert "2 Bob <bob@example.com> (destroyed: event 5)" in several.value.message
    assert "3 Rob <bob@example.com> (destroyed: event 9)" in several.value.message


@pytest.mark.parametrize(
    ("who", "nearest"),
    [("Ada Lovelance", '"Ada Lovelace"'), ("ada lovelac", '"Ada Lovelace"'), ("adda@example.com", '"Ada@Example.com"')],
)
def test_the_nearest_name_or_email_is_offered(who: str, nearest: str) -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, who)
    assert f"did you mean {nearest}" in missing.value.hint


def test_without_anything_near_the_hint_says_how_to_see_every_user() -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, "Zebedee")
    assert hint_for(missing.value) == "evcli user list --all shows every user"


def test_for_an_unknown_id_the_hint_says_which_there_are() -> None:
    with pytest.raises(NoSuchRecord) as missing:
        find_user(EVERYBODY, "77")
    assert "1 to 9" in hint_for(missing.value)


@pytest.mark.parametrize("who", ["1", "Ada", "ada@example.com", ""])
def test_in_an_empty_register_nobody_is_found(who: str) -> None:
    with pytest.raises(NoSuchRecord):
        find_user(MemoryState(), who)


@pytest.mark.parametrize("who", ["Ada\udcff", "\udcff@example.com", "\0", "\x1b[2J"])
def test_words_that_no_user_can_have_find_nobody_and_break_nothing(who: str) -> None:
    with pytest.raises(NoSuchRecord):
        find_user(EVERYBODY, who)


def test_a_label_tells_a_live_user_from_a_destroyed_one() -> None:
    assert label(ADA) == "1 Ada Lovelace <Ada@Example.com>"
    assert label(GONE) == "2 Bob <bob@example.com> (destroyed: event 5)"
