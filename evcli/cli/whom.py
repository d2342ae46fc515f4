"""Who had a name or a unique field when: a command that only reads takes a former one, one that writes tells of it."""

from contextlib import suppress
from typing import Any

from evcli.cli.session import Session
from evcli.domain.find import find, label, words_meant
from evcli.domain.kind import Kind
from evcli.domain.refusals import Ambiguous, NoSuchRecord
from evcli.domain.state import State
from evcli.errors import EvcliError, Refused

MOST = 5
"""At most this many former holders are named in a hint."""


def record_meant(session: Session, state: State, kind: Kind, who: str, as_of: str | None = None) -> Any:
    """The one record that `who` means in `state`, or that alone was ever called so before.

    With `as_of`, the state is the one at that time, and before is what had happened by then.
    Notes say when a record had what it has no more, and who else had it. Raises NoSuchRecord, Ambiguous.
    """
    try:
        record = find(state, kind, who)
    except NoSuchRecord:
        had = session.register.had(kind, who, state.number, as_of)
        if not had:
            raise
        if len(had) > 1:
            told = [f"{label(kind, state.get(kind.name, id))} had it {_when(spans)}" for id, spans in had]
            raise Ambiguous(kind.name, kind.plural, who, told) from None
        record = state.get(kind.name, had[0].id)
        _tell(session, kind, record, who, had[0].spans)
        return record
    # Names may be shared at any time, so only what one record has at a time is told of.
    if kind.unique in words_meant(kind, who):
        for id, spans in session.register.had(kind, f"{kind.unique}={_value(kind, who)}", state.number, as_of):
            if id != record.id:
                _tell(session, kind, state.get(kind.name, id), who, spans)
    return record


def record_at(session: Session, state: State, kind: Kind, who: str, as_of: str | None = None) -> Any:
    """The same in the state at a moment; the error knows whom `who` means by now. Raises NoSuchRecord, Ambiguous."""
    try:
        return record_meant(session, state, kind, who, as_of)
    except NoSuchRecord as unknown:
        if as_of is None:
            raise _known_later(unknown, kind, state, session.register.at()) from None
        raise _not_by_then(session, unknown, kind, state, as_of) from None


def former_hint(session: Session, kind: Kind, who: str) -> str:
    """What to tell a command that found nobody called `who`, and must not guess: who was called so before, if any."""
    register, told = session.register, list[str]()
    with suppress(EvcliError):  # the log may be damaged; then the refusal is all that can be said
        state = register.at()
        had = register.had(kind, who, state.number)
        told = [_told(kind, state.get(kind.name, id), who, spans) for id, spans in had]
    if len(told) > MOST:
        told[MOST:] = [f"{len(told) - MOST} more had it, too"]
    return "; ".join([*told, "use the id"]) if told else ""


def _tell(session: Session, kind: Kind, record: Any, who: str, spans: list[tuple[int, int | None]]) -> None:
    session.output.preface(_told(kind, record, who, spans))


def _told(kind: Kind, record: Any, who: str, spans: list[tuple[int, int | None]]) -> str:
    words = words_meant(kind, who)
    field = kind.fields[next(iter(words))].label if len(words) == 1 else "name"
    return f'{kind.name} {label(kind, record)} had the {field} "{_value(kind, who)}" {_when(spans)}'


def _value(kind: Kind, who: str) -> str:
    field, equals, value = who.partition("=")
    return (value if equals and field in kind.names else who).strip()


def _when(spans: list[tuple[int, int | None]]) -> str:
    """`from event 3 until event 16`."""
    return ", and ".join(f"from event {since}{f' until event {until}' if until else ''}" for since, until in spans)


def _not_by_then(session: Session, unknown: NoSuchRecord, kind: Kind, state: State, until: str) -> NoSuchRecord:
    """The same error about a state at a time, with a hint if such a record exists by now."""
    from evcli.cli.as_of import option

    name, moment, hint, last_id = kind.name, session.in_words(state, until), unknown.hint, 0
    try:
        id = find(session.register.at(), kind, unknown.who).id
        if state.get(name, id) is None:
            hint = f"{name} {id} was not there yet: evcli log --{name} {id} shows since when it was"
        else:
            hint = f"{name} {id} had another name at that time; evcli {name} show {id} {option(until)}"
    except NoSuchRecord as never:
        last_id = never.last_id
    except Refused:
        pass
    return NoSuchRecord(name, unknown.who, moment, hint, last_id)


def _known_later(unknown: NoSuchRecord, kind: Kind, state: State, now: State) -> NoSuchRecord:
    """The same error, with a hint if such a record exists by now, and since when."""
    try:
        record = find(now, kind, unknown.who)
    except Refused:
        return unknown
    name, id, first = kind.name, record.id, record[-3]
    if first <= state.number:
        hint = f"{name} {id} had another name at that point; evcli {name} show {id} --at {state.number}"
    else:
        hint = f"{name} {id} was {kind.began} by event {first}: try --at {first}, or evcli log --{name} {id}"
    return NoSuchRecord(name, unknown.who, f"event {state.number}", hint)
