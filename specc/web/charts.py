"""Charts as inline SVG, coloured by the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from specc.web.page import CHARTS, THEME

WIDTH, HEIGHT = 440.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 36.0
TICKS = 5


@dataclass(frozen=True, slots=True)
class Axes:
    """Where numbers lie in the frame of a chart."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float

    @classmethod
    def around(cls, xs: Sequence[float], ys: Sequence[float]) -> Axes:
        """Just wide enough for all finite numbers."""
        xs = [x for x in xs if math.isfinite(x)] or [0.0, 1.0]
        ys = [y for y in ys if math.isfinite(y)] or [0.0, 1.0]
        low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
        if low_x == high_x:
            low_x, high_x = low_x - 0.5, high_x + 0.5
        if low_y == high_y:
            low_y, high_y = low_y - 0.5, high_y + 0.5
        pad = (high_y - low_y) * 0.05
        return cls(low_x, high_x, low_y - pad, high_y + pad)

    def x(self, value: float) -> float:
        """From left to right."""
        return LEFT + (value - self.low_x) / (self.high_x - self.low_x) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """From the bottom up."""
        share = (value - self.low_y) / (self.high_y - self.low_y)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(k * unit for k in (1, 2, 5, 10) if k * unit >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def frame(
    axes: Axes,
    label_x: str,
    label_y: str,
    alt: str,
    body: Sequence[str],
    *,
    whole: bool = False,
    below: Sequence[tuple[float, str]] | None = None,
    left: Sequence[tuple[float, str]] | None = None,
) -> str:
    """A chart with its axes; `alt` says in words what it shows.

    `below` is what stands below the chart, and where; by default round numbers, `whole` ones only
    where this is asked for. `left` is the same for what stands left of it.
    """
    parts: list[str] = []
    if below is None:
        found = ticks(axes.low_x, axes.high_x)
        below = [(x, f"{x:g}") for x in found if not whole or x == round(x)]
    for value, text in below:
        parts.append(
            f'<text class="tick" x="{axes.x(value):.1f}" y="{HEIGHT - BOTTOM + 15:.1f}"'
            f' text-anchor="middle">{escape(text)}</text>'
        )
    if left is None:
        left = [(y, f"{y:g}") for y in ticks(axes.low_y, axes.high_y)]
    for value, text in left:
        y = axes.y(value)
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(text)}</text>"
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 4:.0f}" text-anchor="middle">'
        f"{escape(label_x)}</text>"
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(label_y)}</text>"
    )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" width="{WIDTH:.0f}"'
        f' height="{HEIGHT:.0f}"><title>{escape(alt)}</title>{"".join([*parts, *body])}</svg>'
    )


def powers(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten for an axis of logarithms; both ends where there is less than one between."""
    found = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(found) < 2:  # noqa: PLR2004 - a single number is no scale
        return [(x, f"{10**x:.3g}") for x in (low, high)]
    return [(float(k), f"1e{k}") for k in found]


def path(axes: Axes, xs: Sequence[float], ys: Sequence[float], kind: str) -> str:
    """A line through points; numbers that are not finite break it."""
    steps: list[str] = []
    move = True
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(y):
            steps.append(f"{'M' if move else 'L'}{axes.x(x):.1f} {axes.y(y):.1f}")
        move = not math.isfinite(y)
    return f'<path class="{kind}" d="{"".join(steps)}"/>'


def curves(
    label_x: str, label_y: str, xs: Sequence[float], series: Mapping[str, Sequence[float | None]]
) -> str:
    """One or two lines over the same whole numbers; the second is dashed.

    A line leads over places where there is None, and is broken by numbers that are not finite.
    """
    known = {
        name: [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
        for name, ys in series.items()
    }
    axes = Axes.around(xs, [y for points in known.values() for _, y in points])
    body: list[str] = []
    told: list[str] = []
    for kind, (name, points) in zip(("one", "two"), known.items(), strict=False):
        if not points:
            continue
        body.append(path(axes, [x for x, _ in points], [y for _, y in points], kind))
        (x, first), (_, last) = points[0], points[-1]
        if len(points) == 1 and math.isfinite(first):
            place = f'cx="{axes.x(x):.1f}" cy="{axes.y(first):.1f}"'
            body.append(f'<circle class="fill" r="3" {place}/>')
        told.append(f"{name} from {first:.4g} to {last:.4g}")
    return frame(
        axes, label_x, label_y, f"{label_y} by {label_x}: {'; '.join(told)}", body, whole=True
    )


def scatter(label_x: str, label_y: str, xs: Sequence[float], ys: Sequence[float], alt: str) -> str:
    """Points, with the line on which both numbers are equal."""
    axes = Axes.around([*xs, *ys], [*xs, *ys])
    dots = [
        f'<circle class="dots" r="2.5" cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}"/>'
        for x, y in zip(xs, ys, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    return frame(axes, label_x, label_y, alt, [_equal(axes), *dots])


def _equal(axes: Axes) -> str:
    low, high = max(axes.low_x, axes.low_y), min(axes.high_x, axes.high_y)
    return (
        f'<path class="guide" d="M{axes.x(low):.1f} {axes.y(low):.1f}'
        f'L{axes.x(high):.1f} {axes.y(high):.1f}"/>'
    )


def reliability(bins: Sequence[tuple[float, float, int]], alt: str) -> str:
    """Bins of (mean confidence, share that is right, count) against the line of equality."""
    axes = Axes(0.0, 1.0, 0.0, 1.0)
    most = max((count for _, _, count in bins), default=1)
    dots = [
        f'<circle class="fill" r="{3 + 5 * math.sqrt(count / most):.1f}" fill-opacity=".7"'
        f' cx="{axes.x(sure):.1f}" cy="{axes.y(right):.1f}"/>'
        for sure, right, count in bins
    ]
    line = path(axes, [b[0] for b in bins], [b[1] for b in bins], "one")
    return frame(axes, "confidence", "share right", alt, [_equal(axes), line, *dots])


def sheet(title: str, charts: Sequence[str], columns: int = 2) -> str:
    """Charts side by side as a drawing of its own, in the colours of the reader's theme."""
    columns = max(1, min(columns, len(charts)))
    width, height = WIDTH * columns, HEIGHT * max(1, -(-len(charts) // columns))
    placed = "".join(
        f'<g transform="translate({WIDTH * (i % columns):.0f} {HEIGHT * (i // columns):.0f})">'
        f"{chart}</g>"
        for i, chart in enumerate(charts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}"><title>{escape(title)}</title>'
        f"<style>{THEME}{CHARTS}svg .paper {{ fill: var(--paper) }}</style>"
        f'<rect class="paper" width="100%" height="100%"/>{placed}</svg>\n'
    )
