"""Counts of right and wrong positives over thresholds, and what is made of them.

Source of rules: keras/src/metrics/metrics_utils.py, update_confusion_matrix_variables, and
confusion_metrics.py (3.15.1).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.losses.crossentropy import class_count
from specc.losses.weighting import divide_no_nan, spread_over
from specc.metrics.base import Metric
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, product, show

Threshold = Annotated[float, Field(ge=0, le=1)]
TP, FP, TN, FN = "true_positives", "false_positives", "true_negatives", "false_negatives"
# The score that Keras gives to predictions outside the top k.
OUTSIDE = -1e10


def flat(x: Tensor) -> Tensor:
    """All elements in one axis."""
    return ops.reshape(x, (product(x.shape),))


def comparable(y_pred: Tensor, thresholds: Sequence[float]) -> tuple[Tensor, list[float]]:
    """Predictions and bounds such that prediction > bound means above that threshold.

    Evenly spaced thresholds i / (n - 1) are compared as p (n - 1) > i, which rounds as Keras'
    buckets do; there predictions are clipped to [0, 1].
    """
    last = len(thresholds) - 1
    even = np.arange(last + 1) / max(last, 1)
    if last < 2 or not np.allclose(thresholds, even, atol=EPSILON):  # noqa: PLR2004
        return y_pred, [float(threshold) for threshold in thresholds]
    bounds = [float(i) for i in range(last + 1)]
    if thresholds[0] < 0.0:
        bounds[0] = -1.0
    return ops.clip(y_pred, 0.0, 1.0) * float(last), bounds


def above(y_pred: Tensor, thresholds: Sequence[float]) -> Tensor:
    """1 where a prediction exceeds a threshold, else 0, along a new last axis of thresholds."""
    scores, bounds = comparable(y_pred, thresholds)
    return ops.cast(
        ops.greater(ops.expand_dims(scores, -1), np.asarray(bounds, np.float32)), y_pred.dtype
    )


def counts(
    y_true: Tensor, y_pred: Tensor, weight: Tensor | None, thresholds: Sequence[float]
) -> dict[str, Tensor]:
    """Weighted numbers of true and false positives and negatives at each threshold.

    Shapes: y_true, y_pred and weight alike after broadcasting, results (thresholds,).
    """
    y = ops.cast(ops.cast(y_true, "bool"), y_pred.dtype)
    right, wrong = (y, 1.0 - y) if weight is None else (y * weight, (1.0 - y) * weight)
    labels = ops.concat([ops.expand_dims(flat(x), 0) for x in (right, wrong)], 0)
    positives = ops.matmul(labels, above(flat(y_pred), thresholds))
    tp, fp = (ops.squeeze(row, 0) for row in ops.split(positives, (1, 1), 0))
    totals = ops.reduce_sum(labels, 1, keepdims=True)
    p, n = (ops.squeeze(row, 0) for row in ops.split(totals, (1, 1), 0))
    return {TP: tp, FP: fp, TN: n - fp, FN: p - tp}


def class_column(x: Tensor, index: int) -> Tensor:
    """Column `index` of the last axis, which is kept with length 1."""
    return ops.slice_axis(x, -1, index, index + 1)


def top_k(y_pred: Tensor, k: int) -> Tensor:
    """Predictions, but for the k largest of a row pushed under every threshold.

    Of equal ones the first are kept, so that there are always k.
    """
    first = ops.slice_axis(ops.order_descending(y_pred), -1, 0, k)
    hits = ops.one_hot(first, class_count(y_pred, -1), y_pred.dtype)
    inside = ops.reduce_sum(hits, hits.rank - 2)
    return y_pred * inside + (1.0 - inside) * OUTSIDE


class ConfusionMetric(Metric):
    """A metric of the counts `kinds` at some thresholds."""

    abstract: ClassVar[bool] = True
    kinds_: ClassVar[tuple[str, ...]] = (TP, FP, TN, FN)

    @abstractmethod
    def levels(self) -> list[float]:
        """The thresholds."""

    def selected(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """The targets and predictions that are counted; all by default."""
        return y_true, y_pred

    @override
    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(self.kinds_, (len(self.levels()),))

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        y, p = self.selected(y_true, y_pred)
        every = counts(y, p, None if weight is None else spread_over(weight, p), self.levels())
        return {kind: every[kind] for kind in self.kinds_}


class ThresholdMetric(ConfusionMetric):
    """A metric at given thresholds, 0.5 by default; several make it a vector."""

    abstract: ClassVar[bool] = True

    thresholds: Threshold | list[Threshold] | None = None
    """A prediction above the threshold is positive; 0.5 by default."""

    @override
    def levels(self) -> list[float]:
        given = self.thresholds
        if given is None:
            return [self.usual()]
        return list(given) if isinstance(given, list) else [given]

    def usual(self) -> float:
        """The threshold when none is given."""
        return 0.5

    @abstractmethod
    def each(self, sums: Mapping[str, Tensor]) -> Tensor:
        """The metric at each threshold."""

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        values = self.each(sums)
        return ops.squeeze(values, 0) if values.shape == (1,) else values


class TruePositives(ThresholdMetric):
    """Number of targets 1 that are predicted so."""

    kinds_: ClassVar[tuple[str, ...]] = (TP,)

    @override
    def each(self, sums: Mapping[str, Tensor]) -> Tensor:
        return sums[self.kinds_[0]]


class FalsePositives(TruePositives):
    """Number of targets 0 that are predicted to be 1."""

    kinds_: ClassVar[tuple[str, ...]] = (FP,)
    better: ClassVar[str] = "down"


class TrueNegatives(TruePositives):
    """Number of targets 0 that are predicted so."""

    kinds_: ClassVar[tuple[str, ...]] = (TN,)


class FalseNegatives(TruePositives):
    """Number of targets 1 that are predicted to be 0."""

    kinds_: ClassVar[tuple[str, ...]] = (FN,)
    better: ClassVar[str] = "down"


class Precision(ThresholdMetric):
    """tp / (tp + fp): the share of predicted positives that are right."""

    kinds_: ClassVar[tuple[str, ...]] = (TP, FP)

    top_k: Annotated[int, Field(ge=1)] | None = None
    """Only the k largest predictions of a row count as positive."""

    class_id: Annotated[int, Field(ge=0)] | None = None
    """Only this column is counted."""

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        classes = output[-1] or 0
        if self.class_id is not None and self.class_id >= classes:
            raise ShapeError(
                f"{self.key} expects class_id below the number of columns, "
                f"found {self.class_id} for an output of {show(output)}"
            )
        if self.top_k is not None and self.top_k > classes:
            raise ShapeError(
                f"{self.key} expects top_k of at most the number of columns, "
                f"found {self.top_k} for an output of {show(output)}"
            )
        return super().resolve(output, target)

    @override
    def usual(self) -> float:
        return 0.5 if self.top_k is None else OUTSIDE

    @override
    def selected(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        p = y_pred if self.top_k is None else top_k(y_pred, self.top_k)
        if self.class_id is None:
            return y_true, p
        return class_column(y_true, self.class_id), class_column(p, self.class_id)

    @override
    def each(self, sums: Mapping[str, Tensor]) -> Tensor:
        return divide_no_nan(sums[TP], sums[TP] + sums[self.kinds_[1]])


class Recall(Precision):
    """tp / (tp + fn): the share of positives that are found."""

    kinds_: ClassVar[tuple[str, ...]] = (TP, FN)
