"""A learnt factor or a learnt offset, shared along some axes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.axes import known
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class _Elementwise(Layer):
    abstract: ClassVar[bool] = True
    supports_masking: ClassVar[bool] = True

    shared_axes: tuple[PositiveInt, ...] | None = None
    """Axes along which values are shared, 1 the first after the batch; null: all but the last."""

    def shape(self, x: Shape) -> tuple[int, ...]:
        """The weight's shape: the input's without the batch, 1 where values are shared."""
        if len(x) < 2:  # noqa: PLR2004
            raise ShapeError(f"expected an input of at least 2 axes, found {show(x)}")
        shared = range(1, len(x) - 1) if self.shared_axes is None else self.shared_axes
        if any(axis >= len(x) for axis in shared):
            raise ShapeError(f"shared_axes {list(shared)} are not axes of {show(x)}")
        return tuple(1 if i in shared else known(x, i) for i in range(1, len(x)))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self.shape(inputs[0])
        return inputs[0]

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))


class Scale(_Elementwise):
    """x s, with a learnt factor s.

    Shapes: weight `scales`, the input's without the batch, 1 along `shared_axes`; result as x.

    Source: Lasagne's ScaleLayer (layers/special.py).
    """

    keras_module: ClassVar[str] = ""

    scales_initializer: Initializer = Ones()
    """First values of the factors."""
    scales_regularizer: Regularizer | None = None
    """Penalty on the factors."""
    scales_constraint: Constraint | None = None
    """Limit on the factors after each update."""

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (weight(self, "scales", self.shape(inputs[0])),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.cast(inputs[0], inputs[0].trace.floatx) * low.weight("scales")


class Bias(_Elementwise):
    """x + b, with a learnt offset b.

    Shapes: weight `bias`, the input's without the batch, 1 along `shared_axes`; result as x.

    Source: Lasagne's BiasLayer (layers/special.py).
    """

    keras_module: ClassVar[str] = ""

    bias_initializer: Initializer = Zeros()
    """First values of the offsets."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the offsets."""
    bias_constraint: Constraint | None = None
    """Limit on the offsets after each update."""

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (weight(self, "bias", self.shape(inputs[0])),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.cast(inputs[0], inputs[0].trace.floatx) + low.weight("bias")
