"""Many processes on one log: each acknowledged event is in it once, the chain is good, readers see no fault."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.common import acknowledged
from support.logs import reading
from support.users import TYPES, USER

from evcli.register.past import Past
from evcli.register.register import Register
from evcli.register.verify import audit

WRITERS = 8
COMMANDS = 40

# One writer: forty commands about its own users, each as the command line runs it, each answer printed.
WRITER = """
import sys
from evcli.cli.main import main

who = sys.argv[1]
patient = ["--lock-wait", "300", "--format", "json"]

def run(*words):
    code = main([*words, *patient])
    if code:
        sys.exit(f"{words} exited {code}")

for number in range(8):
    email = f"{who}-{number}@example.com"
    run("user", "create", f"{who} {number}", "--email", email)
    run("user", "rename", email, f"{who} {number} the second")
    run("user", "change-email", email, "new-" + email)
    run("user", "destroy", "new-" + email, "--reason", "x" * 1500)
    run("user", "restore", "new-" + email)
"""

# A concurrent reader: folds the log again and again until the file `stop` exists, and prints what it saw each time.
READER = """
import os, sys
from evcli.domain.state import MemoryState
from evcli.errors import NoLog
from evcli.log.file.engine import FileLog
from evcli.log.reader import Reader
from evcli.log.replay import replay

path, stop = sys.argv[1:]
while True:
    is_last = os.path.exists(stop)
    try:
        with Reader(FileLog(path)) as reader:
            state = MemoryState()
            replay(reader, state)
            backward = sum(1 for _ in reader.events_backward(reader.at))
            print(state.number, backward, reader.log.unfinished()[0], flush=True)
    except NoLog:
        pass
    if is_last:
        break
"""


def start(program: str, *arguments: str, log: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "EVCLI_LOG": str(log), "EVCLI_ACTOR": arguments[0]}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.case(34, 35)
def test_concurrent_writers_lose_no_event_and_a_reader_sees_no_fault(
    log_path: Path, tmp_path: Path, register: Register
) -> None:
    stop = tmp_path / "stop"
    reader = start(READER, str(log_path), str(stop), log=log_path)
    writers = [start(WRITER, f"writer{number}", log=log_path) for number in range(WRITERS)]
    try:
        ended = [writer.communicate() for writer in writers]
        stop.touch()
        seen, complaint = reader.communicate()
    finally:
        for process in (*writers, reader):
            process.kill()
            process.wait()

    assert [error for writer, (_, error) in zip(writers, ended, strict=True) if writer.returncode] == []
    lines = log_path.read_bytes().splitlines(keepends=True)
    answered = [line for out, _ in ended for line in acknowledged(out.encode())]
    assert sorted(answered) == sorted(lines), "what was acknowledged is not what is stored"
    stored = [json.loads(line) for line in lines]
    assert [int(event["sequence"]) for event in stored] == list(range(1, WRITERS * COMMANDS + 1))
    for number in range(WRITERS):
        own = [event["type"] for event in stored if event["authid"] == f"writer{number}"]
        assert own == [*TYPES] * 8, "a writer's events are not in the order in which it sent them"

    with reading(log_path) as log:
        report = audit(log)
        assert (report.status, report.head.number) == ("good", WRITERS * COMMANDS), report.faults
        users = list(Past(log.log).at().records(USER))
    assert [user.id for user in users] == list(range(1, WRITERS * 8 + 1))
    assert all(user.destroyed is None and user.name.endswith("the second") for user in users)

    assert reader.returncode == 0, f"the concurrent reader raised a false alarm: {complaint}"
    readings = [tuple(map(int, line.split())) for line in seen.splitlines()]
    numbers = [number for number, _, _ in readings]
    assert numbers == sorted(numbers), "events disappeared"
    assert numbers[-1] == WRITERS * COMMANDS
    assert [backward for _, backward, _ in readings] == numbers
    assert not any(torn for _, _, torn in readings), "a line that was being written was called torn"


def test_one_of_many_concurrent_creators_of_an_email_succeeds(log_path: Path) -> None:
    program = (
        "import sys\nfrom evcli.cli.main import main\n"
        "sys.exit(main(['user', 'create', sys.argv[1], '--email', 'one@example.com', '--lock-wait', '300']))"
    )
    creators = [start(program, f"creator{number}", log=log_path) for number in range(6)]
    ended = [creator.communicate() for creator in creators]
    assert sorted(creator.returncode for creator in creators) == [0, 1, 1, 1, 1, 1]
    assert sum("created" in out for out, _ in ended) == 1
    assert sum("is taken by user 1" in error for _, error in ended) == 5
    assert log_path.read_bytes().count(b"\n") == 1
