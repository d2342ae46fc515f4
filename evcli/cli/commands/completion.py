"""`evcli completion`: the scripts for bash, zsh and fish, which ask `evcli.cli.line.completing` for candidates."""

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.errors import BadInput

_BASH = """\
_evcli_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$1" _complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nosort -o default -F _evcli_completion evcli 2>/dev/null ||
    complete -o default -F _evcli_completion evcli"""

_ZSH = """\
#compdef evcli
_evcli() {
    local line
    local -a values shown
    for line in "${(@f)$("${(Q)words[1]}" _complete zsh "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
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
    set -l words (commandline -opc)
    command $words[1] _complete fish $words[2..-1] (commandline -ct) 2>/dev/null
end
complete --command evcli --no-files --arguments '(__evcli_completion)'
complete --command evcli --long-option log --require-parameter --force-files
complete --command evcli --long-option to --require-parameter --force-files
complete --command evcli --long-option against --require-parameter --force-files
complete --command evcli --force-files --condition '__fish_seen_subcommand_from export
    and not contains -- (commandline -opc)[-1] --what --at --format --color'"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(session: Session, shell: str) -> Answer:
    """`evcli completion`"""
    if shell not in SCRIPTS:
        raise BadInput(f'there is no completion for "{shell}"', f"it supports {', '.join(SCRIPTS)}")
    text = SCRIPTS[shell]
    document = {"shell": shell, "script": text}
    return Answer(header=("shell", "script"), rows=[(shell, text)], document=document, lines=text.split("\n"))


COMMANDS = {
    "completion": lambda: Command(
        completion,
        "Print the script that completes evcli's words in a shell.",
        [Parameter("shell", (), "SHELL", "bash, zsh or fish.", is_required=True, among=lambda: SCRIPTS)],
        [
            'bash:  eval "$(evcli completion bash)"                                   in ~/.bashrc',
            'zsh:   eval "$(evcli completion zsh)"                                    in ~/.zshrc, after compinit',
            "fish:  evcli completion fish > ~/.config/fish/completions/evcli.fish     once",
        ],
        EXIT_CODES,
    )
}
