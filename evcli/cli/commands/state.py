"""`evcli state`: the whole register at a moment."""

from evcli.cli.command import EXIT_CODES, Command
from evcli.cli.options import AS_OF, AT
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.render import whole
from evcli.cli.show.times import local
from evcli.kinds import all_kinds, first_kind


def state(session: Session, at: str | None, as_of: str | None) -> Answer:
    """`evcli state`"""
    register = session.opened()
    state, until = session.asked(at, as_of)
    place = register.position(state.number)
    if session.output.form in ("json", "jsonl"):
        return Answer(document=whole(place, state, until))
    records = {kind: list(state.records(kind.name)) for kind in all_kinds()}
    live = {kind: [record for record in each if record[-1] is None] for kind, each in records.items()}
    count = sum(map(len, live.values()))
    ended = sum(map(len, records.values())) - count
    shown = [kind for kind, each in records.items() if each] or [first_kind()]
    title = f"{count} live, {ended} {shown[0].ended if len(shown) == 1 else 'ended'}"
    if until is not None:
        title = f"{session.in_words(state, until)}: {title}"
    elif at is None or at.strip().isdigit():  # the meaning of any other REF has been said
        moment = f"event {place.number}, of {local(place.recorded)}" if place.number else "event 0, the empty register"
        title = f"{moment}: {title}"
    if session.output.chosen_form in ("plain", "csv"):
        session.output.note(title)
    header: tuple[str, ...] = shown[0].record._fields[:-1]
    rows = [record[:-1] for record in live[shown[0]]]
    if len(shown) > 1:
        header = ("kind", "id", "record")
        rows = [(kind.name, record.id, kind.labelled(record)) for kind in shown for record in live[kind]]
    return Answer(header=header, rows=rows, title=title)


COMMANDS = {
    "state": lambda: Command(
        state,
        "Show the whole register, now or at a moment.",
        [AT, AS_OF],
        [
            "evcli state",
            "evcli state --at 2026-03-03",
            "evcli state --as-of 2020-12-31",
            "evcli state --as-of 2020-12-31 --at @-5 --json",
        ],
        EXIT_CODES,
        only_asks=True,
    )
}
