"""Two live users never share an e-mail, whatever its case: inside one batch too, with a cache and without one."""

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, Ran
from support.caches import cache_every_log
from support.users import clean_email

from evcli.errors import BadText
from faults.casebook import chain, forged, says
from faults.common import read

A_TO_Z = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
IN_AN_EMAIL = string.ascii_letters + string.digits + ".!#$%&'*+/=?^_`{|}~-"

ANN, BOB, GONE = ",Ann,ANN@example.com\n", ",Bob,bob@example.com\n", "destroy,,ann@example.com\n"

TAKEN = {
    "two new users": ("", ANN + ",Ann,ann@Example.com\n"),
    "a new user after a change": (BOB, "change-email,bob,Ann@Example.com\n" + ANN),
    "a change after a new user": (BOB, ANN + "change-email,Bob,ann@Example.COM\n"),
    "two changes": (
        BOB + ",Cid,cid@example.com\n",
        "change-email,Bob,ANN@example.com\nchange-email,Cid,ann@example.com\n",
    ),
    "a user from before": (ANN, BOB + ",Ann,ann@example.com\n"),
    "a user restored before": (ANN + GONE, "restore,,Ann@example.com\n,Ann,ann@example.com\n"),
    "a restore after a new user": (ANN + GONE, ",Eve,ann@example.COM\nrestore,,Ann@example.com\n"),
}
"""Rows that are recorded before, and rows of which the second needs an e-mail that is taken then."""

FREE = {
    "a destroyed user's": (ANN, "destroy,,Ann@example.com\n,Ann,ann@example.com\n"),
    "a changed user's": (ANN, "change-email,Ann,new@example.com\n,Eve,ann@example.com\n"),
    "one's own in another case": (ANN, "change-email,Ann,ann@example.com\n,Bob,b@example.com\n"),
}

Load = Callable[[str], Ran]


@pytest.fixture(params=[True, False], ids=["cache", "no cache"])
def load(request: pytest.FixtureRequest, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import rows over a register of thirty users, which has a cache or none."""
    if request.param:
        cache_every_log(monkeypatch)
    file = tmp_path / "people.csv"

    def run(rows: str) -> Ran:
        file.write_text("action,name,email\n" + rows)
        return cli("import", str(file))

    assert run("".join(f",Old{number},old{number}@example.com\n" for number in range(30))).code == 0
    cli.ok("state")
    assert cli.log.with_name(cli.log.name + ".cache").exists() == request.param
    return run


@pytest.mark.case(75)
@pytest.mark.parametrize("case", TAKEN)
def test_an_email_in_another_case_is_taken(cli: Cli, load: Load, case: str) -> None:
    before, rows = TAKEN[case]
    if before:
        assert load(before).code == 0
    log = cli.log.read_bytes()
    ran = load(rows)
    says(ran, 1, "line 3", "nothing was written")
    assert cli.log.read_bytes() == log, "one row of a batch is refused, and so are all"
    assert read(cli.log)[0] == "good"


@pytest.mark.parametrize("case", FREE)
def test_an_email_in_another_case_is_free_again(cli: Cli, load: Load, case: str) -> None:
    before, rows = FREE[case]
    assert load(before).code == 0
    number = read(cli.log)[1]
    says(load(rows), 0)
    assert read(cli.log)[:2] == ("good", number + 2)


@pytest.mark.parametrize("code", [0x212A, 0x17F, 0xDF, 0x131, 0x130, 0xFB00, 0x1E9E], ids=hex)
def test_a_log_with_an_email_that_only_unicode_folds_is_damaged(log_path: Path, code: int) -> None:
    (before,) = chain(1)
    line = forged(before, 2, data={"name": "Ann", "email": f"{chr(code)}@example.com"})
    log_path.write_bytes(before + line)
    status, number, _, fault = read(log_path)
    assert (status, number) == ("damaged", 1)
    assert "email" in fault or "e-mail" in fault


def is_email(text: str) -> bool:
    try:
        return clean_email(text) == text
    except BadText:
        return False


def test_an_email_is_ascii_so_that_casefold_folds_a_to_z_only() -> None:
    beyond = [chr(code) for code in range(0x80, 0x110000) if chr(code).casefold() != chr(code)]
    assert len(beyond) > 1000
    assert not [text for text in beyond if is_email(f"{text}@x") or is_email(f"x@x{text}x") or is_email(f"x{text}@x")]
    found = "".join(chr(code) for code in range(0x80) if is_email(f"{chr(code)}@x"))
    assert sorted(found) == sorted(IN_AN_EMAIL)
    assert IN_AN_EMAIL.casefold() == IN_AN_EMAIL.translate(A_TO_Z)
