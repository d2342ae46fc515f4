"""`evcli bisect`: the first event after which something holds, or a command says that the state is bad."""

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import Cli, Ran
from support.caches import cache_every_log, cache_the_beginning

from cli.support import events_in, fails, in_json, lines_in, many_events, refuses, run_process

DESTROYED = ("bisect", "--user", "alan@example.com", "--is", "destroyed")


def found(cli: Cli, *words: str) -> int:
    """The number of the first bad event."""
    answer = json.loads(cli.ok("bisect", "--json", *words).out)
    assert (answer["good"], answer["skipped"]) == (answer["bad"] - 1, [])
    assert answer["event"] == events_in(cli.log)[answer["bad"] - 1]
    return int(answer["bad"])


@pytest.fixture(params=["no cache", "a cache", "a cache of the beginning"])
def told(request: pytest.FixtureRequest, story: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The story, in a log with and without a cache."""
    if request.param == "a cache":
        cache_every_log(monkeypatch)
    elif request.param == "a cache of the beginning":
        cache_the_beginning(story.log, monkeypatch, 4)
    return story


def test_answer_is_the_event_and_its_change_as_show_has_them(story: Cli) -> None:
    shown = in_json(story, "show", "8")
    answer = in_json(story, *DESTROYED)
    assert answer == shown | {"good": 7, "bad": 8, "skipped": [], "looks": 5}
    assert list(answer)[:3] == ["event", "before", "after"]
    looks = "event 0: good\nevent 8: bad\nevent 4: good\nevent 6: good\nevent 7: good\n"
    last = "event 8 is the first bad one (5 looks)"
    assert story(*DESTROYED) == Ran(0, story.ok("show", "8").out, f"{looks}{last}\n")
    assert story(*DESTROYED, "-q") == Ran(0, story.ok("show", "8").out, "")
    table = story(*DESTROYED, "--format", "table")
    assert (table.out.splitlines()[0], table.err) == (last, looks)


@pytest.mark.parametrize("first", [(), ("--first",)], ids=["bisection", "walk"])
def test_first_event_is_found_by_a_record_and_by_a_count(told: Cli, first: tuple[str, ...]) -> None:
    for words, number in (
        ("--user 3 --is destroyed", 8),
        ("--user 2 --field name --equals Hopper", 0),
        ("--user 2 --field name --equals|Grace Hopper", 3),
        ("--user 2 --field email --equals grace@navy.example --from 2", 4),
        ("--user 1 --is live --to 4", 1),
        ("--count-over 0", 1),
        ("--count-over 1 --to 4", 2),
        ("--count-over 1 --from 5", 6),
    ):  # fmt: skip
        asked = [word for part in words.split("|") for word in (part.split() if "--" in part else [part])]
        if number:
            assert found(told, *asked, *first) == number, words
        else:
            refuses(told, ("bisect", *asked, *first), 1, "")


def test_walk_finds_the_first_of_several_and_bisection_one_of_them(told: Cli) -> None:
    for verb in ("destroy", "restore"):
        told.ok("user", verb, "1")
    assert found(told, "--user", "1", "--is", "live") == 6
    assert found(told, "--user", "1", "--is", "live", "--first") == 1
    assert found(told, "--user", "1", "--is", "destroyed", "--first") == 5
    assert found(told, "--user", "1", "--is", "destroyed", "--from", "6", "--first") == 9
    assert found(told, "--count-over", "2", "--to", "7", "--first") == 7
    ran = told("bisect", "--count-over", "2", "--to", "6", "--first")
    fails(ran, 1, "no state from event 0 to event 6 is bad")


def test_walk_looks_only_at_events_about_the_record(story: Cli) -> None:
    answer = in_json(story, "bisect", "--user", "1", "--is", "destroyed", "--first")
    assert (answer["looks"], answer["good"], answer["bad"]) == (3, 4, 5)
    assert story("bisect", "--user", "1", "--is", "destroyed", "--first").err.count("\n") == 1


def test_no_value_is_what_a_record_that_is_not_there_has_not(story: Cli) -> None:
    refuses(story, ("bisect", "--user", "2", "--field", "name", "--equals", ""), 1, "event 8 is good")


@pytest.mark.parametrize("cached", [False, True], ids=["no cache", "a cache"])
def test_looks_at_a_long_log_are_logarithmic(cli: Cli, monkeypatch: pytest.MonkeyPatch, *, cached: bool) -> None:
    many_events(cli, 2_000)
    if cached:
        cache_every_log(monkeypatch)
    for words in (("--count-over", "1200"), ("--user", "1201", "--is", "live")):
        answer = in_json(cli, "bisect", *words)
        assert (answer["bad"], answer["looks"] <= 13) == (1201, True)


# --- a command --------------------------------------------------------------------------------------------------------


def shell(script: str) -> tuple[str, ...]:
    return "--", "sh", "-c", script


def test_command_reads_the_document_of_state_and_the_events_number(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found(story, *shell("cat > state-$EVCLI_BISECT_EVENT; test $EVCLI_BISECT_EVENT -lt 5")) == 5
    states = {int(path.name.removeprefix("state-")): path.read_text() for path in tmp_path.glob("state-*")}
    assert set(states) == {0, 8, 4, 6, 5}
    for number, state in states.items():
        assert state == story.ok("state", "--at", str(number), "--json").out


def test_command_uses_the_same_log_and_prints_to_stderr(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EVCLI_LOG")
    monkeypatch.chdir(story.log.parent)
    ran = story("bisect", "--log", story.log.name, "--from", "7", "-q", *shell('echo "$EVCLI_LOG"; exit 1'))
    fails(ran, 1, "event 7 is bad")
    assert capfd.readouterr() == ("", f"{story.log}\n")


@pytest.mark.parametrize(("code", "number"), [(1, 6), (124, 6), (126, 6), (127, 6)])
def test_exit_codes_of_a_command_are_read_as_by_git(story: Cli, code: int, number: int) -> None:
    assert found(story, *shell(f"test $EVCLI_BISECT_EVENT -ge {number} && exit {code} || exit 0")) == number


SKIPPING = shell("case $EVCLI_BISECT_EVENT in [012]) exit 0;; [345]) exit 125;; *) exit 1;; esac")


@pytest.mark.parametrize("first", [(), ("--first",)], ids=["bisection", "walk"])
def test_range_is_named_where_only_skipped_states_are_left(story: Cli, first: tuple[str, ...]) -> None:
    ran = story("bisect", *first, "--json", "-q", *SKIPPING)
    looks = 7 if first else len({0, 8, 4, 2, 6, 3, 5})
    assert json.loads(ran.out) == {
        "event": None, "before": None, "after": None, "good": 2, "bad": 6, "skipped": [3, 4, 5], "looks": looks,
    }  # fmt: skip
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["code"]) == (1, "only-skipped")
    assert error["message"] == "the first bad event is one of events 3 to 6: the states between were skipped"
    fails(story("bisect", *first, "-q", *SKIPPING), 1, "events 3 to 6", out="good\t2\nbad\t6\nskipped\t3, 4, 5\n")


def test_both_ends_are_checked_first(story: Cli) -> None:
    refuses(story, ("bisect", *shell("exit 1")), 1, "the state after event 0 is bad; it must be good", "--from REF")
    refuses(story, ("bisect", *shell("exit 0")), 1, "the state after event 8 is good; it must be bad", "--to REF")
    refuses(
        story, ("bisect", "--user", "1", "--is", "destroyed"), 1, "the state after event 8 is good",
        "user 1 is then Ada Lovelace <ada@example.com>; --to REF", "--first finds what was so for a time",
    )  # fmt: skip
    refuses(story, ("bisect", "--user", "1", "--field", "name", "--equals", "X", "--first"), 1, "no state from event 0")
    ran = story("bisect", "--user", "1", "--is", "live", "--from", "2", "-q")
    assert ran.err.splitlines()[1] == "hint: begin where it is good, with --from REF; or ask the opposite"


def test_walk_runs_a_command_at_each_state_until_one_is_bad(story: Cli) -> None:
    looks = "event 0: good\nevent 1: good\nevent 2: bad\n"
    ran = story("bisect", "--first", *shell("test $EVCLI_BISECT_EVENT -ne 2"))
    assert ran == Ran(0, story.ok("show", "2").out, f"{looks}event 2 is the first bad one (3 looks)\n")
    assert found(story, "--first", "--from", "6", *shell("test $EVCLI_BISECT_EVENT -ne 8")) == 8


@pytest.mark.parametrize(
    ("command", "said", "hint"),
    [
        (("--", "no-such-command"), "no-such-command cannot be run: No such file or directory", ""),
        (("--", "jq -e .live"), "jq -e .live cannot be run", "without quotes around all of them"),
        (("--", "a\0b"), "cannot be run: embedded null byte", ""),
        (shell("exit 127"), "sh exited with 127 at event 0, as a shell does that cannot run a command", "a verdict"),
        (shell("exit 126"), "sh exited with 126 at event 0", "a verdict"),
        (shell("exit 128"), "sh exited with 128 at event 0", "125 skips"),
        (shell("exit 255"), "sh exited with 255 at event 0", "125 skips"),
        (shell("kill -9 $$"), "sh was ended by SIGKILL at event 0", "125 skips"),
        (shell("kill -TERM $$; exit 1"), "sh was ended by SIGTERM at event 0", "125 skips"),
    ],
    ids=["missing", "quoted", "NUL", "127", "126", "128", "255", "killed", "ended"],
)  # fmt: skip
def test_command_that_gives_no_verdict_ends_the_search(
    story: Cli, command: tuple[str, ...], said: str, hint: str
) -> None:
    refuses(story, ("bisect", *command), 2, said, hint)
    error = json.loads(story("bisect", "--json", *command).err)["error"]
    assert error["code"] == "check-failed"


def test_form_that_is_said_to_the_command_is_not_evclis(story: Cli) -> None:
    fails(story("bisect", "--", "no-such-command", "--json", "--format", "jsonl"), 2, "no-such-command")


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


IMPATIENT = (
    sys.executable,
    "-c",
    "import sys; from evcli.cli import judge; judge._PATIENCE = 0.01\n"
    "from evcli.cli.main import main; sys.exit(main(sys.argv[1:]))",
)
"""evcli as a process that waits for no command to end."""


@pytest.mark.parametrize(
    "script",
    ["echo $$ > process; kill -TERM $PPID; exec sleep 60",
     "trap '' TERM; echo $$ > process; kill -TERM $PPID; while :; do sleep 1; done"],
    ids=["gentle", "stubborn"],
)  # fmt: skip
def test_signal_to_evcli_ends_the_command_too(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """In a process: where there are other threads, as in a runner of tests, they take the signal."""
    monkeypatch.chdir(tmp_path)
    ran = run_process("bisect", *shell(script), command=IMPATIENT)
    assert (ran.code, ran.out, ran.err) == (143, b"", b"error: interrupted; nothing was written\n")
    assert not is_there(int(Path("process").read_text()))


def test_command_need_not_read_its_stdin(cli: Cli) -> None:
    many_events(cli, 3_000)
    assert len(cli.ok("state", "--json").out) > 1 << 17, "more than a pipe holds"
    assert found(cli, "--from", "2998", "--", "sh", "-c", "test $EVCLI_BISECT_EVENT -lt 3000") == 3000


# --- wrong words ------------------------------------------------------------------------------------------------------

ONE = ("bisect looks for one thing", "--user WHO --is live")


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        ((), ONE),
        (("--count-over", "1", "--", "true"), ONE),
        (("--count-over", "1", "--user", "1", "--is", "live"), ONE),
        (("--user", "1"), ("--user needs --field FIELD --equals VALUE, or --is live or --is destroyed",)),
        (("--user", "1", "--field", "name"), ("--user needs",)),
        (("--user", "1", "--equals", "Ada"), ("--user needs",)),
        (("--user", "1", "--field", "name", "--equals", "Ada", "--is", "live"), ("--user needs",)),
        (("--user", "1", "--is", "gone"), ('--is "gone" is not live or destroyed',)),
        (("--user", "1", "--field", "age", "--equals", "3"), ('"age": user has no such', "fields are name, email")),
        (("--user", "1", "--field", "email", "--equals", "ada"), ("the e-mail",)),
        (("--field", "name", "--equals", "Ada"), ("are about one record", "--user WHO names it")),
        (("--count-over", "1", "--kind", "cat"), ("there is no such kind of record",)),
        (("--user", "1", "--is", "live", "--kind", "user"), ("--kind is for --count-over", "--user WHO")),
        (("--count-over", "-1"), ("--count-over",)),
        (("--count-over", "1", "--from", "8"), ("--from is event 8, and --to event 8",)),
        (("--count-over", "1", "--from", "4", "--to", "3"), ("--from is event 4, and --to event 3",)),
        (("--count-over", "1", "--to", "9"), ("there is no such event",)),
    ],
    ids=str,
)
def test_wrong_words_are_explained(story: Cli, words: tuple[str, ...], phrases: tuple[str, ...]) -> None:
    refuses(story, ("bisect", *words), 2, *phrases)


def test_case_of_a_field_and_of_what_a_record_is_does_not_matter(story: Cli) -> None:
    assert found(story, "--user", "3", "--is", "Destroyed") == 8
    assert found(story, "--user", "1", "--is", "LIVE") == 1
    assert found(story, "--user", "3", "--field", "Name", "--equals", "Alan") == 7


def test_record_is_meant_as_of_the_end(story: Cli) -> None:
    refuses(story, ("bisect", "--user", "Alan", "--is", "live", "--to", "5"), 1, "user 3 was created by event 7")
    assert found(story, "--user", "grace@example.com", "--is", "live", "--to", "3") == 2


def test_day_of_from_means_its_beginning(story: Cli) -> None:
    ran = story.ok("bisect", "--count-over", "0", "--from", "2026-03-01")
    assert ran.err.startswith("since 2026-03-01 (beginning of day, +00:00): after event 0, the empty register\n")
    assert len(lines_in(story.log)) == 8
