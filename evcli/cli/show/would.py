"""Why an event would be refused in a history that is only supposed, and which event stands against it there."""

from collections.abc import Callable

from evcli.domain.refusals import NoSuchRecord, NotEnded, NotLive, Taken, Unchanged
from evcli.errors import Refused
from evcli.kinds import KINDS
from evcli.what_if.numbering import Numbering


def names_of(numbering: Numbering) -> Callable[[int], str]:
    """How the events of such a history are called, by their numbers in it: by the log's own, if the log has them."""

    def named(number: int) -> str:
        of_log = numbering.in_log(number)
        if of_log is not None:
            return f"event {of_log}{', as changed' if of_log in numbering.changed else ''}"
        several = f" what-if-{numbering.put_in.index(number) + 1}" if len(numbering.put_in) > 1 else ""
        return f"the inserted event{several}"

    return named


def refusal(why: Refused, named: Callable[[int], str]) -> str:
    """What a refusal says, as of a history that did not happen, whose events are called so."""
    match why:
        case NoSuchRecord():
            return f'there would be no {why.kind} "{why.who}"'
        case NotLive():
            return f"{why.kind} {why.id} would already be {KINDS[why.kind].ended}, by {named(why.event)}"
        case NotEnded():
            return f"{why.kind} {why.id} would not be {KINDS[why.kind].ended}"
        case Taken():
            return f"{why.said} would be {why.kind} {why.holder}'s, {KINDS[why.kind].began} by {named(why.event)}"
        case Unchanged():
            return f"{why.kind} {why.id} would already have the {why.said}"
    return why.message
