"""A log that a group shares: each member writes what the others began, and nobody sees more than before."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.events import batch_of, creation, lines_of
from support.logs import reading, umask
from support.members import ANN, BOB, EVE, NEEDS_ROOT, TEAM, Member, shared_folder
from support.registers import create, register_at

from evcli.disk import make_like, write_new
from evcli.errors import EvcliError
from evcli.log.file.engine import FileLog
from evcli.register.past import Past
from evcli.register.repair import repair
from evcli.register.verify import audit

LINES = lines_of([creation(1), creation(2), *batch_of(3, 5)])
GOOD, TAIL = b"".join(LINES[:2]), b"".join(LINES[2:4])
"""Two events, and what is left of a batch of three."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


@pytest.fixture
def log(folder: Path) -> Path:
    """A log of Ann's that the team may write."""
    log = folder / "events.jsonl"
    log.write_bytes(GOOD)
    os.chown(log, ANN.user, TEAM)
    log.chmod(0o660)
    return log


def access(path: Path) -> tuple[int, int, int]:
    """The owner, group and mode of a file."""
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def appends(log: Path, name: str) -> list[str]:
    """Append one event, as whoever runs this; the notices."""
    return register_at(log, name).execute(create(name)).notices


def refusal(log: Path, name: str) -> tuple[int, str, str]:
    """The exit code, message and hint when whoever runs this may not append."""
    try:
        appends(log, name)
    except EvcliError as error:
        return error.exit, error.message, error.hint
    raise AssertionError("it was written")


def is_good(log: Path, events: int) -> bool:
    with reading(log) as reader:
        report = audit(reader)
        return (report.status, report.head.number) == ("good", events)


# --- beginning, and appending in turn ---------------------------------------------------------------------------------

NEW = {
    # the mode of the folder, the umask, and the mode of a log that is begun there
    "a shared folder, files for the group": (0o2775, 0o002, 0o660),
    "a shared folder that others may not read": (0o2770, 0o000, 0o660),
    "a shared folder, files that the group may read": (0o2775, 0o022, 0o640),
    "a shared folder, files that nobody else may read": (0o2775, 0o077, 0o600),
    "a shared folder, files that nobody may read": (0o2775, 0o777, 0o600),
    "a folder of the group's that gives files no group": (0o775, 0o002, 0o600),
    "a folder that the group may not write": (0o2755, 0o002, 0o600),
}


@pytest.mark.case(30)
@pytest.mark.parametrize(("mode", "mask", "expected"), NEW.values(), ids=NEW)
def test_a_new_log_is_the_groups_only_where_its_folder_and_the_umask_say_so(
    tmp_path: Path, mode: int, mask: int, expected: int
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    with umask(mask):
        appends(folder / "events.jsonl", "ann")
    assert access(folder / "events.jsonl")[2] == expected


@NEEDS_ROOT
def test_members_append_in_turn_to_a_log_that_one_of_them_began(folder: Path) -> None:
    log = folder / "events.jsonl"
    for number, member in enumerate([ANN, BOB, ANN, BOB], 1):
        assert member.does(partial(appends, log, f"user{number}")) == []
        assert is_good(log, number)
    assert access(log) == (ANN.user, TEAM, 0o660)
    assert EVE.does(lambda: refusal(log, "eve"))[0] == 14


# --- after somebody else's crash --------------------------------------------------------------------------------------


def dies_writing(log: Path) -> None:
    """Append, and be killed when half of it is written."""
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        write(descriptor, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    os.write = half  # type: ignore[assignment]
    appends(log, "ann")


@NEEDS_ROOT
@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_a_member_appends_after_another_was_killed_writing_and_both_can_read_the_copy(log: Path, umask: int) -> None:
    assert ANN.tries(lambda: dies_writing(log)) is None
    torn = log.read_bytes().removeprefix(GOOD)
    assert torn
    (notice,) = BOB._replace(umask=umask).does(lambda: appends(log, "bob"))
    (copy,) = log.parent.glob("*.torn-*")
    assert str(copy) in notice
    assert access(copy) == (BOB.user, TEAM, 0o660)
    assert ANN.does(copy.read_bytes) == torn
    assert is_good(log, 3)
    assert ANN.does(lambda: appends(log, "cy")) == []


@NEEDS_ROOT
def test_a_torn_tail_stays_where_a_member_may_write_the_log_but_not_its_folder(log: Path) -> None:
    log.write_bytes(GOOD + TAIL)
    log.parent.chmod(0o2755)
    code, said, hint = BOB.does(lambda: refusal(log, "bob"))
    assert code == 14
    assert f"{BOB.user} may not write to the folder {log.parent} (owner {ANN.user}, group {TEAM}, mode 2755)" in said
    assert said.endswith("; nothing was written")
    assert hint == f"{ANN.user} can allow it: chmod g+w {log.parent}"
    assert log.read_bytes() == GOOD + TAIL
    assert list(log.parent.iterdir()) == [log]


@NEEDS_ROOT
def test_the_copy_of_a_torn_tail_is_durable_before_the_cut_in_a_folder_that_may_not_be_read(log: Path) -> None:
    log.write_bytes(GOOD + TAIL)
    log.parent.chmod(0o2730)

    def noted(made: list[str], name: str, real: Callable[..., None], *given: int) -> None:
        made.append(name)
        real(*given)

    def watched() -> list[str]:
        made = list[str]()
        for name in ("fsync", "sync", "ftruncate"):
            real = getattr(os, name)
            setattr(os, name, partial(noted, made, name, real))
        appends(log, "bob")
        return made

    assert BOB.does(watched) == ["fsync", "sync", "ftruncate", "fsync", "fsync"]
    assert is_good(log, 3)
    assert [copy.read_bytes() for copy in log.parent.glob("*.torn-*")] == [TAIL]


# --- repair -----------------------------------------------------------------------------------------------------------


def repairs(log: Path) -> tuple[str, list[str]]:
    """Repair the log, as whoever runs this; the path of the copy, and what is said."""
    damaged = FileLog(str(log))
    _, copy = repair(Past(damaged), 0)
    return copy, list(damaged.notices)


def refused_repair(log: Path) -> str:
    """What is said when whoever runs this may not repair the log."""
    try:
        repairs(log)
    except EvcliError as error:
        return error.message
    raise AssertionError("it was repaired")


@NEEDS_ROOT
def test_a_member_repairs_a_log_for_all_members(log: Path) -> None:
    damaged = LINES[0] + b"garbage\n" + LINES[1]
    log.write_bytes(damaged)
    copy, (said,) = BOB._replace(umask=0o077).does(lambda: repairs(log))
    assert log.read_bytes() == GOOD
    for each in (log, Path(copy)):
        assert access(each) == (BOB.user, TEAM, 0o660)
    assert said == (
        f"{log} has changed hands: owner {BOB.user}, group {TEAM}, mode 0660; "
        f"before: owner {ANN.user}, group {TEAM}, mode 0660"
    )
    assert ANN.does(Path(copy).read_bytes) == damaged
    assert ANN.does(lambda: appends(log, "ann")) == []


@NEEDS_ROOT
def test_a_log_is_begun_and_repaired_by_a_member_in_a_folder_that_may_not_be_read(log: Path) -> None:
    log.write_bytes(b"")
    log.parent.chmod(0o2730)
    assert BOB.does(lambda: appends(log, "bob")) == []
    log.write_bytes(log.read_bytes() + b"garbage\n")
    BOB.does(lambda: repairs(log))
    assert is_good(log, 1)


@NEEDS_ROOT
def test_a_member_cannot_repair_a_log_in_a_folder_where_only_owners_may_rename(log: Path) -> None:
    log.write_bytes(GOOD + b"garbage\n")
    log.parent.chmod(0o3775)
    said = BOB.does(lambda: refused_repair(log))
    assert f"in the folder {log.parent} only the owner of a file may rename or remove it (mode 3775)" in said
    assert "it is unchanged, and a copy of it is in" in said
    assert log.read_bytes() == GOOD + b"garbage\n"


@NEEDS_ROOT
def test_the_owner_repairs_a_log_and_nothing_is_said_of_it(log: Path) -> None:
    log.write_bytes(LINES[0] + b"garbage\n" + LINES[1])
    _, said = ANN.does(lambda: repairs(log))
    assert (said, access(log)) == ([], (ANN.user, TEAM, 0o660))


@NEEDS_ROOT
def test_a_repair_by_an_owner_who_is_not_in_the_group_shuts_the_group_out_and_says_so(log: Path) -> None:
    log.write_bytes(LINES[0] + b"garbage\n" + LINES[1])
    os.chown(log, EVE.user, TEAM)
    log.parent.chmod(0o777)  # files in it have the group of who makes them
    copy, (said,) = EVE.does(lambda: repairs(log))
    for each in (log, Path(copy)):
        assert access(each) == (EVE.user, EVE.user, 0o600)
    assert said.endswith(f"; chgrp {TEAM} {log} && chmod 660 {log} lets its group in again")


# --- access is never wider --------------------------------------------------------------------------------------------


@NEEDS_ROOT
@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o660, 0o600), (0o640, 0o600), (0o664, 0o604), (0o644, 0o604), (0o604, 0o600), (0o600, 0o600)],
)
def test_a_file_whose_group_cannot_be_kept_opens_itself_to_nobody_new(folder: Path, mode: int, expected: int) -> None:
    folder.chmod(0o777)
    model = folder / "model"
    model.touch()
    os.chown(model, ANN.user, TEAM)
    model.chmod(mode)
    made = EVE.does(lambda: write_new(str(folder / "made"), [b"x"], model.stat()))
    assert access(Path(made)) == (EVE.user, EVE.user, expected)


@NEEDS_ROOT
def test_a_file_is_private_until_it_is_whole(folder: Path) -> None:
    seen = list[int]()

    def pieces() -> Iterator[bytes]:
        seen.append(access(folder / "made")[2])
        yield b"x"

    with umask(0):
        write_new(str(folder / "made"), pieces(), folder.stat())
    assert seen == [0o600]


@NEEDS_ROOT
@pytest.mark.parametrize(
    ("member", "expected"), [(Member(0, ()), (ANN.user, TEAM)), (BOB, (BOB.user, TEAM)), (EVE, (EVE.user, EVE.user))]
)
def test_the_owner_is_kept_by_root_and_the_group_by_its_members(
    folder: Path, member: Member, expected: tuple[int, int]
) -> None:
    folder.chmod(0o777)

    def makes() -> bool:
        with open(folder / "made", "wb") as file:
            return make_like(file.fileno(), folder.stat())

    assert member.does(makes) is (expected[1] == TEAM)
    assert access(folder / "made")[:2] == expected
