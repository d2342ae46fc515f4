"""What the environment says: home folders, the actor, and settings that are on or off."""

import os
import pwd
import sys
from pathlib import Path

import pytest
from conftest import Cli
from test_docs import ROOT

from cli.support import events_in, refuses, run_process

CREATE = ("user", "create", "Ada", "--email", "ada@example.com")
NOBODY = 54321
"""A user without an entry in passwd."""


@pytest.fixture
def without_home(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """No log is named, nothing says where home is, and the current folder is empty."""
    for name in ("EVCLI_LOG", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    monkeypatch.chdir(tmp_path)
    return cli


# --- 9: no HOME and no passwd entry, HOME='', XDG_* relative: exit 2 naming --log, never a folder called ~


@pytest.mark.parametrize("words", [("path",), ("log",), ("status",), CREATE], ids=" ".join)
@pytest.mark.parametrize(
    ("name", "value"), [("HOME", None), ("HOME", ""), ("HOME", "home"), ("HOME", "~"), ("XDG_DATA_HOME", "data")]
)
def test_without_a_home_folder_a_log_must_be_named_and_no_folder_is_called_tilde(
    without_home: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, words: tuple[str, ...]
) -> None:
    if value is not None:
        monkeypatch.setenv(name, value)
    refuses(without_home, words, 2, name, "--log FILE")


def test_a_named_log_and_help_need_no_home_folder(without_home: Cli, tmp_path: Path) -> None:
    without_home.ok("--log", "here.jsonl", *CREATE)
    without_home.ok("--log", "here.jsonl", "log")
    refuses(
        without_home, ("--log", "new/x", "log"), 10, "there is no log at new/x", f"there is no folder {tmp_path}/new"
    )
    without_home.ok("help", "environment")
    assert [path.name for path in tmp_path.iterdir()] == ["here.jsonl"]


def test_a_long_log_in_a_folder_of_many_needs_no_home_folder(
    without_home: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evcli.register.history.CACHED_FROM", 1)
    monkeypatch.setattr("evcli.register.history.MOST_BEHIND", 1)
    without_home.ok("--log", "here.jsonl", *CREATE)
    tmp_path.chmod(0o777)
    assert "Ada" in without_home.ok("--log", "here.jsonl", "user", "list").out
    assert [path.name for path in tmp_path.iterdir()] == ["here.jsonl"]


def test_an_absolute_data_folder_needs_no_home_folder(
    without_home: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if sys.platform != "darwin":
        assert without_home.ok("path").out == f"{tmp_path}/data/evcli/events.jsonl\n"


# --- 7: --log=~/x and EVCLI_LOG='~/x' mean the home folder


@pytest.mark.parametrize("how", ["--log=~/x", "EVCLI_LOG"])
def test_a_tilde_before_a_slash_means_the_home_folder(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("EVCLI_LOG", "~/x")
    assert cli.ok(*(() if how == "EVCLI_LOG" else (how,)), "path").out == f"{tmp_path}/home/x\n"


def test_a_tilde_and_a_users_name_mean_that_users_home_folder(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry(name: str) -> pwd.struct_passwd:
        return pwd.struct_passwd({"maya": ("maya", "x", 1, 1, "", "/homes/maya", "/bin/sh")}[name])

    monkeypatch.setattr(pwd, "getpwnam", entry)
    monkeypatch.chdir(tmp_path)
    assert cli.ok("--log=~maya/x", "path").out == "/homes/maya/x\n"
    assert cli.ok("--log=~maya", "path").out == f"{tmp_path}/~maya\n", "a home folder is no log"
    refuses(cli, ("--log=~nobody/x", *CREATE), 14, f"there is no folder {tmp_path}/~nobody", "mkdir -p '")


@pytest.mark.parametrize("name", ["~x", "./~/x", "x~"])
def test_a_tilde_elsewhere_is_part_of_a_name(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.ok(f"--log={name}", "path").out == f"{tmp_path}/{name.removeprefix('./')}\n"


def test_a_tilde_without_a_home_folder_is_refused(without_home: Cli) -> None:
    refuses(without_home, ("--log=~/x", *CREATE), 2, "HOME", "--log FILE")


# --- 12: under sudo, authid is SUDO_USER when root runs for somebody, else the user


@pytest.mark.parametrize(
    ("user", "sudo_user", "actor", "who"),
    [
        (0, "maya", None, "maya"),
        (0, "", None, "user-0"),
        (0, None, None, "user-0"),
        (33, "maya", None, "user-33"),
        (0, "maya", "ann", "ann"),
        (NOBODY, None, "", str(NOBODY)),
    ],
)
def test_the_actor_is_who_called_sudo_when_root_runs_for_somebody_else_the_user(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, user: int, sudo_user: str | None, actor: str | None, who: str
) -> None:
    for name, value in (("SUDO_USER", sudo_user), ("EVCLI_ACTOR", actor)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    entry = list(pwd.getpwuid(0))
    names = {number: pwd.struct_passwd([f"user-{number}", *entry[1:]]) for number in (0, 33)}
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: names[uid])
    cli.ok(*CREATE)
    assert events_in(cli.log)[-1]["authid"] == who


@pytest.mark.parametrize("name", [" ", "\u3000", "\u200c", " \u00a0\u2009"], ids=ascii)
def test_a_blank_actor_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", name)
    refuses(cli, CREATE, 2, "the actor is blank", "EVCLI_ACTOR")


# --- 13: FORCE_COLOR=0, EVCLI_CACHE=0|no|OFF mean what they say; python -OO keeps all help


@pytest.mark.parametrize("value", ["0", "no", "OFF", "false", "off ", "1", "on", ""])
def test_a_setting_that_is_switched_off_in_any_of_the_usual_words_is_off(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setattr("evcli.register.history.CACHED_FROM", 1)
    monkeypatch.setattr("evcli.register.history.MOST_BEHIND", 1)
    cli.ok(*CREATE)
    monkeypatch.setenv("EVCLI_CACHE", value)
    cli.ok("user", "list")
    assert Path(f"{cli.log}.cache").exists() is (value in ("1", "on", ""))


@pytest.mark.parametrize(("value", "is_shown"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_traceback_of_a_bug_is_shown_when_that_is_switched_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, value: str, is_shown: bool
) -> None:
    monkeypatch.setenv("EVCLI_DEBUG", value)
    monkeypatch.setattr("evcli.cli.commands.verify.valid", {}.__getitem__)
    ran = cli("path")
    assert ran.code == 255
    assert ("Traceback" in ran.err) is is_shown


def test_help_is_all_there_without_docstrings() -> None:
    script = "import os, test_docs; os.write(1, test_docs.page().encode())"
    ran = run_process(
        command=(sys.executable, "-OO", "-c", script),
        environment={"PYTHONPATH": str(ROOT / "tests"), "COLUMNS": "100", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    assert ran.out.decode() == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), ran.err.decode()
