"""Read a command line as evcli reads its own, without running it: for commands that take another one."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from evcli.cli.command import Command, Group
from evcli.cli.line.plain import read
from evcli.cli.session import Session


class Typed(NamedTuple):
    """A command line that was read: the words that name the command, the command, and a value for each parameter."""

    path: tuple[str, ...]
    command: Command
    values: dict[str, Any]


def typed(session: Session, words: Sequence[str], root: Group) -> Typed | None:
    """The command line that these words are; None if it was answered, as one with --help is.

    The session is told of the options for every command. Raises BadInput.
    """
    found: list[Typed] = []
    held = _held(root, (), found)
    line = read(words, held)
    if line is None:
        from evcli.cli.line.parser import run

        run(session, held, words)
    else:
        for option, value in line.shared:
            session.set(option, value)
        session.check_form(line.command.forms)
        line.command.run(session, **line.values)
    return found[0] if found else None


def _held(group: Group, path: tuple[str, ...], found: list[Typed]) -> Group:
    """The same commands, but each only adds to `found` what it was given."""

    def holding(name: str, build: Callable[[], Command | Group]) -> Callable[[], Command | Group]:
        def built() -> Command | Group:
            made = build()
            if isinstance(made, Group):
                return _held(made, (*path, name), found)

            def run(_: Session, **values: Any) -> None:
                found.append(Typed((*path, name), made, values))

            return Command(run, made.help, made.parameters, made.examples, made.more, forms=made.forms)

        return built

    commands = {name: holding(name, build) for name, build in group.commands.items()}
    return Group(commands, group.help, group.examples, group.more)
