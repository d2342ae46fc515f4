"""The table of all commands, each loaded on use."""

from collections.abc import Callable
from importlib import import_module

from evcli.cli.command import Command, Group
from evcli.kinds import MODULES


def _of(module: str, *names: str) -> dict[str, Callable[[], Command]]:
    """The commands of one module of `evcli.cli.commands`."""

    def loading(name: str) -> Callable[[], Command]:
        def load() -> Command:
            command: Command = import_module(f"evcli.cli.commands.{module}").COMMANDS[name]()
            return command

        return load

    return {name: loading(name) for name in names}


def _of_kind(name: str) -> Callable[[], Group]:
    def load() -> Group:
        from evcli.cli.commands.record import group

        return group(name)

    return load


def root() -> Group:
    """`evcli …`"""
    return Group(
        {
            **{name: _of_kind(name) for name in MODULES},
            **_of("log", "log", "show"),
            **_of("diff", "diff"),
            **_of("blame", "blame"),
            **_of("report", "report"),
            **_of("state", "state"),
            **_of("bisect", "bisect"),
            **_of("what_if", "what-if"),
            **_of("trace", "trace"),
            **_of("import_", "import"),
            **_of("sync", "sync"),
            **_of("undo", "undo", "redo", "revert", "restore-to"),
            **_of("export", "export"),
            **_of("verify", "verify", "repair"),
            **_of("head", "head"),
            **_of("verify", "status", "path"),
            **_of("help", "help"),
            **_of("completion", "completion"),
        },
        "An append-only register: every change is kept, every past state can be queried.",
        (
            'evcli user create "Ada Lovelace" --email ada@example.com',
            "evcli log -n 5",
            "evcli state --at yesterday",
            "evcli verify",
        ),
        "Topics: evcli help refs, evcli help formats, evcli help exit-codes, evcli help environment, "
        "evcli help evidence",
    )
