"""Reductions that leave out what is no number (NaN).

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import math
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Lowering
from specc.layers.operations.reductions import Cumsum, Reduced, Reduction
from specc.layers.operations.running import Cumprod, Prod, typed
from specc.layers.types import floating
from specc.primitives import Tensor


def number(x: Tensor) -> Tensor:
    """Whether an element is a number."""
    return ops.equal(x, x)


def filled(x: Tensor, value: float) -> Tensor:
    """The tensor with a value where it is no number; integers as they are."""
    return ops.where(number(x), x, value) if ops.is_float(x) else x


def count(x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
    """How many numbers there are."""
    return ops.reduce_sum(ops.cast(number(x), x.dtype), axes, keepdims=keepdims)


def _shared(total: Tensor, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
    """A sum divided by how many numbers there are; not a number, and no gradient, for none."""
    numbers = count(x, axes, keepdims=keepdims)
    found = total / ops.maximum(numbers, 1.0)
    return ops.where(ops.greater(numbers, 0.0), found, math.nan)


def mean(x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
    """The mean of the numbers; not a number where there is none."""
    total = ops.reduce_sum(filled(x, 0.0), axes, keepdims=keepdims)
    return _shared(total, x, axes, keepdims=keepdims)


def variance(x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
    """The mean squared distance of the numbers from their mean."""
    distance = filled(x - mean(x, axes, keepdims=True), 0.0)
    total = ops.reduce_sum(distance * distance, axes, keepdims=keepdims)
    return _shared(total, x, axes, keepdims=keepdims)


class Nansum(Reduction):
    """Sum of the numbers; small integers and bools are counted in 32 bits."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.reduce_sum(filled(typed(x, None), 0.0), axes, keepdims=keepdims)


class Nanmean(Reduction):
    """Mean of the numbers."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return mean(floating(x), axes, keepdims=keepdims)


class Nanvar(Reduction):
    """Mean squared distance of the numbers from their mean."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return variance(floating(x), axes, keepdims=keepdims)


class Nanstd(Reduction):
    """Root of the mean squared distance of the numbers from their mean."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.sqrt(variance(floating(x), axes, keepdims=keepdims))


class Nanmax(Reduction):
    """Largest number."""

    # What stands for an element that is no number, and the search among the others.
    least: ClassVar[float] = -math.inf

    def found(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        """The extreme of a tensor of numbers."""
        return ops.reduce_max(x, axes, keepdims=keepdims)

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        y = self.found(filled(x, self.least), axes, keepdims=keepdims)
        if not ops.is_float(x):
            return y
        some = ops.greater(count(x, axes, keepdims=keepdims), 0.0)
        return ops.where(some, y, math.nan)


class Nanmin(Nanmax):
    """Smallest number."""

    least: ClassVar[float] = math.inf

    @override
    def found(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.reduce_min(x, axes, keepdims=keepdims)


class Nanprod(Reduction):
    """Product of the numbers."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return Prod.folded(filled(typed(x, None), 1.0), axes, keepdims=keepdims)


class Nancumsum(Cumsum):
    """Running sum of the numbers along an axis."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return super().lower(low, filled(inputs[0], 0.0))


class Nancumprod(Cumprod):
    """Running product of the numbers along an axis."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return super().lower(low, filled(inputs[0], 1.0))
