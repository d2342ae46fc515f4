"""A kind that clashes is refused when it is loaded, and it is said with what."""

import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from evcli import kinds
from evcli.cli.app import root
from evcli.cli.command import SHARED
from evcli.cli.options import AT, COLUMNS, LIMIT, WIDE, WRITING
from evcli.domain import clashes
from evcli.domain.fields import NAME, text
from evcli.domain.kind import Begins, Changes, Kind


class Thing(NamedTuple):
    id: int
    name: str
    made: int
    changed: int
    gone: int | None = None


MAKE = {"thing.made": Begins("make", "Make a thing", {"name": NAME})}


def record(*names: str) -> Any:
    return NamedTuple("record", [(name, str) for name in names])


def begins(**fields: Any) -> dict[str, Any]:
    return {"thing.made": Begins("make", "Make a thing", fields or {"name": NAME})}


CLASHES: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is a command": ({"name": "log"}, "'log'.*is a command"),
    "a name that is an option of log": ({"name": "type"}, "is a command, or an option"),
    "a name that no word is": ({"name": "a b/C"}, "lower-case"),
    "a plural that answers have": ({"plural": "events"}, "its plural 'events'"),
    "a record without an id": ({"record": record("name", "made", "changed", "gone")}, "must start with id"),
    "a field that every row has": (
        {"types": begins(date=NAME), "record": record("id", "date", "a", "b", "c")},
        "'date'",
    ),
    "a field that is an option": (
        {"types": begins(json=NAME), "record": record("id", "json", "a", "b", "c")},
        "'json'",
    ),
    "a reason": ({"types": begins(reason=NAME), "record": record("id", "reason", "a", "b", "c")}, "'reason'"),
    "a field that the record has not": ({"types": begins(size=NAME)}, "size, which the record does not have"),
    "a field that is a number of an event": ({"types": begins(made=NAME)}, "'made' is already something else"),
    "a field that is called as a column about an event": (
        {"types": begins(made_at=NAME), "record": record("id", "made_at", "made", "changed", "gone")},
        "'made_at' is called as a column",
    ),
    "data that are called so": ({"types": begins(gone_by=NAME)}, "'gone_by' is called as a column"),
    "two fields of one name": (
        {"types": MAKE | {"thing.renamed": Changes("rename", "x", {"name": text("word", 9, "a", "b")})}},
        "'name' is one field in .*, and another elsewhere",
    ),
    "two types of one verb": ({"types": MAKE | {"thing.built": Begins("make", "x", {"name": NAME})}}, "the same verb"),
    "a verb of every kind": ({"types": {"thing.made": Begins("list", "x", {"name": NAME})}}, "'list'"),
    "nothing that begins one": ({"types": {"thing.seen": Changes("see", "x")}}, "no type begins one"),
    "a type of another kind": ({"types": {"user.made": Begins("make", "x", {"name": NAME})}}, "is not thing.PAST"),
    "an undo that is not there": (
        {"types": MAKE | {"thing.seen": Changes("see", "x", undo="thing.unseen")}},
        "'thing.unseen', which is not a type",
    ),
    "an optional field before a needed one": (
        {"types": begins(name=NAME.optional, word=NAME), "record": record("id", "name", "word", "a", "b", "c")},
        "required field after an optional",
    ),
    "a unique field that is none": ({"unique": "email"}, "'email' is not a field"),
}


def thing(name: str = "thing", record: Any = Thing, types: Any = MAKE, **more: Any) -> Kind:
    return Kind(name, record, types, label="{id}", **more)


def test_a_kind_that_clashes_with_nothing_is_taken() -> None:
    clashes.check(thing())


@pytest.mark.parametrize("what", CLASHES)
def test_a_clash_is_refused_and_named(what: str) -> None:
    changes, said = CLASHES[what]
    with pytest.raises(TypeError, match=said):
        clashes.check(thing(**changes))


def test_the_words_that_are_taken_are_those_that_there_are() -> None:
    options = {each.name for each in (AT, LIMIT, COLUMNS, WIDE, *WRITING, *SHARED)} - {"limit"}
    missing = options - clashes.OPTIONS
    assert not missing, f"no field may be called {missing}"
    commands = set(root().commands) - {"user", "bike", "entry"}
    assert commands <= clashes.COMMANDS, commands - clashes.COMMANDS


def test_a_kind_is_checked_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("log", thing(name="log")), ("thing", thing(plural="bikes"))):
        monkeypatch.setitem(sys.modules, "clashing", SimpleNamespace(KIND=kind))
        monkeypatch.setitem(kinds.MODULES, name, "clashing")
        assert kinds.KINDS["bike"].plural == "bikes"
        with pytest.raises(TypeError, match=r"is a command|is taken by kind 'bike'"):
            kinds.KINDS[name]
