"""Pools as a Gather of every window's cells and a reduction over the cells."""

from __future__ import annotations

import numpy as np

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.maxima import Knockout
from specc.targets.cpu.pixels import Index, from_rows, pixels, rows, with_zeros, zero_place
from specc.targets.cpu.rules import CPU
from specc.targets.cpu.windows import table_of
from specc.targets.layout import Placed
from specc.targets.realiser import Realiser
from specc.vjps.movement import inverse_table


@CPU.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather each cell of all windows to [C, P, N] and take the maximum over cells."""
    return from_rows(pool_rows(r, t, rows(r, t.inputs[0])), t)


def pool_rows(r: Realiser, t: Tensor, x: Value) -> Value:
    """The maxima of x [C, H W, N] in the windows of pool t, as [C, windows, N].

    A cell in the padding reads another cell of its window instead, which changes no maximum.
    """
    g = r.graph
    table = table_of(t, t.attrs["kernel"])
    size = pixels(t.inputs[0].shape)
    table = np.where(table == size, table.min(axis=0, keepdims=True), table)
    final = Knockout.of(g, [g.op("Gather", x, g.const(cell, "int32"), axis=1) for cell in table])
    y = g.op("Identity", final.top) if len(table) == 1 else final.top
    y.adjoint = Adjoint((x,), lambda dy: [_collected(g, final.shares(dy), table, size)])
    return y


def _collected(g: Graph, parts: list[Value], table: Index, size: int) -> Value:
    """What each pixel's cells hold, summed. Shapes: parts [C, P, N] a cell, result [C, size, N]."""
    cells, count = table.shape
    inverse = inverse_table(list(table.ravel()), size)
    if (inverse == cells * count).any():
        parts = [*parts, zero_place(parts[0], 1)]
    joined = g.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    if inverse.shape[0] == 1:
        return g.op("Gather", joined, g.const(inverse[0], "int32"), axis=1)
    return g.reduce("ReduceSum", g.op("Gather", joined, g.const(inverse, "int32"), axis=1), [1])


@CPU.rule("average_pool")
def average_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather every window's cells and average those that are not padding."""
    g, source = r.graph, t.inputs[0]
    x = rows(r, source)
    table = table_of(t, t.attrs["kernel"])
    outside = table == pixels(source.shape)
    if not outside.any():
        windows = g.op("Gather", x, g.const(table, "int32"), axis=1)
        return from_rows(g.reduce("ReduceMean", windows, [1]), t)
    windows = g.op("Gather", with_zeros(x, 1), g.const(table, "int32"), axis=1)
    share = 1.0 / (~outside).sum(axis=0).reshape(1, -1, 1)
    return from_rows(g.reduce("ReduceSum", windows, [1]) * g.const(share, x.dtype), t)
