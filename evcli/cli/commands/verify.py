"""`evcli verify`, `repair`, `status`, `path`: keeping a log sound."""

import os
from typing import TYPE_CHECKING

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import LOCK_WAIT_FOR, lock_wait_of, read_head
from evcli.cli.session import Session
from evcli.cli.show.cells import Cell, When
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import summary
from evcli.cli.show.safe import valid
from evcli.domain.event import Event
from evcli.errors import Damaged, EvcliError

if TYPE_CHECKING:
    from evcli.register.repair import Plan

_VERIFIED = ("status", "events", "head", "torn_bytes")


def verify(session: Session, expect: str | None, against: str | None) -> Answer:
    """`evcli verify`"""
    from evcli.cli.said.kept import check, files_to_check, numbers_in, unproved
    from evcli.register.verify import MOST_FAULTS

    head = None if expect is None else read_head(expect, needs_hash=True)
    register = session.opened(trusts_cache=False)
    files = files_to_check(session, against)
    report = register.verify(None if head is None else (head[0], str(head[1])), numbers_in(files))
    kept = check(session.path, report, files)
    place, status = report.head, "damaged" if kept.error and report.error is None else report.status
    document = {
        "status": status,
        "events": place.number,
        "head": place.head,
        "torn_bytes": report.torn,
        "unterminated": report.is_unterminated,
        "faults": [*(fault._asdict() for fault in report.faults), *kept.faults],
    }
    rows: list[tuple[str, Cell]] = [(name, str(value)) for name, value in document.items() if name in _VERIFIED]
    rows += [("fault", f"line {fault.line}, byte {fault.byte}: {fault.message}") for fault in report.faults]
    if len(report.faults) == MOST_FAULTS:
        rows.append(("fault", "more faults not shown"))
    rows += kept.rows
    answer = fields(rows, document | ({"heads": kept.documents} if kept.documents else {}))
    if error := _told_once(session, report.error, len(report.faults)) if report.error else kept.error:
        return answer._replace(error=error)
    remarks = [("warning", text) for text in kept.warnings]
    if report.is_unterminated:
        remarks.append(("warning", "the newline of the last event is missing; the next write adds it"))
    if head is None and against is None:
        remarks.append(("note", unproved(files)))
    return answer._replace(remarks=remarks)


def _told_once(session: Session, error: EvcliError, faults: int) -> EvcliError:
    """The first fault as an error, without the hint that verify lists them all, which it just did."""
    if isinstance(error, Damaged) and error.code == "damaged":
        from evcli.cli.hints import after_damage

        more = f" ({faults} faults are listed on stdout)" if faults > 1 else ""
        hint = after_damage(error.line, session.log_words)
        return Damaged(error.path, error.line, error.byte, error.why + more, hint)
    return error


def repair(session: Session, *, dry_run: bool, lock_wait: float | None) -> Answer:
    """`evcli repair`"""
    from evcli.cli.done import answer_to
    from evcli.register.repair import plan
    from evcli.register.repair import repair as repaired

    if dry_run:
        register = session.opened(trusts_cache=False)
        planned = plan(register)
        session.output.note("dry run: nothing was changed")
        return _repair_answer(planned, None)

    session.output.paged = False  # signals are held until the answer is printed
    planned, copy = repaired(session.register, lock_wait_of(lock_wait), session.held)
    done = f"the log was repaired up to event {planned.head.number}, and a copy of the damaged log is in {copy}"
    remarks = [("warning", notice) for notice in session.register.log.notices]
    return answer_to(lambda: _repair_answer(planned, copy)._replace(remarks=remarks), done, "evcli verify checks it")


def _repair_answer(planned: "Plan", copy: str | None) -> Answer:
    fault = planned.fault
    document = {
        "repaired": copy is not None,
        "head": planned.head.head,
        "recovered": len(planned.found),
        "fault": {"line": fault.line, "byte": fault.byte, "message": valid(fault.why)},
        "gone_bytes": planned.gone_bytes,
        "gone": [{"line": line, "byte": byte, "event": event} for line, byte, event in planned.gone],
        "copy": copy and valid(copy),
    }
    rows: list[tuple[str, Cell]] = [
        ("head", planned.head.head),
        ("first bad line", f"line {fault.line}, byte {fault.byte}: {fault.why}"),
        ("recovered", f"{len(planned.found)} events after that line"),
        ("gone", f"{len(planned.gone)} lines, {planned.gone_bytes} bytes"),
        *((f"gone line {line}", _told_gone(event)) for line, _, event in planned.gone),
        ("copy", copy or "a full copy would be made next to the log first"),
    ]
    return fields(rows, document)


def _told_gone(event: Event | None) -> str:
    if event is None:
        return "not readable as an event"
    said = summary(event)
    return f"{event['type']} {event['subject']} by {event['authid']}" + (f" ({said})" if said else "")


def status(session: Session) -> Answer:
    """`evcli status`"""
    from evcli.register.status import status as status_of

    register = session.opened()
    found = status_of(register)
    warnings = [*found.warnings, *filter(None, [session.ahead()])]
    document = {
        "path": valid(os.path.abspath(session.path)),
        "size": found.size,
        "events": found.head.number,
        "head": found.head.head,
        "identity": found.first["sha256"] if found.first else None,
        "live": sum(count.live for count in found.counts.values()),
        "destroyed": sum(count.ended for count in found.counts.values()),
        "first": found.first["time"] if found.first else None,
        "last": found.last["time"] if found.last else None,
        "cache": None if found.cache is None else valid(found.cache),
        "warnings": [valid(warning) for warning in warnings],
    }
    rows: list[tuple[str, Cell]] = []
    for name, value in document.items():
        if name == "warnings":
            rows += [("warning", warning) for warning in warnings]
        else:
            rows.append(
                (
                    name,
                    When(str(value)) if name in ("first", "last") and value else None if value is None else str(value),
                )
            )
    return fields(rows, document)


def path(session: Session) -> Answer:
    """`evcli path`"""
    found = os.path.abspath(session.path)
    return Answer(header=("path",), rows=[(found,)], document={"path": valid(found)}, lines=[found])


_VERIFY = """Check every event's format, hash chain and rules, and all kept heads.

The heads beside the log are always checked: evcli help evidence says what they prove.
"""

COMMANDS = {
    "verify": lambda: Command(
        verify,
        _VERIFY,
        [
            Parameter("expect", ("--expect",), "HEAD", "A saved head, which must be on the chain."),
            Parameter("against", ("--against",), "FILE", "Kept heads, which must all be on it."),
        ],
        [
            "evcli verify",
            "evcli verify --against /media/safe/heads",
            'evcli verify --expect "$(cat head.kept-elsewhere)"',
        ],
        EXIT_CODES,
    ),
    "repair": lambda: Command(
        repair,
        "Repair a damaged log: back it up, then keep everything that the hash chain proves.",
        [
            Parameter("dry_run", ("--dry-run",), "", "Show what would be kept; change nothing.", "flag"),
            LOCK_WAIT_FOR,
        ],
        ["evcli repair --dry-run", "evcli repair"],
        EXIT_CODES,
    ),
    "status": lambda: Command(
        status,
        "Show the log's path, size and age, and warnings.",
        [],
        ["evcli status", "evcli status --json"],
        EXIT_CODES,
    ),
    "path": lambda: Command(
        path,
        "Print the log's path, whether it exists or not.",
        [],
        ["evcli path", 'cp "$(evcli path)" backup.jsonl'],
        EXIT_CODES,
    ),
}
