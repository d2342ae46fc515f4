"""How to check a report without evcli: commands of sh, sha256sum and jq, with what they must print."""

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from evcli.cli.report.facts import Facts
from evcli.domain.kind import Begins, Ends, EventType, Revives

_CHAIN = """\
m=',"sha256":'; p=$(printf %064d 0); n=0
head -n {last} {log} | while IFS= read -r line || [ -n "$line" ]; do
  n=$((n + 1)); body=${{line%"$m"*}}
  p=$(printf %s "$p$body" | sha256sum | cut -c 1-64)
  [ "$line" = "$body$m\\"$p\\"}}" ] || {{ echo "line $n is not what was written"; break; }}
  case $n in {heads}) echo "$n:$p";; esac
done"""

_COUNT = """\
for n in {numbers}; do
  head -n $n {log} | jq -s 'map({{{signs}}}[.type] // 0) | add'
done"""

_EVENTS = """\
sed -n {first},{last}p {log} |
  jq -rs 'map(select(.subject | startswith("{kind}/")) | .type) | group_by(.)[] | "\\(length) \\(.[0])"'"""


class Check(NamedTuple):
    """One check: what it shows, the lines of the command, and what it prints if all is well."""

    shows: str
    command: str
    prints: list[str]


def checks(facts: Facts) -> Iterator[Check]:
    """The checks of a report, in order; the folder they are run in holds the log. An empty register needs none."""
    start, end, counts, kind = facts.beginning.at, facts.end.at, facts.period.counts, facts.period.kind
    live = {at.head: count for at, count in ((start, counts.beginning), (end, counts.end)) if at.number}
    if not live:
        return
    log = shlex.quote(facts.log if facts.log[:1] != "-" else f"./{facts.log}")
    numbers = [head.partition(":")[0] for head in live]
    yield Check(
        "Every line is sealed with the line before it, and the log goes through the heads of this report.",
        _CHAIN.format(last=end.number, log=log, heads="|".join(numbers)),
        list(live),
    )
    roles: dict[type[EventType], int] = {Begins: 1, Revives: 1, Ends: -1}
    signs = ",".join(f'"{name}":{roles[type(each)]}' for name, each in kind.types.items() if type(each) in roles)
    yield Check(
        f"So many {kind.plural} were there at {'the beginning and the end' if len(live) > 1 else 'the end'}.",
        _COUNT.format(numbers=" ".join(numbers), log=log, signs=signs),
        list(map(str, live.values())),
    )
    if facts.period.acts:
        types = Counter(act.type.name for act in facts.period.acts)
        yield Check(
            "So many events of each type are between the two. Without jq, each is printed in full.",
            _EVENTS.format(first=start.number + 1, last=end.number, log=log, kind=kind.name),
            [f"{types[name]} {name}" for name in sorted(types)],
        )


def as_lines(found: Iterator[Check]) -> list[str]:
    """The checks as one script, with comments that say what each shows, and what it must print."""
    lines: list[str] = []
    for check in found:
        lines += [*[""] * bool(lines), f"# {check.shows} It must print:", *(f"#   {line}" for line in check.prints)]
        lines += check.command.split("\n")
    return lines
