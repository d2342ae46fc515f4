"""Finding the events of one series: those that share a correlation id."""

from collections.abc import Iterator
from contextlib import suppress

import orjson

from evcli.log import Log
from evcli.log.line import id_in


def correlated(log: Log, correlation: str, place: int) -> Iterator[tuple[int, str]]:
    """Number and id of each event after `place` that has that correlation id.

    Lines are searched, not checked: whoever relies on what they say reads them with a reader too.
    """
    # Inside a text of JSON, a quote has a backslash before it: so nothing but the member itself can look like this.
    wanted = b'"correlationid":' + orjson.dumps(correlation) + b","
    sequence = b'"sequence":"'
    for _, lines in log.read(place):
        for line in lines:
            if wanted in line:
                at = line.find(sequence) + len(sequence)
                with suppress(ValueError):  # a line that is damaged is no event
                    yield int(line[at : at + 12]), id_in(line)
