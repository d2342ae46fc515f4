"""The cache gives the answers of the fold, whatever became of it and of its log; and it knows when a log was cut."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

import platformdirs
import pytest
from cli.support import run_process
from conftest import Cli, Ran
from hypothesis import given, settings
from hypothesis import strategies as st
from support.caches import CACHING, cache_every_log
from support.logs import reading
from support.registers import create
from support.users import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, USER

from evcli.cache import CacheFailed
from evcli.cache import build as intake_module
from evcli.cache import cache as cache_module
from evcli.cache import location as place_module
from evcli.cli import environment
from evcli.domain.event import number_of
from evcli.domain.overlay import are_live, records_of
from evcli.domain.state import MemoryState, State
from evcli.errors import Conflict, LogCut, Refused
from evcli.log.file.engine import FileLog
from evcli.log.replay import replay
from evcli.register.decide import Intention
from evcli.register.history import History
from evcli.register.register import Register

NAMES = ["Ada", "ada", "Zoë", "李 明", "a@x.org", "7"]
EMAILS = ["a@x.org", "A@x.org", "b@x.org", "c@x.org", "zoe@y.org"]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache for the shortest log, caught up with every event."""
    cache_every_log(monkeypatch)


def cached(log: Path, name: str = ".cache") -> Path:
    return log.with_name(log.name + name)


def break_table(cache: Path, table: str) -> None:
    """Fill the first page of a table with nonsense."""
    whole = cache.read_bytes()
    db = sqlite3.connect(cache)
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    db.close()
    cache.write_bytes(whole[: (page - 1) * 4096] + b"\xff" * 4096 + whole[page * 4096 :])


def folded(log: Path, number: int) -> MemoryState:
    """The reference: the fold in memory."""
    state = MemoryState()
    with reading(log) as reader:
        replay(reader, state, until=number)
    return state


def everything(state: State) -> dict[str, Any]:
    """All that can be asked of a state about users."""
    words = [*(name.casefold() for name in NAMES), *(email.casefold() for email in EMAILS), "", "b", "\U0010ffff", "?"]
    return {
        "number": state.number,
        "last id": state.last_id(USER),
        "count": state.count(USER),
        "records": list(state.records(USER)),
        "live": list(state.records(USER, live_only=True)),
        "by id": [state.get(USER, id) for id in range(state.last_id(USER) + 3)],
        "by ids": records_of(state, USER, range(state.last_id(USER) + 3)),
        "holders": {word: state.holder(USER, word) for word in words},
        "called": {word: sorted(state.called(USER, word)) for word in words},
        "words from": {word: list(islice(state.words(USER, word), 7)) for word in words},
        "words before": {word: list(islice(state.words(USER, word, backward=True), 7)) for word in words},
    }


def same_as_folded(log: Path, history: History, numbers: list[int] | None = None) -> None:
    """Every state, and everything about every user, is what the fold gives."""
    with reading(log) as reader:
        head = reader.log.head().number
        for number in range(head + 1) if numbers is None else numbers:
            wanted, found = folded(log, number), history.at(reader, number)
            assert everything(found) == everything(wanted), f"after event {number} of {head}"
            ended = [each.id for each in wanted.records(USER) if each.destroyed is not None]
            assert not any(are_live(found, USER, [id]) for id in [*ended, 99999])
        events = list(reader.events())
        for id in range(1, wanted.last_id(USER) + 1):
            about = [event for event in events if event["subject"] == f"user/{id}"]
            assert list(history.events_about(reader, USER, id, head)) == about
            assert list(history.events_about(reader, USER, id, head, backward=True)) == about[::-1]
            late = [event for event in about if 3 < number_of(event) <= head - 1]
            assert list(history.events_about(reader, USER, id, head - 1, after=3)) == late
        for event in events[-3:]:
            assert history.find_ids(reader, event["id"], exact=True) == [event]
        assert len(history.find_ids(reader, "e")) == min(10, head)
        assert history.find_ids(reader, "nobody", exact=True) == []
        ids = ["nobody", *(event["id"] for event in (*events[-2:], *events[:2]))]
        assert history.with_ids(reader, ids) == [event for event in events if event["id"] in ids]


def intention(what: str, id: int, name: str, email: str) -> Intention:
    if what == CREATED:
        return Intention(what, {"name": name, "email": email}, lambda state: state.last_id(USER) + 1, finds=False)
    data: dict[str, dict[str, str]] = {RENAMED: {"name": name}, EMAIL_CHANGED: {"email": email}}
    return Intention(what, data.get(what, {}), lambda state: id)


actions = st.lists(
    st.tuples(
        st.sampled_from(
            [CREATED, CREATED, RENAMED, EMAIL_CHANGED, DESTROYED, RESTORED, "look", "forget", "older", "break"]
        ),
        st.integers(1, 4),
        st.sampled_from(NAMES),
        st.sampled_from(EMAILS),
    ),
    min_size=8,
    max_size=40,
)


class Life:
    """A register that is used with a cache: commands by turns, and what can become of the cache between them."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.count = 0

    def register(self, *, uses_cache: bool) -> Register:
        history = History(uses_cache=uses_cache)
        return Register(FileLog(str(self.log)), actor="ann", new_id=self.next_id, history=history)

    def next_id(self) -> str:
        self.count += 1
        return f"e{self.count}"

    def do(self, what: str, id: int, name: str, email: str) -> None:
        cache = cached(self.log)
        if what == "forget":
            cache.unlink(missing_ok=True)
        elif what == "older" and cache.exists():
            db = sqlite3.connect(cache)
            with suppress(sqlite3.DatabaseError), db:  # it may be broken already, or empty
                db.execute("UPDATE log SET version = 'of another time'")
            db.close()
        elif what == "break" and cache.exists():
            cache.write_bytes(cache.read_bytes()[: 72 * id] + b"\xff" * 5000)
        elif what == "look" and self.log.exists():
            same_as_folded(self.log, History(), [id])
        elif what.startswith("user."):
            answers: list[object] = []
            for register in (self.register(uses_cache=True), self.register(uses_cache=False)):
                try:
                    outcome = register.execute(intention(what, id, name, email), dry_run=len(answers) == 0)[0]
                    answers.append((outcome.before, outcome.after, number_of(outcome.event)))
                except (Refused, Conflict) as refused:
                    answers.append(refused.message)
                except Exception as error:  # noqa: BLE001  # the two must agree in this as well
                    answers.append(type(error).__name__)
            assert answers[0] == answers[1], what


@given(steps=actions, lag=st.sampled_from([1, 700, 2000]), at_once=st.sampled_from([1, 3, 1000]))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_cache_gives_the_answers_of_the_fold_whatever_becomes_of_it(
    steps: list[tuple[str, int, str, str]], lag: int, at_once: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cache_every_log(patch, lag)
        patch.setattr(intake_module, "AT_ONCE", at_once)
        patch.setattr(os, "fsync", lambda descriptor: None)
        life = Life(Path(folder, "events.jsonl"))
        for step in steps:
            life.do(*step)
        if life.log.exists():
            same_as_folded(life.log, History())
            assert lag > 1 or cached(life.log).exists(), "there was nothing to test"


STORY = (
    "create|Ada Lovelace|--email|ada@example.com", "create|Grace Hopper|--email|grace@example.com",
    "rename|1|Ada King", "destroy|2|--reason|left", "create|Edsger|--email|grace@example.com",
    "change-email|3|edsger@example.com", "restore|2", "create|Zoë|--email|zoe@example.com",
)  # fmt: skip


@pytest.fixture
def short(cli: Cli) -> Cli:
    """A log of eight events."""
    for words in STORY:
        cli.ok("user", *words.split("|"))
    cli.ok("state")
    return cli


@pytest.fixture
def grown(always: None, short: Cli) -> Cli:
    """A log of eight events with a cache that knows them all."""
    return short


def failing(number: int) -> Callable[[object], None]:
    """A call that fails with that errno."""

    def fail(_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def users(cli: Cli, count: int) -> None:
    for number in range(count):
        cli.ok("user", "create", f"User {number}", "--email", f"user{number}@example.com")


def without_cache(grown: Cli) -> Register:
    """A register over the same log that takes nothing into its cache."""
    return Register(FileLog(str(grown.log)), actor="ann", history=History(uses_cache=False))


def is_cut(ran: Ran, log: Path) -> None:
    """The command failed because the log lost events, and said which cache knew them."""
    assert ran.code == 12
    assert f"rm {cached(log)}" in ran.err


ASKING = [
    ("state", "--json"), ("state", "--at", "4", "--json"), ("user", "list"), ("user", "list", "--all", "--at", "6"),
    ("user", "show", "ada@example.com", "--json"), ("user", "show", "2", "--at", "4"), ("user", "show", "Edsgar"),
    ("log", "--user", "2", "--json"), ("log", "--user", "2", "--reverse", "--since", "2", "--until", "6"),
    ("diff", "2", "7"), ("user", "list", "-n", "2"), ("completion", "bash"), ("export", "--at", "5"),
    ("show", "5", "--json"), ("show", "id:event-3"), ("show", "id:event"), ("head",), ("log", "-n", "3"),
]  # fmt: skip


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_every_command_answers_as_without_a_cache(
    grown: Cli, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_cache = grown(*words)
    assert cached(grown.log).exists()
    monkeypatch.setenv("EVCLI_CACHE", "off")
    assert grown(*words) == with_cache


def test_answers_come_from_the_cache(grown: Cli) -> None:
    with sqlite3.connect(cached(grown.log)) as db:
        changed, row = db.execute("SELECT changed, row FROM user_spans WHERE id = 1 ORDER BY changed DESC").fetchone()
        row = row.replace(b"Ada King", b"Somebody else")
        db.execute("UPDATE user_spans SET row = ?, sum = ? WHERE changed = ?", (row, crc32(row), changed))
    db.close()
    assert "Somebody else" in grown.ok("user", "show", "1").out
    assert "Somebody else" not in grown.ok("log").out


def test_cache_is_readable_by_its_owner_only_and_named_by_status(grown: Cli) -> None:
    assert cached(grown.log).stat().st_mode & 0o777 == 0o600
    assert f"cache\t{cached(grown.log)}" in grown.ok("status").out
    assert sorted(path.name for path in grown.log.parent.iterdir()) == ["events.jsonl", "events.jsonl.cache"]


def test_short_log_has_no_cache(short: Cli) -> None:
    assert [path.name for path in short.log.parent.iterdir()] == ["events.jsonl"]
    assert "cache\t\n" in short.ok("status").out


def test_cache_that_is_switched_off_is_not_made(grown: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(grown.log).unlink()
    monkeypatch.setenv("EVCLI_CACHE", "off")
    grown.ok("state")
    grown.ok("user", "rename", "1", "Ada")
    assert not cached(grown.log).exists()


@pytest.mark.parametrize(
    "words",
    [("state",), ("head",), ("log",), ("verify",), ("status",), ("user", "show", "1"), ("user", "rename", "1", "A"),
     ("user", "create", "B", "--email", "b@example.com"), ("export",), ("diff",), ("repair", "--dry-run")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("left", [7, 2, 0])
def test_log_that_lost_what_its_cache_knows_is_damaged(grown: Cli, words: tuple[str, ...], left: int) -> None:
    lines = grown.log.read_bytes().splitlines(keepends=True)
    grown.log.write_bytes(b"".join(lines[:left]))
    ran = grown(*words)
    is_cut(ran, grown.log)
    assert f"byte {len(b''.join(lines))}" in ran.err
    assert grown.log.read_bytes() == b"".join(lines[:left])
    cached(grown.log).unlink()
    assert grown(*words).code in (0, 1)


@pytest.mark.parametrize(
    "words",
    [("state",), ("verify",), ("status",), ("log",), ("log", "--follow"), ("user", "show", "1"), ("repair",),
     ("user", "rename", "1", "A"), ("user", "create", "B", "--email", "b@example.com")],
    ids=" ".join,
)  # fmt: skip
def test_log_that_was_cut_and_grew_again_is_damaged(
    grown: Cli, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = cached(grown.log).read_bytes()
    lines = grown.log.read_bytes().splitlines(keepends=True)
    grown.log.write_bytes(b"".join(lines[:3]))
    monkeypatch.setenv("EVCLI_CACHE", "off")
    for number in range(12):
        grown.ok("user", "rename", "1", f"Ada {number}")
    monkeypatch.delenv("EVCLI_CACHE")
    regrown = grown.log.read_bytes()
    assert len(regrown) > len(b"".join(lines))
    is_cut(grown(*words), grown.log)
    assert grown.log.read_bytes() == regrown
    assert cached(grown.log).read_bytes() == witness


def test_log_that_is_gone_is_not_begun_anew_while_its_cache_is_there(grown: Cli) -> None:
    grown.log.unlink()
    assert grown("state").code == 10
    for more in ((), ("--dry-run",)):
        is_cut(grown("user", "create", "B", "--email", "b@example.com", *more), grown.log)
        assert not grown.log.exists()
    cached(grown.log).unlink()
    grown.ok("user", "create", "B", "--email", "b@example.com")


def test_torn_last_line_that_the_cache_knows_is_not_put_aside(grown: Cli) -> None:
    grown.log.write_bytes(grown.log.read_bytes()[:-20])
    assert grown("user", "rename", "1", "A").code == 12
    assert not list(grown.log.parent.glob("*.torn-*"))


def test_cache_of_another_log_or_of_a_rewritten_one_is_made_anew(grown: Cli, tmp_path: Path) -> None:
    other = Cli(tmp_path / "other" / "events.jsonl", grown.clock)
    other.log.parent.mkdir()
    other("user", "create", "Kurt", "--email", "kurt@example.com", "--log", str(other.log))
    for number in range(9):
        other("user", "rename", "1", f"Kurt {number}", "--log", str(other.log))
    shutil.copy(other.log, grown.log)
    assert "Kurt 8" in grown.ok("state").out
    assert "Ada" not in grown.ok("user", "list", "--all").out
    assert "Kurt 3" in grown.ok("state", "--at", "5").out


def test_record_that_one_table_has_lost_decides_no_id_now_nor_then(grown: Cli) -> None:
    grown.ok("user", "create", "Last", "--email", "last@example.com")
    grown.ok("state")
    with reading(grown.log) as reader:
        history = History()
        history.at(reader)
        cache = history._cache
        assert cache is not None
        last = cache.state().last_id(USER)
        cache.db.execute("DELETE FROM user_spans WHERE id = ?", (last,))
        for number in (None, 1):
            with pytest.raises(CacheFailed):
                cache.state(number).last_id(USER)


@pytest.mark.parametrize(
    ("how", "words"),
    [("empty", "state"), ("cut", "state"), ("nonsense", "state"), ("a page of nonsense", "user show 1")],
)
def test_broken_cache_is_made_anew(grown: Cli, how: str, words: str) -> None:
    cache = cached(grown.log)
    whole = cache.read_bytes()
    if how == "a page of nonsense":
        break_table(cache, "user_spans")
    else:
        rest = {"empty": b"", "cut": whole[:100], "nonsense": whole[:100] + b"\xff" * (len(whole) - 100)}
        cache.write_bytes(rest[how])
    broken = cache.read_bytes()
    first = grown.ok(*words.split())
    assert "Ada King" in first.out
    assert ("is faulty" in first.err) == (how != "empty"), "an empty one was only begun"
    again, shown = grown.ok(*words.split()), grown.ok("user", "show", "1")
    assert cache.read_bytes() != broken
    assert (again.out, "faulty" in again.err) == (first.out, False)
    assert ("Ada King" in shown.out, shown.err) == (True, "")


def test_file_of_that_name_that_is_no_cache_stays_as_it_is(grown: Cli) -> None:
    cached(grown.log).unlink()
    db = sqlite3.connect(cached(grown.log))
    with db:
        db.execute("CREATE TABLE precious (text)")
    db.close()
    for content in (cached(grown.log).read_bytes(), b"notes\n", b"SQLite format 3\0" + b"\xff" * 5000):
        cached(grown.log).write_bytes(content)
        cached(grown.log).chmod(0o600)
        assert "Ada King" in grown.ok("state").out
        grown.ok("user", "rename", "1", "Ada Byron")
        grown.ok("user", "rename", "1", "Ada King")
        assert cached(grown.log).read_bytes() == content
    assert grown("export", "--force", str(cached(grown.log))).code == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602])
def test_cache_that_others_can_read_or_write_is_not_used(grown: Cli, mode: int) -> None:
    before = cached(grown.log).read_bytes()
    cached(grown.log).chmod(mode)
    grown.ok("user", "rename", "1", "Ada Byron")
    assert "Ada Byron" in grown.ok("state").out
    assert cached(grown.log).read_bytes() == before


def test_planted_link_is_not_followed(grown: Cli, tmp_path: Path) -> None:
    cached(grown.log).unlink()
    target = tmp_path / "somebody-elses"
    target.touch(0o600)
    cached(grown.log).symlink_to(target)
    assert "Ada King" in grown.ok("state").out
    assert target.read_bytes() == b""


@pytest.mark.parametrize("home", [None, "", "/somewhere/else"])
def test_cache_folder_of_a_user_is_the_one_that_platformdirs_names(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert environment.cache_folder() == platformdirs.user_cache_dir("evcli", appauthor=False)
    assert environment.default_log() == platformdirs.user_data_dir("evcli", appauthor=False) + "/events.jsonl"


def test_event_that_was_read_early_and_taken_back_is_no_cut(grown: Cli) -> None:
    register = without_cache(grown)
    other = Register(FileLog(str(grown.log)), actor="ann")
    line = other.execute(intention(CREATED, 0, "Kurt", "kurt@example.com"))[0].line
    register.catch_up()  # as if the other one had not synced yet
    os.truncate(grown.log, grown.log.stat().st_size - len(line))
    cached(grown.log).unlink()
    assert register.execute(intention(RENAMED, 1, "Ada", ""))[0].after.name == "Ada"
    os.truncate(grown.log, grown.log.stat().st_size // 2)
    with pytest.raises(LogCut):
        register.execute(intention(RENAMED, 1, "Ada B", ""))


def test_import_continues_when_the_cache_fails(grown: Cli) -> None:
    break_table(cached(grown.log), "user_keys")
    rows = "name,email\nKurt,kurt@example.com\n"
    ran = run_process("import", "-", input=rows.encode(), command=CACHING, environment={"EVCLI_LOG": str(grown.log)})
    assert ran.code == 0
    assert b"is faulty" in ran.err
    assert b"imported 1 user" in ran.out
    grown.ok("verify")


@pytest.mark.parametrize("words", [("show", "id:event-3"), ("user", "rename", "1", "Ada", "--id", "new")], ids=" ".join)
def test_busy_cache_is_neither_waited_for_nor_removed(grown: Cli, words: tuple[str, ...]) -> None:
    known = cached(grown.log).read_bytes()
    db = sqlite3.connect(cached(grown.log), isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    assert grown(*words).code == 0
    db.execute("ROLLBACK")
    db.close()
    assert cached(grown.log).read_bytes() == known


@pytest.mark.parametrize("folder", ["others can write in it", "nobody can write in it"])
def test_cache_is_in_the_users_own_folder_beside_no_safe_log(
    grown: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    cached(grown.log).unlink()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    if folder == "others can write in it":
        grown.log.parent.chmod(0o1777)
    else:
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: path != str(grown.log.parent) and access(path, mode))
    assert "Ada King" in grown.ok("state").out
    (kept,) = (tmp_path / "own" / "evcli").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert not cached(grown.log).exists()
    assert str(kept) in grown.ok("status").out


@pytest.mark.parametrize("what", ["group", "others", "link", "owner"])
def test_unsafe_cache_folder_holds_no_cache(
    grown: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    cached(grown.log).unlink()
    grown.log.parent.chmod(0o1777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    folder = tmp_path / "own" / "evcli"
    folder.mkdir(mode=0o700, parents=True)
    if what == "link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    elif what == "owner":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(folder, 12345, 12345)
    else:
        folder.chmod(0o720 if what == "group" else 0o702)
    assert "Ada King" in grown.ok("state").out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [".cache", ".cache.new"])
@pytest.mark.parametrize("words", [("state",), ("user", "rename", "1", "A")], ids=" ".join)
def test_cache_with_another_name_is_not_written(grown: Cli, name: str, words: tuple[str, ...]) -> None:
    known = cached(grown.log)
    precious = known.with_name("precious")
    with sqlite3.connect(known) as db:
        db.execute("UPDATE log SET version = 'of another time'")
    db.close()
    shutil.copy(known, precious)
    content = precious.read_bytes() if name == ".cache" else b""
    precious.write_bytes(content)
    if name == ".cache":
        known.unlink()
    os.link(precious, cached(grown.log, name))
    grown.ok(*words)
    assert precious.read_bytes() == content
    assert precious.stat().st_nlink == 2


def test_repair_removes_the_cache_and_a_new_one_is_made(grown: Cli) -> None:
    whole = grown.log.read_bytes()
    at = whole.index(b"King")
    grown.log.write_bytes(whole[:at] + b"Kong" + whole[at + 4 :])
    assert grown("verify").code == 12
    grown.ok("repair")
    assert not cached(grown.log).exists()
    assert "Ada Lovelace" in grown.ok("state").out
    grown.ok("user", "rename", "1", "Ada Byron")
    assert "Ada Byron" in grown.ok("state").out


def test_repair_that_cannot_remove_the_cache_does_not_cut(grown: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = grown.log.read_bytes().replace(b"King", b"Kong")
    grown.log.write_bytes(damaged)
    monkeypatch.setattr(place_module, "remove", failing(errno.EACCES))
    ran = grown("repair")
    assert ran.code == 14
    assert "its cache cannot be removed" in ran.err
    assert grown.log.read_bytes() == damaged


def test_log_answers_for_moments_before_a_damage_only(always: None, cli: Cli) -> None:
    users(cli, 6)
    cached(cli.log).unlink()
    whole = cli.log.read_bytes()
    at = whole.index(b"User 3")
    cli.log.write_bytes(whole[:at] + b"Usar 3" + whole[at + 6 :])
    for _ in range(2):  # without a cache, and with one that knows what is good
        assert "User 2" in cli.ok("state", "--at", "3").out
        assert cli("state").code == 12
        assert cli("user", "show", "1").code == 12
        assert cli("user", "rename", "1", "A").code == 12
    assert cached(cli.log).exists()


def test_event_that_a_writer_may_still_take_back_is_not_cached(grown: Cli) -> None:
    known = cached(grown.log).read_bytes()
    register = without_cache(grown)
    line = register.execute(intention(CREATED, 0, "Kurt", "kurt@example.com"))[0].line
    with FileLog(str(grown.log)).locked(0, may_create=False):  # as if it were written and not yet synced
        assert "Kurt" in grown.ok("state").out
        assert cached(grown.log).read_bytes() == known
    os.truncate(grown.log, grown.log.stat().st_size - len(line))
    assert "Kurt" not in grown.ok("state").out


def test_event_that_came_after_the_sync_is_not_cached(grown: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process catches the cache up after this one synced the log, and a third is still writing."""
    writer = without_cache(grown)
    writer.execute(intention(RENAMED, 1, "Ada Byron", ""))
    settle, unsynced = FileLog.settle, list[bytes]()

    def others_go_on(log: FileLog, patience: float = 1.0) -> bool:
        is_settled = settle(log, patience)
        if not unsynced:
            unsynced.append(b"")
            writer.execute(intention(RENAMED, 1, "Ada Noel", ""))
            grown.ok("state")
            unsynced[0] = writer.execute(intention(CREATED, 0, "Kurt", "kurt@example.com"))[0].line
        return is_settled

    monkeypatch.setattr(FileLog, "settle", others_go_on)
    grown.ok("state")
    assert cache_module.last_known(str(cached(grown.log))) == (10, grown.log.stat().st_size - len(unsynced[0]))
    os.truncate(grown.log, grown.log.stat().st_size - len(unsynced[0]))
    assert "Ada Noel" in grown.ok("state").out


@pytest.mark.parametrize("table", ["user_spans", "user_keys", "log"])
def test_file_that_a_killed_build_left_is_not_used(grown: Cli, table: str) -> None:
    break_table(cached(grown.log), table)
    cached(grown.log).rename(cached(grown.log, ".cache.new"))
    assert "Ada King" in grown.ok("state").out
    assert cache_module.last_known(str(cached(grown.log))) == (8, grown.log.stat().st_size)
    assert not cached(grown.log, ".cache.new").exists()


def test_event_that_cannot_be_synced_is_not_cached(grown: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Register(FileLog(str(grown.log)), actor="ann").execute(intention(CREATED, 0, "Kurt", "kurt@example.com"))
    known = cached(grown.log).read_bytes()
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    assert "Kurt" in grown.ok("state").out
    assert cached(grown.log).read_bytes() == known


def test_cache_that_somebody_reads_is_not_waited_for(grown: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "BUSY_SECONDS", 600.0)
    db = sqlite3.connect(cached(grown.log), isolation_level=None)
    db.execute("BEGIN")
    db.execute("SELECT * FROM user_spans").fetchone()
    grown.ok("user", "rename", "1", "Ada Byron")
    assert "Ada Byron" in grown.ok("state").out
    db.close()


def test_long_lived_register_keeps_up_with_what_others_write(grown: Cli) -> None:
    register = Register(FileLog(str(grown.log)), actor="ann")
    for number in range(5):
        register.execute(intention(RENAMED, 1, f"Ada {number}", ""))
        grown.ok("user", "rename", "2", f"Grace {number}")
    assert {"Ada 4", "Grace 4"} <= {user.name for user in folded(grown.log, 18).records(USER)}
    os.truncate(grown.log, grown.log.stat().st_size // 2)
    with pytest.raises(LogCut):
        register.execute(intention(RENAMED, 1, "Ada", ""))


KILLED = """
import os, signal, sys
from evcli.register import history
from evcli.cache import cache
from evcli.cache import build as intake
from evcli.log.file import view
history.CACHED_FROM, history.MOST_BEHIND, intake.AT_ONCE, view.CHUNK = 1, 1, 7, 1500
module = intake if hasattr(intake, "{where}") else cache
real, left = module.{where}, [int(sys.argv[1])]
def dying(*words, **more):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*words, **more)
module.{where} = dying
from evcli.cli.main import main
sys.exit(main([*sys.argv[3:], "--log", sys.argv[2]]))
"""


@pytest.mark.parametrize(
    ("where", "when", "words"),
    [("add", 1, "state"), ("add", 3, "state"), ("make_tables", 1, "state"), ("replay", 1, "state"),
     ("add_ids", 1, "show id:event-3"), ("places_of", 1, "show id:event-3")],
)  # fmt: skip
def test_cache_is_as_it_was_after_a_kill_while_it_catches_up(
    cli: Cli, where: str, when: int, words: str, request: pytest.FixtureRequest
) -> None:
    users(cli, 30)
    script = KILLED.format(where=where)
    killed = subprocess.run(
        [sys.executable, "-c", script, str(when), str(cli.log), *words.split()], capture_output=True, check=False
    )
    assert killed.returncode == -9
    request.getfixturevalue("always")
    same_as_folded(cli.log, History(), [0, 3, 29, 30])
    assert "User 29" in cli.ok("state").out


def test_many_processes_may_build_the_cache_at_once(cli: Cli, tmp_path: Path) -> None:
    users(cli, 30)
    words = [sys.executable, "-c", KILLED.format(where="add"), "1000", str(cli.log), "state"]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(5)]
    shown = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * 5, shown
    assert len(set(shown)) == 1


def test_long_log_has_a_cache_that_lags_no_further_than_it_should(cli: Cli, lines: Callable[[int], bytes]) -> None:
    cli.log.write_bytes(lines(1500))
    cli.ok("user", "create", "Kurt", "--email", "kurt@example.com")
    with sqlite3.connect(cached(cli.log)) as db:
        known = db.execute("SELECT number FROM log").fetchone()
    db.close()
    assert known == (1500,)
    assert "Kurt" in cli.ok("user", "show", "kurt@example.com").out
    with reading(cli.log) as reader:
        assert History().at(reader).count(USER) == folded(cli.log, 1501).count(USER)


@pytest.fixture
def lines() -> Callable[[int], bytes]:
    """A company's register over some years, as the benchmark makes it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
    try:
        import generate
    finally:
        sys.path.pop(0)
    return lambda events: b"".join(generate.lines(events))


@pytest.mark.usefixtures("always")
def test_cache_that_fails_for_one_record_hides_no_event(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    cli.ok("user", "rename", "1", "Eve")
    cli.ok("state")

    def fail(*_: Any) -> None:
        raise CacheFailed("broken", is_faulty=False)

    with reading(cli.log) as reader:
        history = History()
        cache = history.cache(reader)
        assert cache is not None
        monkeypatch.setattr(type(cache.state(2)), "events_about", fail)
        assert [number_of(event) for event in history.events_about(reader, USER, 1, 2)] == [1, 2]


def test_ids_from_cache_and_log_are_ten_at_most(
    register: Register, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_every_log(monkeypatch, 10**6)
    register.execute(*map(create, "abcdefghijkl"))
    with reading(log_path) as reader:
        history = History()
        history.most_behind = 1
        history.find_ids(reader, "event")
        history.most_behind = 10**6
        register.execute(*map(create, "mnopqrst"))
        reader.log.wait(0)
        assert [number_of(event) for event in history.find_ids(reader, "event")] == list(range(1, 11))


@pytest.mark.usefixtures("always")
def test_rehearsal_of_an_import_notices_that_the_log_is_gone(cli: Cli, tmp_path: Path) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    cli.ok("state")
    cli.log.unlink()
    (tmp_path / "p.csv").write_text("name,email\nBob,b@example.com\n")
    assert cli("import", str(tmp_path / "p.csv"), "--dry-run").code == 12


@pytest.mark.usefixtures("always")
def test_plan_of_a_repair_ignores_what_the_cache_knows(cli: Cli) -> None:
    for name in "abc":
        cli.ok("user", "create", name, "--email", f"{name}@example.com")
    cli.ok("state")
    cli.log.write_bytes(cli.log.read_bytes().splitlines(keepends=True)[0] + b"garbage\n")
    assert "gone line 2" in cli.ok("repair", "--dry-run").out
