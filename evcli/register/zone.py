"""Whether this machine knows the zone that TZ names: if not, the C library takes UTC for it without a word."""

import os


def unknown_zone() -> str | None:
    """The zone that TZ names, if this machine does not know it."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if name in ("", "UTC", "GMT"):
        return None
    from zoneinfo import TZPATH

    folders = (os.environ.get("TZDIR"), *TZPATH)
    if any(folder and os.path.isfile(os.path.join(folder, name)) for folder in folders):
        return None
    import re

    # A zone written out, as in POSIX: a name, its offset, and perhaps rules.
    return None if re.match(r"(<[\w+-]+>|[A-Za-z]{3,})[+-]?[0-9]{1,3}(:[0-9]{2}){0,2}([<A-Za-z,]|$)", name) else name


def local_zone() -> str:
    """The name of the zone in which times are shown: `Europe/Berlin`, or how the C library calls it, `CET`."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if name:
        return "UTC" if unknown_zone() is not None else name
    _, zones, linked = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    if zones:
        return linked
    import time

    return time.tzname[0]
