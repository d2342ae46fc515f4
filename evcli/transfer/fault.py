"""What is wrong with a row of an import, as data."""

from typing import NamedTuple

from evcli.errors import BadInput
from evcli.transfer.refusals import OtherEncoding


class Fault(NamedTuple):
    """What is wrong with a row: the field ("" for the whole row), the reason, and a hint if there is one."""

    field: str
    why: str
    hint: str = ""
    cause: BadInput | None = None
    """The same as an error, if that knows more."""

    def error(self) -> BadInput:
        """The same as an error."""
        return self.cause or BadInput(self.why, self.hint)


class BadCell(Exception):  # named for what is wrong, as in errors.py
    """A cell that cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def not_utf8(line: bytes, error: UnicodeDecodeError, offset: int) -> Fault:
    """The fault of a line that is not UTF-8 and begins at byte `offset` of the input."""
    byte = line[error.start]
    likely = bytes([byte]).decode("cp1252", "ignore")
    guess = f' (in Windows-1252 it would be "{likely}")' if likely.isprintable() and likely else ""
    why = f"byte {offset + error.start} of the input, 0x{byte:02X}, is not UTF-8{guess}"
    return Fault("", why, "", OtherEncoding(why, "windows-1252"))
