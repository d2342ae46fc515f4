"""What to do next, in words of the command line: added to the errors of the core, which know nothing of them."""

from evcli.domain.kind import Changes, Ends, Revives
from evcli.errors import EvcliError, NoLog, NoSuchRecord, NotEnded, NotLive, RevivalBlocked, Taken
from evcli.kinds import KINDS, first_kind


def hint_for(error: EvcliError, log_words: str) -> str:
    """The way out of an error that has none, or that a command completes; `log_words` name the log in commands."""
    evcli = f"evcli{log_words}"
    if isinstance(error, NoLog):
        from evcli.cli.words import beginning_of

        return f"{evcli} {beginning_of(first_kind())} begins one; --log FILE or EVCLI_LOG names another"
    if isinstance(error, NoSuchRecord):
        name = error.kind
        every = f"{evcli} {name} list --all shows {'them' if error.hint else f'every {name}'}"
        if error.hint.startswith("ids go from"):
            return f"{error.hint}; {every}"
        return error.hint or every
    if isinstance(error, RevivalBlocked):
        return _free_it(error, evcli)
    if isinstance(error, Taken):
        kind = KINDS[error.kind]
        share = f"no two live {kind.plural} share {kind.fields[error.field].one}"
        return error.hint or f"see {evcli} {kind.name} show {error.holder}; {share}"
    if isinstance(error, NotLive):
        kind = KINDS[error.kind]
        back = kind.one(Revives)
        if back is None:
            return f"no {kind.name} comes back; see {evcli} {kind.name} show {error.id}"
        return f"bring it back: {evcli} {kind.name} {back.verb} {error.id}"
    if isinstance(error, NotEnded):
        return f"nothing to {error.verb}; see {evcli} {error.kind} show {error.id}"
    return error.hint


def _free_it(error: RevivalBlocked, evcli: str) -> str:
    kind = KINDS[error.kind]
    ways = [
        f"{evcli} {kind.name} {each.verb} {error.holder} NEW-{error.field.upper()}"
        for each in kind.types.values()
        if type(each) is Changes and each.required[:1] == (error.field,)
    ]
    ways += [f"{evcli} {kind.name} {each.verb} {error.holder}" for each in kind.types.values() if type(each) is Ends]
    return f"free it first: {', or '.join(ways)}"
