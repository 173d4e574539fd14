"""Batch normalisation in blocks of channels: each pass is a convolution that reads once.

y = relu(gain c + offset + z) of c = x - mean is a convolution of one tap for each channel that
adds a tensor and has an activation, and a sum over pixels of a product is one with a kernel as
large as the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc.graph import Adjoint, Attribute, Value
from specc.primitives import Tensor
from specc.targets.cpu import CPU
from specc.targets.cpu.pixels import length
from specc.targets.internal.images import from_image, held, ints
from specc.targets.internal.nchwc import conv, means, sides
from specc.targets.internal.rules import INTERNAL, block
from specc.targets.layout import Placed, placed
from specc.targets.realiser import Realiser
from specc.vjps.activation import step
from specc.vjps.movement import pad_axis


def scaled(
    x: Value,
    by: Value,
    add: Value,
    more: Value | None = None,
    then: Mapping[str, Attribute] | None = None,
) -> Value:
    """then(x by + add + more). Shapes: x, more (N, C, H, W) in blocks, by and add (C,)."""
    c = length(x.shape[1])
    kernel = x.graph.reshape(by, (c, 1, 1, 1))
    return conv(x, kernel, add, more, group=c, activation=then)


def dots(a: Value, b: Value) -> Value:
    """The sum over samples and pixels of a b. Shapes: a, b (N, C, H, W), result (C,)."""
    g, (high, wide) = a.graph, sides(a)
    n, c = length(a.shape[0]), length(a.shape[1])
    every, kernel = g.reshape(a, (1, n * c, high, wide)), g.reshape(b, (n * c, 1, high, wide))
    return g.reduce("ReduceSum", g.reshape(conv(every, kernel, group=n * c), (n, c)), [0])


def average(x: Value) -> Value:
    """The mean over samples and pixels. Shapes: x (N, C, H, W), result (C,)."""
    return x.graph.reduce("ReduceMean", means(x), [0])


def count(x: Value) -> float:
    """How many pixels all samples of an image (N, C, H, W) have."""
    high, wide = sides(x)
    return float(length(x.shape[0]) * high * wide)


def centred(x: Value, mean: Value) -> Value:
    """x - mean. Shapes: x (N, C, H, W), mean (C,)."""
    c = scaled(x, x.graph.const([1.0] * length(x.shape[1]), x.dtype), -mean)
    c.adjoint = Adjoint((x, mean), lambda dy: [dy, average(dy) * -count(x)])
    return c


def widened(v: Value, x: Value) -> Value:
    """A vector of an image's channels with zeros for those that fill its last block."""
    return pad_axis(v.graph, v, 0, 0, length(x.shape[1]) - length(v.shape[0]))


def _front(v: Value, t: Tensor) -> Value:
    """A vector (C',) without what fills the last block of the image t."""
    g, c = v.graph, ints(t.shape)[-1]
    return v if v.shape == (c,) else g.op("Slice", v, g.ints(0), g.ints(c), g.ints(0), g.ints(1))


@INTERNAL.rule("ReduceMean")
def reduce_mean(r: Realiser, t: Tensor) -> Placed:
    """The mean of each channel, over all samples or of each."""
    (x,), axes = t.inputs, tuple(t.attrs["axes"])
    value = held(r, x) if axes in {(0, 1, 2), (1, 2)} else None
    if value is None or (axes == (1, 2) and value.shape[1] != x.shape[-1]):
        return CPU.find("ReduceMean")(r, t)
    g, made = r.graph, means(value)
    n, c, high, wide = (length(d) for d in value.shape)
    size = block(r)

    def adjoint(dy: Value) -> list[Value | None]:
        thin = g.reshape(dy * (1.0 / (high * wide)), (n, c // size, 1, size))
        wider = g.op("Expand", thin, g.ints(n, c // size, high * wide, size))
        return [g.reshape(wider, value.shape)]

    made.adjoint = Adjoint((value,), adjoint)
    y = made if axes == (1, 2) else _front(g.reduce("ReduceMean", made, [0]), x)
    return placed(y, t.shape)


@dataclass(frozen=True, slots=True)
class Variance:
    """The mean of squares of x - mean, in one pass."""

    x: Tensor
    mean: Tensor

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """The difference, the squares and their mean as one."""
        x = held(r, self.x)
        if x is None:
            squares = t.inputs[0]
            for each in (squares.inputs[0], squares):
                r.bind(each, CPU.find(each.op)(r, each))
            return CPU.find(t.op)(r, t)
        c = centred(x, widened(r.vector(self.mean), x))
        share = 1.0 / count(x)
        y = dots(c, c) * share
        y.adjoint = Adjoint((c,), lambda dy: [scaled(c, dy * (2.0 * share), dy * 0.0)])
        return placed(_front(y, self.x), t.shape)


@dataclass(frozen=True, slots=True)
class Normalised:
    """An activation, or a sum, or both, that take over the batch normalisation in front.

    Attributes:
        total: the sum of the normalisation and `other`.
        after: the ReLU behind them.
    """

    norm: Tensor
    total: Tensor | None = None
    other: Tensor | None = None
    after: Tensor | None = None

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """All as one where the image lies in blocks."""
        x = held(r, self.norm.inputs[0])
        more = None if self.other is None else held(r, self.other)
        if x is not None and (self.other is None or more is not None):
            return _normalised(r, self.norm, x, more, self.after)
        for each in (self.norm, self.total):
            if each is not None and each is not t:
                with r.graph.scope(each.scope):
                    r.bind(each, r.rules.find(each.op)(r, each))
        return r.rules.find(t.op)(r, t)


@INTERNAL.rule("batch_norm_training")
def batch_norm_training(r: Realiser, t: Tensor) -> Placed:
    """(x - mean) r scale + offset with x's own mean and variance."""
    x = held(r, t.inputs[0])
    return CPU.find(t.op)(r, t) if x is None else _normalised(r, t, x)


def _normalised(
    r: Realiser, t: Tensor, x: Value, more: Value | None = None, after: Tensor | None = None
) -> Placed:
    """With what is added, and the activation behind it, if any.

    The gradient is that of `specc.targets.normalization`, in two passes instead of four:
    dX = (gain dY - gain mean(dY)) - c gain r^2 mean(dY c).
    """
    g, share = r.graph, 1.0 / count(x)
    # Of channels that only fill a block mean, variance, scale and offset are zero, and so is y.
    scale, offset, mean, variance = (widened(r.vector(i), x) for i in t.inputs[1:])
    inverse = g.op("Reciprocal", g.op("Sqrt", variance + t.attrs["epsilon"]))
    gain = scale * inverse
    c = centred(x, mean)
    y = scaled(c, gain, offset, more, activation(after))

    def adjoint(dy: Value) -> list[Value | None]:
        dy = masked(dy, y, after)
        middle, along = average(dy), dots(dy, c)
        dx = scaled(dy, gain, -(gain * middle))
        by = -(along * (gain * inverse * inverse * share))
        dx = scaled(c, by, g.const([0.0] * length(x.shape[1]), dy.dtype), dx)
        return [dx, along * inverse, middle * count(x), *([] if more is None else [dy])]

    inputs = (x, scale, offset) if more is None else (x, scale, offset, more)
    y.adjoint = Adjoint(inputs, adjoint)
    return from_image(y, t, block(r))


def activation(t: Tensor | None) -> Mapping[str, Attribute]:
    """A Relu, or one with a cap, as the operators take it; nothing for None."""
    if t is None:
        return {}
    if t.op == "Relu":
        return {"activation": "Relu"}
    return {"activation": "Clip", "activation_params": (0.0, float(t.attrs["cap"]))}


def masked(dy: Value, y: Value, after: Tensor | None) -> Value:
    """The gradient in front of an activation that gave y."""
    if after is None:
        return dy
    cap = after.attrs.get("cap")
    return dy * step(y.graph, y if cap is None else y * (cap - y))
