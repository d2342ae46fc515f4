"""What people would use instead: the auditchain package (https://github.com/mmdverse/auditchain), on its JSONL backend.

Used as its documentation does it: one open log, which chains each record to the last one and appends it to the file. It
has two interfaces: `SyncAuditLog`, which starts an event loop for each call, and `AuditLog`, for programs that have
one. It never syncs and has no rules. Where there is a choice, the faster way is taken: no lock, no seal, no signature.
"""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from auditchain import AuditLog, JsonlBackend, SyncAuditLog

AT_ONCE = 10_000
"""Records in one write while a log is filled."""

Entry = tuple[str, str, str, dict[str, Any] | None]
"""Actor, action, subject and metadata, as the package calls them."""


def open_log(path: Path) -> SyncAuditLog:
    """The log in that file, for a program without an event loop."""
    return SyncAuditLog(JsonlBackend(path))


def append(log: SyncAuditLog, entry: Entry) -> None:
    """Append one record."""
    actor, action, subject, metadata = entry
    log.append(actor, action, subject, metadata=metadata)


async def open_in_a_loop(path: Path) -> AuditLog:
    """The log in that file, for a program that has an event loop."""
    log = AuditLog(JsonlBackend(path))
    await log.init()
    return log


async def append_in_a_loop(log: AuditLog, times: int, entry: Callable[[], Entry]) -> None:
    """Append records one after another."""
    for _ in range(times):
        actor, action, subject, metadata = entry()
        await log.append(actor, action, subject, metadata=metadata)


def fill(log: SyncAuditLog, source: Path, events: int) -> None:
    """Append the first `events` events of an evcli log, as if the application had recorded them."""
    with source.open("rb") as file:
        entries = map(_as_entry, map(orjson.loads, islice(file, events)))
        while batch := list(islice(entries, AT_ONCE)):
            log.append_many(batch)


def verify(log: SyncAuditLog, records: int) -> None:
    """Check the whole chain."""
    report = log.verify()
    assert report.ok, report  # a figure for anything but so many good records would be a lie
    assert report.records_checked == records, report


def _as_entry(event: dict[str, Any]) -> Entry:
    return event["authid"], event["type"], event["subject"], event["data"]
