"""Lists as other programs export them: the files in exports/ have the shape of real ones, and invented people."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evcli.cli.reading import hint_for
from evcli.errors import BadInput
from evcli.transfer.reading import USUAL, Reading
from evcli.transfer.refusals import BadList
from evcli.transfer.rows import Intake
from evcli.transfer.source import opened

EXPORTS = Path(__file__).parent / "exports"
FIELDS, NEEDED = ("name", "email", "date"), ("email", "name")

ADA, GRACE = ("Ada Lovelace", "ada@example.com", ""), ("Grace Brewster Hopper", "grace@example.com", "")
HOPPER, HOEPPER = ("Hopper, Grace", "grace@example.com", ""), ("Grace Brewster Höpper", "grace@example.com", "")
BOTH = 'name from "{}" + "{}", e-mail from "{}"'.format
PASSWD = Reading("passwd", email_domain="example.com")
LATIN = Reading(columns={"date": "Eintritt"}, encoding="windows-1252")

Row = tuple[str, ...]
LISTS: dict[str, tuple[Reading, list[Row], str]] = {
    "discourse.csv": (USUAL, [ADA, GRACE], ""),
    "entra-group.csv": (USUAL, [ADA, GRACE], 'name from "displayName", e-mail from "userPrincipalName"'),
    "entra-users.csv": (
        USUAL,
        [ADA, GRACE],
        'name from "displayName" (or "givenName" + "surname", where that is empty), e-mail from "mail"',
    ),
    "excel-german.csv": (
        LATIN,
        [(*ADA[:2], "31.12.2024"), (*HOEPPER[:2], "01.02.2025")],
        BOTH("Vorname", "Name", "E-Mail-Adresse") + ', date from "Eintritt"',
    ),
    "excel-sep.csv": (USUAL, [ADA, GRACE], BOTH("Prénom", "Nom", "Adresse e-mail")),
    "github.csv": (USUAL, [ADA, GRACE], 'name from "name", e-mail from "saml_name_id"'),
    "google-workspace.csv": (
        USUAL,
        [ADA, GRACE],
        BOTH("First Name [Required]", "Last Name [Required]", "Email Address [Required]"),
    ),
    "graph.json": (USUAL, [ADA, GRACE], 'name from "displayName", e-mail from "mail"'),
    "mailman.txt": (USUAL, [ADA, HOPPER], ""),
    "okta.csv": (
        USUAL,
        [ADA, GRACE],
        'name from "displayName" (or "firstName" + "lastName", where that is empty), e-mail from "email"',
    ),
    "openldap.ldif": (USUAL, [ADA, HOEPPER], "left out 3 entries that are not people"),
    "passwd": (PASSWD, [ADA, GRACE], "left out 3 accounts whose uid is not from 1000 to 60000: they are not people's"),
    "powershell.csv": (USUAL, [ADA, GRACE], BOTH("GivenName", "Surname", "UserPrincipalName")),
    "scim.json": (USUAL, [ADA, GRACE], "left out 1 of 3, who are not active"),
    "slack.csv": (USUAL, [ADA, GRACE], 'name from "fullname", e-mail from "email"'),
    "spanish.tsv": (USUAL, [ADA, GRACE], BOTH("Nombre", "Apellidos", "Correo electrónico")),
}

Read = Callable[..., tuple[list[Any], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The rows, or their faults, of an input with that content, and what was noted."""

    def run(content: bytes | str, how: Reading = USUAL, name: str = "list") -> tuple[list[Any], list[str]]:
        path, noted = tmp_path / name, list[str]()
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with opened(str(path)) as source:
            source.name = name
            found = list(Intake(source, None, FIELDS, NEEDED, noted.append, how).rows())
        return [each for rows in found for each in ([rows.fault] if rows.fault else rows.cells)], noted

    return run


def refusal(read: Read, *arguments: Any) -> str:
    """What is said of an input that is refused, with the hint."""
    with pytest.raises(BadInput) as refused:
        read(*arguments)
    return in_words(refused.value)


def in_words(error: BadInput) -> str:
    return f"{error.message}; {error.hint or (hint_for(error) if isinstance(error, BadList) else '')}"


def test_every_export_is_in_the_table() -> None:
    assert sorted(LISTS) == sorted(os.listdir(EXPORTS))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_export_is_read_as_it_is(read: Read, name: str, packed: bool) -> None:
    if name.endswith(".ldif"):
        pytest.importorskip("ldif")
    how, rows, said = LISTS[name]
    content = (EXPORTS / name).read_bytes()
    found, noted = read(*((gzip.compress(content), how, f"{name}.gz") if packed else (content, how, name)))
    assert found == rows
    assert [note for note in noted if not note.startswith("ignored")] == [said] * bool(said)
