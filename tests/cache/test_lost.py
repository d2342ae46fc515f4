"""A cache that has lost a row about a record's past decides nothing that is written: the log does."""

import json
import sqlite3
from pathlib import Path

import pytest
from conftest import Cli
from support.caches import cache_every_log

STORY = [
    "create Ada --email ada@x.org", "rename 1 Bea", "rename 1 Cleo", "create Zoe --email zoe@x.org", "destroy 2",
    "restore 2",
]  # fmt: skip
LOST = [
    (2, "revert 3"), (2, "revert 2"), (2, "what-if --drop 3 --apply"), (2, "restore-to 2"), (1, "restore-to 2"),
    (5, "user rename 2 Ann --occurred {after_5}"), (5, "revert 4 --with-dependents"), (6, "revert 5"),
]  # fmt: skip
"""The event whose row is lost, and what is asked then."""


def answers(cli: Cli, words: str, number: int) -> tuple[int, list[tuple[str, object]]]:
    """The exit code of a command, and the type and data of each event that it wrote after event `number`."""
    ran = cli(*words.split())
    events = [json.loads(line) for line in cli.log.read_bytes().splitlines()[number:]]
    return ran.code, [(each["type"], each["data"]) for each in events]


@pytest.mark.parametrize(("lost", "asked"), LOST, ids=[f"{words} without {lost}" for lost, words in LOST])
def test_cache_that_lost_a_row_writes_what_the_log_says(
    lost: int, asked: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_every_log(monkeypatch)
    for words in STORY:
        cli.ok("user", *words.split())
    cli.ok("user", "show", "1")
    (cache,) = cli.log.parent.glob("*.cache")
    with sqlite3.connect(cache) as db:
        db.execute("DELETE FROM user_spans WHERE changed = ?", (lost,))
    db.close()
    whole = cli.log.read_bytes()
    words = asked.format(after_5=json.loads(whole.splitlines()[4])["time"])
    found = answers(cli, words, len(STORY))
    cli.log.write_bytes(whole)
    for each in cli.log.parent.glob("*.cache*"):
        Path(each).unlink()
    monkeypatch.setenv("EVCLI_CACHE", "off")
    assert found == answers(cli, words, len(STORY))
