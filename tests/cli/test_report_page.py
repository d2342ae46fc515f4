"""The page that `evcli report --html` writes: whole, of text only, and as a real browser shows and prints it."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import pytest
from conftest import Cli
from support.hostile import CONTROLS, MARKUP

from cli.support import refuses, run_on, untouched

PHONE, PAPER = 360, 794
"""Widths in CSS pixels: of a small phone, and of A4 paper."""

TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "div", "h1", "h2", "p", "strong",
    "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "time", "small", "code", "pre",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "content", "name", "http-equiv", "class", "scope", "data-name", "datetime",
}  # fmt: skip


class Page(HTMLParser):
    """A page as a browser reads it; there is nothing on it but our own tags, each closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


@pytest.mark.parametrize(
    "text", [*MARKUP, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;", "</td>"]
)
def test_nothing_typed_is_markup_on_the_page(cli: Cli, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVCLI_ACTOR", text)
    log = cli.log.with_name(f"{text.replace('/', '_')}.jsonl")
    named = ("--log", str(log))
    cli.ok("user", "create", "--email", "ada@example.com", *named, "--", text)
    cli.ok("user", "rename", "1", "Ada", *named)
    cli.ok("user", "destroy", "1", "--reason", text, *named)
    found = Page(cli.ok("report", "--html", "-", *named).out).texts
    assert f"{text} <ada@example.com>" in found, "the label of who came"
    assert f"name: {text} → Ada" in found
    assert found.count(text) == 3 + 1, "the actor of each event, and the reason of one"
    assert log.name in found


def test_page_is_written_whole_and_replaces_nothing_unasked(story: Cli, tmp_path: Path) -> None:
    file = tmp_path / "review.html"
    ran = story.ok("report", "--from", "4", "--to", "7", "--html", str(file))
    total = "2 at the beginning + 1 came + 1 came back - 1 left = 3 at the end"
    assert (ran.out, ran.err) == ("", f"users from event 4 to event 7: {total}; written to {file}\n")
    page = file.read_text(encoding="utf-8")
    assert page == story.ok("report", "--from", "4", "--to", "7", "--html", "-").out
    assert page.endswith("</html>\n")
    refuses(story, ("report", "--html", str(file)), 14, "already exists", "--force")
    story.ok("report", "--html", str(file), "--force")
    assert file.read_text(encoding="utf-8") != page
    with untouched(tmp_path):
        assert story("report", "--from", "99", "--html", str(tmp_path / "none.html")).code == 2


def test_what_no_page_may_hold_is_shown_escaped(story: Cli) -> None:
    log = story.log.with_name("a\u202eb\nc.jsonl")
    log.write_bytes(story.log.read_bytes())
    page = story.ok("report", "--html", "-", "--log", str(log)).out
    assert "a\\u{202e}b\\u{a}c.jsonl" in page
    assert not CONTROLS.search(page)


def test_home_folder_is_understood_in_the_name_of_the_file(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(story.log.parent))
    story.ok("report", "--html=~/page.html")
    assert (story.log.parent / "page.html").exists()


@pytest.mark.parametrize("words", [("report", "--to", "2026-03-01", "--html"), ("export", "--at", "2026-03-01")])
def test_what_a_file_is_about_is_told_on_a_terminal_too(story: Cli, words: tuple[str, ...], tmp_path: Path) -> None:
    ran = run_on([*words, str(tmp_path / "file")], story.clock, screen=True)
    assert ran.code == 0
    assert ran.err.startswith("as of 2026-03-01 (end of day, +00:00): event 8, of 2026-03-01 16:00:00+00:00\n")


def test_page_needs_nothing_else_and_runs_nothing(story: Cli) -> None:
    page = story.ok("report", "--html", "-").out
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:", page)


# --- in a real browser ------------------------------------------------------------------------------------------------

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


def chromium(folder: Path, *words: str) -> bytes:
    """Run a headless Chromium with nothing of anybody's in it, and without a network."""
    still = (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'browser'}",
    )  # fmt: skip
    done = subprocess.run([str(CHROMIUM), *still, *words], capture_output=True, check=True, timeout=100)
    return done.stdout


def long_story(cli: Cli) -> None:
    """Names and reasons as long as they may be, in one word, and enough users for several pages."""
    for number in range(60):
        cli.ok("user", "create", f"Userin Nr. {number}", "--email", f"user{number}@example.com")
    cli.ok("user", "create", "W" * 200, "--email", f"{'w' * 60}@{'example' * 8}.com", "--reason", "M" * 500)
    cli.ok("user", "destroy", "61", "--reason", "long ago " * 50)


MEASURE = """
<!DOCTYPE html><title>measuring</title><body><script>
const page = %s, widths = %s, found = [];
addEventListener("load", () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const inside = frame.contentDocument, root = inside.documentElement;
    const shown = (name) => inside.defaultView.getComputedStyle(inside.querySelector(name)).display;
    found.push([frame.width, root.scrollWidth - root.clientWidth, inside.querySelectorAll("h2").length,
                shown("td"), shown("tr"),
                inside.defaultView.performance.getEntriesByType("resource").length].join(","));
  }
  document.body.innerHTML = "<pre>" + found.join(" ") + "</pre>";
});
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.srcdoc = page;
  document.body.append(frame);
}
</script>
"""


@browser
def test_page_fits_a_phone_and_paper_in_a_real_browser(cli: Cli, tmp_path: Path) -> None:
    long_story(cli)
    page = cli.ok("report", "--html", "-").out
    harness = tmp_path / "measure.html"
    harness.write_text(MEASURE % (json.dumps(page).replace("</", "<\\/"), [PHONE, PAPER]), encoding="utf-8")
    dumped = chromium(tmp_path, "--dump-dom", f"file://{harness}").decode()
    found = re.search("<pre>(.*)</pre>", dumped)
    assert found, dumped[:1000]
    sections = str(page.count("<h2>"))
    assert [each.split(",") for each in found[1].split()] == [
        [str(PHONE), "0", sections, "grid", "block", "0"],
        [str(PAPER), "0", sections, "table-cell", "table-row", "0"],
    ], "width, what sticks out, sections, how a cell and a row are shown, what was loaded"


@browser
def test_page_prints_on_several_sheets(cli: Cli, tmp_path: Path) -> None:
    long_story(cli)
    cli.ok("report", "--html", str(tmp_path / "page.html"))
    paper = tmp_path / "page.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}", f"file://{tmp_path / 'page.html'}")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    sheets = len(re.findall(rb"/Type ?/Page\b", content))
    assert 3 <= sheets <= 12, sheets
