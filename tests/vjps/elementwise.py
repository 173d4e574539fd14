"""Cases of ops that work element by element."""

from __future__ import annotations

import numpy as np

from specc.graph import Graph, Value
from tests.gradcheck import spaced
from tests.vjps.cases import case, node, positive

X = spaced(3, 4, gap=0.23)
POSITIVE = positive(3, 4)

for op in ("Abs", "Atan", "Cos", "Erf", "Exp", "Identity", "Neg", "Relu", "Sigmoid", "Sin",
           "Softplus", "Softsign", "Tanh"):  # fmt: skip
    case(op, "matrix", node(op), X, batch=[0])
for op in ("Log", "Reciprocal", "Sqrt"):
    case(op, "positive", node(op), POSITIVE)
case("Reciprocal", "negative", node("Reciprocal"), -POSITIVE)
case("Elu", "matrix", node("Elu", alpha=1.5), X)
case("LeakyRelu", "matrix", node("LeakyRelu", alpha=0.2), X)
case("Selu", "matrix", node("Selu", alpha=1.67, gamma=1.05), X)
case("HardSigmoid", "both-ends", node("HardSigmoid", alpha=0.7, beta=0.52), X)
case("PRelu", "one-slope", node("PRelu"), X, np.array([0.3]))
case("PRelu", "slope-a-channel", node("PRelu"), spaced(2, 3, 4), spaced(3, 1), batch=[0])
case("Clip", "both-ends", node("Clip", -0.5, 0.7), X)
case("Softmax", "last", node("Softmax", axis=-1), X, batch=[0])
case("Softmax", "first", node("Softmax", axis=0), X)
case("LogSoftmax", "middle", node("LogSoftmax", axis=1), spaced(2, 3, 4), batch=[0])
case("LogSoftmax", "saturated", node("LogSoftmax", axis=-1), X * 100)

# Broadcasts of two operands: equal, row, column, scalar, more axes on either side, both grow.
BROADCASTS = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 4), (3, 1)),
    ((), (3, 4)),
    ((2, 1, 4), (3, 1)),
    ((1, 1), (2, 3, 1)),
]
for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"):
    for left, right in BROADCASTS:
        name = f"{'x'.join(map(str, left))}-{'x'.join(map(str, right))}"
        whole = spaced(200, gap=0.013)
        a, b = whole[:100], whole[100:]
        if op == "Pow":
            a = np.abs(a) + 0.5
        if op == "Div":
            b = np.sign(b) * (np.abs(b) + 0.5)
        a, b = (v[: int(np.prod(s))].reshape(s) for v, s in ((a, left), (b, right)))
        case(op, name, node(op), a, b)
case("Add", "batch-row", node("Add"), spaced(3, 4), spaced(4), batch=[0])
case("Mul", "batch-column", node("Mul"), spaced(3, 4), spaced(3, 1), batch=[0, 1])
case("Mul", "square", lambda g, x: g.op("Mul", x, x), X)
case("Div", "itself", lambda g, x: g.op("Div", x * x, x), X)
case("Pow", "constant-square", node("Pow", 2.0), X)
case("Pow", "constant-cube-at-0", node("Pow", 3.0), X - X[0, 0])
case("Pow", "base-constant", lambda g, x: g.op("Pow", g.like(1.5, x), x), X)


def _where(g: Graph, a: Value, b: Value) -> Value:
    return g.op("Where", g.op("Greater", a, g.like(0.0, a)), a, b)


case("Where", "equal", _where, X, spaced(3, 4, seed=1))
case("Where", "broadcast", _where, X, np.array([0.5]), batch=[0])
case("Where", "condition-grows", _where, spaced(3, 1), spaced(1, 4))
case("Cast", "integers", lambda g, x, i: x * g.cast(i, x.dtype), X, np.arange(4))
case("CumSum", "last", node("CumSum", np.int64(1), exclusive=0, reverse=0), X, batch=[0])
case("CumSum", "exclusive", node("CumSum", np.int64(0), exclusive=1), X)
case("CumSum", "reverse", node("CumSum", np.int64(-1), reverse=1), X)
