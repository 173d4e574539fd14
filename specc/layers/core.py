"""Small layers without weights: the identity, a fixed scale, a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeFloat
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Values
from specc.layer import Cost, Layer, Lowering, Shapes, moved_text
from specc.primitives import Tensor
from specc.regularizers import L1L2
from specc.shapes import ShapeError, broadcast
from specc.tensors import Shape, elements, show


class Identity(Layer):
    """The input itself.

    Source: keras/src/layers/core/identity.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return inputs[0]


class Rescaling(Layer):
    """`x scale + offset`; 1/255 brings the bytes of an image to [0, 1].

    Shapes: as the input; lists spread over its last axes.

    Source: keras/src/layers/preprocessing/rescaling.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    scale: Values
    """Factor, one for all or one for each index of the last axis."""
    offset: Values = 0.0
    """Added after the product, one for all or one for each index of the last axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        for name, value in (("scale", self.scale), ("offset", self.offset)):
            shape = np.shape(value)
            try:
                fits = broadcast(x, shape) == x
            except ShapeError:
                fits = False
            if not fits:
                raise ShapeError(
                    f"{name} of shape {show(shape)} does not spread over an input {show(x)}"
                )
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        y = x * np.asarray(self.scale, np.float64)
        return y + np.asarray(self.offset, np.float64) if np.any(self.offset) else y

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))


class ActivityRegularization(Layer):
    """The input itself, at the price of `l1 sum |x| + l2 sum x^2` over the batch size.

    Shapes: as the input.

    Source: keras/src/layers/regularization/activity_regularization.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    l1: NonNegativeFloat = 0.0
    """Factor of the absolute values."""
    l2: NonNegativeFloat = 0.0
    """Factor of the squares."""

    @override
    def in_turn(self, inputs: Shapes, *, training: bool) -> bool:
        return bool(self.l1 or self.l2)  # the penalty is divided by the samples of one call

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.l1 or self.l2:
            x = ops.cast(inputs[0], inputs[0].trace.floatx)
            low.add_loss(L1L2(l1=self.l1, l2=self.l2).penalty(x) / ops.batch_size(x))
        return inputs[0]
