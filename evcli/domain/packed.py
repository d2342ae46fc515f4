"""A State for many records in little memory: for an audit, which folds a whole log and may not ask a cache.

A record in a MemoryState takes some 450 bytes, most of them Python's own for its fields and its unique key. Here it is
one bytes object, and who may hold a key is eight bytes in a table of hashes: no key is kept beside its record.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from marshal import dumps, loads
from typing import Any

from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.domain.state import Count, words_among
from evcli.kinds import KINDS


class PackedState:
    """A State that packs each record into bytes; it agrees with MemoryState in everything but speed and size."""

    def __init__(self, hash_of: Callable[[str], int] = hash) -> None:
        """`hash_of` says where a key is looked for first. No answer depends on it, only how soon it is given."""
        self.number = 0
        self._hash_of = hash_of
        self._tables = _Tables()

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        table = self._tables[kind]
        packed = table.packed
        return _new(table.record, loads(_TUPLE + packed[id])) if 0 < id < len(packed) else None  # noqa: S302  # our own

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        hash = self._hash_of(key)
        claims = self._tables[kind].claims
        if not claims.slots[hash & claims.last]:  # as mostly; `ids` would say the same, but this is asked so often
            return None
        for id in claims.ids(hash):
            record = self.get(kind, id)
            if record[-1] is None and KINDS[kind].key(record) == key:
                return record
        return None

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind: ids have no gaps, so it is their count."""
        return len(self._tables[kind].packed) - 1

    def count(self, kind: str) -> Count:
        """How many records of the kind there are."""
        live = sum(1 for _ in self.records(kind, live_only=True))
        return Count(live, self.last_id(kind) - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or those that live, in order of id."""
        records = (self.get(kind, id) for id in range(1, self.last_id(kind) + 1))
        return (record for record in records if record[-1] is None) if live_only else records

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key or whose name, without regard to case, is `word`."""
        return (record for record in self.records(kind) if word in KINDS[kind].words(record))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """What records are called, with the record, in order from `start` on; or backward, from just before `start`."""
        return words_among(kind, self.records(kind), start, backward=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Nothing to do: all is in memory."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Keep `record` in the place of `before`, and its unique key while it lives."""
        table = self._tables[kind]
        # marshal is quick, and nothing of its form outlives the process. The slice is a copy of just the bytes that are
        # needed: what `dumps` gives lies in the remains of a larger block, and a million of those would hold it all.
        packed = dumps(record[:], 2)[1:]
        id = record.id
        if before is None:
            table.packed.append(packed)
        else:
            table.packed[id] = packed
        new = table.key(record)
        if new is not None and (before is None or table.key(before) != new):
            table.claims.add(self._hash_of(new), id)


class _Tables(dict[str, "_Table"]):
    """A table a kind, made when it is first asked for."""

    def __missing__(self, kind: str) -> "_Table":
        table = self[kind] = _Table(KINDS[kind])
        return table


class _Table:
    """The records of one kind, and which of them may hold a key."""

    def __init__(self, kind: Kind) -> None:
        self.packed = [b""]
        """The record with id 1, with id 2, …, each at its id."""
        self.claims = Claims()
        self.record = kind.record
        self.key = kind.key


_new = tuple.__new__
_TUPLE = dumps((), 2)[:1]
"""How marshal begins every tuple; not kept with each record."""

_FIRST_BITS = 12
_BITS = 32
_LOW = (1 << _BITS) - 1


class Claims:
    """Which ids ever had a key, by the key's hash: open addressing with linear steps, eight bytes a slot.

    An entry is the lower 32 bits of the hash, and the id: the hash says at which slot a search begins, and it ends at
    the next empty one; half of them are. Nothing is ever taken out: a record may have given its key up, or been
    destroyed, and other keys may have the same hash. So whoever asks looks at the records themselves.
    """

    def __init__(self) -> None:
        self._begin_with(_FIRST_BITS)

    def ids(self, hash: int) -> list[int]:
        """All ids that were added with a hash whose lower bits are the same."""
        slots, last, wanted = self.slots, self.last, hash & _LOW
        slot = hash & last
        found = []
        while entry := slots[slot]:
            if entry >> _BITS == wanted:
                found.append(entry & _LOW)
            slot = (slot + 1) & last
        return found

    def add(self, hash: int, id: int) -> None:
        """Add an id, once for each hash."""
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
        """Put the entries into a table that is twice as large."""
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
        """How many slots may still be filled before half of them are."""
