"""Realisation of primitives that move elements; most of them only rename axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specc.graph import Value
from specc.lengths import expanded, length
from specc.primitives import Tensor
from specc.targets.layout import (
    Layout,
    Placed,
    as_order,
    ordered,
    placed,
    plain,
    refine,
    regroup,
    single,
)
from specc.targets.realiser import BASE, Realiser
from specc.tensors import Dims, Sym


@BASE.rule("reshape")
def reshape(r: Realiser, t: Tensor) -> Placed:
    """Bookkeeping where the cuts of both shapes nest, else a move to logical order."""
    source = t.inputs[0]
    x = r.place(source)
    return regroup(x, t.shape) or placed(plain(x, source.shape), t.shape)


@BASE.rule("transpose")
def transpose(r: Realiser, t: Tensor) -> Placed:
    """Bookkeeping."""
    x = r.place(t.inputs[0])
    return Placed(x.value, x.layout.permuted(t.attrs["perm"]))


@BASE.rule("broadcast_to")
def broadcast_to(r: Realiser, t: Tensor) -> Placed:
    """Expand, the batch taken from the second input when the first has none."""
    x = plain(r.place(t.inputs[0]), t.inputs[0].shape)
    rank = len(t.shape)
    x = r.graph.reshape(x, (1,) * (rank - x.rank) + x.shape)
    like = r.place(t.inputs[-1]).value
    return placed(expanded(x, t.shape, like), t.shape)


@BASE.rule("concat")
def concat(r: Realiser, t: Tensor) -> Placed:
    """Concat in the order of the first part, when all parts can lie that way."""
    axis = t.attrs["axis"]
    parts = [r.place(x) for x in t.inputs]
    same = _in_one_order(parts, [x.shape for x in t.inputs], axis)
    if same is None:
        values = [plain(p, x.shape) for p, x in zip(parts, t.inputs, strict=True)]
        return placed(r.graph.op("Concat", *values, axis=axis), t.shape)
    position = same[0].layout.positions(axis)[0]
    joined = r.graph.op("Concat", *(p.value for p in same), axis=position)
    return Placed(joined, _resized(same[0].layout, axis, joined.shape[position]))


def _in_one_order(
    parts: Sequence[Placed], shapes: Sequence[Dims], axis: int
) -> list[Placed] | None:
    """All parts with the first one's factors and order and one factor along `axis`."""
    lead = single(parts[0], shapes[0], [axis])
    if len(lead.layout.axes[axis]) != 1:
        return None
    out: list[Placed] = []
    for part, shape in zip(parts, shapes, strict=True):
        axes = [
            (shape[axis],) if i == axis else factors for i, factors in enumerate(lead.layout.axes)
        ]
        fine = refine(part, axes)
        if fine is None or [len(a) for a in fine.layout.axes] != [len(a) for a in lead.layout.axes]:
            return None
        out.append(ordered(fine, lead.layout.order))
    return out


def _resized(layout: Layout, axis: int, length: int | Sym) -> Layout:
    axes = list(layout.axes)
    axes[axis] = (length,)
    return Layout(tuple(axes), layout.order)


def along(r: Realiser, t: Tensor, axes: Sequence[int]) -> tuple[Value, list[int], tuple[int, ...]]:
    """The first input as a value with one axis per logical axis of `axes`.

    Returns the value, the position of each of `axes` in it, and the memory order of logical axes:
    the value has one axis for every logical axis, ones included.
    """
    source = t.inputs[0]
    x = single(r.place(source), source.shape, range(len(source.shape)))
    present = [a for a in range(source.rank) if x.layout.axes[a]]
    order = sorted(present, key=lambda a: x.layout.positions(a)[0])
    order += [a for a in range(source.rank) if a not in present]
    value = as_order(x, source.shape, order)
    return value, [order.index(a) for a in axes], tuple(order)


def restored(value: Value, order: Sequence[int], shape: Dims) -> Placed:
    """A value with one axis per logical axis, in memory order `order`, as a placed tensor."""
    factors = [a for a in order if shape[a] != 1]
    logical = Layout.plain(shape)
    layout = Layout(logical.axes, tuple(f for a in factors for f in logical.numbers(a)))
    return Placed(value.graph.reshape(value, layout.physical), layout)


@BASE.rule("slice")
def slice_(r: Realiser, t: Tensor) -> Placed:
    """Slice along one axis."""
    value, (position,), order = along(r, t, [t.attrs["axis"]])
    start, stop, step = (t.attrs[k] for k in ("start", "stop", "step"))
    axis: int = t.attrs["axis"]
    size = t.inputs[0].shape[axis]
    if step < 0 and stop < 0 and isinstance(size, int):
        # ONNX counts a negative stop from the end; below -size it means "past the first".
        stop = -size - 1
    g = r.graph
    cut = g.op("Slice", value, g.ints(start), g.ints(stop), g.ints(position), g.ints(step))
    return restored(cut, order, t.shape)


@BASE.rule("part")
def part(r: Realiser, t: Tensor) -> Placed:
    """One output of the Split that all parts share."""
    value, (position,), order = along(r, t, [t.attrs["axis"]])
    sizes: tuple[int, ...] = t.attrs["sizes"]
    parts = r.graph.ops("Split", value, r.graph.ints(*sizes), outputs=len(sizes), axis=position)
    index: int = t.attrs["index"]
    return restored(parts[index], order, t.shape)


@BASE.rule("pad")
def pad(r: Realiser, t: Tensor) -> Placed:
    """Pad by a constant; `reflect` and `edge` are gathers, whose gradient exists."""
    pads = t.attrs["pads"]
    axes = [i for i, p in enumerate(pads) if p != (0, 0)]
    value, positions, order = along(r, t, axes)
    g = r.graph
    if t.attrs["mode"] != "constant":
        for axis, position in zip(axes, positions, strict=True):
            size = next(d for d in (t.inputs[0].shape[axis],) if isinstance(d, int))
            index = np.pad(np.arange(size, dtype=np.int64), pads[axis], mode=t.attrs["mode"])
            value = g.op("Gather", value, g.const(index), axis=position)
        return restored(value, order, t.shape)
    amounts = [0] * (2 * value.rank)
    for axis, position in zip(axes, positions, strict=True):
        amounts[position], amounts[position + value.rank] = pads[axis]
    fill = g.const(t.attrs["value"], t.dtype)
    return restored(g.op("Pad", value, g.ints(*amounts), fill, mode="constant"), order, t.shape)


@BASE.rule("take")
def take(r: Realiser, t: Tensor) -> Placed:
    """Gather at constant indices; the axes of the indices take the place of the axis."""
    axis, indices = t.attrs["axis"], t.attrs["indices"]
    value, (position,), order = along(r, t, [axis])
    taken = r.graph.op("Gather", value, r.graph.const(indices.ravel()), axis=position)
    flat: Dims = (*t.shape[:axis], indices.size, *t.shape[axis + indices.ndim :])
    lying = restored(taken, order, flat)
    return regroup(lying, t.shape) or placed(plain(lying, flat), t.shape)


@BASE.rule("gather_rows")
def gather_rows(r: Realiser, t: Tensor) -> Placed:
    """Gather at run-time indices, along the first axis."""
    table, ids = (plain(r.place(x), x.shape) for x in t.inputs)
    return placed(r.graph.op("Gather", table, ids, axis=0), t.shape)


@BASE.rule("one_hot")
def one_hot(r: Realiser, t: Tensor) -> Placed:
    """A comparison with 0, 1, 2, ...: no OneHot, which CUDA runs on the host."""
    ids = t.inputs[0]
    x = plain(r.place(ids), (*ids.shape, 1))
    classes = r.graph.const(np.arange(int(t.attrs["classes"]), dtype=np.int64), ids.dtype)
    return placed(r.graph.cast(r.graph.op("Equal", x, classes), t.dtype), t.shape)


@BASE.rule("batch_size")
def batch_size(r: Realiser, t: Tensor) -> Placed:
    """A length at run time, as a float."""
    x = r.place(t.inputs[0])
    axis: int = t.attrs["axis"]
    wanted = t.inputs[0].shape[axis]
    found = length(x.value, wanted) if isinstance(wanted, Sym) else r.graph.const(wanted)
    return placed(r.graph.cast(found, t.dtype), ())
