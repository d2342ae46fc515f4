"""The calls by which a process changes files, as strace sees them: what the models of a power cut are computed from."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from faults.common import OURS, Ended, run

_CALLS = (
    "open,openat,creat,mkdir,mkdirat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,sendfile,copy_file_range,sync_file_range"
)
_KNOWN = {
    "mkdir": "folder", "write": "write", "pwrite64": "write", "ftruncate": "cut", "fsync": "sync", "fdatasync": "sync",
    "unlink": "remove", "rename": "rename",
}  # fmt: skip


class Op(NamedTuple):
    """One call that matters: `make`, `folder`, `write`, `cut`, `sync`, `remove`, `rename` with a path, or `ack`."""

    what: str
    path: str
    data: bytes = b""
    offset: int = -1
    """Where a write begins (the end of the file, if negative), or what a cut leaves."""
    to: str = ""


def made_by(
    words: Sequence[str], folder: Path, package: Path = OURS, faults: Sequence[object] = ()
) -> tuple[Ended, list[Op]]:
    """Run a command under strace: how it ended, and what it did to files in a folder and below, by relative paths.

    A call that is made to fail is not among that.
    """
    with tempfile.NamedTemporaryFile("r") as trace:
        options = [
            "-f",
            "-qq",
            "-y",
            "-xx",
            "-s",
            "4194304",
            "-o",
            trace.name,
            "--seccomp-bpf",
            "-e",
            f"trace={_CALLS}",
            *(word for fault in faults for word in ("-e", f"inject={fault}")),
        ]
        ran = run(["strace", *options, *words], package)
        return ran, [op for line in trace if (op := _op(line, str(folder)))]


def _op(line: str, folder: str) -> Op | None:
    match = re.match(r"\d+ +(\w+)\((.*)\) += (\d+)", line)
    if not match:
        return None
    name, arguments, result = match[1], match[2], int(match[3])
    texts = [_unhex(each) for each in re.findall(r'"((?:\\x..)*)"', arguments)]
    on = re.match(r"(\d+)<([^>]*)>", arguments)
    if name == "write" and on and on[1] == "1":
        return Op("ack", "", texts[0])
    path = _unhex(on[2]).decode() if on else texts[0].decode(errors="replace") if texts else ""
    if not f"{path}/".startswith(f"{folder}/"):
        return None
    path = path[len(folder) + 1 :]
    if name in ("open", "openat"):
        assert "O_TRUNC" not in arguments, "the model has no file that is emptied when opened"
        return Op("make", path) if "O_CREAT" in arguments else None
    assert name in _KNOWN, f"the model does not know {name}({arguments})"
    data = texts[0][:result] if name in ("write", "pwrite64") else b""
    offset = int(arguments.rpartition(", ")[2]) if name in ("pwrite64", "ftruncate") else -1
    return Op(_KNOWN[name], path, data, offset, texts[1].decode()[len(folder) + 1 :] if name == "rename" else "")


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()
