"""What can happen to users: given these events, when this one is to follow, then the user is so, or a rule refuses."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from support.users import TYPES, USER, User, clean_email, clean_name, clean_reason

from evcli.cli.hints import hint_for
from evcli.domain.event import Event
from evcli.domain.refusals import NoSuchRecord, NotEnded, NotLive, NotTheNextId, RevivalBlocked, Taken, Unchanged
from evcli.domain.state import MemoryState, State, fold, step
from evcli.errors import BadText, Refused

ADA = "ada@example.com"
BOB = "bob@example.com"


def said(type: str, id: int, data: Mapping[str, str]) -> Event:
    """As much of an event as the domain reads."""
    return {"type": type, "subject": f"user/{id}", "data": dict(data)}  # type: ignore[typeddict-item]  # the rest is bytes


def created(id: int, name: str, email: str) -> Event:
    return said("user.created", id, {"name": name, "email": email})


def renamed(id: int, name: str) -> Event:
    return said("user.renamed", id, {"name": name})


def email_changed(id: int, email: str) -> Event:
    return said("user.email-changed", id, {"email": email})


def destroyed(id: int, reason: str = "") -> Event:
    return said("user.destroyed", id, {"reason": reason} if reason else {})


def restored(id: int) -> Event:
    return said("user.restored", id, {})


def kept(state: State) -> tuple[int, list[User]]:
    return state.number, list(state.records(USER))


class Given:
    """A register in which some events have happened."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.state = fold(events)

    def when(self, command: Event) -> "When":
        return When(self, command)


class When:
    """An event that is to follow: not accepted yet."""

    def __init__(self, given: Given, command: Event) -> None:
        self.given = given
        self.command = command
        self.state = fold(given.events)
        self.refusal: Refused | None = None
        try:
            step(self.state, command, self.state.number + 1)
        except Refused as refusal:
            self.refusal = refusal

    def then(self, user: User) -> None:
        """It is accepted, and this is what the user is afterwards; nobody else has changed."""
        assert self.refusal is None, f"{self.command['type']} was refused: {self.refusal}"
        assert self.state.get(USER, user.id) == user
        assert self.state.number == self.given.state.number + 1
        others = [other for other in self.state.records(USER) if other.id != user.id]
        assert others == [other for other in self.given.state.records(USER) if other.id != user.id]

    def then_refused(self, kind: type[Refused], *words: str) -> None:
        """It is refused with this error, whose message has these words; nothing has changed."""
        assert self.refusal is not None, f"{self.command['type']} was accepted"
        assert type(self.refusal) is kind
        assert self.refusal.exit == 1
        for word in words:
            assert word in self.refusal.message
        assert kept(self.state) == kept(self.given.state), "a refused event changed the state"


given = Given


# --- user.created -----------------------------------------------------------------------------------------------------


def test_the_first_user_gets_id_1() -> None:
    given().when(created(1, "Ada", ADA)).then(User(1, "Ada", ADA, created=1, changed=1))


def test_the_next_user_gets_the_next_id() -> None:
    given(created(1, "Ada", ADA)).when(created(2, "Bob", BOB)).then(User(2, "Bob", BOB, created=2, changed=2))


@pytest.mark.parametrize("id", [1, 3, 4, 999_999_999_999])
def test_an_id_that_is_not_the_next_one_is_refused(id: int) -> None:
    given(created(1, "Ada", ADA)).when(created(id, "Bob", BOB)).then_refused(NotTheNextId, str(id), "2")


def test_the_id_of_a_destroyed_user_is_never_used_again() -> None:
    given(created(1, "Ada", ADA), destroyed(1)).when(created(1, "Ada", ADA)).then_refused(NotTheNextId, "1", "2")


def test_the_same_name_may_occur_twice() -> None:
    given(created(1, "Ada", ADA)).when(created(2, "Ada", BOB)).then(User(2, "Ada", BOB, created=2, changed=2))


@pytest.mark.case(66, 75)
@pytest.mark.parametrize("email", [ADA, "ADA@example.com", "ada@EXAMPLE.com"])
def test_an_email_of_a_live_user_is_refused_in_whatever_case_and_its_holder_is_named(email: str) -> None:
    given(created(1, "Ada Lovelace", ADA)).when(created(2, "Bob", email)).then_refused(
        Taken, email, "user 1", "Ada Lovelace", "event 1"
    )


def test_the_email_of_a_destroyed_user_is_free_again() -> None:
    given(created(1, "Ada", ADA), destroyed(1)).when(created(2, "Eve", ADA)).then(
        User(2, "Eve", ADA, created=3, changed=3)
    )


def test_an_email_that_its_user_gave_up_is_free_again() -> None:
    given(created(1, "Ada", ADA), email_changed(1, BOB)).when(created(2, "Eve", ADA)).then(
        User(2, "Eve", ADA, created=3, changed=3)
    )


def test_the_email_that_a_user_changed_to_is_taken() -> None:
    given(created(1, "Ada", ADA), email_changed(1, BOB)).when(created(2, "Eve", BOB)).then_refused(Taken, "user 1")


def test_the_email_of_a_restored_user_is_taken_again() -> None:
    given(created(1, "Ada", ADA), destroyed(1), restored(1)).when(created(2, "Eve", ADA)).then_refused(Taken, "user 1")


# --- user.renamed -----------------------------------------------------------------------------------------------------


def test_a_live_user_can_be_renamed() -> None:
    given(created(1, "Ada", ADA), created(2, "Bob", BOB)).when(renamed(1, "Ada King")).then(
        User(1, "Ada King", ADA, created=1, changed=3)
    )


def test_the_case_of_a_name_may_be_all_that_changes() -> None:
    given(created(1, "ada", ADA)).when(renamed(1, "Ada")).then(User(1, "Ada", ADA, created=1, changed=2))


def test_a_name_may_go_back_to_what_it_was() -> None:
    given(created(1, "Ada", ADA), renamed(1, "Eve")).when(renamed(1, "Ada")).then(
        User(1, "Ada", ADA, created=1, changed=3)
    )


def test_a_rename_to_the_same_name_is_refused() -> None:
    given(created(1, "Ada", ADA)).when(renamed(1, "Ada")).then_refused(Unchanged, "user 1", "name", "Ada")


# --- user.email-changed -----------------------------------------------------------------------------------------------


def test_a_live_user_can_get_another_email() -> None:
    given(created(1, "Ada", ADA)).when(email_changed(1, BOB)).then(User(1, "Ada", BOB, created=1, changed=2))


def test_the_case_of_an_email_may_be_all_that_changes() -> None:
    given(created(1, "Ada", ADA)).when(email_changed(1, "ADA@example.com")).then(
        User(1, "Ada", "ADA@example.com", created=1, changed=2)
    )


def test_an_email_stays_taken_when_only_its_case_changed() -> None:
    given(created(1, "Ada", ADA), email_changed(1, "ADA@example.com")).when(created(2, "Eve", ADA)).then_refused(
        Taken, "user 1"
    )


def test_a_change_to_the_same_email_is_refused() -> None:
    given(created(1, "Ada", ADA)).when(email_changed(1, ADA)).then_refused(Unchanged, "user 1", "e-mail", ADA)


@pytest.mark.parametrize("email", [BOB, "Bob@Example.COM"])
def test_a_change_to_another_live_users_email_is_refused_in_whatever_case(email: str) -> None:
    given(created(1, "Ada", ADA), created(2, "Bob", BOB)).when(email_changed(1, email)).then_refused(
        Taken, email, "user 2", "Bob", "event 2"
    )


def test_a_change_to_a_destroyed_users_email_is_accepted() -> None:
    given(created(1, "Ada", ADA), created(2, "Bob", BOB), destroyed(2)).when(email_changed(1, BOB)).then(
        User(1, "Ada", BOB, created=1, changed=4)
    )


def test_two_users_can_swap_emails_by_way_of_a_third() -> None:
    given(
        created(1, "Ada", ADA), created(2, "Bob", BOB), email_changed(1, "x@example.com"), email_changed(2, ADA)
    ).when(email_changed(1, BOB)).then(User(1, "Ada", BOB, created=1, changed=5))


# --- user.destroyed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "left the company"])
def test_a_live_user_can_be_destroyed_and_stays_marked_with_the_event(reason: str) -> None:
    given(created(1, "Ada", ADA)).when(destroyed(1, reason)).then(
        User(1, "Ada", ADA, created=1, changed=2, destroyed=2)
    )


@pytest.mark.case(66)
def test_destroying_twice_is_refused_and_says_by_which_event_it_was_done() -> None:
    given(created(1, "Ada", ADA), created(2, "Bob", BOB), destroyed(1)).when(destroyed(1)).then_refused(
        NotLive, "user 1", "Ada", "already destroyed", "event 3"
    )


# --- user.restored ----------------------------------------------------------------------------------------------------


def test_a_destroyed_user_can_be_restored_as_it_was() -> None:
    given(created(1, "Ada", ADA), renamed(1, "Ada King"), destroyed(1)).when(restored(1)).then(
        User(1, "Ada King", ADA, created=1, changed=4)
    )


def test_a_restored_user_can_be_destroyed_and_restored_again() -> None:
    given(created(1, "Ada", ADA), destroyed(1), restored(1), destroyed(1)).when(restored(1)).then(
        User(1, "Ada", ADA, created=1, changed=5)
    )


@pytest.mark.case(66)
def test_restoring_a_live_user_is_refused() -> None:
    given(created(1, "Ada", ADA), renamed(1, "Eve")).when(restored(1)).then_refused(
        NotEnded, "user 1", "Eve", "not destroyed", "2"
    )


def test_restoring_twice_is_refused() -> None:
    given(created(1, "Ada", ADA), destroyed(1), restored(1)).when(restored(1)).then_refused(NotEnded, "user 1")


@pytest.mark.parametrize("email", [ADA, "ADA@Example.com"])
def test_a_restore_whose_email_was_taken_meanwhile_is_refused_and_names_both_users(email: str) -> None:
    given(created(1, "Ada", ADA), destroyed(1), created(2, "Eve", email)).when(restored(1)).then_refused(
        RevivalBlocked, "user 1", "Ada", ADA, "user 2", "Eve"
    )


def test_a_blocked_restore_says_how_to_free_the_email() -> None:
    refusal = given(created(1, "Ada", ADA), destroyed(1), created(2, "Eve", ADA)).when(restored(1)).refusal
    assert refusal is not None
    assert hint_for(refusal) == "free it first: evcli user change-email 2 NEW-EMAIL, or evcli user destroy 2"


@pytest.mark.parametrize("freed_by", [email_changed(2, "eve@example.com"), destroyed(2)])
def test_a_restore_is_accepted_once_the_email_is_free_again(freed_by: Event) -> None:
    given(created(1, "Ada", ADA), destroyed(1), created(2, "Eve", ADA), freed_by).when(restored(1)).then(
        User(1, "Ada", ADA, created=1, changed=5)
    )


# --- rules that several types share -----------------------------------------------------------------------------------

ABOUT_A_USER = [renamed(1, "Eve"), email_changed(1, "eve@example.com"), destroyed(1), restored(1)]


@pytest.mark.case(66)
@pytest.mark.parametrize("command", ABOUT_A_USER, ids=lambda event: event["type"])
def test_nothing_can_happen_to_a_user_that_was_never_created(command: Event) -> None:
    given().when(command).then_refused(NoSuchRecord, '"1"', "event 0")


@pytest.mark.case(66)
@pytest.mark.parametrize("command", ABOUT_A_USER[:3], ids=lambda event: event["type"])
def test_a_destroyed_user_can_neither_change_nor_be_destroyed(command: Event) -> None:
    given(created(1, "Ada", ADA), destroyed(1)).when(command).then_refused(NotLive, "user 1", "Ada", "event 2")


# --- what people type: names ------------------------------------------------------------------------------------------


@pytest.mark.case(64, 75)
@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t\n", "Ada"),
        ("A", "A"),
        ("7", "7"),
        ("Jose\u0301", "Jos\u00e9"),
        ("李 明 “小” \\", "李 明 “小” \\"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("نام\u200cها", "نام\u200cها"),
        ("[/] [bold] :smile:", "[/] [bold] :smile:"),
        ("=1+1", "=1+1"),
        ("a" * 200, "a" * 200),
        ("\U0001f469" * 200, "\U0001f469" * 200),
        ("e\u0301" * 200, "\u00e9" * 200),  # 400 as typed, 200 as stored
    ],
)
def test_a_name_is_trimmed_and_brought_to_nfc(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored
    assert unicodedata.is_normalized("NFC", clean_name(typed))


@pytest.mark.case(64, 70)
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "the name is empty"),
        (" \t\n ", "the name is empty"),
        ("a" * 201, "the name has 201 characters; at most 200 are allowed"),
        ("\u0958" * 200, "the name has 400 characters; at most 200 are allowed"),  # each is two in NFC
        ("Ada\nLovelace", "the name: character 4 is U+000A (newline), which is not allowed"),
        ("Ada\x1b[2J", "the name: character 4 is U+001B (escape), which is not allowed"),
        ("Ada\0", "the name: character 4 is U+0000 (NUL), which is not allowed"),
        ("A\x7fda", "the name: character 2 is U+007F (delete), which is not allowed"),
        ("A\x9bda", "the name: character 2 is U+009B (control sequence introducer), which is not allowed"),
        ("Ada \u202eecalevoL", "the name: character 5 is U+202E (right-to-left override), which is not allowed"),
        ("A\u2066da", "the name: character 2 is U+2066 (left-to-right isolate), which is not allowed"),
        ("A\u200bda", "the name: character 2 is U+200B (zero width space), which is not allowed"),
        ("A\u2028da", "the name: character 2 is U+2028 (line separator), which is not allowed"),
        ("\ufeffAda", "the name: character 1 is U+FEFF (byte order mark), which is not allowed"),
        ("Ada\udcff", "the name: character 4 is U+DCFF (bytes that are not UTF-8), which is not allowed"),
        ("Ada\u00a0L", "the name: character 4 is U+00A0 (no-break space), which is not printable"),
        ("A\u00adda", "the name: character 2 is U+00AD (soft hyphen), which is not printable"),
        ("A\U000e0001da", "the name: character 2 is U+E0001 (language tag), which is not printable"),
        ("A\ue000", "the name: character 2 is U+E000"),
        ("A\U0010fffe", "the name: character 2 is U+10FFFE (unassigned), which is not printable"),
    ],
)
def test_a_name_that_cannot_be_stored_is_refused_saying_which_character_and_where(typed: str, message: str) -> None:
    with pytest.raises(BadText) as refused:
        clean_name(typed)
    assert refused.value.message.startswith(message)
    assert refused.value.exit == 2


@pytest.mark.case(78)
@pytest.mark.parametrize(
    "name", ["e\u0301", " Ada ", "A\u00a0B", "\ue000", "\U0010fffe", "a" * 200, "\U0001f469" * 200]
)
def test_a_reader_asks_less_of_a_name_than_a_writer_because_unicode_grows(name: str) -> None:
    assert TYPES["user.created"].data_fault({"name": name, "email": ADA}) == ""
    assert TYPES["user.renamed"].data_fault({"name": name}) == ""


# --- what people type: e-mails ----------------------------------------------------------------------------------------

LABEL = "a" * 63
LONGEST = "a" * (254 - len("@example.com")) + "@example.com"

GOOD_EMAILS = [
    ADA,
    "a@b",
    "A@B",
    "ada.lovelace+math@ex-ample.co.uk",
    "!#$%&'*+/=?^_`{|}~-@example.com",
    ".a..b.@example.com",  # browsers take it, so the register does
    "ada@127.0.0.1",
    "ada@1",
    f"ada@{LABEL}.{LABEL}",
    LONGEST,
]
BAD_EMAILS = {
    "ada": "has 0 @ signs; it needs one",
    "ada@example@com": "has 2 @ signs; it needs one",
    "@": "is not an e-mail address",
    "ada@": "is not an e-mail address",
    "@example.com": "is not an e-mail address",
    "ada@-example.com": "is not an e-mail address",
    "ada@example-.com": "is not an e-mail address",
    "ada@example..com": "is not an e-mail address",
    "ada@.com": "is not an e-mail address",
    "ada@example.com.": "is not an e-mail address",
    "ada@exa_mple.com": "is not an e-mail address",
    "ada@[127.0.0.1]": "is not an e-mail address",
    '"ada"@example.com': "is not an e-mail address",
    "ada,bob@example.com": "is not an e-mail address",
    "Ada<ada@example.com>": "is not an e-mail address",
    f"ada@{LABEL}a": "is not an e-mail address",
    "a" + LONGEST: "has 255 characters; at most 254 are allowed",
    "ada lovelace@example.com": "character 4 is U+0020 (space), which no e-mail can have",
    "adà@example.com": "character 3 is U+00E0 (latin small letter a with grave), which no e-mail can have",
    "ada@ex\u0430mple.com": "character 7 is U+0430 (cyrillic small letter a), which no e-mail can have",
    "ada@e\u212aample.com": "character 6 is U+212A (kelvin sign), which no e-mail can have",
    "ada\n@example.com": "character 4 is U+000A (newline), which is not allowed",
    "ada\x1b@example.com": "character 4 is U+001B (escape), which is not allowed",
    "ada@example.com\u202e": "character 16 is U+202E (right-to-left override), which is not allowed",
    "ada\udcff@example.com": "character 4 is U+DCFF (bytes that are not UTF-8), which is not allowed",
}


@pytest.mark.case(75, 77)
@pytest.mark.parametrize("email", GOOD_EMAILS)
def test_an_email_that_a_browser_takes_is_taken_as_it_is_written(email: str) -> None:
    assert clean_email(email) == email
    assert TYPES["user.email-changed"].data_fault({"email": email}) == ""


def test_an_email_is_trimmed_and_keeps_its_case() -> None:
    assert clean_email("  Ada@Example.com\n") == "Ada@Example.com"


@pytest.mark.case(77)
@pytest.mark.parametrize(("email", "fault"), BAD_EMAILS.items())
def test_an_email_that_a_browser_refuses_is_refused_saying_why(email: str, fault: str) -> None:
    with pytest.raises(BadText) as refused:
        clean_email(email)
    assert fault in refused.value.message
    assert refused.value.exit == 2
    assert fault in TYPES["user.email-changed"].data_fault({"email": email}), "a reader lets it through"


@pytest.mark.parametrize("typed", ["", "   "])
def test_an_empty_email_is_refused(typed: str) -> None:
    with pytest.raises(BadText, match="the e-mail is empty"):
        clean_email(typed)


@pytest.mark.parametrize("email", [ADA + "\n", " " + ADA])
def test_a_reader_finds_an_email_that_was_stored_untrimmed(email: str) -> None:
    assert "data: email: character" in TYPES["user.created"].data_fault({"name": "Ada", "email": email})


# --- what people type: reasons ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [(" moved away ", "moved away"), ("x", "x"), ("é" * 2000, "é" * 2000), ("a\u00a0b", "a\u00a0b")],
)
def test_a_reason_is_trimmed_and_kept(typed: str, stored: str) -> None:
    assert clean_reason(typed) == stored
    assert TYPES["user.destroyed"].data_fault({"reason": stored}) == ""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "the reason is empty"),
        ("  ", "the reason is empty"),
        ("a" * 2001, "the reason has 2001 characters; at most 2000 are allowed"),
        ("one\ntwo", "the reason: character 4 is U+000A (newline), which is not allowed"),
        ("\u202ex", "the reason: character 1 is U+202E (right-to-left override), which is not allowed"),
        ("\udcff", "the reason: character 1 is U+DCFF (bytes that are not UTF-8), which is not allowed"),
    ],
)
def test_a_reason_that_cannot_be_stored_is_refused(typed: str, message: str) -> None:
    with pytest.raises(BadText) as refused:
        clean_reason(typed)
    assert refused.value.message == message
    assert refused.value.exit == 2


# --- which data an event of each type holds ---------------------------------------------------------------------------

GOOD_DATA: dict[str, dict[str, Any]] = {
    "user.created": {"name": "Ada", "email": ADA},
    "user.renamed": {"name": "Ada"},
    "user.email-changed": {"email": ADA},
    "user.destroyed": {"reason": "left"},
    "user.restored": {},
}


def test_the_five_event_types_are_these_for_ever() -> None:
    assert list(TYPES) == list(GOOD_DATA)


@pytest.mark.parametrize("type", GOOD_DATA)
def test_the_data_that_the_format_names_is_taken(type: str) -> None:
    assert TYPES[type].data_fault(GOOD_DATA[type]) == ""


def test_a_destroyed_event_needs_no_reason() -> None:
    assert TYPES["user.destroyed"].data_fault({}) == ""


@pytest.mark.parametrize("type", GOOD_DATA)
def test_an_unknown_field_is_named(type: str) -> None:
    assert TYPES[type].data_fault({**GOOD_DATA[type], "phone": "1"}) == 'data: unknown field "phone"'


@pytest.mark.parametrize(
    ("type", "field"), [(type, field) for type, data in GOOD_DATA.items() for field in data if field != "reason"]
)
def test_a_missing_field_is_named(type: str, field: str) -> None:
    less = {name: value for name, value in GOOD_DATA[type].items() if name != field}
    assert TYPES[type].data_fault(less) == f"data: {field} is missing"


def test_fields_in_another_order_are_another_form() -> None:
    assert TYPES["user.created"].data_fault({"email": ADA, "name": "Ada"}) == "data: not in the order name, email"


@pytest.mark.parametrize(("type", "field"), [(type, field) for type, data in GOOD_DATA.items() for field in data])
@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}, ["a"], {"a": "b"}, "", "\x1b", "\u202e", "x" * 2001])
def test_a_field_that_holds_anything_but_a_good_text_is_a_fault_of_that_field(
    type: str, field: str, value: object
) -> None:
    fault = TYPES[type].data_fault({**GOOD_DATA[type], field: value})
    assert fault.startswith(f"data: {field}: "), f"{type} with {field} {value!r} gives {fault!r}"


def test_a_refused_event_changes_no_state_that_was_given() -> None:
    state = MemoryState()
    with pytest.raises(NoSuchRecord):
        step(state, destroyed(1), 1)
    assert kept(state) == (0, [])
