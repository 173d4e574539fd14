"""The fully connected layer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveFloat, PositiveInt
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import OptionalActivation
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Lowering, Shapes, Weight
from specc.layers.axes import known
from specc.layers.lora import Adapted, adapted, adapters
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class Dense(Adapted):
    """activation(x W + b) on the last axis.

    Shapes: x (N, ..., d), kernel W (d, units), bias b (units), result (N, ..., units).

    Source: keras/src/layers/core/dense.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    units: PositiveInt
    """Length of the last axis of the result."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    use_bias: bool = True
    """Whether a bias is added."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on the kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    kernel_constraint: Constraint | None = None
    """Limit on the kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""
    lora_rank: PositiveInt | None = None
    """Rank of the product that is added to the then frozen kernel; none when absent."""
    lora_alpha: PositiveFloat | None = None
    """The product's factor is lora_alpha / lora_rank; lora_rank by default."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if len(x) < 2:  # noqa: PLR2004
            raise ShapeError(f"expected an input of at least 2 axes, found {show(x)}")
        known(x, -1)
        return activations.output_shape(self.activation, (*x[:-1], self.units))

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        full = weight(self, "kernel", (known(inputs[0], -1), self.units))
        kernel, lora = adapters(full, self.lora_rank)
        bias = (weight(self, "bias", (self.units,)),) if self.use_bias else ()
        return (kernel, *bias, *lora)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        bias = low.weight("bias") if self.use_bias else None
        kernel = adapted(low, "kernel", self.lora_rank, self.lora_alpha)
        return activations.apply(self.activation, ops.dense(x, kernel, bias))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        rows = elements(inputs[0][1:-1])
        made = rows * self.units
        each = self.use_bias + activations.get(self.activation).ops
        return Cost(made * known(inputs[0], -1), made * each)
