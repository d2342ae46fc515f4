"""What is said of an undo, a redo, a revert and a restore-to: its plan, and what was written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from evcli.cli.done import answer_to, events_in_words, tell_how_far
from evcli.cli.events_named import in_numbers
from evcli.cli.operations import operation_of
from evcli.cli.planned_events import HEADER, as_document, counted, row, with_dependents
from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.progress import Waiting
from evcli.cli.show.render import as_json, happened_in_words
from evcli.cli.write import sentence
from evcli.domain.event import in_short, number_of
from evcli.domain.leading import Happened
from evcli.errors import EvcliError, HeadMoved, Refused
from evcli.kinds import TYPES
from evcli.register.decide import Done, Outcome
from evcli.undo.operations import SomethingSince
from evcli.undo.plans import AlreadyTakenBack, Way, without_way_back
from evcli.undo.taking_back import HasDependents


class Told:
    """The messages and the answer of one command."""

    def __init__(self, session: Session, word: str, past: str, way_back: str) -> None:
        """`word` is the command, `past` what is said when it is done, `way_back` the line that names the way back."""
        self._session, self._word, self._past, self._way_back = session, word, past, way_back
        self._done: list[Done] = []

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Add to a refusal what can be done."""
        try:
            yield
        except HasDependents as error:
            shown = " ".join(map(str, error.numbers[:1]))
            error.hint = f"--with-dependents takes them back, too, newest first; evcli show {shown} shows the first"
            raise
        except SomethingSince as error:
            error.hint = f"evcli revert {_as_refs(error.undo)} takes that undo back"
            raise
        except AlreadyTakenBack as error:
            error.hint = f"evcli revert {error.by} takes that one back"
            raise
        except Refused as error:
            if "nothing was written" not in error.message:
                error.message += "; nothing was written"
            raise

    def rehearsed(self, way: Way) -> Answer:
        """The plan as the answer."""
        output = self._session.output
        self._name_gone(way)
        self._name_parts(way)
        plan = "nothing was written; this is the plan" if way.plan.happened else "there is nothing to write"
        output.note(f"dry run: {plan}")
        title = self._planned(way) if way.plan.happened else self._nothing()
        if output.chosen_form != "table" or not way.plan.happened:
            output.note(title)
        answer = self._answer(way, is_real=False)
        return answer._replace(title=title, remarks=self._remarks(way), error=self._refusal(way))

    def written(self, way: Way, lock_wait: float) -> Answer:
        """Write the plan, and return the answer. Raises what writing raises, and if the plan is too much."""
        from evcli.undo.batches import write

        if (refusal := self._refusal(way)) is not None:
            raise refusal
        session, plan = self._session, way.plan
        self._name_gone(way)
        self._name_parts(way)
        if not plan.happened:
            session.register.log.sync()  # what a writer that was killed may not have done
            answer = self._answer(way, is_real=True)
            return answer._replace(lines=[self._nothing()], is_optional=True, remarks=self._remarks(way))
        if len(plan.batches) > 1:
            told = f"{len(plan.happened):,} events are written in {len(plan.batches)} batches"
            session.output.note(f"{told}; after each of them the register is good, and {self._again()} goes on")
        end, waiting = without_way_back(session.register, plan), Waiting(session.output, self._word, "events")
        try:
            for done in write(session.register, plan, lock_wait, session.held):
                self._done.append(done)
                session.output.warn_once(done.notices)
                if len(plan.batches) > 1:
                    waiting.show(self._count, len(plan.happened), self._count)
        except EvcliError as error:
            waiting.end()
            self._tell_how_far(error, way)
            raise
        finally:
            waiting.end()
        lines = [self._sentence(way), *self._each(), *([self._way_back] if end is None else [])]
        remarks = [*self._remarks(way), *([] if end is None else [("note", self._no_way_back(end))])]
        where = f"{self._events()} {'is' if self._count == 1 else 'are'} stored"
        hint = "evcli log shows what was written; do not repeat the command"
        lines = [session.with_log(line) for line in lines]
        return answer_to(
            lambda: self._answer(way, is_real=True)._replace(lines=lines, is_optional=True, remarks=remarks),
            where,
            hint,
        )

    def _tell_how_far(self, error: EvcliError, way: Way) -> None:
        tell_how_far(error, f"{self._events()} {'is' if self._count == 1 else 'are'} recorded" if self._done else "")
        again = f"; {self._again()} goes on"
        if isinstance(error, HeadMoved):
            shown = f"evcli log --since {error.since} shows what happened meanwhile"
            error.hint = f"{shown}; then run it again"
            if self._done and self._word in ("undo", "redo"):  # which begin with what is last
                left = sorted(number_of(event) for event in way.taken[self._count :])
                error.hint, again = f"{shown}; evcli revert {_as_refs(left)} takes back what is left", ""
        error.message = error.message.replace("; run it again to continue from there", again)

    def _name_gone(self, way: Way) -> None:
        for number, by in way.gone[:MOST_NAMED]:
            self._session.output.note(f"event {number} is already taken back, by event {by}")
        if (more := len(way.gone) - MOST_NAMED) > 0:
            self._session.output.note(f"so are {more:,} more")

    def _name_parts(self, way: Way) -> None:
        """That an import is undone that had several runs, and what undoes only the last one."""
        if len(way.parts) > 1:
            told = f"that import has {len(way.parts):,} parts (several runs, or skipped rows between); all are undone"
            self._session.output.note(f"{told}; evcli revert {_as_refs(way.parts[-1])} takes back only the last")

    # --- sentences ----------------------------------------------------------------------------------------------------

    def _again(self) -> str:
        """The command that goes on after an interruption."""
        return "the same command, run again,"

    def _nothing(self) -> str:
        return "nothing to do"

    def _refusal(self, way: Way) -> EvcliError | None:
        """Why the plan may not be written; None if it may."""

    def _taken(self, way: Way) -> str:
        """What is taken back: `event 3 (user.renamed of user 2 by ann)`, `events 3 to 9`."""
        along = set(way.along)
        asked = [event for event in way.taken if number_of(event) not in along]
        numbers = [number_of(event) for event in asked]
        events = events_in_words(min(numbers), max(numbers), len(numbers))
        if self._word == "redo":
            return f"the undo by {events}"
        operation = operation_of(asked[-1]) if self._word == "undo" and len(asked) > 1 else None
        if len(way.taken) == 1:
            events += f" ({in_short(asked[0])})"
        elif operation and operation.command:
            events = f"{operation.in_words}, {events}"
        return with_dependents(events, len(asked), way.along)

    def _planned(self, way: Way) -> str:
        head = int(self._session.register.known.head.partition(":")[0])
        counts = counted(one.step.type for one in way.plan.happened)
        return f"{self._heading(way)}: {counts}, after event {head:,}"

    def _heading(self, way: Way) -> str:
        return f"{self._word} of {self._taken(way)}"

    def _sentence(self, way: Way) -> str:
        return f"{self._past}: {self._taken(way)}"

    def _each(self) -> list[str]:
        """What happened, an event a line; of many, how many of each type."""
        if self._count <= MOST_NAMED:
            changes = (change for done in self._done for change in done.changes)
            return [sentence(each, one.intention.time) for each, one in zip(self._outcomes(), changes, strict=True)]
        types = counted(TYPES[change.intention.type] for done in self._done for change in done.changes)
        return [f"{types} ({self._events()})"]

    def _no_way_back(self, one: Happened) -> str:
        told = happened_in_words(one.step.type, one.step.data, one.after)
        return f"this cannot be taken back as a whole: nothing undoes one of its events ({told})"

    def _remarks(self, way: Way) -> list[tuple[str, str]]:
        """That late events, which were taken back, go on counting for --as-of."""
        if not way.still:
            return []
        is_one = len(way.still) == 1
        late = f"{events_in_words(way.still[0], way.still[-1], len(way.still))}, which {'was' if is_one else 'were'}"
        return [("note", f"--as-of before now still counts {late} recorded late{self._why_still(is_one=is_one)}")]

    def _why_still(self, *, is_one: bool) -> str:
        them, they = ("it", "it") if is_one else ("them", "they")
        return f": what takes {them} back does not fit when {they} happened"

    @property
    def _count(self) -> int:
        return sum(map(len, self._done))

    def _events(self) -> str:
        return events_in_words(self._done[0].first, self._done[0].first + self._count - 1, self._count)

    def _outcomes(self) -> Iterator[Outcome]:
        return (outcome for done in self._done for outcome in done)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, way: Way, *, is_real: bool) -> Answer:
        happened, document = way.plan.happened, dict[str, Any]()
        if self._session.output.form in ("json", "jsonl"):
            document["events"] = [outcome.event for outcome in self._outcomes()]
            for kind in dict.fromkeys(one.step.type.kind for one in happened):
                document[kind.plural] = [as_json(one.after) for one in happened if one.step.type.kind is kind]
            document["before"] = [as_json(one.before) for one in happened]
            document |= {"recorded": is_real, "began": False, "head": self._session.register.known.head}
            document["correlation"] = way.plan.correlation if happened else None
            document |= self._facts(way)
            if not is_real:
                document["plan"] = list(map(as_document, happened))
        return Answer(header=HEADER, rows=map(row, happened), document=document)

    def _facts(self, way: Way) -> dict[str, Any]:
        """What the document has of this command alone."""
        undone, already = [number_of(event) for event in way.taken], [number for number, _ in way.gone]
        return {"undone": undone, "along": list(way.along), "already": already, "still": list(way.still)}


def _as_refs(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers) and first < last:
        return in_numbers(first - 1, last)
    return " ".join(map(str, numbers))
