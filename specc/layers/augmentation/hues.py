"""Colours: grey values, and hue, saturation and value.

Source: tf.image.rgb_to_hsv and hsv_to_rgb (TensorFlow's adjust_hsv_in_yiq_op and colorspace_op.h),
keras/src/backend/tensorflow/image.py, rgb_to_grayscale (3.15.1).
"""

from __future__ import annotations

import numpy as np

from specc import primitives as ops
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, show


def expect_colours(shape: Shape, channels: int | None, counts: tuple[int, ...] = (3,)) -> None:
    """Check the number of channels.

    Raises:
        ShapeError: it is none of `counts`.
    """
    if channels not in counts:
        wanted = " or ".join(map(str, counts))
        raise ShapeError(f"expected {wanted} colour channels, found {channels} in {show(shape)}")


def grey(x: Tensor) -> Tensor:
    """0.2989 r + 0.587 g + 0.114 b. Shapes: x (N, h, w, 3), result (N, h, w, 1); one stays."""
    if x.shape[-1] == 1:
        return x
    weights = x.trace.constant(np.asarray([0.2989, 0.5870, 0.1140]))
    return ops.reduce_sum(x * weights, -1, keepdims=True)


def hsv(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in [0, 1), saturation and value. Shapes: x (N, h, w, 3), each result (N, h, w, 1)."""
    r, g, b = ops.split(x, (1, 1, 1), -1)
    value, spread = ops.reduce_max(x, -1, keepdims=True), ops.reduce_min(x, -1, keepdims=True)
    spread = value - spread
    plain = ops.less_equal(spread, 0.0)
    unit = 1.0 / (ops.where(plain, 1.0, spread) * 6.0)
    blue = (r - g) * unit + 4.0 / 6.0
    green = ops.where(ops.equal(g, value), (b - r) * unit + 2.0 / 6.0, blue)
    hue = ops.where(ops.equal(r, value), (g - b) * unit, green)
    hue = ops.where(plain, 0.0, hue)
    hue = hue + ops.cast(ops.less(hue, 0.0), x.dtype)
    lit = ops.greater(value, 0.0)
    return hue, ops.where(lit, spread / ops.where(lit, value, 1.0), 0.0), value


def rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of `hsv`. Shapes: (N, h, w, 1) each, result (N, h, w, 3)."""
    h = hue * 6.0
    parts = [
        ops.clip(ops.absolute(h - 3.0) - 1.0, 0.0, 1.0),
        ops.clip(2.0 - ops.absolute(h - 2.0), 0.0, 1.0),
        ops.clip(2.0 - ops.absolute(h - 4.0), 0.0, 1.0),
    ]
    return (1.0 - saturation + ops.concat(parts, -1) * saturation) * value
