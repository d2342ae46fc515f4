"""What would be different in a history that did not happen, for people and for programs."""

from typing import TYPE_CHECKING, Any

from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.cells import Cell
from evcli.cli.show.output import Output
from evcli.cli.show.render import as_json, in_words
from evcli.domain.event import number_of
from evcli.kinds import KINDS

if TYPE_CHECKING:
    from evcli.register.what_if import Differing, LeftOut, Supposed


def answer_of(output: Output, supposed: "Supposed") -> Answer:
    """The differences as an answer; what would be refused comes before it."""
    if output.form in ("json", "jsonl"):
        return Answer(document=document_of(supposed))
    _warn_of_refused(output, supposed)
    count = len(supposed.differing)
    title = f"{count:,} {'record' if count == 1 else 'records'} would be different" if count else _NOTHING
    if output.chosen_form in ("plain", "csv") or not count:
        output.note(title)
    return Answer(
        header=("record", "now", "would_be"), rows=map(_row, supposed.differing), title=title if count else ""
    )


_NOTHING = "nothing would be different"


def tell(output: Output, supposed: "Supposed") -> None:
    """Say on stderr what would be refused, and what would be different, before another answer."""
    _warn_of_refused(output, supposed)
    for each in supposed.differing[:MOST_NAMED]:
        record, now, would_be = _row(each)
        would = f"would be {would_be}" if would_be else "would not be there"
        output.preface(f"{record} is {now or 'not there'}, and {would}")
    if (more := len(supposed.differing) - MOST_NAMED) > 0:
        output.preface(f"{more:,} more would be different; without a command, all of them are shown")


def document_of(supposed: "Supposed") -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "number": supposed.state.number,
        "refused": [
            {"event": each.event, "code": each.why.code, "message": each.why.message} for each in supposed.refused
        ],
        "differences": [_as_json(each) for each in supposed.differing],
    }


def _as_json(each: "Differing") -> dict[str, Any]:
    return {
        "kind": each.kind,
        "id": (each.now or each.then).id,
        "now": as_json(each.now),
        "would_be": as_json(each.then),
    }


def _row(each: "Differing") -> tuple[Cell, Cell, Cell]:
    kind = KINDS[each.kind]
    return f"{kind.name} {(each.now or each.then).id}", in_words(kind, each.now), in_words(kind, each.then)


def _warn_of_refused(output: Output, supposed: "Supposed") -> None:
    for each in supposed.refused[:MOST_NAMED]:
        output.warning(_refusal(each), more={"event": number_of(each.event), "code": each.why.code})
    if (more := len(supposed.refused) - MOST_NAMED) > 0:
        output.warning(f"{more:,} more would be refused", "with --json all of them are named")


def _refusal(each: "LeftOut") -> str:
    event = each.event
    return f"event {number_of(event)} ({event['type']} by {event['authid']}) would be refused: {each.why.message}"
