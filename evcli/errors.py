"""Every failure that evcli can report, with its exit code, its message and its hint.

    EvcliError
    ├── Refused                 1    a rule rejects it: nothing was written
    │   ├── NoSuchRecord             no record matches
    │   ├── Ambiguous                several records match
    │   ├── Taken                    a live record already has that unique field
    │   │   └── RevivalBlocked       so an ended one cannot come back
    │   ├── NotLive                  the record has ended (already)
    │   ├── NotEnded                 the record is live (already)
    │   ├── Unchanged                the event would change nothing
    │   ├── NotTheNextId             ids are assigned in order, and only once
    │   └── NothingToRepair          the log is not damaged
    ├── BadInput                2    wrong usage, or an invalid value
    │   ├── BadText                  a name, e-mail, reason or id that cannot be stored
    │   ├── BadSetting               an actor type or source that no event can have
    │   ├── BadList                  an input that must be read in another way: see transfer/refusals.py
    │   └── BadRef                   no such moment in this log
    ├── NoLog                  10    there is no log here
    ├── Busy                   11    another writer kept the lock too long
    ├── Damaged                12    the log is not what was written
    │   ├── NotALog                  the file is not a log
    │   ├── LogCut                   events that were known before are missing
    │   └── HistoryChanged           a saved head is not on the chain
    ├── Conflict               13    another writer was faster
    │   ├── HeadMoved                the head is not the expected one
    │   └── IdTaken                  another event has the id
    ├── NotWritten             14    nothing was stored
    │   ├── CannotOpen, CannotCreate the log cannot be opened, or created
    │   ├── NoFolder                 the folder of the log, or of the output file, is missing
    │   └── AlreadyThere             the output file already exists
    ├── OutcomeUnknown         15    a sync failed, or what was written could not be taken back
    │   └── NotSynced                the name of an exported file may be lost
    ├── AnswerLost             16    the answer could not be shown; what was done is done
    ├── NewerLog               17    a good line that this version does not understand
    └── Interrupted      129/130/143 by a signal, before anything was written

Messages may contain user input; whoever shows them escapes it. This module imports nothing, so every layer can use it.
"""


class EvcliError(Exception):
    """A failure with a name: `code` (for programs), `exit` (the exit status), `message` and `hint` (for people)."""

    code = "error"
    exit = 255

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.more: dict[str, int | str] = {}
        """What programs are told besides, by name."""


class Refused(EvcliError):
    """A rule of the domain rejects the event. If a log already contains such an event, that is damage."""

    code = "refused"
    exit = 1


class NothingToRepair(Refused):
    """A log that is not damaged is not repaired."""

    code = "nothing-to-repair"

    def __init__(self, path: str, head: str, torn: int) -> None:
        rest = f"; the next write moves the {torn} bytes of an unfinished append after it to a file" if torn else ""
        super().__init__(f"{path} is not damaged (head {head}){rest}", "nothing was changed")


class BadInput(EvcliError):
    """Wrong usage, or a value that no event can have."""

    code = "bad-input"
    exit = 2


class BadText(BadInput):
    """A text that cannot be stored as `what`, and why."""

    code = "bad-text"

    def __init__(self, what: str, why: str, hint: str = "") -> None:
        super().__init__(f"{what}: {why}" if why.startswith("character") else f"{what} {why}", hint)
        self.what, self.why = what, why


class BadSetting(BadInput):
    """The `setting` (actor type, source) has a value that no event can have."""

    def __init__(self, setting: str, why: str, allowed: str = "") -> None:
        super().__init__(why)
        self.setting, self.allowed = setting, allowed


class BadRef(BadInput):
    """There is no such moment in this log."""

    code = "bad-ref"

    def __init__(self, ref: str, why: str, hint: str = "") -> None:
        # `why` goes on after the REF, "is empty", or is a sentence of its own, "there is no such event".
        joint = " " if why.split(maxsplit=1)[0] in ("is", "has", "never") else ": "
        super().__init__(f'"{ref}"{joint}{why}', hint)
        self.ref = ref


class NoLog(EvcliError):
    """There is no log at `path`."""

    code = "no-log"
    exit = 10

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no log at {path}")
        self.path = path


class Busy(EvcliError):
    """Another process kept the lock for longer than `seconds`; `holders` says who and what for, if that is known."""

    code = "busy"
    exit = 11

    def __init__(self, path: str, seconds: float, holders: str = "") -> None:
        self.path, self.holders = path, holders
        super().__init__(f"{path} is locked {holders}".rstrip() + f"; waited {seconds:g} s; nothing was written")


class _AtLine(EvcliError):
    """About line `line` of the log at `path` (from 1; 0 if unknown), which begins at byte `byte` (from 0)."""

    def __init__(self, path: str, line: int, byte: int, why: str, hint: str = "") -> None:
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


class NewerLog(_AtLine):
    """The line is proved, but this version does not understand it."""

    code = "newer"
    exit = 17


class NotALog(Damaged):
    """The file does not begin as a log does."""

    code = "not-a-log"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, 1, 0, why)


class LogCut(Damaged):
    """The log lacks an event that it had: `cache` is the file that knows it, `copy` what a repair kept of it."""

    code = "log-cut"

    def __init__(self, path: str, known: int, byte: int, size: int, cache: str = "", copy: str = "") -> None:
        why = f"the log used to contain event {known}; it was truncated or replaced (it now has {size} bytes)"
        or_else = f"; if this was intentional, delete the cache: rm {cache}" if cache else ""
        before = f"; it was repaired, and {copy} is what it was before" if copy else ""
        super().__init__(path, known, byte, why, f"compare the log with a backup{before}{or_else}")


class HistoryChanged(Damaged):
    """A saved head does not lie on the log's chain."""

    code = "history-changed"

    def __init__(self, path: str, head: tuple[int, str], byte: int, why: str) -> None:
        why = f"history was changed or truncated: event {head[0]} was saved as {head[1][:12]}…, but {why}"
        super().__init__(path, head[0], byte, why, "nothing was changed; compare the log with a backup")


class Conflict(EvcliError):
    """The head is not the expected one, or another event has the event id."""

    code = "conflict"
    exit = 13


class HeadMoved(Conflict):
    """The head is `head`, not the expected one; `since` is the event after which the two may differ."""

    def __init__(self, head: str, expected: str, since: int) -> None:
        super().__init__(f"the head is {head}, not {expected}; nothing was written")
        self.since = since


class IdTaken(Conflict):
    """Event `number` has the id, but is not of the same command.

    `times`, where only these differ: when that event happened, and when this one would have; "" is when recorded.
    """

    def __init__(self, id: str, number: int, what: str, differs: str, times: tuple[str, str] | None = None) -> None:
        super().__init__(f"event id {id} is taken by event {number} ({what}), {differs}; nothing was written")
        self.number, self.times = number, times


class NotWritten(EvcliError):
    """Nothing was stored."""

    code = "not-written"
    exit = 14


class AlreadyThere(NotWritten):
    """The output file already exists."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} already exists; nothing was written")


class CannotOpen(NotWritten):
    """The log cannot be opened: a folder, a device, unreadable, another user's link."""

    code = "cannot-open"

    def __init__(self, path: str, why: str, hint: str = "") -> None:
        super().__init__(f"{path} {why}", hint)


class CannotCreate(NotWritten):
    """There is no log at the path, and none can be created."""


class NoFolder(NotWritten):
    """The folder `folder`, in which the log or another file would be created, is missing."""

    def __init__(self, message: str, folder: str, *, is_for_log: bool = False) -> None:
        super().__init__(message)
        self.folder, self.is_for_log = folder, is_for_log


class OutcomeUnknown(EvcliError):
    """A sync failed, or a failed write could not be taken back: what is stored is not known."""

    code = "outcome-unknown"
    exit = 15

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")


class NotSynced(OutcomeUnknown):
    """A file other than a log is in place, but its name is not known to be durable."""


class AnswerLost(EvcliError):
    """The work is done, but the answer could not be written to stdout."""

    code = "answer-lost"
    exit = 16


class Interrupted(EvcliError):
    """A signal came before anything was written; `exit` is 128 plus the signal's number, as in shells."""

    code = "interrupted"

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted; nothing was written")
        self.exit = 128 + signal_number
