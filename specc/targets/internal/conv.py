"""Convolutions in blocks of channels, with gradients made of the same operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.cpu import CPU
from specc.targets.cpu.conv import cost_of, gathers, unpadded, usable
from specc.targets.cpu.pixels import length
from specc.targets.internal import kernels, phases
from specc.targets.internal.columns import filled_rows, of_points, of_rows
from specc.targets.internal.images import (
    batch_last,
    fills,
    from_image,
    held,
    image,
    ints,
    is_image,
    lies,
    plain_image,
)
from specc.targets.internal.nchwc import (
    Move,
    bordered,
    conv,
    means,
    sides,
    spread,
    unblocked,
)
from specc.targets.internal.rules import INTERNAL, block
from specc.targets.layout import Placed
from specc.targets.portable import known
from specc.targets.realiser import Realiser

# Images of so few channels enter a convolution as they lie: pictures.
_FEW = 4
# What a product takes here, beside one of large Gemms with what they gather (KernelCosts):
# 31 ps for 16 channels on 32 x 32 pixels and for 32 on 16 x 16, forward and both gradients, where
# tiles take 28 ps for a product that KernelCosts counts (onnxruntime 1.32, two cores, AVX-512).
_PRODUCT = 1.1
# What a float takes on the way from blocks to the CPU target's layout, or back, gradient included:
# 1 to 2 ns.
_MOVED = 60.0


@INTERNAL.rule("conv")
def convolution(r: Realiser, t: Tensor) -> Placed:
    """Y = W * X + b, in blocks where that is possible and costs less."""
    t = unpadded(t)
    if not (is_image(t) and is_image(t.inputs[0])) or not _back(t).is_possible:
        return _otherwise(r, t)
    if t.attrs["groups"] == t.inputs[0].shape[-1] == t.shape[-1] != 1:
        return _depthwise(r, t) if fills(t, block(r)) else _otherwise(r, t)
    return _dense(r, t) if _is_better(r, t) else _otherwise(r, t)


def _otherwise(r: Realiser, t: Tensor) -> Placed:
    """As the CPU target does it."""
    moved = batch_last(r, t.inputs[0])
    if moved is not t.inputs[0]:
        t = t.trace.emit("conv", (moved, *t.inputs[1:]), t.shape, t.dtype, **t.attrs)
    return CPU.find("conv")(r, t)


def _back(t: Tensor) -> Move:
    """How the transpose of a convolution moves."""
    sizes, results = ints(t.inputs[0].shape)[1:3], ints(t.shape)[1:3]
    taps = ints(t.inputs[1].shape)[:2]
    return _there(t).back((sizes[0], sizes[1]), (results[0], results[1]), (taps[0], taps[1]))


def _there(t: Tensor) -> Move:
    strides, pads, dilations = (t.attrs[k] for k in ("strides", "pads", "dilations"))
    return Move(tuple(strides), (tuple(pads[0]), tuple(pads[1])), tuple(dilations))


def _is_point(t: Tensor) -> bool:
    """Whether each result reads one pixel, and each pixel gives one."""
    single = known(t.inputs[1].shape[:2]) == (1, 1) and tuple(t.attrs["strides"]) == (1, 1)
    return single and t.shape[1:-1] == t.inputs[0].shape[1:-1]


def _is_better(r: Realiser, t: Tensor) -> bool:
    """Whether a dense convolution is possible in blocks, and cheaper.

    A single tap costs the same either way, so it stays in the layout that it finds.
    """
    source, size = t.inputs[0], block(r)
    channels, filters = ints(source.shape)[-1], ints(t.shape)[-1]
    if t.attrs["groups"] != 1:
        return False
    if _is_point(t):
        return channels > _FEW and lies(r, source)
    if filters % size or (channels % size and channels > _FEW):
        return False
    taps = known(t.inputs[1].shape[:2])
    if not gathers(t, r.costs):
        return True
    each = min(cost_of(t, m, r.costs) for m in (1, *usable(t)))
    if held(r, source) is not None:
        each += _MOVED * (channels * math.prod(t.attrs["strides"]) + filters)
    return _PRODUCT * taps[0] * taps[1] * channels * filters < each


@dataclass(frozen=True, slots=True)
class _Convolution:
    """Image and kernel of a convolution, and how its gradients are made.

    Attributes:
        group: 1, or the number of channels.
    """

    t: Tensor
    x: Value
    w: Value
    kernel: Value
    turned: Callable[[], Value]
    kernel_grad: Callable[[Value], Value]
    group: int = 1

    def output(self, bias: list[Value]) -> Value:
        """The result with its adjoint."""
        y = conv(self.x, self.kernel, *bias, move=_there(self.t), group=self.group)

        def adjoint(dy: Value) -> list[Value | None]:
            return [self.image_grad(dy), self.kernel_grad(dy), *(_summed(dy) for _ in bias)]

        y.adjoint = Adjoint((self.x, self.w, *bias), adjoint)
        return y

    def image_grad(self, dy: Value) -> Value:
        """dX = turned W * dY, with zeros between the pixels of dY where windows stride.

        Where windows of all channels stride, by phases.
        """
        size, there = length(self.w.shape[-1]), _there(self.t)
        strides, taps = there.strides, sides(self.kernel)
        apart = strides != (1, 1) and taps != (1, 1) and there.dilations == (1, 1)
        if apart and self.w.rank == kernels.BLOCKED:
            found = phases.image_grad(dy, self.w, there, sides(self.x))
            if found is not None:
                return found
        kernel, move = self.turned(), _back(self.t)
        if sides(kernel) == (1, 1):  # of a single tap the zeros come after: fewer products
            return bordered(spread(conv(dy, kernel, group=self.group), strides, size), move.pads)
        return conv(spread(dy, strides, size), kernel, move=move, group=self.group)


def _summed(dy: Value) -> Value:
    """The sum over samples and pixels. Shapes: dy (N, F, H, W), result (F,)."""
    g, (high, wide) = dy.graph, sides(dy)
    return g.reduce("ReduceSum", means(dy), [0]) * float(high * wide)


def _depthwise(r: Realiser, t: Tensor) -> Placed:
    """Of one filter for each channel.

    The gradient of the result is a kernel in the blocks that such kernels have: one as large as
    the image, a channel for each channel of each sample. Strides and dilations change places.
    """
    source, size = t.inputs[0], block(r)
    x, w = image(r, source), kernels.depthwise(r, t.inputs[1])
    n, c = length(x.shape[0]), length(x.shape[1])
    taps = known(t.inputs[1].shape[:2])

    def kernel_grad(dy: Value) -> Value:
        g, there = x.graph, _there(t)
        back = Move(there.dilations, there.pads, there.strides)
        every = g.reshape(x, (1, n * c, *x.shape[2:]))
        kernel = g.reshape(dy, (n * c, 1, *dy.shape[2:]))
        each = conv(every, kernel, move=back, group=n * c)
        high, wide = sides(each)
        total = g.reshape(each, (n, c // size * high * wide * size))
        total = g.reshape(g.reduce("ReduceSum", total, [0]), (c // size, high, wide, size))
        if (high, wide) != taps:
            total = g.op("Slice", total, g.ints(0, 0), g.ints(*taps), g.ints(1, 2))
        return total

    made = _Convolution(
        t, x, w, kernels.declared_depthwise(w),
        lambda: kernels.declared_depthwise(kernels.turned_depthwise(w)), kernel_grad, c,
    )  # fmt: skip
    return from_image(made.output([r.vector(b) for b in t.inputs[2:]]), t, size)


def _dense(r: Realiser, t: Tensor) -> Placed:
    """Of all channels."""
    source, size = t.inputs[0], block(r)
    first = ints(source.shape)[-1] <= _FEW
    if first:
        x, w = plain_image(r, source), kernels.first(r, t.inputs[1])
    else:
        x, w = image(r, source), kernels.dense(r, t.inputs[1])
    shape = known(w.shape)

    def kernel_grad(dy: Value) -> Value:
        if _is_point(t) and not first:
            return of_points(x, dy, size)
        return of_rows(t, filled_rows(x, size, blocks=not first), dy, shape)

    made = _Convolution(
        t, x, w, kernels.declared(w), lambda: kernels.declared(kernels.turned(w)), kernel_grad
    )
    full = fills(t, size)
    y = made.output([r.vector(b) for b in t.inputs[2:] if full])
    if first and y.adjoint is not None:
        y.adjoint = _of_plain(y.adjoint, x)
    if full or len(t.inputs) == 2:  # noqa: PLR2004  image and kernel
        return from_image(y, t, size)
    here = from_image(y, t, size)
    return Placed(here.value + r.vector(t.inputs[2]), here.layout)


def _of_plain(found: Adjoint, x: Value) -> Adjoint:
    """An adjoint whose image's gradient is brought to an image that is not in blocks."""

    def rule(dy: Value) -> list[Value | None]:
        g, (dx, *others) = x.graph, found.rule(dy)
        if dx is None:
            return [dx, *others]
        usual = unblocked(dx)
        return [g.op("Slice", usual, g.ints(0), g.ints(length(x.shape[1])), g.ints(1)), *others]

    return Adjoint(found.inputs, rule)
