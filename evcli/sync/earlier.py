"""Who has which key of another system: told by the list before, and by what the register was when that was synced.

The log has no place for such a key, since an event that changes nothing else is none. So the list before is read
again: it has each key beside the unique field, and the log knows whose that was.
"""

from collections.abc import Callable, Sequence

from evcli.domain.fields import key_of
from evcli.domain.kind import Kind
from evcli.domain.overlay import holders
from evcli.domain.state import State
from evcli.errors import BadInput
from evcli.register.register import Register
from evcli.sync.lists import List, numbers_of
from evcli.transfer.reading import Reading
from evcli.transfer.rows import Intake


def moment_of(register: Register, earlier: List, listed: List) -> int | None:
    """The event after which the register was as the list `earlier` says; None for now.

    Where that list led to no event, it is the one before the first that `listed` led to: a sync of it may have been
    interrupted.
    """
    if not register.known.number:
        return None
    found = numbers_of(register, earlier.correlation)
    if found is not None:
        return found[1]
    own = numbers_of(register, listed.correlation)
    return None if own is None else own[0] - 1


def ids_by_key(
    earlier: List, how: Reading, column: str, kind: Kind, state: State, notice: Callable[[str], None]
) -> dict[str, int]:
    """The id of the record that each key of the list `earlier` means, if `state` has it. Raises BadInput."""
    ids, lines = dict[str, int](), dict[str, int]()
    fields = (column, kind.unique)
    how = how._replace(columns={field: name for field, name in how.columns.items() if field in fields})
    for numbers, rows, fault in Intake(earlier.source, fields, fields, notice, how).rows():
        if fault:
            raise BadInput(f"{earlier.name} line {numbers[0]}: {fault.why}", fault.hint)
        _check(earlier.name, numbers, [row[0].strip() for row in rows], lines)
        held = holders(state, kind.name, {key_of(row[1].strip()) for row in rows})
        for key, unique in rows:
            record = held.get(key_of(unique.strip()))
            if key.strip() and record is not None:
                ids[key.strip()] = record.id
    earlier.check()
    return ids


def _check(name: str, numbers: Sequence[int], keys: Sequence[str], lines: dict[str, int]) -> None:
    for line, key in zip(numbers, keys, strict=True):
        if key and lines.setdefault(key, line) != line:
            raise BadInput(f'{name} line {line}: "{key}" is on the list twice: on line {lines[key]}, too')
