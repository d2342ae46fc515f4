"""Make the sample lists anew: `python sample-logs/lists.py [FOLDER]`. The same bytes come out every time.

The people of a small bakery, as its other systems listed them in each month of 2025: the same few dozen facts, in the
forms in which such lists arrive. README.md beside this file says what is in each.
"""

import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "lists"


class Person(NamedTuple):
    """Somebody on a list."""

    first: str
    last: str
    email: str

    @property
    def name(self) -> str:
        """Both names, as evcli records them."""
        return f"{self.first} {self.last}"


def person(name: str) -> Person:
    """Somebody whose e-mail is the first name."""
    first, _, last = name.partition(" ")
    return Person(first, last, f"{first.lower()}@harbour.example".translate(str.maketrans("éëíöüł", "eeioul")))


STAFF = (
    "Nora Brandt", "Amélie Laurent", "Jonas Weber", "Priya Raman", "Tom Bakker", "Zoë de Vries", "Ivan Petrov",
    "Lucía Fernández", "Omar Haddad", "Greta Lindqvist", "Paul O’Neill", "Mei Tanaka",
)  # fmt: skip

JOINED = {2: "Jürgen Köhler", 4: "Ada Novak", 6: "Sam Okafor", 9: "Łucja Nowak", 11: "Ben Carter"}
LEFT = {3: "tom@harbour.example", 7: "paul@harbour.example", 12: "ivan@harbour.example"}
RENAMED = {5: ("priya@harbour.example", "Priya", "Raman-Weber"), 8: ("mei@harbour.example", "Mei", "Tanaka-Lee")}
BACK = {10: "Tom Bakker"}
"""Who joined, left, had another name and came back, by month."""


def months() -> Iterator[tuple[int, list[Person]]]:
    """The people of each month, in no order that means anything."""
    people = {each.email: each for each in map(person, STAFF)}
    for month in range(1, 13):
        for name in filter(None, (JOINED.get(month), BACK.get(month))):
            people[person(name).email] = person(name)
        people.pop(LEFT.get(month, ""), None)
        if month in RENAMED:
            email, first, last = RENAMED[month]
            people[email] = Person(first, last, email)
        yield month, sorted(people.values(), key=lambda each: each.last if month % 2 else each.first)


def table(header: list[str], rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    """Rows as CSV."""
    text = StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerows([header, *rows])
    return text.getvalue()


BOM = b"\xef\xbb\xbf"


def two_names(people: list[Person]) -> list[list[str]]:
    """First name, last name, e-mail."""
    return [[each.first, each.last, each.email] for each in people]


def one_name(people: list[Person]) -> list[list[str]]:
    """Name, e-mail."""
    return [[each.name, each.email] for each in people]


ENGLISH = ["First Name", "Last Name", "Email Address [Required]"]
GERMAN = ["Vorname", "Nachname", "E-Mail-Adresse"]

Write = Callable[[list[Person]], bytes]

FILES: dict[int, tuple[str, Write]] = {
    1: ("2025-01.csv", lambda people: table(ENGLISH, two_names(people)).encode()),
    2: (
        "2025-02.csv",
        lambda people: BOM + b"sep=;\r\n" + table(GERMAN, two_names(people), ";", "\r\n").encode(),
    ),
    3: (
        "2025-03.txt",
        lambda people: b"\xff\xfe" + table(["Name", "E-Mail"], one_name(people), "\t", "\r\n").encode("utf-16-le"),
    ),
    4: ("2025-04.csv", lambda people: table(ENGLISH, two_names(people), end="\r").encode()),
    5: (
        "2025-05.json",
        lambda people: json.dumps(
            [{"displayName": each.name, "mail": each.email} for each in people], ensure_ascii=False, indent=1
        ).encode(),
    ),
    6: (
        "2025-06.csv",
        lambda people: (
            b"#TYPE Microsoft.Graph.User\r\n"
            + table(["displayName", "userPrincipalName"], one_name(people), end="\r\n").encode()
        ),
    ),
    7: ("2025-07.csv.gz", lambda people: gzip.compress(table(ENGLISH, two_names(people)).encode(), 0, mtime=0)),
    8: ("2025-08.csv", lambda people: table(["NAME", "MAIL"], one_name(people), "|").encode()),
    9: ("2025-09.csv", lambda people: table(GERMAN, two_names(people), ";", "\r\n").encode("utf-8-sig")),
    10: (
        "2025-10.jsonl",
        lambda people: b"".join(
            json.dumps({"givenName": each.first, "sn": each.last, "mail": each.email}).encode() + b"\n"
            for each in people
        ),
    ),
    11: ("2025-11.csv", lambda people: _with_spaces(one_name(people)).encode()),
    12: ("2025-12.csv", lambda people: table(ENGLISH, two_names(people)).encode()),
}


def _with_spaces(rows: list[list[str]]) -> str:
    """As people type CSV: a space after each comma, and quotes."""
    return "".join(f'{email}, "{name}"\n' for name, email in [["Name", "Email"], *rows])


def main(folder: Path) -> None:
    """Write every list into `folder`, in the place of what was there; of the last, its first rows too."""
    for month, people in months():
        name, write = FILES[month]
        (folder / name).write_bytes(write(people))
    lines = (folder / "2025-12.csv").read_bytes().splitlines(keepends=True)
    (folder / "2025-12-cut-off.csv").write_bytes(b"".join(lines[:5]))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
