"""A log that a later version has written to: what still answers, and that nothing touches the rest."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import Cli

from cli.support import FOR_PROGRAMS, READING, WRITING, documents, events_in, fails, tell_the_story, untouched

TYPE = 'line 9, byte {byte}: event type "user.merged" is not supported by this version; try a newer evcli'
MEMBER = 'line 9, byte {byte}: member "tenant" is not supported by this version; try a newer evcli'


def added(cli: Cli, **changes: Any) -> bytes:
    """The log with one more line, which is proved: the last event again, with those changes."""
    content = cli.log.read_bytes()
    last = events_in(cli.log)[-1]
    event = {**last, "id": "later", "sequence": f"{int(last['sequence']) + 1:012}", **changes}
    del event["sha256"]
    body = orjson.dumps(event)[:-1]
    digest = sha256(last["sha256"].encode() + body).hexdigest()
    return content + body + f',"sha256":"{digest}"}}\n'.encode()


MADE: dict[str, tuple[Callable[[Cli], bytes], str]] = {
    "a type": (lambda cli: added(cli, type="user.merged"), TYPE),
    "a member": (lambda cli: added(cli, tenant="north"), MEMBER),
    "a type without its newline": (lambda cli: added(cli, type="user.merged")[:-1], TYPE),
}


@pytest.fixture(params=list(MADE.values()), ids=list(MADE))
def newer(cli: Cli, request: pytest.FixtureRequest) -> tuple[Cli, str]:
    """evcli over the story with a ninth line that is newer, and what must be said of it."""
    tell_the_story(cli)
    byte = cli.log.stat().st_size
    make, said = request.param
    cli.log.write_bytes(make(cli))
    return cli, said.format(byte=byte)


HINT = "nothing was changed; this version still answers for moments before it: --at 8"

STOPPED = {
    **{name: words for name, words in READING.items() if name not in ("verify", "head")},
    "export": FOR_PROGRAMS["export"],
    **WRITING,
    "create with an id": ("user", "create", "Kurt", "--email", "kurt@example.com", "--id", "event-8"),
    "create for show": ("user", "create", "Kurt", "--email", "kurt@example.com", "--dry-run"),
    "follow": ("log", "-f"),
    "since": ("log", "--since", "8"),
    "import": ("import", "people.csv"),
    "import for show": ("import", "people.csv", "--dry-run"),
    "repair": ("repair",),
    "repair for show": ("repair", "--dry-run"),
}


@pytest.mark.parametrize("words", STOPPED.values(), ids=STOPPED)
def test_a_command_that_needs_the_line_stops_and_touches_nothing(
    newer: tuple[Cli, str], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, said = newer
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    inode = cli.log.stat().st_ino
    with untouched(tmp_path):
        fails(cli(*words), 17, said, HINT)
    assert cli.log.stat().st_ino == inode


@pytest.mark.parametrize("words", [("log", "--reverse"), ("export", "--what", "events")])
def test_what_is_shown_from_the_beginning_ends_before_it(newer: tuple[Cli, str], words: tuple[str, ...]) -> None:
    cli, said = newer
    ran = cli(*words)
    assert (ran.code, len(ran.out.splitlines())) == (17, 8)
    assert said in ran.err


@pytest.mark.parametrize("tail", [b'{"specversion":"1.0","id":"', bytes(600)])
@pytest.mark.parametrize("words", [*WRITING.values(), ("import", "people.csv"), ("repair",)])
def test_a_torn_append_after_it_is_not_cut_off(
    story: Cli, words: tuple[str, ...], tail: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    byte = story.log.stat().st_size
    story.log.write_bytes(added(story, type="user.merged") + tail)
    with untouched(tmp_path):
        fails(story(*words), 17, TYPE.format(byte=byte), HINT)


def test_verify_says_newer_and_what_was_good_before_it(newer: tuple[Cli, str], tmp_path: Path) -> None:
    cli, said = newer
    with untouched(tmp_path):
        ran = cli("verify", "--json")
    assert ran.code == 17
    found = json.loads(ran.out)
    digest = events_in_story(cli)[7]["sha256"]
    assert (found["status"], found["events"], found["head"]) == ("newer", 8, f"8:{digest}")
    assert found["faults"] == []
    (error,) = [each["error"] for each in documents(ran.err) if "error" in each]
    assert (error["code"], error["exit"]) == ("newer", 17)
    assert said in error["message"]


def events_in_story(cli: Cli) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli.log.read_bytes().splitlines()[:8]]


def test_moments_before_it_still_answer(newer: tuple[Cli, str], tmp_path: Path) -> None:
    cli, _ = newer
    with untouched(tmp_path):
        assert json.loads(cli.ok("state", "--at", "8", "--json").out)["number"] == 8
        assert "Grace Hopper" in cli.ok("user", "list", "--at", "7").out
        assert cli.ok("head", "--at", "8").out.startswith("8:")
        assert cli.ok("show", "8").out.startswith("number\t8\n")
        assert cli.ok("diff", "6", "8").out.startswith("user 3\t")
        assert len(cli.ok("log", "--until", "8").out.splitlines()) == 8
        assert len(cli.ok("log", "--until", "8", "--reverse", "--format", "jsonl").out.splitlines()) == 8
        assert len(cli.ok("export", "--at", "8", "--what", "events").out.splitlines()) == 8


def test_a_date_before_it_still_answers(newer: tuple[Cli, str]) -> None:
    cli, _ = newer
    state = json.loads(cli.ok("state", "--at", "2026-03-01 12:00", "--json").out)
    assert (state["number"], state["live"]) == (4, 2)
