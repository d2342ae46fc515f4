"""A line of JSON Lines as a row of cells."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from evcli.transfer.fault import Fault, not_utf8


class JsonRow:
    """Reads lines as rows of the requested fields."""

    def __init__(self, fields: Sequence[str], needed: Sequence[str], notice: Callable[[str], None]) -> None:
        """`needed` fields must be present; `notice` is called with each ignored member, once."""
        self._fields, self._needed, self._notice = fields, needed, notice
        self._passed_over: set[str] = set()

    def row(self, line: bytes, offset: int) -> tuple[str, ...] | Fault:
        """The cells in `line`, which begins at byte `offset` of the input."""
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _why_not_json(line, offset)
        if type(value) is not dict:
            hint = 'a row is like {"name":"Ada","email":"ada@example.com"}'
            array = ("jq -c '.[]' FILE", "takes the elements of an array") if type(value) is list else ()
            return Fault("", "is not a JSON object", hint, *array)
        # A parser keeps the last of two members of a name; a second one shows in the number of colons.
        if line.count(b":") > len(value) and (twice := _member_twice(line)):
            return Fault(twice, "appears twice")
        return self._cells(value)

    def _cells(self, value: dict[str, Any]) -> tuple[str, ...] | Fault:
        members: dict[str, Any] = {}
        for name, content in value.items():
            field = name.strip().casefold()
            if field not in self._fields:
                if field not in self._passed_over:
                    self._passed_over.add(field)
                    self._notice(f"ignored member: {name}")
            elif field in members:
                return Fault(field, "appears twice")
            else:
                members[field] = content
        for field in self._needed:
            if field not in members:
                return Fault(field, "is missing")
        for field, content in members.items():
            if content is None or content is False:
                members[field] = ""
            elif not isinstance(content, str):
                return Fault(field, f"is {orjson.dumps(content).decode()[:40]}, not a string")
        return tuple([members.get(field, "") for field in self._fields])


def _member_twice(line: bytes) -> str | None:
    """The name of a member that an object has twice."""
    import json
    from collections import Counter

    names: list[str] = []

    def outermost_last(pairs: list[tuple[str, Any]]) -> None:
        names[:] = [name for name, _ in pairs]

    json.loads(line, object_pairs_hook=outermost_last)
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _why_not_json(line: bytes, offset: int) -> Fault:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return not_utf8(line, error, offset)
    return Fault("", "is not JSON", "each line must be a JSON object")
