"""`evcli --version`."""

from typing import TYPE_CHECKING, Any

from typer import Exit
from typer.core import TyperOption

from evcli import __version__
from evcli.cli.session import Session

if TYPE_CHECKING:
    from typer._click import Context, Parameter


def version_option() -> TyperOption:
    """The option that prints the version and exits."""
    return TyperOption(
        param_decls=["--version"], is_flag=True, type=bool, default=False, expose_value=False, is_eager=True,
        callback=_show, help="Print evcli's version.",
    )  # fmt: skip


def _show(context: "Context", parameter: "Parameter", value: Any) -> None:
    if value and not context.resilient_parsing:
        context.ensure_object(Session).output.write([f"evcli {__version__}\n"])
        raise Exit(0)
