"""Workbooks (.xlsx): which sheet and cells are read, what each cell becomes, and which files are refused."""

import os
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from evcli.cli.reading import hint_for
from evcli.errors import BadInput
from evcli.transfer.found import Rows
from evcli.transfer.reading import USUAL, Reading
from evcli.transfer.refusals import BadList
from evcli.transfer.rows import Intake
from evcli.transfer.source import Source, opened

FIELDS, NEEDED = ("name", "email", "date"), ("email", "name")
HEADER = ("name", "email", "date")
ADA, BOB = ("Ada", "ada@example.com"), ("Bob", "bob@example.com")

SHEET, SHARED = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


class Found(NamedTuple):
    """What was found in an input: rows with their lines, faults in words, notes, and the header's line."""

    rows: list[tuple[int, tuple[str, ...]]]
    faults: list[str]
    notes: list[str]
    heading: int


def found_in(source: Source, how: Reading = USUAL) -> Found:
    notes = list[str]()
    intake = Intake(source, FIELDS, NEEDED, notes.append, how)
    every: list[Rows] = list(intake.rows())
    rows = [pair for each in every if not each.fault for pair in zip(each.lines, each.cells, strict=True)]
    faults = [f"line {each.lines[0]}, {each.fault.field}: {each.fault.why}" for each in every if each.fault]
    return Found(rows, faults, notes, intake.heading)


Read = Callable[..., Found]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What is found in a file with that content."""

    def run(content: bytes, how: Reading = USUAL, name: str = "list") -> Found:
        path = tmp_path / name
        path.write_bytes(content)
        with opened(str(path)) as source:
            source.name = name
            return found_in(source, how)

    return run


def refusal(read: Read, content: bytes, how: Reading = USUAL, name: str = "list") -> str:
    with pytest.raises(BadInput) as refused:
        read(content, how, name)
    error = refused.value
    return f"{error.message}; {error.hint or (hint_for(error) if isinstance(error, BadList) else '')}"


def saved(book: Any) -> bytes:
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows: tuple[Any, ...], header: tuple[Any, ...] = HEADER) -> bytes:
    """A workbook of one sheet with a header and these rows."""
    book: Any = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(row)
    return saved(book)


def placed(**cells: Any) -> bytes:
    """A workbook of one sheet with these cells."""
    book: Any = openpyxl.Workbook()
    for place, value in cells.items():
        book.active[place] = value
    return saved(book)


def with_parts(content: bytes, **parts: str | bytes) -> bytes:
    """The workbook with another sheet, or other shared texts."""
    file, others = BytesIO(), {"sheet": SHEET, "shared": SHARED, "styles": "xl/styles.xml"}
    new = {others[name]: text for name, text in parts.items()}
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name in old.namelist():
            book.writestr(name, new.get(name, old.read(name)))
    return file.getvalue()


def with_shared_texts(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> bytes:
    """A workbook by another program, of which the cells share their texts."""
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet()
        for number, cells in enumerate((header, *rows)):
            page.write_row(number, 0, cells)
    return file.getvalue()


def sheet(*rows: str) -> str:
    """A sheet, as it is written, below its header."""
    names = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER)
    return f"<worksheet {MAIN}><sheetData><row>{names}</row>{''.join(rows)}</sheetData></worksheet>"


def row(*cells: str, more: str = "") -> str:
    return f"<row{more}>{''.join(cells)}</row>"


def text(written: str) -> str:
    return f'<c t="inlineStr"><is>{written}</is></c>'


# --- what cells become ------------------------------------------------------------------------------------------------

NEW_YEAR = datetime(2024, 12, 31)


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        ("Ada  King ", None, "Ada  King "),
        ("0042", None, "0042"),
        (42, None, "42"),
        (42.0, None, "42"),
        (-0.5, None, "-0.5"),
        (1e21, None, "1" + 21 * "0"),
        (True, None, "true"),
        (False, None, "false"),
        (date(2024, 12, 31), None, "2024-12-31"),
        (NEW_YEAR, "dd.mm.yyyy", "2024-12-31"),
        (NEW_YEAR, "[$-409]mmmm d, yyyy;@", "2024-12-31"),
        (NEW_YEAR, "dd.mm.yyyy hh:mm", "2024-12-31 00:00:00"),
        (NEW_YEAR.replace(hour=17, minute=3), "dd.mm.yyyy", "2024-12-31 17:03:00"),
        (NEW_YEAR.replace(hour=17, second=4), None, "2024-12-31 17:00:04"),
        (45657, "0", "45657"),
        (45657, "m/d/yy", "2024-12-31"),
        (time(17, 3), None, "17:03:00"),
        (timedelta(hours=30), "[h]:mm", "1 day, 6:00:00"),
        ("_x0041_", None, "A"),
        ("a_x005F_x0041_", None, "a_x0041_"),
        ("_xD83D_", None, "_xD83D_"),
    ],
)
def test_cell_is_read_as_text(read: Read, value: Any, form: str | None, said: str) -> None:
    book: Any = openpyxl.load_workbook(BytesIO(workbook((*ADA, value))))
    if form:
        book.active["C2"].number_format = form
    assert read(saved(book)).rows == [(2, (*ADA, said))]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<t>Ada</t>", "Ada"),
        ("<r><rPr><b/></rPr><t>A</t></r><r><t>da</t></r>", "Ada"),
        ('<t>山田</t><rPh sb="0" eb="2"><t>ヤマダ</t></rPh>', "山田"),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_text_of_a_cell_is_what_its_runs_say(read: Read, written: str, said: str, shared: bool) -> None:
    cells = ('<c t="s"><v>1</v></c>' if shared else text(written), text("<t>ada@example.com</t>"))
    texts = f"<sst {MAIN}><si><t>other</t></si><si>{written}</si></sst>"
    assert read(with_parts(with_shared_texts(), sheet=sheet(row(*cells)), shared=texts)).rows == [
        (2, (said, ADA[1], ""))
    ]


def test_day_is_counted_from_the_epoch_of_the_workbook(read: Read) -> None:
    book: Any = openpyxl.load_workbook(BytesIO(workbook()))
    book.epoch = CALENDAR_MAC_1904
    book.active.append((*ADA, date(2024, 12, 31)))
    assert read(saved(book)).rows == [(2, (*ADA, "2024-12-31"))]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c t="str"><f>A1</f><v>x</v></c>', "x"),
        ("<c><f>A1</f><v>5</v></c>", "5"),
        ('<c t="str"><f>A1</f><v></v></c>', ""),
    ],
)
def test_formula_counts_by_its_saved_value(read: Read, cell: str, said: str) -> None:
    cells = [text(f"<t>{each}</t>") for each in ADA]
    assert read(with_parts(workbook(), sheet=sheet(row(*cells, cell)))).rows == [(2, (*ADA, said))]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("#REF!", "is #REF!, an error in the workbook (cell C2)"),
        ("#N/A", "is #N/A, an error in the workbook (cell C2)"),
        ("=A1", "is a formula whose value was not saved (cell C2)"),
    ],
)
def test_cell_without_a_value_is_a_fault_where_it_holds_a_field(read: Read, value: str, why: str) -> None:
    bad, good = (*ADA, value), (*BOB, "2020")
    assert read(workbook(bad, good))[:2] == ([(3, good)], [f"line 2, date: {why}"])
    others = read(workbook(bad, good, header=("name", "email", "boss")))
    assert others[:2] == ([(2, (*ADA, "")), (3, (*BOB, ""))], [])


@pytest.mark.parametrize(("more", "column"), [((), "B"), (("displayName",), "C")])
def test_error_in_a_part_of_a_name_is_a_fault_of_the_name(read: Read, more: tuple[str, ...], column: str) -> None:
    found = read(workbook((*more, "Ada", "#N/A", ADA[1]), header=(*more, "First Name", "Last Name", "email")))
    assert found.faults == [f"line 2, name: is #N/A, an error in the workbook (cell {column}2)"]


def test_date_that_no_calendar_has_is_a_fault_and_no_warning(read: Read, recwarn: pytest.WarningsRecorder) -> None:
    book: Any = openpyxl.load_workbook(BytesIO(workbook((*ADA, 1e9))))
    book.active["C2"].number_format = "m/d/yy"
    assert read(saved(book)).faults == ["line 2, date: is #VALUE!, an error in the workbook (cell C2)"]
    # Files of other tests that are closed late may be warned of here, too.
    assert not [each for each in recwarn if not issubclass(each.category, ResourceWarning)]


# --- where the rows are -----------------------------------------------------------------------------------------------


def test_empty_rows_and_columns_around_the_list_do_not_count(read: Read) -> None:
    cells = {"C3": "email", "D3": " ", "E3": "Name", "F3": " ", "C4": ADA[1], "E4": "Ada", "C7": BOB[1], "E7": "Bob"}
    found = read(placed(**cells, D8=" ", H5=" "))
    assert found == Found([(4, (*ADA, "")), (7, (*BOB, ""))], [], ["ignored: column D has no name"], 3)


@pytest.mark.parametrize("place", ["A4", "D5"])
def test_cells_beside_the_list_are_ignored_and_named_once(read: Read, place: str) -> None:
    cells = {"B3": "email", "C3": "name", "B4": ADA[1], "C4": "Ada", "B5": BOB[1], "C5": "Bob", "D9": "?"}
    found = read(placed(**cells, **{place: "a note"}))
    assert found.rows == [(4, (*ADA, "")), (5, (*BOB, ""))]
    assert found.notes == [f"ignored: cells beside the header's columns, as {place}"]


def test_columns_are_found_as_those_of_csv_are(read: Read) -> None:
    content = workbook(
        ("Ada", "Lovelace", "ada@example.com", "31.12.2024"), header=("Vorname", "Name", "E-Mail", "Seit")
    )
    found = read(content, Reading(columns={"date": "Seit"}))
    assert found.rows == [(2, ("Ada Lovelace", "ada@example.com", "31.12.2024"))]
    assert found.notes == ['name from "Vorname" + "Name", e-mail from "E-Mail", date from "Seit"']


def test_column_of_names_beside_one_of_first_names_has_last_names(read: Read) -> None:
    found = read(workbook(("Ada", "Lovelace", ADA[1]), header=("first name", "name", "email")))
    assert found.rows == [(2, ("Ada Lovelace", ADA[1], ""))]


def test_first_visible_sheet_is_read_and_named(read: Read) -> None:
    book: Any = openpyxl.load_workbook(BytesIO(workbook(ADA)))
    book.active.title = "Users"
    book.create_sheet("Old", 0).sheet_state = "hidden"
    book.create_chartsheet("Chart", 1)
    book.create_sheet("Other")
    book.active = 2
    found = read(saved(book))
    assert (found.rows, found.notes) == ([(2, (*ADA, ""))], ['sheet "Users" of 3'])
    assert read(workbook(ADA)).notes == []


def test_rows_and_cells_without_their_place_follow_each_other(read: Read) -> None:
    cells = [text(f"<t>{each}</t>") for each in ADA]
    rows = (row(*cells), row(*cells, more=' r="9"'), row(*cells))
    assert [line for line, _ in read(with_parts(workbook(), sheet=sheet(*rows))).rows] == [2, 9, 10]


def test_many_rows_are_handed_over_in_parts_with_the_progress(tmp_path: Path) -> None:
    people = [(f"Person {number}", f"p{number}@example.com") for number in range(2500)]
    (tmp_path / "list").write_bytes(workbook(*people))
    size = (tmp_path / "list").stat().st_size
    with opened(str(tmp_path / "list")) as source:
        parts, done = list[int](), 0
        for rows in Intake(source, FIELDS, NEEDED, lambda note: None).rows():
            parts.append(len(rows.cells))
            assert done <= source.done
            done = source.done
    assert parts == [1000, 1000, 500]
    assert 0 < done < size


@pytest.mark.parametrize(("columns", "length", "most"), [(3, 1000, 300), (2000, 2, 51)])
def test_long_or_wide_rows_are_handed_over_in_smaller_parts(
    tmp_path: Path, columns: int, length: int, most: int
) -> None:
    header = (*HEADER, *(f"x{at}" for at in range(3, columns)))
    content = with_shared_texts(*((length * "x", "", "") for _ in range(1200)), header=header)
    (tmp_path / "list").write_bytes(content)
    with opened(str(tmp_path / "list")) as source:
        parts = [len(rows.cells) for rows in Intake(source, FIELDS, NEEDED, lambda note: None).rows()]
    assert sum(parts) == 1200
    assert max(parts) <= most


# --- which inputs are workbooks ---------------------------------------------------------------------------------------


def zipped(**parts: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
XLSX = Reading("xlsx")


@pytest.mark.parametrize("name", ["list", "list.csv", "list.xlsx"])
@pytest.mark.parametrize("how", [USUAL, XLSX])
def test_workbook_is_known_by_its_content(read: Read, name: str, how: Reading) -> None:
    assert read(workbook(ADA), how, name).rows == [(2, (*ADA, ""))]


def test_text_that_is_called_a_workbook_is_read_as_what_it_is(read: Read) -> None:
    assert read(b"name,email\nAda,ada@example.com\n", USUAL, "list.xlsx").rows == [(2, (*ADA, ""))]


@pytest.mark.parametrize(
    ("content", "how", "name", "said"),
    [
        (OLE, USUAL, "list", "an old Excel file (.xls), or a workbook with a password; open it and save it as"),
        (OLE, XLSX, "list", "an old Excel file (.xls), or a workbook with a password; open it and save it as"),
        (zipped(a=b"name,email"), USUAL, "list", "a ZIP archive or a spreadsheet file, not text; save the"),
        (zipped(a=b"name,email"), USUAL, "list.xlsx", "a ZIP archive or a spreadsheet file, not text"),
        (zipped(a=b"name,email"), XLSX, "list", "a ZIP archive or a spreadsheet file, not text"),
        (b"name,email\n", XLSX, "list", "list is not a workbook (.xlsx)"),
        (b"<html>", XLSX, "list", "HTML"),
        (b"", XLSX, "list", "list is not a workbook (.xlsx)"),
        (workbook(ADA), Reading("csv"), "list", "list is a workbook (.xlsx); --from xlsx reads it"),
        (workbook(header=()), USUAL, "list", "list is empty; it needs a header with email and name"),
        (placed(B2=" "), USUAL, "list", "list is empty"),
        (placed(B2="Staff", B3="name"), USUAL, "list", "line 2: the header has no column email and no column name"),
        (placed(B2="email", D2="x"), USUAL, "list", "names the columns: email,name; column C has no name"),
    ],
)  # fmt: skip
def test_other_inputs_are_refused_with_their_reason(
    read: Read, content: bytes, how: Reading, name: str, said: str
) -> None:
    assert said in refusal(read, content, how, name)


def test_workbook_needs_its_package(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "evcli.transfer.sheet", raising=False)
    monkeypatch.setitem(sys.modules, "openpyxl.reader.excel", None)
    said = refusal(read, workbook(ADA))
    assert "needs the package openpyxl; pip install 'evcli[xlsx]', or pipx inject evcli openpyxl" in said


@pytest.mark.parametrize("name", ["list", "list.xlsx"])
def test_every_cut_of_a_workbook_is_refused(read: Read, name: str) -> None:
    content = workbook(ADA)
    for size in (*range(64, len(content), 97), len(content) - 1):
        assert "list" in (said := refusal(read, content[:size], USUAL, name))
        assert "is cut off or damaged: it is not a whole workbook" in said, size


def test_name_tells_that_a_few_bytes_were_a_workbook(read: Read) -> None:
    assert "is cut off or damaged" in refusal(read, workbook(ADA)[:32], USUAL, "list.XLSX")
    assert "is a ZIP archive" in refusal(read, workbook(ADA)[:32])


def test_list_of_sheets_may_have_another_name(read: Read) -> None:
    file, old, new = BytesIO(), "workbook.xml", "workbook2.xml"
    with zipfile.ZipFile(BytesIO(workbook(ADA))) as book, zipfile.ZipFile(file, "w") as other:
        for name in book.namelist():
            other.writestr(name.replace(old, new), book.read(name).replace(old.encode(), new.encode()))
    assert read(file.getvalue()).rows == [(2, (*ADA, ""))]


def test_damage_near_the_end_is_found_before_the_first_row(tmp_path: Path) -> None:
    path, content = tmp_path / "list", workbook(*((f"Person {at}", f"p{at}@example.com") for at in range(2500)))
    with zipfile.ZipFile(BytesIO(content)) as book:
        part = book.getinfo(SHEET)
    end = part.header_offset + 30 + len(SHEET) + part.compress_size
    for back in (100, 1000, part.compress_size):
        path.write_bytes(content[: end - back] + b"\xff\xff\xff" + content[end - back + 3 :])
        with opened(str(path)) as source, pytest.raises(BadInput, match="is damaged"):
            Intake(source, FIELDS, NEEDED, lambda note: None).rows()


def test_changed_bytes_of_the_list_are_damage(read: Read) -> None:
    content = BytesIO()
    with zipfile.ZipFile(BytesIO(workbook(ADA))) as old, zipfile.ZipFile(content, "w") as stored:
        for name in old.namelist():
            stored.writestr(name, old.read(name))
    for word in (b"<t>Ada</t>", b'<c r="A2"'):
        assert content.getvalue().count(word) == 1
        changed = content.getvalue().replace(word, word.replace(b"A", b"B"))
        assert "list is damaged: it is not a workbook as Excel writes it; download" in refusal(read, changed)


@pytest.mark.parametrize(
    "parts",
    [
        {"sheet": sheet(row(text("<t>Ada</t>"), more=' r="1"'))},
        {"sheet": sheet(row(text("<t>Ada</t>"), more=' r="1048577"'))},
        {"sheet": sheet(row('<c r="XFE2"><v>1</v></c>'))},
        {"sheet": sheet(row('<c t="s"><v>99</v></c>'))},
        {"sheet": sheet(row('<c t="s"><v>-1</v></c>'))},
        {"sheet": sheet(row("<c><v>x</v></c>"))},
        {"sheet": f"<worksheet {MAIN}><sheetData><row>"},
        {"sheet": f"<worksheet {MAIN}><row></row></worksheet>"},
        {"shared": "<sst>"},
        {"styles": "<"},
    ],
)
def test_workbook_that_no_program_writes_is_damaged(read: Read, parts: dict[str, str]) -> None:
    assert "list is damaged" in refusal(read, with_parts(with_shared_texts(ADA), **parts))


def test_file_without_a_visible_sheet_is_refused(read: Read) -> None:
    content, file = workbook(ADA), BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(file, "w") as book:
        for name in old.namelist():
            book.writestr(name, old.read(name).replace(b'state="visible"', b'state="hidden"'))
    assert "list has no sheet that can be read" in refusal(read, file.getvalue())


# --- large ones -------------------------------------------------------------------------------------------------------

MIB = 1 << 20


def long_text(length: int) -> str:
    return f"<sst {MAIN}><si><t>{length * 'x'}</t></si></sst>"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"sheet": sheet(row(text(f"<t>{MIB * 4 * 'x'}</t>")))}, "list line 2: a row has more than 1,048,576 bytes"),
        ({"sheet": sheet(row(100_000 * text("<t>x</t>")))}, "list line 2: a row has more than 1,048,576 bytes"),
        ({"sheet": sheet(row(3 * '<c t="s"><v>0</v></c>')), "shared": long_text(MIB // 2)},
         "list line 2: a row has more than 1,048,576 bytes"),
        ({"shared": long_text(MIB * 4)}, "list: a text has more than 1,048,576 bytes"),
        ({"styles": (1 << 23) * " " + "<x/>"}, "list has too much in xl/styles.xml: more than 8,388,608 bytes"),
    ],
)  # fmt: skip
def test_longest_row_and_text_are_limited(read: Read, parts: dict[str, str], said: str) -> None:
    assert said in refusal(read, with_parts(with_shared_texts(ADA), **parts))


def test_memory_is_bounded_whatever_a_workbook_unpacks_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evcli.transfer import sheet as module

    monkeypatch.setattr(module, "_IN_MEMORY", MIB // 8)
    one = row(*(text(f"<t>{each}</t>") for each in ADA))
    texts = f"<sst {MAIN}>" + 200 * f"<si><t>{20_000 * 'x'}</t></si>" + "</sst>"
    content = with_parts(
        with_shared_texts(ADA), sheet=sheet(1500 * one, 200 * f"<row>{20_000 * ' '}</row>"), shared=texts
    )
    (tmp_path / "list").write_bytes(content)
    with opened(str(tmp_path / "list")) as source:
        rows = Intake(source, FIELDS, NEEDED, lambda note: None).rows
        tracemalloc.start()
        try:
            count = sum(len(each.cells) for each in rows())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert count == 1500
    assert peak < 2 * MIB, f"{peak:,}"


@pytest.mark.parametrize(("limit", "most"), [("MOST_TEXTS", 3), ("MOST_SHARED", 100)])
def test_shared_texts_are_limited(read: Read, limit: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from evcli.transfer import sheet as module

    monkeypatch.setattr(module, limit, most)
    assert f"more than {most}" in refusal(read, with_shared_texts(ADA))


# --- pipes ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[Source, int]]:
    """A pipe as an input, and its other end."""
    end, other = os.pipe()
    try:
        yield Source("stdin", end), other
    finally:
        os.close(end)


@pytest.mark.parametrize("size", [100, 1 << 18])
def test_workbook_from_a_pipe_is_read_twice(
    pipe: tuple[Source, int], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evcli.transfer.source.CHUNK", size)
    source, other = pipe
    os.write(other, workbook(ADA, BOB))
    os.close(other)
    first = found_in(source)
    source.rewind()
    assert first == found_in(source)
    assert first.rows == [(2, (*ADA, "")), (3, (*BOB, ""))]
