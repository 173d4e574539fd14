"""Channels that damp their neighbours."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.along import along
from specc.layers.axes import channels_axis, known
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("odd", "expected an odd number, found {value}", {"value": value})
    return value


class LocalResponseNormalization(Layer):
    """x / (k + alpha s)^beta, where s sums x^2 over the n nearest channels; outside are zeros.

    Shapes: x (N, ..., c), or (N, c, ...) with `channels_first`; result the same.

    Source: Krizhevsky, Sutskever and Hinton (2012), section 3.3; the fields and defaults are those
    of Lasagne's LocalResponseNormalization2DLayer. (ONNX's LRN and PyTorch divide alpha by n.)
    """

    supports_masking: ClassVar[bool] = True

    keras_module: ClassVar[str] = ""

    alpha: PositiveFloat = 1e-4
    """Weight of the squares."""
    k: PositiveFloat = 2.0
    """What the sum starts from."""
    beta: PositiveFloat = 0.75
    """Power of the divisor."""
    n: Annotated[PositiveInt, AfterValidator(_odd)] = 5
    """Number of channels that are summed, an odd one."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if len(inputs[0]) < 2:  # noqa: PLR2004
            raise ShapeError(f"expected channels in an input of at least 2 axes: {show(inputs[0])}")
        known(inputs[0], channels_axis(self.data_format))
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axis = channels_axis(self.data_format) % x.rank
        (channels,) = ints((x.shape[axis],))
        distance = np.abs(np.arange(channels)[:, None] - np.arange(channels)[None, :])
        near = (distance <= self.n // 2).astype(np.float64)
        sums = along(x * x, near, axis) * self.alpha + self.k
        return x * ops.power(sums, -self.beta)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        made = elements(output[1:])
        return Cost(self.n * made, 5 * made)
