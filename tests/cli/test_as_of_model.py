"""Every reading command says, for `--at`, `--as-of` and both, what a model says that sorts a list and folds it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import pytest
from conftest import Cli
from support.caches import cache_every_log, cache_the_beginning
from support.events import lines_of
from support.kinds import beside_users
from support.late import RECORDS, lately, moment

from cli.support import applied, documents
from evcli import kinds
from evcli.domain.kind import Begins, Revives
from evcli.kinds import KINDS

EVENTS = 60
PAGES = {"bike": "kinds.bike", "desk": "kinds.desk"}
ACTORS = ("ann", "bob")

Event = dict[str, Any]
Step = tuple[Event, Any, Any]
"""An event, and its record before and after it."""


@pytest.fixture(autouse=True)
def more_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from beside_users(monkeypatch, PAGES)


# --- the model --------------------------------------------------------------------------------------------------------


class View(NamedTuple):
    """What is asked about: the register after event `number`, or as of second `until` as known then."""

    number: int
    until: int | None = None

    @property
    def options(self) -> list[str]:
        return ["--at", str(self.number), *([] if self.until is None else ["--as-of", typed(self.until)])]

    @property
    def stored(self) -> str | None:
        return None if self.until is None else moment(self.until).replace(".000000", ".999999")


def typed(second: int) -> str:
    """A time as people write it, which covers the second."""
    return moment(second).replace(".000000", "")


def number(event: Event) -> int:
    return int(event["sequence"])


def when(event: Event) -> tuple[str, int]:
    return event["time"], number(event)


def happened(events: Sequence[Event], view: View) -> dict[tuple[str, int], list[Step]]:
    """What happened to each record, in the order that counts."""
    known = [event for event in events if number(event) <= view.number]
    if view.stored is not None:
        known = sorted((event for event in known if event["time"] <= view.stored), key=when)
    found: dict[tuple[str, int], list[Step]] = {}
    waiting: list[Event] = []
    for event in known:
        waiting.append(event)
        while one := next((each for each in waiting if can(each, found)), None):
            waiting.remove(one)
            kind, id = one["subject"].split("/")
            steps = found.setdefault((kind, int(id)), [])
            before = steps[-1][2] if steps else None
            steps.append(
                (one, before, KINDS[kind].types[one["type"]].effect(before, int(id), number(one), one["data"]))
            )
    return found


def can(event: Event, found: dict[tuple[str, int], list[Step]]) -> bool:
    kind, id = event["subject"].split("/")
    each, steps = KINDS[kind].types[event["type"]], found.get((kind, int(id)))
    if isinstance(each, Begins) or not steps:
        return isinstance(each, Begins) and not steps
    return (steps[-1][2][-1] is not None) == isinstance(each, Revives)


def records(events: Sequence[Event], view: View, kind: str, *, live_only: bool = False) -> list[Any]:
    found = sorted((subject, steps[-1][2]) for subject, steps in happened(events, view).items() if subject[0] == kind)
    return [record for _, record in found if not live_only or record[-1] is None]


def setters(steps: Iterable[Step], kind: str) -> dict[str, int]:
    """By which event each field was set last, and whether the record has ended."""
    names = (*KINDS[kind].own, KINDS[kind].ended)
    found: dict[str, int] = {}
    for event, before, after in steps:
        found |= {name: number(event) for name in names if getattr(before, name, None) != getattr(after, name)}
    return found


def state(events: Sequence[Event], view: View) -> dict[str, Any]:
    every = {kind: records(events, view, kind) for kind in kinds.MODULES}
    live = sum(record[-1] is None for each in every.values() for record in each)
    last = events[view.number - 1] if view.number else None
    return {
        "number": view.number,
        "sha256": last["sha256"] if last else "0" * 64,
        "time": last.get("recordedtime", last["time"]) if last else None,
        "live": live,
        "destroyed": sum(map(len, every.values())) - live,
        **({"as_of": view.stored} if view.stored else {}),
        **{KINDS[kind].plural: [record._asdict() for record in each] for kind, each in every.items()},
    }


def differences(events: Sequence[Event], first: View, second: View) -> list[dict[str, Any]]:
    """The changes of `diff`, by the events that count on one side only."""
    is_backward = (second.number, second.stored or "") < (first.number, first.stored or "")
    sides = happened(events, first), happened(events, second)
    found = []
    for kind, id in sorted({*sides[0], *sides[1]}):
        steps = [side.get((kind, id), []) for side in sides]
        counted = [{number(event) for event, _, _ in each} for each in steps]
        alone = [event for event in events if number(event) in counted[0] ^ counted[1]]
        if not alone:
            continue
        before, after = (each[-1][2] if each else None for each in steps)
        narrow, wide = steps[::-1] if is_backward else steps
        set_by = setters(narrow, kind) | setters(wide, kind)
        names = (*KINDS[kind].own, KINDS[kind].ended)
        values = [(name, getattr(before, name, None), getattr(after, name, None)) for name in names]
        found.append({
            "kind": kind, "id": id, "before": before and before._asdict(), "after": after and after._asdict(),
            "events": alone if first.until is None else sorted(alone, key=when),
            "fields": [
                {"field": name, "before": old, "after": new, "event": set_by[name]}
                for name, old, new in values if old != new
            ],
        })  # fmt: skip
    return found


# --- what is asked ----------------------------------------------------------------------------------------------------


class Asker:
    """Asks the program and the model the same."""

    def __init__(self, cli: Cli, seed: int) -> None:
        self.cli, self.chance = cli, Random(seed)
        events = lately(seed, self.chance.sample(["user", *PAGES], 2), EVENTS)
        for event in events:
            event["authid"] = self.chance.choice(ACTORS)
        cli.log.write_bytes(b"".join(lines_of(events)))
        cli.log.chmod(0o600)
        self.events = documents(cli.log.read_text())
        last = self.events[-1]
        self.seconds = next(at for at in range(3600) if moment(at) == last.get("recordedtime", last["time"]))

    def view(self) -> View:
        until = self.chance.choice([None, *[self.chance.randint(0, self.seconds + 1)] * 3])
        return View(self.chance.choice([EVENTS, *[self.chance.randint(0, EVENTS)] * 3]), until)

    def maybe(self, *words: str, odds: float = 0.25) -> list[str]:
        return list(words) if self.chance.random() < odds else []

    def answer(self, *words: str) -> Any:
        return json.loads(self.cli.ok(*words, "--json").out)

    def lists(self) -> None:
        view, kind = self.view(), self.chance.choice(list(kinds.MODULES))
        is_all, match, limit = self.maybe("--all"), self.maybe("--match", "a"), self.maybe("-n", "2")
        wanted = records(self.events, view, kind, live_only=not is_all)
        if match:
            own = KINDS[kind].own
            wanted = [each for each in wanted if any("a" in (getattr(each, name) or "").casefold() for name in own)]
        wanted = wanted[: 2 if limit else None]
        assert self.answer(kind, "list", *view.options, *is_all, *match, *limit) == [each._asdict() for each in wanted]
        by = f"{KINDS[kind].began}_by"
        stamped = self.answer(kind, "list", *view.options, *is_all, *match, *limit, "--columns", f"{by},id")
        assert stamped == [{by: self.events[each[-3] - 1]["authid"], "id": each.id} for each in wanted]
        every = records(self.events, view, kind, live_only=not is_all)
        exported = self.cli.ok("export", "--what", KINDS[kind].plural, "--format", "json", *view.options, *is_all).out
        assert json.loads(exported) == [each._asdict() for each in every]

    def one(self) -> None:
        view, kind, id = self.view(), self.chance.choice(list(kinds.MODULES)), self.chance.randint(1, RECORDS)
        steps = happened(self.events, view).get((kind, id))
        for words in ((kind, "show", str(id)), ("blame", str(id), "--kind", kind)):
            if not steps:
                assert self.cli(*words, *view.options).code == 1
        if not steps:
            return
        record, shown = steps[-1][2], [event for event, _, _ in steps]
        assert self.answer(kind, "show", str(id), *view.options) == record._asdict() | {"events": shown}
        blamed = self.answer("blame", str(id), "--kind", kind, *view.options)
        assert blamed["number"] == view.number
        assert blamed.get("as_of") == view.stored
        begun = dict.fromkeys(KINDS[kind].own, number(steps[0][0]))
        assert [(each["field"], each["value"], each["event"]) for each in blamed["fields"]] == [
            (name, getattr(record, name), event) for name, event in (begun | setters(steps, kind)).items()
        ]
        assert all(each["type"] == self.events[each["event"] - 1]["type"] for each in blamed["fields"])

    def whole(self) -> None:
        view = self.view()
        assert self.answer("state", *view.options) == state(self.events, view)

    def _asked_of_log(self, view: View, events: Sequence[Event]) -> tuple[list[str], list[Event]]:
        """Options that say a view, or a range of times as known there, and those of the events that are in it."""
        options, wanted = view.options, [event for event in events if number(event) <= view.number]
        if since := self.maybe("--since", str(self.chance.randint(0, EVENTS))):
            wanted = [event for event in wanted if number(event) > int(since[1])]
        if view.until is not None and view.stored is not None:
            start = ""
            if self.chance.random() < 0.4:
                first = self.chance.randint(0, view.until)
                start, options[-1] = moment(first), f"{typed(first)}..{typed(view.until)}"
            wanted = sorted((event for event in wanted if start <= event["time"] <= view.stored), key=when)
        return options + since, wanted

    def logs(self) -> None:
        view = self.view()
        options, wanted = self._asked_of_log(view, self.events)
        filters, wanted = self._filtered(wanted[::-1])
        limit, reverse = self.chance.choice([0, 0, 1, 3]), self.maybe("--reverse")
        wanted = wanted[: limit or None]
        wanted = wanted[::-1] if reverse else wanted
        words = ["log", *options, *filters, "-n", str(limit), *reverse]
        assert self.answer(*words) == wanted
        steps = {number(step[0]): step for each in happened(self.events, view).values() for step in each}
        assert self.answer(*words, "-p") == [
            {"event": event, "before": old and old._asdict(), "after": new and new._asdict()}
            for event in wanted
            for _, old, new in [steps.get(number(event), (event, None, None))]
        ]

    def _filtered(self, wanted: list[Event]) -> tuple[list[str], list[Event]]:
        """Some filters of `log`, and what they leave of these events."""
        options, kept = [], wanted
        if type := self.maybe("--type", self.chance.choice(["user.*", "*.destroyed", "rename", "desk.moved"])):
            verb = type[1]
            kept = [
                event for event in kept
                if event["type"] == verb or (verb == "rename" and event["type"] == "user.renamed")
                or (verb == "user.*" and event["type"].startswith("user."))
                or (verb == "*.destroyed" and event["type"].endswith(".destroyed"))
            ]  # fmt: skip
            options += type
        if actor := self.maybe("--actor", self.chance.choice(ACTORS)):
            kept, options = [event for event in kept if event["authid"] == actor[1]], options + actor
        if text := self.maybe("--grep", self.chance.choice(["b", "ADA", "x.org"])):
            kept = [
                event for event in kept if any(text[1].casefold() in each.casefold() for each in event["data"].values())
            ]
            options += text
        return options, kept

    def of_one_in_log(self) -> None:
        """`log --KIND WHO`, for a record that is there in that view, or now."""
        view = self.view()
        there = happened(self.events, view if view.until is not None else View(EVENTS))
        if not there:
            return
        kind, id = self.chance.choice(sorted(there))
        about = [event for event in self.events if event["subject"] == f"{kind}/{id}"]
        options, wanted = self._asked_of_log(view, about)
        limit = self.chance.choice([0, 2])
        assert self.answer("log", f"--{kind}", str(id), *options, "-n", str(limit)) == wanted[::-1][: limit or None]

    def diffs(self) -> None:
        first, second = self.view(), self.view()
        if first.until is None or second.until is None:
            first, second = View(first.number), View(second.number)
        times = [] if first.until is None or second.until is None else [typed(first.until), typed(second.until)]
        asked = ["--as-of", times[0] if times[0] == times[1] else "..".join(times)] if times else []
        words = ["diff", str(first.number), str(second.number), *asked]
        wanted = differences(self.events, first, second)
        document = self.answer(*words)
        assert (document["from"], document["to"]) == (first.number, second.number)
        if first.until is not None:
            assert document["as_of"] == {"from": first.stored, "to": second.stored}
            assert document["changes"] == wanted
        elif first.number <= second.number:
            assert document["changes"] == wanted
        before, after = state(self.events, first), state(self.events, second)
        patch = json.loads(self.cli.ok(*words, "--format", "json-patch").out)
        assert applied(before, patch, has_gaps=bool(times)) == after
        kind, id = self.chance.choice(sorted(happened(self.events, View(EVENTS))))
        wider = View(
            max(first.number, second.number), None if second.until is None else max(first.until or 0, second.until)
        )
        ran = self.cli(*words, f"--{kind}", str(id), "--json")
        if (kind, id) in happened(self.events, wider):
            assert json.loads(ran.out)["changes"] == [
                each for each in document["changes"] if (each["kind"], each["id"]) == (kind, id)
            ]
        else:
            assert ran.code == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("known", [0, 17, EVENTS], ids=["no cache", "cache behind", "cache"])
def test_every_reading_command_answers_what_the_model_says(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, seed: int, known: int
) -> None:
    asker = Asker(cli, seed)
    if known == EVENTS:
        cache_every_log(monkeypatch)
    elif known:
        cache_the_beginning(cli.log, monkeypatch, known)
    for _ in range(15):
        for ask in (asker.lists, asker.one, asker.whole, asker.logs, asker.of_one_in_log, asker.diffs):
            ask()
