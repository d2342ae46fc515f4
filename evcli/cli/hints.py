"""Command-line hints for errors of the core, which knows nothing of the command line."""

from evcli.domain.kind import Changes, Ends, Revives
from evcli.errors import EvcliError, NoLog, NoSuchRecord, NotEnded, NotLive, RevivalBlocked, Taken
from evcli.kinds import KINDS, first_kind


def hint_for(error: EvcliError) -> str:
    """What to do about an error: its own hint, or one that the command line adds."""
    if isinstance(error, NoLog):
        from evcli.cli.words import beginning_of

        return f"evcli {beginning_of(first_kind())} begins one; --log FILE or EVCLI_LOG names another"
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
            return f"no {kind.name} comes back; see evcli {kind.name} show {error.id}"
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
