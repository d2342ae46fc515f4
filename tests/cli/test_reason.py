"""`--reason`, on every command that writes and in every row of an import; and who and what an event comes from."""

import json
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import WRITING, events_in, in_json, refuses
from evcli.log.members import AUTH_TYPES

WHY = "she asked for it, on paper"
IMPORTED = {
    "create": ("Kurt", "kurt@example.com"),
    "rename": ("Amazing Grace", "grace@navy.example"),
    "change-email": ("Grace Hopper", "amazing@example.com"),
    "destroy": ("", "grace@navy.example"),
    "restore": ("", "alan@example.com"),
}


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_writing_command_stores_and_shows_the_reason(story: Cli, words: tuple[str, ...]) -> None:
    (event,) = in_json(story, *words, "--reason", f"  {WHY} ")["events"]
    assert list(event["data"])[-1] == "reason"
    assert event["data"]["reason"] == WHY
    assert events_in(story.log)[-1] == event
    assert f"reason: {WHY}" in story.ok("log", "-n", "1").out
    assert f"data.reason\t{WHY}\n" in story.ok("show").out
    who = event["subject"].removeprefix("user/")
    assert f"reason: {WHY}" in story.ok("user", "show", who).out
    story.ok("verify")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "the reason is empty"),
        ("x" * 2001, "the reason has 2001 characters; at most 2000 are allowed"),
        ("a\x1bb", "the reason: character 2 is U+001B"),
        ("\udcff", "the reason: character 1 is U+DCFF"),
    ],
)
def test_bad_reason_is_2_for_every_writing_command(story: Cli, reason: str, said: str) -> None:
    for words in WRITING.values():
        refuses(story, (*words, "--reason", reason), 2, said)


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_repeated_id_with_another_reason_is_13(story: Cli, words: tuple[str, ...]) -> None:
    sent = (*words, "--id", "once")
    story.ok(*sent, "--reason", WHY)
    assert story.ok(*sent, "--reason", WHY).out == "already recorded as event 9\n"
    for other in (("--reason", "another"), ()):
        refuses(story, (*sent, *other), 13, "whose content differs; nothing was written")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("action", IMPORTED)
def test_row_of_an_import_may_have_a_reason(story: Cli, action: str, form: str, tmp_path: Path) -> None:
    name, email = IMPORTED[action]
    row = {"name": name, "email": email, "action": action, "reason": WHY}
    csv = ",".join(row) + "\n" + ",".join(f'"{cell}"' for cell in row.values()) + "\n"
    (tmp_path / "people").write_text(csv if form == "csv" else json.dumps(row) + "\n")
    story.ok("import", str(tmp_path / "people"), "--from", form)
    data = events_in(story.log)[-1]["data"]
    assert (list(data)[-1], data["reason"]) == ("reason", WHY)
    story.ok("verify")


def test_row_of_an_import_may_have_no_reason(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,email,action,reason\nx,grace@navy.example,destroy,  \n")
    story.ok("import", str(tmp_path / "people.csv"))
    assert events_in(story.log)[-1]["data"] == {}


# --- where an event comes from, and what did it -----------------------------------------------------------------------


def create(cli: Cli, name: str) -> dict[str, object]:
    cli.ok("user", "create", name, "--email", f"{name}@example.com")
    return events_in(cli.log)[-1]


def test_log_keeps_the_source_that_it_began_with(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    north = "https://example.com/register#1"
    monkeypatch.setenv("EVCLI_SOURCE", north)
    assert create(cli, "ada")["source"] == north
    monkeypatch.setenv("EVCLI_SOURCE", "/south")
    create(cli, "bob")
    cli.ok("user", "destroy", "1", "2")
    (tmp_path / "people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    cli.ok("import", str(tmp_path / "people.csv"))
    assert [event["source"] for event in events_in(cli.log)] == [north] * 5
    cli.ok("verify")


def test_type_of_the_actor_may_change_in_a_log(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create(cli, "ada")["authtype"] == "user"
    for kind in AUTH_TYPES:
        monkeypatch.setenv("EVCLI_ACTOR_TYPE", kind)
        assert create(cli, kind)["authtype"] == kind
    cli.ok("verify")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVCLI_SOURCE", "two words", '"two words" is not a URI reference of 1 to 128 characters'),
        ("EVCLI_SOURCE", "x" * 129, "is not a URI reference of 1 to 128 characters"),
        ("EVCLI_SOURCE", "é", "is not a URI reference"),
        ("EVCLI_ACTOR_TYPE", "robot", '"robot" is not a type of actor'),
        ("EVCLI_ACTOR_TYPE", "User", '"User" is not a type of actor'),
        ("EVCLI_ACTOR", "a\x1bb", "the actor: character 2 is U+001B"),
        ("EVCLI_ACTOR", "x" * 129, "the actor has 129 characters"),
        ("EVCLI_ACTOR", "\udcff", "(bytes that are not UTF-8)"),
    ],
)
def test_bad_actor_or_source_is_2_and_names_its_variable(
    cli: Cli, name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    people = cli.log.parent / "people.csv"
    people.write_text("name,email\nKurt,kurt@example.com\n")
    for words in (WRITING["user create"], ("import", str(people))):
        for dry_run in ((), ("--dry-run",)):
            refuses(cli, (*words, *dry_run), 2, said, "hint: ", name)


def test_empty_variable_is_as_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_SOURCE", "")
    monkeypatch.setenv("EVCLI_ACTOR_TYPE", "")
    event = create(cli, "ada")
    assert (event["source"], event["authtype"]) == ("evcli", "user")
