"""The members of an event in the log: which there are, their order, and their valid values."""

import re
from datetime import date
from functools import lru_cache
from itertools import product
from typing import Any, Final

import orjson

from evcli.domain.event import Event, number_of
from evcli.domain.text import text_fault

MAX_DEPTH: Final = 32
MAX_NUMBER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""
LONGEST_ID: Final = 128

MEMBERS = (
    ("specversion", True), ("id", True), ("source", True), ("type", True), ("subject", True), ("time", True),
    ("recordedtime", False), ("sequence", True), ("authtype", True), ("authid", True), ("correlationid", False),
    ("causationid", False), ("batch", False), ("data", True), ("sha256", True),
)  # fmt: skip
_OPTIONAL = [name for name, needed in MEMBERS if not needed]
SHAPES = frozenset(
    tuple(name for name, needed in MEMBERS if needed or chosen[_OPTIONAL.index(name)])
    for chosen in product((False, True), repeat=len(_OPTIONAL))
)

# Parsed by orjson, so that these are its own cached strings for member names, and compare by address.
PLAIN_SHAPE = tuple(orjson.loads(orjson.dumps(dict.fromkeys(name for name, needed in MEMBERS if needed))))

TIME_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
_TIME = re.compile(TIME_PATTERN).fullmatch
_BATCH = re.compile(r"([1-9][0-9]{0,11})-([1-9][0-9]{0,11})").fullmatch
# The characters allowed in a URI reference (RFC 3986, appendix A).
_SOURCE = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){1,128}").fullmatch

AUTH_TYPES: Final = ("app_user", "user", "service_account", "api_key", "system", "unauthenticated", "unknown")
"""The types of actor (CloudEvents extension "authcontext")."""


def is_hash(text: str) -> bool:
    """Whether `text` is 64 lower-case hex digits."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def is_time(value: object) -> bool:
    """Whether `value` is a time in the log's format: `2026-11-22T17:03:11.000000Z`."""
    return type(value) is str and _TIME(value) is not None and is_day(value[:10])


@lru_cache(maxsize=4096)
def is_day(text: str) -> bool:
    """Whether `text`, of the form `2026-02-28`, is a valid date."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_id(value: object) -> bool:
    """Whether `value` is a valid id or actor: 1 to 128 characters, none of them forbidden."""
    return not text_fault(value, LONGEST_ID)


def is_source(value: object) -> bool:
    """Whether `value` is a valid source of a log: a URI reference (RFC 3986) of 1 to 128 characters."""
    return type(value) is str and _SOURCE(value) is not None and value.count("#") < 2


def is_sequence(value: object) -> bool:
    """Whether `value` is 12 digits."""
    return type(value) is str and len(value) == 12 and value.isascii() and value.isdigit()


def batch_fault(batch: object, number: int) -> str:
    """Why event `number` cannot be in `batch`, the member's value; "" if it can."""
    match = _BATCH(batch) if type(batch) is str else None
    if match is None or not int(match[1]) < int(match[2]):
        return f"batch {shown(batch)} is not FIRST-LAST with FIRST < LAST"
    return "" if int(match[1]) <= number <= int(match[2]) else f"event {number} is not in batch {batch}"


def optional_members_are_good(event: Event) -> bool:
    """Whether the optional members are valid, and the members that they are compared with."""
    recorded = event.get("recordedtime", event["time"])
    return (
        (is_time(recorded) and is_time(event["time"]) and recorded >= event["time"])
        and is_id(event.get("correlationid", "-"))
        and is_id(event.get("causationid", "-"))
        and is_sequence(event["sequence"])
        and ("batch" not in event or not batch_fault(event["batch"], number_of(event)))
    )


def numbers_fault(value: object, depth: int = 1) -> str:
    """Why a parsed value is not canonical: an inexact number, or nested too deep; "" if it is canonical."""
    if type(value) is float or (type(value) is int and abs(value) > MAX_NUMBER):
        return f"not in canonical form: {shown(value)} is not an integer from -(2^53-1) to 2^53-1"
    if not isinstance(value, dict | list):
        return ""
    if depth > MAX_DEPTH:
        return f"not an event: nested more than {MAX_DEPTH} deep"
    within = value.values() if isinstance(value, dict) else value
    return next((fault for each in within if (fault := numbers_fault(each, depth + 1))), "")


def value_fault(event: dict[str, Any]) -> str:
    """Which member has an invalid value, for an event that has all its members in order."""
    if event["specversion"] != "1.0":
        return f'specversion is {shown(event["specversion"])}, not "1.0"'
    if not is_source(event["source"]):
        return f"source {shown(event['source'])} is not a URI reference of 1 to 128 characters"
    if event["authtype"] not in AUTH_TYPES:
        return f"authtype {shown(event['authtype'])} is not one of {', '.join(AUTH_TYPES)}"
    for name in ("time", "recordedtime"):
        if name in event and not is_time(event[name]):
            return f"{name} is {shown(event[name])}, not a UTC time like 2026-11-22T17:03:11.000000Z"
    if event.get("recordedtime", event["time"]) < event["time"]:
        return "recordedtime is before time"
    for name in ("id", "authid", "correlationid", "causationid"):
        if name in event and (fault := text_fault(event[name], LONGEST_ID)):
            return f"{name}: {fault}"
    if not is_sequence(event["sequence"]):
        return f"sequence is {shown(event['sequence'])}, not 12 digits"
    if "batch" in event and (fault := batch_fault(event["batch"], int(event["sequence"]))):
        return fault
    return "data is not an object" if type(event["data"]) is not dict else "sha256 is not 64 hex digits"


def shown(value: object) -> str:
    """A value as JSON for a message, shortened if it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"
