"""docs/cli.md is the program's own help, which `python tests/test_docs.py` writes again; links between pages work."""

import contextlib
import io
import os
import re
import sys
from pathlib import Path

import pytest

from evcli.cli.app import root
from evcli.cli.commands.help import TOPICS
from evcli.cli.main import main
from evcli.kinds import KINDS, MODULES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
TITLES = {
    "exit-codes": "Exit codes",
    "formats": "Forms of an answer, and the shapes of JSON",
    "refs": "REF: a moment in the log",
    "environment": "The environment",
    "evidence": "What proves what",
}
COMMANDS = [name for name in root().commands if name not in (*MODULES, "help")]
_SHARED = re.compile(r"^Options for every command:\n((?:.+\n)+)\n?", re.MULTILINE)
BEGINNING = """\
# The command line

Every command, every form of an answer and every exit code, as `evcli help` and `-h` say them. JSON shapes are a
contract: members may be added, and those that are here stay. `python tests/test_docs.py` writes this page from the
program.
"""


def said(*words: str) -> str:
    """What a command prints, on a terminal of 100 columns."""
    with contextlib.redirect_stdout(io.TextIOWrapper(out := io.BytesIO(), encoding="utf-8", newline="")) as text:
        code = main(words)  # not inside the assertion: under -O it must run, too
        assert code == 0, words
        text.flush()
        return out.getvalue().decode().strip("\n")


def page() -> str:
    """The page as it should be."""
    parts = [_section(f"## {title}", said("help", topic)) for topic, title in TITLES.items()]
    verbs = [(name, verb) for name in MODULES for verb in (*KINDS[name].verbs, "list", "show")]
    parts.append("## Commands\n")
    for words in [*verbs, *((name,) for name in COMMANDS)]:
        before, shared, after = _SHARED.split(said(*words, "-h") + "\n")
        parts.append(_section(f"### evcli {' '.join(words)}", before + after))
    return "\n".join([BEGINNING, *parts, _section("### Options for every command", shared)])


def _section(heading: str, text: str) -> str:
    return f"{heading}\n\n```text\n{text.rstrip()}\n```\n"


def test_docs_cli_is_the_help_of_the_program() -> None:
    assert set(TITLES) == set(TOPICS)
    assert PAGE.read_text(encoding="utf-8") == page(), "`python tests/test_docs.py` writes docs/cli.md again"


def test_help_lists_every_exit_code_of_an_error() -> None:
    from evcli import errors

    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.EvcliError)]
    listed = {int(code) for line in TOPICS["exit-codes"].splitlines() for code in re.findall(r"\b\d+\b", line[:18])}
    assert {each.exit for each in classes} | {0, 129, 130, 143} == listed


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/log-format.md",
        "docs/cli.md",
        "docs/operations.md",
        "docs/kept-heads.md",
        "tests/README.md",
    ],
)
def test_links_between_pages_have_targets(name: str) -> None:
    file = ROOT / name
    text = file.read_text(encoding="utf-8")
    links = [*re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text), *re.findall(r"`((?:evcli|tests|docs)/[\w/.-]+)`", text)]
    missing = [link for link in links if not ((file.parent / link).exists() or (ROOT / link).exists())]
    assert not missing


if __name__ == "__main__":
    os.environ.update(COLUMNS="100", TZ="UTC", LC_ALL="C.UTF-8")
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
