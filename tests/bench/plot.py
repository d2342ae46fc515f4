"""The growth as a picture: an SVG to look at and to read, light or dark as its viewer is."""

from collections.abc import Iterator, Mapping
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 880, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 560, 64, 360
"""The edges of the field; on its right, each line has its name."""

LABEL_GAP = 18
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

Curves = Mapping[str, Mapping[int, float]]
"""Seconds by the number of events, of each command."""

_STYLE = """\
<style>
  text { font: 13px system-ui, 'Helvetica Neue', 'DejaVu Sans', sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .faint { fill: #59636e }
  .ground { fill: #ffffff }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .line { fill: none; stroke-width: 2 }
  .c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f37 } .c3 { stroke: #8250df }
  .bare { stroke: #59636e; stroke-dasharray: 5 4 }
  .dot { fill: #ffffff; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .ground, .dot { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .c0 { stroke: #58a6ff } .c1 { stroke: #f0883e } .c2 { stroke: #3fb950 } .c3 { stroke: #a371f7 }
    .bare { stroke: #9198a1 }
  }
</style>"""


class _Scale:
    """Where a number of events and a time are drawn: the first by its logarithm, the second from 0."""

    def __init__(self, curves: Curves) -> None:
        self.lengths = sorted({length for curve in curves.values() for length in curve})
        most = max(seconds for curve in curves.values() for seconds in curve.values()) * 1000
        self.step = next((step for step in STEPS if most / step <= 6), STEPS[-1])
        self.most = self.step * ceil(most / self.step)

    def x(self, length: int) -> float:
        first, last = log10(self.lengths[0]), log10(self.lengths[-1])
        return round(LEFT + (RIGHT - LEFT) * (log10(length) - first) / (last - first), 1)

    def y(self, milliseconds: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * milliseconds / self.most, 1)


def svg(curves: Curves, bare: str) -> str:
    """The curves; `bare` is the name of the one that is drawn as a yardstick."""
    scale = _Scale(curves)
    names = sorted(curves, key=lambda name: curves[name][scale.lengths[-1]], reverse=True)  # from the top
    colours = {name: f"c{number}" for number, name in enumerate(name for name in curves if name != bare)}
    colours[bare] = "bare"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    title = "How long a command takes, by the number of events in the log"
    parts = [
        head,
        f"<title>{title}</title>",
        _STYLE,
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="title" x="{LEFT}" y="32">{title}</text>',
        *_axes(scale),
    ]
    for name in names:
        parts += _curve(scale, curves[name], colours[name])
    parts += _labels(scale, [(name, colours[name], curves[name][scale.lengths[-1]] * 1000) for name in names])
    return "\n".join([*parts, "</svg>", ""])


def _axes(scale: _Scale) -> Iterator[str]:
    for number in range(0, scale.most + 1, scale.step):
        y = scale.y(number)
        yield f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'
        yield f'<text class="faint" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{number} ms</text>'
    for exponent in range(ceil(log10(scale.lengths[0])), floor(log10(scale.lengths[-1])) + 1):
        x = scale.x(10**exponent)
        yield f'<line class="grid" x1="{x}" y1="{BOTTOM}" x2="{x}" y2="{BOTTOM + 5}"/>'
    for length in scale.lengths:
        yield f'<text class="faint" x="{scale.x(length)}" y="{BOTTOM + 23}" text-anchor="middle">{length:,}</text>'
    middle = (LEFT + RIGHT) / 2
    yield f'<text class="faint" x="{middle}" y="{BOTTOM + 44}" text-anchor="middle">events in the log</text>'


def _curve(scale: _Scale, curve: Mapping[int, float], colour: str) -> Iterator[str]:
    points = [(scale.x(length), scale.y(seconds * 1000)) for length, seconds in sorted(curve.items())]
    drawn = " ".join(f"{x},{y}" for x, y in points)
    yield f'<polyline class="line {colour}" points="{drawn}"/>'
    if colour != "bare":
        yield from (f'<circle class="dot {colour}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in points)


def _labels(scale: _Scale, ends: list[tuple[str, str, float]]) -> Iterator[str]:
    """The last time of each curve and its name, moved apart where the curves end close to each other."""
    wanted = [scale.y(milliseconds) for _, _, milliseconds in ends]
    for (name, colour, milliseconds), end, y in zip(ends, wanted, _apart(wanted), strict=True):
        told = f'<tspan class="faint">{milliseconds:.0f} ms</tspan> {escape(name, quote=False)}'
        yield f'<polyline class="line {colour}" points="{RIGHT + 8},{end} {RIGHT + 22},{y} {RIGHT + 30},{y}"/>'
        yield f'<text x="{RIGHT + 36}" y="{round(y + 4, 1)}">{told}</text>'


def _apart(wanted: list[float]) -> list[float]:
    """Heights from the top to the bottom, at least a label apart, each group around where it is wanted."""
    groups: list[list[float]] = []
    for height in wanted:
        groups.append([height])
        while len(groups) > 1 and _spread(groups[-2])[-1] + LABEL_GAP > _spread(groups[-1])[0]:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [height for group in groups for height in _spread(group)]


def _spread(group: list[float]) -> list[float]:
    first = sum(group) / len(group) - LABEL_GAP * (len(group) - 1) / 2
    return [round(first + LABEL_GAP * number, 1) for number in range(len(group))]
