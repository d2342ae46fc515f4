"""The command tree: families of commands, each loaded on use, and the options that all commands share."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info

from evcli.cli.session import Session
from evcli.kinds import MODULES

if TYPE_CHECKING:
    import typer
    from typer._click import Command as AnyCommand
    from typer._click import Context, HelpFormatter, Parameter

HELP_OPTIONS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
SHARED = "Options for every command"


def _take(context: "Context", parameter: "Parameter", value: Any) -> Any:
    if value not in (None, False) and parameter.name:
        context.ensure_object(Session).set(parameter.name, value)
    return value


def _shared_option(*names: str, is_flag: bool = False, metavar: str | None = None, help: str = "") -> TyperOption:
    return TyperOption(
        param_decls=list(names), is_flag=is_flag, metavar=metavar, help=help, type=bool if is_flag else str,
        default=False if is_flag else None, expose_value=False, callback=_take, rich_help_panel=SHARED,
    )  # fmt: skip


def shared_options() -> list[TyperOption]:
    """The options that may come before or after any command's name."""
    return [
        _shared_option(
            "--log", metavar="FILE", help="The log. Default: EVCLI_LOG, or events.jsonl in your data folder."
        ),
        _shared_option("--format", metavar="FORM", help="table, plain, json, jsonl or csv (evcli help formats)."),
        _shared_option("--json", is_flag=True, help="Short for --format json; errors are JSON too."),
        _shared_option("--color", metavar="WHEN", help="auto, always or never."),
        _shared_option("--no-pager", is_flag=True, help="Do not page long answers."),
        _shared_option("-q", "--quiet", is_flag=True, help="Suppress notes."),
    ]


def _show_help(context: "Context", parameter: "Parameter", value: Any) -> None:
    if value and not context.resilient_parsing:
        context.ensure_object(Session).output.write([context.get_help() + "\n"])
        context.exit()


class _Helpful:
    """The layout of help: usage, one line, options in two sections, examples verbatim."""

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        """The option that prints help, through the same output as every answer."""
        option: TyperOption | None = super().get_help_option(ctx)  # type: ignore[misc]  # a mixin of click's commands
        if option:
            option.callback = _show_help
        return option

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], SHARED: []}
        for parameter in self.get_params(ctx):  # type: ignore[attr-defined]  # a mixin of click's commands
            if record := parameter.get_help_record(ctx):
                panel = getattr(parameter, "rich_help_panel", None)
                is_argument = parameter.param_type_name == "argument"
                sections[panel or ("Arguments" if is_argument else "Options")].append(record)
        for title in ("Arguments", "Options"):
            self._section(formatter, title, sections[title])
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)
        self._section(formatter, SHARED, sections[SHARED])

    @staticmethod
    def _section(formatter: "HelpFormatter", title: str, rows: list[tuple[str, str]]) -> None:
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        if epilog := self.epilog:  # type: ignore[attr-defined]  # a mixin of click's commands
            formatter.write("\n" + epilog.strip("\n") + "\n")


class EvcliCommand(_Helpful, TyperCommand):
    """A command with the shared options after its own."""

    def __init__(self, name: str | None, *, params: "list[Parameter] | None" = None, **attributes: Any) -> None:
        attributes["context_settings"] = HELP_OPTIONS
        super().__init__(name, params=[*(params or []), *shared_options()], **attributes)


class LazyGroup(_Helpful, TyperGroup):
    """A group that builds its commands on request, from a table of names."""

    def __init__(self, name: str, *, table: dict[str, Callable[[], "AnyCommand"]], **attributes: Any) -> None:
        super().__init__(
            name=name, params=shared_options(), rich_markup_mode=None, context_settings=HELP_OPTIONS, **attributes
        )
        self._table = table
        self.commands = dict.fromkeys(table)  # type: ignore[assignment]  # only the names are used

    def get_command(self, ctx: "Context", cmd_name: str) -> "AnyCommand | None":
        """Build the command of that name; None if there is none."""
        build = self._table.get(cmd_name)
        return build() if build else None


def from_family(module: str, name: str) -> Callable[[], "AnyCommand"]:
    """Return a builder of command `name`, registered by `app` in `evcli.cli.commands.MODULE`; it loads only that."""

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
        help="A register that never forgets: every change is an event, every past moment a question.",
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
