"""Weights of samples and positions: how they spread over values, and safe division by their sum."""

from __future__ import annotations

from specc import primitives as ops
from specc.primitives import Tensor


def spread(weight: Tensor, rank: int) -> Tensor:
    """`weight` with axes of length 1 appended up to `rank`: one weight per leading position."""
    missing = rank - weight.rank
    return ops.reshape(weight, (*weight.shape, *(1,) * missing)) if missing > 0 else weight


def divide_no_nan(a: Tensor, b: Tensor) -> Tensor:
    """The quotient a / b, and 0 where b is 0."""
    nonzero = ops.cast(ops.logical_not(ops.equal(b, 0.0)), b.dtype)
    return a * nonzero / (b + (1.0 - nonzero))
