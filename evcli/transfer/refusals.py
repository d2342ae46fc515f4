"""Why an input is not read as it is, each with the data that the command line needs for a hint."""

from evcli.errors import BadInput


class BadList(BadInput):
    """An input must be read in another way."""


class OtherForm(BadList):
    """An input does not have the format that its name says."""

    def __init__(self, message: str, form: str) -> None:
        super().__init__(message)
        self.form = form


class OtherEncoding(BadList):
    """A text is not UTF-8; it may be in `encoding`."""

    def __init__(self, message: str, encoding: str) -> None:
        super().__init__(message)
        self.encoding = encoding


class NoSuchEncoding(BadList):
    """There is no such text encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f'"{encoding}" is not an encoding')


class NeedsPackage(BadList):
    """A `package` that is not installed reads an input; `extra` is that of evcli which includes it."""

    def __init__(self, message: str, package: str, extra: str) -> None:
        super().__init__(message)
        self.package, self.extra = package, extra


class NoSuchColumn(BadList):
    """An input has no column of that name."""


class NotOneColumn(BadList):
    """Several columns may be the `field`."""

    def __init__(self, message: str, field: str, columns: list[str]) -> None:
        super().__init__(message)
        self.field, self.columns = field, columns


class NeedsDomain(BadList):
    """An input has login names, but no e-mails."""


class UnclearDate(BadList):
    """A date in a form that has to be told; `forms` are those that it may have."""

    def __init__(self, message: str, forms: list[str]) -> None:
        super().__init__(message)
        self.forms = forms


class UnknownWord(BadList):
    """The `word` is none of those allowed."""

    def __init__(self, message: str, word: str) -> None:
        super().__init__(message)
        self.word = word


class NoColumnFor(BadList):
    """An input has no column for the `fields`, but others."""

    def __init__(self, message: str, hint: str, fields: list[str]) -> None:
        super().__init__(message, hint)
        self.fields = fields
