"""Other users in tests, in real processes without the rights of root, and a folder that a group of them shares."""

import importlib
import os
import pickle
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

import evcli

TEAM = 61000
"""The group that shares the folder."""

Answer = TypeVar("Answer")

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for other users")


class Member(NamedTuple):
    """A user of a number that no system gives out, his main group of the same number, and other groups."""

    user: int
    groups: tuple[int, ...] = (TEAM,)
    umask: int = 0o002

    def does(self, work: Callable[[], Answer]) -> Answer:
        """What `work` gives when this user does it, in a fork of this process."""
        answer = self.tries(work)
        assert answer is not None, "the process was killed"
        return answer

    def tries(self, work: Callable[[], Answer]) -> Answer | None:
        """The same; None when the process was killed."""
        _load_everything()
        end, pipe = os.pipe()
        if (child := os.fork()) == 0:
            try:
                os.setgroups(self.groups)
                os.setgid(self.user)
                os.setuid(self.user)
                os.umask(self.umask)
                os.environ["HOME"] = f"{os.environ['HOME']}-{self.user}"
                answer: tuple[Answer | None, str] = work(), ""
            except BaseException as raised:  # noqa: BLE001  # told to the parent
                answer = None, repr(raised)
            with os.fdopen(pipe, "wb") as file:
                pickle.dump(answer, file)
            os._exit(0)
        os.close(pipe)
        with os.fdopen(end, "rb") as file:
            told = file.read()
        os.waitpid(child, 0)
        if not told:
            return None
        given, error = pickle.loads(told)
        assert not error, f"user {self.user}: {error}"
        return given  # type: ignore[no-any-return]


ANN, BOB, EVE = Member(61001), Member(61002), Member(61003, groups=())
"""Ann and Bob are in the team, Eve is not."""


@contextmanager
def shared_folder(mode: int = 0o2775) -> Iterator[Path]:
    """A folder of Ann's and the team's; not below pytest's own folder, into which other users cannot look."""
    above = Path(tempfile.mkdtemp(prefix="evcli-shared-"))
    try:
        above.chmod(0o755)
        folder = above / "team"
        folder.mkdir()
        os.chown(folder, ANN.user, TEAM)
        folder.chmod(mode)
        yield folder
    finally:
        shutil.rmtree(above)


def _load_everything() -> None:
    """Load all that a command may load late: other users may not be able to read this Python's own files."""
    for module in pkgutil.walk_packages(evcli.__path__, "evcli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
