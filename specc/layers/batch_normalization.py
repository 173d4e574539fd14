"""Batch normalisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import unsupported
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.affine import affine_weights
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


class Root(Initializer):
    """The square roots of another initializer's values."""

    abstract: ClassVar[bool] = True

    of: Initializer
    """Those values."""

    @override
    def create(self, shape: tuple[int, ...], seed: int, name: str) -> npt.NDArray[np.float32]:
        return np.sqrt(self.of.create(shape, seed, name))

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return np.sqrt(self.of.draw(shape, rng))


class Clipping(BaseModel):
    """Limits of batch renormalisation; none where nothing is given."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    rmin: float | None = None
    """Least factor."""
    rmax: float | None = None
    """Largest factor."""
    dmax: NonNegativeFloat | None = None
    """Largest size of the offset."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.rmin is not None and self.rmax is not None and self.rmin > self.rmax:
            raise PydanticCustomError(
                "clipping",
                "expected rmin of at most rmax, found {rmin} and {rmax}",
                {"rmin": self.rmin, "rmax": self.rmax},
            )
        return self


# Written out where it stands: the schema of the language has no definitions for single fields.
OptionalClipping: TypeAlias = Annotated[
    Clipping | None,
    WithJsonSchema({"anyOf": [Clipping.model_json_schema(), {"type": "null"}]}, mode="validation"),
]


class BatchNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) gamma + beta` for each index of one axis.

    In training mean and (biased) variance are those of the batch over all other axes, and the
    moving statistics become `moving momentum + batch (1 - momentum)`. Otherwise, and when the layer
    is not trainable, the moving statistics are used and do not change. Positions where the mask is
    false take no part in the batch's statistics.

    With `renorm` training computes `(normal r + d) gamma + beta` with r = deviation / renorm_stddev
    and d = (mean - renorm_mean) / renorm_stddev, within `renorm_clipping` and without a gradient:
    nearly what inference will do. A deviation is sqrt(variance + epsilon); the moving one is
    averaged and the moving variance follows from it.

    Shapes: mask as the input without its last axis; weights (length of `axis`); result as the
    input.

    Source: keras/src/layers/normalization/batch_normalization.py (3.15.1); Ioffe and Szegedy
    (2015), who correct the moving variance by n/(n-1), which Keras does not; Ioffe (2017), Batch
    Renormalization.
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
    renorm: bool = False
    """Whether training corrects the batch's statistics by those of the batches before."""
    renorm_clipping: OptionalClipping = None
    """Limits of the correction: `rmin` and `rmax` of its factor, `dmax` of its offset's size."""
    renorm_momentum: float = 0.99
    """Share of the old `renorm_mean` and `renorm_stddev` that a step keeps."""
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
        mean = weight(self, "moving_mean", shape, trainable=False)
        variance = weight(self, "moving_variance", shape, trainable=False)
        found = (*affine_weights(self, shape), mean, variance)
        if not self.renorm:
            return found
        deviation = Root.model_construct(of=variance.initializer)
        return (
            *found,
            replace(variance, name="moving_stddev", initializer=deviation),
            replace(mean, name="renorm_mean"),
            replace(variance, name="renorm_stddev", initializer=deviation),
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
        gamma, beta = self._affine(low, x)
        if self.renorm:
            deviation = ops.sqrt(variance + self.epsilon)
            r, d = (ops.stop_gradient(each) for each in self._correction(low, mean, deviation))
            gamma, beta = gamma * r, beta + gamma * d
            self._remember(low, mean, deviation)
        else:
            self._move(low, "moving_mean", mean, self.momentum)
            self._move(low, "moving_variance", variance, self.momentum)
        if counted is None:
            return ops.batch_norm_training(x, gamma, beta, mean, variance, self.epsilon)
        normal = centred * ops.reciprocal(ops.sqrt(variance + self.epsilon))
        return normal * gamma + beta

    def _move(self, low: Lowering, name: str, batch: Tensor, momentum: float) -> Tensor:
        """A moving average with this batch in it."""
        after = low.weight(name) * momentum + batch * (1.0 - momentum)
        low.assign(name, after)
        return after

    def _correction(self, low: Lowering, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        """Factor r and offset d of a batch's normal values."""
        before = ops.maximum(low.weight("renorm_stddev"), math.sqrt(self.epsilon))
        r = deviation / before
        d = (mean - low.weight("renorm_mean")) / before
        limits = self.renorm_clipping or Clipping()
        if limits.rmin is not None:
            r = ops.maximum(r, limits.rmin)
        if limits.rmax is not None:
            r = ops.minimum(r, limits.rmax)
        return r, d if limits.dmax is None else ops.clip(d, -limits.dmax, limits.dmax)

    def _remember(self, low: Lowering, mean: Tensor, deviation: Tensor) -> None:
        """The statistics after a step with renormalisation."""
        self._move(low, "renorm_mean", mean, self.renorm_momentum)
        self._move(low, "renorm_stddev", deviation, self.renorm_momentum)
        self._move(low, "moving_mean", mean, self.momentum)
        moving = self._move(low, "moving_stddev", deviation, self.momentum)
        low.assign("moving_variance", ops.relu(moving * moving - self.epsilon))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # Outside of training one multiplication and one addition are left for each element.
        return Cost(ops=2 * elements(output[1:]))
