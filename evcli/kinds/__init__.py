"""The kinds of record that a log can hold, one module per kind, each loaded on first use."""

from collections.abc import Iterator
from importlib import import_module

from evcli.domain.clashes import check
from evcli.domain.kind import EventType, Kind

MODULES = {"user": "evcli.kinds.user"}
"""The kinds: name, and the module that defines its KIND. The first is the default."""


class _Kinds(dict[str, Kind]):
    """The loaded kinds, by name; looking up another one loads and checks it."""

    def __missing__(self, name: str) -> Kind:
        kind: Kind = import_module(MODULES[name]).KIND
        check(kind)
        for other in self.values():
            if other.plural in (kind.plural, kind.name) or kind.plural == other.name:
                raise TypeError(f"kind {kind.name!r}: its plural {kind.plural!r} is taken by kind {other.name!r}")
        self[name] = kind
        return kind


class _Types(dict[str, EventType]):
    """The event types of the loaded kinds, by name; raises KeyError for a type that no kind has."""

    def __missing__(self, name: str) -> EventType:
        types = KINDS[name.partition(".")[0]].types
        self.update(types)
        return types[name]


KINDS = _Kinds()
TYPES = _Types()


def type_of(name: object) -> EventType | None:
    """The event type of that name; None if no kind has it."""
    try:
        return TYPES[name] if isinstance(name, str) else None
    except KeyError:
        return None


def all_kinds() -> Iterator[Kind]:
    """All kinds, in the order of MODULES."""
    return (KINDS[name] for name in MODULES)


def first_kind() -> Kind:
    """The default kind."""
    return KINDS[next(iter(MODULES))]
