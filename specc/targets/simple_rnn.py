"""The simple recurrence over a sequence."""

from __future__ import annotations

from specc.graph import Graph, Value, Values
from specc.primitives import Tensor
from specc.targets.layout import Placed
from specc.targets.realiser import BASE, Realiser
from specc.targets.recurrence import Course, course, operator


@BASE.rule("simple_rnn")
def simple_rnn(r: Realiser, t: Tensor) -> Placed:
    """RNN, or a Scan that keeps what its adjoint needs."""
    c = course(r, t)
    if not r.gradients and c.mask is None:
        return operator(c, "RNN", (0,))
    g, (act,) = c.graph, c.functions
    entered = c.entered(c.bias)

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (h,), (x, *marks) = states, row
        made = act.apply(body, body.op("Gemm", h, body.take(c.recurrent), x))
        after = made * marks[0] + h * marks[1] if marks else made
        return (after,), (after, made, h)

    rows = [entered] if c.mask is None else [entered, c.mask, 1.0 - c.mask]
    _, results, made, h = g.scan(c.start[:1], rows, step)
    return c.finished([results], [entered, c.recurrent], lambda dy: _adjoint(c, dy, made, h))


def _adjoint(c: Course, dy: Value, made: Value, h: Value) -> list[Value]:
    """Gradients of x W + b, R, and the first state: dz = dh act', dh = dz R^T a step before."""
    g, (act,) = c.graph, c.functions
    slope = act.slope(g, made)

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (dz, *past), (given, *factors) = states, row
        dh = body.op("Gemm", dz, body.take(c.recurrent), given, transB=1)
        before: Values = ()
        if c.mask is not None:
            *factors, mark, rest = factors
            dh = dh + past[0]
            before = (dh * rest,)
            dh = dh * mark
        back = dh * factors[0] if factors else dh
        return (back, *before), (back,)

    zero = c.start[0] * 0.0 if c.given else c.start[0]
    start, rows = [zero], [dy] if slope is None else [dy, slope]
    if c.mask is not None:
        start.append(zero)
        rows += [c.mask, 1.0 - c.mask]
    dz, *past, all_dz = g.scan(start, rows, step, backwards=True)
    d_recurrent = g.op("Gemm", c.flat(h), c.flat(all_dz), transA=1)
    return [all_dz, d_recurrent, g.op("Gemm", dz, c.recurrent, *past, transB=1)]
