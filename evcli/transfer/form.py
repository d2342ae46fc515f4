"""Which form an input has, by its name and its first bytes."""

import re
from collections.abc import Callable

from evcli.errors import BadInput
from evcli.transfer.refusals import OtherForm

FORMS = ("csv", "jsonl", "json", "scim", "ldif", "passwd", "addresses", "xlsx")
"""json is an array of objects, or an object with one; scim, a SCIM 2.0 list of people; addresses are written as
`Ada <ada@example.com>`, one on each line; xlsx is a workbook."""

_ENDINGS = {"csv": "csv", "tsv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "ldif": "ldif"}
_IS_ZIP = b"PK\x03\x04"
_IS_PDF = b"%PDF-"
_IS_LOG = re.compile(rb'\s*\[?\s*\{"specversion":"1\.0","id":"[^\n]*"sha256":"[0-9a-f]{64}"\}').match
_IS_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The beginning of a compound file, in which Excel writes .xls, and a workbook that has a password."""
_IS_HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(!doctype\s+)?html\b", re.I | re.S).match
_SCIM = b'"urn:ietf:params:scim:api:messages:2.0:ListResponse"'
_SHAPES: tuple[tuple[str, Callable[[bytes], object]], ...] = (
    ("json", re.compile(rb"\s*\[\s*[{\]]").match),
    ("scim", lambda first: first.lstrip().startswith(b"{") and _SCIM in first),
    ("json", re.compile(rb'\s*\{\s*"(?:as_of"(?![^\n]*\}\}\s*\n)|@odata\.context")').match),
    ("jsonl", re.compile(rb"\s*\{").match),
    ("ldif", re.compile(rb"(version: *1\s+|#[^\n]*\n|\s+)*dn::? ?\S").match),
    ("passwd", re.compile(rb"[a-z_][^:\s]*:[^:\n]*:\d+:\d+:[^:\n]*:[^:\n]*:[^:\n]*\r?\n").match),
    ("addresses", re.compile(rb'\s*("[^"\n]*"|[^"<>@,;|\t\n]*)<[^<>@\s]+@[^<>@\s]+>;?\s*?(\r|\n|\Z)').match),
    ("addresses", re.compile(rb"\s*[^<>@,;|\s]+@[^<>@,;|\s]+\s*?(\r|\n|\Z)").match),
)


def form_of(name: str, first: bytes) -> str:
    """The form of an input, from its name and first bytes in UTF-8. Raises OtherForm if they contradict each other."""
    ending = re.search(r"\.([a-z]+)(\.gz)?$", name.casefold())
    named = _ENDINGS.get(ending[1]) if ending else None
    shape = next((form for form, is_like in _SHAPES if is_like(first)), "csv")
    if shape == "passwd":
        raise OtherForm(f"{name} looks like a passwd file", shape)
    if named == "csv" and shape in ("jsonl", "json", "scim"):
        raise OtherForm(f"{name} has a .{ending[1] if ending else ''} extension but looks like JSON", shape)
    if named is None or (named == "jsonl" and shape in ("json", "scim")):
        return shape
    return "addresses" if named == "csv" and shape == "addresses" else named


def may_be_workbook(first: bytes) -> bool:
    """Whether an input that begins so may be a workbook, which is a ZIP archive."""
    return first.startswith(_IS_ZIP)


def refuse_other_things(name: str, first: bytes) -> None:
    """Raise BadInput for what is often mistaken for a list."""
    if _IS_LOG(first):
        raise OtherForm(f"{name} has the events of a log, and is not a list", "log")
    if first.startswith(_IS_ZIP):
        raise BadInput(f"{name} is a ZIP archive or a spreadsheet file, not text", "save the sheet as CSV UTF-8")
    if first.startswith(_IS_PDF):
        raise BadInput(f"{name} is a PDF, not a list", "get the list as CSV")
    if first.startswith(_IS_OLE):
        raise BadInput(
            f"{name} is an old Excel file (.xls), or a workbook with a password",
            "open it and save it as an Excel workbook (.xlsx) without a password, or as CSV UTF-8",
        )
    if _IS_HTML(first):
        hint = "is it a login page? open it in a browser, sign in, and download the file again"
        raise BadInput(f"{name} is an HTML page, not a list", hint)
