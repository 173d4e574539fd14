"""Images in blocks that are pooled, padded, and added to images that lie otherwise."""

from __future__ import annotations

import numpy as np

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.cpu import CPU
from specc.targets.cpu.pixels import length
from specc.targets.cpu.pool import pool_rows
from specc.targets.internal.images import (
    IMAGE,
    batch_last,
    fills,
    from_image,
    held,
    ints,
    is_image,
)
from specc.targets.internal.nchwc import Move, bordered, conv, sides, spread
from specc.targets.internal.rules import INTERNAL, block
from specc.targets.layout import Placed
from specc.targets.realiser import Realiser


@INTERNAL.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather each cell of all windows, runs of b floats, and take the maximum over cells."""
    (x,), size, g = t.inputs, block(r), r.graph
    value = held(r, x) if fills(x, size) else None
    if value is None:
        return CPU.find("max_pool")(r, t)
    n, c, high, wide = (length(d) for d in value.shape)
    rows = pool_rows(r, t, g.reshape(value, (n * c // size, high * wide, size)))
    return from_image(g.reshape(rows, (n, c, *ints(t.shape)[1:-1])), t, size)


@INTERNAL.rule("average_pool")
def average_pool(r: Realiser, t: Tensor) -> Placed:
    """A convolution with equal weights, where no window reads padding."""
    (x,), size = t.inputs, block(r)
    value = held(r, x) if fills(x, size) else None
    if value is None or any(map(any, t.attrs["pads"])):
        return CPU.find("average_pool")(r, t)
    (high, wide), (down, across) = t.attrs["kernel"], t.attrs["strides"]
    there, (_, rows, columns, _) = Move((down, across)), ints(t.shape)
    back = there.back(sides(value), (rows, columns), (high, wide))
    if not back.is_possible:
        return CPU.find("average_pool")(r, t)
    c = length(value.shape[1])
    share = np.full((c, 1, high, wide), 1.0 / (high * wide))
    w = r.graph.const(share, value.dtype)
    y = conv(value, w, move=there, group=c)

    def adjoint(dy: Value) -> list[Value | None]:
        return [conv(spread(dy, (down, across), size), w, move=back, group=c)]

    y.adjoint = Adjoint((value,), adjoint)
    return from_image(y, t, size)


@INTERNAL.rule("concat")
def concat(r: Realiser, t: Tensor) -> Placed:
    """Images one behind the other, whole blocks of channels where all lie so."""
    size = block(r)
    values = [held(r, x) if fills(x, size) else None for x in t.inputs]
    whole = [value for value in values if value is not None]
    if t.attrs["axis"] != IMAGE - 1 or len(whole) < len(values):
        return CPU.find("concat")(r, t)
    return from_image(r.graph.op("Concat", *whole, axis=1), t, size)


@INTERNAL.rule("pad")
def pad(r: Realiser, t: Tensor) -> Placed:
    """Zeros around an image."""
    (x,), attrs = t.inputs, t.attrs
    zeros = attrs["mode"] == "constant" and attrs["value"] == 0.0
    value = held(r, x) if zeros and fills(x, block(r)) else None
    if value is None or any(map(any, (attrs["pads"][0], attrs["pads"][-1]))):
        return CPU.find("pad")(r, t)
    g, (high, wide) = r.graph, sides(value)
    (top, below), (left, right) = attrs["pads"][1:-1]
    y = bordered(value, ((top, below), (left, right)))
    size = block(r)
    n, c = length(y.shape[0]), length(y.shape[1])

    def adjoint(dy: Value) -> list[Value | None]:
        cells = g.reshape(dy, (n, c // size, *dy.shape[2:], size))
        ends = g.ints(top + high, left + wide)
        inner = g.op("Slice", cells, g.ints(top, left), ends, g.ints(2, 3), g.ints(1, 1))
        return [g.reshape(inner, value.shape)]

    y.adjoint = Adjoint((value,), adjoint)
    return from_image(y, t, size)


@INTERNAL.rule("Add")
def add(r: Realiser, t: Tensor) -> Placed:
    """A sum; of images that lie in two ways, the one in blocks is moved, in runs of samples."""
    a, b = t.inputs
    if is_image(t) and a.shape == b.shape == t.shape and (_last(r, a) or _last(r, b)):
        pair = (batch_last(r, a), batch_last(r, b))
        t = t.trace.emit("Add", pair, t.shape, t.dtype)
    return CPU.find("Add")(r, t)


def _last(r: Realiser, t: Tensor) -> bool:
    """Whether the batch of an image is its innermost axis."""
    layout = r.place(t).layout
    return layout.numbers(0) == layout.order[-1:]
