"""A SCIM 2.0 list of people (RFC 7643, RFC 7644) as objects with a name and an e-mail."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from evcli.transfer.fault import Fault
from evcli.transfer.members import Found
from evcli.transfer.objects import Elements
from evcli.transfer.refusals import NotOneColumn


def people(
    name: str, chunks: Iterable[bytes], offset: int, named: Iterable[str], notice: Callable[[str], None]
) -> Iterator[Found]:
    """Those who are active; `named` are the members that were named for fields."""
    elements = Elements(name, "Resources")
    count = gone = 0
    for line, value in elements.objects(chunks, offset):
        count += 1
        if value is None or isinstance(value, Fault):
            yield line, value
        elif value.get("active") in (False, "false", "False"):
            gone += 1
        else:
            yield line, _person(value, {part for each in named for part in (each, *each.split("+"))})
    if gone:
        notice(f"left out {gone:,} of {count:,}, who are not active")
    total = elements.document.get("totalResults") if type(elements.document) is dict else None
    if type(total) is int and total > count:
        notice(f"it has {count:,} of {total:,}: it is one page of a list")


def _person(value: Mapping[str, Any], named: set[str]) -> dict[str, Any] | Fault:
    parts = value.get("name")
    parts = parts if isinstance(parts, dict) else {}
    joined = " ".join(str(parts[key]) for key in ("givenName", "familyName") if parts.get(key))
    email = _email(value)
    if isinstance(email, Fault):
        return email
    found = {"name": parts.get("formatted") or value.get("displayName") or joined, "email": email}
    return found | {key: each for key, each in value.items() if key in named and key not in found}


def _email(value: Mapping[str, Any]) -> Any:
    emails = [each for each in value.get("emails") or () if isinstance(each, dict) and each.get("value")]
    primary = [each["value"] for each in emails if each.get("primary") is True]
    work = [each["value"] for each in emails if each.get("type") == "work"]
    for found in (primary, work, [each["value"] for each in emails]):
        if len(found) > 1:
            why = f"{found[0]} and {found[1]} could both be the e-mail, and neither is primary"
            return Fault("email", why, "", NotOneColumn(why, "", []))
        if found:
            return found[0]
    login = value.get("userName")
    return login if isinstance(login, str) and "@" in login else ""
