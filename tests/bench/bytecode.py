"""Whether commands start from byte code. Without it, each start compiles every module, and takes far longer."""

import importlib.util
import sys
from pathlib import Path

TIMED = ("evcli", "typer", "orjson")
"""The packages that the timed start-ups import."""


def refusal() -> str | None:
    """Why a start-up cannot be timed here, and what to do; None if it can."""
    if sys.dont_write_bytecode:
        return "PYTHONDONTWRITEBYTECODE is set, so commands would start without byte code\nhint: unset it"
    specs = [spec for spec in map(importlib.util.find_spec, TIMED) if spec is not None]
    folders = [Path(spec.origin).parent for spec in specs if spec.origin is not None]
    stale = {folder: number for folder in folders if (number := len(uncompiled(folder)))}
    if not stale:
        return None
    counted = ", ".join(f"{folder.name} ({number} modules)" for folder, number in stale.items())
    return (
        f"there is no up-to-date byte code of {counted}: every start would compile them\n"
        f"hint: {sys.executable} -m compileall -q {' '.join(map(str, stale))}"
    )


def uncompiled(folder: Path) -> list[Path]:
    """The modules in a folder whose byte code is missing, or was made from another source or by another Python."""
    return [source for source in sorted(folder.rglob("*.py")) if not _is_compiled(source)]


def _is_compiled(source: Path) -> bool:
    """Whether the header of the .pyc fits; https://docs.python.org/3/reference/import.html#pyc-invalidation"""
    try:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:16]
    except FileNotFoundError:
        return False
    if header[4:8] == bytes(4):  # made from a source of this time and size; otherwise, of this hash
        stat = source.stat()
        made_from = (int(stat.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + stat.st_size.to_bytes(4, "little")
    else:
        made_from = importlib.util.source_hash(source.read_bytes())
    return header[:4] == importlib.util.MAGIC_NUMBER and header[8:] == made_from
