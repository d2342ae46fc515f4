"""`evcli head`: the head of the log, printed, and kept under a name."""

import os
import shlex
from typing import TYPE_CHECKING

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.environment import at_home
from evcli.cli.options import AT, LOCK_WAIT_FOR, lock_wait_of
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.safe import valid
from evcli.errors import BadInput, CannotOpen

if TYPE_CHECKING:
    from evcli.register.heads import KeptIn
    from evcli.register.past import Position


def head(session: Session, *, at: str | None, keep: str | None, to: str | None, lock_wait: float | None) -> Answer:
    """`evcli head`"""
    if to is not None and keep is None:
        raise BadInput("--to needs a name for the head", f"evcli head --keep NAME --to {shlex.quote(to)}")
    register = session.opened()
    register.log.sync()  # a head that is handed out must be durable
    place = register.head() if at is None else register.position(session.moment(at, by_time="evcli state --as-of"))
    if keep is not None:
        return _keep(session, place, keep, to and at_home(to), lock_wait_of(lock_wait))
    document = {"number": place.number, "sha256": place.sha256.decode()}
    rows = [(place.number, place.sha256.decode())]
    return Answer(header=("number", "sha256"), rows=rows, document=document, lines=[place.head])


def _keep(session: Session, place: "Position", name: str, to: str | None, wait: float) -> Answer:
    from evcli.cli.done import answer_to
    from evcli.register.heads import NameTaken, NotOnTheChain, keep

    try:
        done = keep(session.register.log, place, name, session.clock(), to=to, wait=wait, held=session.held)
    except NameTaken as taken:
        words = f"--keep {shlex.quote(taken.kept.name)}" + (f" --to {shlex.quote(to)}" if to else "")
        taken.hint = f"choose another name, or keep that same head: evcli head --at {taken.kept.number} {words}"
        raise
    except CannotOpen as closed:
        closed.hint = _other_place(to) or closed.hint or ("name another FILE" if to else "--to FILE keeps it elsewhere")
        raise
    except NotOnTheChain as no:
        no.hint = "nothing was written; name another FILE, or compare the log with a backup"
        raise
    for notice in done.notices:
        session.output.warning(notice)
    return answer_to(
        lambda: _answer(done, is_elsewhere=to is not None),
        f"the head is kept in {done.paths[0]}",
        "evcli verify checks it",
    )


def _other_place(to: str | None) -> str:
    """What to do about a FILE that is a folder, or is in a folder that is missing; otherwise ""."""
    if not to:
        return ""
    if os.path.isdir(to):
        return f"name another FILE, as {shlex.quote(os.path.join(to, 'heads'))}"
    folder = os.path.dirname(os.path.abspath(to))
    return "" if os.path.lexists(folder) else f"if the path is right: mkdir -p {shlex.quote(folder)}"


def _answer(done: "KeptIn", *, is_elsewhere: bool) -> Answer:
    kept = done.kept
    document = {
        "number": kept.number,
        "sha256": kept.sha256,
        "name": kept.name,
        "time": kept.time,
        "log": kept.log,
        "files": [valid(path) for path in done.paths],
        "recorded": not done.was_there,
    }
    where = " and ".join(done.paths)
    said = f'{"already kept" if done.was_there else "kept"} as "{kept.name}" in {where}; evcli verify checks it'
    if not is_elsewhere:
        said += ", but who can rewrite the log can rewrite this file: --to FILE keeps it elsewhere, too"
    row = (kept.number, kept.sha256, kept.name, kept.time)
    header = ("number", "sha256", "name", "time")
    return Answer(header=header, rows=[row], document=document, lines=[kept.head], remarks=[("note", said)])


_HEAD = """Print NUMBER:SHA256 of the last event, or of any, and keep it under a name.

It can later prove that nothing up to that event was changed, removed or inserted. It is read from the last
line; evcli verify checks the others.

With --keep it is added, durably, to a small file beside the log (LOG.heads), and to FILE, best on another
machine or a medium that nobody changes: evcli help evidence says why. evcli verify checks all of them, and
the name is a REF: --at "Q1 review".
"""

COMMANDS = {
    "head": lambda: Command(
        head,
        _HEAD,
        [
            AT,
            Parameter("keep", ("--keep",), "NAME", "Keep it under this name, beside the log."),
            Parameter("to", ("--to",), "FILE", "Keep it in this file, too; it is created if need be."),
            LOCK_WAIT_FOR,
        ],
        [
            "evcli head > head.kept-elsewhere",
            "evcli head --at 2026-03-03",
            'evcli head --keep "Q1 review" --to /media/safe/heads',
        ],
        EXIT_CODES,
    )
}
