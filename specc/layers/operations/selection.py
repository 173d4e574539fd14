"""Limits, choices and element types.

Source: keras/src/ops/numpy.py, core.py and nn.py (3.15.1).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, Operation, broadcast
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import DType, Shape, elements


def _typed(x: Tensor, dtype: DType | None) -> Tensor:
    """In another element type; float32 is what the graph computes in."""
    if dtype is None:
        return x
    return ops.cast(x, x.trace.floatx if dtype == "float32" else dtype)


class Cast(Operation):
    """The same values in another element type; floats lose their fraction towards zero."""

    keras_module: ClassVar[str] = "keras.src.ops.core"

    dtype: DType
    """Element type of the result."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _typed(inputs[0], self.dtype)


class ConvertToTensor(Operation):
    """The same values, in another element type if one is given.

    Keras puts it between a mask and what reads it.
    """

    keras_module: ClassVar[str] = "keras.src.ops.core"
    apart: ClassVar[bool] = True

    dtype: DType | None = None
    """Element type of the result; that of x when left out."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _typed(inputs[0], self.dtype)


class SaturateCast(Cast):
    """The nearest values that another element type has; floats lose their fraction towards zero."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        kind = np.dtype(self.dtype)
        if kind.kind not in "iu" or x.dtype == "bool":
            return _typed(x, self.dtype)
        limits = np.iinfo(kind)
        if ops.is_float(x):
            # float64 holds every limit but the upper one of int64.
            top = min(limits.max, 2**63 - 1024)
            x = ops.clip(ops.cast(x, "float64"), float(limits.min), float(top))
        else:
            x = ops.maximum(ops.cast(x, "int64"), int(limits.min))
            x = ops.minimum(x, int(limits.max))
        return ops.cast(x, self.dtype)


class Clip(Operation):
    """Elements limited to [x_min, x_max]."""

    x_min: Constant
    """Lower limit: a number or an array that broadcasts."""
    x_max: Constant
    """Upper limit: a number or an array that broadcasts."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return broadcast([inputs[0], np.shape(self.x_min), np.shape(self.x_max)])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if x.dtype == "bool":
            x = ops.cast(x, "int32")
        if ops.is_float(x) and np.ndim(self.x_min) == np.ndim(self.x_max) == 0:
            return ops.clip(x, self.x_min, self.x_max)
        return ops.minimum(ops.maximum(x, np.asarray(self.x_min)), np.asarray(self.x_max))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))


class Where(Combination):
    """`x1` where the condition holds, `x2` elsewhere, all three broadcast."""

    operands: ClassVar[tuple[str, ...]] = ("condition", "x1", "x2")
    x1: Constant = None
    """What to take where it holds, when it is no input."""
    x2: Constant = None
    """What to take elsewhere, when it is no input."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return broadcast(self.operand_shapes(inputs))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        condition, *choices = self.operand_tensors(inputs)
        a, b = promoted(choices)
        return ops.where(ops.cast(condition, "bool"), a, b)


class FullLike(Combination):
    """One value everywhere, in the shape of x."""

    operands: ClassVar[tuple[str, ...]] = ("x", "fill_value")
    fill_value: Constant
    """The value."""
    dtype: DType | None = None
    """Element type of the result; that of x when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x, value = self.operand_shapes(inputs)
        if broadcast([x, value]) != x:
            raise ShapeError(f"fill_value {value} does not fit {x}")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = inputs[0]
        value = x.trace.constant(np.asarray(self.fill_value), x.dtype)
        return _typed(ops.broadcast_to(value, x.shape, x), self.dtype)


class ZerosLike(Operation):
    """0 everywhere, in the shape of x."""

    value: ClassVar[int] = 0
    dtype: DType | None = None
    """Element type of the result; that of x when left out."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        value = x.trace.constant(self.value, x.dtype)
        return _typed(ops.broadcast_to(value, x.shape, x), self.dtype)


class OnesLike(ZerosLike):
    """1 everywhere, in the shape of x."""

    value: ClassVar[int] = 1


class OneHot(Operation):
    """1 at the position that an integer names along a new axis, else 0."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"

    num_classes: int
    """Length of the new axis."""
    axis: int = -1
    """Where the new axis stands in the result."""
    dtype: DType | None = None
    """Element type of the result; a float when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axis = axis_index(self.axis, len(x) + 1)
        return (*x[:axis], self.num_classes, *x[axis:])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        hot = ops.one_hot(ops.cast(x, "int64"), self.num_classes)
        return _typed(ops.move_axis(hot, -1, self.axis % hot.rank), self.dtype)
