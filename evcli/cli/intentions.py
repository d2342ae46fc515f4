"""What the words of `evcli KIND VERB …` ask to be recorded."""

from collections.abc import Callable, Mapping
from typing import Any

from evcli.domain.fields import REASON
from evcli.domain.find import find
from evcli.domain.kind import Begins, EventType, Revives
from evcli.domain.state import State
from evcli.register.decide import Intention


def intentions(each: EventType, values: Mapping[str, Any], time: str | None = None) -> list[Intention]:
    """What is to be recorded, from the arguments: WHO and the fields of the event type. Raises BadText.

    It happened at `time`, in the log's time format; None: now.
    """
    kind = each.kind
    data = {}
    for name, field in (each.fields | {"reason": REASON}).items():
        typed = values["reason" if name == "reason" else f"data_{name}"]
        if typed is not None:
            data[name] = field.clean(typed)
    if type(each) is Begins:
        return [Intention(each.name, data, lambda state: state.last_id(kind.name) + 1, finds=False, time=time)]
    who = values["who"] if isinstance(values["who"], tuple) else [values["who"]]
    return [Intention(each.name, data, _finding(each, one), time=time) for one in who]


def _finding(each: EventType, who: str) -> Callable[[State], int]:
    def about(state: State) -> int:
        id: int = find(state, each.kind, who, ended_first=type(each) is Revives).id
        return id

    return about
