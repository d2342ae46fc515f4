"""The search for the first bad event: by bisection, which leaves out what is skipped, and by a walk."""

import random
from collections.abc import Iterator

import pytest

from evcli.register.first_bad import Found, NeverBad, Verdict, WrongEnd, bisect, walk


class Looks:
    """States that are bad from an event on, some of which are skipped; counts the looks at them."""

    def __init__(self, bad: int, skipped: range | set[int] = range(0)) -> None:
        self.bad, self.skipped = bad, skipped
        self.seen = list[int]()

    def __call__(self, number: int) -> Verdict:
        self.seen.append(number)
        return "skip" if number in self.skipped else "bad" if number >= self.bad else "good"


def test_bisection_finds_each_first_bad_event_after_looking_at_both_ends() -> None:
    for start in (0, 3):
        for bad in range(start + 1, 38):
            look = Looks(bad)
            assert bisect(look, start, 37) == Found(bad - 1, bad, [])
            assert look.seen[:2] == [start, 37]
            assert len(look.seen) == len(set(look.seen)), "no state is looked at twice"


@pytest.mark.parametrize("bad", [1, 2, 333_333, 500_000, 999_999, 1_000_000])
def test_bisection_of_a_million_events_takes_at_most_25_looks(bad: int) -> None:
    look = Looks(bad)
    assert bisect(look, 0, 1_000_000).bad == bad
    assert len(look.seen) <= 25


def test_bisection_ends_where_only_skipped_states_are_left() -> None:
    chance = random.Random(7)
    for _ in range(300):
        end = chance.randint(1, 40)
        bad = chance.randint(1, end)
        skipped = set(chance.sample(range(1, end), chance.randint(0, end - 1)))
        good = max(number for number in range(bad) if number not in skipped)
        first = min(number for number in range(bad, end + 1) if number not in skipped)
        assert bisect(Looks(bad, skipped), 0, end) == Found(good, first, list(range(good + 1, first)))


def test_bisection_soon_leaves_a_stretch_of_skipped_states() -> None:
    look = Looks(9_000, range(3_000, 7_000))
    assert bisect(look, 0, 10_000) == Found(8_999, 9_000, [])
    assert sum(number in look.skipped for number in look.seen) <= 3


@pytest.mark.parametrize(
    ("look", "number", "wanted", "said"),
    [
        (Looks(2), 2, "good", "the state after event 2 is bad; it must be good"),
        (Looks(10), 9, "bad", "the state after event 9 is good; it must be bad"),
        (Looks(5, {2}), 2, "good", "the state after event 2 was skipped; it must be good"),
        (Looks(5, {9}), 9, "bad", "the state after event 9 was skipped; it must be bad"),
    ],
    ids=["bad start", "good end", "skipped start", "skipped end"],
)
def test_bisection_is_refused_where_an_end_is_not_what_it_must_be(
    look: Looks, number: int, wanted: Verdict, said: str
) -> None:
    with pytest.raises(WrongEnd) as raised:
        bisect(look, 2, 9)
    assert (raised.value.number, raised.value.wanted, raised.value.message) == (number, wanted, said)


def walked(verdicts: str) -> Iterator[tuple[int, Verdict]]:
    """The verdicts on the states from event 4 on: `g`, `b` or `s`."""
    words: dict[str, Verdict] = {"g": "good", "b": "bad", "s": "skip"}
    return ((number, words[letter]) for number, letter in enumerate(verdicts, 4))


def test_walk_ends_at_the_first_bad_state_and_looks_no_further() -> None:
    verdicts = walked("ggbgb")
    assert walk(verdicts, 4, 8) == Found(5, 6, [])
    assert next(verdicts) == (7, "good")


def test_walk_tells_what_was_skipped_just_before_the_first_bad_state() -> None:
    assert walk(walked("gsgssb"), 4, 9) == Found(6, 9, [7, 8])
    assert walk(walked("gsgb"), 4, 7) == Found(6, 7, [])


def test_walk_needs_a_good_beginning_and_a_bad_state() -> None:
    for verdict, said in (("b", "is bad"), ("s", "was skipped")):
        with pytest.raises(WrongEnd, match=f"event 4 {said}; it must be good"):
            walk(walked(verdict + "b"), 4, 5)
    with pytest.raises(NeverBad, match="no state from event 4 to event 6 is bad"):
        walk(walked("ggs"), 4, 6)


def test_state_without_a_verdict_is_as_the_one_before_it() -> None:
    verdicts: list[tuple[int, Verdict]] = [(4, "good"), (20, "bad")]
    assert walk(verdicts, 4, 30) == Found(19, 20, [])
