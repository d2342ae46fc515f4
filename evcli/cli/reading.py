"""The options that say how to read an input, where that is not found from the input itself."""

import shlex
from collections.abc import Collection, Sequence

from evcli.cli.command import Parameter
from evcli.errors import BadInput
from evcli.transfer.form import FORMS
from evcli.transfer.reading import Reading
from evcli.transfer.refusals import (
    BadList,
    NeedsDomain,
    NeedsPackage,
    NoColumnFor,
    NoSuchEncoding,
    NotOneColumn,
    OtherEncoding,
    OtherForm,
    UnclearDate,
)  # fmt: skip

WITHOUT_DATES = (
    Parameter("form", ("--from",), "FORM", f"{', '.join(FORMS)}; default: by name and content.", among=lambda: FORMS),
    Parameter("column", ("--column",), "FIELD=COLUMN", "Which column is a field; A+B joins two.", is_many=True),
    Parameter("delimiter", ("--delimiter",), "CHARACTER", "What separates cells of CSV; default: , ; tab or |."),
    Parameter("encoding", ("--encoding",), "NAME", "The encoding, as windows-1252; default: UTF-8 or UTF-16."),
    Parameter("email_domain", ("--email-domain",), "DOMAIN", "With --from passwd: e-mails are LOGIN@DOMAIN."),
)
PARAMETERS = (
    *WITHOUT_DATES,
    Parameter("date_format", ("--date-format",), "FORMAT", "The form of dates, as %d.%m.%Y for 31.12.2024."),
)


def reading_of(
    fields: Collection[str],
    form: str | None,
    column: Sequence[str],
    delimiter: str | None,
    encoding: str | None,
    email_domain: str | None,
) -> Reading:
    """How to read an input whose rows have these fields. Raises BadInput."""
    if form not in (None, *FORMS):
        raise BadInput(f'--from "{form}" is not one of {", ".join(FORMS)}')
    if delimiter is not None:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n ' or form not in (None, "csv"):
            raise BadInput(f'--delimiter "{delimiter}" cannot separate cells', "it is one character of CSV, or tab")
    if email_domain is not None and form != "passwd":
        raise BadInput("--email-domain is for --from passwd")
    if encoding is not None:
        from evcli.transfer.decoded import codec_of

        codec_of(encoding)
    columns = dict(_pair(typed, fields) for typed in column)
    if len(columns) < len(column):
        raise BadInput("--column names the same field twice", "A+B joins two columns: --column 'name=First+Last'")
    return Reading(form, columns, delimiter, encoding, (email_domain or "").removeprefix("@"))


def _pair(typed: str, fields: Collection[str]) -> tuple[str, str]:
    field, equals, column = typed.partition("=")
    field = field.strip().casefold()
    if not equals or not column.strip() or field not in fields:
        raise BadInput(f'--column "{typed}" is not FIELD=COLUMN', f"fields are {', '.join(fields)}")
    return field, column


def hint_for(error: BadList) -> str:
    """How to read an input that was not read as it is."""
    if error.hint and not isinstance(error, NoColumnFor):
        return error.hint
    match error:
        case NoColumnFor(fields=[field, *_]):
            return f"{error.hint}; or name one: --column {field}=COLUMN"
        case OtherForm(form="passwd") | NeedsDomain():
            return "--from passwd --email-domain example.com takes LOGIN@example.com for the e-mails"
        case OtherForm(form="log"):
            return "evcli export --log FILE writes the records of a log as a list"
        case OtherForm(form=form):
            return f"--from {form} reads it"
        case OtherEncoding(encoding=encoding):
            return f"if it is in {encoding}, --encoding {encoding} reads it"
        case NoSuchEncoding():
            return "encodings are called as in Python: windows-1252, iso-8859-15, utf-16"
        case NeedsPackage(package=package, extra=extra):
            return f"pip install 'evcli[{extra}]', or pipx inject evcli {package}"
        case NotOneColumn(field=field, columns=[first, *_]):
            return f"say which: --column {shlex.quote(f'{field}={first}')}"
        case UnclearDate(forms=forms):
            ways = " or ".join(f"--date-format {shlex.quote(form)}" for form in forms)
            return f"{ways} says how to read it"
    return ""
