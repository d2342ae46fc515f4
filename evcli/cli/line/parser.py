"""The commands as typer's: help, completion, and every line that is not plain.

Loading typer takes as long as everything else that a command does, so `plain` comes first.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer._click.exceptions import UsageError
from typer._click.globals import get_current_context
from typer._click.shell_completion import CompletionItem, ShellComplete
from typer._click.types import FloatRange, IntRange
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from evcli import __version__
from evcli.cli.command import SHARED, Command, Group, Parameter
from evcli.cli.session import Session
from evcli.cli.show.output import Answer

if TYPE_CHECKING:
    from typer._click import Command as AnyCommand
    from typer._click import Context, HelpFormatter
    from typer._click import Parameter as AnyParameter

_TYPES: dict[str, Any] = {"text": str, "flag": bool, "integer": IntRange(min=0), "number": FloatRange(min=0)}
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_SHARED = "Options for every command"


def run(session: Session, root: Group, arguments: Sequence[str]) -> Answer | None:
    """Run the command that the arguments name; None if it answered by itself. Raises BadInput, and what it raises."""
    if not arguments:
        session.output.write([f"{help_of(())}\n"])
        return None
    try:
        with tree(root).make_context("evcli", list(arguments), obj=session) as context:
            answer: Answer | None = context.command.invoke(context)
            return answer
    except typer.Exit:  # help or the version was shown
        return None
    except TyperException as error:
        from evcli.cli.line.misread import as_bad_input

        raise as_bad_input(error, arguments) from error


def tree(root: Group) -> "_Group":
    """`evcli …` as a typer group."""
    made = _Group("evcli", root)
    made.params.insert(
        0,
        TyperOption(
            param_decls=["--version"], is_flag=True, type=bool, default=False, expose_value=False, is_eager=True,
            callback=_show_version, help="Print evcli's version.",
        ),
    )  # fmt: skip
    return made


def help_of(words: Sequence[str]) -> str | None:
    """The help of `evcli` (no words), or of the command that the words name; None if there is none."""
    from evcli.cli.app import root

    context = tree(root()).make_context("evcli", [], resilient_parsing=True)
    for word in words:
        command = context.command
        found = command.get_command(context, word) if isinstance(command, _Group) else None
        if found is None:
            return None
        context = found.make_context(word, [], parent=context, resilient_parsing=True)
    return context.get_help()


def completions(session: Session, root: Group, words: Sequence[str], typed: str) -> list[tuple[str, str]]:
    """The candidates for a word that follows others, each with a description."""
    found = _Completion(tree(root), {"obj": session}, "evcli", "").get_completions(list(words), typed)
    return [(item.value, item.help or "") for item in found]


class _Completion(ShellComplete):
    """Of typer's completion, what finds candidates; how a shell asks for them is in `evcli.cli.line.completing`."""

    def source_vars(self) -> dict[str, str]:
        """Not used."""
        raise NotImplementedError

    def get_completion_args(self) -> tuple[list[str], str]:
        """Not used."""
        raise NotImplementedError

    def format_completion(self, item: CompletionItem) -> str:
        """Not used."""
        raise NotImplementedError


# --- arguments and options --------------------------------------------------------------------------------------------


class _Completed:
    """A parameter completed from the log, or from a list of words."""

    of: Parameter

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        """The candidates that start with what was typed."""
        if self.of.is_moment or self.of.kind:
            from evcli.cli.line.candidates import candidates

            wanted = self.of.about(ctx.params.get("kind"))
            pairs = candidates(ctx.ensure_object(Session), wanted, ctx.command_path.split()[1:], incomplete)
        elif self.of.following:
            found_after = self.of.following(ctx.params.get(self.of.name) or ())
            pairs = [(word, help) for word, help in found_after if word.startswith(incomplete)]
        elif self.of.among:
            pairs = [(word, "") for word in self.of.among() if word.startswith(incomplete)]
        else:
            found: list[CompletionItem] = super().shell_complete(ctx, incomplete)  # type: ignore[misc]  # a mixin
            return found
        return [CompletionItem(value, help=help) for value, help in pairs]


class _Argument(_Completed, TyperArgument):
    pass


class _Option(_Completed, TyperOption):
    pass


def _parsed(each: Parameter) -> _Argument | _Option:
    made: _Argument | _Option
    if each.flags:
        is_flag, is_shared = each.type == "flag", each in SHARED
        made = _Option(
            param_decls=[*each.flags, each.name], type=_TYPES[each.type], metavar=each.metavar or None, help=each.help,
            required=each.is_required, is_flag=is_flag, multiple=each.is_many, default=each.default,
            expose_value=not is_shared, callback=_take if is_shared else None,
            rich_help_panel=_SHARED if is_shared else None,
        )  # fmt: skip
    else:
        made = _Argument(
            param_decls=[each.name], type=_TYPES[each.type], metavar=each.metavar + ("..." if each.is_many else ""),
            help=each.help, required=each.is_required, nargs=-1 if each.is_many else 1, default=each.default,
            show_default=False,
        )  # fmt: skip
    made.of = each
    return made


def _take(context: "Context", parameter: "AnyParameter", value: Any) -> Any:
    if value not in (None, False) and parameter.name:
        context.ensure_object(Session).set(parameter.name, value)
    return value


def _show_version(context: "Context", parameter: "AnyParameter", value: Any) -> None:
    if value and not context.resilient_parsing:
        context.ensure_object(Session).output.write([f"evcli {__version__}\n"])
        context.exit()


def _show_help(context: "Context", parameter: "AnyParameter", value: Any) -> None:
    if value and not context.resilient_parsing:
        context.ensure_object(Session).output.write([context.get_help() + "\n"])
        context.exit()


# --- commands and groups ----------------------------------------------------------------------------------------------


class _Helpful:
    """The layout of help: usage, one line, options in two sections, examples verbatim."""

    of: Command | Group

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        """The option that prints help, through the same output as every answer."""
        option: TyperOption | None = super().get_help_option(ctx)  # type: ignore[misc]  # a mixin of click's commands
        if option:
            option.callback = _show_help
        return option

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], _SHARED: []}
        for parameter in self.get_params(ctx):  # type: ignore[attr-defined]  # a mixin of click's commands
            if record := parameter.get_help_record(ctx):
                panel = getattr(parameter, "rich_help_panel", None)
                is_argument = parameter.param_type_name == "argument"
                sections[panel or ("Arguments" if is_argument else "Options")].append(record)
        for title in ("Arguments", "Options"):
            self._section(formatter, title, sections[title])
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)
        self._section(formatter, _SHARED, sections[_SHARED])

    @staticmethod
    def _section(formatter: "HelpFormatter", title: str, rows: list[tuple[str, str]]) -> None:
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        if self.of.examples:
            formatter.write("\nExamples:\n" + "".join(f"  {line}\n" for line in self.of.examples))
        if self.of.more:
            formatter.write(f"\n{self.of.more}\n")


class _Command(_Helpful, TyperCommand):
    """A command with the shared options after its own."""

    def __init__(self, name: str, of: Command) -> None:
        def callback(**values: Any) -> Answer | None:
            session: Session = get_current_context().find_root().obj
            session.check_form(of.forms)
            return of.run(session, **values)

        super().__init__(
            name, params=list(map(_parsed, (*of.parameters, *SHARED))), callback=callback, help=of.help,
            rich_markup_mode=None, context_settings=_SETTINGS,
        )  # fmt: skip
        self.of = of
        self.counting = next((each.flags[0] for each in of.parameters if each.is_count), "")

    def make_parser(self, ctx: "Context") -> Any:
        """The parser of its words, to which `-5` is `-n5` where the command counts something."""
        made: Any = super().make_parser(ctx)
        if self.counting:
            process = made._process_opts  # the one place that knows whether a word is an option, or the value of one

            def counting(word: str, state: Any) -> None:
                is_count = word[1:].isdigit() and word.isascii()
                process(self.counting + word[1:] if is_count else word, state)

            made._process_opts = counting
        return made


class _Group(_Helpful, TyperGroup):
    """A group that builds its commands on request."""

    def __init__(self, name: str, of: Group) -> None:
        super().__init__(
            name=name,
            params=list(map(_parsed, SHARED)),
            help=of.help,
            rich_markup_mode=None,
            context_settings=_SETTINGS,
        )
        self.of: Group = of
        self.suggest_commands = False  # done here
        self.commands = dict.fromkeys(of.commands)  # type: ignore[assignment]  # only the names are used

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, AnyCommand | None, list[str]]":
        """Find the command that the first word names; an error says which may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except UsageError as error:
            from evcli.cli.line.meant import hint_for

            error.hint = hint_for(args, ctx.command_path.split()[1:], self.of.commands)  # type: ignore[attr-defined]
            raise

    def get_command(self, ctx: "Context", cmd_name: str) -> "AnyCommand | None":
        """Build the command of that name; None if there is none."""
        build = self.of.commands.get(cmd_name)
        if build is None:
            return None
        made = build()
        return _Command(cmd_name, made) if isinstance(made, Command) else _Group(cmd_name, made)
