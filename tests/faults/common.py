"""What all sweeps share: logs to begin with, evcli as a process, and the judgement on what a fault left behind."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import orjson
import pytest
from support.logs import reading
from support.users import CREATED, DESTROYED

import evcli
from evcli.errors import EvcliError, NoLog
from evcli.log.file.engine import FileLog
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.register.verify import audit

OURS = Path(evcli.__file__).parent.parent
"""The folder above the package under test; a mutant has another one."""

STORE, LOG = "evcli", "events.jsonl"
"""The names of the log's folder and of the log: those of the default place, in which alone folders are made."""

LONGEST_BATCH = 2600
"""How many events a command can append at once: their lines are nearly the megabyte that a batch may have."""

NOTHING_WRITTEN = (1, 2, 10, 11, 12, 13, 14, 129, 130, 143)
"""The exit codes that promise that nothing was stored."""


INTERRUPTED = (129, 130, 143)
"""Of these, by a signal; of several appends, it may come when the last one is answered for."""

Case = TypeVar("Case")
Thing = TypeVar("Thing")


class Start(NamedTuple):
    """A log as a command finds it: the files in its folder, and which bytes of it were acknowledged."""

    name: str
    files: dict[str, bytes]
    """By name; without any, the folder is missing too."""
    good: bytes
    unfinished: bytes = b""
    earlier: tuple[bytes, ...] = ()
    """What the log held when it was synced last, and after each call since; none when it is synced as it is."""


class Ended(NamedTuple):
    """A process that ended: its exit code (below 0: the signal that ended it) and what it printed."""

    code: int
    out: bytes
    err: str


def needs(tool: str) -> pytest.MarkDecorator:
    """Skip a test by name where a tool is missing."""
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


def environment(package: Path = OURS) -> dict[str, str]:
    """The environment of a process that runs the evcli in `package`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(package),
        "PYTHONSAFEPATH": "1",  # else the current folder's names are looked up too, and those calls would count
        "EVCLI_ACTOR": "ann",
        "EVCLI_CACHE": "off",  # the log must keep its promises alone
        "LC_ALL": "C.UTF-8",
    }


APPENDING = "appending"
"""The first word of a command that appends several times in one process; what follows are the steps of appending.py."""


def command(log: Path, words: Sequence[str]) -> list[str]:
    """The words that run evcli over `log`, its answer in JSON."""
    if words[0] == APPENDING:
        return [sys.executable, str(Path(__file__).with_name("appending.py")), str(log), *words[1:]]
    if not log.parent.exists():
        return ["env", f"XDG_DATA_HOME={log.parent.parent}", sys.executable, "-m", "evcli", "--json", *words]
    return [sys.executable, "-m", "evcli", "--log", str(log), "--json", *words]


def run(words: Sequence[str], package: Path = OURS) -> Ended:
    """Run a process until it ends. One that hangs raises here: the test's own time limit is not felt in a thread."""
    done = subprocess.run(words, env=environment(package), cwd="/", capture_output=True, check=False, timeout=60)
    return Ended(done.returncode, done.stdout, done.stderr.decode())


CREATE = ("user", "create", "Eve", "--email", "eve@example.com")
DESTROY = ("user", "destroy", "1", "2", "--reason", "both or neither")


def register(log: Path, first_id: str = "event") -> Register:
    """A register over `log` in this process, with counted ids, and a clock that every event moves by a second."""
    counter = iter(range(1, 1_000_000))
    moment = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number) for number in range(1_000_000))
    return Register(
        FileLog(str(log), makes_folders=True),
        actor="ann",
        clock=lambda: next(moment),
        new_id=lambda: f"{first_id}-{next(counter)}",
    )


def creation(name: str) -> Intention:
    """The intention to create a user."""
    data = {"name": name, "email": f"{name.lower()}@example.com"}
    return Intention(CREATED, data, about=lambda state: state.last_id("user") + 1, finds=False)


def destruction(id: int, reason: str) -> Intention:
    """The intention to destroy a user."""
    return Intention(DESTROYED, {"reason": reason}, about=lambda state: id)


@cache
def written(users: int, batch: int = 0) -> tuple[bytes, bytes]:
    """The lines of new users, and those of a batch that destroys the first ones of them."""
    with TemporaryDirectory() as folder:
        log = Path(folder, LOG)
        one = register(log)
        step = users // 2 if users > 100 else 1
        for first in range(1, users + 1, step):
            one.execute(*[creation(f"User{number}") for number in range(first, min(first + step, users + 1))])
        good = log.read_bytes()
        if batch:
            reason = "gone" * 20 if batch < 100 else "gone"
            one.execute(*[destruction(number, reason) for number in range(1, batch + 1)])
        return good, log.read_bytes()[len(good) :]


def as_lines(content: bytes, end: int | None = None) -> bytes:
    """The lines of a log up to byte `end` (all, when None), the last with its newline even where that is missing."""
    if end is None:
        end = len(content) + (content[-1:] not in (b"", b"\n"))
    return content[: end - 1] + b"\n" if end else b""


def with_hole(lines: bytes, begin: int) -> bytes:
    """Lines that begin at byte `begin` of a file, of which the second sector did not reach the disk."""
    hole = 1024 - begin % 512
    return lines[: hole - 512] + bytes(512) + lines[hole:]


def starts() -> list[Start]:
    """Every state in which a writer can find its log."""
    good, batch = written(3, 3)
    cut = batch[: batch.index(b"\n") + 150]
    hole = with_hole(batch, len(good))
    return [
        Start("new", {}, b""),
        Start("old", {LOG: good}, good),
        Start("torn", {LOG: good + batch[:150]}, good, batch[:150]),
        Start("unfinished batch", {LOG: good + cut}, good, cut),
        Start("batch with a hole", {LOG: good + hole}, good, hole),
        Start("finished batch", {LOG: good + batch}, good + batch),
        Start("no newline", {LOG: good[:-1]}, good[:-1]),
        Start("no newline, torn", {LOG: good[:-1] + b"\0" + batch[:150]}, good[:-1], b"\0" + batch[:150]),
    ]


def start(name: str) -> Start:
    """The state of that name."""
    return next(each for each in starts() if each.name == name)


def lay_out(folder: Path, before: Start) -> Path:
    """Make `folder` hold that state and nothing else; the log's path."""
    shutil.rmtree(folder, ignore_errors=True)
    if before.files:
        folder.mkdir()
    for name, content in before.files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return folder / LOG


def acknowledged(out: bytes) -> list[bytes]:
    """The lines that whole answers in JSON acknowledge as recorded; an answer that was cut short answers nothing."""
    lines: list[bytes] = []
    decoder, text = json.JSONDecoder(), out.decode(errors="replace").lstrip()
    while text:
        try:
            document, end = decoder.raw_decode(text)
        except ValueError:
            break
        if document.get("recorded"):
            lines += [orjson.dumps(event) + b"\n" for event in document["events"]]
        text = text[end:].lstrip()
    return lines


def read(log: Path) -> tuple[str, int, int, str]:
    """What a reader says of the log: status, number of events, byte after the last, and the fault if there is one."""
    try:
        with reading(log) as reader:
            report = audit(reader)
            return report.status, report.head.number, report.head.place, "; ".join(map(str, report.faults))
    except NoLog:
        return "good", 0, 0, ""
    except EvcliError as error:
        return "damaged", 0, 0, error.message


def content(path: Path) -> bytes:
    """The file's bytes; none when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def broken_promises(log: Path, before: Start, ran: Ended, wanted: int, at_once: int = 0) -> list[str]:
    """What evcli promised and did not keep, when a command that wants `wanted` events met a fault and `ran` so.

    They are all or none, or all or none of each `at_once`, which are answered for one after another.
    """
    at_once = at_once or wanted
    broken = []
    acks = acknowledged(ran.out)
    now = content(log)
    if not now.startswith(before.good):
        return ["lost: what was acknowledged before is not all there"]
    status, number, end, fault = read(log)
    if status == "damaged":
        return [f"false alarm: {fault}"]
    known = as_lines(before.good).count(b"\n")
    added = number - known
    new = as_lines(now, end)[len(as_lines(before.good)) :]
    if new and before.unfinished and new.startswith(before.unfinished[:120]):
        broken.append("half a batch is read as events")
    stored = iter(new.splitlines(keepends=True))
    if not all(ack in stored for ack in acks):  # in this order
        broken.append(f"lost: {len(acks)} events were acknowledged, {added} are stored")
    unknown = ran.err.count("exit 15: ") if at_once < wanted else ran.code == 15
    if not 0 <= added - len(acks) <= at_once * (unknown + (ran.code < 0)) or added % at_once or added > wanted:
        broken.append(f"{added} of {wanted} events of one command are stored")
    if ran.code >= 0 and ran.code not in (0, 15, *NOTHING_WRITTEN):
        broken.append(f"exit code {ran.code} is none that is documented for this")
    if "Traceback" in ran.err or '"bug"' in ran.err or "Exception ignored" in ran.err:
        broken.append(f"it is a bug in its own words: {ran.err}")
    if ran.code == 0 and len(acks) != wanted:
        broken.append("exit 0 without an answer")
    if ran.code > 0 and len(acks) == wanted and not (at_once < wanted and ran.code in INTERRUPTED):
        broken.append(f"acknowledged, and yet exit {ran.code}")
    if ran.code in NOTHING_WRITTEN and added != len(acks) and not unknown:
        broken.append(f"exit {ran.code} says that nothing was written, and {added} events were stored")
    if ran.code > 0 and not ran.err:
        broken.append(f"exit {ran.code} without a word")
    copies = [path.read_bytes() for path in log.parent.glob("*.torn-*")] if log.parent.exists() else []
    if not now[len(before.good) :].startswith(before.unfinished) and before.unfinished not in copies:
        broken.append("the unfinished bytes are neither in the log nor in a copy of their own")
    return broken + what_is_in_the_way(log, as_lines(now, end))


def what_is_in_the_way(log: Path, kept: bytes) -> list[str]:
    """What keeps the next append from working: none of `kept` may go, and all must be good afterwards."""
    last = log.parent.stat().st_ino if log.parent.exists() else 0
    try:
        register(log, f"later-{last}-{len(kept)}").execute(creation("Zoe"))
    except EvcliError as error:
        return [f"the next append fails: {error.message}"]
    status, number, _, fault = read(log)
    broken = []
    if not log.read_bytes().startswith(kept):
        broken.append("lost: the next append dropped events")
    if status != "good" or number != kept.count(b"\n") + 1:
        broken.append(f"after the next append the log is {status}, with {number} events: {fault}")
    broken += [
        f"{path.name} may be read by others"
        for path in log.parent.iterdir()
        if stat.S_IMODE(path.stat().st_mode) != 0o600
    ]
    return broken


class Server:
    """A process that loads evcli once, and runs it in a fork for each request; its program is tearing.py."""

    def __init__(self, program: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self._out, self._err = folder / "out", folder / "err"
        words = [sys.executable, *program]
        self._process = subprocess.Popen(words, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, variables: Mapping[str, str], log: Path, words: Sequence[str]) -> Ended:
        """Run one command on a log, with more variables in its environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        named = ["--log", str(log)]
        if not log.parent.exists():
            variables, named = {**variables, "XDG_DATA_HOME": str(log.parent.parent)}, []
        request = [variables, [*named, "--json", *words], str(self._out), str(self._err)]
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(int(self._process.stdout.readline()), self._out.read_bytes(), self._err.read_text())

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


def destroyed(users: int, reason: str = "all") -> tuple[Start, tuple[str, ...]]:
    """A log of that many users, and the words that destroy them all at once."""
    good, _ = written(users)
    return Start("old", {LOG: good}, good), ("user", "destroy", *map(str, range(1, users + 1)), "--reason", reason)


def mutated(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the package with one change, below a folder that is put where Python looks for it."""
    package = folder / "mutant"
    shutil.copytree(OURS / "evcli", package / "evcli", ignore=shutil.ignore_patterns("__pycache__"))
    source = package / "evcli" / file
    text = source.read_text(encoding="utf-8")
    if old:
        assert text.count(old) == 1, f"{file} has other words now: the mutant must follow"
        text = text.replace(old, new)
    else:
        text += "\n\n" + new
    source.write_text(text, encoding="utf-8")
    return package


@contextmanager
def one_each(above: Path, make: Callable[[Path], Thing], end: Callable[[Thing], None]) -> Iterator[Callable[[], Thing]]:
    """A function that gives each thread a thing of its own, made in a folder of its own below `above`."""
    own = threading.local()
    made: list[Thing] = []
    counter = iter(range(1_000))

    def thing() -> Thing:
        if not hasattr(own, "thing"):
            folder = above / f"worker-{next(counter)}"
            folder.mkdir()
            own.thing = make(folder)
            made.append(own.thing)
        found: Thing = own.thing
        return found

    try:
        yield thing
    finally:
        for each in made:
            end(each)


def folders(above: Path) -> AbstractContextManager[Callable[[], Path]]:
    """A function that gives each thread a folder of its own below `above`."""
    return one_each(above, lambda folder: folder, lambda folder: None)


def in_parallel(work: Callable[[Case], str], cases: Iterable[Case]) -> list[str]:
    """Do the work for every case, one on each processor at once; what it complained of."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [complaint for complaint in pool.map(work, cases) if complaint]


def told(complaints: Sequence[Any]) -> str:
    """Complaints for people: how many there are, and the first ones."""
    return f"{len(complaints)} complaints:\n" + "\n".join(map(str, complaints[:40]))
