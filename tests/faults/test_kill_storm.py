"""Four writers at one log, killed at random with kill -9: what was acknowledged is stored, and the chain whole."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from faults import storm
from faults.common import OURS, acknowledged, environment, read, told, what_is_in_the_way
from faults.conftest import Figures


def weather(folder: Path, kills: int, commands: int, seed: int, package: Path = OURS) -> tuple[int, list[str]]:
    """How many events were acknowledged in a storm, and what is wrong after it."""
    log = folder / "store" / "events.jsonl"
    log.parent.mkdir()
    words = [sys.executable, str(storm.__file__), str(log), str(kills), str(commands), str(seed)]
    done = subprocess.run(words, env=environment(package), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [path.read_bytes() for path in log.parent.glob("*.answers")]
    errors = {line for path in log.parent.glob("*.errors") for line in path.read_text().splitlines()}
    for path in [*log.parent.glob("*.answers"), *log.parent.glob("*.errors")]:
        path.unlink()

    acks = [line for answer in answers for line in acknowledged(answer)]
    complaints = [f"a writer says {line}" for line in sorted(errors) if "error" in line]
    status, _, end, fault = read(log)
    stored = log.read_bytes()[:end].splitlines(keepends=True)
    if status == "damaged":
        complaints.append(f"false alarm: {fault}")
    if gone := set(acks) - set(stored):
        complaints.append(f"lost: {len(gone)} of {len(acks)} acknowledged events, such as {next(iter(gone))!r}")
    if len(acks) != len(set(acks)):
        complaints.append("an event was acknowledged twice")
    batches = Counter(event.get("correlationid", "") for event in map(json.loads, stored))
    if halves := [id for id, lines in batches.items() if id and lines != 3]:
        complaints.append(f"{len(halves)} batches are not there as a whole")
    if status != "damaged":
        complaints += what_is_in_the_way(log, b"".join(stored))
    return len(acks), complaints


def check(disk: Path, figures: Figures, kills: int, seed: int) -> None:
    acks, complaints = weather(disk, kills, 0, seed)
    figures.count("kills", kills)
    figures.judge(complaints)
    assert acks, "no writer lived long enough to acknowledge anything"
    assert not complaints, told(complaints)


@pytest.mark.case(13)
def test_events_acknowledged_before_kill_9_are_stored(disk: Path, figures: Figures) -> None:
    check(disk, figures, kills=15, seed=1)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(2, 7))
def test_events_acknowledged_before_hundreds_of_kills_are_stored(seed: int, disk: Path, figures: Figures) -> None:
    check(disk, figures, kills=200, seed=seed)
