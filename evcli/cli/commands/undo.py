"""`evcli undo`, `redo`, `revert`, `restore-to`: append what takes events back, or what brings an earlier state back."""

from collections.abc import Callable
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.events_named import events_named
from evcli.cli.options import LOCK_WAIT_FOR, lock_wait_of, read_head
from evcli.cli.said.undone import Told
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.domain.fields import REASON
from evcli.kinds import first_kind
from evcli.register.decide import check_head
from evcli.register.register import Register
from evcli.register.series import rehearsal
from evcli.undo.plans import Way, redo, restore_to, revert, undo

_Plan = Callable[[Register, str | None], Way]

_DEPENDENTS = """\
A later event depends on one that is to be taken back if it could not have happened without it, if it set the same field
again or ended the record, or if another record now has the unique field that would be given back. Such events are
named, and nothing is written; --with-dependents takes them back, too, the newest first.
"""
_BATCHES = """\
Up to about 2,000 events are one batch: all or none. More are several batches, which is said first. Nothing is written
if somebody else has written since the plan was made. """


def _undo(session: Session, *, with_dependents: bool, **how: Any) -> Answer:
    def plan(register: Register, reason: str | None) -> Way:
        return undo(register, session.new_id, reason, with_dependents=with_dependents)

    return _run(session, plan, Told(session, "undo", "undone", "redo: evcli redo"), **how)


def _redo(session: Session, **how: Any) -> Answer:
    def plan(register: Register, reason: str | None) -> Way:
        return redo(register, session.new_id, reason)

    return _run(session, plan, Told(session, "redo", "redone", "undo: evcli undo"), **how)


def _revert(session: Session, *, refs: tuple[str, ...], with_dependents: bool, **how: Any) -> Answer:
    def plan(register: Register, reason: str | None) -> Way:
        numbers = sorted({number for ref in refs for number in events_named(session, ref)})
        return revert(register, session.new_id, numbers, reason, with_dependents=with_dependents)

    return _run(session, plan, Told(session, "revert", "reverted", "undo: evcli undo"), **how)


def _restore_to(session: Session, *, ref: str, max_destroy: str | None, **how: Any) -> Answer:
    from evcli.cli.said.restored import HALF, Restored

    told = Restored(session)
    if max_destroy is not None:
        from evcli.cli.limit import limit_of

        told.limit = limit_of(max_destroy)

    def plan(register: Register, reason: str | None) -> Way:
        moment = session.moment(ref, by_time="evcli state --as-of")
        told.to = moment.number
        if moment.span is not None and told.limit is None:
            told.limit = HALF
        return restore_to(register, session.new_id, told.to, reason)

    return _run(session, plan, told, **how)


def _run(
    session: Session,
    plan: _Plan,
    told: Told,
    *,
    reason: str | None,
    dry_run: bool,
    expect: str | None,
    lock_wait: float | None,
) -> Answer:
    why = None if reason is None else REASON.clean(reason)
    head, seconds = None if expect is None else read_head(expect), lock_wait_of(lock_wait)
    register = session.opened()
    rehearsal(register)
    check_head(register.known, head)
    with told.explaining():
        way = plan(register, why)
    return told.rehearsed(way) if dry_run else told.written(way, seconds)


def _options(reason: str) -> list[Parameter]:
    return [
        Parameter("reason", ("--reason",), "TEXT", f'Why; default: "{reason}".'),
        Parameter("dry_run", ("--dry-run",), "", "Show the plan; write nothing.", "flag"),
        Parameter("expect", ("--expect",), "HEAD", "Only if the head is still N (or N:SHA256); else exit 13."),
        LOCK_WAIT_FOR,
    ]


_WITH_DEPENDENTS = Parameter(
    "with_dependents", ("--with-dependents",), "", "Also take back later events that depend on them.", "flag"
)


def _undo_command() -> Command:
    return Command(
        _undo,
        "Take back the last command.\n\n"
        "What one command recorded is taken back as a whole: an import, a sync, a change of several records. Nothing "
        "is deleted: each of its events, the newest first, is answered by a new one, which names it. Run undo again "
        "to take back the command before; evcli redo goes the other way.",
        [_WITH_DEPENDENTS, *_options("undo of event N")],
        ["evcli undo --dry-run", "evcli undo", 'evcli undo --reason "wrong list"', "evcli undo --with-dependents"],
        _DEPENDENTS + _BATCHES + "Run again after an interruption, it takes back what is left.\n" + EXIT_CODES,
    )


def _redo_command() -> Command:
    return Command(
        _redo,
        "Take back the last undo.\n\n"
        "Run redo again to take back the undo before. Once another command is recorded, redo is refused; evcli revert "
        "takes back any event, also one of an undo.",
        _options("redo: takes back event N"),
        ["evcli redo --dry-run", "evcli redo"],
        EXIT_CODES,
    )


def _revert_command() -> Command:
    return Command(
        _revert,
        "Take back certain events, whatever happened since.\n\n"
        "Then every record is what it would be without these events; what is already taken back stays so. A REF is one "
        "event, A..B are the events after A up to B. evcli trace REF says which events a command recorded.",
        [
            Parameter("refs", (), "REF", "An event, or A..B.", is_required=True, is_many=True, is_event=True),
            _WITH_DEPENDENTS,
            *_options("revert of event N"),
        ],
        [
            "evcli revert 17 --dry-run",
            "evcli revert 17 19 --with-dependents",
            "evcli revert 41..57",
            'evcli revert id:1b4e28ba --reason "wrong person"',
        ],
        _DEPENDENTS + _BATCHES + "Run again after an interruption, it takes back what is left.\n" + EXIT_CODES,
    )


def _restore_to_command() -> Command:
    kind = first_kind()
    return Command(
        _restore_to,
        "Bring the whole register back to what it was at a moment.\n\n"
        f"Every record gets the fields that it had then, and is live or {kind.ended} as it was; one that was not there "
        f"yet is {kind.ended}. Nothing is deleted: the events since stay in the log.",
        [
            Parameter("ref", (), "REF", "The moment (evcli help refs).", is_required=True, is_moment=True),
            Parameter(
                "max_destroy",
                ("--max-destroy",),
                "N",
                f"Refuse if more would be {kind.ended}: a number, or 60%; default, by a date or time: 50%.",
            ),
            *_options("restore to event N"),
        ],
        [
            "evcli restore-to 42 --dry-run",
            "evcli restore-to yesterday --max-destroy 60%",
            'evcli restore-to "Q1 review"',
        ],
        "It is about what was recorded: late events go on counting for --as-of.\n"
        + _BATCHES
        + "Run again after an interruption, it does what is left.\n"
        + EXIT_CODES,
    )


COMMANDS = {
    "undo": _undo_command,
    "redo": _redo_command,
    "revert": _revert_command,
    "restore-to": _restore_to_command,
}
