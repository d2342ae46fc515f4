"""Every failure evcli can report, with its exit code, its message and its way out.

    EvcliError
    ├── Refused                 1    a rule says no: nothing was written
    │   ├── NoSuchRecord             no record is called that
    │   ├── Ambiguous                several are
    │   ├── Taken                    a live record has that unique field
    │   │   └── RevivalBlocked       so that one that ended cannot come back
    │   ├── NotLive                  the record has ended (already)
    │   ├── NotEnded                 the record is live (already)
    │   ├── Unchanged                the event would change nothing
    │   ├── NotTheNextId             ids are given in order, and once
    │   └── NothingToRepair          the log is not damaged
    ├── BadInput                2    wrong usage, or a value that cannot be
    │   ├── BadText                  a name, e-mail, reason or id that cannot be stored
    │   └── BadRef                   no moment in this log is called that
    ├── NoLog                  10    there is no log here
    ├── Busy                   11    another writer kept the lock too long
    ├── Damaged                12    the log is not what was written
    │   ├── NotALog                  it never was a log
    │   ├── LogCut                   events known before are missing now
    │   └── HistoryChanged           a head kept elsewhere is not on the chain
    ├── Conflict               13    the head moved, or the event id is taken
    ├── NotWritten             14    nothing was stored
    │   └── CannotOpen               the log cannot be opened at all
    ├── OutcomeUnknown         15    the sync failed; the event was taken back
    ├── AnswerLost             16    stored, but the answer could not be shown
    ├── NewerLog               17    a good line that this version does not understand
    └── Interrupted      129/130/143 by a signal, before anything was written

Messages may hold what somebody typed; whoever shows them escapes them. Nothing is imported, so all layers can raise.
"""


class EvcliError(Exception):
    """A failure with a name: `code` (for programs), `exit` (the exit status), `message` and `hint` (for people)."""

    code = "error"
    exit = 255

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(EvcliError):
    """A rule of the domain says no. In a log that already holds such an event, it is damage."""

    code = "refused"
    exit = 1


class NoSuchRecord(Refused):
    """No record of the kind is called `who` at that moment; `last_id` is the highest id, where `who` is one."""

    def __init__(self, kind: str, who: str, moment: str, hint: str = "", last_id: int = 0) -> None:
        super().__init__(f'no {kind} "{who}" at {moment}', hint)
        self.code = f"no-such-{kind}"
        self.kind, self.who, self.last_id = kind, who, last_id


class Ambiguous(Refused):
    """Several records are called `who`; `candidates` are lines such as `3 Ada <ada@example.com>`."""

    def __init__(self, kind: str, plural: str, who: str, candidates: list[str]) -> None:
        shown = ", ".join(candidates[:10]) + (f" and {len(candidates) - 10} more" if len(candidates) > 10 else "")
        super().__init__(f'"{who}" could be any of {len(candidates)} {plural}: {shown}', "say which one by its id")
        self.code = f"ambiguous-{kind}"


class Taken(Refused):
    """A live record, begun by event `event`, has the unique field that another one is to get."""

    def __init__(self, kind: str, field: str, said: str, holder: int, name: str, begun: str, event: int) -> None:
        super().__init__(f'{said} is taken by {kind} {holder} "{name}" ({begun} by event {event})')
        self.code = f"{field}-taken"
        self.kind, self.field, self.holder, self.event = kind, field, holder, event
        self.is_skippable = False
        """Whether an import can do without the record that is to get it."""


class NothingToRepair(Refused):
    """A log that is not damaged is not cut."""

    code = "nothing-to-repair"

    def __init__(self, path: str, head: str, torn: int) -> None:
        rest = f"; the {torn} bytes of an unfinished append after it are put aside by the next write" if torn else ""
        super().__init__(f"{path} is not damaged (head {head}){rest}", "nothing was changed")


class RevivalBlocked(Taken):
    """The record cannot come back, because another one has taken its unique field meanwhile."""

    def __init__(
        self, kind: str, field: str, who: str, past: str, value: str, holder: int, holder_name: str, event: int
    ) -> None:
        super().__init__(kind, field, value, holder, holder_name, past, event)
        self.message = f'{kind} {who} cannot be {past}: {value} now belongs to {kind} {holder} "{holder_name}"'


class NotLive(Refused):
    """Only a live record can be changed or ended; this one was ended by event `event`."""

    def __init__(self, kind: str, id: int, name: str, ended: str, event: int) -> None:
        super().__init__(f'{kind} {id} "{name}" is already {ended} (event {event})')
        self.code, self.kind, self.id = ended, kind, id


class NotEnded(Refused):
    """Only a record that has ended can be revived."""

    def __init__(self, kind: str, id: int, name: str, ended: str, changed: int, verb: str) -> None:
        super().__init__(f'{kind} {id} "{name}" is not {ended} (its last event is {changed})')
        self.code, self.kind, self.id, self.verb = f"not-{ended}", kind, id, verb


class Unchanged(Refused):
    """An event that says what is already so; `said` is that."""

    code = "unchanged"

    def __init__(self, kind: str, id: int, said: str) -> None:
        super().__init__(f"{kind} {id} already has the {said}", "there is nothing to record")


class NotTheNextId(Refused):
    """Ids are 1, 2, 3 … in order of beginning, and are never used again."""

    code = "not-the-next-id"

    def __init__(self, kind: str, found: int, expected: int) -> None:
        super().__init__(f"{kind} id {found} is not the next one, {expected}")


class BadInput(EvcliError):
    """Wrong usage, or a value that no event can hold."""

    code = "bad-input"
    exit = 2


class BadText(BadInput):
    """A text that cannot be stored as `what`, and why."""

    code = "bad-text"

    def __init__(self, what: str, why: str, hint: str = "") -> None:
        super().__init__(f"{what}: {why}" if why.startswith("character") else f"{what} {why}", hint)
        self.why = why


class BadRef(BadInput):
    """No moment of this log is called that."""

    code = "bad-ref"

    def __init__(self, ref: str, why: str, hint: str = "") -> None:
        super().__init__(f'"{ref}": {why}', hint or "evcli help refs lists the forms")


class NoLog(EvcliError):
    """There is no log at `path`."""

    code = "no-log"
    exit = 10

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no log at {path}")


class Busy(EvcliError):
    """Another process kept the lock for longer than `seconds`."""

    code = "busy"
    exit = 11

    def __init__(self, path: str, seconds: float, holder: str = "") -> None:
        by = f" by {holder}" if holder else ""
        message = f"{path} is locked{by}; waited {seconds:g} s; nothing was written"
        super().__init__(message, "try again, or wait longer with --lock-wait SECONDS")


class _AtLine(EvcliError):
    """About line `line` of the log at `path` (from 1; 0 when unknown), which begins at byte `byte` (from 0)."""

    def __init__(self, path: str, line: int, byte: int, why: str, hint: str) -> None:
        where = f"{path} line {line}, byte {byte}" if line else f"{path} byte {byte}"
        super().__init__(f"{where}: {why}", hint)
        self.path = path
        self.line = line
        self.byte = byte
        self.why = why


class Damaged(_AtLine):
    """The line is not what was written."""

    code = "damaged"
    exit = 12

    def __init__(self, path: str, line: int, byte: int, why: str, hint: str = "") -> None:
        usual = "nothing was changed; evcli verify lists all faults, evcli repair --dry-run shows what it would keep"
        super().__init__(path, line, byte, why, hint or usual)


class NewerLog(_AtLine):
    """The line is proved, and says what this version does not know."""

    code = "newer"
    exit = 17

    def __init__(self, path: str, line: int, byte: int, why: str) -> None:
        hint = f"nothing was changed; this version still answers for moments before it: --at {line - 1}"
        super().__init__(path, line, byte, why, hint)


class NotALog(Damaged):
    """The file begins with something that no log begins with."""

    code = "not-a-log"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, 1, 0, why, "nothing was changed; is this the right file? --log FILE names another")


class LogCut(Damaged):
    """The log ends before an event that was known to be in it; `cache` is the file that knew it, if one did."""

    code = "log-cut"

    def __init__(self, path: str, known: int, byte: int, size: int, cache: str = "") -> None:
        why = f"the log used to contain event {known}; it was truncated or replaced (it now has {size} bytes)"
        or_else = f"; if this was intentional, delete the cache: rm {cache}" if cache else ""
        super().__init__(path, known, byte, why, f"compare the log with a backup{or_else}")


class HistoryChanged(Damaged):
    """The head that somebody kept does not lie on the log's chain."""

    code = "history-changed"

    def __init__(self, path: str, head: tuple[int, str], byte: int, why: str) -> None:
        why = f"history was changed or cut: event {head[0]} was kept as {head[1][:12]}…, but {why}"
        super().__init__(path, head[0], byte, why, "nothing was changed; compare the log with a backup")


class Conflict(EvcliError):
    """The log is not where the caller thought, or the event id is taken by another event."""

    code = "conflict"
    exit = 13


class NotWritten(EvcliError):
    """Nothing was stored."""

    code = "not-written"
    exit = 14


class CannotOpen(NotWritten):
    """The log cannot be opened: a folder, a device, unreadable, somebody else's link."""

    code = "cannot-open"

    def __init__(self, path: str, why: str, hint: str = "") -> None:
        super().__init__(f"{path} {why}", hint or "--log FILE or EVCLI_LOG names another log")


class OutcomeUnknown(EvcliError):
    """A sync failed: `what` is not known to be durable."""

    code = "outcome-unknown"
    exit = 15

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}", "check the disk, then run evcli log -n 3 before repeating the command")


class AnswerLost(EvcliError):
    """The work is done; stdout could not take the answer."""

    code = "answer-lost"
    exit = 16


class Interrupted(EvcliError):
    """A signal came before anything was written; `exit` is 128 and the signal's number, as shells have it."""

    code = "interrupted"

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted; nothing was written")
        self.exit = 128 + signal_number
