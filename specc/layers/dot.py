"""The dot product of two inputs, sample by sample."""

from __future__ import annotations

import math
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import known
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements, show
from specc.unit_vectors import unit


class Dot(Layer):
    """Sum over one axis of each input of their products, for each sample.

    Shapes: a (N, ..., d, ...), b (N, ..., d, ...); the result has the other axes of a, then those
    of b without the batch; (N) becomes (N, 1).

    Source: keras/src/layers/merging/dot.py (3.15.1).
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2

    axes: int | tuple[int, int]
    """The axis that is summed over: one for both inputs, or one for each."""
    normalize: bool = False
    """Whether both are scaled to length 1 along that axis before: the cosine."""

    def _positions(self, a: int, b: int) -> tuple[int, int]:
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return axis_index(first, a), axis_index(second, b)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        a, b = inputs
        i, j = self._positions(len(a), len(b))
        if 0 in (i, j):
            raise ShapeError("the batch cannot be summed over; use axes from 1 on")
        if a[i] is not None and b[j] is not None and a[i] != b[j]:
            raise ShapeError(
                f"axis {i} of {show(a)} and axis {j} of {show(b)} differ in length;"
                " name two axes of one length"
            )
        shape = (*a[:i], *a[i + 1 :], *b[1:j], *b[j + 1 :])
        return (*shape, 1) if len(shape) == 1 else shape

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = (ops.cast(x, x.trace.floatx) for x in inputs)
        i, j = self._positions(a.rank, b.rank)
        if self.normalize:
            a, b = unit(a, i), unit(b, j)
        left, right = ops.move_axis(a, i, -1), ops.move_axis(b, j, 1)
        rows, columns = ints(left.shape[1:-1]), ints(right.shape[2:])
        batch, depth = left.shape[0], left.shape[-1]
        product = ops.matmul(
            ops.reshape(left, (batch, math.prod(rows), depth)),
            ops.reshape(right, (batch, depth, math.prod(columns))),
        )
        return ops.reshape(product, (batch, *((*rows, *columns) or (1,))))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        a, b = inputs
        i, _ = self._positions(len(a), len(b))
        work = 3 * (elements(a[1:]) + elements(b[1:])) if self.normalize else 0
        return Cost(elements(output[1:]) * known(a, i), work)
