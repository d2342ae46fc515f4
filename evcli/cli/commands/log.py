"""`evcli log`, `show`, `diff`: the events, one event in full, and what changed between two moments."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import BY_TYPE, REF, SINCE, UNTIL
from evcli.cli.session import Session
from evcli.cli.show.cells import Cell
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import LOG_HEADER, as_json, event_fields, in_words, log_row
from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.find import find
from evcli.errors import BadRef
from evcli.kinds import KINDS, MODULES
from evcli.register.past import Past, Position


def log(
    session: Session,
    *,
    limit: int | None,
    reverse: bool,
    since: str | None,
    until: str | None,
    type: str | None,
    actor: str | None,
    follow: bool,
    **about: str | None,
) -> Answer:
    """`evcli log`; `about_KIND` is the WHO of `--KIND`, the last of which counts."""
    if follow:
        from evcli.cli.commands.following import LAST, check_it_can_go_on

        check_it_can_go_on(session, until)
        # As in journalctl: --since asks for everything since then.
        limit = LAST if limit is None and since is None else limit
    register = session.opened()
    first = 0 if since is None else session.moment(since, beginning=True).number
    end = register.head() if until is None else register.position(session.moment(until))
    records = [(option.removeprefix("about_"), who) for option, who in about.items() if who is not None]
    wanted = _Wanted(register, records[-1] if records else None, type, actor)
    if follow:
        return _follow(session, wanted, first, end, limit)
    chosen: Iterator[Event] = islice(wanted.events(first, end, backward=not reverse), limit or None)
    first_one = next(chosen, None)
    if first_one is None:
        session.output.note("no matching events" if register.head().number else "the log is empty")
    else:
        chosen = chain([first_one], chosen)
    return Answer(header=LOG_HEADER, rows=map(log_row, chosen), records=chosen, is_verbatim=True)


def _follow(session: Session, wanted: "_Wanted", first: int, end: Position, limit: int | None) -> Answer:
    from evcli.cli.commands.following import as_they_land

    past: Iterable[Event] = wanted.events(first, end, backward=bool(limit))
    if limit:
        past = list(islice(past, limit))[::-1]
    return as_they_land(session, past, end, wanted.has)


class _Wanted:
    """The events that are asked for: of a type, by an actor, about one record."""

    def __init__(self, register: Past, about: tuple[str, str] | None, type: str | None, actor: str | None) -> None:
        self._register, self._actor = register, actor
        self._is_of_type: Callable[[str], bool] | None = None
        if type is not None:
            from fnmatch import fnmatchcase

            self._is_of_type = lambda name: fnmatchcase(name, type)
        self._subject: tuple[str, int] | None = None
        if about is not None:
            name, who = about
            self._subject = name, find(register.at(), KINDS[name], who).id

    def has(self, event: Event) -> bool:
        """Whether the event is one of them."""
        return (
            (self._is_of_type is None or self._is_of_type(event["type"]))
            and (self._subject is None or subject_of(event) == self._subject)
            and (self._actor is None or event["authid"] == self._actor)
        )

    def events(self, first: int, end: Position, *, backward: bool) -> Iterator[Event]:
        """Those of them after event `first` and up to a position."""
        if self._subject is not None:
            found = self._register.events_about(*self._subject, end.number, after=first, backward=backward)
        elif backward:
            found = _newest_first(self._register, first, end)
        else:
            found = _oldest_first(self._register, first, end)
        return filter(self.has, found)


def _newest_first(register: Past, first: int, end: Position) -> Iterator[Event]:
    for event in register.events_backward(end):
        if number_of(event) <= first:
            return
        yield event


def _oldest_first(register: Past, first: int, end: Position) -> Iterator[Event]:
    return register.events(register.position(first), stop=end) if first < end.number else iter(())


def show(session: Session, ref: str) -> Answer:
    """`evcli show`"""
    register = session.opened()
    number = session.moment(ref).number
    if number == 0:
        raise BadRef(ref, "is the empty register, before the first event", "events are counted from 1")
    event, before, after = register.change(number)
    kind = KINDS[subject_of(event)[0]]
    rows: list[tuple[str, Cell]] = [
        *event_fields(event),
        ("before", in_words(kind, before)),
        ("after", in_words(kind, after)),
    ]
    return fields(rows, {"event": event, "before": as_json(before), "after": as_json(after)})


def diff(session: Session, from_: str | None, to: str) -> Answer:
    """`evcli diff`"""
    register = session.opened()
    head = register.head().number
    start = max(0, head - 1) if from_ is None else session.moment(from_).number
    end = head if to == "@" else session.moment(to).number
    changes = register.diff(start, end)
    if not changes:
        session.output.note(f"nothing changed from event {start} to event {end}")
    document = {
        "from": start,
        "to": end,
        "changes": [
            {"kind": kind, "id": (new or old).id, "before": as_json(old), "after": as_json(new)}
            for kind, old, new in changes
        ],
    }
    rows = [
        (f"{kind} {(new or old).id}", in_words(KINDS[kind], old), in_words(KINDS[kind], new))
        for kind, old, new in changes
    ]
    title = f"from event {start} to event {end}"
    return Answer(header=("record", "before", "after"), rows=rows, document=document, title=title)


def _about(kind: str) -> Parameter:
    return Parameter(f"about_{kind}", (f"--{kind}",), "WHO", f"Only about this {kind}.", kind=kind)


def _log() -> Command:
    follow = "Oldest first, then new events as they come, until Ctrl-C."
    return Command(
        log,
        "Show the events, newest first.",
        [
            Parameter("limit", ("-n",), "N", "At most N; 0 means all. With -f, default 10.", "integer"),
            Parameter("reverse", ("--reverse",), "", "Oldest first.", "flag"),
            SINCE,
            UNTIL,
            BY_TYPE,
            Parameter("actor", ("--actor",), "NAME", "Only by this actor."),
            *(
                Parameter(f"about_{kind}", (f"--{kind}",), "WHO", f"Only about this {kind}.", kind=kind)
                for kind in MODULES
            ),
            Parameter("follow", ("-f", "--follow"), "", follow, "flag"),
        ],
        [
            "evcli log -n 20",
            "evcli log --since yesterday --type 'user.d*'",
            "evcli log --user ada@example.com --reverse",
            "evcli log --format jsonl | jq .data",
            "evcli log -f --type user.created",
        ],
        EXIT_CODES,
    )


COMMANDS = {
    "log": _log,
    "show": lambda: Command(
        show,
        "Show one event in full, and the change that it made.",
        [REF],
        ["evcli show", "evcli show 42 --json", "evcli show id:1b4e28ba"],
        EXIT_CODES,
    ),
    "diff": lambda: Command(
        diff,
        "Show what changed between two moments.",
        [
            Parameter("from_", (), "[FROM]", "Default: @-.", is_moment=True),
            Parameter("to", (), "[TO]", "Default: @, now.", is_moment=True, default="@"),
        ],
        ["evcli diff", "evcli diff 2026-03-01 2026-04-01", "evcli diff @-10"],
        EXIT_CODES,
    ),
}
