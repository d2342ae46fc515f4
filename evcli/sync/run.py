"""One sync: plan what brings the register to what a list says, try it out, and write it.

The plan is made on the head and written only onto that head. It is one batch if it fits; else several, each of which
the rules accept. After an interruption the same list asks for what is left.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import orjson

from evcli.domain.kind import Begins, Ends
from evcli.domain.overlay import Draft, holders
from evcli.errors import BadInput
from evcli.log.line import MAX_BATCH
from evcli.log.replay import without_garbage_collection
from evcli.register.decide import Change, Done, Head, Intention, Series, accept, check_head
from evcli.register.divided import divided
from evcli.register.register import Register
from evcli.register.series import MOST_BEHIND, rehearsal
from evcli.sync.finding import ById, ByName, ByUnique, Finder
from evcli.sync.lists import List
from evcli.sync.means import Means
from evcli.sync.order import Step
from evcli.sync.plan import Bad, Plan, Reasons
from evcli.sync.reading import Reading
from evcli.transfer.reading import USUAL
from evcli.transfer.reading import Reading as How

_UUID = 38
"""The size in bytes of an id in quotes, as a register's frame has it."""


class Planned(NamedTuple):
    """What a list asks for, tried out on the head: the steps in order, and what each changes."""

    steps: Sequence[Step]
    changes: Sequence[Change]
    bad: Sequence[Bad]
    """The rows because of which nothing can be done; then there are no steps."""
    bad_rows: int
    rows: int
    kept: int
    """Records that are not on the list, and stay."""
    live: int
    """Live records before."""
    batches: Sequence[Sequence[Step]]

    @property
    def ends(self) -> int:
        """How many records end."""
        return sum(type(step.type) is Ends for step in self.steps)


class Sync:
    """A sync of one list."""

    def __init__(
        self,
        register: Register,
        listed: List,
        means: Means,
        reasons: Reasons,
        *,
        by: str,
        earlier: List | None = None,
        how: How = USUAL,
        keeps: bool,
        lock_wait: float,
    ) -> None:
        """Prepare a sync.

        Args:
            register: where the events go.
            listed: the list.
            means: what its kind offers.
            reasons: the events' reasons.
            by: how rows find their records: a field that they are called by, `id`, or another column.
            earlier: for another column, the list before, which has it, too.
            how: how both lists are read, where they do not tell.
            keeps: whether records that are not on the list are left alone.
            lock_wait: seconds to wait for other writers, for each batch.
        """
        self._register, self._list, self._means, self._reasons = register, listed, means, reasons
        self._by, self._earlier, self._keeps, self._lock_wait = by, earlier, keeps, lock_wait
        self._how = how._replace(numbers=[name for name in (by, means.kind.ended) if name not in means.fields])
        self.first = self.events = 0
        """The number of the first event written, and how many were."""

    @property
    def head(self) -> str:
        """The head on which the plan was made, or that it has led to."""
        return self._register.known.head

    def plan(self, notice: Callable[[str, str], None], expect: Head | None = None) -> Planned:
        """What the list asks for, on the head. Raises BadInput, HeadMoved, NotWritten, Damaged.

        `notice` is called with what is noted of a list: its name, and the note.
        """
        with without_garbage_collection():
            draft = rehearsal(self._register)
            check_head(self._register.known, expect)
            if not self._register.known.number:
                self._register.log.check_beginning()
            kind = self._means.kind
            finder = self._finder(draft, notice)
            plan = Plan(self._means, draft.last_id(kind.name), finder.key_of, self._reasons, keeps=self._keeps)
            reading = Reading(draft, self._means, finder, plan)
            reading.read(self._list.source, self._how, partial(notice, self._list.name))
            self._list.check()
            plan.finish(partial(holders, draft, kind.name))
            live = draft.count(kind.name).live
            return self._tried(plan, draft, live)

    def write(self, planned: Planned, held: ExitStack) -> Iterator[Done]:
        """Write the plan, batch by batch. Raises HeadMoved, and what `execute` raises.

        Signals are held from before a batch is written until the next is asked for; after the last one, by `held`.
        """
        if len(planned.batches) > 1:
            self._register.history.most_behind = MOST_BEHIND
        for at, batch in enumerate(planned.batches, 1):
            with ExitStack() as until_next:
                done = self._execute(batch, held if at == len(planned.batches) else until_next)
                self.first = self.first or done.first
                self.events += len(done)
                yield done

    def make_durable(self) -> None:
        """Sync the log, which a writer that was killed may not have done. Raises OutcomeUnknown."""
        if self._register.known.number:
            self._register.log.sync()

    def _execute(self, batch: Sequence[Step], held: ExitStack) -> Done:
        at = self._register.known
        series = Series(self._list.correlation, at.place, lambda intention, why: False)
        head = at.number, at.sha256.decode()
        intentions = map(self._intention, batch)
        return self._register.execute(*intentions, expect=head, lock_wait=self._lock_wait, series=series, held=held)

    def _finder(self, draft: Draft, notice: Callable[[str, str], None]) -> Finder:
        kind, by = self._means.kind, self._by
        if self._earlier is not None:
            from evcli.sync.earlier import ids_by_key, moment_of

            moment = moment_of(self._register, self._earlier, self._list)
            state = draft if moment is None else self._register.at(moment)
            ids = ids_by_key(self._earlier, self._how, by, kind, state, partial(notice, self._earlier.name))
            return ById(draft, kind, by, ids.get, frozenset(ids.values()))
        if by == kind.unique:
            return ByUnique(draft, kind)
        return ByName(draft, kind) if by == kind.called else ById(draft, kind, by, _own_id)

    def _tried(self, plan: Plan, draft: Draft, live: int) -> Planned:
        """The plan after it was tried out: a kind may have rules of its own."""
        steps = [step for group in plan.groups for step in group]
        changes: Sequence[Change] = []
        if not plan.bad:
            kind = self._means.kind.name
            draft.fetch(kind, {step.id for step in steps if step.id}, ())
            changes, refused = accept(draft, list(map(self._intention, steps)), lambda intention, why: True)
            for at, why in refused.items():
                plan.refuse(steps[at].line, "", why)
        batches = [] if plan.bad else list(self._batches(plan.groups))
        steps = [] if plan.bad else steps
        return Planned(steps, changes, plan.bad, plan.bad_rows, plan.rows, plan.kept, live, batches)

    def _intention(self, step: Step) -> Intention:
        begins, kind, id = type(step.type) is Begins, self._means.kind.name, step.id
        return Intention(
            step.type.name, step.data, (lambda state: state.last_id(kind) + 1) if begins else lambda _: id, not begins
        )

    def _batches(self, groups: Sequence[Sequence[Step]]) -> Iterator[list[Step]]:
        """The steps in as few batches as they fit into."""
        # The frame has room for an id in place of the correlation.
        frame = self._register.frame + len(orjson.dumps(self._list.correlation)) - _UUID
        return divided(groups, lambda step: frame + len(orjson.dumps(step.data)), MAX_BATCH)


def _own_id(cell: str) -> int:
    if cell.isascii() and cell.isdigit() and len(cell) <= 12 and int(cell):
        return int(cell)
    raise BadInput(f'"{cell}" is not an id')
