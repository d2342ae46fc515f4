"""Every system call that a command makes on its log fails, or a signal comes with it: nothing is lost, nothing lied."""

from pathlib import Path

import pytest

from faults.common import APPENDING, CREATE, DESTROY, folders, in_parallel, needs, start, starts, told
from faults.conftest import Figures
from faults.strace import ERRORS, SIGNALS, Injection, Sweep, calls_of, complaint_about, injections

pytestmark = needs("strace")

ONE_BY_ONE = (APPENDING, "Eve", "Dan", "Kim")
SWEEPS = {
    **{each.name: Sweep(each, CREATE, 1) for each in starts()},
    "old, by a batch": Sweep(start("old"), DESTROY, 2),
    "torn, by a batch": Sweep(start("torn"), DESTROY, 2),
    "old, write refused": Sweep(start("old"), CREATE, 1, (Injection("write", 1, "ENOSPC"),)),
    "old, sync before it failed": Sweep(start("old"), CREATE, 1, (Injection("fsync", 1, "EIO"),)),
    "old, sync failed": Sweep(start("old"), CREATE, 1, (Injection("fsync", 2, "EIO"),)),
    "old, by a batch, write refused": Sweep(start("old"), DESTROY, 2, (Injection("write", 1, "ENOSPC"),)),
    "old, by a batch, sync failed": Sweep(start("old"), DESTROY, 2, (Injection("fsync", 2, "EIO"),)),
    "old, one by one": Sweep(start("old"), ONE_BY_ONE, 3, (), 1),
    "old, one by one, another between": Sweep(start("old"), (APPENDING, "Eve", "+Bob", "Dan", "Kim"), 4, (), 1),
    "old, one by one, replaced between": Sweep(start("old"), (APPENDING, "Eve", "=", "Dan", "Kim"), 3, (), 1),
    "old, one by one, write refused": Sweep(start("old"), ONE_BY_ONE, 3, (Injection("write", 2, "ENOSPC"),), 1),
    "old, one by one, sync failed": Sweep(start("old"), ONE_BY_ONE, 3, (Injection("fsync", 3, "EIO"),), 1),
}


def sweep_all(above: Path, sweep: Sweep, cases: list[Injection], figures: Figures) -> None:
    above.mkdir(exist_ok=True)
    with folders(above) as folder:
        complaints = in_parallel(lambda case: complaint_about(folder(), sweep, case), cases)
    figures.count("system calls swept", len(cases))
    figures.judge(complaints)
    assert not complaints, told(complaints)


def test_calls_that_keep_the_promise_are_swept(disk: Path) -> None:
    new = [name for name, _ in calls_of(disk, SWEEPS["new"])]
    assert new.count("write") == 1
    assert new.count("fsync") >= 3, "the log, its folder and the one above are synced"
    assert {"mkdir", "openat", "flock", "newfstatat", "close"} <= set(new)
    batch = [name for name, _ in calls_of(disk, SWEEPS["unfinished batch"])]
    assert batch.count("write") == 2, "the copy of the unfinished batch, and the line"
    assert {"ftruncate", "pread64"} <= set(batch)
    newline = [
        name for name, _ in calls_of(disk, SWEEPS["no newline, torn"]) if name in ("write", "fsync", "ftruncate")
    ]
    copy = ["write", "fsync", "fsync"]
    assert newline == [*copy, "ftruncate", "write", "fsync", "write", "fsync"], "the newline is synced before the line"


def test_the_sync_that_fails_in_a_sweep_is_the_one_it_names(disk: Path) -> None:
    line = [each for each in calls_of(disk, SWEEPS["old"]) if each[0] in ("write", "fsync")]
    assert line == [("fsync", 1), ("write", 1), ("fsync", 2)]
    batch = [each for each in calls_of(disk, SWEEPS["old, by a batch"]) if each[0] in ("write", "fsync")]
    assert batch == line, "a batch is one write and one sync, as a line is"


def test_the_appends_that_fail_in_a_sweep_go_on_with_an_open_file(disk: Path) -> None:
    made = [name for name, _ in calls_of(disk, SWEEPS["old, one by one"]) if name in ("openat", "write", "fsync")]
    assert made[made.index("write") :] == ["write", "fsync"] * 3


def test_nothing_is_lost_when_a_call_that_changes_the_log_fails(disk: Path, figures: Figures) -> None:
    faults = {"write": ("KILL",), "fsync": ("EIO",), "ftruncate": ("KILL",)}
    for name in ("new", "torn", "old, by a batch", "unfinished batch", "no newline, torn", "old, one by one"):
        cases = [
            each for each in injections(disk, SWEEPS[name], ("EIO", "KILL")) if each.fault in faults.get(each.call, ())
        ]
        sweep_all(disk / name, SWEEPS[name], cases, figures)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (name, fault)
        for name in SWEEPS
        for fault in (*ERRORS, *SIGNALS)
        if name in ("new", "old", "torn", "unfinished batch", "no newline")
        or fault == "EIO"
        or (fault in ("KILL", "INT") and "one by one, " not in name)
    ],
)
def test_nothing_is_lost_when_any_call_of_an_append_fails_in_any_way(
    name: str, fault: str, disk: Path, figures: Figures
) -> None:
    cases = list(injections(disk, SWEEPS[name], (fault,)))
    assert cases
    sweep_all(disk, SWEEPS[name], cases, figures)
