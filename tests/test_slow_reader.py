"""Whoever reads an answer slowly locks no other writer out."""

import os
import subprocess
import sys
import time
from pathlib import Path

USERS = 1200


def test_an_unread_answer_to_destroy_of_many_keeps_no_writer_out(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    environ = {**os.environ, "EVCLI_LOG": str(log), "EVCLI_CACHE": "off"}
    evcli = [sys.executable, "-m", "evcli"]
    rows = tmp_path / "rows.csv"
    rows.write_text("name,email\n" + "".join(f"N{n},n{n}@example.com\n" for n in range(USERS)))
    subprocess.run([*evcli, "import", str(rows)], env=environ, check=True, capture_output=True)
    size = log.stat().st_size
    ids = [str(n) for n in range(1, USERS + 1)]
    command = [*evcli, "user", "destroy", *ids, "--format", "json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as slow:
        while log.stat().st_size == size and slow.poll() is None:
            time.sleep(0.01)
        create = [*evcli, "user", "create", "Ada", "--email", "ada@example.com", "--lock-wait", "1"]
        other = subprocess.run(create, check=False, env=environ, capture_output=True, text=True)
        still_waits = slow.poll() is None
        answer, _ = slow.communicate()
    assert other.returncode == 0, other.stderr
    assert still_waits, "the answer fits into the pipe, so this test shows nothing"
    assert slow.returncode == 0
    assert len(answer) > 65536
