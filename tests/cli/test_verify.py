"""`evcli verify`, `head`, `status`, `path`; and how every command refuses what is no good log."""

import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, Ran

from cli.support import (
    EVERY,
    FOR_PROGRAMS,
    READING,
    WRITING,
    Raw,
    documents,
    events_in,
    fails,
    in_json,
    lines_in,
    refuses,
    run_process,
    spoil,
    untouched,
)

NEED_A_LOG = {**READING, **FOR_PROGRAMS, **WRITING}


def head_of(log: Path, number: int = 8) -> str:
    """The head after the event of that number."""
    return f"{number}:{events_in(log)[number - 1]['sha256']}"


# --- verify -----------------------------------------------------------------------------------------------------------


def test_verify_of_a_good_log_says_so_and_what_it_cannot_know(story: Cli, tmp_path: Path) -> None:
    head = head_of(story.log)
    with untouched(tmp_path):
        ran = story("verify")
    assert (ran.code, ran.out) == (0, f"status\tgood\nevents\t8\nhead\t{head}\ntorn_bytes\t0\n")
    assert "evcli verify --expect HEAD" in ran.err
    assert story("verify", "-q") == Ran(0, ran.out, "")
    assert json.loads(story("verify", "--json", "-q").out) == {
        "status": "good", "events": 8, "head": head, "torn_bytes": 0, "unterminated": False, "faults": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cut", "added", "status", "torn"), [(1, b"", "good", 0), (0, b'{"specversion":"1.0"', "torn", 20)]
)
def test_verify_of_a_log_with_an_unfinished_end_is_0_and_warns(
    story: Cli, tmp_path: Path, cut: int, added: bytes, status: str, torn: int
) -> None:
    whole = story.log.read_bytes()
    story.log.write_bytes(whole[: len(whole) - cut] + added)
    with untouched(tmp_path):
        ran, shown = story("verify", "--json"), story("verify", "-q")
    found = json.loads(ran.out)
    assert (ran.code, found["status"], found["events"], found["torn_bytes"]) == (0, status, 8, torn)
    assert (found["unterminated"], found["faults"]) == (cut == 1, [])
    assert "warning" in documents(ran.err)[0]
    assert (shown.code, shown.err.startswith("warning: "), f"{torn} bytes" in shown.err) == (0, True, torn > 0)
    assert shown.out.startswith(f"status\t{status}\nevents\t8\n")
    assert f"torn_bytes\t{torn}\n" in shown.out


def test_verify_of_a_damaged_log_lists_every_fault(story: Cli, tmp_path: Path) -> None:
    places = [
        (3, spoil(story.log, 3, b"Grace Hopper", b"Grace Hoppel")),
        (7, spoil(story.log, 7, b'"Alan"', b'"Alen"')),
    ]
    with untouched(tmp_path):
        found, ran = story("verify", "--json"), story("verify")
    document = json.loads(found.out)
    assert (found.code, document["status"], document["events"]) == (12, "damaged", 2)
    assert [(fault["line"], fault["byte"]) for fault in document["faults"]] == places
    error = documents(found.err)[0]["error"]
    assert len(documents(found.err)) == 1
    assert (error["code"], error["exit"]) == ("damaged", 12)
    first = document["faults"][0]
    assert set(first) == {"line", "byte", "message"}
    assert f"line 3, byte {first['byte']}: {first['message']}" in error["message"]
    assert ran.out.startswith("status\tdamaged\nevents\t2\n")
    for line, byte in places:
        assert f"\nfault\tline {line}, byte {byte}: " in ran.out
    fails(ran, 12, f"{story.log} line 3, byte ", "not what was written", "nothing was changed", out=ran.out)


def test_verify_expects_a_head_of_any_time(story: Cli) -> None:
    for number in range(1, 9):
        head = story.ok("head", "--at", str(number)).out.strip()
        ran = story("verify", "--expect", head)
        assert (ran.code, ran.err) == (0, "")
    assert story("verify", "--expect", "0:" + "0" * 64).code == 0


@pytest.mark.parametrize("head", ["8:" + "0" * 64, "3:" + "a" * 64, "9:" + "a" * 64, "0:" + "a" * 64])
def test_verify_of_a_head_that_is_not_on_the_chain_is_12(story: Cli, head: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = story("verify", "--expect", head)
    assert ran.out.startswith("status\tdamaged\n")
    fails(ran, 12, "history was changed or truncated", out=ran.out)


def test_verify_finds_a_cut_only_by_the_head_that_was_kept(story: Cli) -> None:
    head = story.ok("head").out.strip()
    story.log.write_bytes(b"".join(lines_in(story.log)[:-1]))
    assert story("verify").code == 0
    ran = story("verify", "--expect", head, "--json")
    assert ran.code == 12
    assert documents(ran.err)[0]["error"]["code"] == "history-changed"


@pytest.mark.parametrize("head", ["", "8", "8:", "x", "8:abc", "8:" + "A" * 64, "8:" + "g" * 64, "-1:" + "0" * 64])
def test_verify_of_a_bad_head_is_2(story: Cli, head: str) -> None:
    refuses(story, ("verify", "--expect", head), 2, "--expect", head)


# --- head, status, path -----------------------------------------------------------------------------------------------


def test_head_is_a_number_and_a_hash(story: Cli) -> None:
    assert story("head") == Ran(0, f"{head_of(story.log)}\n", "")
    assert in_json(story, "head") == {"number": 8, "sha256": head_of(story.log).removeprefix("8:")}
    assert story("head", "--at", "3") == Ran(0, f"{head_of(story.log, 3)}\n", "")
    said = "as of 2026-03-01 11:30 (+00:00): event 3, of 2026-03-01 11:00:00+00:00\n"
    assert story("head", "--at", "2026-03-01 11:30") == Ran(0, f"{head_of(story.log, 3)}\n", said)


def test_head_of_nothing_is_0_and_64_zeros(story: Cli) -> None:
    assert story("head", "--at", "0") == Ran(0, "0:" + "0" * 64 + "\n", "")
    story.log.write_bytes(b"")
    assert story("head") == Ran(0, "0:" + "0" * 64 + "\n", "")


def test_status_tells_what_the_log_is(story: Cli) -> None:
    size, identity = story.log.stat().st_size, head_of(story.log, 1).removeprefix("1:")
    assert story("status") == Ran(
        0,
        f"path\t{story.log}\nsize\t{size}\nevents\t8\nhead\t{head_of(story.log)}\nidentity\t{identity}\n"
        "live\t2\ndestroyed\t1\nfirst\t2026-03-01 09:00:00+00:00\nlast\t2026-03-01 16:00:00+00:00\ncache\t\n",
        "",
    )
    document = in_json(story, "status")
    assert (document["path"], document["size"]) == (str(story.log), size)
    assert (document["events"], document["live"], document["destroyed"]) == (8, 2, 1)
    assert (document["first"], document["last"]) == ("2026-03-01T09:00:00.000000Z", "2026-03-01T16:00:00.000000Z")
    assert (document["cache"], document["warnings"]) == (None, [])


def test_status_of_an_empty_log_has_no_first_event(cli: Cli) -> None:
    cli.log.touch()
    ran = cli("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert [document[name] for name in ("events", "first", "last", "identity")] == [0, None, None, None]


def test_status_warns_of_what_is_odd(story: Cli, tmp_path: Path) -> None:
    os.link(story.log, tmp_path / "second-name.jsonl")
    with story.log.open("ab") as log:
        log.write(b'{"specversion')
    ran = story("status", "--json")
    assert ran.code == 0
    odd = " ".join(json.loads(ran.out)["warnings"])
    assert "hard links" in odd
    assert "13 bytes" in odd
    assert all("warning" in one for one in documents(ran.err))
    assert "warning: " in story("status", "-q").err


def test_path_needs_no_log_and_makes_none(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with untouched(tmp_path):
        assert cli("path") == Ran(0, f"{cli.log}\n", "")
        assert in_json(cli, "path") == {"path": str(cli.log)}
        for words in (("path", "--log", "/some/where.jsonl"), ("--log", "/some/where.jsonl", "path")):
            assert cli(*words).out == "/some/where.jsonl\n", "an option comes before the environment"
        assert cli("path", "--log", "mine.jsonl").out == f"{tmp_path}/mine.jsonl\n"


@pytest.mark.skipif(sys.platform != "linux", reason="another system has another data folder")
@pytest.mark.parametrize("value", [None, ""])
def test_log_is_in_the_users_data_folder_by_default(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("EVCLI_LOG") if value is None else monkeypatch.setenv("EVCLI_LOG", value)
    assert cli("path").out == f"{tmp_path}/home/.local/share/evcli/events.jsonl\n"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert cli("path").out == f"{tmp_path}/data/evcli/events.jsonl\n"
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    assert len(events_in(tmp_path / "data" / "evcli" / "events.jsonl")) == 1


# --- what is no log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*NEED_A_LOG, "path"])
def test_path_that_can_be_no_file_is_2(cli: Cli, command: str) -> None:
    for path in ("", "a\0b"):
        refuses(cli, (*{**EVERY, **FOR_PROGRAMS}[command], "--log", path), 2, "--log")


@pytest.mark.parametrize("command", [*READING, *FOR_PROGRAMS])
def test_reading_without_a_log_is_10(cli: Cli, command: str) -> None:
    refuses(cli, NEED_A_LOG[command], 10, f"there is no log at {cli.log}", "hint: ", "--log FILE or EVCLI_LOG")


def _socket(path: Path) -> None:
    # A socket's path may have some hundred bytes only, so it is bound from within its folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/null"),
    "socket": _socket,
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_log_that_is_no_file_is_14_and_named_for_what_it_is(cli: Cli, kind: str) -> None:
    NO_FILES[kind](cli.log)
    for words in NEED_A_LOG.values():
        refuses(cli, words, 14, f"{cli.log} is a {kind}", "hint: ")


NOT_LOGS = {
    "notes": b"Milk, eggs,\nand a loaf of bread.\n",
    "notes that end in a line": b"my notes\nthat end in the middle of a",
    "one unfinished word": b"hello",
    "other JSON": b'{"name":"Ada"}\n',
    "an array": b"[]\n",
    "NULs and text": b"\0\0\0hello\0",
    "binary": bytes(range(256)) * 3,
    "a line without end": b"x" * 2_000_000,
    "blank lines": b"\n\n\n",
    "a byte order mark": b"\xef\xbb\xbf{}\n",
}


@pytest.mark.parametrize("kind", NOT_LOGS)
def test_file_that_is_no_log_is_12_and_stays_as_it_is(cli: Cli, kind: str) -> None:
    cli.log.write_bytes(NOT_LOGS[kind])
    with untouched(cli.log.parent):
        for command, words in NEED_A_LOG.items():
            ran = cli(*words)
            fails(ran, 12, str(cli.log), out=ran.out if command == "verify" else "")
            assert ("nothing was exported" if command in FOR_PROGRAMS else "nothing was changed") in ran.err
            assert "unfinished" not in ran.err, "it is no unfinished append"
        ran = cli("verify", "--json")
    assert json.loads(ran.out)["status"] == "damaged"
    (error,) = [said["error"] for said in documents(ran.err) if "error" in said]
    assert error["code"] == "not-a-log"
    assert "not an evcli log" in error["message"]
    assert "--log" in error["hint"]


# Not head: it reads the last line alone, and prints what that says of itself.
@pytest.mark.parametrize("command", [name for name in EVERY if name in NEED_A_LOG and name != "head"])
def test_damaged_line_is_12_and_named(story: Cli, command: str, tmp_path: Path) -> None:
    byte = spoil(story.log, 8, b'"user/3"', b'"user/2"')
    with untouched(tmp_path):
        ran = story(*NEED_A_LOG[command])
    if command == "verify":
        assert ran.out.startswith("status\tdamaged\nevents\t7\n")
    fails(ran, 12, f"{story.log} line 8, byte {byte}: ", out=ran.out if command == "verify" else "")


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "command"),
    [(0, "user list"), (0, "user create"), (0, "verify"), (0o400, "user create"), (0o400, "user destroy")],
)
def test_missing_right_to_the_log_is_14(story: Cli, mode: int, command: str) -> None:
    before = story.log.read_bytes()
    story.log.chmod(mode)
    ran = run_process(*EVERY[command], without_root_rights=True)
    story.log.chmod(0o600)
    is_refused_for_permission(ran, story.log)
    assert story.log.read_bytes() == before


def test_missing_right_to_the_folder_of_a_new_log_is_14(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    log = folder / "events.jsonl"
    ran = run_process(*WRITING["user create"], without_root_rights=True, environment={"EVCLI_LOG": str(log)})
    is_refused_for_permission(ran, log)
    assert list(folder.iterdir()) == []


def is_refused_for_permission(ran: Raw, log: Path) -> None:
    fails(Ran(ran.code, ran.out.decode(), ran.err.decode()), 14, str(log), "Permission denied", "nothing was written")


def test_log_that_may_only_be_read_is_good_for_reading(story: Cli) -> None:
    story.log.chmod(0o400)
    assert run_process("head", without_root_rights=True) == Raw(0, f"{head_of(story.log)}\n".encode(), b"")


@pytest.mark.parametrize("name", ["events.jsonl", "deep/events.jsonl"])
def test_log_below_a_file_is_10_to_read_and_14_to_write(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    path = str(tmp_path / "file" / name)
    refuses(cli, ("log", "--log", path), 10, f"there is no log at {path}")
    refuses(cli, (*WRITING["user create"], "--log", path), 14, path, "nothing was written")


def test_head_that_is_not_on_the_chain_is_placed_at_its_line(cli: Cli) -> None:
    for name in "abc":
        cli.ok("user", "create", name, "--email", f"{name}@example.com")
    faults = json.loads(cli("verify", "--json", "--expect", "2:" + "0" * 64).out)["faults"]
    first = cli.log.read_bytes().index(b"\n") + 1
    assert [(fault["line"], fault["byte"]) for fault in faults] == [(2, first)]


@pytest.mark.parametrize("begins_as_a_log", [False, True])
@pytest.mark.parametrize("words", [("log", "-n", "1"), ("head",), ("state",), ("verify",), WRITING["user create"]])
def test_sparse_file_of_8_gib_is_an_error_and_its_hole_is_not_read(
    story: Cli, words: tuple[str, ...], begins_as_a_log: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = story.log.stat().st_size if begins_as_a_log else 0
    os.truncate(story.log, end)
    os.truncate(story.log, 1 << 33)
    sizes, real = [], os.pread

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        sizes.append(size)
        assert sum(sizes) < 1 << 27, "the hole is read"
        return real(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    ran = story(*words)
    assert ran.code == 12
    assert "line 9, byte " in ran.err if begins_as_a_log else "is not an evcli log" in ran.err
    assert "more than 65,536 bytes" in ran.err
    if begins_as_a_log:
        assert f"line 9, byte {end}: " in ran.err
    assert story.log.stat().st_size == 1 << 33


def test_line_is_counted_where_the_file_system_knows_no_holes(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def lseek(descriptor: int, offset: int, whence: int) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    spoil(story.log, 8, b'{"specversion"', b"no JSON at all")
    monkeypatch.setattr(os, "lseek", lseek)
    fails(story("log", "-n", "1"), 12, "line 8, byte ")
