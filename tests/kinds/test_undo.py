"""An undo is offered only where it is accepted and leads back; and neither rules nor effects see the reason."""

from typing import Any, NamedTuple

from evcli.domain.fields import text
from evcli.domain.kind import Begins, Changes, Data, Kind, Records
from evcli.domain.rules import CHECKS
from evcli.domain.state import MemoryState
from evcli.domain.undo import undo_of
from evcli.errors import Refused

WORD = text("word", 20, "one", "two")


class Box(NamedTuple):
    id: int
    word: str
    made: int
    changed: int
    gone: int | None = None


def never(box: Box, data: Data, records: Records) -> None:
    raise Refused("never")


def box(**back: Any) -> Kind:
    types = {
        "box.made": Begins("make", "Make a box", {"word": WORD}),
        "box.written": Changes("write", "Write on a box", {"word": WORD}, undo="box.wiped"),
        "box.wiped": Changes("wipe", "Wipe a box", {"word": WORD}, **back),
    }
    return Kind("box", Box, types, label="{word}", plural="boxes")


def undone(kind: Kind) -> Any:
    before = Box(1, "one", 1, 1)
    return undo_of(kind.types["box.written"], MemoryState(), before, before._replace(word="two", changed=2))


def test_an_undo_that_leads_back_is_offered() -> None:
    found = undone(box())
    assert found is not None
    assert (found[0].name, found[1]) == ("box.wiped", {"word": "one"})


def test_an_undo_that_a_rule_refuses_is_not_offered() -> None:
    assert undone(box(rule=never)) is None


def test_an_undo_that_does_not_lead_back_is_not_offered() -> None:
    assert undone(box(apply=lambda box, data: box._replace(word="three"))) is None


def test_rules_and_effects_do_not_see_the_reason() -> None:
    seen: list[Data] = []

    def see(box: Box, data: Data, records: Records) -> None:
        seen.append(data)

    def apply(box: Box, data: Data) -> Box:
        seen.append(data)
        return box

    kind = box(rule=see, apply=apply)
    CHECKS[kind.types["box.wiped"]](MemoryState(), 1, Box(1, "one", 1, 1), 2, {"word": "x", "reason": "why"})
    assert seen == [{"word": "x"}] * 2
