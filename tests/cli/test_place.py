"""Where a new log is begun: never in silence, and in a missing folder only at the default place."""

import json
import shlex
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import READING, fails, refuses

CREATE = ("user", "create", "Ada", "--email", "ada@example.com")
GOOD = "name,email\nAda,ada@example.com\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A list to import."""
    path = tmp_path / "people.csv"
    path.write_text(GOOD)
    return path


# --- a missing folder -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["--log", "EVCLI_LOG", "~/"])
@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize("words", [CREATE, ("import", "people.csv")], ids=["create", "import"])
def test_a_new_log_in_a_missing_folder_is_14_with_the_mkdir_to_type_and_nothing_is_made(
    cli: Cli,
    people: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    dry_run: tuple[str, ...],
    form: tuple[str, ...],
    how: str,
) -> None:
    monkeypatch.chdir(people.parent)
    folder = f"{people.parent}/{'home/' * (how == '~/')}it's new/deep"
    name = "~/it's new/deep/x" if how == "~/" else "it's new/deep/x"
    if how == "EVCLI_LOG":
        monkeypatch.setenv("EVCLI_LOG", name)
    named = () if how == "EVCLI_LOG" else (f"--log={name}",)
    refuses(cli, (*named, *words, *dry_run), 14, f"{folder}/x cannot be created: there is no folder {folder}; nothing")
    error = json.loads(cli(*named, *words, *dry_run, "--json").err.splitlines()[-1])["error"]
    hint, other = error["hint"].split("; ")
    assert shlex.split(hint.partition(": ")[2]) == ["mkdir", "-p", folder]
    assert other == "--log FILE or EVCLI_LOG names another log"
    assert list(people.parent.iterdir()) == [people]

    Path(folder).mkdir(parents=True)
    assert "began" in cli.ok(*named, *words, *form).err
    assert Path(f"{folder}/x").exists()


def test_a_name_that_leaves_no_room_for_the_names_of_copies_is_refused(cli: Cli, tmp_path: Path) -> None:
    for name in ("n" * 224, "é" * 112):
        refuses(
            cli, (f"--log={tmp_path}/{name}", *CREATE), 14,
            f"{name} cannot be created: its name has 224 bytes; at most 223 leave room for the names of copies",
        )  # fmt: skip
    cli.ok(f"--log={tmp_path}/{'n' * 223}", *CREATE)


@pytest.mark.parametrize("words", [CREATE, ("import", "people.csv")], ids=["create", "import"])
def test_folders_of_the_default_place_are_made(
    cli: Cli, people: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("EVCLI_LOG")
    monkeypatch.chdir(people.parent)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", f"{people.parent}/a/b")
    fails(cli("user", "list"), 10, "evcli user create NAME --email EMAIL creates one")
    cli.ok(*words, "--dry-run")
    assert not (people.parent / "a").exists()
    assert cli.ok(*words).err == f"began a new log at {people.parent}/a/b/evcli/events.jsonl\n"


@pytest.mark.parametrize("words", [*READING.values(), ("user", "rename", "1", "Ada"), ("repair",)], ids=" ".join)
def test_reading_a_log_in_a_missing_folder_is_10_and_asks_whether_the_path_is_right(
    cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("new/x")
    none = f"there is no folder {tmp_path}/new either"
    for path, why in (("new/x", none), ("link", none), ("file/x", f"{tmp_path}/file is not a folder")):
        there = f"there is no log at {tmp_path}/{'' if path == 'link' else path}"  # repair names what a link leads to
        refuses(cli, (f"--log={tmp_path}/{path}", *words), 10, there, f"{why}: is the path right?")


def test_an_import_names_the_missing_folder_before_a_bad_row_and_needs_none_for_no_rows(
    cli: Cli, people: Path, tmp_path: Path
) -> None:
    log = f"--log={tmp_path}/new/x"
    people.write_text("name,email\nAda,ada\n")
    for dry_run in ((), ("--dry-run",)):
        refuses(cli, (log, "import", str(people), *dry_run), 14, f"there is no folder {tmp_path}/new")
    people.write_text("name,email\n")
    cli.ok(log, "import", str(people))
    assert list(tmp_path.iterdir()) == [people]


# --- what is said of a log that is begun ------------------------------------------------------------------------------


def test_an_import_says_that_it_began_a_log_and_a_second_one_does_not(cli: Cli, people: Path) -> None:
    ran = cli.ok("import", str(people), "--json")
    assert json.loads(ran.out)["began"] is True
    assert ran.err == f'{{"note":{{"message":"began a new log at {cli.log}"}}}}\n'
    people.write_text(GOOD + "Bob,bob@example.com\n")
    ran = cli.ok("import", str(people), "--json")
    assert (json.loads(ran.out)["began"], ran.err) == (False, "")


def test_a_dry_run_and_an_import_that_fails_or_has_no_rows_begin_no_log_and_do_not_say_so(
    cli: Cli, people: Path
) -> None:
    ran = cli.ok("import", str(people), "--dry-run", "--json")
    assert (json.loads(ran.out)["began"], "began" in ran.err) == (False, False)
    ran = cli.ok(*CREATE, "--dry-run", "--json")
    assert (json.loads(ran.out)["began"], "began" in ran.err) == (False, False)
    people.write_text(GOOD + "Bob,bob\n")
    ran = cli("import", str(people))
    assert (ran.code, "began" in ran.err) == (2, False)
    people.write_text("name,email\n")
    ran = cli.ok("import", str(people), "--json")
    assert (json.loads(ran.out)["began"], "began" in ran.err) == (False, False)
    assert not cli.log.exists()


# --- other paths ------------------------------------------------------------------------------------------------------


def test_a_path_where_no_log_can_be_is_named_with_what_to_do(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("gone/x")
    for path, *phrases in (
        ("folder", f"{tmp_path}/folder is a folder, not a log", "names another log"),
        ("new/", f"{tmp_path}/new/ is the name of a folder", f"name a file in it: {tmp_path}/new/events.jsonl"),
        ("file/x", f"{tmp_path}/file/x cannot be created: {tmp_path}/file is not a folder", "names another log"),
        ("file/y/x", f"{tmp_path}/file is not a folder", "names another log"),
        (
            "link",
            f"{tmp_path}/link (a link to {tmp_path}/gone/x) cannot be created: there is no folder {tmp_path}/gone",
            f"mkdir -p {tmp_path}/g",
        ),
    ):
        for dry_run in ((), ("--dry-run",)):
            refuses(cli, (f"--log={tmp_path}/{path}", *CREATE, *dry_run), 14, *phrases)


def test_an_export_into_a_missing_folder_says_which_and_the_mkdir_to_type(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok(*CREATE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("gone/x")
    for path, folder in (
        ("a b/c/x.csv", f"'{tmp_path}/a b/c'"),
        ("~/x.csv", f"{tmp_path}/home"),
        ("link", f"{tmp_path}/gone"),
    ):
        refuses(
            cli, ("export", path, "--force"), 14, f"there is no folder {folder.strip(chr(39))}", f"mkdir -p {folder}"
        )
    (tmp_path / "home").mkdir()
    cli.ok("export", "~/x.csv")
    assert (tmp_path / "home" / "x.csv").exists()
