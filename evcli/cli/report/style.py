"""How the page of a report looks: on a screen, light or dark, wide or as narrow as a phone; and on paper."""

STYLE = """\
:root { --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --shade: #f6f8fa; --paper: #fff; --accent: #0550ae; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --shade: #161b22; --paper: #0d1117; --accent: #6cb6ff; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; color: var(--ink); background: var(--paper);
  font: 0.95rem/1.45 system-ui, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif;
}
h1 { margin: 0 0 0.25rem; font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 2rem 0 0.5rem; font-size: 1.1rem; }
h1, h2, td, dd, p { overflow-wrap: anywhere; }
p { margin: 0 0 0.5rem; }
.sum + p { margin-top: 0.5rem; }
.soft, small { color: var(--soft); }
small { font-size: 0.85em; white-space: nowrap; }
code, pre { font-family: ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 0.85em; }
code { overflow-wrap: anywhere; }
pre { margin: 0.25rem 0 0.75rem; padding: 0.6rem 0.75rem; background: var(--shade); border: 1px solid var(--line);
  border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
.sum { display: flex; flex-wrap: wrap; align-items: stretch; gap: 0.5rem; margin: 1.25rem 0 0; }
.sum div { flex: 1 1 7rem; padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: 4px; }
.sum div.end { border-color: var(--accent); }
.sum dt { color: var(--soft); font-size: 0.85em; }
.sum dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.sum .end dd { color: var(--accent); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.3rem 0.6rem 0.3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-size: 0.85em; font-weight: 600; }
td { min-width: 5.5rem; }
td:nth-child(3) { min-width: 10rem; }
td.n { min-width: 0; }
td small { display: block; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
@media screen and (max-width: 44rem) {
  body { padding: 1.25rem 1rem 3rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 6rem 1fr; gap: 0.5rem; padding: 0.1rem 0; border: 0; text-align: left; }
  td::before { content: attr(data-name); color: var(--soft); }
  td:empty { display: none; }
  td.n { text-align: left; }
  td small { display: inline; }
  time { white-space: normal; }
  .facts { display: block; }
  .facts dd { margin-bottom: 0.5rem; }
}
@page { margin: 16mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; } }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  thead { display: table-header-group; }
  tr, .sum, .check { break-inside: avoid; }
  h2, h2 + p, .check p { break-after: avoid; }
}
"""
