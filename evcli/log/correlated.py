"""Finding the events of one series: those that share a correlation id."""

from collections.abc import Iterator
from contextlib import suppress

import orjson

from evcli.log.line import id_in
from evcli.log.reader import LogReader


def correlated(reader: LogReader, correlation: str, offset: int) -> Iterator[tuple[int, str]]:
    """Number and id of each event after byte `offset`, where a line begins, that has that correlation id.

    Lines are looked at, not checked: whoever relies on what they say reads them with `events` too.
    """
    # Inside a text of JSON, a quote has a backslash before it: so nothing but the member itself can look like this.
    wanted = b'"correlationid":' + orjson.dumps(correlation) + b","
    sequence = b'"sequence":"'
    for line in reader.lines(offset):
        if wanted in line:
            at = line.find(sequence) + len(sequence)
            with suppress(ValueError):  # a line that is damaged is no event
                yield int(line[at : at + 12]), id_in(line)
