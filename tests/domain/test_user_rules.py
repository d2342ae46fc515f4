"""What can happen to users: after these events, the next one makes the user so, or a rule refuses it."""

import unicodedata
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from support.users import TYPES, USER, User, clean_email, clean_name, clean_reason, happened

from evcli import errors
from evcli.cli.hints import hint_for
from evcli.domain import refusals
from evcli.domain.event import Event
from evcli.domain.state import State, fold, step

ADA = "ada@example.com"
BOB = "bob@example.com"
UPPER = "ADA@example.com"


def created(id: int, name: str, email: str) -> Event:
    return happened("user.created", id, name=name, email=email)


def renamed(id: int, name: str) -> Event:
    return happened("user.renamed", id, name=name)


def email_changed(id: int, email: str) -> Event:
    return happened("user.email-changed", id, email=email)


NEW = created(1, "Ada", ADA)
OTHER = created(2, "Bob", BOB)
HEIR = created(2, "Eve", ADA)
GONE = happened("user.destroyed", 1)
BACK = happened("user.restored", 1)

BOBS = email_changed(1, BOB)
BOB_GONE = happened("user.destroyed", 2)
SWAP = [email_changed(1, "x@example.com"), email_changed(2, ADA)]
EVES = email_changed(2, "eve@example.com")
LEFT = happened("user.destroyed", 1, reason="left the company")

ACCEPTED = {
    "the first user gets id 1": ([], NEW, User(1, "Ada", ADA, 1, 1)),
    "the next user gets the next id": ([NEW], OTHER, User(2, "Bob", BOB, 2, 2)),
    "two users may have one name": ([NEW], created(2, "Ada", BOB), User(2, "Ada", BOB, 2, 2)),
    "the email of a destroyed user is free": ([NEW, GONE], HEIR, User(2, "Eve", ADA, 3, 3)),
    "an email that was given up is free": ([NEW, BOBS], HEIR, User(2, "Eve", ADA, 3, 3)),
    "a live user is renamed": ([NEW, OTHER], renamed(1, "Ada King"), User(1, "Ada King", ADA, 1, 3)),
    "only the case of a name changes": ([created(1, "ada", ADA)], renamed(1, "Ada"), User(1, "Ada", ADA, 1, 2)),
    "a name goes back": ([NEW, renamed(1, "Eve")], renamed(1, "Ada"), User(1, "Ada", ADA, 1, 3)),
    "a live user gets another email": ([NEW], BOBS, User(1, "Ada", BOB, 1, 2)),
    "only the case of an email changes": ([NEW], email_changed(1, UPPER), User(1, "Ada", UPPER, 1, 2)),
    "a user gets a destroyed user's email": ([NEW, OTHER, BOB_GONE], BOBS, User(1, "Ada", BOB, 1, 4)),
    "two users swap emails over a third": ([NEW, OTHER, *SWAP], BOBS, User(1, "Ada", BOB, 1, 5)),
    "a live user is destroyed": ([NEW], GONE, User(1, "Ada", ADA, 1, 2, destroyed=2)),
    "a live user is destroyed for a reason": ([NEW], LEFT, User(1, "Ada", ADA, 1, 2, destroyed=2)),
    "a destroyed user is restored as it was": ([NEW, renamed(1, "King"), GONE], BACK, User(1, "King", ADA, 1, 4)),
    "a restored user is restored again": ([NEW, GONE, BACK, GONE], BACK, User(1, "Ada", ADA, 1, 5)),
    "a restore after the heir changed its email": ([NEW, GONE, HEIR, EVES], BACK, User(1, "Ada", ADA, 1, 5)),
    "a restore after the heir was destroyed": ([NEW, GONE, HEIR, BOB_GONE], BACK, User(1, "Ada", ADA, 1, 5)),
}
Refusal = tuple[list[Event], Event, type[errors.Refused], tuple[str, ...]]
LIVE_ONLY = {"rename": renamed(1, "Eve"), "change of email": email_changed(1, "eve@example.com"), "destroy": GONE}
REFUSED: dict[str, Refusal] = {
    "the id of a destroyed user is not used again": ([NEW, GONE], NEW, refusals.NotTheNextId, ("1", "2")),
    "the email that a user changed to": ([NEW, BOBS], created(2, "Eve", BOB), refusals.Taken, ("user 1",)),
    "the email of a restored user": ([NEW, GONE, BACK], HEIR, refusals.Taken, ("user 1",)),
    "an email of which only the case changed": ([NEW, email_changed(1, UPPER)], HEIR, refusals.Taken, ("user 1",)),
    "a rename to the same name": ([NEW], renamed(1, "Ada"), refusals.Unchanged, ("user 1", "name", "Ada")),
    "a change to the same email": ([NEW], email_changed(1, ADA), refusals.Unchanged, ("user 1", "e-mail", ADA)),
    "a second destroy": ([NEW, OTHER, GONE], GONE, refusals.NotLive, ("user 1", "Ada", "already destroyed", "event 3")),
    "a restore of a live user": (
        [NEW, renamed(1, "Eve")], BACK, refusals.NotEnded, ("user 1", "Eve", "not destroyed", "2"),
    ),
    "a second restore": ([NEW, GONE, BACK], BACK, refusals.NotEnded, ("user 1",)),
}  # fmt: skip
for id in (1, 3, 4, 999_999_999_999):
    REFUSED[f"id {id}"] = ([NEW], created(id, "Bob", BOB), refusals.NotTheNextId, (str(id), "2"))
for email in (ADA, UPPER, "ada@EXAMPLE.com"):
    words: tuple[str, ...] = (email, "user 1", "Ada", "event 1")
    REFUSED[f"a user with {email}"] = ([NEW], created(2, "Bob", email), refusals.Taken, words)
    words = ("user 1", "Ada", ADA, "user 2", "Eve")
    REFUSED[f"a restore when {email} is taken"] = (
        [NEW, GONE, created(2, "Eve", email)], BACK, refusals.RevivalBlocked, words,
    )  # fmt: skip
for email in (BOB, "Bob@Example.COM"):
    words = (email, "user 2", "Bob", "event 2")
    REFUSED[f"a change to {email}"] = ([NEW, OTHER], email_changed(1, email), refusals.Taken, words)
for what, event in {**LIVE_ONLY, "restore": BACK}.items():
    REFUSED[f"a {what} of nobody"] = ([], event, refusals.NoSuchRecord, ('"1"', "event 0"))
for what, event in LIVE_ONLY.items():
    REFUSED[f"a {what} of a destroyed user"] = ([NEW, GONE], event, refusals.NotLive, ("user 1", "Ada", "event 2"))


def others(state: State, id: int) -> list[User]:
    return [user for user in state.records(USER) if user.id != id]


@pytest.mark.case(66)
@pytest.mark.parametrize(("history", "event", "user"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted_event_changes_its_user_and_nobody_else(history: list[Event], event: Event, user: User) -> None:
    state = fold(history)
    before = others(state, user.id)
    step(state, event, len(history) + 1)
    assert state.get(USER, user.id) == user
    assert others(state, user.id) == before
    assert state.number == len(history) + 1


@pytest.mark.case(66, 75)
@pytest.mark.parametrize(("history", "event", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_event_names_the_rule_and_changes_nothing(
    history: list[Event], event: Event, kind: type[errors.Refused], words: tuple[str, ...]
) -> None:
    state = fold(history)
    before = list(state.records(USER))
    with pytest.raises(errors.Refused) as refused:
        step(state, event, len(history) + 1)
    assert type(refused.value) is kind
    assert refused.value.exit == 1
    assert [word for word in words if word not in refused.value.message] == []
    assert (state.number, list(state.records(USER))) == (len(history), before)


def test_blocked_restore_says_how_to_free_the_email() -> None:
    with pytest.raises(refusals.RevivalBlocked) as refused:
        fold([NEW, GONE, HEIR, BACK])
    assert hint_for(refused.value) == "free it first: evcli user change-email 2 NEW-EMAIL, or evcli user destroy 2"


# --- what people type -------------------------------------------------------------------------------------------------

LABEL = "a" * 63
LONGEST = "a" * (254 - len("@example.com")) + "@example.com"
Clean = Callable[[str], str]

STORED: dict[Clean, dict[str, str]] = {
    clean_name: {
        "  Ada \t\n": "Ada",
        "Jose\u0301": "Jos\u00e9",
        "\u3000Ada\u3000": "Ada",
        "e\u0301" * 200: "\u00e9" * 200,  # 400 as typed, 200 as stored
    }
    | {
        same: same
        for same in (
            "Ada Lovelace", "A", "7", "李 明 “小” \\", "\U0001f469\u200d\U0001f4bb", "نام\u200cها",
            "山田\u3000太郎", "Jean\u00a0Luc", "Ada\u2009\u202fL", "x\u1680y",  # spaces of other widths
            "[/] [bold] :smile:", "=1+1", "a" * 200, "\U0001f469" * 200,
        )
    },
    clean_email: {"  Ada@Example.com\n": "Ada@Example.com"}
    | {
        same: same
        for same in (
            ADA, "a@b", "A@B", "ada.lovelace+math@ex-ample.co.uk", "!#$%&'*+/=?^_`{|}~-@example.com",
            ".a..b.@example.com",  # browsers accept it, and so does the register
            "ada@127.0.0.1", "ada@1", f"ada@{LABEL}.{LABEL}", LONGEST,
        )
    },
    clean_reason: {" moved away ": "moved away"} | {same: same for same in ("x", "é" * 2000, "a\u00a0b")},
}  # fmt: skip
NO_NAMES = {
    "": " is empty",
    " \t\n ": " is empty",
    "a" * 201: " has 201 characters; at most 200 are allowed",
    "\u0958" * 200: " has 400 characters; at most 200 are allowed",  # each is two in NFC
    "Ada\nLovelace": ": character 4 is U+000A (newline), which is not allowed",
    "Ada\x1b[2J": ": character 4 is U+001B (escape), which is not allowed",
    "Ada\0": ": character 4 is U+0000 (NUL), which is not allowed",
    "A\x7fda": ": character 2 is U+007F (delete), which is not allowed",
    "A\x9bda": ": character 2 is U+009B (control sequence introducer), which is not allowed",
    "Ada \u202eecalevoL": ": character 5 is U+202E (right-to-left override), which is not allowed",
    "A\u2066da": ": character 2 is U+2066 (left-to-right isolate), which is not allowed",
    "A\u200bda": ": character 2 is U+200B (zero width space), which is not allowed",
    "A\u2028da": ": character 2 is U+2028 (line separator), which is not allowed",
    "\ufeffAda": ": character 1 is U+FEFF (byte order mark), which is not allowed",
    "Ada\udcff": ": character 4 is U+DCFF (bytes that are not UTF-8), which is not allowed",
    "A\u00adda": ": character 2 is U+00AD (soft hyphen), which is not printable",
    "A\U000e0001da": ": character 2 is U+E0001 (language tag), which is not printable",
    "A\ue000": ": character 2 is U+E000 (unassigned), which is not printable",
    "A\U0010fffe": ": character 2 is U+10FFFE (unassigned), which is not printable",
}
NO_EMAILS = {
    "ada": ' "ada" has 0 @ signs; it needs one',
    "ada@example@com": ' "ada@example@com" has 2 @ signs; it needs one',
    **{
        email: f' "{email}" is not an e-mail address'
        for email in (
            "@", "ada@", "@example.com", "ada@-example.com", "ada@example-.com", "ada@example..com", "ada@.com",
            "ada@example.com.", "ada@exa_mple.com", "ada@[127.0.0.1]", '"ada"@example.com', "ada,bob@example.com",
            "Ada<ada@example.com>", f"ada@{LABEL}a",
        )
    },
    "a" + LONGEST: " has 255 characters; at most 254 are allowed",
    "ada lovelace@example.com": ": character 4 is U+0020 (space), which no e-mail can have",
    "adà@example.com": ": character 3 is U+00E0 (latin small letter a with grave), which no e-mail can have",
    "ada@ex\u0430mple.com": ": character 7 is U+0430 (cyrillic small letter a), which no e-mail can have",
    "ada@e\u212aample.com": ": character 6 is U+212A (kelvin sign), which no e-mail can have",
    "ada\n@example.com": ": character 4 is U+000A (newline), which is not allowed",
    "ada\x1b@example.com": ": character 4 is U+001B (escape), which is not allowed",
    "ada@example.com\u202e": ": character 16 is U+202E (right-to-left override), which is not allowed",
    "ada\udcff@example.com": ": character 4 is U+DCFF (bytes that are not UTF-8), which is not allowed",
}  # fmt: skip
NO_REASONS = {
    "": " is empty",
    "  ": " is empty",
    "a" * 2001: " has 2001 characters; at most 2000 are allowed",
    "one\ntwo": ": character 4 is U+000A (newline), which is not allowed",
    "\u202ex": ": character 1 is U+202E (right-to-left override), which is not allowed",
    "\udcff": ": character 1 is U+DCFF (bytes that are not UTF-8), which is not allowed",
}
BAD: list[tuple[Clean, str, str]] = [
    *((clean_name, typed, f"the name{fault}") for typed, fault in NO_NAMES.items()),
    *((clean_email, typed, f"the e-mail{fault}") for typed, fault in [*NO_EMAILS.items(), ("", " is empty")]),
    (clean_email, "   ", "the e-mail is empty"),
    *((clean_reason, typed, f"the reason{fault}") for typed, fault in NO_REASONS.items()),
]


def read_fault(clean: Clean, text: str) -> str:
    """What a reader says of an event that holds this text."""
    name, data = {
        clean_name: ("user.renamed", {"name": text}),
        clean_email: ("user.email-changed", {"email": text}),
        clean_reason: ("user.destroyed", {"reason": text}),
    }[clean]
    return TYPES[name].data_fault(data)


@pytest.mark.case(64, 70, 75, 77)
@pytest.mark.parametrize(
    ("clean", "typed", "stored"), [(clean, *pair) for clean, pairs in STORED.items() for pair in pairs.items()]
)
def test_typed_text_is_stored_trimmed_and_in_nfc(clean: Clean, typed: str, stored: str) -> None:
    assert clean(typed) == stored
    assert unicodedata.is_normalized("NFC", stored)
    assert read_fault(clean, stored) == ""


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        *((same, same) for same in ("神\ufa19社", "\uf900e", "\ufad9", "\U0002f800", "\U0002fa1d", "\u304b\ufa19")),
        ("\ufa19e\u0301\ufa1c", "\ufa19\u00e9\ufa1c"),
        ("か\u3099\ufa19", "が\ufa19"),
    ],
)
def test_name_keeps_the_ideographs_that_nfc_would_draw_differently(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored
    assert read_fault(clean_name, stored) == ""


@pytest.mark.case(64, 70, 75, 77, 78)
@pytest.mark.parametrize(("clean", "typed", "message"), BAD)
def test_typed_text_that_cannot_be_stored_is_refused_with_its_fault(clean: Clean, typed: str, message: str) -> None:
    with pytest.raises(errors.BadText) as refused:
        clean(typed)
    assert refused.value.message == message
    assert refused.value.exit == 2


@pytest.mark.parametrize(("email", "fault"), NO_EMAILS.items())
def test_reader_refuses_an_email_that_a_writer_refuses(email: str, fault: str) -> None:
    assert read_fault(clean_email, email) == f"data: email: {fault.lstrip(': ')}"


@pytest.mark.parametrize("email", [ADA + "\n", " " + ADA])
def test_reader_refuses_an_email_that_is_not_trimmed(email: str) -> None:
    assert TYPES["user.created"].data_fault({"name": "Ada", "email": email}).startswith("data: email: character")


# A later Unicode has more printable characters and other compositions: a reader must accept what they wrote.
@pytest.mark.parametrize(
    "name", ["e\u0301", " Ada ", "A\u00a0B", "\ue000", "\U0010fffe", "a" * 200, "\U0001f469" * 200]
)
def test_reader_accepts_names_of_any_unicode_version(name: str) -> None:
    assert TYPES["user.created"].data_fault({"name": name, "email": ADA}) == ""
    assert read_fault(clean_name, name) == ""


# --- the data of each type of event -----------------------------------------------------------------------------------

GOOD_DATA: dict[str, dict[str, Any]] = {
    "user.created": {"name": "Ada", "email": ADA},
    "user.renamed": {"name": "Ada"},
    "user.email-changed": {"email": ADA},
    "user.destroyed": {"reason": "left"},
    "user.restored": {},
}
FIELDS = [(type, field) for type, data in GOOD_DATA.items() for field in data]
FAULTS = [
    *((type, data, "") for type, data in GOOD_DATA.items()),
    ("user.destroyed", {}, ""),
    *((type, {**data, "phone": "1"}, 'data: unknown field "phone"') for type, data in GOOD_DATA.items()),
    *(
        (type, {name: value for name, value in GOOD_DATA[type].items() if name != field}, f"data: {field} is missing")
        for type, field in FIELDS
        if field != "reason"
    ),
    ("user.created", {"email": ADA, "name": "Ada"}, "data: not in the order name, email"),
]


def test_types_of_events_never_change_their_names() -> None:
    assert list(TYPES) == list(GOOD_DATA)


@pytest.mark.parametrize(("type", "data", "fault"), FAULTS)
def test_data_has_exactly_the_fields_of_its_type_in_order(type: str, data: dict[str, Any], fault: str) -> None:
    assert TYPES[type].data_fault(data) == fault


NO_TEXT = [None, True, 1, 1.5, [], {}, ["a"], {"a": "b"}, "", "\x1b", "\u202e", "x" * 2001]


@pytest.mark.parametrize(("type_and_field", "value"), list(product(FIELDS, NO_TEXT)))
def test_fault_names_the_field_whose_value_is_no_good_text(type_and_field: tuple[str, str], value: object) -> None:
    type, field = type_and_field
    fault = TYPES[type].data_fault({**GOOD_DATA[type], field: value})
    assert fault.startswith(f"data: {field}: "), f"{type} with {field} {value!r} gives {fault!r}"
