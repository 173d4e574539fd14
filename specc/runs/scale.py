"""How high results of trials lie in a drawing, so that one bad one does not squeeze the others."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from specc.web import charts

# A result this many times as far from the best as the median is would leave half of the trials a
# tenth of the height.
FAR = 10.0
# Results that span more than two powers of ten are seen on their logarithms only.
DECADES = 2.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis of results.

    Attributes:
        edge: the worst result that has its own height; worse ones lie on it.
        more: whether more is better, so that worse ones lie below.
        log: whether heights are powers of ten.
    """

    edge: float
    more: bool
    log: bool

    @classmethod
    def of(cls, values: Sequence[float], *, more: bool) -> Scale:
        """Its edge is the worst result within `FAR` times the median's distance from the best.

        Logarithmic where less is better, and all results are positive and span enough.
        """
        best = max(values) if more else min(values)
        middle = abs(statistics.median(values) - best)
        near = [v for v in values if abs(v - best) <= FAR * middle] if middle else list(values)
        low, high = min(near), max(near)
        log = not more and low > 0 and math.log10(high) - math.log10(low) > DECADES
        return cls(low if more else high, more, log)

    def beyond(self, value: float) -> bool:
        """Whether a result is worse than what the axis shows."""
        return value < self.edge if self.more else value > self.edge

    def height(self, value: float) -> float:
        """Where a result lies on the axis, in its numbers."""
        shown = self.edge if self.beyond(value) else value
        return math.log10(shown) if self.log else shown

    def heights(self, values: Sequence[float]) -> list[float]:
        """Where results lie on the axis."""
        return [self.height(each) for each in values]

    def label(self, name: str, values: Sequence[float]) -> str:
        """What stands beside the axis: the result, and what a triangle means if there is one."""
        if not any(map(self.beyond, values)):
            return name
        return f"{name} ({'▼ less' if self.more else '▲ more'} than shown)"

    def left(self, axes: charts.Axes) -> list[tuple[float, str]] | None:
        """What stands left of the chart; None for round numbers."""
        return charts.powers(axes.low_y, axes.high_y) if self.log else None
