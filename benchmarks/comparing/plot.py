"""The training steps as bars, one panel a workload, in SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from comparing.tables import OURS

WIDTH, NAMES, ROW, GAP = 720, 180, 20, 14
# A bar that would be longer is cut: the slowest peers would squeeze the others.
LONGEST = 4.0
INK, OWN, OTHER, LIMIT = "#333333", "#0b6e4f", "#9aa5b1", "#c44536"


def svg(results: Mapping[str, Any]) -> str:
    """An SVG with a panel for each workload; a red line is the Gemm limit."""
    parts: list[str] = []
    y = GAP
    for one in results["workloads"].values():
        if one["training"]:
            y = panel(parts, one, y) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}"'
        f' height="{y}" font-family="sans-serif" font-size="12" fill="{INK}">'
    )
    back = f'<rect width="{WIDTH}" height="{y}" fill="white"/>'
    return "\n".join([head, back, *parts, "</svg>", ""])


def panel(parts: list[str], one: Mapping[str, Any], y: float) -> float:
    """Draw a workload from `y` on; where it ends."""
    timings = one["training"]
    order = sorted(timings, key=lambda name: timings[name]["median"])
    most = min(timings[order[-1]]["median"], LONGEST * timings[order[0]]["median"])
    scale = (WIDTH - NAMES - 100) / most
    title = f"{one['title']}, batch {one['batch']}: ms per training step"
    parts.append(f'<text x="8" y="{y + 14}" font-weight="bold">{escape(title)}</text>')
    top = y = y + ROW
    for name in order:
        ms = timings[name]["median"]
        length = min(ms, most) * scale
        colour = OWN if name.startswith(OURS) else OTHER
        cut = " (cut)" if ms > most else ""
        parts += [
            f'<text x="{NAMES - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<path d="M{NAMES} {y + 3}h{length:.1f}v{ROW - 6}h-{length:.1f}z" fill="{colour}"/>',
            f'<text x="{NAMES + length + 6:.1f}" y="{y + 14}">{ms:.2f}{cut}</text>',
        ]
        y += ROW
    limit = one["gemm_limit"].get("training")
    if limit:
        x = NAMES + limit["ms"] * scale
        parts.append(f'<path d="M{x:.1f} {top}V{y}" stroke="{LIMIT}" stroke-width="1.5"/>')
    return y
