"""The benchmark runs in tiny sizes. Its figures then mean nothing, and no time can fail a test."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import evcli

pytest.importorskip("eventsourcing")
pytest.importorskip("auditchain")
HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
CURVES = {
    "user create": {10: 0.05, 10_000: 0.06, 1_000_000: 0.062},
    "log <20>": {1_000_000: 0.0615, 10: 0.05, 10_000: 0.055},
    "imports": {10: 0.084, 10_000: 0.084, 1_000_000: 0.084},
}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Gives a module of the benchmark, which is a folder of scripts."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | environment
    command = [sys.executable, str(HERE / "run.py"), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environ)


def quick(*words: str) -> str:
    ran = run("--quick", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def outside(text: str) -> str:
    """A file's text without what is between the markers."""
    return re.sub(
        r"(<!-- run\.py --write writes (.*) from here -->).*?(<!-- to here: \2 -->)", r"\1\3", text, flags=re.S
    )


def test_every_group_writes_its_figures_to_the_table_and_the_readme(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    shutil.copy(HERE / "README.md", readme)
    _, table = quick("--folder", str(tmp_path), "--write", str(readme)).split("\n\n")
    header, rule, *rows = table.splitlines()
    assert re.split(r" {2,}", header) == ["what", "against", "target", "measured", "medians"]
    assert not rule.strip("─ ")
    assert len(rows) == 38
    for row in rows:
        assert re.search(r"  ([≤≥] [\d.]+( MB| µs)?|—)  +(-?\d+\.\d+( MB| µs)?( MISSED)?)  +\S", row), row

    written = readme.read_text(encoding="utf-8")
    ours = (HERE / "README.md").read_text(encoding="utf-8")
    assert outside(written) == outside(ours) != ours
    # After a change of them, run.py --write writes README.md again.
    assert _lines(readme) == _lines(HERE / "README.md")
    assert sum(line.startswith("| ") and line.count(" | ") == 4 for line in written.splitlines()) == len(rows) + 2
    assert written.count("- processor: ") == 2
    assert written.count(", auditchain 0.3.") == 2
    assert written.count("python tests/bench/run.py --quick") == 2
    assert "| median of | 10 events | 1,000 events | 3,000 events |" in written
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "growth.svg"}
    plot = ElementTree.parse(tmp_path / "growth.svg")
    assert sum(element.tag == f"{SVG}circle" for element in plot.iter()) == 4 * 3


def test_one_group_runs_alone(tmp_path: Path) -> None:
    # This group also compares evcli's state with a peer's, and fails when they differ.
    rows = quick("--folder", str(tmp_path), "--only", "replay").split("\n\n")[1].splitlines()[2:]
    assert len(rows) == 2
    assert all(row.startswith("replay of 3,000 events") for row in rows)


@pytest.mark.parametrize("words", [["--quick"], ["--only", "start"], ["--events", "2000"]])
def test_anything_but_the_whole_table_is_refused_for_the_readme(words: list[str]) -> None:
    # Without byte code, what is not refused for this ends for that.
    assert run(*words, "--write", PYTHONDONTWRITEBYTECODE="1").returncode == 2


def test_commands_are_not_timed_without_byte_code(tmp_path: Path) -> None:
    # These are also the options that README.md allows beside the whole table; they get past them.
    ran = run("--only", "growth", "--events", "10000000", "--write", PYTHONDONTWRITEBYTECODE="1")
    assert ran.returncode == 1
    assert "PYTHONDONTWRITEBYTECODE is set" in ran.stderr
    ran = run("--quick", "--only", "bytes", PYTHONPYCACHEPREFIX=str(tmp_path))
    assert ran.returncode == 1
    assert re.search(r"no up-to-date byte code of evcli \(\d+ modules\), typer \(\d+ modules\)", ran.stderr)
    assert f"-m compileall -q {Path(evcli.__file__).parent} " in ran.stderr


@pytest.mark.parametrize("mode", ["TIMESTAMP", "CHECKED_HASH"])
def test_byte_code_of_another_source_or_python_is_no_byte_code(
    bench: Callable[[str], Any], tmp_path: Path, mode: str
) -> None:
    import py_compile

    uncompiled = bench("bytecode").uncompiled
    source, other = tmp_path / "changed.py", tmp_path / "folder" / "same.py"
    other.parent.mkdir()
    for path in (source, other):
        path.write_text("a = 1\n")
    assert uncompiled(tmp_path) == [source, other]
    compiled = []
    for path in (source, other):
        compiled += [Path(str(py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode[mode])))]
    assert uncompiled(tmp_path) == []
    times = source.stat().st_atime_ns, source.stat().st_mtime_ns
    source.write_text("a = 22\n")
    os.utime(source, ns=times)
    assert uncompiled(tmp_path) == [source]
    source.write_text("a = 1\n")
    os.utime(source, ns=(times[0], times[1] + 10**10))
    assert uncompiled(tmp_path) == ([source] if mode == "TIMESTAMP" else [])
    compiled[1].write_bytes(b"\0\0\r\n" + compiled[1].read_bytes()[4:])
    assert other in uncompiled(tmp_path)


def test_what_is_outside_the_markers_stays(bench: Callable[[str], Any], tmp_path: Path) -> None:
    write, figure = bench("written").write, bench("measuring").Figure("verify", "", None, 1.0, "")
    readme = tmp_path / "README.md"
    shutil.copy(HERE / "README.md", readme)
    before = readme.read_text(encoding="utf-8")

    words = ["--only", "growth", "--events", "10000000"]
    curves = dict(zip(bench("growth").PLOTTED, CURVES.values(), strict=False))
    write(readme, words, [("disk", "none")], [figure], curves, is_growth_alone=True)
    growth = readme.read_text(encoding="utf-8")
    start = "<!-- run.py --write writes growth"
    assert growth[: growth.index(start)] == before[: before.index(start)]
    assert "`python tests/bench/run.py --only growth --events 10000000` on this machine:\n\n- disk: none\n" in growth
    assert "| user create | 50.0 ms | 60.0 ms | 62.0 ms |" in growth

    write(readme, [], [("disk", "another")], [figure], {}, is_growth_alone=False)
    both = readme.read_text(encoding="utf-8")
    assert both[both.index(start) :] == growth[growth.index(start) :]
    assert "- disk: another\n\n| what | against |" in both
    assert "| verify |  | — | 1.000 |  |" in both
    assert outside(both) == outside(growth) == outside(before)

    readme.write_text(before.replace("to here: growth", "gone"), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"README\.md has no place for growth"):
        write(readme, words, [], [figure], curves, is_growth_alone=True)


def test_plot_has_each_time_at_its_place_and_each_name_apart(bench: Callable[[str], Any]) -> None:
    plot = bench("plot")
    root = ElementTree.fromstring(plot.svg(CURVES, "imports"))
    lines = {str(line.get("class")): line.get("points") for line in reversed(list(root.iter(f"{SVG}polyline")))}
    # From 10 to 1,000,000 events there are five powers of ten, of which two are in the middle; the top is at 100 ms.
    assert (plot.LEFT, plot.RIGHT, plot.TOP, plot.BOTTOM) == (64, 560, 64, 360)
    places = {
        "line c0": "64.0,212.0 361.6,182.4 560.0,176.5",
        "line c1": "64.0,212.0 361.6,197.2 560.0,178.0",
        "line bare": "64.0,111.4 361.6,111.4 560.0,111.4",
    }
    assert {colour: lines[colour] for colour in places} == places
    assert len(list(root.iter(f"{SVG}circle"))) == 6

    texts = {"".join(text.itertext()): text for text in root.iter(f"{SVG}text")}
    assert {"10", "10,000", "1,000,000", "0 ms", "20 ms", "40 ms", "60 ms", "80 ms", "100 ms"} <= set(texts)
    labels = [float(str(texts[words].get("y"))) for words in ("84 ms imports", "62 ms user create", "62 ms log <20>")]
    assert labels == pytest.approx([111.4 + 4, 177.25 + 4 - 9, 177.25 + 4 + 9], abs=0.1)


def test_plot_has_colours_for_a_dark_background(bench: Callable[[str], Any]) -> None:
    style = bench("plot").svg(CURVES, "imports").partition("<style>")[2].partition("</style>")[0]
    light, dark, darker = style.partition("@media (prefers-color-scheme: dark)")
    assert dark
    coloured = {*re.findall(r"\.\w+", light)} - {".title", ".grid", ".line", ".dot", ".bare", ".ground", ".faint"}
    assert coloured == {".c0", ".c1", ".c2", ".c3"}
    assert {*re.findall(r"\.\w+", darker)} == coloured | {".grid", ".dot", ".bare", ".ground", ".faint"}


@pytest.mark.parametrize(
    ("wanted", "apart"),
    [
        ([10, 50], [10, 50]),
        ([50, 50], [41, 59]),
        ([10, 50, 50, 60], [10, 35.3, 53.3, 71.3]),
        ([30, 50, 50], [25.3, 43.3, 61.3]),  # the two in the middle push the first one up
        ([50, 67, 85], [49.3, 67.3, 85.3]),
    ],
)
def test_labels_stay_apart_and_near_their_curves(
    bench: Callable[[str], Any], wanted: list[float], apart: list[float]
) -> None:
    assert bench("plot")._apart(wanted) == apart


def test_figure_says_whether_it_misses_its_target(bench: Callable[[str], Any]) -> None:
    measuring = bench("measuring")
    shorter = measuring.times_as_long("a", "b", measuring.at_most(0.5), 0.01, 2.0)
    assert shorter.cells == ("a", "b", "≤ 0.5", "0.0050", "10.0 ms : 2.00 s")
    rates = measuring.times_the_rate("a", {"b": 0.5, "c": 2, "d": None}, 1000, [2000, 400, 50])
    assert [rate.cells[1:] for rate in rates] == [
        ("b", "≥ 0.5", "0.500", "1,000/s : 2,000/s"),
        ("c", "≥ 2", "2.500", "1,000/s : 400/s"),
        ("d", "—", "20.0", "1,000/s : 50/s"),
    ]
    bounds = {measuring.at_most(9, " MB"): "9.5 MB MISSED", measuring.at_least(10): "9.500 MISSED"}
    for bound, measured in bounds.items():
        assert measuring.Figure("", "", bound, 9.5, "").cells[3] == measured


def test_actions_are_timed_in_turns_and_give_their_medians(bench: Callable[[str], Any]) -> None:
    now, done = 0.0, []

    def action(name: str, *durations: float) -> Callable[[], None]:
        each = iter(durations)

        def act() -> None:
            nonlocal now
            now += next(each)
            done.append(name)

        return act

    times = bench("measuring").in_turns(3, action("a", 1, 9, 2), action("b", 5, 3, 4), clock=lambda: now)
    assert times == [2, 4]
    assert done == ["a", "b"] * 3


def test_own_time_of_an_append_has_neither_write_nor_sync(
    bench: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends, ground = bench("appends"), bench("ground")

    def in_turns(rounds: int, *actions: Callable[[], None], clock: Callable[[], float]) -> list[float]:
        assert clock is time.process_time
        for sync in ("fsync", "fdatasync"):
            getattr(os, sync)(-1)
        for action in actions:
            action()
        return [0.0009, 0.0002]  # of several appends, and of as many writes

    monkeypatch.setattr(appends, "in_turns", in_turns)
    (figure,) = appends.own_time(ground.Ground(tmp_path, ground.QUICK._replace(appends=10)))
    assert figure.value == pytest.approx(70)
    assert figure.medians == "90.0 µs − 20.0 µs"
    with pytest.raises(ValueError, match="negative"):
        os.fsync(-1)


def test_user_to_show_has_one_event_in_the_first_half(bench: Callable[[str], Any], tmp_path: Path) -> None:
    ground = bench("ground").Ground(tmp_path, bench("ground").QUICK)
    for length in (100, 1000, 3000):
        lines = ground.log(length).read_text(encoding="utf-8").splitlines()[: length // 2]
        subject = f'"subject":"user/{ground.user_with_one_event(length)}"'
        assert sum(subject in line for line in lines) == 1


def test_growth_is_from_the_short_log_to_the_long_one(bench: Callable[[str], Any]) -> None:
    growth, full = bench("growth"), bench("ground").FULL
    assert growth.lengths(full) == [10, 10_000, 1_000_000]
    assert growth.lengths(full._replace(events=3000)) == [10, 3000]
    assert growth.lengths(full._replace(events=10_000_000)) == [10, 10_000, 1_000_000, 10_000_000]
    names = [*growth.TARGETS, bench("ground").IMPORTS]
    found = {name: {10: 2.0 + number, 1000: (2 + number) * (3 + number)} for number, name in enumerate(names)}
    *rows, completion = growth._figures(found, 10, 1000)
    assert [row.what for row in rows] == [f"{name} on 1,000 events" for name in growth.TARGETS]
    assert [row.value for row in rows] == [3, 4, 5, 6, 7]
    assert completion.value == pytest.approx(6 * 7 / (7 * 8))


def test_short_log_does_not_grow(bench: Callable[[str], Any], tmp_path: Path) -> None:
    ground = bench("ground").Ground(tmp_path, bench("ground").QUICK)
    growth = bench("growth")
    for length in (10, 1000):
        before = ground.log(length).read_bytes()
        growth.MADE[growth.APPEND](ground, length)()
        assert (ground.log(length).read_bytes() == before) == (length == 10)


def _lines(readme: Path) -> list[tuple[str, str]]:
    """What is measured against what, whatever the sizes, and the target."""
    table = readme.read_text(encoding="utf-8").partition("writes the table")[2].partition("<!-- to here")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(re.sub(r"\d[\d,]{2,}", "N", f"{row[0]} | {row[1]}"), row[2]) for row in rows]


def test_generated_log_is_good_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        subprocess.run([sys.executable, HERE / "generate.py", tmp_path / name, "2000"], check=True)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    evcli = [sys.executable, "-m", "evcli", "verify", "--format", "plain", "--log", str(tmp_path / "one.jsonl")]
    verified = subprocess.run(evcli, check=True, capture_output=True, text=True)
    assert verified.stdout.startswith("status\tgood\nevents\t2000\n")
