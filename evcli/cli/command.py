"""What every command and group shares: the layout of its help, and the shared options."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from typer._click.exceptions import UsageError
from typer.core import TyperCommand, TyperGroup, TyperOption

from evcli.cli.session import Session

if TYPE_CHECKING:
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

    def __init__(
        self,
        name: str,
        *,
        table: dict[str, Callable[[], "AnyCommand"]],
        near: "Callable[[str, Iterable[str]], list[str]] | None" = None,
        **attributes: Any,
    ) -> None:
        """`near` finds the names of `table` that another word may mean; by default, by its letters, or a kind's."""
        super().__init__(
            name=name, params=shared_options(), rich_markup_mode=None, context_settings=HELP_OPTIONS, **attributes
        )
        self._table, self._near = table, near
        self.suggest_commands = False  # done here
        self.commands = dict.fromkeys(table)  # type: ignore[assignment]  # only the names are used

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, AnyCommand | None, list[str]]":
        """Find the command that the first word names; an error says which may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except UsageError as error:
            from evcli.cli.nearest import nearest_of_all

            if near := (self._near or nearest_of_all)(args[0], self._table):
                error.message = f"{error.message.rstrip('.')}. Did you mean {', '.join(map(repr, near))}?"
            raise

    def get_command(self, ctx: "Context", cmd_name: str) -> "AnyCommand | None":
        """Build the command of that name; None if there is none."""
        build = self._table.get(cmd_name)
        return build() if build else None
