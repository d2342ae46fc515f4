"""The benchmark runs in tiny sizes. Its figures then mean nothing, and no time can fail a test."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("eventsourcing")
HERE = Path(__file__).parent


def quick(*words: str) -> str:
    command = [sys.executable, str(HERE / "run.py"), "--quick", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_group_writes_its_figures_to_the_table_and_the_readme(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    shutil.copy(HERE / "README.md", readme)
    _, table = quick("--folder", str(tmp_path), "--write", str(readme)).split("\n\n")
    header, rule, *rows = table.splitlines()
    assert re.split(r" {2,}", header) == ["what", "against", "target", "measured", "medians"]
    assert not rule.strip("─ ")
    assert len(rows) == 26
    for row in rows:
        assert re.search(r"  [≤≥] [\d.]+( MB)?  +(-?\d+\.\d+( MB)?( MISSED)?)  +\S", row), row

    written = readme.read_text(encoding="utf-8")
    ours = (HERE / "README.md").read_text(encoding="utf-8")
    assert written.startswith(ours[: ours.index("<!-- run.py")])
    assert written.endswith(ours[ours.index("<!-- to here") :])
    assert sum(line.startswith("| ") and ("≤" in line or "≥" in line) for line in written.splitlines()) == len(rows)
    assert "- processor: " in written
    assert "python tests/bench/run.py --quick" in written
    assert list(tmp_path.iterdir()) == [readme]


def test_one_group_runs_alone(tmp_path: Path) -> None:
    # This group also compares evcli's state with the rival's, and fails when they differ.
    rows = quick("--folder", str(tmp_path), "--only", "replay").split("\n\n")[1].splitlines()[2:]
    assert len(rows) == 3
    assert all(row.startswith("replay of 3,000 events") for row in rows)


def test_tiny_sizes_are_refused_for_the_readme() -> None:
    before = (HERE / "README.md").read_bytes()
    ran = subprocess.run([sys.executable, HERE / "run.py", "--quick", "--write"], check=False, capture_output=True)
    assert ran.returncode == 2
    assert (HERE / "README.md").read_bytes() == before


def test_generated_log_is_good_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        subprocess.run([sys.executable, HERE / "generate.py", tmp_path / name, "2000"], check=True)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    evcli = [sys.executable, "-m", "evcli", "verify", "--format", "plain", "--log", str(tmp_path / "one.jsonl")]
    verified = subprocess.run(evcli, check=True, capture_output=True, text=True)
    assert verified.stdout.startswith("status\tgood\nevents\t2000\n")
