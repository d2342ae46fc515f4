"""The command tree: families of commands, each loaded on use."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from typer.main import get_command_from_info

from evcli.cli.command import EvcliCommand, LazyGroup
from evcli.cli.session import Session
from evcli.kinds import MODULES

if TYPE_CHECKING:
    import typer
    from typer._click import Command as AnyCommand
    from typer._click import Context, Parameter


def from_family(module: str, name: str) -> Callable[[], "AnyCommand"]:
    """Return a builder of command `name`, registered by `app` in `evcli.cli.commands.MODULE`; loads only that."""

    def build() -> "AnyCommand":
        app: typer.Typer = import_module(f"evcli.cli.commands.{module}").app
        info = next(info for info in app.registered_commands if info.name == name)
        info.cls = EvcliCommand
        command = get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)
        if name == "log":
            command.params[6:6] = about_options()
        return command

    return build


def about_options() -> list[Any]:
    """The options that select the events about one record: `--KIND WHO`."""
    from evcli.cli.parameters import parsed
    from evcli.cli.words import Parameter as Words

    def option(name: str) -> Any:
        def take(context: "Context", parameter: "Parameter", value: Any) -> Any:
            if value is not None:
                context.ensure_object(Session).about = (name, value)
            return value

        made = parsed(Words(f"about_{name}", (f"--{name}",), "WHO", f"Only about this {name}.", kind=name))
        made.expose_value, made.callback = False, take
        return made

    return list(map(option, MODULES))


def family(module: str, *names: str) -> dict[str, Callable[[], "AnyCommand"]]:
    """The table entries for commands of one family."""
    return {name: from_family(module, name) for name in names}


def kind_group(name: str) -> Callable[[], "AnyCommand"]:
    """`evcli KIND …`"""

    def build() -> "AnyCommand":
        from evcli.cli.commands.record import group

        return group(name)

    return build


def root() -> LazyGroup:
    """`evcli …`"""
    from evcli.cli.version import version_option

    group = LazyGroup(
        "evcli",
        table={
            **{name: kind_group(name) for name in MODULES},
            **family("log", "log", "show", "diff"),
            **family("state", "state"),
            **family("import_", "import"),
            **family("export", "export"),
            **family("verify", "verify", "repair", "head", "status", "path"),
            **family("help", "help"),
            **family("completion", "completion"),
        },
        help="An append-only register: every change is kept, every past state can be queried.",
        epilog=_ROOT_EXAMPLES,
    )
    group.params.insert(0, version_option())
    return group


_ROOT_EXAMPLES = """
Examples:
  evcli user create "Ada Lovelace" --email ada@example.com
  evcli log -n 5
  evcli state --at yesterday
  evcli verify

Topics: evcli help refs, evcli help formats, evcli help exit-codes, evcli help environment
"""
