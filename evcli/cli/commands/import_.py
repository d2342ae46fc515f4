"""`evcli import`: records from a file that another program wrote, batch by batch, and safe to run again."""

from typing import Annotated

import typer

from evcli.cli.options import LockWait
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.progress import Waiting
from evcli.cli.write import answer_once_done
from evcli.domain.kind import Begins, Ends, Kind
from evcli.errors import BadInput, EvcliError, Refused, Taken
from evcli.kinds import KINDS, MODULES, TYPES, first_kind
from evcli.log.replay import without_garbage_collection
from evcli.register.decide import Change, Intention
from evcli.register.register import LOCK_WAIT
from evcli.register.series import SeriesRegister
from evcli.transfer.rows import Intake
from evcli.transfer.run import Import
from evcli.transfer.source import FORMS, Source, opened
from evcli.transfer.wanted import Wanted

app = typer.Typer()

MOST_NAMED = 10
"""At most so many new records are named one by one in the way back."""


@app.command(
    "import",
    epilog="""
Examples:
  evcli import people.csv --dry-run
  evcli import people.csv
  evcli import people.jsonl --skip-existing

The first line of CSV names the columns, in any case; a line of JSON Lines is an object with members of these names:
  name, email  the fields of the kind; those by which a record is meant must be there
  action       what happens: a verb of the kind's commands; when empty, the one that begins a record. The record is
               the one with that unique field (e-mail); where that is what changes, the one with that name
  date         when it happened, as 2026-11-22 (when that day began) or 2026-11-22 17:03; local, unless it has a
               zone; it is recorded now, and --at asks what was recorded by then
  reason       why, kept with the event

Whatever interrupts it: run it again. Recorded rows are known by their content, and skipped.
Exit codes: evcli help exit-codes
""",
)
def import_records(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV or JSON Lines; - is standard input.")],
    form: Annotated[
        str | None,
        typer.Option("--from", metavar="FORM", help="csv or jsonl; default: as the name ends, or the input begins."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="What the rows are about (default the first kind of all)."),
    ] = None,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Skip new records whose unique field is already in use.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows, name every bad one; write nothing.")
    ] = False,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record what a CSV or JSON Lines file says, batch by batch.

    It stops at the first bad row; nothing from that row's batch is written.
    """
    if kind not in (None, *MODULES):
        raise BadInput(f'--kind "{kind}": there is no such kind of record', f"kinds are {', '.join(MODULES)}")
    if form not in (None, *FORMS):
        raise BadInput(f'--from "{form}" is none of {", ".join(FORMS)}')
    session: Session = ctx.obj
    with opened(file) as source, without_garbage_collection():
        of_kind = first_kind() if kind is None else KINDS[kind]
        run = _Run(session, of_kind, source, form, skip_existing, dry_run, lock_wait)
        if dry_run:
            run.rehearse()
        else:
            run.record()


class _Run:
    """One run of the command: the import, and what people are told of it."""

    def __init__(
        self,
        session: Session,
        kind: Kind,
        source: Source,
        form: str | None,
        skip_existing: bool,
        dry_run: bool,
        lock_wait: float,
    ) -> None:
        self._session = session
        self._kind = kind
        self._rows = Wanted(kind, session.clock)
        self._source = source
        self._form = form
        self._skip_existing = skip_existing
        self._dry_run = dry_run
        self._told: set[str] = set()
        self._bad = 0
        self._exit = 0
        self._new: list[int] = []
        self._is_all_new = True
        self._waiting = Waiting(session.output, "importing", "rows")
        self._import = Import(
            session.register_of(SeriesRegister),
            source,
            lambda: Intake(source, form, self._rows.columns, self._rows.needed, self._note).rows(),
            self._wanted,
            lock_wait=lock_wait,
            is_there=self._is_there,
            bad=self._tell_bad,
            recorded=self._batch_done,
            more=self._show_progress,
        )

    def record(self) -> None:
        """Record everything, and answer."""
        try:
            self._import.record()
        except EvcliError as error:
            self._waiting.end()
            self._tell_how_far(error)
            raise
        finally:
            self._waiting.end()
        answer_once_done(lambda: self._answer(recorded=True), self._sentence(), "running it again is safe")

    def rehearse(self) -> None:
        """Check everything, and answer."""
        self._import.rehearse()
        run = self._import
        if self._bad:
            why = f"{self._bad:,} of {run.rows:,} rows of {self._source.name} are bad; nothing was written"
            raise BadInput(why) if self._exit == BadInput.exit else Refused(why)
        self._session.output.note("dry run: nothing was written; this would be")
        self._answer(recorded=False)

    # --- what the import asks and tells -------------------------------------------------------------------------------

    def _is_there(self, intention: Intention, refused: Refused) -> bool:
        is_new = type(TYPES[intention.type]) is Begins
        return self._skip_existing and is_new and isinstance(refused, Taken)

    def _tell_bad(self, line: int, field: str, error: EvcliError) -> None:
        if isinstance(error, Taken) and error.is_skippable:
            error.hint += "; --skip-existing skips the second"
        error.message = f"{self._source.name} line {line}{f', {field}' if field else ''}: {error.message}"
        if not self._dry_run:
            raise error
        self._bad += 1
        self._exit = max(self._exit, error.exit)
        self._session.output.warning(error.message)

    def _wanted(self, cells: tuple[str, ...], event: str) -> Intention:
        wanted = self._rows.intention(cells, event)
        self._is_all_new = self._is_all_new and not wanted.finds
        return wanted

    def _batch_done(self, changes: list[Change], notices: list[str]) -> None:
        for notice in notices:
            self._warn(notice)
        if len(self._new) < MOST_NAMED:
            self._new += [change.id for change in changes[:MOST_NAMED]]

    def _note(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._session.output.note(f"{self._source.name}: {message}")

    def _warn(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._session.output.warning(message)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _tell_how_far(self, error: EvcliError) -> None:
        run = self._import
        if not run.line:
            if "nothing was written" not in error.message:
                error.message += "; nothing was written"
            return
        error.message = error.message.removesuffix("; nothing was written")
        so_far = f"the rows up to line {run.line:,} are recorded"
        so_far += f" ({self._events()})" if run.events else ""
        error.message += f"; {so_far}; run it again to continue from there"

    def _events(self) -> str:
        run = self._import
        if run.events == 1:
            return f"event {run.first:,}"
        if run.last - run.first + 1 == run.events:
            return f"events {run.first:,} to {run.last:,}"
        return f"{run.events:,} events between {run.first:,} and {run.last:,}"

    def _sentence(self) -> str:
        run = self._import
        there = run.already + run.skipped
        of_these = f"{there:,} {'row was' if there == 1 else 'rows were'} already recorded"
        if not run.rows:
            return f"nothing to import: {self._source.name} has no rows"
        if not run.events:
            return f"nothing to import from {self._source.name}: {of_these}"
        one, many = (self._kind.name, self._kind.plural) if self._is_all_new else ("event", "events")
        what = many if run.events > 1 else one
        done = f"imported {run.events:,} {what} from {self._source.name}: {self._events()}"
        return done + (f" ({of_these})" if there else "")

    def _answer(self, *, recorded: bool) -> None:
        run, output = self._import, self._session.output
        document = {
            "events": run.events,
            "first": run.first or None,
            "last": run.last or None,
            "rows": run.rows,
            "skipped": run.skipped,
            "already": run.already,
            "recorded": recorded,
        }
        lines = [self._sentence()]
        end = self._kind.one(Ends)
        if end and not end.required and recorded and 0 < run.events == len(self._new) and self._is_all_new:
            ids = " ".join(map(str, self._new))
            lines.append(f"undo: evcli{self._session.log_words} {self._kind.name} {end.verb} {ids}")
        if output.quiet and output.chosen_form in ("table", "plain"):
            return
        output.show(Answer(header=tuple(document), rows=[tuple(document.values())], document=document, lines=lines))

    def _show_progress(self) -> None:
        self._waiting.show(self._source.done, self._source.size, self._import.rows)
