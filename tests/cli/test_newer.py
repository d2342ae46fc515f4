"""A log that a later version has written to: what still answers, and that nothing touches the rest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from support.events import forged

from cli.support import (
    FOR_PROGRAMS,
    READING,
    WRITING,
    documents,
    events_in,
    in_json,
    lines_in,
    refuses,
    tell_the_story,
    untouched,
)

TYPE = 'line 9, byte {byte}: event type "user.merged" is not supported by this version; try a newer evcli'
MEMBER = 'line 9, byte {byte}: member "tenant" is not supported by this version; try a newer evcli'


def added(cli: Cli, **changes: Any) -> bytes:
    """The log with one more line, which is proved: the last event again, with those changes."""
    last = events_in(cli.log)[-1]
    previous = last.pop("sha256").encode()
    event = {**last, "id": "later", "sequence": f"{int(last['sequence']) + 1:012}", **changes}
    return cli.log.read_bytes() + forged(event, previous=previous)[0]


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
def test_command_that_needs_a_newer_line_is_17(
    newer: tuple[Cli, str], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli, said = newer
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    inode = cli.log.stat().st_ino
    refuses(cli, words, 17, said, HINT)
    assert cli.log.stat().st_ino == inode


@pytest.mark.parametrize("words", [("log", "--reverse"), ("export", "--what", "events")])
def test_output_from_the_beginning_ends_before_a_newer_line(newer: tuple[Cli, str], words: tuple[str, ...]) -> None:
    cli, said = newer
    ran = cli(*words)
    assert (ran.code, len(ran.out.splitlines())) == (17, 8)
    assert said in ran.err


def test_verify_says_newer_and_what_is_good_before_it(newer: tuple[Cli, str], tmp_path: Path) -> None:
    cli, said = newer
    with untouched(tmp_path):
        ran = cli("verify", "--json")
    assert ran.code == 17
    found = json.loads(ran.out)
    digest = json.loads(lines_in(cli.log)[7])["sha256"]
    assert (found["status"], found["events"], found["head"]) == ("newer", 8, f"8:{digest}")
    assert found["faults"] == []
    (error,) = [each["error"] for each in documents(ran.err) if "error" in each]
    assert (error["code"], error["exit"]) == ("newer", 17)
    assert said in error["message"]


def test_moment_before_a_newer_line_still_answers(newer: tuple[Cli, str], tmp_path: Path) -> None:
    cli, _ = newer
    with untouched(tmp_path):
        assert in_json(cli, "state", "--at", "8")["number"] == 8
        assert "Grace Hopper" in cli.ok("user", "list", "--at", "7").out
        assert cli.ok("head", "--at", "8").out.startswith("8:")
        assert cli.ok("show", "8").out.startswith("number\t8\n")
        assert cli.ok("diff", "6", "8").out.startswith("user 3\t")
        for line in ("log --until 8", "log --until 8 --reverse --format jsonl", "export --at 8 --what events"):
            assert len(cli.ok(*line.split()).out.splitlines()) == 8
        state = in_json(cli, "state", "--at", "2026-03-01 12:00")
        assert (state["number"], state["live"]) == (4, 2)
