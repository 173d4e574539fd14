"""Convolution with one filter for each channel, as products with banded matrices.

A channel's kernel, written as the matrix that takes rows of pixels to rows of results, is a band.
One Gather copies the kernel's columns next to each other, [C, rows kw, columns N], and one batched
MatMul with the bands is the convolution. A band's zeros are multiplied too, so rows are cut into
blocks: a dozen results to a matrix. onnxruntime's Conv works image by image, and what the textbook
asks of it for the kernel's gradient, a kernel as large as the image, is its slowest case:
96 channels of 24 x 24, batch 32, two cores with AVX-512, take 1.8 ms forward either way, but 10.5
ms for the kernel's gradient, and 1.2 so; all of MobileNetV2's layers are 3 to 7 times as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.pixels import Index, from_rows, rows, times, with_zeros
from specc.targets.layout import Placed
from specc.targets.portable import known
from specc.targets.realiser import Realiser

# Gathered floats of one sample from which on Conv does it: they are kept for the backward pass.
MAX_GATHERED = 2**20

# Results to a block under which a matrix is too flat for MatMul, and what a gathered float costs,
# both in multiplications and additions of MatMul.
_FLAT, _GATHERED = 12, 20

_SPATIAL = 2


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a convolution, or of its transpose: which inputs a result reads.

    Attributes:
        results, inputs: lengths.
        backwards: whether results are inputs of the convolution, and inputs its results.
    """

    results: int
    inputs: int
    taps: int
    stride: int
    dilation: int
    before: int
    backwards: bool = False

    def reads(self) -> tuple[Index, npt.NDArray[np.bool_]]:
        """The input that each result reads at each tap, on an axis without ends, and whether any.

        Shapes: (results, taps) both.
        """
        place, tap = np.arange(self.results)[:, None], np.arange(self.taps) * self.dilation
        if not self.backwards:
            where = place * self.stride + tap - self.before
            return where, np.ones(where.shape, np.bool_)
        scaled = place + self.before - tap
        return scaled // self.stride, scaled % self.stride == 0

    def step(self, block: int) -> int:
        """By how many inputs a block of results is ahead of the one before."""
        return block // self.stride if self.backwards else block * self.stride

    def blocks(self) -> list[int]:
        """Lengths into which results can be cut so that all blocks read alike."""
        unit = self.stride if self.backwards else 1
        cut = [n for n in range(unit, self.results, unit) if self.results % n == 0]
        return [*cut, self.results]

    def span(self, block: int) -> tuple[int, int]:
        """The first input that the first block reads, and how many from there on."""
        where, real = (part[:block] for part in self.reads())
        found = where[real]
        return (int(found.min()), int(np.ptp(found)) + 1) if found.size else (0, 1)


@dataclass(frozen=True, slots=True)
class Bands:
    """How one convolution reads and sums.

    Attributes:
        table: the pixel that each place of the gathered columns reads, the number of pixels for
            none. Shape (blocks, lines, kw, columns).
        spread: what takes a kernel to its band. Shape (kh kw, block lines kw).
        block: rows of results to a block.
        pixels: of the input.
    """

    table: Index
    spread: npt.NDArray[np.float64]
    block: int
    pixels: int

    @staticmethod
    def of(down: Axis, across: Axis) -> Bands:
        """For an axis of rows and one of columns."""

        def price(block: int) -> float:
            lines = down.span(block)[1] * across.taps
            return lines * (max(1.0, _FLAT / block) + _GATHERED / block)

        block = min(down.blocks(), key=price)
        first, lines = down.span(block)
        starts = np.arange(down.results // block) * down.step(block) + first
        row = starts[:, None] + np.arange(lines)
        column, real = (part.T for part in across.reads())
        inside = (row >= 0) & (row < down.inputs)
        real = real & (column >= 0) & (column < across.inputs)
        both = inside[:, :, None, None] & real
        table = row[:, :, None, None] * across.inputs + column
        pixels = down.inputs * across.inputs
        where, meets = (part[:block] for part in down.reads())
        # spread[ky, kx, result, line, kx']: 1 where result reads that line at ky, and kx is kx'.
        hit = (where[:, :, None] - first == np.arange(lines)) & meets[:, :, None]
        spread = np.einsum("jyr,xz->yxjrz", hit.astype(float), np.eye(across.taps))
        flat = spread.reshape(down.taps * across.taps, -1)
        return Bands(np.where(both, table, pixels), flat, block, pixels)

    def gathered(self, g: Graph, x: Value) -> Value:
        """The columns of an image [C, pixels, N]. Shapes: (C, blocks, lines kw, columns N)."""
        channels, _, batch = x.shape
        blocks, lines, taps, columns = self.table.shape
        if (self.table == self.pixels).any():
            x = with_zeros(x, 1)
        y = g.op("Gather", x, g.const(self.table.ravel(), "int32"), axis=1)
        return g.reshape(y, (channels, blocks, lines * taps, times(batch, columns)))

    def applied(self, g: Graph, kernel: Value, columns: Value) -> Value:
        """Results of gathered columns.

        Shapes: kernel (C, kh kw), result (C, blocks, block, columns N).
        """
        channels, lines = columns.shape[0], columns.shape[2]
        band = g.op("Gemm", kernel, g.const(self.spread, kernel.dtype))
        band = g.reshape(band, (channels, 1, self.block, lines))
        return g.op("MatMul", band, columns)

    def kernel_grad(self, g: Graph, dy: Value, columns: Value) -> Value:
        """Shapes: dy (C, blocks, block, columns N), result (C, kh kw)."""
        perm = (0, 1, 3, 2)
        band = g.op("MatMul", dy, g.op("Transpose", columns, perm=perm))
        band = g.reduce("ReduceSum", band, [1]) if len(self.table) > 1 else band
        flat = g.reshape(band, (dy.shape[0], self.spread.shape[1]))
        return g.op("Gemm", flat, g.const(self.spread, dy.dtype), transB=1)


def bands_of(t: Tensor) -> tuple[Bands, Bands] | None:
    """Of a convolution with one filter for each channel, and of its transpose.

    None for other convolutions, and where copies of the image would not fit.
    """
    kernel, channels = known(t.inputs[1].shape), t.inputs[0].shape[-1]
    if len(kernel) != _SPATIAL + 2 or t.attrs["groups"] != channels or kernel[-1] != channels:
        return None
    forward, backward = _bands(t)
    most = max(forward.table.size, backward.table.size)
    return (forward, backward) if kernel[-1] > 1 and most * kernel[-1] <= MAX_GATHERED else None


def _bands(t: Tensor) -> tuple[Bands, Bands]:
    """Of the convolution t, and of its transpose."""
    inputs, results = known(t.inputs[0].shape[1:-1]), known(t.shape[1:-1])
    taps = known(t.inputs[1].shape[:_SPATIAL])
    pads: Sequence[tuple[int, int]] = t.attrs["pads"]
    steps = zip(t.attrs["strides"], t.attrs["dilations"], pads, strict=True)
    moves = [(stride, dilation, before) for stride, dilation, (before, _) in steps]
    there = [
        Axis(n, size, k, *move)
        for n, size, k, move in zip(results, inputs, taps, moves, strict=True)
    ]
    back = [Axis(a.inputs, a.results, a.taps, a.stride, a.dilation, a.before, True) for a in there]
    return Bands.of(*there), Bands.of(*back)


def depthwise(r: Realiser, t: Tensor, bands: tuple[Bands, Bands]) -> Placed:
    """Y = W * X + b, channel by channel, with dX and dW as two products of the same kind."""
    g, (source, weight) = r.graph, t.inputs[:2]
    x = rows(r, source)
    taps = int(np.prod(known(weight.shape[:_SPATIAL])))
    channels, batch = x.shape[0], x.shape[2]
    kernel = g.reshape(r.kernel(weight, (3, 2, 0, 1)), (channels, taps))
    forward, backward = bands
    columns = forward.gathered(g, x)
    results = int(np.prod(known(t.shape[1:-1])))
    made = forward.applied(g, kernel, columns)
    y = g.reshape(made, (channels, results, batch))

    def adjoint(dy: Value) -> list[Value | None]:
        dk = forward.kernel_grad(g, g.reshape(dy, made.shape), columns)
        dx = backward.applied(g, kernel, backward.gathered(g, dy))
        return [g.reshape(dx, x.shape), dk]

    y.adjoint = Adjoint((x, kernel), adjoint)
    for bias in t.inputs[2:]:
        y = y + g.reshape(r.vector(bias), (channels, 1, 1))
    return from_rows(y, t)
