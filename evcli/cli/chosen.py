"""The events that `evcli log` is asked for, and what is said where there are none."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.text import composed
from evcli.errors import BadInput
from evcli.kinds import all_kinds, first_kind
from evcli.register.past import Past, Position

if TYPE_CHECKING:
    from evcli.sync.lists import Meant

MOST = 10
"""At most this many actors, or lists, are named."""


class Then(NamedTuple):
    """What happened from one time to another, as stored, as it is known after event `number`."""

    start: str
    until: str
    number: int


def bounds(
    range: str | None, since: str | None, until: str | None, at: str | None = None
) -> tuple[str | None, str | None]:
    """The REFs that the range `A..B` means, as those of --since and --until; these, or --at, if there is no range.

    Raises BadInput.
    """
    if at is not None and (until is not None or range is not None):
        other = "--until" if until is not None else f'"{range}"'
        raise BadInput(f"--at and {other} both say which event is the last one", "leave one of them out")
    until = at if at is not None else until
    if range is None:
        return since, until
    start, dots, end = range.partition("..")
    if not dots:
        raise BadInput(f'"{range}" is not A..B', f"did you mean {_meant(range)}? evcli log -h shows how it is used")
    if since is not None or until is not None:
        raise BadInput(f'"{range}" says the same as --since and --until', "leave one of them out")
    return start or None, end or None


def _meant(word: str) -> str:
    """The command that somebody may have meant who typed one word after `evcli log`."""
    import shlex

    if word.isdigit():
        return f"evcli show {word}"
    if word[:1].isdigit() or word.startswith(("@", "HEAD")):
        return f"evcli log {shlex.quote(word)}.."
    return f"evcli log --{'type' if any(_types_meant(word)) else first_kind().name} {shlex.quote(word)}"


class Chosen:
    """The events of a type, by an actor, about one record, with a text, of a list: each only if it is asked for."""

    def __init__(
        self,
        past: Past,
        *,
        about: tuple[str, int] | None,
        type: str | None,
        actor: str | None,
        grep: str | None,
        lists: "Meant | None" = None,
    ) -> None:
        self._lists = lists
        self._past, self._subject, self._type, self._actor = past, about, type, actor
        self._types = None if type is None else frozenset(_types_meant(type))
        self._text = None if grep is None else composed(grep).casefold()
        self._others = set[str]()
        """The actors of the events that would be chosen if they were by the one that is asked for."""

    @property
    def is_impossible(self) -> bool:
        """Whether no event can be one of them, since there is no such type, or no such list."""
        return (self._types is not None and not self._types) or self._has_no_list

    @property
    def _has_no_list(self) -> bool:
        return self._lists is not None and not self._lists.correlations

    def has(self, event: Event) -> bool:
        """Whether the event is one of them."""
        if self._types is not None and event["type"] not in self._types:
            return False
        if self._subject is not None and subject_of(event) != self._subject:
            return False
        if self._lists is not None and event.get("correlationid") not in self._lists.correlations:
            return False
        if self._text is not None and not any(self._text in value.casefold() for value in event["data"].values()):
            return False
        if self._actor is None or event["authid"] == self._actor:
            return True
        self._others.add(event["authid"])
        return False

    def events(self, first: int, end: Position, *, backward: bool, then: Then | None = None) -> Iterator[Event]:
        """Those of them after event `first` and up to a position; with `then`, in the order in which they happened."""
        if self.is_impossible:
            return iter(())
        if then is not None:
            found = self._as_of(first, then, backward=backward)
        elif self._subject is not None:
            found = self._past.events_about(*self._subject, end.number, after=first, backward=backward)
        elif backward:
            found = _newest_first(self._past, first, end)
        else:
            found = self._past.events(self._past.position(first), stop=end) if first < end.number else iter(())
        return filter(self.has, found)

    def _as_of(self, first: int, then: Then, *, backward: bool) -> Iterator[Event]:
        if self._subject is None:
            return self._past.events_as_of(then.until, then.number, start=then.start, after=first, backward=backward)
        from evcli.domain.timeline import when

        every = self._past.events_about(*self._subject, then.number, after=first)
        return iter(
            sorted((each for each in every if then.start <= each["time"] <= then.until), key=when, reverse=backward)
        )

    def why_none(self) -> str:
        """What is said once `events` gave none."""
        if not self._past.head().number:
            return "the log is empty"
        if self._lists is not None and self._has_no_list:
            names = self._lists.others
            more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
            others = f"; lists that did are {', '.join(names[:MOST])}{more}" if names else ""
            return f"no event is of such a list: it was not synced, or it changed nothing{others}"
        if self.is_impossible:
            return f'no matching events: no type is called "{self._type}"; types are {", ".join(_all_types())}'
        if self._others:
            found = _nearest_first(self._actor or "", self._others)
            more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
            return f'no matching events by "{self._actor}": they are by {", ".join(found[:MOST])}{more}'
        return "no matching events"


def _all_types() -> list[str]:
    return [name for kind in all_kinds() for name in kind.types]


def _types_meant(typed: str) -> Iterable[str]:
    """The types that match a glob; or else those of that verb, or whose name after the dot is that."""
    from fnmatch import fnmatchcase

    matching = [name for name in _all_types() if fnmatchcase(name, typed)]
    return matching or (
        name
        for kind in all_kinds()
        for name, each in kind.types.items()
        if typed in (each.verb, name.partition(".")[2])
    )


def _nearest_first(wanted: str, names: Iterable[str]) -> list[str]:
    from difflib import SequenceMatcher

    return sorted(names, key=lambda name: (-SequenceMatcher(None, name.casefold(), wanted.casefold()).ratio(), name))


def _newest_first(past: Past, first: int, end: Position) -> Iterator[Event]:
    for event in past.events_backward(end):
        if number_of(event) <= first:
            return
        yield event
