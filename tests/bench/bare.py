"""The bare loops that evcli is measured against: reading a log without any of evcli."""

import hashlib
from pathlib import Path

import orjson


def parse_only(log: Path) -> None:
    """Parse every line as JSON, and make nothing of it."""
    with log.open("rb") as file:
        for line in file:
            orjson.loads(line)


def parse_and_hash(log: Path) -> None:
    """Parse every line, and check the chain of hashes as README.md does; no form, rule or unique id is looked at."""
    previous = b"0" * 64
    with log.open("rb") as file:
        for line in file:
            orjson.loads(line)
            assert hashlib.sha256(previous + line[:-78]).hexdigest().encode() == line[-67:-3]
            previous = line[-67:-3]
