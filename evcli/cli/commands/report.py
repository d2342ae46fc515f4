"""`evcli report`: who was there at the beginning of a period, came, left and changed, and who is there at its end."""

from collections.abc import Iterable

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import KIND, kind_of
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer
from evcli.errors import BadInput

_HELP = """Show who was there, came, changed and left in a period, and how to check that.

A month or a quarter alone, as in --from 2026-Q1, is the period. What counts is when an event was recorded. The counts
add up, or there is no report. It names the log's heads at both moments; a copy that is kept elsewhere proves later
that nothing was changed since.

A table and Markdown have all of it; CSV and plain have a row for each record and event; --html writes a page to be
printed or sent, which needs no other file, no script and no network.
"""


def report(
    session: Session, *, from_: str | None, to: str | None, kind: str | None, html: str | None, force: bool
) -> Answer | None:
    """`evcli report`"""
    of_kind = kind_of(kind)
    if html is not None and session.output.form is not None:
        raise BadInput(f"--html and --format {session.output.form} are two forms", "ask for one of them at a time")
    if force and html is None:
        raise BadInput("--force replaces the file of --html, which is not given", "leave --force out")
    from evcli.cli.report.facts import facts_of
    from evcli.cli.report.tables import document, rows, sum_of, tables

    session.opened()
    session.output.paged &= html is None  # what is said of moments is said above the pager's text, if there is one
    facts = facts_of(session, of_kind, from_, to)
    if html is not None:
        from evcli.cli.report.page import page

        _write(session, page(facts), html, force, f"{facts.title}: {sum_of(facts)}")
        return None
    form = session.output.chosen_form
    if form in ("json", "jsonl"):
        return Answer(document=document(facts))
    if form in ("table", "markdown"):
        session.output.times = "absolute"
        return tables(facts)
    session.output.note(f"{facts.title}: {sum_of(facts)}")
    session.output.note(f"heads: {facts.beginning.at.head} and {facts.end.at.head}")
    return rows(facts)


def _write(session: Session, page: Iterable[str], file: str, may_replace: bool, told: str) -> None:
    from evcli.cli.to_file import STDOUT, Write, to_file

    def write(put: Write, where: str, *, is_stream: bool) -> str:
        put(piece.encode() for piece in page)
        return f"{told}; written to {where}"

    if file in STDOUT:
        session.output.note(write(session.output.write, "stdout", is_stream=True))
    else:
        to_file(session, file, may_replace, write)


COMMANDS = {
    "report": lambda: Command(
        report,
        _HELP,
        [
            Parameter(
                "from_", ("--from",), "REF", "A day means its beginning. Default: the beginning.", is_moment=True
            ),
            Parameter(
                "to", ("--to",), "REF", "A day means its end. Default: now, or the end of a period.", is_moment=True
            ),
            KIND,
            Parameter("html", ("--html",), "FILE", "Write one HTML page, whole or not at all; - is stdout."),
            Parameter("force", ("--force",), "", "Replace FILE if it exists.", "flag"),
        ],
        [
            "evcli report --from 2026-Q1",
            "evcli report --from 2026-01-01 --to 2026-03-31 --html review.html",
            "evcli report --from 2026-03 --format markdown > review.md",
            "evcli report --from 42 --to 57 --format csv",
        ],
        EXIT_CODES,
        only_asks=True,
    )
}
