"""Opening the log: what may be a log, who owns it, and descriptors that nothing else can write to."""

import fcntl
import os
import stat

from evcli.errors import CannotOpen, NoLog

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a log"),
    (stat.S_ISFIFO, "is a FIFO (a pipe), not a log"),
    (stat.S_ISSOCK, "is a socket, not a log"),
    (stat.S_ISCHR, "is a device, not a log"),
    (stat.S_ISBLK, "is a device, not a log"),
)


_NETWORK_TYPES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"}


def open_for_reading(path: str) -> int:
    """A descriptor that reads the log. Takes no lock and needs no write permission.

    Raises:
        NoLog: the path does not exist.
        CannotOpen: it cannot be read, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a FIFO would wait forever for a writer.
    return _open(path, os.O_RDONLY | os.O_NONBLOCK)


def open_for_writing(path: str) -> int:
    """A descriptor that appends to an existing log.

    Raises:
        NoLog: the path does not exist.
        CannotOpen: it cannot be written, or is world-writable, so that nobody can vouch for it.
    """
    descriptor = _open(path, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK)
    if os.fstat(descriptor).st_mode & stat.S_IWOTH:
        os.close(descriptor)
        raise CannotOpen(path, "is world-writable; nothing was written", f"chmod o-w {path}")
    return descriptor


def own_path(path: str) -> str:
    """The absolute path of the log that `path` names; a symbolic link is followed once, to the log's real path.

    Raises:
        CannotOpen: it is a folder's name; or the link belongs to another user, who could point it anywhere, or cannot
            be read.
    """
    if os.path.basename(path) in ("", ".", ".."):
        raise CannotOpen(
            path,
            "is the name of a folder; nothing was written",
            f"name a file in it: {os.path.join(path, 'events.jsonl')}",
        )
    path = os.path.abspath(path)
    link = link_at(path)
    if link is None:
        return path
    if link.st_uid not in (0, os.geteuid()):
        raise CannotOpen(path, "is another user's link; nothing was written", "name the file it points to")
    return target_of(path)


def heads_of(log: str) -> str:
    """The path of the file of kept heads beside a log."""
    return os.path.realpath(log) + ".heads"


def link_at(path: str) -> os.stat_result | None:
    """The symbolic link at `path`, or None. Raises CannotOpen if that cannot be determined."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _cannot_open(path, os.R_OK, error, "examined") from error
    return found if stat.S_ISLNK(found.st_mode) else None


def target_of(path: str) -> str:
    """Where the link at `path` leads, existing or not. Raises CannotOpen if that cannot be determined."""
    try:
        return os.path.realpath(path, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return os.path.realpath(path)
    except OSError as error:
        raise _cannot_open(path, os.R_OK, error) from error


def warnings_about(path: str, descriptor: int) -> list[str]:
    """What about the file itself endangers a log: hard links, permissions that are too wide, a network file system."""
    found = os.fstat(descriptor)
    warnings = []
    if found.st_nlink > 1:
        warnings.append(f"{path} has {found.st_nlink} hard links: replacing one of them splits the log")
    if found.st_mode & stat.S_IWOTH:
        warnings.append(f"{path} is world-writable: chmod o-w")
    return warnings


def network_warnings(path: str, descriptor: int) -> list[str]:
    """A warning if the log is on a network file system, whose locks and appends are unreliable; detected on Linux only.

    flock(2) and open(2): over NFS, locks are emulated, and concurrent appends from two machines corrupt the file.
    """
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            types = {line.split(" - ")[1].split()[0] for line in mounts if line.split()[2] == number and " - " in line}
    except OSError:
        return []
    return [f"{path} is on {type}: keep the log on a local file system" for type in types & _NETWORK_TYPES]


def found_at(path: str) -> os.stat_result:
    """The status of the file at `path`, which may be a log.

    Raises:
        NoLog: the path does not exist.
        CannotOpen: it is not a regular file, or cannot be examined.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoLog(path) from None
    except OSError as error:
        raise _cannot_open(path, os.R_OK, error) from error
    if not stat.S_ISREG(found.st_mode):
        for is_kind, what in _KINDS:
            if is_kind(found.st_mode):
                raise CannotOpen(path, what)
    return found


def _open(path: str, flags: int) -> int:
    found_at(path)
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NoLog(path) from None
    except OSError as error:
        raise _cannot_open(path, os.W_OK if flags & os.O_RDWR else os.R_OK, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotOpen(path, "is not a regular file")
    return above_the_standard_streams(descriptor)


def denied(path: str, right: int, error: OSError) -> tuple[str, str]:
    """Why the file or folder at `path` was denied, and how to get access; see rights.py, loaded when it is needed."""
    from evcli.log.file import rights

    return rights.denied(path, right, error)


def _cannot_open(path: str, right: int, error: OSError, done: str = "opened") -> CannotOpen:
    why, hint = denied(path, right, error)
    return CannotOpen(path, f"cannot be {done}: {why}; nothing was written", hint)


def above_the_standard_streams(descriptor: int) -> int:
    """Avoid descriptors 0 to 2: if a standard stream was closed at start, a stray message would land in the log."""
    if descriptor > 2:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return moved
