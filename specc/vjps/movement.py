"""Shapes, order, parts and copies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from specc.autodiff import Grads, vjp
from specc.graph import Graph, Node, Value
from specc.lengths import expanded
from specc.onnx_api import TensorType
from specc.tensors import Dims, Sym, product
from specc.vjps.elementwise import one, two


def constant(node: Node, index: int) -> npt.NDArray[np.int64]:
    """The value of an input that the graph builder always makes a constant."""
    x = node.inputs[index]
    if x is None or x.const is None:
        raise TypeError(f"{node.op}: input {index} must be a constant")
    return x.const


@vjp("Reshape")
def reshape(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X in another shape.  dX = dY in the shape of X."""
    return [g.reshape(dy, one(node).shape), None]


@vjp("Transpose")
def transpose(g: Graph, node: Node, dy: Value) -> Grads:
    """Y_i = X_perm(i).  dX = dY with the inverse permutation."""
    inverse = [int(i) for i in np.argsort(node.attrs["perm"])]
    return [g.transpose(dy, inverse)]


@vjp("Expand")
def expand(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = copies of X.  dX = dY summed over the copies, which the engine does."""
    return [dy, None]


@vjp("Concat")
def concat(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = parts in a row.  Each part's gradient is its piece of dY."""
    axis: int = node.attrs["axis"]
    parts = [x for x in node.inputs if x is not None]
    sizes = [x.shape[axis] for x in parts]
    ints = [d for d in sizes if isinstance(d, int)]
    pieces = g.ops("Split", dy, g.ints(*ints), outputs=len(parts), axis=axis)
    return list(pieces)


@vjp("Split")
def split(g: Graph, node: Node, *dys: Value | None) -> Grads:
    """Parts of X.  dX = their gradients in a row, zeros where a part has none."""
    whole = [
        zeros_like(g, y) if dy is None else dy for y, dy in zip(node.outputs, dys, strict=True)
    ]
    return [g.op("Concat", *whole, axis=node.attrs["axis"]), None]


def zeros_like(g: Graph, x: Value) -> Value:
    """Zeros of the type of x, repeated at run time: a stored constant would make files large."""
    return expanded(g.const(np.zeros((1,) * x.rank), x.dtype), x.shape, x)


@vjp("Slice")
def slice_(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X[start::step] along axes.  dX = dY at those positions, zero elsewhere."""
    x = one(node)
    starts, stops, axes, steps = ([int(v) for v in constant(node, k)] for k in range(1, 5))
    dx = dy
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        size = x.shape[axis]
        if isinstance(size, Sym):
            raise TypeError("a slice of the batch axis has no gradient rule")
        # ONNX counts and clamps as Python does.
        first, _, _ = slice(start, stop, step).indices(size)
        dx = place(g, dx, axis, first, step, size)
    return [dx, None, None, None, None]


def place(g: Graph, dy: Value, axis: int, start: int, step: int, size: int) -> Value:
    """`dy` at positions start, start + step, ... of an axis of `size`, zeros between.

    Zeros between come from a Pad on an axis of length 1 that is then folded in; no scatter, which
    runs on one thread (onnxruntime 1.32, CPU).
    """
    axis %= dy.rank
    (count,) = (d for d in (dy.shape[axis],) if isinstance(d, int))
    if step < 0:
        last = start + step * (count - 1)
        back = g.op("Slice", dy, g.ints(count - 1), g.ints(-count - 1), g.ints(axis), g.ints(-1))
        return place(g, back, axis, last, -step, size)
    if step > 1:
        shape: Dims = (*dy.shape[: axis + 1], 1, *dy.shape[axis + 1 :])
        wide = pad_axis(g, g.reshape(dy, shape), axis + 1, 0, step - 1)
        dy = g.reshape(wide, (*dy.shape[:axis], count * step, *dy.shape[axis + 1 :]))
        # The last element needs no zeros after it; drop those that would not fit.
        excess = start + count * step - size
        if excess > 0:
            dy = g.op(
                "Slice", dy, g.ints(0), g.ints(count * step - excess), g.ints(axis), g.ints(1)
            )
    (length,) = (d for d in (dy.shape[axis],) if isinstance(d, int))
    return pad_axis(g, dy, axis, start, size - start - length)


def pad_axis(g: Graph, x: Value, axis: int, before: int, after: int) -> Value:
    """Zeros before and after along one axis."""
    if before == 0 and after == 0:
        return x
    pads = [0] * (2 * x.rank)
    pads[axis], pads[axis + x.rank] = before, after
    return g.op("Pad", x, g.ints(*pads), g.const(0.0, x.dtype), mode="constant")


@vjp("Pad")
def pad(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X with constants around.  dX = the inner part of dY (constant mode only)."""
    x = one(node)
    if node.attrs.get("mode", "constant") not in ("constant", b"constant"):
        raise TypeError("only constant padding has a gradient rule; targets emit no other")
    pads = constant(node, 1).tolist()
    if min(pads) < 0:
        raise TypeError("padding that cuts has no gradient rule; targets slice instead")
    dx = dy
    for axis in range(x.rank):
        before, after = pads[axis], pads[axis + x.rank]
        if before or after:
            stop = before + next(d for d in (x.shape[axis],) if isinstance(d, int))
            dx = g.op("Slice", dx, g.ints(before), g.ints(stop), g.ints(axis), g.ints(1))
    return [dx, *[None] * (len(node.inputs) - 1)]


@vjp("Gather")
def gather(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = rows of X at indices.  dX = each row's gradients summed.

    Constant indices: the adjoint of a gather is a gather over the inverse table, with a row of
    zeros for positions that fewer indices read, and a sum. Indices of the run in a table that is
    at most twice as long as wide: a product with one-hot columns. In a longer one: ScatterElements
    with addition, which adds up element by element on one thread, 6 to 15 ns each (onnxruntime
    1.27, 2,048 rows of 128: 4.0 ms against 0.8), and not ScatterND, whose threads overwrite each
    other's sums at repeated indices (onnxruntime issue 23396; in 1.32 still).
    """
    x, indices = two(node)
    axis = int(node.attrs.get("axis", 0)) % x.rank
    if indices.const is not None and isinstance(x.shape[axis], int):
        return [gather_adjoint(g, dy, x, indices.const, axis), None]
    if axis != 0:
        raise TypeError("a gather at run-time indices has a gradient rule for axis 0 only")
    count, width = product(indices.shape), product(x.shape[1:])
    rows = g.reshape(dy, (count, width))
    size = x.shape[0]
    if isinstance(size, int) and isinstance(width, int) and size <= 2 * width:
        ids = g.cast(g.reshape(indices, (count,)), "int64")
        levels = g.const(np.array([0.0, 1.0]), dy.dtype)
        columns = g.stated_all(
            "OneHot", ids, g.const(size, "int64"), levels,
            types=(TensorType(dy.dtype, (size, count)),), axis=0,
        )[0]  # fmt: skip
        return [g.reshape(g.op("Gemm", columns, rows), x.shape), None]
    where = expanded(g.reshape(indices, (count, 1)), (count, width), rows)
    zeros = g.reshape(zeros_like(g, x), (x.shape[0], width))
    sums = g.op("ScatterElements", zeros, where, rows, axis=0, reduction="add")
    return [g.reshape(sums, x.shape), None]


def inverse_table(indices: npt.ArrayLike, size: int) -> npt.NDArray[np.int64]:
    """For each of `size` sources, the flat positions that read it; empty cells say len(indices).

    Shapes: result (m, size), m the largest number of readers (at least 1).
    """
    flat = np.asarray(indices, np.int64).ravel()
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=size)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    table = np.full((max(1, int(counts.max(initial=1))), size), flat.size, np.int64)
    rank = np.arange(flat.size) - starts[flat[order]]
    table[rank, flat[order]] = order
    return table


def gather_adjoint(
    g: Graph, dy: Value, x: Value, indices: npt.NDArray[np.int64], axis: int
) -> Value:
    """Gradient of a gather along `axis` at constant indices."""
    (size,) = (d for d in (x.shape[axis],) if isinstance(d, int))
    rows = g.reshape(dy, (*x.shape[:axis], indices.size, *x.shape[axis + 1 :]))
    table = inverse_table(indices % size, size)
    if (table == indices.size).any():
        rows = pad_axis(g, rows, axis, 0, 1)
    if table.shape[0] == 1:
        return g.op("Gather", rows, g.const(table[0]), axis=axis)
    return g.reduce("ReduceSum", g.op("Gather", rows, g.const(table), axis=axis), [axis])
