"""Limits on weights, applied after each optimizer update.

Source of rules and defaults: keras/src/constraints/constraints.py (3.15.1), epsilon 1e-7.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.family import Member
from specc.primitives import Tensor

EPSILON = 1e-7


class Constraint(Member):
    """A map from a weight to an allowed weight."""

    family_name: ClassVar[str] = "constraint"

    @abstractmethod
    def project(self, w: Tensor) -> Tensor:
        """The allowed weight."""


def _norm(w: Tensor, axis: int | tuple[int, ...]) -> Tensor:
    return ops.sqrt(ops.reduce_sum(w * w, axis, keepdims=True))


class MaxNorm(Constraint):
    """w * clip(|w|, 0, max_value) / (eps + |w|), norms along `axis`."""

    max_value: float = 2.0
    """The largest norm."""

    axis: int | tuple[int, ...] = 0
    """The axes that a norm is taken over; 0 for a dense kernel, 0, 1, 2 for a conv2d kernel."""

    @override
    def project(self, w: Tensor) -> Tensor:
        norm = _norm(w, self.axis)
        return w * (ops.clip(norm, 0.0, self.max_value) / (norm + EPSILON))


class NonNeg(Constraint):
    """Negative weights become 0."""

    @override
    def project(self, w: Tensor) -> Tensor:
        return ops.relu(w)


class UnitNorm(Constraint):
    """w / (eps + |w|), norms along `axis`."""

    axis: int | tuple[int, ...] = 0
    """The axes that a norm is taken over; 0 for a dense kernel, 0, 1, 2 for a conv2d kernel."""

    @override
    def project(self, w: Tensor) -> Tensor:
        return w / (_norm(w, self.axis) + EPSILON)


class MinMaxNorm(Constraint):
    """w * (rate clip(|w|, min, max) + (1 - rate) |w|) / (eps + |w|), norms along `axis`."""

    min_value: float = 0.0
    """The smallest norm."""

    max_value: float = 1.0
    """The largest norm."""

    rate: float = 1.0
    """How much of the way to an allowed norm is gone at once."""

    axis: int | tuple[int, ...] = 0
    """The axes that a norm is taken over; 0 for a dense kernel, 0, 1, 2 for a conv2d kernel."""

    @override
    def project(self, w: Tensor) -> Tensor:
        norm = _norm(w, self.axis)
        wanted = ops.clip(norm, self.min_value, self.max_value) * self.rate
        return w * ((wanted + norm * (1.0 - self.rate)) / (norm + EPSILON))
