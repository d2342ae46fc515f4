"""What all tests stand on: nothing of the machine's user, clock, locale, terminal or time zone; a log of one's own."""

import compileall
import io
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faults.figures import FIGURES, with_figures

import evcli
from evcli.cli.main import main
from evcli.log.file.engine import FileLog
from evcli.register.register import Register

VECTORS = Path(__file__).parent / "vectors"

SWEEP_SECONDS = 1800
"""So long may one test of a sweep take; every other has the limit in pyproject.toml."""

_SET_BY_PEOPLE = (
    "EVCLI_", "_EVCLI_", "LC_", "XDG_", "LESS", "LANG", "PAGER", "LINES", "TERM", "PYTHONIOENCODING", "PYTHONUTF8",
    "NO_COLOR", "FORCE_COLOR", "COLORTERM", "CLICOLOR", "TTY_", "TYPER_",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this suite; here, since pytest looks for them at the top of it only."""
    # To be given as --figures=FILE: before this is read, pytest takes a word that stands alone for a folder of tests.
    parser.addoption("--figures", metavar="FILE", help="put the figures of a whole run into the table in FILE")


def pytest_configure(config: pytest.Config) -> None:
    """Undo what the runner was started with and its children would inherit.

    `nohup pytest &` ignores signals, a runner in Python may have blocked some, and a service has an umask of its own.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN and number not in (signal.SIGPIPE, signal.SIGXFSZ):
            # A handler, since a program that is executed does not inherit it: this run itself outlives a hang-up still.
            outlives = number in (signal.SIGHUP, signal.SIGQUIT)
            signal.signal(number, (lambda *_: None) if outlives else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    for name in [name for name in os.environ if name.startswith(_SET_BY_PEOPLE)]:
        del os.environ[name]
    os.environ.update(LC_ALL="C.UTF-8", COLUMNS="100", TZ="UTC")
    time.tzset()
    # Thousands of processes start from it; with PYTHONDONTWRITEBYTECODE set, each would compile every module again.
    compileall.compile_dir(Path(evcli.__file__).parent, quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a sweep the time that it takes."""
    for item in items:
        if item.get_closest_marker("sweep") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SWEEP_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Print what the run itself counted; write it into the page given by --figures, if all of it was run.

    Here, since a process that lets others run the tests knows the top of the suite only.
    """
    total: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "teardown":
                for name, value in report.user_properties:
                    if name == "figures" and isinstance(value, dict):
                        total.update(value)
    if not total:
        return
    said = ", ".join(f"{total[name]:,} {name}" for name in FIGURES)
    terminalreporter.write_line(f"faults: {said}")
    if asked := config.getoption("figures"):
        missing = [what for what in ("skipped", "deselected", "xfailed") if terminalreporter.stats.get(what)]
        missing += [f"no {name}" for name in FIGURES[:-2] if not total[name]]
        if exitstatus or missing:
            terminalreporter.write_line(f"{asked} stays as it is: {', '.join(missing) or 'not all tests passed'}")
            return
        page = Path(asked)
        page.write_text(with_figures(page.read_text(encoding="utf-8"), total), encoding="utf-8")


class Clock:
    """A clock that stands still until told otherwise: `clock.now` may be set, `clock.advance(...)` moves it."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Ran(NamedTuple):
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str


class Cli:
    """evcli, run in this process with a fixed clock and counted ids: `cli("user", "create", …)`."""

    def __init__(self, log: Path, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.ids = 0

    def __call__(self, *words: str) -> Ran:
        streams = sys.stdout, sys.stderr
        out, err = io.BytesIO(), io.BytesIO()
        # Held by names of their own: a wrapper that nobody holds any more closes what it wraps.
        sys.stdout = out_text = io.TextIOWrapper(out, encoding="utf-8", newline="")
        sys.stderr = err_text = io.TextIOWrapper(err, encoding="utf-8", newline="")
        try:
            code = main(words, clock=self.clock, new_id=self.next_id)
            out_text.flush()
            err_text.flush()
        finally:
            sys.stdout, sys.stderr = streams
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())

    def ok(self, *words: str) -> Ran:
        """Run a command that must succeed."""
        ran = self(*words)
        assert ran.code == 0, f"evcli {' '.join(words)} exited {ran.code}: {ran.err}"
        return ran

    def next_id(self) -> str:
        self.ids += 1
        return f"event-{self.ids}"


@pytest.fixture(autouse=True)
def _a_neutral_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at 2026-03-01 09:00 UTC."""
    return Clock()


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where a test's log is, or would be."""
    return tmp_path / "events.jsonl"


@pytest.fixture
def cli(log_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """evcli over the test's own log, acting for ann."""
    monkeypatch.setenv("EVCLI_LOG", str(log_path))
    monkeypatch.setenv("EVCLI_ACTOR", "ann")
    return Cli(log_path, clock)


@pytest.fixture
def register(log_path: Path, clock: Clock) -> Register:
    """The register over the test's own log, as a library."""
    counter = iter(range(1, 1_000_000))
    return Register(FileLog(str(log_path)), actor="ann", clock=clock, new_id=lambda: f"event-{next(counter)}")


@pytest.fixture
def vector() -> Callable[[str], Path]:
    """The path of one of the format's test vectors, by name."""
    return lambda name: VECTORS / name


@pytest.fixture
def expected() -> dict[str, Any]:
    """What must be read in each of the format's test vectors."""
    import json

    found: dict[str, Any] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
    return found
