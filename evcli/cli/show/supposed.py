"""What would be different in a history that did not happen, for people and for programs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evcli.cli.show.answer import MOST_NAMED, Answer
from evcli.cli.show.cells import Cell
from evcli.cli.show.output import Output
from evcli.cli.show.render import as_json, in_words
from evcli.cli.show.would import names_of, refusal
from evcli.domain.event import Event, number_of
from evcli.kinds import KINDS

if TYPE_CHECKING:
    from evcli.what_if.supposed import Differing, Supposed


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
        header=("record", "now", "would_be"), rows=_rows(supposed, supposed.differing), title=title if count else ""
    )


_NOTHING = "nothing would be different"


def tell(output: Output, supposed: "Supposed") -> None:
    """Say on stderr what would be refused, and what would be different, before another answer."""
    _warn_of_refused(output, supposed)
    for record, now, would_be in _rows(supposed, supposed.differing[:MOST_NAMED]):
        would = f"would be {would_be}" if would_be else "would not be there"
        output.preface(f"{record} is {now or 'not there'}, and {would}")
    if (more := len(supposed.differing) - MOST_NAMED) > 0:
        output.preface(f"{more:,} more would be different; without a command, all of them are shown")


def document_of(supposed: "Supposed") -> dict[str, Any]:
    """All of it, for programs."""
    named = names_of(supposed.numbering)
    return {
        "number": supposed.state.number,
        "refused": [
            {"event": each.event, "code": each.why.code, "message": refusal(each.why, named)}
            for each in supposed.refused
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


def _rows(supposed: "Supposed", differing: "Sequence[Differing]") -> Iterator[tuple[Cell, Cell, Cell]]:
    named = names_of(supposed.numbering)
    for each in differing:
        kind = KINDS[each.kind]
        who = f"{kind.name} {(each.now or each.then).id}"
        yield who, in_words(kind, each.now), in_words(kind, each.then, named)


def _warn_of_refused(output: Output, supposed: "Supposed") -> None:
    named = names_of(supposed.numbering)
    for each in supposed.refused[:MOST_NAMED]:
        told = f"{_told(each.event)} would be refused: {refusal(each.why, named)}"
        output.warning(told, more={"event": number_of(each.event), "code": each.why.code})
    if (more := len(supposed.refused) - MOST_NAMED) > 0:
        output.warning(f"{more:,} more would be refused", "with --json all of them are named")


def _told(event: Event) -> str:
    return f"event {number_of(event)} ({event['type']} by {event['authid']})"
