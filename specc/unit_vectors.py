"""Vectors scaled to length 1."""

from __future__ import annotations

from specc import primitives as ops
from specc.primitives import Tensor


def unit(x: Tensor, axes: int | tuple[int, ...], epsilon: float = 1e-7) -> Tensor:
    """`x / max(|x|, epsilon)`, norms along `axes`; the default is Keras' backend.epsilon().

    The maximum is taken before the root, so that the gradient of a zero vector is finite.

    Source: keras/src/ops/nn.py, normalize (3.15.1).
    """
    squares = ops.reduce_sum(x * x, axes, keepdims=True)
    return x * ops.reciprocal(ops.sqrt(ops.maximum(squares, epsilon**2)))
