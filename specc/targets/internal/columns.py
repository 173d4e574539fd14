"""Gradients of dense kernels: contractions over samples and pixels, as convolutions again.

A convolution contracts channels, so pixels have to take their place. The gradient of the result,
in blocks of filters, is a kernel in blocks already, if a row's pixels count as its channels; only
the image has to change places of pixels and channels. There is a group for each sample, and what
they give is summed.
"""

from __future__ import annotations

import numpy as np

from specc.graph import Value
from specc.primitives import Tensor
from specc.targets.cpu.pixels import length
from specc.targets.internal.nchwc import Move, bordered, conv, runs, unblocked
from specc.targets.internal.nchwc import blocked as blocks_of
from specc.targets.portable import known
from specc.vjps.movement import pad_axis

# Floats of a sample that copies of a gradient for several columns of a kernel take at most; beyond
# them each column has its turn, so that no more than one copy is in memory: 4 MiB.
_MOST = 2**20


def of_points(x: Value, dy: Value, size: int) -> Value:
    """Of a kernel of one tap: dW = sum over samples and pixels of dY X^T.

    Shapes: x (N, C, H, W), dy (N, F, H, W) in blocks, result [F / b, C / b, 1, 1, b, b].
    """
    g = x.graph
    n, c, high, wide = (length(d) for d in x.shape)
    f, points = length(dy.shape[1]), high * wide
    shape = (f // size, c // size, 1, 1, size, size)
    if points % size:
        flat = [g.reshape(unblocked(v, last=True), (n * points, v.shape[1])) for v in (dy, x)]
        grad = g.op("Gemm", *flat, transA=1)
        parts = g.reshape(grad, (f // size, size, c // size, size))
        return g.reshape(g.transpose(parts, (0, 2, 3, 1)), shape)
    turned = blocks_of(g.reshape(unblocked(x), (n, 1, c, points)))
    image = g.reshape(turned, (1, n * points, 1, c))
    kernel = g.reshape(dy, (n * f, points, 1, 1))
    each = conv(image, kernel, group=n)
    return g.reshape(g.reduce("ReduceSum", g.reshape(each, (n, f * c)), [0]), shape)


def filled_rows(x: Value, size: int, *, blocks: bool) -> Value:
    """An image as it lies usually, with zeros at the right that fill its rows up to blocks.

    Shapes: x (N, C, H, W), in `blocks` or not, result (N, C, H, W').
    """
    missing = -length(x.shape[3]) % size
    if blocks:
        return unblocked(bordered(x, ((0, 0), (0, missing))))
    return pad_axis(x.graph, x, 3, 0, missing)


def of_rows(t: Tensor, x: Value, dy: Value, shape: tuple[int, ...]) -> Value:
    """Of the kernel of convolution t, with the image as it lies usually.

    The pixels of a row are channels, the rows of the gradient taps; for each column of the kernel
    there is a copy of the gradient, moved to the columns that it reads.

    Shapes: x (N, C, H, W) not in blocks with W a multiple of b, dy (N, F, H', W') in blocks,
    result `shape`: [F / b, C / b, kh, kw, b, b], or [F / b, C, kh, kw, b].
    """
    g, size = x.graph, shape[-1]
    n, c, high, wide = (length(d) for d in x.shape)
    taps = known(t.inputs[1].shape[:2])
    (stride, _), (dilation, _) = _pair(t, "strides"), _pair(t, "dilations")
    ((above, _), _), (f, rows) = t.attrs["pads"], (length(dy.shape[1]), length(dy.shape[2]))
    below = max(0, dilation * (taps[0] - 1) + stride * (rows - 1) + 1 - high - above)
    move = Move((dilation, 1), ((above, below), (0, 0)), (stride, 1))
    upright, parts = _upright(x, size), list[Value]()
    most = max(1, _MOST // (f * rows * wide))
    for start in range(0, taps[1], most):
        columns = range(start, min(start + most, taps[1]))
        each = conv(upright, _moved(t, dy, size, wide, columns), move=move, group=n)
        found = length(each.shape[2])
        total = g.reshape(each, (n, len(columns) * f * found * c))
        total = g.reduce("ReduceSum", total, [0])
        parts.append(g.reshape(total, (len(columns), f // size, found, c, size)))
    total = parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=0)
    found, filters = length(total.shape[2]), f // size
    if found > taps[0]:
        total = g.op("Slice", total, g.ints(0), g.ints(taps[0]), g.ints(2))
    if len(shape) == 5:  # noqa: PLR2004  [F / b, C, kh, kw, b]
        return g.transpose(total, (1, 3, 2, 0, 4))
    total = g.reshape(total, (taps[1], filters, taps[0], c // size, size, size))
    return g.transpose(total, (1, 3, 2, 0, 4, 5))


def _upright(x: Value, size: int) -> Value:
    """An image (N, C, H, W) with the pixels of a row in blocks, declared (1, N W, H, C)."""
    n, c, high, wide = (length(d) for d in x.shape)
    here = np.arange(c * high * wide // size).reshape(c, high, wide // size)
    return x.graph.reshape(runs(x, here.transpose(2, 1, 0), size), (1, n * wide, high, c))


def _moved(t: Tensor, dy: Value, size: int, wide: int, chosen: range) -> Value:
    """The gradient as the kernel of `of_rows`, (N k F, W, H', 1): a copy for each of k columns.

    The pixel that column j of the kernel reads for the result at column q is
    q stride + j dilation - pad: there the copy j has the gradient at q, and zero elsewhere.
    """
    g = dy.graph
    n, f, rows, columns = (length(d) for d in dy.shape)
    taps = len(chosen)
    (_, stride), (_, dilation) = _pair(t, "strides"), _pair(t, "dilations")
    left = int(t.attrs["pads"][1][0])
    at = np.arange(wide)[None, :] + left - dilation * np.array(chosen)[:, None]
    inside = (at % stride == 0) & (at >= 0) & (at // stride < columns)
    reads = np.where(inside, at // stride, columns)
    width = columns
    if not inside.all():
        width += 1
        dy = bordered(dy, ((0, 0), (0, 1)))
    here = np.arange(f // size * rows * width).reshape(f // size, rows, width)
    index = (
        here[:, :, reads].transpose(2, 0, 3, 1).reshape(taps, f // size, wide // size, size, rows)
    )
    kernel = runs(dy, index.transpose(0, 1, 2, 4, 3), size)
    return g.reshape(kernel, (n * taps * f, wide, rows, 1))


def _pair(t: Tensor, name: str) -> tuple[int, int]:
    """An attribute of a convolution for height and width."""
    high, wide = t.attrs[name]
    return int(high), int(wide)
