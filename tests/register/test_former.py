"""Who ever had a name or an e-mail, and when: the same from the cache, from the log's lines, and from both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.caches import cache_every_log
from support.registers import create

from evcli.domain.event import Event
from evcli.errors import Damaged
from evcli.kinds import KINDS
from evcli.log.line import envelope
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.past import Past
from evcli.register.register import Register

USER = KINDS["user"]

STORY = (
    create("Ada", "x@example.com"),  # 1
    create('Tom "T" \\ Straße', "tom@example.com"),  # 2
    Intention("user.email-changed", {"email": "ada@example.com"}, lambda state: 1),  # 3
    Intention("user.email-changed", {"email": "X@example.com"}, lambda state: 2),  # 4
    Intention("user.renamed", {"name": "Ada King"}, lambda state: 1),  # 5
    Intention("user.destroyed", {"reason": "is Ada"}, lambda state: 2),  # 6
    create("x@example.com is taken", "x@example.com"),  # 7
    Intention("user.renamed", {"name": "ADA"}, lambda state: 3),  # 8
    Intention("user.renamed", {"name": "Ada"}, lambda state: 1),  # 9
    Intention("user.destroyed", {}, lambda state: 3),  # 10
    Intention("user.restored", {}, lambda state: 2),  # 11
    Intention("user.renamed", {"name": "7"}, lambda state: 1),  # 12
)

HAD = {
    "x@example.com": [(1, [(1, 3)]), (2, [(4, 6), (11, None)]), (3, [(7, 10)])],
    " X@EXAMPLE.com ": [(1, [(1, 3)]), (2, [(4, 6), (11, None)]), (3, [(7, 10)])],
    "email=ada@example.com": [(1, [(3, None)])],
    "tom@example.com": [(2, [(2, 4)])],
    "ada": [(1, [(1, 5), (9, 12)]), (3, [(8, None)])],
    "Ada King": [(1, [(5, 9)])],
    "name=x@example.com is taken": [(3, [(7, 8)])],
    'tom "t" \\ STRASSE': [(2, [(2, None)])],
    "is Ada": [],
    "1": [],
    "7": [],
    "name=7": [(1, [(12, None)])],
    "nobody": [],
    "\udcff": [],
}


@pytest.fixture(params=[0, 1, 4, 9, 12])
def past(
    request: pytest.FixtureRequest, register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Past]:
    """The past of a log whose cache knows the first so many events."""
    known: int = request.param
    cache_every_log(monkeypatch, 1 << 20)
    for intention in STORY[:known]:
        register.execute(intention)
    if known:
        with Past(str(log_path)) as first:
            first.history.most_behind = 1
            first.at()
    for intention in STORY[known:]:
        register.execute(intention)
    with Past(str(log_path), History(uses_cache=known > 0)) as past:
        yield past


@pytest.mark.parametrize("who", HAD)
def test_every_record_that_ever_had_it_is_found_with_when(past: Past, who: str) -> None:
    assert past.had(USER, who, 12) == HAD[who]


def test_what_came_later_is_not_known(past: Past) -> None:
    assert past.had(USER, "x@example.com", 5) == [(1, [(1, 3)]), (2, [(4, None)])]
    assert past.had(USER, "x@example.com", 3) == [(1, [(1, 3)])]
    assert past.had(USER, "Ada King", 4) == []
    assert past.had(USER, "Ada", 0) == []


@pytest.mark.parametrize("broken", ["ever_called", "events_about"])
def test_a_cache_that_fails_is_given_up(
    past: Past, broken: str, monkeypatch: pytest.MonkeyPatch, register: Register
) -> None:
    from evcli.cache import CacheFailed
    from evcli.cache.spans import SpanState

    def fail(*_: object) -> None:
        raise CacheFailed("broken", is_faulty=False)

    monkeypatch.setattr(SpanState, broken, fail)
    assert past.had(USER, "x@example.com", 12) == HAD["x@example.com"]
    assert not past.history.uses_cache


def test_a_bad_line_with_the_word_is_damage(register: Register, log_path: Path) -> None:
    for intention in STORY:
        register.execute(intention)
    whole = log_path.read_bytes()
    log_path.write_bytes(whole.replace(b'"type":"user.renamed"', b'"tipe":"user.renamed"'))
    with Past(str(log_path), History(uses_cache=False)) as past, pytest.raises(Damaged):
        past.had(USER, "Ada King", 12)


def test_only_lines_with_the_word_are_decoded(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for intention in STORY:
        register.execute(intention)
    decoded = list[bytes]()

    def noting(line: bytes) -> Event:
        decoded.append(line)
        return envelope(line)

    monkeypatch.setattr("evcli.register.former.envelope", noting)
    with Past(str(log_path)) as past:
        assert past.had(USER, "Ada King", 12) == HAD["Ada King"]
    assert len(decoded) == 1
