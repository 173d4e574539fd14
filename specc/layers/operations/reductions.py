"""Sums, means, extremes and norms along axes.

Source: keras/src/ops/numpy.py, math.py, nn.py and linalg.py (3.15.1).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeAlias

from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Operation, axes_of
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import DType, Shape, elements

Reduced: TypeAlias = tuple[int, ...]


def reduced(shape: Shape, axes: tuple[int, ...], *, keepdims: bool) -> Shape:
    """The shape that is left."""
    return tuple(
        1 if i in axes else dim for i, dim in enumerate(shape) if keepdims or i not in axes
    )


class Reduction(Operation):
    """A function of all elements along axes."""

    abstract: ClassVar[bool] = True
    axis: Axes | None = None
    """Axes to fold; all when left out."""
    keepdims: bool = False
    """Whether folded axes stay with length 1."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return reduced(x, axes_of(self.axis, len(x)), keepdims=self.keepdims)

    @abstractmethod
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        """The function."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return self.fold(x, axes_of(self.axis, x.rank), keepdims=self.keepdims)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]))


class Sum(Reduction):
    """Sum; small integers and bools are counted in int32."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        if x.dtype in ("bool", "int8", "uint8"):
            x = ops.cast(x, "int32")
        return ops.reduce_sum(x, axes, keepdims=keepdims)


class Mean(Reduction):
    """Mean; integers become floats."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.reduce_mean(floating(x), axes, keepdims=keepdims)


class Max(Reduction):
    """Largest element."""

    initial: int | float | None = None
    """The result is at least this."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        y = ops.reduce_max(x, axes, keepdims=keepdims)
        return y if self.initial is None else ops.maximum(y, self.initial)


class Min(Reduction):
    """Smallest element."""

    initial: int | float | None = None
    """The result is at most this."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        y = ops.reduce_min(x, axes, keepdims=keepdims)
        return y if self.initial is None else ops.minimum(y, self.initial)


class Amax(Reduction):
    """Largest element."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.reduce_max(x, axes, keepdims=keepdims)


class Amin(Reduction):
    """Smallest element."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.reduce_min(x, axes, keepdims=keepdims)


class Ptp(Reduction):
    """Largest minus smallest element."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        low = ops.reduce_min(x, axes, keepdims=keepdims)
        return ops.reduce_max(x, axes, keepdims=keepdims) - low


def variance(x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
    """Mean of the squared distance from the mean."""
    centred = x - ops.reduce_mean(x, axes, keepdims=True)
    return ops.reduce_mean(centred * centred, axes, keepdims=keepdims)


class Var(Reduction):
    """Mean squared distance from the mean."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return variance(floating(x), axes, keepdims=keepdims)


class Std(Reduction):
    """Root of the mean squared distance from the mean."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        return ops.sqrt(variance(floating(x), axes, keepdims=keepdims))


class Logsumexp(Reduction):
    """log of the sum of e^x, computed without overflow."""

    keras_module: ClassVar[str] = "keras.src.ops.math"

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        x = floating(x)
        # The largest element cancels; no gradient flows through it.
        peak = ops.stop_gradient(ops.reduce_max(x, axes, keepdims=True))
        total = ops.log(ops.reduce_sum(ops.exp(x - peak), axes, keepdims=True)) + peak
        return total if keepdims else ops.reduce_sum(total, axes)


class Any(Reduction):
    """Whether any element is true."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        found = ops.reduce_max(_truth(x), axes, keepdims=keepdims)
        return ops.cast(found, "bool")


class All(Reduction):
    """Whether all elements are true."""

    @override
    def fold(self, x: Tensor, axes: Reduced, *, keepdims: bool) -> Tensor:
        found = ops.reduce_min(_truth(x), axes, keepdims=keepdims)
        return ops.cast(found, "bool")


def _truth(x: Tensor) -> Tensor:
    """1 for anything but 0."""
    return ops.cast(ops.cast(x, "bool"), "int32")


class CountNonzero(Operation):
    """Number of elements that are not 0."""

    axis: Axes | None = None
    """Axes to fold; all when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return reduced(x, axes_of(self.axis, len(x)), keepdims=False)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return ops.reduce_sum(_truth(x), axes_of(self.axis, x.rank))


class Norm(Operation):
    """Root of the sum of squares, or another norm of vectors: sum of |x|, largest |x|."""

    keras_module: ClassVar[str] = "keras.src.ops.linalg"
    ord: int | float | str | None = None
    """1, 2 or infinity; 2 when left out, and `fro` for two axes."""
    axis: Axes | None = None
    """Axes to fold; all when left out."""
    keepdims: bool = False
    """Whether folded axes stay with length 1."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axes = axes_of(self.axis, len(x))
        plain = (None, "fro") if len(axes) > 1 else (None, "fro", 1, 2, float("inf"))
        if self.ord not in plain:
            raise ShapeError(f"a norm of order {self.ord} over {len(axes)} axes is not supported")
        return reduced(x, axes, keepdims=self.keepdims)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = floating(inputs[0])
        axes = axes_of(self.axis, x.rank)
        if self.ord == 1:
            return ops.reduce_sum(ops.absolute(x), axes, keepdims=self.keepdims)
        if self.ord == float("inf"):
            return ops.reduce_max(ops.absolute(x), axes, keepdims=self.keepdims)
        return ops.sqrt(ops.reduce_sum(x * x, axes, keepdims=self.keepdims))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(inputs[0][1:]))


class Normalize(Operation):
    """The tensor over its norm along axes, which is at least epsilon."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"

    axis: Axes | None = -1
    """Axes whose elements make one norm; all when null."""
    order: int = 2
    """Order of the norm: 1 or 2."""
    epsilon: float | None = None
    """Least norm; 1e-7 when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axes_of(self.axis, len(x))
        if self.order not in (1, 2):
            raise ShapeError(f"normalize of order {self.order} is not supported; 1 and 2 are")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = floating(inputs[0])
        axes = axes_of(self.axis, x.rank)
        least = 1e-7 if self.epsilon is None else self.epsilon
        if self.order == 1:
            size = ops.reduce_sum(ops.absolute(x), axes, keepdims=True)
            return x / ops.maximum(size, least)
        # The root comes last, so that no gradient is infinite at 0.
        square = ops.reduce_sum(x * x, axes, keepdims=True)
        return x / ops.sqrt(ops.maximum(square, least * least))


class Moments(Operation):
    """Mean and variance along axes: two outputs."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"

    axes: Axes
    """Axes to fold."""
    keepdims: bool = False
    """Whether folded axes stay with length 1."""
    synchronized: bool = False
    """Of no effect on one device."""

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        (x,) = inputs
        shape = reduced(x, axes_of(self.axes, len(x)), keepdims=self.keepdims)
        return shape, shape

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        x = floating(inputs[0])
        axes = axes_of(self.axes, x.rank)
        mean = ops.reduce_mean(x, axes, keepdims=self.keepdims)
        return mean, variance(x, axes, keepdims=self.keepdims)


class Argmax(Operation):
    """Position (int32) of the largest element, the first of equal ones."""

    axis: int | None = None
    """Axis to search; null searches the flattened tensor."""
    keepdims: bool = False
    """Whether the axis stays with length 1."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("a position in the flattened batch is not supported; give an axis")
        return reduced(x, (axis_index(self.axis, len(x)),), keepdims=self.keepdims)

    def found(self, x: Tensor, axis: int) -> Tensor:
        """The position."""
        return ops.argmax(x, axis)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        axis = (self.axis or 0) % x.rank
        index = ops.cast(self.found(floating(x), axis), "int32")
        return ops.expand_dims(index, axis) if self.keepdims else index


class Argmin(Argmax):
    """Position (int32) of the smallest element, the first of equal ones."""

    @override
    def found(self, x: Tensor, axis: int) -> Tensor:
        return ops.argmax(-x, axis)


class Cumsum(Operation):
    """Running sum along an axis."""

    axis: int | None = None
    """The axis."""
    dtype: DType | None = None
    """Element type of the result; that of x when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("a running sum over the flattened batch is not supported; give axis")
        axis_index(self.axis, len(x))
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if self.dtype is not None:
            x = ops.cast(x, x.trace.floatx if self.dtype == "float32" else self.dtype)
        elif x.dtype in ("bool", "int8", "uint8"):
            x = ops.cast(x, "int32")
        return ops.cumsum(x, self.axis or 0)
