"""Areas under curves over thresholds. Source: keras/src/metrics/confusion_metrics.py, AUC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.losses.weighting import divide_no_nan, spread_over
from specc.metrics.base import Metric
from specc.metrics.confusion import FN, FP, TN, TP, Threshold, above, counts
from specc.metrics.regression import columns
from specc.primitives import Tensor
from specc.tensors import Shape


class AUC(Metric):
    """Area under the ROC, precision-recall or precision-recall-gain curve, by a Riemann sum.

    ROC: x = fp / (fp + tn), y = recall; PR: x = recall, y = precision (Davis and Goadrich's
    interpolation, 2006); PRGAIN: Flach and Kull's gains (2015).
    """

    num_thresholds: Annotated[int, Field(ge=2)] = 200
    """How many thresholds, evenly spaced from 0 to 1."""

    curve: Literal["ROC", "PR", "PRGAIN"] = "ROC"
    """The curve."""

    summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation"
    """Height of a strip: the mean of its two sides, the lower or the higher one."""

    thresholds: list[Threshold] | None = None
    """Thresholds between 0 and 1 in place of num_thresholds."""

    multi_label: bool = False
    """Whether each column has its own curve; the areas are averaged."""

    num_labels: int | None = None
    """Number of columns, with multi_label; known from the output."""

    label_weights: list[float] | None = None
    """Weights of columns in the average, or in the counts without multi_label."""

    from_logits: bool = False
    """Whether predictions are passed through a sigmoid first."""

    @field_validator("curve", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("summation_method", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _labels(self) -> Self:
        if self.num_labels and not self.multi_label:
            raise PydanticCustomError(
                "auc", "num_labels is expected only with multi_label: true; remove it"
            )
        return self

    def levels(self) -> list[float]:
        """The thresholds, the first just below 0 and the last just above 1."""
        if self.thresholds is not None:
            inner = sorted(self.thresholds)
        else:
            last = self.num_thresholds - 1
            inner = [i / last for i in range(1, last)]
        return [-EPSILON, *inner, 1.0 + EPSILON]

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        if self.multi_label:
            columns(self, output)
        return super().resolve(output, target)

    @override
    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        shape: tuple[int, ...] = (len(self.levels()),)
        if self.multi_label:
            shape = (*shape, columns(self, output))
        return dict.fromkeys((TP, FP, TN, FN), shape)

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        p = ops.sigmoid(y_pred) if self.from_logits else y_pred
        w = None if weight is None else spread_over(weight, p)
        if self.multi_label:
            return self._by_label(y_true, p, w)
        if self.label_weights is not None:
            labels = p.trace.constant(np.asarray(self.label_weights), p.dtype)
            w = labels if w is None else w * labels
        return counts(y_true, p, w, self.levels())

    def _by_label(self, y_true: Tensor, p: Tensor, weight: Tensor | None) -> dict[str, Tensor]:
        """Counts of shape (thresholds, columns)."""
        y = ops.cast(ops.cast(y_true, "bool"), p.dtype)
        right, wrong = (y, 1.0 - y) if weight is None else (y * weight, (1.0 - y) * weight)
        positive = above(p, self.levels())
        sums: dict[str, Tensor] = {}
        for mass, found, missed in ((right, TP, FN), (wrong, FP, TN)):
            hits = ops.reduce_sum(positive * ops.expand_dims(mass, -1), 0)
            sums[found] = ops.transpose(hits, (1, 0))
            sums[missed] = ops.reduce_sum(mass, 0, keepdims=True) - sums[found]
        return sums

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        if self.curve == "PR" and self.summation_method == "interpolation":
            strips = self._interpolated(sums)
        else:
            x, y = self._curve(sums)
            (x0, x1), (y0, y1) = _sides(x), _sides(y)
            heights = {
                "interpolation": lambda: (y0 + y1) * 0.5,
                "minoring": lambda: ops.minimum(y0, y1),
                "majoring": lambda: ops.maximum(y0, y1),
            }
            strips = (x0 - x1) * heights[self.summation_method]()
        if not self.multi_label:
            return ops.reduce_sum(strips)
        areas = ops.reduce_sum(strips, 0)
        if self.label_weights is None:
            return ops.reduce_mean(areas)
        weights = np.asarray(self.label_weights)
        return ops.reduce_sum(areas * weights) * (1.0 / float(weights.sum()))

    def _curve(self, sums: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """(x, y) at each threshold."""
        tp, fp, tn, fn = sums[TP], sums[FP], sums[TN], sums[FN]
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, divide_no_nan(tp, tp + fp)
        odds = divide_no_nan(tp + fn, tn + fp)
        some = ops.cast(ops.greater(tp, 0.0), tp.dtype)
        recall_gain = (1.0 - odds * divide_no_nan(fn, tp)) * some
        precision_gain = 1.0 - odds * divide_no_nan(fp, tp) * some
        return ops.relu(recall_gain), precision_gain

    def _interpolated(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Strips under the precision-recall curve with true positives interpolated."""
        (tp0, tp1), (_, fn1) = _sides(sums[TP]), _sides(sums[FN])
        p0, p1 = _sides(sums[TP] + sums[FP])
        gained = tp0 - tp1
        slope = divide_no_nan(gained, ops.relu(p0 - p1))
        intercept = tp1 - slope * p1
        both = ops.cast(ops.logical_and(ops.greater(p0, 0.0), ops.greater(p1, 0.0)), p0.dtype)
        ratio = divide_no_nan(p0, ops.relu(p1)) * both + (1.0 - both)
        return divide_no_nan(slope * (gained + intercept * ops.log(ratio)), ops.relu(tp1 + fn1))


def _sides(values: Tensor) -> tuple[Tensor, Tensor]:
    """Values at the left and right threshold of each strip, along the first axis."""
    last = values.shape[0]
    count = last if isinstance(last, int) else 0
    return ops.slice_axis(values, 0, 0, count - 1), ops.slice_axis(values, 0, 1, count)
