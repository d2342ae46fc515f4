"""README.md and docs/operations.md are run: each command block in a shell at a terminal, its output compared.

Their blocks are of three kinds, by the word after the fence:

    console   lines that begin with `$ ` are commands; below each is its whole output, as a person sees it
    sh        a command whose output cannot be predicted; it must succeed
    python    the checker of the chain; it must accept every good sample log

The console blocks of both pages run one after another in one shell. What the clock makes (times, and hashes and ids of
new events) is not compared. After a change of words, `python tests/test_readme.py` writes the outputs again.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pexpect  # type: ignore[import-untyped]  # it has no types
import pytest
from faults.figures import FIGURES, in_table, with_figures

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "operations.md")
FIGURES_PAGE = ROOT / "docs" / "architecture.md"
SAMPLES = ROOT / "sample-logs"
SAMPLES_ARE_GOOD = {
    "european-union.jsonl": True, "team.jsonl": True, "end-cut-off.jsonl": True, "one-letter-changed.jsonl": False,
    "line-removed.jsonl": False, "line-twice.jsonl": False, "lines-swapped.jsonl": False,
}  # fmt: skip
Printed = list[list[tuple[str, int]]]
"""The output and the exit code of each command of each block."""

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


BLOCKS = [
    Block(page, match[1], match[2], match.start(2))
    for page in PAGES
    for match in _FENCED.finditer(page.read_text(encoding="utf-8"))
]
SET_UP = [block for block in BLOCKS if "-m venv" in block.text]  # each runs in a checkout of its own
TOUR = [block for block in BLOCKS if block.kind == "console" and block not in SET_UP]
(CHECKER,) = [block.text for block in BLOCKS if block.kind == "python"]


# --- running commands as a person would -------------------------------------------------------------------------------


def run_in_shell(commands: list[str], folder: Path, environment: Mapping[str, str]) -> list[tuple[str, int]]:
    """Run `commands` one after another in one bash at a terminal of 100 columns: each one's output and exit code."""
    script = "".join(f"{command}\n(code=$?; printf '{_MARK}%d{_MARK}' $code; exit $code)\n" for command in commands)
    (folder / ".commands").write_text(script, encoding="utf-8")
    shell = pexpect.spawn(
        "bash", [".commands"], cwd=folder, env=dict(environment), dimensions=(60, 100), encoding="utf-8", timeout=None
    )
    shell.expect(pexpect.EOF)
    printed = shell.before.replace("\r\n", "\n")
    shell.close()
    pieces = printed.split(_MARK)
    assert len(pieces) == 2 * len(commands) + 1, f"the shell ended early:\n{printed}"
    return [(output, int(code)) for output, code in zip(pieces[::2], pieces[1::2], strict=False)]


def shell_environment(temporary: Path) -> dict[str, str]:
    """What the shell of a reader has, with this Python first."""
    path = f"{Path(sys.executable).parent}:{OUTSIDE.get('PATH', os.defpath)}"
    return {"PATH": path, "TMPDIR": str(temporary), "TERM": "dumb", "TZ": "UTC", "EVCLI_ACTOR": "ada"}


def run_tour(folder: Path) -> Printed:
    """Run the tour in `folder`, with a checkout as a reader has it: for each block, each command's output and code."""
    checkout = folder / "evcli"
    shutil.copytree(SAMPLES, checkout / "sample-logs")
    (folder / "tmp").mkdir()
    environment = shell_environment(folder / "tmp") | {"HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
    environment |= {name: OUTSIDE[name] for name in ("LANG", "PYTHONPATH") if name in OUTSIDE}
    printed = run_in_shell([step.command for block in TOUR for step in block.steps], checkout, environment)
    left = {path.name for path in checkout.iterdir()} - {".commands"}
    assert left == {"sample-logs"}, f"the tour left files in the checkout: {left}"
    pairs = iter((output.replace(str(checkout), "/home/ada/evcli"), code) for output, code in printed)
    return [[next(pairs) for _ in block.steps] for block in TOUR]


# --- what is not compared ---------------------------------------------------------------------------------------------

_AGO = re.compile(r"\d+ (?:second|minute|hour|day|week|month|year)s? ago|just now")
_FROM_THE_CLOCK = re.compile(
    r"(?P<hash>\b[0-9a-f]{64}\b)"
    r"|(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<time>\b[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6}Z)?)"
)


def comparable(printed: str) -> str:
    """What was printed, without colours, and with names in the place of what the clock and `mktemp` made.

    Times, hashes and ids of a sample log are not of this run: they stay, and must be the same.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    text = re.sub(r"/\S*/tmp\.\w{10}", "/tmp/tmp.folder", text)
    text = _FROM_THE_CLOCK.sub(lambda match: match[0] if match[0] in _in_samples() else f"({match.lastgroup})", text)
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("[notice]", "WARNING:")))
    if _AGO.search(text):  # how long ago it is makes a column wider or narrower
        text = re.sub("─+", "─", re.sub(" {2,}", "  ", _AGO.sub("(ago)", text)))
    return text.strip("\n")


@cache
def _in_samples() -> str:
    logs = "".join(path.read_text(encoding="utf-8") for path in SAMPLES.glob("*.jsonl"))
    return logs + re.sub(r"(\d)T([0-9:]{8})\.0{6}Z", r"\1 \2", logs)


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    return run_tour(tmp_path_factory.mktemp("tour"))


def test_blocks_are_only_of_the_kinds_that_are_tested() -> None:
    assert {block.kind for block in BLOCKS} == {"console", "sh", "python"}
    assert [(block.page, block.kind) for block in SET_UP] == [(README, "console"), (README, "sh")]
    assert all(block.text.startswith("$ ") for block in TOUR)


@pytest.mark.parametrize("number", range(len(TOUR)), ids=[block.steps[0].command for block in TOUR])
def test_tour_prints_and_exits_as_the_pages_say(tour: Printed, number: int) -> None:
    if "jq" in TOUR[number].text and not shutil.which("jq") and OUTSIDE.get("CI") != "true":
        pytest.skip("jq is not installed")
    for step, (printed, code) in zip(TOUR[number].steps, tour[number], strict=True):
        assert comparable(printed) == comparable(step.output), step.command
        assert (code != 0) == ("error: " in step.output), f"{step.command} exited {code}"


@pytest.mark.parametrize(("name", "is_good"), SAMPLES_ARE_GOOD.items())
def test_checker_tells_good_sample_logs_from_damaged_ones(name: str, is_good: bool, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / name, tmp_path / "events.jsonl")
    ran = subprocess.run([sys.executable, "-c", CHECKER], cwd=tmp_path, check=False, stderr=subprocess.PIPE)
    assert (ran.returncode == 0) is is_good


def test_table_of_faults_has_every_figure_of_a_run() -> None:
    figures = in_table(FIGURES_PAGE.read_text(encoding="utf-8"))
    assert tuple(figures) == FIGURES
    assert [name for name, number in figures.items() if not number] == ["acknowledged events lost", "false alarms"]


def test_new_figures_change_only_their_own_rows() -> None:
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
        # A run of the tests as the README says is a run of that line; the sweep runs it for other ways.
        pytest.param(SET_UP[1], id="test", marks=pytest.mark.sweep),
    ],
)
def test_set_up_lines_need_only_a_checkout(block: Block, tmp_path: Path) -> None:
    if OUTSIDE.get("CI") != "true" and (why := registry_fault(tmp_path)):
        pytest.skip(f"the package registry cannot be reached: {why}")
    checkout = tmp_path / "evcli"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(
        ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "*.egg-info"
    ))  # fmt: skip
    not_ours = ("PYTEST_", "EVCLI_", "PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in OUTSIDE.items() if not name.startswith(not_ours)}
    # The tests of the checkout are only collected: a run of them would run this test again, and so on.
    environment |= shell_environment(tmp_path) | {"PYTEST_ADDOPTS": "--collect-only"}
    steps = block.steps or [Step(block.text.strip(), "")]
    ran = run_in_shell([step.command for step in steps], checkout, environment)
    for step, (printed, code) in zip(steps, ran, strict=True):
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


# --- writing the outputs again ----------------------------------------------------------------------------------------


def rewritten(page: Path, tour: Printed) -> str:
    """The page's text with each output of the tour replaced by what was printed, where they differ."""
    text = page.read_text(encoding="utf-8")
    for block, outputs in reversed([pair for pair in zip(TOUR, tour, strict=True) if pair[0].page == page]):
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
