"""Imports point downward only, and the lower a layer lies, the less of the world it may know."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "evcli"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300
LONGEST_FUNCTION = 40

FLOORS = (
    ("errors", "__version__"), ("disk",), ("domain", "kinds"), ("log",), ("cache",), ("register",), ("undo",),
    ("what_if",), ("transfer",), ("sync",), ("cli",), ("__main__", ""),
)  # fmt: skip
"""The house, from the ground up: nothing imports what is above it."""

# What the domain may not know: the world outside, and how things are written or shown.
WORLD = {
    "asyncio", "datetime", "fcntl", "io", "json", "locale", "orjson", "os", "pathlib", "platformdirs", "random", "rich",
    "secrets", "shutil", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "typer", "uuid",
    "zoneinfo",
}  # fmt: skip
TERMINAL = {"rich", "typer", "click", "platformdirs"}


def floor(module: str) -> int:
    """The floor of a module of ours, by its name after `evcli.`."""
    first = module.partition(".")[0]
    return next(number for number, rooms in enumerate(FLOORS) if first in rooms)


def module_name(path: Path) -> str:
    """The module's name after `evcli.`: `domain.user`; of a package, the package's."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


def imports(path: Path) -> list[tuple[int, str]]:
    """Every import in the file, wherever it stands, also for types only: its line, and the module's full name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports by a relative name; this test reads full ones"
            module = node.module or ""
            if (
                module == "evcli" or (PACKAGE.parent / module.replace(".", "/")).is_dir()
            ):  # `from evcli.kinds import user`, or a name
                found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, module))
    return found


def outside(path: Path) -> list[tuple[int, str]]:
    """The imports of what is not ours, by their first name."""
    return [(line, name.partition(".")[0]) for line, name in imports(path) if name.partition(".")[0] != "evcli"]


def test_the_package_is_read_at_all() -> None:
    names = {module_name(path) for path in FILES}
    assert {"errors", "kinds.user", "log.line", "register.register", "cli.main", "__main__"} <= names
    assert any(name.startswith("evcli.domain.kind") for _, name in imports(PACKAGE / "kinds" / "user.py"))


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_import_points_up(path: Path) -> None:
    own = floor(module_name(path))
    up = [
        f"{path.relative_to(PACKAGE.parent)}:{line} imports {name}"
        for line, name in imports(path)
        if name.startswith("evcli.") and floor(name.removeprefix("evcli.")) > own
    ]
    assert not up


def test_errors_import_nothing() -> None:
    assert imports(PACKAGE / "errors.py") == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").glob("*.py")), ids=module_name)
def test_the_domain_knows_nothing_of_files_clocks_chance_or_terminals(path: Path) -> None:
    known = [f"line {line}: {name}" for line, name in outside(path) if name in WORLD]
    assert not known


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if module_name(path).startswith(("log", "cache", "register", "transfer"))],
    ids=module_name,
)
def test_below_the_command_line_nobody_knows_the_terminal(path: Path) -> None:
    known = [f"line {line}: {name}" for line, name in outside(path) if name in TERMINAL]
    assert not known


def test_only_the_modules_that_draw_tables_and_progress_import_rich() -> None:
    users = {module_name(path) for path in FILES if any(name == "rich" for _, name in outside(path))}
    assert users == {"cli.show.cellwidth", "cli.show.bar"}


def graph() -> dict[str, set[str]]:
    """Which modules of ours each one imports when it is loaded, or later."""
    names = {module_name(path) for path in FILES}
    found: dict[str, set[str]] = {}
    for path in FILES:
        ours = {name.removeprefix("evcli.") for _, name in imports(path) if name.startswith("evcli.")}
        found[module_name(path)] = {name if name in names else name.rpartition(".")[0] for name in ours}
    return found


def test_no_import_goes_in_a_circle() -> None:
    edges = graph()
    for start in edges:
        reached, waiting = set(), list(edges[start] - {start})
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += edges.get(name, ())
        assert start not in reached, f"{start} imports itself by way of {sorted(reached)}"


def test_the_command_line_knows_the_register_and_neither_log_nor_cache() -> None:
    found = {(name, other) for name, others in graph().items() if name.startswith("cli") for other in others}
    assert not sorted((name, other) for name, other in found if other.startswith(("log", "cache")))


def test_only_the_engine_of_a_file_knows_bytes_and_descriptors() -> None:
    """Above it, a place is a number that only the engine can use."""
    for path in FILES:
        name = module_name(path)
        if name.startswith(("log", "register")) and not name.startswith("log.file"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            known = attributes & {"descriptor", "pread", "offset", "st_size", "fsync", "ftruncate", "flock", "is_torn"}
            assert not known, f"{name} asks for {known}"


COMMAND_WORD = re.compile(r"(?<![\w-])--[a-z]|EVCLI_|evcli (?!log: )[a-z{|-]")
"""An option, a setting, or a command; but not "this is not an evcli log: …"."""


@pytest.mark.parametrize(
    "path", [path for path in FILES if module_name(path).partition(".")[0] != "cli"], ids=module_name
)
def test_no_word_of_the_command_line_is_said_below_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    said = [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        if COMMAND_WORD.search(node.value)
    ]
    assert not said


USER = re.compile(r"(?<![a-z])users?(?![a-z])")
OTHER_USERS = {
    "cache.database": {"PRAGMA user_version = "},  # SQLite's users
    "cli.commands.help": {
        "  EVCLI_ACTOR               the actor; default: who runs evcli; as root, who called sudo (SUDO_USER)",
        "  EVCLI_ACTOR_TYPE          its type: app_user, user (the default), service_account, api_key, system,",
    },
    "cli.environment": {"user_data_dir", "_user_name", "SUDO_USER"},  # of the operating system
    "cli.session": {"user"},  # a type of actor
    "kinds": {"user", "evcli.kinds.user"},
    "log.file.open": {"is another user's link; nothing was written"},
    "log.line": {"user"},
    "log.members": {"user", "app_user"},
    "register.actor": {"user"},
    "register.register": {"user"},
}
"""Words that mean somebody of the operating system, or an event's type of actor, and the table of kinds."""


def words_of_code(path: Path) -> set[str]:
    """The names and texts in a file, without its docstrings, and without the examples that help has."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    lists = [node.elts for node in ast.walk(tree) if isinstance(node, (ast.List, ast.Tuple))]
    examples = {
        id(each) for each in chain(*lists) if isinstance(each, ast.Constant) and str(each.value).startswith("evcli ")
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | examples:
            found |= {line for line in node.value.split("\n") if "{" not in line and "|" not in line}
        found |= {str(getattr(node, name, "")) for name in ("id", "attr", "name", "arg")}
    return found


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_only_their_own_page_speaks_of_users(path: Path) -> None:
    name = module_name(path)
    if name != "kinds.user":
        found = {word for word in words_of_code(path) if USER.search(word.lower())}
        surplus = found - OTHER_USERS.get(name, set())
        assert not surplus, f"{name} speaks of users: {surplus}"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_file_is_longer_than_a_reader_can_keep_in_mind(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{path.relative_to(PACKAGE.parent)} has {lines} lines; {LONGEST} are enough"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    sizes = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert not {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}
