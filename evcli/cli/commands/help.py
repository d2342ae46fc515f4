"""`evcli help TOPIC`: topics that concern several commands."""

from collections.abc import Iterator, Sequence

from evcli.cli.command import Command, Group, Parameter
from evcli.cli.evidence import EVIDENCE
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.errors import BadInput
from evcli.kinds import all_kinds

REFS = """\
A REF names a moment in the log.

  42                    the state after event 42; all digits are always an event number
  0                     the empty register, before the first event
  @                     now
  @-  @--  @-5          one, two, five events before now; also HEAD~5
  -5                    the same as @-5, as the value of an option
  id:1b4e28ba           the event whose id starts with that
  2026-11-22            a day: its end, for --since its beginning
  2026-11-22 17:03      a time: what was known then; also 17:03:11, and with a zone 17:03:11+01:00 or Z
  2024-02, 2024-Q1      a month, a quarter: its end, for --since its beginning
  10m ago, 3 days ago   s, m (minutes), h, d, w, months, years
  today, yesterday      the calendar day; yesterday 17:00
  Q1 review             the name of a kept head (evcli head --keep), in any case; refused if the log is not what it was

A time without a zone is local. It means the state after the last event recorded at or before it; a time with seconds
includes its whole second, so a time copied from evcli's own output means the event it was printed for. Of a time that
the clock showed twice, the later one is meant; one that it never showed is refused. Where the last event was recorded
ahead of this clock, now and today mean that event.
There are two times: when something happened, and when it was recorded. They differ after an import with dates, and
wherever something was recorded later. A REF counts when events were recorded: --at 2020-12-31 is what this log knew
then. --as-of TIME counts when they happened: --as-of 2020-12-31 is what was true then, as it is known now, or with
--at REF as it was known at that moment. TIME is one of the times above; evcli log and evcli diff also take A..B.

Unless REF is a number, what was found is printed on stderr:
as of 2026-11-22 (end of day, +01:00): event 42, of 2026-11-22 17:03:11+01:00
log --since 42 begins with event 43, log --until 42 ends with event 42."""

FORMATS = """\
--format FORM, on every command:

  table   for people; the default on a terminal
  plain   one record per line, tab-separated, never truncated; the default in a pipe
  markdown  a table of GitHub Flavored Markdown; what people typed is escaped
  json    one document; --json is short for it; errors, warnings and notes are then JSON objects on stderr
  jsonl   one document per line; for evcli log, the log's own lines, byte for byte
  csv     with a header, quoted as in RFC 4180; text that a spreadsheet would read as a formula is prefixed with one ':
          text that starts with = + - @ TAB CR LF or NUL, even after some '; remove that one ' to get the text back

JSON documents (members may be added, none removed; created, changed and destroyed are event numbers):

  KIND list   [{"id":7,"name":"Ada","email":"ada@example.com","created":42,"changed":57,"destroyed":null}]
              with --wide also created_at, created_by, created_reason, and so on; with --columns, these columns
  KIND show   one record, and "events": its events up to that moment
  state       {"number":42,"sha256":"…","time":"…","live":2,"destroyed":1,"users":[…]}; with --as-of also
              "as_of":"…", a time in UTC; number is then the event up to which all is known
  log         [events, exactly as in the log]; with -p [documents as in show]
  show        {"event":{…},"before":RECORD or null,"after":RECORD}
  diff        {"from":41,"to":42,"changes":[{"kind":"user","id":7,"before":RECORD or null,"after":RECORD or null,
              "events":[…],"fields":[{"field":"name","before":"Ada","after":"Ada King","event":42}]}]}; the events
              about the record in between, and which of them last changed each field that differs; with --as-of also
              "as_of":{"from":"…","to":"…"}, and the events are those that count at one side only
              with --format json-patch
              [{"op":"test","path":"/sha256","value":"…"},{"op":"replace","path":"/users/6/email","value":"…"}]:
              operations of RFC 6902 that make the document of evcli state --at FROM that of --at TO; an array counts
              from 0, so that record 7 is at 6; [] if nothing changed
  blame       {"kind":"user","id":7,"number":42,"fields":[{"field":"name","value":"Ada King","event":42,"time":"…",
              "recorded":"…","type":"…","actor":"ann","reason":null}]}; number: as of this event; with --as-of
              also "as_of":"…"
  bisect      {"event":{…},"before":RECORD or null,"after":RECORD,"good":41,"bad":42,"skipped":[],"looks":9}: the first
              bad event as in show, the last good one and the number of looks; where the states between were skipped,
              event, before and after are null, and skipped has their numbers
  what-if     {"number":41,"refused":[{"event":{…},"code":"…","message":"…"}],"differences":[{"kind":"user","id":7,
              "now":RECORD or null,"would_be":RECORD or null}]}; number: of the last event that would be; refused: later
              events that the rules would refuse; would_be has the event numbers of that history; with a command, the
              document is that command's own
  trace       {"event":{…},"operation":{"correlation":"list:people.csv:9c1e…","command":"sync","list":"people.csv",
              "events":50,"first":101,"last":150} or null,"causes":[{"id":"…","event":{…} or null,"operation":…}],
              "effects":[{"event":{…},"operation":…,"effects":[…]}]}; causes: what it answers, what that answers, and so
              on; event is null if that id is not in the log before; command is null for any other command on several
              records; the operations of causes and effects have no counts; deeper: below 100 levels, how many more
  report      {"kind":"user","from":{"ref":"2026-Q1","time":"…","number":12,"sha256":"…","recorded":"…"},"to":{…},
              "counts":{"beginning":12,"came":2,"came_back":1,"left":2,"end":13,"changed":4,"untouched":8},
              "users":[{"id":7,"at_beginning":RECORD or null,"at_end":RECORD or null,"changes":[{"change":"came",
              "number":13,"type":"user.created","time":"…","recorded":"…","actor":"ann","reason":null,"data":{…},
              "before":RECORD or null,"after":RECORD}]}],"log":{"name":"…","sha256":"…"},"zone":"…","made":"…",
              "evcli":"…","complete":true,"command":"…","again":"…",
              "checks":[{"shows":"…","command":"…","prints":["…"]}]}
              change is came, came back, left or changed; beginning + came + came_back - left is end; log.sha256 is
              that of the first event; complete is false if the period was not over
  export      [records as in KIND list], or with --what events [events exactly as in the log], a CloudEvents batch;
              with --with-head {"as_of":{"moment":"…","asked":"now","number":42,"head":"42:…","log":"…","source":"…",
              "file":"…","zone":"…","exported":"…"},"users":[…]}, or in jsonl {"as_of":{…}} first; with --as-of it
              has an "as_of" itself
  writing     {"events":[…],"users":[…],"before":[…],"recorded":true,"began":false}; before: each user before its event,
              or null; recorded is false for --dry-run and for a repeated --id; began is true if a new log was begun
  verify      {"status":"good","events":42,"head":"42:…","torn_bytes":0,"unterminated":false,"faults":[{"line":4,
              "byte":1046,"message":"…"}]}; status is good, torn, damaged or newer; unterminated: no newline at the end;
              where there are kept heads, also "heads":[{"name":"Q1 review","number":42,"sha256":"…","time":"…",
              "file":"…","status":"good"}], else cut, edited, other-log or unchecked; a fault that a file of heads
              shows has its "file"
  repair      {"repaired":true,"head":"41:…","recovered":7,"fault":{…},"gone_bytes":310,"gone":[{"line":42,…}],
              "copy":"…"}
  import      {"events":98,"first":1,"last":98,"rows":100,"skipped":2,"already":0,"recorded":true,"began":false,
              "changed":97,"undone":[{"row":1,"line":2,"event":3,"kind":"user","id":7,"now":"destroyed","by":5}],
              "differing":[{"row":…,"line":…,"kind":"user","id":7,"name":{"is":"Ada","says":"Ada King"}}],
              "repeated":[{"row":…,"line":…,"kind":"user","id":7,"same_as":{"row":1,"line":2}}]}; skipped: rows whose
              record is there, also those of earlier runs; already: rows that an earlier run recorded; changed: records
              that this run changed; undone: recorded rows that do not stand; with --dry-run also
              "changes":[{"row":1,"line":2,"event":3,"kind":"user","id":7,"before":RECORD or null,"after":RECORD}]
  sync        {"list":"people.csv","sha256":"…","correlation":"list:people.csv:9c1e…","head":"105:…","rows":50,
              "unchanged":45,"kept":0,"events":5,"first":101,"last":105,"counts":{"create":2,…},"recorded":true,
              "began":false,"plan":[{"action":"rename","type":"user.renamed","line":7,"id":2,"data":{…},
              "before":RECORD or null,"after":RECORD}]}; the head of a dry run is one for --expect
  undo        {"events":[…],"users":[…],"before":[…],"recorded":true,"began":false,"head":"105:…",
  redo        "correlation":"undo:…","undone":[17,16],"along":[],"already":[],"still":[]}; undone: the events that are
  revert      taken back, each by the event at the same place; along: those among them that depend on others and were
              taken along; already: those that were taken back before; still: late ones that --as-of still counts; with
              --dry-run no events, and "plan":[{"action":"rename","type":"user.renamed","kind":"user","id":2,
              "answers":17,"data":{…},"time":null,"before":RECORD or null,"after":RECORD}]; answers: the event that this
              one takes back; time: when it happens, if not now
  restore-to  the same, but "to":42 in place of undone, along and already
  what-if --apply  the same, but "refused" and "differences", as in what-if, in place of undone, along and already
  head, path  {"number":42,"sha256":"…"}; {"path":"…"}; with --keep also "name", "time", "log" (the hash of event 1),
              "files":["…"], "recorded": false if that head was already kept under that name
  errors      {"error":{"code":"…","exit":13,"message":"…","hint":"…"}}; about a row of an import also row, line, field;
              about what does not fit where it happened (not-then, breaks-later, does-not-last) also event, which stands
              against it

In table and plain, control, direction and other invisible characters are shown as \\u{1b}. Bytes are counted from 0,
lines and events from 1."""

EXIT_CODES = """\
  0         success, even if the answer is empty
  1         refused by a rule: no such record, e-mail taken, already destroyed; or bisect found no first bad event
  2         wrong usage or bad input
  10        there is no log here
  11        busy: the lock was not free in time (--lock-wait)
  12        the log is damaged, or verify found a fault
  13        conflict: the head is not what --expect says, or the event id is taken
  14        nothing was written: disk full, no permission; or the log cannot be opened
  15        outcome unknown: a sync failed, or what was written could not be taken back; check before repeating
  16        the answer could not be shown (stdout closed or full); what a writing command did is stored
  17        the log is newer than this evcli: it has an event that this version does not support; nothing was changed
  129, 130, 143   interrupted by HUP, INT, TERM before anything was written
  255       a bug: EVCLI_DEBUG=1 shows the traceback

An import writes batch by batch: whatever the exit code, it says up to which line the rows are recorded. A sync that
does not fit into one batch says which events are recorded; so do undo, redo, revert, restore-to
and what-if --apply.

With --json, an error also has a code, for programs:

  1    {refusals}
  2    bad-input, bad-text, bad-ref, unknown-zone, check-failed
  12   damaged, not-a-log, log-cut, history-changed, other-log
  14   not-written, cannot-open
  10   no-log; 11 busy; 13 conflict; 15 outcome-unknown; 16 answer-lost; 17 newer; 129, 130, 143 interrupted
  255  bug; does-not-add-up, of a report"""


def _refusals() -> str:
    """The codes of exit 1, each with what it means; some have words of the kinds."""
    found = {}
    for kind in all_kinds():
        found[f"no-such-{kind.name}"] = f"WHO is no {kind.name}"
        found[f"ambiguous-{kind.name}"] = f"WHO could be any of several {kind.plural}"
        if kind.unique:
            found[f"{kind.unique}-taken"] = f"another live record has the {kind.fields[kind.unique].label}"
        found[kind.ended], found[f"not-{kind.ended}"] = f"it is already {kind.ended}", f"it is not {kind.ended}"
    found["unchanged"] = "the event would change nothing"
    found["not-the-next-id"] = "an id is not the next one"
    found["too-many-ended"] = "a list, or restore-to, would end more records than --max-destroy allows"
    found["wrong-end"] = "bisect: the state at --from is not good, or the one at --to not bad"
    found["never-bad"] = "bisect --first: no state is bad"
    found["only-skipped"] = "bisect: only states that were skipped are left"
    found["nothing-left"] = "there is nothing to undo, or to redo"
    found["something-since"] = "another command was recorded since the undo that would be redone"
    found["has-dependents"] = "later events depend on those that would be taken back"
    found["cannot-be-undone"] = "nothing that the kind declares takes the event back"
    found["already-taken-back"] = "another event took it back already"
    found["no-way"], found["in-the-way"] = "no events lead there", "records are in each other's way"
    found["not-then"] = "--occurred: it could not happen then"
    found["breaks-later"] = "--occurred: what happened later could then not have happened"
    found["does-not-last"] = "--occurred: the unique field was changed again later"
    found["nothing-to-repair"] = "the log is not damaged"
    found["refused"] = "another rule of a kind"
    return "\n       ".join(f"{code:{max(map(len, found))}}  {why}" for code, why in found.items())


ENVIRONMENT = """\
  EVCLI_LOG                 the log, when --log does not name one; default events.jsonl in your data folder (evcli
                            path prints it). ~/ is the home folder. Only the default's folders are made if missing
  EVCLI_ACTOR               the actor; default: who runs evcli; as root, who called sudo (SUDO_USER)
  EVCLI_ACTOR_TYPE          its type: app_user, user (the default), service_account, api_key, system,
                            unauthenticated or unknown
  EVCLI_SOURCE              the source of a new log, a URI reference; default evcli; an existing log keeps its own
  EVCLI_CACHE=off           (or 0, no, false) fold the log in memory, without the cache that a long log has
                            (LOG.cache next to it)
  EVCLI_BISECT_EVENT        set by evcli bisect for its command, with EVCLI_LOG: the event that the state is after
  EVCLI_PAGER, PAGER        the pager, on a terminal and for more than a screen; default less with LESS=FRX
  NO_COLOR, FORCE_COLOR     never or always colour; FORCE_COLOR=0 is never; --color takes precedence
  COLUMNS                   the maximum width of a table
  TZ                        the local time zone
  EVCLI_DEBUG=1             show the traceback of a bug"""

TOPICS = {
    "refs": REFS,
    "formats": FORMATS,
    "exit-codes": EXIT_CODES.format(refusals=_refusals()),
    "environment": ENVIRONMENT,
    "evidence": EVIDENCE,
}


def help(session: Session, topic: tuple[str, ...]) -> Answer:
    """`evcli help`; `topic` has the words of a topic or a command."""
    name = " ".join(topic)
    text = TOPICS.get(name)
    if text is None:
        from evcli.cli.line.parser import help_of

        text = help_of(topic)
    if text is None:
        raise BadInput(
            f'there is no topic or command "{name}"', f"topics are {', '.join(TOPICS)}; evcli -h lists the commands"
        )
    document = {"topic": name, "text": text}
    return Answer(header=("topic", "text"), rows=[(name, text)], document=document, lines=text.split("\n"))


def _following(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The topics, and the commands; after words that name a group, its commands."""
    from evcli.cli.app import root

    found: Command | Group = root()
    for word in words:
        if not isinstance(found, Group) or word not in found.commands:
            return
        found = found.commands[word]()
    if isinstance(found, Group):
        yield from ((topic, "") for topic in TOPICS if not words)
        yield from ((name, build().help.partition("\n")[0]) for name, build in found.commands.items())


COMMANDS = {
    "help": lambda: Command(
        help,
        "Explain a topic, or a command.",
        [Parameter("topic", (), "TOPIC", f"{', '.join(TOPICS)}; or a command.", is_many=True, following=_following)],
        ["evcli help refs", "evcli help exit-codes", "evcli help user create"],
    )
}
