"""How near predictions are. Source: keras/src/metrics/regression_metrics.py (3.15.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.regression import cosine
from specc.losses.weighting import spread_over
from specc.metrics.base import MeanMetric, Metric
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, show


class RootMeanSquaredError(MeanMetric):
    """Root of the mean of (p - y)^2 over all batches."""

    better: ClassVar[str] = "down"
    aliases: ClassVar[tuple[str, ...]] = ("rmse",)
    masked: ClassVar[bool] = False

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = y_pred - ops.cast(y_true, y_pred.dtype)
        return error * error

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        return ops.sqrt(super().result(sums))


class CosineSimilarity(MeanMetric):
    """Mean cosine of the angle between y and p along `axis`."""

    axis: int = -1
    """The axis of the vectors."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return cosine(ops.cast(y_true, y_pred.dtype), y_pred, self.axis)


def columns(metric: Metric, output: Shape) -> int:
    """The number of columns of an output of (batch, columns).

    Raises:
        ShapeError: the output is another shape.
    """
    if len(output) != 2 or output[1] is None:  # noqa: PLR2004
        raise ShapeError(f"{metric.key} expects an output (batch, columns), found {show(output)}")
    return output[1]


class R2Score(Metric):
    """1 - sum (y - p)^2 / sum (y - mean y)^2 for each column: the share of variance explained.

    With num_regressors r and n targets in all: 1 - (1 - R2)(n - 1) / (n - r - 1). A column whose
    targets are all alike scores 0.
    """

    class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = (
        "uniform_average"
    )
    """How columns become one number; None: a vector."""

    num_regressors: Annotated[int, Field(ge=0)] = 0
    """Independent variables, for the adjusted score; 0: not adjusted."""

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        columns(self, output)
        return super().resolve(output, target)

    @override
    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        wide = (columns(self, output),)
        names = ("squared_sum", "sum", "residual", "count")
        return {"num_samples": (), **dict.fromkeys(names, wide)}

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        y = ops.cast(y_true, y_pred.dtype)
        ones = ops.cast(ops.equal(y, y), y.dtype)
        w = ones if weight is None else ones * spread_over(weight, y)
        error = y - y_pred
        return {
            "num_samples": ops.reduce_sum(ones),
            "squared_sum": ops.reduce_sum(y * y * w, 0),
            "sum": ops.reduce_sum(y * w, 0),
            "residual": ops.reduce_sum(error * error * w, 0),
            "count": ops.reduce_sum(w, 0),
        }

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        total = sums["squared_sum"] - sums["sum"] * sums["sum"] / sums["count"]
        varied = ops.cast(ops.logical_not(ops.equal(total, 0.0)), total.dtype)
        score = (1.0 - sums["residual"] / (total + (1.0 - varied))) * varied
        if self.class_aggregation == "uniform_average":
            score = ops.reduce_mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.reduce_sum(total * score) / ops.reduce_sum(total)
        if not self.num_regressors:
            return score
        # Keras falls back to the plain score where there are too few samples to adjust.
        free = sums["num_samples"] - (self.num_regressors + 1.0)
        enough = ops.cast(ops.greater(free, 0.0), free.dtype)
        factor = (sums["num_samples"] - 1.0) / (free * enough + (1.0 - enough))
        return score * (1.0 - enough) + (1.0 - (1.0 - score) * factor) * enough
