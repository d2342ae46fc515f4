"""Which recorded rows do not stand any more, because their records have ended since, or were revived.

That is no reason to record them once more without being asked. But whoever runs an import again expects that what its
rows say is so.
"""

from collections.abc import Callable, Iterator

from evcli.domain.kind import Ends, Kind, Revives
from evcli.domain.overlay import are_live, records_of
from evcli.domain.state import State
from evcli.log.correlated import last_about
from evcli.register.register import Register
from evcli.transfer.before import Before
from evcli.transfer.happened import Undone
from evcli.transfer.places import Place

AT_ONCE = 1000
"""How many records are looked up together."""


def undone(
    before: Before, kind: Kind, register: Register, state: State, place_of: Callable[[int], Place | None]
) -> list[Undone]:
    """The rows about records of a kind that are done but do not stand in `state`, unless the input itself undid them.

    `place_of` tells where the row is that recorded an event, now or before; None if no row of the input did.
    """
    found, revived = list[Undone](), list[Undone]()
    for row in _not_so(before, kind, state):
        (found if row.by else revived).append(row)
    if revived:
        found += _revived(revived, kind, register)
    return sorted(row for row in found if place_of(row.by) is None)


def _not_so(before: Before, kind: Kind, state: State) -> Iterator[Undone]:
    """The rows that say live of a record that has ended, or the other way round; by which event is 0 for a live one."""
    ends = {name for name, each in kind.types.items() if type(each) is Ends}
    for start in range(0, before.already, AT_ONCE):
        part = slice(start, min(start + AT_ONCE, before.already))
        ids = before.records[part]
        if ends.isdisjoint(before.types[part]) and are_live(state, kind.name, ids):
            continue
        records = records_of(state, kind.name, ids)
        rows = zip(ids, before.numbers[part], before.types[part], strict=True)
        for at, (id, number, name) in enumerate(rows, start):
            record = records.get(id)
            if record is None or name not in kind.types:  # a damaged line, of which whoever reads it tells
                continue
            if (record[-1] is None) is (name in ends):
                yield Undone(before.place(at), number, kind.name, id, kind.ended, record[-1] or 0)


def _revived(rows: list[Undone], kind: Kind, register: Register) -> Iterator[Undone]:
    """These rows, each with what revived its record last, if the log has it."""
    revives = {name: each.past for name, each in kind.types.items() if type(each) is Revives}
    place = register.position(min(row.event for row in rows)).place
    last = last_about(register.log, revives, {row.id for row in rows}, place)
    for row in rows:
        if row.id in last:
            yield row._replace(past=revives[last[row.id].type], by=last[row.id].number)
