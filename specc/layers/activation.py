"""An activation function as a layer."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.fields import ActivationChoice
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.primitives import Tensor
from specc.tensors import Shape, elements


class Activation(Layer):
    """A function, elementwise or along one axis.

    Shapes: as the input; `glu` halves its axis.

    Source: keras/src/layers/activations/activation.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    activation: ActivationChoice
    """The function: its name, or its name with values for its parameters."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return activations.output_shape(self.activation, inputs[0])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return activations.apply(self.activation, ops.cast(inputs[0], inputs[0].trace.floatx))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]) * activations.get(self.activation).ops)
