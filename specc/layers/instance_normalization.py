"""Normalisation of each channel of each sample."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveFloat
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.affine import affine, affine_weights
from specc.layers.axes import expect_rank, known
from specc.layers.layer_normalization import spread
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import axis_index
from specc.tensors import Shape, elements


class InstanceNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) gamma + beta`, moments over all but batch and `axis`.

    Shapes: weights (length of `axis`); result as the input.

    Source: Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization; fields and defaults as
    Keras' GroupNormalization, which with `groups: -1` computes the same.
    """

    supports_masking: ClassVar[bool] = True

    keras_module: ClassVar[str] = ""

    axis: int = -1
    """The axis of the channels."""
    epsilon: PositiveFloat = 1e-3
    """Added to the variance."""
    center: bool = True
    """Whether an offset beta is learnt."""
    scale: bool = True
    """Whether a factor gamma is learnt."""
    beta_initializer: Initializer = Zeros()
    """First values of beta."""
    gamma_initializer: Initializer = Ones()
    """First values of gamma."""
    beta_regularizer: Regularizer | None = None
    """Penalty on beta."""
    gamma_regularizer: Regularizer | None = None
    """Penalty on gamma."""
    beta_constraint: Constraint | None = None
    """Limit on beta after each update."""
    gamma_constraint: Constraint | None = None
    """Limit on gamma after each update."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if len(x) < 3:  # noqa: PLR2004
            expect_rank(x, 3, "(batch, positions, channels), or more")
        known(x, axis_index(self.axis, len(x)))
        return x

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return affine_weights(self, (known(inputs[0], self.axis),))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axis = self.axis % x.rank
        folded = tuple(i for i in range(1, x.rank) if i != axis)
        y = ops.standardised(x, folded, self.epsilon)
        return affine(self, low, y, spread(ints((x.shape[axis],)), (axis,), x.rank))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=(5 + self.scale + self.center) * elements(output[1:]))
