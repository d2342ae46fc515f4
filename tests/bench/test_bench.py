"""The measuring itself runs, in tiny sizes; what it measures then means nothing, and nothing timed can fail here."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_every_group_puts_its_figures_into_the_table_and_the_readme(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    shutil.copy(HERE / "README.md", readme)
    words = [sys.executable, str(HERE / "run.py"), "--quick", "--folder", str(tmp_path), "--write", str(readme)]
    ran = subprocess.run(words, check=True, capture_output=True, text=True)

    _, table = ran.stdout.split("\n\n")
    header, rule, *rows = table.splitlines()
    assert re.split(r" {2,}", header) == ["what", "against", "target", "measured", "medians"]
    assert not rule.strip("─ ")
    assert len(rows) == 26
    for row in rows:
        assert re.search(r"  [≤≥] [\d.]+( MB)?  +(-?\d+\.\d+( MB)?( MISSED)?|skipped)  +\S", row), row

    written = readme.read_text(encoding="utf-8")
    told = (HERE / "README.md").read_text(encoding="utf-8")
    assert written.startswith(told[: told.index("<!-- run.py")])
    assert written.endswith(told[told.index("<!-- to here") :])
    assert sum(line.startswith("| ") and ("≤" in line or "≥" in line) for line in written.splitlines()) == len(rows)
    assert "- processor: " in written
    assert "python tests/bench/run.py --quick" in written
    assert list(tmp_path.iterdir()) == [readme]


@pytest.mark.skipif(not find_spec("eventsourcing"), reason="the eventsourcing package is not installed")
def test_a_group_can_be_measured_alone(tmp_path: Path) -> None:
    # This one also compares evcli's state with the rival's, and fails when they differ.
    words = [sys.executable, str(HERE / "run.py"), "--quick", "--folder", str(tmp_path), "--only", "replay"]
    ran = subprocess.run(words, check=True, capture_output=True, text=True)
    rows = ran.stdout.split("\n\n")[1].splitlines()[2:]
    assert len(rows) == 3
    assert all(row.startswith("replay of 3,000 events") and "skipped" not in row for row in rows)


def test_tiny_sizes_never_stand_in_the_readme() -> None:
    before = (HERE / "README.md").read_bytes()
    ran = subprocess.run([sys.executable, HERE / "run.py", "--quick", "--write"], check=False, capture_output=True)
    assert ran.returncode == 2
    assert (HERE / "README.md").read_bytes() == before


def test_a_generated_log_is_good_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        subprocess.run([sys.executable, HERE / "generate.py", tmp_path / name, "2000"], check=True)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    evcli = [sys.executable, "-m", "evcli", "verify", "--format", "plain", "--log", str(tmp_path / "one.jsonl")]
    verified = subprocess.run(evcli, check=True, capture_output=True, text=True)
    assert verified.stdout.startswith("status\tgood\nevents\t2000\n")
