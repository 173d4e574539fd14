"""Penalties on weights and activities, added to the loss.

Source of rules and defaults: keras/src/regularizers/regularizers.py (3.15.1).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.family import Member
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.unit_vectors import unit

# Keras refuses negative, infinite and undefined penalties.
Strength = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Regularizer(Member):
    """A scalar penalty of a tensor."""

    family_name: ClassVar[str] = "regularizer"
    per_sample: ClassVar[bool] = False
    """Whether the penalty of a weight is divided by the number of samples in the batch."""

    @abstractmethod
    def penalty(self, w: Tensor) -> Tensor:
        """The penalty, a scalar."""


class L1(Regularizer):
    """l1 * sum |w|."""

    l1: Strength = 0.01
    """Factor of the sum of magnitudes."""

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(ops.absolute(w)) * self.l1


class L2(Regularizer):
    """l2 * sum w^2."""

    l2: Strength = 0.01
    """Factor of the sum of squares."""

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(w * w) * self.l2


class L2PerSample(Regularizer):
    """l2 * sum w^2 / batch size: twice this `l2` is the `alpha` of scikit-learn's MLPClassifier.

    Source: sklearn/neural_network/_multilayer_perceptron.py (1.9), `_backprop`.
    """

    per_sample: ClassVar[bool] = True

    l2: Strength = 0.01
    """Factor of the sum of squares, before the division."""

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(w * w) * self.l2


class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2."""

    key: ClassVar[str] = "l1_l2"
    aliases: ClassVar[tuple[str, ...]] = ("l1l2",)

    l1: Strength = 0.0
    """Factor of the sum of magnitudes."""

    l2: Strength = 0.0
    """Factor of the sum of squares."""

    @override
    def penalty(self, w: Tensor) -> Tensor:
        return ops.reduce_sum(ops.absolute(w)) * self.l1 + ops.reduce_sum(w * w) * self.l2


class OrthogonalRegularizer(Regularizer):
    """factor * 0.5 * sum |cosine of each pair of rows (or columns)| / number of pairs.

    0 for a single row.
    """

    factor: Strength = 0.01
    """Penalty of rows that all point the same way."""

    mode: Literal["rows", "columns"] = "rows"
    """Which vectors are to be orthogonal."""

    @override
    def penalty(self, w: Tensor) -> Tensor:
        if w.rank != 2:  # noqa: PLR2004
            raise ShapeError(f"orthogonal_regularizer expects a matrix, found {w.shape}")
        axis = 1 if self.mode == "rows" else 0
        unit_rows = unit(w, axis)
        flipped = ops.transpose(unit_rows, (1, 0))
        gram = ops.matmul(unit_rows, flipped) if axis else ops.matmul(flipped, unit_rows)
        (count,) = {dim for dim in gram.shape if isinstance(dim, int)}
        if count == 1:
            return ops.reduce_sum(w * 0.0)
        off = ops.absolute(gram * (1.0 - np.eye(count)))
        return ops.reduce_sum(off) * (self.factor * 0.5 / (count * (count - 1) / 2.0))
