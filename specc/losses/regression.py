"""Losses of real-valued predictions. Source: keras/src/losses/losses.py (3.15.1)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.along import Along
from specc.losses.base import EPSILON, Loss
from specc.primitives import Tensor
from specc.unit_vectors import unit


class MeanSquaredError(Loss):
    """mean of (p - y)^2 over the last axis."""

    aliases: ClassVar[tuple[str, ...]] = ("mse",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = y_pred - ops.cast(y_true, y_pred.dtype)
        return ops.reduce_mean(error * error, -1)


class MeanAbsoluteError(Loss):
    """mean of |p - y| over the last axis."""

    aliases: ClassVar[tuple[str, ...]] = ("mae",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.reduce_mean(ops.absolute(y_pred - ops.cast(y_true, y_pred.dtype)), -1)


class MeanAbsolutePercentageError(Loss):
    """100 times the mean of |y - p| / max(|y|, eps) over the last axis."""

    aliases: ClassVar[tuple[str, ...]] = ("mape",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        size = ops.maximum(ops.absolute(y), EPSILON)
        return ops.reduce_mean(ops.absolute(y - y_pred) / size, -1) * 100.0


class MeanSquaredLogarithmicError(Loss):
    """mean of (log(1 + max(p, eps)) - log(1 + max(y, eps)))^2 over the last axis."""

    aliases: ClassVar[tuple[str, ...]] = ("msle",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        error = ops.log(ops.maximum(y_pred, EPSILON) + 1.0) - ops.log(ops.maximum(y, EPSILON) + 1.0)
        return ops.reduce_mean(error * error, -1)


class Huber(Loss):
    """mean of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, over the last axis."""

    delta: Annotated[float, Field(gt=0)] = 1.0
    """Where the square ends and the straight line begins."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        size = ops.absolute(y_pred - ops.cast(y_true, y_pred.dtype))
        # c (|e| - c / 2) with c = min(|e|, delta) is both branches, and smooth where they meet.
        inner = ops.minimum(size, self.delta)
        return ops.reduce_mean(inner * (size - inner * 0.5), -1)


class LogCosh(Loss):
    """mean of log(cosh(e)) = e + softplus(-2 e) - log 2 over the last axis."""

    aliases: ClassVar[tuple[str, ...]] = ("logcosh",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = y_pred - ops.cast(y_true, y_pred.dtype)
        return ops.reduce_mean(error + ops.softplus(error * -2.0) - math.log(2.0), -1)


def cosine(y: Tensor, p: Tensor, axis: int) -> Tensor:
    """Cosine of the angle between y and p along `axis`; 0 for a vector of zeros."""
    return ops.reduce_sum(unit(y, axis) * unit(p, axis), axis)


class CosineSimilarity(Along):
    """minus the cosine of the angle between y and p along `axis`."""

    axis: int = -1
    """The axis of the vectors."""

    @property
    @override
    def folded(self) -> tuple[int, ...]:
        return (self.axis,)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -cosine(ops.cast(y_true, y_pred.dtype), y_pred, self.axis)
