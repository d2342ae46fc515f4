"""How to read an input, where that is not found from the input itself."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Reading(NamedTuple):
    """What is known of an input; None and "" mean that it is found out."""

    form: str | None = None
    """One of FORMS in form.py."""
    columns: Mapping[str, str] = MappingProxyType({})
    """Of fields: the column, or the columns joined by +, that holds it."""
    delimiter: str | None = None
    """What separates cells: one character."""
    encoding: str | None = None
    """The name of the text's encoding, as Python knows it."""
    email_domain: str = ""
    """The domain of the e-mails of login names."""
    numbers: Collection[str] = ()
    """Fields that objects may hold as whole numbers: ids, and keys of other systems."""


USUAL = Reading()
