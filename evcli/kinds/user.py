"""A user: what one is, and what can happen to one.

    created ──▶ live ──destroyed──▶ destroyed        live ──renamed, email-changed──▶ live
                  ▲───────restored──────┘

Users are never deleted: a destroyed user stays, marked. No two live users share an e-mail; a destroyed user's is free.
"""

from typing import NamedTuple

from evcli.domain.fields import EMAIL, NAME
from evcli.domain.kind import Begins, Changes, Ends, Kind, Revives


class User(NamedTuple):
    """One user at one moment. `created`, `changed` and `destroyed` are event numbers."""

    id: int
    name: str
    email: str
    created: int
    changed: int
    destroyed: int | None = None


TYPES = {
    "user.created": Begins("create", "Create a user", {"name": NAME, "email": EMAIL}),
    "user.renamed": Changes("rename", "Rename a user", {"name": NAME}),
    "user.email-changed": Changes(
        "change-email", "Change a user's e-mail address", {"email": EMAIL}, says="e-mail changed"
    ),
    "user.destroyed": Ends("destroy", "Destroy a user"),
    "user.restored": Revives("restore", "Restore a destroyed user"),
}

KIND = Kind("user", User, TYPES, unique="email", called="name", label="{name} <{email}>")
