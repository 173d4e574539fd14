"""Trials of a sweep, as JSON and as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specc.callbacks.base import more_is_better


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a sweep; `value` is None when it failed."""

    number: int
    settings: dict[str, Any]
    value: float | None
    run: Path


def as_dict(trial: Trial) -> dict[str, Any]:
    """A trial as JSON."""
    return {
        "trial": trial.number, "settings": trial.settings, "value": trial.value,
        "run": str(trial.run),
    }  # fmt: skip


def drawn(found: Sequence[Trial], by: str) -> str:
    """An SVG of the results over the trials, and of the best one so far."""
    known = sorted((t.number, t.value) for t in found if t.value is not None)
    if not known:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>\n'
    width, height, edge = 640, 320, 48
    values = [value for _, value in known]
    low, high = min(values), max(values)
    span, last = (high - low) or 1.0, max(1, known[-1][0])
    better = max if more_is_better(by.removeprefix("test_")) else min

    def x(number: int) -> float:
        return edge + number / last * (width - 2 * edge)

    def y(value: float) -> float:
        return height - edge - (value - low) / span * (height - 2 * edge)

    best: list[float] = []
    for value in values:
        best.append(better([*best[-1:], value]))
    line = " ".join(f"{x(n):.1f},{y(b):.1f}" for (n, _), b in zip(known, best, strict=True))
    dots = "".join(
        f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="4"><title>trial {n}: {v:.5g}</title></circle>'
        for n, v in known
    )
    text = "".join(
        f'<text x="4" y="{y(v) + 4:.1f}">{v:.4g}</text>' for v in dict.fromkeys((low, high))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{_escaped(by)} of {len(known)} trials'
        f'</title><rect width="100%" height="100%" fill="white"/>{text}'
        f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">trial</text>'
        f'<text x="{edge}" y="20">{_escaped(by)}</text>'
        f'<polyline points="{line}" fill="none" stroke="#d95f02" stroke-width="2"/>'
        f'<g fill="#1b6ca8">{dots}</g></svg>\n'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
