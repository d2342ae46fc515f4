"""The answer of `evcli log`: events, each alone or with what it changed."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from evcli.cli.session import Session
from evcli.cli.show.answer import Answer, with_recorded
from evcli.cli.show.cells import Cell
from evcli.cli.show.render import LOG_HEADER, as_json, changed_fields, log_row
from evcli.domain.event import Event, subject_of
from evcli.kinds import KINDS

if TYPE_CHECKING:
    from evcli.cli.chosen import Then
    from evcli.register.changes import Change


def answer_of(
    session: Session, events: Iterable[Event], *, patch: bool, live: int | None = None, then: "Then | None" = None
) -> Answer:
    """These events in a table, or as they are in the log; with `patch`, each with what it changed.

    With `then`, it changed that in the order in which things happened.
    """
    form = session.output.chosen_form
    if not patch:
        answer = Answer(LOG_HEADER, map(log_row, events), records=events, whole="type", is_verbatim=True, live=live)
        return with_recorded(answer, form)
    if then is None:
        changes = session.register.changes(events, at_once=live is not None)
    else:
        changes = session.register.happenings(then.number).changes(events, then.until)
    records = ({"event": event, "before": as_json(old), "after": as_json(new)} for event, old, new in changes)
    if form == "table":
        return Answer(LOG_HEADER, _with_rows_below(changes), records=records, whole="type", live=live)
    answer = Answer(header=(*LOG_HEADER, "changes"), rows=map(_in_one_row, changes), records=records, live=live)
    return with_recorded(answer, form)


def _with_rows_below(changes: Iterable["Change"]) -> Iterator[tuple[Cell, ...]]:
    for event, before, after in changes:
        yield log_row(event)
        for field in changed_fields(KINDS[subject_of(event)[0]], before, after):
            yield *[""] * (len(LOG_HEADER) - 1), f"  {field}"


def _in_one_row(change: "Change") -> tuple[Cell, ...]:
    event, before, after = change
    return *log_row(event), ", ".join(changed_fields(KINDS[subject_of(event)[0]], before, after))
