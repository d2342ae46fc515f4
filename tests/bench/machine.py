"""What the figures were measured on, in a few lines."""

import os
import platform
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from measuring import seconds

PACKAGES = ("evcli", "typer", "orjson", "eventsourcing", "auditchain")


def description(folder: Path) -> list[tuple[str, str]]:
    """Name and value of all that moves the figures: processor, disk, system, versions."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return [
        ("processor", f"{_processor()}, {cores} cores"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("disk", f"{_disk(folder)}; write + fsync of 350 bytes takes {_sync(folder) * 1e6:.0f} µs (median of 200)"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("SQLite", sqlite3.sqlite_version),
        ("packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)),
    ]


def _lines(path: str) -> list[str]:
    """The lines of a file of /proc; none where there is no such file."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _processor() -> str:
    names = (line.split(": ")[1] for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    return next(names, platform.machine())


def _disk(folder: Path) -> str:
    """The file system of the folder and its device: those of the longest mount point above it."""
    here = folder.resolve()
    mounts = [line.split()[:3] for line in _lines("/proc/mounts")]
    above = [(len(point), device, kind) for device, point, kind in mounts if here.is_relative_to(point)]
    _, device, kind = max(above, key=lambda mount: mount[0], default=(0, "an unknown device", "unknown file system"))
    return f"{kind} on {device}"


def _sync(folder: Path) -> float:
    path = folder / "synced"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write() -> None:
        os.write(descriptor, b"x" * 350)
        os.fsync(descriptor)

    taken = median(seconds(write) for _ in range(200))
    os.close(descriptor)
    path.unlink()
    return taken


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
