"""Who is denied a log is told which permission is missing, and how to get it."""

import errno
import grp
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.members import ANN, BOB, EVE, NEEDS_ROOT, TEAM, Member, shared_folder

from evcli.log.file.rights import denied, group_name, login

NEWCOMER = Member(61004, groups=())
"""Added to the team after this session began."""


@pytest.fixture
def log() -> Iterator[Path]:
    """A log of Ann's and the team's."""
    with shared_folder() as folder:
        log = folder / "the log"
        log.touch()
        os.chown(log, ANN.user, TEAM)
        yield log


DENIED = {
    # who, the modes of the folder and the log, the right, what is said of it, and the way in
    "the owner": (ANN, 0o2775, 0o460, os.W_OK, "write to it", "chmod u+w '{log}'"),
    "a member": (BOB, 0o2775, 0o640, os.W_OK, "write to it", "61001 can allow it: chmod g+w '{log}'"),
    "a member who may not even read": (BOB, 0o2775, 0o600, os.R_OK, "read it", "61001 can allow it: chmod g+r '{log}'"),
    "a stranger": (EVE, 0o2775, 0o660, os.R_OK, "read it", "the group 61000 may: ask to be added to it"),
    "a stranger to a group that may not either": (EVE, 0o2775, 0o640, os.W_OK, "write to it", ""),
    "a new member": (
        NEWCOMER, 0o2775, 0o660, os.W_OK, "write to it",
        "the group 61000 may, but this session began before you were in it: log in again",
    ),
    "a member below a closed folder": (
        BOB, 0o2700, 0o660, os.R_OK, "enter the folder {folder}", "61001 can allow it: chmod g+x {folder}",
    ),
    "a stranger below a closed folder": (
        EVE, 0o2770, 0o666, os.R_OK, "enter the folder {folder}", "the group 61000 may: ask to be added to it",
    ),
}  # fmt: skip


@NEEDS_ROOT
@pytest.mark.parametrize(("who", "folder", "mode", "right", "what", "hint"), DENIED.values(), ids=DENIED)
def test_it_is_said_which_permission_is_missing_and_who_can_give_it(
    log: Path, monkeypatch: pytest.MonkeyPatch, who: Member, folder: int, mode: int, right: int, what: str, hint: str
) -> None:
    monkeypatch.setattr("evcli.log.file.rights.login", str)
    monkeypatch.setattr(
        grp, "getgrgid", lambda number: grp.struct_group((str(number), "x", number, [str(NEWCOMER.user)]))
    )
    log.chmod(mode)
    log.parent.chmod(folder)
    owner = f"owner 61001, group 61000, mode {folder if 'folder' in what else mode:04o}"
    names = {"log": log, "folder": log.parent}
    assert who.does(lambda: denied(str(log), right, PermissionError(errno.EACCES, "No"))) == (
        f"No: {who.user} may not {what.format(**names)} ({owner})",
        hint.format(**names),
    )


@NEEDS_ROOT
def test_a_new_file_is_denied_by_its_folder(log: Path) -> None:
    log.parent.chmod(0o2755)
    said = f"No: 61002 may not write to the folder {log.parent} (owner 61001, group 61000, mode 2755)"
    way = f"61001 can allow it: chmod g+w {log.parent}"
    assert BOB.does(lambda: denied(str(log.parent), os.W_OK, PermissionError(errno.EACCES, "No"))) == (said, way)


@NEEDS_ROOT
def test_a_stranger_is_told_of_a_group_that_has_no_name(log: Path) -> None:
    log.chmod(0o660)
    _, way = EVE.does(lambda: denied(str(log), os.R_OK, PermissionError(errno.EACCES, "No")))
    assert way == "the group 61000 may: ask to be added to it"


@NEEDS_ROOT
def test_the_uppermost_closed_folder_is_named(log: Path) -> None:
    above = log.parent.parent
    above.chmod(0o700)
    log.parent.chmod(0o700)
    why, _ = BOB.does(lambda: denied(str(log), os.R_OK, PermissionError(errno.EACCES, "No")))
    assert why.startswith(f"No: 61002 may not enter the folder {above} (owner ")


@NEEDS_ROOT
def test_what_modes_do_not_explain_is_not_explained(log: Path) -> None:
    log.chmod(0o600)
    for error in (PermissionError(errno.EPERM, "No"), OSError(errno.EROFS, "No")):
        assert BOB.does(lambda error=error: denied(str(log), os.W_OK, error)) == ("No", "")  # type: ignore[misc]
    assert ANN.does(lambda: denied(str(log), os.W_OK, PermissionError(errno.EACCES, "No"))) == ("No", "")


def test_only_a_sticky_folder_explains_what_is_not_permitted(tmp_path: Path) -> None:
    def said(errno_: int) -> str:
        return denied(str(tmp_path), os.W_OK, OSError(errno_, "No"))[0]

    assert said(errno.EPERM) == "No"
    file = tmp_path / "log"
    file.touch()
    file.chmod(0o1600)
    assert denied(str(file), os.W_OK, OSError(errno.EPERM, "No"))[0] == "No", "a file's sticky bit means nothing"
    tmp_path.chmod(0o1700)
    assert said(errno.EPERM).startswith(f"No: in the folder {tmp_path} only the owner of a file may")
    assert said(errno.ENOSPC) == "No"


def test_an_account_without_a_name_is_called_by_its_number() -> None:
    assert (login(61001), group_name(61000)) == ("61001", "61000")
    assert login(0) == "root"
