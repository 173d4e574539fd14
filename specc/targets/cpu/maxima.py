"""The largest of some values, element by element, and which one was the first to hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specc.graph import Graph, Value


@dataclass(frozen=True, slots=True)
class Knockout:
    """A tournament: each match compares two values, so every pass works on one cell's elements.

    Comparing all cells with their maximum needs the cells in one tensor, whose passes are as much
    longer, and logic for ties; here the earlier value wins a tie by itself.

    Attributes:
        top: the element-wise maximum.
        sides: the two that played the last match, unless there was a single value.
    """

    top: Value
    sides: tuple[Knockout, Knockout] | None = None

    @staticmethod
    def of(g: Graph, values: Sequence[Value]) -> Knockout:
        """The tournament of at least one value."""
        if len(values) == 1:
            return Knockout(values[0])
        half = len(values) // 2
        first, second = Knockout.of(g, values[:half]), Knockout.of(g, values[half:])
        return Knockout(g.op("Max", first.top, second.top), (first, second))

    def shares(self, dy: Value) -> list[Value]:
        """The gradient of each value: dY where it is the first to hold the maximum.

        What the first side does not take is left for the second, exactly: dY - dY or dY - 0.
        """
        if self.sides is None:
            return [dy]
        g, (first, second) = dy.graph, self.sides
        ahead = g.cast(g.op("GreaterOrEqual", first.top, second.top), dy.dtype)
        taken = ahead * dy
        return [*first.shares(taken), *second.shares(dy - taken)]
