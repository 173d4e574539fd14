"""Pools as a Gather of every window's cells and a reduction over the cells."""

from __future__ import annotations

import numpy as np

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.rows import Index, from_rows, pixels, rows, table_of
from specc.targets.cpu.rules import CPU
from specc.targets.layout import Placed
from specc.targets.realiser import Realiser
from specc.vjps.movement import inverse_table, pad_axis


@CPU.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather every window's cells to [C, cells, P, N] and take the maximum over cells."""
    return from_rows(pool_rows(r, t, rows(r, t.inputs[0])), t)


def pool_rows(r: Realiser, t: Tensor, x: Value) -> Value:
    """The maxima of x [C, H W, N] in the windows of pool t, as [C, windows, N].

    A cell in the padding reads another cell of its window instead, which changes no maximum.
    """
    g = r.graph
    table = table_of(t, t.attrs["kernel"])
    size = pixels(t.inputs[0].shape)
    table = np.where(table == size, table.min(axis=0, keepdims=True), table)
    windows = g.op("Gather", x, g.const(table), axis=1)
    y = g.reduce("ReduceMax", windows, [1])

    def adjoint(dy: Value) -> list[Value | None]:
        """dX = dY at the first maximum of each window."""
        masks = first_maxima(g, windows, y)
        upstream = g.reshape(dy, (dy.shape[0], 1, *dy.shape[1:]))
        parts = [g.reshape(g.cast(m, dy.dtype) * upstream, dy.shape) for m in masks]
        return [_collected(g, parts, table, size)]

    y.adjoint = Adjoint((x,), adjoint)
    return y


def first_maxima(g: Graph, windows: Value, y: Value) -> list[Value]:
    """For each cell whether it is the first that holds its window's maximum, bool [C, 1, P, N].

    Logic on bools costs a quarter of the memory traffic of floats.
    """
    cells = next(d for d in (windows.shape[1],) if isinstance(d, int))
    hits = g.op("Equal", windows, g.reshape(y, (y.shape[0], 1, *y.shape[1:])))
    if cells == 1:
        return [hits]
    each = g.ops("Split", hits, g.ints(*[1] * cells), outputs=cells, axis=1)
    firsts = [each[0]]
    free = g.op("Not", each[0])
    for hit in each[1:-1]:
        firsts.append(g.op("And", hit, free))
        free = g.op("And", free, g.op("Not", hit))
    # The last cell holds the maximum when no other did.
    return [*firsts, free]


def _collected(g: Graph, parts: list[Value], table: Index, size: int) -> Value:
    """What each pixel's cells hold, summed. Shapes: parts [C, P, N] a cell, result [C, size, N]."""
    cells, count = table.shape
    inverse = inverse_table(list(table.ravel()), size)
    if (inverse == cells * count).any():
        parts = [*parts, _zero_row(g, parts[0])]
    joined = g.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    if inverse.shape[0] == 1:
        return g.op("Gather", joined, g.const(inverse[0]), axis=1)
    return g.reduce("ReduceSum", g.op("Gather", joined, g.const(inverse), axis=1), [1])


def _zero_row(g: Graph, like: Value) -> Value:
    """One row of zeros. Shapes: like [C, P, N], result [C, 1, N]."""
    channels, _, batch = like.shape
    zero = g.const(np.zeros((1, 1, 1)), like.dtype)
    return g.expand(zero, (channels, 1, batch), like)


@CPU.rule("average_pool")
def average_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather every window's cells and average those that are not padding."""
    g, source = r.graph, t.inputs[0]
    x = rows(r, source)
    table = table_of(t, t.attrs["kernel"])
    outside = table == pixels(source.shape)
    if not outside.any():
        windows = g.op("Gather", x, g.const(table), axis=1)
        return from_rows(g.reduce("ReduceMean", windows, [1]), t)
    windows = g.op("Gather", pad_axis(g, x, 1, 0, 1), g.const(table), axis=1)
    share = 1.0 / (~outside).sum(axis=0).reshape(1, -1, 1)
    return from_rows(g.reduce("ReduceSum", windows, [1]) * g.const(share, x.dtype), t)
