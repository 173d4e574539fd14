"""Convolution as one Gather and one Gemm, and its own adjoint: two Gemms and a Gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from specc.graph import Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.maxima import Knockout
from specc.targets.cpu.pixels import Index, length, rows, times, with_zeros
from specc.targets.realiser import Realiser
from specc.tensors import product
from specc.vjps.movement import inverse_table


@dataclass(frozen=True, slots=True)
class Direct:
    """A convolution as the product of its kernel and gathered columns.

    Attributes:
        x: the image [C, H W, N].
        w: [F, C k].
        tables: window tables, one for each group of results.
        columns: what each table reads, [C k, P N].
    """

    graph: Graph
    x: Value
    w: Value
    tables: Sequence[Index]
    columns: Sequence[Value]

    @staticmethod
    def of(r: Realiser, t: Tensor, tables: Sequence[Index]) -> Direct:
        """The operands of the convolution t at the windows of some tables."""
        g, (source, kernel) = r.graph, t.inputs[:2]
        spatial = kernel.rank - 2
        x = rows(r, source)
        w = r.kernel(kernel, (spatial + 1, spatial, *range(spatial)))
        depth = product((x.shape[0], len(tables[0])))
        columns = [
            g.reshape(_columns(g, x, table), (depth, times(x.shape[2], table.shape[1])))
            for table in tables
        ]
        return Direct(g, x, g.reshape(w, (kernel.shape[-1], depth)), tables, columns)

    def outputs(self, bias: Sequence[Value] = ()) -> list[Value]:
        """The results at the windows of each table, [F, windows N]."""
        g, filters = self.graph, self.w.shape[0]
        thin = [g.reshape(b, (filters, 1)) for b in bias]
        return [
            g.op("Gemm", self.w, columns, *thin) if thin else g.op("MatMul", self.w, columns)
            for columns in self.columns
        ]

    def gradients(self, dys: Sequence[Value]) -> tuple[Value, Value]:
        """Of the image and of the kernel."""
        return self.image_gradient(dys), self.kernel_gradient(dys, self.columns)

    def kernel_gradient(self, dys: Sequence[Value], columns: Sequence[Value]) -> Value:
        """dW = sum of dY columns^T."""
        dw: list[Value] = []
        for dy, each in zip(dys, columns, strict=True):
            dw = [self.graph.op("Gemm", dy, each, *dw, transB=1)]
        return dw[0]

    def image_gradient(self, dys: Sequence[Value]) -> Value:
        """dX, by `input_grad`."""
        g, batch = self.graph, self.x.shape[2]
        apart = [
            g.reshape(dy, (dy.shape[0], table.shape[1], batch))
            for dy, table in zip(dys, self.tables, strict=True)
        ]
        dy = g.op("Concat", *apart, axis=1) if len(apart) > 1 else apart[0]
        table = np.concatenate(self.tables, axis=1)
        dx = input_grad(g, dy, self.w, table, length(self.x.shape[1]))
        return g.reshape(dx, self.x.shape)

    def knocked_out(self, final: Knockout, dy: Value) -> tuple[Value, Value]:
        """Of the image and of the kernel, where a knockout of the results has the gradient dY.

        What differs from one value to the next is the columns where they are lower than results:
        sum (s_i - s_i-1) columns_i^T = sum s_i (columns_i - columns_i+1)^T, s what survived.
        """
        shares, depth = final.shares(dy), length(self.w.shape[1])
        if depth >= length(self.w.shape[0]):
            return self.gradients(shares)
        columns = [a - b for a, b in pairwise(self.columns)]
        dw = self.kernel_gradient(final.survived(dy), [*columns, self.columns[-1]])
        return self.image_gradient(shares), dw


def _columns(g: Graph, x: Value, table: Index) -> Value:
    """The pixels that every cell of every window reads; a row of zeros is the padding."""
    cells, windows = table.shape
    size = x.shape[1]
    padded = with_zeros(x, 1) if (table == size).any() else x
    if (
        cells == 1
        and windows == size
        and np.array_equal(table[0], np.arange(windows, dtype=np.int64))
    ):
        return padded
    return g.op("Gather", padded, g.const(table, "int32"), axis=1)


def input_grad(g: Graph, dy: Value, w: Value, table: Index, size: int) -> Value:
    """dX[c, i, n] = sum over the cells (k, p) that read pixel i of (W^T dY)[c, k, p, n].

    One Gemm gives W^T dY for all cells, and a Gather over the inverse table collects what each
    pixel needs. A row of zeros, appended to dY where that is small, stands for absent readers.

    Shapes: dy [F, windows, N], w [F, C cells], result [C, size, N].
    """
    cells, windows = table.shape
    batch = dy.shape[2]
    reading = table.ravel()
    flat = np.flatnonzero(reading < size)
    inverse = inverse_table(list(reading[flat]), size)
    missing = inverse == flat.size
    spread = windows + int(missing.any())
    where = np.append(flat, 0)[inverse]
    index = where // windows * spread + where % windows
    index[missing] = windows
    dy = with_zeros(dy, 1) if spread > windows else dy
    wide = g.reshape(dy, (dy.shape[0], times(batch, spread)))
    columns = g.op("Gemm", w, wide, transA=1)
    columns = g.reshape(columns, (length(w.shape[1]) // cells, cells * spread, batch))
    if index.shape[0] == 1:
        if np.array_equal(index[0], np.arange(cells * spread, dtype=np.int64)):
            return columns
        return g.op("Gather", columns, g.const(index[0], "int32"), axis=1)
    return g.reduce("ReduceSum", g.op("Gather", columns, g.const(index, "int32"), axis=1), [1])
