"""Paging: on a terminal, an answer of more than a screen is streamed through a pager."""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, dropwhile

from evcli.cli.show.safe import encodable

_IS_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=").match


def page(pieces: Iterable[str | bytes], warn: Callable[[str], None]) -> Iterable[str | bytes]:
    """Show `pieces` in a pager if they fill more than a screen; return what is left to write to stdout.

    The pager is EVCLI_PAGER, PAGER or less, with LESS=FRX unless set; an empty one, `cat`, or one that is not
    installed means none. `warn` receives what is wrong with one that no shell can read.
    """
    pieces = iter(pieces)
    height = shutil.get_terminal_size().lines
    first: list[str | bytes] = []
    lines = 0
    while lines < height:
        piece = next(pieces, None)
        if piece is None:
            return first
        first.append(piece)
        lines += piece.count("\n") if isinstance(piece, str) else piece.count(b"\n")
    name = next((name for name in ("EVCLI_PAGER", "PAGER") if name in os.environ), "")
    command = os.environ.get(name, "less")
    try:
        # Like a shell, look past settings before the command: `LESSSECURE=1 less`.
        program = next(dropwhile(_IS_SETTING, shlex.split(command)), "cat")
    except ValueError as error:
        warn(f"{name} is not a command: {error}; shown without a pager")
        program = "cat"
    if program == "cat" or shutil.which(program) is None:
        return chain(first, pieces)
    _run(command, chain(first, pieces))
    return ()


def _run(command: str, pieces: Iterator[str | bytes]) -> None:
    import signal
    import subprocess

    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8", **os.environ}
    # As in git, the pager is a shell command line from the user's own environment.
    pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)  # noqa: S602
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the pager handles Ctrl-C
    try:
        with suppress(BrokenPipeError), pager:  # the pager may quit before the end
            for piece in pieces:
                pager.stdin.write(encodable(piece, "utf-8") if isinstance(piece, str) else piece)  # type: ignore[union-attr]  # it is a pipe
    finally:
        signal.signal(signal.SIGINT, before)
