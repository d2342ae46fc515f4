"""`evcli export`: the records at a moment, or the events, for other programs."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import AT
from evcli.cli.session import Session
from evcli.cli.show.output import FOR_PROGRAMS, Answer
from evcli.cli.show.render import as_json
from evcli.cli.to_file import STDOUT, Write, to_file
from evcli.domain.event import Event, number_of
from evcli.domain.kind import Kind
from evcli.domain.state import State
from evcli.errors import BadInput, Damaged, LogCut
from evcli.kinds import all_kinds, first_kind
from evcli.register.past import Past

RECORDS = ("csv", "json", "jsonl")
EVENTS = ("jsonl", "json")
"""The formats in which records and events can be exported; the first is the default."""

_HELP = """Write the records, or the events, for other programs.

Records are CSV, JSON or JSON Lines; events are the log's own lines (jsonl), or with json one CloudEvents batch
(application/cloudevents-batch+json). --format says which, else FILE's ending does (.csv, .json, .jsonl, .ndjson), else
records are CSV and events jsonl.

A file is written whole or not at all. With --force, it keeps the mode, the group and, where that is allowed, the
owner of the file that it replaces. A pipe or a device, as in >(gzip > out.csv.gz), is written into.

In CSV, text that starts with = + - @ TAB CR LF or NUL (even after some ') is prefixed with one ', so that no
spreadsheet reads it as a formula; remove that one ' to get the text back.
"""

ENDINGS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def _kinds() -> dict[str, Kind]:
    return {kind.plural: kind for kind in all_kinds()}


def export(session: Session, *, file: str, what: str, at: str | None, all: bool, force: bool) -> None:
    """`evcli export`"""
    kind = _kind(what)
    form = _form(session, kind, file)
    if all and kind is None:
        raise BadInput("--all applies to records only; events are always all exported", "leave --all out")
    session.opened()
    session.output.paged = False
    number = session.number(at)
    exported = partial(_export, session, kind, form, number, all)
    if file in STDOUT:
        session.output.note(exported(session.output.write, "stdout", is_stream=True))
    else:
        to_file(session, file, force, exported)


def _export(
    session: Session,
    kind: Kind | None,
    form: str,
    number: int | None,
    all: bool,
    write: Write,
    where: str,
    *,
    is_stream: bool,
) -> str:
    """Write everything, record by record, and return a sentence about it. Raises Damaged, saying what was written."""
    written = 0

    def counted(records: Iterable[Any]) -> Iterator[Any]:
        nonlocal written
        for record in records:
            written += 1
            yield record

    try:
        if kind is not None:
            state = _state(session.register, number)
            records = counted(state.records(kind.name, live_only=not all))
            answer = Answer(header=kind.record._fields, rows=records, records=map(as_json, records), is_export=True)
        else:
            answer = Answer(records=counted(_events(session.register, number)), is_verbatim=True, is_export=True)
        write(piece.encode() if isinstance(piece, str) else piece for piece in FOR_PROGRAMS[form](answer))
    except Damaged as damaged:
        damaged.message += "; the export is incomplete" if written and is_stream else "; nothing was exported"
        raise
    one, many, last = ("event", "events", number) if kind is None else (kind.name, kind.plural, state.number)
    if last is None:
        last = written
    return f"{written} {one if written == 1 else many} as of event {last} exported to {where}"


def _kind(what: str) -> Kind | None:
    """The kind whose records are exported; None for events. Raises BadInput."""
    kinds = _kinds()
    if what == "events":
        return None
    if what and what not in kinds:
        names = ", ".join((*kinds, "events"))
        raise BadInput(f'--what "{what}" is not one of {names}', f"{first_kind().plural} is the default")
    return kinds[what] if what else first_kind()


def _form(session: Session, kind: Kind | None, file: str) -> str:
    """The requested format, else the one of the file's ending, or the default. Raises BadInput if it is not one."""
    forms, what, on_screen = (EVENTS, "events", "log") if kind is None else (RECORDS, kind.plural, f"{kind.name} list")
    ending = os.path.splitext(file)[1].lower()
    form = session.output.form or ENDINGS.get(ending, forms[0])
    if form not in forms:
        hint = f"evcli {on_screen} --format {form} shows them in that format"
        raise BadInput(f"{what} are exported as {' or '.join(forms)}, not as {form}", hint)
    return form


def _state(register: Past, number: int | None) -> State:
    state = register.at(number)
    _check_it_is_there(register, number, state.number)
    return state


def _events(register: Past, number: int | None) -> Iterator[Event]:
    last = 0
    for event in register.events(until=number):
        yield event
        last = number_of(event)
    _check_it_is_there(register, number, last)


def _check_it_is_there(register: Past, number: int | None, found: int) -> None:
    """An event that existed when its moment was resolved must still exist. Raises LogCut."""
    if number is not None and found < number:
        log = register.log
        raise LogCut(log.name, number, log.end, log.length())


COMMANDS = {
    "export": lambda: Command(
        export,
        _HELP,
        [
            Parameter("file", (), "[FILE]", "Written whole or not at all; default stdout (-).", default="-"),
            Parameter(
                "what",
                ("--what",),
                "WHAT",
                "events, or a kind's plural; default: the first kind.",
                among=lambda: (*_kinds(), "events"),
                default="",
            ),
            AT,
            Parameter("all", ("--all",), "", "Include records that have ended.", "flag"),
            Parameter("force", ("--force",), "", "Replace FILE if it exists.", "flag"),
        ],
        [
            "evcli export users.csv",
            "evcli export --all users.json",
            "evcli export --at 2026-03-03 --format json | jq length",
            "evcli export --what events events.jsonl",
            "evcli export --what events --json > cloudevents-batch.json",
        ],
        EXIT_CODES,
    )
}
