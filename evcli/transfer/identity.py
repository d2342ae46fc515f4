"""The ids of an import's rows: each is a hash of the cells of all rows up to it, and of what the series begins with."""

from collections.abc import Sequence
from hashlib import sha256

import orjson

_VERSION = bytes(0x80 | byte & 0x0F for byte in range(256))
_VARIANT = bytes((8 + (byte & 3)) << 4 | byte & 0x0F for byte in range(256))
"""What becomes of the bytes of a hash that have the version of a UUID, and its variant."""

_DIGITS = [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]
"""Where the 32 digits of a UUID stand in its text, between the dashes."""


class RowIds:
    """Gives the rows of one input their ids, in order; the same rows have others in a series with another `seed`."""

    def __init__(self, seed: int = 0) -> None:
        self._digest = str(seed).encode() if seed else b""

    def of(self, rows: Sequence[tuple[str, ...]]) -> tuple[list[str], list[int]]:
        """The ids of the next rows, at least one, and how many bytes the cells of each have as JSON."""
        written = _written(rows)
        digest, digests = self._digest, []
        for each in written:
            digest = sha256(digest + each).digest()
            digests.append(digest)
        self._digest = digest
        return uuids(digests), list(map(len, written))


def uuids(digests: Sequence[bytes]) -> list[str]:
    """UUIDs of version 8 (RFC 9562, section 5.8: application-defined bits) from the first bytes of these hashes."""
    count = len(digests)
    # A column at a time, because this runs for every row of an import: each digit of all ids is one slice.
    bits = bytearray(b"".join([digest[:16] for digest in digests]))
    bits[6::16] = bits[6::16].translate(_VERSION)
    bits[8::16] = bits[8::16].translate(_VARIANT)
    digits = bits.hex().encode()
    texts = bytearray(b"-" * (36 * count))
    for at, place in enumerate(_DIGITS):
        texts[place::36] = digits[at::32]
    ids = texts.decode()
    return [ids[at : at + 36] for at in range(0, 36 * count, 36)]


def _written(rows: Sequence[tuple[str, ...]]) -> list[bytes]:
    """Each row as JSON, as orjson writes it."""
    joined = '"]\n["'.join(map('","'.join, rows))
    # JSON puts one backslash or more before what it escapes. If it escapes only what joins the cells here, theirs are
    # written as they are, and no newline is among them.
    of_joints = 2 * (len(rows[0]) - 1) * len(rows) + 3 * (len(rows) - 1)
    if orjson.dumps(joined).count(b"\\") == of_joints:
        return f'["{joined}"]'.encode().split(b"\n")
    return list(map(orjson.dumps, rows))
