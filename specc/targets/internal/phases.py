"""The image's gradient of a convolution in strides, without zeros between pixels.

Pixels whose place has the same remainder by the stride read the same taps of the kernel at the
gradient's own pixels. So one convolution of the gradient, with a group of filters for each
remainder, makes all of them; then they are put between each other. For 3 x 3 taps in strides of 2
it multiplies 16 taps for four pixels, with zeros between them 36.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from specc.graph import Value
from specc.targets.cpu.pixels import Index, length
from specc.targets.internal.nchwc import Move, Pair, conv, runs
from specc.vjps.movement import pad_axis


@dataclass(frozen=True, slots=True)
class Phases:
    """Along one axis: which tap each remainder reads at each pixel of a window of the gradient.

    Attributes:
        taps: the tap, or their number where none is read. Shape (stride, window).
        pads: of the gradient.
        count: pixels of each remainder.
    """

    taps: Index
    pads: Pair
    count: int

    @staticmethod
    def of(size: int, results: int, taps: int, stride: int, before: int) -> Phases:
        """Of an axis of `size` pixels whose windows give `results`.

        Tap k of the result q reads pixel q stride + k - before.
        """
        read = {
            (phase, (phase + before - k) // stride): k
            for phase in range(stride)
            for k in range(taps)
            if (phase + before - k) % stride == 0
        }
        low, high = (choose(q for _, q in read) for choose in (min, max))
        window = range(low, high + 1)
        found = [[read.get((phase, q), taps) for q in window] for phase in range(stride)]
        count = -(-size // stride)
        return Phases(np.array(found), (-low, count + high - results), count)


def image_grad(dy: Value, w: Value, move: Move, sizes: Pair) -> Value | None:
    """dX, or None where windows begin too far outside of the image.

    Shapes: dy (N, F, H', W') in blocks, w [F / b, C / b, kh, kw, b, b], result (N, C, H, W).
    """
    f, c, high, wide, size, _ = (length(d) for d in w.shape)
    n, results = length(dy.shape[0]), (length(dy.shape[2]), length(dy.shape[3]))
    steps = zip(sizes, results, (high, wide), move.strides, move.pads, strict=True)
    rows, columns = (Phases.of(s, m, k, stride, pad[0]) for s, m, k, stride, pad in steps)
    if min(*rows.pads, *columns.pads) < 0:
        return None
    both = rows.taps[:, None, :, None] * wide + columns.taps[None, :, None, :]
    none = (rows.taps == high)[:, None, :, None] | (columns.taps == wide)[None, :, None, :]
    index = np.where(none, high * wide, both)
    (down, across), (deep, long) = move.strides, (rows.count, columns.count)
    phases, window = down * across, (rows.taps.shape[1], columns.taps.shape[1])
    g = dy.graph
    flat = g.reshape(g.transpose(w, (2, 3, 1, 0, 5, 4)), (high * wide, c * f * size * size))
    flat = pad_axis(g, flat, 0, 0, 1)
    kernel = g.op("Gather", flat, g.const(index.ravel(), "int32"), axis=0)
    kernel = g.reshape(kernel, (phases, window[0] * window[1], c, f, size, size))
    kernel = g.transpose(kernel, (0, 2, 3, 1, 4, 5))
    kernel = g.reshape(kernel, (phases * c * size, f * size, *window))
    made = conv(dy, kernel, move=Move(pads=(rows.pads, columns.pads)))
    here = np.arange(phases * c * deep * long).reshape(down, across, c, deep, long)
    whole = here.transpose(2, 3, 0, 4, 1).reshape(c, deep * down, long * across)
    return g.reshape(runs(made, whole[:, : sizes[0], : sizes[1]], size), (n, c * size, *sizes))
