"""Paging: on a terminal, an answer of more than a screen is streamed through a pager."""

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

from evcli.cli.show.safe import encodable


def page(pieces: Iterable[str | bytes]) -> Iterable[str | bytes]:
    """Show `pieces` in a pager if they fill more than a screen; return what is left to write to stdout.

    The pager is EVCLI_PAGER, PAGER or less, with LESS=FRX unless set; an empty one, `cat`, or one that is not
    installed means none.
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
    command = os.environ.get("EVCLI_PAGER", os.environ.get("PAGER", "less"))
    words = shlex.split(command)
    if not words or words[0] == "cat" or shutil.which(words[0]) is None:
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
