"""Primitives of sliding windows. The logical layout is always channels last: (N, *spatial, C).

Paddings are explicit (before, after) pairs per spatial axis; a layer works out Keras' `same`.
A layer whose data is channels first transposes around the primitive, which costs nothing: a
transpose only renames axes until a target needs them somewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from specc.errors import InternalError
from specc.primitives.tensor import Tensor, ints
from specc.tensors import Dims

Pads: TypeAlias = Sequence[tuple[int, int]]


def _windows(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], pads: Pads, dilations: Sequence[int]
) -> Dims:
    sizes = ints(x.shape[1:-1])
    return tuple(
        (n + sum(p) - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(sizes, kernel, strides, pads, dilations, strict=True)
    )


def conv(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation. Shapes: x (N, *in, C), kernel (*k, C/groups, F), bias (F), y (N, *out, F).

    Filters 0..F/groups-1 see the first C/groups channels, and so on. A depthwise convolution is
    groups = C with its kernel reshaped to (*k, 1, C m).
    """
    spatial = x.rank - 2
    dilations = dilations or (1,) * spatial
    size = ints(kernel.shape[:spatial])
    if ints((kernel.shape[-2],))[0] * groups != x.shape[-1]:
        raise InternalError(f"conv of {x.shape} with kernel {kernel.shape}, groups {groups}")
    shape = (x.shape[0], *_windows(x, size, strides, pads, dilations), kernel.shape[-1])
    return x.trace.emit(
        "conv",
        (x, kernel) if bias is None else (x, kernel, bias),
        shape,
        x.dtype,
        strides=tuple(strides),
        pads=tuple(map(tuple, pads)),
        dilations=tuple(dilations),
        groups=groups,
    )


def conv_transpose(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Pads,
    output: Sequence[int],
    dilations: Sequence[int] | None = None,
) -> Tensor:
    """Adjoint of `conv` in x. Shapes: x (N, *in, C), kernel (*k, F, C), bias (F), y (N, *out, F).

    `pads` are those of the convolution it is the adjoint of, and `output` its spatial input size.
    """
    spatial = x.rank - 2
    return x.trace.emit(
        "conv_transpose",
        (x, kernel) if bias is None else (x, kernel, bias),
        (x.shape[0], *output, kernel.shape[-2]),
        x.dtype,
        strides=tuple(strides),
        pads=tuple(map(tuple, pads)),
        dilations=tuple(dilations or (1,) * spatial),
    )


def max_pool(x: Tensor, *, kernel: Sequence[int], strides: Sequence[int], pads: Pads) -> Tensor:
    """Maximum of each window, padding never wins; of tied elements the first has the gradient."""
    shape = (x.shape[0], *_windows(x, kernel, strides, pads, (1,) * (x.rank - 2)), x.shape[-1])
    return x.trace.emit(
        "max_pool",
        (x,),
        shape,
        x.dtype,
        kernel=tuple(kernel),
        strides=tuple(strides),
        pads=tuple(map(tuple, pads)),
    )


def average_pool(x: Tensor, *, kernel: Sequence[int], strides: Sequence[int], pads: Pads) -> Tensor:
    """Mean over the cells of each window that lie inside x (padding is not counted)."""
    shape = (x.shape[0], *_windows(x, kernel, strides, pads, (1,) * (x.rank - 2)), x.shape[-1])
    return x.trace.emit(
        "average_pool",
        (x,),
        shape,
        x.dtype,
        kernel=tuple(kernel),
        strides=tuple(strides),
        pads=tuple(map(tuple, pads)),
    )


def batch_norm(
    x: Tensor, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset over the last axis, for inference."""
    return x.trace.emit(
        "batch_norm", (x, scale, offset, mean, variance), x.shape, x.dtype, epsilon=float(epsilon)
    )


def batch_norm_training(
    x: Tensor, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Tensor:
    """The same in training: mean and variance must be those of x over all axes but the last.

    What they hand back to x is part of the gradient of x; none flows to them.
    """
    return x.trace.emit(
        "batch_norm_training",
        (x, scale, offset, mean, variance),
        x.shape,
        x.dtype,
        epsilon=float(epsilon),
    )
