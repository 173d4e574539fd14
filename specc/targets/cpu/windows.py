"""Which pixel each cell of each window reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from specc.primitives import Tensor
from specc.targets.cpu.pixels import Index
from specc.targets.portable import known


def window_index(
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilations: Sequence[int],
) -> Index:
    """Which pixel each cell of each window reads; the number of pixels where it reads padding.

    Shapes: result (cells, windows), both row-major.
    """
    outside = int(np.prod(sizes))
    per_axis = [
        np.arange((n + sum(p) - d * (k - 1) - 1) // s + 1)[None, :] * s
        + np.arange(k)[:, None] * d
        - p[0]
        for n, k, s, p, d in zip(sizes, kernel, strides, pads, dilations, strict=True)
    ]
    flat = np.zeros((1, 1), np.int64)
    inside = np.ones((1, 1), bool)
    for n, axis in zip(sizes, per_axis, strict=True):
        here = (axis >= 0) & (axis < n)
        flat = _outer(flat * n, np.where(here, axis, 0), np.add)
        inside = _outer(inside, here, np.logical_and)
    return np.where(inside, flat, outside)


def _outer(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic], op: np.ufunc) -> Index:
    """op of every pair, cells with cells and windows with windows."""
    joined = op(a[:, None, :, None], b[None, :, None, :])
    return joined.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


def table_of(t: Tensor, kernel: Sequence[int]) -> Index:
    """The window table of a convolution or pool, from its attributes."""
    dilations = t.attrs.get("dilations", (1,) * len(kernel))
    sizes = known(t.inputs[0].shape[1:-1])
    return window_index(sizes, kernel, t.attrs["strides"], t.attrs["pads"], dilations)
