"""Products, differences, medians and weighted means along axes.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Constant, Operation, axes_of
from specc.layers.operations.movement import fixed
from specc.layers.operations.reductions import Reduced, Reduction, reduced
from specc.layers.types import floating, promoted
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import DType, Shape, elements


def typed(x: Tensor, dtype: DType | None) -> Tensor:
    """In the wanted element type; without one, small integers and bools become int32 or uint32."""
    if dtype is not None:
        return ops.cast(x, x.trace.floatx if dtype == "float32" else dtype)
    if x.dtype in ("bool", "int8"):
        return ops.cast(x, "int32")
    return ops.cast(x, "uint32") if x.dtype == "uint8" else x


class Prod(Operation):
    """Product along axes: of both halves of an axis, until one element is left."""

    axis: Axes | None = None
    """Axes to fold; all when left out."""
    keepdims: bool = False
    """Whether folded axes stay with length 1."""
    dtype: DType | None = None
    """Element type of the result; that of x when left out, at least 32 bits."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axes = axes_of(self.axis, len(x))
        for axis in axes:
            fixed(x, axis, "nothing is multiplied")
        return reduced(x, axes, keepdims=self.keepdims)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = typed(inputs[0], self.dtype)
        return self.folded(x, axes_of(self.axis, x.rank), keepdims=self.keepdims)

    @staticmethod
    def folded(x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        """The product along axes."""
        for axis in axes:
            while (length := ints((x.shape[axis],))[0]) > 1:
                half = length // 2
                both = (ops.slice_axis(x, axis, i * half, (i + 1) * half) for i in range(2))
                rest = [ops.slice_axis(x, axis, 2 * half, length)] if length % 2 else []
                first, second = both
                x = ops.concat([first * second, *rest], axis) if rest else first * second
        if keepdims:
            return x
        return ops.reshape(x, tuple(dim for i, dim in enumerate(x.shape) if i not in axes))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]))


class Cumprod(Operation):
    """Running product along an axis, in as many steps as its length has binary digits."""

    axis: int | None = None
    """The axis."""
    dtype: DType | None = None
    """Element type of the result; that of x when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("a product over the flattened batch is not supported; give axis")
        fixed(x, axis_index(self.axis, len(x)), "nothing is multiplied")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if self.dtype is not None or x.dtype == "bool":
            x = typed(x, self.dtype)
        axis = (self.axis or 0) % x.rank
        (length,) = ints((x.shape[axis],))
        step = 1
        while step < length:
            head = ops.slice_axis(x, axis, 0, step)
            later = ops.slice_axis(x, axis, step, length)
            x = ops.concat([head, later * ops.slice_axis(x, axis, 0, length - step)], axis)
            step *= 2
        return x


class Diff(Operation):
    """Differences of neighbours along an axis."""

    operands: ClassVar[tuple[str, ...]] = ("a",)
    n: NonNegativeInt = 1
    """How many times in a row."""
    axis: int = -1
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axis = axis_index(self.axis, len(x))
        length = fixed(x, axis, "there are no neighbours") - self.n
        if length < 1:
            raise ShapeError(f"an axis of {x[axis]} has no differences of order {self.n}")
        return (*x[:axis], length, *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        axis = self.axis % x.rank
        for _ in range(self.n):
            (length,) = ints((x.shape[axis],))
            after, before = (ops.slice_axis(x, axis, i, length - 1 + i) for i in (1, 0))
            same = ops.equal(after, before) if x.dtype == "bool" else None
            x = after - before if same is None else ops.logical_not(same)
        return x


def flattened(x: Tensor, axes: Sequence[int]) -> Tensor:
    """These axes as one, the last."""
    rest = [i for i in range(x.rank) if i not in axes]
    size = int(np.prod(ints(tuple(x.shape[axis] for axis in axes))))
    moved = ops.transpose(x, (*rest, *axes))
    return ops.reshape(moved, (*(x.shape[axis] for axis in rest), size))


def ascending(x: Tensor) -> Tensor:
    """The elements of the last axis in order; all of them no numbers where one is, as in Keras."""
    ordered = -ops.sort_descending(-x)
    sound = ops.reduce_min(ops.cast(ops.equal(x, x), x.dtype), -1, keepdims=True)
    return ops.where(ops.greater(sound, 0.0), ordered, math.nan)


class Median(Reduction):
    """The middle element in order along axes; of two the mean."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        for axis in axes_of(self.axis, len(x)):
            fixed(x, axis, "nothing is sorted")
        return super().output_shape(inputs)

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        ordered = ascending(flattened(floating(x), axes))
        (size,) = ints((ordered.shape[-1],))
        middle = ops.slice_axis(ordered, -1, (size - 1) // 2, size // 2 + 1)
        found = ops.reduce_mean(middle, -1)
        for axis in sorted(axes) if keepdims else ():
            found = ops.expand_dims(found, axis)
        return found


class Average(Operation):
    """Weighted mean along an axis, the plain one without weights."""

    operands: ClassVar[tuple[str, ...]] = ("x", "weights")
    # A layer's weights are what it owns.
    renamed: ClassVar[Mapping[str, str]] = {"weights": "factors"}
    max_inputs: ClassVar[int | None] = 2
    axis: int | None = None
    """Axis to fold; all when left out."""
    factors: Constant = None
    """The weights, when they are no input: of the length of the axis, or of the shape of x."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x, *given = inputs
        axes = axes_of(self.axis, len(x))
        if self.factors is not None:
            given.append(np.shape(self.factors))
        along = x if self.axis is None else (x[axes[0]],)
        if len(given) > 1 or any(shape not in (x, along) for shape in given):
            raise ShapeError(f"weights {given[-1]} are neither {x} nor {along}")
        return reduced(x, axes, keepdims=False)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, *given = inputs
        axes = axes_of(self.axis, x.rank)
        if self.factors is not None:
            given.append(x.trace.constant(np.asarray(self.factors), x.trace.floatx))
        if not given:
            return ops.reduce_mean(floating(x), axes)
        x, by = promoted([floating(x), *given])
        if by.rank < x.rank:
            by = ops.reshape(by, tuple(d if i in axes else 1 for i, d in enumerate(x.shape)))
        return ops.reduce_sum(x * by, axes) / ops.reduce_sum(by, axes)


class Trapezoid(Operation):
    """The integral along an axis of what lies straight between neighbours."""

    operands: ClassVar[tuple[str, ...]] = ("y",)
    x: tuple[float, ...] | None = None
    """Where the elements stand; `dx` apart when left out."""
    dx: float = 1.0
    """Distance of neighbours."""
    axis: int = -1
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (y,) = inputs
        axis = axis_index(self.axis, len(y))
        length = fixed(y, axis, "there are no neighbours")
        if self.x is not None and len(self.x) != length:
            raise ShapeError(f"x has {len(self.x)} places for {length} elements")
        return reduced(y, (axis,), keepdims=False)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        y = ops.move_axis(floating(inputs[0]), self.axis, -1)
        (length,) = ints((y.shape[-1],))
        places = np.arange(length) * self.dx if self.x is None else np.asarray(self.x)
        # Each element counts with half the distance of the neighbours on both sides.
        width = np.diff(places)
        shares = (np.pad(width, (0, 1)) + np.pad(width, (1, 0))) / 2.0
        return ops.reduce_sum(y * shares, -1)
