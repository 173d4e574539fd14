"""Normalisation of each sample over some of its axes: layer and root mean square."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import Axes
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.affine import affine, affine_weights
from specc.layers.axes import known
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import axis_index
from specc.tensors import Shape, elements


def axes_of(axis: Axes, rank: int) -> tuple[int, ...]:
    """One axis or several as sorted positions.

    Raises:
        ShapeError: there is no such axis.
    """
    several = (axis,) if isinstance(axis, int) else axis
    return tuple(sorted({axis_index(one, rank) for one in several}))


def spread(shape: tuple[int, ...], axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A weight's shape, given along `axes`, with 1 for every other axis."""
    lengths = dict(zip(axes, shape, strict=True))
    return tuple(lengths.get(i, 1) for i in range(rank))


class LayerNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) gamma + beta`, moments of each sample over `axis`.

    Shapes: weights (lengths of `axis`, ascending); result as the input.

    Source: keras/src/layers/normalization/layer_normalization.py (3.15.1); Ba et al. (2016).
    """

    supports_masking: ClassVar[bool] = True

    axis: Axes = -1
    """The axes over which a sample is normalised."""
    epsilon: float = 1e-3
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
    rms_scaling: bool = False
    """Keras' deprecated `x / sqrt(variance + epsilon) gamma`, without mean and beta."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self._lengths(inputs[0])
        return inputs[0]

    def _lengths(self, shape: Shape) -> tuple[int, ...]:
        return tuple(known(shape, axis) for axis in axes_of(self.axis, len(shape)))

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        shape = self._lengths(inputs[0])
        if self.rms_scaling:
            return (weight(self, "gamma", shape),)
        return affine_weights(self, shape)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axes = axes_of(self.axis, x.rank)
        shape = spread(ints(tuple(x.shape[axis] for axis in axes)), axes, x.rank)
        if not self.rms_scaling:
            return affine(self, low, ops.standardised(x, axes, self.epsilon), shape)
        centred = x - ops.reduce_mean(x, axes, keepdims=True)
        variance = ops.reduce_mean(centred * centred, axes, keepdims=True)
        inverse = ops.reciprocal(ops.sqrt(variance + self.epsilon))
        return x * inverse * ops.reshape(low.weight("gamma"), shape)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # Mean, centring, square, its mean, and the factor: one operation for each element.
        return Cost(ops=(5 + self.scale + self.center) * elements(output[1:]))


class RMSNormalization(Layer):
    """`x / sqrt(mean of x^2 + epsilon) scale`, the mean of each sample over `axis`.

    Shapes: weight scale (lengths of `axis`, ascending); result as the input.

    Source: keras/src/layers/normalization/rms_normalization.py (3.15.1); Zhang and Sennrich (2019).
    """

    axis: Axes = -1
    """The axes over which a sample is normalised."""
    epsilon: float = 1e-6
    """Added to the mean square."""

    def _lengths(self, shape: Shape) -> tuple[int, ...]:
        return tuple(known(shape, axis) for axis in axes_of(self.axis, len(shape)))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self._lengths(inputs[0])
        return inputs[0]

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("scale", self._lengths(inputs[0]), Ones()),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axes = axes_of(self.axis, x.rank)
        square = ops.reduce_mean(x * x, axes, keepdims=True)
        y = x * ops.reciprocal(ops.sqrt(square + self.epsilon))
        scale = low.weight("scale")
        return y * ops.reshape(scale, spread(ints(scale.shape), axes, x.rank))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=4 * elements(output[1:]))
