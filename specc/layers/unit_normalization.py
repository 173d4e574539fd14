"""Vectors of length 1."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.layer_normalization import axes_of
from specc.primitives import Tensor
from specc.tensors import Shape, elements
from specc.unit_vectors import unit

# The least length that Keras divides by: UnitNormalization's own.
EPSILON = 1e-12


class UnitNormalization(Layer):
    """`x / max(|x|, 1e-12)`, the Euclidean length of each sample over `axis`.

    Shapes: as the input.

    Source: keras/src/layers/normalization/unit_normalization.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    axis: Axes = -1
    """The axes over which the length is taken."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        axes_of(self.axis, len(inputs[0]))
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return unit(x, axes_of(self.axis, x.rank), EPSILON)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=3 * elements(output[1:]))
