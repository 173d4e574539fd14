"""Activation functions by Keras' names, and what each costs.

Source of formulas and defaults: keras/src/activations/activations.py and
keras/src/backend/numpy/nn.py (3.15.1).
"""

from __future__ import annotations

import math

import numpy as np

from specc import primitives as ops
from specc.activations.registry import activation
from specc.errors import InternalError
from specc.primitives import Tensor

# Klambauer et al. (2017), Self-Normalizing Neural Networks: the fixed point at mean 0, variance 1.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _mask(condition: Tensor, like: Tensor) -> Tensor:
    return ops.cast(condition, like.dtype)


@activation("linear", cost=0)
def linear(x: Tensor) -> Tensor:
    """The identity."""
    return x


@activation("relu", cost=1)
def relu(
    x: Tensor,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """min(x, max_value) above the threshold, negative_slope (x - threshold) below it."""
    if max_value is None and threshold == 0.0:
        return ops.leaky_relu(x, negative_slope) if negative_slope else ops.relu(x)
    if threshold == 0.0 and max_value is not None:
        above = ops.capped_relu(x, max_value)
    else:
        above = x * _mask(ops.greater(x, threshold), x)
        above = above if max_value is None else ops.clip(above, 0.0, max_value)
    if negative_slope == 0.0:
        return above
    return above - ops.relu(threshold - x) * negative_slope


@activation("relu6", cost=2)
def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6)."""
    return ops.capped_relu(x, 6.0)


@activation("leaky_relu", cost=2)
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """`x` for x >= 0, `negative_slope x` below."""
    return ops.leaky_relu(x, negative_slope)


@activation("elu", cost=3)
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """`x` for x >= 0, `alpha (e^x - 1)` below."""
    return ops.elu(x, alpha)


@activation("celu", cost=5)
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1)."""
    return ops.elu(x) if alpha == 1.0 else ops.elu(x * (1.0 / alpha)) * alpha


@activation("selu", cost=4)
def selu(x: Tensor) -> Tensor:
    """`scale x` for x > 0, `scale alpha (e^x - 1)` below, with the constants of the paper."""
    return ops.selu(x, SELU_ALPHA, SELU_SCALE)


@activation("gelu", cost=5)
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x/2 (1 + erf(x / sqrt 2)), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    if approximate:
        inner = (x + x * x * x * 0.044715) * math.sqrt(2.0 / math.pi)
        return x * 0.5 * (ops.tanh(inner) + 1.0)
    return ops.gelu(x)


@activation("sigmoid", cost=3)
def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x)."""
    return ops.sigmoid(x)


@activation("hard_sigmoid", cost=4)
def hard_sigmoid(x: Tensor) -> Tensor:
    """x/6 + 1/2, limited to [0, 1]."""
    return ops.hard_sigmoid(x, 1.0 / 6.0, 0.5)


@activation("log_sigmoid", cost=3)
def log_sigmoid(x: Tensor) -> Tensor:
    """-log(1 + e^-x)."""
    return -ops.softplus(-x)


@activation("sparse_sigmoid", cost=4)
def sparse_sigmoid(x: Tensor) -> Tensor:
    """(x + 1) / 2, limited to [0, 1]."""
    return ops.clip(x * 0.5 + 0.5, 0.0, 1.0)


@activation("silu", cost=4)
def silu(x: Tensor) -> Tensor:
    """`x / (1 + e^-x)`, also called swish."""
    return x * ops.sigmoid(x)


@activation("hard_silu", cost=5)
def hard_silu(x: Tensor) -> Tensor:
    """`x hard_sigmoid(x)`, also called hard swish."""
    return x * hard_sigmoid(x)


@activation("mish", cost=4)
def mish(x: Tensor) -> Tensor:
    """`x tanh(log(1 + e^x))`."""
    return x * ops.tanh(ops.softplus(x))


@activation("glu", cost=4, halves=True, measures=True)
def glu(x: Tensor, axis: int = -1) -> Tensor:
    """`a sigmoid(b)`, where a and b are the halves of x along `axis`."""
    size = x.shape[axis]
    if not isinstance(size, int) or size % 2:
        raise InternalError(f"glu along axis {axis} of {x.shape}")
    a, b = ops.split(x, (size // 2, size // 2), axis)
    return a * ops.sigmoid(b)


@activation("tanh", cost=1)
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return ops.tanh(x)


@activation("hard_tanh", cost=2)
def hard_tanh(x: Tensor) -> Tensor:
    """`x` limited to [-1, 1]."""
    return ops.clip(x, -1.0, 1.0)


@activation("tanh_shrink", cost=2)
def tanh_shrink(x: Tensor) -> Tensor:
    """`x - tanh(x)`."""
    return x - ops.tanh(x)


@activation("soft_shrink", cost=3)
def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """`x` moved towards 0 by the threshold, 0 within it."""
    return x - ops.clip(x, -threshold, threshold)


@activation("hard_shrink", cost=2)
def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """`x` where |x| exceeds the threshold, else 0."""
    return x * _mask(ops.greater(ops.absolute(x), threshold), x)


@activation("threshold", cost=1)
def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """`x` where it exceeds the threshold, else the default value."""
    above = _mask(ops.greater(x, threshold), x)
    return x * above + (1.0 - above) * default_value


@activation("softplus", cost=3)
def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return ops.softplus(x)


@activation("softsign", cost=3)
def softsign(x: Tensor) -> Tensor:
    """`x / (1 + |x|)`."""
    return ops.softsign(x)


@activation("squareplus", cost=5)
def squareplus(x: Tensor, b: float = 4.0) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2."""
    return (x + ops.sqrt(x * x + b)) * 0.5


@activation("sparse_plus", cost=6)
def sparse_plus(x: Tensor) -> Tensor:
    """0 up to -1, (x + 1)^2 / 4 up to 1, x beyond."""
    middle = ops.clip(x, -1.0, 1.0) + 1.0
    return middle * middle * 0.25 + ops.relu(x - 1.0)


@activation("exponential", cost=1)
def exponential(x: Tensor) -> Tensor:
    """e^x."""
    return ops.exp(x)


@activation("softmax", cost=4)
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x over its sum along `axis`."""
    return ops.softmax(x, axis)


@activation("log_softmax", cost=4)
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Logarithm of softmax."""
    return ops.log_softmax(x, axis)


@activation("sparsemax", cost=8, measures=True)
def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """max(x - tau, 0), tau such that the sum along `axis` is 1: the nearest point of the simplex.

    Keras 3.15.1 takes tau from a sum of cumulative sums, which is right for a support of one
    element only; this is the projection of Martins and Astudillo (2016), algorithm 1.
    """
    z = ops.move_axis(x, axis, -1)
    size = z.shape[-1]
    if not isinstance(size, int):
        raise InternalError(f"sparsemax along axis {axis} of {x.shape}")
    # Which elements stay is piecewise constant, so no gradient passes through the search for it.
    ranked = ops.sort_descending(ops.stop_gradient(z))
    order = np.arange(1.0, size + 1.0)
    inside = _mask(ops.greater(ranked * order + 1.0, ops.cumsum(ranked)), z)
    count = ops.reduce_sum(inside, -1, keepdims=True)
    edge = (ops.reduce_sum(ranked * inside, -1, keepdims=True) - 1.0) / count
    support = _mask(ops.greater(ops.stop_gradient(z), edge), z)
    kept = ops.reduce_sum(support, -1, keepdims=True)
    tau = (ops.reduce_sum(z * support, -1, keepdims=True) - 1.0) / kept
    return ops.move_axis((z - tau) * support, -1, axis)
