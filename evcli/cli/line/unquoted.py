"""A time whose words were typed without quotes, so that only the first of them is the option's value."""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import takewhile

from evcli.errors import BadRef
from evcli.register.actor import utc_now
from evcli.register.times import read_time

_FLAGS = ("--as-of", "--at", "--from", "--occurred", "--since", "--to", "--until")
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = re.compile(rf"(?i)[0-9]{{1,2}}[a-z.]* {_MONTH}\b.*|{_MONTH} [0-9]{{1,2}}\b.*").fullmatch

_FORMS = 'write a day like 2026-03-01, and quote a time that contains spaces: {} "2026-03-01 17:00"'


def hint_for(arguments: Sequence[str]) -> str:
    """How to write the time that some option of these arguments was given in several words; "" if none was."""
    for flag, words in _values(arguments):
        try:
            read_time(words, utc_now())
        except BadRef:
            if _DAY(words):
                return _FORMS.format(flag)
        else:
            return f"quote a time that contains spaces: {flag} {shlex.quote(words)}"
    return ""


def _values(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option that takes a time, with all words up to the next option, if they are several."""
    for place, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        words = [*([value] if equals else []), *takewhile(lambda word: word[:1] != "-", arguments[place + 1 :])]
        if flag in _FLAGS and len(words) > 1:
            yield flag, " ".join(words)
