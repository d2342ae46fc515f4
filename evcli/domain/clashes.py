"""Names that a kind cannot use because they are reserved: checked when the kind is loaded.

The reserved words are listed here, so that a page is refused wherever it is loaded; a test compares them with the
actual commands and options.
"""

import re
from collections.abc import Iterator

from evcli.domain.kind import Begins, Kind

FIELDS = frozenset({"id", "reason", "action", "date", "time", "events", "event"})
"""Fields of every event, row or record."""
OPTIONS = frozenset(
    {
        "all", "as_of", "at", "color", "columns", "dry_run", "expect", "format", "help", "id", "json", "lock_wait",
        "limit", "log", "match", "no_pager", "occurred", "quiet", "reason", "wide", "who",
    }
)  # fmt: skip
"""Options of the commands of every kind: a field of the same name would be ambiguous."""
VERBS = frozenset({"list", "show"})
"""Verbs that every kind has, whatever its page declares."""
COMMANDS = frozenset(
    {
        "bisect", "blame", "completion", "diff", "export", "head", "help", "import", "log", "path", "redo", "repair",
        "report", "restore-to", "revert", "show", "state", "status", "sync", "trace", "undo", "verify", "what-if",
    }
)  # fmt: skip
"""Top-level commands: no kind can have these names."""
LOG_OPTIONS = frozenset({"actor", "follow", "grep", "list", "patch", "reverse", "since", "times", "type", "until"})
"""Options of `log`: reserved too, because `log` has an option named after each kind."""
KEYS = frozenset(
    {
        "after", "along", "already", "before", "began", "changes", "correlation", "destroyed", "error", "events",
        "from", "head", "live", "number", "plan", "recorded", "sha256", "status", "time", "to", "undone",
    }
)  # fmt: skip
"""Members of JSON answers besides the records, which are under the plural of their kind."""

_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*").fullmatch
_FIELD = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*").fullmatch


def check(kind: Kind) -> None:
    """Refuse a kind that clashes with itself or with a reserved word. Raises TypeError, naming every clash."""
    if wrong := [*_of_the_kind(kind), *_of_fields(kind), *_of_types(kind)]:
        raise TypeError(f"kind {kind.name!r}: {'; '.join(wrong)}")


def _of_the_kind(kind: Kind) -> Iterator[str]:
    if not _NAME(kind.name):
        yield "its name may only contain lower-case letters, digits and single dashes"
    if kind.name in COMMANDS | OPTIONS | LOG_OPTIONS:
        yield "its name is a command, or an option of one"
    if kind.plural in KEYS | FIELDS or not _NAME(kind.plural):
        yield f"its plural {kind.plural!r} has another meaning in answers, or is not a valid name"
    if kind.record._fields[0] != "id" or len(kind.record._fields) < 5:
        yield "the record must start with id, and end with the events that began, changed and ended it"
    if not any(type(each) is Begins for each in kind.types.values()):
        yield "no type begins one"
    for field in kind.names:
        if field not in kind.own:
            yield f"{field!r} is not a field of the record"


def _of_fields(kind: Kind) -> Iterator[str]:
    stamps = {kind.began, kind.changed, kind.ended}
    for field in {*kind.fields, *kind.own}:
        if not _FIELD(field):
            yield f"the field {field!r} may only contain lower-case letters, digits and single underscores"
        if field in FIELDS | OPTIONS:
            yield f"no field can be called {field!r}: every event, row or command already has one"
    for field in stamps & FIELDS | stamps & kind.fields.keys():
        yield f"{field!r} is already something else, and cannot be the number of an event"
    for field in kind.columns:
        if kind.columns.count(field) > 1 or (field not in kind.record._fields and field in kind.fields):
            yield f"the field {field!r} is called as a column about an event"
    for type in kind.types.values():
        for name, field_ in type.fields.items():
            if field_._replace(required=True) != kind.fields[name]._replace(required=True):
                yield f"{name!r} is one field in {type.name}, and another elsewhere"


def _of_types(kind: Kind) -> Iterator[str]:
    for name, type in kind.types.items():
        prefix, _, past = name.partition(".")
        if prefix != kind.name or not _NAME(past):
            yield f"the type {name!r} is not {kind.name}.PAST-TENSE"
        if not _NAME(type.verb) or type.verb in VERBS:
            yield f"the verb {type.verb!r} is taken by every kind, or is not a valid name"
        if type.undo_name and type.undo_name not in kind.types:
            yield f"{name} is undone by {type.undo_name!r}, which is not a type of this kind"
        if type.apply is None and (more := sorted(type.fields.keys() - set(kind.own))):
            yield f"{name} holds {', '.join(more)}, which the record does not have, and there is no apply"
        if tuple(type.fields)[: len(type.required)] != type.required:
            yield f"{name} has a required field after an optional one"
    if len(kind.verbs) < len(kind.types):
        yield "two types have the same verb"
