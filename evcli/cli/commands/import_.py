"""`evcli import`: records from another program's file, batch by batch, and safe to run again."""

from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.done import answer_to, tell_how_far
from evcli.cli.imported import RowsTold
from evcli.cli.options import KIND, LOCK_WAIT_FOR, kind_of, lock_wait_of
from evcli.cli.reading import PARAMETERS, reading_of
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.progress import Waiting
from evcli.cli.way_back import WayBack
from evcli.domain.kind import Kind
from evcli.errors import BadInput, EvcliError, Refused
from evcli.transfer.happened import Bad, Noted, Recorded, Skipped, Undone
from evcli.transfer.refusals import BadList, UnknownWord
from evcli.transfer.run import Import
from evcli.transfer.source import Source, opened
from evcli.transfer.wanted import Wanted

_HELP = """Record what a list says (CSV, JSON, xlsx, LDIF, passwd), batch by batch.

It stops at the first bad row; nothing from that row's batch is written.
"""

_MORE = """\
The first line of CSV names the columns, in any case; a line of JSON Lines is an object with these members:
  name, email  the fields of the kind; those that identify a record are required
  action       a verb of the kind's commands; if empty, the row creates a record. Other verbs find the record by its
               unique field (e-mail), or by its name if the unique field is what changes
  date         when it happened: 2026-11-22 (the beginning of that day) or 2026-11-22 17:03, local unless it has a
               zone; --at ignores it and goes by when an event was recorded
  reason       why, kept with the event

Lists are read as other programs export them:
  CSV          cells separated by , ; tab or |; sep=; or #TYPE before the header
  JSON         an object on each line, an array, or a SCIM list, without those who are not active
  workbook     the first visible sheet of an .xlsx file (pip install 'evcli[xlsx]'), below the first row that is not
               empty; dates are read as 2024-12-31, formulas by the values that were saved
  --from       ldif: the people of a directory (pip install 'evcli[ldif]'); addresses: Ada <ada@example.com>;
               passwd: evcli import /etc/passwd --from passwd --email-domain example.com
  encodings    UTF-8, UTF-16, others with --encoding; also in a .gz file
  columns      a name or e-mail may be under its usual heading in English, German, French or Spanish, a name also in
               two columns, as First Name and Last Name; what was taken for what is said, and --column decides
  dates        --date-format %d.%m.%Y reads 31.12.2024; day and month are never guessed

If it is interrupted, run it again: recorded rows are recognized by their content and skipped. A row that was recorded
but does not stand any more, because its record was destroyed since, is named in a warning.

--again records all rows anew, as another series of events; with --skip-existing, only what is missing. If that is
interrupted, the same command resumes it: a series that is not finished is finished first, and the next --again begins
another.
"""


def import_records(
    session: Session,
    *,
    file: str,
    kind: str | None,
    skip_existing: bool,
    again: bool,
    dry_run: bool,
    lock_wait: float | None,
    date_format: str | None,
    **reading: Any,
) -> Answer:
    """`evcli import`"""
    of_kind = kind_of(kind)
    if date_format is not None:
        from evcli.transfer.dates import check_form

        check_form(date_format)
    wanted = Wanted(of_kind, session.clock, date_format or "")
    how = reading_of(wanted.columns, **reading)
    with opened(file) as source:
        run = Import(
            session.register, source, wanted, how=how,
            skip_existing=skip_existing, again=again, lock_wait=lock_wait_of(lock_wait),
        )  # fmt: skip
        told = _Told(session, of_kind, source, run)
        return told.rehearse() if dry_run else told.record()


COMMANDS = {
    "import": lambda: Command(
        import_records,
        _HELP,
        [
            Parameter("file", (), "FILE", "The list; - is standard input.", is_required=True),
            *PARAMETERS,
            KIND,
            Parameter(
                "skip_existing",
                ("--skip-existing",),
                "",
                "Skip new records whose unique field is in use; with --again, also rows that would change nothing.",
                "flag",
            ),
            Parameter(
                "again", ("--again",), "", "Record all rows anew, also those recorded by an earlier run.", "flag"
            ),
            Parameter(
                "dry_run", ("--dry-run",), "", "Check all rows and show what each would change; write nothing.", "flag"
            ),
            LOCK_WAIT_FOR,
        ],
        [
            "evcli import people.csv --dry-run",
            "evcli import people.csv",
            "evcli import people.xlsx --column email=Mail",
            "evcli import people.jsonl --skip-existing",
            "evcli import people.csv --again --skip-existing",
            "evcli import people.csv --encoding windows-1252 --date-format %d.%m.%Y",
        ],
        _MORE + EXIT_CODES,
    )
}


_RESUMED = "an earlier run was not finished; this one went on with it, and the next --again begins anew"


class _Told:
    """The messages and the answer of an import."""

    def __init__(self, session: Session, kind: Kind, source: Source, run: Import) -> None:
        self._session, self._kind, self._source, self._import = session, kind, source, run
        self._waiting = Waiting(session.output, "importing", "rows")
        self._rows = RowsTold(source.name)
        self._way_back = WayBack()
        self._is_all_new = True

    def record(self) -> Answer:
        """Record everything, and return the answer. Raises the error of the first bad row."""
        try:
            for happened in self._import.record():
                if isinstance(happened, Bad):
                    raise self._error(happened)
                self._take(happened)
        except EvcliError as error:
            self._waiting.end()
            self._warn()
            if self._import.first == 1:
                self._session.output.note(self._session.began[1])
            tell_how_far(error, self._recorded())
            raise
        finally:
            self._waiting.end()
        return answer_to(lambda: self._answer(recorded=True), self._sentence(), "running it again is safe")

    def rehearse(self) -> Answer:
        """Check everything, and return the answer. Raises BadInput or Refused after naming all bad rows."""
        from evcli.cli.show.rehearsed import Rehearsed

        bad = worst = 0
        hints, changed = set[str](), Rehearsed(is_whole=self._session.output.chosen_form in ("json", "jsonl"))
        for happened in self._import.rehearse():
            if isinstance(happened, Bad):
                error = self._error(happened)
                bad, worst = bad + 1, max(worst, error.exit)
                self._session.output.warning(error.message, error.hint * (error.hint not in hints), error.more)
                hints.add(error.hint)
            else:
                self._take(happened)
                changed.take(happened)
        if bad:
            self._warn()
            why = f"{bad:,} of {self._import.rows:,} rows of {self._source.name} are bad; nothing was written"
            raise BadInput(why) if worst == BadInput.exit else Refused(why)
        self._session.note_rehearsal(self._import.first)
        answer = self._answer(recorded=False)
        lines = [*(answer.lines or ()), *changed.lines()]
        return answer._replace(lines=lines, document={**answer.document, "changes": changed.document()})

    def _warn(self) -> None:
        for warning in self._rows.warnings():
            self._session.output.warning(warning)

    def _take(self, happened: Recorded | Skipped | Noted | Undone) -> None:
        if not isinstance(happened, Noted):
            self._rows.take(happened)
        match happened:
            case Noted(message):
                self._session.output.note(f"{self._source.name}: {message}")
            case Recorded(begins=begins, notices=notices):
                self._session.output.warn_once(notices)
                self._is_all_new = self._is_all_new and begins
                self._way_back.take(happened)
                self._waiting.show(self._source.done, self._source.size, self._import.rows)

    def _error(self, bad: Bad) -> EvcliError:
        """The error that names the row."""
        error, field = bad.error, f", {bad.field}" if bad.field else ""
        if bad.is_skippable:
            from evcli.cli.hints import hint_for

            which = "the second" if error.hint else "such rows"
            error.hint = f"{hint_for(error)}; --skip-existing skips {which}"
        if isinstance(error, BadList):
            from evcli.cli.hints import hint_for

            error.hint = hint_for(error)
        if isinstance(error, UnknownWord):
            from evcli.cli.meant import verbs_like

            verbs = verbs_like(self._kind, error.word)
            error.hint = f"did you mean {' or '.join(verbs)}?" if verbs else ""
        error.message = f"{self._source.name} {bad.place}{field}: {error.message}"
        error.more = {"row": bad.place.row, "line": bad.place.line} | ({"field": bad.field} if bad.field else {})
        return error

    # --- answers ------------------------------------------------------------------------------------------------------

    def _recorded(self) -> str:
        run = self._import
        if not run.line:
            return ""
        return f"the rows up to {run.place:,} are recorded" + (f" ({self._events()})" if run.events else "")

    def _events(self) -> str:
        run = self._import
        if run.events == 1:
            return f"event {run.first:,}"
        if run.last - run.first + 1 == run.events:
            return f"events {run.first:,} to {run.last:,}"
        return f"{run.events:,} events between {run.first:,} and {run.last:,}"

    def _sentence(self) -> str:
        run = self._import
        if not run.rows:
            return f"nothing to import: {self._source.name} has no rows"
        one, many = self._kind.name, self._kind.plural
        asides = [] if self._is_all_new else [_counted(self._rows.changed, one, many, "changed by it")]
        asides += [_counted(run.skipped, "row", "rows", "skipped")] if run.skipped else []
        asides += [_counted(run.already, "row", "rows", "already recorded")] if run.already else []
        if not run.events:
            return f"nothing to import from {self._source.name}: {', '.join(asides)}"
        if not self._is_all_new:
            one, many = "event", "events"
        what = many if run.events > 1 else one
        done = f"imported {run.events:,} {what} from {self._source.name}: {self._events()}"
        return done + (f" ({', '.join(asides)})" if asides else "")

    def _answer(self, *, recorded: bool) -> Answer:
        run = self._import
        document = {
            "events": run.events,
            "first": run.first or None,
            "last": run.last or None,
            "rows": run.rows,
            "skipped": run.skipped,
            "already": run.already,
            "recorded": recorded,
            "began": (began := recorded and run.first == 1),
            "changed": self._rows.changed,
            **self._rows.members(),
        }
        lines = [self._sentence()]
        if recorded and (way_back := self._way_back.line(self._session.log_words)):
            lines.append(way_back)
        rows = [tuple(len(each) if isinstance(each, list) else each for each in document.values())]
        remarks = [self._session.began] if began else []
        if run.before.is_resumed:
            remarks.append(("note", f"{self._source.name}: {_RESUMED}"))
        remarks += [("warning", warning) for warning in self._rows.warnings()]
        return Answer(
            header=tuple(document), rows=rows, document=document, lines=lines, is_optional=True, remarks=remarks
        )


def _counted(count: int, one: str, many: str, what: str) -> str:
    return f"{count:,} {one} was {what}" if count == 1 else f"{count:,} {many} were {what}"
