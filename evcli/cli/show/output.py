"""How answers are shown: one Answer, six formats (table, plain, markdown, json, jsonl, csv).

Commands return answers; only this module and those it calls decide how they look. Data goes to stdout; notes, warnings
and errors go to stderr.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import TextIO

import orjson

from evcli.cli.environment import setting
from evcli.cli.show.answer import Answer, fields
from evcli.cli.show.cells import absolute, stored
from evcli.cli.show.safe import encodable, safe, safe_json, valid
from evcli.errors import AnswerLost, EvcliError

__all__ = ["FORMS", "FOR_PROGRAMS", "JSON_PATCH", "Answer", "Output", "fields"]

FORMS = ("table", "plain", "markdown", "json", "jsonl", "csv")
JSON_PATCH = "json-patch"
"""A document in JSON that only differences have."""


class Output:
    """Where a command's output goes, and in which format: set by the options, used by everything that prints."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.form: str | None = None
        self.quiet = False
        self.color = "auto"
        self.paged = True
        self.times: str | None = None
        """How a table writes times: `absolute` or `relative`; None means relative when recent, on a terminal."""
        self._prefaces = list[str]()
        self._warned, self._hinted = set[str](), set[str]()

    # --- stdout -------------------------------------------------------------------------------------------------------

    def show(self, answer: Answer) -> None:
        """Write the answer to stdout in the chosen format, and flush it. Raises BrokenPipeError, AnswerLost."""
        form = self.chosen_form
        forms: dict[str, Callable[[Answer], Iterable[str | bytes]]] = {
            **FOR_PROGRAMS, "plain": _plain, "table": self._table, "markdown": _markdown,
        }  # fmt: skip
        pieces = forms[form](answer)
        if answer.live is not None:
            for piece in chain([b""], pieces):  # notices a closed stdout without waiting for an event
                self.write([piece])
        elif self._is_paged:
            from evcli.cli.show.pager import page

            prefaces, self._prefaces = self._prefaces, []
            self.write(page(chain((safe(text) + "\n" for text in prefaces), pieces), self.warning))
        else:
            self.write(pieces)

    @property
    def _is_paged(self) -> bool:
        return self.paged and self.chosen_form == "table" and _is_terminal(sys.stdout)

    @property
    def chosen_form(self) -> str:
        """The requested format, else table on a terminal and plain in a pipe."""
        return self.form or ("table" if _is_terminal(sys.stdout) else "plain")

    def write(self, pieces: Iterable[str | bytes]) -> None:
        """Write text (as the terminal can show it) or raw bytes to stdout, and flush. Raises as `show` does."""
        if sys.stdout is None:
            raise AnswerLost("the answer could not be shown: stdout is closed")
        for piece in pieces:
            self._put(encodable(piece, sys.stdout.encoding or "utf-8") if isinstance(piece, str) else piece)
        self._put(b"")

    def _put(self, data: bytes) -> None:
        """Write bytes to stdout; no bytes flush it."""
        try:
            if data:
                sys.stdout.buffer.write(data)
            else:
                sys.stdout.flush()
        except BrokenPipeError:
            _give_up(sys.stdout)
            raise
        except OSError as error:
            _give_up(sys.stdout)
            raise AnswerLost(f"the answer could not be shown: stdout: {error.strerror}") from error

    def _table(self, answer: Answer) -> Iterator[str]:
        if answer.title:
            yield safe(answer.title) + "\n"
        yield from self._drawn(answer) if answer.lines is None else _plain(answer)
        for each in answer.more:
            yield "\n"
            yield from self._table(each)

    def _drawn(self, answer: Answer) -> Iterator[str]:
        from evcli.cli.show.table import PIECE, Style, Times, draw

        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        style = Style(_width(), self.has_color(sys.stdout), encoding, answer.whole)
        rows = iter(answer.rows)
        times, names = Times(self.now), list(answer.header)
        if answer.live is None:
            form = self.times or ("recent" if _is_terminal(sys.stdout) else "absolute")
            times = Times(self.now, form, is_exact=not answer.is_headed)
            if answer.is_headed and not style.is_narrow:
                first = list(islice(rows, PIECE))
                times, names = times.under_header(names, first)
                rows = chain(first, rows)
        shown = ([times.write(cell) for cell in row] for row in rows)
        header = [name.replace("_", " ") for name in names] if answer.is_headed else None
        yield from draw(header, shown, style, live=answer.live)

    def has_color(self, stream: TextIO | None) -> bool:
        """Whether to colour output to `stream`: as requested, else on a terminal (https://no-color.org)."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        forced = setting("FORCE_COLOR")
        return self.can_redraw(stream) if forced is None else forced

    def can_redraw(self, stream: TextIO | None) -> bool:
        """Whether `stream` is a terminal on which a line can be redrawn."""
        return _is_terminal(stream) and os.environ.get("TERM") != "dumb"

    # --- stderr -------------------------------------------------------------------------------------------------------

    def note(self, message: str) -> None:
        """Print something useful that is not the answer; silent with -q."""
        if not self.quiet:
            self._say("note", message, "")

    def preface(self, message: str) -> None:
        """A note on what the answer will be about; above it in the pager, where stderr would be out of sight."""
        if self.quiet or not self._is_paged:
            self.note(message)
        else:
            self._prefaces.append(message)

    def warning(self, message: str, hint: str = "", more: Mapping[str, int | str] | None = None) -> None:
        """Print a warning, with a hint, and with members that programs are told besides; never silent."""
        if self.form in ("json", "jsonl"):
            self._say("warning", message, "33", {**({"hint": valid(hint)} if hint else {}), **(more or {})})
        else:
            self._say("warning", f"{message}; {hint}" if hint else message, "33")

    def warn_once(self, messages: Iterable[str]) -> None:
        """Print each of these warnings that was not printed by this yet, as batches of one run repeat them."""
        for message in messages:
            if message not in self._warned:
                self._warned.add(message)
                self.warning(message)

    def warn_about(self, error: EvcliError) -> None:
        """Warn of one error of several; a hint that more of them have is printed with the first."""
        hint = error.hint if error.hint not in self._hinted else ""
        self._hinted.add(error.hint)
        self.warning(error.message, hint, error.more)

    def error(self, error: EvcliError) -> None:
        """Print what is wrong, and what to do next; as one JSON object in the JSON formats."""
        for message in self._prefaces:
            self.note(message)
        if self.form in ("json", "jsonl"):
            told = {"code": error.code, "exit": error.exit, "message": valid(error.message), "hint": valid(error.hint)}
            self._write_error(safe_json(orjson.dumps({"error": told | error.more})).decode() + "\n")
            return
        self._say("error", error.message, "1;31")
        if error.hint:
            self._say("hint", error.hint, "36")

    def _say(self, kind: str, message: str, style: str, more: Mapping[str, int | str] | None = None) -> None:
        if self.form in ("json", "jsonl"):
            line = safe_json(orjson.dumps({kind: {"message": valid(message), **(more or {})}})).decode()
        elif not style:
            line = safe(message)
        elif self.has_color(sys.stderr):
            line = f"\x1b[{style}m{kind}:\x1b[0m {safe(message)}"
        else:
            line = f"{kind}: {safe(message)}"
        self._write_error(line + "\n")

    def _write_error(self, line: str) -> None:
        if sys.stderr is None:
            return
        try:
            is_json = self.form in ("json", "jsonl")  # which is UTF-8 wherever it goes
            sys.stderr.buffer.write(encodable(line, "utf-8" if is_json else sys.stderr.encoding or "utf-8"))
            sys.stderr.flush()
        except OSError:
            _give_up(sys.stderr)


def json_of(answer: Answer) -> Iterator[bytes]:
    """An answer as one JSON document, piece by piece."""
    if answer.document is not None:
        yield safe_json(orjson.dumps(answer.document)) + b"\n"
        return
    opening = b"["
    try:
        for record in answer.records:
            yield opening + safe_json(orjson.dumps(record))
            opening = b",\n"
    except EvcliError:  # damage ends the answer with an error, but what was printed is a valid document
        if not answer.is_export:
            yield b"[]\n" if opening == b"[" else b"]\n"
        raise
    yield b"[]\n" if opening == b"[" else b"]\n"


def _jsonl(answer: Answer) -> Iterator[bytes]:
    for record in answer.records if answer.document is None else [answer.document]:
        line = orjson.dumps(record)  # for an event, this is its canonical form
        yield (line if answer.is_verbatim else safe_json(line)) + b"\n"


def csv_of(answer: Answer, delimiter: str = ",") -> Iterator[str]:
    """The rows of an answer as CSV."""
    import csv
    import io

    from evcli.transfer.csv_guard import guarded

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
    for row in chain([answer.header], answer.rows):
        cells = [cell if answer.is_export or not isinstance(cell, str) else safe(cell) for cell in map(stored, row)]
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _plain(answer: Answer) -> Iterator[str]:
    if answer.lines is not None:
        yield "".join(safe(line) + "\n" for line in answer.lines)
        return
    for row in answer.rows:
        yield "\t".join(map(absolute, row)) + "\n"


def _markdown(answer: Answer) -> Iterator[str]:
    from evcli.cli.show.markdown import markdown

    return markdown(answer)


FOR_PROGRAMS: dict[str, Callable[[Answer], Iterable[str | bytes]]] = {"json": json_of, "jsonl": _jsonl, "csv": csv_of}
"""The formats for programs, each with the function that writes an answer in it piece by piece."""


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _width() -> int:
    import shutil

    return max(20, shutil.get_terminal_size((100, 24)).columns)


def _give_up(stream: TextIO) -> None:
    """Redirect a broken stream to /dev/null, so that the interpreter does not fail to flush it at exit."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        pass
