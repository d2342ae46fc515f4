"""What a row of an import wants: its cells as an intention, by the same cleaning as for words that are typed."""

from collections.abc import Callable
from datetime import datetime

from evcli.domain.find import label
from evcli.domain.state import State
from evcli.errors import AmbiguousUser, BadInput, NoSuchUser
from evcli.kinds.user import (
    CREATED,
    DESTROYED,
    EMAIL_CHANGED,
    RENAMED,
    RESTORED,
    USER,
    User,
    because,
    clean_email,
    clean_name,
    email_key,
    name_key,
)
from evcli.log.line import timestamp
from evcli.register.decide import Intention
from evcli.transfer.rows import BadCell, Fault

FIELDS = ("name", "email", "date", "action", "reason", "destroyed")
NEEDED = ("name", "email")

ACTIONS = {
    "create": CREATED,
    "rename": RENAMED,
    "change-email": EMAIL_CHANGED,
    "destroy": DESTROYED,
    "restore": RESTORED,
}


# Building the tuple directly takes a third of the time of calling Intention, and an import makes one for every row.
_new = tuple.__new__


def intention(cells: tuple[str, ...], id: str, clock: Callable[[], datetime]) -> Intention:
    """What the row with these cells, in the order of FIELDS, wants to be recorded as event `id`. Raises BadCell."""
    name, email, date, action, reason, destroyed = cells
    field = "name"
    try:
        if not (action or date or reason or destroyed):
            data = {"name": clean_name(name)}
            field = "email"
            data["email"] = clean_email(email)
            return _new(Intention, (CREATED, data, _next_id, False, id, None))
        field = "destroyed"
        if destroyed.strip():
            raise BadInput("is filled: this user is none any more", "leave such rows out, or give an action")
        field = "action"
        type = ACTIONS.get(action.strip().casefold() or "create")
        if type is None:
            raise BadInput(f'"{action}" is none of {", ".join(ACTIONS)}')
        field = "date"
        time = _time(date, clock) if date.strip() else None
        field = "email"
        email = clean_email(email)
        field = "name"
        if type in (CREATED, RENAMED, EMAIL_CHANGED):
            name = clean_name(name)
        field = "reason"
        data, about = _wanted(type, name, email)
        data |= because(reason) if reason.strip() else {}
    except BadInput as bad:
        why = bad.message.removeprefix("the e-mail" if field == "email" else f"the {field}").lstrip(": ")
        raise BadCell(Fault(field, why, bad.hint)) from None
    return Intention(type, data, about, type != CREATED, id, time)


def _wanted(type: str, name: str, email: str) -> tuple[dict[str, str], Callable[[State], int]]:
    if type == CREATED:
        return {"name": name, "email": email}, _next_id
    if type == RENAMED:
        return {"name": name}, _live_with(email)
    if type == EMAIL_CHANGED:
        return {"email": email}, _live_called(name)
    if type == DESTROYED:
        return {}, _live_with(email)
    return {}, _destroyed_with(email)


def _next_id(state: State) -> int:
    return state.last_id(USER) + 1


def _live_with(email: str) -> Callable[[State], int]:
    def about(state: State) -> int:
        user = state.holder(USER, email.casefold())
        if user is None:
            raise NoSuchUser(email, "this row", "only live users can be meant")
        id: int = user.id
        return id

    return about


def _live_called(name: str) -> Callable[[State], int]:
    def about(state: State) -> int:
        wanted = name.casefold()
        named = (user for user in state.called(USER, wanted) if name_key(user) == wanted)
        return _only(name, [user for user in named if user.destroyed is None])

    return about


def _destroyed_with(email: str) -> Callable[[State], int]:
    """The destroyed user who had that e-mail; when there is none, the live one, of whom the rule says why not."""

    def about(state: State) -> int:
        wanted = email.casefold()
        users = [user for user in state.called(USER, wanted) if email_key(user) == wanted]
        return _only(email, [user for user in users if user.destroyed is not None] or users)

    return about


def _only(who: str, users: list[User]) -> int:
    if not users:
        raise NoSuchUser(who, "this row")
    if len(users) > 1:
        raise AmbiguousUser(who, [label(user) for user in users])
    return users[0].id


def _time(date: str, clock: Callable[[], datetime]) -> str:
    from evcli.register.refs import written_moment

    now = clock()
    moment = written_moment(date, now)
    if moment > now:
        raise BadInput(f'"{date.strip()}" is in the future', "what has not happened yet cannot be recorded")
    return timestamp(moment)
