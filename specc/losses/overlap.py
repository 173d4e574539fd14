"""Losses of overlapping regions, for segmentation. Source: keras/src/losses/losses.py (3.15.1)."""

from __future__ import annotations

from typing import TypeAlias

from typing_extensions import override

from specc import primitives as ops
from specc.losses.along import Along
from specc.losses.base import EPSILON
from specc.primitives import Tensor

Axes: TypeAlias = int | tuple[int, ...] | None


def _folded(axis: Axes) -> tuple[int, ...] | None:
    return (axis,) if isinstance(axis, int) else axis


class Dice(Along):
    """1 - 2 sum(y p) / (sum y + sum p + eps): Sorensen and Dice's coefficient."""

    axis: Axes = None
    """The axes of a region; by default all, the batch too, for one number."""

    @property
    @override
    def folded(self) -> tuple[int, ...] | None:
        return _folded(self.axis)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        both = ops.reduce_sum(y * y_pred, self.axis)
        sizes = ops.reduce_sum(y, self.axis) + ops.reduce_sum(y_pred, self.axis)
        return 1.0 - both * 2.0 / (sizes + EPSILON)


class Tversky(Along):
    """1 - i / (i + alpha sum(y (1 - p)) + beta sum(p (1 - y)) + eps), i = sum(y p).

    As Keras 3.15 has it: alpha weighs missed positives and beta false ones, the paper's
    (Salehi et al., 2017) other way round.
    """

    alpha: float = 0.5
    """Weight of positives that the prediction misses."""

    beta: float = 0.5
    """Weight of false positives."""

    axis: Axes = None
    """The axes of a region; by default all, the batch too, for one number."""

    @property
    @override
    def folded(self) -> tuple[int, ...] | None:
        return _folded(self.axis)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        both = ops.reduce_sum(y * y_pred, self.axis)
        missed = ops.reduce_sum((1.0 - y_pred) * y, self.axis)
        false = ops.reduce_sum(y_pred * (1.0 - y), self.axis)
        return 1.0 - both / (both + missed * self.alpha + false * self.beta + EPSILON)
