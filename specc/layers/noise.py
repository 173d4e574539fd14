"""Noise in training: added, multiplied, or the dropout that keeps mean and variance.

Integers stay what they are outside of training; with noise they are floats, as in Keras on JAX.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.activations import SELU_ALPHA, SELU_SCALE
from specc.fields import Rate
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.dropout import check_noise_shape, kept, noise_dims
from specc.primitives import Tensor
from specc.tensors import Shape, elements


class GaussianNoise(Layer):
    """`x + stddev n` in training, n standard normal; else x.

    Shapes: as the input.

    Source: keras/src/layers/regularization/gaussian_noise.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    stddev: Rate
    """Standard deviation of the noise, 0 to 1."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.stddev == 0.0 or not low.training:
            return inputs[0]
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return x + low.normal(x, x.shape) * self.stddev

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))


class GaussianDropout(Layer):
    """`x (1 + sqrt(rate / (1 - rate)) n)` in training, n standard normal; else x.

    Shapes: as the input.

    Source: keras/src/layers/regularization/gaussian_dropout.py (3.15.1); Srivastava et al. (2014),
    section 10.
    """

    supports_masking: ClassVar[bool] = True

    rate: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Probability of the dropout with the same variance, 0 up to, not including, 1."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.rate == 0.0 or not low.training:
            return inputs[0]
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return x * (low.normal(x, x.shape) * math.sqrt(self.rate / (1.0 - self.rate)) + 1.0)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=3 * elements(output[1:]))


class AlphaDropout(Layer):
    """`a (x keep + p (1 - keep)) + b` in training, which keeps mean 0 and variance 1; else x.

    keep is 1 with probability 1 - rate, else 0; p = -alpha scale of `selu`,
    a = ((1 - rate)(1 + rate p^2))^(-1/2), b = -a p rate.

    Shapes: as the input.

    Source: keras/src/layers/regularization/alpha_dropout.py (3.15.1); Klambauer et al. (2017).
    """

    supports_masking: ClassVar[bool] = True

    rate: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Probability of dropping, 0 up to, not including, 1."""
    noise_shape: tuple[PositiveInt | None, ...] | None = None
    """Shape of the mask, batch included: 1 shares it along an axis, null takes the input's."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        check_noise_shape(inputs[0], self.noise_shape)
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.rate == 0.0 or not low.training:
            return inputs[0]
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        low_value = -SELU_ALPHA * SELU_SCALE
        a = ((1.0 - self.rate) * (1.0 + self.rate * low_value**2)) ** -0.5
        b = -a * low_value * self.rate
        keep = kept(low, x, noise_dims(x, self.noise_shape), self.rate)
        return (x * keep + (1.0 - keep) * low_value) * a + b

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=5 * elements(output[1:]))
