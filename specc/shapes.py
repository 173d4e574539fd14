"""Arithmetic of one axis, and of shapes as wholes. Unknown lengths stay unknown.

Source of the window rules: Keras 3 `compute_conv_output_shape`, `compute_pooling_output_shape` and
`compute_conv_transpose_output_shape`; `same` pads the extra element on the right, as TensorFlow.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from specc.tensors import Shape

Padding: TypeAlias = Literal["valid", "same"]


class ShapeError(ValueError):
    """Lengths do not fit. The message says which; the caller adds the place."""


def window_length(
    size: int | None, kernel: int, stride: int, dilation: int = 1, padding: str = "valid"
) -> int | None:
    """Windows along one axis. valid: floor((n - d(k-1) - 1)/s) + 1; same, causal: ceil(n / s).

    Raises:
        ShapeError: `valid` and the window is longer than the axis.
    """
    if size is None:
        return None
    if padding in ("same", "causal"):
        return -(-size // stride)
    extent = dilation * (kernel - 1) + 1
    if extent > size:
        dilated = f" (dilated to {extent})" if dilation > 1 else ""
        raise ShapeError(
            f"a kernel of {kernel}{dilated} does not fit an axis of {size} without padding; "
            f"use padding: same, or a kernel of at most {size}"
        )
    return (size - extent) // stride + 1


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """(before, after) of `same` padding: total = max(0, (out-1)s + d(k-1) + 1 - n), extra after."""
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


def pads_for(
    size: int, kernel: int, stride: int, dilation: int = 1, padding: str = "valid"
) -> tuple[int, int]:
    """(before, after) for Keras' `valid`, `same` or `causal` padding of one axis."""
    if padding == "same":
        return same_pads(size, kernel, stride, dilation)
    if padding == "causal":
        return dilation * (kernel - 1), 0
    return 0, 0


def transposed_length(
    size: int | None,
    kernel: int,
    stride: int,
    dilation: int = 1,
    padding: str = "valid",
    output_padding: int | None = None,
) -> int | None:
    """Output length of a transposed convolution along one axis; e = d(k-1)+1.

    valid: (n-1)s + e + (output_padding or max(e, s) - e); same without output_padding: n s;
    same with it: (n-1)s + e%2 + output_padding.
    """
    if size is None:
        return None
    extent = dilation * (kernel - 1) + 1
    if padding == "same":
        if output_padding is None:
            return size * stride
        return (size - 1) * stride + extent % 2 + output_padding
    extra = max(extent, stride) - extent if output_padding is None else output_padding
    return (size - 1) * stride + extent + extra


def broadcast(left: Shape, right: Shape) -> Shape:
    """NumPy's broadcasting, aligned on the last axis.

    Raises:
        ShapeError: two lengths differ and neither is 1.
    """
    rank = max(len(left), len(right))
    a = (1,) * (rank - len(left)) + tuple(left)
    b = (1,) * (rank - len(right)) + tuple(right)
    out: list[int | None] = []
    for x, y in zip(a, b, strict=True):
        if x in (1, y):
            out.append(y)
        elif y == 1:
            out.append(x)
        elif x is None or y is None:
            out.append(y if x is None else x)
        else:
            raise ShapeError(f"shapes {tuple(left)} and {tuple(right)} do not broadcast")
    return tuple(out)


def fits(shape: Shape, declared: Shape) -> bool:
    """Whether a tensor of `shape` may enter an input of `declared`: equal where both are known."""
    return len(shape) == len(declared) and all(
        a is None or b is None or a == b for a, b in zip(shape, declared, strict=True)
    )


def flat(shape: Shape) -> int | None:
    """Product of all lengths; None when one is unknown."""
    if any(dim is None for dim in shape):
        return None
    return math.prod(dim for dim in shape if dim is not None)


def axis_index(axis: int, rank: int) -> int:
    """A possibly negative axis as 0..rank-1.

    Raises:
        ShapeError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} does not exist in a tensor of {rank} axes")
    return axis % rank
