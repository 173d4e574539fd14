"""Correlations. Source: keras/src/metrics/correlation_metrics.py (3.15.1)."""

from __future__ import annotations

from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.metrics.base import MeanMetric
from specc.primitives import Tensor


def centred(x: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """(mean, x - mean, variance) along an axis that is kept with length 1."""
    mean = ops.reduce_mean(x, axis, keepdims=True)
    difference = x - mean
    return mean, difference, ops.reduce_mean(difference * difference, axis, keepdims=True)


class PearsonCorrelation(MeanMetric):
    """Mean of cov(y, p) / sqrt(var y var p) along `axis`."""

    axis: int = -1
    """The axis of the samples that are correlated."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        _, y, spread_y = centred(ops.cast(y_true, y_pred.dtype), self.axis)
        _, p, spread_p = centred(y_pred, self.axis)
        return ops.reduce_mean(y / ops.sqrt(spread_y) * (p / ops.sqrt(spread_p)), self.axis)


class ConcordanceCorrelation(MeanMetric):
    """Mean of 2 cov(y, p) / (var y + var p + (mean y - mean p)^2 + eps) along `axis`."""

    axis: int = -1
    """The axis of the samples that are correlated."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        mean_y, _, spread_y = centred(y, self.axis)
        mean_p, p, spread_p = centred(y_pred, self.axis)
        shift = mean_y - mean_p
        divisor = spread_y + spread_p + shift * shift + EPSILON
        return ops.reduce_mean((y - mean_p) * p * 2.0 / divisor, self.axis)
