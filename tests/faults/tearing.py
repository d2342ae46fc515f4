"""Runs evcli once for each line of stdin, `[{variables}, [words], out, err]`, in a fork; answers with how it ended.

It runs with tear.so before the C library, which reads the variables at each write. evcli is loaded once.
"""

import gc
import json
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout

from evcli.cli.main import main

LONGEST = 60
"""Seconds after which a command has hung; SIGALRM ends it."""


def run(variables: dict[str, str], words: list[str], out: str, err: str) -> int:
    """Run evcli in a fork with these variables, its answers and messages to these files; how it ended."""
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ.update(variables)
        code = 255
        try:
            code = main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def warm_up() -> None:
    """Load and build what a command needs, so that no fork has to."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        main(["--log", "/", "--json", "user", "create", "Eve", "--email", "eve@example.com"])
        main(["--log", "/", "--json", "user", "destroy", "1", "2"])
    gc.freeze()


def serve() -> None:
    """Run what stdin asks for, until it ends."""
    warm_up()
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)


if __name__ == "__main__":
    serve()
