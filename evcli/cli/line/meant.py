"""What a wrong command line may have meant: by the meaning of its words, or their letters; never the opposite."""

import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from evcli.cli.command import SHARED, Command, Group, Parameter
from evcli.cli.words import option_of
from evcli.domain.kind import Begins, Changes, Ends, EventType, Kind, Revives
from evcli.errors import BadInput
from evcli.kinds import KINDS, all_kinds

_MEANINGS: dict[str, type[EventType]] = {
    **dict.fromkeys(("add", "new", "insert", "make"), Begins),
    **dict.fromkeys(("change", "edit", "set", "update", "modify"), Changes),
    **dict.fromkeys(("remove", "delete", "del", "rm", "drop"), Ends),
    **dict.fromkeys(("undelete", "undestroy", "recover"), Revives),
}
_VIEWS = {"ls": "list", "list": "list", "get": "show", "view": "show"}
_ELSEWHERE = {"history": "log", "events": "log", "version": "--version", "check": "verify", "fsck": "verify"}


def hint_for(words: Sequence[str], path: Sequence[str], names: Iterable[str]) -> str:
    """The hint where `words` begin with an unknown command, after `path`; "" if nothing is like it."""
    time = ""
    if any(word.startswith("--") for word in words):
        from evcli.cli.line.unquoted import hint_for as hint_for_time

        time = hint_for_time(words)
    lines = commands_like(words[:1] if time else words, path, names)
    if lines and time:
        return f"did you mean evcli {lines[0]}; {time}"
    return f"did you mean {' or '.join(f'evcli {line}' for line in lines)}" if lines else ""


def nearest(typed: str, names: Iterable[str]) -> list[str]:
    """The names that are written nearly as what was typed, the nearest first."""
    return get_close_matches(typed, list(names))


def commands_like(words: Sequence[str], path: Sequence[str], names: Iterable[str]) -> list[str]:
    """The command lines, after `evcli`, that may have been meant where a command was expected after `path`.

    `words` are that unknown command and what followed it; `names` are the commands that there are.
    """
    unknown, rest = words[0], words[1:]
    if path:
        kind = KINDS[path[0]]
        return [_line(kind, name, rest) for name in _of_kind(kind, unknown, names)]
    if unknown in _ELSEWHERE:
        return [" ".join([_ELSEWHERE[unknown], *map(shlex.quote, rest)])]
    for kind in all_kinds():
        if unknown == kind.plural:
            names_command = rest[:1] != [] and rest[0] in (*kind.verbs, *_VIEWS.values())
            return [_line(kind, rest[0], rest[1:]) if names_command else _line(kind, "list", rest)]
    near = [" ".join([name, *map(shlex.quote, rest)]) for name in nearest(unknown, names)]
    if near and unknown not in {*_MEANINGS, *_VIEWS, *(verb for kind in all_kinds() for verb in kind.verbs)}:
        return near
    of_kinds = ((kind, _of_kind(kind, unknown, (*kind.verbs, *dict.fromkeys(_VIEWS.values())))) for kind in all_kinds())
    return [
        _line(kind, name, rest[rest[:1] in ([kind.name], [kind.plural]) :])
        for kind, found in of_kinds
        for name in found
    ]


def _of_kind(kind: Kind, typed: str, names: Iterable[str]) -> list[str]:
    """The commands of a kind that may have been meant."""
    if view := _VIEWS.get(typed):
        return [view]
    if typed in kind.verbs:
        return [typed]
    # The name of a field means the command that changes it.
    if field := next((name for name in kind.own if typed in (name, option_of(name)[2:])), None):
        return [verb for verb, each in kind.verbs.items() if type(each) is Changes and field in each.fields]
    for word in get_close_matches(typed, _MEANINGS, 1, 0.8):
        return [verb for verb, each in kind.verbs.items() if type(each) is _MEANINGS[word]]
    found = nearest(typed, names)
    roles = [type(kind.verbs[name]) if name in kind.verbs else None for name in found]
    # Of a command and the one that takes it back, only the nearer is offered.
    far = {Ends: Revives, Revives: Ends}.get(next((role for role in roles if role in (Ends, Revives)), None) or Begins)
    return [name for name, role in zip(found, roles, strict=True) if role is None or role is not far]


def verbs_like(kind: Kind, typed: str) -> list[str]:
    """The verbs of a kind that an unknown one may have meant."""
    return [name for name in _of_kind(kind, typed, kind.verbs) if name in kind.verbs]


def _line(kind: Kind, name: str, words: Sequence[str]) -> str:
    """A command of a kind with these words, and the options that it still needs."""
    typed = " ".join([kind.name, name, *map(shlex.quote, words)])
    if name not in kind.verbs or not words:
        return typed
    from evcli.cli.app import root

    missing = [option_of(field) for field in kind.verbs[name].required[1:] if option_of(field) not in words]
    told = completed([kind.name, name, *words], root()) if missing else None
    return told or " ".join([typed, *(f"{option} {option[2:].upper()}" for option in missing)])


def completed(words: Sequence[str], root: Group) -> str | None:
    """A command line, after `evcli`, whose last words are values of options; None if they are not.

    `user create Ada Lovelace ada@example.com` means `user create 'Ada Lovelace' --email ada@example.com`.
    """
    command, path, typed, options = _loosely_read(words, root)
    if command is not None and (line := _at_moments(command, path, typed, options)):
        return line
    if command is None or len(path) != 2 or path[1] not in KINDS[path[0]].verbs:
        return None
    arguments = [each for each in command.parameters if not each.flags]
    missing = [each for each in command.parameters if each.is_required and each.flags and not options.get(each.name)]
    if not missing or len(typed) < len(arguments) + len(missing):
        return None
    found, values = typed[: -len(missing)], typed[-len(missing) :]
    fields = KINDS[path[0]].verbs[path[1]].fields
    for each, value in zip(missing, values, strict=True):
        try:
            fields[each.name.removeprefix("data_")].clean(value)
        except BadInput:
            return None
    last = len(arguments) - 1
    found = [*found[:last], " ".join(found[last:])]
    given = [word for pair in options.values() for word in pair]
    asked = [word for each, value in zip(missing, values, strict=True) for word in (each.flags[0], value)]
    return " ".join(map(shlex.quote, [*path, *found, *asked, *given]))


def _at_moments(
    command: Command, path: Sequence[str], typed: Sequence[str], options: dict[str, list[str]]
) -> str | None:
    """The line with the words that are too many as moments: `state 5` means `state --at 5`."""
    moments = [each for each in command.parameters if each.is_moment and each.flags and each.name not in options]
    if not 0 < len(typed) <= len(moments) or any(not each.flags for each in command.parameters):
        return None
    asked = [word for each, value in zip(moments, typed, strict=False) for word in (each.flags[0], value)]
    return " ".join(map(shlex.quote, [*path, *asked, *(word for pair in options.values() for word in pair)]))


def _loosely_read(
    words: Sequence[str], root: Group
) -> tuple[Command | None, list[str], list[str], dict[str, list[str]]]:
    """The command that the words name, its path, its arguments, and its options with their values, as far as known."""
    found: Command | Group = root
    path, arguments = list[str](), list[str]()
    options: dict[str, list[str]] = {}
    waiting = iter(words)
    for word in waiting:
        if word.startswith("-"):
            each = _option(word, found)
            if each is None:
                return None, path, arguments, options
            has_value = each.type != "flag" and "=" not in word
            options[each.name] = [word, *([next(waiting, "")] if has_value else [])]
        elif isinstance(found, Command):
            arguments.append(word)
        elif word in found.commands:
            found = found.commands[word]()
            path.append(word)
        else:
            return None, path, arguments, options
    return (found if isinstance(found, Command) else None), path, arguments, options


def _option(word: str, found: Command | Group) -> Parameter | None:
    own = found.parameters if isinstance(found, Command) else ()
    return next((each for each in (*SHARED, *own) if word.partition("=")[0] in each.flags), None)
