"""Beginning a log: where there can be one, and the new file."""

import os
import stat
from typing import NamedTuple

from evcli.disk import make_folders
from evcli.errors import CannotCreate, NoFolder, NoLog
from evcli.log.file.open import above_the_standard_streams, denied, open_for_writing, own_path

LONGEST_ENDING = 32
"""Bytes for what is added to a log's name to name a copy or a cache beside it: `.damaged-1234567890-2`."""


class Place(NamedTuple):
    """Where a log is, or would be."""

    path: str
    """Its own absolute path, to which a link leads."""
    called: str
    """How messages call it: by the link's name, too."""
    makes_folders: bool
    """Whether missing folders are made: never where a link leads."""


def place_of(name: str, *, makes_folders: bool) -> Place:
    """The place of the log that `name` names. Raises CannotOpen."""
    path = own_path(name)
    if path == os.path.abspath(name):
        return Place(path, path, makes_folders)
    return Place(path, f"{name} (a link to {path})", makes_folders=False)


def open_or_create(place: Place) -> tuple[int, bool]:
    """A descriptor that appends to the log, and whether the log is new.

    Raises:
        CannotOpen: there is a log, and it cannot be written.
        NoFolder, CannotCreate: there is none, and none can be created.
    """
    while True:
        try:
            return open_for_writing(place.path), False
        except NoLog:
            try:
                return _create(place), True
            except FileExistsError:  # another process was faster
                continue


def check_place(place: Place) -> None:
    """Check that a log can be begun in a place, as far as that shows before it is tried.

    Raises:
        NoFolder: its folder is missing, and is not to be made.
        CannotCreate: its name is too long, or something else is where its folder would be.
    """
    _check_the_name_is_short(place)
    folder = os.path.dirname(place.path)
    if os.path.isdir(folder):
        return
    above = _first_that_exists(folder)
    leads_nowhere = os.path.islink(above) and not os.path.exists(above)
    if leads_nowhere:  # perhaps to a disk that is not mounted; `mkdir -p` makes what it leads to, but not by its name
        folder = os.path.realpath(folder)
        above = _first_that_exists(folder)
    if not os.path.isdir(above):
        raise CannotCreate(f"{place.called} cannot be created: {above} is not a folder; nothing was written")
    if leads_nowhere or not place.makes_folders:
        why = f"{place.called} cannot be created: there is no folder {folder}; nothing was written"
        raise NoFolder(why, folder, is_for_log=True)


def _first_that_exists(path: str) -> str:
    """The path, or the nearest one above it, that exists, even as a link that leads nowhere."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _create(place: Place) -> int:
    """A descriptor that appends to a new, empty log.

    Raises:
        FileExistsError: another process was faster.
        NoFolder, CannotCreate: it cannot be created.
    """
    check_place(place)
    path, called, makes_folders = place
    folder = os.path.dirname(path)
    try:
        if makes_folders:
            make_folders(folder)
        _check_it_can_be_synced(folder, called)
        mode = _mode_in(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, mode)
        # The umask limits the mode given to open, but an odd umask must not lock the owner out.
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & mode | 0o600)
    except FileExistsError:
        if os.path.lexists(path):
            raise
        raise CannotCreate(f"{called} cannot be created: {folder} is not a folder; nothing was written") from None
    except OSError as error:
        why, hint = denied(folder, os.W_OK, error)
        raise CannotCreate(f"{called} cannot be created: {why}; nothing was written", hint) from error
    return above_the_standard_streams(descriptor)


def _mode_in(folder: str) -> int:
    """The mode of a new log: its owner's only, unless a group shares the folder; then the umask decides."""
    found = os.stat(folder).st_mode
    return 0o660 if found & stat.S_ISGID and found & stat.S_IWGRP else 0o600


def _check_the_name_is_short(place: Place) -> None:
    """A name that has no room for the names of copies would first be noticed after a crash."""
    longest, length = 255 - LONGEST_ENDING, len(os.fsencode(os.path.basename(place.path)))
    if length > longest:
        why = f"its name has {length} bytes; at most {longest} leave room for the names of copies"
        raise CannotCreate(f"{place.called} cannot be created: {why}; nothing was written")


def _check_it_can_be_synced(folder: str, called: str) -> None:
    """A folder is opened to sync a new name in it: where it may not be read, no log is left that has no event."""
    try:
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except PermissionError as error:
        why = f"{called} cannot be created: its folder may not be read, and so not be synced: {error.strerror}"
        raise CannotCreate(f"{why}; nothing was written") from error
