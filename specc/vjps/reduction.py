"""Reductions. Axes are constants, as the graph builder makes them."""

from __future__ import annotations

from specc.autodiff import Grads, vjp
from specc.graph import Graph, Node, Value
from specc.lengths import expanded, summed_up
from specc.tensors import Dims, Sym, product
from specc.vjps.elementwise import mask, one


def axes_of(node: Node) -> list[int]:
    """The axes a node folds, 0-based."""
    rank = one(node).rank
    axes = node.inputs[1] if len(node.inputs) > 1 else None
    if axes is None:
        return list(range(rank))
    if axes.const is None:
        raise TypeError(f"{node.op}: axes must be a constant")
    return [int(a) % rank for a in axes.const]


def kept(g: Graph, node: Node, value: Value) -> Value:
    """`value`, of the node's output shape, with the folded axes as length 1."""
    folded = set(axes_of(node))
    shape: Dims = tuple(1 if i in folded else d for i, d in enumerate(one(node).shape))
    return g.reshape(value, shape)


def _grads(node: Node, dx: Value) -> Grads:
    return [dx] if len(node.inputs) == 1 else [dx, None]


@vjp("ReduceSum")
def reduce_sum(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = sum X.  dX = dY, repeated."""
    x = one(node)
    return _grads(node, expanded(kept(g, node, dy), x.shape, x))


@vjp("ReduceMean")
def reduce_mean(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = sum X / n.  dX = dY / n, repeated; n is known only at run time when it has the batch."""
    x = one(node)
    count = product([x.shape[a] for a in axes_of(node)])
    scaled = dy / summed_up(x, node.outputs[0]) if isinstance(count, Sym) else dy * (1.0 / count)
    return _grads(node, expanded(kept(g, node, scaled), x.shape, x))


@vjp("ReduceMax", "ReduceMin")
def reduce_extreme(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = max X (or min).  dX = dY shared evenly between the elements equal to Y."""
    x, axes = one(node), axes_of(node)
    hit = mask(g, g.op("Equal", x, kept(g, node, node.outputs[0])), x)
    share = kept(g, node, dy) / g.reduce("ReduceSum", hit, axes, keepdims=True)
    return _grads(node, hit * share)


@vjp("ReduceProd")
def reduce_prod(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = prod X.  dX = dY Y / X (X without zeros)."""
    x = one(node)
    return _grads(node, kept(g, node, dy * node.outputs[0]) / x)


@vjp("TopK")
def top_k(g: Graph, node: Node, dy: Value | None, _: Value | None) -> Grads:
    """Values of the k largest.  dX = dY scattered to the indices."""
    x = one(node)
    if dy is None:
        return [None, None]
    zeros = x * 0.0
    axis = node.attrs.get("axis", -1)
    return [g.op("ScatterElements", zeros, node.outputs[1], dy, axis=axis), None]
