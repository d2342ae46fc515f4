"""Convert Parameters to the parser's parameters, with completion."""

from typing import TYPE_CHECKING, Any

from typer._click.types import FloatRange, IntRange
from typer.core import TyperArgument, TyperOption

from evcli.cli.words import Parameter

if TYPE_CHECKING:
    from typer._click.shell_completion import CompletionItem

_TYPES: dict[str, Any] = {"text": str, "flag": bool, "integer": IntRange(min=0), "number": FloatRange(min=0)}


class _Completed:
    """A parameter completed from the log."""

    of: Parameter

    def shell_complete(self, ctx: Any, incomplete: str) -> "list[CompletionItem]":
        """The candidates that start with what was typed."""
        from typer._click.shell_completion import CompletionItem

        from evcli.cli import candidates

        if self.of.is_moment:
            pairs = candidates.moments(ctx, incomplete)
        elif self.of.kind:
            pairs = candidates.who(ctx, incomplete, self.of.kind)
        else:
            found: list[CompletionItem] = super().shell_complete(ctx, incomplete)  # type: ignore[misc]  # a mixin
            return found
        return [CompletionItem(value, help=help) for value, help in pairs if value.startswith(incomplete)]


class _Argument(_Completed, TyperArgument):
    pass


class _Option(_Completed, TyperOption):
    pass


def parsed(each: Parameter) -> _Argument | _Option:
    """The parser's parameter for `each`."""
    made: _Argument | _Option
    if each.flags:
        is_flag = each.type == "flag"
        made = _Option(
            param_decls=[*each.flags, each.name], type=_TYPES[each.type], metavar=each.metavar or None, help=each.help,
            required=each.is_required, is_flag=is_flag, default=False if is_flag else None,
        )  # fmt: skip
    else:
        made = _Argument(
            param_decls=[each.name], type=_TYPES[each.type], metavar=each.metavar + ("..." if each.is_many else ""),
            help=each.help, required=each.is_required, nargs=-1 if each.is_many else 1, show_default=False,
        )  # fmt: skip
    made.of = each
    return made
