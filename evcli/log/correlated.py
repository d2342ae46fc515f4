"""Finding the events of one series: those that share a correlation id."""

from collections.abc import Iterator
from contextlib import suppress

import orjson

from evcli.log import Log
from evcli.log.line import id_in


def correlated(log: Log, correlation: str, place: int) -> Iterator[tuple[int, str]]:
    """Number and id of each event after `place` with that correlation id.

    Lines are searched, not checked: callers that rely on them must also read them with a reader.
    """
    # Within a JSON string, quotes are escaped by a backslash, so only the member itself can match this.
    wanted = b'"correlationid":' + orjson.dumps(correlation) + b","
    sequence = b'"sequence":"'
    for _, lines in log.read(place):
        for line in lines:
            if wanted in line:
                at = line.find(sequence) + len(sequence)
                with suppress(ValueError):  # a damaged line is not an event
                    yield int(line[at : at + 12]), id_in(line)
