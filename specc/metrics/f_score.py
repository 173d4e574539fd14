"""F-scores. Source: keras/src/metrics/f_score_metrics.py (3.15.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.losses.weighting import spread_over
from specc.metrics.base import Metric
from specc.metrics.confusion import FN, FP, TP
from specc.metrics.regression import columns
from specc.primitives import Tensor
from specc.tensors import Shape

Average = Literal["micro", "macro", "weighted"]


class FScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class.

    Without a threshold the largest prediction of a row is positive.
    """

    abstract: ClassVar[bool] = True

    average: Average | None = None
    """None: a vector; micro: one count for all; macro: the mean; weighted: by targets."""

    threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    """Above it a prediction is positive."""

    def weight_of_recall(self) -> float:
        """Beta."""
        return 1.0

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        columns(self, output)
        return super().resolve(output, target)

    @override
    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        shape = () if self.average == "micro" else (columns(self, output),)
        return dict.fromkeys((TP, FP, FN, "intermediate_weights"), shape)

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        y = ops.cast(y_true, y_pred.dtype)
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.reduce_max(y_pred, -1, keepdims=True))
            # Keras: a row of zeros has no positive.
            chosen = ops.logical_and(largest, ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        p = ops.cast(chosen, y_pred.dtype)
        axes = None if self.average == "micro" else 0

        def added(hits: Tensor) -> Tensor:
            return ops.reduce_sum(
                hits if weight is None else hits * spread_over(weight, hits), axes
            )

        return {
            TP: added(p * y),
            FP: added(p * (1.0 - y)),
            FN: added((1.0 - p) * y),
            "intermediate_weights": added(y),
        }

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        beta2 = self.weight_of_recall() ** 2
        precision = sums[TP] / (sums[TP] + sums[FP] + EPSILON)
        recall = sums[TP] / (sums[TP] + sums[FN] + EPSILON)
        score = precision * recall / (precision * beta2 + recall + EPSILON) * (1.0 + beta2)
        if self.average == "weighted":
            mass = sums["intermediate_weights"]
            return ops.reduce_sum(score * (mass / (ops.reduce_sum(mass) + EPSILON)))
        return ops.reduce_mean(score) if self.average == "macro" else score


class FBetaScore(FScore):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class."""

    title: ClassVar[str] = "fbeta_score"
    aliases: ClassVar[tuple[str, ...]] = ("fbeta_score",)

    beta: Annotated[float, Field(gt=0)] = 1.0
    """How much recall weighs against precision."""

    @override
    def weight_of_recall(self) -> float:
        return self.beta


class F1Score(FScore):
    """2 precision recall / (precision + recall), for each class."""
