"""`Metric`: what every metric is. Accumulators live in the graph's state and only ever add up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from specc.family import Member
from specc.primitives import Tensor
from specc.tensors import Shape


class Metric(Member):
    """A number (or vector) that describes predictions; streaming over batches.

    The state after batches 1..k is the sum of their contributions, from zeros; the graph does
    that addition, so a metric says what one batch contributes and how sums become the result.
    """

    family_name: ClassVar[str] = "metric"

    name: str | None = None
    """Name in logs; the metric's key (or the alias that was written) by default."""

    def resolve(self, output: Shape, target: Shape) -> Metric:
        """The metric meant for these shapes: `accuracy` becomes one of three. Itself by default."""
        del output, target
        return self

    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the float32 sums. `total` and `count` by default."""
        del output
        return {"total": (), "count": ()}

    @abstractmethod
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        """What one batch adds to each accumulator. `weight` () or (N,): sample weights."""

    @abstractmethod
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        """The metric's value from its accumulators."""
