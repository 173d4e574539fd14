"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import unsupported
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.affine import affine, affine_weights
from specc.layers.attending import boolean, optional
from specc.layers.axes import known
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements, show

# Keras' backend.epsilon(): keeps the mean of no position finite.
EPSILON = 1e-7


class BatchNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) gamma + beta` for each index of one axis.

    In training mean and (biased) variance are those of the batch over all other axes, and the
    moving statistics become `moving momentum + batch (1 - momentum)`. Otherwise, and when the layer
    is not trainable, the moving statistics are used and do not change. Positions where the mask is
    false take no part in the batch's statistics.

    Shapes: mask as the input without its last axis; weights (length of `axis`); result as the
    input.

    Source: keras/src/layers/normalization/batch_normalization.py (3.15.1); Ioffe and Szegedy
    (2015), who correct the moving variance by n/(n-1), which Keras does not.
    """

    supports_masking: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "mask")
    mask_arguments: ClassVar[Mapping[str, str]] = {"mask": "inputs"}

    axis: int = -1
    """The axis whose indices are normalised separately: the channels."""
    momentum: float = 0.99
    """Share of the old moving statistics that a step keeps."""
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
    moving_mean_initializer: Initializer = Zeros()
    """First values of the moving mean."""
    moving_variance_initializer: Initializer = Ones()
    """First values of the moving variance."""
    beta_regularizer: Regularizer | None = None
    """Penalty on beta."""
    gamma_regularizer: Regularizer | None = None
    """Penalty on gamma."""
    beta_constraint: Constraint | None = None
    """Limit on beta after each update."""
    gamma_constraint: Constraint | None = None
    """Limit on gamma after each update."""
    renorm: Annotated[Literal[False], unsupported("batch renormalisation")] = False
    """Batch renormalisation: not supported."""
    renorm_clipping: Annotated[None, unsupported("batch renormalisation")] = None
    """Limits of batch renormalisation: not supported."""
    renorm_momentum: float = 0.99
    """Momentum of batch renormalisation; without effect."""
    synchronized: Annotated[Literal[False], unsupported("synchronisation over replicas")] = False
    """Statistics over several replicas: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        known(x, axis_index(self.axis, len(x)))
        if len(inputs) > 1 and inputs[1] and len(inputs[1]) != len(x) - 1:
            raise ShapeError(f"a mask {show(inputs[1])} needs one axis less than {show(x)}")
        return x

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        shape = (known(inputs[0], self.axis),)
        return (
            *affine_weights(self, shape),
            weight(self, "moving_mean", shape, trainable=False),
            weight(self, "moving_variance", shape, trainable=False),
        )

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.move_axis(ops.cast(inputs[0], inputs[0].trace.floatx), self.axis, -1)
        if not low.training or not self.trainable:
            return ops.move_axis(self._by_moving(low, x), -1, self.axis)
        mask, counted = optional(inputs, 1), None
        if mask is not None:
            wide = ops.expand_dims(ops.cast(boolean(mask), x.dtype), -1)
            counted = ops.move_axis(ops.broadcast_to(wide, inputs[0].shape, x), self.axis, -1)
        return ops.move_axis(self._by_batch(low, x, counted), -1, self.axis)

    def _affine(self, low: Lowering, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gamma and beta; the constants that do nothing in the place of one that is not learnt."""
        (size,) = ints(x.shape[-1:])
        return (
            low.weight("gamma") if self.scale else x.trace.constant(np.ones(size)),
            low.weight("beta") if self.center else x.trace.constant(np.zeros(size)),
        )

    def _by_moving(self, low: Lowering, x: Tensor) -> Tensor:
        moving = low.weight("moving_mean"), low.weight("moving_variance")
        return ops.batch_norm(x, *self._affine(low, x), *moving, self.epsilon)

    def _by_batch(self, low: Lowering, x: Tensor, counted: Tensor | None) -> Tensor:
        others = range(x.rank - 1)

        def mean_of(values: Tensor) -> Tensor:
            if counted is None:
                return ops.reduce_mean(values, others)
            total = ops.reduce_sum(counted, others) + EPSILON
            return ops.reduce_sum(values * counted, others) / total

        mean = mean_of(x)
        centred = x - mean
        variance = mean_of(centred * centred)
        for name, batch in (("moving_mean", mean), ("moving_variance", variance)):
            moving = low.weight(name)
            low.assign(name, moving * self.momentum + batch * (1.0 - self.momentum))
        if counted is None:
            return ops.batch_norm_training(x, *self._affine(low, x), mean, variance, self.epsilon)
        normal = centred * ops.reciprocal(ops.sqrt(variance + self.epsilon))
        return affine(self, low, normal, ints(x.shape[-1:]))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # Outside of training one multiplication and one addition are left for each element.
        return Cost(ops=2 * elements(output[1:]))
