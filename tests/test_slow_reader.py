"""A slow reader of an answer blocks no other writer: the lock is released before the answer is printed."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes of other systems have other sizes")
EVCLI = [sys.executable, "-m", "evcli"]
COMMANDS = {
    "create": ("user", "create", "Bob", "--email", "bob@example.com"),
    "destroy": ("user", "destroy", "1", "2"),
    "import": ("import", "rows.csv"),
    "repair": ("repair",),
}
F_SETPIPE_SZ = 1031


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVCLI_LOG", str(tmp_path / "log.jsonl"))
    for name in ("Ada", "Eve"):
        subprocess.run([*EVCLI, "user", "create", name, "--email", f"{name}@example.com"], check=True, timeout=60)
    (tmp_path / "rows.csv").write_text("name,email\nKurt,kurt@example.com\n")
    return tmp_path / "log.jsonl"


@contextmanager
def unread(log: Path, name: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command when it has changed the log and waits for a full stdout; and the other end of that pipe."""
    if name == "repair":
        log.write_bytes(log.read_bytes() + b"damage\n")
    before = log.read_bytes()
    reading, writing = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    for size in (1024, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"." * size)
    os.set_blocking(writing, True)
    slow = subprocess.Popen([*EVCLI, *COMMANDS[name]], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    deadline = time.monotonic() + 60
    while log.read_bytes() == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.read_bytes() != before, f"{name} changed nothing within a minute"
    try:
        yield slow, reading
    finally:
        slow.kill()
        slow.communicate()
        with suppress(OSError):
            os.close(reading)


@pytest.mark.parametrize("name", COMMANDS)
def test_unread_answer_blocks_no_writer(log: Path, name: str) -> None:
    with unread(log, name) as (slow, reading):
        words = ("user", "create", "Zoe", "--email", "zoe@example.com", "--lock-wait", "2")
        other = subprocess.run([*EVCLI, *words], check=False, capture_output=True, text=True, timeout=60)
        assert other.returncode == 0, other.stderr
        assert slow.poll() is None, f"{name} did not wait for its reader: this test shows nothing"
        while os.read(reading, 1 << 16):
            pass
        assert slow.wait(60) == 0


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"import"}))  # an import can be run again, and ends with 16
def test_signal_before_the_answer_waits_for_the_answer(log: Path, name: str) -> None:
    with unread(log, name) as (slow, reading):
        slow.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert slow.poll() is None, f"{name} was stored, and ended without an answer"
        answer = b""
        while piece := os.read(reading, 1 << 16):
            answer += piece
        assert slow.wait(60) == 0
        assert answer.strip(b"."), "the answer came"
