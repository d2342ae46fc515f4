"""The record kind `user`: what a user is, the five things that can happen to one, and the rule each must meet.

Stored type names are the literals in TYPES, and never change: a new shape of an old type is a new type.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from evcli.domain.event import Data, EventType, Kind
from evcli.domain.text import JOINERS, character_name, composed, text_fault
from evcli.errors import (
    BadText,
    EmailTaken,
    NoSuchUser,
    NotDestroyed,
    NotLive,
    NotTheNextId,
    Refused,
    RestoreBlocked,
    Unchanged,
)

if TYPE_CHECKING:
    from evcli.domain.state import State

USER = "user"
LONGEST_NAME = 200
LONGEST_EMAIL = 254
LONGEST_REASON = 2000


class User(NamedTuple):
    """One user at one moment. `created`, `changed`, `destroyed` are event numbers; a live user has no `destroyed`."""

    id: int
    name: str
    email: str
    created: int
    changed: int
    destroyed: int | None = None


# --- what people write becomes what events hold -----------------------------------------------------------------------

# The published pattern of the HTML standard's <input type=email>, its labels written so that no match steps back:
# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = r"(?!-)[a-zA-Z0-9-]{1,63}(?<!-)"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*").fullmatch


def clean_name(typed: str) -> str:
    """The name as it is stored: trimmed, in Unicode's NFC, printable, 1 to 200 code points.

    Raises:
        BadText: it is empty, too long, or holds a character that is not printable; says which and where.
    """
    name = typed.strip()
    if name.isascii() and name.isprintable() and 0 < len(name) <= LONGEST_NAME:
        return name
    fault = text_fault(name, max(len(name), 1))
    if not fault and not name.isascii():
        name = composed(name)
        for position, character in enumerate(name, 1):
            if not character.isprintable() and character not in JOINERS:
                fault = f"character {position} is {character_name(character)}, which is not printable"
                break
    if fault := fault or text_fault(name, LONGEST_NAME):
        raise BadText("the name", fault)
    return name


def clean_email(typed: str) -> str:
    """The e-mail as it is stored: trimmed, and one that a browser's e-mail field would take, of at most 254 characters.

    Raises:
        BadText: it is not; says which character is in the way where there is one.
    """
    email = typed.strip()
    if len(email) <= LONGEST_EMAIL and _EMAIL(email):
        return email
    if fault := _email_fault(email):
        raise BadText("the e-mail", fault, "an e-mail looks like ada@example.com, in ASCII")
    return email


def clean_reason(typed: str) -> str:
    """The reason as it is stored: trimmed, 1 to 2,000 characters, none of them forbidden. Raises BadText."""
    reason = typed.strip()
    if fault := text_fault(reason, LONGEST_REASON):
        raise BadText("the reason", fault)
    return reason


def because(reason: str | None) -> dict[str, str]:
    """The last member of an event's data, where somebody says why it is done. Raises BadText."""
    return {} if reason is None else {"reason": clean_reason(reason)}


def _email_fault(email: object) -> str:
    if isinstance(email, str) and len(email) <= LONGEST_EMAIL and _EMAIL(email):
        return ""
    if fault := text_fault(email, LONGEST_EMAIL):
        return fault
    text = str(email)
    for position, character in enumerate(text, 1):
        if not "!" <= character <= "~":
            return f"character {position} is {character_name(character)}, which no e-mail has"
    if text.count("@") != 1:
        return f'"{text}" has {text.count("@")} @ signs; it needs one'
    return f'"{text}" is not an e-mail address'


# --- which data an event of each type holds ---------------------------------------------------------------------------


def _members_fault(data: Mapping[str, object], needed: tuple[str, ...]) -> str:
    for member in needed:
        if member not in data:
            return f"data: {member} is missing"
    for member in data:
        if member not in needed:
            return f'data: unknown field "{member}"'
    return "" if tuple(data) == needed else f"data: not in the order {', '.join(needed)}"


def _created_data_fault(data: Mapping[str, object]) -> str:
    if tuple(data) != ("name", "email"):
        return _members_fault(data, ("name", "email"))
    name, email = data.values()
    # Half of all events are these, and this is asked of each in every fold; the same as below, in fewer calls.
    if (
        (type(name) is str and 0 < len(name) <= LONGEST_NAME and name.isprintable())
        and (type(email) is str and len(email) <= LONGEST_EMAIL and _EMAIL(email))
    ):  # fmt: skip
        return ""
    return _name_data_fault(data["name"]) or _email_data_fault(data["email"])


def _renamed_data_fault(data: Mapping[str, object]) -> str:
    if tuple(data) != ("name",):
        return _members_fault(data, ("name",))
    return _name_data_fault(data["name"])


def _email_changed_data_fault(data: Mapping[str, object]) -> str:
    if tuple(data) != ("email",):
        return _members_fault(data, ("email",))
    return _email_data_fault(data["email"])


def _nothing_fault(data: Mapping[str, object]) -> str:
    return _members_fault(data, ()) if data else ""


def _with_reason(fault_of_rest: Callable[[Mapping[str, object]], str]) -> Callable[[Mapping[str, object]], str]:
    """The check of data that may have, as their last member, why it was done."""

    def fault(data: Mapping[str, object]) -> str:
        if "reason" not in data:
            return fault_of_rest(data)
        if wrong := fault_of_rest({name: value for name, value in data.items() if name != "reason"}):
            return wrong
        if (names := list(data))[-1] != "reason":
            return f"data: not in the order {', '.join([*(name for name in names if name != 'reason'), 'reason'])}"
        wrong = text_fault(data["reason"], LONGEST_REASON)
        return wrong and f"data: reason: {wrong}"

    return fault


def _name_data_fault(name: object) -> str:
    # A reader's Unicode tables may be another year's, so it asks less of a name than a writer does.
    if type(name) is str and 0 < len(name) <= LONGEST_NAME and name.isprintable():
        return ""
    fault = text_fault(name, LONGEST_NAME)
    return fault and f"data: name: {fault}"


def _email_data_fault(email: object) -> str:
    if type(email) is str and len(email) <= LONGEST_EMAIL and _EMAIL(email):
        return ""
    return f"data: email: {_email_fault(email)}"


# --- the rules: each reads the state before the event, and raises Refused when the event cannot happen ----------------


def _may_be_created(state: "State", id: int, user: User | None, data: Data) -> None:
    if id != state.last_id(USER) + 1:
        raise NotTheNextId(id, state.last_id(USER) + 1)
    holder = state.holder(USER, data["email"].casefold())
    if holder is not None:
        raise EmailTaken(data["email"], holder.id, holder.name, holder.created)


def _may_be_renamed(state: "State", id: int, user: User | None, data: Data) -> None:
    if user is None or user.destroyed is not None:
        raise _not_live(state, id, user)
    if user.name == data["name"]:
        raise Unchanged(id, "name", data["name"])


def _may_change_email(state: "State", id: int, user: User | None, data: Data) -> None:
    if user is None or user.destroyed is not None:
        raise _not_live(state, id, user)
    if user.email == data["email"]:
        raise Unchanged(id, "e-mail", data["email"])
    holder = state.holder(USER, data["email"].casefold())
    if holder is not None and holder.id != id:
        raise EmailTaken(data["email"], holder.id, holder.name, holder.created)


def _may_be_destroyed(state: "State", id: int, user: User | None, data: Data) -> None:
    if user is None or user.destroyed is not None:
        raise _not_live(state, id, user)


def _may_be_restored(state: "State", id: int, user: User | None, data: Data) -> None:
    if user is None:
        raise _not_live(state, id, user)
    if user.destroyed is None:
        raise NotDestroyed(id, user.name, user.changed)
    holder = state.holder(USER, user.email.casefold())
    if holder is not None:
        raise RestoreBlocked(id, user.name, user.email, holder.id, holder.name, holder.created)


def _not_live(state: "State", id: int, user: User | None) -> Refused:
    if user is None or user.destroyed is None:
        return NoSuchUser(str(id), f"event {state.number}")
    return NotLive(id, user.name, user.destroyed)


# --- what an accepted event makes of the user -------------------------------------------------------------------------

# Building the tuple directly takes half the time of calling User, and a fold makes one for every event.
_new = tuple.__new__


def _create(user: None, id: int, number: int, data: Data) -> User:
    return _new(User, (id, data["name"], data["email"], number, number, None))


def _rename(user: User, id: int, number: int, data: Data) -> User:
    return _new(User, (id, data["name"], user.email, user.created, number, None))


def _change_email(user: User, id: int, number: int, data: Data) -> User:
    return _new(User, (id, user.name, data["email"], user.created, number, None))


def _destroy(user: User, id: int, number: int, data: Data) -> User:
    return _new(User, (id, user.name, user.email, user.created, number, number))


def _restore(user: User, id: int, number: int, data: Data) -> User:
    return _new(User, (id, user.name, user.email, user.created, number, None))


CREATED = "user.created"
RENAMED = "user.renamed"
EMAIL_CHANGED = "user.email-changed"
DESTROYED = "user.destroyed"
RESTORED = "user.restored"

TYPES: Mapping[str, EventType] = {
    CREATED: EventType(USER, _with_reason(_created_data_fault), _may_be_created, _create),
    RENAMED: EventType(USER, _with_reason(_renamed_data_fault), _may_be_renamed, _rename),
    EMAIL_CHANGED: EventType(USER, _with_reason(_email_changed_data_fault), _may_change_email, _change_email),
    DESTROYED: EventType(USER, _with_reason(_nothing_fault), _may_be_destroyed, _destroy),
    RESTORED: EventType(USER, _with_reason(_nothing_fault), _may_be_restored, _restore),
}


def email_key(user: User) -> str:
    """What two live users never share: the e-mail without regard to case."""
    return user.email.casefold()


def name_key(user: User) -> str:
    """The name without regard to case."""
    return user.name.casefold()


def _claimed_email(data: Data) -> str | None:
    email = data.get("email")
    return None if email is None else email.casefold()


KIND = Kind(USER, TYPES, User, email_key, name_key, _claimed_email)
