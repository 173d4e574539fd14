"""Hinge losses. Source: keras/src/losses/losses.py (3.15.1)."""

from __future__ import annotations

from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import Loss
from specc.primitives import Tensor


def signed(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Targets as -1 and 1: when every target of the batch is 0 or 1, 2 y - 1, else y."""
    y = ops.cast(y_true, y_pred.dtype)
    binary = ops.cast(ops.equal(ops.reduce_max(ops.absolute(y * (y - 1.0))), 0.0), y.dtype)
    return y + (y - 1.0) * binary


class Hinge(Loss):
    """mean of max(1 - y p, 0) over the last axis, y in {-1, 1} or {0, 1}."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.reduce_mean(ops.relu(1.0 - signed(y_true, y_pred) * y_pred), -1)


class SquaredHinge(Loss):
    """mean of max(1 - y p, 0)^2 over the last axis, y in {-1, 1} or {0, 1}."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        margin = ops.relu(1.0 - signed(y_true, y_pred) * y_pred)
        return ops.reduce_mean(margin * margin, -1)


class CategoricalHinge(Loss):
    """max(1 + max((1 - y) p) - sum(y p), 0) over the last axis, y one-hot."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        right = ops.reduce_sum(y * y_pred, -1)
        wrong = ops.reduce_max((1.0 - y) * y_pred, -1)
        return ops.relu(wrong - right + 1.0)
