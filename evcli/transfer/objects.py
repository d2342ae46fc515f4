"""JSON as objects: one on each line, or the elements of an array."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import orjson

from evcli.errors import BadInput
from evcli.transfer.fault import Fault, not_utf8
from evcli.transfer.lines import LONGEST_ROW, each
from evcli.transfer.members import Found

_ABOUT = b'{"as_of":'
"""The beginning of what an export says of itself."""

LONGEST_AROUND = 1 << 23
"""The most bytes that may be around a list: they are held in memory, unlike its elements."""

_NEXT = re.compile(rb'["\[\]{},\n]').search
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.S).match
_FLAT = re.compile(rb'\{[^{}\[\]"]*+(?:"(?:[^"\\]|\\.)*+"[^{}\[\]"]*+)*+\}', re.S).match
"""An object without others in it."""


def on_lines(name: str, chunks: Iterable[bytes], newline: bytes, offset: int) -> Iterator[Found]:
    """The objects of JSON Lines. Raises BadInput if there is nothing at all."""
    line = 0
    for line, before, text in each(name, chunks, newline):
        if not (text.isspace() or (line == 1 and text.startswith(_ABOUT))):
            yield line, object_in(text, offset + before, "each line must be a JSON object")
    if not line:
        raise BadInput(f"{name} is empty", "it needs an object on each line")


def object_in(text: bytes, offset: int, hint: str) -> dict[str, Any] | Fault:
    """The object that begins at byte `offset` of the input."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            return not_utf8(text, error, offset)
        return Fault("", "is not JSON", hint)
    if type(value) is not dict:
        return Fault("", "is not a JSON object", 'a row is like {"name":"Ada","email":"ada@example.com"}')
    # A parser keeps the last of two members of a name; a second one shows in the number of colons.
    if text.count(b":") > len(value) and (twice := _member_twice(text)):
        return Fault(twice, "appears twice")
    return value


def _member_twice(line: bytes) -> str | None:
    """The name of a member that an object has twice."""
    import json
    from collections import Counter

    names: list[str] = []

    def outermost_last(pairs: list[tuple[str, Any]]) -> None:
        names[:] = [name for name, _ in pairs]

    json.loads(line, object_pairs_hook=outermost_last)
    return next((name for name, times in Counter(names).items() if times > 1), None)


class Elements:
    """The elements of a JSON array: of the whole document, or of a member of the object that it is."""

    def __init__(self, name: str, member: str = "") -> None:
        """`member` is the name of that member; without it, the first array counts."""
        self._name, self._member = name, f'"{member}"'.encode()
        self._buffer = b""
        self._at = self._start = 0
        """Where the next bracket is looked for, and where the element begins that is being read."""
        self._line = self._start_line = 1
        self._offset = 0
        """Where the buffer begins in the input."""
        self._depth = 0
        self._array = 0
        """The depth of the array's elements once it has begun; -1 once it has ended."""
        self._key = b""
        self._around = bytearray()
        """The document without the elements."""

    def objects(self, chunks: Iterable[bytes], offset: int) -> Iterator[Found]:
        """The elements, each an object or a fault. Raises BadInput if the document is cut off or not JSON."""
        self._offset = offset
        for chunk in chain(chunks, [b""]):
            self._buffer += chunk
            yield from self._elements()
            self._forget()
            if self._array >= 0 and len(self._buffer) > LONGEST_ROW + len(chunk):
                raise BadInput(f"{self._name} line {self._start_line}: a row has more than {LONGEST_ROW:,} bytes")
            if len(self._around) + len(self._buffer) > LONGEST_AROUND:
                why = f"{self._name} has more than {LONGEST_AROUND:,} bytes that are not in its list"
                raise BadInput(why, "import the array alone")
        self._around += self._buffer[self._start :]
        if not self._around.strip() and self._array == 0:
            raise BadInput(f"{self._name} is empty", "it needs an array of objects")
        if self._array > 0 or self._depth > 0:
            raise BadInput(f"{self._name} is cut off: the JSON ends in the middle", "download or copy it again")
        try:
            self.document: Any = orjson.loads(self._around)
        except orjson.JSONDecodeError:
            raise BadInput(f"{self._name} is not JSON{' around its list' * (self._array < 0)}") from None
        if self._array == 0:
            what = self._member.decode()[1:-1] or "array"
            raise BadInput(f"{self._name} has no {what}", "a list is an array of objects")

    def _elements(self) -> Iterator[Found]:
        while match := _NEXT(self._buffer, self._at):
            sign, place = match[0], match.start()
            if sign == b'"':
                string = _STRING(self._buffer, place)
                if string is None:
                    self._at = place
                    return
                self._line += string[0].count(b"\n")
                if self._depth == 1:
                    self._key = string[0]
                self._at = string.end()
                continue
            if self._depth == self._array and (flat := _FLAT(self._buffer, place)):
                self._line += flat[0].count(b"\n")
                self._at = flat.end()
                continue
            self._at = place + 1
            if sign == b"\n":
                self._line += 1
            elif sign in b"[{":
                self._depth += 1
                if self._array == 0 and self._is_the_array(sign):
                    self._begin()
            elif 0 < self._depth == self._array and sign in b",]":
                yield from self._end(place, is_last=sign == b"]")
            if sign in b"]}":
                self._depth -= 1
        self._at = len(self._buffer)

    def _is_the_array(self, sign: bytes) -> bool:
        if self._member == b'""':
            return sign == b"[" and self._depth <= 2
        return sign == b"[" and self._depth == 2 and self._key == self._member

    def _begin(self) -> None:
        self._around += self._buffer[self._start : self._at]
        self._array, self._start, self._start_line = self._depth, self._at, self._line
        self._is_first = True

    def _end(self, place: int, *, is_last: bool) -> Iterator[Found]:
        text = self._buffer[self._start : place]
        if text.strip() or not (is_last and self._is_first):
            space = len(text) - len(text.lstrip())
            line = self._start_line + text.count(b"\n", 0, space)
            yield line, object_in(text, self._offset + self._start, "each element of the array must be an object")
        self._is_first = False
        self._start, self._start_line = (place if is_last else self._at), self._line
        if is_last:
            self._array = -1

    def _forget(self) -> None:
        """Let go of what was read."""
        done = self._start if self._array > 0 else self._at
        if self._array <= 0:
            self._around += self._buffer[self._start : done]
        self._buffer = self._buffer[done:]
        self._offset += done
        self._at, self._start = self._at - done, 0
