"""Keys and names are filled in from the spans when one is first asked for: never under the lock, and never wrongly."""

import fcntl
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from support.caches import cache_every_log
from support.logs import reading
from support.users import USER

from evcli.cache import CacheFailed
from evcli.cache import words as words_module
from evcli.cache.cache import Cache
from evcli.cache.database import VERSION
from evcli.cache.tables import SQL, WORDS_KNOWN
from evcli.domain.state import MemoryState
from evcli.log.replay import replay
from evcli.register.history import History

STORY = (
    "create|Ada Lovelace|--email|ada@example.com", "create|Grace Hopper|--email|grace@example.com",
    "rename|1|Ada King", "destroy|2", "create|ada king|--email|grace@example.com", "rename|3|ADA KING",
    "change-email|3|edsger@example.com", "restore|2", "create|Zoë|--email|zoe@example.com", "destroy|2",
    "rename|1|Ada Lovelace",
)  # fmt: skip
WORDS = (
    "ada lovelace",
    "ada king",
    "ada@example.com",
    "grace@example.com",
    "grace hopper",
    "edsger@example.com",
    "zoë",
)


@pytest.fixture
def built(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A log whose cache was built from all its events, and asked for none by a word."""
    for words in STORY:
        cli.ok("user", *words.split("|"))
    cache_every_log(monkeypatch)
    cli.ok("user", "show", "1")
    return cli


@pytest.fixture
def cache(built: Cli) -> Iterator[Cache]:
    with reading(built.log) as reader:
        cache = History().cache(reader)
        assert cache is not None
        yield cache
        cache.close()


def known(log: Path) -> int:
    with closing(sqlite3.connect(f"{log}.cache")) as db:
        return WORDS_KNOWN.get(db)


@pytest.mark.parametrize(
    "words", ["state", "user show 1", "user list", "diff 2 5", "show 3", "log --user 2", "export", "state --at 4"]
)
def test_question_without_a_word_fills_nothing_in(built: Cli, words: str) -> None:
    built.ok(*words.split())
    assert known(built.log) == 0


@pytest.mark.parametrize(
    "words",
    ["user show zoë", "user show grace@example.com --at 4", "user rename 1 Ada", "user create B --email b@example.com"],
)
def test_question_with_a_word_fills_all_words_in_once(built: Cli, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built.ok(*words.split())
    assert known(built.log) == len(STORY)
    monkeypatch.delattr(words_module, "_fill")
    built.ok("user", "create", "C", "--email", "c@example.com")
    built.ok("user", "show", "c@example.com")
    assert known(built.log) >= len(STORY) + 1, "a cache that is caught up keeps its words"


def test_cache_without_words_has_them_once_it_is_caught_up(built: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setenv("EVCLI_CACHE", "off")
        built.ok("user", "rename", "4", "Zoe")
    assert known(built.log) == 0
    built.ok("state")
    assert known(built.log) == len(STORY) + 1
    assert "Zoe" in built.ok("user", "show", "zoe").out


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_filled_words_are_those_of_the_fold_at_every_event(
    built: Cli, cache: Cache, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words_module, "AT_ONCE", at_once)
    for number in range(len(STORY) + 1):
        folded, found = MemoryState(), cache.state(number)
        with reading(built.log) as reader:
            replay(reader, folded, until=number)
        for word in WORDS:
            assert found.holder(USER, word) == folded.holder(USER, word), (number, word)
            assert sorted(found.called(USER, word)) == sorted(folded.called(USER, word)), (number, word)
            assert list(islice(found.words(USER, word), 5)) == list(islice(folded.words(USER, word), 5)), (number, word)


def test_question_to_a_cache_loads_nothing_that_builds_one(built: Cli) -> None:
    program = "import sys; from evcli.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    words = [sys.executable, "-c", program, "--log", str(built.log), "user", "show", "zoë"]
    loaded = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout.split()
    assert "evcli.cache.cache" in loaded
    assert "evcli.cache.build" not in loaded


def test_writer_fills_words_in_before_it_takes_the_lock(built: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fill, was_free = words_module._fill, list[bool]()

    def look(*words: Any) -> None:
        with built.log.open("rb") as another:
            fcntl.flock(another, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if this process has the lock
            was_free.append(True)
        fill(*words)

    monkeypatch.setattr(words_module, "_fill", look)
    built.ok("user", "create", "B", "--email", "b@example.com")
    assert was_free == [True]


@pytest.mark.parametrize(
    "broken",
    ["DELETE FROM user_spans WHERE changed = 6", "UPDATE words_known SET number = 4", "UPDATE log SET number = 4"],
)
def test_words_are_not_filled_in_from_tables_that_lost_something(cache: Cache, broken: str) -> None:
    cache.db.execute(broken)
    for question in (lambda: cache.state().holder(USER, "zoe@example.com"), cache.need_words):
        with pytest.raises(CacheFailed) as failed:
            question()
        assert failed.value.is_faulty
    assert not cache.db.in_transaction
    for table in ("user_keys", "user_names", "user_words"):
        assert cache.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), "half of the words would be used"


@pytest.mark.parametrize("question", ["need_words", "present", "past"])
def test_filling_words_in_shows_how_far_it_is_and_ends(
    built: Cli, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, ...] | str] = []

    class Told:
        def show(self, done: int, total: int | None, count: int) -> None:
            told.append((done, total or 0, count))

        def end(self) -> None:
            told.append("end")

    monkeypatch.setattr(words_module, "AT_ONCE", 1)
    with reading(built.log) as reader:
        cache = History(progress=Told()).cache(reader)
        assert cache is not None
        ask = cache.need_words if question == "need_words" else cache.state(11 if question == "present" else 4).called
        ask(*() if question == "need_words" else (USER, "zoë"))
        cache.close()
    assert told == [(3, 11, 3), (7, 11, 7), (10, 11, 10), "end"]


def test_words_that_end_before_the_cache_does_are_not_used(cache: Cache) -> None:
    cache.need_words()
    WORDS_KNOWN.set(cache.db, len(STORY) - 1)
    with pytest.raises(CacheFailed):
        cache.state().holder(USER, "zoe@example.com")


@pytest.mark.parametrize("table", ["user_keys", "user_words"])
def test_key_that_one_table_has_lost_is_not_free(cache: Cache, table: str) -> None:
    cache.need_words()
    held = cache.state().holder(USER, "zoe@example.com")
    assert held is not None
    assert held.id == 4
    assert cache.state().holder(USER, "nobody@example.com") is None
    assert cache.state(4).holder(USER, "zoe@example.com") is None, "nobody had it yet"
    cache.db.execute(f"DELETE FROM {table} WHERE id = 4")
    with pytest.raises(CacheFailed):
        cache.state().holder(USER, "zoe@example.com")


@pytest.mark.parametrize("column", ["changed", "id", "live"])
def test_row_of_spans_that_contradicts_itself_is_not_used(cache: Cache, column: str) -> None:
    cache.db.execute(f"UPDATE user_spans SET {column} = {'1 - live' if column == 'live' else 77} WHERE changed = 9")
    with pytest.raises(CacheFailed):
        list(cache.state(len(STORY) - 1).records(USER))
    with pytest.raises(CacheFailed):
        cache.state().get(USER, 4)
    if column != "changed":  # where the event is another's, this record has none
        with pytest.raises(CacheFailed):
            cache.state().events_about(USER, 77 if column == "id" else 4)


@pytest.mark.parametrize("backward", [False, True])
def test_names_are_not_sorted_to_find_the_next(cache: Cache, backward: bool) -> None:
    of_names = SQL[USER].words[1][backward]
    plan = cache.db.execute(f"EXPLAIN QUERY PLAN {of_names}", ("zoë", 1, 1)).fetchall()
    assert any("PRIMARY KEY (name" in step[-1] for step in plan)
    assert not any("TEMP B-TREE" in step[-1] for step in plan)


def test_cache_of_the_layout_before_is_made_anew(built: Cli) -> None:
    with closing(sqlite3.connect(f"{built.log}.cache")) as db, db:
        db.execute("UPDATE log SET version = '6 of' || substr(version, instr(version, ' of') + 3)")
    built.ok("user", "show", "1")
    with closing(sqlite3.connect(f"{built.log}.cache")) as db:
        assert db.execute("SELECT version FROM log").fetchone() == (VERSION,)
