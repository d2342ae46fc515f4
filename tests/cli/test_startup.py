"""What a command loads: its own family and what it needs, and nothing that would make it slow to start."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from conftest import Cli

from cli.support import run_process

RUN = """
import sys
from evcli.cli.main import main
code = main(sys.argv[1:])
import json
sys.stderr.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""

NEVER = (
    "rich", "pydantic", "asyncio", "importlib.metadata", "email", "http", "sqlite3", "urllib.request", "ssl", "socket",
    "multiprocessing", "concurrent", "logging", "unittest", "pdb", "doctest", "pkg_resources", "click", "typer",
)  # fmt: skip
"""What no plain command loads: each costs more than all that evcli itself does."""

FAMILIES = {
    "bisect", "blame", "completion", "diff", "export", "head", "help", "log", "import_", "record", "report", "state",
    "sync", "trace", "undo", "verify", "what_if",
}  # fmt: skip
"""The modules that hold commands. One is loaded, or none."""

CORE = {
    "evcli", "evcli.disk", "evcli.errors",
    "evcli.domain", "evcli.domain.clashes", "evcli.domain.effect", "evcli.domain.event", "evcli.domain.fields",
    "evcli.domain.kind", "evcli.domain.overlay",
    "evcli.domain.table", "array", "evcli.domain.refusals", "evcli.domain.rules", "evcli.domain.state",
    "evcli.domain.text",
    "evcli.kinds", "evcli.kinds.data", "evcli.kinds.user",
    "evcli.log", "evcli.log.digest", "evcli.log.line", "evcli.log.lines", "evcli.log.members", "evcli.log.reader",
    "evcli.log.replay", "evcli.log.template",
    "evcli.log.file", "evcli.log.file.blocks", "evcli.log.file.end", "evcli.log.file.engine",
    "evcli.log.file.lock", "evcli.log.file.open", "evcli.log.file.recovery",
    "evcli.log.file.torn", "evcli.log.file.view", "evcli.log.file.writer",
    "evcli.cache", "evcli.cache.location",
    "evcli.register", "evcli.register.actor", "evcli.register.decide", "evcli.register.history", "evcli.register.past",
    "evcli.register.register",
    "evcli.cli", "evcli.cli.app", "evcli.cli.command", "evcli.cli.commands", "evcli.cli.main", "evcli.cli.line.plain",
    "evcli.cli.environment", "evcli.cli.session",
    "evcli.cli.show", "evcli.cli.show.answer", "evcli.cli.show.cells", "evcli.cli.show.output",
    "evcli.cli.show.progress", "evcli.cli.show.safe", "evcli.cli.show.times",
}  # fmt: skip
STDLIB = {
    "_sha256", "_sha2", "gc", "pwd", "shlex", "heapq", "_heapq", "errno", "fcntl", "signal",
    "typing", "typing.io", "typing.re", "_typing",
    "json", "json.decoder", "json.encoder", "json.scanner", "_json",
}  # fmt: skip
"""What comes beside orjson: hashes, the collector, the user's name, a shell's quotes, locks, signals, types; and JSON,
for this test."""

EVENTS, OPTIONS, WHO = "evcli.cli.show.render", "evcli.cli.options", "evcli.domain.find"
MOMENT = {"evcli.register.refs", "evcli.cli.show.moment"}
TIMES = {"evcli.register.times", "evcli.register.zone"}
AS_OF = {
    "evcli.cli.as_of", "evcli.cli.show.moment", "evcli.domain.timeline", "evcli.register.two_times.as_of",
    "evcli.register.two_times.late",
    "evcli.register.two_times.occurred", "evcli.register.refs", "evcli.register.setters",
}  # fmt: skip
WRITE = {"evcli.cli.write", "evcli.cli.done", "evcli.cli.words", "evcli.domain.undo", "evcli.register.command", OPTIONS}
USER = {"evcli.cli.commands.record", "evcli.cli.intentions", EVENTS, WHO} | WRITE
LIVES = {
    "evcli.register.two_times.lives", "evcli.register.setters", "evcli.domain.fitting", "evcli.domain.life",
    "evcli.domain.timeline", "bisect", "_bisect",
}  # fmt: skip
OCCURRED = {"evcli.cli.said.occurred", "evcli.register.two_times.occurred", *LIVES, *TIMES, *USER}
HISTORY = {"evcli.cli.commands.log", EVENTS, OPTIONS}
LOG = {"evcli.cli.chosen", "evcli.cli.show.history"} | HISTORY
WHOM = {"evcli.cli.whom", WHO}
FORMER = {"evcli.register.former"} | WHOM
DIFF = {"evcli.cli.commands.diff", EVENTS, OPTIONS, "evcli.register.diff", "evcli.register.setters"}
BLAME = {"evcli.cli.commands.blame", "evcli.cli.words", "evcli.register.setters", OPTIONS}
BISECT = {
    "evcli.cli.commands.bisect", "evcli.cli.words", "evcli.register.first_bad", "bisect", "_bisect", EVENTS, OPTIONS,
}  # fmt: skip
WHAT_IF = {
    "evcli.cli.commands.what_if", "evcli.cli.edits", "evcli.cli.events_named", "evcli.cli.intentions",
    "evcli.cli.line.typed", "evcli.cli.words",
    "evcli.cli.show.supposed", "evcli.cli.show.would", "evcli.what_if.numbering", "evcli.what_if.inserting",
    "evcli.what_if.supposed", "evcli.what_if.branched", "evcli.register.refs",
    "evcli.log.branch", "bisect", "_bisect", EVENTS, OPTIONS, WHO,
}  # fmt: skip
TRACE = {
    "evcli.cli.commands.trace", "evcli.cli.operations", "evcli.log.linked", "evcli.register.trace", "evcli.undo",
    OPTIONS,
}  # fmt: skip
STATE = {"evcli.cli.commands.state", EVENTS, OPTIONS}
EXPORT = {
    "evcli.cli.commands.export",
    "evcli.cli.show.exported",
    "evcli.cli.to_file",
    EVENTS,
    OPTIONS,
    "csv",
    "_csv",
    "io",
}
CHOSEN = {"evcli.cli.columns", "evcli.register.stamps", "difflib"}
WRITE_FILE = {"evcli.cli.to_file", "evcli.cli.done", "evcli.transfer", "evcli.transfer.new_file"}
REPORT = {
    "evcli.cli.commands.report", "evcli.cli.report", "evcli.cli.report.checks", "evcli.cli.report.facts",
    "evcli.cli.report.tables", EVENTS, OPTIONS, "evcli.register.period", "evcli.register.zone",
}  # fmt: skip
CSV = {"csv", "_csv", "io", "evcli.transfer", "evcli.transfer.csv_guard"}
SOUND = {"evcli.cli.commands.verify", EVENTS, OPTIONS}
HEAD = {"evcli.cli.commands.head", OPTIONS}
HEADS = {"evcli.log.file.heads", "evcli.register.heads"}
AUDIT = {"evcli.register.verify", "evcli.register.faults", "evcli.cli.said.kept", "bisect", "_bisect"} | HEADS

READING = {
    "evcli.cli.said.bad_rows", "evcli.cli.reading", "evcli.transfer", "evcli.transfer.csv_guard",
    "evcli.transfer.csv_rows",
    "evcli.transfer.decoded", "evcli.transfer.dialect", "evcli.transfer.fault", "evcli.transfer.form",
    "evcli.transfer.found", "evcli.transfer.headings", "evcli.transfer.lines", "evcli.transfer.naming",
    "evcli.transfer.places", "evcli.transfer.reading", "evcli.transfer.refusals", "evcli.transfer.rows",
    "evcli.transfer.source", "evcli.transfer.tabular", "evcli.transfer.unpacked", "csv", "_csv", "io",
}  # fmt: skip
"""What reads a list."""

IMPORT = {
    *WRITE, *READING, "evcli.cli.commands.import_", "evcli.cli.said.imported", "evcli.cli.said.way_back", EVENTS, WHO,
    "evcli.transfer.before", "evcli.transfer.happened", "evcli.transfer.identity", "evcli.transfer.pending",
    "evcli.transfer.run", "evcli.transfer.skipping", "evcli.transfer.undone", "evcli.transfer.wanted",
    "evcli.domain.columns", "evcli.log.alike", "evcli.register.beginnings",
    "evcli.log.correlated", "evcli.register.series", "array", "bisect", "_bisect", "hashlib", "_hashlib", "_blake2",
}  # fmt: skip

SYNC = {
    *WRITE, *READING, "evcli.cli.commands.sync", "evcli.cli.limit", "evcli.cli.said.planned", "evcli.cli.said.synced",
    "evcli.cli.said.way_back", EVENTS, WHO,
    "evcli.sync", "evcli.sync.finding", "evcli.sync.limit", "evcli.sync.lists", "evcli.sync.means", "evcli.sync.order",
    "evcli.sync.plan", "evcli.sync.reading", "evcli.sync.run", "evcli.transfer.happened", "evcli.register.divided",
    "evcli.domain.columns", "evcli.log.alike", "evcli.register.beginnings",
    "evcli.log.correlated", "evcli.register.series", "array", "bisect", "_bisect", "hashlib", "_hashlib", "_blake2",
}  # fmt: skip
UNDO = {
    *WRITE, "evcli.cli.commands.undo", "evcli.cli.events_named", "evcli.cli.operations", "evcli.cli.planned_events",
    "evcli.cli.said.undone", EVENTS,
    "evcli.domain.leading", "evcli.domain.timeline", "evcli.domain.way", "evcli.log.answers", "evcli.log.correlated",
    "evcli.undo.batches", "evcli.undo.courses",
    "evcli.register.divided", "evcli.undo.import_parts", "evcli.undo.operations", "evcli.undo.restoring",
    "evcli.register.series", "evcli.undo.taking_back", "evcli.undo.plans",
}  # fmt: skip
LISTS = {
    "evcli.sync", "evcli.sync.lists", "evcli.log.correlated", "evcli.transfer", "evcli.transfer.source",
    "hashlib", "_hashlib", "_blake2",
}  # fmt: skip

PARSER, MISREAD = "evcli.cli.line.parser", "evcli.cli.line.misread"
HINTS = {"evcli.cli.hints"}
BAD_INPUT = {"evcli.transfer", "evcli.transfer.refusals"} | HINTS
"""What to do next, added to an error."""

LOADED: dict[str, set[str]] = {
    "user create Kurt --email kurt@example.com": USER,
    "user destroy 2": USER,
    "user restore 3": USER,
    "user create Kurt --email kurt@example.com --dry-run --id x --expect 8": USER | {"evcli.register.repeated"},
    "user create Kurt --email kurt@example.com --occurred 2026-02-01": OCCURRED,
    "user list": USER,
    "user list --at yesterday": USER | MOMENT | TIMES,
    "user list --as-of yesterday": USER | AS_OF | TIMES,
    "user list --wide": USER | CHOSEN,
    "user show 2 --json": USER | WHOM,
    "user show grace@navy.example": USER | FORMER,
    "log -n 5": LOG,
    "log --user grace@navy.example": LOG | FORMER,
    "log -5 -p": LOG | {"evcli.register.changes"},
    "log --since yesterday --user 2 --type user.* --format jsonl": LOG | WHOM | MOMENT | TIMES | {"fnmatch"},
    "show": HISTORY | MOMENT,
    "diff": DIFF,
    "diff 0 --user 2 --format json-patch": DIFF | WHOM | {"evcli.cli.patched", "evcli.register.refs"},
    "blame 2": BLAME | WHOM,
    "blame grace@navy.example --at yesterday --kind user": BLAME | FORMER | MOMENT | TIMES,
    "bisect --user 3 --is destroyed": BISECT | WHOM,
    "bisect --count-over 2 --first --json": BISECT,
    "trace": TRACE,
    "trace 5 --at 7 --json": TRACE | {"evcli.register.refs"},
    "state --json": STATE,
    "state --at 3 --format jsonl": STATE | {"evcli.register.refs"},
    "state --format csv": STATE | CSV,
    "state --format markdown": STATE | {"evcli.cli.show.markdown"},
    "export": EXPORT | CSV,
    "export --columns name,created_by --with-head": EXPORT | CSV | CHOSEN | {"evcli.cli.origin"},
    "export --what events --at yesterday": EXPORT | MOMENT | TIMES,
    "export --force exported": EXPORT | CSV | WRITE_FILE,
    "what-if --drop 2": WHAT_IF,
    "report": REPORT,
    "report --from 2026-03 --format markdown": REPORT | MOMENT | TIMES | {"evcli.cli.show.markdown"},
    "report --html page.html": REPORT
    | WRITE_FILE
    | {
        "evcli.cli.report.page",
        "evcli.cli.report.style",
        "html",
        "html.entities",
    },
    "verify": SOUND | AUDIT,
    "head": HEAD,
    "head --keep Q1": HEAD | HEADS | {"evcli.cli.done"} | TIMES,
    "status --json": SOUND | {"evcli.register.status"},
    "path": SOUND,
    "import people.csv": IMPORT,
    "import people.csv --dry-run --skip-existing --json": IMPORT | LIVES | {"evcli.cli.show.rehearsed"},
    "import dated.csv": IMPORT | LIVES | TIMES | {"evcli.transfer.dates"},
    "sync people.csv": SYNC,
    "sync people.csv --dry-run --by name --max-destroy 100% --expect 8 --format csv": SYNC,
    "undo": UNDO,
    "undo --dry-run --json": UNDO,
    "revert 8": UNDO | {"evcli.register.refs"},
    "restore-to yesterday": UNDO | MOMENT | TIMES | {"evcli.cli.said.restored", "evcli.sync", "evcli.sync.limit"},
    "log --list people.csv": LOG | LISTS,
    "help refs": {"evcli.cli.commands.help", "evcli.cli.evidence"},
    "completion bash": {"evcli.cli.commands.completion"},
    "user show 99": USER | FORMER | HINTS,
}
"""What each plain command may load beyond orjson, CORE and STDLIB."""

PARSED: dict[str, set[str]] = {
    "--version": {PARSER},
    "user create": USER | BAD_INPUT | {PARSER, MISREAD},
    "nope": BAD_INPUT | {PARSER, MISREAD, "evcli.cli.line.meant", "evcli.cli.words", OPTIONS},
}
"""The same, beyond typer too, of lines that are not plain, and of commands that need typer."""


@cache
def baseline(names: str) -> frozenset[str]:
    """What these modules load by themselves."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {names}, sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return frozenset(done.stdout.split())


def allowed(line: str) -> set[str]:
    """What this command may load; a module comes with its package."""
    by_itself = baseline("typer, orjson, json" if line in PARSED else "orjson, json")
    own = CORE | (LOADED | PARSED)[line]
    return own | STDLIB | by_itself | {name.rpartition(".")[0] for name in own if name.startswith("evcli.")}


def loaded(line: str, code: int | None = 0) -> set[str]:
    """The modules that a fresh process has loaded after this command."""
    ran = run_process(*line.split(), command=(sys.executable, "-c", RUN))
    found, modules = json.loads(ran.err.decode().splitlines()[-1])
    assert code is None or found == code, f"evcli {line} exits {found}: {ran.err.decode()}"
    return set(modules)


@pytest.mark.parametrize("line", LOADED | PARSED)
def test_command_loads_nothing_that_is_not_on_its_list(
    story: Cli, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("name,email\nKurt,kurt@example.com\n")
    Path("dated.csv").write_text("name,email,date\nKurt,kurt@example.com,2020-01-01\n")
    wrong = {"nope": 2, "user show 99": 1, "user create": 2}
    modules = loaded(line, wrong.get(line, 0))
    surplus = sorted(name for name in modules - allowed(line) if not (line in PARSED and name.startswith("typer.")))
    assert not surplus, f"evcli {line} loads {', '.join(surplus)}"


@pytest.mark.parametrize("line", LOADED)
def test_list_of_a_command_allows_one_family_and_nothing_slow(line: str) -> None:
    prefix = "evcli.cli.commands."
    families = {name.removeprefix(prefix) for name in allowed(line) if name.startswith(prefix)} & FAMILIES
    assert len(families) <= 1, f"{line} is allowed several families: {families}"
    assert not slow(allowed(line))


def slow(modules: set[str]) -> list[str]:
    """Those of the modules that no plain command loads."""
    return sorted({never for name in modules for never in NEVER if f"{name}.".startswith(f"{never}.")})


RICH = {
    "user list --format table": ["rich"],
    "log --format table": ["rich"],
    "log --format plain": [],
    "log --format markdown": [],
    "user destroy 2 --format table": [],
    "help refs --format table": [],
    "head": [],
    "user create -h": ["typer"],
    "log -h": ["typer"],
    "help": ["typer"],
}


@pytest.mark.parametrize("line", RICH)
def test_only_a_table_loads_rich(story: Cli, line: str) -> None:
    assert slow(loaded(line)) == RICH[line]


@pytest.mark.parametrize(
    ("shell", "given", "offered"),
    [
        ("fish", ("user", "show", ""), b"1\t"),
        ("fish", ("log", "--user", "ada"), b"ada@example.com\t"),
        ("bash", ("evcli user show 'Ada L", " \t\n\"'@="), b"Ada Lovelace\n"),
        ("bash", ("evcli show ", " \t\n\"'@="), b"8\n"),
    ],
)
def test_completion_process_loads_no_typer_and_nothing_slow(
    story: Cli, shell: str, given: tuple[str, ...], offered: bytes
) -> None:
    script = f"""
import sys
from evcli.cli.line.completing import complete
complete({shell!r}, {list(given)!r})
import json
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""
    ran = run_process(command=(sys.executable, "-c", script))
    assert ran.out.startswith(offered)
    assert not slow(set(json.loads(ran.err.decode().splitlines()[-1])))
