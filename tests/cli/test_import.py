"""`evcli import`: its answers and exit codes, and that it can be run again; the rules of rows are in tests/transfer."""

import errno
import fcntl
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pytest
from conftest import Cli, Ran
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.calls import Calls, signal_after_each_append
from support.logs import locked_by_another

from cli.support import EVCLI, events_in, fails, in_json, many_events, run_process, run_shell
from evcli.domain.overlay import records_of
from evcli.domain.state import State
from evcli.log.line import MAX_BATCH

NOW = "2026-03-01T09:00:00.000000Z"
ADA = ("user", "create", "Ada", "--email", "ada@example.com")


@pytest.fixture
def load(cli: Cli, tmp_path: Path) -> Any:
    """Import a file with that content: `load(b"…", "--dry-run")`; named people.csv unless told otherwise."""

    def run(content: str | bytes, *words: str, name: str = "people.csv") -> Ran:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        ran = cli("import", str(path), *words)
        shown = [text.replace(str(path), name) for text in (ran.out, ran.err)]
        return Ran(ran.code, *shown)

    return run


def people(count: int, first: int = 1) -> str:
    """A CSV file of that many people."""
    rows = (f"Person {number},person.{number}@example.com\n" for number in range(first, first + count))
    return "name,email\n" + "".join(rows)


def users(cli: Cli) -> list[tuple[str, str]]:
    """Names and e-mails of the users that evcli lists."""
    return [(user["name"], user["email"]) for user in in_json(cli, "user", "list")]


def counts(
    events: int, first: int | None, last: int | None, rows: int, *, already: int = 0, recorded: bool = True
) -> dict[str, Any]:
    """The answer as JSON."""
    return {
        "events": events, "first": first, "last": last, "rows": rows, "skipped": 0, "already": already,
        "recorded": recorded, "began": recorded and first == 1, "changed": events,
        "undone": [], "differing": [], "repeated": [],
    }  # fmt: skip


# --- what is accepted -------------------------------------------------------------------------------------------------


def test_rows_are_recorded_as_events(cli: Cli, load: Any) -> None:
    ran = load("name,email,Note\nAda Lovelace,ada@example.com,x\nGrace,grace@example.com,y\n")
    assert ran == Ran(
        0,
        "imported 2 users from people.csv: events 1 to 2\nundo: evcli user destroy 1 2\n",
        f"people.csv: ignored column: Note\nbegan a new log at {cli.log}\n",
    )
    assert [event["data"]["name"] for event in events_in(cli.log)] == ["Ada Lovelace", "Grace"]
    ran = load("action,name,email\ndestroy,,ada@example.com\nrename,Grace Hopper,grace@example.com\n")
    assert ran == Ran(0, "imported 2 events from people.csv: events 3 to 4 (2 users were changed by it)\n", "")
    assert users(cli) == [("Grace Hopper", "grace@example.com")]
    cli.ok("verify")


def test_recorded_moments_never_go_back_with_the_clock(cli: Cli, load: Any) -> None:
    cli.ok(*ADA)
    cli.clock.advance(hours=-1)
    ran = load("name,email,date\nBob,bob@example.com,2020-01-01\nEve,eve@example.com,\n")
    assert ran.code == 0
    assert ran.err.count("warning: this clock is 1:00:00 behind event 1") == 1
    _, old, new = events_in(cli.log)
    assert old["recordedtime"] == new["recordedtime"] == NOW
    assert new["time"] == "2026-03-01T08:00:00.000000Z"
    cli.ok("verify")


def test_header_alone_is_nothing_to_import(cli: Cli, load: Any) -> None:
    assert load("name,email\n") == Ran(0, "nothing to import: people.csv has no rows\n", "")
    assert not cli.log.exists()


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "phrases"),
    [
        (b"", "people.csv", ("people.csv is empty", "name and email")),
        (b"name,email\nAda,ada\n", "people.csv", ("people.csv line 2, email: ", '"ada"', "@")),
        (
            b"name,email\nM\xfcller,m@example.com\n",
            "people.csv",
            ("line 2", "windows-1252, --encoding windows-1252 reads it"),
        ),
        (b"\x1f\x8b....", "people.csv", ("people.csv is damaged", "gzip", "download or copy it again")),
        (b'{"name":"Ada"}\n', "people.csv", ("looks like JSON", "--from jsonl")),
        (b'{"name":"Ada"}\n[5]\n', "people.jsonl", ("people.jsonl line 1, email: is missing",)),
        (b'["Ada"]\n', "people.jsonl", ("people.jsonl line 1: is not a JSON object", "a row is like")),
    ],
)
def test_bad_input_is_2_with_its_place_and_a_way_out(
    cli: Cli, load: Any, content: bytes, name: str, phrases: tuple[str, ...]
) -> None:
    fails(load(content, name=name), 2, name, "nothing was written", *phrases)
    assert not cli.log.exists()


def test_destroyed_user_of_an_export_is_a_bad_row(cli: Cli, load: Any) -> None:
    cli.ok(*ADA)
    cli.ok("user", "destroy", "1")
    listed = cli.ok("user", "list", "--all", "--format", "csv").out
    cli.log.unlink()
    fails(load(listed), 2, "people.csv line 2, destroyed: ", "nothing was written")


def test_file_that_cannot_be_read_or_form_that_is_unknown_is_2(cli: Cli, load: Any, tmp_path: Path) -> None:
    for file in ("missing.csv", "."):
        fails(cli("import", str(tmp_path / file)), 2, "cannot be read")
    fails(cli("import", "x\0y"), 2, "NUL")
    fails(load(people(1), "--from", "xml"), 2, '--from "xml"', "csv, jsonl")


ENDLESS = {
    "row of cells": (r'name,email\n"', """yes 'a","' | head -c 300000000""", "csv"),
    "header": ('"', """yes 'a","' | head -c 300000000""", "csv"),
    "line": (r"name,email\nx", "head -c 300000000 /dev/zero", "csv"),
    "object": (r'{"name":"', "head -c 300000000 /dev/zero", "jsonl"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_row_is_refused_before_it_fills_the_memory(what: str) -> None:
    beginning, endless, form = ENDLESS[what]
    ran = run_shell(f"""{{ printf '{beginning}'; {endless}; }} | (ulimit -v 400000; "$@" import - --from {form})""")
    assert ran.code == 2, ran
    assert b"has more than 1,048,576 bytes" in ran.err


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl", ""]))
@example(b'"', "csv")
@example(b"\xef\xbb\xbf", "")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_input_is_a_bug(load: Any, content: bytes, form: str) -> None:
    words = ("--from", form) if form else ()
    for begun in (content, b"name,email\n" + content, b"name,email,date,action,reason\n" + content):
        ran = load(begun, "--dry-run", *words)
        assert ran.code in (0, 1, 2), ran
        assert load(begun, *words).code == ran.code


cells = st.text(st.characters(codec="utf-8"), max_size=12)
rows = st.lists(st.tuples(st.sampled_from(["Ada", "Bob"]) | cells, st.sampled_from(["a@x.de", "b@x.de"]) | cells,
    st.sampled_from(["", "create", "rename", "destroy", "restore", "change-email"])), max_size=6)  # fmt: skip


@given(rows)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_same_rows_in_csv_and_json_lines_are_the_same_import(cli: Cli, load: Any, rows: list[tuple[str, ...]]) -> None:
    import csv
    import io

    members = ("name", "email", "action")
    text = io.StringIO()
    csv.writer(text).writerows([members, *rows])
    objects = "".join(json.dumps(dict(zip(members, row, strict=True))) + "\n" for row in rows if any(row))
    ends = []
    for content, name in ((text.getvalue(), "a.csv"), (objects or "\n", "a.jsonl")):
        cli.log.unlink(missing_ok=True)
        ran = load(content, name=name)
        ends.append((ran.code, cli.log.read_bytes() if cli.log.exists() else b""))
    assert ends[0] == ends[1]


def test_first_bad_row_is_told_without_reading_the_rest(cli: Cli) -> None:
    ran = run_shell("""{ printf 'name,email\\n'; yes x | head -c 1000000000; } | "$@" import -""")
    assert (ran.code, ran.err.split(b";")[0]) == (2, b"error: stdin line 2: has 1 cell, but the header has 2")


def test_second_row_with_an_email_is_1_and_can_be_skipped(cli: Cli, load: Any) -> None:
    ran = load("name,email\nAda,ada@example.com\nBob,bob@example.com\nEve,ADA@example.com\nZoe,no\n")
    fails(ran, 1, "people.csv line 4", "line 2 already has that e-mail", "nothing was written", "--skip-existing")
    assert not cli.log.exists()


def test_existing_user_is_refused_or_skipped_with_skip_existing(cli: Cli, load: Any) -> None:
    cli.ok(*ADA)
    content = "name,email\nBob,bob@example.com\nAda L,Ada@Example.com\nBob,bob@example.com\nEve,eve@example.com\n"
    fails(load(content), 1, "line 3: e-mail Ada@Example.com is taken by user 1", "nothing was written")
    ran = load(content, "--skip-existing")
    assert ran.out.splitlines()[0] == "imported 2 users from people.csv: events 2 to 3 (2 rows were skipped)"
    assert "line 4: skipped: the same e-mail as line 2" in ran.err
    assert [name for name, _ in users(cli)] == ["Ada", "Bob", "Eve"]
    again = load(content, "--skip-existing")
    told = "nothing to import from people.csv: 2 rows were skipped, 2 rows were already recorded\n"
    assert again == Ran(0, told, "")


def test_dry_run_names_every_bad_row_and_writes_nothing(cli: Cli, load: Any) -> None:
    rules = load("name,email\nAda,a@example.com\nBob,a@example.com\n", "--dry-run")
    assert (rules.code, cli.log.exists()) == (1, False), "only rules are broken"
    cli.ok(*ADA)
    bad = b'Ada,ada@example.com\nx,no\nM\xfc,m@example.com\nBo,bob@example.com\n"a"b,c\n'
    before = cli.log.read_bytes()
    ran = load(b"name,email\nBob,bob@example.com\n" + bad + b"Eve,e@x.de\n", "--dry-run")
    told = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert [re.search(r"line (\d+)", line)[1] for line in told] == ["3", "4", "5", "6", "7"]  # type: ignore[index]
    assert ran.err.splitlines()[-1] == "error: 5 of 7 rows of people.csv are bad; nothing was written"
    assert (ran.code, ran.out) == (2, "")
    assert cli.log.read_bytes() == before


def test_dry_run_says_what_would_be(cli: Cli, load: Any) -> None:
    ran = load(people(5000), "--dry-run")
    said, *shown = ran.out.splitlines()
    assert said == "would import 5,000 users from people.csv: events 1 to 5,000"
    assert shown[19:] == ["  user 20 created: Person 20 <person.20@example.com>", "  and 4,980 more"]
    assert ran.err == f"dry run: nothing was written; this would begin a new log at {cli.log}\n"
    document = json.loads(load(people(5000), "--dry-run", "--json").out)
    assert [change["row"] for change in document.pop("changes")] == [*range(1, 5001)]
    assert document == counts(5000, 1, 5000, 5000, recorded=False)
    assert not cli.log.exists()


def test_dry_run_says_whom_and_what_it_would_change(cli: Cli, load: Any) -> None:
    load(people(3))
    content = (
        "name,email,action,reason\nAda,person.1@example.com,rename,\n\nAda,a@example.com,change-email,so\n"
        "Twice,person.3@example.com,,\n,a@example.com,destroy,\n,a@example.com,restore,\nKurt,kurt@example.com,,\n"
    )
    assert load(content, "--dry-run", "--skip-existing").out.splitlines()[1:] == [
        '  user 1: name "Person 1" → "Ada"',
        '  user 1 "Ada": e-mail "person.1@example.com" → "a@example.com"',
        "  user 1 destroyed: Ada <a@example.com>",
        "  user 1 restored: Ada <a@example.com>",
        "  user 4 created: Kurt <kurt@example.com>",
    ]
    assert load(content, "--dry-run", "--skip-existing").err.startswith(
        "dry run: nothing was written; this is the plan\n"
    )
    assert load("name,email\n", "--dry-run").err == "dry run: there is nothing to write\n"
    changes = json.loads(load(content, "--dry-run", "--skip-existing", "--json").out)["changes"]
    ada = {"id": 1, "name": "Person 1", "email": "person.1@example.com", "created": 1, "changed": 1, "destroyed": None}
    after = {**ada, "name": "Ada", "changed": 4}
    assert changes[0] == {
        "row": 1, "line": 2, "event": 4, "kind": "user", "id": 1, "time": None, "before": ada, "after": after,
    }  # fmt: skip
    assert [(change["row"], change["line"], change["event"]) for change in changes] == [
        (1, 2, 4), (2, 4, 5), (4, 6, 6), (5, 7, 7), (6, 8, 8),
    ]  # fmt: skip
    assert changes[-1]["before"] is None
    assert "changes" not in json.loads(load(content, "--skip-existing", "--json").out)


def test_error_about_a_row_has_its_number_line_and_field_as_json(cli: Cli, load: Any) -> None:
    content = 'name,email,note\nAda,ada@example.com,"a\nb"\nBob,bob\nEve,eve,\nZoe,ada@example.com,\n'
    told = [json.loads(line) for line in load(content, "--dry-run", "--json").err.splitlines()]
    bad = [each["warning"] for each in told if "warning" in each]
    assert [(each["row"], each["line"], each.get("field")) for each in bad] == [
        (2, 4, None), (3, 5, "email"), (4, 6, None),
    ]  # fmt: skip
    assert "the user of line 2 already" in bad[2]["message"]
    error = json.loads(load(content.replace("Bob,bob\n", ""), "--json").err.splitlines()[-1])["error"]
    assert (error["row"], error["line"], error["field"]) == (2, 4, "email")
    assert "row 2 (line 4), email" in error["message"]


def test_row_of_an_earlier_batch_is_named_though_one_before_it_was_skipped(cli: Cli, load: Any) -> None:
    load(people(2))
    content = "name,email,action\nx,person.1@example.com,\nNew,new@example.com,\nBad,bad,\n"
    told = load(f"{content}Person 2,new@example.com,change-email\n", "--dry-run", "--skip-existing").err
    assert "line 5: the user of line 3 already has that e-mail" in told, "the bad row ends a batch"


@pytest.mark.parametrize(("action", "meant"), [("delete", "destroy"), ("Remove", "destroy"), ("add", "create")])
def test_action_of_another_name_is_told_the_verb(cli: Cli, load: Any, action: str, meant: str) -> None:
    content = f"name,email,action\nAda,a@example.com,{action}\nBob,b@example.com,{action}\n"
    fails(load(content), 2, f'line 2, action: "{action}" is not one of', f"hint: did you mean {meant}?")
    told = load(content, "--dry-run").err
    assert told.count(f"; did you mean {meant}?") == 1, "each hint is told once"
    fails(load("name,email,action\nAda,a@example.com,ls\n"), 2, "change-email, destroy, restore; nothing was written\n")


# --- batches, and running it again ------------------------------------------------------------------------------------


def test_bad_row_stops_it_before_its_batch_and_a_new_run_goes_on(cli: Cli, load: Any) -> None:
    content = people(9000).replace("person.8000@", "person.8000")
    ran = load(content)
    assert ran.code == 2
    stored = len(events_in(cli.log))
    assert 0 < stored < 7999
    assert "people.csv line 8001, email: " in ran.err
    assert f"the rows up to line {stored + 1:,} are recorded (events 1 to {stored:,})" in ran.err
    gaps = load(content.replace("\n", "\n\n"))
    assert f"the rows up to row {stored:,} (line {2 * stored + 1:,}) are recorded; run" in gaps.err
    assert "run it again to continue from there" in ran.err
    assert max(map(len, cli.log.read_bytes().splitlines())) * stored > MAX_BATCH / 2
    ran = load(people(9000))
    assert ran.out.startswith(
        f"imported {9000 - stored:,} users from people.csv: events {stored + 1:,} to 9,000 ({stored:,} rows were"
    )
    resumed = cli.log.read_bytes()
    assert users(cli) == [(f"Person {number}", f"person.{number}@example.com") for number in range(1, 9001)]
    cli.log.unlink()
    cli.log.with_name("events.jsonl.cache").unlink()
    load(people(9000))
    assert cli.log.read_bytes() == resumed, "the same events, since the clock did not move"


def test_second_run_finds_all_recorded_and_writes_nothing(cli: Cli, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load(people(100))
    before = cli.log.read_bytes()
    for _ in range(2):
        ran = load(people(100))
        assert ran == Ran(0, "nothing to import from people.csv: 100 rows were already recorded\n", "")
    assert json.loads(load(people(100), "--json").out) == counts(0, None, None, 100, already=100)
    assert cli.log.read_bytes() == before

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("evcli.log.file.view.sync", fail)  # what is said to be there is synced first
    fails(load(people(100)), 15, "may not be durable")


def test_second_run_undoes_nothing_that_happened_since(cli: Cli, load: Any) -> None:
    cli.ok("user", "create", "Taken", "--email", "taken@example.com")
    content = "name,email,action\nBob,bob@example.com,\nT,taken@example.com,\nx,taken@example.com,destroy\n"
    content += "Eve,eve@example.com,\n"
    assert load(content, "--skip-existing").code == 0
    cli.ok("user", "destroy", "2")
    cli.ok("user", "change-email", "3", "eve@example.org")
    before = cli.log.read_bytes()
    assert load(content, "--skip-existing").out.endswith(": 1 row was skipped, 3 rows were already recorded\n")
    assert cli.log.read_bytes() == before, "a row that was skipped stays skipped"


def test_file_changed_in_the_middle_goes_on_with_skip_existing(cli: Cli, load: Any) -> None:
    load(people(4))
    changed = people(4).replace("Person 2,", "Person B,").replace("person.3@", "person.c@")
    fails(load(changed), 1, "line 3", "is taken by user 2")
    ran = load(changed, "--skip-existing")
    assert ran.out.startswith(
        "imported 1 user from people.csv: event 5 (2 rows were skipped, 1 row was already recorded)\n"
    )
    assert users(cli)[-1] == ("Person 3", "person.c@example.com")


def test_pipe_is_read_in_either_form_and_can_be_run_again(cli: Cli) -> None:
    content = people(9000).encode()
    for sent, answer in (
        (content, b"imported 9,000 users from stdin"),
        (content, b"nothing to import from stdin: 9,000 rows"),
        (content + b"Zoe,zoe@example.com\n", b"imported 1 user from stdin: event 9,001 (9,000 rows"),
        (b'{"name":"Bea","email":"bea@example.com"}\n', b"imported 1 user from stdin: event 9,002"),
    ):
        ran = run_process("import", "-", input=sent)
        assert (ran.code, ran.out[: len(answer)]) == (0, answer)


def test_two_imports_at_once_record_every_row_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(people(20_000))
    words = [*EVCLI, "import", str(tmp_path / "people.csv")]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for one in both:
        _, err = one.communicate()
        assert one.returncode in (0, 13), err
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    ids = [event["id"] for event in events_in(cli.log)]
    assert len(ids) == len(set(ids)) == 20_000


class Importing:
    """An import that reads from a FIFO, in a process of its own."""

    def __init__(self, log: Path) -> None:
        fifo = log.parent / "fifo"
        os.mkfifo(fifo)
        self.process = subprocess.Popen([*EVCLI, "import", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pipe = fifo.open("w")
        self._log = log

    def write(self, content: str) -> None:
        """Let it read this, and wait until it has stored some of it."""
        self.pipe.write(content)
        self.pipe.flush()
        deadline = time.monotonic() + 30
        while not (self._log.exists() and self._log.stat().st_size > 0):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def importing(cli: Cli) -> Iterator[Importing]:
    """An import that waits for rows."""
    found = Importing(cli.log)
    yield found
    with suppress(BrokenPipeError):
        found.pipe.close()
    found.process.kill()
    found.process.wait()


def test_others_may_write_between_the_batches(cli: Cli, importing: Importing) -> None:
    importing.write(people(6000))
    cli.ok("user", "create", "Zoe", "--email", "zoe@example.com")
    importing.pipe.write(people(6000, 6001).partition("\n")[2])
    importing.pipe.close()
    out, _ = importing.process.communicate()
    assert importing.process.returncode == 0
    assert out.startswith(b"imported 12,000 users from ")
    assert b"12,000 events between 1 and 12,001" in out
    cli.ok("verify")


def test_import_killed_and_run_again_ends_as_one_clean_run(cli: Cli, tmp_path: Path) -> None:
    content = "name,email,action,date\n"
    chance = random.Random(4)
    for number in range(9000):
        content += f"Person {number},p{number}@example.com,,2020-01-{number % 28 + 1:02}\n"
        if number % 5 == 4:
            content += f"x,p{chance.randrange(number - 4, number)}@example.com,destroy,\n"
        if number % 700 == 699:
            content += "Ada,taken@example.com,,\nx,taken@example.com,destroy,\n"
    (tmp_path / "people.csv").write_text(content)

    def run(log: Path) -> tuple[str, ...]:
        return (*EVCLI, "--log", str(log), "import", str(tmp_path / "people.csv"), "--skip-existing")

    clean, killed = tmp_path / "clean.jsonl", tmp_path / "killed.jsonl"
    for log in (clean, killed):
        assert run_process("--log", str(log), "user", "create", "T", "--email", "taken@example.com").code == 0
    start = time.monotonic()
    assert run_process(command=run(clean)).code == 0
    lasts = time.monotonic() - start
    kills = 0
    for _ in range(60):
        if kills == 6:
            break
        process = subprocess.Popen(run(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 0.9) * lasts)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills == 6
    for _ in range(2):
        assert run_process(command=run(killed)).code == 0
    assert ids_and_data(killed) == ids_and_data(clean)
    assert run_process("--log", str(killed), "verify").code == 0


def ids_and_data(log: Path) -> list[tuple[Any, ...]]:
    """What the events after the first say, but for when they were recorded."""
    return [(event["id"], event["type"], event["subject"], event["data"]) for event in events_in(log)[1:]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_between_batches_and_it_says_what_is_there(cli: Cli, importing: Importing, number: int) -> None:
    importing.write(people(6000))
    time.sleep(0.5)
    importing.process.send_signal(number)
    out, err = importing.process.communicate()
    assert (importing.process.returncode, out) == (128 + number, b"")
    stored = len(events_in(cli.log))
    assert 0 < stored < 6000
    assert err.decode() == (
        f"began a new log at {cli.log}\n"
        f"error: interrupted; the rows up to line {stored + 1:,} are recorded (events 1 to {stored:,}); "
        "run it again to continue from there\n"
    )


def test_signal_after_the_write_of_a_batch_waits_for_its_count(
    cli: Cli, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal_after_each_append(monkeypatch, signal.SIGINT)
    ran = load(people(3))
    assert ran.code == 130
    assert len(events_in(cli.log)) == 3
    assert "the rows up to line 4 are recorded (events 1 to 3)" in ran.err


def test_batch_is_one_write_and_one_sync(cli: Cli, load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, cli.log)
    load(people(20_000))
    events = events_in(cli.log)
    batches = len({event["batch"] for event in events})
    assert len(events) == 20_000
    assert batches > 5
    writes = ["write log", "fsync log"] * batches
    assert [call for call in calls.made if not call.endswith("copy")] == ["fsync folder", "fsync folder above", *writes]


def test_import_continues_a_log_of_others(cli: Cli, load: Any) -> None:
    many_events(cli, 3000)
    assert load(people(4000)).out.startswith("imported 4,000 users from people.csv: events 3,001 to 7,000\n")
    cli.ok("verify")


def test_locked_log_is_11(cli: Cli, load: Any) -> None:
    cli.ok(*ADA)
    with cli.log.open("rb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        fails(load(people(1), "--lock-wait", "0.05"), 11, "is locked", "waited 0.05 s; nothing was written")
    assert load(people(1), "--lock-wait", "-1").code == 2


def test_full_disk_is_14_and_says_what_is_recorded(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(people(9000))
    ran = run_shell('ulimit -f 2500; "$@"', "import", str(tmp_path / "people.csv"))
    assert ran.code == 14, ran
    stored = len(events_in(cli.log))
    assert 0 < stored < 9000
    assert f"events {stored + 1} to " in ran.err.decode()
    assert f"the rows up to line {stored + 1:,} are recorded (events 1 to {stored:,})" in ran.err.decode()
    assert run_process("import", str(tmp_path / "people.csv")).code == 0
    assert len(events_in(cli.log)) == 9000


def test_damaged_log_is_12_and_stays_as_it_is(cli: Cli, load: Any) -> None:
    load(people(3))
    cli.log.write_bytes(cli.log.read_bytes().replace(b"Person 2", b"Person X"))
    before = cli.log.read_bytes()
    for content in (people(3), people(4)):
        fails(load(content), 12, "line 2", "nothing was written")
    assert cli.log.read_bytes() == before


# --- recorded before, but not there -----------------------------------------------------------------------------------


def test_recorded_row_that_does_not_stand_any_more_is_warned_of(cli: Cli, load: Any) -> None:
    load(people(3))
    cli.ok("user", "destroy", "3")
    told = (
        "warning: people.csv line 4: recorded as event 3, but user 3 was destroyed by event 4\n"
        "warning: people.csv: --again --skip-existing records anew what is missing\n"
    )
    answer = "imported 1 user from people.csv: event 5 (3 rows were already recorded)\nundo: evcli user destroy 4\n"
    assert load(people(4)) == Ran(0, answer, told)
    row = {"row": 3, "line": 4, "event": 3, "kind": "user", "id": 3, "now": "destroyed", "by": 4}
    assert json.loads(load(people(4), "--json").out) == counts(0, None, None, 4, already=4) | {"undone": [row]}
    assert load(people(4), "-q").err == told
    assert load(people(5).replace("person.5@", "person.5")).err.startswith("error: ")
    ran = load(people(4), "--again", "--skip-existing")
    assert ran.out.startswith("imported 1 user from people.csv: event 6 (3 rows were skipped)\n")
    assert load(people(4)) == Ran(0, "nothing to import from people.csv: 4 rows were already recorded\n", "")


def test_record_of_a_cached_log_is_looked_at_only_if_one_of_those_around_it_has_ended(
    cli: Cli, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = people(2500)
    load(content)
    cli.ok("user", "create", "Zoe", "--email", "zoe@example.com")
    cli.ok("user", "destroy", "2501")
    assert load(content).err == ""
    looked: list[int] = []

    def look(state: State, kind: str, ids: Sequence[int]) -> dict[int, Any]:
        looked.extend(ids)
        return records_of(state, kind, ids)

    monkeypatch.setattr("evcli.transfer.undone.records_of", look)
    assert load(content).err == ""
    assert looked == []
    cli.ok("user", "destroy", "2300", "2499")
    assert "line 2301: recorded as event 2300, but" in load(content).err
    assert looked == [*range(2001, 2501)]
    ended = "action,name,email\ndestroy,,person.7@example.com\n"
    load(ended)
    cli.ok("user", "restore", "7")
    assert "line 2: recorded as event 2505, but user 7 was restored by event 2506" in load(ended).err


@pytest.mark.parametrize("damage", [("user/2400", "user/9400"), ("user.created", "user.creates")])
def test_damaged_line_that_only_the_cache_knows_is_left_to_whoever_reads_it(
    cli: Cli, load: Any, damage: tuple[str, str]
) -> None:
    load(people(2500))
    load(people(2500))
    cli.ok("user", "destroy", "2400")
    lines = cli.log.read_bytes().splitlines(keepends=True)
    lines[2399] = lines[2399].replace(damage[0].encode(), damage[1].encode())
    cli.log.write_bytes(b"".join(lines))
    assert load(people(2500)) == Ran(0, "nothing to import from people.csv: 2,500 rows were already recorded\n", "")
    assert cli("verify").code == 12


def test_few_rows_are_warned_of_one_by_one_and_json_has_all(cli: Cli, load: Any) -> None:
    load(people(30))
    cli.ok("user", "destroy", *map(str, range(1, 31)))
    warned = load(people(30)).err.splitlines()
    assert [len(warned), warned[19].split(":")[1]] == [22, " people.csv line 21"]
    assert warned[20] == "warning: people.csv: 10 more rows were recorded but do not stand any more"
    assert len(json.loads(load(people(30), "--json").out)["undone"]) == 30
    assert len(load(people(30), "--again").out.splitlines()[0].split(",")) == 1
    differing = load(people(30).replace("Person", "Mx"), "--skip-existing").err.splitlines()
    assert len(differing) == 21
    assert (
        differing[20]
        == "warning: people.csv: 10 more rows were skipped that repeat an earlier one or say something else"
    )


def test_another_series_is_refused_where_users_are_there_and_says_what_skips_them(cli: Cli, load: Any) -> None:
    load(people(2))
    fails(load(people(2), "--again"), 1, "line 2: e-mail person.1@example.com is taken by user 1", "--skip-existing")


def test_unfinished_series_is_finished_before_all_is_recorded_anew(cli: Cli, load: Any) -> None:
    load(people(2))
    ran = load(people(3), "--again")
    assert ran.out.startswith("imported 1 user from people.csv: event 3 (2 rows were already recorded)\n")
    assert ran.err == (
        "people.csv: an earlier run was not finished; this one went on with it, and the next --again begins anew\n"
    )


def test_skipped_recorded_and_changed_are_three_numbers(cli: Cli, load: Any) -> None:
    cli.ok(*ADA)
    content = "name,email,action\nBob,bob@example.com,\nAda,ada@example.com,\n"
    load(content, "--skip-existing")
    content += "Eve,eve@example.com,\nEva,eve@example.com,rename\nBo,bob@example.com,rename\nAda,ada@example.com,\n"
    content += "Zoe,zoe@example.com,\n"
    words = "(3 users would be changed by it, 2 rows were skipped, 1 row was already recorded)"
    said, *_ = load(content, "--skip-existing", "--dry-run").out.splitlines()
    assert said == f"would import 4 events from people.csv: events 3 to 6 {words}"
    document = json.loads(load(content, "--skip-existing", "--json").out)
    assert [document[name] for name in ("changed", "skipped", "already", "events")] == [3, 2, 1, 4]


def test_skipped_row_says_what_differs_or_which_line_it_repeats(
    cli: Cli, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok(*ADA)
    content = "name,email,reason\nBob,bob@example.com,\nAda King,ada@example.com,hired\nBo,Bob@example.com,\n"
    told = (
        'warning: people.csv line 3: skipped: user 1 has ada@example.com, but is called "Ada", not "Ada King"\n'
        "warning: people.csv line 4: skipped: the same e-mail as line 2\n"
    )
    ran = load(content, "--skip-existing", "--dry-run", "--json")
    document = json.loads(ran.out)
    assert document["differing"] == [
        {"row": 2, "line": 3, "kind": "user", "id": 1, "name": {"is": "Ada", "says": "Ada King"}}
    ]
    assert document["repeated"] == [{"row": 3, "line": 4, "kind": "user", "id": 2, "same_as": {"row": 1, "line": 2}}]
    assert told + "error: 1 of 4 rows" in load(content + "x,no,\n", "--skip-existing", "--dry-run").err
    monkeypatch.setattr("evcli.transfer.run.MAX_BATCH", 1)
    first, _, _ = told.partition("warning: people.csv line 4")
    assert load(content + "x,no,\n", "--skip-existing").err.startswith(first + "error: people.csv line 5, email: ")
    cli.log.unlink()
    cli.ok(*ADA)
    assert load(content, "--skip-existing").err == told


# --- answers ----------------------------------------------------------------------------------------------------------


def test_answer_has_every_form(cli: Cli, load: Any) -> None:
    assert load(people(1), "-q") == Ran(0, "", "")
    assert load(people(2), "--format", "csv").out == (
        "events,first,last,rows,skipped,already,recorded,began,changed,undone,differing,repeated\r\n"
        "1,2,2,2,0,1,True,False,1,0,0,0\r\n"
    )
    assert json.loads(load(people(4), "--json").out) == counts(2, 3, 4, 4, already=2)
    ran = load("name,email\nx,y\n", "--json")
    assert json.loads(ran.err)["error"]["exit"] == 2
    assert (ran.code, ran.out) == (2, "")


def test_undo_names_few_new_users_and_not_many(cli: Cli, load: Any) -> None:
    assert load(people(2)).out.endswith("\nundo: evcli user destroy 1 2\n")
    cli.ok("user", "destroy", "1", "2")
    assert load(people(2, 10)).out.endswith("\nundo: evcli user destroy 3 4\n")
    assert "undo" not in load(people(50, 100)).out


def test_lost_answer_is_16_and_says_what_is_stored(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(people(3))
    ran = run_shell('"$@" > /dev/full', "import", str(tmp_path / "people.csv"))
    assert ran.code == 16
    assert b"imported 3 users" in ran.err
    assert len(events_in(cli.log)) == 3


def test_progress_is_shown_on_a_terminal_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(people(12_000))
    command = [*EVCLI, "import", str(tmp_path / "people.csv")]
    child = pexpect.spawn(command[0], command[1:], env={**os.environ, "TERM": "xterm"}, encoding="utf-8", timeout=60)
    printed = child.read()
    child.wait()
    assert re.search(r"[\d,]+ rows, [\d,]+ a second", printed)
    assert re.search(r"\d:\d\d", printed)
    assert "imported 12,000 users" in printed
    cli.log.unlink()
    ran = run_process("import", str(tmp_path / "people.csv"))
    assert ran.err == f"began a new log at {cli.log}\n".encode()
    assert b"a second" not in ran.out


def test_row_to_skip_before_a_bad_cell_is_not_the_fault(cli: Cli, tmp_path: Path) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    people = tmp_path / "p.csv"
    people.write_text("name,email\nAda,a@example.com\nBob,no\n")
    fails(cli("import", str(people), "--skip-existing"), 2, f"{people} line 3, email")


def test_ignored_member_is_noted_though_the_write_fails(cli: Cli, tmp_path: Path) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    people = tmp_path / "p.jsonl"
    people.write_text('{"name":"B","email":"b@example.com"}\n{"name":"C","email":"c@example.com","age":"3"}\n')
    with locked_by_another(cli.log):
        fails(cli("import", str(people), "--lock-wait", "0"), 11, "ignored member: age")


def test_that_nothing_was_written_is_said_once(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.ok("user", "create", "Ada", "--email", "a@example.com")
    people = tmp_path / "p.csv"
    people.write_text("name,email\nBob,b@example.com\n")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("evcli.log.file.writer.sync", fail)
    assert cli("import", str(people)).err.count("nothing was written") == 1
