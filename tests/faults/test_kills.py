"""What takes several steps is killed at every call: an import of two batches, a repair, the making of a cache."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from support.caches import CACHING

from faults.common import (
    CREATE,
    LOG,
    STORE,
    Ended,
    Start,
    command,
    content,
    folders,
    in_parallel,
    lay_out,
    needs,
    read,
    run,
    start,
    told,
    written,
)
from faults.conftest import Figures
from faults.planting import cache_of, files
from faults.strace import Injection, named_calls

pytestmark = needs("strace")

ROWS = 1000
NAME = "李" * 190
"""Of a thousand such users, the lines are more than the megabyte that one batch may have."""

SUFFIXES = ("", ".cache", ".cache.new", ".cache-journal", ".cache.new-journal", ".repaired")


class Job(NamedTuple):
    """A command of several steps on a log in some state, and what must hold when it was killed."""

    before: Start
    words: Callable[[Path], list[str]]
    judge: Callable[[Path, Ended], list[str]]


def watched(log: Path) -> list[str]:
    """The options that let strace look at the calls on the log and on what lies beside it only."""
    names = [f"{log}{suffix}" for suffix in SUFFIXES] + [f"{log}.damaged-{files().bad_line}", str(log.parent)]
    return [word for name in names for word in ("-P", name)]


def calls_of(folder: Path, job: Job) -> list[Injection]:
    """A kill at every call that the command makes."""
    log = lay_out(folder / STORE, job.before)
    out = folder / "calls"
    ran = run(["strace", "-f", "-qq", "-o", str(out), *watched(log), *job.words(log)])
    assert ran.code == 0, ran.err
    assert not job.judge(log, ran), "what is right without a kill"
    return [Injection(*each, "KILL") for each in named_calls(out.read_text())]


def complaint_about(folder: Path, job: Job, injection: Injection) -> str:
    """What is wrong after the command was killed at that call."""
    log = lay_out(folder / STORE, job.before)
    options = ["-f", "-qq", "-o", "/dev/null", "-e", f"trace={injection.call}", "-e", f"inject={injection}"]
    ran = run(["strace", *options, *watched(log), *job.words(log)])
    broken = job.judge(log, ran)
    if ran.code != -9:
        broken.append(f"it was not killed: exit {ran.code}: {ran.err}")
    return f"{injection}: {'; '.join(broken)}" if broken else ""


# --- what must hold ---------------------------------------------------------------------------------------------------


def people(log: Path) -> Path:
    """The file that is imported, beside the folder of the log."""
    file = log.parent.parent / "people.csv"
    if not file.exists():
        rows = "".join(f"{NAME}{number},user{number}@example.org\n" for number in range(ROWS))
        file.write_text("name,email\n" + rows, encoding="utf-8")
    return file


def import_words(log: Path) -> list[str]:
    return command(log, ["import", str(people(log))])


def after_import(log: Path, ran: Ended) -> list[str]:
    """Whole batches are there, what was there before is, and the same import, run again, adds what is missing."""
    good = start("old").good
    known = good.count(b"\n")
    status, number, _, fault = read(log)
    if not content(log).startswith(good) or status == "damaged":
        return [f"lost: the log is {status}: {fault}"]
    broken = []
    if number not in (known, known + ROWS) and not 500 < number - known < ROWS:
        broken.append(f"{number - known} rows are stored: no whole number of batches")
    if ran.out and number != known + ROWS:
        broken.append("lost: an import was acknowledged that is not all there")
    again = run(import_words(log))
    status, number, _, fault = read(log)
    if again.code or status != "good" or number != known + ROWS:
        broken.append(
            f"lost: run again, it leaves {number - known} rows, and a log that is {status}: {again.err}{fault}"
        )
    return broken


def after_repair(log: Path, ran: Ended) -> list[str]:
    """The log is as it was or repaired, and all that it was is kept; repaired again, it is good."""
    whole, kept = files().damaged, files().damaged[: files().bad_line]
    now = content(log)
    copies = [path.read_bytes() for path in log.parent.glob(LOG + ".damaged-*")]
    broken = []
    if now not in (whole, kept):
        broken.append("lost: the log is neither as it was nor repaired")
    if whole not in (now, *copies):
        broken.append("lost: the log as it was is not kept")
    if ran.out and now != kept:
        broken.append("lost: a repair was acknowledged that did not happen")
    again = run(command(log, ["repair"]))
    if again.code not in (0, 1) or content(log) != kept or read(log)[0] != "good":
        broken.append(f"lost: it cannot be repaired afterwards: exit {again.code}: {again.err}")
    return broken


def cached_words(log: Path, *words: str) -> list[str]:
    return [*CACHING, "--log", str(log), "--json", *(words or ("state",))]


FOLDED: dict[tuple[str, ...], bytes] = {}


def folded(log: Path, words: tuple[str, ...]) -> bytes:
    """The answer of the fold, without a cache, on the good log, which is always the same."""
    if words not in FOLDED:
        FOLDED[words] = run(command(log, words)).out
    return FOLDED[words]


def after_state(log: Path, ran: Ended) -> list[str]:
    """The log is as it was; what is left of the cache, whatever it is, changes no answer and refuses no event."""
    good, broken = long_log()[0], []
    if content(log) != good:
        broken.append("lost: a reader changed the log")
    for words in (("state",), ("state", "--at", "95")):
        cached = run(cached_words(log, *words))
        if (cached.code, cached.out) != (0, folded(log, words)):
            broken.append(f"{words} is answered otherwise: exit {cached.code}: {cached.err}")
    created = run(cached_words(log, *CREATE))
    if created.code or read(log)[:2] != ("good", good.count(b"\n") + 1):
        broken.append(f"lost: the next append fails: {created.err}")
    return broken


@cache
def long_log() -> tuple[bytes, bytes]:
    """A log of enough users that a change of its cache is many writes, and a cache that knows the first ones."""
    good, batch = written(90, 90)
    with TemporaryDirectory() as folder:
        log = Path(folder, LOG)
        log.write_bytes(good)
        return good + batch, cache_of(log)


def import_of_two_batches() -> Job:
    return Job(start("old"), import_words, after_import)


def repair() -> Job:
    damaged = Start("damaged", {LOG: files().damaged}, files().damaged)
    return Job(damaged, lambda log: command(log, ["repair"]), after_repair)


def making_of_a_cache() -> Job:
    good, _ = long_log()
    return Job(Start("without a cache", {LOG: good}, good), cached_words, after_state)


def catching_up() -> Job:
    good, early_cache = long_log()
    behind = {LOG: good, LOG + ".cache": early_cache}
    return Job(Start("ahead of its cache", behind, good), cached_words, after_state)


JOBS = (import_of_two_batches, repair, making_of_a_cache, catching_up)

CHANGING = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink")


def kill_all(folder: Path, job: Job, figures: Figures, every: int, calls: Sequence[str] = ()) -> None:
    cases = [each for each in calls_of(folder, job) if not calls or each.call in calls][::every]
    assert cases
    with folders(folder) as own:
        complaints = in_parallel(lambda case: complaint_about(own(), job, case), cases)
    figures.count("system calls swept", len(cases))
    figures.judge(complaints)
    assert not complaints, told(complaints)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_kill_at_a_call_that_changes_a_file_loses_nothing(
    job: Callable[[], Job], disk: Path, figures: Figures
) -> None:
    kill_all(disk, job(), figures, 4 if job in (making_of_a_cache, catching_up) else 1, CHANGING)


@pytest.mark.sweep
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_a_kill_at_any_call_loses_nothing(job: Callable[[], Job], disk: Path, figures: Figures) -> None:
    kill_all(disk, job(), figures, 1)
