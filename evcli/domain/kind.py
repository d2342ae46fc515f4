"""A kind of record: what it is, and what can happen to one. A page of `evcli/kinds` declares a kind in these terms.

An event type has one of four roles; each has a precondition, and stamps the event's number n on the record:

    Begins     there is no record yet: it takes the next id     began = changed = n
    Changes    the record is live                               changed = n
    Ends       the record is live; it stays, marked             changed = ended = n
    Revives    the record has ended                             changed = n, ended = None

An event's data become the record's fields of the same names; an event that changes nothing is refused. No two live
records share the unique field. Beyond that, `rule` decides whether an event may happen, and `apply` how it changes the
record.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar, Protocol

from evcli.domain.effect import effect_of
from evcli.domain.event import Event, number_of
from evcli.domain.fields import REASON, Field, folded_in, key_in, key_of

Data = Mapping[str, str]

STAMP = ("at", "by", "reason")
"""What a list may show of an event: when it happened, who did it, why."""


class Records(Protocol):
    """The records before the event, as a rule sees them."""

    number: int
    """The number of the last event folded into them."""

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind, or 0. Ids have no gaps."""


Rule = Callable[[Any, Data, Records], None]
"""(the record before, the event's data, the records): raises Refused if the event may not happen."""
Apply = Callable[[Any, Data], Any]
"""(the record before, the event's data): the record afterwards; id and event numbers are set for it."""


class EventType:
    """One thing that can happen to a record. Its role is its class: Begins, Changes, Ends or Revives."""

    role: ClassVar[str]

    kind: "Kind"
    name: str
    """The stored name: `user.created`. It never changes; a new shape of an old type is a new type."""

    def __init__(
        self,
        verb: str,
        help: str,
        fields: Mapping[str, Field] | None = None,
        *,
        rule: Rule | None = None,
        apply: Apply | None = None,
        says: str = "",
        undo: str = "",
        why: str = "",
    ) -> None:
        """Declare an event type.

        Args:
            verb: the command: `rename`.
            help: what it does, in an imperative line: `Rename a user`.
            fields: the data, by name and in order; required ones come first.
            rule: when it may happen, beyond the precondition of its role.
            apply: how it changes the record, if its data are not simply the record's new fields.
            says: what follows `user 7` in a sentence, if the type's name does not fit: `docked at {station}`.
            undo: the name of the type that undoes it, if not the one its role implies.
            why: an example of a reason.
        """
        self.verb, self.help, self.fields = verb, help, dict(fields or {})
        self.rule, self.apply, self.says, self.why = rule, apply, says, why
        self.undo_name = undo
        self.required = tuple(name for name, field in self.fields.items() if field.required)
        self.says_fields = self.role == "changes" and apply is None and bool(self.fields)
        """Whether it only sets its data, so that an event with the values already set is refused."""
        self._faults = {name: field.fault for name, field in self.fields.items()} | {"reason": REASON.fault}
        self._good_shapes: set[tuple[str, ...]] = set()

    @cached_property
    def effect(self) -> Callable[[Any, int, int, Data], Any]:
        """(the record before, its id, the event's number, the data): the record afterwards."""
        return effect_of(self.kind.record, self.role, self.fields, self.apply)

    @cached_property
    def undo(self) -> "EventType | None":
        """The type that undoes it: the declared one, the same type with the old values, or the opposite role."""
        kind = self.kind
        if self.undo_name:
            return kind.types[self.undo_name]
        if type(self) is Changes:
            return self if self.says_fields else None
        return kind.one(Revives if type(self) is Ends else Ends)

    def after(self, record: Any, event: Event) -> Any:
        """The record after an event of this type about it: its rules have held when the event was recorded."""
        data = {name: value for name, value in event["data"].items() if name != "reason"}
        return self.effect(record, int(event["subject"][self.kind.prefix :]), number_of(event), data)

    @property
    def claims_key(self) -> bool:
        """Whether no other live record may have the unique field of the record after it."""
        return bool(self.kind.unique) and (type(self) in (Begins, Revives) or self.kind.unique in self.fields)

    @property
    def past(self) -> str:
        """What happened, in words: `e-mail changed`, or the last part of the stored name."""
        return self.says or self.name.partition(".")[2].replace("-", " ")

    def data_fault(self, data: Mapping[str, object]) -> str:
        """Why these data are invalid for this type, "" if they are valid. Looks at nothing but the data."""
        shape = tuple(data)
        if wrong := self._shape_fault(shape):
            return wrong
        faults = ((name, self._faults[name](value)) for name, value in data.items())
        return next((f"data: {name}: {why}" for name, why in faults if why), "")

    def are_data(self, shape: tuple[str, ...], data: Sequence[Mapping[str, object]]) -> bool:
        """Whether all of these, whose members are `shape`, are valid data of this type: the check that a fold makes."""
        if shape not in self._good_shapes:
            if self._shape_fault(shape):
                return False
            self._good_shapes.add(shape)
        return not any(any(map(self._faults[name], map(itemgetter(name), data))) for name in shape)

    def _shape_fault(self, shape: tuple[str, ...]) -> str:
        for name in self.required:
            if name not in shape:
                return f"data: {name} is missing"
        for name in shape:
            if name not in self._faults:
                return f'data: unknown field "{name}"'
        in_order = tuple(name for name in self._faults if name in shape)
        return "" if shape == in_order else f"data: not in the order {', '.join(in_order)}"


class Begins(EventType):
    """There is no record yet: it takes the next id."""

    role = "begins"


class Changes(EventType):
    """The record is live, and stays live."""

    role = "changes"


class Ends(EventType):
    """The record is live; afterwards it is marked as ended."""

    role = "ends"


class Revives(EventType):
    """The record has ended; afterwards it is live again."""

    role = "revives"


def _nothing(record: Any) -> None:
    """The key of a kind that has no such field."""


class Kind:
    """One kind of record, and its event types.

    A record is a NamedTuple: first its `id`, then its own fields, last the numbers of the events that began it, last
    changed it, and ended it (None while live). The page names these three; all other code uses their positions.
    """

    def __init__(
        self,
        name: str,
        record: Any,
        types: Mapping[str, EventType],
        *,
        label: str,
        unique: str = "",
        called: str = "",
        plural: str = "",
    ) -> None:
        """Declare a kind.

        Args:
            name: the part before the dot in its types and before the slash in its subjects: `user`.
            record: the class of its records.
            types: the event types, by stored name.
            label: a record in a few words: `{name} <{email}>`.
            unique: the field that no two live records share, if any.
            called: another field that people refer to a record by, if any; it need not be unique.
            plural: the plural of the name, if it is not the name and an s.

        Loading the kind checks it for clashes: see clashes.py.
        """
        self.name, self.record, self.types, self.label = name, record, dict(types), label
        self.unique, self.called, self.plural = unique, called, plural or name + "s"
        self.prefix = len(name) + 1
        self.own = record._fields[1:-3]
        self.began, self.changed, self.ended = record._fields[-3:]
        self.names = tuple(dict.fromkeys(field for field in (unique, called) if field))
        """The fields by which people refer to a record."""
        self.fields = {field: each for type in types.values() for field, each in type.fields.items()}
        self.verbs = {each.verb: each for each in types.values()}
        for full, each in types.items():
            each.kind, each.name = self, full
        self.key = key_in(record._fields.index(unique)) if unique in record._fields else _nothing
        """Returns a record's unique key, or None if the kind has no unique field."""
        self.name_key = folded_in(record._fields.index(called)) if called in record._fields else _nothing
        """Returns a record's case-folded name, or None if the kind has none."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What a list may show of each record: its fields, and of the three events when, by whom and why."""
        stamps = (name for stamp in self.record._fields[-3:] for name in (stamp, *(f"{stamp}_{it}" for it in STAMP)))
        return *self.record._fields[:-3], *stamps

    @property
    def begins(self) -> EventType:
        """The first type that begins a record."""
        return next(each for each in self.types.values() if type(each) is Begins)

    def one(self, role: type[EventType]) -> EventType | None:
        """The only type with that role; None if there is none, or more than one."""
        found = [each for each in self.types.values() if type(each) is role]
        return found[0] if len(found) == 1 else None

    def claimed_key(self, data: Data) -> str | None:
        """The unique key that an event's data claim for its record, or None."""
        value = data.get(self.unique) if self.unique else None
        return None if value is None else key_of(value)

    def words(self, record: Any) -> set[str]:
        """The words that find a record: its unique key, and its case-folded name."""
        return {word for word in (self.key(record), self.name_key(record)) if word is not None}

    def labelled(self, record: Any) -> str:
        """A record in a few words: `Ada <ada@example.com>`."""
        return self.label.format_map(record._asdict())


def said(record: Any) -> Any:
    """What a record says, and whether it is live, without the numbers of its events; None for no record."""
    return None if record is None else (record[1:-3], record[-1] is None)
