"""What is said of a sync: its plan, its bad rows, and what was written."""

from functools import partial

from evcli.cli.done import answer_to, events_in_words, tell_how_far
from evcli.cli.said.bad_rows import name_row
from evcli.cli.said.planned import as_document, counts_of, header_of, in_words, rows_of
from evcli.cli.said.way_back import WayBack
from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.progress import Waiting
from evcli.cli.show.safe import valid
from evcli.domain.kind import Kind
from evcli.domain.refusals import Ambiguous
from evcli.errors import BadInput, EvcliError, HeadMoved, Refused
from evcli.sync.limit import Limit, TooManyEnd
from evcli.sync.lists import List
from evcli.sync.means import Means
from evcli.sync.plan import Bad
from evcli.sync.run import Planned, Sync
from evcli.transfer.happened import recorded


class Told:
    """The messages and the answer of a sync."""

    def __init__(self, session: Session, kind: Kind, listed: List, run: Sync) -> None:
        self._session, self._kind, self._list, self._run = session, kind, listed, run
        self._means = Means(kind)

    def plan(self, head: tuple[int, str | None] | None) -> Planned:
        """The plan. Raises the error of a bad row, or of all of them after naming each."""
        notes: dict[str, None] = {}
        try:
            planned = self._run.plan(lambda name, note: notes.update({f"{name}: {note}": None}), head)
        except EvcliError as error:
            if "nothing was written" not in error.message and isinstance(error, BadInput | Refused):
                error.message += "; nothing was written"
            raise
        finally:
            for note in notes:
                self._session.output.note(note)
        if planned.bad:
            raise self._bad(planned)
        return planned

    def _bad(self, planned: Planned) -> EvcliError:
        for bad in planned.bad:
            self._name(bad)
        if planned.bad_rows == 1:
            error = planned.bad[0].error
            error.message += "; nothing was written"
            return error
        for bad in planned.bad[:MOST_NAMED]:
            self._session.output.warn_about(bad.error)
        why = f"{planned.bad_rows:,} rows of {self._list.name} are bad; nothing was written"
        is_refused = all(bad.error.exit == Refused.exit for bad in planned.bad)
        return Refused(why) if is_refused else BadInput(why)

    def _name(self, bad: Bad) -> None:
        if isinstance(bad.error, Ambiguous):
            bad.error.hint = f"--by {self._kind.unique} or --by id tells them apart"
        from evcli.cli.hints import hint_for

        bad.error.hint = hint_for(bad.error)
        place, numbers = (f"line {bad.line}", {"line": bad.line}) if bad.line else ("", {})
        name_row(bad.error, self._list.name, place, bad.field, numbers)

    def rehearsed(self, planned: Planned, limit: Limit) -> Answer:
        """The plan as the answer; it ends as a real run would."""
        counts, number = counts_of(self._kind, planned), int(self._run.head.partition(":")[0])
        if planned.steps and not number:
            self._session.note_rehearsal(1)
        else:
            plan = "nothing was written; this is the plan" if planned.steps else "there is nothing to write"
            self._session.output.note(f"dry run: {plan}")
        sentence = f"{in_words(self._kind, counts)}, after event {number:,}"
        if not planned.steps:
            sentence = self._up_to_date(planned)
        if self._session.output.chosen_form != "table" or not planned.steps:
            self._session.output.note(sentence)
        return self._answer(planned, is_real=False)._replace(title=sentence, error=self._too_many(planned, limit))

    def written(self, planned: Planned, limit: Limit) -> Answer:
        """Write the plan, and return the answer. Raises TooManyEnd, and what writing raises."""
        if (too_many := self._too_many(planned, limit)) is not None:
            raise too_many
        if not planned.steps:
            self._run.make_durable()
            return self._answer(planned, is_real=True)._replace(lines=[self._up_to_date(planned)], is_optional=True)
        if len(planned.batches) > 1:
            told = f"{len(planned.steps):,} events are written in {len(planned.batches)} batches"
            self._session.output.note(f"{told}; after each of them the register is good, and this can be run again")
        waiting, way_back = Waiting(self._session.output, "syncing", "events"), WayBack()
        try:
            for done in self._run.write(planned, self._session.held):
                way_back.take(recorded(done.first, done.changes, done.notices))
                self._session.output.warn_once(done.notices)
                waiting.show(self._run.events, len(planned.steps), self._run.events)
        except EvcliError as error:
            waiting.end()
            self._tell_how_far(error)
            raise
        finally:
            waiting.end()
        lines = [self._sentence(planned), *filter(None, [way_back.line(self._session.log_words)])]
        answer = partial(self._answer, planned, is_real=True)
        return answer_to(lambda: answer()._replace(lines=lines, is_optional=True), lines[0], "running it again is safe")

    def _tell_how_far(self, error: EvcliError) -> None:
        if isinstance(error, HeadMoved):
            error.hint = f"evcli log --since {error.since} shows what happened meanwhile; run it again to plan anew"
        if self._run.first == 1:
            self._session.output.note(self._session.began[1])
        are = "is" if self._run.events == 1 else "are"
        tell_how_far(error, f"{self._events()} {are} recorded" if self._run.events else "")

    def _too_many(self, planned: Planned, limit: Limit) -> TooManyEnd | None:
        ends, most = planned.ends, limit.most(planned.live)
        if ends <= most:
            return None
        who = f"{ends:,} of {planned.live:,} {self._kind.plural}"
        why = f"{self._list.name} lacks {who}: they would be {self._kind.ended}, but at most {most:,} may be"
        error = TooManyEnd(f"{why}; nothing was written")
        percent = -(-100 * ends // planned.live)
        error.hint = f"is the list whole? if so, --max-destroy {percent}% allows it; --keep-missing leaves them"
        return error

    # --- answers ------------------------------------------------------------------------------------------------------

    def _up_to_date(self, planned: Planned) -> str:
        one, many = self._kind.name, self._kind.plural
        told = f"{planned.rows:,} {one if planned.rows == 1 else many}"
        return f"up to date: the register has the {told} of {self._list.name}{self._kept(planned)}"

    def _kept(self, planned: Planned) -> str:
        if not planned.kept:
            return ""
        return f"; {planned.kept:,} {'is' if planned.kept == 1 else 'are'} not on it, and kept"

    def _events(self) -> str:
        first, count = self._run.first, self._run.events
        return events_in_words(first, first + count - 1, count)

    def _sentence(self, planned: Planned) -> str:
        told = in_words(self._kind, counts_of(self._kind, planned))
        return f"synced {self._list.name}: {told} ({self._events()}){self._kept(planned)}"

    def _answer(self, planned: Planned, *, is_real: bool) -> Answer:
        run = self._run
        began = is_real and run.first == 1
        document = {
            "list": valid(self._list.name),
            "sha256": self._list.sha256,
            "correlation": self._list.correlation,
            "head": run.head,
            "rows": planned.rows,
            "unchanged": planned.rows - len({step.line for step in planned.steps if step.line}),
            "kept": planned.kept,
            "events": len(planned.steps),
            "first": run.first or None,
            "last": run.first + run.events - 1 if run.first else None,
            "counts": counts_of(self._kind, planned),
            "recorded": is_real,
            "began": began,
        }
        if self._session.output.form in ("json", "jsonl"):
            document["plan"] = as_document(planned)
        remarks = [self._session.began] if began else []
        rows = rows_of(self._means, planned)
        return Answer(header=header_of(self._means), rows=rows, document=document, remarks=remarks)
