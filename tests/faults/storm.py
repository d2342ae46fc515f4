"""A storm of kill -9 over writers at one log, as a process of its own: `python storm.py LOG KILLS COMMANDS SEED`.

It loads evcli once and forks its writers, so that a writer begins as soon as one was killed. Each writer runs commands,
singles and batches, one after another, and its answers go straight to a file of its own beside the log. With 0
kills, each writer runs COMMANDS commands and ends.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from evcli.cli.main import main

WRITERS = 4


def write(log: Path, name: str, commands: int) -> None:
    """Run commands until killed, or that many if not 0; every fourth one is a batch."""
    answers = os.open(log.parent / f"{name}.answers", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(answers, 1)
    errors = os.open(log.parent / f"{name}.errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(errors, 2)
    done = 0
    while not commands or done < commands:
        done += 1
        emails = [f"{name}-{done}-{each}@example.com" for each in range(3)]
        words = [["user", "create", name, "--email", email] for email in emails]
        for each in (*words, ["user", "destroy", *emails, "--reason", "r" * 700]):
            code = main([*each, "--log", str(log), "--json", "--lock-wait", "300"])
            sys.stdout.flush()
            if code:
                os._exit(code)


def begin(log: Path, name: str, commands: int) -> int:
    """Fork a writer; its process id."""
    writer = os.fork()
    if writer == 0:
        try:
            write(log, name, commands)
        finally:
            os._exit(0)
    return writer


def storm(log: Path, kills: int, commands: int, seed: int) -> None:
    """Let four writers write, kill one at random and begin another, `kills` times."""
    chance = random.Random(seed)
    running = [begin(log, f"w{number}", commands) for number in range(WRITERS)]
    for number in range(kills):
        time.sleep(chance.uniform(0.001, 0.08))
        at = chance.randrange(WRITERS)
        os.kill(running[at], signal.SIGKILL)
        os.waitpid(running[at], 0)
        running[at] = begin(log, f"w{WRITERS + number}", commands)
    for writer in running:
        if kills:
            os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


if __name__ == "__main__":
    storm(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
