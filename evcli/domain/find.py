"""Find a record by id (all digits), by FIELD=VALUE, or by e-mail or name, case-insensitively."""

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

from evcli.domain.fields import key_of
from evcli.domain.kind import Kind
from evcli.domain.refusals import Ambiguous, NoSuchRecord
from evcli.domain.state import State
from evcli.domain.text import composed

NEIGHBOURS = 200
"""How many words on each side, in alphabetical order, are compared with what was typed."""


def find(state: State, kind: Kind, who: str, *, ended_first: bool = False) -> Any:
    """The one record that `who` means in `state`. Live records are preferred, or ended ones with `ended_first`.

    Raises:
        NoSuchRecord: nothing matches; the hint names the closest matches.
        Ambiguous: several records match equally well.
    """
    found = list(_called(state, kind, who, ended_first=ended_first))
    preferred = [record for record in found if (record[-1] is not None) == ended_first] or found
    preferred.sort(key=lambda record: record.id)  # a cache and a fold give them in orders of their own
    if len(preferred) > 1:
        raise Ambiguous(kind.name, kind.plural, who, [label(kind, record) for record in preferred])
    if not preferred:
        moment = f"event {state.number}"
        if _is_id(who):
            last = state.last_id(kind.name)
            raise NoSuchRecord(kind.name, who, moment, "" if last else f"there is no {kind.name} yet", last)
        raise NoSuchRecord(kind.name, who, moment, _as_subject(kind, who) or _nearest(state, kind, who))
    return preferred[0]


def label(kind: Kind, record: Any) -> str:
    """A record on one line: `3 Ada <ada@example.com>`, with the event that ended it, if any."""
    return f"{record.id} {kind.labelled(record)}" + (f" ({kind.ended}: event {record[-1]})" if record[-1] else "")


def fields_meant(kind: Kind, who: str) -> tuple[tuple[str, ...], str]:
    """The fields that `who` may refer to, and the value: from `email=ada@example.com`, or from the mark in it."""
    field, equals, value = who.partition("=")
    if equals and field in kind.names:
        return (field,), value
    for name in kind.names:
        if mark := kind.fields[name].mark:
            return ((name,) if mark in who else tuple(other for other in kind.names if other != name)), who
    return kind.names, who


def words_meant(kind: Kind, who: str) -> dict[str, str]:
    """The word that each field meant by `who` must have; empty for an id."""
    if _is_id(who):
        return {}
    fields, value = fields_meant(kind, who)
    value = composed(value).strip()
    return {name: _word(kind, name, value) for name in fields}


def is_called(kind: Kind, record: Any, words: Mapping[str, str]) -> bool:
    """Whether the record has one of these words, each in its field."""
    return any(_word(kind, name, getattr(record, name)) == word for name, word in words.items())


def _is_id(who: str) -> bool:
    return who.isascii() and who.isdigit()


def _called(state: State, kind: Kind, who: str, *, ended_first: bool) -> Iterable[Any]:
    if _is_id(who):
        record = state.get(kind.name, int(who)) if len(who) <= 12 else None
        return [record] if record else []
    wanted = words_meant(kind, who)
    if list(wanted) == [kind.unique] and not ended_first:
        holder = state.holder(kind.name, wanted[kind.unique])
        if holder is not None:  # earlier holders may exist, but no other is live
            return [holder]
    found = chain.from_iterable(state.called(kind.name, word) for word in sorted({*wanted.values()}))
    return {record.id: record for record in found if is_called(kind, record, wanted)}.values()


def _word(kind: Kind, field: str, value: str) -> str:
    return key_of(value) if field == kind.unique else value.casefold()


def _as_subject(kind: Kind, who: str) -> str:
    """The hint for an id that is written as events have it: user/7."""
    name, _, id = who.partition("/")
    return f'did you mean "{id}"?' if name == kind.name and _is_id(id) else ""


def _nearest(state: State, kind: Kind, who: str) -> str:
    fields, value = fields_meant(kind, who)
    if not fields:
        return ""
    from difflib import get_close_matches

    wanted = composed(value).strip().casefold()
    around = chain.from_iterable(
        islice(state.words(kind.name, wanted, backward=backward), NEIGHBOURS) for backward in (False, True)
    )
    values: dict[str, str] = {}
    for word, record in sorted(around, key=lambda pair: pair[1].id):
        for name in fields:
            if word == _word(kind, name, getattr(record, name)):
                values[word] = getattr(record, name)
    begun = [key for key in values if key.startswith(wanted)][:3] if wanted else []
    near = [values[key] for key in begun or get_close_matches(wanted, values, n=3, cutoff=0.6)]
    return "did you mean " + " or ".join(f'"{value}"' for value in near) + "?" if near else ""
