"""Kept heads: heads of a log under a name, in a file beside it or anywhere else, that later prove what it held.

A line of such a file is a JSON object: `name`, `head` (NUMBER:SHA256), `time` (when it was kept), `log` (the hash of
event 1, which identifies the log) and `source`. Nothing in it decides what the log holds.
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Literal, NamedTuple

import orjson

from evcli.disk import held_signals
from evcli.domain.text import composed, text_fault
from evcli.errors import BadInput, BadRef, BadText, CannotOpen, Conflict, Damaged, NotWritten, OutcomeUnknown
from evcli.log import Log, Position
from evcli.log.file.heads import Appender, Lines, appending, lines_of
from evcli.log.file.open import heads_of
from evcli.log.line import timestamp
from evcli.log.members import is_time
from evcli.log.reader import Reader

LONGEST_NAME = 200

_HEAD = re.compile(r"([0-9]{1,12}):([0-9a-f]{64})").fullmatch
_HASH = re.compile(r"[0-9a-f]{64}").fullmatch
_NO_NAME = re.compile(r"[0-9]+$|@|HEAD|-|id:").match
"""What begins another REF, or is one."""


class Kept(NamedTuple):
    """A head that was kept."""

    name: str
    number: int
    sha256: str
    time: str
    """When it was kept."""
    log: str
    """The hash of the log's event 1."""
    source: str

    @property
    def head(self) -> str:
        """`NUMBER:SHA256`."""
        return f"{self.number}:{self.sha256}"


class HeadsFile(NamedTuple):
    """A file of kept heads."""

    path: str
    heads: list[Kept]
    bad: list[tuple[int, int]]
    """The lines, from 1, that are no kept heads, and the bytes at which they begin."""
    torn: int
    """Bytes at its end of a head that was being kept when that was cut off."""

    def named(self, name: str) -> Kept | None:
        """The head of that name; the first, if somebody added another."""
        key = _key(name)
        return next((each for each in self.heads if _key(each.name) == key), None)


Status = Literal["good", "cut", "edited", "other log", "unchecked"]
"""Of a kept head: on the chain; past the end of the log; another hash than the event has; of a log that begins with
another event; behind damage, so that it could not be checked."""


class NotOnTheChain(Damaged):
    """A kept head shows that the log is not what it was."""

    def __init__(self, log: str, file: str, kept: Kept, status: Status, byte: int, found: Position | str) -> None:
        saved = f'the head kept as "{kept.name}" ({file}) is event {kept.number}, {kept.sha256[:12]}…'
        if status == "other log":
            was = f"{kept.log[:12]}…" + (f' (source "{kept.source}")' if kept.source else "")
            here = f"{found[:12]}…" if isinstance(found, str) and found else "missing"
            why = f'when "{kept.name}" was kept, event 1 was {was}; here it is {here}'
            why = f"{file} belongs to another log, or this log was written anew: {why}"
        elif isinstance(found, str):
            why = f"the log was edited: {saved}, but that event is {found[:12]}… here"
        else:
            why = f"the log was cut: {saved}, but the log ends with event {found.number}"
        line = 1 if status == "other log" else kept.number
        super().__init__(log, line, byte, why, "nothing was changed; compare the log with a backup")
        self.kept = kept
        self.code = {"cut": "log-cut", "edited": "history-changed"}.get(status, "other-log")


class NameTaken(Conflict):
    """Another head of the log is kept under that name in a file."""

    def __init__(self, kept: Kept, path: str) -> None:
        super().__init__(f'"{kept.name}" is kept in {path} as another head, {kept.head}; nothing was written')
        self.kept = kept


def clean_name(typed: str, now: datetime) -> str:
    """A name for a head, with single spaces, in NFC. Raises BadText where it cannot be one, or reads as another REF."""
    name = composed(" ".join(typed.split()))
    if fault := text_fault(name, LONGEST_NAME):
        raise BadText("the name", fault)
    if ".." in name:
        raise BadText("the name", "has two dots, as in A..B", "leave one of them out")
    if _NO_NAME(name) or _is_time(name, now):
        why = f'would be read as another moment: "{name}"'
        raise BadText("the name", why, f'begin it with a word, as in "review {name}"')
    return name


def _is_time(name: str, now: datetime) -> bool:
    """Whether a name is read as a time, or looks like one in another order."""
    from evcli.register.times import NotATime, read_time

    for written in (name, name.lower()):
        try:
            read_time(written, now)
        except NotATime as no:
            if no.is_likely:
                return True
        except BadRef:
            return True
        else:
            return True
    return False


def heads_in(path: str, log: str | None = None) -> HeadsFile | None:
    """The kept heads in the file at `path`, None if there is none; with `log`, in the one beside that log.

    Raises CannotOpen.
    """
    found = lines_of(path, log)
    return None if found is None else _read(found)


def heads_beside(log: Log) -> HeadsFile | None:
    """The kept heads beside a log, None if there are none. Raises CannotOpen."""
    return None if log.path is None else heads_in(heads_of(log.path), log.path)


def _read(found: Lines) -> HeadsFile:
    heads = [_decoded(line) for line in found.lines]
    bad = [(index + 1, found.place_of(index)) for index, kept in enumerate(heads) if kept is None]
    return HeadsFile(found.path, [kept for kept in heads if kept is not None], bad, found.torn)


def _decoded(line: bytes) -> Kept | None:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        found = orjson.loads(line)
        match = _HEAD(found["head"])
        name, time, log, source = (found[member] for member in ("name", "time", "log", "source"))
        if match and not text_fault(name, LONGEST_NAME) and is_time(time) and _HASH(log) and isinstance(source, str):
            return Kept(name, int(match[1]), match[2], time, log, source)
    return None


def _encoded(kept: Kept) -> bytes:
    members = {"name": kept.name, "head": kept.head, "time": kept.time, "log": kept.log, "source": kept.source}
    return orjson.dumps(members)


def _key(name: str) -> str:
    return composed(" ".join(name.split())).casefold()


# --- keeping ----------------------------------------------------------------------------------------------------------


class KeptIn(NamedTuple):
    """Where a head is kept now, and what had to be said meanwhile."""

    kept: Kept
    paths: list[str]
    was_there: bool
    """Whether it was already kept in all of them."""
    notices: list[str]


def keep(
    log: Log, place: Position, name: str, now: datetime, *, to: str | None = None, wait: float, held: ExitStack
) -> KeptIn:
    """Keep the head at `place` under a name beside the log and in the file `to`, durably.

    Signals are held from before the first write until `held` is closed. If the file beside the log cannot be written,
    keeping it elsewhere is enough.

    Raises:
        BadText, BadInput, CannotOpen, Busy, NotWritten, OutcomeUnknown: see there.
        NameTaken: another head has that name in one of the files.
        NotOnTheChain: a file has heads of another log.
    """
    name = clean_name(name, now)
    if not place.number:
        raise BadInput("the empty register has no head that proves anything", "keep one after the first event")
    first = Reader(log).position_of(1)
    assert log.path is not None  # noqa: S101  # only a file has a head that outlives the process
    kept = Kept(name, place.number, place.sha256.decode(), timestamp(now), first.sha256.decode(), first.source)
    notices: list[str] = []
    with ExitStack() as locks:
        files = []
        if to is not None:
            files.append(locks.enter_context(appending(to, log.path, wait, is_beside=False)))
        if not files or os.path.realpath(files[0].path) != heads_of(log.path):
            try:
                files.append(locks.enter_context(appending(heads_of(log.path), log.path, wait, is_beside=True)))
            except (CannotOpen, NotWritten) as error:
                if to is None:
                    raise
                notices.append(f"not kept beside the log: {error.message}")
        names = [_name_in(each, kept, log) for each in files]
        kept = kept._replace(name=next(filter(None, names), name))
        new = [each for each, name in zip(files, names, strict=True) if not name]
        held.enter_context(held_signals())
        _append(new, kept, notices)
        return KeptIn(kept, [each.path for each in files], not new, notices)


def _name_in(file: Appender, kept: Kept, log: Log) -> str:
    """The name under which a file has that head, as it is written there; "" if it is not there.

    Raises NameTaken, NotOnTheChain, CannotOpen.
    """
    found = _read(file.found)
    if found.bad:
        raise CannotOpen(file.path, f"line {found.bad[0][0]} is no kept head; nothing was written")
    for each in found.heads:
        if each.log != kept.log:
            raise NotOnTheChain(log.name, file.path, each, "other log", 0, kept.log)
    same = found.named(kept.name)
    if same is not None and same.head != kept.head:
        raise NameTaken(same, file.path)
    return "" if same is None else same.name


def _append(files: Iterable[Appender], kept: Kept, notices: list[str]) -> None:
    done: list[str] = []
    for each in files:
        try:
            each.append(_encoded(kept))
        except (NotWritten, OutcomeUnknown) as error:
            if done:
                error.message += f"; it is kept in {done[0]}"
            raise
        done.append(each.path)
        if each.found.torn:
            notices.append(f"{each.path}: {each.found.torn} bytes of a head that was never kept were removed")


# --- checking ---------------------------------------------------------------------------------------------------------


def judge(kept: Kept, marks: Mapping[int, str], head: int, *, is_whole: bool) -> Status:
    """What a kept head shows of a log: `marks` are hashes by number, `head` the last good event.

    If not `is_whole`, the log is damaged after that.
    """
    if 1 in marks and kept.log != marks[1]:
        return "other log"
    if kept.number > head:
        return "cut" if is_whole else "unchecked"
    return "good" if marks.get(kept.number) == kept.sha256 else "edited"


def position_of(kept: Kept, file: str, reader: Reader) -> Position:
    """The position after the event of a kept head. Raises NotOnTheChain, Damaged."""
    log, identity = reader.log.name, reader.identity() or ""
    if kept.log != identity:
        raise NotOnTheChain(log, file, kept, "other log", 0, identity)
    head = reader.log.head()
    if kept.number > head.number:
        raise NotOnTheChain(log, file, kept, "cut", head.place, head)
    at = reader.position_of(kept.number)
    found = at.sha256.decode()
    if found != kept.sha256:
        raise NotOnTheChain(log, file, kept, "edited", reader.position_of(kept.number - 1).place, found)
    return at
