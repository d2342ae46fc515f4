"""Run README.md and docs/operations.md: every command block, in a real shell at a terminal, and compare its output.

Their blocks are of three kinds, named by the word after the fence:

    console   lines that begin with `$ ` are commands; the lines below are their whole output, as a person sees it
    sh        a command with unpredictable output; it must succeed
    python    the checker of the chain; it must accept every good sample log

The console blocks of both pages run one after another in one shell. What depends on the clock (times, and hashes and
ids of events recorded just now) is not compared. After a change of wording, `python tests/test_readme.py` rewrites
the outputs.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from faults.figures import FIGURES, in_table, with_figures

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "operations.md")
FIGURES_PAGE = ROOT / "docs" / "architecture.md"
SAMPLES = ROOT / "sample-logs"
GOOD = ("european-union.jsonl", "team.jsonl", "end-cut-off.jsonl")
DAMAGED = ("one-letter-changed.jsonl", "line-removed.jsonl", "line-twice.jsonl", "lines-swapped.jsonl")
OUTSIDE = dict(os.environ)  # before the fixtures of conftest.py: pip may need its HOME, its cache, its proxy

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"


class Step(NamedTuple):
    """One command of a console block, and what is printed below it."""

    command: str
    output: str


class Block(NamedTuple):
    """One fenced block: its page, its kind, its text, and where in the page the text begins."""

    page: Path
    kind: str
    text: str
    start: int

    @property
    def steps(self) -> list[Step]:
        """The commands of a console block, each with its output."""
        pieces = re.split(r"^\$ (.*)\n", self.text, flags=re.MULTILINE)
        return [Step(*pair) for pair in zip(pieces[1::2], pieces[2::2], strict=True)]

    @property
    def does_set_up(self) -> bool:
        """Whether it makes a virtual environment of its own, and so belongs in a tree of its own."""
        return "-m venv" in self.text


BLOCKS = [
    Block(page, match[1], match[2], match.start(2))
    for page in PAGES
    for match in _FENCED.finditer(page.read_text(encoding="utf-8"))
]
SET_UP = [block for block in BLOCKS if block.does_set_up]
TOUR = [block for block in BLOCKS if block.kind == "console" and not block.does_set_up]
CHECKER = [block.text for block in BLOCKS if block.kind == "python"]


# --- running commands as a person would -------------------------------------------------------------------------------


def run_in_shell(commands: list[str], folder: Path, environment: Mapping[str, str]) -> list[tuple[str, int]]:
    """Run `commands` one after another in one bash at a terminal of 100 columns: each one's output and exit code."""
    script = "".join(f"{command}\n(code=$?; printf '{_MARK}%d{_MARK}' $code; exit $code)\n" for command in commands)
    (folder / ".commands").write_text(script, encoding="utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 100, 0, 0))
    shell = subprocess.Popen(
        ["bash", ".commands"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    printed = b"".join(_until_closed(ours)).decode().replace("\r\n", "\n")
    shell.wait()
    os.close(ours)
    pieces = printed.split(_MARK)
    assert len(pieces) == 2 * len(commands) + 1, f"the shell ended early:\n{printed}"
    return [(output, int(code)) for output, code in zip(pieces[::2], pieces[1::2], strict=False)]


def _until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except OSError:  # how Linux says that nobody has the other end open any more
            return
        if not data:
            return
        yield data


def run_tour(folder: Path) -> list[list[tuple[str, int]]]:
    """Run the tour in `folder`, with a checkout as a reader has it: for each block, each command's output and code."""
    checkout = folder / "evcli"
    shutil.copytree(SAMPLES, checkout / "sample-logs")
    (folder / "tmp").mkdir()
    kept = ("LC_ALL", "LANG", "PYTHONPATH")
    environment = {name: value for name, value in OUTSIDE.items() if name in kept} | {
        "PATH": f"{Path(sys.executable).parent}:{OUTSIDE.get('PATH', os.defpath)}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "TERM": "dumb",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "EVCLI_ACTOR": "ada",
    }
    printed = run_in_shell([step.command for block in TOUR for step in block.steps], checkout, environment)
    told = iter((output.replace(str(checkout), "/home/ada/evcli"), code) for output, code in printed)
    return [[next(told) for _ in block.steps] for block in TOUR]


# --- what is not compared ---------------------------------------------------------------------------------------------

_AGO = re.compile(r"\d+ (?:second|minute|hour|day|week|month|year)s? ago|just now")
_FROM_THE_CLOCK = re.compile(
    r"(?P<hash>\b[0-9a-f]{64}\b)"
    r"|(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<time>\b[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6}Z)?)"
)


def comparable(printed: str) -> str:
    """What was printed, without colours, and with names in the place of what the clock and `mktemp` made.

    Times, hashes and ids that stand in a sample log are nobody's clock's: they stay, and must be the same.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    text = re.sub(r"/\S*/tmp\.\w{10}", "/tmp/tmp.folder", text)
    text = _FROM_THE_CLOCK.sub(lambda match: match[0] if match[0] in _in_samples() else f"({match.lastgroup})", text)
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("[notice]", "WARNING:")))
    if _AGO.search(text):  # how long ago it is makes a column wider or narrower
        text = re.sub("─+", "─", re.sub(" {2,}", "  ", _AGO.sub("(ago)", text)))
    return text.strip("\n")


def _in_samples() -> str:
    if not _known:
        logs = "".join(path.read_text(encoding="utf-8") for path in SAMPLES.glob("*.jsonl"))
        _known.append(logs + re.sub(r"(\d)T([0-9:]{8})\.0{6}Z", r"\1 \2", logs))
    return _known[0]


_known: list[str] = []


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, int]]]:
    return run_tour(tmp_path_factory.mktemp("tour"))


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.kind for block in BLOCKS} == {"console", "sh", "python"}
    assert [block.kind for block in SET_UP] == ["console", "sh"]
    assert all(block.page == README for block in SET_UP)
    assert len(CHECKER) == 1
    assert all(block.text.startswith("$ ") for block in TOUR)


@pytest.mark.parametrize("number", range(len(TOUR)), ids=[block.steps[0].command for block in TOUR])
def test_the_tour_prints_what_the_pages_say(tour: list[list[tuple[str, int]]], number: int) -> None:
    needed = [tool for tool in ("jq",) if tool in TOUR[number].text and not shutil.which(tool)]
    if needed and OUTSIDE.get("CI") != "true":
        pytest.skip(f"{needed[0]} is not installed")
    for step, (printed, _) in zip(TOUR[number].steps, tour[number], strict=True):
        assert comparable(printed) == comparable(step.output), step.command


def test_the_tour_fails_only_where_it_says_so(tour: list[list[tuple[str, int]]]) -> None:
    for block, told in zip(TOUR, tour, strict=True):
        for step, (_, code) in zip(block.steps, told, strict=True):
            assert (code != 0) == ("error: " in step.output), f"{step.command} exited {code}"


@pytest.mark.parametrize("name", GOOD)
def test_the_checker_finds_a_good_log_good(name: str, tmp_path: Path) -> None:
    assert run_checker(name, tmp_path) == 0


@pytest.mark.parametrize("name", DAMAGED)
def test_the_checker_finds_a_damaged_log_damaged(name: str, tmp_path: Path) -> None:
    assert run_checker(name, tmp_path) != 0


def run_checker(name: str, folder: Path) -> int:
    shutil.copy(SAMPLES / name, folder / "events.jsonl")
    return subprocess.run(
        [sys.executable, "-c", CHECKER[0]], cwd=folder, check=False, stderr=subprocess.PIPE
    ).returncode


def test_the_table_of_what_it_survives_has_every_figure_of_a_run() -> None:
    told = in_table(FIGURES_PAGE.read_text(encoding="utf-8"))
    assert tuple(told) == FIGURES
    assert [name for name, number in told.items() if not number] == ["acknowledged events lost", "false alarms"]


def test_figures_are_put_into_their_own_rows_and_nothing_else_changes() -> None:
    text = FIGURES_PAGE.read_text(encoding="utf-8")
    counted = {name: 1_000 * number for number, name in enumerate(FIGURES, 1)}
    written = with_figures(text, counted)
    assert in_table(written) == counted
    assert "| 2,000 |" in written
    assert with_figures(written, in_table(text)) == text


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(SET_UP[0], id="try"),
        # Whoever runs the tests as the README says has run that line; the sweep runs it for all others.
        pytest.param(SET_UP[1], id="test", marks=pytest.mark.sweep),
    ],
)
def test_the_set_up_lines_need_nothing_but_a_checkout(block: Block, tmp_path: Path) -> None:
    if OUTSIDE.get("CI") != "true" and (why := registry_fault(tmp_path)):
        pytest.skip(f"the package registry cannot be reached: {why}")
    checkout = tmp_path / "evcli"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(
        ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "*.egg-info"
    ))  # fmt: skip
    environment = {
        name: value
        for name, value in OUTSIDE.items()
        if not name.startswith(("PYTEST_", "EVCLI_")) and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    } | {
        "PATH": f"{Path(sys.executable).parent}:{OUTSIDE.get('PATH', os.defpath)}",
        "TMPDIR": str(tmp_path),
        "TERM": "dumb",
        "TZ": "UTC",
        "EVCLI_ACTOR": "ada",
        "PYTEST_ADDOPTS": "--collect-only",  # the tests' own run would run this test, which would run the tests, …
    }
    steps = block.steps if block.kind == "console" else [Step(block.text.strip(), "")]
    for step, (printed, code) in zip(
        steps, run_in_shell([step.command for step in steps], checkout, environment), strict=True
    ):
        assert code == 0, printed
        if block.kind == "console":
            assert comparable(printed) == comparable(step.output)
        else:
            assert re.search(r"\d+ tests? collected", printed), printed


def registry_fault(folder: Path) -> str:
    """Why pip cannot fetch what building needs; "" when it can."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "15",
         "--dest", folder / "asked", "hatchling"],
        env=OUTSIDE, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return asked.stderr.strip().splitlines()[-1] if asked.returncode else ""


# --- writing the outputs anew -----------------------------------------------------------------------------------------


def rewritten(page: Path, told: list[list[tuple[str, int]]]) -> str:
    """The page's text with each output of the tour as it was printed now, where they differ."""
    text = page.read_text(encoding="utf-8")
    for block, outputs in reversed([pair for pair in zip(TOUR, told, strict=True) if pair[0].page == page]):
        lines = "".join(
            f"$ {step.command}\n{step.output if comparable(step.output) == comparable(printed) else _plain(printed)}"
            for step, (printed, _) in zip(block.steps, outputs, strict=True)
        )
        text = text[: block.start] + lines + text[block.start + len(block.text) :]
    return text


def _plain(printed: str) -> str:
    return re.sub(r"/\S*/tmp\.\w{10}", "/tmp/tmp.x8QFZ2kdPe", re.sub(r"\x1b\[[0-9;]*m", "", printed))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        printed_now = run_tour(Path(temporary))
        for page in PAGES:
            page.write_text(rewritten(page, printed_now), encoding="utf-8")
