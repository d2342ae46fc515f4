"""The candidates that a shell asks for: its script passes the words typed so far, and reads candidates, one per line.

Zsh and fish quote what they insert; for bash it is done here. Completion never reports an error: if it fails, it offers
nothing.
"""

import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress

from evcli.cli.app import root
from evcli.cli.plain import next_value
from evcli.cli.session import Session
from evcli.cli.show.safe import safe


def complete(shell: str, arguments: list[str]) -> None:
    """Print the candidates for the last word typed, in the format that `shell`'s script reads."""
    line, breaks = (*arguments, "", "")[:2] if shell == "bash" else ("", "")
    words, raw = _split(line) if shell == "bash" else (arguments[:-1], (arguments or [""])[-1])
    typed = _unquoted(raw)
    option = typed[: typed.find("=") + 1] if typed.startswith("--") else ""
    with suppress(Exception):  # never print an error while the user is typing
        for value, help in _candidates(words, typed):
            if safe(value) != value:
                continue  # an unprintable value cannot be offered
            if shell == "bash":
                told = _for_bash(value, line, raw, breaks)
            else:
                told = option + value + (f"\t{safe(help)}" if help else "")
            sys.stdout.buffer.write(told.encode() + b"\n")


def _candidates(words: Sequence[str], typed: str) -> Sequence[tuple[str, str]]:
    """The candidates for a word, each with a description: from the log if the line is plain, else from the parser."""
    session, commands = Session(), root()
    expected = None if typed[:1] == "-" else next_value(words, commands)
    if expected is not None and (expected[0].kind or expected[0].is_moment):
        from evcli.cli.candidates import candidates

        parameter, path, shared = expected
        for option, value in shared:
            session.set(option, value)
        return candidates(session, parameter, path, typed)
    from evcli.cli.parser import completions

    return completions(session, commands, words, typed)


def _parts(line: str) -> list[str]:
    """The words of a line in a shell's syntax; a quote may still be open at its end."""
    reading = shlex.shlex(line, posix=True)
    reading.whitespace_split, reading.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(reading)
    except ValueError:
        words.append(reading.token)
    return words


def _split(line: str) -> tuple[list[str], str]:
    """The words of a bash command line after the program's name, and the unfinished word as typed."""
    start, at, quote = 0, 0, ""
    while at < len(line):
        character = line[at]
        if character == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character.isspace():
            start = at + 1
        at += 1
    return _parts(line[:start])[1:], line[start:]


def _unquoted(word: str) -> str:
    """An unfinished word without its quotes and backslashes; a quote may still be open."""
    return (_parts(word) or [""])[0] if word.strip() else ""


def _open_quote(line: str) -> str:
    """The quote that is open at the end of the line, or ""."""
    quote = ""
    escaped = False
    for character in line:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote


def _for_bash(value: str, line: str, raw: str, breaks: str) -> str:
    """The candidate as bash must insert it: quoted, and without the part that bash treats as earlier words.

    Bash ends a word not only at spaces but at each character of COMP_WORDBREAKS; of these, `@` begins the next word.
    """
    quote = _open_quote(line)
    if quote == "'":
        return value.replace("'", "'\\''")
    if quote:
        return re.sub(r'([\\"$`])', r"\\\1", value).replace("!", "\"'!'\"")
    written = re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    if raw.startswith("--") and "=" in raw:
        written = raw[: raw.find("=") + 1] + written
    at = max((raw.rfind(character) for character in breaks if character not in " \t\n\"'\\"), default=-1)
    return written[at + (raw[at] != "@") :] if at >= 0 and written.startswith(raw[:at]) else written
