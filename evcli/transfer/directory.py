"""Lists of people that are no tables: LDIF of a directory, a passwd file, and addresses as in the head of a mail."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any

from evcli.errors import BadInput
from evcli.transfer.fault import Fault, not_utf8
from evcli.transfer.lines import each
from evcli.transfer.members import Found
from evcli.transfer.refusals import NeedsDomain, NeedsPackage

_PEOPLE = frozenset(("person", "organizationalperson", "inetorgperson", "posixaccount", "account"))
"""The object classes of people."""
_NOT_PEOPLE = frozenset(("computer",))

_FIRST_UID, _LAST_UID = 1000, 60_000
"""The uids that Linux gives to people (UID_MIN and UID_MAX of login.defs)."""


def ldif(name: str, chunks: Iterable[bytes], newline: bytes, notice: Callable[[str], None]) -> Iterator[Found]:
    """The people in LDIF (RFC 2849), by attribute. Raises NeedsPackage."""
    try:
        from ldif import LDIFParser
    except ImportError:
        raise NeedsPackage(f"{name} is LDIF, which needs the package ldif", "ldif", "ldif") from None
    others = 0
    for line, block in _blocks(name, chunks, newline):
        try:
            (entry,) = (found for _, found in LDIFParser(BytesIO(block)).parse()) if block else ({},)
        except (ValueError, UnicodeError) as error:
            why = "has no : after a name" if str(error).startswith("subsection") else str(error)
            yield line, Fault("", f"is not LDIF: {why}")
            continue
        person = _person(entry)
        others += person is None and bool(entry)
        yield line, person
    if others:
        notice(f"left out {others:,} {'entry that is no person' if others == 1 else 'entries that are not people'}")


def _blocks(name: str, chunks: Iterable[bytes], newline: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of LDIF, which empty lines separate, each with its line, without its comments."""
    first, lines = 0, list[bytes]()
    is_comment = False
    for number, _, line in each(name, chunks, newline):
        if not line.strip(b"\r\n"):
            if lines:
                yield first, b"".join(lines)
            lines = []
            continue
        is_comment = line.startswith(b"#") or (is_comment and line.startswith(b" "))
        if is_comment or (not lines and line.startswith(b"version:")):
            continue
        first = first if lines else number
        lines.append(line)
    if lines:
        yield first, b"".join(lines)


def _person(entry: Mapping[str, list[Any]]) -> dict[str, Any] | Fault | None:
    values = {name.casefold(): found for name, found in entry.items()}
    if "changetype" in values:
        return Fault("", "is a change, not an entry", "export the entries, as slapcat or ldapsearch -LLL does")
    classes = {str(each).casefold() for each in values.get("objectclass", ())}
    if not classes & _PEOPLE or classes & _NOT_PEOPLE:
        return None
    mails = dict.fromkeys(map(str, values.get("mail", ())))
    if len(mails) > 1:
        return Fault(
            "email", f"{' and '.join(list(mails)[:2])} could both be the e-mail", "leave one mail in the entry"
        )
    return {name: found[0] for name, found in entry.items() if isinstance(found[0], str)}  # a photo is bytes


def passwd(name: str, chunks: Iterable[bytes], domain: str, notice: Callable[[str], None]) -> Iterator[Found]:
    """The people in a passwd file: of each, the login name and what the comment calls them. Raises NeedsDomain."""
    if not domain:
        raise NeedsDomain(f"{name} has login names, but no e-mails")
    others = 0
    for number, offset, line in each(name, chunks, b"\n"):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as error:
            yield number, not_utf8(line, error, offset)
            continue
        if not text or text[0] in "#+-":
            continue
        cells = text.split(":")
        if len(cells) != 7 or not (cells[2].isascii() and cells[2].isdigit()):
            yield (
                number,
                Fault("", "is not a line of a passwd file", "it has seven cells: login:x:uid:gid:name:home:shell"),
            )
        elif not _FIRST_UID <= int(cells[2]) <= _LAST_UID:
            others += 1
        else:
            login, called = cells[0], cells[4].partition(",")[0].replace("&", cells[0].capitalize()).strip()
            yield number, {"name": called or login, "email": f"{login}@{domain}", "login": login}
    if others:
        accounts = "account" if others == 1 else "accounts"
        notice(
            f"left out {others:,} {accounts} with a uid that is not from {_FIRST_UID} to {_LAST_UID}, as people's are"
        )


def addresses(name: str, chunks: Iterable[bytes], newline: bytes) -> Iterator[Found]:
    """The people in a list of addresses, one on each line."""
    number = 0
    for number, offset, line in each(name, chunks, newline):
        try:
            text = line.decode().strip().removesuffix(";").removesuffix(",")
        except UnicodeDecodeError as error:
            yield number, not_utf8(line, error, offset)
            continue
        if text and not text.startswith("#"):
            yield number, _addressee(text)
    if not number:
        raise BadInput(f"{name} is empty", "it needs an address on each line")


def _addressee(text: str) -> dict[str, str] | Fault:
    match = re.fullmatch(r'(?:"((?:[^"\\]|\\.)*)"|([^<>"]*))\s*<([^<>]*)>', text)
    if match:
        called = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        return {"name": called.strip(), "email": match[3]} if called.strip() else Fault("name", "is missing", _AS)
    if "@" in text and not re.search(r"[\s<>]", text):
        return Fault("name", "is missing", _AS)
    return Fault("", "is not an address", _AS)


_AS = "write Ada Lovelace <ada@example.com>"
