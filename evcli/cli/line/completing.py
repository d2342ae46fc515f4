"""The candidates that a shell asks for: its script passes the words typed so far, and reads candidates, one per line.

Zsh and fish quote what they insert; for bash it is done here. Completion never reports an error: if it fails, it offers
nothing.
"""

import re
import sys
from collections.abc import Sequence
from contextlib import suppress

from evcli.cli.app import root
from evcli.cli.command import only_asking
from evcli.cli.line.plain import after_dashes, next_value
from evcli.cli.session import Session
from evcli.cli.show.safe import safe


def complete(shell: str, arguments: list[str]) -> None:
    """Print the candidates for the last word typed, in the format that `shell`'s script reads.

    Bash's script passes the whole line and COMP_WORDBREAKS; the others pass words, the last of them as it was typed.
    """
    line, breaks = (*arguments, "", "")[:2] if shell == "bash" else ((arguments or [""])[-1], "")
    found, quote, kept = _scan(line, breaks)
    words, typed = (found[1:-1], found[-1]) if shell == "bash" else (arguments[:-1], " ".join(found))
    option = typed[: typed.find("=") + 1] if typed.startswith("--") else ""
    with suppress(Exception):  # never print an error while the user is typing
        for value, help in _candidates(words, typed):
            if safe(value) != value:
                continue  # an unprintable value cannot be offered
            told = option + value
            if shell == "bash":
                told = _for_bash(told[kept:], quote)
            elif help:
                told += f"\t{safe(help)}"
            sys.stdout.buffer.write(told.encode() + b"\n")


def _candidates(words: Sequence[str], typed: str) -> Sequence[tuple[str, str]]:
    """The candidates for a word, each with a description: from the log if the line is plain, else from the parser."""
    session, commands = Session(), root()
    asked, shared = after_dashes(words, commands)
    if asked is not words:
        words, commands = asked, only_asking(commands)
    for option, value in shared:
        session.set(option, value)
    expected = None if typed[:1] == "-" else next_value(words, commands)
    if expected is not None and (expected[0].kind or expected[0].is_moment):
        from evcli.cli.line.candidates import candidates

        parameter, path, shared = expected
        for option, value in shared:
            session.set(option, value)
        return candidates(session, parameter, path, typed)
    from evcli.cli.line.parser import completions

    return completions(session, commands, words, typed)


def _scan(line: str, breaks: str) -> tuple[list[str], str, int]:
    """The words of a line in a shell's syntax, the quote that is open at its end, and the length of what is kept.

    The last word is unfinished, and empty after a space. Bash keeps what comes before an open quote, or before the last
    of the characters (COMP_WORDBREAKS) at which it ends a word beside spaces.
    """
    words, quote, kept, opened, is_begun = [""], "", 0, 0, False
    characters = iter(line)
    for character in characters:
        if character in " \t\n" and not quote:
            words += [""] * is_begun
            kept, is_begun = 0, False
            continue
        is_begun = True
        if character == "\\" and quote != "'":
            escaped = next(characters, "")
            words[-1] += escaped if not quote or escaped in '"\\$`' else "\\" + escaped
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote, opened = character, len(words[-1])
        else:
            words[-1] += character
            if character in breaks and not quote:
                kept = len(words[-1]) - (character == "@")  # which begins a word of its own
    return words, quote, opened if quote else kept


def _for_bash(text: str, quote: str) -> str:
    """The text as bash must insert it within that quote, which bash closes, or outside of quotes."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        return re.sub(r'([\\"$`])', r"\\\1", text).replace("!", "\"'!'\"")
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)
