"""`evcli help TOPIC`, `-h` and `--help`: one imperative line, real examples, exit codes by reference."""

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import EVERY, FORMS, GROUPS, in_json, refuses, untouched
from evcli.errors import EvcliError
from evcli.register.times import UnknownZone

TOPICS = ("refs", "formats", "exit-codes", "environment", "evidence")
COMMANDS = {
    **{name: tuple(name.split()) for name in EVERY},
    "help": ("help",),
    "import": ("import", "people.csv"),
}


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_explained_without_a_log(cli: Cli, topic: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = cli("help", topic)
        document = in_json(cli, "help", topic)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) > 5
    assert (document["topic"], document["text"] + "\n") == (topic, ran.out)


def mentions(form: str) -> str:
    """The pattern of this at the beginning of a word."""
    return rf"(^|\s){re.escape(form)}"


FORMS_OF_MOMENTS = ["42", "0", "@", "@-", "@--", "@-5", "-5", "id:", "2026-11-22", "17:03", "ago", "today", "yesterday"]
SHAPES = ("KIND list", "KIND show", "state", "log", "show", "diff", "blame", "what-if", "report", "export", "writing",
          "import", "verify", "head, path", "errors")  # fmt: skip
CODES = (0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 130, 143, 255)
VARIABLES = ("EVCLI_LOG", "EVCLI_ACTOR", "EVCLI_PAGER", "PAGER", "NO_COLOR", "FORCE_COLOR", "EVCLI_DEBUG")
EXPLAINED = {
    "refs": [mentions(form) for form in FORMS_OF_MOMENTS],
    "formats": [*(rf"^  {form}\s" for form in FORMS), *(rf"^  {shape}" for shape in SHAPES)],
    "exit-codes": [rf"^ [^a-z]*\b{code}\b" for code in CODES],
    "environment": [rf"\b{name}\b" for name in VARIABLES],
    "evidence": [rf"^  evcli {command}" for command in ("verify --against", "state --at", "diff")],
}


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_names_all_that_there_is(cli: Cli, topic: str) -> None:
    text = cli.ok("help", topic).out
    missing = [pattern for pattern in EXPLAINED[topic] if not re.search(pattern, text, re.MULTILINE)]
    assert not missing


def codes(error: type[EvcliError] = EvcliError) -> set[str]:
    """The code of this error and of all that are made of it."""
    return {error.code}.union(*map(codes, error.__subclasses__()))


def test_codes_inside_each_exit_code_are_listed(story: Cli) -> None:
    """Some have a kind's words, and are made where a rule refuses."""
    text = story.ok("help", "exit-codes").out
    refused = {}
    for words in (
        ("user", "show", "99"),
        ("user", "destroy", "3"),
        ("user", "restore", "2"),
        ("user", "rename", "1", "Ada Lovelace"),
        ("user", "create", "X", "--email", "ada@example.com"),
        ("repair",),
        ("user", "show", "name=Twin"),
    ):  # fmt: skip
        if words[-1] == "name=Twin":
            for email in ("one@example.com", "two@example.com"):
                story.ok("user", "create", "Twin", "--email", email)
        error = json.loads(story(*words, "--json").err)["error"]
        assert error["exit"] == 1
        refused[error["code"]] = words
    assert len(refused) == 7
    assert UnknownZone.code in codes()
    listed = re.findall(r"[a-z]+(?:-[a-z]+)*", text)
    missing = {*refused, "bug", *codes()} - {"error", *listed}
    assert not missing
    for code in refused:
        assert re.search(rf"^  [1 ]    {code}  ", text, re.MULTILINE), code


def test_exit_16_is_could_not_be_shown_also_for_reading(cli: Cli) -> None:
    (line,) = (line for line in cli.ok("help", "exit-codes").out.splitlines() if line.startswith("  16 "))
    assert line.split("  ", 2)[2].strip() == (
        "the answer could not be shown (stdout closed or full); what a writing command did is stored"
    )


def test_help_without_a_topic_is_that_of_evcli(cli: Cli) -> None:
    assert cli.ok("help").out.rstrip("\n") == cli.ok("-h").out.rstrip("\n")


def test_unknown_topic_is_a_usage_error_naming_all(cli: Cli) -> None:
    refuses(cli, ("help", "refz"), 2, '"refz"', "hint: ", *TOPICS)


# --- -h everywhere ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_h_and_help_print_usage_examples_and_exit_codes(cli: Cli, command: str, tmp_path: Path) -> None:
    words = {**COMMANDS, **GROUPS}[command]
    with untouched(tmp_path):
        short, long = cli(*words, "-h"), cli(*words, "--help")
    assert (short.code, short.err) == (0, "")
    assert short == long
    assert short.out.startswith("Usage: evcli")
    assert "\nExamples:\n  " in short.out, f"{command} -h has no examples"
    assert re.search(r"evcli help .*exit-codes", short.out), "it does not say where exit codes are explained"


SHARED = ("--log FILE", "--format FORM", "--json", "--color WHEN", "--no-pager", "-q, --quiet", "-h, --help")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_an_imperative_and_lists_shared_options(cli: Cli, command: str) -> None:
    text = cli.ok(*COMMANDS[command], "-h").out
    paragraph = " ".join(text.split("\n\n")[1].split())
    verbs = "Create|Rename|Change|Destroy|Restore|Record|List|Show|Print|Check|Read|Write|Explain"
    assert re.match(rf"({verbs})\b", paragraph), f"not imperative: {paragraph!r}"
    assert paragraph.endswith(".")
    assert not [option for option in SHARED if option not in text]


WRITE = ("--reason", "--dry-run", "--expect", "--id", "--lock-wait")
OPTIONS = {
    "user create": ("--email", *WRITE),
    "user rename": WRITE,
    "user change-email": WRITE,
    "user destroy": WRITE,
    "user restore": WRITE,
    "user list": ("--at", "--all", "--match", "-n"),
    "user show": ("--at",),
    "log": ("-n", "--reverse", "--since", "--until", "--type", "--user", "--actor", "-f, --follow"),
    "export": ("--what", "--at", "--all", "--force"),
    "state": ("--at",),
    "verify": ("--expect",),
    "head": ("--at",),
}


@pytest.mark.parametrize("command", OPTIONS)
def test_help_lists_the_options_of_the_command(cli: Cli, command: str) -> None:
    text = cli.ok(*COMMANDS[command], "-h").out
    assert not [option for option in OPTIONS[command] if not re.search(rf"^  {option}\b", text, re.MULTILINE)]


def test_help_of_a_group_lists_every_command_uncut(cli: Cli) -> None:
    text = cli.ok("-h").out + cli.ok("user", "-h").out
    for command in EVERY:
        assert re.search(rf"^  {command.split()[-1]}\s", text, re.MULTILINE), f"{command} is missing"
    assert "..." not in text.replace("[ARGS]...", ""), "a command's line is cut off"


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_examples_are_accepted_or_have_no_log(
    cli: Cli, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("name,email\n")
    Path("people.xlsx").write_text("name,mail\n")  # CSV: the content counts, not the name
    Path("people.jsonl").write_text('{"name":"Ada","email":"ada@example.com"}\n')
    text = cli.ok(*{**COMMANDS, **GROUPS}[command], "-h").out
    for line in text.split("\nExamples:\n")[1].split("\n\n")[0].splitlines():
        if " log -f " in line:  # it waits for a log; tests/kinds/test_plain.py reads its words
            continue
        ran = cli(*words_of_evcli(line), "--log", str(tmp_path / "none.jsonl"))
        assert ran.code in (0, 10), f"{line.strip()!r} exits {ran.code}: {ran.err}"
        (tmp_path / "none.jsonl").unlink(missing_ok=True)


def words_of_evcli(example: str) -> list[str]:
    """What the shell would give to evcli in an example."""
    if inner := re.search(r"\$\((evcli [^)]*)\)", example):
        example = inner[1]
    example = example.replace('"$(uuidgen)"', "an-id").replace('"$(cat head.kept-elsewhere)"', "0:" + "0" * 64)
    words = shlex.split(example)
    words = words[words.index("evcli") + 1 :]
    return words[: next((at for at, word in enumerate(words) if word in ("|", ">")), len(words))]


def test_help_is_shown_beside_wrong_words(cli: Cli) -> None:
    assert cli("user", "create", "-h", "--email").code in (0, 2)
    assert cli("user", "create", "--email", "bad", "-h").code == 0
