"""Any bytes as a log: `python tests/fuzz/fuzz_log.py -max_total_time=60`; see README.md here."""

from collections.abc import Callable

from harness import fuzz


def load() -> Callable[[bytes], None]:
    """What is tried with each input."""
    import tempfile
    from pathlib import Path

    from faults.casebook import chain

    from evcli.audit import audit
    from evcli.errors import EvcliError
    from evcli.eventlog.reading import LogReader
    from evcli.repair import plan

    ten = chain(10)
    log = Path(tempfile.mkdtemp()) / "events.jsonl"
    batch = log.with_name(log.name + ".batch")

    def one_input(data: bytes) -> None:
        # The first byte says how many good lines come before, and whether there is a batch file and how long it is.
        good, has_batch = (data[0] % 11, data[0] > 127) if data else (0, False)
        said, rest = (data[1:150], data[150:]) if has_batch else (b"", data[1:])
        content = b"".join(ten[:good]) + rest
        log.write_bytes(content)
        batch.unlink(missing_ok=True)
        if has_batch:
            batch.write_bytes(said)
        try:
            with LogReader(str(log)) as reader:
                report = audit(reader)
        except EvcliError:
            return
        assert log.read_bytes() == content
        place = report.head
        assert content[: place.offset].count(b"\n") == place.number
        if report.status == "damaged":
            with LogReader(str(log)) as reader:
                try:
                    planned = plan(reader)
                except EvcliError:
                    return
            assert planned.head == place
            log.write_bytes(content[: place.offset])
            batch.unlink(missing_ok=True)
            with LogReader(str(log)) as reader:
                assert audit(reader).status == "good"
        elif not has_batch:
            assert place.number >= good, "a good line was passed over"

    return one_input


if __name__ == "__main__":
    fuzz(load)
