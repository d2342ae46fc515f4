"""What a row of an import asks for: its cells as an intention, cleaned like typed arguments.

The columns, and the allowed values of `action`, follow from the declaration of the kind.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter

from evcli.domain.fields import REASON, key_of
from evcli.domain.find import label
from evcli.domain.kind import Begins, Ends, EventType, Kind, Revives
from evcli.domain.refusals import Ambiguous, NoSuchRecord
from evcli.domain.state import State
from evcli.errors import BadInput, BadText
from evcli.log.line import timestamp
from evcli.register.beginnings import Beginnings
from evcli.register.decide import Intention
from evcli.transfer.fault import BadCell, Fault
from evcli.transfer.refusals import UnclearDate, UnknownWord


class Wanted:
    """Turns rows about one kind of record into intentions."""

    def __init__(self, kind: Kind, clock: Callable[[], datetime], date_form: str = "") -> None:
        """`clock` returns the current time, with its zone; `date_form` is how dates are written, as for strptime."""
        self.kind, self._clock, self._date_form = kind, clock, date_form
        self._begins = kind.begins
        """The event type of a row without an action."""
        own = tuple(kind.fields) + (() if kind.names else ("id",))
        self.columns = (*own, "date", "action", "reason", kind.ended)
        """The columns that are read."""
        self.needed = tuple(name for name in kind.fields if name in kind.names) or self._begins.required
        """Those of them that an input must have."""
        self._others = slice(len(own), None)
        """Where the columns are that are empty in a row that just begins a record, as most do."""

    def beginnings(self, rows: Sequence[tuple[str, ...]], ids: Sequence[str]) -> Beginnings | None:
        """The intentions of at least one row, as events with these ids; None if not all plainly begin a record."""
        fields = self._begins.fields
        if not self._begins.required == tuple(fields) != ():
            return None
        columns = list(zip(*rows, strict=True))
        if any(map(any, columns[self._others])):
            return None
        try:
            data = {name: field.clean_all(columns[self.columns.index(name)]) for name, field in fields.items()}
        except BadText:
            return None
        return Beginnings(self._begins, data, ids)

    def intention(self, cells: tuple[str, ...], id: str) -> Intention:
        """The intention of a row with these cells, in the order of `columns`, as event `id`. Raises BadCell."""
        row = dict(zip(self.columns, cells, strict=True))
        kind = self.kind
        if row[kind.ended].strip():
            why = f"is set: {kind.ended} {kind.plural} are not imported"
            raise BadCell(Fault(kind.ended, why, "remove the row, or clear the cell"))
        action = row["action"].strip().casefold()
        each = kind.verbs.get(action) if action else self._begins
        if each is None:
            why = f'"{row["action"]}" is not one of {", ".join(kind.verbs)}'
            raise BadCell(Fault("action", why, cause=UnknownWord(why, action)))
        time = self._time(row["date"]) if row["date"].strip() else None
        by = "" if type(each) is Begins else self._identifies(each)
        who = self._cleaned(by, row[by]) if by else ""
        data = {}
        for name, field in (each.fields | {"reason": REASON}).items():
            if field.required or row[name].strip():
                data[name] = self._cleaned(name, row[name])
        about = self._about(each, by, who) if by else self._next_id
        return Intention(each.name, data, about, bool(by), id, time)

    def _identifies(self, each: EventType) -> str:
        """The column that identifies a row's record: the unique field or the name; otherwise the id."""
        return next((name for name in self.kind.names if name not in each.fields), "id")

    def _cleaned(self, column: str, cell: str) -> str:
        if column == "id":
            if cell.strip().isascii() and cell.strip().isdigit():
                return cell.strip()
            raise BadCell(Fault("id", f'"{cell}" is not an id'))
        field = REASON if column == "reason" else self.kind.fields[column]
        try:
            return field.clean(cell)
        except BadText as bad:
            raise BadCell(Fault(column, bad.why, bad.hint)) from None

    def _next_id(self, state: State) -> int:
        return state.last_id(self.kind.name) + 1

    def _about(self, each: EventType, by: str, who: str) -> Callable[[State], int]:
        kind, role = self.kind, type(each)
        if by == "id":
            return lambda state: int(who)
        word = key_of(who) if by == kind.unique else who.casefold()
        said = kind.key if by == kind.unique else kind.name_key

        def about(state: State) -> int:
            if by == kind.unique and role is not Revives:
                holder = state.holder(kind.name, word)
                if holder is not None or role is not Ends:
                    return self._only(who, [holder])
            called = [record for record in state.called(kind.name, word) if said(record) == word]
            live, ended = (
                [each for each in called if each[-1] is None],
                [each for each in called if each[-1] is not None],
            )
            # Where all have ended already, or none has, the rule explains the refusal.
            if role is Revives:
                return self._only(who, ended or live)
            return self._only(who, live or (sorted(ended, key=itemgetter(-1))[-1:] if role is Ends else []))

        return about

    def _only(self, who: str, records: list[object]) -> int:
        kind = self.kind
        found = [record for record in records if record is not None]
        if not found:
            raise NoSuchRecord(kind.name, who, "this row", f"only live {kind.plural} are considered")
        if len(found) > 1:
            raise Ambiguous(kind.name, kind.plural, who, [label(kind, record) for record in found])
        id: int = found[0].id  # type: ignore[attr-defined]  # a record
        return id

    def _time(self, date: str) -> str:
        from evcli.register.times import written_moment
        from evcli.transfer.dates import forms_of, in_iso

        now = self._clock()
        try:
            moment = written_moment(in_iso(date, self._date_form) if self._date_form else date, now)
        except BadInput as bad:
            forms = forms_of(date)
            cause = UnclearDate(bad.message, forms) if forms and not self._date_form else None
            raise BadCell(Fault("date", bad.message, bad.hint, cause)) from None
        if moment > now:
            why = f'"{date.strip()}" is in the future'
            raise BadCell(Fault("date", why, "future events cannot be recorded"))
        return timestamp(moment)
