"""Plain lines are read by one table in two ways: typer's, and the fast one, which must agree or decline."""

import random
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evcli.cli.app import root
from evcli.cli.command import SHARED, Command, Group
from evcli.cli.line import parser
from evcli.cli.line.plain import read
from evcli.cli.session import Session
from evcli.errors import BadInput
from evcli.kinds import MODULES

Values = dict[str, Any]


class Probe(Session):
    """Takes note of what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, object]] = []
        self.ran: list[tuple[str, list[tuple[str, Any]]]] = []

    def set(self, option: str, value: object) -> None:
        self.told.append((option, value))

    def run(self, name: str, values: Values) -> None:
        self.ran.append((name, sorted(values.items())))


def probing(group: Group, path: str = "") -> Group:
    """The same commands, but each only tells its session what it was given."""

    def build(name: str, made: Callable[[], Command | Group]) -> Callable[[], Command | Group]:
        def built() -> Command | Group:
            found = made()
            if isinstance(found, Group):
                return probing(found, f"{path}{name} ")
            return Command(lambda session, **values: session.run(path + name, values), found.help, found.parameters)

        return built

    return Group({name: build(name, made) for name, made in group.commands.items()}, group.help)


def every_command(group: Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    for name, build in group.commands.items():
        found = build()
        if isinstance(found, Group):
            yield from every_command(found, (*words, name))
        else:
            yield (*words, name), found


def read_by_typer(words: list[str]) -> Probe | None:
    probe = Probe()
    try:
        parser.run(probe, probing(root()), words)
    except BadInput:
        return None
    return probe if probe.ran else None


def read_fast(words: list[str]) -> Probe | None:
    line = read(words, probing(root()))
    if line is None:
        return None
    probe = Probe()
    for option, value in line.shared:
        probe.set(option, value)
    line.command.run(probe, **line.values)
    return probe


VALUES = [
    "Ada", "ada@example.com", "7", "", "-5", "-", "--", "Main St", "x=y", "--log=f", "1.5", "１", "nan", "inf", "1e3",
    "_", "+3", " 3", "1_0", "007", "12345678901", ".5", "5.", "user", "create", "log", "ü", "-q5", "-qn", "-n5", "-n=7",
    "-q=x", "--json=x", "--no-json", "--nope", "--ema", "-h", "--help", "--version", "-x", "\udcff", "\n",
]  # fmt: skip
"""Words that one of two readers may take for something else."""

NUMBERS = ["1.5", "5.", ".5", "１", "1_0", "1e3", "nan", "12345678901", "3 "]

SOME = [["--json"], ["-q"], ["--log", "F"], ["--log=F"], ["--color", "never"], ["--format", "csv", "--json"]]


def a_line(chance: random.Random, path: tuple[str, ...], command: Command) -> list[str]:
    """A line that is right, or nearly."""
    words = list(path)
    for each in command.parameters:
        if chance.random() < 0.08:
            continue
        if not each.flags:
            if each.is_required or chance.random() < 0.5:
                words += [chance.choice(["Ada", "7", "Bo"]) for _ in range(chance.randint(1, 3) if each.is_many else 1)]
        elif each.is_required or chance.random() < 0.15:
            flag = chance.choice(each.flags)
            if each.type == "flag":
                words.append(flag if chance.random() < 0.9 else f"{flag}=x")
            elif chance.random() < 0.7:
                words += [flag, chance.choice(["2", "10", "x@y.z", *NUMBERS])]
            else:
                words.append(f"{flag}={chance.choice(VALUES)}")
    if chance.random() < 0.3:
        at = chance.randint(0, len(words))
        words[at:at] = chance.choice(SOME)
    flags = [flag for each in (*command.parameters, *SHARED) for flag in each.flags]
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 4])):
        what = chance.random()
        if what < 0.7:
            words.insert(chance.randint(0, len(words)), chance.choice(VALUES if what < 0.4 else flags))
        elif words:
            words.pop(chance.randrange(len(words)))
    return words


def disagreements(seed: int, lines: int) -> Iterator[str]:
    """Of each command so many lines; what the two readers make of each, where that differs."""
    chance = random.Random(seed)
    for path, command in every_command(root()):
        were_plain = 0
        for _ in range(lines):
            words = a_line(chance, path, command)
            fast = read_fast(words)
            if fast is None:
                continue
            were_plain += 1
            slow = read_by_typer(words)
            if slow is None or (slow.told, slow.ran) != (fast.told, fast.ran):
                yield f"{words}: typer {slow and (slow.told, slow.ran)}, fast {(fast.told, fast.ran)}"
        if were_plain < lines / 5:
            yield f"only {were_plain} of {lines} lines of {' '.join(path)} were plain"


def test_both_readers_of_a_line_agree_or_the_fast_one_declines(capsys: pytest.CaptureFixture[str]) -> None:
    assert not list(disagreements(seed=1, lines=150))


@pytest.mark.sweep
def test_both_readers_agree_on_many_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert not list(disagreements(seed=2, lines=2000))


def test_examples_of_help_are_plain() -> None:
    for _, command in every_command(root()):
        for example in command.examples:
            if not example.startswith("evcli ") or any(sign in example for sign in "|$>"):
                continue
            assert read_fast(shlex.split(example)[1:]), example


@pytest.mark.parametrize(
    "line",
    [
        "", "user", "nope", "user nope", "user create", "user create Ada", "user create --email x@example.com",
        "user create Ada Byron --email x@example.com", "user create Ada --email x@example.com -h", "user destroy",
        "head 7", "state --at", "state --at -5", "log -n -5", "log -n x", "log -n=5", "log -n5", "log -fq",
        "log --lim 5", "state --at 1 --at 2", "--json state --json", "state --json=yes", "user --at 3 list",
        "user --all list", "import x.csv --lock-wait nan", "user show -- -5", "--version",
    ],
)  # fmt: skip
def test_a_line_that_needs_typer_is_not_plain(line: str) -> None:
    assert read_fast(line.split()) is None


def test_options_may_stand_anywhere() -> None:
    kind = next(iter(MODULES))
    found = read_fast(["--log", "F", kind, "-q", "list", "-n", "3", "--json", "--at=2"])
    assert found is not None
    assert read_fast(["import", "-"]), "a dash alone is standard input"
    assert found.told == [("log", "F"), ("quiet", True), ("json", True)]
    values = [
        ("all", False),
        ("as_of", None),
        ("at", "2"),
        ("columns", None),
        ("limit", 3),
        ("match", None),
        ("wide", False),
    ]
    assert found.ran == [(f"{kind} list", values)]
