"""`python -m evcli`, and the entry point of the `evcli` command."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command runs, and handles Ctrl-C with a message, Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from evcli.cli.main import run  # after the handler is set: loading takes a moment

if __name__ == "__main__":
    run()
