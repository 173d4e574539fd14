"""The window primitives in plain loops: importing this completes `numpy_primitives.RULES`.

Written from the primitives' docstrings, one window at a time; it shares no code with the targets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from specc.primitives import Tensor
from tests.numpy_primitives import Rule, rule

Place = tuple[int, ...]


def places(lengths: Sequence[int]) -> Iterator[Place]:
    """Every position of some axes."""
    return itertools.product(*(range(n) for n in lengths))


def inside(
    t: Tensor, place: Place, kernel: Sequence[int], sizes: Sequence[int]
) -> Iterator[tuple[Place, Place]]:
    """Pairs (cell of the kernel, position in the unpadded data) of the window at `place`."""
    dilations = t.attrs.get("dilations", (1,) * len(kernel))
    for cell in places(kernel):
        where = tuple(
            p * s + c * d - before
            for p, s, c, d, (before, _) in zip(
                place, t.attrs["strides"], cell, dilations, t.attrs["pads"], strict=True
            )
        )
        if all(0 <= w < n for w, n in zip(where, sizes, strict=True)):
            yield cell, where


@rule("conv")
def conv(t: Tensor, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None):
    y = np.zeros((len(x), *t.shape[1:]), x.dtype)
    groups, depth = t.attrs["groups"], kernel.shape[-2]
    filters = kernel.shape[-1] // groups
    for place in places(t.shape[1:-1]):
        for cell, where in inside(t, place, kernel.shape[:-2], x.shape[1:-1]):
            for g in range(groups):
                seen = x[(slice(None), *where, slice(g * depth, (g + 1) * depth))]
                mine = slice(g * filters, (g + 1) * filters)
                y[(slice(None), *place, mine)] += seen @ kernel[cell][:, mine]
    return y if bias is None else y + bias


@rule("conv_transpose")
def conv_transpose(
    t: Tensor, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None
) -> np.ndarray:
    y = np.zeros((len(x), *t.shape[1:]), x.dtype)
    for place in places(x.shape[1:-1]):
        for cell, where in inside(t, place, kernel.shape[:-2], t.shape[1:-1]):
            y[(slice(None), *where)] += x[(slice(None), *place)] @ kernel[cell].T
    return y if bias is None else y + bias


def _pool(fold: Callable[..., np.ndarray]) -> Rule:
    def pool(t: Tensor, x: np.ndarray) -> np.ndarray:
        y = np.zeros((len(x), *t.shape[1:]), x.dtype)
        for place in places(t.shape[1:-1]):
            window = inside(t, place, t.attrs["kernel"], x.shape[1:-1])
            y[(slice(None), *place)] = fold([x[(slice(None), *where)] for _, where in window], 0)
        return y

    return pool


rule("max_pool")(_pool(np.max))
rule("average_pool")(_pool(np.mean))


@rule("batch_norm", "batch_norm_training")
def batch_norm(t: Tensor, x, scale, offset, mean, variance) -> np.ndarray:
    return (x - mean) / np.sqrt(variance + t.attrs["epsilon"]) * scale + offset
