"""Normalisation: batch statistics for inference folded; for training whole gradients at once."""

from __future__ import annotations

from specc.graph import Adjoint, Value
from specc.lengths import summed_up
from specc.primitives import Tensor
from specc.targets.dots import dots
from specc.targets.elementwise import aligned
from specc.targets.layout import Placed, placed, single
from specc.targets.realiser import BASE, Realiser


@BASE.rule("batch_norm")
def batch_norm(r: Realiser, t: Tensor) -> Placed:
    """(x - mean) r scale + offset, folded into x * gain + shift."""
    x, scale, offset, mean, variance = (r.place(i) for i in t.inputs)
    g = r.graph
    gain = scale.value / g.op("Sqrt", variance.value + t.attrs["epsilon"])
    shift = offset.value - mean.value * gain
    channels = t.inputs[1].shape
    factors = [x, placed(gain, channels), placed(shift, channels)]
    (value, by, add), layout = aligned(factors, [t.shape, channels, channels], t.shape)
    return Placed(value * by + add, layout)


@BASE.rule("batch_norm_training")
def batch_norm_training(r: Realiser, t: Tensor) -> Placed:
    """(x - mean) r scale + offset with x's own mean and variance.

    Differentiated op by op, x, its mean and its variance would pass a dozen maps of the size of x
    back and forth; the whole gradient (Ioffe and Szegedy 2015, section 3) needs five:

        dX = gain (dY - mean(dY) - c r^2 mean(dY c)),  c = X - mean,  gain = scale r.
    """
    g, channels = r.graph, t.inputs[1].shape
    last = len(t.shape) - 1
    x = single(r.place(t.inputs[0]), t.shape, [last])
    scale, offset, mean, variance = (r.vector(i) for i in t.inputs[1:])
    inverse = g.op("Reciprocal", g.op("Sqrt", variance + t.attrs["epsilon"]))
    gain = scale * inverse
    operands = [x, *(placed(v, channels) for v in (mean, gain, offset, inverse))]
    (value, middle, by, add, inner), layout = aligned(operands, [t.shape, *[channels] * 4], t.shape)
    centred = value - middle
    y = centred * by + add
    axes = [i for i in range(y.rank) if i not in layout.positions(last)]

    def adjoint(dy: Value) -> list[Value | None]:
        """Of x, scale and offset; mean and variance are x's, and in dX already."""
        total = g.reduce("ReduceSum", dy, axes, keepdims=True)
        along = dots(dy, centred, axes)
        count = summed_up(dy, total)
        share = along * (by * inner * inner / count)
        dx = dy * by - centred * share - total * (by / count)
        return [dx, g.reshape(along * inner, scale.shape), g.reshape(total, offset.shape)]

    y.adjoint = Adjoint((value, scale, offset), adjoint)
    return Placed(y, layout)


@BASE.rule("standardised")
def standardised(r: Realiser, t: Tensor) -> Placed:
    """c / sqrt(mean(c^2) + epsilon), c = X - mean(X), over whatever factors the axes have.

    The whole gradient (Ba et al. 2016): dX = (dY - mean(dY) - Y mean(dY Y)) / deviation.
    """
    x, g = r.place(t.inputs[0]), r.graph
    axes = sorted(p for axis in t.attrs["axes"] for p in x.layout.positions(axis))

    def mean(value: Value) -> Value:
        return g.reduce("ReduceMean", value, axes, keepdims=True)

    centred = x.value - mean(x.value)
    inverse = g.op("Reciprocal", g.op("Sqrt", mean(centred * centred) + t.attrs["epsilon"]))
    y = centred * inverse
    y.adjoint = Adjoint((x.value,), lambda dy: [(dy - mean(dy) - y * mean(dy * y)) * inverse])
    return Placed(y, x.layout)
