"""Read a plain command line without typer, which takes as long to load as everything else that a command does.

Plain is a known command with the right number of words, and known options, each once and with its value. Whatever
needs help, completion, correction or an error is not plain: then the answer is None, and typer reads the line again.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from evcli.cli.command import SHARED, Command, Group, Parameter

_SHARED = frozenset(each.name for each in SHARED)


class Line:
    """A command line that was read: the command, a value for each of its parameters, and the shared options.

    What was typed comes first, in that order.
    """

    def __init__(self, command: Command, values: dict[str, Any], shared: list[tuple[str, str | bool]]) -> None:
        self.command, self.values, self.shared = command, values, shared


class _Reading:
    """What was understood of a line so far."""

    def __init__(self, root: Group) -> None:
        self.found: Command | Group = root
        self.path: list[str] = []
        """The words that name the command."""
        self.typed: dict[str, Any] = {}
        self.arguments: list[str] = []
        self.option: Parameter | None = None
        """The option whose value comes next."""
        self.is_rest = False
        """Whether all words that follow are another command, since `--` came before them."""
        self._known = _flags(SHARED)

    def takes(self, word: str) -> bool:
        """Take the next word; False if the line is not plain."""
        if self.option is not None:
            option, self.option = self.option, None
            return word[:1] != "-" and self._set(option, word)
        if word == "--" and not self.is_rest and self.takes_command:
            self.is_rest = True
            return True
        if word[:1] == "-" and word != "-" and not self.is_rest:
            return self._takes_option(word)
        if isinstance(self.found, Command):
            self.arguments.append(word)
            return True
        if word not in self.found.commands:
            return False
        self.found = self.found.commands[word]()
        self.path.append(word)
        self._known = _flags((*SHARED, *(self.found.parameters if isinstance(self.found, Command) else ())))
        return True

    def _takes_option(self, word: str) -> bool:
        flag, equals, value = word.partition("=")
        option = self._known.get(flag)
        if option is None and word[1:].isdigit() and word.isascii():  # -5, where the command counts something
            option, flag, equals, value = self._known.get(""), "--", "=", word[1:]
        if option is None or (option.name in self.typed and not option.is_many):
            return False
        if equals:
            return flag[:2] == "--" and option.type != "flag" and self._set(option, value)
        if option.type == "flag":
            self.typed[option.name] = True
        else:
            self.option = option
        return True

    def _set(self, option: Parameter, word: str) -> bool:
        value = _READ[option.type](word)
        self.typed[option.name] = (*self.typed.get(option.name, ()), value) if option.is_many else value
        return value is not None

    @property
    def takes_command(self) -> bool:
        """Whether it is a command that takes another one."""
        return isinstance(self.found, Command) and any(each.is_command for each in self.found.parameters)

    @property
    def next_argument(self) -> Parameter | None:
        """The argument that the next word is."""
        every = [each for each in self.found.parameters if not each.flags] if isinstance(self.found, Command) else []
        if every and every[0].is_many:
            return every[0]
        return every[len(self.arguments)] if len(self.arguments) < len(every) else None

    @property
    def shared(self) -> list[tuple[str, str | bool]]:
        """The shared options that were typed, in that order."""
        return [(name, value) for name, value in self.typed.items() if name in _SHARED]


def read(words: Sequence[str], root: Group) -> Line | None:
    """The line, if it is plain."""
    reading = _Reading(root)
    if not all(map(reading.takes, words)) or reading.option is not None:
        return None
    command = reading.found
    if not isinstance(command, Command) or not _assign(reading.arguments, command.parameters, reading.typed):
        return None
    values = {name: value for name, value in reading.typed.items() if name not in _SHARED}
    for each in command.parameters:
        values.setdefault(each.name, each.default)
    return Line(command, values, reading.shared)


def next_value(words: Sequence[str], root: Group) -> tuple[Parameter, list[str], list[tuple[str, str | bool]]] | None:
    """What the word after plain `words` is, unless it begins an option; the command's name; and the shared options."""
    reading = _Reading(root)
    if not all(map(reading.takes, words)):
        return None
    parameter = reading.option or reading.next_argument
    if parameter is None:
        return None
    return parameter.about(reading.typed.get("kind")), reading.path, reading.shared


def after_dashes(words: Sequence[str], root: Group) -> tuple[Sequence[str], list[tuple[str, str | bool]]]:
    """The words of the command that another one takes after `--`, and the shared options before that; else `words`."""
    at = words.index("--") if "--" in words else len(words)
    reading = _Reading(root)
    if at < len(words) and all(map(reading.takes, words[: at + 1])) and reading.is_rest:
        return words[at + 1 :], reading.shared
    return words, []


def _flags(parameters: Sequence[Parameter]) -> dict[str, Parameter]:
    return {flag: each for each in parameters for flag in (*each.flags, *([""] if each.is_count else []))}


def _number(type: Callable[[str], float]) -> Callable[[str], float | None]:
    def read(word: str) -> float | None:
        with suppress(ValueError):
            return type(word) if word[-1:].isdigit() and word[:1] != "-" else None  # not nan or inf; -5 may be refused
        return None

    return read


def _assign(words: Sequence[str], parameters: Sequence[Parameter], typed: dict[str, Any]) -> bool:
    """Give the words to the arguments, in order; False if there are too many words, or too few."""
    arguments = [each for each in parameters if not each.flags]
    if arguments and arguments[0].is_many:
        typed[arguments[0].name] = tuple(words)
        return bool(words) or not arguments[0].is_required
    typed |= zip((each.name for each in arguments), words, strict=False)
    return len(words) <= len(arguments) and all(each.name in typed for each in parameters if each.is_required)


_READ: dict[str, Callable[[str], object]] = {"text": str, "integer": _number(int), "number": _number(float)}
"""Of each type of value: what a plain word means; None for one that is not plain."""
