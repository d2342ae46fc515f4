"""Which user somebody means: by id (all digits), by e-mail (has an @), or by name without regard to case."""

from collections.abc import Iterable

from evcli.domain.state import State
from evcli.domain.text import composed
from evcli.domain.user import USER, User, email_key
from evcli.errors import AmbiguousUser, NoSuchUser


def find_user(state: State, who: str, *, destroyed_first: bool = False) -> User:
    """The one user that `who` means in `state`. A live user comes before a destroyed one, or the other way round.

    Raises:
        NoSuchUser: nobody is called that; the hint names the nearest.
        AmbiguousUser: several are, and none of them comes first.
    """
    found = _called(state, who)
    preferred = [user for user in found if (user.destroyed is not None) == destroyed_first] or found
    if len(preferred) > 1:
        raise AmbiguousUser(who, [label(user) for user in preferred])
    if not preferred:
        raise NoSuchUser(who, f"event {state.number}", _nearest(state, who))
    return preferred[0]


def label(user: User) -> str:
    """A user on one line: `3 Ada <ada@example.com>`, with the destroying event where there is one."""
    return f"{user.id} {user.name} <{user.email}>" + (f" (destroyed: event {user.destroyed})" if user.destroyed else "")


def _called(state: State, who: str) -> list[User]:
    if who.isascii() and who.isdigit():
        user = state.get(USER, int(who)) if len(who) <= 12 else None
        return [user] if user else []
    wanted = composed(who).strip().casefold()
    users: Iterable[User] = state.records(USER)
    if "@" in who:
        return [user for user in users if email_key(user) == wanted]
    return [user for user in users if user.name.casefold() == wanted]


def _nearest(state: State, who: str) -> str:
    last = state.last_id(USER)
    if who.isascii() and who.isdigit():
        return f"ids go from 1 to {last}; evcli user list --all shows them" if last else "the register is empty"
    from difflib import get_close_matches

    field = "email" if "@" in who else "name"
    values = {getattr(user, field).casefold(): getattr(user, field) for user in state.records(USER)}
    near = [values[key] for key in get_close_matches(who.casefold(), values, n=3, cutoff=0.6)]
    return "did you mean " + " or ".join(f'"{value}"' for value in near) + "?" if near else ""
