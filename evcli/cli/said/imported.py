"""What is said of an import: its rows, its bad rows, and what was recorded."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from evcli.cli.done import answer_to, events_in_words, tell_how_far
from evcli.cli.said.bad_rows import name_row
from evcli.cli.said.way_back import WayBack
from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.progress import Waiting
from evcli.domain.kind import Kind
from evcli.domain.refusals import Misplaced, NoSuchRecord
from evcli.errors import BadInput, EvcliError, Refused
from evcli.kinds import KINDS
from evcli.transfer.happened import Bad, HasDates, Noted, Recorded, Skipped, Undone
from evcli.transfer.places import Place
from evcli.transfer.refusals import BadList, UnknownWord
from evcli.transfer.run import Import
from evcli.transfer.source import Source

if TYPE_CHECKING:
    from evcli.domain.fitting import Overtaken

_RESUMED = "an earlier run was not finished; this one went on with it, and the next --again begins anew"
_BY_DATE = "evcli state --as-of DATE shows what was true then"
_ANEW = "--again --skip-existing records anew what is missing"

Row = TypeVar("Row", Skipped, Undone)


class Told:
    """The messages and the answer of an import."""

    def __init__(self, session: Session, kind: Kind, source: Source, run: Import) -> None:
        self._session, self._kind, self._source, self._import = session, kind, source, run
        self._waiting = Waiting(session.output, "importing", "rows")
        self._rows = RowsTold(source.name)
        self._way_back = WayBack()
        self._is_all_new, self._dated = True, 0
        self._overtaken: dict[int, Overtaken] = {}
        """By record: the late events that did not last."""

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
        return answer_to(lambda: self._answer(recorded=True), self._sentence("imported"), "running it again is safe")

    def rehearse(self) -> Answer:
        """Check everything, and return the answer. Raises BadInput or Refused after naming all bad rows."""
        from evcli.cli.show.rehearsed import Rehearsed

        bad = worst = 0
        changed = Rehearsed(is_whole=self._session.output.chosen_form in ("json", "jsonl"))
        for happened in self._import.rehearse():
            if isinstance(happened, Bad):
                error = self._error(happened)
                bad, worst = bad + 1, max(worst, error.exit)
                self._session.output.warn_about(error)
            else:
                self._take(happened)
                changed.take(happened)
        if bad:
            self._warn()
            why = f"{bad:,} of {self._import.rows:,} rows of {self._source.name} are bad; nothing was written"
            raise BadInput(why) if worst == BadInput.exit else Refused(why)
        if self._import.first == 1:
            self._session.note_rehearsal(1)
        else:
            plan = "nothing was written; this is the plan" if self._import.events else "there is nothing to write"
            self._session.output.note(f"dry run: {plan}")
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
                self._session.output.note(f"{self._source.name}: {message}{_way_in(message)}")
            case Recorded(begins=begins, notices=notices):
                self._session.output.warn_once(notices)
                for id in happened.ids if self._overtaken else ():
                    self._overtaken.pop(id, None)
                self._overtaken |= {over.record.id: over for over in happened.overtaken}
                self._is_all_new = self._is_all_new and begins
                self._dated += happened.dated
                self._way_back.take(happened)
                self._waiting.show(self._source.done, self._source.size, self._import.rows)

    def _error(self, bad: Bad) -> EvcliError:
        """The error that names the row."""
        error, place = bad.error, bad.place
        if bad.is_skippable:
            from evcli.cli.hints import hint_for

            which = "the second" if error.hint else "such rows"
            error.hint = f"{hint_for(error)}; --skip-existing skips {which}"
        if isinstance(error, BadList):
            from evcli.cli.hints import hint_for

            error.hint = hint_for(error)
        if isinstance(error, Misplaced):
            from evcli.cli.said.occurred import explain

            explain(error, self._session.register.state, "a date")
        if isinstance(error, NoSuchRecord) and bad.is_dated:
            error.hint += "; rows are taken in the order of the file: sort them by date"
        if isinstance(error, UnknownWord):
            from evcli.cli.line.meant import verbs_like

            verbs = verbs_like(self._kind, error.word)
            error.hint = f"did you mean {' or '.join(verbs)}?" if verbs else ""
        name_row(error, self._source.name, f"{place}", bad.field, {"row": place.row, "line": place.line})
        return error

    # --- answers ------------------------------------------------------------------------------------------------------

    def _recorded(self) -> str:
        run = self._import
        if not run.line:
            return ""
        return f"the rows up to {run.place:,} are recorded" + (f" ({self._events()})" if run.events else "")

    def _events(self) -> str:
        run = self._import
        return events_in_words(run.first, run.last, run.events)

    def _sentence(self, done: str) -> str:
        run = self._import
        if not run.rows:
            return f"nothing to import: {self._source.name} has no rows"
        one, many = self._kind.name, self._kind.plural
        asides = (
            []
            if self._is_all_new
            else [_counted(self._rows.changed, one, many, "changed by it", would=done != "imported")]
        )
        asides += [_counted(run.skipped, "row", "rows", "skipped")] if run.skipped else []
        asides += [_counted(run.already, "row", "rows", "already recorded")] if run.already else []
        if not run.events:
            return f"nothing to import from {self._source.name}: {', '.join(asides)}"
        if not self._is_all_new:
            one, many = "event", "events"
        what = many if run.events > 1 else one
        said = f"{done} {run.events:,} {what} from {self._source.name}: {self._events()}"
        return said + (f" ({', '.join(asides)})" if asides else "")

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
        lines = [self._sentence("imported" if recorded else "would import")]
        if recorded and (way_back := self._way_back.line(self._session.log_words)):
            lines.append(way_back)
        rows = [tuple(len(each) if isinstance(each, list) else each for each in document.values())]
        remarks = [self._session.began] if began else []
        if run.before.is_resumed:
            remarks.append(("note", f"{self._source.name}: {_RESUMED}"))
        remarks += [("warning", warning) for warning in self._rows.warnings()]
        if self._dated and recorded:
            which = "these events" if self._dated == run.events else f"{self._dated:,} of these events"
            remarks.append(("note", f"{which} happened on their dates, and were recorded now: {_BY_DATE}"))
        if self._overtaken:
            from evcli.cli.said.occurred import overtaken_notes

            remarks += [("note", note) for note in overtaken_notes(list(self._overtaken.values()))]
        return Answer(
            header=tuple(document), rows=rows, document=document, lines=lines, is_optional=True, remarks=remarks
        )


class RowsTold:
    """What is to be told of the rows of one input."""

    def __init__(self, source: str) -> None:
        """`source` is the input's name."""
        self._source = source
        self._skipped, self._undone = list[Skipped](), list[Undone]()
        self._is_changed = bytearray()
        """1 for the id of each record that is changed."""

    def take(self, happened: Recorded | Skipped | Undone) -> None:
        """Keep what is to be told of it."""
        match happened:
            case Recorded(ids=ids):
                self._is_changed.extend(bytes(max(0, max(ids) + 1 - len(self._is_changed))))
                for id in ids:
                    self._is_changed[id] = 1
            case Skipped(same_as=place, differs=differs) if place or differs:
                self._skipped.append(happened)
            case Undone():
                self._undone.append(happened)

    @property
    def changed(self) -> int:
        """How many records are changed."""
        return self._is_changed.count(1)

    def warnings(self) -> Iterator[str]:
        """The rows to look at."""
        yield from self._named(self._skipped, _skipped, "were skipped that repeat an earlier one or say something else")
        yield from self._named(self._undone, _undone, "were recorded but do not stand any more")
        if self._undone:
            yield f"{self._source}: {_ANEW}"

    def _named(self, rows: Sequence[Row], say: Callable[[Row], str], what: str) -> Iterator[str]:
        for row in rows[:MOST_NAMED]:
            yield f"{self._source} {row.place}: {say(row)}"
        if len(rows) > MOST_NAMED:
            yield f"{self._source}: {len(rows) - MOST_NAMED:,} more rows {what}"

    def members(self) -> dict[str, list[dict[str, Any]]]:
        """The same for programs: lists of rows."""
        return {
            "undone": [
                {**_where(row.place), "event": row.event, "kind": row.kind, "id": row.id, "now": row.past, "by": row.by}
                for row in self._undone
            ],
            "differing": [
                _taken(row) | {name: {"is": has, "says": said} for name, has, said in row.differs}
                for row in self._skipped if not row.same_as
            ],
            "repeated": [_taken(row) | {"same_as": _where(row.same_as)} for row in self._skipped if row.same_as],
        }  # fmt: skip


def _way_in(note: str) -> str:
    """What to do about a note of an input, if there is something; it goes on after the note."""
    if not isinstance(note, HasDates):
        return ""
    return f": --column {shlex.quote(f'date={note.column}')} records when each happened"


def _undone(row: Undone) -> str:
    return f"recorded as event {row.event}, but {row.kind} {row.id} was {row.past} by event {row.by}"


def _taken(row: Skipped) -> dict[str, Any]:
    return {**_where(row.place), "kind": row.kind, "id": row.record.id}


def _where(place: Place) -> dict[str, int]:
    return {"row": place.row, "line": place.line}


def _skipped(row: Skipped) -> str:
    kind = KINDS[row.kind]
    if row.same_as:
        return f"skipped: the same {kind.fields[kind.unique].label} as {row.same_as}"
    others = [
        f'{"is called" if name == kind.called else f"its {kind.fields[name].label} is"} "{has}", not "{said}"'
        for name, has, said in row.differs
    ]
    has = f"{kind.name} {row.record.id} has {getattr(row.record, kind.unique)}"
    return f"skipped: {has}, but {' and '.join(others)}"


def _counted(count: int, one: str, many: str, what: str, *, would: bool = False) -> str:
    if would:
        return f"{count:,} {one if count == 1 else many} would be {what}"
    return f"{count:,} {one} was {what}" if count == 1 else f"{count:,} {many} were {what}"
