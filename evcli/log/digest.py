"""SHA-256: of a few lines by Python's own code, of many by OpenSSL's.

OpenSSL hashes a line in a third of the time, but loading it takes as long as hashing three thousand of them: a
twentieth of a short command. Which of the two is used changes no hash.
"""

import sys
from collections.abc import Callable
from typing import Protocol


class Hash(Protocol):
    """What has been hashed."""

    def hexdigest(self) -> str:
        """The hash, as 64 hex digits."""


MANY = 2_000
"""How many lines this process hashes, at most, before it loads OpenSSL."""

_hashed = 0


def _without_openssl() -> Callable[[bytes], Hash]:
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256
        else:
            from _sha256 import sha256  # type: ignore[import-not-found]  # part of hashlib, without types
    except ImportError:  # a build of Python may lack it
        from hashlib import sha256
    return sha256  # type: ignore[no-any-return]


sha256 = _without_openssl()
"""For a few lines."""


def sha256_for(lines: int) -> Callable[[bytes], Hash]:
    """The one for the next so many lines."""
    global _hashed  # noqa: PLW0603  # what is loaded is the process's, too
    _hashed += lines
    if _hashed < MANY and "hashlib" not in sys.modules:
        return sha256
    from hashlib import sha256 as quick

    return quick
