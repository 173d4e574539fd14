"""Realisation of elementwise primitives: operands are brought to one layout and one rank."""

from __future__ import annotations

import math
from collections.abc import Sequence

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.layout import Layout, Placed, ordered, plain, refine
from specc.targets.realiser import BASE, Realiser
from specc.tensors import Dims
from specc.vjps.activation import step


@BASE.default
def elementwise(r: Realiser, t: Tensor) -> Placed:
    """Any primitive that is named like an ONNX op and works element by element."""
    operands = [r.place(x) for x in t.inputs]
    values, layout = aligned(operands, [x.shape for x in t.inputs], t.shape)
    attrs = {k: v for k, v in t.attrs.items() if k != "to"}
    if t.op == "Cast":
        return Placed(r.graph.cast(values[0], t.dtype), layout)
    return Placed(r.graph.op(t.op, *values, **attrs), layout)


@BASE.rule("clip")
def clip(r: Realiser, t: Tensor) -> Placed:
    """Clip with its bounds as inputs."""
    x = r.place(t.inputs[0])
    low, high = (r.graph.const(t.attrs[k], t.dtype) for k in ("low", "high"))
    return Placed(r.graph.op("Clip", x.value, low, high), x.layout)


@BASE.rule("capped_relu")
def capped_relu(r: Realiser, t: Tensor) -> Placed:
    """One Clip. Its mask is a step of y (cap - y), which is 0 at both ends: no bools, no casts."""
    x, g, cap = r.place(t.inputs[0]), r.graph, t.attrs["cap"]
    y = g.op("Clip", x.value, g.const(0.0, t.dtype), g.const(cap, t.dtype))
    y.adjoint = Adjoint((x.value,), lambda dy: [dy * step(g, y * (cap - y))])
    return Placed(y, x.layout)


@BASE.rule("gelu")
def gelu(r: Realiser, t: Tensor) -> Placed:
    """x/2 (1 + erf(x / sqrt 2)); in training of s = x / sqrt 2, with its whole gradient.

    y = s (1 + erf s) / sqrt 2, and as Phi' is the normal density,
    dX = dY (1 + erf s + s 2 e^(-s^2) / sqrt pi) / 2. Seven passes over memory fewer than op by op,
    where the factors join the products around (`specc.scales`).
    """
    x, g = r.place(t.inputs[0]), r.graph
    if not r.gradients:  # as onnxruntime 1.32 fuses it: a Div, and the half in front
        half, erf = x.value * 0.5, g.op("Erf", x.value / math.sqrt(2.0))
        return Placed(half * (erf + 1.0), x.layout)
    s = x.value * math.sqrt(0.5)
    twice = g.op("Erf", s) + 1.0
    y = s * twice * math.sqrt(0.5)

    def adjoint(dy: Value) -> list[Value | None]:
        density = g.op("Exp", math.log(2.0 / math.sqrt(math.pi)) - s * s)
        return [dy * (twice + s * density) * 0.5]

    y.adjoint = Adjoint((x.value,), adjoint)
    return Placed(y, x.layout)


def aligned(
    operands: Sequence[Placed], shapes: Sequence[Dims], shape: Dims
) -> tuple[list[Value], Layout]:
    """Values that broadcast in ONNX to the logical `shape`, and the layout of the result."""
    lead = next((i for i, s in enumerate(shapes) if s == shape), None)
    if lead is not None:
        found = _follow(list(operands), list(shapes), lead, shape)
        if found is not None:
            return found
    values = [plain(x, s) for x, s in zip(operands, shapes, strict=True)]
    layout = Layout.plain(shape)
    if len(layout.factors) != len(shape):
        # Ones in the result: keep them out of the value by computing without those axes.
        keep = [i for i, dim in enumerate(shape) if dim != 1]
        values = [_drop(v, keep, len(shape)) for v in values]
    return values, layout


def _drop(value: Value, keep: Sequence[int], rank: int) -> Value:
    dims = (1,) * (rank - value.rank) + value.shape
    return value.graph.reshape(value, [dims[i] for i in keep])


def _follow(
    operands: list[Placed], shapes: list[Dims], lead: int, shape: Dims
) -> tuple[list[Value], Layout] | None:
    """All operands in the layout of operand `lead`, whose shape is the result's."""
    leader = operands[lead]
    # Cut the leader as finely as any operand needs.
    for operand, own in zip(operands, shapes, strict=True):
        axes = _widened(operand.layout, own, leader.layout, shape)
        cut = refine(leader, axes)
        if cut is None:
            return None
        leader = cut
    values: list[Value] = []
    for operand, own in zip(operands, shapes, strict=True):
        value = _fit(operand, own, leader.layout, shape)
        if value is None:
            return None
        values.append(value)
    return values, leader.layout


def _widened(layout: Layout, own: Dims, leader: Layout, shape: Dims) -> list[Dims]:
    """The factors that each result axis must be cut into for an operand of shape `own`."""
    extra = len(shape) - len(own)
    axes: list[Dims] = []
    for i, dim in enumerate(shape):
        broadcast = i < extra or (own[i - extra] == 1 and dim != 1)
        axes.append(leader.axes[i] if broadcast else layout.axes[i - extra])
    return axes


def _fit(operand: Placed, own: Dims, leader: Layout, shape: Dims) -> Value | None:
    """The operand in the leader's factors and order, with ones where it is broadcast."""
    extra = len(shape) - len(own)
    present = [i >= extra and own[i - extra] == shape[i] for i in range(len(shape))]
    fine = refine(operand, [leader.axes[i] for i in range(len(shape)) if present[i]])
    if fine is None:
        return None
    kept = [f for i in range(len(shape)) if present[i] for f in leader.numbers(i)]
    order = tuple(kept.index(f) for f in leader.order if f in kept)
    moved = ordered(fine, order)
    if not kept:
        return operand.graph.reshape(moved.value, ())
    flat = leader.factors
    return operand.graph.reshape(moved.value, [flat[f] if f in kept else 1 for f in leader.order])


@BASE.rule("stop_gradient")
def stop_gradient(r: Realiser, t: Tensor) -> Placed:
    """An Identity whose adjoint is nothing."""
    x = r.place(t.inputs[0])
    return Placed(r.barrier(x.value), x.layout)
