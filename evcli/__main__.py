"""`python -m evcli`, and the entry point of the `evcli` command."""

import gc
import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command runs, and handles Ctrl-C with a message, Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

gc.disable()  # whatever loading creates is there to stay; searching it for garbage takes a thirtieth of a start

from evcli.cli.main import run  # noqa: E402  # after the handler is set: loading takes a moment

gc.freeze()
gc.enable()

if __name__ == "__main__":
    run()
