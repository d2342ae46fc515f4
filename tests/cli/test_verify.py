"""`evcli verify`, `head`, `status`, `path`; and what no command takes for a log."""

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran

from cli.support import EVERY, FOR_PROGRAMS, READING, WRITING, Raw, documents, events_in, fails, run_process, untouched

VECTORS = Path(__file__).parent.parent / "vectors"
EXPECTED: dict[str, Any] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))


def last_hash(log: Path) -> str:
    """The hash in the last line of the log."""
    return str(events_in(log)[-1]["sha256"])


# --- verify -----------------------------------------------------------------------------------------------------------


def test_verify_of_a_good_log_says_so_and_what_it_cannot_know(story: Cli, tmp_path: Path) -> None:
    head = f"8:{last_hash(story.log)}"
    with untouched(tmp_path):
        ran = story("verify")
    assert (ran.code, ran.out) == (0, f"status\tgood\nevents\t8\nhead\t{head}\ntorn_bytes\t0\n")
    assert "evcli verify --expect HEAD" in ran.err
    assert story("verify", "-q") == Ran(0, ran.out, "")


def test_verify_as_json_is_the_documented_shape(story: Cli) -> None:
    ran = story("verify", "--json", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "status": "good", "events": 8, "head": f"8:{last_hash(story.log)}", "torn_bytes": 0, "unterminated": False,
        "faults": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_verify_finds_in_every_vector_what_is_expected_and_changes_nothing(cli: Cli, name: str, tmp_path: Path) -> None:
    cli.log.write_bytes((VECTORS / name).read_bytes())
    with untouched(tmp_path):
        ran = cli("verify", "--json")
    found, expected = json.loads(ran.out), EXPECTED[name]
    assert found["status"] == expected["status"]
    assert found["torn_bytes"] == expected.get("torn_bytes", 0)
    assert found["unterminated"] == (expected.get("unterminated") or "no-newline" in name or "no-final" in name)
    assert ran.code == {"damaged": 12, "newer": 17}.get(found["status"], 0)
    told = documents(ran.err)
    if found["status"] == "damaged":
        fault = found["faults"][0]
        assert set(fault) == {"line", "byte", "message"}
        (error,) = [one["error"] for one in told if "error" in one]
        assert error["exit"] == 12
        assert f"line {fault['line']}, byte {fault['byte']}: {fault['message']}" in error["message"]
    else:
        assert found["events"] == expected["events"]
        assert found["faults"] == []
        warned = found["status"] == "torn" or (found["unterminated"] and found["status"] == "good")
        assert ("warning" in told[0]) == warned


def test_verify_of_a_torn_log_warns_and_is_0(story: Cli, tmp_path: Path) -> None:
    with story.log.open("ab") as log:
        log.write(b'{"specversion":"1.0"')
    with untouched(tmp_path):
        ran = story("verify", "-q")
    assert ran.code == 0
    assert ran.out.startswith("status\ttorn\nevents\t8\n")
    assert "torn_bytes\t20\n" in ran.out
    assert ran.err.startswith("warning: ")
    assert "20 bytes" in ran.err


def test_verify_lists_every_fault_with_its_line_and_byte(story: Cli, tmp_path: Path) -> None:
    lines = story.log.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"Grace Hopper", b"Grace Hoppers")
    lines[6] = lines[6].replace(b'"Alan"', b'"Alen"')
    story.log.write_bytes(b"".join(lines))
    with untouched(tmp_path):
        ran = story("verify", "--json")
    assert ran.code == 12
    found = json.loads(ran.out)
    assert (found["status"], found["events"]) == ("damaged", 2)
    assert [(fault["line"], fault["byte"]) for fault in found["faults"]] == [
        (3, sum(map(len, lines[:2]))),
        (7, sum(map(len, lines[:6]))),
    ]
    (told,) = documents(ran.err)
    assert told["error"]["code"] == "damaged"
    assert "line 3" in told["error"]["message"]


def test_verify_of_a_damaged_log_in_words_gives_the_list_on_stdout_and_the_error_on_stderr(
    story: Cli, tmp_path: Path
) -> None:
    story.log.write_bytes(story.log.read_bytes().replace(b"Grace Hopper", b"Grace Hoppel"))
    with untouched(tmp_path):
        ran = story("verify")
    assert "\nfault\tline 3, byte " in ran.out
    assert ran.out.startswith("status\tdamaged\nevents\t2\n")
    fails(ran, 12, f"{story.log} line 3, byte ", "not what was written", "nothing was changed", out=ran.out)


@pytest.mark.parametrize("number", range(1, 9))
def test_a_head_that_was_kept_at_any_time_is_found_on_the_chain(story: Cli, number: int) -> None:
    head = story.ok("head", "--at", str(number)).out.strip()
    ran = story("verify", "--expect", head)
    assert (ran.code, ran.err) == (0, "")


def test_the_head_of_the_empty_register_is_on_every_chain(story: Cli) -> None:
    assert story("verify", "--expect", "0:" + "0" * 64).code == 0


@pytest.mark.parametrize("head", ["8:" + "0" * 64, "3:" + "a" * 64, "9:" + "a" * 64, "0:" + "a" * 64])
def test_a_kept_head_that_is_not_on_the_chain_means_that_history_was_changed(
    story: Cli, head: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        ran = story("verify", "--expect", head)
    assert ran.out.startswith("status\tdamaged\n")
    fails(ran, 12, "history was changed or cut", out=ran.out)


def test_a_log_whose_end_was_cut_off_is_consistent_but_not_what_was_expected(story: Cli) -> None:
    head = story.ok("head").out.strip()
    story.log.write_bytes(b"".join(story.log.read_bytes().splitlines(keepends=True)[:-1]))
    assert story("verify").code == 0
    ran = story("verify", "--expect", head, "--json")
    assert ran.code == 12
    assert documents(ran.err)[0]["error"]["code"] == "history-changed"


@pytest.mark.parametrize("head", ["", "8", "8:", "x", "8:abc", "8:" + "A" * 64, "8:" + "g" * 64, "-1:" + "0" * 64])
def test_a_kept_head_that_cannot_be_read_is_wrong_usage(story: Cli, head: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(story("verify", "--expect", head), 2, "--expect", head)


# --- head -------------------------------------------------------------------------------------------------------------


def test_head_prints_number_and_hash(story: Cli) -> None:
    assert story("head") == Ran(0, f"8:{last_hash(story.log)}\n", "")
    assert json.loads(story.ok("head", "--json").out) == {"number": 8, "sha256": last_hash(story.log)}


def test_head_at_a_moment_prints_the_head_it_had_then(story: Cli) -> None:
    assert story("head", "--at", "3") == Ran(0, f"3:{events_in(story.log)[2]['sha256']}\n", "")
    ran = story("head", "--at", "2026-03-01 11:30")
    assert ran == Ran(0, f"3:{events_in(story.log)[2]['sha256']}\n", "as of event 3 (2026-03-01 11:00:00)\n")


def test_head_of_nothing_is_0_and_64_zeros(story: Cli) -> None:
    assert story("head", "--at", "0") == Ran(0, "0:" + "0" * 64 + "\n", "")
    story.log.write_bytes(b"")
    assert story("head") == Ran(0, "0:" + "0" * 64 + "\n", "")


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_tells_what_the_log_is(story: Cli) -> None:
    events = events_in(story.log)
    assert story("status") == Ran(
        0,
        f"path\t{story.log}\n"
        f"size\t{story.log.stat().st_size}\n"
        "events\t8\n"
        f"head\t8:{events[-1]['sha256']}\n"
        f"identity\t{events[0]['sha256']}\n"
        "live\t2\n"
        "destroyed\t1\n"
        "first\t2026-03-01 09:00:00\n"
        "last\t2026-03-01 16:00:00\n"
        "cache\t\n",
        "",
    )


def test_status_as_json_has_numbers_and_stored_times(story: Cli) -> None:
    document = json.loads(story.ok("status", "--json").out)
    assert document["path"] == str(story.log)
    assert document["size"] == story.log.stat().st_size
    assert (document["events"], document["live"], document["destroyed"]) == (8, 2, 1)
    assert document["first"] == "2026-03-01T09:00:00.000000Z"
    assert document["last"] == "2026-03-01T16:00:00.000000Z"
    assert document["cache"] is None
    assert document["warnings"] == []


def test_status_of_an_empty_log_has_no_first_event(cli: Cli) -> None:
    cli.log.touch()
    ran = cli("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert (document["events"], document["first"], document["last"], document["identity"]) == (0, None, None, None)


def test_status_tells_and_warns_of_what_is_odd(story: Cli, tmp_path: Path) -> None:
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


# --- path -------------------------------------------------------------------------------------------------------------


def test_path_needs_no_log_and_makes_none(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        assert cli("path") == Ran(0, f"{cli.log}\n", "")
        assert json.loads(cli.ok("path", "--json").out) == {"path": str(cli.log)}


def test_the_option_log_wins_over_the_environment(cli: Cli) -> None:
    assert cli("path", "--log", "/some/where.jsonl").out == "/some/where.jsonl\n"
    assert cli("--log", "/some/where.jsonl", "path").out == "/some/where.jsonl\n"


def test_a_relative_path_is_shown_whole(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("path", "--log", "mine.jsonl").out == f"{tmp_path}/mine.jsonl\n"


@pytest.mark.skipif(sys.platform != "linux", reason="another system has another data folder")
@pytest.mark.parametrize("value", [None, ""])
def test_without_any_word_of_it_the_log_is_in_the_users_data_folder(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("EVCLI_LOG") if value is None else monkeypatch.setenv("EVCLI_LOG", value)
    assert cli("path").out == f"{tmp_path}/home/.local/share/evcli/events.jsonl\n"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert cli("path").out == f"{tmp_path}/data/evcli/events.jsonl\n"
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    assert len(events_in(tmp_path / "data" / "evcli" / "events.jsonl")) == 1


@pytest.mark.parametrize("command", [*READING, "export", *WRITING, "path"])
@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_cannot_be_one_is_wrong_usage(cli: Cli, command: str, path: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli(*EVERY[command], "--log", path), 2, "--log")


# --- what is no log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*READING, *FOR_PROGRAMS])
def test_reading_where_there_is_no_log_is_10(cli: Cli, command: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli(*{**READING, **FOR_PROGRAMS}[command]), 10, f"there is no log at {cli.log}", "hint: ", "EVCLI_LOG")


def _folder(path: Path) -> None:
    path.mkdir()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/null")


def _socket(path: Path) -> None:
    # A socket's path may have some hundred bytes only, so it is bound from within its folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES = {"folder": _folder, "FIFO": _fifo, "device": _device, "socket": _socket}


@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("command", [*READING, "export", *WRITING])
def test_what_is_not_a_file_is_named_for_what_it_is(cli: Cli, command: str, kind: str, tmp_path: Path) -> None:
    NO_FILES[kind](cli.log)
    with untouched(tmp_path):
        ran = cli(*EVERY[command])
    fails(ran, 14, f"{cli.log} is a {kind}", "hint: ")


NOT_LOGS = {
    "notes": b"Milk, eggs,\nand a loaf of bread.\n",
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
@pytest.mark.parametrize("command", ["user create", "user destroy", "user list", "log", "state", "head", "status"])
def test_what_is_not_a_log_is_damage_and_stays_as_it_is(cli: Cli, command: str, kind: str, tmp_path: Path) -> None:
    cli.log.write_bytes(NOT_LOGS[kind])
    with untouched(tmp_path):
        ran = cli(*EVERY[command])
    fails(ran, 12, str(cli.log), "nothing was changed")


@pytest.mark.parametrize("kind", ["notes", "one unfinished word", "other JSON", "binary"])
def test_verify_says_of_what_is_not_a_log_that_it_is_none(cli: Cli, kind: str, tmp_path: Path) -> None:
    cli.log.write_bytes(NOT_LOGS[kind])
    with untouched(tmp_path):
        ran = cli("verify", "--json")
    assert ran.code == 12
    assert json.loads(ran.out)["status"] == "damaged"
    (error,) = [told["error"] for told in documents(ran.err) if "error" in told]
    assert error["code"] == "not-a-log"
    assert "not an evcli log" in error["message"]
    assert "--log" in error["hint"]


# Not head: it reads the last line alone, and prints what that says of itself.
@pytest.mark.parametrize("command", [name for name in [*READING, "export", *WRITING] if name != "head"])
def test_every_command_that_meets_a_damaged_line_stops_there_and_names_it(
    story: Cli, command: str, tmp_path: Path
) -> None:
    lines = story.log.read_bytes().splitlines(keepends=True)
    lines[7] = lines[7].replace(b'"user/3"', b'"user/2"')
    story.log.write_bytes(b"".join(lines))
    with untouched(tmp_path):
        ran = story(*EVERY[command])
    if command == "verify":
        assert ran.out.startswith("status\tdamaged\nevents\t7\n")
    fails(ran, 12, f"{story.log} line 8, byte {sum(map(len, lines[:7]))}: ", out=ran.out if command == "verify" else "")


@pytest.mark.parametrize("command", ["user list", "user create", "verify"])
def test_an_unreadable_log_is_14_with_a_message_of_its_own(story: Cli, command: str) -> None:
    before = story.log.read_bytes()
    story.log.chmod(0)
    ran = run_process(*EVERY[command], without_root_rights=True)
    story.log.chmod(0o600)
    _refused_for_permission(ran, story.log)
    assert story.log.read_bytes() == before


@pytest.mark.parametrize("command", ["user create", "user destroy"])
def test_a_log_that_may_only_be_read_is_14_for_writing(story: Cli, command: str) -> None:
    before = story.log.read_bytes()
    story.log.chmod(0o400)
    ran = run_process(*WRITING[command], without_root_rights=True)
    _refused_for_permission(ran, story.log)
    assert story.log.read_bytes() == before


def test_a_log_that_may_only_be_read_is_good_for_reading(story: Cli) -> None:
    story.log.chmod(0o400)
    ran = run_process("head", without_root_rights=True)
    assert ran == Raw(0, f"8:{last_hash(story.log)}\n".encode(), b"")


def test_a_folder_in_which_nothing_may_be_made_is_14_for_the_first_create(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    monkeypatch.setenv("EVCLI_LOG", str(folder / "events.jsonl"))
    ran = run_process(*WRITING["user create"], without_root_rights=True)
    _refused_for_permission(ran, folder / "events.jsonl")
    assert list(folder.iterdir()) == []


def _refused_for_permission(ran: Raw, log: Path) -> None:
    fails(Ran(ran.code, ran.out.decode(), ran.err.decode()), 14, str(log), "Permission denied", "nothing was written")


def test_a_log_that_everybody_may_write_is_read_with_a_warning_and_not_written(story: Cli, tmp_path: Path) -> None:
    story.log.chmod(0o666)
    ran = story("head")
    assert (ran.code, ran.out) == (0, f"8:{last_hash(story.log)}\n")
    assert ran.err.startswith("warning: ")
    with untouched(tmp_path):
        fails(story(*WRITING["user destroy"]), 14, "is world-writable", "nothing was written", "chmod o-w")


@pytest.mark.parametrize("below", [True, False])
def test_a_log_below_a_file_is_no_log_and_cannot_be_made(
    cli: Cli, tmp_path: Path, below: bool, file: Callable[[], Path]
) -> None:
    path = file() / ("deep/events.jsonl" if below else "events.jsonl")
    with untouched(tmp_path):
        fails(cli("log", "--log", str(path)), 10, f"there is no log at {path}")
        fails(cli(*WRITING["user create"], "--log", str(path)), 14, str(path), "nothing was written")


@pytest.fixture
def file(tmp_path: Path) -> Callable[[], Path]:
    """Makes a file where a folder should be."""

    def make() -> Path:
        path = tmp_path / "a-file"
        path.write_text("mine")
        return path

    return make


def test_what_is_not_a_log_is_not_said_to_have_an_unfinished_append(cli: Cli) -> None:
    cli.log.write_bytes(b"my notes\nthat end in the middle of a")
    for command in ("verify", "log", "user list", "user create"):
        assert "unfinished" not in cli(*EVERY[command]).err, f"{command}: notes are called an unfinished append"
