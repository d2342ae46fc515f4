"""Lists as other programs export them: the files in exports/ have the shape of real ones, and invented people."""

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from evcli.cli.reading import hint_for
from evcli.errors import BadInput
from evcli.transfer import objects, source, unpacked
from evcli.transfer.dates import forms_of
from evcli.transfer.fault import Fault
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
    "passwd": (PASSWD, [ADA, GRACE], "left out 3 accounts with a uid that is not from 1000 to 60000, as people's are"),
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
            found = list(Intake(source, FIELDS, NEEDED, noted.append, how).rows())
        return [each for rows in found for each in ([rows.fault] if rows.fault else rows.cells)], noted

    return run


def refusal(read: Read, *arguments: Any) -> str:
    """What is said of an input that is refused, with the hint."""
    with pytest.raises(BadInput) as refused:
        read(*arguments)
    return in_words(refused.value)


def told(read: Read, content: bytes, how: Reading) -> str:
    """What is said of the input, or of its first bad row."""
    try:
        (fault, *_) = [each for each in read(content, how)[0] if isinstance(each, Fault)]
    except BadInput as error:
        return in_words(error)
    return in_words(fault.error())


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
    found, noted = read(*((gzip.compress(content, mtime=0), how, f"{name}.gz") if packed else (content, how, name)))
    assert found == rows
    assert [note for note in noted if not note.startswith("ignored")] == [said] * bool(said)


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("name", LISTS)
def test_pieces_of_any_size_are_the_same_list(
    read: Read, name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.endswith(".ldif"):
        pytest.importorskip("ldif")
    monkeypatch.setattr(source, "CHUNK", size)
    monkeypatch.setattr(unpacked, "CHUNK", size)
    how, rows, _ = LISTS[name]
    content = (EXPORTS / name).read_bytes()
    assert read(content, how, name)[0] == rows
    assert read(gzip.compress(content, mtime=0), how, name)[0] == rows


def test_only_the_first_bytes_are_held_to_tell_what_a_list_is() -> None:
    chunks = iter([b"name,", b"email\n", b"Ada,a@x\n", b"Bob,b@x\n"])
    first, every = unpacked.begun(chunks)
    assert first == b"name,email\nAda,a@x\n"
    assert next(chunks) == b"Bob,b@x\n", "it was not read yet"
    assert list(every) == [first]


# --- from bytes to cells ----------------------------------------------------------------------------------------------

PLAIN = "name,email\nAda Lovelace,ada@example.com\nGrace Brewster Höpper,grace@example.com\n"

ENCODED: dict[str, tuple[bytes, Reading]] = {
    "UTF-8 with a mark": (PLAIN.encode("utf-8-sig"), USUAL),
    "UTF-16": (PLAIN.encode("utf-16"), USUAL),
    "UTF-16 the other way round": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), USUAL),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), USUAL),
    "UTF-16 the other way round without a mark": (PLAIN.encode("utf-16-be"), USUAL),
    "UTF-32": (PLAIN.encode("utf-32"), USUAL),
    "Windows-1252": (PLAIN.encode("cp1252"), Reading(encoding="Windows-1252")),
    "UTF-16 that is named": (PLAIN.encode("utf-16"), Reading(encoding="utf-16")),
    "UTF-8 that is named": (PLAIN.encode("utf-8-sig"), Reading(encoding="UTF8")),
    "CRLF": (PLAIN.replace("\n", "\r\n").encode(), USUAL),
    "CR": (PLAIN.replace("\n", "\r").encode(), USUAL),
    "gzip in two members": (gzip.compress(PLAIN[:20].encode(), mtime=0) + gzip.compress(PLAIN[20:].encode()), USUAL),
    "gzip on a tape": (gzip.compress(PLAIN.encode(), mtime=0) + bytes(512), USUAL),
    **{name: (PLAIN.replace(",", sign).encode(), USUAL) for name, sign in (("semicolons", ";"), ("bars", "|"))},
    "tabs": (PLAIN.replace(",", "\t").encode(), USUAL),
    "a delimiter that is named": (PLAIN.replace(",", "^").encode(), Reading(delimiter="^")),
    "sep": (f"sep=^\n{PLAIN.replace(',', '^')}".encode(), USUAL),
    "a delimiter that is named and another": (f"sep=;\n{PLAIN.replace(',', '^')}".encode(), Reading(delimiter="^")),
    "sep in quotes": (f'"SEP=\t"\r\n{PLAIN}'.replace(",", "\t").encode(), USUAL),
    "comments": (f'#TYPE x\n# "a,b\n#\n{PLAIN}'.encode(), USUAL),
    "semicolons and spaces": (PLAIN.replace(",", '; "').replace("\n", '"\n').encode(), USUAL),
}


@pytest.mark.parametrize("name", ENCODED)
def test_text_is_read_in_any_usual_encoding_and_with_any_usual_delimiter(read: Read, name: str) -> None:
    content, how = ENCODED[name]
    assert read(content, how) == ([ADA, HOEPPER], [])


@pytest.mark.parametrize("name", ["UTF-8 with a mark", "UTF-16", "UTF-16 without a mark", "UTF-32", "Windows-1252"])
def test_packed_text_may_come_byte_by_byte(read: Read, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK", 1)
    monkeypatch.setattr(unpacked, "CHUNK", 1)
    content, how = ENCODED[name]
    packed = gzip.compress(content[:21], mtime=0) + gzip.compress(content[21:], mtime=0)  # in the middle of a character
    assert read(packed, how) == ([ADA, HOEPPER], [])


def test_first_column_may_be_called_by_a_number_sign(read: Read) -> None:
    assert read("#,name,email\n1,Ada Lovelace,ada@example.com\n") == ([ADA], ["ignored column: #"])


def test_lines_before_the_header_count_as_lines(read: Read, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("#TYPE x\nsep=;\n\nname;email\n\nAda;a@x.de\nBob;b;c\n")
    with opened(str(tmp_path / "in")) as file:
        intake = Intake(file, FIELDS, NEEDED, print)
        rows = list(intake.rows())
    assert ([[*each.lines] for each in rows], intake.heading) == ([[6], [7]], 3)


@pytest.mark.parametrize("newline", [b"\n", b"\r"])
def test_bad_bytes_in_a_later_piece_are_those_of_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: bytes
) -> None:
    monkeypatch.setattr(source, "CHUNK", 5000)
    people = [b"Mu,mu@x.de"] * 700
    people[600] = b"M\xfc,mu@x.de"
    (tmp_path / "in").write_bytes(newline.join([b"name,email", *people]))
    with opened(str(tmp_path / "in")) as file:
        rows = [(line, each.fault) for each in Intake(file, FIELDS, NEEDED, print).rows() for line in each.lines]
    assert [line for line, _ in rows] == list(range(2, 702))
    assert [line for line, fault in rows if fault is not None] == [602]


def test_guard_counts_in_a_row_that_ends_in_a_later_piece(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK", 100)
    lines = "x\n" * 200
    assert read(f'name,email\nAda,a@x.de\nBob,b@x.de\n"\'={lines}",c@x.de\n')[0][2] == (f"={lines}", "c@x.de", "")


def test_form_of_a_date_is_no_guess_between_day_and_month() -> None:
    assert forms_of("2024/12/11") == ["%Y/%m/%d"]
    assert forms_of("2024/31/12") == ["%Y/%d/%m"]
    assert forms_of("31.12.24 10:30") == ["%d.%m.%y %H:%M"]


def test_rows_before_what_cannot_be_read_do_not_hide_it(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CHUNK", 33)
    content = b"name,email\n" + b"P2,p2@x.de\n" * 8 + b"\x81,p@x.de\n"
    assert refusal(read, content, Reading(encoding="cp1252")).startswith("list: byte 99 of the input is not cp1252")


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:60], USUAL, "cut off"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-1], USUAL, "cut off: the compressed data (gzip) end in the middle;"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-8] + bytes(8), USUAL, "damaged"),
        (gzip.compress(PLAIN.encode(), mtime=0) + b"x", USUAL, "damaged: it is not what was compressed (gzip);"),
        ("name,email\nA".encode("utf-16")[:-1], USUAL, "byte 24 of the input is not utf-16-le"),
        (b"name,email\nAda \x81,a@x.de\n", Reading(encoding="cp1252"), "byte 15 of the input is not cp1252"),
        (PLAIN.encode("cp1252"), USUAL, "is not UTF-8"),
        (PLAIN.encode("utf-16"), Reading(encoding="utf-8"), "is not UTF-8"),
        (PLAIN.encode(), Reading(encoding="rot13"), '"rot13" is not an encoding; encodings are called'),
        (PLAIN.encode(), Reading(encoding="x"), '"x" is not an encoding; encodings are called'),
        (b"sep=,\nname,email\nM\xfc,a@x.de\n", USUAL, "byte 18 of the input"),
        (b'{"users":[{"name":"A","email":"a"}]}', USUAL, "is missing; --from json reads it"),
        (b"a@b\n", USUAL, "is missing; write Ada Lovelace <ada@example.com>"),
        (b"\x1f\x8b", USUAL, "cut off"),
        (b"", USUAL, "is empty"),
        (b"\xff\xfe", USUAL, "is empty"),
        (gzip.compress(b"", mtime=0), USUAL, "is empty"),
        (b"sep=;\n", USUAL, "is empty"),
        (b"PK\x03\x04", USUAL, "spreadsheet"),
        (b"<html>", USUAL, "HTML"),
        (gzip.compress(b"<html>", mtime=0), USUAL, "HTML"),
        (PLAIN.encode(), Reading(delimiter=";"), "no column email"),
        (b" ", Reading("json"), "is empty"),
        (b'5,[{"name":"A","email":"a"}]', Reading("json"), "is not JSON around its list"),
        ((EXPORTS / "passwd").read_bytes(), USUAL, "looks like a passwd file; --from passwd --email-domain"),
        ((EXPORTS / "passwd").read_bytes(), Reading("passwd"), "no e-mails; --from passwd --email-domain example.com"),
    ],
)
def test_input_that_cannot_be_read_is_refused_with_its_reason(
    read: Read, content: bytes, how: Reading, said: str
) -> None:
    assert said in told(read, content, how)


def test_name_of_a_packed_file_says_what_is_in_it(read: Read) -> None:
    assert "list.csv.gz has a .csv extension but looks like JSON" in refusal(
        read, gzip.compress(b"{}", mtime=0), USUAL, "list.csv.gz"
    )


# --- what columns are called ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("E-Mail,Name", 'name from "Name", e-mail from "E-Mail"'),
        ("Name;E-Mail", 'name from "Name", e-mail from "E-Mail"'),
        ("Mail,Full Name", 'name from "Full Name", e-mail from "Mail"'),
        ("mail,givenName,familyName", BOTH("givenName", "familyName", "mail")),
        ("mail,cn,displayName", 'name from "displayName", e-mail from "mail"'),
        ("Nom,Prénom,Courriel", BOTH("Prénom", "Nom", "Courriel")),
        ("Nom,Courriel", 'name from "Nom", e-mail from "Courriel"'),
        ("Nom complet,Adresse de messagerie", 'name from "Nom complet", e-mail from "Adresse de messagerie"'),
        ("Nombre,Correo electrónico", 'name from "Nombre", e-mail from "Correo electrónico"'),
        ("NOMBRE DE PILA,Apellido,Correo", BOTH("NOMBRE DE PILA", "Apellido", "Correo")),
        ("Vollständiger Name,Mail-Adresse (dienstlich)",
         'name from "Vollständiger Name", e-mail from "Mail-Adresse (dienstlich)"'),
        ("Vorname,Nachname,E-Mail", BOTH("Vorname", "Nachname", "E-Mail")),
        ("Vorname,Name,email", 'name from "Name" alone, though "Vorname" is beside it'),
        ("Vorname;Name;email", BOTH("Vorname", "Name", "email")),
        ("#TYPE x\nVorname,Name,email", BOTH("Vorname", "Name", "email")),
        ("Vorname,Nachname,Name,E-Mail", 'name from "Name", e-mail from "E-Mail"'),
        ("First Name,Name,E-Mail", BOTH("First Name", "Name", "E-Mail")),
        ("name,email,Mail,E-Mail,Datum", ""),
        ("name,mail,userPrincipalName", 'name from "name", e-mail from "mail"'),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_usual_names(read: Read, header: str, said: str) -> None:
    noted = read(f"{header}\n")[1]
    assert [note for note in noted if not note.startswith("ignored")] == [said] * bool(said)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name,E-Mail,Mail", '"E-Mail" and "Mail" could both be the e-mail; say which: --column email=E-Mail'),
        ("email,Full Name,Realname", '"Full Name" and "Realname" could both be the name'),
        ("email,Vorname,First Name,Nachname", '"Vorname" and "First Name" could both be the name'),
        ("name,Mail,mail", '"Mail" and "mail" could both be the e-mail'),
        ("name,recovery email", "no column email"),
        ("email,first name", "no column name"),
    ],
)
def test_columns_that_are_not_clear_are_refused_naming_them(read: Read, header: str, said: str) -> None:
    assert said in refusal(read, f"{header}\nx,y\n")


def named(**columns: str) -> Reading:
    return Reading(columns=columns)


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ({"email": "Mail"}, ("N", "m", "")),
        ({"email": "e mail", "name": "NICK"}, ("K", "e", "")),
        ({"email": "E-Mail", "name": "First+Last"}, ("A B", "e", "")),
        ({"email": "E-Mail", "name": "a+b", "date": "Datum"}, ("P", "e", "D")),
    ],
)
def test_columns_may_be_named(read: Read, columns: dict[str, str], row: Row) -> None:
    header, cells = "name,E-Mail,Mail,Nick,First,Last,a+b,Datum", ("N", "e", "m", "K", "A", " B ", "P", "D")
    assert read(f"{header}\n{','.join(cells)}\n", named(**columns))[0] == [row]
    object = orjson.dumps(dict(zip(header.split(","), cells, strict=True)))
    assert read(object, named(**columns))[0] == [row]


def test_column_that_is_called_exactly_so_is_preferred(read: Read) -> None:
    for header in ("name,Mail,mail,MAIL", "name,E-Mail,e-mail,email"):
        assert read(f"{header}\nN,a,b,c\n", named(email=header.split(",")[2]))[0] == [("N", "b", "")]
    assert read("name,E-Mail,Mail,e mail\nN,a,b,c\n", named(email="mail"))[0] == [("N", "b", "")]


def test_column_that_is_not_there_is_refused_naming_those_that_are(read: Read) -> None:
    assert 'no column "Nick"; the columns are "name", "email"' in refusal(read, "name,email\n", named(name="Nick"))
    assert read('{"name":"A","email":"e"}', named(name="Nick"))[0][0].why.startswith('there is no member "Nick"')


def test_other_column_is_taken_where_the_likely_one_is_empty(read: Read) -> None:
    content = "displayName,First Name,Last Name,email\n,Ada,Lovelace,a\n  ,Bob,,b\nCyd,X,Y,c\n"
    assert [row[0] for row in read(content)[0]] == ["Ada Lovelace", "Bob", "Cyd"]
    objects = b'{"email":"a","displayName":null,"givenName":"Ada","sn":"L"}\n{"email":"c","displayName":"C"}\n'
    objects += b'{"displayName":"  ","email":"a","givenName":"Bo","sn":false}\n'
    assert [row[0] for row in read(objects)[0]] == ["Ada L", "C", "Bo"]


def test_guard_is_taken_off_each_part_of_a_name(read: Read) -> None:
    assert read("First Name,Last Name,email\n'=A,'-B,'+c\n")[0] == [("=A -B", "+c", "")]


# --- lists that are no tables -----------------------------------------------------------------------------------------


def test_elements_of_an_array_are_rows_with_their_lines(read: Read, tmp_path: Path) -> None:
    content = '\n[ {"name":"A",\n"email":"a","x":["[",{"y":"]}"}]} ,\n\n{"name":"\\"B,","email":"b"},5,\n{"name":}'
    content += ',\n{"name":"C",\n"email":"c"},\n{"x":"raw\nline","y":[]},\n{"name":"D","email":"d"}]\n'
    (tmp_path / "in.json").write_text(content)
    with opened(str(tmp_path / "in.json")) as file:
        rows = list(Intake(file, FIELDS, NEEDED, print).rows())
    assert [(line, each.fault and each.fault.why) for each in rows for line in each.lines] == [
        (2, None), (5, None), (5, "is not a JSON object"), (6, "is not JSON"),
        (7, None), (9, "is not JSON"), (11, None),
    ]  # fmt: skip
    assert [row[0] for each in rows for row in each.cells] == ["A", '"B,', "C", "D"]


WRAPPED = [
    '{"as_of":{"number":42,"log":"a"},"users":[{"name":"A","email":"a"}]}',
    '{"@odata.context":"https://graph.example/$metadata#users(mail)","value":[\n{"name":"A","email":"a"}\n]}',
    '{\n "as_of": {"number": 42}, "users": [\n  {"name":"A","email":"a"}]}\n',
    '{"as_of":{"number":42}}\n{"name":"A","email":"a"}\n',
    '# evcli: "event 42\n# zone: UTC\nname,email\nA,a\n',
]


@pytest.mark.parametrize("content", WRAPPED)
def test_list_that_says_of_itself_what_it_is_is_read(read: Read, content: str) -> None:
    assert read(content) == ([("A", "a", "")], [])


def test_object_with_an_array_of_no_objects_is_taken_for_a_row(read: Read) -> None:
    assert read('{"name":"A","x":[5],"y":[],"z":{}}')[0] == [Fault("email", "is missing")]


def test_what_a_list_says_of_itself_is_said_first(read: Read) -> None:
    assert read('{"name":"A","email":"a"}\n{"as_of":{}}\n')[0][1].why == "is missing"


@pytest.mark.parametrize("content", ["[]", " [ ] ", '[{"name":"A","email":"a"}]'])
def test_array_may_be_empty(read: Read, content: str) -> None:
    assert read(content)[0] == [("A", "a", "")] * ("A" in content)


def test_bad_byte_in_an_array_is_named_by_its_place(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\xef\xbb\xbf [" + b'{"name":"A","email":"a"},' * 300
    for size in (20, 1000):
        monkeypatch.setattr(source, "CHUNK", size)
        assert f"byte {len(content) + 9} of the input" in told(read, content + b'{"name":"\xff"}]', USUAL)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"name":"A","email":"a"}', "cut off"),
        ('[{"name":"A","ema', "cut off"),
        ('[{"name":"A","email":"a"},', "cut off"),
        ('[{"name":"A","email":"a"}] x', "is not JSON around its list"),
        ('[{"name":"A","email":"a"}]]', "is not JSON around its list"),
        ('[{"name":"A","email":"a"},]', "is not JSON"),
        ('{"as_of":1,"users":5}', "has no array"),
        ('{"as_of":1,"users":', "cut off"),
        ('{"as_of":1,"users"}', "is not JSON"),
        ('{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}', "has no Resources"),
        ('[{"name":"A","email":"\xff"}]', "is not UTF-8"),
        ('[{"name":"' + "A" * (3 << 20), "more than 1,048,576 bytes"),
        ((EXPORTS / "scim.json").read_text()[:-3], "cut off"),
    ],
)
def test_array_that_is_not_whole_is_refused(read: Read, content: str, said: str) -> None:
    assert said in told(read, content.encode("latin-1"), USUAL)


@pytest.mark.parametrize("around", ['{"as_of":{' + '"a":{},' * 50, '{"as_of":1,"users":[],"more":"' + "x" * 300])
def test_what_is_around_a_list_is_not_held_without_limit(
    read: Read, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "CHUNK", 20)
    monkeypatch.setattr(objects, "LONGEST_AROUND", 300)
    assert "more than 300 bytes that are not in its list" in told(read, around.encode(), USUAL)
    people = b'{"name":"A","email":"a"},' * 50
    assert len(read(b'{"as_of":{"a":{}},"users":[' + people[:-1] + b"]}")[0]) == 50


SCIM = '{{"totalResults":{},"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"Resources":[{}]}}'.format


@pytest.mark.parametrize(
    ("user", "row"),
    [
        ('{"displayName":"A","userName":"a@b"}', ("A", "a@b", "")),
        ('{"displayName":"A","userName":"a"}', ("A", "", "")),
        ('{"displayName":"A","name":{"formatted":"F"},"emails":[{"value":"a"}]}', ("F", "a", "")),
        ('{"name":{"givenName":"G"},"emails":[{"value":"h"},{"value":"w","type":"work"}]}', ("G", "w", "")),
        ('{"name":"N","emails":[{"value":"h"},{"value":"p","primary":true}],"active":true}', ("", "p", "")),
        ('{"displayName":"A","emails":[{"value":"w","type":"work"},{"value":"p","primary":true}]}', ("A", "p", "")),
        ('{"displayName":"A","emails":[{"value":"h"},{"value":"i"}]}', "h and i could both be the e-mail, and neither"),
        ('{"displayName":5,"emails":[]}', "is 5, not a string"),
        ("5", "is not a JSON object"),
    ],
)
def test_scim_list_gives_names_and_emails(read: Read, user: str, row: Row | str) -> None:
    (found,), noted = read(SCIM(1, user))
    assert (found.why.startswith(row) if isinstance(row, str) else found == row, noted) == (True, [])


def test_array_that_holds_the_list_is_read(read: Read) -> None:
    assert read('["Resources",[{"displayName":"A","userName":"a@b"}]]', Reading("scim"))[0] == [("A", "a@b", "")]


def test_scim_list_of_one_page_says_so_and_counts_who_is_not_active(read: Read) -> None:
    gone = '{"active":false},{"active":"False"}'
    noted = ["left out 2 of 2, who are not active", "it has 2 of 7: it is one page of a list"]
    assert read(SCIM(7, gone)) == ([], noted)
    assert read(SCIM(1, '{"nickName":"Nick","userName":"n@x"}'), named(name="nickName"))[0] == [("Nick", "n@x", "")]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("a:x:1000:1:A B,x:/:/", ("A B", "a@example.com", "")),
        ("a:x:60000:1::/:/", ("a", "a@example.com", "")),
        ("a:x:999:1:A:/:/\na:x:60001:1:A:/:/\n# x\n+::::::\n\na:x:1001:1:A &:/:/", ("A A", "a@example.com", "")),
        ("a:x:1000:1:A", "is not a line of a passwd file"),
        ("a:x:one:1:A:/:/", "is not a line of a passwd file"),
    ],
)
def test_passwd_gives_the_people(read: Read, line: str, row: Row | str) -> None:
    (found,), _ = read(line, PASSWD)
    assert found.why.startswith(row) if isinstance(row, str) else found == row


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Ada <a@b>", ("Ada", "a@b", "")),
        ('"A \\"B\\" C" <a@b>;', ("A \"B\" C", "a@b", "")),
        ("<a@b>\r", "is missing"),
        ("a@b,", "is missing"),
        ("Ada <a@b>\r", ("Ada", "a@b", "")),
        ("Ada <a@b>,", ("Ada", "a@b", "")),
        ("x@y\n\n# z\nAda a@b", "is not an address"),
        ("x@y\nz@\xff", "is not UTF-8"),
    ],
)  # fmt: skip
def test_addresses_give_the_people(read: Read, line: str, row: Row | str) -> None:
    found = read(line.encode("latin-1"), Reading("addresses"))[0][-1]
    assert row in found.why if isinstance(row, str) else found == row


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("cn: A\nmail: a@b\nmail: c@d", "a@b and c@d could both be the e-mail"),
        ("changetype: modify\nmail: a@b", "is a change, not an entry"),
        ("cn A", "is not LDIF"),
        ("dn: uid=b", "is not LDIF"),
        ("cn:: /w==\nmail: a@b", "is missing"),
    ],
)
def test_bad_entry_of_a_directory_is_a_bad_row(read: Read, entry: str, said: str) -> None:
    pytest.importorskip("ldif")
    content = f"\n\ndn: uid=a,dc=b\nobjectClass: person\n{entry}\n"
    assert said in read(content.encode("latin-1"), Reading("ldif"))[0][0].why


def test_entry_of_a_directory_begins_at_its_first_line_after_comments(read: Read, tmp_path: Path) -> None:
    pytest.importorskip("ldif")
    entry = "dn: uid={0}\n# and on\nobjectClass: person\ncn: {0}\n"
    content = f"# on\n and on: x\n{entry.format('A')}mail: a@b\n\n\n{entry.format('B')}mail: c@d\nmail: e@f\n"
    for newline in ("\n", "\r\n", "\r"):
        (tmp_path / "in.ldif").write_bytes(content.replace("\n", newline).encode())
        with opened(str(tmp_path / "in.ldif")) as file:
            rows = list(Intake(file, FIELDS, NEEDED, print).rows())
        assert [(*each.lines, *each.cells) for each in rows] == [(3, ("A", "a@b", "")), (10,)]


def test_computer_in_a_directory_is_nobody(read: Read) -> None:
    pytest.importorskip("ldif")
    content = "dn: cn=PC\nobjectClass: person\nobjectClass: computer\ncn: PC\nmail: pc@example.com\n"
    assert read(content) == ([], ["left out 1 entry that is no person"])


def test_directory_needs_a_package_and_says_which(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldif", None)
    said = refusal(read, (EXPORTS / "openldap.ldif").read_bytes())
    assert "needs the package ldif; pip install 'evcli[ldif]', or pipx inject evcli ldif" in said


def test_url_in_a_directory_is_not_opened(read: Read, tmp_path: Path) -> None:
    pytest.importorskip("ldif")
    (tmp_path / "secret").write_text("secret")
    content = f"dn: uid=a\nobjectClass: person\ncn:< file://{tmp_path}/secret\nmail: a@b\n"
    assert read(content)[0] == [("", "a@b", "")]
