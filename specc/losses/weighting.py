"""Weights of samples and positions: how they spread over values, and safe division by their sum."""

from __future__ import annotations

from specc import primitives as ops
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Sym, show


def spread(weight: Tensor, rank: int) -> Tensor:
    """`weight` with axes of length 1 appended up to `rank`: one weight per leading position."""
    missing = rank - weight.rank
    return ops.reshape(weight, (*weight.shape, *(1,) * missing)) if missing > 0 else weight


def check_spreads(weight: Tensor, values: Tensor, what: str) -> None:
    """Weights must broadcast with the leading axes of the values.

    Raises:
        ShapeError: they do not.
    """
    pairs = zip(weight.shape, values.shape, strict=False)
    if weight.rank > values.rank or any(w != v and 1 not in (w, v) for w, v in pairs):
        raise ShapeError(f"its values {_shown(values)} have no place for {what} {_shown(weight)}")


def spread_over(weight: Tensor, values: Tensor) -> Tensor:
    """`weight` with an axis for each of the values'.

    Raises:
        ShapeError: it does not broadcast with the leading axes of the values.
    """
    check_spreads(weight, values, "sample weights")
    return spread(weight, values.rank)


def _shown(x: Tensor) -> str:
    return show(tuple(None if isinstance(length, Sym) else length for length in x.shape))


def divide_no_nan(a: Tensor, b: Tensor) -> Tensor:
    """The quotient a / b, and 0 where b is 0."""
    nonzero = ops.cast(ops.logical_not(ops.equal(b, 0.0)), b.dtype)
    return a * nonzero / (b + (1.0 - nonzero))
