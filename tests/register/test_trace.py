"""What is linked to an event by causation and correlation, in any log: also one in which ids name nothing good."""

import random
from pathlib import Path
from typing import Any

import pytest
from support.events import creation, lines_of

from evcli.domain.event import number_of
from evcli.log import linked
from evcli.register.past import Past
from evcli.register.trace import trace

Link = tuple[int, int]


def log_of(path: Path, links: dict[int, dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """A log of so many events, some of which have a causation or a correlation id; gives their members."""
    events = [creation(number, **links.get(number, {})) for number in range(1, count + 1)]
    path.write_bytes(b"".join(lines_of(events)))
    return events


def traced(past: Past, number: int, until: int) -> tuple[list[int], str | None, list[Link], tuple[int, int, int]]:
    """The causes, the id that is missing, the effects with what each answers, and the operation."""
    found = trace(past, number, until)
    assert number_of(found.event) == number
    effects = [(number_of(each.event), each.answers) for each in found.effects]
    return list(map(number_of, found.causes)), found.missing, effects, (found.size, found.first, found.last)


def expected(
    events: list[dict[str, Any]], number: int, until: int
) -> tuple[list[int], str | None, list[Link], tuple[int, int, int]]:
    """The same of events given as their members: by looking at all of them for each question."""
    causes, missing, at = list[int](), events[number - 1].get("causationid"), number
    while missing is not None:
        earlier = [each for each in range(1, at) if events[each - 1]["id"] == missing]
        if not earlier:
            break
        at = earlier[-1]
        causes.append(at)
        missing = events[at - 1].get("causationid")
    found = {events[number - 1]["id"]: number}
    effects = list[Link]()
    for each in range(number + 1, until + 1):
        cause = events[each - 1].get("causationid")
        if cause in found:
            effects.append((each, found[cause]))
            found[events[each - 1]["id"]] = each
    correlation = events[number - 1].get("correlationid")
    same = [
        each for each in range(1, until + 1) if correlation and events[each - 1].get("correlationid") == correlation
    ]
    return causes, missing, effects, (len(same), same[0] if same else 0, same[-1] if same else 0)


@pytest.mark.parametrize("step", [1, 500, 1 << 14], ids=["short steps", "steps of a few lines", "one step"])
def test_trace_is_what_a_search_of_all_events_for_each_link_gives(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked, "FEW", step)
    monkeypatch.setattr(linked, "MANY", step)
    chance = random.Random(5)
    for number in range(12):
        links: dict[int, dict[str, Any]] = {}
        for each in range(1, 31):
            cause = chance.choice([each - 1, each - 2, each, each + 1, chance.randint(1, 30), 99])
            links[each] = {} if chance.random() < 0.3 else {"causationid": f"event-{cause}"}
            if chance.random() < 0.5:
                links[each]["correlationid"] = chance.choice(["undo:1", "undo:11", 'a "quoted" one', "ü"])
        path = tmp_path / f"{number}.jsonl"
        events = log_of(path, links, 30)
        with Past(str(path)) as past:
            for asked in range(1, 31):
                for until in (asked, 30):
                    assert traced(past, asked, until) == expected(events, asked, until), (asked, until)


def test_text_that_looks_like_a_link_is_none(tmp_path: Path) -> None:
    text = '"causationid":"event-1","correlationid":"undo:1","sequence":"000000000009",'
    log_of(tmp_path / "log", {1: {"correlationid": "undo:1"}, 2: {"data": {"name": text, "email": "a@b.example"}}}, 2)
    with Past(str(tmp_path / "log")) as past:
        assert traced(past, 1, 2) == ([], None, [], (1, 1, 1))


def test_id_that_another_begins_with_is_another(tmp_path: Path) -> None:
    log_of(tmp_path / "log", {12: {"causationid": "event-1"}}, 12)
    with Past(str(tmp_path / "log")) as past:
        assert traced(past, 12, 12) == ([1], None, [], (0, 0, 0))


def test_chain_may_be_long(tmp_path: Path) -> None:
    count = 3_000
    log_of(tmp_path / "log", {each: {"causationid": f"event-{each - 1}"} for each in range(2, count + 1)}, count)
    with Past(str(tmp_path / "log")) as past:
        causes, _, effects, _ = traced(past, 1_500, count)
    assert (causes, len(effects)) == (list(range(1_499, 0, -1)), 1_500)
