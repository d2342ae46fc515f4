"""Which command an unknown one may mean, by its meaning or its letters; never the opposite."""

from collections.abc import Iterable
from difflib import get_close_matches

from evcli.domain.kind import Begins, Changes, Ends, EventType, Kind, Revives
from evcli.kinds import all_kinds

_MEANINGS: dict[str, type[EventType]] = {
    **dict.fromkeys(("add", "new", "insert", "make"), Begins),
    **dict.fromkeys(("change", "edit", "set", "update", "modify"), Changes),
    **dict.fromkeys(("remove", "delete", "del", "rm", "drop"), Ends),
    **dict.fromkeys(("undelete", "undestroy", "undo", "recover"), Revives),
}
_VIEWS = {"ls": "list", "get": "show", "view": "show"}


def nearest(typed: str, names: Iterable[str]) -> list[str]:
    """The names that are written nearly as what was typed, the nearest first."""
    return get_close_matches(typed, list(names))


def nearest_of_all(typed: str, names: Iterable[str]) -> list[str]:
    """The commands that may have been meant by a first word: `create` is one of users."""
    of_kinds = [f"{kind.name} {typed}" for kind in all_kinds() if typed in (*kind.verbs, *_VIEWS.values())]
    return of_kinds or nearest(typed, names)


def nearest_of(kind: Kind, typed: str, names: Iterable[str]) -> list[str]:
    """The commands of a kind that may have been meant."""
    if view := _VIEWS.get(typed):
        return [view]
    for word in get_close_matches(typed, _MEANINGS, 1, 0.8):
        return [verb for verb, each in kind.verbs.items() if type(each) is _MEANINGS[word]]
    found = nearest(typed, names)
    roles = [type(kind.verbs[name]) if name in kind.verbs else None for name in found]
    # Of a command and the one that takes it back, only the nearer is offered.
    far = {Ends: Revives, Revives: Ends}.get(next((role for role in roles if role in (Ends, Revives)), None) or Begins)
    return [name for name, role in zip(found, roles, strict=True) if role is None or role is not far]
