"""Who holds the lock of a log, for the message of a writer that did not get it."""

import os
from contextlib import suppress

MOST_NAMED = 3
"""So many holders are named; a lock for reading can have any number."""


def holders(descriptor: int) -> str:
    """Who has locked the open file, and what for, as far as Linux tells (proc(5)): `for reading by process 12 (cat)`.

    "" where nothing is known.
    """
    found = os.fstat(descriptor)
    held = _locked_by_processes(found) or _locked_by_descriptors(found)
    if not held:
        return ""
    names = [f"process {process}{_command(process)}" for process in sorted(held, key=int)[:MOST_NAMED]]
    if len(held) > MOST_NAMED:
        names.append(f"{len(held) - MOST_NAMED} more")
    by = f"by {' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
    return f"for reading {by}" if "WRITE" not in held.values() else by


def _locked_by_processes(found: os.stat_result) -> dict[str, str]:
    """The processes that locked the file and are still there, and for what, READ or WRITE."""
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            lines = [line.split() for line in locks]
    except OSError:
        return {}
    # A process that waits for the lock has a line too, with an arrow before the type.
    held = {words[4]: words[3] for words in lines if words[1:2] == ["FLOCK"] and words[5:6] == [device]}
    return {process: what_for for process, what_for in held.items() if os.path.exists(f"/proc/{process}")}


def _locked_by_descriptors(found: os.stat_result) -> dict[str, str]:
    """The processes that have the file open as it was locked, and for what, READ or WRITE.

    A lock stays when the process ends that took it, if others have inherited the descriptor, as from `flock 9` in a
    shell. Only processes of the same user can be looked into; root sees all.
    """
    held = dict[str, str]()
    for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with suppress(OSError):  # it has ended, or is another user's
            for descriptor in os.listdir(f"/proc/{process}/fd"):
                there = os.stat(f"/proc/{process}/fd/{descriptor}")
                if (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino):
                    what_for = _lock_of(process, descriptor)
                    if what_for:
                        held[process] = what_for
    return held


def _lock_of(process: str, descriptor: str) -> str:
    """What the descriptor's file is locked for, READ or WRITE, through that descriptor; "" if it is not."""
    with open(f"/proc/{process}/fdinfo/{descriptor}", encoding="ascii") as lines:
        words = [line.split() for line in lines]
    return next((each[4] for each in words if each[:1] == ["lock:"] and each[2:3] == ["FLOCK"]), "")


def _command(process: str) -> str:
    """The name of a process's command, in brackets, or "" if there is none. Its arguments can be private."""
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as file:
            return f" ({file.read().removesuffix(chr(10))})"
    except OSError:
        return ""
