"""`evcli what-if`: the register, and any answer about it, if other things had happened."""

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.edits import edits_of
from evcli.cli.line.typed import Typed, typed
from evcli.cli.options import LOCK_WAIT_FOR, lock_wait_of, read_head
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer
from evcli.cli.show.supposed import answer_of, tell
from evcli.errors import BadInput, BadRef, Damaged
from evcli.kinds import first_kind
from evcli.what_if.supposed import NotPossible, Supposed, suppose

if TYPE_CHECKING:
    from evcli.register.register import Register

_HELP = """Show what would be if other things had happened.

Drop events, insert others, or change some. The events after the first difference happen again, in memory; the log stays
as it is. Those that the rules would then refuse are left out, and named. The answer is the records that would be
different at the end. With a command after --, it is that command's answer about the supposed history, and stderr has
the rest.

All records keep their ids. A command's answer numbers the events anew; what is said on stderr has the log's numbers.

With --apply, events are recorded that make every record what it would be; one that would not be there ends. Each names
the first event about its record that is dropped, changed or refused, if any is. An inserted event with a time is
recorded as of that time, if it fits there. evcli undo takes all of them back.
"""


def what_if(
    session: Session,
    *,
    command: Sequence[str],
    drop: Sequence[str],
    insert: Sequence[str],
    change: Sequence[str],
    apply: bool,
    **how: Any,
) -> Answer | None:
    """`evcli what-if`"""
    asked = _Asked(drop, insert, change)
    if apply:
        return _apply(session, asked, command, **how)
    if given := next((name for name, value in how.items() if value not in (None, False)), None):
        raise BadInput(f"--{given.replace('_', '-')} is for --apply, which writes", "add --apply, or leave it out")
    if drop and all(map(_EVENT, command)) and command:
        drops = " ".join(f"--drop {shlex.quote(ref)}" for ref in (*drop, *command))
        raise BadInput(f'"{command[0]}" is no command; --drop names one event', f"of several: {drops}")
    inner = _question(session, command) if command else None
    if command and inner is None:  # it asked for help
        return None
    if inner is None:
        return answer_of(session.output, _supposed(session, session.opened(), asked, needs_some=True))
    if not any(asked):
        session.output.note("nothing is supposed: this is what happened")
    session.register.open()  # the command itself gives the warnings
    supposed = _supposed(session, session.register, asked)
    tell(session.output, supposed)
    session.turn_to(supposed.register)
    try:
        answer: Answer | None = inner.command.run(session, **inner.values)
    except Damaged as damaged:
        _explain(damaged)
        raise
    return answer


_EVENT = re.compile(r"[0-9]+|-[0-9]+|id:.*|(?:@|HEAD)[-~0-9]*|.*\.\..*").fullmatch
"""A word that names an event, or a range of them, and no command."""


class _Asked(NamedTuple):
    """The edits as they were typed."""

    drop: Sequence[str]
    insert: Sequence[str]
    change: Sequence[str]

    @property
    def in_words(self) -> str:
        """The command that asked for them."""
        options = (("--drop", self.drop), ("--insert", self.insert), ("--change", self.change))
        return f"what-if {shlex.join(word for name, texts in options for text in texts for word in (name, text))}"


def _apply(
    session: Session,
    asked: _Asked,
    command: Sequence[str],
    *,
    reason: str | None,
    dry_run: bool,
    expect: str | None,
    lock_wait: float | None,
) -> Answer:
    if command:
        raise BadInput("--apply answers with what it writes, not with another command", "ask first, without --apply")
    from evcli.cli.said.applied import Applied
    from evcli.domain.fields import REASON
    from evcli.register.decide import check_head
    from evcli.register.series import rehearsal
    from evcli.what_if.applying import applying

    why = REASON.clean(asked.in_words[:1900] if reason is None else reason)
    head, seconds = None if expect is None else read_head(expect), lock_wait_of(lock_wait)
    register = session.opened()
    rehearsal(register)
    check_head(register.known, head)
    supposed = _supposed(session, register, asked, needs_some=True)
    tell(session.output, supposed)
    told = Applied(session, supposed)
    with told.explaining():
        way = applying(register, supposed, session.new_id, why)
    return told.rehearsed(way) if dry_run else told.written(way, seconds)


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


def _supposed(session: Session, register: "Register", asked: _Asked, *, needs_some: bool = False) -> Supposed:
    """The history that is asked for. Raises BadInput, and a refusal that names the option which asks for it."""
    if needs_some and not any(asked):
        raise BadInput("there is nothing to suppose", "--drop, --insert and --change say what: evcli what-if -h")
    said = edits_of(session, *asked)
    try:
        return suppose(register, said.edits)
    except NotPossible as no:
        from evcli.cli.edits import not_possible

        raise not_possible(register, no, said.option_of(no.edit)) from None


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
            Parameter("drop", ("--drop",), "REF", "Without this event; also A..B.", is_event=True, is_many=True),
            Parameter(
                "insert",
                ("--insert",),
                "COMMAND",
                "With what COMMAND records as well, at its --occurred TIME or now.",
                is_many=True,
            ),
            Parameter(
                "change",
                ("--change",),
                "'REF COMMAND'",
                "With what COMMAND records in place of this event.",
                is_event=True,
                is_many=True,
            ),
            Parameter("apply", ("--apply",), "", "Write the events that make it so, after showing it.", "flag"),
            Parameter("reason", ("--reason",), "TEXT", "Why, with --apply; default: these options."),
            Parameter("dry_run", ("--dry-run",), "", "With --apply: show the plan; write nothing.", "flag"),
            Parameter("expect", ("--expect",), "HEAD", "Only if the head is still N (or N:SHA256); else exit 13."),
            LOCK_WAIT_FOR,
        ],
        [
            "evcli what-if --drop 17",
            f"evcli what-if --drop 17 -- {first_kind().name} list --all",
            f"evcli what-if --insert '{first_kind().name} destroy 3 --occurred 2026-03-01' -- diff 42 @",
            "evcli what-if --drop 17 --apply --dry-run",
            f"evcli what-if --change '20 {first_kind().name} rename 5 \"Ann\"' --json",
        ],
        EXIT_CODES,
    )
}
