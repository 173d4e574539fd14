"""Convolution as one Gather and one Gemm, and its own adjoint: two Gemms and a Gather."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.rows import Index, from_rows, pixels, rows, table_of, times
from specc.targets.cpu.rules import CPU
from specc.targets.layout import Placed
from specc.targets.portable import PORTABLE, known
from specc.targets.realiser import Realiser
from specc.tensors import product
from specc.vjps.movement import inverse_table, pad_axis

# Columns of one sample beyond this many floats are not gathered: at 1 MiB a sample, a batch of 64
# keeps 64 MiB for the backward pass of one layer alone.
MAX_COLUMNS = 2**18


def gathers(t: Tensor) -> bool:
    """Whether a convolution is done by Gather and Gemm; else onnxruntime's Conv does it."""
    kernel = t.inputs[1].shape
    cells = int(np.prod(known(kernel[:-2])))
    columns = product((kernel[-2], cells, pixels(t.shape)))
    small = isinstance(columns, int) and columns <= MAX_COLUMNS
    return t.attrs["groups"] == 1 and (cells == 1 or small)


@CPU.rule("conv")
def conv(r: Realiser, t: Tensor) -> Placed:
    """Y[F, P N] = W[F, C k] X-columns[C k, P N], the bias as Gemm's third operand."""
    if not gathers(t):
        return PORTABLE.find("conv")(r, t)
    bias = [r.vector(b) for b in t.inputs[2:]]
    return from_rows(convolve(r, t, bias), t)


def convolve(r: Realiser, t: Tensor, bias: Sequence[Value], chosen: Index | None = None) -> Value:
    """The convolution's results at `chosen` windows (all by default), as [F, windows, N]."""
    g, (source, kernel) = r.graph, t.inputs[:2]
    spatial = kernel.rank - 2
    x = rows(r, source)
    table = table_of(t, known(kernel.shape[:spatial]))
    if chosen is not None:
        table = table[:, chosen]
    cells, windows = table.shape
    channels, _, batch = x.shape
    filters = kernel.shape[-1]
    w = r.kernel(kernel, (spatial + 1, spatial, *range(spatial)))
    w = g.reshape(w, (filters, product((channels, cells))))
    wide = times(batch, windows)
    columns = g.reshape(_columns(g, x, table), (product((channels, cells)), wide))
    thin = [g.reshape(b, (filters, 1)) for b in bias]
    y = g.op("Gemm", w, columns, *thin) if thin else g.op("MatMul", w, columns)
    size = pixels(source.shape)

    def adjoint(dy: Value) -> list[Value | None]:
        """dW = dY columns^T; db = sum dY; dX by `input_grad`."""
        flat = g.reshape(dy, (filters, wide))
        dw = g.op("Gemm", flat, columns, transB=1)
        dx = input_grad(g, g.reshape(dy, (filters, windows, batch)), w, table, size)
        dbs = [g.reduce("ReduceSum", flat, [1]) for _ in bias]
        return [g.reshape(dx, x.shape), dw, *dbs]

    out = g.reshape(y, (filters, windows, batch))
    out.adjoint = Adjoint((x, w, *bias), adjoint)
    return out


def _columns(g: Graph, x: Value, table: Index) -> Value:
    """The pixels that every cell of every window reads; a row of zeros is the padding."""
    cells, windows = table.shape
    size = x.shape[1]
    padded = pad_axis(g, x, 1, 0, 1) if (table == size).any() else x
    if (
        cells == 1
        and windows == size
        and np.array_equal(table[0], np.arange(windows, dtype=np.int64))
    ):
        return padded
    return g.op("Gather", padded, g.const(table), axis=1)


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
    dy = pad_axis(g, dy, 1, 0, spread - windows)
    wide = g.reshape(dy, (dy.shape[0], times(batch, spread)))
    columns = g.op("Gemm", w, wide, transA=1)
    columns = g.reshape(columns, (*_channels(w, cells), cells * spread, batch))
    if index.shape[0] == 1:
        if np.array_equal(index[0], np.arange(cells * spread, dtype=np.int64)):
            return columns
        return g.op("Gather", columns, g.const(index[0]), axis=1)
    return g.reduce("ReduceSum", g.op("Gather", columns, g.const(index), axis=1), [1])


def _channels(w: Value, cells: int) -> tuple[int, ...]:
    return tuple(d // cells for d in w.shape[1:] if isinstance(d, int))
