"""The measuring itself runs, in tiny sizes; what it measures then means nothing, and nothing timed can fail here."""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_the_table_has_a_ratio_in_every_line(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, HERE / "run.py", "--quick", "--folder", tmp_path], check=True, capture_output=True, text=True
    )
    _, table = ran.stdout.split("\n\n")
    header, rule, *rows = table.splitlines()
    assert header.split() == ["what", "against", "target", "measured"]
    assert not rule.strip("─ ")
    assert len(rows) == 6
    assert all(re.search(r" [≤≥] \d.* \d+\.\d+$", row) for row in rows)
    assert not any(tmp_path.iterdir())


def test_a_generated_log_is_good_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        subprocess.run([sys.executable, HERE / "generate.py", tmp_path / name, "2000"], check=True)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    evcli = [sys.executable, "-m", "evcli", "verify", "--format", "plain", "--log", str(tmp_path / "one.jsonl")]
    verified = subprocess.run(evcli, check=True, capture_output=True, text=True)
    assert verified.stdout.startswith("status\tgood\nevents\t2000\n")
