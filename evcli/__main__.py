"""`python -m evcli`, and the entry point of the `evcli` command."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command runs, and answers for it in words, Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from evcli.cli.main import run  # what it loads takes a moment, in which somebody may press Ctrl-C

if __name__ == "__main__":
    run()
