"""Arithmetic of one and two inputs."""

from __future__ import annotations

import math

from specc.autodiff import Grads, no_gradient, vjp
from specc.graph import Graph, Node, Value

no_gradient(
    "And", "ArgMax", "ArgMin", "BitwiseXor", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual",
    "IsNaN", "Less", "LessOrEqual", "Not", "OneHot", "Or", "Range", "Round", "Shape", "Sign",
    "Size",
)  # fmt: skip


def one(node: Node) -> Value:
    """The first input, which every node here has."""
    return _present(node.inputs[0], node)


def two(node: Node) -> tuple[Value, Value]:
    """The first two inputs."""
    return _present(node.inputs[0], node), _present(node.inputs[1], node)


def _present(x: Value | None, node: Node) -> Value:
    if x is None:
        raise TypeError(f"{node.op} lacks an input")
    return x


def mask(g: Graph, condition: Value, like: Value) -> Value:
    """A bool as 0 and 1: multiplying with it is 20 times faster than `Where` on the CPU."""
    return g.cast(condition, like.dtype)


@vjp("Identity")
def identity(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X.  dX = dY."""
    return [dy]


@vjp("Add")
def add(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A + B.  dA = dY, dB = dY."""
    return [dy, dy]


@vjp("Sub")
def sub(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A - B.  dA = dY, dB = -dY."""
    return [dy, -dy]


@vjp("Mul")
def mul(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A B.  dA = dY B, dB = dY A."""
    a, b = two(node)
    return [dy * b, dy * a]


@vjp("Div")
def div(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A / B.  dA = dY / B, dB = -dY Y / B."""
    _, b = two(node)
    quotient = dy / b
    return [quotient, -(quotient * node.outputs[0])]


@vjp("Pow")
def power(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A^B.  dA = dY B A^(B-1), dB = dY Y log A (A > 0)."""
    a, b = two(node)
    da = dy * (b * g.op("Pow", a, b - 1.0))
    if b.const is not None:
        return [da, None]
    return [da, dy * node.outputs[0] * g.op("Log", a)]


@vjp("Neg")
def neg(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = -X.  dX = -dY."""
    return [-dy]


@vjp("Abs")
def absolute(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = |X|.  dX = dY (1 where X > 0, -1 where X < 0, 0 at 0)."""
    x, zero = one(node), g.const(0.0, one(node).dtype)
    sign = mask(g, g.op("Greater", x, zero), x) - mask(g, g.op("Less", x, zero), x)
    return [dy * sign]


@vjp("Exp")
def exp(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = e^X.  dX = dY Y."""
    return [dy * node.outputs[0]]


@vjp("Log")
def log(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = log X.  dX = dY / X."""
    return [dy / one(node)]


@vjp("Sqrt")
def sqrt(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = sqrt X.  dX = dY / (2 Y)."""
    return [dy * 0.5 / node.outputs[0]]


@vjp("Reciprocal")
def reciprocal(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = 1 / X.  dX = -dY Y^2."""
    y = node.outputs[0]
    return [-(dy * (y * y))]


@vjp("Sin")
def sin(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = sin X.  dX = dY cos X."""
    return [dy * g.op("Cos", one(node))]


@vjp("Cos")
def cos(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = cos X.  dX = -dY sin X."""
    return [-(dy * g.op("Sin", one(node)))]


@vjp("Atan")
def arctan(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = arctan X.  dX = dY / (1 + X^2)."""
    x = one(node)
    return [dy / (x * x + 1.0)]


@vjp("Erf")
def erf(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = erf X.  dX = dY 2 / sqrt(pi) e^(-X^2)."""
    x = one(node)
    return [dy * (g.op("Exp", -(x * x)) * (2.0 / math.sqrt(math.pi)))]


@vjp("Max")
def maximum(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = max(A, B).  dA = dY where A > B, half of it where A = B; dB the rest."""
    return _extreme(g, node, dy, "Greater")


@vjp("Min")
def minimum(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = min(A, B).  dA = dY where A < B, half of it where A = B; dB the rest."""
    return _extreme(g, node, dy, "Less")


def _extreme(g: Graph, node: Node, dy: Value, wins: str) -> Grads:
    a, b = two(node)
    left = mask(g, g.op(wins, a, b), dy)
    right = mask(g, g.op(wins, b, a), dy)
    # Half of 1 + left - right, which is 2, 1 or 0.
    share = (left - right) * 0.5 + 0.5
    return [dy * share, dy * (1.0 - share)]


@vjp("Clip")
def clip(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = min(max(X, low), high).  dX = dY where low <= X <= high."""
    x, low, high = node.inputs
    if x is None or low is None or high is None:
        raise TypeError("Clip is made with both bounds")
    inside = g.op("And", g.op("GreaterOrEqual", x, low), g.op("LessOrEqual", x, high))
    return [dy * mask(g, inside, dy), None, None]


@vjp("Where")
def where(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A where C else B.  dA = dY C, dB = dY (not C)."""
    condition = one(node)
    yes = mask(g, condition, dy)
    return [None, dy * yes, dy * mask(g, g.op("Not", condition), dy)]


@vjp("Cast")
def cast(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X in another type.  dX = dY in the type of X; nothing flows to integers."""
    x = one(node)
    return [g.cast(dy, x.dtype) if x.dtype.startswith("float") else None]


@vjp("CumSum")
def cumsum(g: Graph, node: Node, dy: Value) -> Grads:
    """Y_i = sum of X_j for j <= i.  dX_j = sum of dY_i for i >= j."""
    _, axis = two(node)
    flags = {**node.attrs, "reverse": 1 - node.attrs.get("reverse", 0)}
    return [g.op("CumSum", dy, axis, **flags), None]
