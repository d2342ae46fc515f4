"""A State for many records in little memory, for the building of a cache, which needs each record before and after.

A record is one bytes object, and a holder of a key is eight bytes in a hash table: keys are not stored separately.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from marshal import dumps, loads
from typing import Any

from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.domain.state import Count, Declining, Steps, words_among
from evcli.kinds import KINDS


class PackedState:
    """A State that packs each record into bytes; it differs from MemoryState only in speed and size."""

    def __init__(self, hash_of: Callable[[str], int] = hash) -> None:
        """`hash_of` chooses the slot where a search begins. It affects speed only, never an answer."""
        self.number = 0
        self._tables = _Tables(hash_of)
        self.steps, self.quick = Steps(self._tables), Declining()

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._tables[kind].get(id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        table = self._tables[kind]
        id = table.held(key)
        return None if id is None else table.get(id)

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind: ids have no gaps, so it is their count."""
        return self._tables[kind].last_id()

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        live = sum(1 for _ in self.records(kind, live_only=True))
        return Count(live, self.last_id(kind) - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        records = (self.get(kind, id) for id in range(1, self.last_id(kind) + 1))
        return (record for record in records if record[-1] is None) if live_only else records

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        return (record for record in self.records(kind) if word in KINDS[kind].words(record))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        return words_among(kind, self.records(kind), start, backward=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Do nothing: everything is in memory."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Replace `before` with `record`, and index its unique key while it is live."""
        table = self._tables[kind]
        table.put(record.id, before, record, table.key(record) if record[-1] is None else None)


class _Tables(dict[str, "_Table"]):
    """One table per kind, made on first use."""

    def __init__(self, hash_of: Callable[[str], int]) -> None:
        super().__init__()
        self._hash_of = hash_of

    def __missing__(self, kind: str) -> "_Table":
        table = self[kind] = _Table(KINDS[kind], self._hash_of)
        return table


class _Table:
    """The records of one kind, and which of them may hold a key."""

    takes_any_id = False

    def __init__(self, kind: Kind, hash_of: Callable[[str], int]) -> None:
        self.packed = [b""]
        """The records, indexed by id; index 0 is unused."""
        self.claims = Claims()
        self.record = kind.record
        self.key = kind.key
        self._hash_of = hash_of

    def get(self, id: int) -> Any:
        packed = self.packed
        return _new(self.record, loads(_TUPLE + packed[id])) if 0 < id < len(packed) else None  # noqa: S302  # packed by us

    def held(self, key: str) -> int | None:
        hash, claims = self._hash_of(key), self.claims
        if claims.slots[hash & claims.last]:  # usually not; `ids` would return the same, but slower
            for id in claims.ids(hash):
                record = self.get(id)
                if record[-1] is None and self.key(record) == key:
                    return id
        return None

    def last_id(self) -> int:
        return len(self.packed) - 1

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        self.keep(id, before, after)
        if key is not None:
            self.claims.add(self._hash_of(key), id)

    def keep(self, id: int, before: Any, after: Any) -> None:
        # marshal is fast, and its format never outlives the process. The slice copies just the bytes needed: `dumps`
        # returns them in an over-allocated block, and a million of those would waste memory.
        packed = dumps(after[:], 2)[1:]
        if before is None:
            self.packed.append(packed)
        else:
            self.packed[id] = packed


_new = tuple.__new__
_TUPLE = dumps((), 2)[:1]
"""The byte with which marshal begins every tuple; not stored with each record."""

_FIRST_BITS = 12
_BITS = 32
_LOW = (1 << _BITS) - 1


class Claims:
    """Which ids ever had a key, by the key's hash: open addressing with linear probing, eight bytes per slot.

    An entry is the lower 32 bits of the hash, and the id. A search begins at the slot given by the hash and ends at the
    next empty one; at least half of the slots are empty. Entries are never removed: a record may have given up its key
    or been destroyed, and other keys may share the hash. So the caller must check the records themselves.
    """

    def __init__(self) -> None:
        self._begin_with(_FIRST_BITS)

    def ids(self, hash: int) -> list[int]:
        """All ids that were added under the same lower 32 bits of the hash."""
        slots, last, wanted = self.slots, self.last, hash & _LOW
        slot = hash & last
        found = []
        while entry := slots[slot]:
            if entry >> _BITS == wanted:
                found.append(entry & _LOW)
            slot = (slot + 1) & last
        return found

    def add(self, hash: int, id: int) -> None:
        """Add an id, at most once per hash."""
        slots, last = self.slots, self.last
        new = (hash & _LOW) << _BITS | id
        slot = hash & last
        while entry := slots[slot]:
            if entry == new:
                return
            slot = (slot + 1) & last
        slots[slot] = new
        self._free -= 1
        if not self._free:
            self._make_room()

    def _make_room(self) -> None:
        """Move the entries into a table twice as large."""
        entries, length = self.slots, self.last // 2
        self._begin_with(self.last.bit_length() + 1)
        self._free -= length
        slots, last = self.slots, self.last
        for entry in entries:
            if entry:
                slot = entry >> _BITS & last
                while slots[slot]:
                    slot = (slot + 1) & last
                slots[slot] = entry

    def _begin_with(self, bits: int) -> None:
        self.slots = array("Q", [0]) * (1 << bits)
        self.last = (1 << bits) - 1
        self._free = self.last // 2
        """How many slots may still be filled before the table is half full."""
