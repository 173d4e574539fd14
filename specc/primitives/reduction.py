"""Primitives that fold axes: sums, means, extremes, softmax, and contractions."""

from __future__ import annotations

from collections.abc import Sequence

from specc.errors import InternalError
from specc.primitives.tensor import Tensor, broadcast_dims
from specc.tensors import Dims, DType


def _reduce(
    op: str, x: Tensor, axes: int | Sequence[int] | None, keepdims: bool, dtype: DType | None = None
) -> Tensor:
    if axes is None:
        wanted = tuple(range(x.rank))
    else:
        given = [axes] if isinstance(axes, int) else axes
        wanted = tuple(sorted({axis % x.rank for axis in given}))
    shape: Dims = tuple(
        1 if i in wanted else dim for i, dim in enumerate(x.shape) if keepdims or i not in wanted
    )
    return x.trace.emit(op, (x,), shape, dtype or x.dtype, axes=wanted, keepdims=keepdims)


def reduce_sum(
    x: Tensor, axes: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:
    """Sum over `axes` (all when None)."""
    return _reduce("ReduceSum", x, axes, keepdims)


def reduce_mean(
    x: Tensor, axes: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:
    """Mean over `axes` (all when None)."""
    return _reduce("ReduceMean", x, axes, keepdims)


def reduce_max(
    x: Tensor, axes: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:
    """Maximum over `axes`; the gradient is split evenly between tied maxima."""
    return _reduce("ReduceMax", x, axes, keepdims)


def reduce_min(
    x: Tensor, axes: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:
    """Minimum over `axes`; the gradient is split evenly between tied minima."""
    return _reduce("ReduceMin", x, axes, keepdims)


def standardised(x: Tensor, axes: Sequence[int], epsilon: float) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon)` over `axes`, with the biased variance."""
    wanted = tuple(sorted({axis % x.rank for axis in axes}))
    return x.trace.emit("standardised", (x,), x.shape, x.dtype, axes=wanted, epsilon=float(epsilon))


def argmax(x: Tensor, axis: int = -1) -> Tensor:
    """Index (int64) of the first maximum along `axis`, which is dropped."""
    axis %= x.rank
    return x.trace.emit("argmax", (x,), x.shape[:axis] + x.shape[axis + 1 :], "int64", axis=axis)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x over its sum along `axis`."""
    return x.trace.emit("Softmax", (x,), x.shape, x.dtype, axis=axis % x.rank)


def masked_softmax(x: Tensor, mask: Tensor) -> Tensor:
    """softmax along the last axis over positions whose mask is true; over all if none of a row is.

    Shapes: mask, of bools, broadcasts to x. Positions that the mask hides may keep e^-50.
    """
    return x.trace.emit("masked_softmax", (x, mask), x.shape, x.dtype)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Logarithm of softmax, computed without overflow."""
    return x.trace.emit("LogSoftmax", (x,), x.shape, x.dtype, axis=axis % x.rank)


def cumsum(x: Tensor, axis: int = -1) -> Tensor:
    """Running sum along `axis`, inclusive."""
    return x.trace.emit("cumsum", (x,), x.shape, x.dtype, axis=axis % x.rank)


def sort_descending(x: Tensor) -> Tensor:
    """Values along the last axis, largest first."""
    return x.trace.emit("sort_descending", (x,), x.shape, x.dtype)


def order_descending(x: Tensor) -> Tensor:
    """Positions (int64) of the values along the last axis, the largest first; it may be open."""
    return x.trace.emit("order_descending", (x,), x.shape, "int64")


def histogram(ids: Tensor, bins: int) -> Tensor:
    """How often each of 0 .. bins - 1 stands in a row; no gradient flows.

    Shapes: ids (g, p) int64 of that range, result (g, bins).
    """
    shape = (ids.shape[0], bins)
    made = ids.trace.emit("histogram", (ids,), shape, ids.trace.floatx, bins=bins)
    return made.trace.emit("stop_gradient", (made,), shape, made.dtype)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Batched matrix product over the last two axes, leading axes broadcast (NumPy's matmul).

    Both operands need at least two axes.
    """
    if a.rank < 2 or b.rank < 2 or a.shape[-1] != b.shape[-2]:  # noqa: PLR2004
        raise InternalError(f"matmul of {a.shape} and {b.shape}")
    lead = broadcast_dims(a.shape[:-2], b.shape[:-2])
    return a.trace.emit("matmul", (a, b), (*lead, a.shape[-2], b.shape[-1]), a.dtype)


def dense(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """X W + b on the last axis. Shapes: x (..., d), kernel (d, u), bias (u), result (..., u)."""
    if kernel.rank != 2 or x.shape[-1] != kernel.shape[0]:  # noqa: PLR2004
        raise InternalError(f"dense of {x.shape} with a kernel of {kernel.shape}")
    inputs = (x, kernel) if bias is None else (x, kernel, bias)
    return x.trace.emit("dense", inputs, (*x.shape[:-1], kernel.shape[1]), x.dtype)
