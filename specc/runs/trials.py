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
    axes = charts.Axes.around(numbers, values)
    steps: list[tuple[float, float]] = []
    for x, value in zip(numbers, values, strict=True):
        before = steps[-1][1] if steps else value
        steps += [(x, before), (x, better(before, value))]
    line = charts.path(axes, [x for x, _ in steps], [y for _, y in steps], "two")
    dots = _dots(axes, known, numbers, best, by)
    alt = f"{by} by trial; the best is {values[best]:.4g} of trial {known[best].number}"
    panels = [charts.frame(axes, "trial; dashed: the best so far", by, alt, [line, *dots],
                           whole=True)]  # fmt: skip
    panels += [_panel(space, known, best, by) for space in spaces if space.size() > 1]
    return charts.sheet(title, panels)


def _panel(space: Space, known: Sequence[Trial], best: int, by: str) -> str:
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
        powers = range(math.ceil(ends[0] - 1e-9), math.floor(ends[1] + 1e-9) + 1)
        below = [(float(k), f"1e{k}") for k in powers]
        if len(below) < 2:  # noqa: PLR2004 - less than a power of ten: the ends say more
            below = [(x, f"{10**x:.3g}") for x in ends]
    else:
        xs, ends = [float(each) for each in given], (space.low, space.high)
    axes = charts.Axes.around([*xs, *ends], [t.value for t in known if t.value is not None])
    label = space.path if len(space.path) <= LONGEST else f"…{space.path[-LONGEST:]}"
    told = shown(known[best].settings[space.path])
    alt = f"{by} by {space.path}; the best at {told}"
    dots = _dots(axes, known, xs, best, by)
    return charts.frame(axes, label, by, alt, dots, whole=space.whole, below=below)


def _dots(
    axes: charts.Axes, known: Sequence[Trial], xs: Sequence[float], best: int, by: str
) -> list[str]:
    """A dot for each trial, that of the best larger."""
    return [
        f'<circle class="{"fill" if i == best else "dots"}" r="{5 if i == best else 4}"'
        f' cx="{axes.x(x):.1f}" cy="{axes.y(trial.value or 0.0):.1f}"><title>trial {trial.number}: '
        f"{escape(by)} {trial.value:.4g}; {escape(_settings(trial))}</title></circle>"
        for i, (trial, x) in enumerate(zip(known, xs, strict=True))
    ]


def _settings(trial: Trial) -> str:
    return ", ".join(f"{path} {shown(value)}" for path, value in trial.settings.items())


def _short(text: str) -> str:
    return cut(text, 12)
