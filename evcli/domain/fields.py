"""The text fields of events: how each is cleaned when typed, and checked when read.

A reader may have another version of the Unicode tables, so text that is read is checked less strictly than text typed.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from evcli.domain.text import JOINERS, are_composed, character_name, composed, is_space, text_fault
from evcli.errors import BadText


class Field(NamedTuple):
    """A member of an event's data."""

    label: str
    """Its name in a sentence: `e-mail`."""
    clean: Callable[[str], str]
    """Turns typed text into stored text. Raises BadText."""
    fault: Callable[[object], str]
    """Why a stored value is invalid, as text to follow a colon; "" if it is valid."""
    examples: tuple[str, str]
    """Two values for help: an initial one, and one after a change."""
    help: str = ""
    required: bool = True
    mark: str = ""
    """A character in every value of this field and of no other name of a record: the `@` of an e-mail."""
    are_plain: Callable[[Sequence[str]], bool] | None = None
    """Whether these trimmed texts, at least one, are all what `clean` makes of them, and have no fault; asked of many
    at once. It may say no of rare ones.
    """
    stand_in: Callable[[int], str] | None = None
    """Valid values that nothing real can have, by number: one is held for a moment while records swap theirs."""

    @property
    def one(self) -> str:
        """The label with its article: `an e-mail`."""
        return one(self.label)

    def clean_all(self, typed: Sequence[str]) -> list[str]:
        """All of these, at least one, as `clean` makes them. Raises BadText if it does."""
        values = list(map(str.strip, typed))
        return values if self.are_plain and self.are_plain(values) else list(map(self.clean, typed))

    def are_good(self, values: Sequence[str]) -> bool:
        """Whether none of these stored texts, at least one, has a fault."""
        return bool(self.are_plain and self.are_plain(values)) or not any(map(self.fault, values))

    @property
    def optional(self) -> "Field":
        """The same field, but optional."""
        return self._replace(required=False)


def one(noun: str) -> str:
    """A noun with its article: `an e-mail`, `a user`."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def key_of(text: str) -> str:
    """`text` with A-Z lower-cased, and nothing else folded: texts that differ only in that have the same key."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def key_in(at: int) -> Callable[[Any], str]:
    """A function that returns the key of a record's field at that position; a fold calls it for every event."""

    def key(record: Any) -> str:
        value: str = record[at]
        return value.lower() if value.isascii() else key_of(value)

    return key


def folded_in(at: int) -> Callable[[Any], str]:
    """A function that returns a record's field at that position, case-folded."""

    def folded(record: Any) -> str:
        value: str = record[at]
        return value.casefold()

    return folded


def text(label: str, longest: int, first: str, then: str, *, help: str = "", pattern: str = "") -> Field:
    """A field of one line of text that can be seen, trimmed, in NFC, of 1 to `longest` code points.

    Args:
        label: its name in a sentence.
        longest: the most code points it may have.
        first: an example for help.
        then: another example, after a change.
        help: what to know before typing one, in a sentence.
        pattern: a regular expression that the whole text must match.
    """
    matches = re.compile(pattern).fullmatch if pattern else None

    def fault(value: object) -> str:
        # Runs for every event of a fold: the cheapest sufficient check comes first.
        is_plain = type(value) is str and 0 < len(value) <= longest and value.isprintable()
        if not is_plain and (fault := text_fault(value, longest)):
            return fault
        return "" if matches is None or matches(str(value)) else f'"{value}" does not match {pattern}'

    def clean(typed: str) -> str:
        value = typed.strip()
        if not (value.isascii() and value.isprintable() and 0 < len(value) <= longest):
            value = _printable(label, value, longest)
        if matches is not None and (wrong := fault(value)):
            raise BadText(f"the {label}", wrong)
        return value

    def are_plain(values: Sequence[str]) -> bool:
        lengths = set(map(len, values))
        return (
            0 < min(lengths) <= max(lengths) <= longest
            and "".join(values).isprintable()
            and are_composed(values)
            and (matches is None or all(map(matches, values)))
        )

    return Field(label, clean, fault, (first, then), help, are_plain=are_plain)


def _printable(label: str, value: str, longest: int) -> str:
    """The text in NFC. Raises BadText if it is empty, too long, or has an unprintable character."""
    wrong = text_fault(value, max(len(value), 1))
    if not wrong and not value.isascii():
        value = composed(value)
        for position, character in enumerate(value, 1):
            if not character.isprintable() and character not in JOINERS and not is_space(character):
                wrong = f"character {position} is {character_name(character)}, which is not printable"
                break
    if wrong := wrong or text_fault(value, longest):
        raise BadText(f"the {label}", wrong)
    return value


NAME = text("name", 200, "Ada Lovelace", "Ada King", help="Quote it if it contains spaces.")


# The pattern of the HTML standard's <input type=email>, with labels rewritten to avoid backtracking:
# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = r"(?!-)[a-zA-Z0-9-]{1,63}+(?<!-)"
_ADDRESS = rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]++@{_LABEL}(?:\.{_LABEL})*+"
_EMAIL = re.compile(_ADDRESS).fullmatch
_LONGEST_EMAIL = 254


def _clean_email(typed: str) -> str:
    email = typed.strip()
    if len(email) <= _LONGEST_EMAIL and _EMAIL(email):
        return email
    within = re.search("<([^<>]+)>$", email)
    several = [part for part in re.split(r"[\s,;|/]+", email) if _EMAIL(part)]
    if len(several) > 1:
        raise BadText("the e-mail", f'"{email}" is {len(several)} e-mails', f"keep one: {' or '.join(several[:3])}")
    bare = (within[1] if within else email).removeprefix("mailto:").strip("\"'();,. ")
    hint = f"did you mean {bare}" if _EMAIL(bare) else "an e-mail looks like ada@example.com, in ASCII"
    raise BadText("the e-mail", _email_fault(email), hint)


def _email_fault(email: object) -> str:
    if type(email) is str and len(email) <= _LONGEST_EMAIL and _EMAIL(email):
        return ""
    if fault := text_fault(email, _LONGEST_EMAIL):
        return fault
    text = str(email)
    for position, character in enumerate(text, 1):
        if not "!" <= character <= "~":
            return f"character {position} is {character_name(character)}, which no e-mail can have"
    if text.count("@") != 1:
        return f'"{text}" has {text.count("@")} @ signs; it needs one'
    return f'"{text}" is not an e-mail address'


def _are_emails(values: Sequence[str]) -> bool:
    joined = "\n".join(values)
    # The pattern alone would take one text with a newline in it for two e-mails.
    return (
        max(map(len, values)) <= _LONGEST_EMAIL
        and joined.count("\n") == len(values) - 1
        and _emails()(joined + "\n") is not None
    )


@lru_cache
def _emails() -> Callable[[str], re.Match[str] | None]:
    """Matches any number of e-mails, each with a newline after it."""
    return re.compile(rf"(?:{_ADDRESS}\n)*+").fullmatch


EMAIL = Field(
    "e-mail",
    _clean_email,
    _email_fault,
    ("ada@example.com", "ada@example.org"),
    mark="@",
    are_plain=_are_emails,
    stand_in="swap-{}@evcli.invalid".format,  # no host can ever be in .invalid (RFC 2606)
)


_LONGEST_REASON = 2000


def _clean_reason(typed: str) -> str:
    reason = typed.strip()
    if fault := _reason_fault(reason):
        raise BadText("the reason", fault)
    return reason


def _reason_fault(reason: object) -> str:
    return text_fault(reason, _LONGEST_REASON)


REASON = Field(
    "reason", _clean_reason, _reason_fault, ("left the company", "by mistake"), "Why; kept with the event.", False
)
"""Why it was done: an optional last member of any event's data. Rules and effects never see it."""
