"""Diagonals and vector products.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Operation, axes_of, broadcast
from specc.layers.operations.movement import fixed
from specc.layers.operations.products import Product
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements

SPACE = 3


class Diagonal(Operation):
    """The diagonal of the matrices in two axes, as the last axis."""

    offset: int = 0
    """How far to the right of the main diagonal."""
    axis1: int = 0
    """Axis of the rows."""
    axis2: int = 1
    """Axis of the columns."""

    def _picked(self, shape: Shape) -> tuple[list[int], list[int]]:
        """The axes that stay, and where elements of the diagonal stand in flattened matrices."""
        rows, columns = axes_of((self.axis1, self.axis2), len(shape))
        if rows == columns:
            raise ShapeError(f"a diagonal of axis {rows} alone; give two axes")
        height, width = (fixed(shape, axis, "no diagonal lies") for axis in (rows, columns))
        found = [i * width + i + self.offset for i in range(height) if 0 <= i + self.offset < width]
        if not found:
            raise ShapeError(f"{height} by {width} has no diagonal at {self.offset}")
        return [i for i in range(len(shape)) if i not in (rows, columns)], found

    def diagonal(self, x: Tensor) -> Tensor:
        """The diagonal."""
        rest, found = self._picked(tuple(d if isinstance(d, int) else None for d in x.shape))
        rows, columns = axes_of((self.axis1, self.axis2), x.rank)
        size = int(np.prod(ints((x.shape[rows], x.shape[columns]))))
        moved = ops.transpose(x, (*rest, rows, columns))
        return ops.take(ops.reshape(moved, (*moved.shape[:-2], size)), np.asarray(found), -1)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        rest, found = self._picked(inputs[0])
        return (*(inputs[0][axis] for axis in rest), len(found))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return self.diagonal(inputs[0])


class Trace(Diagonal):
    """Sum of the diagonal of the matrices in two axes."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return super().output_shape(inputs)[:-1]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if x.dtype in ("bool", "int8"):
            x = ops.cast(x, "int32")
        return ops.reduce_sum(self.diagonal(ops.cast(x, "uint32") if x.dtype == "uint8" else x), -1)


class Cross(Product):
    """Vector product of vectors of three elements; a missing third one is 0."""

    axisa: int = -1
    """Axis of the first operand's vectors."""
    axisb: int = -1
    """Axis of the second operand's vectors."""
    axisc: int = -1
    """Axis of the result's vectors; two plane vectors have a number as their product."""
    axis: int | None = None
    """All three axes at once."""

    def _axes(self) -> tuple[int, int, int]:
        if self.axis is not None:
            return self.axis, self.axis, self.axis
        return self.axisa, self.axisb, self.axisc

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        rest: list[Shape] = []
        sizes: list[int | None] = []
        for shape, given in zip(self.operand_shapes(inputs), self._axes(), strict=False):
            axis = axis_index(given, len(shape))
            sizes.append(shape[axis])
            rest.append((*shape[:axis], *shape[axis + 1 :]))
            if shape[axis] not in (SPACE - 1, SPACE):
                raise ShapeError(f"expected vectors of 2 or 3 elements in axis {axis} of {shape}")
        found = broadcast(rest)
        if SPACE not in sizes:
            return found
        axis = axis_index(self._axes()[2], len(found) + 1)
        return (*found[:axis], SPACE, *found[axis:])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        pair = zip(promoted(self.operand_tensors(inputs)), self._axes(), strict=False)
        (a0, a1, *a), (b0, b1, *b) = (ops.unstack(ops.move_axis(x, i, -1), -1) for x, i in pair)
        last = a0 * b1 - a1 * b0
        if not a and not b:
            return last
        a2, b2 = (z[0] if z else w * 0 for z, w in ((a, a0), (b, b0)))
        found = ops.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, last], last.rank)
        return ops.move_axis(found, -1, self._axes()[2])

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=3 * elements(output[1:]))
