"""A command that judges states: as in `git bisect run`, its exit code says whether one is good."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from evcli.disk import held_signals
from evcli.errors import BadInput
from evcli.register.first_bad import Verdict

EVENT = "EVCLI_BISECT_EVENT"
"""The variable that tells the command which event the state is after."""

_SKIP, _NOT_RUN, _ABORT = 125, (126, 127), 128
"""Exit codes: the state cannot be told; a shell could not run a command; from here on, the search is over."""

_PATIENCE = 2.0
"""Seconds that a command has to end when evcli is interrupted."""


class CheckFailed(BadInput):
    """The command gave no verdict."""

    code = "check-failed"


class Judge:
    """The command, as its words."""

    def __init__(self, words: Sequence[str], log: str) -> None:
        """`log` is the path of the log, which evcli uses where the command starts it."""
        self._words, self._log = words, os.path.abspath(log)
        self._is_run = False

    def verdict(self, number: int, document: bytes) -> Verdict:
        """What the command says of the state after an event, whose document it reads. Raises CheckFailed."""
        code = self._exit_code(number, document)
        name = self._words[0]
        if code < 0 or code >= _ABORT:
            by = f"was ended by {_signal(-code)}" if code < 0 else f"exited with {code}"
            raise CheckFailed(f"{name} {by} at event {number}", "0 is good, 1 to 124, 126 and 127 are bad, 125 skips")
        if code in _NOT_RUN and not self._is_run:
            raise CheckFailed(
                f"{name} exited with {code} at event {number}, as a shell does that cannot run a command",
                "check its words; the first state is to be good, so that this is not taken for a verdict",
            )
        self._is_run = True
        return "good" if code == 0 else "skip" if code == _SKIP else "bad"

    def _exit_code(self, number: int, document: bytes) -> int:
        """Run it; what it prints goes to stderr, for stdout is evcli's answer."""
        process = None
        try:
            with held_signals():  # one that comes now must find the process
                process = self._started(number)
            process.communicate(document)
        except BaseException:
            if process is not None:
                _end(process)
            raise
        return process.returncode

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, EVENT: str(number), "EVCLI_LOG": self._log}
        out = subprocess.DEVNULL if sys.stderr is None else 2
        try:
            return subprocess.Popen(  # noqa: S603  # that is what was asked for
                self._words, stdin=subprocess.PIPE, stdout=out, env=environment,
                preexec_fn=_release_signals,  # noqa: PLW1509  # there is one thread
            )  # fmt: skip
        except (OSError, ValueError) as error:
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            is_quoted = len(self._words) == 1 and " " in self._words[0]
            hint = "write its words after --, without quotes around all of them; or -- sh -c '…'" if is_quoted else ""
            raise CheckFailed(f"{self._words[0]} cannot be run: {why}", hint) from error


def _release_signals() -> None:
    """Let the new process have the signals that are held while it is started."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it, gently first: on a terminal it was interrupted as well."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    process.kill()
    process.wait()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
