"""A laid-out network as SVG, light and dark by what the reader prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from specc.drawing.boxes import Box
from specc.drawing.layers import Rows, layered
from specc.drawing.placement import columns

NAMESPACE = "http://www.w3.org/2000/svg"
# In pixels at full size.
TITLE, TEXT, LINE = 14.0, 12.0, 17.0
PAD, STRIPE, RADIUS = 12.0, 5.0, 7.0
GAP, ROW_GAP, MARGIN, POINT = 28.0, 34.0, 16.0, 0.0
NARROWEST, WIDEST = 120.0, 300.0
COLOURS = """
.specc-net { --ink: #1b1f24; --dim: #57606a; --paper: #ffffff; --box: #f6f8fa; --rim: #d0d7de;
  --edge: #6e7781; --input: #57606a; --window: #0969da; --pool: #bf6a02; --weights: #1a7f37;
  --merge: #8250df; --move: #8c959f; --point: #bf3989; --block: #1b7c83; --output: #57606a;
  font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
@media (prefers-color-scheme: dark) { .specc-net { --ink: #e6edf3; --dim: #9198a1; --paper: #0d1117;
  --box: #161b22; --rim: #30363d; --edge: #7d8590; --input: #8b949e; --window: #58a6ff;
  --pool: #e3a34c; --weights: #56d364; --merge: #bc8cff; --move: #8b949e; --point: #f778ba;
  --block: #39c5cf; --output: #8b949e } }
.specc-net .paper { fill: var(--paper) }
.specc-net .box { fill: var(--box); stroke: var(--rim) }
.specc-net .edge { fill: none; stroke: var(--edge); stroke-width: 1.5 }
.specc-net .tip { fill: var(--edge) }
.specc-net .title { fill: var(--ink); font-size: 14px; font-weight: 600 }
.specc-net .text { fill: var(--dim); font-size: 12px }
"""
STYLE = COLOURS + "\n".join(
    f".specc-net .{role} {{ fill: var(--{role}) }}"
    for role in (
        "input", "window", "pool", "weights", "merge", "move", "point", "block", "output",
    )
)  # fmt: skip
NARROW, WIDE = frozenset("iljtfrI.,:;'|()[] -"), frozenset("mwMWO@%×")


def text_width(text: str, size: float) -> float:
    """Roughly how wide a sans-serif text is; on the safe side."""
    units = sum(
        0.36 if c in NARROW else 0.9 if c in WIDE else 0.68 if c.isupper() else 0.58 for c in text
    )
    return units * size


def shortened(text: str, size: float, width: float) -> str:
    """The text, cut where it is too wide: a path at its beginning, others at their end."""
    if text_width(text, size) <= width:
        return text
    while "/" in text:
        text = text.split("/", 1)[1]
        if text_width(f"…/{text}", size) <= width:
            return f"…/{text}"
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def render(name: str, boxes: Sequence[Box], edges: Sequence[tuple[str, str]]) -> str:
    """One `<svg>` element with a title and a description for who cannot see it."""
    by_key = {box.key: box for box in boxes}
    found = layered(list(by_key), edges)
    width = min(WIDEST, max([NARROWEST, *map(_wanted, boxes)]))
    widths = {n: width if n in by_key else POINT for row in found.rows for n in row}
    x = columns(found, widths, GAP)
    heights = [max([_height(by_key[n]) for n in row if n in by_key] or [0.0]) for row in found.rows]
    tops: list[float] = []
    at = 0.0
    for height in heights:
        tops.append(at)
        at += height + ROW_GAP
    whole = max((x[n] + widths[n] / 2 for n in x), default=0.0) + 2 * MARGIN
    tall = at - ROW_GAP + 2 * MARGIN
    shown = [_drawn(by_key[n], x[n], tops[k], heights[k], width)
             for k, row in enumerate(found.rows) for n in row if n in by_key]  # fmt: skip
    lines = _lines(found, by_key, x, tops, heights)
    size = f'width="{whole:.0f}" height="{tall:.0f}"'
    frame = f"{-MARGIN:g} {-MARGIN:g} {whole:.0f} {tall:.0f}"
    return "\n".join([
        f'<svg xmlns="{NAMESPACE}" class="specc-net" role="img" viewBox="{frame}" {size}>',
        f"<title>{escape(name)}</title>",
        f"<desc>{escape(description(boxes, edges))}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="{-MARGIN:g}" y="{-MARGIN:g}" {size}/>',
        *lines,
        *shown,
        "</svg>",
        "",
    ])  # fmt: skip


def description(boxes: Sequence[Box], edges: Sequence[tuple[str, str]]) -> str:
    """The graph in words: each box with what it reads."""
    titles = {box.key: box.title for box in boxes}
    above: dict[str, list[str]] = {box.key: [] for box in boxes}
    for a, b in edges:
        above[b].append(titles[a])
    parts = [
        f"{box.title} ({', '.join(box.lines)})"
        + (f" from {', '.join(above[box.key])}" if above[box.key] else "")
        for box in boxes
    ]
    return "; ".join(parts)


def _wanted(box: Box) -> float:
    texts = [text_width(box.title, TITLE) * 1.06, *(text_width(line, TEXT) for line in box.lines)]
    return max(texts) + 2 * PAD + STRIPE


def _height(box: Box) -> float:
    return (1 + len(box.lines)) * LINE + PAD


def _drawn(box: Box, x: float, top: float, row: float, width: float) -> str:
    height = _height(box)
    left, y = x - width / 2, top + (row - height) / 2
    room = width - 2 * PAD - STRIPE
    texts = [("title", box.title, TITLE * 1.06), *(("text", line, TEXT) for line in box.lines)]
    lines = [
        f'<text class="{kind}" x="{left + PAD + STRIPE:.1f}"'
        f' y="{y + PAD / 2 + (i + 0.74) * LINE:.1f}">{escape(shortened(text, size, room))}</text>'
        for i, (kind, text, size) in enumerate(texts)
    ]
    place = f'x="{left:.1f}" y="{y:.1f}" height="{height:.1f}"'
    whole = escape("\n".join([box.title, *box.lines]))
    return "\n".join([
        f"<g><title>{whole}</title>",
        f'<rect class="box" {place} width="{width:.1f}" rx="{RADIUS:g}"/>',
        f'<rect class="{box.role}" {place} width="{STRIPE:g}" rx="2.5"/>',
        *lines,
        "</g>",
    ])  # fmt: skip


def _lines(
    found: Rows,
    by_key: Mapping[str, Box],
    x: Mapping[str, float],
    tops: Sequence[float],
    heights: Sequence[float],
) -> list[str]:
    """Edges as curves between rows, straight along them."""
    level = {name: k for k, row in enumerate(found.rows) for name in row}
    drawn: list[str] = []

    def ends(name: str) -> tuple[float, float]:
        """Where edges enter and leave."""
        k = level[name]
        box = by_key.get(name)
        slack = 0.0 if box is None else (heights[k] - _height(box)) / 2
        return tops[k] + slack, tops[k] + heights[k] - slack

    for chain in found.chains.values():
        path = [f"M{x[chain[0]]:.1f} {ends(chain[0])[1]:.1f}"]
        for a, b in pairwise(chain):
            y0, y1 = ends(a)[1], ends(b)[0]
            bend = (y1 - y0) / 2
            path.append(
                f"C{x[a]:.1f} {y0 + bend:.1f} {x[b]:.1f} {y1 - bend:.1f} {x[b]:.1f} {y1:.1f}"
            )
            if b not in by_key:
                path.append(f"V{ends(b)[1]:.1f}")
        drawn.append(f'<path class="edge" d="{"".join(path)}"/>')
        tip, y = x[chain[-1]], ends(chain[-1])[0]
        drawn.append(f'<path class="tip" d="M{tip - 4:.1f} {y - 7:.1f}h8l-4 7z"/>')
    return drawn
