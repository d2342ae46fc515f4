"""Completion candidates for a WHO, a REF or an event type: records and events of the log."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

from evcli.cli.command import Parameter
from evcli.cli.session import Session
from evcli.cli.show.times import local
from evcli.domain.event import number_of
from evcli.domain.kind import Kind, Revives
from evcli.domain.state import State
from evcli.kinds import KINDS

MOST = 100
"""At most this many records are offered."""

RECENT = 20
"""At most this many of the last events are offered for a REF."""


def candidates(session: Session, parameter: Parameter, path: Sequence[str], incomplete: str) -> list[tuple[str, str]]:
    """The candidates for a value that is a record or a moment, of the command that `path` names."""
    if not parameter.is_moment:
        found = _who(session, parameter.kind, path, incomplete)
    else:
        found = _moments(session, only_events=parameter.is_event)
    start, dots, _ = incomplete.partition("..")
    if parameter.is_range or (parameter.is_event and dots):
        found = [(f"{start}..{value}" if dots else f"{value}..", told) for value, told in found]
    return [(value, told) for value, told in found if value.startswith(incomplete)]


def _who(session: Session, name: str, path: Sequence[str], incomplete: str) -> list[tuple[str, str]]:
    """Ids, keys and names of records that start with the typed text, ignoring case, each with a description."""
    kind = KINDS[name]
    each = kind.verbs.get(path[-1]) if path[:-1] == [name] else None
    wants_all = each is None
    wants_ended = type(each) is Revives

    def is_wanted(record: Any) -> bool:
        return record is not None and (wants_all or (record[-1] is not None) == wants_ended)

    with session.register as register:
        state = register.at()
        live_only = not wants_all and not wants_ended
        wanted = islice(filter(is_wanted, _by_id(state, kind, incomplete, live_only=live_only)), MOST)
        found = [(str(record.id), kind.labelled(record)) for record in wanted]
        begun = incomplete.casefold()
        words = takewhile(lambda pair: pair[0].startswith(begun), state.words(kind.name, begun)) if begun else ()
        is_shared = lru_cache(lambda word: _is_shared(state, kind, word, is_wanted))
        for word, record in islice(words, MOST):
            if not is_wanted(record):
                continue
            others = [str(getattr(record, name)) for name in kind.names]
            if word == kind.key(record):
                found.append((others[0], others[-1] if len(others) > 1 else kind.labelled(record)))
            elif _means_by_name(kind, others[-1]) and not is_shared(word):
                found.append((others[-1], others[0] if len(others) > 1 else kind.labelled(record)))
    return found[:MOST]


def _means_by_name(kind: Kind, name: str) -> bool:
    """Whether a name, typed as a WHO, is resolved as a name, and not as an id or the unique field."""
    mark = kind.fields[kind.unique].mark if kind.unique else ""
    return not name.isdigit() and not (mark and mark in name)


def _by_id(state: State, kind: Kind, digits: str, *, live_only: bool) -> Iterator[Any]:
    """The records whose ids start with these digits, lowest first."""
    last = state.last_id(kind.name)
    if not digits:
        yield from state.records(kind.name, live_only=live_only)
    elif digits.isascii() and digits.isdigit() and digits[0] != "0":
        low, high = int(digits), int(digits)
        while low <= last:
            for id in range(low, min(high, last) + 1):
                yield state.get(kind.name, id)
            low, high = low * 10, high * 10 + 9


def _is_shared(state: State, kind: Kind, word: str, is_wanted: Callable[[Any], bool]) -> bool:
    called = (each for each in state.called(kind.name, word) if kind.name_key(each) == word and is_wanted(each))
    return len(list(islice(called, 2))) > 1


def _moments(session: Session, *, only_events: bool) -> list[tuple[str, str]]:
    """The last events by number, the keywords that name a moment, and the kept heads."""
    from evcli.register.heads import heads_beside

    found: list[tuple[str, str]] = []
    with session.register as register:
        for event in register.events_backward(register.head()):
            if len(found) == RECENT:
                break
            found.append((str(number_of(event)), f"{local(event['time'])} {event['type']} {event['subject']}"))
        if only_events:
            return found
        kept = heads_beside(register.log)
    words = [("@", "now"), ("@-", "one event ago"), ("today", "now"), ("yesterday", "the end of yesterday")]
    heads = kept.heads if kept else []
    return found + words + [(each.name, f"event {each.number}, kept {local(each.time)}") for each in heads]
