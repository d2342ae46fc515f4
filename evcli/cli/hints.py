"""Command-line hints for errors of the core, which does not know about the command line."""

import os
import shlex
from contextlib import suppress

from evcli.cli.environment import is_default_log
from evcli.domain.kind import Changes, Ends, Revives
from evcli.domain.refusals import NoSuchRecord, NotEnded, NotLive, RevivalBlocked, Taken
from evcli.errors import (
    AlreadyThere,
    BadInput,
    BadRef,
    BadSetting,
    BadText,
    Busy,
    CannotCreate,
    CannotOpen,
    Damaged,
    EvcliError,
    HeadMoved,
    IdTaken,
    NewerLog,
    NoFolder,
    NoLog,
    NotALog,
    NotSynced,
    OutcomeUnknown,
    Refused,
)
from evcli.kinds import KINDS, first_kind

_OTHER_LOG = "--log FILE or EVCLI_LOG names another log"

_SETTINGS = {"actor type": "EVCLI_ACTOR_TYPE is one of {}", "source": "EVCLI_SOURCE names the source of a new log"}


def hint_for(error: EvcliError, log: str = "") -> str:
    """The hint for an error: its own, or one from the command line; `log` are the words that name the log."""
    if isinstance(error, Refused):
        return _after_refusal(error)
    if isinstance(error, BadInput):
        return _after_bad_input(error)
    if isinstance(error, OutcomeUnknown) and not isinstance(error, NotSynced):
        usual = "check the disk, then run evcli log -n 3 before repeating the command"
        return f"{error.hint}; {usual}" if error.hint else usual
    return error.hint or _for_log(error, log)


def _for_log(error: EvcliError, log: str) -> str:
    """The usual hint for an error about a log, or about a file to be created."""
    match error:
        case NoLog(path=path):
            return _without_log(path)
        case Busy(path=path, holders=holders):
            who = "" if holders else f"; sudo lsof {shlex.quote(path)} shows who has it open"
            return f"try again, or wait longer with --lock-wait SECONDS{who}"
        case NotALog():
            return "nothing was changed; is this the right file? --log FILE names another"
        case Damaged(line=line):
            return after_damage(line, log, "evcli verify lists all faults")
        case NewerLog(line=line):
            return f"nothing was changed; this version still answers for moments before it: --at {line - 1}"
        case HeadMoved(since=since):
            return f"see what happened meanwhile: evcli log --since {since}"
        case IdTaken(times=(then, meant)):
            return _at_another_time(then, meant)
        case IdTaken(number=number):
            return f"evcli show {number} shows it; another command needs another --id"
        case CannotOpen() | CannotCreate():
            return _OTHER_LOG
        case NoFolder(folder=folder, is_for_log=is_for_log):
            return f"if the path is right: mkdir -p {shlex.quote(folder)}" + (f"; {_OTHER_LOG}" if is_for_log else "")
        case AlreadyThere():
            return "--force replaces it"
        case EvcliError(code="does-not-add-up"):
            return "with EVCLI_CACHE=off it is made from the log alone; please report this as a bug"
        case NotSynced():
            return "check the disk, then write it again with --force"
    return ""


def _at_another_time(then: str, meant: str) -> str:
    """What to do about a command that was sent before with the same id, but happened `then`."""
    if not then:
        return "that event happened when it was recorded: without --occurred this is the same command"
    but = f"this one {meant}; a command that may be sent again needs an absolute time" if meant else "this one now"
    return f"that event happened {then}, {but}: with --occurred {then} it is the same command"


def _without_log(path: str) -> str:
    """What to do where there is no log: a mistyped path, or a disk that is not mounted, often lacks the folder too."""
    with suppress(FileNotFoundError):  # the working folder is removed
        folder = os.path.dirname(os.path.realpath(path))
        if not os.path.isdir(folder) and not is_default_log(path):
            what = f"{folder} is not a folder" if os.path.lexists(folder) else f"there is no folder {folder} either"
            return f"{what}: is the path right? {_OTHER_LOG}"
    from evcli.cli.words import beginning_of

    return f"evcli {beginning_of(first_kind())} creates one; --log FILE or EVCLI_LOG names another"


def after_damage(line: int, log: str, *more: str) -> str:
    """What to do about a log that is damaged at a line; `log` are the words that name it, which are said once."""
    ways = [f"evcli state --at {line - 1} still answers", *more] if line > 1 else [*more]
    if log and ways:
        ways[0] = f"with the same log, {ways[0]}"
    return "; ".join([
        "nothing was changed; first look for a backup, or copy the log",
        f"then evcli repair --dry-run{log} shows what a repair would lose",
        *ways,
    ])  # fmt: skip


def _after_bad_input(error: BadInput) -> str:
    from evcli.transfer.refusals import BadList

    if isinstance(error, BadList):
        from evcli.cli.reading import hint_for

        return hint_for(error)
    match error:
        case BadSetting(setting=setting, allowed=allowed):
            return _SETTINGS[setting].format(allowed)
        case BadText(what="the actor"):
            return "EVCLI_ACTOR sets the actor"
        case BadRef(hint="", ref=ref):
            return "evcli log --json shows the ids" if ref.startswith("id:") else "evcli help refs lists the forms"
    return error.hint


def _after_refusal(error: Refused) -> str:
    if isinstance(error, NoSuchRecord):
        every = f"evcli {error.kind} list --all shows"
        if error.last_id:
            return f"ids go from 1 to {error.last_id}; {every} them"
        return error.hint or f"{every} every {error.kind}"
    if isinstance(error, RevivalBlocked):
        return _free_it(error)
    if isinstance(error, Taken):
        kind = KINDS[error.kind]
        share = f"no two live {kind.plural} share {kind.fields[error.field].one}"
        return error.hint or f"see evcli {kind.name} show {error.holder}; {share}"
    if isinstance(error, NotLive):
        kind = KINDS[error.kind]
        back = kind.one(Revives)
        if back is None:
            return f"no {kind.name} can come back; see evcli {kind.name} show {error.id}"
        return f"bring it back: evcli {kind.name} {back.verb} {error.id}"
    if isinstance(error, NotEnded):
        return f"nothing to {error.verb}; see evcli {error.kind} show {error.id}"
    return error.hint


def _free_it(error: RevivalBlocked) -> str:
    kind = KINDS[error.kind]
    ways = [
        f"evcli {kind.name} {each.verb} {error.holder} NEW-{error.field.upper()}"
        for each in kind.types.values()
        if type(each) is Changes and each.required[:1] == (error.field,)
    ]
    ways += [f"evcli {kind.name} {each.verb} {error.holder}" for each in kind.types.values() if type(each) is Ends]
    return f"free it first: {', or '.join(ways)}"
