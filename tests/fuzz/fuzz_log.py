"""Any bytes as a log: `python tests/fuzz/fuzz_log.py -max_total_time=60`; see README.md here."""

from collections.abc import Callable

from harness import fuzz


def load() -> Callable[[bytes], None]:
    """What is tried with each input."""
    import tempfile
    from pathlib import Path

    from faults.casebook import chain
    from support.logs import reading

    from evcli.errors import EvcliError
    from evcli.register.past import Past
    from evcli.register.repair import plan
    from evcli.register.verify import audit

    ten = chain(10, {4: "4-6", 5: "4-6", 6: "4-6"})
    log = Path(tempfile.mkdtemp()) / "events.jsonl"

    def one_input(data: bytes) -> None:
        good = data[0] % 11 if data else 0  # how many good lines come before
        content = b"".join(ten[:good]) + data[1:]
        log.write_bytes(content)
        with reading(log) as reader:
            report = audit(reader)
        assert log.read_bytes() == content
        place = report.head
        if report.status == "damaged":
            with reading(log) as reader:
                try:
                    planned = plan(Past(reader.log))
                except EvcliError:
                    return
            assert planned.head.number >= (3 if place.number in (4, 5) else place.number)
        else:
            assert place.number >= (3 if good in (4, 5) else good), "a good line was passed over"

    return one_input


if __name__ == "__main__":
    fuzz(load)
