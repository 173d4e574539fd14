"""Activation functions with parameters, as layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import NonNegativeFloat
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import Axes
from specc.initializers import Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.attending import MASKED, optional
from specc.layers.axes import known
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError, axis_index, broadcast, fits
from specc.tensors import Shape, elements, show


class ReLU(Layer):
    """min(x, max_value) above the threshold, negative_slope (x - threshold) below it.

    Shapes: as the input.

    Source: keras/src/layers/activations/relu.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True
    aliases: ClassVar[tuple[str, ...]] = ("relu",)

    max_value: NonNegativeFloat | None = None
    """Largest result; no limit when absent."""
    negative_slope: NonNegativeFloat = 0.0
    """Slope below the threshold."""
    threshold: NonNegativeFloat = 0.0
    """Where the function leaves its lower branch."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        parts = 1 + (self.max_value is not None) + 2 * (self.negative_slope != 0.0)
        return Cost(ops=parts * elements(output[1:]))


class LeakyReLU(Layer):
    """`x` for x >= 0, `negative_slope x` below. The default slope is not that of the function.

    Shapes: as the input.

    Source: keras/src/layers/activations/leaky_relu.py (3.15.1); Maas et al. (2013).
    """

    supports_masking: ClassVar[bool] = True
    aliases: ClassVar[tuple[str, ...]] = ("leaky_relu",)

    negative_slope: float = 0.3
    """Slope below 0."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return activations.leaky_relu(x, self.negative_slope)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=activations.get("leaky_relu").ops * elements(output[1:]))


class PReLU(Layer):
    """`x` for x >= 0, `alpha x` below, alpha learnt for each element.

    Shapes: weight alpha (input without batch, 1 at shared axes); result as the input.

    Source: keras/src/layers/activations/prelu.py (3.15.1); He et al. (2015).
    """

    supports_masking: ClassVar[bool] = True
    aliases: ClassVar[tuple[str, ...]] = ("prelu",)

    alpha_initializer: Initializer = Zeros()
    """First values of alpha."""
    alpha_regularizer: Regularizer | None = None
    """Penalty on alpha."""
    alpha_constraint: Constraint | None = None
    """Limit on alpha after each update."""
    shared_axes: Axes | None = None
    """Axes along which alpha is the same, counted from 1: [1, 2] for one alpha a channel."""

    def _alpha_shape(self, shape: Shape) -> tuple[int, ...]:
        shared = (self.shared_axes,) if isinstance(self.shared_axes, int) else self.shared_axes
        for axis in shared or ():
            if not 1 <= axis < len(shape):
                raise ShapeError(
                    f"shared axis {axis} does not exist in {show(shape)}; use 1 to {len(shape) - 1}"
                )
        return tuple(1 if i in (shared or ()) else known(shape, i) for i in range(1, len(shape)))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self._alpha_shape(inputs[0])
        return inputs[0]

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (weight(self, "alpha", self._alpha_shape(inputs[0])),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return ops.relu(x) - low.weight("alpha") * ops.relu(-x)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))


class ELU(Layer):
    """`x` for x >= 0, `alpha (e^x - 1)` below.

    Shapes: as the input.

    Source: keras/src/layers/activations/elu.py (3.15.1); Clevert et al. (2016).
    """

    supports_masking: ClassVar[bool] = True

    alpha: float = 1.0
    """Limit for large negative x, negated."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return activations.elu(ops.cast(inputs[0], inputs[0].trace.floatx), self.alpha)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=activations.get("elu").ops * elements(output[1:]))


class Softmax(Layer):
    """e^x over its sum along one axis, or over several axes together.

    Shapes: as the input; mask, true where x counts, spreads over it. What does not count is 0.

    Source: keras/src/layers/activations/softmax.py (3.15.1).
    """

    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "mask")
    mask_arguments: ClassVar[Mapping[str, str]] = {"mask": "inputs"}
    supports_masking: ClassVar[bool] = True

    axis: Axes = -1
    """The axis, or axes, over which the result sums to 1."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        for axis in (self.axis,) if isinstance(self.axis, int) else self.axis:
            axis_index(axis, len(x))
        if len(inputs) > 1:
            _check_mask(inputs[1], x)
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        mask = optional(inputs, 1)
        if mask is None:
            return self._along(x)
        # A mask of numbers counts from 0.5 on.
        kept = mask if mask.dtype == "bool" else ops.greater(mask, 0.5)
        return ops.where(kept, self._along(ops.where(kept, x, MASKED)), 0.0)

    def _along(self, x: Tensor) -> Tensor:
        if isinstance(self.axis, int):
            return activations.softmax(x, self.axis)
        if len(self.axis) == 1:
            return activations.softmax(x, self.axis[0])
        last = sorted(axis % x.rank for axis in self.axis)
        order = [i for i in range(x.rank) if i not in last] + last
        moved = ops.transpose(x, order)
        kept = moved.shape[: x.rank - len(last)]
        together = math.prod(ints(moved.shape[len(kept) :]))
        y = ops.reshape(ops.softmax(ops.reshape(moved, (*kept, together))), moved.shape)
        return ops.transpose(y, [order.index(i) for i in range(x.rank)])

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=activations.get("softmax").ops * elements(output[1:]))


def _check_mask(mask: Shape, x: Shape) -> None:
    """Check that a mask spreads over x.

    Raises:
        ShapeError: it does not.
    """
    try:
        spreads = fits(broadcast(x, mask), x)
    except ShapeError:
        spreads = False
    if not spreads:
        raise ShapeError(f"a mask {show(mask)} does not spread over an input {show(x)}")
