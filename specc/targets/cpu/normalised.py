"""Batch normalisation behind a convolution of 1 x 1, by the statistics of the smaller image.

What a linear map makes of X has the mean W m and the variance diag(W S W^T), m and S the mean and
covariance of X's channels. So neither the map's result nor its gradient is passed through memory to
be centred and scaled: W (X - m) is normal once W's rows are scaled, and as sums of centred values
vanish, what the gradient takes from dY is (Ioffe and Szegedy 2015, section 3, put through W)

    dW = gain (dY Xc^T) - c W (Xc Xc^T)        c = gain r^2 rowsum(W (dY Xc^T)) / n
    dX = (gain W)^T dY - (W^T c W) Xc - W^T gain mean(dY)

with n positions, Xc = X - m, r = 1 / deviation and gain = scale r: products, and four passes over
the smaller image. MobileNetV2's expansions, 16 to 96 channels, took eleven over the larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc.graph import Adjoint, Graph, Value
from specc.lengths import summed_up
from specc.primitives import Tensor
from specc.targets.cpu.pixels import from_rows, length, pixels, rows, times
from specc.targets.layout import Placed, placed
from specc.targets.portable import known
from specc.targets.realiser import Planned, Realiser

# A pass over one float in multiplications and additions of MatMul: 0.3 ns beside 200 a ns; and how
# many passes over the result and over the image a position takes, in either way.
_PASS, _SAVED, _ADDED = 60, 8, 4

# Who reads a result that is normalised: its mean, what is centred, and the normalisation.
_READERS = 3


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of a linear map's result before it is made.

    Attributes:
        source: the image [C, H W, N] as it lies.
        x: the same, centred, [C, n].
        lifted: x and a row of ones, [C + 1, n].
        w: the map [F, C].
        mapped: W Xc Xc^T [F, C].
        count: n.
        mean, variance: of the map's result [F, 1].
    """

    source: Value
    x: Value
    lifted: Value
    w: Value
    mapped: Value
    count: Value
    mean: Value
    variance: Value

    @staticmethod
    def of(r: Realiser, conv: Tensor) -> Statistics:
        """Of a convolution of 1 x 1; zeros around its image are part of that."""
        g, (image, kernel) = r.graph, conv.inputs
        source = rows(r, image)
        channels, size, batch = source.shape
        x = g.reshape(source, (channels, times(batch, length(size))))
        mean = g.reduce("ReduceMean", x, [1], keepdims=True)
        x = x - mean
        w = g.reshape(r.kernel(kernel, (3, 2, 0, 1)), (kernel.shape[-1], channels))
        spread = g.op("Gemm", x, x, transB=1)
        mapped = g.op("MatMul", w, spread)
        count = summed_up(x, mean)
        # Rounding leaves errors of some 1e-6 |w|^2 |S|: of a row that sees next to nothing of the
        # image, as of three colours that are nearly one, more than the variance, with any sign.
        variance = g.op("Relu", g.reduce("ReduceSum", mapped * w, [1], keepdims=True) / count)
        made = g.op("MatMul", w, mean)
        ones = [0, 0, 1, 0]
        lifted = g.op("Pad", x, g.ints(*ones), g.const(1.0, x.dtype), mode="constant")
        return Statistics(source, x, lifted, w, mapped, count, made, variance)


@dataclass(slots=True)
class NormalisedMap:
    """A batch normalisation, its statistics, and the convolution before it.

    Attributes:
        found: the statistics, once one of the tensors has been made.
    """

    conv: Tensor
    mean: Tensor
    variance: Tensor
    found: Statistics | None = field(default=None)

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """Mean, variance or the normalised image."""
        if self.found is None:
            with r.graph.scope(self.conv.scope):
                self.found = Statistics.of(r, self.conv)
        if t is self.mean:
            return placed(r.graph.reshape(self.found.mean, t.shape), t.shape)
        if t is self.variance:
            return placed(r.graph.reshape(self.found.variance, t.shape), t.shape)
        return _normalised(r, t, self.found)


def _normalised(r: Realiser, t: Tensor, s: Statistics) -> Placed:
    """(W x - mean) r scale + offset."""
    g = r.graph
    scale, offset = (r.vector(i) for i in t.inputs[1:3])
    inverse = g.op("Reciprocal", g.op("Sqrt", s.variance + t.attrs["epsilon"]))
    gain = g.reshape(scale, s.mean.shape) * inverse
    scaled = s.w * gain
    column = g.reshape(offset, s.mean.shape)
    y = g.op("Gemm", g.op("Concat", scaled, column, axis=1), s.lifted)

    def adjoint(dy: Value) -> list[Value | None]:
        """Of the image, the map, scale and offset."""
        along = g.op("Gemm", dy, s.x, transB=1)
        total = g.reduce("ReduceSum", dy, [1], keepdims=True)
        slope = g.reduce("ReduceSum", s.w * along, [1], keepdims=True)
        share = slope * (gain * inverse * inverse / s.count)
        dw = along * gain - s.mapped * share
        back = _transposed(g, s.w)
        inner = g.op("MatMul", back, s.w * share)
        shift = g.op("MatMul", back, total * (gain / s.count))
        dx = g.op("MatMul", _transposed(g, scaled), dy) - g.op("MatMul", inner, s.x) - shift
        dscale, doffset = g.reshape(slope * inverse, scale.shape), g.reshape(total, offset.shape)
        return [g.reshape(dx, s.source.shape), dw, dscale, doffset]

    y.adjoint = Adjoint((s.source, s.w, scale, offset), adjoint)
    return from_rows(g.reshape(y, (y.shape[0], pixels(t.shape), t.shape[0])), t)


def _transposed(g: Graph, x: Value) -> Value:
    return g.op("Transpose", x, perm=(1, 0))


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which normalisations take over the convolution that feeds them alone."""
    planned: dict[int, Planned | None] = {}
    for t in tensors:
        if t.op != "batch_norm_training":
            continue
        conv, mean, variance = t.inputs[0], *t.inputs[3:]
        found = between(t, users)
        if found is None or not _maps(conv) or not _pays(conv):
            continue
        taken = NormalisedMap(conv, mean, variance)
        planned |= {id(each): taken for each in (t, mean, variance)}
        planned |= {id(each): None for each in (conv, *found)}
    return planned


def between(norm: Tensor, users: Mapping[int, int]) -> tuple[Tensor, Tensor] | None:
    """What is centred, and its square, where a normalisation's moments are made of what it reads.

    Nobody else may read that result or these two. None where it is otherwise.
    """
    result, mean, variance = norm.inputs[0], *norm.inputs[3:]
    if not all(x.op == "ReduceMean" for x in (mean, variance)):
        return None
    square = variance.inputs[0]
    if square.op != "Mul" or square.inputs[0] is not square.inputs[1]:
        return None
    centred = square.inputs[0]
    usual = centred.op == "Sub" and centred.inputs == (result, mean) and mean.inputs == (result,)
    alone = users[id(result)] == _READERS and users[id(centred)] == 2 and users[id(square)] == 1  # noqa: PLR2004
    over = tuple(range(result.rank - 1))
    every = all(tuple(x.attrs["axes"]) == over for x in (mean, variance))
    return (centred, square) if usual and alone and every else None


def _maps(conv: Tensor) -> bool:
    """Whether a tensor is a convolution that maps each position by itself, without bias."""
    if conv.op != "conv" or len(conv.inputs) != 2:  # noqa: PLR2004
        return False
    taps = known(conv.inputs[1].shape[:-2])
    pads: Sequence[tuple[int, int]] = conv.attrs["pads"]
    moves = set(taps) | set(conv.attrs["strides"])
    return conv.attrs["groups"] == 1 and moves == {1} and not any(map(any, pads))


def _pays(conv: Tensor) -> bool:
    """Whether the passes that are saved take longer than those and the products that come in."""
    channels, filters = known(conv.inputs[1].shape[-2:])
    return 4 * channels**2 + _ADDED * _PASS * channels < _SAVED * _PASS * filters
