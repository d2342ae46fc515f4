"""The sample lists: a sync reads each in its own form, and ends with exactly the people who are on it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

SAMPLES = Path(__file__).parents[2] / "sample-logs"
LISTS = SAMPLES / "lists"


@pytest.fixture(scope="module")
def made() -> Any:
    """The program that makes the lists."""
    spec = importlib.util.spec_from_file_location("sample_lists", SAMPLES / "lists.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_list_brings_the_register_to_the_people_on_it(cli: Cli, made: Any) -> None:
    for month, people in made.months():
        path = str(LISTS / made.FILES[month][0])
        cli.ok("sync", path)
        found = json.loads(cli.ok("user", "list", "--json").out)
        assert {user["email"]: user["name"] for user in found} == {each.email: each.name for each in people}, path
        assert cli.ok("sync", path).out.startswith("up to date")
    ran = cli("sync", str(LISTS / "2025-12-cut-off.csv"))
    assert ran.code == 1
    assert "lacks 11 of 15 users" in ran.err


def test_every_list_is_made_again_as_it_is_and_named_in_the_readme(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "lists.py", tmp_path], check=True, timeout=60)
    names = sorted(path.name for path in LISTS.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for name in names:
        assert (tmp_path / name).read_bytes() == (LISTS / name).read_bytes(), name
        assert f"`lists/{name}`" in readme, name
