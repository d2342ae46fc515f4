"""Users in tests: the names of their events' types, and who is meant."""

from typing import Any

from evcli.domain import find as finding
from evcli.domain.event import Event
from evcli.domain.fields import EMAIL, NAME, REASON
from evcli.domain.find import find
from evcli.domain.state import State
from evcli.kinds.user import KIND, TYPES, User

__all__ = [
    "CREATED", "DESTROYED", "EMAIL_CHANGED", "KIND", "RENAMED", "RESTORED", "TYPES", "USER", "User", "clean_email",
    "clean_name", "clean_reason", "email_key", "find_user", "happened", "label", "name_key",
]  # fmt: skip

USER = KIND.name
CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED = TYPES
clean_name, clean_email, clean_reason = NAME.clean, EMAIL.clean, REASON.clean


def happened(type: str, id: int, **data: str) -> Event:
    """The members of an event about user `id` that the domain reads."""
    return {"type": type, "subject": f"user/{id}", "data": data}  # type: ignore[typeddict-item]  # the rest is bytes


def find_user(state: State, who: str, *, destroyed_first: bool = False) -> User:
    found: User = find(state, KIND, who, ended_first=destroyed_first)
    return found


def email_key(user: User) -> Any:
    return KIND.key(user)


def name_key(user: User) -> Any:
    return KIND.name_key(user)


def label(user: User) -> str:
    return finding.label(KIND, user)
