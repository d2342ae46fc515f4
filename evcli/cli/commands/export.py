"""`evcli export`: the records at a moment, or the events, for other programs."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import AS_OF, AT, COLUMNS, WIDE
from evcli.cli.session import Session
from evcli.cli.show.exported import Form
from evcli.cli.show.exported import exported as pieces_of
from evcli.cli.show.output import FORMS, Answer
from evcli.cli.show.render import as_json
from evcli.cli.to_file import STDOUT, Write, to_file
from evcli.domain.event import Event, number_of
from evcli.domain.kind import Kind
from evcli.errors import BadInput, Damaged, LogCut
from evcli.kinds import all_kinds, first_kind
from evcli.register.past import Past

RECORDS = ("csv", "json", "jsonl", "xlsx")
EVENTS = ("jsonl", "json")
"""The formats in which records and events can be exported; the first is the default."""

_HELP = """Write the records, or the events, for other programs.

Records are CSV, JSON, JSON Lines or a workbook for Excel and LibreOffice (.xlsx, which needs evcli[xlsx]); events are
the log's own lines (jsonl), or with json one CloudEvents batch (application/cloudevents-batch+json). --format says
which, else FILE's ending does (.csv, .json, .jsonl, .ndjson, .xlsx), else records are CSV and events jsonl.

A file is written whole or not at all. With --force, it keeps the mode, the group and, where that is allowed, the
owner of the file that it replaces. A pipe or a device, as in >(gzip > out.csv.gz), is written into.

--columns and --wide add when, by whom and why a record began, last changed and ended. --with-head says of which log,
head and moment the export is: in lines of CSV that begin with #, in a member "as_of" of JSON (of JSON Lines, in the
first line), in a sheet of a workbook. An import passes over them.

In CSV, text that starts with = + - @ TAB CR LF or NUL (even after some ') is prefixed with one ', so that no
spreadsheet reads it as a formula; remove that one ' to get the text back.
"""

ENDINGS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}

OTHER_WORKBOOKS = (".xls", ".xlsm", ".ods")

DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
"""What may stand between the cells of CSV, by how it is typed."""


def _kinds() -> dict[str, Kind]:
    return {kind.plural: kind for kind in all_kinds()}


class Wanted(NamedTuple):
    """What is exported: the records of a kind, or the events (None), and how."""

    kind: Kind | None
    form: Form
    at: str | None
    until: str | None
    """As of which time; None: all that is known."""
    all: bool
    columns: Sequence[str] | None
    """The columns of records, if others than their fields."""
    has_head: bool


def export(
    session: Session,
    *,
    file: str,
    what: str,
    at: str | None,
    as_of: str | None,
    all: bool,
    force: bool,
    columns: str | None,
    wide: bool,
    with_head: bool,
    excel: bool,
    delimiter: str | None,
) -> None:
    """`evcli export`"""
    kind = _kind(what)
    form = _form(session, kind, file, excel=excel, delimiter=delimiter)
    names = None
    if kind is None:
        _refuse_for_events(
            ("--as-of", as_of), ("--all", all), ("--columns", columns), ("--wide", wide), ("--with-head", with_head)
        )
    elif columns is not None or wide:
        from evcli.cli.columns import columns_of

        names = columns_of(kind, columns, wide=wide)
    session.opened()
    session.output.paged = False
    number, until = session.view(at, as_of, by_time="--as-of" if kind else "evcli log --as-of")
    exported = partial(_export, session, Wanted(kind, form, at, until, all, names, with_head), number)
    if file in STDOUT:
        session.output.note(exported(session.output.write, "stdout", is_stream=True))
    else:
        to_file(session, file, force, exported)


def _refuse_for_events(*options: tuple[str, object]) -> None:
    for name, value in options:
        if value:
            why = f"{name} applies to records only; events are always all exported"
            raise BadInput(f"{why}, as they are in the log", f"leave {name} out")


def _export(session: Session, wanted: Wanted, number: int | None, write: Write, where: str, *, is_stream: bool) -> str:
    """Write everything, record by record, and return a sentence about it. Raises Damaged, saying what was written."""
    kind, written = wanted.kind, 0

    def counted(records: Iterable[Any]) -> Iterator[Any]:
        nonlocal written
        for record in records:
            written += 1
            yield record

    try:
        if kind is not None:
            state = session.state(number, wanted.until)
            _check_it_is_there(session.register, number, state.number)
            records = counted(state.records(kind.name, live_only=not wanted.all))
            answer = _answer(session, kind, wanted.columns, records, state.number)
        else:
            answer = Answer(records=counted(_events(session.register, number)), is_verbatim=True, is_export=True)
        origin = None
        if kind is not None and wanted.has_head:
            from evcli.cli.origin import origin_of

            origin = origin_of(session, state.number, wanted.at, wanted.until)
        write(pieces_of(answer, wanted.form, kind.plural if kind else "events", origin))
    except Damaged as damaged:
        damaged.message += "; the export is incomplete" if written and is_stream else "; nothing was exported"
        raise
    if kind is None:
        one, many, moment = "event", "events", f"event {written if number is None else number}"
    else:
        one, many, moment = kind.name, kind.plural, session.in_words(state, wanted.until)
    return f"{written} {one if written == 1 else many} as of {moment} exported to {where}"


def _answer(session: Session, kind: Kind, names: Sequence[str] | None, records: Iterator[Any], until: int) -> Answer:
    if names is None:
        return Answer(header=kind.record._fields, rows=records, records=map(as_json, records), is_export=True)
    from evcli.cli.columns import documents, rows_of

    rows = rows_of(session.register, kind, names, records, until)
    return Answer(header=names, rows=rows, records=documents(names, rows), is_export=True)


def _kind(what: str) -> Kind | None:
    """The kind whose records are exported; None for events. Raises BadInput."""
    kinds = _kinds()
    if what == "events":
        return None
    if what and what not in kinds:
        names = ", ".join((*kinds, "events"))
        raise BadInput(f'--what "{what}" is not one of {names}', f"{first_kind().plural} is the default")
    return kinds[what] if what else first_kind()


def _form(session: Session, kind: Kind | None, file: str, *, excel: bool, delimiter: str | None) -> Form:
    """The requested format, else the one of the file's ending, or the default. Raises BadInput if it is not one."""
    forms, what, on_screen = (EVENTS, "events", "log") if kind is None else (RECORDS, kind.plural, f"{kind.name} list")
    ending = os.path.splitext(file)[1].lower()
    form = session.output.form or ENDINGS.get(ending, forms[0])
    if form not in forms:
        hint = f"evcli {on_screen} --format {form} shows them in that format" if form in FORMS else "name another FILE"
        raise BadInput(f"{what} are exported as {' or '.join(forms)}, not as {form}", hint)
    if ending in OTHER_WORKBOOKS and session.output.form is None:
        raise BadInput(f"{file} would hold {form}, which its name does not say", "a workbook's name ends with .xlsx")
    if form != "csv":
        for option, value in (("--excel", excel), ("--delimiter", delimiter)):
            if value:
                hint = "a workbook needs neither of them" if form == "xlsx" else "name a FILE that ends with .csv"
                raise BadInput(f"{option} is for CSV, and {what} would be written as {form}", hint)
    if form == "xlsx":
        from evcli.cli.show.workbook import check_it_can_be_made

        check_it_can_be_made()
    sign = "," if delimiter is None else DELIMITERS.get(delimiter)
    if sign is None:
        raise BadInput(f'--delimiter "{delimiter}" is not one of {" ".join(DELIMITERS)}')
    return Form(form, sign, excel)


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
            AS_OF,
            Parameter("all", ("--all",), "", "Include records that have ended.", "flag"),
            COLUMNS,
            WIDE,
            Parameter("with_head", ("--with-head",), "", "Say of which moment, head and log it is.", "flag"),
            Parameter("excel", ("--excel",), "", "CSV that Excel reads as UTF-8.", "flag"),
            Parameter(
                "delimiter",
                ("--delimiter",),
                "SIGN",
                "In CSV: , ; | or tab.",
                among=lambda: DELIMITERS,
            ),
            Parameter("force", ("--force",), "", "Replace FILE if it exists.", "flag"),
        ],
        [
            "evcli export users.csv",
            "evcli export --all users.json",
            "evcli export --at 2026-03-03 --format json | jq length",
            "evcli export --as-of 2020-12-31 then.csv",
            "evcli export --wide --all --with-head --at 2026-Q1 review.csv",
            "evcli export --excel --delimiter ';' --columns id,name,created_at,created_by users.csv",
            "evcli export --what events events.jsonl",
            "evcli export --what events --json > cloudevents-batch.json",
        ],
        EXIT_CODES,
        only_asks=True,
    )
}
