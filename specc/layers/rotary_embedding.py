"""Positions written into vectors as angles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import known
from specc.layers.layer_normalization import spread
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements, show


class RotaryEmbedding(Layer):
    """Feature pairs (i, i + d/2) turned by the angle position / (scaling max_wavelength^(2i/d)).

    Call flag: `start_index`, the position of the first step (0).

    Shapes: x with the positions on one axis and d features, an even number, on another; result the
    same.

    Source: Su et al. (2021), RoFormer; fields and pairs as keras_hub's RotaryEmbedding.
    """

    supports_masking: ClassVar[bool] = True

    keras_module: ClassVar[str] = ""

    call_flags: ClassVar[tuple[str, ...]] = ("start_index",)

    max_wavelength: PositiveFloat = 10000.0
    """Positions of the slowest pair's turn, over 2 pi."""
    scaling_factor: PositiveFloat = 1.0
    """What positions are divided by."""
    sequence_axis: PositiveInt = 1
    """The axis of the positions."""
    feature_axis: int = -1
    """The axis of the features."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        feature = axis_index(self.feature_axis, len(x))
        known(x, axis_index(self.sequence_axis, len(x)))
        if known(x, feature) % 2 or feature in (0, self.sequence_axis):
            raise ShapeError(
                f"axis {feature} of {show(x)} cannot be cut into pairs of features; it needs an"
                " even length, and to be neither the batch nor the positions"
            )
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        feature = self.feature_axis % x.rank
        steps, size = ints((x.shape[self.sequence_axis], x.shape[feature]))
        start = int(low.flags.get("start_index") or 0)
        positions = (start + np.arange(steps)) / self.scaling_factor
        pace = self.max_wavelength ** -(np.arange(0, size, 2) / size)
        angles = positions[:, None] * np.concatenate((pace, pace))[None, :]
        axes = (self.sequence_axis, feature)
        if axes[0] > axes[1]:
            axes, angles = axes[::-1], angles.T
        shape = spread(angles.shape, axes, x.rank)
        cos, sin = (x.trace.constant(f(angles).reshape(shape)) for f in (np.cos, np.sin))
        first, second = ops.split(x, (size // 2, size // 2), feature)
        return x * cos + ops.concat((-second, first), feature) * sin

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=4 * elements(output[1:]))
