"""From bytes as they are stored to bytes of text: gzip is unpacked, in pieces of bounded size."""

from collections.abc import Iterable, Iterator
from itertools import chain

from evcli.errors import BadInput
from evcli.transfer.source import CHUNK, Source

_GZIP = b"\x1f\x8b"
_ENOUGH = 16


def pieces(source: Source, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The source's bytes, which are `chunks`, unpacked if it is a gzip file. Raises BadInput if that is damaged.

    A file that can be read twice is checked first: of half a file, nothing must be recorded.
    """
    first, chunks = begun(chunks)
    if not first.startswith(_GZIP):
        return chunks
    if source.size is not None and not source.is_checked:
        for _ in _unpacked(source.name, chunks):
            pass
        source.is_checked = True
        source.rewind()
        chunks = iter(source.read, b"")
    return _unpacked(source.name, chunks)


def begun(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, so many that they tell what the input is, unless it is shorter; and all of it."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= _ENOUGH:
            break
    return first, chain([first], chunks)


def _unpacked(name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    import zlib

    window = 16 + zlib.MAX_WBITS  # of gzip
    member = zlib.decompressobj(window)
    try:
        for chunk in chunks:
            waiting = chunk
            while waiting:
                if member.eof:
                    waiting = waiting.lstrip(b"\0")  # a tape's padding
                    if not waiting:
                        break
                    if not waiting.startswith(_GZIP[:1]):
                        raise zlib.error
                    member = zlib.decompressobj(window)
                data = member.decompress(waiting, CHUNK)
                waiting = member.unused_data if member.eof else member.unconsumed_tail
                if data:
                    yield data
        while not member.eof and (data := member.decompress(b"", CHUNK)):
            yield data
    except zlib.error:
        raise BadInput(f"{name} is damaged: it is not what was compressed (gzip)", _AGAIN) from None
    if not member.eof:
        raise BadInput(f"{name} is cut off: the compressed data (gzip) end in the middle", _AGAIN)


_AGAIN = "download or copy it again; gunzip -t FILE checks it"
