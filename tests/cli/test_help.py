"""`evcli help TOPIC`, `-h` and `--help`: one imperative line, real examples, exit codes by reference."""

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import EVERY, FORMS, GROUPS, fails, untouched

TOPICS = ("refs", "formats", "exit-codes", "environment")
COMMANDS = {
    **{name: tuple(name.split()) for name in EVERY},
    "help": ("help",),
    "import": ("import", "people.csv"),
}


@pytest.mark.parametrize("topic", TOPICS)
def test_help_explains_its_topic_without_a_log(cli: Cli, topic: str, tmp_path: Path) -> None:
    with untouched(tmp_path):
        ran = cli("help", topic)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) > 5


@pytest.mark.parametrize("topic", TOPICS)
def test_help_as_json_has_the_topic_and_its_text(cli: Cli, topic: str) -> None:
    ran = cli("help", topic, "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["topic"] == topic
    assert document["text"] + "\n" == cli.ok("help", topic).out


def test_help_on_refs_shows_every_form(cli: Cli) -> None:
    text = cli.ok("help", "refs").out
    for form in ("42", "0", "@", "@-", "@--", "@-5", "-5", "id:", "2026-11-22", "17:03", "ago", "today", "yesterday"):
        assert re.search(rf"(^|\s){re.escape(form)}", text), f"{form} is not explained"


def test_help_on_formats_names_every_form_and_is_true_to_the_json_shapes(cli: Cli) -> None:
    text = cli.ok("help", "formats").out
    for form in FORMS:
        assert re.search(rf"^  {form}\s", text, re.MULTILINE), f"{form} is not explained"
    for shape in (
        "KIND list",
        "KIND show",
        "state",
        "log",
        "show",
        "diff",
        "export",
        "writing",
        "import",
        "verify",
        "head, path",
        "errors",
    ):
        assert f"\n  {shape}" in text, f"the shape of {shape} is not explained"


@pytest.mark.parametrize("code", ["0", "1", "2", "10", "11", "12", "13", "14", "15", "16", "130", "143", "255"])
def test_help_on_exit_codes_explains_each(cli: Cli, code: str) -> None:
    assert re.search(rf"^ [^a-z]*\b{code}\b", cli.ok("help", "exit-codes").out, re.MULTILINE), f"{code} is missing"


@pytest.mark.parametrize(
    "name", ["EVCLI_LOG", "EVCLI_ACTOR", "EVCLI_PAGER", "PAGER", "NO_COLOR", "FORCE_COLOR", "EVCLI_DEBUG"]
)
def test_help_on_the_environment_names_every_variable(cli: Cli, name: str) -> None:
    assert re.search(rf"\b{name}\b", cli.ok("help", "environment").out), f"{name} is missing"


def test_help_without_a_topic_is_that_of_evcli_itself(cli: Cli) -> None:
    assert cli.ok("help").out.rstrip("\n") == cli.ok("-h").out.rstrip("\n")


def test_an_unknown_topic_is_wrong_usage_naming_all(cli: Cli, tmp_path: Path) -> None:
    with untouched(tmp_path):
        fails(cli("help", "refz"), 2, '"refz"', "hint: ", *TOPICS)


# --- -h everywhere ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_h_and_help_print_the_same_on_stdout_without_a_log(cli: Cli, command: str, tmp_path: Path) -> None:
    words = {**COMMANDS, **GROUPS}[command]
    with untouched(tmp_path):
        short, long = cli(*words, "-h"), cli(*words, "--help")
    assert (short.code, short.err) == (0, "")
    assert short == long
    assert short.out.startswith("Usage: evcli")


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_help_shows_real_examples_and_where_exit_codes_are_explained(cli: Cli, command: str) -> None:
    text = cli.ok(*{**COMMANDS, **GROUPS}[command], "-h").out
    assert "\nExamples:\n  " in text, f"{command} -h has no examples"
    assert re.search(r"evcli help .*exit-codes", text), f"{command} -h does not say where exit codes are explained"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_in_its_first_sentence_what_the_command_does(cli: Cli, command: str) -> None:
    text = cli.ok(*COMMANDS[command], "-h").out
    paragraph = " ".join(text.split("\n\n")[1].split())
    verbs = "Create|Rename|Change|Destroy|Restore|Record|List|Show|Print|Read|Write|Explain"
    assert re.match(rf"({verbs})\b", paragraph), f"not imperative: {paragraph!r}"
    assert paragraph.endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_the_options_that_every_command_has(cli: Cli, command: str) -> None:
    text = cli.ok(*COMMANDS[command], "-h").out
    for option in ("--log FILE", "--format FORM", "--json", "--color WHEN", "--no-pager", "-q, --quiet", "-h, --help"):
        assert option in text, f"{option} is missing"


OPTIONS = {
    "user create": ("--email", "--dry-run", "--expect", "--id", "--lock-wait"),
    "user rename": ("--dry-run", "--expect", "--id", "--lock-wait"),
    "user change-email": ("--dry-run", "--expect", "--id", "--lock-wait"),
    "user destroy": ("--reason", "--dry-run", "--expect", "--id", "--lock-wait"),
    "user restore": ("--dry-run", "--expect", "--id", "--lock-wait"),
    "user list": ("--at", "--all", "--match", "-n"),
    "user show": ("--at",),
    "log": ("-n", "--reverse", "--since", "--until", "--type", "--user", "--actor", "-f, --follow"),
    "export": ("--what", "--at", "--all", "--force"),
    "state": ("--at",),
    "verify": ("--expect",),
    "head": ("--at",),
}


@pytest.mark.parametrize("command", OPTIONS)
def test_help_lists_the_commands_own_options(cli: Cli, command: str) -> None:
    text = cli.ok(*COMMANDS[command], "-h").out
    for option in OPTIONS[command]:
        assert re.search(rf"^  {option}\b", text, re.MULTILINE), f"{option} is missing"


def test_help_of_the_whole_lists_every_command_in_whole_words(cli: Cli) -> None:
    text = cli.ok("-h").out + cli.ok("user", "-h").out
    for command in EVERY:
        assert re.search(rf"^  {command.split()[-1]}\s", text, re.MULTILINE), f"{command} is missing"
    assert "..." not in text.replace("[ARGS]...", ""), "a command's line is cut off"


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_the_examples_name_only_commands_and_options_that_there_are(
    cli: Cli, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("name,email\n")
    Path("people.jsonl").write_text('{"name":"Ada","email":"ada@example.com"}\n')
    text = cli.ok(*{**COMMANDS, **GROUPS}[command], "-h").out
    assert "\nExamples:\n" in text, f"{command} -h has no examples"
    for line in text.split("\nExamples:\n")[1].split("\n\n")[0].splitlines():
        ran = cli(*_words_of_evcli(line), "--log", str(tmp_path / "none.jsonl"))
        assert ran.code in (0, 10), f"{line.strip()!r} exits {ran.code}: {ran.err}"
        (tmp_path / "none.jsonl").unlink(missing_ok=True)


def _words_of_evcli(example: str) -> list[str]:
    """What the shell would give to evcli in an example."""
    if inner := re.search(r"\$\((evcli [^)]*)\)", example):
        example = inner[1]
    words = shlex.split(
        example.replace('"$(uuidgen)"', "an-id").replace('"$(cat head.kept-elsewhere)"', "0:" + "0" * 64)
    )
    words = words[words.index("evcli") + 1 :]
    return words[: next((at for at, word in enumerate(words) if word in ("|", ">")), len(words))]


def test_help_does_not_need_the_rest_of_the_words_to_be_right(cli: Cli) -> None:
    assert cli("user", "create", "-h", "--email").code in (0, 2)
    assert cli("user", "create", "--email", "bad", "-h").code == 0
