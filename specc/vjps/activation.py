"""Activation functions that ONNX has as ops of their own."""

from __future__ import annotations

from specc.autodiff import Grads, vjp
from specc.graph import Graph, Node, Value
from specc.vjps.elementwise import mask, one

# Slope that turns HardSigmoid into a 0/1 step in one pass over memory; float32's largest is 3.4e38.
_STEEP = 1e38


def step(g: Graph, x: Value) -> Value:
    """1 where x > 0, else 0, in the type of x."""
    return g.op("HardSigmoid", x, alpha=_STEEP, beta=0.0)


def not_negative(x: Value) -> Value:
    """1 where x >= 0, else 0, in the type of x; between them for some of float32's denormals."""
    return x.graph.op("HardSigmoid", x, alpha=_STEEP, beta=1.0)


@vjp("Relu")
def relu(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = max(X, 0).  dX = dY [Y > 0]."""
    return [dy * step(g, node.outputs[0])]


@vjp("LeakyRelu")
def leaky_relu(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X, or alpha X below 0.  dX = dY (alpha + (1 - alpha) [X > 0])."""
    alpha = node.attrs["alpha"]
    return [dy * (step(g, one(node)) * (1.0 - alpha) + alpha)]


@vjp("PRelu")
def prelu(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X, or S X below 0.  dX = dY ([X > 0] + S [X <= 0]), dS = dY X [X <= 0]."""
    x, slope = node.inputs
    if x is None or slope is None:
        raise TypeError("PRelu has two inputs")
    above = step(g, x)
    below = 1.0 - above
    return [dy * (above + slope * below), dy * x * below]


@vjp("Elu")
def elu(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X, or alpha (e^X - 1) below 0.  dX = dY (1 above, Y + alpha below)."""
    x, y = one(node), node.outputs[0]
    above = step(g, x)
    return [dy * (above + (y + node.attrs["alpha"]) * (1.0 - above))]


@vjp("Selu")
def selu(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = gamma X, or gamma alpha (e^X - 1) below.  dX = dY (gamma above, Y + gamma alpha else)."""
    x, y = one(node), node.outputs[0]
    alpha, gamma = node.attrs["alpha"], node.attrs["gamma"]
    above = step(g, x)
    return [dy * (above * gamma + (y + alpha * gamma) * (1.0 - above))]


@vjp("Sigmoid")
def sigmoid(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = 1 / (1 + e^-X).  dX = dY Y (1 - Y)."""
    y = node.outputs[0]
    return [dy * (y * (1.0 - y))]


@vjp("Tanh")
def tanh(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = tanh X.  dX = dY (1 - Y^2)."""
    y = node.outputs[0]
    return [dy * (1.0 - y * y)]


@vjp("Softplus")
def softplus(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = log(1 + e^X).  dX = dY sigmoid X."""
    return [dy * g.op("Sigmoid", one(node))]


@vjp("Softsign")
def softsign(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X / (1 + |X|).  dX = dY / (1 + |X|)^2."""
    size = g.op("Abs", one(node)) + 1.0
    return [dy / (size * size)]


@vjp("HardSigmoid")
def hard_sigmoid(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = max(0, min(1, alpha X + beta)).  dX = dY alpha where 0 < Y < 1."""
    y = node.outputs[0]
    zero, unit = g.const(0.0, y.dtype), g.const(1.0, y.dtype)
    inside = g.op("And", g.op("Greater", y, zero), g.op("Less", y, unit))
    return [dy * (mask(g, inside, dy) * node.attrs["alpha"])]


@vjp("Softmax")
def softmax(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = e^X / sum e^X.  dX = Y (dY - sum(dY Y))."""
    return softmax_gradient(g, node.outputs[0], dy, node.attrs["axis"])


def softmax_gradient(g: Graph, y: Value, dy: Value, axis: int = -1) -> Grads:
    """Of what the softmax y along an axis was taken of."""
    product = dy * y
    return [product - y * g.reduce("ReduceSum", product, [axis % y.rank], keepdims=True)]


@vjp("LogSoftmax")
def log_softmax(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X - log sum e^X.  dX = dY - e^Y sum dY."""
    y, axis = node.outputs[0], node.attrs["axis"]
    return [dy - g.op("Exp", y) * g.reduce("ReduceSum", dy, [axis], keepdims=True)]
