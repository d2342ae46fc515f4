"""Shell completion for bash, zsh and fish, with records and events from the log.

A shell's script passes the words typed so far and reads candidates, one per line. Zsh and fish quote what they insert;
for bash it is done here. Completion never reports an error: if it fails, it offers nothing.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice, takewhile
from typing import Annotated, Any

import typer
from typer._click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.safe import safe
from evcli.cli.show.times import local
from evcli.domain.event import number_of
from evcli.domain.kind import Kind, Revives
from evcli.domain.state import State
from evcli.errors import BadInput
from evcli.kinds import KINDS, all_kinds

app = typer.Typer()

MOST = 100
"""At most this many records are offered."""

RECENT = 20
"""At most this many of the last events are offered for a REF."""

_BASH = """\
_evcli_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_EVCLI_COMPLETE=bash "$1" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nosort -o default -F _evcli_completion evcli 2>/dev/null ||
    complete -o default -F _evcli_completion evcli"""

_ZSH = """\
#compdef evcli
_evcli() {
    local line
    local -a values shown
    for line in "${(@f)$(_EVCLI_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\\t'*}")
        shown+=("${line/$'\\t'/  -- }")
    done
    if (( $#values )); then
        compadd -l -d shown -a values
    else
        _files
    fi
}
if [[ $funcstack[1] == _evcli ]]; then _evcli "$@"; else compdef _evcli evcli; fi"""

_FISH = """\
function __evcli_completion
    set -lx _EVCLI_COMPLETE fish
    set -l words (commandline -opc)
    command $words[1] $words[2..-1] (commandline -ct) 2>/dev/null
end
complete --command evcli --no-files --arguments '(__evcli_completion)'
complete --command evcli --long-option log --require-parameter --force-files
complete --command evcli --force-files --condition '__fish_seen_subcommand_from export
    and not contains -- (commandline -opc)[-1] --what --at --format --color'"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def _shells(incomplete: str) -> list[str]:
    return [shell for shell in SCRIPTS if shell.startswith(incomplete)]


@app.command(
    "completion",
    epilog="""
Examples:
  bash:  eval "$(evcli completion bash)"                                   in ~/.bashrc
  zsh:   eval "$(evcli completion zsh)"                                    in ~/.zshrc, after compinit
  fish:  evcli completion fish > ~/.config/fish/completions/evcli.fish     once

Exit codes: evcli help exit-codes
""",
)
def completion(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", autocompletion=_shells)],
) -> None:
    """Print the script that completes evcli's words in a shell."""
    session: Session = ctx.obj
    if shell not in SCRIPTS:
        raise BadInput(f'there is no completion for "{shell}"', f"there is for {', '.join(SCRIPTS)}")
    text = SCRIPTS[shell]
    session.output.show(
        Answer(
            header=("shell", "script"),
            rows=[(shell, text)],
            document={"shell": shell, "script": text},
            lines=text.split("\n"),
        )
    )


def complete(shell: str, arguments: list[str]) -> None:
    """Print the candidates for the last word typed, in the form that `shell`'s script reads."""
    from evcli.cli.app import root

    line, breaks = (*arguments, "", "")[:2] if shell == "bash" else ("", "")
    words, raw = _split(line) if shell == "bash" else (arguments[:-1], (arguments or [""])[-1])
    typed = _unquoted(raw)
    option = typed[: typed.find("=") + 1] if typed.startswith("--") else ""
    with suppress(Exception):  # never print an error while the user is typing
        for item in _Words(root(), {"obj": Session()}, "evcli", "").get_completions(words, typed):
            if safe(item.value) != item.value:
                continue  # an unprintable value cannot be offered
            if shell == "bash":
                told = _for_bash(item.value, line, raw, breaks)
            else:
                told = option + item.value + (f"\t{safe(item.help)}" if item.help else "")
            sys.stdout.buffer.write(told.encode() + b"\n")


class _Words(ShellComplete):
    """The parser's completion; the shell protocol is handled in this module instead."""

    def source_vars(self) -> dict[str, str]:
        """Not used: the scripts are in SCRIPTS."""
        raise NotImplementedError

    def get_completion_args(self) -> tuple[list[str], str]:
        """Not used: the words are passed in."""
        raise NotImplementedError

    def format_completion(self, item: CompletionItem) -> str:
        """Not used: `complete` prints the candidates."""
        raise NotImplementedError


def who(ctx: typer.Context, incomplete: str, of_kind: str) -> list[tuple[str, str]]:
    """Ids, keys and names of records that start with what was typed, in any case, each with a description."""
    session = ctx.ensure_object(Session)
    kind = KINDS[of_kind]
    is_of_kind = ctx.parent is not None and ctx.parent.info_name == of_kind
    each = kind.verbs.get(ctx.info_name or "") if is_of_kind else None
    wants_all = each is None
    wants_ended = type(each) is Revives

    def is_wanted(record: Any) -> bool:
        return record is not None and (wants_all or (record[-1] is not None) == wants_ended)

    with session.register as register:
        state = register.at()
        live_only = not wants_all and not wants_ended
        wanted = islice(filter(is_wanted, _by_id(state, kind, incomplete, live_only=live_only)), MOST)
        found = [(str(record.id), kind.labelled(record)) for record in wanted]
        begun = incomplete.casefold()
        words = takewhile(lambda pair: pair[0].startswith(begun), state.words(kind.name, begun)) if begun else ()
        is_shared = lru_cache(lambda word: _is_shared(state, kind, word, is_wanted))
        for word, record in islice(words, MOST):
            if not is_wanted(record):
                continue
            others = [str(getattr(record, name)) for name in kind.names]
            if word == kind.key(record):
                found.append((others[0], others[-1] if len(others) > 1 else kind.labelled(record)))
            elif _means_by_name(kind, others[-1]) and not is_shared(word):
                found.append((others[-1], others[0] if len(others) > 1 else kind.labelled(record)))
    return found[:MOST]


def _means_by_name(kind: Kind, name: str) -> bool:
    """Whether a name, typed as a WHO, is read as a name, and not as an id or the unique field."""
    mark = kind.fields[kind.unique].mark if kind.unique else ""
    return not name.isdigit() and not (mark and mark in name)


def _by_id(state: State, kind: Kind, digits: str, *, live_only: bool) -> Iterator[Any]:
    """The records whose ids start with these digits, lowest first."""
    last = state.last_id(kind.name)
    if not digits:
        yield from state.records(kind.name, live_only=live_only)
    elif digits.isascii() and digits.isdigit() and digits[0] != "0":
        low, high = int(digits), int(digits)
        while low <= last:
            for id in range(low, min(high, last) + 1):
                yield state.get(kind.name, id)
            low, high = low * 10, high * 10 + 9


def _is_shared(state: State, kind: Kind, word: str, is_wanted: Callable[[Any], bool]) -> bool:
    called = (each for each in state.called(kind.name, word) if kind.name_key(each) == word and is_wanted(each))
    return len(list(islice(called, 2))) > 1


def moments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The last events by number, and the words that name a moment."""
    session = ctx.ensure_object(Session)
    found: list[tuple[str, str]] = []
    with session.register as register:
        for event in register.events_backward(register.head()):
            if len(found) == RECENT:
                break
            found.append((str(number_of(event)), f"{local(event['time'])} {event['type']} {event['subject']}"))
    words = [("@", "now"), ("@-", "one event ago"), ("today", "now"), ("yesterday", "the end of yesterday")]
    return [(value, told) for value, told in found + words if value.startswith(incomplete)]


def event_types(incomplete: str) -> list[tuple[str, str]]:
    """The event types."""
    return [(name, "") for kind in all_kinds() for name in kind.types if name.startswith(incomplete)]


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
    return split_arg_string(line[:start])[1:], line[start:]


def _unquoted(word: str) -> str:
    """An unfinished word without its quotes and backslashes; a quote may still be open."""
    return (split_arg_string(word) or [""])[0] if word.strip() else ""


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
    """The candidate as bash must insert it: quoted, and without the part that bash takes for earlier words.

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
