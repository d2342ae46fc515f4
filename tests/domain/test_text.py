"""Which characters an event may hold, asked of every code point, and how a fault is worded."""

import sys

import pytest

from evcli.domain.text import character_name, text_fault

# Written a second time on purpose: the code is compared with what the format promises.
FORBIDDEN = {
    *range(0x00, 0x20), *range(0x7F, 0xA0), 0x061C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F),
    *range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFEFF,
}  # fmt: skip


@pytest.mark.case(64)
def test_exactly_the_characters_that_the_format_forbids_are_refused() -> None:
    refused = {point for point in range(sys.maxunicode + 1) if text_fault(chr(point), 1)}
    wrong = sorted(refused ^ FORBIDDEN)
    assert not wrong, f"the format and the code differ about {[f'U+{point:04X}' for point in wrong[:10]]}"


@pytest.mark.parametrize(
    ("text", "longest", "fault"),
    [
        ("a", 1, ""),
        ("a" * 200, 200, ""),
        ("\U0001f469" * 200, 200, ""),  # code points are counted, not bytes and not what a screen shows
        ("نام\u200cها", 200, ""),  # names need joiners
        ("نام\u200dها", 200, ""),
        ("", 200, "is empty"),
        ("a" * 201, 200, "has 201 characters; at most 200 are allowed"),
        ("\x1b" * 201, 200, "has 201 characters; at most 200 are allowed"),
        (None, 200, "is NoneType, not text"),
        (1, 200, "is int, not text"),
        (True, 200, "is bool, not text"),
        (["a"], 200, "is list, not text"),
        ("Ada\x1b[2J", 200, "character 4 is U+001B (escape), which is not allowed"),
        ("\u202eAda", 200, "character 1 is U+202E (right-to-left override), which is not allowed"),
        ("\u200c\u200b", 200, "character 2 is U+200B (zero width space), which is not allowed"),
    ],
)
def test_fault_says_what_is_wrong_and_where_counting_from_one(text: object, longest: int, fault: str) -> None:
    assert text_fault(text, longest) == fault


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\0", "U+0000 (NUL)"), ("\t", "U+0009 (tab)"), ("\n", "U+000A (newline)"), ("\r", "U+000D (carriage return)"),
        ("\x1b", "U+001B (escape)"), ("\x01", "U+0001 (a control character)"), ("\x84", "U+0084 (a control character)"),
        ("\x85", "U+0085 (next line)"), ("\xa0", "U+00A0 (no-break space)"),
        ("\u2066", "U+2066 (left-to-right isolate)"), ("\ufeff", "U+FEFF (byte order mark)"),
        ("\udcff", "U+DCFF (bytes that are not UTF-8)"), ("\U0010ffff", "U+10FFFF (unassigned)"),
    ],
)  # fmt: skip
def test_character_is_named_by_code_point_and_in_words(character: str, name: str) -> None:
    assert character_name(character) == name
