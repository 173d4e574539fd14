"""Batch normalisation behind a convolution of one tap to many channels, folded into it.

The formulas are those of `specc.targets.cpu.normalised`: mean and variance follow from those of the
smaller image. Here the convolution that makes the result also shifts it and applies the activation,
and of its gradient only sums of products are needed: of some dozen passes over the larger image
three remain.
"""

from __future__ import annotations

from dataclasses import dataclass

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.cpu import CPU
from specc.targets.cpu.pixels import length
from specc.targets.internal import kernels
from specc.targets.internal.columns import of_points
from specc.targets.internal.images import fills, from_image, image, lies
from specc.targets.internal.nchwc import conv
from specc.targets.internal.normalization import (
    activation,
    average,
    centred,
    count,
    masked,
)
from specc.targets.internal.rules import block
from specc.targets.layout import Placed, placed
from specc.targets.realiser import Realiser


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of a linear map's result before it is made.

    Attributes:
        source: the image X (N, C, H, W) in blocks.
        x: the same, centred.
        kernel: the map as it is stored, [F / b, C / b, 1, 1, b, b].
        w: the map [F, C].
        mapped: W Xc Xc^T [F, C].
        mean, variance: of the result (F,).
    """

    source: Value
    x: Value
    kernel: Value
    w: Value
    mapped: Value
    mean: Value
    variance: Value

    @staticmethod
    def of(r: Realiser, t: Tensor) -> Statistics | None:
        """Of the convolution t; None where its image does not lie in blocks.

        Asked for again it is the same: equal nodes are made once.
        """
        if not (lies(r, t.inputs[0]) and fills(t, block(r))):
            return None
        g, source = r.graph, image(r, t.inputs[0])
        middle = average(source)
        x = centred(source, middle)
        kernel = kernels.dense(r, t.inputs[1])
        w = kernels.matrix(kernel)
        spread = kernels.matrix(of_points(x, x, block(r)))
        mapped = g.op("MatMul", w, spread)
        # Never less than zero: see the CPU target's `normalised`, which has the same statistics.
        variance = g.op("Relu", g.reduce("ReduceSum", mapped * w, [1]) * (1.0 / count(x)))
        mean = g.reshape(
            g.op("MatMul", w, g.reshape(middle, (length(middle.shape[0]), 1))), variance.shape
        )
        for bias in t.inputs[2:]:  # it moves the mean, and nothing that is centred
            mean = mean + r.vector(bias)
        return Statistics(source, x, kernel, w, mapped, mean, variance)


@dataclass(frozen=True, slots=True)
class Moment:
    """The mean or the variance of a convolution's result, before there is one.

    Attributes:
        between: what the moment is computed from where the result is made after all.
    """

    conv: Tensor
    between: tuple[Tensor, ...] = ()

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """The moment (F,)."""
        known = Statistics.of(r, self.conv)
        if known is not None:
            return placed(known.variance if self.between else known.mean, t.shape)
        for each in (self.conv, *self.between):
            _make(r, each)
        return r.rules.find(t.op)(r, t)


@dataclass(frozen=True, slots=True)
class Expanded:
    """An activation, or a normalisation without one, that takes over both and the convolution."""

    conv: Tensor
    norm: Tensor
    after: Tensor | None

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """All as one where the image lies in blocks."""
        known = Statistics.of(r, self.conv)
        if known is not None:
            return _expanded(r, self, known, t)
        for each in (self.conv, self.norm):
            if each is not t:
                _make(r, each)
        return r.rules.find(t.op)(r, t)


def _make(r: Realiser, t: Tensor) -> None:
    """Realise a tensor that had been taken over, once."""
    if id(t) not in r.done:
        with r.graph.scope(t.scope):
            r.bind(t, (CPU if t.op in {"Sub", "Mul"} else r.rules).find(t.op)(r, t))


def _expanded(r: Realiser, plan: Expanded, known: Statistics, t: Tensor) -> Placed:
    """relu(gain W Xc + offset), with its whole gradient."""
    g, size, x, w = r.graph, block(r), known.x, known.w
    scale, offset = (r.vector(i) for i in plan.norm.inputs[1:3])
    root = g.op("Sqrt", known.variance + plan.norm.attrs["epsilon"])
    inverse = g.op("Reciprocal", root)
    gain = scale * inverse
    (filters,) = (length(d) for d in gain.shape)
    scaled = w * g.reshape(gain, (filters, 1))
    kernel = kernels.in_blocks(scaled, size)
    y = conv(x, kernels.declared(kernel), offset, activation=activation(plan.after))

    def adjoint(dy: Value) -> list[Value | None]:
        dy = masked(dy, y, plan.after)
        middle, each = average(dy), kernels.matrix(of_points(x, dy, size))
        along = g.reduce("ReduceSum", each * w, [1])
        c = gain * inverse * inverse * along * (1.0 / count(x))
        thin = g.reshape(c, (filters, 1))
        dw = each * g.reshape(gain, (filters, 1)) - known.mapped * thin
        inner = g.op("Gemm", -(w * thin), w, transA=1)
        shift = g.op("Gemm", -scaled, g.reshape(middle, (filters, 1)), transA=1)
        back = conv(x, kernels.declared(kernels.in_blocks(inner, size)))
        turned = kernels.declared(kernels.turned(kernel))
        dx = conv(dy, turned, g.reshape(shift, (x.shape[1],)), back)
        stored = kernels.in_blocks(dw, size)
        return [dx, stored, along * inverse, middle * count(x)]

    y.adjoint = Adjoint((known.source, known.kernel, scale, offset), adjoint)
    return from_image(y, t, size)
