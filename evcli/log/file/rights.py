"""Which permission is missing, in words: for the message of who may not read or write a log."""

import errno
import grp
import os
import pwd
import shlex
import stat
from contextlib import suppress

_LETTERS = {os.R_OK: "r", os.W_OK: "w", os.X_OK: "x"}
_VERBS = {os.R_OK: "read", os.W_OK: "write to", os.X_OK: "enter"}


def denied(path: str, right: int, error: OSError) -> tuple[str, str]:
    """Why the file or folder at `path` was denied, and how to get access; `right` is os.R_OK or os.W_OK.

    `Permission denied: bob may not write to it (owner ann, group team, mode 0640)`, and
    `ann can allow it: chmod g+w PATH`. Without more than the system's word where modes do not tell.
    """
    said = error.strerror or str(error)
    if error.errno == errno.EPERM and (mode := _mode_if_sticky(path)):
        return f"{said}: in the folder {path} only the owner of a file may rename or remove it (mode {mode:04o})", ""
    lacking = _lacking(path, right) if error.errno == errno.EACCES else None
    if lacking is None:
        return said, ""
    where, right, found = lacking
    what = "it" if where == os.path.realpath(path) and not stat.S_ISDIR(found.st_mode) else f"the folder {where}"
    why = f"{said}: {login(os.geteuid())} may not {_VERBS[right]} {what} ({whose(found)})"
    return why, _way_in(where, right, found)


def whose(found: os.stat_result) -> str:
    """Whose a file is, and who may do what with it: `owner ann, group team, mode 0640`."""
    return f"owner {login(found.st_uid)}, group {group_name(found.st_gid)}, mode {stat.S_IMODE(found.st_mode):04o}"


def login(id: int) -> str:
    """The user's name; the number, if it has none."""
    try:
        return pwd.getpwuid(id).pw_name
    except KeyError:
        return str(id)


def group_name(id: int) -> str:
    """The group's name; the number, if it has none."""
    try:
        return grp.getgrgid(id).gr_name
    except KeyError:
        return str(id)


def new_owner(path: str, before: os.stat_result) -> list[str]:
    """What to say of a file that was replaced, if it could not be given its owner and group."""
    found = os.stat(path)
    if (found.st_uid, found.st_gid) == (before.st_uid, before.st_gid):
        return []
    back = ""
    if found.st_gid != before.st_gid:
        name, mode = shlex.quote(path), stat.S_IMODE(before.st_mode)
        back = f"; chgrp {group_name(before.st_gid)} {name} && chmod {mode:o} {name} lets its group in again"
    return [f"{path} has changed hands: {whose(found)}; before: {whose(before)}{back}"]


def _mode_if_sticky(path: str) -> int:
    """The mode of a folder with the sticky bit (inode(7)); 0 for every other file."""
    with suppress(OSError):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
            return stat.S_IMODE(mode)
    return 0


def _lacking(path: str, right: int) -> tuple[str, int, os.stat_result] | None:
    """The first folder on the way to the file, or else the file itself, that denies this user what is needed of it."""
    real = os.path.realpath(path)
    folders = [real[:end] or "/" for end, letter in enumerate(real) if letter == "/"]
    with suppress(OSError):  # it is gone
        for where, wanted in [*((folder, os.X_OK) for folder in folders), (real, right)]:
            if not os.access(where, wanted):
                return where, wanted, os.stat(where)
    return None


def _way_in(path: str, right: int, found: os.stat_result) -> str:
    """Who can allow it, and how; "" if that is nobody's business to say."""
    letter, name = _LETTERS[right], shlex.quote(path)
    if found.st_uid == os.geteuid():
        return f"chmod u+{letter} {name}"
    if found.st_gid in (os.getegid(), *os.getgroups()):
        return f"{login(found.st_uid)} can allow it: chmod g+{letter} {name}"
    if not found.st_mode & {os.R_OK: stat.S_IRGRP, os.W_OK: stat.S_IWGRP, os.X_OK: stat.S_IXGRP}[right]:
        return ""
    if login(os.geteuid()) in _members(found.st_gid):
        return f"the group {group_name(found.st_gid)} may, but this session began before you were in it: log in again"
    return f"the group {group_name(found.st_gid)} may: ask to be added to it"


def _members(id: int) -> list[str]:
    try:
        return grp.getgrgid(id).gr_mem
    except KeyError:
        return []
