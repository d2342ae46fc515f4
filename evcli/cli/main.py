"""From arguments to exit code: the one place where errors become text and numbers."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from evcli.cli.app import root
from evcli.cli.environment import setting
from evcli.cli.line.plain import read
from evcli.cli.session import Session
from evcli.errors import AnswerLost, BadInput, EvcliError, Interrupted, NotWritten
from evcli.register.actor import random_id, utc_now

if TYPE_CHECKING:
    from evcli.cli.show.output import Answer


def run() -> NoReturn:
    """The `evcli` command: run the process's arguments and end with the exit code."""
    if os.name == "nt":
        sys.exit("error: evcli needs the file locks and syncs of Linux or macOS\nhint: on Windows, run it inside WSL")
    if sys.argv[1:2] == ["_complete"]:
        from evcli.cli.line.completing import complete

        complete("".join(sys.argv[2:3]), sys.argv[3:])
        code = 0
    else:
        code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):  # a closed one is None
            stream.flush()
    # Shutting the interpreter down takes up to a tenth of a short command, and nothing here needs it.
    os._exit(code)


def main(
    arguments: Sequence[str],
    *,
    clock: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = random_id,
) -> int:
    """Run `arguments` (without the program's name); return the exit code listed in `evcli help exit-codes`.

    Answers go to sys.stdout, messages to sys.stderr. `clock` (returns a time with its zone) and `new_id` supply times
    and event ids.
    """
    before = _interruptible()
    try:
        return _run(Session(clock=clock, new_id=new_id), arguments)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(session: Session, arguments: Sequence[str]) -> int:
    try:
        with session:
            answer = _answer(session, arguments)
            if answer is not None:
                session.give(answer)
        return 0
    except EvcliError as error:
        return _fail(session, arguments, error)
    except BrokenPipeError:
        return 0  # the reader has seen enough
    except MemoryError:
        return _fail(session, arguments, NotWritten("there is not enough memory; nothing was written"))
    except OSError as error:
        return _fail(session, arguments, _as_failure(error))
    except Exception as error:  # noqa: BLE001  # the last resort: a bug ends in one line, not in a traceback
        if setting("EVCLI_DEBUG"):
            import traceback

            traceback.print_exc()
            return EvcliError.exit
        bug = EvcliError(
            f"this is a bug in evcli: {type(error).__name__}: {error}",
            "run it again with EVCLI_DEBUG=1 and report the traceback; evcli verify says whether the log is good",
        )
        bug.code = "bug"
        return _fail(session, arguments, bug)


def _answer(session: Session, arguments: Sequence[str]) -> "Answer | None":
    if os.environ.get("_EVCLI_COMPLETE") in ("bash", "zsh", "fish"):  # a line that must not be run: only completed
        raise BadInput(
            "_EVCLI_COMPLETE is set, as completion scripts of evcli 0.1 do; nothing was done",
            "unset _EVCLI_COMPLETE; renew an old script with evcli completion bash (or zsh, fish)",
        )
    commands = root()
    session.commands = commands.commands
    line = read(arguments, commands)
    if line is None:
        from evcli.cli.line.parser import run as run_parsed

        return run_parsed(session, commands, arguments)
    for option, value in line.shared:
        session.set(option, value)
    session.check_form(line.command.forms)
    answer: Answer | None = line.command.run(session, **line.values)
    return answer


def _interruptible() -> dict[signal.Signals, signal.Handlers | Callable[[int, FrameType | None], object] | int | None]:
    """Make INT, TERM and HUP raise an error with its exit code, unless the caller set them to be ignored."""
    return {
        number: signal.signal(number, _interrupt)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN
    }


def _as_failure(error: OSError) -> EvcliError:
    """An unexpected system error: about the answer if stdout is broken, otherwise about the log."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return AnswerLost(f"the answer could not be shown: stdout: {error.strerror}")
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return NotWritten(f"{what}; nothing was written")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)


def _fail(session: Session, arguments: Sequence[str], error: EvcliError) -> int:
    if session.output.form is None:  # perhaps parsing failed before the options were read
        arguments = arguments[: arguments.index("--")] if "--" in arguments else arguments
        words = " ".join(arguments).replace("=", " ")
        session.output.form = next((form for form in ("jsonl", "json") if f"--format {form}" in words), None)
        if "--json" in arguments:
            session.output.form = "json"
    from evcli.cli.hints import hint_for

    error.hint = session.with_log(hint_for(error, session.log_words))
    session.output.error(error)
    return error.exit
