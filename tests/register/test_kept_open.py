"""A register that is kept open while others write, replace or remove its log."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import Cli, Clock
from support.users import CREATED, DESTROYED

from evcli.domain.event import number_of
from evcli.errors import CannotOpen, Damaged, LogCut, NoLog
from evcli.log.file.engine import FileLog
from evcli.log.memory import MemoryLog
from evcli.log.reader import Reader
from evcli.register.decide import Intention, Series
from evcli.register.past import Past
from evcli.register.register import Register

Write = Callable[..., Register]


def create(name: str) -> Intention:
    data = {"name": name, "email": f"{name.lower()}@example.com"}
    return Intention(CREATED, data, about=lambda state: state.last_id("user") + 1, finds=False)


@pytest.fixture
def write() -> Write:
    """Writes users of these names to the log at a path, each as an event of its own."""
    counter = iter(range(1_000_000))

    def write(path: Path, *names: str) -> Register:
        register = Register(FileLog(str(path)), actor="ann", clock=Clock(), new_id=lambda: f"id-{next(counter)}")
        for name in names:
            register.execute(create(name))
        return register

    return write


def test_events_can_be_read_while_others_are_written(log_path: Path, write: Write) -> None:
    register = write(log_path, *(f"User{number}" for number in range(300)))
    seen = []
    for event in register.events():  # more than one read of the file
        seen.append(number_of(event))
        if len(seen) == 1:
            register.execute(create("Zoe"))
    assert seen[:300] == list(range(1, 301))


def test_head_of_a_replaced_log_is_the_new_one(log_path: Path, tmp_path: Path, write: Write) -> None:
    write(log_path, "Ada", "Bob")
    past = Past(str(log_path))
    past.open()
    before = past.position(past.at().number)
    write(tmp_path / "other.jsonl", "Eve", "Dan")
    (tmp_path / "other.jsonl").rename(log_path)
    past.open()
    assert past.head().number == before.number == 2
    assert past.head() == past.position(2) != before


def test_log_that_vanishes_before_the_lock_is_not_begun_again(
    log_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = write(log_path, "Ada")
    locked = FileLog.locked

    def after_somebody_removed_it(log: FileLog, wait: float, *, may_create: bool) -> object:
        log_path.unlink()
        return locked(log, wait, may_create=may_create)

    fresh = Register(FileLog(str(log_path)), actor="bob")
    monkeypatch.setattr(FileLog, "locked", after_somebody_removed_it)
    for each in (fresh, register):
        with pytest.raises(NoLog):
            each.execute(create("Bob"))
        assert not log_path.exists()
        log_path.touch()


def test_series_of_which_all_is_refused_begins_no_log(log_path: Path, write: Write) -> None:
    gone = Intention(DESTROYED, {}, about=lambda state: 1)
    series = Series("series", 0, lambda intention, why: True)
    for dry_run in (True, False):
        done = write(log_path).execute(gone, series=series, dry_run=dry_run)
        assert (len(done), list(done.refused)) == (0, [0])
        assert not log_path.exists()


def test_import_about_a_user_into_no_log_names_the_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("action,name,email\ndestroy,,ada@example.org\n")
    ran = cli("import", str(tmp_path / "people.csv"))
    assert ran.code == 1
    assert 'people.csv line 2: no user "ada@example.org" at this row' in ran.err
    assert not cli.log.exists()


@pytest.mark.parametrize("path", ["loop", "x" * 300])
def test_log_that_cannot_be_examined_is_cannot_open(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CannotOpen, match="cannot be opened"):
        Past(str(tmp_path / path)).open()


def test_moment_by_id_before_a_damaged_last_line_answers(cli: Cli, write: Write) -> None:
    write(cli.log, "Ada", "Bob", "Eve")
    with cli.log.open("ab") as log:
        log.write(b"junk\n")
    assert cli("show", "id:id-1", "--json").code == 0
    assert cli("show", "@").code == 12


def test_follow_of_a_log_cut_to_a_damaged_end_is_damaged(log_path: Path, write: Write) -> None:
    write(log_path, *(f"User{number}" for number in range(400)))
    lines = log_path.read_bytes().splitlines(keepends=True)
    past, told = Past(str(log_path)), list[str]()
    past.open()

    def pause() -> None:
        log_path.write_bytes(b"".join(lines[:99]) + b"junk\n")

    with pytest.raises(Damaged, match="line 100"):
        list(past.follow(past.head(), pause=pause, tell=told.append))


def test_backward_reading_names_the_line_that_was_changed(log_path: Path, write: Write) -> None:
    write(log_path, *(f"User{number}" for number in range(120)))
    lines = log_path.read_bytes().splitlines(keepends=True)
    for changed in range(80, 119):
        other = lines[changed].replace(b'"sequence":"000000000%03d"' % (changed + 1), b'"sequence":"000000000001"')
        log_path.write_bytes(b"".join([*lines[:changed], other, *lines[changed + 1 :]]))
        with Reader(FileLog(str(log_path))) as reader, pytest.raises(Damaged) as damage:
            list(reader.events_backward(reader.log.head()))
        assert damage.value.line == changed + 1


def test_memory_log_is_never_taken_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memory.cache").write_bytes(b"")
    register = Register(MemoryLog(), actor="ann")
    register.execute(create("Ada"))
    assert register.verify().status == "good"
    assert os.listdir(tmp_path) == ["memory.cache"]
    with pytest.raises(Damaged, match="memory line 1"):
        MemoryLog([b"junk\n"]).head()


def test_signals_are_held_until_the_callers_stack_is_closed(log_path: Path, write: Write) -> None:
    import signal

    register = write(log_path, "Ada")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with ExitStack() as held:
        register.execute(create("Bob"), held=held)
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_log_replaced_by_one_of_the_same_size_is_noticed_before_the_write(
    log_path: Path, tmp_path: Path, write: Write
) -> None:
    register = write(log_path, "Ada")
    other = tmp_path / "other.jsonl"
    Register(FileLog(str(other)), actor="ann", clock=Clock(), new_id=lambda: "id-0").execute(create("Eve"))
    assert (size := other.stat().st_size) == log_path.stat().st_size
    other.rename(log_path)
    with pytest.raises(LogCut):
        register.execute(create("Bob"))
    assert log_path.stat().st_size == size


def test_empty_log_that_vanished_is_begun(log_path: Path) -> None:
    log_path.touch(mode=0o600)
    register = Register(FileLog(str(log_path)), actor="ann")
    register.execute(create("Ada"), dry_run=True)
    log_path.unlink()
    register.execute(create("Ada"))
    assert log_path.read_bytes().count(b"\n") == 1


def test_position_after_a_look_at_another_log_is_of_that_log(log_path: Path, tmp_path: Path, write: Write) -> None:
    write(log_path, "Ada", "Bob")
    past = Past(str(log_path))
    past.open()
    before = past.position(past.at().number)
    write(tmp_path / "other.jsonl", "Eve", "Dan")
    (tmp_path / "other.jsonl").rename(log_path)
    head = past.head()
    assert past.position(2) == head != before
