"""What a cache's header claims spares `head` and `log` the database; it hides no lost event, whatever it says."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.support import run_process
from conftest import Cli
from support.caches import cache_every_log
from support.events import creation, lines_of
from support.logs import reading

from evcli.cache.location import Claim, claim_of
from evcli.errors import LogCut
from evcli.log import START, Log, Position
from evcli.log.memory import MemoryLog
from evcli.register.history import History

RUN = """
import sys
from evcli.cli.main import main
code = main(sys.argv[1:])
import json
sys.stderr.write("\\n" + json.dumps([code, "sqlite3" in sys.modules]))
"""


@pytest.fixture
def grown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A log of three events whose cache knows them all: built with two, and caught up with the third."""
    cache_every_log(monkeypatch)
    for name in ("Ada", "Bob", "Eve"):
        cli.ok("user", "create", name, "--email", f"{name}@example.com")
        cli.ok("state")
    return cli


def cache_of(log: Path) -> Path:
    return log.with_name(log.name + ".cache")


def lines(log: Path) -> list[bytes]:
    return log.read_bytes().splitlines(keepends=True)


def is_cut(log: Path) -> bool:
    """Whether the cache knows of an event that the log has lost, as every command that reads finds out first."""
    with reading(log) as reader:
        try:
            History().check(reader)
        except LogCut:
            return True
        return False


def test_header_claims_the_last_event_that_the_cache_knows(grown: Cli) -> None:
    whole = grown.log.read_bytes()
    assert claim_of(str(cache_of(grown.log))) == Claim(len(whole), whole[-67:-59])


@pytest.mark.parametrize("words", ["head", "log -n 2", "log --since 1", "export --what events"])
@pytest.mark.parametrize("behind", [0, 1])
def test_command_that_asks_for_no_state_does_without_the_database(
    grown: Cli, words: str, behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("EVCLI_CACHE", "off")
        for number in range(behind):
            grown.ok("user", "rename", "1", f"Ada {number}")
    monkeypatch.setenv("EVCLI_LOG", str(grown.log))
    ran = run_process(*words.split(), command=(sys.executable, "-c", RUN))
    assert json.loads(ran.err.decode().splitlines()[-1]) == [0, False]


@pytest.mark.parametrize("words", ["head", "log", "verify", "status", "export --what events"])
@pytest.mark.parametrize("more", [0, 1])
def test_log_that_was_cut_and_grew_to_the_same_places_is_damaged(
    grown: Cli, words: str, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines(grown.log)
    grown.log.write_bytes(before[0])
    with monkeypatch.context() as patch:
        patch.setenv("EVCLI_CACHE", "off")
        for name in ("Bea", "Eva", "Zoe")[: 2 + more]:
            grown.ok("user", "create", name, "--email", f"{name}@example.com")
    assert list(map(len, lines(grown.log)))[:3] == list(map(len, before))
    assert grown(*words.split()).code == 12


def flipped(whole: bytes, at: int) -> bytes:
    byte, bit = divmod(at, 8)
    return whole[:byte] + bytes([whole[byte] ^ 1 << bit]) + whole[byte + 1 :]


@pytest.mark.parametrize("left", range(4))
def test_no_changed_bit_of_a_claim_hides_a_cut_or_makes_one_up(grown: Cli, left: int) -> None:
    cache, kept = cache_of(grown.log), lines(grown.log)[:left]
    whole = cache.read_bytes()
    grown.log.write_bytes(b"".join(kept))
    for at in (*range(40 * 8, 44 * 8), *range(60 * 8, 64 * 8)):
        cache.write_bytes(flipped(whole, at))
        assert is_cut(grown.log) == (left < 3), f"bit {at}"
        assert cache.exists()


def test_no_changed_bit_of_the_header_changes_an_answer(grown: Cli) -> None:
    cache = cache_of(grown.log)
    whole, head, log = cache.read_bytes(), grown.ok("head").out, grown.ok("log", "--json").out
    for at in range(800):
        cache.write_bytes(flipped(whole, at))
        cache.chmod(0o600)
        assert (grown.ok("head").out, grown.ok("log", "--json").out) == (head, log), f"bit {at}"


CLAIMS: dict[str, Callable[[bytes], Claim]] = {
    "nothing": lambda whole: Claim(0, b"00000000"),
    "the beginning": lambda whole: Claim(0, START.sha256[:8]),
    "an event that is there, with another hash": lambda whole: Claim(len(whole), b"01234567"),
    "a place within the last line": lambda whole: Claim(len(whole) - 1, whole[-67:-59]),
    "a place after the end": lambda whole: Claim(len(whole) + 1, whole[-67:-59]),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_that_the_log_does_not_prove_is_ignored(grown: Cli, name: str) -> None:
    claim = CLAIMS[name](grown.log.read_bytes())
    with reading(grown.log) as reader:
        assert not claim.is_kept(reader.log)


def test_claim_of_a_damaged_line_is_ignored(grown: Cli) -> None:
    claim = claim_of(str(cache_of(grown.log)))
    grown.log.write_bytes(grown.log.read_bytes().replace(b'"specversion":"1.0"', b'"specversion":"1.1"'))
    with reading(grown.log) as reader:
        assert not claim.is_kept(reader.log)


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\0"])
def test_file_without_a_header_claims_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "cache").write_bytes(content)
    log = MemoryLog(lines_of([creation(1)]))
    assert not claim_of(str(tmp_path / "cache")).is_kept(log)


class Long(Log):
    """A log of some gigabytes; every place is the end of a line whose hash says which."""

    def __init__(self, length: int) -> None:
        self.length_ = length

    @property
    def end(self) -> int:
        return self.length_

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        assert until is not None
        return Position(1, until, (b"%x" % until).ljust(64, b"0"), "")


@pytest.mark.parametrize("place", [1, (1 << 32) - 1, (1 << 32) + 1, 5 << 32, (9 << 32) - 1])
@pytest.mark.parametrize("behind", [0, 1, 100_000, (1 << 32) - 1])
def test_claim_of_a_long_log_is_sought_in_its_last_four_gigabytes(place: int, behind: int) -> None:
    check = (b"%x" % place).ljust(64, b"0")[:8]
    assert Claim(place % (1 << 32), check).is_kept(Long(place + behind))


def test_cache_of_another_log_claims_nothing_of_this_one(grown: Cli, tmp_path: Path) -> None:
    other = tmp_path / "other" / "events.jsonl"
    other.parent.mkdir(mode=0o700)
    grown.ok("--log", str(other), "user", "create", "Kurt", "--email", "kurt@example.com")
    grown.ok("--log", str(other), "state")
    for number in range(9):
        grown.ok("user", "rename", "1", f"Ada {number}")
    shutil.copy(cache_of(other), cache_of(grown.log))
    claim = claim_of(str(cache_of(grown.log)))
    with reading(grown.log) as reader:
        assert not claim.is_kept(reader.log)
    assert grown.ok("head").out.startswith("12:")
