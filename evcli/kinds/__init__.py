"""The kinds of record that a log can hold, put together from their modules."""

from collections.abc import Mapping

from evcli.domain.event import EventType, Kind
from evcli.kinds import user

KINDS: Mapping[str, Kind] = {user.KIND.name: user.KIND}
TYPES: Mapping[str, EventType] = {name: type for kind in KINDS.values() for name, type in kind.types.items()}
