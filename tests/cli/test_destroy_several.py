"""`evcli user destroy A B C`: one batch, all or none."""

import json

import pytest
from conftest import Cli

from cli.support import FORMS, events_in, fails, many_events, untouched


@pytest.fixture
def five(cli: Cli) -> Cli:
    """evcli over a log with Ada, Bob, Cyd, Dan and Eve, users 1 to 5, by as many events."""
    for name in ("Ada", "Bob", "Cyd", "Dan", "Eve"):
        cli.ok("user", "create", name, "--email", f"{name.lower()}@example.com")
    return cli


def live(cli: Cli) -> list[str]:
    return [user["name"] for user in json.loads(cli.ok("user", "list", "--json").out)]


def test_several_are_destroyed_at_once_in_the_order_in_which_they_were_named(five: Cli) -> None:
    ran = five.ok("user", "destroy", "4", "ada@example.com", "Bob")
    assert ran.out.splitlines() == [
        "user 4 destroyed: Dan <dan@example.com> (event 6)",
        "user 1 destroyed: Ada <ada@example.com> (event 7)",
        "user 2 destroyed: Bob <bob@example.com> (event 8)",
        "undo: evcli user restore 4",
        "undo: evcli user restore 1",
        "undo: evcli user restore 2",
    ]
    assert live(five) == ["Cyd", "Eve"]
    assert [path.name for path in five.log.parent.iterdir()] == ["events.jsonl"]
    five.ok("verify")


def test_the_events_of_one_command_have_one_correlationid_and_ids_of_their_own(five: Cli) -> None:
    five.ok("user", "destroy", "1", "2", "3", "--reason", "left")
    events = events_in(five.log)[5:]
    assert len({event["correlationid"] for event in events}) == 1
    assert len({event["id"] for event in events} | {events[0]["correlationid"]}) == 4
    assert [event["data"] for event in events] == [{"reason": "left"}] * 3
    assert [event["subject"] for event in events] == ["user/1", "user/2", "user/3"]


def test_two_commands_have_two_correlationids(five: Cli) -> None:
    five.ok("user", "destroy", "1", "2")
    five.ok("user", "destroy", "3", "4")
    assert len({event["correlationid"] for event in events_in(five.log)[5:]}) == 2


def test_a_single_one_has_none(five: Cli) -> None:
    five.ok("user", "destroy", "1")
    assert "correlationid" not in events_in(five.log)[-1]


def test_they_are_one_write_to_the_log(five: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from evcli.log.file.writer import LogWriter

    written: list[bytes] = []
    append = LogWriter.append

    def noted(writer: LogWriter, lines: bytes, number: int) -> None:
        written.append(lines)
        append(writer, lines, number)

    monkeypatch.setattr(LogWriter, "append", noted)
    five.ok("user", "destroy", "1", "2", "3")
    assert [lines.count(b"\n") for lines in written] == [3]


REFUSED = {
    # what is wrong with one of them: the words, the exit code, what is said
    "an unknown id": (["1", "2", "99"], 1, 'no user "99"'),
    "an unknown name first": (["Zoe", "1", "2"], 1, 'no user "Zoe"'),
    "an unknown e-mail between": (["1", "zoe@example.com", "2"], 1, 'no user "zoe@example.com"'),
    "one destroyed before": (["1", "5"], 1, 'user 5 "Eve" is already destroyed (event 6)'),
    "one named twice": (["1", "2", "1"], 1, "user 1 "),
    "one named twice in two ways": (["1", "Bob", "ada@example.com"], 1, "user 1 "),
    "an ambiguous name": (["1", "dan"], 1, "could be any of 2 users"),
    "an empty one": (["1", ""], 1, 'no user ""'),
    "one that is not UTF-8": (["1", "\udcff"], 1, "no user"),
}


@pytest.mark.parametrize("form", ["plain", "json"])
@pytest.mark.parametrize(("words", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_when_one_of_them_is_refused_nobody_is_destroyed(
    five: Cli, words: list[str], code: int, said: str, form: str
) -> None:
    five.ok("user", "destroy", "5")
    five.ok("user", "create", "DAN", "--email", "dan2@example.com")
    with untouched(five.log.parent):
        for more in ((), ("--dry-run",)):
            ran = five("user", "destroy", *words, *more, "--format", form)
            assert ran.code == code, ran.err
            assert ran.out == ""
            message = json.loads(ran.err)["error"]["message"] if form == "json" else ran.err
            assert said in message
    assert live(five) == ["Ada", "Bob", "Cyd", "Dan", "DAN"]


def test_of_one_that_is_named_twice_no_event_is_named_that_was_never_written(five: Cli) -> None:
    ran = five("user", "destroy", "1", "2", "1")
    assert "event 6" not in ran.err, f"there is no event 6: {ran.err}"


def test_an_id_of_one_event_cannot_be_that_of_several(five: Cli) -> None:
    with untouched(five.log.parent):
        fails(five("user", "destroy", "1", "2", "--id", "x"), 2, "--id")
    five.ok("user", "destroy", "1", "--id", "x")


def test_the_expected_head_counts_for_all_of_them(five: Cli) -> None:
    with untouched(five.log.parent):
        fails(five("user", "destroy", "1", "2", "--expect", "4"), 13, "the head is 5:")
    five.ok("user", "destroy", "1", "2", "--expect", "5")
    assert live(five) == ["Cyd", "Dan", "Eve"]


@pytest.mark.parametrize("form", FORMS)
def test_a_dry_run_shows_every_event_and_writes_none(five: Cli, form: str) -> None:
    with untouched(five.log.parent):
        ran = five.ok("user", "destroy", "1", "2", "--dry-run", "--format", form)
    assert "user/1" in ran.out
    assert "user/2" in ran.out
    if form in ("json", "jsonl"):
        document = json.loads(ran.out)
        assert document["recorded"] is False
        assert [event["sequence"] for event in document["events"]] == ["000000000006", "000000000007"]


def test_as_json_the_answer_has_all_events_and_users(five: Cli) -> None:
    document = json.loads(five.ok("user", "destroy", "2", "1", "--json").out)
    assert document["events"] == events_in(five.log)[5:]
    assert [(user["id"], user["destroyed"]) for user in document["users"]] == [(2, 6), (1, 7)]
    assert document["recorded"] is True


def test_a_name_that_is_ambiguous_at_first_may_be_plain_after_the_ones_before_it(five: Cli) -> None:
    five.ok("user", "create", "Ada", "--email", "ada2@example.com")
    five.ok("user", "destroy", "1", "Ada")
    assert live(five) == ["Bob", "Cyd", "Dan", "Eve"]


def test_more_than_a_batch_holds_is_refused_saying_how_much_it_would_be(cli: Cli) -> None:
    many_events(cli, 600)
    everybody = [str(id) for id in range(1, 601)]
    with untouched(cli.log.parent):
        fails(cli("user", "destroy", *everybody, "--reason", "x" * 2000), 2, "600 events", "1,048,576")
    cli.ok("user", "destroy", *everybody[:400], "--reason", "x" * 2000)
    assert len(live(cli)) == 200


def test_without_a_log_none_is_made(cli: Cli) -> None:
    with untouched(cli.log.parent):
        fails(cli("user", "destroy", "1", "2"), 10, "there is no log")


@pytest.mark.parametrize("cut", [0, 1, 100, "a line", "two lines", -1])
def test_half_a_batch_is_not_shown_and_goes_with_the_next_write(five: Cli, cut: int | str) -> None:
    before = five.log.read_bytes()
    five.ok("user", "destroy", "1", "2", "3")
    batch = five.log.read_bytes()[len(before) :]
    lines = batch.splitlines(keepends=True)
    half = batch[: len(b"".join(lines[: ("a line", "two lines").index(cut) + 1])) if isinstance(cut, str) else cut]
    if cut == -1:
        half = half[:-1]  # without its newline, the last line would still be whole
    five.log.write_bytes(before + half)
    assert live(five) == ["Ada", "Bob", "Cyd", "Dan", "Eve"]
    assert five.ok("head").out.startswith("5:")
    status = json.loads(five.ok("verify", "--json").out)
    assert (status["status"], status["torn_bytes"]) == (("torn", len(half)) if half else ("good", 0))
    ran = five.ok("user", "destroy", "1", "2", "3")
    assert (f"{len(half)} bytes" in ran.err) is bool(half)
    assert live(five) == ["Dan", "Eve"]
    assert [path.read_bytes() for path in five.log.parent.glob("*.torn-*")] == ([half] if half else [])
    five.ok("verify")


def test_a_batch_without_its_last_newline_is_all_there(five: Cli) -> None:
    five.ok("user", "destroy", "1", "2", "3")
    five.log.write_bytes(five.log.read_bytes()[:-1])
    assert live(five) == ["Dan", "Eve"]
    five.ok("user", "restore", "1")
    assert five.ok("verify").out.startswith("status\tgood\nevents\t9\n")
