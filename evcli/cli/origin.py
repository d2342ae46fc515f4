"""What an export says of itself: of which log, head and moment it is."""

import os
from datetime import UTC

from evcli.cli.session import Session
from evcli.cli.show.safe import valid


def origin_of(session: Session, number: int, asked: str | None, until: str | None) -> dict[str, str | int | None]:
    """By name, what identifies the state after event `number`, for which the REF `asked` was typed. Raises Damaged.

    With `until`, it is about what had happened by that time, as known then.
    """
    register, now = session.register, session.output.now
    register.log.sync()  # a head that is handed out must be durable
    place, first, local = register.position(number), register.reader.position_of(1), now.astimezone()
    return {
        "moment": place.recorded or None,
        **({} if until is None else {"as_of": until}),
        "asked": "now" if asked is None else valid(asked.strip()),
        "number": place.number,
        "head": place.head,
        "log": first.sha256.decode() if first.number else None,
        "source": first.source or None,
        "file": valid(os.path.basename(session.path)),
        "zone": f"{local.tzname()} ({local.isoformat()[-6:]})",
        "exported": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
