"""Tables: as wide as the terminal at most, words whole where they can be, a block a record on a narrow one."""

import re
import unicodedata
from collections.abc import Sequence

import pytest
from conftest import Cli

from cli.support import many_events
from evcli.cli.show.cellwidth import lines_of, longest_word, width_of
from evcli.cli.show.table import Style, draw

HINDI = ["प्रिया शर्मा", "हिन्दी", "क्षि", "नमस्ते"]
OTHERS = ["李明", "한국", "ไทย", "é", "e\u0301", "👨\u200d👩\u200d👧", "plain", ""]


def columns(text: str) -> int:
    """What a terminal does, character by character: marks that do not space take nothing, wide ones two columns."""
    return sum(
        0
        if unicodedata.category(each) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )


def drawn(header: Sequence[str] | None, rows: Sequence[Sequence[str]], width: int, **style: str) -> list[str]:
    return "".join(draw(header, rows, Style(width, **style))).splitlines()  # type: ignore[arg-type]  # text only


# --- how wide, and how broken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width"), [*zip(HINDI, [10, 5, 3, 4], strict=True), ("👨\u200d👩\u200d👧", 2), ("", 0)]
)
def test_width_is_that_of_most_terminals(text: str, width: int) -> None:
    assert width_of(text) == width


@pytest.mark.parametrize("text", [*HINDI, *OTHERS[:5], "कि李é" * 3])
def test_width_is_the_sum_of_what_each_character_takes(text: str) -> None:
    assert width_of(text) == columns(text)


LINES = {
    ("", 5): [""],
    ("one two", 7): ["one two"],
    ("one two", 6): ["one", "two"],
    ("one  two", 6): ["one", "two"],
    ("a  b c", 4): ["a  b", "c"],
    ("one two three", 3): ["one", "two", "thr", "ee"],
    ("  in dent", 6): ["  in", "dent"],
    ("abcdefg hi", 3): ["abc", "def", "g", "hi"],
    ("abcd e", 3): ["abc", "d e"],
    ("李明李明", 3): ["李", "明", "李", "明"],
    ("李明", 1): ["李", "明"],
    ("किकि", 2): ["कि", "कि"],
    ("किकि", 1): ["कि", "कि"],
    ("  abcdef", 4): ["  ab", "cdef"],
    ("e\u0301e\u0301", 1): ["e\u0301", "e\u0301"],
    ("👨\u200d👩\u200d👧x", 2): ["👨\u200d👩\u200d👧", "x"],
}


@pytest.mark.parametrize(("text", "width"), LINES)
def test_text_is_broken_between_words_and_in_one_only_if_it_is_wider(text: str, width: int) -> None:
    assert lines_of(text, width) == LINES[text, width]


def test_longest_word_is_the_widest() -> None:
    assert longest_word("a 李明李 four five5") == 6
    assert longest_word("") == 0


# --- tables -----------------------------------------------------------------------------------------------------------


def test_columns_of_devanagari_are_aligned() -> None:
    table = drawn(["name", "id"], [[name, "7"] for name in (*HINDI, *OTHERS[:5], "plain")], 80)
    assert len({columns(line[:-1]) for line in table[2:]}) == 1
    assert columns(table[1]) == max(map(columns, table))


def test_headings_are_folded_and_bold_as_cells_are() -> None:
    header, row = ["time (+00:00)", "b"], ["x" * 10, "y" * 90]
    assert drawn(header, [row], 100)[:3] == ["time        b", "(+00:00)", "─" * 100]
    assert drawn(header, [["x", "y"]], 100, color="yes")[0] == "\x1b[1mtime (+00:00)\x1b[0m  \x1b[1mb\x1b[0m"
    assert drawn(None, [["x", "y"]], 100, color="yes") == ["x  y"]


def test_rule_is_of_characters_that_the_terminal_has() -> None:
    assert drawn(["a"], [["x"]], 80, encoding="latin-1")[1] == "-"
    assert drawn(["a"], [["x"]], 80, encoding="UTF-8")[1] == "─"


def test_widest_column_is_narrowed_first_and_to_its_words_only() -> None:
    row = ["a" * 30, "b" * 10 + " " + "b" * 15, "c c c c c c c c c c c c"]
    assert [line[32:] for line in drawn(None, [row], 70)] == [
        "b" * 10 + " " * 10 + "c c c c c c c c c", "b" * 15 + " " * 5 + "c c c",
    ]  # fmt: skip
    lines = drawn(None, [row], 52)
    assert lines[0] == f"{'a' * 30}  {'b' * 10}       c c"
    assert lines[1].split() == ["b" * 15, "c", "c"]


@pytest.mark.parametrize("width", [70, 80, 100])
@pytest.mark.parametrize("actor", ["a", "a" * 64])
def test_column_that_is_whole_is_never_broken_in_a_word(width: int, actor: str) -> None:
    header = ["number", "time", "actor", "type", "subject", "data"]
    row = ["1000000", "2025-04-07 09:00:00+00:00", actor, "user.email-changed", "user/1000000", "email: " + "x" * 60]
    lines = drawn(header, [row], width, whole="type")
    assert any("  user.email-changed  " in line for line in lines)
    assert max(map(len, lines)) <= width


def test_table_keeps_its_widths_from_its_first_rows_on() -> None:
    rows = [["a", "b"]] * 200 + [["aaa", "b"]]
    assert drawn(None, rows, 80)[199:] == ["a  b", "a  b", "a", "a"]
    assert "".join(draw(None, rows, Style(80), live=200)).splitlines()[199:] == ["a  b", "aaa  b"]


def test_words_of_later_rows_are_whole_too_where_each_widens_its_column() -> None:
    rows = [["x", "c " * 29 + "c"], ["y" * 40, "d " * 29 + "d"]]
    assert "".join(draw(None, rows, Style(70), live=1)).splitlines()[1].startswith("y" * 40 + "  d d")


def test_no_rows_are_no_table() -> None:
    assert drawn(["a"], [], 80) == drawn(["a"], [], 20) == []


# --- a block a record -------------------------------------------------------------------------------------------------

WIDE = [["1", "x" * 60, "", "last"], ["2", "y", "z", "two words"], ["", "", "", "  more"]]


def test_below_70_columns_what_does_not_fit_is_a_block_a_record() -> None:
    header = ["id", "name", "empty", "words"]
    assert drawn(header, WIDE, 69) == [
        "id     1", "name   " + "x" * 60, "words  last", "", "id     2", "name   y", "empty  z", "words  two words",
        "         more",
    ]  # fmt: skip
    assert drawn(header, WIDE[1:], 13)[3:] == ["words  two", "       words", "         more"]
    assert drawn(header, WIDE, 70)[0].split() == header
    assert drawn(header, WIDE[1:2], 69)[0].split() == header, "it fits"
    assert drawn(None, WIDE[:1], 20)[0].startswith("1  x"), "one thing with its fields"


def test_many_columns_of_less_than_14_characters_are_blocks_too() -> None:
    eight, seven = [[str(number) for number in range(count)] for count in (8, 7)]
    row = ["y" * 6 + " " + "y" * 12] * 8
    assert drawn(eight, [row], 111)[0] == "0  " + row[0]
    assert drawn(eight, [row], 112)[0].split() == eight
    assert drawn(seven, [row[:7]], 97)[0].split() == seven, "these are not many"
    assert drawn(eight, [["y"] * 8], 80)[0].split() == eight, "it fits"


def test_all_rows_are_blocks_if_the_first_do_not_fit() -> None:
    rows = [["x" * 30, "y"]] + [["a", "b"]] * 300
    assert drawn(["id", "name"], rows, 30).count("id    a") == 300
    assert drawn(["id", "name"], rows[:1], 36)[0] == "id" + " " * 30 + "name", "it just fits"


def test_labels_of_a_block_are_bold_in_colour() -> None:
    assert drawn(["id", "name"], [["1", "x" * 30]], 30, color="yes")[0] == "\x1b[1mid\x1b[0m    1"


def test_log_on_a_narrow_terminal_has_whole_times_and_types(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert story.ok("log", "-3", "--format", "table", "--times", "absolute").out.split("\n\n")[1].splitlines() == [
        "number   7", "time     2026-03-01 15:00:00+00:00", "actor    ann", "type     user.created", "subject  user/3",
        "data     name: Alan, email: alan@example.com",
    ]  # fmt: skip


@pytest.mark.parametrize("width", range(20, 130, 10))
def test_log_is_as_wide_as_the_terminal_and_its_types_are_whole(
    story: Cli, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in ([], ["-p"]):
        shown = story.ok("log", "--format", "table", *words).out
        assert max(map(columns, shown.splitlines())) <= width
        assert width < 30 or "user.email-changed" in shown


# --- times ------------------------------------------------------------------------------------------------------------


def test_times_of_log_are_absolute_or_relative_as_asked(cli: Cli) -> None:
    many_events(cli, 2)
    cli.clock.advance(days=10)

    def shown(*words: str) -> list[str]:
        lines = cli.ok("log", "--format", "table", *words).out.splitlines()
        return [re.split(r"\s{2,}", line)[1] for line in (lines[0], *lines[2:])]

    assert shown("--times", "relative")[1:] == ["1 week ago"] * 2
    assert shown("--times=absolute")[0] == "time (+00:00)"
    assert shown("--times=absolute")[1:] == ["2026-03-01 09:00:00"] * 2
