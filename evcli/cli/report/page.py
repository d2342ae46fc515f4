"""A report as one HTML file: it needs no script, no network and no other file, and is made to be printed."""

from collections.abc import Iterator, Sequence
from html import escape

from evcli.cli.report.checks import checks
from evcli.cli.report.facts import Facts
from evcli.cli.report.style import STYLE
from evcli.cli.report.tables import about, lists
from evcli.cli.show.answer import Answer
from evcli.cli.show.cells import Cell, Sentence, When
from evcli.cli.show.safe import safe
from evcli.cli.show.times import local, local_time

_CODE = {"head at the beginning", "head at the end", "hash of its first event", "command", "again"}


def page(facts: Facts) -> Iterator[str]:
    """The whole page, in pieces."""
    title = _text(_capital(facts.title))
    # Nothing on the page may load or run anything, should some text ever be taken for markup.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
        f'<p class="soft">{_text(_events(facts))} of the log {_text(facts.log)}. '
        f"Made {_text(local_time(facts.made))}; times are those of the zone {_text(facts.zone)}.</p>\n"
    )
    if not facts.is_complete:
        yield "<p><strong>The period was not over when this was made.</strong></p>\n"
    yield f"{_sum(facts)}</header>\n<main>\n"
    for each in lists(facts):
        yield from _section(each)
    yield '<section>\n<h2>About this report</h2>\n<dl class="facts">\n'
    yield from (f"<dt>{_text(_capital(name))}</dt><dd>{_fact(name, value)}</dd>\n" for name, value in about(facts))
    yield "</dl>\n</section>\n"
    yield from _checks(facts)
    yield "</main>\n</body>\n</html>\n"


def _events(facts: Facts) -> str:
    first, last = facts.beginning.at.number + 1, facts.end.at.number
    return "No events" if last < first else f"Events {first} to {last}" if first < last else f"Event {last}"


def _sum(facts: Facts) -> str:
    """The counts, as a sum that can be checked at a glance."""
    counts = facts.period.counts
    terms = (
        ("", "At the beginning", counts.beginning),
        ("+ ", "Came", counts.came),
        ("+ ", "Came back", counts.came_back),
        ("− ", "Left", counts.left),
        ("= ", "At the end", counts.end),
    )
    boxes = (
        f"<div{_class('end', is_set=sign == '= ')}><dt>{name}</dt><dd>{sign}{count}</dd></div>\n"
        for sign, name, count in terms
    )
    more = f"Changes: {counts.changed}. There all the time, without an event: {counts.untouched}."
    return f'<dl class="sum">\n{"".join(boxes)}</dl>\n<p class="soft">{more}</p>\n'


def _section(answer: Answer) -> Iterator[str]:
    yield f"<section>\n<h2>{_text(_capital(answer.title))}</h2>\n"
    names = [_text(name.replace("_", " ")) for name in answer.header]
    is_begun = False
    for row in answer.rows:
        if not is_begun:
            yield f"<table>\n<thead><tr>{_header(names, row)}</tr></thead>\n<tbody>\n"
            is_begun = True
        yield _row(names, row)
    yield "</tbody>\n</table>\n</section>\n" if is_begun else "<p>None.</p>\n</section>\n"


def _header(names: Sequence[str], first: Sequence[Cell]) -> str:
    """The names of the columns, each above its cells: numbers are on the right."""
    pairs = zip(names, first, strict=True)
    return "".join(f'<th scope="col"{_class("n", is_set=isinstance(cell, int))}>{name}</th>' for name, cell in pairs)


def _row(names: Sequence[str], row: Sequence[Cell]) -> str:
    cells = (
        f'<td data-name="{name}"{_class("n", is_set=isinstance(cell, int))}>{_cell(cell)}</td>'
        for name, cell in zip(names, row, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def _class(name: str, *, is_set: bool) -> str:
    return f' class="{name}"' if is_set else ""


def _checks(facts: Facts) -> Iterator[str]:
    found = list(checks(facts))
    if not found:
        return
    yield "<section>\n<h2>Check it without evcli</h2>\n<p>In the folder of the log, with sh, sha256sum and jq:</p>\n"
    for each in found:
        prints = "\n".join(each.prints)
        yield (
            f'<div class="check">\n<p>{_text(each.shows)}</p>\n<pre>{_lines(each.command)}</pre>\n'
            f"<p>It must print:</p>\n<pre>{_lines(prints)}</pre>\n</div>\n"
        )
    yield "</section>\n"


def _fact(name: str, value: Cell) -> str:
    return f"<code>{_cell(value)}</code>" if name in _CODE else _cell(value)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Sentence):
        return "".join(map(_cell, cell))
    if isinstance(cell, When):
        day, _, time = local(cell).partition(" ")
        return f'<time datetime="{_text(cell)}">{_text(day)} <small>{_text(time)}</small></time>'
    return "" if cell is None else _text(str(cell))


def _lines(text: str) -> str:
    return "\n".join(map(_text, text.split("\n")))


def _text(text: str) -> str:
    """What people typed, as text and nothing else."""
    return escape(safe(text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
