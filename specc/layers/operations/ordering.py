"""Positions of elements in order, and triangles of matrices.

Source: keras/src/ops/math.py and numpy.py (3.15.1).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Operation
from specc.layers.operations.movement import fixed
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape


def places(x: Tensor) -> Tensor:
    """1 at [..., r, i] where element i of the last axis is the r-th largest, the first of equals.

    Counts for each element those before it: n^2 comparisons along an axis of n.
    """
    (size,) = ints((x.shape[-1],))
    mine, other = ops.expand_dims(x, -1), ops.expand_dims(x, -2)
    earlier = np.tril(np.ones((size, size), np.int64), -1)
    larger = ops.cast(ops.greater(other, mine), "int64")
    equal = ops.cast(ops.equal(other, mine), "int64") * earlier
    rank = ops.reduce_sum(larger + equal, -1)
    hot = ops.one_hot(rank, size, x.trace.floatx)
    order = tuple(range(hot.rank - 2))
    return ops.transpose(hot, (*order, hot.rank - 1, hot.rank - 2))


def positions(hot: Tensor) -> Tensor:
    """The position (int32) of each 1."""
    (size,) = ints((hot.shape[-1],))
    return ops.cast(ops.reduce_sum(hot * np.arange(size), -1), "int32")


class TopK(Operation):
    """The k largest elements along the last axis in descending order, and their positions."""

    keras_module: ClassVar[str] = "keras.src.ops.math"
    several_outputs: ClassVar[bool] = True
    k: PositiveInt
    """How many."""
    sorted: bool = True
    """Kept for Keras' sake: they always come in order."""

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        (x,) = inputs
        length = fixed(x, len(x) - 1, "nothing is sorted")
        if self.k > length:
            raise ShapeError(f"there are no {self.k} largest of {length} elements")
        return ((*x[:-1], self.k),) * 2

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        hot = ops.slice_axis(places(x), -2, 0, self.k)
        return ops.slice_axis(ops.sort_descending(x), -1, 0, self.k), positions(hot)


class Argsort(Operation):
    """Positions (int32) of elements in ascending order along an axis, the first of equals first."""

    axis: int | None = -1
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("sorting the flattened batch is not supported; give an axis")
        fixed(x, axis_index(self.axis, len(x)), "nothing is sorted")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        axis = -1 if self.axis is None else self.axis
        return ops.move_axis(positions(places(-ops.move_axis(inputs[0], axis, -1))), -1, axis)


class Tril(Operation):
    """The lower triangle of the matrices in the last two axes, 0 above it."""

    k: int = 0
    """The last diagonal that stays; 0 is the main one, 1 the one above."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if len(x) < 2 or None in x[-2:]:  # noqa: PLR2004
            raise ShapeError(f"expected matrices of known size, found {x}")
        return x

    def keeps(self, ones: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        """1 where an element stays."""
        return np.tril(ones, self.k)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        rows, columns = ints(x.shape[-2:])
        return x * np.asarray(self.keeps(np.ones((rows, columns))))


class Triu(Tril):
    """The upper triangle of the matrices in the last two axes, 0 below it."""

    @override
    def keeps(self, ones: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        return np.triu(ones, self.k)
