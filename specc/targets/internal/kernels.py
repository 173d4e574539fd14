"""Kernels of convolutions in blocks, as the state holds them, and turned for the way back."""

from __future__ import annotations

import math

import numpy as np

from specc.graph import Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.pixels import length
from specc.targets.internal.rules import block
from specc.targets.portable import known
from specc.targets.realiser import Realiser
from specc.vjps.movement import pad_axis

# Axes of a kernel [F / b, C / b, kh, kw, b, b].
BLOCKED = 6


def dense(r: Realiser, weight: Tensor) -> Value:
    """A kernel (kh, kw, C, F) as [F / b, C / b, kh, kw, b, b]; zeros fill last blocks.

    Where blocks are full it is stored so.
    """
    size = block(r)
    high, wide, c, f = known(weight.shape)
    if c % size == 0 and f % size == 0:
        cut = _cut(weight, (high, wide, c // size, size, f // size, size))
        return r.kernel(cut, (4, 2, 0, 1, 3, 5))
    w = r.kernel(weight, (3, 2, 0, 1))
    w = pad_axis(r.graph, pad_axis(r.graph, w, 0, 0, -f % size), 1, 0, -c % size)
    rows, columns = -(-f // size), -(-c // size)
    w = r.graph.reshape(w, (rows, size, columns, size, high, wide))
    return r.graph.transpose(w, (0, 2, 4, 5, 3, 1))


def first(r: Realiser, weight: Tensor) -> Value:
    """A kernel (kh, kw, C, F) for images that lie as usual, [F / b, C, kh, kw, b]."""
    size = block(r)
    high, wide, c, f = known(weight.shape)
    return r.kernel(_cut(weight, (high, wide, c, f // size, size)), (3, 2, 0, 1, 4))


def depthwise(r: Realiser, weight: Tensor) -> Value:
    """A kernel (kh, kw, 1, C) as [C / b, kh, kw, b]."""
    size = block(r)
    high, wide, _, c = known(weight.shape)
    return r.kernel(_cut(weight, (high, wide, c // size, size)), (2, 0, 1, 3))


def _cut(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    return weight.trace.emit("reshape", (weight,), shape, weight.dtype)


def declared(w: Value) -> Value:
    """A kernel in blocks as the operators declare it, (F, C, kh, kw)."""
    lengths = [length(d) for d in w.shape]
    if len(lengths) == BLOCKED:
        f, c, high, wide, inner, outer = lengths
        return w.graph.reshape(w, (f * outer, c * inner, high, wide))
    f, c, high, wide, outer = lengths
    return w.graph.reshape(w, (f * outer, c, high, wide))


def declared_depthwise(w: Value) -> Value:
    """A kernel [C / b, kh, kw, b] as the operators declare it, (C, 1, kh, kw)."""
    c, high, wide, size = (length(d) for d in w.shape)
    return w.graph.reshape(w, (c * size, 1, high, wide))


def matrix(w: Value) -> Value:
    """A kernel of one tap [F / b, C / b, 1, 1, b, b] as a matrix [F, C]."""
    f, c, _, _, inner, outer = (length(d) for d in w.shape)
    return w.graph.reshape(w.graph.transpose(w, (0, 5, 1, 4, 2, 3)), (f * outer, c * inner))


def in_blocks(w: Value, size: int) -> Value:
    """The inverse of `matrix`."""
    f, c = (length(d) // size for d in w.shape)
    cut = w.graph.transpose(w.graph.reshape(w, (f, size, c, size)), (0, 2, 3, 1))
    return w.graph.reshape(cut, (f, c, 1, 1, size, size))


def turned(w: Value) -> Value:
    """The kernel of a convolution's transpose: channels and filters change places, taps turn.

    Shapes: w [F / b, C / b, kh, kw, b, b], result [C / b, F / b, kh, kw, b, b]; of a kernel
    [F / b, C, kh, kw, b] as if zeros filled a block of channels.
    """
    g = w.graph
    if w.rank != BLOCKED:
        size = length(w.shape[-1])
        w = pad_axis(g, w, 1, 0, size - length(w.shape[1]))
        w = g.transpose(g.reshape(w, (w.shape[0], 1, *w.shape[1:])), (0, 1, 3, 4, 2, 5))
    w = g.transpose(w, (1, 0, 2, 3, 5, 4))
    outer, inner = length(w.shape[0]) * length(w.shape[1]), length(w.shape[4]) * length(w.shape[5])
    return _flipped(g, w, (outer, -1, inner))


def turned_depthwise(w: Value) -> Value:
    """The same of a kernel [C / b, kh, kw, b]."""
    return _flipped(w.graph, w, (length(w.shape[0]), -1, length(w.shape[3])))


def _flipped(g: Graph, w: Value, around: tuple[int, int, int]) -> Value:
    """w with its taps, the middle of three groups of axes, backwards."""
    outer, _, inner = around
    taps = math.prod(length(d) for d in w.shape) // (outer * inner)
    if taps == 1:
        return w
    flat = g.reshape(w, (outer, taps, inner))
    backwards = g.const(np.arange(taps)[::-1].copy(), "int32")
    return g.reshape(g.op("Gather", flat, backwards, axis=1), w.shape)
