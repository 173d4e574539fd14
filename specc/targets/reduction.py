"""Realisation of reductions and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from specc.graph import Adjoint, Value
from specc.lengths import expanded, length
from specc.onnx_api import TensorType
from specc.primitives import Tensor
from specc.targets.dots import mean_square
from specc.targets.layout import Layout, Placed, placed, plain
from specc.targets.movement import along, restored
from specc.targets.products import biased, by_transpose, joined, stacked
from specc.targets.realiser import BASE, Realiser
from specc.tensors import Dims, Sym, product
from specc.vjps.activation import softmax_gradient

# A score of a masked position; e^-1e9 is 0 in every float type.
MASKED = -1e9
# How far masked scores end under their row's maximum: products with e^-50 are normal numbers still.
_BELOW = 50.0


@BASE.rule("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")
def reduce(r: Realiser, t: Tensor) -> Placed:
    """A reduction over whatever factors the axes have, wherever they lie."""
    x = r.place(t.inputs[0])
    folded = [f for axis in t.attrs["axes"] for f in x.layout.numbers(axis)]
    positions = sorted(x.layout.order.index(f) for f in folded)
    value = mean_square(x.value, positions) if t.op == "ReduceMean" else None
    if value is None:
        value = r.graph.reduce(t.op, x.value, positions) if positions else x.value
    axes = [() if i in t.attrs["axes"] else a for i, a in enumerate(x.layout.axes)]
    if not t.attrs["keepdims"]:
        axes = [a for i, a in enumerate(axes) if i not in t.attrs["axes"]]
    kept = [f for f in range(len(x.layout.order)) if f not in folded]
    order = tuple(kept.index(f) for f in x.layout.order if f not in folded)
    return Placed(value, Layout(tuple(axes), order))


@BASE.rule("Softmax", "LogSoftmax")
def softmax(r: Realiser, t: Tensor) -> Placed:
    """Softmax along the axis where it lies."""
    value, (position,), order = along(r, t, [t.attrs["axis"]])
    return restored(r.graph.op(t.op, value, axis=position), order, t.shape)


@BASE.rule("masked_softmax")
def masked_softmax(r: Realiser, t: Tensor) -> Placed:
    """Softmax of scores of which masked ones are lowered to -1e9, or by that where it is the same.

    `Min` takes two passes' time and `Add` one, where `Where` takes up to twenty. Exponentials of
    masked scores are no normal numbers, which take a hundred times as long where they are not
    flushed (`specc.denormals`), as in graphs that serve: there masked scores are held at 50 under
    their row's maximum, so that nothing is left of their weights beside any other (onnxruntime
    1.32, a causal mask over 16 x 4 x 128 x 128: 1.4 ms, 0.65 held, 0.33 flushed).
    """
    (x, keep), g = (plain(r.place(i), i.shape) for i in t.inputs), r.graph
    if sees(keep):
        y = weights_of(r, x, keep.const)
    else:
        most = float(np.finfo(x.dtype).max)
        y = _normalised(r, g.op("Min", x, g.cast(keep, x.dtype) * most + MASKED))

    def adjoint(dy: Value) -> list[Value | None]:
        (dx,) = softmax_gradient(g, y, dy)
        if dx is None or sees(keep):
            return [dx]
        # In a row without anything to see all weights are alike, whatever the scores are.
        return [dx * g.cast(keep, x.dtype)]

    y.adjoint = Adjoint((x,), adjoint)
    return placed(y, t.shape)


def weights_of(r: Realiser, scores: Value, mask: npt.NDArray[Any] | None) -> Value:
    """Softmax of scores, of which a mask that leaves something of every row hides some."""
    if mask is None:
        return scores.graph.op("Softmax", scores, axis=scores.rank - 1)
    return _normalised(r, scores + np.where(mask, 0.0, MASKED))


def _normalised(r: Realiser, lowered: Value) -> Value:
    g, axis = lowered.graph, lowered.rank - 1
    if not r.gradients:
        least = g.reduce("ReduceMax", lowered, [axis], keepdims=True) - _BELOW
        lowered = g.op("Max", lowered, least)
    return g.op("Softmax", lowered, axis=axis)


def sees(keep: Value) -> bool:
    """Whether a mask is known to leave something of every row."""
    return keep.const is not None and bool(keep.const.any(-1).all())


@BASE.rule("argmax")
def argmax(r: Realiser, t: Tensor) -> Placed:
    """ArgMax, the first of ties."""
    axis = t.attrs["axis"]
    value, (position,), order = along(r, t, [axis])
    found = r.graph.op("ArgMax", value, axis=position, keepdims=1, select_last_index=0)
    kept: Dims = (*t.inputs[0].shape[:axis], 1, *t.inputs[0].shape[axis + 1 :])
    lying = restored(found, order, kept)
    axes = lying.layout.axes[:axis] + lying.layout.axes[axis + 1 :]
    return Placed(lying.value, Layout(axes, lying.layout.order))


@BASE.rule("cumsum")
def cumsum(r: Realiser, t: Tensor) -> Placed:
    """CumSum along the axis where it lies."""
    value, (position,), order = along(r, t, [t.attrs["axis"]])
    summed = r.graph.op("CumSum", value, r.graph.const(position, "int64"))
    return restored(summed, order, t.shape)


@BASE.rule("sort_descending")
def sort_descending(r: Realiser, t: Tensor) -> Placed:
    """TopK of the whole last axis."""
    value, (position,), order = along(r, t, [t.rank - 1])
    size = next(d for d in (t.shape[-1],) if isinstance(d, int))
    values, _ = r.graph.ops(
        "TopK", value, r.graph.ints(size), outputs=2, axis=position, largest=1, sorted=1
    )
    return restored(values, order, t.shape)


@BASE.rule("order_descending")
def order_descending(r: Realiser, t: Tensor) -> Placed:
    """The indices of TopK of the whole last axis, whose length may be known at run time only."""
    source = t.inputs[0]
    x = plain(r.place(source), t.shape)
    g, size = r.graph, t.shape[-1]
    many = g.reshape(length(x, size), (1,)) if isinstance(size, Sym) else g.ints(size)
    types = (TensorType(source.dtype, t.shape), TensorType("int64", t.shape))
    _, found = g.stated_all("TopK", x, many, types=types, axis=-1, largest=1, sorted=1)
    return placed(found, t.shape)


@BASE.rule("histogram")
def histogram(r: Realiser, t: Tensor) -> Placed:
    """Ones scattered with addition."""
    ids = plain(r.place(t.inputs[0]), t.inputs[0].shape)
    g = r.graph
    zeros = expanded(g.const(np.zeros((1, 1)), t.dtype), t.shape, ids)
    ones = expanded(g.const(np.ones((1, 1)), t.dtype), t.inputs[0].shape, ids)
    return placed(g.op("ScatterElements", zeros, ids, ones, axis=1, reduction="add"), t.shape)


@BASE.rule("matmul")
def matmul(r: Realiser, t: Tensor) -> Placed:
    """MatMul in logical order, or of the second operand's transpose where it lies like that."""
    first, second = t.inputs
    a, lying = plain(r.place(first), first.shape), r.place(second)
    if r.gradients and _turned(lying, second.rank) and first.shape[:-2] == second.shape[:-2]:
        perm = (*range(second.rank - 2), second.rank - 1, second.rank - 2)
        shape = tuple(second.shape[i] for i in perm)
        b = plain(Placed(lying.value, lying.layout.permuted(perm)), shape)
        return placed(r.graph.reshape(by_transpose(stacked(a), stacked(b)), t.shape), t.shape)
    return placed(r.graph.op("MatMul", a, plain(lying, second.shape)), t.shape)


def _turned(x: Placed, rank: int) -> bool:
    """Whether the last axis but one lies innermost, in one piece, and the last does not."""
    inner = x.layout.numbers(rank - 2) if rank > 2 else ()  # noqa: PLR2004
    return len(inner) == 1 and x.layout.order[-1:] == inner


@BASE.rule("dense")
def dense(r: Realiser, t: Tensor) -> Placed:
    """One Gemm over all leading axes.

    The features may lie in any order (after Flatten of an image that lies channels first, say):
    the kernel's rows are then stored in that order. Features last is x W; features first is
    W^T x, which keeps a batch that lies innermost where it is.
    """
    x, source = r.place(t.inputs[0]), t.inputs[0]
    features = x.layout.numbers(source.rank - 1)
    count = len(features)
    if set(x.layout.order[:count]) == set(features) and count < len(x.layout.order):
        return _features_first(r, t, x)
    if set(x.layout.order[len(x.layout.order) - count :]) != set(features):
        x = placed(plain(x, source.shape), source.shape)
    return _features_last(r, t, x)


def _kernel(r: Realiser, t: Tensor, x: Placed) -> Value:
    """The kernel with its rows in the order in which the features of x lie. Shapes: (d, u)."""
    kernel = t.inputs[1]
    rank = t.inputs[0].rank
    features = x.layout.numbers(rank - 1)
    factors = x.layout.axes[rank - 1]
    lying = [features.index(f) for f in x.layout.order if f in features]
    if lying == sorted(lying):
        return r.kernel(kernel, (0, 1))
    cut = kernel.trace.emit("reshape", (kernel,), (*factors, kernel.shape[1]), kernel.dtype)
    value = r.kernel(cut, (*lying, len(factors)))
    return r.graph.reshape(value, kernel.shape)


def _features_last(r: Realiser, t: Tensor, x: Placed) -> Placed:
    source = t.inputs[0]
    g = r.graph
    lead = len(x.layout.order) - len(x.layout.numbers(source.rank - 1))
    rows = product(x.value.shape[:lead])
    bias = [r.vector(b) for b in t.inputs[2:]]
    units = t.shape[-1]
    kernel, inner = _kernel(r, t, x), x.value
    if bias and r.gradients:
        inner, kernel, added = joined(inner, kernel, bias[0])
        y = biased(g.reshape(inner, (rows, source.shape[-1])), kernel, added)
    else:
        y = g.op("Gemm", g.reshape(inner, (rows, source.shape[-1])), kernel, *bias)
    value = g.reshape(y, (*x.value.shape[:lead], *((units,) if units != 1 else ())))
    axes = (*x.layout.axes[:-1], (units,) if units != 1 else ())
    order = [f for f in x.layout.order if f < lead]
    return Placed(value, Layout(axes, (*order, lead) if units != 1 else tuple(order)))


def _features_first(r: Realiser, t: Tensor, x: Placed) -> Placed:
    source = t.inputs[0]
    g = r.graph
    features = x.layout.numbers(source.rank - 1)
    count = len(features)
    lead = len(x.layout.order) - count
    rest = x.value.shape[count:]
    flat = g.reshape(x.value, (source.shape[-1], product(rest)))
    bias = [g.reshape(r.vector(b), (t.shape[-1], 1)) for b in t.inputs[2:]]
    y = g.op("Gemm", _kernel(r, t, x), flat, *bias, transA=1)
    units = t.shape[-1]
    value = g.reshape(y, (*((units,) if units != 1 else ()), *rest))
    axes = (*x.layout.axes[:-1], (units,) if units != 1 else ())
    order = [f for f in x.layout.order if f < lead]
    return Placed(value, Layout(axes, (lead, *order) if units != 1 else tuple(order)))
