"""Matrices that resample an axis: nearest, bilinear, bicubic and Lanczos interpolation.

Pixel i of n covers [i, i + 1) and is sampled at its middle, so that output i of m lies at
(i + 1/2) n / m of the input. Source of every rule: tf.image.resize, and TensorFlow's
resize_bilinear_op.cc, resize_bicubic_op.cc and scale_and_translate_op.cc (2.x).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from specc import primitives as ops
from specc.layers.along import along
from specc.primitives import Tensor
from specc.primitives.tensor import ints

Method: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
Matrix: TypeAlias = npt.NDArray[np.float64]


def resize(
    x: Tensor,
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    method: Method,
    antialias: bool = False,
) -> Tensor:
    """`x` with `axes` resampled to `sizes`.

    `antialias` widens the kernel where the axis shrinks, so that every input pixel counts.
    """
    for axis, size in zip(axes, sizes, strict=True):
        (own,) = ints((x.shape[axis],))
        if own == size:
            continue
        if method == "nearest":
            x = ops.take(x, nearest(own, size), axis)
        else:
            x = along(x, _matrix(own, size, method, antialias), axis)
    return x


def nearest(size: int, count: int) -> npt.NDArray[np.int64]:
    """The input pixel under the middle of each of `count` output pixels."""
    # In float32, as TensorFlow: on the border of two pixels rounding decides.
    places = (np.arange(count, dtype=np.float32) + np.float32(0.5)) * np.float32(size / count)
    return np.minimum(np.floor(places).astype(np.int64), size - 1)


def _matrix(size: int, count: int, method: Method, antialias: bool) -> Matrix:
    if method == "bilinear" and not antialias:
        return _linear(size, count)
    kernel, radius = _KERNELS[method]
    return _spread(size, count, kernel, radius, antialias)


def _linear(size: int, count: int) -> Matrix:
    """Two neighbours, weighted by distance; at the edges both are the edge."""
    matrix = np.zeros((count, size))
    for i in range(count):
        place = (i + 0.5) * size / count - 0.5
        left = math.floor(place)
        matrix[i, max(left, 0)] += 1.0 - (place - left)
        matrix[i, min(left + 1, size - 1)] += place - left
    return matrix


def _spread(
    size: int, count: int, kernel: Callable[[float], float], radius: float, antialias: bool
) -> Matrix:
    """All pixels within `radius`, weighted by `kernel`; it is stretched when antialiasing.

    Pixels outside are left out and the others rescaled. TensorFlow rounds the place of a bicubic
    kernel to 1/1024 of a pixel, JAX does not: here it is exact.
    """
    matrix = np.zeros((count, size))
    stretch = max(size / count, 1.0) if antialias else 1.0
    for i in range(count):
        place = (i + 0.5) * size / count
        first = max(math.ceil(place - radius * stretch - 0.5), 0)
        last = min(math.floor(place + radius * stretch - 0.5), size - 1)
        for j in range(first, last + 1):
            matrix[i, j] = kernel(abs(j + 0.5 - place) / stretch)
    return matrix / matrix.sum(axis=1, keepdims=True)


def _triangle(x: float) -> float:
    return max(0.0, 1.0 - x)


def _keys(x: float) -> float:
    """Keys (1981), cubic convolution with a = -1/2."""
    if x >= 2.0:  # noqa: PLR2004 - the kernel ends two pixels away
        return 0.0
    if x >= 1.0:
        return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return (1.5 * x - 2.5) * x * x + 1.0


def _lanczos(radius: float) -> Callable[[float], float]:
    """sinc(x) sinc(x / radius) within the radius."""

    def kernel(x: float) -> float:
        return float(np.sinc(x) * np.sinc(x / radius)) if x <= radius else 0.0

    return kernel


_KERNELS: dict[Method, tuple[Callable[[float], float], float]] = {
    "bilinear": (_triangle, 1.0),
    "bicubic": (_keys, 2.0),
    "lanczos3": (_lanczos(3.0), 3.0),
    "lanczos5": (_lanczos(5.0), 5.0),
}
