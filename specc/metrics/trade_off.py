"""The best of one rate where another is good enough, over thresholds.

Source: keras/src/metrics/confusion_metrics.py, SensitivitySpecificityBase (3.15.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.weighting import divide_no_nan
from specc.metrics.confusion import FN, FP, TN, TP, ConfusionMetric, class_column
from specc.primitives import Tensor

Share = Annotated[float, Field(ge=0, le=1)]
# rate: (numerator, the other part of the denominator)
RATES = {
    "sensitivity": (TP, FN),
    "specificity": (TN, FP),
    "recall": (TP, FN),
    "precision": (TP, FP),
}


class TradeOff(ConfusionMetric):
    """max of the rate `wanted` over thresholds where the rate `limited` is at least its field."""

    abstract: ClassVar[bool] = True
    wanted: ClassVar[str]
    limited: ClassVar[str]

    num_thresholds: Annotated[int, Field(ge=1)] = 200
    """How many thresholds, evenly spaced from 0 to 1; 1 means 0.5 alone."""

    class_id: Annotated[int, Field(ge=0)] | None = None
    """Only this column is counted."""

    @classmethod
    @override
    def first_field(cls) -> str | None:
        return cls.limited

    @override
    def levels(self) -> list[float]:
        last = self.num_thresholds - 1
        return [i / last for i in range(last + 1)] if last else [0.5]

    @override
    def selected(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        if self.class_id is None:
            return y_true, y_pred
        return class_column(y_true, self.class_id), class_column(y_pred, self.class_id)

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        rates = {
            name: divide_no_nan(sums[part], sums[part] + sums[rest])
            for name, (part, rest) in RATES.items()
        }
        enough = ops.greater_equal(rates[self.limited], float(getattr(self, self.limited)))
        return ops.reduce_max(rates[self.wanted] * ops.cast(enough, rates[self.wanted].dtype))


class SensitivityAtSpecificity(TradeOff):
    """The best sensitivity tp / (tp + fn) at a specificity of at least the one given."""

    wanted: ClassVar[str] = "sensitivity"
    limited: ClassVar[str] = "specificity"

    specificity: Share
    """The least specificity, tn / (tn + fp)."""


class SpecificityAtSensitivity(TradeOff):
    """The best specificity tn / (tn + fp) at a sensitivity of at least the one given."""

    wanted: ClassVar[str] = "specificity"
    limited: ClassVar[str] = "sensitivity"

    sensitivity: Share
    """The least sensitivity, tp / (tp + fn)."""


class PrecisionAtRecall(TradeOff):
    """The best precision tp / (tp + fp) at a recall of at least the one given."""

    wanted: ClassVar[str] = "precision"
    limited: ClassVar[str] = "recall"

    recall: Share
    """The least recall, tp / (tp + fn)."""


class RecallAtPrecision(TradeOff):
    """The best recall tp / (tp + fn) at a precision of at least the one given."""

    wanted: ClassVar[str] = "recall"
    limited: ClassVar[str] = "precision"

    precision: Share
    """The least precision, tp / (tp + fp)."""
