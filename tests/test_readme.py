"""README.md and docs/operations.md are run: each block of commands in a shell at a terminal, its output compared.

Their blocks are of three kinds, by the word after the fence:

    sh        commands, one a line, without a prompt, so that a line or the whole block can be copied into a shell
    text      directly below a block of commands: all that it prints, as a person sees it; without it, it prints nothing
    python    the checker of the chain; it must accept every good sample log

The commands of both pages run one after another in one shell, except those that set up a checkout. What the clock makes
(times, and hashes and ids of new events) is not compared. After a change of words, `python tests/test_readme.py` writes
the outputs again.
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
    "european-union.jsonl": True, "team.jsonl": True, "choir.jsonl": True, "end-cut-off.jsonl": True,
    "one-letter-changed.jsonl": False,
    "line-removed.jsonl": False, "line-twice.jsonl": False, "lines-swapped.jsonl": False,
}  # fmt: skip
Printed = list[list[tuple[str, int]]]
"""The output and the exit code of each command of each block."""

OUTSIDE = dict(os.environ)  # before the fixtures of conftest.py: pip may need its HOME, its cache, its proxy

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(
    r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
_MARK = "\x1e"


class Block(NamedTuple):
    """Commands of a page, what they print, and where in the page that is (None where nothing is said of it)."""

    page: Path
    commands: list[str]
    output: str
    place: slice | None


def blocks_of(page: Path) -> list[Block]:
    """The blocks of commands of a page, each with its output."""
    found = _COMMANDS.finditer(page.read_text(encoding="utf-8"))
    return [
        Block(page, each["commands"].splitlines(), each["output"] or "",
              None if each["output"] is None else slice(*each.span("output")))
        for each in found
    ]  # fmt: skip


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SET_UP = [block for block in BLOCKS if "-m venv" in block.commands[0]]  # each runs in a checkout of its own
TOUR = [block for block in BLOCKS if block not in SET_UP]
(CHECKER,) = [text for kind, text in _FENCED.findall(README.read_text(encoding="utf-8")) if kind == "python"]


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
    printed = run_in_shell([command for block in TOUR for command in block.commands], checkout, environment)
    left = {path.name for path in checkout.iterdir()} - {".commands"}
    assert left == {"sample-logs"}, f"the tour left files in the checkout: {left}"
    pairs = iter((output.replace(str(checkout), "/home/ada/evcli"), code) for output, code in printed)
    return [[next(pairs) for _ in block.commands] for block in TOUR]


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


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    for page in PAGES:
        kinds = [kind for kind, _ in _FENCED.findall(page.read_text(encoding="utf-8"))]
        shown = [kind for block in blocks_of(page) for kind in ("sh", *["text"] * (block.place is not None))]
        assert [kind for kind in kinds if kind != "python"] == shown
    assert [(block.page, block.place is None) for block in SET_UP] == [(README, False), (README, True)]


def test_commands_have_no_prompt_so_that_copied_lines_work() -> None:
    pages = [path for folder in (ROOT, ROOT / "docs", SAMPLES) for path in folder.glob("*.md")]
    assert {page.name for page in pages} >= {"README.md", "operations.md", "CONTRIBUTING.md"}
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [line for line in text.splitlines() if line.startswith("$ ")] == []


@pytest.mark.parametrize("number", range(len(TOUR)), ids=[block.commands[0] for block in TOUR])
def test_tour_prints_and_exits_as_the_pages_say(tour: Printed, number: int) -> None:
    block = TOUR[number]
    if any("jq" in command for command in block.commands) and not shutil.which("jq") and OUTSIDE.get("CI") != "true":
        pytest.skip("jq is not installed")
    assert comparable("".join(output for output, _ in tour[number])) == comparable(block.output)
    failed = [command for command, (_, code) in zip(block.commands, tour[number], strict=True) if code]
    assert len(failed) == len(re.findall("^error: ", block.output, re.MULTILINE)), f"these failed: {failed}"


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
    ran = run_in_shell(block.commands, checkout, environment)
    assert {code for _, code in ran} == {0}, ran
    printed = "".join(output for output, _ in ran)
    if block.place is not None:
        assert comparable(printed) == comparable(block.output)
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
        printed = "".join(output for output, _ in outputs)
        if block.place is not None and comparable(block.output) != comparable(printed):
            text = text[: block.place.start] + _plain(printed) + text[block.place.stop :]
    return text


def _plain(printed: str) -> str:
    return re.sub(r"/\S*/tmp\.\w{10}", "/tmp/tmp.x8QFZ2kdPe", re.sub(r"\x1b\[[0-9;]*m", "", printed))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        printed_now = run_tour(Path(temporary))
        for page in PAGES:
            page.write_text(rewritten(page, printed_now), encoding="utf-8")
