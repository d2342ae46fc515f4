"""How a history is to differ from the log, as it is typed: events to drop, commands to put in, commands instead."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from evcli.cli.app import root
from evcli.cli.events_named import event_named, events_named
from evcli.cli.intentions import intentions
from evcli.cli.line.typed import typed
from evcli.cli.session import Session
from evcli.cli.show.times import local
from evcli.cli.show.would import names_of, refusal
from evcli.cli.words import beginning_of
from evcli.domain.find import find
from evcli.domain.refusals import NoSuchRecord, NotLive
from evcli.errors import BadInput, Refused
from evcli.kinds import KINDS, MODULES, first_kind
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.what_if.inserting import place_at
from evcli.what_if.supposed import Edits, Insertion, NotPossible

_WITHOUT_MEANING = ("dry_run", "expect", "id", "lock_wait")
"""The options of a command that writes which say nothing of the event."""


class Said(NamedTuple):
    """Edits, and the option that asked for each one that adds an event."""

    edits: Edits
    options: Sequence[tuple[Insertion | int, str]]

    def option_of(self, edit: Insertion | int) -> str:
        """The option that asked for an edit."""
        return next(option for each, option in self.options if each is edit or each == edit)


def edits_of(session: Session, drop: Sequence[str], insert: Sequence[str], change: Sequence[str]) -> Said:
    """What the options ask for of the opened log. Raises BadInput, BadRef, BadText."""
    head = session.register.head().number
    dropped = {number for ref in drop for number in events_named(session, ref)}
    changed: dict[int, Intention] = {}
    options: list[tuple[Insertion | int, str]] = []
    for text in change:
        option = f'--change "{text}"'
        number, intention = _change(session, text, option)
        if number in dropped or number in changed:
            raise BadInput(f"{option}: event {number} is {'dropped' if number in dropped else 'changed'} already")
        changed[number] = intention
        options.append((number, option))
    inserted: list[Insertion] = []
    for text in insert:
        option = f'--insert "{text}"'
        inserted.append(_insertion(session, text, option, head))
        options.append((inserted[-1], option))
    return Said(Edits(frozenset(dropped), changed, inserted), options)


def _change(session: Session, text: str, option: str) -> tuple[int, Intention]:
    """The event that `REF COMMAND` is about, and what is recorded instead."""
    ref, *words = _split(text, option)
    if not words:
        raise BadInput(f"{option}: what happened instead must follow", f"--change '{ref} {beginning_of(first_kind())}'")
    number = event_named(session, ref)
    found, time = _intentions(session, words, option)
    if time is not None:
        raise BadInput(f"{option}: the event keeps its time", "leave --occurred out")
    if len(found) > 1:
        raise BadInput(f"{option}: one event cannot become {len(found)}", "--insert puts further ones in")
    return number, found[0]


def _insertion(session: Session, text: str, option: str, head: int) -> Insertion:
    """What `COMMAND` would have recorded: at its --occurred, else now."""
    found, time = _intentions(session, _split(text, option), option)
    if time is None:
        return Insertion(head, _occurred(session, "now"), found)
    return Insertion(place_at(session.register, time, found), time, found, is_dated=True)


def _split(text: str, option: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        hint = "a name with spaces stands in double quotes within single ones"
        raise BadInput(f"{option}: a quote is not closed", hint) from None
    if not words:
        name, ref = option.partition(" ")[0], "REF " * option.startswith("--change")
        raise BadInput(f"{option} is empty", f"{name} '{ref}{beginning_of(first_kind())}'")
    return words


def _intentions(session: Session, words: list[str], option: str) -> tuple[list[Intention], str | None]:
    """What a command records, and when it says that this happened."""
    words = words[words[:1] == ["evcli"] :]
    try:
        line = typed(_Alone(), words, root()) if words else None
        name, verb = (*line.path, "")[:2] if line else ("", "")
        if line is None or name not in MODULES or verb not in KINDS[name].verbs:
            raise BadInput("this is no command that records an event", f"such as {beginning_of(first_kind())}")
        for each in line.command.parameters:
            if each.name in _WITHOUT_MEANING and line.values[each.name] not in (None, False):
                raise BadInput(f"{each.flags[0]} has no meaning here", "leave it out")
        at = line.values["occurred"]
        time = None if at is None else _occurred(session, at)
        return intentions(KINDS[name].verbs[verb], line.values), time
    except BadInput as error:
        error.message = f"{option}: {error.message}"
        raise


def not_possible(register: Register, no: NotPossible, option: str) -> Refused:
    """Why the event that an option asks for would be refused where it is to happen."""
    why, edit = no.why, no.edit
    if isinstance(why, NoSuchRecord) and isinstance(edit, Insertion):
        why = _not_there(register, why, edit.time) or why
    named = names_of(no.numbering)
    why.message = f"{option}: {refusal(why, named)}"
    if isinstance(why, NotLive) and no.numbering.in_log(why.event) is None:
        found = Refused(why.message)  # nothing that could be typed brings it back
        found.code = why.code
        return found
    return why


def _not_there(register: Register, why: NoSuchRecord, time: str) -> Refused | None:
    """That the record was not there at a time, and which event of the log began it later; None if none did so."""
    kind = KINDS[why.kind]
    with suppress(Refused):
        record = find(register.at(), kind, why.who)
        event, *_ = register.change(record[-3])
        if event["time"] <= time:
            return None
        began = f"it was {kind.began} by event {record[-3]}, of {local(event['time'])}"
        found = Refused(f"{kind.name} {record.id} was not there on {local(time)}: {began}")
        found.code, found.hint = why.code, f"evcli show {record[-3]} shows that event"
        return found
    return None


def _occurred(session: Session, text: str) -> str:
    from evcli.cli.said.occurred import occurred

    return occurred(session, text)


class _Alone(Session):
    """The session of a command that is read but not run: it has no options of its own."""

    def set(self, option: str, value: object) -> None:
        """Refuse them. Raises BadInput."""
        raise BadInput(f"--{option.replace('_', '-')} is not an option of the event", "write it outside of the quotes")
