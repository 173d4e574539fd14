"""The operators of onnxruntime's domain `com.microsoft.nchwc`, with the shapes that they make.

Source: onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc and
onnxruntime/core/mlas/lib/snchwc.cpp (1.32). Tensors are declared as ONNX's Conv declares them
(N, C, H, W), and lie in blocks of b channels: images [N, C / b, H, W, b], kernels
[F / b, C / b, kh, kw, b of C, b of F], kernels of one channel a filter [F / b, kh, kw, b], and
kernels of images with fewer than b channels, which lie as usual, [F / b, C, kh, kw, b].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from specc.graph import Attribute, Graph, Value
from specc.onnx_api import TensorType
from specc.targets.blocks import NCHWC
from specc.targets.cpu.pixels import Index, length
from specc.tensors import Dims

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Move:
    """How windows move over an image.

    Attributes:
        pads: rows above and below, columns left and right.
    """

    strides: Pair = (1, 1)
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilations: Pair = (1, 1)

    def reach(self, sizes: Pair, taps: Pair) -> Pair:
        """Height and width of the result."""
        steps = zip(sizes, self.pads, self.dilations, taps, self.strides, strict=True)
        high, wide = ((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in steps)
        return high, wide

    def back(self, sizes: Pair, results: Pair, taps: Pair) -> Move:
        """How the transpose moves over a gradient between whose pixels are stride - 1 zeros."""
        steps = zip(sizes, results, taps, self.strides, self.dilations, self.pads, strict=True)
        pads: list[Pair] = []
        for n, m, k, stride, dilation, (before, _) in steps:
            first = dilation * (k - 1) - before
            pads.append((first, n + dilation * (k - 1) - m * stride - first))
        above, left = pads
        return Move((1, 1), (above, left), self.dilations)

    @property
    def is_possible(self) -> bool:
        """Whether no pad is negative."""
        return all(before >= 0 and after >= 0 for before, after in self.pads)


STILL = Move()


def sides(x: Value) -> Pair:
    """Height and width of an image (N, C, H, W)."""
    return length(x.shape[2]), length(x.shape[3])


def conv(
    x: Value,
    w: Value,
    bias: Value | None = None,
    more: Value | None = None,
    *,
    move: Move = STILL,
    group: int = 1,
    activation: Mapping[str, Attribute] | None = None,
) -> Value:
    """activation(W * X + bias + more).

    Shapes: x (N, C, H, W), w (F, C / group, kh, kw), bias (F,), more and result (N, F, H', W').
    """
    taps = sides(w)
    top, left = move.pads
    shape = (x.shape[0], w.shape[0], *move.reach(sides(x), taps))
    return _op(
        x.graph, "Conv", shape, x, w, *([] if bias is None else [bias]),
        *([] if more is None else [more]),
        kernel_shape=taps, strides=move.strides, dilations=move.dilations, group=group,
        pads=(top[0], left[0], top[1], left[1]), **(activation or {}),
    )  # fmt: skip


def means(x: Value) -> Value:
    """The mean of each channel of each sample. Shapes: x (N, C, H, W), result (N, C)."""
    shape = x.shape[:2]
    return x.graph.reshape(_op(x.graph, "GlobalAveragePool", (*shape, 1, 1), x), shape)


def unblocked(x: Value, *, last: bool = False) -> Value:
    """An image (N, C, H, W) in blocks as it lies usually, or with channels `last`."""
    n, c, high, wide = x.shape
    shape = (n, high, wide, c) if last else x.shape
    attrs = {"channels": length(c), "channels_last": int(last)}
    return _op(x.graph, "ReorderOutput", shape, x, **attrs)


def blocked(x: Value) -> Value:
    """An image with channels last (N, H, W, C) in blocks (N, C, H, W)."""
    n, high, wide, c = x.shape
    return _op(x.graph, "ReorderInput", (n, c, high, wide), x, channels_last=1)


def bordered(x: Value, pads: tuple[Pair, Pair]) -> Value:
    """An image with zeros around: the pads of a convolution that does nothing else.

    onnxruntime's Pad takes twice as long.
    """
    if not any(before or after for before, after in pads):
        return x
    c = length(x.shape[1])
    return conv(x, x.graph.const(np.ones((c, 1, 1, 1)), x.dtype), move=Move(pads=pads), group=c)


def spread(x: Value, strides: Pair, size: int) -> Value:
    """An image in blocks with stride - 1 zeros behind each pixel, and rows of them.

    Shapes: x (N, C, H, W), result (N, C, stride H, stride W).
    """
    if strides == (1, 1):
        return x
    g, (down, across) = x.graph, strides
    n, c, high, wide = (length(d) for d in x.shape)
    lines = g.reshape(x, (n * c // size * high, 1, wide, size))
    behind = g.ints(0, 0, 0, 0, 0, down - 1, 0, (across - 1) * size)
    lines = g.op("Pad", lines, behind, g.const(0.0, x.dtype), mode="constant")
    return g.reshape(lines, (n, c, high * down, wide * across))


def runs(x: Value, index: Index, size: int) -> Value:
    """Runs of b floats of each sample in another order: Gather copies them on all threads.

    Shapes: x (N, ...), index any, of numbers of runs, result [N, runs, b].
    """
    g, count = x.graph, math.prod(length(d) for d in x.shape[1:]) // size
    cut = g.reshape(x, (x.shape[0], count, size))
    flat = np.ascontiguousarray(index).ravel()
    if np.array_equal(flat, np.arange(count)):
        return cut
    return g.op("Gather", cut, g.const(flat, "int32"), axis=1)


def _op(g: Graph, op: str, shape: Dims, *inputs: Value, **attrs: Attribute) -> Value:
    kind = TensorType(inputs[0].dtype, shape)
    return g.stated_all(f"{NCHWC}:{op}", *inputs, types=(kind,), **attrs)[0]
