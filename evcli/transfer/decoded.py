"""From bytes of text in any encoding to UTF-8."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from evcli.errors import BadInput
from evcli.transfer.refusals import NoSuchEncoding
from evcli.transfer.unpacked import begun

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((re.compile(rb"(?:[^\0]\0){4}"), "utf-16-le"), (re.compile(rb"(?:\0[^\0]){4}"), "utf-16-be"))
"""Four characters of Latin text in UTF-16, as a header begins."""


def in_utf8(name: str, chunks: Iterator[bytes], encoding: str | None) -> tuple[Iterator[bytes], int]:
    """The input as UTF-8, and how many bytes of a mark were left out. What is taken for UTF-8 may have invalid bytes.

    Raises:
        NoSuchEncoding: `encoding` is not one.
        BadInput: some bytes are invalid in an encoding other than UTF-8.
    """
    found = None if encoding is None else codec_of(encoding)
    (first, chunks), mark = begun(chunks), b""
    for beginning, its in _MARKS:
        if first.startswith(beginning) and (found is None or found.startswith((its, its[:-3]))):
            mark, found = beginning, its
            break
    if found is None:
        found = next((its for is_like, its in _UNMARKED if is_like.match(first)), "utf-8")
    if mark:
        chunks = chain([next(chunks)[len(mark) :]], chunks)
    return (chunks if found == "utf-8" else _transcoded(name, chunks, found, len(mark))), len(mark)


def codec_of(encoding: str) -> str:
    """The name of a text encoding as Python has it. Raises NoSuchEncoding."""
    try:
        "a".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise NoSuchEncoding(encoding) from None


def _transcoded(name: str, chunks: Iterable[bytes], encoding: str, offset: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chain(chunks, [b""]):
        try:
            text = decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            at = offset + error.start - (len(error.object) - len(chunk))
            raise BadInput(f"{name}: byte {at} of the input is not {encoding}", _OTHER) from None
        except UnicodeError:
            raise BadInput(f"{name} is not {encoding}", _OTHER) from None
        offset += len(chunk)
        if not text:
            continue
        try:
            yield text.encode()
        except UnicodeEncodeError:
            raise BadInput(f"{name} is not {encoding}: it has half of a pair of surrogates", _OTHER) from None


_OTHER = "it has another encoding, or is damaged"
