"""Kept heads: `evcli head --keep`, what `verify` finds by them, and their names as REFs."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Clock
from support.caches import cache_every_log
from support.calls import Calls
from support.events import forged

from cli.support import documents, events_in, fails, in_json, lines_in, refuses, spoil, untouched


def beside(cli: Cli) -> Path:
    """The file of heads beside the log."""
    return cli.log.with_name(cli.log.name + ".heads")


def head_of(cli: Cli, number: int) -> str:
    return f"{number}:{events_in(cli.log)[number - 1]['sha256']}"


def rewrite(cli: Cli, number: int, change: tuple[str, str]) -> None:
    """Change event `number`, and make all later hashes anew, as somebody can who has Python."""
    import hashlib

    previous, lines = b"0" * 64, list[bytes]()
    for line in cli.log.read_bytes().splitlines():
        body = line[:-77]
        if len(lines) == number - 1:
            old, new = (each.encode() for each in change)
            assert old in body
            body = body.replace(old, new)
        previous = hashlib.sha256(previous + body).hexdigest().encode()
        lines.append(body + b',"sha256":"' + previous + b'"}\n')
    cli.log.write_bytes(b"".join(lines))


@pytest.fixture
def kept(story: Cli, tmp_path: Path) -> Cli:
    """The story, with its head after event 3 kept as `Q1 review`, and that after event 8 as `Q2` elsewhere, too."""
    story.ok("head", "--keep", "Q1 review", "--at", "3", "-q")
    story.ok("head", "--keep", "Q2", "--to", str(tmp_path / "safe"), "-q")
    return story


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_a_kept_head_is_a_line_with_name_head_time_and_the_identity_of_the_log(story: Cli, tmp_path: Path) -> None:
    ran = story.ok("head", "--keep", "  Q1   review ", "--to", str(tmp_path / "safe"))
    assert ran.out == f"{head_of(story, 8)}\n"
    assert ran.err == f'kept as "Q1 review" in {tmp_path / "safe"} and {beside(story)}; evcli verify checks it\n'
    line = {
        "name": "Q1 review", "head": head_of(story, 8), "time": "2026-03-01T17:00:00.000000Z",
        "log": events_in(story.log)[0]["sha256"], "source": "evcli",
    }  # fmt: skip
    assert beside(story).read_text() == json.dumps(line, separators=(",", ":")) + "\n"
    assert (tmp_path / "safe").read_bytes() == beside(story).read_bytes()


def test_a_cache_changes_nothing_in_what_is_kept(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_every_log(monkeypatch)
    story.ok("state")
    for at in ("8", "5", "2026-03-01 11:00"):
        story.ok("head", "--keep", f"at {at.replace(':', '.')}", "--at", at, "-q")
    kept = [json.loads(line) for line in beside(story).read_text().splitlines()]
    assert [(each["head"], each["log"], each["source"]) for each in kept] == [
        (head_of(story, number), head_of(story, 1)[2:], "evcli") for number in (8, 5, 3)
    ]


def test_the_answer_in_json_says_where_the_head_is_kept(story: Cli) -> None:
    assert in_json(story, "head", "--at", "3", "--keep", "Q1") == {
        "number": 3, "sha256": head_of(story, 3)[2:], "name": "Q1", "time": "2026-03-01T17:00:00.000000Z",
        "log": head_of(story, 1)[2:], "files": [str(beside(story))], "recorded": True,
    }  # fmt: skip
    assert not in_json(story, "head", "--at", "3", "--keep", "q1")["recorded"]
    assert "--to FILE keeps it elsewhere" in story.ok("head", "--at", "3", "--keep", "Q1").err


def test_a_name_that_another_head_has_is_refused_and_the_same_head_is_kept_once(kept: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = kept.ok("head", "--keep", "q1  REVIEW", "--at", "3")
        assert ran.err.startswith('already kept as "Q1 review" in ')
    refuses(kept, ("head", "--keep", "q1 review"), 13, head_of(kept, 3), "evcli head --at 3 --keep 'Q1 review'")
    beside(kept).write_text(beside(kept).read_text().replace(head_of(kept, 3), "3:" + "0" * 64))
    refuses(kept, ("head", "--keep", "Q1 review", "--at", "3"), 13, "as another head, 3:000")
    beside(kept).write_text(beside(kept).read_text().replace("3:" + "0" * 64, head_of(kept, 3)))
    # In a file that does not have it yet, that same head is added.
    ran = kept.ok("head", "--keep", "Q1 Review", "--at", "3", "--to", str(tmp_path / "safe"))
    assert ran.err.startswith('kept as "Q1 review" in ')
    assert [json.loads(line)["name"] for line in (tmp_path / "safe").read_text().splitlines()] == ["Q2", "Q1 review"]
    assert beside(kept).read_bytes().count(b"\n") == 2


def test_the_file_beside_the_log_may_be_named_and_gets_one_line(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(story.log.parent)
    for number, path in enumerate((beside(story), tmp_path / "link" / beside(story).name), 1):
        ran = story.ok("head", "--keep", f"Q{number}", "--to", str(path))
        assert ran.err.startswith(f'kept as "Q{number}" in ')
        assert len(beside(story).read_text().splitlines()) == number


def test_a_file_may_be_in_the_home_folder(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    story.ok("head", "--keep", "Q1", "--to", "~/safe", "-q")
    assert (tmp_path / "home" / "safe").read_bytes() == beside(story).read_bytes()
    assert "1 in safe on the chain" in story.ok("verify", "--against", "~/safe").out


def test_signals_wait_until_the_kept_head_is_answered_for(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, story.log)
    held: list[set[int]] = []
    calls.before["write copy"] = lambda: held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    story.ok("head", "--keep", "Q1")
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= held[0]
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_name_that_is_taken_elsewhere_is_written_nowhere(kept: Cli, tmp_path: Path) -> None:
    beside(kept).unlink()
    with untouched(tmp_path):
        fails(kept("head", "--keep", "Q2", "--at", "4", "--to", str(tmp_path / "safe")), 13, "as another head")


OTHER_MOMENTS = [
    "42", "0", "@", "@home", "HEAD", "HEADquarters", "-5", "-x", "id:abc", "now", "today", "Today", "yesterday 17:00",
    "2026-03-01", "2026-03-01 09:00", "2026-13-01", "2024-02", "2024-Q1", "3 days ago", "5 parsecs ago",
    "1.3.2026", "2026/03/01", "3/1/2026", "March 1, 2026", "1 Mar 2026", "٢٠٢٦",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_MOMENTS)
def test_a_name_that_reads_as_another_moment_is_refused(story: Cli, name: str) -> None:
    refuses(story, ("head", f"--keep={name}"), 2, "another moment", f'as in "review {name}"')
    assert story.ok("head", f"--keep=review {name}", "-q").out


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "is empty"), (" ", "is empty"), ("a..b", "two dots"), ("a\x1bb", "U+001B"), ("n" * 201, "201 characters")],
)
def test_a_name_that_cannot_be_written_is_refused(story: Cli, name: str, why: str) -> None:
    refuses(story, ("head", f"--keep={name}"), 2, "the name", why)


def test_the_empty_register_has_no_head_to_keep(story: Cli) -> None:
    refuses(story, ("head", "--keep", "Q1", "--at", "0"), 2, "error: the empty register has no head that")
    story.log.write_bytes(b"")
    refuses(story, ("head", "--keep", "Q1"), 2, "the empty register")


def test_a_file_needs_a_name_for_the_head(story: Cli) -> None:
    refuses(story, ("head", "--to", "safe"), 2, "--to needs a name", "evcli head --keep NAME --to safe")


def test_what_is_no_file_of_heads_is_not_added_to(story: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("buy milk\n")
    (tmp_path / "folder").mkdir()
    for file, said in [
        *((each, "hint: name another FILE") for each in ("notes", "folder", "events.jsonl")),
        ("no/safe", "no/safe cannot be created: there is no such folder; nothing was written\nhint: if the path is "),
    ]:
        refuses(story, ("head", "--keep", "Q1", "--to", str(tmp_path / file)), 14, file, said)
    refuses(story, ("head", "--keep", "Q1", "--to", ""), 2, "valid name")


def test_a_file_of_another_log_is_not_added_to(kept: Cli, tmp_path: Path) -> None:
    other = Cli(tmp_path / "other.jsonl", Clock())
    other.ok("--log", str(other.log), "user", "create", "Zed", "--email", "zed@example.com")
    with untouched(tmp_path):
        ran = other("--log", str(other.log), "head", "--keep", "Q9", "--to", str(tmp_path / "safe"))
        here = json.loads(lines_in(other.log)[0])["sha256"][:12]
        fails(ran, 12, "line 1, byte 0: ", "belongs to another log", f"here it is {here}…", "name another FILE")


def test_where_the_folder_of_the_log_cannot_be_written_the_head_is_kept_elsewhere(story: Cli, tmp_path: Path) -> None:
    beside(story).mkdir()  # which stands for any reason, also as root
    ran = story.ok("head", "--keep", "Q1", "--to", str(tmp_path / "safe"), "--json")
    assert json.loads(ran.out)["files"] == [str(tmp_path / "safe")]
    assert "not kept beside the log" in documents(ran.err)[0]["warning"]["message"]
    fails(story("head", "--keep", "Q2"), 14, "--to FILE keeps it elsewhere")


def test_a_failure_beside_the_log_says_where_the_head_is_kept(
    story: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(story).touch(0o600)
    calls = Calls(monkeypatch, beside(story))
    calls.failing["write log"] = errno.ENOSPC
    ran = story("head", "--keep", "Q1", "--to", str(tmp_path / "safe"))
    fails(ran, 14, "No space left", f"it is kept in {tmp_path / 'safe'}")


def test_the_head_is_durable_before_it_is_answered_for(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, story.log)
    story.ok("head", "--keep", "Q1")
    assert calls.made == ["fsync log", "fsync copy", "fsync folder", "write copy", "fsync copy"]


# --- verify -----------------------------------------------------------------------------------------------------------


def statuses(cli: Cli, *words: str) -> dict[str, str]:
    """The status of each kept head, by its name, as `verify --json` has it."""
    return {each["name"]: each["status"] for each in json.loads(cli("verify", "--json", *words).out)["heads"]}


def test_verify_checks_the_heads_beside_the_log(kept: Cli) -> None:
    ran = kept.ok("verify")
    assert "kept_heads\t2 in events.jsonl.heads on the chain: Q1 review, Q2\n" in ran.out
    assert "who" in ran.err
    assert "evcli verify --against FILE" in ran.err
    assert statuses(kept) == {"Q1 review": "good", "Q2": "good"}
    assert in_json(kept, "verify")["heads"][0] == {
        "name": "Q1 review", "number": 3, "sha256": head_of(kept, 3)[2:], "time": "2026-03-01T17:00:00.000000Z",
        "file": str(beside(kept)), "status": "good",
    }  # fmt: skip


def test_verify_against_a_file_checks_it_too_and_needs_no_advice(kept: Cli, tmp_path: Path) -> None:
    ran = kept.ok("verify", "--against", str(tmp_path / "safe"))
    assert "kept_heads\t1 in safe on the chain: Q2\n" in ran.out
    assert ran.err == ""
    assert len(in_json(kept, "verify", "--against", str(tmp_path / "safe"))["heads"]) == 3
    # The same file by another name is checked once.
    (tmp_path / "link").symlink_to(beside(kept))
    assert len(in_json(kept, "verify", "--against", str(tmp_path / "link"))["heads"]) == 2


def test_a_cut_log_is_named_for_each_head_past_its_end(kept: Cli, tmp_path: Path) -> None:
    kept.log.write_bytes(b"".join(lines_in(kept.log)[:3]))
    with untouched(tmp_path):
        ran = kept("verify", "--against", str(tmp_path / "safe"))
    for file in ("safe", "events.jsonl.heads"):
        why = f'the log was cut: the head kept as "Q2" ({tmp_path / file}) is event 8, '
        assert f"fault\tline 8, byte {kept.log.stat().st_size}: {why}" in ran.out
    fails(ran, 12, "but the log ends with event 3 (2 faults are listed on stdout)", out=ran.out)
    assert statuses(kept) == {"Q1 review": "good", "Q2": "cut"}
    found = json.loads(kept("verify", "--json").out)
    assert (found["status"], found["events"], len(found["faults"])) == ("damaged", 3, 1)
    assert (found["faults"][0]["line"], found["faults"][0]["file"]) == (8, str(beside(kept)))
    assert documents(kept("verify", "--json").err)[0]["error"]["code"] == "log-cut"


def test_an_edited_log_is_named_for_each_head_after_the_edit(kept: Cli) -> None:
    was = head_of(kept, 8)[2:14]
    rewrite(kept, 4, ("grace@navy.example", "mallo@navy.example"))
    ran = kept("verify")
    here = head_of(kept, 8)[2:14]
    fails(ran, 12, "the log was edited", f'"Q2" ({beside(kept)}) is event 8, {was}…, but that event is {here}… here',
          out=ran.out)  # fmt: skip
    assert statuses(kept) == {"Q1 review": "good", "Q2": "edited"}
    assert documents(kept("verify", "--json").err)[0]["error"]["code"] == "history-changed"


def test_a_file_that_belongs_to_another_log_says_so_once(kept: Cli, tmp_path: Path) -> None:
    first = head_of(kept, 1)[2:14]
    rewrite(kept, 1, ("Ada", "Eve"))
    ran = kept("verify")
    fails(ran, 12, f"{beside(kept)} belongs to another log, or this log was written anew",
          f'when "Q1 review" was kept, event 1 was {first}… (source "evcli"); here it is {head_of(kept, 1)[2:14]}…',
          out=ran.out)  # fmt: skip
    assert ran.out.count("fault\t") == 1
    assert statuses(kept) == {"Q1 review": "other-log", "Q2": "other-log"}
    assert documents(kept("verify", "--json").err)[0]["error"]["code"] == "other-log"


def test_behind_damage_a_head_is_not_checked(kept: Cli) -> None:
    spoil(kept.log, 5, b"left the company", b"left the compamy")
    ran = kept("verify")
    assert "kept_heads\t1 in events.jsonl.heads on the chain: Q1 review\n" in ran.out
    assert "kept_heads\t1 in events.jsonl.heads not checked, since the log is damaged: Q2\n" in ran.out
    fails(ran, 12, "line 5", "not what was written", out=ran.out)
    assert statuses(kept) == {"Q1 review": "good", "Q2": "unchecked"}


def test_heads_are_judged_even_where_another_check_fails(kept: Cli) -> None:
    zeros = "8:" + "0" * 64
    assert statuses(kept, "--expect", zeros) == {"Q1 review": "good", "Q2": "good"}
    assert kept("verify", "--expect", zeros).code == 12
    kept.log.write_bytes(b"".join(lines_in(kept.log)[:7]))
    assert statuses(kept, "--expect", zeros) == {"Q1 review": "good", "Q2": "cut"}


def test_behind_a_newer_event_a_head_is_not_checked(kept: Cli) -> None:
    last = events_in(kept.log)[-1]
    event = {**last, "id": "later", "type": "user.merged", "sequence": "000000000009"}
    previous = event.pop("sha256").encode()
    kept.log.write_bytes(kept.log.read_bytes() + forged(event, previous=previous)[0])
    kept.ok("head", "--keep", "Q3")
    assert kept("verify").code == 17
    assert statuses(kept) == {"Q1 review": "good", "Q2": "good", "Q3": "unchecked"}


def test_an_unfinished_kept_head_is_a_warning_and_the_next_one_removes_it(kept: Cli) -> None:
    whole = beside(kept).read_bytes()
    beside(kept).write_bytes(whole + b'{"name":"Q3","he')
    ran = kept.ok("verify")
    assert f"warning: {beside(kept)}: its last 16 bytes are a head that was being kept when that was cut off" in ran.err
    assert kept("state", "--at", "Q3").code == 2
    ran = kept.ok("head", "--keep", "Q3")
    assert f"warning: {beside(kept)}: 16 bytes of a head that was never kept were removed" in ran.err
    assert statuses(kept) == {"Q1 review": "good", "Q2": "good", "Q3": "good"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Q1 review", "Q1 \\u001b[2J"), ('"head":"3:', '"head":"3;'), ('"time":"2026-', '"time":"2026_'),
        ('"source":"evcli"', '"source":7'), ('"log":"', '"log":"x'), ('{"name"', "[{"), ('"name":"', '"nime":"'),
    ],
)  # fmt: skip
def test_a_line_that_is_no_kept_head_is_a_fault_and_nothing_is_added_after_it(kept: Cli, old: str, new: str) -> None:
    text = beside(kept).read_text()
    assert old in text
    beside(kept).write_text(text.replace(old, new, 1))
    ran = kept("verify")
    fails(ran, 12, f"{beside(kept)} line 1, byte 0: this line is no kept head", out=ran.out)
    assert f"fault\t{beside(kept)} line 1, byte 0: this line is no kept head\n" in ran.out
    refuses(kept, ("head", "--keep", "Q3"), 14, "line 1 is no kept head")


def test_a_member_that_a_later_version_adds_is_passed_over(kept: Cli) -> None:
    beside(kept).write_text(beside(kept).read_text().replace('"source":', '"by":"ann","source":'))
    assert statuses(kept) == {"Q1 review": "good", "Q2": "good"}


@pytest.mark.parametrize("content", [None, b""])
def test_a_file_without_heads_is_refused(kept: Cli, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "none").write_bytes(content)
    refuses(kept, ("verify", "--against", str(tmp_path / "none")), 2, "--against", "evcli head --keep NAME --to FILE")


def test_a_file_of_heads_that_cannot_be_read_is_refused_and_one_beside_the_log_warned_of(
    kept: Cli, tmp_path: Path
) -> None:
    refuses(kept, ("verify", "--against", str(tmp_path)), 2, "--against", "not a regular file")
    refuses(kept, ("verify", "--against", "a\0b"), 2, "--against")
    beside(kept).chmod(0o666)
    assert "the heads in it were not checked" in kept.ok("verify").err


# --- names as REFs ----------------------------------------------------------------------------------------------------


def test_a_name_is_a_ref_wherever_one_is_taken(kept: Cli) -> None:
    def same(named: tuple[str, ...], numbered: tuple[str, ...]) -> None:
        assert kept.ok(*named).out == kept.ok(*numbered).out

    for name in ("Q1 review", " q1   REVIEW "):
        same(("state", "--at", name), ("state", "--at", "3"))
    same(("user", "list", "--at", "Q1 review"), ("user", "list", "--at", "3"))
    same(("log", "--since", "Q1 review"), ("log", "--since", "3"))
    same(("log", "--until", "Q1 review"), ("log", "--until", "3"))
    same(("log", "Q1 review..Q2"), ("log", "3..8"))
    same(("diff", "Q1 review", "Q2"), ("diff", "3", "8"))
    same(("show", "Q1 review"), ("show", "3"))
    same(("head", "--at", "Q1 review"), ("head", "--at", "3"))
    same(("export", "--at", "Q1 review"), ("export", "--at", "3"))
    said = kept.ok("state", "--at", "Q1 review").err
    assert said.startswith("as of Q1 review: event 3, of 2026-03-01 11:00:00+00:00\n")


def test_a_wrong_place_for_a_head_is_answered_with_a_better_one(kept: Cli, tmp_path: Path) -> None:
    missing = tmp_path / "a b"
    refuses(
        kept, ("head", "--keep", "Q3", "--to", f"{tmp_path}"), 14, f"hint: name another FILE, as {tmp_path}/heads\n"
    )
    refuses(
        kept,
        ("head", "--keep", "Q3", "--to", f"{missing}/x"),
        14,
        f"hint: if the path is right: mkdir -p '{missing}'\n",
    )
    refuses(kept, ("head", "--keep", "Q3", "--to", f"{kept.log}"), 14, "hint: name another FILE\n")


def test_a_file_without_any_kept_head_is_perhaps_the_wrong_one(kept: Cli) -> None:
    with untouched(kept.log.parent):
        ran = kept("verify", "--against", str(kept.log))
    assert (ran.code, "is this the right file?" in ran.err) == (12, True)
    refuses(kept, ("verify", "--expect", "Q2"), 2, "is not NUMBER:SHA256", "a file with --against FILE")


def test_an_unknown_name_is_no_ref_and_the_kept_ones_are_named(kept: Cli) -> None:
    refuses(kept, ("state", "--at", "March"), 2, '"March" is not a valid REF', "name of a kept head: Q1 review, Q2")
    assert "Q2" not in kept("state", "--at", "next week").err
    refuses(kept, ("state", "--at", "Q1 revue"), 2, 'did you mean the kept head "Q1 review"?')
    beside(kept).chmod(0o666)
    refuses(kept, ("state", "--at", "Q2"), 2, "kept heads cannot be read: ", "world-writable")


def test_a_name_is_refused_where_the_log_is_not_what_it_was(kept: Cli, tmp_path: Path) -> None:
    whole = kept.log.read_bytes()
    kept.log.write_bytes(b"".join(lines_in(kept.log)[:7]))
    refuses(kept, ("state", "--at", "Q2"), 12, f"{kept.log} line 8", "the log was cut", "ends with event 7")
    kept.log.write_bytes(whole)
    rewrite(kept, 4, ("grace@navy.example", "mallo@navy.example"))
    byte = len(b"".join(lines_in(kept.log)[:7]))
    refuses(kept, ("state", "--at", "Q2"), 12, f"line 8, byte {byte}", "the log was edited", head_of(kept, 8)[2:14])
    assert kept.ok("state", "--at", "Q1 review", "-q").out
    rewrite(kept, 1, ("Ada", "Eve"))
    here = head_of(kept, 1)[2:14]
    refuses(kept, ("state", "--at", "Q2"), 12, "line 1, byte 0: ", "belongs to another log", f"here it is {here}…")


def test_no_command_opens_the_heads_for_another_ref(kept: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = os.open

    def watched(path: Any, *more: Any, **named: Any) -> int:
        opened.append(str(path))
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", watched)
    for words in (
        ("state", "--at", "2026-03-01"), ("state", "--at", "3"), ("log", "--since", "yesterday"), ("show", "@-"),
        ("user", "list"), ("head",), ("status",), ("user", "create", "Kurt", "--email", "kurt@example.com"),
    ):  # fmt: skip
        kept.ok(*words)
    assert str(kept.log) in opened
    assert str(beside(kept)) not in opened


def test_names_are_completed(kept: Cli) -> None:
    from cli.test_completion import offered

    assert offered("state", "--at", "Q") == ["Q1 review", "Q2"]
    assert offered("evcli diff Q1", " \t\n\"'@=", shell="bash") == ["Q1\\ review"]


# --- the page for an auditor ------------------------------------------------------------------------------------------


def test_the_program_that_the_page_prints_judges_without_evcli(kept: Cli, tmp_path: Path) -> None:
    text = kept.ok("help", "evidence").out
    program = "\n".join(line.removeprefix("  ") for line in text[text.index("  import hashlib") :].splitlines())
    (tmp_path / "heads").write_bytes(beside(kept).read_bytes())

    def judged() -> str:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout or done.stderr

    assert judged() == "Q1 review is proved\nQ2 is proved\n"
    rewrite(kept, 4, ("grace@navy.example", "mallo@navy.example"))
    assert judged() == "Q1 review is proved\nQ2 IS NOT IN THIS LOG\n"
    spoil(kept.log, 3, b"Grace Hopper", b"Grace Hoppel")
    assert re.search("AssertionError: line 3", judged())
