"""A log that a group shares, at the command line: what a member reads, and what one is told who may not write."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli, Ran
from support.caches import cache_every_log
from support.members import ANN, BOB, NEEDS_ROOT, TEAM, Member, shared_folder

from cli.support import FOR_PROGRAMS, READING, WRITING, fails

pytestmark = NEEDS_ROOT


@pytest.fixture
def log(story: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The story's log as one of Ann's that the team may write; she and Bob have homes."""
    with shared_folder() as folder:
        log = folder / "events.jsonl"
        log.write_bytes(story.log.read_bytes())
        os.chown(log, ANN.user, TEAM)
        log.chmod(0o660)
        for member in (ANN, BOB):
            home = folder.parent / f"home-{member.user}"
            home.mkdir()
            os.chown(home, member.user, member.user)
        monkeypatch.setenv("HOME", str(folder.parent / "home"))
        monkeypatch.setenv("EVCLI_LOG", str(log))
        yield log


def ran(member: Member, cli: Cli, *lines: tuple[str, ...]) -> list[Ran]:
    """What the member's commands printed, one after the other."""
    return member.does(lambda: [cli(*words) for words in lines])


def homes(log: Path) -> dict[int, list[Path]]:
    """The caches in each member's home."""
    return {each.user: sorted(log.parent.parent.glob(f"home-{each.user}/.cache/evcli/*")) for each in (ANN, BOB)}


def test_who_may_only_read_reads_as_the_owner_does(story: Cli, log: Path) -> None:
    log.chmod(0o640)
    log.parent.chmod(0o2750)
    lines = [*READING.values(), *FOR_PROGRAMS.values(), ("repair", "--dry-run"), ("user", "destroy", "2", "--dry-run")]
    for words, his, hers in zip(lines, ran(BOB, story, *lines), ran(ANN, story, *lines), strict=True):
        assert his == hers, words


def test_who_may_only_read_is_told_so_by_every_command_that_writes(story: Cli, log: Path, tmp_path: Path) -> None:
    people = log.parent.parent / "people.csv"
    people.write_text("name,email\nKurt,kurt@example.com\n")
    log.chmod(0o640)
    before = log.read_bytes()
    lines = [*WRITING.values(), ("import", str(people)), ("repair",)]
    for each in ran(BOB, story, *lines):
        said = f"{BOB.user} may not write to it (owner {ANN.user}, group {TEAM}, mode 0640); nothing was written"
        fails(each, 14, f"error: {log} cannot be opened: Permission denied: {said}", f"chmod g+w {log}")
    assert log.read_bytes() == before
    assert list(log.parent.iterdir()) == [log]


def test_each_member_has_a_cache_of_its_own(story: Cli, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    (hers,) = ran(ANN, story, ("user", "list"))
    assert ran(BOB, story, ("user", "list"), WRITING["user create"])[0] == hers
    assert list(log.parent.iterdir()) == [log]
    for user, (cache,) in homes(log).items():
        found, folder = cache.stat(), cache.parent.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode), stat.S_IMODE(folder.st_mode)) == (user, 0o600, 0o700)


def test_a_member_whose_cache_knows_what_another_members_repair_left_out_is_told_of_the_repair(
    story: Cli, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_every_log(monkeypatch)
    ran(ANN, story, ("user", "list"))
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], lines[3].replace(b'"time":"2', b'"time":"3'), *lines[4:]]))
    (repaired,) = ran(BOB, story, ("repair",))
    assert repaired.code == 0
    said = f"owner {BOB.user}, group {TEAM}, mode 0660; before: owner {ANN.user}, group {TEAM}, mode 0660"
    assert f"warning: {log} has changed hands: {said}\n" in repaired.err
    (copy,) = log.parent.glob("*.damaged-*")
    (cache,) = homes(log)[ANN.user]
    before = f"it was repaired, and {copy} is what it was before"
    fails(ran(ANN, story, ("user", "list"))[0], 12, "used to contain event 8", before, f"delete the cache: rm {cache}")
    cache.unlink()
    assert [each.code for each in ran(ANN, story, ("user", "list"), WRITING["user create"])] == [0, 0]


def test_a_cache_that_another_member_once_had_beside_the_log_does_not_prevent_a_repair(
    story: Cli, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_every_log(monkeypatch)
    log.parent.chmod(0o755)
    ran(ANN, story, ("user", "list"))
    assert sorted(log.parent.iterdir()) == [log, log.with_name("events.jsonl.cache")]
    log.parent.chmod(0o2775)
    os.chown(log.parent, ANN.user, TEAM)
    log.write_bytes(log.read_bytes().replace(b"Grace", b"Trace"))
    (repaired,) = ran(BOB, story, ("repair",))
    assert (repaired.code, log.with_name("events.jsonl.cache").exists()) == (0, True)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_an_export_replaces_another_members_file_only_if_it_may_be_written(story: Cli, log: Path, mode: int) -> None:
    users = log.parent / "users.csv"
    ran(ANN, story, ("export", str(users)))
    users.chmod(mode)
    ran(BOB, story, WRITING["user create"])
    before = users.read_bytes()
    (replaced,) = ran(BOB, story, ("export", str(users), "--force"))
    found = users.stat()
    if mode == 0o660:
        assert replaced.code == 0
        assert b"kurt@example.com" in users.read_bytes()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (BOB.user, TEAM, mode)
    else:
        fails(replaced, 14, f"{users} has another owner or group", "nothing was written")
        assert (users.read_bytes(), found.st_uid) == (before, ANN.user)
    assert sorted(log.parent.iterdir()) == [log, users]


def test_an_export_is_durable_in_a_folder_that_may_not_be_read(story: Cli, log: Path) -> None:
    users = log.parent / "users.csv"
    log.parent.chmod(0o2730)

    def synced() -> list[bool]:
        found = list[bool]()
        os.sync = lambda: found.append(users.exists())
        story.ok("export", str(users))
        return found

    assert BOB.does(synced) == [True]
