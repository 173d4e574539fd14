"""Primitives that move elements without computing: shapes, order, parts, copies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specc.errors import InternalError
from specc.primitives.tensor import Array, Tensor, ints
from specc.tensors import Dim, Dims, DType, Sym, product


def reshape(x: Tensor, shape: Sequence[Dim]) -> Tensor:
    """The same elements, row-major, in another shape. -1 is resolved by the caller.

    Raises:
        InternalError: the element counts differ.
    """
    if tuple(shape) == x.shape:
        return x
    if product(tuple(shape)) != product(x.shape):
        raise InternalError(f"reshape of {x.shape} to {tuple(shape)}")
    return x.trace.emit("reshape", (x,), tuple(shape), x.dtype)


def transpose(x: Tensor, perm: Sequence[int]) -> Tensor:
    """Axes in the order `perm`: result axis i is axis perm[i] of x."""
    if tuple(perm) == tuple(range(x.rank)):
        return x
    return x.trace.emit(
        "transpose", (x,), tuple(x.shape[p] for p in perm), x.dtype, perm=tuple(perm)
    )


def move_axis(x: Tensor, source: int, target: int) -> Tensor:
    """One axis moved to another position, the others in their order."""
    order = [i for i in range(x.rank) if i != source % x.rank]
    order.insert(target % x.rank, source % x.rank)
    return transpose(x, order)


def expand_dims(x: Tensor, axis: int) -> Tensor:
    """A new axis of length 1 at position `axis` of the result."""
    axis %= x.rank + 1
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def squeeze(x: Tensor, axis: int) -> Tensor:
    """Without `axis`, whose length is 1."""
    axis %= x.rank
    return reshape(x, (*x.shape[:axis], *x.shape[axis + 1 :]))


def broadcast_to(x: Tensor, shape: Dims, like: Tensor | None = None) -> Tensor:
    """Copies along axes of length 1. `like` is a tensor with that batch, when `shape` has one."""
    if tuple(shape) == x.shape:
        return x
    inputs = (x,) if like is None else (x, like)
    return x.trace.emit("broadcast_to", inputs, tuple(shape), x.dtype)


def concat(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Joined along `axis`, where lengths must be known."""
    first = parts[0]
    if len(parts) == 1:
        return first
    axis %= first.rank
    total = sum(ints(tuple(part.shape[axis] for part in parts)))
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    return first.trace.emit("concat", tuple(parts), shape, first.dtype, axis=axis)


def slice_axis(x: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    """Elements start, start + step, ... before stop along an axis of known length; step may be < 0.

    `start` and `stop` are non-negative positions; a negative step runs from start down to, and
    without, stop, where -1 stands for "through element 0".
    """
    axis %= x.rank
    (size,) = ints((x.shape[axis],))
    length = len(range(start, stop, step))
    if (start, length, step) == (0, size, 1):
        return x
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    return x.trace.emit("slice", (x,), shape, x.dtype, axis=axis, start=start, stop=stop, step=step)


def split(x: Tensor, sizes: Sequence[int], axis: int) -> list[Tensor]:
    """Consecutive parts of the given lengths along `axis`, which they fill."""
    axis %= x.rank
    if ints((x.shape[axis],)) != (sum(sizes),):
        raise InternalError(f"parts {sizes} of axis {axis} of {x.shape}")
    if len(sizes) == 1:
        return [x]
    return [
        x.trace.emit(
            "part", (x,), (*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype,
            axis=axis, sizes=tuple(sizes), index=index,
        )
        for index, size in enumerate(sizes)
    ]  # fmt: skip


def unstack(x: Tensor, axis: int) -> list[Tensor]:
    """Each index of an axis of known length by itself, without that axis."""
    (count,) = ints((x.shape[axis],))
    return [squeeze(part, axis) for part in split(x, (1,) * count, axis)]


def stack(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of one shape along a new axis at position `axis` of the result."""
    return concat([expand_dims(part, axis) for part in parts], axis)


def reverse(x: Tensor, axis: int) -> Tensor:
    """The other way round along an axis of known length."""
    (size,) = ints((x.shape[axis],))
    return slice_axis(x, axis, size - 1, -1, -1)


def pad(
    x: Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0, mode: str = "constant"
) -> Tensor:
    """(before, after) new elements per axis: `constant`, `reflect` or `edge`."""
    if not any(before or after for before, after in pads):
        return x
    shape = tuple(
        dim if (before, after) == (0, 0) else ints((dim,))[0] + before + after
        for dim, (before, after) in zip(x.shape, pads, strict=True)
    )
    return x.trace.emit(
        "pad", (x,), shape, x.dtype, pads=tuple(map(tuple, pads)), value=float(value), mode=mode
    )


def take(x: Tensor, indices: Array, axis: int) -> Tensor:
    """Elements at constant `indices` (any shape, non-negative) along `axis`."""
    axis %= x.rank
    indices = np.asarray(indices, np.int64)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return x.trace.emit("take", (x,), shape, x.dtype, indices=indices, axis=axis)


def gather_rows(table: Tensor, ids: Tensor) -> Tensor:
    """Rows of a table by integer ids. Shapes: table (v, ...), ids (...), result ids x row."""
    return table.trace.emit(
        "gather_rows", (table, ids), (*ids.shape, *table.shape[1:]), table.dtype
    )


def one_hot(ids: Tensor, classes: int, dtype: DType | None = None) -> Tensor:
    """1 at position id along a new last axis of `classes`; ids outside give zeros."""
    return ids.trace.emit(
        "one_hot", (ids,), (*ids.shape, classes), dtype or ids.trace.floatx, classes=classes
    )


def stop_gradient(x: Tensor) -> Tensor:
    """The same values, through which no gradient flows."""
    return x.trace.emit("stop_gradient", (x,), x.shape, x.dtype)


def batch_size(x: Tensor, axis: int = 0) -> Tensor:
    """The length of an axis at run time, as a scalar of the trace's float type."""
    dim = x.shape[axis]
    if not isinstance(dim, Sym):
        return x.trace.constant(float(dim), x.trace.floatx)
    return x.trace.emit("batch_size", (x,), (), x.trace.floatx, axis=axis)
