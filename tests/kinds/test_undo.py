"""An undo is offered only where it is accepted and leads back; and neither rules nor effects see the reason."""

from typing import Any, NamedTuple

from evcli.domain.fields import text
from evcli.domain.kind import Begins, Changes, Data, Ends, Kind, Records, Revives
from evcli.domain.rules import after_of
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
    after_of(kind.types["box.wiped"], MemoryState(), Box(1, "one", 1, 1), 2, {"word": "x", "reason": "why"})
    assert seen == [{"word": "x"}] * 2


def test_an_undo_whose_data_are_not_valid_is_not_offered() -> None:
    types = {
        "box.made": Begins("make", "Make a box", {"word": WORD}),
        "box.written": Changes("write", "Write on a box", {"word": WORD}, undo="box.wiped"),
        "box.wiped": Changes("wipe", "Wipe a box", {"word": text("word", 2, "a", "b")}),
    }
    assert undone(Kind("box", Box, types, label="{word}", plural="boxes")) is None


def test_an_undo_that_leaves_an_ended_record_live_is_not_offered() -> None:
    types = {
        "box.made": Begins("make", "Make a box", {"word": WORD}),
        "box.written": Changes("write", "Write on a box", {"word": WORD}, apply=lambda box, data: box),
        "box.dropped": Ends("drop", "Drop a box"),
        "box.kept": Revives("keep", "Keep a box", undo="box.written"),
    }
    kind = Kind("box", Box, types, label="{word}", plural="boxes")
    assert undo_of(kind.types["box.kept"], MemoryState(), Box(1, "one", 1, 2, 2), Box(1, "one", 1, 3)) is None


def test_an_effect_without_a_rule_does_not_see_the_reason() -> None:
    seen: list[Data] = []

    def note(box: Box, data: Data) -> Box:
        seen.append(data)
        return box

    kind = box(apply=note)
    after_of(kind.types["box.wiped"], MemoryState(), Box(1, "one", 1, 1), 2, {"word": "x", "reason": "why"})
    assert seen == [{"word": "x"}]


class Pair(NamedTuple):
    id: int
    word: str
    note: str
    made: int
    changed: int
    gone: int | None = None


def test_a_change_of_the_second_field_alone_is_a_change() -> None:
    both = {"word": WORD, "note": WORD}
    types = {
        "pair.made": Begins("make", "Make a pair", both),
        "pair.written": Changes("write", "Write on a pair", both),
    }
    kind = Kind("pair", Pair, types, label="{word}", plural="pairs")
    after = after_of(kind.types["pair.written"], MemoryState(), Pair(1, "a", "b", 1, 1), 2, {"word": "a", "note": "c"})
    assert after == Pair(1, "a", "c", 1, 2)
