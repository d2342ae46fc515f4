"""What is asked of a whole column of texts is the answer for each of them."""

from hypothesis import example, given
from hypothesis import strategies as st
from kinds.bike import FRAME

from evcli.domain.fields import EMAIL, NAME, REASON, Field
from evcli.domain.text import are_composed, composed
from evcli.errors import BadText

TEXTS = st.one_of(
    st.text(st.sampled_from("aAe\u0301\u0308ö \t\n\u200c\u202e李İ@.-K1"), max_size=5),
    st.sampled_from(["ada@x.de", "A@x.de", "a@b\nc@d", "a@-b.de", "AB-1", "x" * 200, "x" * 201, "a" * 249 + "@x.de"]),
)
COLUMNS = st.lists(TEXTS, min_size=1, max_size=4)


def cleaned(field: Field, column: list[str]) -> list[str] | None:
    try:
        return [field.clean(text) for text in column]
    except BadText:
        return None


@given(st.sampled_from([NAME, EMAIL, REASON, FRAME]), COLUMNS)
@example(NAME, ["e", "\u0301"])
@example(NAME, ["e\u0301"])
@example(NAME, ["Zoë", " B "])
@example(EMAIL, ["a@b\nc@d", "e@f"])
@example(EMAIL, ["a" * 249 + "@x.de"])
@example(EMAIL, ["a" * 250 + "@x.de"])
def test_column_is_cleaned_as_each_text_is(field: Field, column: list[str]) -> None:
    try:
        found: list[str] | None = field.clean_all(column)
    except BadText:
        found = None
    assert found == cleaned(field, column)
    assert field.are_good(column) == (not any(map(field.fault, column)))


@given(COLUMNS)
@example(["e", "\u0301"])
@example(["a", "e\u0301"])
def test_column_is_composed_if_each_text_is(column: list[str]) -> None:
    assert are_composed(column) == all(text == composed(text) for text in column)
