"""Lengths that are known at run time only: the batch, counts of it, and copies of its size.

They are asked of an input that has the batch, so that equal questions are one node.
"""

from __future__ import annotations

from specc.graph import Graph, Value
from specc.tensors import Dim, Dims, Sym, product


def length(near: Value, dim: Sym) -> Value:
    """How long an axis of `dim` is, an int64 scalar; `near` is a value whose batch it is."""
    g = near.graph
    source = near if near.batch is None else g.inputs[near.batch]
    axis, held = next((i, d) for i, d in enumerate(source.shape) if isinstance(d, Sym))
    found = g.op("Gather", g.op("Shape", source), g.const(axis, "int64"), axis=0)
    if held.factor == dim.factor:
        return found
    if dim.factor % held.factor == 0:
        return g.op("Mul", found, g.const(dim.factor // held.factor, "int64"))
    whole = g.op("Mul", found, g.const(dim.factor, "int64"))
    return g.op("Div", whole, g.const(held.factor, "int64"))


def lengths(near: Value, shape: Dims) -> Value:
    """`shape` as an int64 vector, its batch that of `near`."""
    g = near.graph
    parts: list[Value] = []
    run: list[int] = []
    for dim in shape:
        if isinstance(dim, int):
            run.append(dim)
            continue
        parts += [g.ints(*run)] * bool(run) + [g.reshape(length(near, dim), (1,))]
        run = []
    parts += [g.ints(*run)] * bool(run)
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=0)


def expanded(x: Value, shape: Dims, like: Value) -> Value:
    """`x` repeated along axes of length 1 to `shape`, whose batch is that of `like`."""
    if x.shape == shape:
        return x
    g: Graph = x.graph
    if not any(isinstance(dim, Sym) for dim in shape):
        return g.op("Expand", x, g.ints(*(d for d in shape if isinstance(d, int))))
    # ONNX's own inference gives up on a shape that is computed.
    return g.stated("Expand", x, lengths(like, shape), dtype=x.dtype, shape=shape)


def summed_up(x: Value, sums: Value) -> Value:
    """How many elements of x each of some sums of it has, a scalar of the type of x."""
    g = x.graph
    many, few = _count(x), _count(sums)
    if isinstance(many, Sym) and isinstance(few, int):
        whole, rest = divmod(many.factor, few)
        if rest == 0:
            one = g.cast(length(x, Sym()), x.dtype)
            return one if whole == 1 else one * float(whole)
    if isinstance(many, Sym) and isinstance(few, Sym):
        many, few = many.factor, few.factor
    if isinstance(many, int) and isinstance(few, int):
        return g.const(many / few, x.dtype)
    return g.cast(g.op("Size", x), x.dtype) / g.cast(g.op("Size", sums), x.dtype)


def _count(x: Value) -> Dim | None:
    try:
        return product(x.shape)
    except ValueError:  # the batch twice, as where all samples are compared with all
        return None
