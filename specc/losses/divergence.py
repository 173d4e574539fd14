"""Losses between distributions. Source: keras/src/losses/losses.py (3.15.1)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON, Loss
from specc.primitives import Tensor


class KLDivergence(Loss):
    """Sum of y log(y / p) over the last axis, both clipped to [eps, 1]."""

    key: ClassVar[str] = "kl_divergence"
    aliases: ClassVar[tuple[str, ...]] = ("kld",)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.clip(ops.cast(y_true, y_pred.dtype), EPSILON, 1.0)
        p = ops.clip(y_pred, EPSILON, 1.0)
        return ops.reduce_sum(y * ops.log(y / p), -1)


class Poisson(Loss):
    """mean of p - y log(p + eps) over the last axis: Poisson counts y with expectation p."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        return ops.reduce_mean(y_pred - y * ops.log(y_pred + EPSILON), -1)
