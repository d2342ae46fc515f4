"""`evcli completion`: scripts for bash, zsh and fish, and the candidates that they ask for.

A shell's script passes the words typed so far and reads candidates, one per line. Zsh and fish quote what they insert;
for bash it is done here. Completion never reports an error: if it fails, it offers nothing.
"""

import re
import sys
from contextlib import suppress
from typing import Annotated

import typer
from typer._click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.safe import safe
from evcli.errors import BadInput

app = typer.Typer()

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
) -> Answer:
    """Print the script that completes evcli's words in a shell."""
    if shell not in SCRIPTS:
        raise BadInput(f'there is no completion for "{shell}"', f"it supports {', '.join(SCRIPTS)}")
    text = SCRIPTS[shell]
    document = {"shell": shell, "script": text}
    return Answer(header=("shell", "script"), rows=[(shell, text)], document=document, lines=text.split("\n"))


def complete(shell: str, arguments: list[str]) -> None:
    """Print the candidates for the last word typed, in the format that `shell`'s script reads."""
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
