"""Every state that a cut of the power may leave on the disk, computed from the calls that a command really made.

The model is that of a disk that keeps what was synced and nothing more. A file has its synced content; since then, any
of its later sizes, and each sector of it old, new or zero, each for itself. A name in a folder is there as it was when
the folder was synced, or as any later call left it. So a power cut at one moment has many legal images; what evcli
promises must hold in each of them.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple, TypeVar

from support.logs import reading

from evcli.domain.state import MemoryState
from evcli.errors import EvcliError
from evcli.log.replay import replay
from evcli.register.verify import audit
from faults.calls import Op, made_by
from faults.common import LOG, OURS, STORE, Start, acknowledged, as_lines, command, lay_out, what_is_in_the_way

Item = TypeVar("Item")


class Image(NamedTuple):
    """What is on the disk when the power is back: names and contents; how often the command had answered."""

    after: int
    files: tuple[tuple[str, bytes], ...]
    answers: int


class Recording(NamedTuple):
    """What a command did, call by call, and the log that it left when nothing failed."""

    before: Start
    ops: list[Op]
    log: bytes
    end: int
    """The exit code."""


def record(
    folder: Path, before: Start, words: Sequence[str], package: Path = OURS, injected: Sequence[object] = ()
) -> Recording:
    """Run a command under strace and list what it did to files in its log's folder and the folder above."""
    log = lay_out(folder / STORE, before)
    ran, ops = made_by(command(log, words), folder, package, injected)
    assert bool(ran.code) is bool(injected), f"exit {ran.code}, of {injected or 'no fault'}: {ran.err}"
    assert b"repair" in " ".join(words).encode() or acknowledged(ran.out), "without any fault: no answer"
    return Recording(before, ops, log.read_bytes(), ran.code)


class _File:
    """A file's synced content, and what it was after each call since."""

    def __init__(self, content: bytes = b"") -> None:
        self.synced = content
        self.since: list[tuple[int, bytes]] = []
        """The first byte that a call touched, and all the bytes after it."""

    @classmethod
    def left(cls, contents: Sequence[bytes]) -> "_File":
        """A file that a command finds: what it held when it was synced last, after each call since, and now."""
        file = cls(contents[0])
        for before, content in pairwise(contents):
            file.since.append((min(len(before), len(content)), content))  # something was appended, or cut off
        return file

    @property
    def now(self) -> bytes:
        return self.since[-1][1] if self.since else self.synced


def images(recorded: Recording, sector: int, most: int) -> Iterator[Image]:
    """The legal images of a cut at every moment, each once; of one file at one moment about `most` at the most.

    Where there are more, those that differ in one sector from all old or all new are among them, at the sizes at
    which sectors and lines end; the rest is drawn.
    """
    chance = random.Random(1)
    seen = set()
    for after in range(len(recorded.ops) + 1):
        names: dict[str, list[_File | None]] = {STORE: [_File()] if recorded.before.files else [None]}
        for name, content in recorded.before.files.items():
            earlier = recorded.before.earlier if name == LOG else ()
            names[f"{STORE}/{name}"] = [_File.left([*earlier, content])]
        answers = 0
        for op in recorded.ops[:after]:
            answers += op.what == "ack"
            _apply(names, op)
        folders = names.pop(STORE)
        choices = [[(name, file) for file in _unique(states)] for name, states in names.items()]
        for is_there in _unique([file is not None for file in folders]):
            for chosen in product(*choices) if is_there else [()]:
                there = [(name.removeprefix(f"{STORE}/"), file) for name, file in chosen if file is not None]
                contents = [[(name, each) for each in _contents(file, sector, most, chance)] for name, file in there]
                for files in _combined(contents):
                    image = Image(after, files, answers)
                    if image[1:] not in seen:
                        seen.add(image[1:])
                        yield image


def _apply(names: dict[str, list[_File | None]], op: Op) -> None:
    if op.what in ("make", "folder"):
        states = names.setdefault(op.path, [None])
        if states[-1] is None:
            states.append(_File())
    elif op.what == "remove":
        names[op.path].append(None)
    elif op.what == "rename":
        names.setdefault(op.to, [None]).append(names[op.path][-1])
        names[op.path].append(None)
    elif op.what == "sync" and op.path in ("", STORE):
        for name, states in names.items():
            if name.rpartition("/")[0] == op.path:
                del states[:-1]
    elif op.what != "ack":
        file = names[op.path][-1]
        assert file is not None
        if op.what == "sync":
            file.synced, file.since = file.now, []
        elif op.what == "cut":
            file.since.append((op.offset, file.now[: op.offset].ljust(op.offset, b"\0")))
        else:
            file.since.append((len(file.now), file.now + op.data))  # the log is opened to append


def _unique(states: Sequence[Item]) -> list[Item]:
    return list(dict.fromkeys(states))


def _combined(contents: list[list[tuple[str, bytes]]]) -> Iterator[tuple[tuple[str, bytes], ...]]:
    """All combinations; where several files are unsynced at once, each content of one with the first few of others."""
    for at in range(len(contents)):
        others = [each if index == at else each[:3] for index, each in enumerate(contents)]
        yield from product(*others)
    if not contents:
        yield ()


def _contents(file: _File, sector: int, most: int, chance: random.Random) -> Iterator[bytes]:
    yield file.synced
    if not file.since:
        return
    low = min(touched for touched, _ in file.since) // sector
    seen = {file.synced}
    before = file.synced
    for count, (_, now) in enumerate(file.since, 1):
        sizes = list(dict.fromkeys([len(now), *range(len(before), len(now)), *range(len(file.synced), len(now))]))
        each = max(2, most // len(sizes))
        for size in sizes if len(sizes) <= most else [sizes[0], *chance.sample(sizes, most)]:
            bounds = [(at * sector, min((at + 1) * sector, size)) for at in range(low, -(-size // sector))]
            versions = [file.synced, *(content for _, content in file.since[:count])]
            options = [list(dict.fromkeys(v[a:b].ljust(b - a, b"\0") for v in reversed(versions))) for a, b in bounds]
            is_edge = size == len(now) or size % sector in (0, 1) or now[size - 1 : size] == b"\n"
            for sectors in _sector_choices(options, each, is_edge, chance):
                content = (file.synced[: low * sector].ljust(low * sector, b"\0") + b"".join(sectors))[:size]
                if content not in seen:
                    seen.add(content)
                    yield content
        before = now


def _sector_choices(
    options: list[list[bytes]], most: int, is_edge: bool, chance: random.Random
) -> Iterator[tuple[bytes, ...]]:
    total = 1
    for each in options:
        total *= len(each)
    if total <= most:
        yield from product(*options)
        return
    newest, oldest = tuple(each[0] for each in options), tuple(each[-1] for each in options)
    yield newest
    if is_edge:
        few = len(options) <= 200  # of a megabyte, every place would take hours
        for at in range(len(options)) if few else chance.sample(range(len(options)), most):
            for version in options[at]:
                yield (*newest[:at], version, *newest[at + 1 :])
                yield (*oldest[:at], version, *oldest[at + 1 :])
    for _ in range(most):
        yield tuple(map(chance.choice, options))


Judge = Callable[[Path, Recording, Image], str]


def fault_of_append(log: Path, recorded: Recording, image: Image) -> str:
    """What is wrong with an image of a command that appends events, all or none; "" when nothing is."""
    before, full = recorded.before, recorded.log
    files = dict(image.files)
    end, alarm = _good_end(log)
    if alarm and LOG in files:
        return f"false alarm: {alarm}"
    legal = {as_lines(before.good), full}
    if before.earlier:  # by a writer that never answered, so that its lines are there or not
        legal |= {as_lines(each) for each in (*before.earlier, before.files[LOG])}
    if end not in map(len, legal):
        return f"{'lost' if end < len(before.good) else 'not all or none'}: the reader ends at byte {end}"
    if as_lines(files.get(LOG, b""), end) not in legal:
        return "what is read is not what was written"
    if image.answers and end != len(full):
        return f"lost: the answer was given, and the reader ends at byte {end} of {len(full)}"
    copies = [content for name, content in image.files if ".torn-" in name]
    if not files.get(LOG, b"")[len(before.good) :].startswith(before.unfinished) and before.unfinished not in copies:
        return "the unfinished bytes are neither in the log nor in a copy of their own"
    return ""


def fault_of_appends(log: Path, recorded: Recording, image: Image) -> str:
    """What is wrong with an image of several appends in one process, each answered for before the next."""
    files = dict(image.files)
    end, alarm = _good_end(log)
    if alarm and LOG in files:
        return f"false alarm: {alarm}"
    read, contents = as_lines(files.get(LOG, b""), end), [recorded.before.files.get(LOG, b"")]
    answered = []
    for op in recorded.ops[: image.after]:
        if op.what == "write" and op.path == f"{STORE}/{LOG}":
            contents.append(contents[-1] + op.data)
        elif op.what == "cut" and op.path == f"{STORE}/{LOG}":
            contents.append(contents[-1][: op.offset])
        elif op.what == "ack":
            answered += acknowledged(op.data)
    stored = iter(read.splitlines(keepends=True))
    if not read.startswith(as_lines(recorded.before.good)) or not all(line in stored for line in answered):
        return f"lost: {len(answered)} answers were given, and the reader ends at byte {end}"
    legal = map(as_lines, (recorded.before.good, *contents))
    return "" if read in legal else "what is read is not what was written"


def fault_of_repair(log: Path, recorded: Recording, image: Image) -> str:
    """What is wrong with an image of a repair; "" when nothing is."""
    before, files = recorded.before, dict(image.files)
    if files[LOG] not in (before.files[LOG], recorded.log):
        return "lost: the log is neither as it was nor cut where the repair cuts it"
    with reading(log) as reader:
        report = audit(reader)
    if files[LOG] == recorded.log:
        if before.files[LOG] not in [content for name, content in image.files if ".damaged-" in name]:
            return "lost: the log is cut, and there is no whole copy of what it was"
        if report.status != "good" or report.head.place != len(recorded.log):
            return f"lost: the repaired log reads as {report.status} up to byte {report.head.place}"
    elif image.answers:
        return "lost: the repair was acknowledged, and the damage is back"
    elif report.head.place != len(before.good):
        return f"lost: before the repair, {report.head.place} bytes are read as good"
    return ""


def faults(
    folder: Path, recorded: Recording, judge: Judge, sector: int, most: int, every: int
) -> tuple[int, list[str]]:
    """How many images there are, and what is wrong with them; after every `every`th, an append is tried as well."""
    complaints = []
    number = 0
    store = folder / "image"
    for image in images(recorded, sector, most):
        number += 1
        log = _lay_out(store, image)
        if not (wrong := judge(log, recorded, image)) and judge is not fault_of_repair and number % every == 0:
            kept = as_lines(dict(image.files).get(LOG, b""), _good_end(log)[0])
            wrong = "; ".join(what_is_in_the_way(log, kept))
        if wrong:
            done = [f"{op.what} {op.path}" for op in recorded.ops[: image.after]]
            sizes = {name: len(content) for name, content in image.files}
            complaints.append(f"power cut after {done}, disk holds {sizes}: {wrong}")
    return number, complaints


def _good_end(log: Path) -> tuple[int, str]:
    """The byte after the last event that a reader gives, and the message of the error if one ended it."""
    try:
        with reading(log) as reader:
            replay(reader, MemoryState())
            return reader.at.place, ""
    except EvcliError as error:
        return 0, error.message


def _lay_out(store: Path, image: Image) -> Path:
    store.mkdir(exist_ok=True)
    files = dict(image.files)
    for path in store.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (store / name).write_bytes(content)
        (store / name).chmod(0o600)
    return store / LOG
