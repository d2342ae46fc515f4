"""`--reason`, on every command that writes and in every row of an import; and who and what an event comes from."""

import json
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import WRITING, events_in, fails, untouched

WHY = "she asked for it, on paper"
LONGEST = 2000
IMPORTED = {
    "create": ("Kurt", "kurt@example.com"),
    "rename": ("Amazing Grace", "grace@navy.example"),
    "change-email": ("Grace Hopper", "amazing@example.com"),
    "destroy": ("", "grace@navy.example"),
    "restore": ("", "alan@example.com"),
}


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_every_writing_command_keeps_the_reason_last(story: Cli, words: tuple[str, ...]) -> None:
    ran = story.ok(*words, "--reason", f"  {WHY} ", "--json")
    (event,) = json.loads(ran.out)["events"]
    assert list(event["data"])[-1] == "reason"
    assert event["data"]["reason"] == WHY
    assert events_in(story.log)[-1] == event
    assert f"reason: {WHY}" in story.ok("log", "-n", "1").out
    assert f"data.reason\t{WHY}\n" in story.ok("show").out
    who = event["subject"].removeprefix("user/")
    assert f"reason: {WHY}" in story.ok("user", "show", who).out
    story.ok("verify")


def test_several_at_once_have_the_same_reason(story: Cli) -> None:
    events = json.loads(story.ok("user", "destroy", "1", "2", "--reason", WHY, "--json").out)["events"]
    assert [event["data"] for event in events] == [{"reason": WHY}] * 2


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "the reason is empty"),
        ("   ", "the reason is empty"),
        ("x" * (LONGEST + 1), "the reason has 2001 characters; at most 2000 are allowed"),
        ("a\x1bb", "the reason: character 2 is U+001B"),
        ("a\nb", "the reason: character 2 is U+000A"),
        ("ab\u202ec", "the reason: character 3 is U+202E"),
        ("\udcff", "the reason: character 1 is U+DCFF"),
    ],
)
@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_a_reason_that_cannot_be_stored_is_refused(
    story: Cli, words: tuple[str, ...], reason: str, said: str, tmp_path: Path
) -> None:
    with untouched(tmp_path):
        fails(story(*words, "--reason", reason), 2, said)


def test_the_longest_reason_is_kept(story: Cli) -> None:
    story.ok("user", "rename", "2", "Grace", "--reason", "é" * LONGEST)
    assert events_in(story.log)[-1]["data"]["reason"] == "é" * LONGEST


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_the_same_id_with_another_reason_is_a_conflict(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    sent = (*words, "--id", "once")
    story.ok(*sent, "--reason", WHY)
    with untouched(tmp_path):
        assert story.ok(*sent, "--reason", WHY).out == "already recorded as event 9\n"
        for other in (("--reason", "another"), ()):
            fails(story(*sent, *other), 13, "which says something else; nothing was written")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("action", IMPORTED)
def test_every_row_of_an_import_may_have_a_reason(story: Cli, action: str, form: str, tmp_path: Path) -> None:
    name, email = IMPORTED[action]
    row = {"name": name, "email": email, "action": action, "reason": WHY}
    if form == "csv":
        text = ",".join(row) + "\n" + ",".join(f'"{cell}"' for cell in row.values()) + "\n"
    else:
        text = json.dumps(row) + "\n"
    (tmp_path / f"people.{form}").write_text(text)
    story.ok("import", str(tmp_path / f"people.{form}"))
    data = events_in(story.log)[-1]["data"]
    assert (list(data)[-1], data["reason"]) == ("reason", WHY)
    story.ok("verify")


def test_a_row_without_a_reason_has_none(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,email,action,reason\nx,grace@navy.example,destroy,  \n")
    story.ok("import", str(tmp_path / "people.csv"))
    assert events_in(story.log)[-1]["data"] == {}


# --- where an event comes from, and what did it -----------------------------------------------------------------------


def create(cli: Cli, name: str) -> dict[str, object]:
    cli.ok("user", "create", name, "--email", f"{name}@example.com")
    return events_in(cli.log)[-1]


def test_a_new_log_has_the_source_it_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_SOURCE", "https://example.com/register#1")
    assert create(cli, "ada")["source"] == "https://example.com/register#1"
    cli.ok("verify")


def test_a_log_keeps_the_source_that_it_began_with(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVCLI_SOURCE", "/north")
    create(cli, "ada")
    monkeypatch.setenv("EVCLI_SOURCE", "/south")
    assert create(cli, "bob")["source"] == "/north"
    cli.ok("user", "destroy", "1", "2")
    (tmp_path / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    cli.ok("import", str(tmp_path / "people.csv"))
    assert {event["source"] for event in events_in(cli.log)} == {"/north"}
    cli.ok("verify")


@pytest.mark.parametrize(
    "kind", ["app_user", "user", "service_account", "api_key", "system", "unauthenticated", "unknown"]
)
def test_the_type_of_the_actor_may_change_in_a_log(cli: Cli, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create(cli, "ada")["authtype"] == "user"
    monkeypatch.setenv("EVCLI_ACTOR_TYPE", kind)
    assert create(cli, "bob")["authtype"] == kind
    cli.ok("verify")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVCLI_SOURCE", "two words", '"two words" is not a URI reference of 1 to 128 characters'),
        ("EVCLI_SOURCE", "x" * 129, "is not a URI reference of 1 to 128 characters"),
        ("EVCLI_SOURCE", "a#b#c", "is not a URI reference"),
        ("EVCLI_SOURCE", "é", "is not a URI reference"),
        ("EVCLI_SOURCE", "100%", "is not a URI reference"),
        ("EVCLI_ACTOR_TYPE", "robot", '"robot" is not a type of actor'),
        ("EVCLI_ACTOR_TYPE", "User", '"User" is not a type of actor'),
    ],
)
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_what_no_event_can_have_is_bad_input(
    cli: Cli, name: str, value: str, said: str, dry_run: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with untouched(cli.log.parent):
        fails(cli("user", "create", "Ada", "--email", "ada@example.com", *dry_run), 2, said, f"hint: {name} ")
    (cli.log.parent / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    with untouched(cli.log.parent):
        fails(cli("import", str(cli.log.parent / "people.csv"), *dry_run), 2, said, f"hint: {name} ")


def test_an_empty_variable_is_as_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_SOURCE", "")
    monkeypatch.setenv("EVCLI_ACTOR_TYPE", "")
    event = create(cli, "ada")
    assert (event["source"], event["authtype"]) == ("evcli", "user")
