"""What `evcli verify` says of kept heads: those beside the log, and those of a file that somebody names."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from evcli.cli.environment import at_home
from evcli.cli.session import Session
from evcli.cli.show.cells import Cell
from evcli.cli.show.safe import valid
from evcli.errors import BadInput, CannotOpen, Damaged, EvcliError
from evcli.register.heads import HeadsFile, Kept, NotOnTheChain, Status, heads_beside, heads_in, judge

if TYPE_CHECKING:
    from evcli.register.verify import Report

MOST_NAMED = 10
"""At most this many good heads of a file are named."""


class Checked(NamedTuple):
    """What kept heads showed."""

    rows: list[tuple[str, Cell]]
    documents: list[dict[str, Any]]
    """For JSON, one a head."""
    faults: list[dict[str, Any]]
    warnings: list[str]
    error: EvcliError | None
    """The first fault."""


def files_to_check(session: Session, against: str | None) -> list[HeadsFile]:
    """The file of heads beside the opened log, if there is one, and the one that is named. Raises BadInput."""
    files = []
    try:
        files.append(heads_beside(session.register.log))
    except CannotOpen as closed:
        session.output.warning(f"{closed.message}; the heads in it were not checked")
    if against is not None:
        against = at_home(against)
        try:
            named = heads_in(against)
        except (CannotOpen, ValueError) as error:
            raise BadInput(f"--against: {error}") from error
        if named is None:
            raise BadInput(f"--against: there is no file {against}", "evcli head --keep NAME --to FILE makes one")
        if not named.heads and not named.bad:
            raise BadInput(f"--against: {against} has no kept head", "evcli head --keep NAME --to FILE adds one")
        if not any(each and os.path.samefile(each.path, against) for each in files):
            files.append(named)
    return [each for each in files if each is not None]


def numbers_in(files: Iterable[HeadsFile]) -> set[int]:
    """The numbers of the events whose hashes show whether the heads are on the chain."""
    return {1, *(kept.number for file in files for kept in file.heads)} if files else set()


def check(log: str, report: "Report", files: Iterable[HeadsFile]) -> Checked:
    """Compare all kept heads with the log at that path, which was just read."""
    found = Checked([], [], [], [], None)
    for file in files:
        judged = [(kept, _status(kept, report)) for kept in file.heads]
        found.documents.extend(_document(kept, status, file) for kept, status in judged)
        errors = _errors(log, report, file, judged)
        found.faults.extend(
            {"line": each.line, "byte": each.byte, "message": valid(each.why), "file": valid(file.path)}
            for each in errors
        )
        found.rows.extend(_rows(file, judged))
        found.rows.extend(("fault", _placed(each, log)) for each in errors)
        if file.torn:
            found.warnings.append(
                f"{file.path}: its last {file.torn} bytes are a head that was being kept when that was cut off; "
                "it was never acknowledged, and the next one that is kept removes them"
            )
        found = found._replace(error=found.error or next(iter(errors), None))
    count = len(found.faults)
    if count > 1 and isinstance(found.error, Damaged):
        found.error.message += f" ({count} faults are listed on stdout)"
    return found


def unproved(files: list[HeadsFile]) -> str:
    """What the heads that were checked cannot show."""
    if files:
        return (
            "whoever can rewrite the log can rewrite the heads beside it; those that are kept elsewhere prove more: "
            "evcli verify --against FILE (evcli help evidence)"
        )
    return (
        "the log is consistent with itself; truncation or a full rewrite is only detectable against a saved head: "
        "evcli verify --expect HEAD; evcli head --keep NAME --to FILE saves one (evcli help evidence)"
    )


def _status(kept: Kept, report: "Report") -> Status:
    # A lost event, or another hash, is found by those who read all that is there; damage ends the reading.
    is_whole = report.error is None or report.error.code in ("log-cut", "history-changed")
    return judge(kept, report.marks, report.head.number, is_whole=is_whole)


def _document(kept: Kept, status: Status, file: HeadsFile) -> dict[str, Any]:
    return {
        "name": kept.name,
        "number": kept.number,
        "sha256": kept.sha256,
        "time": kept.time,
        "file": valid(file.path),
        "status": status.replace(" ", "-"),
    }


def _errors(log: str, report: "Report", file: HeadsFile, judged: Iterable[tuple[Kept, Status]]) -> list[Damaged]:
    """What is wrong with a file's heads, and with the log, as the heads show."""
    hint = "nothing was changed; lines of a file of heads are added, and never changed"
    if not file.heads:
        hint = "nothing was changed; is this the right file? evcli head --keep NAME --to FILE makes one"
    errors: list[Damaged] = [
        Damaged(file.path, line, byte, "this line is no kept head", hint) for line, byte in file.bad
    ]
    others = set[str]()
    for kept, status in judged:
        if status in ("cut", "edited") or (status == "other log" and kept.log not in others):
            others.add(kept.log)  # said once of a file, not of each of its heads
            marks, number = report.marks, 1 if status == "other log" else kept.number
            here = report.head if status == "cut" else marks.get(number, "")
            byte = report.head.place if status == "cut" else 0
            errors.append(NotOnTheChain(log, file.path, kept, status, byte, here))
    return errors


def _placed(error: Damaged, log: str) -> str:
    return f"line {error.line}, byte {error.byte}: {error.why}" if error.path == log else error.message


def _rows(file: HeadsFile, judged: list[tuple[Kept, Status]]) -> Iterable[tuple[str, Cell]]:
    good = [kept.name for kept, status in judged if status == "good"]
    unchecked = [kept.name for kept, status in judged if status == "unchecked"]
    name = os.path.basename(file.path)
    if good:
        yield "kept_heads", f"{len(good)} in {name} on the chain: {_listed(good)}"
    if unchecked:
        yield "kept_heads", f"{len(unchecked)} in {name} not checked, since the log is damaged: {_listed(unchecked)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
