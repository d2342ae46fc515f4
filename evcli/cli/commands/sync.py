"""`evcli sync`: make the register what a list says, by a plan."""

from contextlib import ExitStack
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.limit import limit_of
from evcli.cli.options import KIND, LOCK_WAIT_FOR, kind_of, lock_wait_of, read_head
from evcli.cli.reading import WITHOUT_DATES, reading_of
from evcli.cli.said.synced import Told
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.domain.fields import REASON
from evcli.domain.kind import Kind
from evcli.errors import BadInput
from evcli.kinds import all_kinds
from evcli.sync.limit import USUAL
from evcli.sync.lists import List, opened
from evcli.sync.means import Means
from evcli.sync.plan import Reasons
from evcli.sync.run import Sync

_HELP = """Make the register what a list says.

The list has everybody who is there, one in a row. Who is new is created, who has another name or e-mail is changed, who
was destroyed is restored, and who is not on the list is destroyed. --dry-run shows the plan.
"""

_MORE = """\
The list is read as import reads it, in any form in which other programs export it (evcli import --help). A row whose
column "destroyed" is set, as in an export of all, is of somebody who is not there.

--by says how a row finds its record:
  email (the unique field)  the default; another name for the same e-mail is a rename
  name                      another e-mail for the same name is a change of e-mail
  id                        evcli's own id in a column "id", as in an export; a row without one is found by its e-mail
  any other column          a key of another system, say an employee number; --previous is the list before, which has it
                            beside the e-mail of that time: so who has another e-mail is the same one. What LIST says
                            is what the register was after the last event of that list, or is now if it led to none

All of the plan is one batch if it fits (about 2,000 events), else several; run it again if it is interrupted. It is
written only if nobody else has written since it was made. Two who swapped e-mails need a third one for a moment: it is
swap-1@evcli.invalid, and its reason says so.
Its events keep the list's name and the beginning of its SHA-256: evcli log --list FILE shows them.
"""


def sync(
    session: Session,
    *,
    file: str,
    kind: str | None,
    by: str | None,
    previous: str | None,
    keep_missing: bool,
    max_destroy: str | None,
    reason: str | None,
    expect: str | None,
    dry_run: bool,
    lock_wait: float | None,
    **reading: Any,
) -> Answer:
    """`evcli sync`"""
    of_kind = _kind(kind)
    column = _by(of_kind, by, previous)
    limit = USUAL if max_destroy is None else limit_of(max_destroy)
    head = None if expect is None else read_head(expect)
    means = Means(of_kind)
    how = reading_of(dict.fromkeys((*means.fields, column, of_kind.ended)), **reading)
    with ExitStack() as lists:
        listed = lists.enter_context(opened(file))
        run = Sync(
            session.register, listed, means, _reasons(of_kind, listed, reason),
            by=column, earlier=None if previous is None else lists.enter_context(opened(previous)),
            how=how, keeps=keep_missing, lock_wait=lock_wait_of(lock_wait),
        )  # fmt: skip
        told = Told(session, of_kind, listed, run)
        planned = told.plan(head)
        return told.rehearsed(planned, limit) if dry_run else told.written(planned, limit)


def _kind(name: str | None) -> Kind:
    kind = kind_of(name)
    if not kind.unique:
        raise BadInput(f"{kind.plural} have no unique field, so a list cannot say which is which")
    return kind


def _by(kind: Kind, typed: str | None, previous: str | None) -> str:
    """The field, or the column, by which a row finds its record."""
    known = (*kind.names, "id")
    column = kind.unique if typed is None else typed.strip().casefold()
    if previous is None and column not in known:
        from evcli.cli.line.meant import nearest

        near = nearest(column, known)
        hint = f"did you mean --by {near[0]}? " if near else ""
        hint += f"another column, in which each {kind.name} has a key of another system, needs --previous LIST"
        raise BadInput(f'--by "{typed}" is not one of {", ".join(known)}', hint)
    if previous is not None and (column in known or not column):
        raise BadInput("--previous is for --by COLUMN, in which another system has a key", "leave it out")
    return column


def _reasons(kind: Kind, listed: List, reason: str | None) -> Reasons:
    aside = f"a stand-in, while {kind.fields[kind.unique].label}s are swapped"
    if reason is not None:
        text = REASON.clean(reason)
        return Reasons(text, text, f"{text[:1900]} ({aside})")
    name = listed.short_name
    return Reasons(f"on the list {name}", f"not on the list {name}", f"on the list {name} ({aside})")


def _fields() -> list[str]:
    return list(dict.fromkeys([*(name for kind in all_kinds() for name in kind.names), "id"]))


COMMANDS = {
    "sync": lambda: Command(
        sync,
        _HELP,
        [
            Parameter("file", (), "FILE", "The list; - is standard input.", is_required=True),
            *WITHOUT_DATES,
            KIND,
            Parameter("by", ("--by",), "FIELD", "What finds a row's record; default: the unique field.", among=_fields),
            Parameter("previous", ("--previous",), "LIST", "The list before; for --by with a column of the list."),
            Parameter("keep_missing", ("--keep-missing",), "", "Leave those who are not on the list.", "flag"),
            Parameter(
                "max_destroy",
                ("--max-destroy",),
                "N",
                f"Refuse to destroy more: a number, or 50%; default {USUAL.number}%, or {USUAL.least} if that is more.",
            ),
            Parameter("reason", ("--reason",), "TEXT", "Why; default: the list's name."),
            Parameter("dry_run", ("--dry-run",), "", "Show the plan; write nothing.", "flag"),
            Parameter("expect", ("--expect",), "HEAD", "Only if the head is still N (or N:SHA256); else exit 13."),
            LOCK_WAIT_FOR,
        ],
        [
            "evcli sync people.csv --dry-run",
            "evcli sync people.xlsx",
            'evcli sync people.csv --reason "HR list of March"',
            "evcli sync members.csv --by name --keep-missing",
            "evcli sync april.csv --by employee --previous march.csv",
            "evcli sync people.csv --max-destroy 50%",
        ],
        _MORE + EXIT_CODES,
    )
}
