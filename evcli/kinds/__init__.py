"""The kinds of record that a log can hold, one module a kind. Each is loaded when it is first asked for."""

from collections.abc import Iterator
from importlib import import_module

from evcli.domain.clashes import check
from evcli.domain.kind import EventType, Kind

MODULES = {"user": "evcli.kinds.user"}
"""The table of kinds: a name, and the module whose KIND it is. The first is what is meant where no kind is named."""


class _Kinds(dict[str, Kind]):
    """The kinds that are loaded, by name; one that is not is loaded, and checked, when it is looked up."""

    def __missing__(self, name: str) -> Kind:
        kind: Kind = import_module(MODULES[name]).KIND
        check(kind)
        for other in self.values():
            if other.plural in (kind.plural, kind.name) or kind.plural == other.name:
                raise TypeError(f"kind {kind.name!r}: its plural {kind.plural!r} is taken by kind {other.name!r}")
        self[name] = kind
        return kind


class _Types(dict[str, EventType]):
    """The types of events of the kinds that are loaded, by name; raises KeyError for one that no kind has."""

    def __missing__(self, name: str) -> EventType:
        types = KINDS[name.partition(".")[0]].types
        self.update(types)
        return types[name]


KINDS = _Kinds()
TYPES = _Types()


def type_of(name: object) -> EventType | None:
    """The type of event of that name; None when no kind has it."""
    try:
        return TYPES[name] if isinstance(name, str) else None
    except KeyError:
        return None


def all_kinds() -> Iterator[Kind]:
    """Every kind, in the order of the table."""
    return (KINDS[name] for name in MODULES)


def first_kind() -> Kind:
    """The kind that is meant where none is named."""
    return KINDS[next(iter(MODULES))]
