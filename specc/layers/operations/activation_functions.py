"""Activation functions of `keras.ops`, with their parameters.

Source: keras/src/ops/nn.py (3.15.1); formulas and costs stand in `specc/activations.py`.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import activations
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Operation
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements


class Function(Operation):
    """An activation function whose parameters are the fields of the same names.

    Class attributes:
        function: its name in `specc.activations`.
    """

    keras_module: ClassVar[str] = "keras.src.ops.nn"

    abstract: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    function: ClassVar[str]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        known = activations.get(self.function)
        names = [
            name for name in activations.keywords(self.function) if name in type(self).model_fields
        ]
        own = {name: getattr(self, name) for name in names}
        return known.function(floating(inputs[0]), **own)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]) * activations.get(self.function).ops)


class Relu(Function):
    """max(x, 0)."""

    function: ClassVar[str] = "relu"


class Relu6(Function):
    """min(max(x, 0), 6)."""

    function: ClassVar[str] = "relu6"


class Sigmoid(Function):
    """1 / (1 + e^-x)."""

    function: ClassVar[str] = "sigmoid"


class SparseSigmoid(Function):
    """(x + 1) / 2, limited to [0, 1]."""

    function: ClassVar[str] = "sparse_sigmoid"


class Softplus(Function):
    """log(1 + e^x)."""

    function: ClassVar[str] = "softplus"


class Softsign(Function):
    """x / (1 + |x|)."""

    function: ClassVar[str] = "softsign"


class SoftShrink(Function):
    """The element moved towards 0 by the threshold, 0 within it."""

    function: ClassVar[str] = "soft_shrink"
    threshold: float = 0.5
    """What is 0."""


class SparsePlus(Function):
    """0 below -1, x above 1, (x + 1)^2 / 4 between them."""

    function: ClassVar[str] = "sparse_plus"


class Silu(Function):
    """x / (1 + e^-x), also called swish."""

    function: ClassVar[str] = "silu"


class Squareplus(Function):
    """(x + sqrt(x^2 + b)) / 2."""

    function: ClassVar[str] = "squareplus"
    b: float = 4.0
    """Smoothness."""


class LogSigmoid(Function):
    """-log(1 + e^-x)."""

    function: ClassVar[str] = "log_sigmoid"


class LeakyRelu(Function):
    """The element where it is not negative, negative_slope x below."""

    function: ClassVar[str] = "leaky_relu"
    negative_slope: float = 0.2
    """Slope below 0."""


class HardSigmoid(Function):
    """x/6 + 1/2, limited to [0, 1]."""

    function: ClassVar[str] = "hard_sigmoid"


class HardSilu(Function):
    """x hard_sigmoid(x)."""

    function: ClassVar[str] = "hard_silu"


class Elu(Function):
    """The element where it is not negative, alpha (e^x - 1) below."""

    function: ClassVar[str] = "elu"
    alpha: float = 1.0
    """Limit towards minus infinity."""


class Selu(Function):
    """Scaled elu with the constants of the paper."""

    function: ClassVar[str] = "selu"


class Gelu(Function):
    """x times the normal distribution function of x."""

    function: ClassVar[str] = "gelu"
    approximate: bool = True
    """Whether tanh approximates it."""


class Celu(Function):
    """max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1)."""

    function: ClassVar[str] = "celu"
    alpha: float = 1.0
    """Limit towards minus infinity."""


class TanhShrink(Function):
    """x - tanh(x)."""

    function: ClassVar[str] = "tanh_shrink"


class HardTanh(Function):
    """The element limited to [-1, 1]."""

    function: ClassVar[str] = "hard_tanh"


class HardShrink(Function):
    """The element where |x| exceeds the threshold, else 0."""

    function: ClassVar[str] = "hard_shrink"
    threshold: float = 0.5
    """What becomes 0."""


class Threshold(Function):
    """The element where it exceeds the threshold, else the default value."""

    function: ClassVar[str] = "threshold"
    threshold: float
    """What x must exceed."""
    default_value: float
    """What other elements become."""


class AlongAxis(Function):
    """A function of the elements along one axis."""

    abstract: ClassVar[bool] = True
    axis: int = -1
    """Axis along which elements belong together."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        axis_index(self.axis, len(inputs[0]))
        return inputs[0]


class Softmax(AlongAxis):
    """e^x over its sum along an axis."""

    function: ClassVar[str] = "softmax"


class LogSoftmax(AlongAxis):
    """Logarithm of softmax along an axis."""

    function: ClassVar[str] = "log_softmax"


class Sparsemax(AlongAxis):
    """The nearest probabilities, many of them 0."""

    function: ClassVar[str] = "sparsemax"


class Glu(AlongAxis):
    """`a sigmoid(b)`, where a and b are the halves of x along an axis."""

    function: ClassVar[str] = "glu"

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axis = axis_index(self.axis, len(x))
        size = x[axis]
        if size is None or size % 2:
            raise ShapeError(f"glu halves axis {axis} of {x}, whose length is not even")
        return (*x[:axis], size // 2, *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return activations.get("glu").function(floating(x), self.axis % x.rank)
