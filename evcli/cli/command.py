"""What a command is: its help, its arguments and options, and what it runs.

These declarations are the one table of the command line. `plain` reads plain lines by them, and `parser` makes typer's
commands of them, for help, completion and everything that has to be explained; they depend on neither.

These are plain classes, since making a named tuple takes a noticeable part of a start.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from evcli.kinds import MODULES

if TYPE_CHECKING:
    from evcli.cli.show.output import Answer


class Parameter:
    """An argument, or an option if it has flags."""

    def __init__(
        self,
        name: str,
        flags: tuple[str, ...] = (),
        metavar: str = "",
        help: str = "",
        type: str = "text",
        *,
        is_required: bool = False,
        is_many: bool = False,
        is_moment: bool = False,
        is_range: bool = False,
        is_event: bool = False,
        kind: str = "",
        is_count: bool = False,
        is_command: bool = False,
        among: Callable[[], Iterable[str]] | None = None,
        following: "Callable[[Sequence[str]], Iterable[tuple[str, str]]] | None" = None,
        default: str | None = None,
    ) -> None:
        """Declare one.

        Args:
            name: the name under which the command receives it.
            flags: as they are typed: `-n`, `--reason`.
            metavar: what help calls its value.
            help: its line in help.
            type: text, flag, integer or number; the last two are never negative.
            is_required: whether there must be one.
            is_many: whether it takes all words that are left, as the only argument; or an option, whether it may be
                repeated. Its value is then a tuple.
            is_moment: whether it completes to moments of the log.
            is_range: whether it completes to A..B, where A and B are moments; it is a moment, too.
            is_event: whether it completes to events only, also in A..B; it is a moment, too.
            is_count: whether `-5` alone means it, with this value.
            is_command: whether it is another command, with its own options after `--`.
            kind: the kind of record that it completes to.
            among: the words that it completes to.
            following: the words that it completes to after its earlier ones, each with a description.
            default: its value where it is not typed; of a flag, False.
        """
        self.name, self.flags, self.metavar, self.help, self.type = name, flags, metavar, help, type
        self.is_required, self.is_many = is_required, is_many
        self.is_moment, self.is_range, self.is_event = is_moment or is_range or is_event, is_range, is_event
        self.is_count = is_count
        self.is_command, self.kind, self.among = is_command, kind, among
        self.following = following
        self.default: bool | str | tuple[str, ...] | None = False if type == "flag" else default
        if flags and is_many:
            self.default = ()

    def about(self, kind: str | None) -> "Parameter":
        """The same, but an argument that is a record is one of the kind that `--kind` named on the same line."""
        return Parameter(self.name, kind=kind) if self.kind and not self.flags and kind in MODULES else self


class Command:
    """A command: `run(session, **values)`, with a value for each of its parameters."""

    def __init__(
        self,
        run: "Callable[..., Answer | None]",
        help: str,
        parameters: Sequence[Parameter] = (),
        examples: Sequence[str] = (),
        more: str = "",
        *,
        forms: Sequence[str] = (),
        only_asks: bool = False,
    ) -> None:
        """Declare one.

        `more` is what its help says after the examples; `forms` are those that no other command has. One that
        `only_asks` answers from the events of a log, and so can be asked of a history that did not happen.
        """
        self.forms, self.only_asks = forms, only_asks
        self.run, self.help, self.parameters, self.examples, self.more = run, help, parameters, examples, more


class Group:
    """Commands by name, each built on request."""

    def __init__(
        self,
        commands: "Mapping[str, Callable[[], Command | Group]]",
        help: str,
        examples: Sequence[str] = (),
        more: str = "",
    ) -> None:
        """Declare one; `more` is what its help says after the examples."""
        self.commands, self.help, self.examples, self.more = commands, help, examples, more


def only_asking(group: Group) -> Group:
    """The same without the commands that cannot be asked of a history that did not happen."""
    found: dict[str, Callable[[], Command | Group]] = {}
    for name, build in group.commands.items():
        made = build()
        if isinstance(made, Group):
            found[name] = partial(only_asking, made)
        elif made.only_asks:
            found[name] = build
    return Group(found, group.help)


SHARED = (
    Parameter("log", ("--log",), "FILE", "The log. Default: EVCLI_LOG, or events.jsonl in your data folder."),
    Parameter("format", ("--format",), "FORM", "table, plain, markdown, json, jsonl or csv (evcli help formats)."),
    Parameter("json", ("--json",), "", "Short for --format json; errors are JSON too.", "flag"),
    Parameter("color", ("--color",), "WHEN", "auto, always or never."),
    Parameter("no_pager", ("--no-pager",), "", "Do not page long answers.", "flag"),
    Parameter("quiet", ("-q", "--quiet"), "", "Suppress notes.", "flag"),
)
"""The options that may come before or after any command's name; the session is told of each as it is read."""

EXIT_CODES = "Exit codes: evcli help exit-codes"
