"""`evcli what-if`: the register, and any answer about it, if other things had happened."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.edits import Said, edits_of
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer
from evcli.cli.show.supposed import answer_of, tell
from evcli.cli.typed import Typed, typed
from evcli.errors import BadInput, BadRef, Damaged, Refused
from evcli.kinds import first_kind
from evcli.register.what_if import NotPossible, Supposed, suppose

if TYPE_CHECKING:
    from evcli.register.register import Register

_HELP = """Show what would be if other things had happened.

Events can be dropped, put in or changed. Those after the first difference happen again, in memory; the log stays as it
is. Later events that the rules would refuse then are left out and named. Without a command, the answer is the records
that would be different at the end; with one after --, it is that command's own answer about the history that did not
happen, and stderr has the rest.

A record that is not begun leaves its id unused: other records keep theirs. Events are numbered anew.
"""


def what_if(
    session: Session, *, command: Sequence[str], drop: Sequence[str], insert: Sequence[str], change: Sequence[str]
) -> Answer | None:
    """`evcli what-if`"""
    inner = _question(session, command) if command else None
    if command and inner is None:  # it asked for help
        return None
    if inner is None and not (drop or insert or change):
        raise BadInput(
            "there is nothing to suppose", "--drop, --insert and --change say what; evcli what-if -h shows how"
        )
    if inner is None:
        register = session.opened()
    else:
        register = session.register
        register.open()  # the command itself gives the warnings
    supposed = _supposed(register, edits_of(session, drop, insert, change))
    if inner is None:
        return answer_of(session.output, supposed)
    tell(session.output, supposed)
    session.turn_to(supposed.register)
    try:
        answer: Answer | None = inner.command.run(session, **inner.values)
    except Damaged as damaged:
        _explain(damaged)
        raise
    return answer


def _question(session: Session, words: Sequence[str]) -> Typed | None:
    """The command that is asked of the history; None if it asked for help. Raises BadInput."""
    from evcli.cli.app import root

    commands = root()
    found = typed(session, words, commands)
    if found is None:
        return None
    name = " ".join(found.path)
    if not found.command.only_asks:
        asking = [each for each, build in commands.commands.items() if getattr(build(), "only_asks", False)]
        hint = f"it runs {', '.join(asking)}, and list and show of a kind"
        raise BadInput(f"what-if runs no {name}: it only asks about what did not happen", hint)
    for option, what in (("follow", "-f waits for new events"), ("html", "--html writes a file")):
        if found.values.get(option):
            raise BadInput(f"{name} {what}, and nothing of this is ever written", "leave it out")
    if found.values.get("file", "-") != "-":
        raise BadInput(f"{name} FILE writes a file, and this is only supposed", "leave FILE out, for stdout")
    return found


def _supposed(register: "Register", said: Said) -> Supposed:
    try:
        return suppose(register, said.edits)
    except NotPossible as no:
        why: Refused = no.why
        why.message = f"{said.option_of(no.edit)}: {why.message}"
        raise why from None


def _explain(damaged: Damaged) -> None:
    """Raise BadRef if a kept head is of an event that this history does not have."""
    from evcli.register.heads import NotOnTheChain

    if isinstance(damaged, NotOnTheChain):
        raise BadRef(
            damaged.kept.name, f"is event {damaged.kept.number} of the log, which this history does not have"
        ) from None


COMMANDS = {
    "what-if": lambda: Command(
        what_if,
        _HELP,
        [
            Parameter(
                "command", (), "[-- COMMAND]", "What to ask: state, log, diff, show …", is_many=True, is_command=True
            ),
            Parameter("drop", ("--drop",), "REF", "Without this event; also A..B.", is_moment=True, is_many=True),
            Parameter(
                "insert",
                ("--insert",),
                "COMMAND",
                "With what COMMAND would record, at its --occurred TIME, else now.",
                is_many=True,
            ),
            Parameter(
                "change",
                ("--change",),
                "'REF COMMAND'",
                "With what COMMAND would have recorded instead of this event.",
                is_moment=True,
                is_many=True,
            ),
        ],
        [
            "evcli what-if --drop 17",
            f"evcli what-if --drop 17 -- {first_kind().name} list --all",
            f"evcli what-if --insert '{first_kind().name} destroy 3 --occurred 2026-03-01' -- diff 42 @",
            f"evcli what-if --change '20 {first_kind().name} rename 5 \"Ann\"' --json",
        ],
        EXIT_CODES,
    )
}
