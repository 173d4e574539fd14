"""Images in blocks of channels: where they lie so, and how they come there and back."""

from __future__ import annotations

from dataclasses import dataclass

from specc.errors import InternalError
from specc.graph import Value
from specc.primitives import Tensor
from specc.targets.internal.rules import block
from specc.targets.layout import (
    Layout,
    Placed,
    as_order,
    from_order,
    ordered,
    placed,
    plain,
    refine,
    single,
)
from specc.targets.portable import channels_first, known
from specc.targets.realiser import Realiser
from specc.tensors import Dims
from specc.vjps.movement import pad_axis

IMAGE = 4
# Axes (N, H, W, C / b, b) in the order in which they lie; axes that lie so with channels last.
_BLOCKED = (0, 3, 1, 2, 4)
_LAST = (0, 2, 3, 1, 4)
_BATCH_LAST = (3, 1, 2, 4, 0)


def ints(shape: Dims) -> tuple[int, ...]:
    """A shape whose lengths are all known.

    Raises:
        InternalError: one is not.
    """
    lengths = known(shape)
    if len(lengths) != len(shape):
        raise InternalError(f"{shape} is not known")
    return lengths


def is_image(t: Tensor) -> bool:
    """Whether t is (N, H, W, C) in float32 with all lengths known."""
    return t.rank == IMAGE and t.dtype == "float32" and all(isinstance(d, int) for d in t.shape)


def _cut(shape: Dims, size: int, order: tuple[int, ...]) -> Layout:
    """The layout of an image (N, H, W, C) whose axes (N, H, W, C / b, b) lie in some order."""
    n, high, wide, c = ints(shape)
    logical = Layout.plain((n, high, wide, c // size, size))
    flat = tuple(f for axis in order for f in logical.numbers(axis))
    return Layout((*logical.axes[:3], logical.axes[3] + logical.axes[4]), flat)


def fills(t: Tensor, size: int) -> bool:
    """Whether t is an image whose channels fill blocks."""
    return is_image(t) and ints(t.shape)[-1] % size == 0


@dataclass(frozen=True, slots=True)
class Front(Placed):
    """An image whose channels leave a block unfilled, as the front of one that fills it.

    Attributes:
        whole: the image in blocks, declared (N, C', H, W); what follows the front is zero.
    """

    whole: Value


def held(r: Realiser, t: Tensor) -> Value | None:
    """An image that lies in blocks, declared (N, C', H, W); None where it lies otherwise.

    Channels that leave a block unfilled may be the front of blocks whose rest is zero.
    """
    size = block(r)
    if not is_image(t):
        return None
    here, (n, high, wide, c) = r.place(t), ints(t.shape)
    if isinstance(here, Front):
        return here.whole
    if c % size or here.layout != _cut(t.shape, size, _BLOCKED):
        return None
    return r.graph.reshape(here.value, (n, c, high, wide))


def lies(r: Realiser, t: Tensor) -> bool:
    """Whether t can be had in blocks for little: it lies so, or has few channels side by side."""
    few = is_image(t) and ints(t.shape)[-1] < block(r)
    return held(r, t) is not None or (few and r.place(t).layout == Layout.plain(t.shape))


def image(r: Realiser, t: Tensor) -> Value:
    """An image (N, H, W, C) in blocks, declared (N, C', H, W); zeros fill the last block."""
    found = held(r, t)
    if found is not None:
        return found
    size, g = block(r), r.graph
    n, high, wide, c = ints(t.shape)
    if c % size:
        count = -(-c // size)
        x = as_order(single(r.place(t), t.shape, range(IMAGE)), t.shape, range(IMAGE))
        x = pad_axis(g, x, 3, 0, count * size - c)
        x = g.transpose(g.reshape(x, (n, high, wide, count, size)), _BLOCKED)
        return g.reshape(x, (n, count * size, high, wide))
    wanted = _cut(t.shape, size, _BLOCKED)
    fine = refine(r.place(t), wanted.axes)
    if fine is None or fine.layout.axes != wanted.axes:
        fine = refine(placed(plain(r.place(t), t.shape), t.shape), wanted.axes)
    if fine is None:
        raise InternalError(f"{t.shape} has no blocks of {size}")
    if fine.layout.numbers(0) == fine.layout.order[-1:]:  # by a transpose of two axes, as there
        last = ordered(fine, _cut(t.shape, size, _BATCH_LAST).order)
        flat = g.reshape(last.value, (high * wide * c, n))
        return g.reshape(g.transpose(flat, (1, 0)), (n, c, high, wide))
    return g.reshape(ordered(fine, wanted.order).value, (n, c, high, wide))


def from_image(y: Value, t: Tensor, size: int) -> Placed:
    """An image (N, C', H, W) in blocks, of zeros from C on, as the tensor t (N, H, W, C)."""
    g, (n, high, wide, c) = y.graph, ints(t.shape)
    if c % size == 0:
        layout = _cut(t.shape, size, _BLOCKED)
        return Placed(g.reshape(y, layout.physical), layout)
    count = -(-c // size)
    x = g.reshape(y, (n, count, high, wide, size))
    x = g.reshape(g.transpose(x, _LAST), (n, high, wide, count * size))
    front = g.op("Slice", x, g.ints(0), g.ints(c), g.ints(3), g.ints(1))
    here = from_order(front, range(IMAGE))
    return Front(here.value, here.layout, y)


def plain_image(r: Realiser, t: Tensor) -> Value:
    """An image as ONNX's Conv takes it, (N, C, H, W)."""
    return as_order(single(r.place(t), t.shape, range(IMAGE)), t.shape, channels_first(IMAGE))


def batch_last(r: Realiser, t: Tensor) -> Tensor:
    """t, or what it is when the batch of an image in blocks becomes its innermost axis.

    A transpose of two axes, for which onnxruntime has a kernel of its own: 0.4 ms where bringing
    channels together takes 1.6 (128 x 8 x 8 x 64, onnxruntime 1.32).
    """
    size, g = block(r), r.graph
    if not fills(t, size) or held(r, t) is None:
        return t
    n, high, wide, c = ints(t.shape)
    x = g.transpose(g.reshape(r.place(t).value, (n, high * wide * c)), (1, 0))
    layout = _cut(t.shape, size, _BATCH_LAST)
    moved = t.trace.emit("bound", (), t.shape, t.dtype)
    r.bind(moved, Placed(g.reshape(x, layout.physical), layout))
    return moved
