"""Whoever has locked the log keeps a writer out for no longer than it waits, and is named."""

import builtins
import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.events import creation, lines_of
from support.logs import locked_by_another, writing

from evcli.cli.hints import hint_for
from evcli.errors import Busy

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has locked a file")


@pytest.fixture
def log(log_path: Path) -> Path:
    log_path.write_bytes(b"".join(lines_of([creation(1)])))
    return log_path


def named(process: int) -> str:
    """How a message names a process."""
    return f"process {process} ({Path(f'/proc/{process}/comm').read_text(encoding='utf-8').strip()})"


def refusal(log: Path) -> str:
    """What a writer says that does not get the lock."""
    with pytest.raises(Busy) as busy, writing(log):
        pass
    return busy.value.message


@contextmanager
def another_process(work: Callable[[], object]) -> Iterator[int]:
    """A process that does `work`, and then waits until the block ends; gives its id."""
    ready, end = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(end[1])
            work()
            os.write(ready[1], b"x")
            os.read(end[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    os.close(end[0])
    try:
        assert os.read(ready[0], 1) == b"x"
        yield child
    finally:
        os.close(end[1])
        os.waitpid(child, 0)
        os.close(ready[0])


def reads(log: Path) -> None:
    """Lock the log as a reader, as `flock -s` does, which needs no permission but to read it."""
    fcntl.flock(os.open(log, os.O_RDONLY), fcntl.LOCK_SH)


@ON_LINUX
@pytest.mark.case(36)
def test_a_writer_that_keeps_the_lock_is_named_with_its_command(log: Path) -> None:
    with locked_by_another(log):
        assert refusal(log) == f"{log} is locked by {named(os.getpid())}; waited 0 s; nothing was written"


@ON_LINUX
@pytest.mark.parametrize(("readers", "shown"), [(1, "A"), (2, "A and B"), (3, "A, B and C"), (5, "A, B, C and 2 more")])
def test_readers_that_keep_the_lock_are_named(log: Path, readers: int, shown: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(lambda: reads(log))) for _ in range(readers)]
        for letter, process in zip("ABC", sorted(processes), strict=False):
            shown = shown.replace(letter, named(process))
        assert refusal(log) == f"{log} is locked for reading by {shown}; waited 0 s; nothing was written"


@ON_LINUX
def test_what_does_not_keep_a_writer_out_is_not_named(log: Path, tmp_path: Path) -> None:
    def waits() -> None:
        if os.fork() == 0:
            os.closerange(3, 256)  # else it would keep the lock itself
            fcntl.flock(os.open(log, os.O_RDONLY), fcntl.LOCK_EX)  # waits until the log is free
            os._exit(0)
        while not re.search(rf"-> .*:{log.stat().st_ino} ", Path("/proc/locks").read_text(encoding="utf-8")):
            pass

    def locks_by_another_means() -> None:
        fcntl.lockf(os.open(log, os.O_RDWR), fcntl.LOCK_EX)  # which does not keep a writer out

    other = tmp_path / "other"
    other.touch()
    ours = locked_by_another(other), locked_by_another(log)
    with ours[0], ours[1], another_process(waits), another_process(locks_by_another_means):
        assert refusal(log) == f"{log} is locked by {named(os.getpid())}; waited 0 s; nothing was written"


@ON_LINUX
@pytest.mark.parametrize(("operation", "what_for"), [(fcntl.LOCK_SH, "for reading "), (fcntl.LOCK_EX, "")])
def test_the_heir_of_a_lock_is_named_when_the_process_has_ended_that_took_it(
    log: Path, operation: int, what_for: str
) -> None:
    """As `exec 9< LOG; flock -s 9` in a shell."""
    descriptor = os.open(log, os.O_RDONLY)
    if (child := os.fork()) == 0:
        fcntl.flock(descriptor, operation)
        os._exit(0)
    os.waitpid(child, 0)
    with open(log, "rb"):  # which has not locked it
        assert f"is locked {what_for}by {named(os.getpid())};" in refusal(log)
    os.close(descriptor)
    with writing(log):
        pass


def test_a_lock_is_reported_where_nobody_tells_whose_it_is(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_proc(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any = ".", *given: Any, **named: Any) -> Any:
            if str(path).startswith("/proc"):
                raise FileNotFoundError(2, "No such file or directory", path)
            return real(path, *given, **named)

        return called

    for module, name in ((builtins, "open"), (os, "listdir"), (os, "stat")):
        monkeypatch.setattr(module, name, without_proc(getattr(module, name)))
    with locked_by_another(log):
        assert refusal(log) == f"{log} is locked; waited 0 s; nothing was written"
    assert hint_for(Busy("the log", 1)).endswith("; sudo lsof 'the log' shows who has it open")
    assert "lsof" not in hint_for(Busy("the log", 1, "by process 7"))
