"""Logs with late events of any kinds: random, but of a seed; some events do not fit where they happened."""

from collections.abc import Sequence
from random import Random
from typing import Any

from evcli.domain.state import MemoryState, happen
from evcli.errors import Refused
from evcli.kinds import KINDS

RECORDS = 5
"""There are at most so many records of each kind."""
VALUES = ["a@x.org", "b@x.org", "c@x.org", "B-1", "B-2", "B-3", "Ada", "Bob", "李"]
"""What fields are set to, as far as it is valid: so few that records meet."""


def moment(second: int) -> str:
    """The time so many seconds after a beginning, as the log writes it."""
    return f"2026-03-01T09:{second // 60:02}:{second % 60:02}.000000Z"


def lately(seed: int, kinds: Sequence[str], count: int) -> list[dict[str, Any]]:
    """The members of `count` events, which the rules accept; many have the same time, and about half are late."""
    chance, state, found = Random(seed), MemoryState(), list[dict[str, Any]]()
    second = 5
    while len(found) < count:
        kind = KINDS[chance.choice(kinds)]
        each, last = chance.choice(list(kind.types.values())), state.last_id(kind.name)
        id = last + 1 if each is kind.begins else chance.randint(1, RECORDS)
        if id > RECORDS:
            continue
        valid = {name: [value for value in VALUES if not field.fault(value)] for name, field in each.fields.items()}
        data = {name: chance.choice(values) for name, values in valid.items()}
        number = len(found) + 1
        try:
            happen(state, each.name, id, number, data)
        except Refused:
            continue
        second += chance.randint(0, 2)
        happened = max(second - chance.choice([0, 0, 0, 1, 2, 5, 20]), 0)
        late = {} if happened == second else {"recordedtime": moment(second)}
        found.append({
            "specversion": "1.0", "id": f"e-{number}", "source": "evcli", "type": each.name,
            "subject": f"{kind.name}/{id}", "time": moment(happened), **late, "sequence": f"{number:012}",
            "authtype": "user", "authid": "ann", "data": data,
        })  # fmt: skip
    return found
