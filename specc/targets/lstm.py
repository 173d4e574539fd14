"""Long short-term memory over a sequence."""

from __future__ import annotations

from specc.graph import Graph, Value, Values
from specc.primitives import Tensor
from specc.targets.layout import Placed
from specc.targets.realiser import BASE, Realiser
from specc.targets.recurrence import Course, course, operator, split, times


@BASE.rule("lstm")
def lstm(r: Realiser, t: Tensor) -> Placed:
    """LSTM, or a Scan that keeps what its adjoint needs."""
    c = course(r, t)
    if not r.gradients and c.mask is None:
        # ONNX has the gates in the order i, o, f, g.
        return operator(c, "LSTM", (0, 3, 1, 2))
    g, gate, act = c.graph, *c.functions
    entered = c.entered(c.bias)

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (h, cell), (x, *marks) = states, row
        z = body.op("Gemm", h, body.take(c.recurrent), x)
        first, new, out = split(body, z, c.sizes(2, 1, 1), 1)
        both, new, out = gate.apply(body, first), act.apply(body, new), gate.apply(body, out)
        i, f = split(body, both, c.sizes(1, 1), 1)
        after = f * cell + i * new
        squashed = act.apply(body, after)
        made = out * squashed
        kept = (both, new, out, squashed, h, cell)
        if marks:
            mark, rest = marks
            made, after = made * mark + h * rest, after * mark + cell * rest
        return (made, after), (made, *kept)

    rows = [entered] if c.mask is None else [entered, c.mask, 1.0 - c.mask]
    found = g.scan(c.start[:2], rows, step)
    results = [found[2]]
    if t.attrs["more"]:
        results.append(g.reshape(found[1], (1, *found[1].shape)))
    kept = found[3:]
    return c.finished(
        results, [entered, c.recurrent], lambda dy: _adjoint(c, dy, kept, more=t.attrs["more"])
    )


def _adjoint(c: Course, dy: Value, kept: Values, *, more: int) -> list[Value]:
    """Gradients of x W + b, R, and the first states.

    With dh and dc those of a step's results: dc += dh o tanh'(c); di, df, dg = dc times g, c_prev,
    i times the slopes; do = dh tanh(c) times the slope; and for the step before dh = dz R^T,
    dc = dc f.
    """
    g, gate, act = c.graph, *c.functions
    both, new, out, squashed, h, cell = kept
    last: Value | None = None
    if more:
        dy, last = split(g, dy, (c.steps, 1), 0)
    i, f = split(g, both, c.sizes(1, 1), 2)
    first = times(g.op("Concat", new, cell, axis=2), gate.slope(g, both))
    slopes = g.op(
        "Concat", first, times(i, act.slope(g, new)), times(squashed, gate.slope(g, out)), axis=2
    )
    through = times(out, act.slope(g, squashed))

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        (dz, dc, *past), (given, slope, inward, forget, *marks) = states, row
        dh = body.op("Gemm", dz, body.take(c.recurrent), given, transB=1)
        if marks:
            mark, rest = marks
            whole, whole_c = dh + past[0], dc
            dh, dc = whole * mark, whole_c * mark
            own = dc + dh * inward
            before: Values = (own * forget + whole_c * rest, whole * rest)
        else:
            own = dc + dh * inward
            before = (own * forget,)
        back = body.op("Concat", own, own, own, dh, axis=1) * slope
        return (back, *before), (back,)

    zero = c.start[0] * 0.0 if c.given else c.start[0]
    wide = g.op("Concat", zero, zero, zero, zero, axis=1)
    start = [wide, zero if last is None else g.reshape(last, zero.shape)]
    rows = [dy, slopes, through, f]
    if c.mask is not None:
        start.append(zero)
        rows += [c.mask, 1.0 - c.mask]
    dz, dc, *past, all_dz = g.scan(start, rows, step, backwards=True)
    d_recurrent = g.op("Gemm", c.flat(h), c.flat(all_dz), transA=1)
    dh = g.op("Gemm", dz, c.recurrent, *past, transB=1)
    return [all_dz, d_recurrent, dh, dc]
