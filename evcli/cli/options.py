"""The arguments and options that several commands share, each defined once."""

import re
from collections.abc import Iterator, Mapping

from evcli.cli.command import Parameter
from evcli.domain.fields import REASON
from evcli.domain.kind import Kind
from evcli.errors import BadInput
from evcli.kinds import KINDS, MODULES, all_kinds, first_kind
from evcli.register.register import LOCK_WAIT


def _types() -> Iterator[str]:
    return (name for kind in all_kinds() for name in kind.types)


AT = Parameter("at", ("--at",), "REF", "As of this moment (evcli help refs).", is_moment=True)


def as_of(help: str) -> Parameter:
    """The option `--as-of TIME`."""
    return Parameter("as_of", ("--as-of",), "TIME", help, among=lambda: ("now", "today", "yesterday"))


AS_OF = as_of("What had happened by then, as known now or --at REF.")
REF = Parameter("ref", (), "[REF]", "Default: @, now.", is_moment=True, default="@")
SINCE = Parameter("since", ("--since",), "REF", "Only events after it.", is_moment=True)
UNTIL = Parameter("until", ("--until",), "REF", "Only events up to it.", is_moment=True)
LOG_AT = Parameter("at", ("--at",), "REF", "The same as --until.", is_moment=True)
BY_TYPE = Parameter(
    "type", ("--type",), "GLOB", "Only types matching a glob ('*.destroyed'), or a verb (destroy).", among=_types
)
LIMIT_FLAGS = ("-n", "-L", "--limit")
LIMIT = Parameter("limit", LIMIT_FLAGS, "N", "At most N, also -5; 0 means all.", "integer", is_count=True)
COLUMNS = Parameter("columns", ("--columns",), "A,B,…", "Only these columns, in this order; see --wide.")
WIDE = Parameter("wide", ("--wide",), "", "All columns: also when, by whom and why.", "flag")
KIND = Parameter(
    "kind", ("--kind",), "KIND", "The kind of the records (default: the first kind).", among=lambda: MODULES
)
LOCK_WAIT_FOR = Parameter("lock_wait", ("--lock-wait",), "SECONDS", "Wait for other writers; default 10.", "number")
OCCURRED = Parameter(
    "occurred", ("--occurred",), "TIME", "It happened earlier, at this time.", among=lambda: ("today", "yesterday")
)
WRITING = (
    Parameter("reason", ("--reason",), "TEXT", REASON.help),
    Parameter("dry_run", ("--dry-run",), "", "Show the event and what it would change; write nothing.", "flag"),
    Parameter("expect", ("--expect",), "HEAD", "Only if the head is still N (or N:SHA256); else exit 13."),
    Parameter("id", ("--id",), "ID", "The event's id (of several: ID, ID.2, …); sent twice, it is recorded once."),
    LOCK_WAIT_FOR,
)
"""The options of every command that records what its words say."""

_HEAD = re.compile(r"([0-9]{1,12})(?::([0-9a-f]{64}))?").fullmatch


def read_head(text: str, *, needs_hash: bool = False) -> tuple[int, str | None]:
    """A saved head: its number, and its hash if present. Raises BadInput."""
    match = _HEAD(text.strip())
    if match is None or (needs_hash and match[2] is None):
        form = "NUMBER:SHA256, as evcli head prints it" if needs_hash else "an event number, or NUMBER:SHA256"
        hint = "kept heads are checked without it, those of a file with --against FILE" if needs_hash else ""
        raise BadInput(f'--expect "{text}" is not {form}', hint)
    return int(match[1]), match[2]


def kind_of(name: str | None) -> Kind:
    """The kind of that name, by default the first. Raises BadInput."""
    if name not in (None, *MODULES):
        raise BadInput(f'--kind "{name}": there is no such kind of record', f"kinds are {', '.join(MODULES)}")
    return first_kind() if name is None else KINDS[name]


def about() -> list[Parameter]:
    """The options `--KIND WHO`, one for each kind."""
    return [
        Parameter(f"about_{kind}", (f"--{kind}",), "WHO", f"Only about this {kind}.", kind=kind) for kind in MODULES
    ]


def last_asked(about: Mapping[str, str | None]) -> tuple[Kind, str] | None:
    """The kind and the WHO of the last option `--KIND WHO` that was typed, if any."""
    asked = [(KINDS[option.removeprefix("about_")], who) for option, who in about.items() if who is not None]
    return asked[-1] if asked else None


def lock_wait_of(seconds: float | None) -> float:
    """How long to wait for the lock; `seconds` is the option's value. Raises BadInput."""
    if seconds is None:
        return LOCK_WAIT
    if not seconds >= 0:
        raise BadInput(f"--lock-wait {seconds} must be a non-negative number of seconds")
    return seconds
