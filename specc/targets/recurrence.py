"""Recurrences: ONNX's operators where no gradient is taken, else a Scan with one for its adjoint.

Training keeps what each step computed; the factors of its derivative are then a few products over
all steps at once, and what is left to walk backwards is one matrix product and a few vectors a
step. Weights meet their gradients in one product over all steps. docs/performance.md has the
figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specc.graph import Adjoint, Graph, Value, Values
from specc.lengths import expanded
from specc.primitives import Tensor
from specc.targets.layout import Placed, as_order, from_order, plain, single
from specc.targets.products import biased
from specc.targets.realiser import Realiser
from specc.tensors import Dim, product

# Memory order of sequences: steps first, so that a step is one piece. Logical (N, T, units).
TIME_MAJOR = (1, 0, 2)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of gates: ONNX's operator, its name in recurrent operators, its derivative.

    `slope(g, y)` is the derivative from the function's result; None stands for 1.
    """

    apply: Callable[[Graph, Value], Value]
    name: str
    slope: Callable[[Graph, Value], Value | None]
    alpha: float = 0.0
    beta: float = 0.0


FUNCTIONS: dict[str, Function] = {
    "tanh": Function(lambda g, x: g.op("Tanh", x), "Tanh", lambda _, y: 1.0 - y * y),
    "sigmoid": Function(lambda g, x: g.op("Sigmoid", x), "Sigmoid", lambda _, y: y - y * y),
    "relu": Function(
        lambda g, x: g.op("Relu", x),
        "Relu",
        lambda g, y: g.cast(g.op("Greater", y, g.like(0.0, y)), y.dtype),
    ),
    "linear": Function(lambda _, x: x, "Affine", lambda _g, _y: None, 1.0, 0.0),
    "hard_sigmoid": Function(
        lambda g, x: g.op("HardSigmoid", x, alpha=1.0 / 6.0, beta=0.5),
        "HardSigmoid",
        lambda g, y: _inside(g, y) * (1.0 / 6.0),
        1.0 / 6.0,
        0.5,
    ),
}


def _inside(g: Graph, y: Value) -> Value:
    """1 where 0 < y < 1, else 0."""
    low, high = g.op("Greater", y, g.like(0.0, y)), g.op("Less", y, g.like(1.0, y))
    return g.cast(g.op("And", low, high), y.dtype)


@dataclass(slots=True)
class Course:
    """One recurrence while it is realised.

    Shapes: x (T, N, d), kernel (d, gates units), recurrent (units, gates units), bias as the
    primitive has it, start (N, units) each, mask (T, N, 1) of 0 and 1.
    """

    graph: Graph
    tensor: Tensor
    x: Value
    kernel: Value
    recurrent: Value
    bias: Value | None
    start: list[Value]
    given: int
    mask: Value | None
    functions: tuple[Function, ...] = field(default_factory=tuple[Function, ...])

    @property
    def units(self) -> int:
        """Length of a state."""
        return next(d for d in self.recurrent.shape[:1] if isinstance(d, int))

    @property
    def steps(self) -> int:
        """Number of steps."""
        return next(d for d in self.x.shape[:1] if isinstance(d, int))

    @property
    def rows(self) -> Dim:
        """Steps of all samples."""
        return product(self.x.shape[:2])

    def entered(self, bias: Value | None) -> Value:
        """x W + b for all steps in one product. Shapes: (T, N, gates units)."""
        g = self.graph
        flat = g.reshape(self.x, (self.rows, self.x.shape[2]))
        y = g.op("Gemm", flat, self.kernel) if bias is None else biased(flat, self.kernel, bias)
        return g.reshape(y, (*self.x.shape[:2], self.kernel.shape[1]))

    def flat(self, rows: Value) -> Value:
        """(T, N, k) as (T N, k)."""
        return self.graph.reshape(rows, (self.rows, rows.shape[2]))

    def sizes(self, *gates: int) -> tuple[int, ...]:
        """Lengths of groups of gates."""
        return tuple(count * self.units for count in gates)

    def finished(
        self, results: list[Value], sources: list[Value], rule: Callable[[Value], list[Value]]
    ) -> Placed:
        """The stacked results, with an adjoint of `sources` and of the states that were given."""
        g = self.graph
        y = g.op("Identity", results[0]) if len(results) == 1 else g.op("Concat", *results, axis=0)
        states = self.start[: self.given]
        count = len(sources) + len(states)
        y.adjoint = Adjoint((*sources, *states), lambda dy: rule(dy)[:count])
        return from_order(y, TIME_MAJOR)


def split(g: Graph, x: Value, sizes: tuple[int, ...], axis: int) -> Values:
    """Parts of x along an axis."""
    if len(sizes) == 1:
        return (x,)
    return g.ops("Split", x, g.ints(*sizes), outputs=len(sizes), axis=axis)


def times(a: Value, b: Value | None) -> Value:
    """A product in which None stands for 1."""
    return a if b is None else a * b


def course(r: Realiser, t: Tensor) -> Course:
    """The inputs of a recurrence, laid out."""
    g, (source, kernel, recurrent, *rest) = r.graph, t.inputs
    x = as_order(single(r.place(source), source.shape, range(3)), source.shape, TIME_MAJOR)
    given: int = t.attrs["states"]
    states = [plain(r.place(state), state.shape) for state in rest[:given]]
    rest = rest[given:]
    bias = plain(r.place(rest[0]), rest[0].shape) if t.attrs["has_bias"] else None
    mask: Value | None = None
    if t.attrs["has_mask"]:
        counted = rest[-1]
        value = as_order(single(r.place(counted), counted.shape, range(2)), counted.shape, (1, 0))
        mask = g.cast(g.reshape(value, (*value.shape, 1)), t.dtype)
    units = recurrent.shape[0]
    if not states:
        zero = expanded(g.const(0.0, t.dtype), (x.shape[1], units), x)
        states = [zero, zero]
    names = [t.attrs[key] for key in ("recurrent_activation", "activation") if key in t.attrs]
    return Course(
        g, t, x, r.kernel(kernel, (0, 1)), r.kernel(recurrent, (0, 1)), bias, states, given, mask,
        tuple(FUNCTIONS[name] for name in names),
    )  # fmt: skip


def operator(c: Course, op: str, gates: tuple[int, ...], **attrs: Any) -> Placed:
    """ONNX's own operator, whose order of the gates is `gates` of ours."""
    g, count, wide = c.graph, len(gates), c.kernel.shape[1]

    def turned(x: Value, axis: int) -> Value:
        parts = split(g, x, c.sizes(*(1,) * count), axis)
        return g.op("Concat", *(parts[i] for i in gates), axis=axis) if count > 1 else x

    def weight(x: Value) -> Value:
        moved = g.transpose(turned(x, 1), (1, 0))
        return g.reshape(moved, (1, *moved.shape))

    bias: Value | None = None
    if c.bias is not None:
        both = split(g, g.reshape(c.bias, (c.bias.rank, wide)), (1,) * c.bias.rank, 0)
        own = [turned(g.reshape(row, (wide,)), 0) for row in both]
        zeros = g.const(np.zeros(wide if isinstance(wide, int) else 0), c.bias.dtype)
        joined = g.op("Concat", own[0], own[1] if len(own) > 1 else zeros, axis=0)
        bias = g.reshape(joined, (1, *joined.shape))
    start = [g.reshape(h, (1, *h.shape)) for h in c.start[: c.given]]
    functions = [*c.functions, *(c.functions[-1:] if op == "LSTM" else ())]
    # Values are "consumed in the order of activation functions": those without any take none.
    scaled = [f for f in functions if f.alpha]
    if scaled:
        attrs["activation_alpha"] = [f.alpha for f in scaled]
        attrs["activation_beta"] = [f.beta for f in scaled]
    lasts = 2 if op == "LSTM" else 1
    found = g.ops(
        op, c.x, weight(c.kernel), weight(c.recurrent), bias, None, *start,
        outputs=1 + lasts, hidden_size=c.units, activations=[f.name for f in functions], **attrs,
    )  # fmt: skip
    y = g.reshape(found[0], (*c.x.shape[:2], c.units))
    if c.tensor.attrs["more"]:
        y = g.op("Concat", y, found[2], axis=0)
    return from_order(y, TIME_MAJOR)
