"""Images read at other places: each pixel of the result comes from a point of its own sample.

Source of the rules: TensorFlow's image_ops.h (ImageProjectiveTransformV3), and map_coordinates of
keras/src/backend/tensorflow/image.py (3.15.1).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from specc import primitives as ops
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import product

FillMode: TypeAlias = Literal["reflect", "wrap", "constant", "nearest"]
Interpolation: TypeAlias = Literal["nearest", "bilinear"]


def columns(x: Tensor) -> Tensor:
    """0, 1, ... along the width. Shapes: x (N, h, w, c), result (1, 1, w)."""
    (width,) = ints((x.shape[2],))
    return x.trace.constant(np.arange(width, dtype=np.float64).reshape(1, 1, width))


def rows(x: Tensor) -> Tensor:
    """0, 1, ... along the height. Shapes: x (N, h, w, c), result (1, h, 1)."""
    (height,) = ints((x.shape[1],))
    return x.trace.constant(np.arange(height, dtype=np.float64).reshape(1, height, 1))


def affine(
    x: Tensor,
    across: tuple[Tensor | float, Tensor | float, Tensor | float],
    down: tuple[Tensor | float, Tensor | float, Tensor | float],
    interpolation: Interpolation,
    mode: FillMode,
    fill: float,
) -> Tensor:
    """Pixel (u, v) of the result is x at (a0 u + a1 v + a2, b0 u + b1 v + b2).

    Shapes: x (N, h, w, c), coefficients (N, 1, 1) or numbers.
    """
    u, v = columns(x), rows(x)
    places = [
        ops.broadcast_to(u * c0 + v * c1 + c2, x.shape[:3], x) for c0, c1, c2 in (across, down)
    ]
    return sampled(x, places[0], places[1], interpolation, mode, fill)


def sampled(
    x: Tensor,
    across: Tensor,
    down: Tensor,
    interpolation: Interpolation,
    mode: FillMode,
    fill: float,
) -> Tensor:
    """`x` at the points (across, down). Shapes: x (N, h, w, c), points (N, h, w)."""
    height, width = ints(x.shape[1:3])
    xs, ys = _inside(across, width, mode), _inside(down, height, mode)
    outside = fill if mode == "constant" else None
    if interpolation == "nearest":
        return at(x, _half_away(ys), _half_away(xs), outside)
    x0, y0 = ops.floor(xs), ops.floor(ys)
    right, below = ops.expand_dims(xs - x0, -1), ops.expand_dims(ys - y0, -1)
    top = at(x, y0, x0, outside) * (1.0 - right) + at(x, y0, x0 + 1.0, outside) * right
    bottom = at(x, y0 + 1.0, x0, outside) * (1.0 - right)
    bottom = bottom + at(x, y0 + 1.0, x0 + 1.0, outside) * right
    return top * (1.0 - below) + bottom * below


def _half_away(place: Tensor) -> Tensor:
    """The nearest integer, halves away from zero."""
    return ops.sign(place) * ops.floor(ops.absolute(place) + 0.5)


def _inside(place: Tensor, size: int, mode: FillMode) -> Tensor:
    """Points brought onto an axis of `size` pixels, but for `constant`."""
    if mode == "constant":
        return place
    if size == 1:
        return place * 0.0
    if mode == "reflect":
        turn = 2.0 * size
        t = place + 0.5
        t = t - ops.floor(t / turn) * turn
        place = size - ops.absolute(t - float(size)) - 0.5
    elif mode == "wrap":
        # TensorFlow counts laps of size - 1 and shifts by size for each.
        laps = ops.floor(ops.absolute(place) / (size - 1.0))
        under = ops.cast(ops.less(place, 0.0), place.dtype)
        over = ops.cast(ops.greater(place, size - 1.0), place.dtype)
        place = place + (under * (laps + 1.0) - over * laps) * float(size)
    return ops.clip(place, 0.0, size - 1.0)


def at(x: Tensor, down: Tensor, across: Tensor, fill: float | None) -> Tensor:
    """Pixels at whole positions; those outside are `fill`, or the nearest ones when it is None.

    Shapes: x (N, h, w, c), positions (N, h', w'), result (N, h', w', c).
    """
    height, width = ints(x.shape[1:3])
    flat = ops.reshape(x, (product(x.shape[:3]), x.shape[3]))
    y = ops.cast(ops.clip(down, 0.0, height - 1.0), "int64")
    z = ops.cast(ops.clip(across, 0.0, width - 1.0), "int64")
    sample = ops.reshape(numbers(x), (x.shape[0], 1, 1))
    found = ops.gather_rows(flat, sample * (height * width) + y * width + z)
    if fill is None:
        return found
    inside = ops.cast(
        ops.logical_and(
            ops.logical_and(ops.greater_equal(down, 0.0), ops.less_equal(down, height - 1.0)),
            ops.logical_and(ops.greater_equal(across, 0.0), ops.less_equal(across, width - 1.0)),
        ),
        x.dtype,
    )
    inside = ops.expand_dims(inside, -1)
    return found * inside + (1.0 - inside) * float(fill)


def numbers(x: Tensor) -> Tensor:
    """0, 1, ... N - 1 (int64) for the samples of x."""
    one = x.trace.constant(np.ones(1, np.int64))
    return ops.cumsum(ops.broadcast_to(one, (x.shape[0],), x), 0) - 1
