"""`--format markdown`: tables that another program reads, in which what people typed is nothing but text."""

import pytest
from conftest import Cli
from support.hostile import MARKUP
from support.markdown import texts_in

from cli.support import READING
from evcli.cli.show.answer import Answer
from evcli.cli.show.markdown import markdown


def test_markdown_is_a_table_with_a_header_under_the_title(story: Cli) -> None:
    assert story.ok("state", "--at", "3", "--format", "markdown").out == (
        "# event 3, of 2026-03-01 11:00:00+00:00: 2 live, 0 destroyed\n\n"
        "| id | name | email | created | changed |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| 1 | Ada Lovelace | ada@example.com | 1 | 1 |\n"
        "| 2 | Grace Hopper | grace@example.com | 2 | 3 |\n"
    )
    assert story.ok("user", "list", "--at", "0", "--format", "markdown").out == "None.\n"
    assert texts_in(story.ok("head", "--format", "markdown").out) == [story.ok("head").out]


@pytest.mark.parametrize("command", [name for name in READING if name not in ("head", "report")])
def test_cells_of_markdown_are_those_of_the_plain_answer(story: Cli, command: str) -> None:
    found = texts_in(story.ok(*READING[command], "--format", "markdown").out)
    plain = [line.split("\t") for line in story.ok(*READING[command], "--format", "plain").out.splitlines()]
    at = 0
    has_recorded = command in ("log", "blame")  # in a column of its own, which Markdown has beside the time
    for cell in (cell for row in plain for cell in (row[:-1] if has_recorded else row)):
        at = found.index(cell, at) + 1


LINKS = [
    "https://evil.example", "www.evil.example", "![x](http://x.example)", "[x](y)", "<a href=x>", "*x*", "_x_", "~~x~~",
    "a|b", "&lt;", "$x$", "# x", "- x", "```", "|", "\\|", "`|`", "\\",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP + LINKS)
def test_nothing_typed_is_markup_in_markdown(cli: Cli, text: str) -> None:
    cli.ok("user", "create", "--email", "ada@example.com", "--", text)
    cli.ok("user", "destroy", "1", "--reason", text)
    for words in (("user", "list", "--all"), ("log",), ("user", "show", "1")):
        document = cli.ok(*words, "--format", "markdown").out
        assert any(text in cell for cell in texts_in(document)), document
    assert "https:" not in document
    assert "www." not in document


def test_backticks_do_not_end_a_block_of_lines() -> None:
    answer = Answer(lines=["a", "```", "b ````", "````", "c"])
    assert texts_in("".join(markdown(answer))) == ["a\n```\nb ````\n````\nc\n"]
