"""What each of many events changed, with and without a cache, is what `change` says of each of them."""

from pathlib import Path

import pytest
from support.caches import cache_the_beginning
from support.registers import create

from evcli.domain.event import number_of
from evcli.errors import Damaged
from evcli.register import changes
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.past import Past
from evcli.register.register import Register


@pytest.fixture
def path(register: Register, log_path: Path) -> Path:
    """A log of 30 events about 10 users."""
    for each in "abcdefghij":
        register.execute(create(each))
    for id in range(1, 11):
        register.execute(_about(id, "user.renamed", name=f"New {id}"))
        register.execute(_about(id, "user.destroyed"))
    return log_path


def _about(id: int, type: str, **data: str) -> Intention:
    return Intention(type, data, lambda state: id)


@pytest.mark.parametrize("cached", [0, 17, 30])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("of", [1, 3])
def test_changes_of_events_are_the_change_of_each(
    path: Path, monkeypatch: pytest.MonkeyPatch, cached: int, backward: bool, at_once: bool, of: int
) -> None:
    monkeypatch.setattr(changes, "FEW", 2)
    if cached:
        cache_the_beginning(path, monkeypatch, cached)
    with Past(str(path), History(uses_cache=bool(cached))) as past, Past(str(path), History(uses_cache=False)) as other:
        events = [event for event in other.events() if number_of(event) % of == 0][:: -1 if backward else 1]
        wanted = [other.change(number_of(event)) for event in events]
        assert list(past.changes(iter(events), at_once=at_once)) == wanted
        assert (past.history.cache_path is not None) == bool(cached)


def test_at_once_asks_for_no_event_before_the_last_is_answered(path: Path) -> None:
    with Past(str(path)) as past:
        waiting = iter(list(past.events()))
        changed = past.changes(waiting, at_once=True)
        assert [number_of(next(changed)[0]), number_of(next(changed)[0]), number_of(next(waiting))] == [1, 2, 3]


def test_a_change_that_breaks_a_rule_is_damage(vector: object) -> None:
    path = vector("bad-rule-destroyed-twice.jsonl")  # type: ignore[operator]
    with Past(str(path)) as past, pytest.raises(Damaged, match="breaks a rule"):
        list(past.changes(past.events_backward(past.head())))
