"""What is said of a command line that typer cannot read: the parser's error, with a hint for the likely mistake."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from typer.exceptions import TyperException

from evcli.errors import BadInput
from evcli.kinds import MODULES

if TYPE_CHECKING:
    from typer._click import Context

_SAME = {
    "--since": "--from", "--until": "--to", "--from": "--since", "--to": "--until", "--as-of": "--at",
    "--good": "--from", "--bad": "--to",
}  # fmt: skip
"""Options that mean the same in different commands, and in those of git."""


def as_bad_input(error: TyperException, arguments: Sequence[str]) -> BadInput:
    """A parser error, with a hint for the likely mistakes."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else _command_in(arguments)
    message = _in_plain_words(error)
    hint = f"{command} -h shows how it is used"
    meant = getattr(error, "hint", "")
    if not meant and "unexpected extra argument" in message:
        from evcli.cli.line.unquoted import hint_for

        meant = hint_for(arguments)
    if not meant and ("unexpected extra argument" in message or message.startswith("missing option")):
        from evcli.cli.app import root
        from evcli.cli.line.meant import completed

        line = completed(arguments, root())
        meant = f"did you mean evcli {line}" if line else ""
    after = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    late = next((word for word in after if f"'{word}'" in message), "")
    if meant:
        hint = meant
    elif late:
        hint = f"options come before --: {command} {late} … -- …"
    elif message.startswith("no such option"):
        hint = _for_option(getattr(error, "option_name", ""), context, command, arguments) or hint
    elif "unexpected extra argument" in message and command == "evcli undo":
        extra = message[message.rfind("(") + 1 : -1]
        hint = f"undo takes back the last command; evcli revert {extra} takes back an event"
    elif "unexpected extra argument" in message and context and (typed := _last_word(context)):
        what, value = typed
        extra = message[message.rfind("(") + 1 : -1]
        hint = f'quote a {what} that contains spaces: {command} … "{value} {extra}"'
    elif message.startswith("missing command"):
        hint = f"{command} -h lists the commands"
    return BadInput(message, hint)


def _for_option(option: str, context: "Context | None", command: str, arguments: Sequence[str]) -> str:
    """The hint for an option that the command does not have; "" if it is like none."""
    dashed = next((word for word in arguments if option and word.startswith(option) and len(word) > 2), "--")
    if command == "evcli bisect":
        asked = f"a command and its options come after --: {command} -- {_first_word(arguments)} …"
        return _option_like(option, context, command) or asked
    if command == "evcli show" and option in ("--at", "--as-of"):
        return f"evcli {next(iter(MODULES))} show WHO and evcli log take {option}; evcli show shows one event"
    if command == "evcli what-if":
        return "what is asked, with its options, comes after --: evcli what-if … -- COMMAND …"
    if not dashed.startswith("--") and not dashed[1].isdigit():
        return f"write a value that begins with a dash last, after --: {command} … -- {dashed}"
    if option[1:2].isdigit() and (command.endswith((" diff", " show")) or any(".." in word for word in arguments)):
        return f"write a moment relative to now as @{option} here"
    return _option_like(option, context, command)


def _in_plain_words(error: TyperException) -> str:
    """The parser's message, without its names of types and its guesses, which the hint has."""
    message = (error.message if hasattr(error, "possibilities") else error.format_message()).rstrip(".")
    message = message[:1].lower() + message[1:]
    message = re.sub(r" is not a valid (int|integer)( range)?$", " is not a whole number", message)
    message = re.sub(r" is not a valid float( range)?$", " is not a number", message)
    return re.sub(r" is not in the range x>=([0-9.]+)$", r" is less than \1", message)


def _option_like(option: str, context: "Context | None", command: str) -> str:
    """The options that an unknown one may mean: by what it means in other commands, or by its letters."""
    own = [flag for each in context.command.params for flag in each.opts] if context else []
    same = _SAME.get(option, "")
    if command.endswith(" diff") and same:
        return "moments are arguments here: evcli diff FROM TO"
    if same:
        near = [same] if same in own else []
    else:
        words = {flag[2:]: flag for flag in own if flag.startswith("--")}
        near = [words[word] for word in get_close_matches(option.lstrip("-"), words, 2, 0.7)]
    return f"did you mean {' or '.join(near)}? {command} -h shows how it is used" if near else ""


def _last_word(context: "Context") -> tuple[str, str] | None:
    """The name and value of the last argument if it is a text field of a record; otherwise None."""
    arguments = [each.name for each in context.command.params if each.param_type_name == "argument" and each.name]
    last = arguments[-1] if arguments else ""
    value = context.params.get(last)
    return (last.removeprefix("data_"), str(value)) if last.startswith("data_") and value is not None else None


def _first_word(arguments: Sequence[str]) -> str:
    """What bisect was to run, where that is its first word."""
    words = arguments[arguments.index("bisect") + 1 :] if "bisect" in arguments else []
    return words[0] if words and not words[0].startswith("-") else "CMD"


def _command_in(arguments: Sequence[str]) -> str:
    """The command that the arguments begin with, as far as it can be determined without parsing."""
    words = [word for word in arguments if not word.startswith("-")]
    return " ".join(["evcli", *words[: 2 if words[:1] and words[0] in MODULES else 1]])
