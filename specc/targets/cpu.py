"""The CPU target: images lie [C, H, W, N], and a convolution is one Gather and one big Gemm.

onnxruntime's Conv works image by image, which is slow for small images and large batches, and the
textbook gradients of Conv are 2-4 times slower still (docs/performance.md). With the batch
innermost, Gather copies whole rows of N floats, and its adjoint is again a Gather.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.layout import Layout, Placed, as_order, single
from specc.targets.portable import PORTABLE, known
from specc.targets.realiser import Realiser, Rules
from specc.tensors import Sym, product
from specc.vjps.movement import inverse_table, pad_axis

CPU = Rules(parent=PORTABLE)

Index = npt.NDArray[np.int64]


def batch_last(rank: int) -> tuple[int, ...]:
    """Logical axes of (N, *spatial, C) in the order (C, *spatial, N)."""
    return (rank - 1, *range(1, rank - 1), 0)


def rows(r: Realiser, x: Tensor) -> Value:
    """An image tensor as [C, H W, N]."""
    order = batch_last(x.rank)
    value = as_order(single(r.place(x), x.shape, range(x.rank)), x.shape, order)
    pixels = int(np.prod(known(x.shape[1:-1])))
    return r.graph.reshape(value, (x.shape[-1], pixels, x.shape[0]))


def from_rows(value: Value, t: Tensor) -> Placed:
    """[C, H W, N] as the image tensor t."""
    layout = Layout.plain(t.shape)
    order = tuple(f for axis in batch_last(t.rank) for f in layout.numbers(axis))
    lying = Layout(layout.axes, order)
    return Placed(value.graph.reshape(value, lying.physical), lying)


def window_index(
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilations: Sequence[int],
) -> Index:
    """Which pixel each cell of each window reads; the number of pixels where it reads padding.

    Shapes: result (cells, windows), both row-major.
    """
    outside = int(np.prod(sizes))
    per_axis = [
        np.arange((n + sum(p) - d * (k - 1) - 1) // s + 1)[None, :] * s
        + np.arange(k)[:, None] * d
        - p[0]
        for n, k, s, p, d in zip(sizes, kernel, strides, pads, dilations, strict=True)
    ]
    flat = np.zeros((1, 1), np.int64)
    inside = np.ones((1, 1), bool)
    for n, axis in zip(sizes, per_axis, strict=True):
        here = (axis >= 0) & (axis < n)
        flat = _outer(flat * n, np.where(here, axis, 0), np.add)
        inside = _outer(inside, here, np.logical_and)
    return np.where(inside, flat, outside)


def _outer(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic], op: np.ufunc) -> Index:
    """op of every pair, cells with cells and windows with windows."""
    joined = op(a[:, None, :, None], b[None, :, None, :])
    return joined.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


@CPU.rule("conv")
def conv(r: Realiser, t: Tensor) -> Placed:
    """Y[F, P N] = W[F, C k] X-columns[C k, P N], the bias as Gemm's third operand."""
    if t.attrs["groups"] != 1:
        return PORTABLE.find("conv")(r, t)
    bias = [r.vector(b) for b in t.inputs[2:]]
    if id(t) in r.planned:
        bias = []
    return from_rows(_convolve(r, t, bias), t)


def _convolve(r: Realiser, t: Tensor, bias: Sequence[Value]) -> Value:
    g, (source, kernel) = r.graph, t.inputs[:2]
    spatial = kernel.rank - 2
    x = rows(r, source)
    table = window_index(
        known(source.shape[1:-1]), known(kernel.shape[:spatial]), t.attrs["strides"],
        t.attrs["pads"], t.attrs["dilations"],
    )  # fmt: skip
    cells, windows = table.shape
    channels, pixels, batch = x.shape
    filters = kernel.shape[-1]
    w = r.kernel(kernel, (spatial + 1, spatial, *range(spatial)))
    w = g.reshape(w, (filters, product((channels, cells))))
    padded = pad_axis(g, x, 1, 0, 1) if (table == pixels).any() else x
    if (
        cells == 1
        and windows == pixels
        and np.array_equal(table[0], np.arange(windows, dtype=np.int64))
    ):
        columns = padded
    else:
        columns = g.op("Gather", padded, g.const(table), axis=1)
    wide = _times(batch, windows)
    columns = g.reshape(columns, (product((channels, cells)), wide))
    thin = [g.reshape(b, (filters, 1)) for b in bias]
    y = g.op("Gemm", w, columns, *thin) if thin else g.op("MatMul", w, columns)

    def adjoint(dy: Value) -> list[Value | None]:
        """dW = dY columns^T; db = sum dY; dX by `_input_grad`."""
        flat = g.reshape(dy, (filters, wide))
        dw = g.op("Gemm", flat, columns, transB=1)
        dx = _input_grad(g, g.reshape(dy, (filters, windows, batch)), w, table, x)
        dbs = [g.reduce("ReduceSum", flat, [1]) for _ in bias]
        return [dx, dw, *dbs]

    out = g.reshape(y, (filters, windows, batch))
    out.adjoint = Adjoint((x, w, *bias), adjoint)
    return out


def _input_grad(g: Graph, dy: Value, w: Value, table: Index, x: Value) -> Value:
    """dX[c, i, n] = sum over the cells (k, p) that read pixel i of (W^T dY)[c, k, p, n].

    One Gemm gives W^T dY for all cells, and a Gather over the inverse table collects what each
    pixel needs. A row of zeros, appended to dY where that is small, stands for absent readers.
    """
    cells, windows = table.shape
    channels, pixels, batch = x.shape
    size = int(pixels) if isinstance(pixels, int) else 0
    reading = table.ravel()
    flat = np.flatnonzero(reading < size)
    inverse = inverse_table(list(reading[flat]), size)
    missing = inverse == flat.size
    spread = windows + int(missing.any())
    where = np.append(flat, 0)[inverse]
    index = where // windows * spread + where % windows
    index[missing] = windows
    dy = pad_axis(g, dy, 1, 0, spread - windows)
    wide = g.reshape(dy, (dy.shape[0], _times(batch, spread)))
    columns = g.op("Gemm", w, wide, transA=1)
    columns = g.reshape(columns, (channels, cells * spread, batch))
    if index.shape[0] == 1:
        if np.array_equal(index[0], np.arange(cells * spread, dtype=np.int64)):
            return columns
        return g.op("Gather", columns, g.const(index[0]), axis=1)
    return g.reduce("ReduceSum", g.op("Gather", columns, g.const(index), axis=1), [1])


def _times(dim: object, factor: int) -> Sym | int:
    if isinstance(dim, Sym):
        return Sym(dim.factor * factor)
    return int(str(dim)) * factor


@CPU.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather every window's cells to [C, cells, P, N] and take the maximum over cells.

    A cell in the padding reads another cell of its window instead, which changes no maximum.
    """
    g, source = r.graph, t.inputs[0]
    x = rows(r, source)
    spatial = t.rank - 2
    kernel = t.attrs["kernel"]
    table = window_index(
        known(source.shape[1:-1]), kernel, t.attrs["strides"], t.attrs["pads"], (1,) * spatial
    )
    pixels = x.shape[1]
    table = np.where(table == pixels, table.min(axis=0, keepdims=True), table)
    windows = g.op("Gather", x, g.const(table), axis=1)
    y = g.reduce("ReduceMax", windows, [1])

    def adjoint(dy: Value) -> list[Value | None]:
        """dX = dY at the first maximum of each window."""
        return [_pool_grad(g, dy, y, windows, table, x)]

    y.adjoint = Adjoint((x,), adjoint)
    return _epilogue(r, t, from_rows(y, t))


def _pool_grad(g: Graph, dy: Value, y: Value, windows: Value, table: Index, x: Value) -> Value:
    """Masks of the first maxima, cell by cell, times dY; then what each pixel's cells hold."""
    cells, count = table.shape
    channels, pixels, batch = x.shape
    size = int(pixels) if isinstance(pixels, int) else 0
    thin = (channels, 1, count, batch)
    hits = g.op("Equal", windows, g.reshape(y, thin))
    each = (
        g.ops("Split", hits, g.ints(*[1] * cells), outputs=cells, axis=1) if cells > 1 else [hits]
    )
    upstream = g.reshape(dy, thin)
    free: Value | None = None
    parts: list[Value] = []
    for hit in each:
        first = hit if free is None else g.op("And", hit, free)
        miss = g.op("Not", hit)
        free = miss if free is None else g.op("And", free, miss)
        part = g.cast(first, dy.dtype) * upstream
        parts.append(g.reshape(part, (channels, count, batch)))
    inverse = inverse_table(table, size)
    if (inverse == cells * count).any():
        parts.append(_zero_row(g, parts[0]))
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
    spatial = t.rank - 2
    table = window_index(
        known(source.shape[1:-1]), t.attrs["kernel"], t.attrs["strides"], t.attrs["pads"],
        (1,) * spatial,
    )  # fmt: skip
    outside = table == x.shape[1]
    if not outside.any():
        windows = g.op("Gather", x, g.const(table), axis=1)
        return from_rows(g.reduce("ReduceMean", windows, [1]), t)
    windows = g.op("Gather", pad_axis(g, x, 1, 0, 1), g.const(table), axis=1)
    share = 1.0 / (~outside).sum(axis=0).reshape(1, -1, 1)
    return from_rows(g.reduce("ReduceSum", windows, [1]) * g.const(share, x.dtype), t)


# max(relu(x + b)) = relu(max(x) + b): bias, ReLU, its mask and the bias gradient then work on the
# pooled map, a quarter of the size for a 2x2 pool. Ties still go to the first.


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Any]:
    """Which convolutions and ReLUs hand their bias and activation to the max-pool behind them."""
    planned: dict[int, Any] = {}
    for pool in tensors:
        if pool.op != "max_pool":
            continue
        chain = list(itertools.islice(_upstream(pool, users), 2))
        relu = bool(chain) and chain[0].op == "Relu"
        conv_ = chain[1] if relu and len(chain) > 1 else (chain[0] if chain else None)
        if conv_ is None or conv_.op != "conv" or conv_.attrs["groups"] != 1:
            continue
        if not relu and len(conv_.inputs) == 2:  # noqa: PLR2004  no bias and no activation
            continue
        planned[id(conv_)] = None
        if relu:
            planned[id(chain[0])] = None
        planned[id(pool)] = (conv_.inputs[2] if len(conv_.inputs) > 2 else None, relu)  # noqa: PLR2004
    return planned


def _upstream(tensor: Tensor, users: Mapping[int, int]) -> Sequence[Tensor]:
    """The tensors that feed `tensor` alone, nearest first."""
    chain: list[Tensor] = []
    while tensor.inputs and users[id(tensor.inputs[0])] == 1:
        tensor = tensor.inputs[0]
        chain.append(tensor)
        if tensor.op == "conv":
            break
    return chain


def _epilogue(r: Realiser, t: Tensor, y: Placed) -> Placed:
    """The bias and activation that `plan` moved behind the pool."""
    deferred = r.planned.get(id(t))
    if deferred is None:
        return y
    bias, relu = deferred
    value = y.value
    if bias is not None:
        ones = [1] * (value.rank - 1)
        value = value + r.graph.reshape(r.vector(bias), (t.shape[-1], *ones))
    return Placed(r.graph.op("Relu", value) if relu else value, y.layout)


@CPU.rule("Relu")
def relu(r: Realiser, t: Tensor) -> Placed:
    """Relu, unless the max-pool behind it does it."""
    if id(t) in r.planned:
        return r.place(t.inputs[0])
    x = r.place(t.inputs[0])
    return Placed(r.graph.op("Relu", x.value), x.layout)
