"""Any text as a word: `python tests/fuzz/fuzz_words.py -max_total_time=60`; see README.md here."""

from collections.abc import Callable

from harness import fuzz

HIDDEN = "\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def load() -> Callable[[bytes], None]:
    """What is tried with each input."""
    import tempfile
    from contextlib import suppress
    from datetime import UTC, datetime
    from pathlib import Path

    import orjson
    from faults.casebook import chain, members
    from support.logs import reading
    from support.users import clean_email, clean_name, clean_reason

    from evcli.cli.show.safe import safe, safe_json
    from evcli.errors import BadRef, BadText
    from evcli.log import START
    from evcli.log.line import decode, encode
    from evcli.register.refs import resolve

    log = Path(tempfile.mkdtemp()) / "events.jsonl"
    log.write_bytes(b"".join(chain(10)))
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def one_input(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        with reading(log) as reader:
            for beginning in (True, False):
                try:
                    assert 0 <= resolve(text, reader, now, beginning=beginning).number <= 10
                except BadRef:
                    continue
        for field, clean in (("name", clean_name), ("email", clean_email)):
            try:
                stored = clean(text)
            except BadText:
                continue
            whole = {"name": "A", "email": "a@b", field: stored}
            line = encode(members(1, data=whole), START)
            assert decode(line, START)["data"] == whole
            assert clean(stored) == stored
        with suppress(BadText):
            assert clean_reason(text) == text.strip()
        shown = safe(text) + safe_json(orjson.dumps(text.encode(errors="ignore").decode())).decode()
        assert not any(character < " " or "\x7f" <= character <= "\x9f" or character in HIDDEN for character in shown)

    return one_input


if __name__ == "__main__":
    fuzz(load)
