"""Any bytes as a line: `python tests/fuzz/fuzz_line.py -max_total_time=60`; see README.md here."""

from collections.abc import Callable

from harness import fuzz


def load() -> Callable[[bytes], None]:
    """What is tried with each input."""
    import hashlib

    from support.events import NO_HASH

    from evcli.log import START
    from evcli.log.line import BadLine, decode, decode_each, encode
    from evcli.log.lines import decode_many

    def seal(body: bytes) -> bytes:
        return body + b',"sha256":"' + hashlib.sha256(NO_HASH + body).hexdigest().encode() + b'"}\n'

    def one_input(data: bytes) -> None:
        # Raw, and with a good hash: behind that, all other checks are reached.
        for line in (data, data + b"\n", seal(data)):
            try:
                event = {**decode(line, START)}
            except BadLine:
                continue
            del event["sha256"]
            assert encode(event, START) == line
        lines = [line + b"\n" for line in data.split(b"\n") if line]
        for several in (lines, [seal(data)]):
            quick = decode_many(several, START) if several else None
            if quick is not None:
                assert quick == list(decode_each(several, START))

    return one_input


if __name__ == "__main__":
    fuzz(load)
