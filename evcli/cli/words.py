"""The parameters, help and examples of `evcli KIND VERB`, derived from the kind's declaration.

They depend on no parser.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence

from evcli.cli.command import Parameter
from evcli.cli.options import AS_OF, AT, COLUMNS, LIMIT, OCCURRED, WIDE, WRITING
from evcli.domain.fields import REASON, one
from evcli.domain.kind import Begins, Ends, EventType, Kind, Revives

Words = tuple[str, Sequence[Parameter], Sequence[str]]
"""Of a command: its help, parameters and examples."""


def commands(kind: Kind) -> dict[str, Callable[[], Words]]:
    """The commands of a kind by name, those of its page first; each is built on request."""

    def of(each: EventType) -> Callable[[], Words]:
        return lambda: (_help(each), _parameters(each), _examples(each))

    return {verb: of(each) for verb, each in kind.verbs.items()} | {
        "list": lambda: _list(kind),
        "show": lambda: _show(kind),
    }


def option_of(field: str) -> str:
    """The option for a field: `--frame-number`."""
    return "--" + field.replace("_", "-")


def argument_of(each: EventType) -> str:
    """The field that a command takes as an argument: the first required one, or ""."""
    return each.required[0] if each.required else ""


def typed(each: EventType, values: Mapping[str, str]) -> list[str]:
    """The words that set these fields, quoted for a shell."""
    words: list[str] = []
    for name, value in values.items():
        words += [shlex.quote(value)] if name == argument_of(each) else [option_of(name), shlex.quote(value)]
    return words


def command_of(each: EventType, id: int, values: Mapping[str, str]) -> str:
    """The command that lets an event happen to a record: `evcli user rename 7 'Ada King'`."""
    argument = values.get(argument_of(each), "")
    options = typed(each, {name: value for name, value in values.items() if name != argument_of(each)})
    # An argument that starts with a dash follows --, so that it is not read as an option.
    last = ["--"] * argument.startswith("-") + [shlex.quote(argument)] * bool(argument)
    return " ".join(["evcli", each.kind.name, each.verb, *options, f"{id}", *last])


def beginning_of(kind: Kind) -> str:
    """The command, after `evcli`, that begins a record: `user create NAME --email EMAIL`."""
    each = kind.begins
    return " ".join([kind.name, each.verb, *typed(each, {name: name.upper() for name in each.required})])


def past_of(each: EventType) -> str:
    """What happened, in a word or two: `destroyed`, `e-mail changed`."""
    return each.name.partition(".")[2].replace("-", " ") if "{" in each.past else each.past


def listed(words: Sequence[str], last: str) -> str:
    """`id, e-mail or name`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _parameters(each: EventType) -> list[Parameter]:
    kind, found = each.kind, []
    if type(each) is not Begins:
        found.append(who_of(kind, is_many=not each.required))
    for name, field in each.fields.items():
        help = field.help or (f"No other live {kind.name} may have it." if name == kind.unique else "")
        word = name.upper().replace("_", "-")
        flags = () if name == argument_of(each) else (option_of(name),)
        found.append(Parameter(f"data_{name}", flags, word, help, is_required=field.required))
    return [*found, OCCURRED, *WRITING]


def who_of(kind: Kind, *, is_many: bool = False) -> Parameter:
    """The argument WHO: one record of a kind, or several."""
    ways = ["id", *(kind.fields[name].label for name in kind.names)]
    help = listed([f"{way}s" for way in ways], "or") if is_many else f"{one(kind.name)}'s {listed(ways, 'or')}"
    help = f"{help[0].upper()}{help[1:]}."
    return Parameter("who", (), "WHO", help, is_required=True, is_many=is_many, kind=kind.name)


def _list(kind: Kind) -> Words:
    parameters = [AT, AS_OF]
    if is_ending := any(type(each) is Ends for each in kind.types.values()):
        parameters.append(Parameter("all", ("--all",), "", f"{kind.ended.capitalize()} {kind.plural} too.", "flag"))
    if labels := [kind.fields[name].label for name in kind.own if name in kind.fields]:
        help = f"Only with TEXT in {listed(labels, 'or')}, ignoring case."
        parameters.append(Parameter("match", ("--match",), "TEXT", help))
    examples = [f"evcli {kind.name} list", f"evcli {kind.name} list --at 2026-03-03"]
    examples.append(f"evcli {kind.name} list --as-of 2020-12-31")
    examples.append(f"evcli {kind.name} list{' --all' if is_ending else ''} --format csv")
    columns = ",".join([*kind.own[:1], f"{kind.began}_at", f"{kind.began}_by"])
    examples.append(f"evcli {kind.name} list --columns {columns}")
    return f"List the {kind.plural}, now or at a moment.", [*parameters, LIMIT, COLUMNS, WIDE], examples


def _show(kind: Kind) -> Words:
    help = f"Show one {kind.name}, now or at a moment, with its events."
    examples = [
        f"evcli {kind.name} show {example_of(kind)}",
        f"evcli {kind.name} show 7 --at 2026-03-03 --json",
    ]
    return help, [who_of(kind), AT, AS_OF], examples


def _help(each: EventType) -> str:
    """The page's line, and what its role implies: several at once, and what undoes it."""
    kind, more = each.kind, []
    if not each.required and type(each) is not Begins:
        more.append("Several form one batch: all or none.")
    if type(each) is Ends:
        back = f"; evcli {kind.name} {each.undo.verb} undoes it" if each.undo else ", but it cannot be undone"
        more.append(f"Nothing is deleted{back}.")
    return f"{each.help}.\n\n{' '.join(more)}" if more else f"{each.help}."


def _examples(each: EventType) -> list[str]:
    """Example command lines, from the examples of the fields."""
    kind, begins = each.kind, type(each) is Begins
    who = [] if begins else [example_of(kind, besides=tuple(each.fields))]
    values = {name: each.fields[name].examples[not begins and name in kind.names] for name in each.required}
    plain = " ".join(["evcli", kind.name, each.verb, *who, *typed(each, values)])
    if begins:
        return [plain, f'{plain} --id "$(uuidgen)"', f"{plain} --dry-run"]
    if each.required:
        return [plain, f"{plain} --expect 42"]
    reason = f" --reason {shlex.quote(each.why or REASON.examples[type(each) is Revives])}"
    return [plain + reason, f"evcli {kind.name} {each.verb} 7 8 9"]


def example_of(kind: Kind, *, besides: Sequence[str] = ()) -> str:
    """An example of a WHO, found by another field than `besides`."""
    by = next((name for name in kind.names if name not in besides), "")
    return shlex.quote(kind.fields[by].examples[0]) if by else "7"
