"""Faults in system calls, with strace: list the calls that one command makes on its log, then let each of them fail.

Only calls that touch the log, its folder, the folder above, or the files beside it are listed and injected; a
call that names no such path (a write to stdout, an import) is none of the log's.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from faults.common import OURS, STORE, Ended, Start, broken_promises, command, lay_out, run

ERRORS = ("EIO", "ENOSPC", "EACCES", "EINTR")
SIGNALS = ("KILL", "INT", "TERM")


class Injection(NamedTuple):
    """The `k`-th call of that name fails with an error, or a signal comes with it."""

    call: str
    k: int
    fault: str

    def __str__(self) -> str:
        how = "signal" if self.fault in SIGNALS else "error"
        return f"{self.call}:{how}={self.fault}:when={self.k}"


class Sweep(NamedTuple):
    """A command on a log in some state, perhaps with a fault that always comes."""

    before: Start
    words: Sequence[str]
    wanted: int
    always: tuple[Injection, ...] = ()
    at_once: int = 0
    """How many of the wanted events are appended at once (0: all)."""


def traced(log: Path, before: Start, words: Sequence[str], options: Sequence[str], package: Path = OURS) -> Ended:
    """Run evcli under strace with these options, looking only at the calls on the log's own paths."""
    names = (str(log), f"{log}.torn-{len(before.good)}", str(log.parent), str(log.parent.parent))
    paths = [word for name in names for word in ("-P", name)]
    return run(["strace", "-f", "-qq", *options, *paths, *command(log, words)], package)


def calls_of(folder: Path, sweep: Sweep, package: Path = OURS) -> list[tuple[str, int]]:
    """The calls that the command makes, each with its place among those of its name."""
    log = lay_out(folder / STORE, sweep.before)
    out = folder / "calls"
    options = ["-o", str(out), *(word for each in sweep.always for word in ("-e", f"inject={each}"))]
    traced(log, sweep.before, sweep.words, options, package)
    return named_calls(out.read_text())


def named_calls(trace: str) -> list[tuple[str, int]]:
    """The calls in what strace wrote, each with its place among those of its name."""
    seen: Counter[str] = Counter()
    found = []
    for line in trace.splitlines():
        if match := re.match(r"\d+ +(\w+)\(", line):
            seen[match[1]] += 1
            found.append((match[1], seen[match[1]]))
    return found


def injections(folder: Path, sweep: Sweep, faults: Sequence[str], calls: Sequence[str] = ()) -> Iterator[Injection]:
    """Every call that the command makes (of these names, if given) with every fault.

    Where it appends one by one, only those from its first write on: those before are the same for a single append.
    """
    taken = {each.call for each in sweep.always}  # strace takes one injection for a call
    made = calls_of(folder, sweep)
    for call, k in made[made.index(("write", 1)) :] if sweep.at_once else made:
        if call not in taken and (not calls or call in calls):
            for fault in faults:
                yield Injection(call, k, fault)


def complaint_about(folder: Path, sweep: Sweep, injection: Injection, package: Path = OURS) -> str:
    """What evcli did wrong when that call failed; "" when it kept all its promises."""
    log = lay_out(folder / STORE, sweep.before)
    options = ["-o", "/dev/null", "-e", f"trace={','.join({injection.call, *(each.call for each in sweep.always)})}"]
    options += [word for each in (*sweep.always, injection) for word in ("-e", f"inject={each}")]
    ran = traced(log, sweep.before, sweep.words, ["--seccomp-bpf", *options], package)
    broken = broken_promises(log, sweep.before, ran, sweep.wanted, sweep.at_once)
    if ran.code < 0 and injection.fault != "KILL":
        broken.append(f"ended by signal {-ran.code}")
    if injection.call in ("fsync", "fdatasync") and injection.fault in ("EIO", "ENOSPC") and ran.code == 0:
        broken.append("a failed sync was followed by an answer: a second one proves nothing")
    what = f"{' '.join(sweep.words)} on a log that is {sweep.before.name}, {' and '.join(map(str, sweep.always))}"
    return f"{what} {injection}: {'; '.join(broken)} (exit {ran.code}: {ran.err.strip()})" if broken else ""
