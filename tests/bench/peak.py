"""`python -I -S peak.py COMMAND…`: run a command, its answer thrown away, and print its peak memory in bytes.

A program of its own because a process counts as its own what its parent held when it was started: this parent is
smaller than any command of evcli.
"""

import os
import sys

if __name__ == "__main__":
    nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[nothing])
    _, status, used = os.wait4(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(sys.argv[1:])} ended with {code}")
    print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))  # Linux counts kibibytes, macOS bytes
