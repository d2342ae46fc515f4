"""`evcli log`, `show`: the events, and one event in full."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import BY_TYPE, LIMIT_FLAGS, LOG_AT, REF, SINCE, UNTIL, last_asked
from evcli.cli.options import about as about_kinds
from evcli.cli.options import as_of as as_of_option
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.render import in_full
from evcli.domain.event import Event
from evcli.errors import BadInput, BadRef
from evcli.register.past import Position

if TYPE_CHECKING:
    from evcli.cli.chosen import Chosen, Then
    from evcli.sync.lists import Meant


TIMES = ("absolute", "relative")


_HELP = """Show the events, newest first.

They are in the order in which they were recorded, which also --since, --until and A..B count by. With --as-of, in the
order in which they happened: those that had happened by TIME, or that happened from A to B of A..B.
"""


def log(
    session: Session,
    *,
    range: str | None,
    limit: int | None,
    reverse: bool,
    since: str | None,
    until: str | None,
    at: str | None,
    as_of: str | None,
    type: str | None,
    actor: str | None,
    grep: str | None,
    of_list: str | None,
    patch: bool,
    follow: bool,
    times: str | None,
    **about: str | None,
) -> Answer:
    """`evcli log`; `about_KIND` is the WHO of `--KIND`, the last of which counts."""
    from evcli.cli.chosen import Chosen, bounds

    _set_times(session, times)
    since, until = bounds(range, since, until, at)
    if follow:
        from evcli.cli.commands.following import LAST, check_it_can_go_on, opened

        check_it_can_go_on(session, until, as_of)
        # As in journalctl: --since asks for everything since then.
        limit = LAST if limit is None and since is None else limit
    register = opened(session) if follow else session.opened()
    first, end = _bounds(session, since, until, by_time="" if as_of else "--as-of")
    then = None if as_of is None else _then(session, as_of, end, None if until is None else end.number)
    lists = None if of_list is None else _lists(session, of_list)
    chosen = Chosen(register, about=_subject(session, about, then), type=type, actor=actor, grep=grep, lists=lists)
    if follow:
        return _follow(session, chosen, first, end, limit, patch=patch)
    # The newest N in the old order have to be known before the first of them can be shown.
    found = islice(chosen.events(first, end, backward=not reverse or bool(limit), then=then), limit or None)
    return _shown(session, chosen, iter(list(found)[::-1]) if reverse and limit else found, patch=patch, then=then)


def _bounds(session: Session, since: str | None, until: str | None, *, by_time: str) -> tuple[int, Position]:
    """The event after which those that are asked for begin, and the position after the last one."""
    register = session.register
    first = None if since is None else session.moment(since, beginning=True)
    end = register.head() if until is None else register.position(session.moment(until, since=first, by_time=by_time))
    return first.number if first else 0, end


def _then(session: Session, as_of: str, end: Position, known: int | None) -> "Then":
    from evcli.cli.as_of import range_asked
    from evcli.cli.chosen import Then

    return Then(*range_asked(session, as_of, known), end.number)


def _subject(session: Session, about: Mapping[str, str | None], then: "Then | None") -> tuple[str, int] | None:
    """The kind and id of the record that the last option `--KIND WHO` means."""
    asked = last_asked(about)
    if asked is None:
        return None
    from evcli.cli.whom import record_at, record_meant

    kind, who = asked
    if then is None:
        return kind.name, record_meant(session, session.register.at(), kind, who).id
    state = session.register.as_of(then.until, then.number)
    return kind.name, record_at(session, state, kind, who, then.until).id


def _lists(session: Session, path: str) -> "Meant":
    """The lists that a path means: by the bytes of the file, or by its name, which is said where it may surprise."""
    from evcli.sync.lists import meant

    lists = meant(session.register, path)
    if lists.is_by_name and lists.correlations:
        session.output.preface(f"no event is of {path} as it is now: these are of lists of that name")
    return lists


def _set_times(session: Session, times: str | None) -> None:
    if times not in (None, *TIMES):
        raise BadInput(f'--times "{times}" is not one of {", ".join(TIMES)}')
    session.output.times = times


def _shown(session: Session, chosen: "Chosen", events: Iterator[Event], *, patch: bool, then: "Then | None") -> Answer:
    from evcli.cli.show.history import answer_of

    first_one = next(events, None)
    if first_one is None:
        session.output.note(chosen.why_none())
        return answer_of(session, (), patch=patch)
    return answer_of(session, chain([first_one], events), patch=patch, then=then)


def _follow(session: Session, chosen: "Chosen", first: int, end: Position, limit: int | None, *, patch: bool) -> Answer:
    from evcli.cli.commands.following import as_they_land

    past: Iterable[Event] = chosen.events(first, end, backward=bool(limit))
    if limit is not None:
        past = list(islice(past, limit))[::-1]
    return as_they_land(session, past, end, chosen, patch=patch)


def show(session: Session, ref: str) -> Answer:
    """`evcli show`"""
    register = session.opened()
    number = session.moment(ref).number
    if number == 0:
        raise BadRef(ref, "is the empty register, before the first event", "events are counted from 1")
    return in_full(*register.change(number))


def _log() -> Command:
    limit = "At most N, also -5; 0 means all. With -f, default 10, and 0 means none."
    times = "In a table: absolute or relative; default: relative for the last week."
    follow = "Oldest first, then new events as they come, until Ctrl-C."
    return Command(
        log,
        _HELP,
        [
            Parameter("range", (), "[A..B]", "Only events after A and up to B: --since A --until B.", is_range=True),
            Parameter("limit", LIMIT_FLAGS, "N", limit, "integer", is_count=True),
            Parameter("reverse", ("--reverse",), "", "Oldest first; with -n, the newest N.", "flag"),
            SINCE,
            UNTIL,
            LOG_AT,
            as_of_option("What had happened by then, or from A to B of A..B."),
            BY_TYPE,
            Parameter("actor", ("--actor",), "NAME", "Only by this actor."),
            *about_kinds(),
            Parameter("grep", ("--grep",), "TEXT", "Only with TEXT in the data, ignoring case."),
            Parameter("of_list", ("--list",), "FILE", "Only of evcli sync FILE, by its bytes or its name."),
            Parameter("patch", ("-p", "--patch"), "", "With each event, what it changed.", "flag"),
            Parameter("follow", ("-f", "--follow"), "", follow, "flag"),
            Parameter("times", ("--times",), "FORM", times, among=lambda: TIMES),
        ],
        [
            "evcli log -5 -p",
            "evcli log 42..57 --grep example.com",
            "evcli log --since yesterday --type 'user.d*'",
            "evcli log --user ada@example.com --reverse",
            "evcli log --as-of 2019-01-01..2020-12-31",
            "evcli log --list people.csv",
            "evcli log --format jsonl | jq .data",
            "evcli log -f --type user.created",
        ],
        EXIT_CODES,
        only_asks=True,
    )


COMMANDS = {
    "log": _log,
    "show": lambda: Command(
        show,
        "Show one event in full, and the change that it made.",
        [REF],
        ["evcli show", "evcli show 42 --json", "evcli show id:1b4e28ba"],
        EXIT_CODES,
        only_asks=True,
    ),
}
