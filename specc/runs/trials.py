"""Trials of a sweep, as JSON and as a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from specc.callbacks.base import more_is_better
from specc.errors import cut
from specc.runs.scale import Scale
from specc.runs.spaces import Space, shown
from specc.web import charts

# Characters of a setting's path below a chart; what is left out stands at its beginning.
LONGEST = 50


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


def drawn(found: Sequence[Trial], by: str, spaces: Sequence[Space] = ()) -> str:
    """An SVG of the results: over the trials with the best one so far, and over each setting."""
    known = sorted((t for t in found if t.value is not None), key=lambda t: t.number)
    title = f"{by} of {len(known)} trials"
    if not known:
        return charts.sheet(title, [])
    better = max if more_is_better(by.removeprefix("test_")) else min
    values = [t.value for t in known if t.value is not None]
    best = values.index(better(values))
    numbers = [float(t.number) for t in known]
    scale = Scale.of(values, more=better is max)
    axes = charts.Axes.around(numbers, scale.heights(values))
    steps: list[tuple[float, float]] = []
    for x, value in zip(numbers, values, strict=True):
        before = steps[-1][1] if steps else value
        steps += [(x, before), (x, better(before, value))]
    line = charts.path(axes, [x for x, _ in steps], scale.heights([y for _, y in steps]), "two")
    dots = _dots(axes, scale, known, numbers, best, by)
    alt = f"{by} by trial; the best is {values[best]:.4g} of trial {known[best].number}"
    label = scale.label(by, values)
    panels = [charts.frame(axes, "trial; dashed: the best so far", label, alt, [line, *dots],
                           whole=True, left=scale.left(axes))]  # fmt: skip
    panels += [_panel(space, scale, known, best, by) for space in spaces if space.size() > 1]
    return charts.sheet(title, panels)


def _panel(space: Space, scale: Scale, known: Sequence[Trial], best: int, by: str) -> str:
    """The results over one setting."""
    given = [t.settings[space.path] for t in known]
    below: list[tuple[float, str]] | None = None
    if space.choices:
        below = [(float(i), _short(choice)) for i, choice in enumerate(space.choices)]
        xs = [float(space.choices.index(str(each))) for each in given]
        ends = -0.5, len(space.choices) - 0.5
    elif space.log:
        xs, ends = [math.log10(each) for each in given], (math.log10(space.low),
                                                          math.log10(space.high))  # fmt: skip
        below = charts.powers(*ends)
    else:
        xs, ends = [float(each) for each in given], (space.low, space.high)
    values = [t.value for t in known if t.value is not None]
    axes = charts.Axes.around([*xs, *ends], scale.heights(values))
    label = space.path if len(space.path) <= LONGEST else f"…{space.path[-LONGEST:]}"
    told = shown(known[best].settings[space.path])
    alt = f"{by} by {space.path}; the best at {told}"
    dots = _dots(axes, scale, known, xs, best, by)
    return charts.frame(axes, label, scale.label(by, values), alt, dots, whole=space.whole,
                        below=below, left=scale.left(axes))  # fmt: skip


def _dots(
    axes: charts.Axes,
    scale: Scale,
    known: Sequence[Trial],
    xs: Sequence[float],
    best: int,
    by: str,
) -> list[str]:
    """A dot for each trial, that of the best larger; a triangle on the edge beyond which it is."""
    found: list[str] = []
    for i, (trial, x) in enumerate(zip(known, xs, strict=True)):
        value = trial.value or 0.0
        across, down = axes.x(x), axes.y(scale.height(value))
        title = f"trial {trial.number}: {by} {value:.4g}; {_settings(trial)}"
        inside = f"<title>{escape(title)}</title>"
        if scale.beyond(value):
            way = 1 if scale.more else -1
            place = f"M{across - 5:.1f} {down:.1f}h10l-5 {8 * way}z"
            found.append(f'<path class="dots" d="{place}">{inside}</path>')
        else:
            kind, r = ("fill", 5) if i == best else ("dots", 4)
            place = f'cx="{across:.1f}" cy="{down:.1f}"'
            found.append(f'<circle class="{kind}" r="{r}" {place}>{inside}</circle>')
    return found


def _settings(trial: Trial) -> str:
    return ", ".join(f"{path} {shown(value)}" for path, value in trial.settings.items())


def _short(text: str) -> str:
    return cut(text, 12)
