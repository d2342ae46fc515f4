"""Imports point downward only, and the lower a layer lies, the less of the world it may know."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "evcli"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300

FLOORS = (
    ("errors", "__version__"), ("disk",), ("domain", "kinds"), ("log",), ("cache",), ("register",), ("transfer",),
    ("cli",), ("__main__", ""),
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
    assert any(name == "evcli.errors" for _, name in imports(PACKAGE / "kinds" / "user.py"))


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
    assert users == {"cli.show.table", "cli.show.bar"}


def test_outside_their_own_modules_only_the_kinds_and_the_command_line_know_what_a_user_is() -> None:
    knowing = {
        module_name(path)
        for path in FILES
        if any(name.startswith("evcli.kinds.user") for _, name in imports(path))
        and not module_name(path).startswith("cli")
    }
    assert knowing == {"kinds", "domain.find"}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_file_is_longer_than_a_reader_can_keep_in_mind(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{path.relative_to(PACKAGE.parent)} has {lines} lines; {LONGEST} are enough"
