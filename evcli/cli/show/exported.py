"""An export in its form: CSV for programs or for Excel, JSON, JSON Lines, a workbook; and what it says of itself."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import orjson

from evcli.cli.show.output import FOR_PROGRAMS, Answer, csv_of
from evcli.cli.show.safe import safe, safe_json

BOM = "\ufeff"
"""Excel takes CSV that begins with it for UTF-8."""

Origin = Mapping[str, str | int | None]
"""What an export says of itself, by name: see `evcli.cli.origin`."""


class Form(NamedTuple):
    """The form of an export: csv, json, jsonl or xlsx."""

    name: str
    delimiter: str = ","
    is_for_excel: bool = False


def exported(answer: Answer, form: Form, what: str, origin: Origin | None) -> Iterator[bytes]:
    """The records or events `what` in that form, piece by piece, with what is said of them. Raises as their source."""
    if form.name == "xlsx":
        from evcli.cli.show.workbook import workbook

        return workbook(answer, what, origin)
    pieces: Iterable[str | bytes]
    if form.name == "csv":
        beginning = [BOM] if form.is_for_excel else []
        about = () if origin is None else _comments(origin, what, form.delimiter)
        pieces = chain(beginning, about, csv_of(answer, form.delimiter))
    else:
        pieces = FOR_PROGRAMS[form.name](answer)
        if origin is not None:
            pieces = _with_member(pieces, origin, what, is_lines=form.name == "jsonl")
    return (piece.encode() if isinstance(piece, str) else piece for piece in pieces)


def _comments(origin: Origin, what: str, delimiter: str) -> Iterator[str]:
    """What an export says of itself in lines that begin with #, which an import passes over."""
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    for text in (f"evcli {what}", *(f"{name}: {value}" for name, value in origin.items())):
        writer.writerow([f"# {safe(text)}"])
    yield buffer.getvalue()


def _with_member(pieces: Iterable[str | bytes], origin: Origin, what: str, *, is_lines: bool) -> Iterator[str | bytes]:
    """JSON with a member about itself, beside one that is the array; of lines, it is the first."""
    member = safe_json(orjson.dumps({"as_of": origin}))
    if is_lines:
        yield member + b"\n"
        yield from pieces
        return
    yield member[:-1] + b',"' + what.encode() + b'":'
    yield from pieces
    yield b"}\n"
