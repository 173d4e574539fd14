"""The gated recurrent unit over a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Graph, Value, Values
from specc.primitives import Tensor
from specc.targets.layout import Placed
from specc.targets.realiser import BASE, Realiser
from specc.targets.recurrence import Course, course, operator, split, times


@BASE.rule("gru")
def gru(r: Realiser, t: Tensor) -> Placed:
    """GRU, or a Scan that keeps what its adjoint needs."""
    c = course(r, t)
    after = bool(t.attrs["reset_after"])
    if not r.gradients and c.mask is None:
        return operator(c, "GRU", (0, 1, 2), linear_before_reset=int(after))
    return _after(c) if after else _before(c)


def _marked(c: Course, rows: list[Value]) -> list[Value]:
    """Rows with the marks of steps that count, and of those that do not."""
    return rows if c.mask is None else [*rows, c.mask, 1.0 - c.mask]


def _next(h: Value, made: Value, marks: list[Value]) -> Value:
    return made * marks[0] + h * marks[1] if marks else made


def _after(c: Course) -> Placed:
    """The reset gate acts on the state's product."""
    g, gate, act = c.graph, *c.functions
    own = other = None
    if c.bias is not None:
        rows = split(g, c.bias, (1, 1), 0)
        own, other = (g.reshape(row, row.shape[1:]) for row in rows)
    entered = c.entered(own)
    bias = [] if other is None else [other]

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (h,), (x, *marks) = states, row
        product = body.op("Gemm", h, body.take(c.recurrent), *map(body.take, bias))
        x_gates, x_new = split(body, x, c.sizes(2, 1), 1)
        h_gates, h_new = split(body, product, c.sizes(2, 1), 1)
        gates = gate.apply(body, x_gates + h_gates)
        z, reset = split(body, gates, c.sizes(1, 1), 1)
        new = act.apply(body, x_new + reset * h_new)
        after = _next(h, new + z * (h - new), marks)
        return (after,), (after, gates, new, h_new, h)

    _, results, *kept = g.scan(c.start[:1], _marked(c, [entered]), step)
    sources = [entered, c.recurrent, *bias]
    return c.finished([results], sources, lambda dy: _adjoint_after(c, dy, kept, len(bias)))


def _adjoint_after(c: Course, dy: Value, kept: Sequence[Value], biases: int) -> list[Value]:
    """Gradients of x W + b, R, b', and the first state.

    With q = h R + b': dq = dh ((h - new) z', (1 - z) act' q_new r', (1 - z) act' r), and for the
    step before dh = dq R^T + dh z.
    """
    g, gate, act = c.graph, *c.functions
    gates, new, h_new, h = kept
    z, reset = split(g, gates, c.sizes(1, 1), 2)
    inner = times(1.0 - z, act.slope(g, new))
    pair = times(g.op("Concat", h - new, inner * h_new, axis=2), gate.slope(g, gates))
    slopes = g.op("Concat", pair, inner * reset, axis=2)

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (dq, past), (given, slope, keep, *marks) = states, row
        dh = body.op("Gemm", dq, body.take(c.recurrent), given, transB=1) + past
        passed = dh
        if marks:
            passed, dh = dh, dh * marks[0]
            before = dh * keep + passed * marks[1]
        else:
            before = dh * keep
        back = body.op("Concat", dh, dh, dh, axis=1) * slope
        return (back, before), (back, dh)

    zero = c.start[0] * 0.0 if c.given else c.start[0]
    start = [g.op("Concat", zero, zero, zero, axis=1), zero]
    dq, past, all_dq, all_dh = g.scan(start, _marked(c, [dy, slopes, z]), step, backwards=True)
    d_gates, _ = split(g, all_dq, c.sizes(2, 1), 2)
    entered = g.op("Concat", d_gates, all_dh * inner, axis=2)
    flat = c.flat(all_dq)
    d_recurrent = g.op("Gemm", c.flat(h), flat, transA=1)
    d_bias = [g.reduce("ReduceSum", flat, [0]) for _ in range(biases)]
    return [entered, d_recurrent, *d_bias, g.op("Gemm", dq, c.recurrent, past, transB=1)]


def _before(c: Course) -> Placed:
    """The reset gate acts on the state."""
    g, gate, act = c.graph, *c.functions
    entered = c.entered(c.bias)
    pair, single = split(g, c.recurrent, c.sizes(2, 1), 1)

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (h,), (x, *marks) = states, row
        x_gates, x_new = split(body, x, c.sizes(2, 1), 1)
        gates = gate.apply(body, body.op("Gemm", h, body.take(pair), x_gates))
        z, reset = split(body, gates, c.sizes(1, 1), 1)
        left = reset * h
        new = act.apply(body, body.op("Gemm", left, body.take(single), x_new))
        after = _next(h, new + z * (h - new), marks)
        return (after,), (after, gates, new, left, h)

    _, results, *kept = g.scan(c.start[:1], _marked(c, [entered]), step)
    kernels = (pair, single)
    sources = [entered, c.recurrent]
    return c.finished([results], sources, lambda dy: _adjoint_before(c, dy, kept, kernels))


def _adjoint_before(
    c: Course, dy: Value, kept: Sequence[Value], kernels: tuple[Value, Value]
) -> list[Value]:
    """Gradients of x W + b, R, and the first state.

    dnew = dh (1 - z) act', dleft = dnew R_new^T, dz = dh (h - new) z', dr = dleft h r', and for
    the step before dh = (dz, dr) R_gates^T + dh z + dleft r.
    """
    g, gate, act = c.graph, *c.functions
    gates, new, left, h = kept
    z, reset = split(g, gates, c.sizes(1, 1), 2)
    inner = times(1.0 - z, act.slope(g, new))
    slopes = times(g.op("Concat", h - new, h, axis=2), gate.slope(g, gates))
    pair, single = kernels

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (dg, past), (given, slope, inward, keep, open_, *marks) = states, row
        dh = body.op("Gemm", dg, body.take(pair), given, transB=1) + past
        passed, dh = dh, dh * marks[0] if marks else dh
        d_new = dh * inward
        d_left = body.op("Gemm", d_new, body.take(single), transB=1)
        back = body.op("Concat", dh, d_left, axis=1) * slope
        before = dh * keep + d_left * open_
        before = before + passed * marks[1] if marks else before
        return (back, before), (back, d_new)

    zero = c.start[0] * 0.0 if c.given else c.start[0]
    start = [g.op("Concat", zero, zero, axis=1), zero]
    rows = _marked(c, [dy, slopes, inner, z, reset])
    dg, past, all_dg, all_new = g.scan(start, rows, step, backwards=True)
    d_pair = g.op("Gemm", c.flat(h), c.flat(all_dg), transA=1)
    d_single = g.op("Gemm", c.flat(left), c.flat(all_new), transA=1)
    return [
        g.op("Concat", all_dg, all_new, axis=2),
        g.op("Concat", d_pair, d_single, axis=1),
        g.op("Gemm", dg, pair, past, transB=1),
    ]
