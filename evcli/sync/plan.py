"""The plan: which events bring the records to what a list says, in an order that the rules accept. Pure.

Records end first, which frees their keys. Then live ones change, then ended ones come back, and last new ones begin.
So at every moment the register is as the rules demand, wherever the plan is interrupted; and what is left to do is what
the same list still asks for.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple

from evcli.domain.fields import key_of
from evcli.domain.find import label
from evcli.errors import BadInput, EvcliError, Refused
from evcli.sync.means import Means, Values
from evcli.sync.order import Move, Step, circles_and_chains

Holders = Callable[[Iterable[str]], Mapping[str, Any]]
"""The live record of each of these unique keys that has one."""

MOST_BAD = 100
"""At most this many bad rows are kept; the others are counted."""


class Reasons(NamedTuple):
    """Why: the reason of the events about who is on the list, about who is not, and of a stand-in for a key."""

    listed: str
    missing: str
    stand_in: str


class Bad(NamedTuple):
    """What is wrong with a row (0: with the list as a whole), in which field, if it is one."""

    line: int
    field: str
    error: EvcliError


class _New(NamedTuple):
    """A row whose record is not live."""

    line: int
    values: Values
    ended: list[Any]
    """The ended records that may be meant."""


class Plan:
    """Rows are taken, then the records that no row is about; `finish` makes the plan of them."""

    def __init__(
        self, means: Means, last_id: int, key_of_record: Callable[[Any], str | None], reasons: Reasons, *, keeps: bool
    ) -> None:
        """Begin a plan.

        Args:
            means: what the kind offers.
            last_id: the highest id of a record.
            key_of_record: by what a row finds an ended record.
            reasons: why.
            keeps: whether records that are not on the list are left alone.
        """
        self._means, self._key_of, self._reasons, self._keeps = means, key_of_record, reasons, keeps
        fields = means.kind.record._fields
        self._columns = tuple(means.fields)
        self._places = slice(fields.index(means.compared[0]), fields.index(means.compared[-1]) + 1)
        self._is_direct = fields[self._places] == means.compared == self._columns
        self._lines = array("Q", [0]) * (last_id + 1)
        """By id: the line of each record that is on the list."""
        self._differing: list[tuple[int, Values, Any]] = []
        self._new: dict[str, _New] = {}
        self._missing: list[Any] = []
        self.rows = self.kept = self.bad_rows = 0
        """Rows of the list, records that are not on it but stay, and rows that are wrong."""
        self.bad: list[Bad] = []
        self.groups: list[list[Step]] = []
        """The steps in order; those of one group belong together."""

    # --- what is there ------------------------------------------------------------------------------------------------

    def take(
        self, lines: Sequence[int], rows: Sequence[tuple[str, ...]], keys: Sequence[str], records: Sequence[Any]
    ) -> None:
        """Rows with their keys: the columns in the order of the fields, and the live record of each, or None."""
        seen, places, is_direct = self._lines, self._places, self._is_direct
        self.rows += len(lines)
        for line, row, key, record in zip(lines, rows, keys, records, strict=True):
            if record is None:
                self._take_new(line, row, key)
            elif seen[record[0]]:
                self._twice(line, seen[record[0]], label(self._means.kind, record))
            else:
                seen[record[0]] = line
                if record[-1] is not None:
                    self._take_new(line, row, key, record)
                elif not is_direct or record[places] != row:
                    self._differing.append((line, self._values(row), record))

    def _take_new(self, line: int, row: tuple[str, ...], key: str, ended: Any = None) -> None:
        if (other := self._new.get(key)) is not None:
            self._twice(line, other.line, f'"{key}"')
            return
        self._new[key] = _New(line, self._values(row), [] if ended is None else [ended])

    def _values(self, row: tuple[str, ...]) -> Values:
        return dict(zip(self._columns, row, strict=True))

    def _twice(self, line: int, other: int, who: str) -> None:
        self.refuse(line, "", BadInput(f"{self._means.kind.name} {who} is on the list twice: on line {other}, too"))

    def refuse(self, line: int, field: str, error: EvcliError) -> None:
        """Take note of a bad row."""
        self.bad_rows += 1
        if len(self.bad) < MOST_BAD:
            self.bad.append(Bad(line, field, error))

    def has(self, id: int) -> bool:
        """Whether a row is about the record with that id."""
        return bool(self._lines[id])

    def unseen(self) -> Iterable[int]:
        """The ids of the records that no row is about, live or ended."""
        return (id for id, line in enumerate(self._lines) if not line and id)

    def take_unseen(self, records: Iterable[Any]) -> None:
        """Records that no row is about."""
        for record in records:
            if record[-1] is None:
                if self._keeps:
                    self.kept += 1
                else:
                    self._missing.append(record)
            elif (new := self._new.get(self._key_of(record) or "")) is not None:
                new.ended.append(record)

    # --- what is to be done -------------------------------------------------------------------------------------------

    def finish(self, holders: Holders) -> None:
        """Plan the steps, or say in `bad` why there is no plan."""
        self._end()
        changes, moves = self._changes()
        claims = self._claims(moves)
        held = holders([*claims, *self._old_keys()])
        stays = {key: record for key, record in held.items() if self._stays(record, moves)}
        for key, (line, id) in claims.items():
            if key in stays and stays[key].id != id:
                self._taken(line, key, stays[key])
        if self.bad:
            return
        circles, chains = circles_and_chains(list(moves.values()))
        self.groups += [*changes, *(move.steps for move in chains)]
        self._exchange(circles, claims, holders)
        self._begin_and_revive({*claims, *stays})

    def _end(self) -> None:
        means, kind = self._means, self._means.kind
        if self._missing and means.ends is None:
            one, missing = self._missing[0], len(self._missing)
            are = f"{missing} {kind.plural} are" if missing > 1 else f"{kind.name} {label(kind, one)} is"
            self.refuse(0, "", Refused(f"{are} not on the list, and {kind.plural} cannot end"))
            return
        for record in self._missing:
            self.groups.append([self._step(means.ends, record.id, {}, 0, self._reasons.missing)])

    def _changes(self) -> tuple[list[list[Step]], dict[int, Move]]:
        """The changes of live records: those that keep their unique key, and those that get another, by id."""
        means = self._means
        staying, moves = list[list[Step]](), dict[int, Move]()
        for line, values, record in self._differing:
            try:
                changes = means.changes(record, values)
            except Refused as no:
                self.refuse(line, "", no)
                continue
            steps = [self._step(each, record.id, data, line) for each, data in changes]
            if means.moves(record, values):
                moves[record.id] = Move(str(means.kind.key(record)), means.key(values), steps)
            elif steps:
                staying.append(steps)
        return staying, moves

    def _claims(self, moves: Mapping[int, Move]) -> dict[str, tuple[int, int]]:
        """By unique key: the line that claims it for a record that does not have it yet, and the record's id, or 0."""
        claims: dict[str, tuple[int, int]] = {}
        asked = [(move.new, move.steps[0].line, id) for id, move in moves.items()]
        asked += [(self._means.key(new.values), new.line, 0) for new in self._new.values()]
        for key, line, id in sorted(asked, key=itemgetter(1)):
            if key in claims:
                self._twice(line, claims[key][0], f'"{key}"')
            else:
                claims[key] = line, id
        return claims

    def _old_keys(self) -> list[str]:
        return [str(self._means.kind.key(record)) for new in self._new.values() for record in new.ended]

    def _stays(self, record: Any, moves: Mapping[int, Move]) -> bool:
        """Whether a live record keeps its key."""
        return record.id not in moves and bool(self._lines[record.id] or self._keeps)

    def _taken(self, line: int, key: str, holder: Any) -> None:
        kind, other = self._means.kind, self._lines[holder.id]
        field = kind.fields[kind.unique].label
        if other:
            self.refuse(line, kind.unique, BadInput(f'the {field} "{key}" is on the list twice: on line {other}, too'))
        else:
            who = f"{kind.name} {label(kind, holder)}"
            self.refuse(line, kind.unique, Refused(f"{who} has it, is not on the list, and is to be kept"))

    def _exchange(self, circles: Sequence[Sequence[Move]], claims: Mapping[str, object], holders: Holders) -> None:
        """Records that exchange their keys in a circle: the first holds a stand-in until all others have moved."""
        if not circles:
            return
        kind = self._means.kind
        stand_in = kind.fields[kind.unique].stand_in
        if stand_in is None:
            for circle in circles:
                lines = " and ".join(str(line) for line in sorted(move.steps[0].line for move in circle))
                why = f"the {kind.plural} of lines {lines} exchange their {kind.fields[kind.unique].label}s"
                self.refuse(0, "", Refused(f"{why}, for which one of them would have to hold another value meanwhile"))
            return
        records = {record.id: record for _, _, record in self._differing}
        free = next(text for n in count(1) if not holders([key_of(text := stand_in(n))]) and key_of(text) not in claims)
        for circle in circles:
            line, record = circle[0].steps[0].line, records[circle[0].steps[0].id]
            each, data = self._means.change_of_key(record, free)  # there is one, since the record moves
            first = self._step(each, record.id, data, line, self._reasons.stand_in)
            self.groups.append([first, *(step for move in (*circle[1:], circle[0]) for step in move.steps)])

    def _begin_and_revive(self, kept: set[str]) -> None:
        """Rows whose record is not live: it comes back, if it can, or a new one begins; `kept` are keys in the end."""
        means, begun, id = self._means, list[list[Step]](), len(self._lines) - 1
        for line, values, ended in self._new.values():
            own, key_of_ended = means.key(values), means.kind.key
            back = [each for each in ended if key_of_ended(each) == own or key_of_ended(each) not in kept]
            try:
                if means.revives is None or not back:
                    id += 1
                    first = self._step(means.begins, 0, means.beginning(values), line)
                    after = means.changes_at_once(id, values)
                    begun.append([first, *(self._step(each, id, data, line) for each, data in after)])
                    continue
                record = max(back, key=lambda each: (self._alike(each, values), each[-1]))
                steps = [(means.revives, dict[str, str]()), *means.changes(record, values)]
                self.groups.append([self._step(each, record.id, data, line) for each, data in steps])
            except Refused as no:
                self.refuse(line, "", no)
        self.groups += begun

    def _alike(self, record: Any, values: Values) -> int:
        return sum(getattr(record, name) == values[name] for name in self._means.compared)

    def _step(self, each: Any, id: int, data: dict[str, str], line: int, reason: str = "") -> Step:
        return Step(each, id, data | {"reason": reason or self._reasons.listed}, line)
