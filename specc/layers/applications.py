"""Layers that Keras has only inside `keras.applications`: scaled and dropped residual branches."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc.fields import Rate
from specc.initializers import Constant
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.dropout import kept
from specc.layers.merging import merged
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class LayerScale(Layer):
    """x gamma, with one learned factor for each index of the last axis.

    Shapes: x (N, ..., projection_dim), gamma (projection_dim), result as x.

    Source: keras/src/applications/convnext.py (3.15.1).
    """

    keras_module: ClassVar[str] = "keras.src.applications.convnext"
    init_values: float
    """First value of every factor."""
    projection_dim: PositiveInt
    """Length of the last axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if x[-1] != self.projection_dim:
            raise ShapeError(f"expected {self.projection_dim} channels, found {show(x)}")
        return x

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        first = Constant(value=self.init_values)
        return (Weight("variable", (self.projection_dim,), first),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return inputs[0] * low.weight("variable")

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))


class CustomScaleLayer(Layer):
    """The first input plus `scale` times the second: a damped residual.

    Shapes: inputs of one shape, which is the result's.

    Source: keras/src/applications/inception_resnet_v2.py (3.15.1).
    """

    keras_module: ClassVar[str] = "keras.src.applications.inception_resnet_v2"

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    scale: float
    """Factor of the second input."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return merged(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return inputs[0] + inputs[1] * self.scale

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))


class StochasticDepth(Layer):
    """In training, whole samples become 0 with probability p, others x / (1 - p); else x.

    Source: keras/src/applications/convnext.py (3.15.1).
    """

    keras_module: ClassVar[str] = "keras.src.applications.convnext"

    drop_path_rate: Rate
    """Probability of dropping a sample's branch."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if not low.training or self.drop_path_rate == 0.0:
            return x
        if self.drop_path_rate == 1.0:
            return x * 0.0
        shape = (x.shape[0], *((1,) * (x.rank - 1)))
        return x * (kept(low, x, shape, self.drop_path_rate) * (1.0 / (1.0 - self.drop_path_rate)))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))
