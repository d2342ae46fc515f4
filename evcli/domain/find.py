"""Which user somebody means: by id (all digits), by e-mail (has an @), or by name without regard to case."""

from collections.abc import Iterable
from itertools import chain, islice

from evcli.domain.state import State
from evcli.domain.text import composed
from evcli.errors import AmbiguousUser, NoSuchUser
from evcli.kinds.user import USER, User, email_key, name_key

NEIGHBOURS = 200
"""So many names and e-mails on each side, in order of the alphabet, are looked at for what somebody may have meant."""


def find_user(state: State, who: str, *, destroyed_first: bool = False) -> User:
    """The one user that `who` means in `state`. A live user comes before a destroyed one, or the other way round.

    Raises:
        NoSuchUser: nobody is called that; the hint names the nearest.
        AmbiguousUser: several are, and none of them comes first.
    """
    found = list(_called(state, who, destroyed_first=destroyed_first))
    preferred = [user for user in found if (user.destroyed is not None) == destroyed_first] or found
    if len(preferred) > 1:
        raise AmbiguousUser(who, [label(user) for user in preferred])
    if not preferred:
        raise NoSuchUser(who, f"event {state.number}", _nearest(state, who))
    return preferred[0]


def label(user: User) -> str:
    """A user on one line: `3 Ada <ada@example.com>`, with the destroying event where there is one."""
    return f"{user.id} {user.name} <{user.email}>" + (f" (destroyed: event {user.destroyed})" if user.destroyed else "")


def _called(state: State, who: str, *, destroyed_first: bool) -> Iterable[User]:
    if who.isascii() and who.isdigit():
        user = state.get(USER, int(who)) if len(who) <= 12 else None
        return [user] if user else []
    wanted = composed(who).strip().casefold()
    if "@" not in who:
        return (user for user in state.called(USER, wanted) if name_key(user) == wanted)
    holder = None if destroyed_first else state.holder(USER, wanted)
    if holder is not None:  # however many had that e-mail before, no other lives
        return [holder]
    return (user for user in state.called(USER, wanted) if email_key(user) == wanted)


def _nearest(state: State, who: str) -> str:
    last = state.last_id(USER)
    if who.isascii() and who.isdigit():
        return f"ids go from 1 to {last}; evcli user list --all shows them" if last else "the register is empty"
    from difflib import get_close_matches

    wanted = composed(who).strip().casefold()
    around = chain(
        islice(state.words(USER, wanted), NEIGHBOURS), islice(state.words(USER, wanted, backward=True), NEIGHBOURS)
    )
    values: dict[str, str] = {}
    for word, user in sorted(around, key=lambda pair: pair[1].id):
        if ("@" in who) == (word == email_key(user)):
            values[word] = user.email if "@" in who else user.name
    near = [values[key] for key in get_close_matches(wanted, values, n=3, cutoff=0.6)]
    return "did you mean " + " or ".join(f'"{value}"' for value in near) + "?" if near else ""
