"""`evcli bisect`: the first event after which something holds, or a command says that the state is bad."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import KIND, kind_of, last_asked
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer, fields
from evcli.cli.show.cells import Cell
from evcli.cli.show.output import json_of
from evcli.cli.show.render import in_full, in_words, whole
from evcli.cli.words import example_of
from evcli.domain.kind import Kind
from evcli.errors import BadInput
from evcli.kinds import MODULES, all_kinds, first_kind
from evcli.register.first_bad import CountOver, Found, Look, OfRecord, OnlySkipped, Question, Verdict, WrongEnd
from evcli.register.first_bad import bisect as by_bisection
from evcli.register.first_bad import walk as by_a_walk
from evcli.register.register import Register

_HELP = """Show the first event after which something holds.

A state is bad if this holds: a field has a value, a record is live or has ended, more than N records are live, or CMD
says so. The state at FROM must be good, the one at TO bad. What lies between is halved until one event is left:
1,000,000 events take 22 looks.

CMD finds the document of evcli state --json on its stdin, and the number of the event in EVCLI_BISECT_EVENT. Its exit
code means what it means to git bisect run: 0 is good, 125 skips, any other up to 127 is bad, and a higher one ends the
search. What it prints goes to stderr.

If it begins to hold more than once, one of these events is found; --first finds the first one.
"""


LIVE = "live"

Asked = tuple[Kind, str, Callable[[Any], bool]]
"""A kind, the WHO of a record, and what may hold of that record."""


def bisect(
    session: Session,
    command: tuple[str, ...],
    *,
    from_: str | None,
    to: str,
    field: str | None,
    equals: str | None,
    is_: str | None,
    count_over: int | None,
    kind: str | None,
    first: bool,
    **about: str | None,
) -> Answer:
    """`evcli bisect`; `about_KIND` is the WHO of `--KIND`, the last of which counts."""
    asked = _asked(about, field, equals, is_)
    if sum((bool(command), asked is not None, count_over is not None)) != 1:
        ways = "-- CMD…, --{0} WHO --field FIELD --equals VALUE, --{0} WHO --is live, or --count-over N"
        raise BadInput("bisect looks for one thing", f"ask {ways.format(first_kind().name)}")
    if kind is not None and count_over is None:
        raise BadInput("--kind is for --count-over", f"--{kind_of(kind).name} WHO names a record")
    of_kind = kind_of(kind)
    register = session.opened()
    start = 0 if from_ is None else session.moment(from_, beginning=True).number
    end = register.head().number if to == "@" else session.moment(to).number
    if start >= end:
        raise BadInput(f"--from is event {start}, and --to event {end}: there is no event between", "")
    search = _Search(session, register, start, end, walks=first)
    if command:
        return search.by_command(command)
    if asked is not None:
        return search.by_record(*asked)
    return search.by_question(CountOver(of_kind, count_over or 0))


def _asked(about: Mapping[str, str | None], field: str | None, equals: str | None, is_: str | None) -> Asked | None:
    """What is asked of one record; None if nothing is. Raises BadInput."""
    found = last_asked(about)
    if found is None:
        if (field, equals, is_) != (None, None, None):
            raise BadInput("--field, --equals and --is are about one record", f"--{first_kind().name} WHO names it")
        return None
    kind, who = found
    if (field is None) is not (equals is None) or (is_ is None) is (field is None):
        raise BadInput(f"--{kind.name} needs --field FIELD --equals VALUE, or --is {LIVE} or --is {kind.ended}")
    if is_ is not None:
        if is_.casefold() not in (LIVE, kind.ended):
            raise BadInput(f'--is "{is_}" is not {LIVE} or {kind.ended}')
        return kind, who, lambda record: (record[-1] is None) is (is_.casefold() == LIVE)
    name = (field or "").casefold()
    if name not in kind.own:
        raise BadInput(f'--field "{field}": {kind.name} has no such field', f"fields are {', '.join(kind.own)}")
    wanted = kind.fields[name].clean(equals) if equals and name in kind.fields else equals or None
    return kind, who, lambda record: getattr(record, name) == wanted


class _Search:
    """A search between two events: it says each look, and counts them."""

    def __init__(self, session: Session, register: Register, start: int, end: int, *, walks: bool) -> None:
        self._session, self._register = session, register
        self._start, self._end, self._walks = start, end, walks
        self._looks = 0

    def by_command(self, words: Sequence[str]) -> Answer:
        """The answer by the verdicts of a command."""
        from evcli.cli.judge import Judge

        judge = Judge(words, self._session.path)

        def look(number: int) -> Verdict:
            document = whole(self._register.position(number), self._register.at(number))
            return self._say(number, judge.verdict(number, b"".join(json_of(Answer(document=document)))))

        return self._answer(look, ((number, look(number)) for number in range(self._start, self._end + 1)))

    def by_record(self, kind: Kind, who: str, holds: Callable[[Any], bool]) -> Answer:
        """The answer where something holds of a record; who is meant as of the end."""
        from evcli.cli.whom import record_at

        record = record_at(self._session, self._register.at(self._end), kind, who)
        try:
            return self.by_question(OfRecord(kind, record.id, holds))
        except WrongEnd as wrong:
            if wrong.wanted == "bad":
                wrong.hint = f"{kind.name} {record.id} is then {in_words(kind, record)}; {wrong.hint}"
            raise

    def by_question(self, question: Question) -> Answer:
        """The answer where something holds of a state."""

        def look(number: int) -> Verdict:
            return self._say(number, _verdict(question.holds(self._register.at(number))))

        return self._answer(look, self._counted(question.each(self._register, self._start, self._end)))

    def _say(self, number: int, verdict: Verdict) -> Verdict:
        self._looks += 1
        self._session.output.note(f"event {number}: {verdict}")
        return verdict

    def _counted(self, each: Iterable[tuple[int, bool]]) -> Iterator[tuple[int, Verdict]]:
        for self._looks, (number, holds) in enumerate(each, 1):
            yield number, _verdict(holds)

    def _answer(self, look: Look, each: Iterable[tuple[int, Verdict]]) -> Answer:
        try:
            if self._walks:
                found = by_a_walk(each, self._start, self._end)
            else:
                found = by_bisection(look, self._start, self._end)
        except WrongEnd as wrong:
            wrong.hint = _ANOTHER_END[wrong.wanted]
            raise
        return self._shown(found)

    def _shown(self, found: Found) -> Answer:
        told = {"good": found.good, "bad": found.bad, "skipped": found.skipped, "looks": self._looks}
        if found.skipped:
            rows: list[tuple[str, Cell]] = [
                ("good", found.good),
                ("bad", found.bad),
                ("skipped", ", ".join(map(str, found.skipped))),
            ]
            answer = fields(rows, {"event": None, "before": None, "after": None, **told})
            return answer._replace(error=OnlySkipped(found.good + 1, found.bad))
        answer = in_full(*self._register.change(found.bad))
        title = f"event {found.bad} is the first bad one ({self._looks} look{'s' if self._looks > 1 else ''})"
        if self._session.output.chosen_form in ("plain", "csv"):
            self._session.output.note(title)
        return answer._replace(document=answer.document | told, title=title)


_ANOTHER_END = {
    "good": "begin where it is good, with --from REF; or ask the opposite",
    "bad": "--to REF names another end; --first finds what was so for a time",
}
"""What to do where one end is not what it must be."""


def _verdict(holds: bool) -> Verdict:
    return "bad" if holds else "good"


def _bisect() -> Command:
    kind = first_kind()
    example, ended = example_of(kind), kind.ended
    fields_of_all = dict.fromkeys(name for each in all_kinds() for name in each.own)
    return Command(
        bisect,
        _HELP,
        [
            Parameter("command", (), "[-- CMD]", "The command that says whether a state is good.", is_many=True),
            Parameter(
                "from_", ("--from",), "REF", "A good state; a day means its beginning. Default: 0.", is_moment=True
            ),
            Parameter("to", ("--to",), "REF", "A bad state. Default: @, now.", is_moment=True, default="@"),
            *(
                Parameter(
                    f"about_{name}", (f"--{name}",), "WHO", f"The {name} of --field or --is, as at TO.", kind=name
                )
                for name in MODULES
            ),
            Parameter("field", ("--field",), "FIELD", "A field of it.", among=lambda: fields_of_all),
            Parameter("equals", ("--equals",), "VALUE", "Bad once the field has this value; '' means none."),
            Parameter(
                "is_", ("--is",), "WHAT", f"Bad once it is {LIVE}, or {ended} (the word of its kind).",
                among=lambda: dict.fromkeys((LIVE, *(each.ended for each in all_kinds()))),
            ),
            Parameter("count_over", ("--count-over",), "N", "Bad once more than N records are live.", "integer"),
            KIND,
            Parameter("first", ("--first",), "", "Walk from FROM, and find the first such event.", "flag"),
        ],
        [
            f"evcli bisect --{kind.name} {example} --is {ended}",
            f"evcli bisect --{kind.name} 7 --field {kind.names[0]} --equals {example} --first",
            "evcli bisect --from 2026-03-01 --count-over 100",
            """evcli bisect --from 1 -- sh -c 'jq -e ".live <= 100" > /dev/null'""",
        ],
        EXIT_CODES,
        only_asks=True,
    )  # fmt: skip


COMMANDS = {"bisect": _bisect}
