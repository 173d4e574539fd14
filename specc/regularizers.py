"""Penalties on weights and activities, added to the loss.

Source of rules and defaults: keras/src/regularizers/regularizers.py (3.15.1).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from typing_extensions import override

from specc import primitives as ops
from specc.family import Member
from specc.primitives import Tensor


class Regularizer(Member):
    """A scalar penalty of a tensor."""

    family_name: ClassVar[str] = "regularizer"

    @abstractmethod
    def penalty(self, w: Tensor) -> Tensor:
        """The penalty, a scalar."""


class L1(Regularizer):
    """l1 * sum |w|."""

    l1: float = 0.01

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(ops.absolute(w)) * self.l1


class L2(Regularizer):
    """l2 * sum w^2."""

    l2: float = 0.01

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(w * w) * self.l2


class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2."""

    key: ClassVar[str] = "l1_l2"
    aliases: ClassVar[tuple[str, ...]] = ("l1l2",)

    l1: float = 0.0
    l2: float = 0.0

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(ops.absolute(w)) * self.l1 + ops.reduce_sum(w * w) * self.l2


class OrthogonalRegularizer(Regularizer):
    """factor * 0.5 * sum |cosine of each pair of rows (or columns)| / number of pairs."""

    factor: float = 0.01
    mode: Literal["rows", "columns"] = "rows"

    @override
    def penalty(self, w: Tensor) -> Tensor:
        axis = 1 if self.mode == "rows" else 0
        # Keras normalises by sqrt(max(sum of squares, 1e-12)).
        squares = ops.reduce_sum(w * w, axis, keepdims=True)
        unit = w / ops.sqrt(ops.maximum(squares, 1e-12))
        flipped = ops.transpose(unit, (1, 0))
        gram = ops.matmul(unit, flipped) if axis else ops.matmul(flipped, unit)
        (count,) = {dim for dim in gram.shape if isinstance(dim, int)}
        mask = [[float(i != j) for j in range(count)] for i in range(count)]
        off = ops.absolute(gram * w.trace.constant(mask))  # type: ignore[arg-type]
        return ops.reduce_sum(off) * (self.factor * 0.5 / (count * (count - 1) / 2.0))
