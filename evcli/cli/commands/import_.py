"""`evcli import`: records from another program's file, batch by batch, and safe to run again."""

from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import KIND, LOCK_WAIT_FOR, kind_of, lock_wait_of
from evcli.cli.reading import PARAMETERS, reading_of
from evcli.cli.said.imported import Told
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.transfer.run import Import
from evcli.transfer.source import opened
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
  dates        --date-format %d.%m.%Y reads 31.12.2024, and 2024-12-31 too; day and month are never guessed

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
        told = Told(session, of_kind, source, run)
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
