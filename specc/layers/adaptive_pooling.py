"""Pooling to a given size: window i of an axis covers floor(i n / m) up to ceil((i + 1) n / m)."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, IntPair, IntSingle, IntTriple, Sizes
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.along import along
from specc.layers.axes import (
    channels_axis,
    expect_image,
    from_channels_last,
    spatial_axes,
    to_channels_last,
)
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Shape, elements


def _windows(size: int, count: int) -> list[tuple[int, int]]:
    """(start, stop) of each of `count` windows that cover an axis of `size`."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


class AdaptivePooling(Layer):
    """One number for each of `output_size` windows of each channel.

    Windows are as even as whole elements allow, and overlap where the size does not divide.
    Shapes: x (N, *in, c), result (N, *output_size, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/base_adaptive_pooling.py and the adaptive pools of
    keras/src/backend/tensorflow/nn.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    output_size: Sizes
    """Number of windows along each spatial axis."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, len(self.output_size), self.data_format)
        channels = x[channels_axis(self.data_format)]
        if self.data_format == "channels_last":
            return (x[0], *self.output_size, channels)
        return (x[0], channels, *self.output_size)

    @abstractmethod
    def even(self, x: Tensor, steps: Sizes) -> Tensor:
        """Windows of `steps` elements side by side, for channels last."""

    @abstractmethod
    def uneven(self, x: Tensor, axis: int, windows: list[tuple[int, int]]) -> Tensor:
        """The given windows of one axis, for channels last."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        sizes = ints(x.shape[1:-1])
        # Axes whose windows are alike are pooled together, the others one after another: the mean
        # of a box is the mean of means, and its maximum the maximum of maxima.
        pairs = list(zip(sizes, self.output_size, strict=True))
        steps = tuple(1 if n % m else n // m for n, m in pairs)
        if max(steps) > 1:
            x = self.even(x, steps)
        for axis, (n, m) in enumerate(pairs, start=1):
            if n % m:
                x = self.uneven(x, axis, _windows(n, m))
        return from_channels_last(x, self.data_format)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        axes = spatial_axes(len(self.output_size), self.data_format)
        cells = 1
        for axis, count in zip(axes, self.output_size, strict=True):
            cells *= max(b - a for a, b in _windows(inputs[0][axis] or 1, count))
        return Cost(ops=elements(output[1:]) * cells)


class _Average(AdaptivePooling):
    abstract: ClassVar[bool] = True

    @override
    def even(self, x: Tensor, steps: Sizes) -> Tensor:
        return ops.average_pool(x, kernel=steps, strides=steps, pads=((0, 0),) * len(steps))

    @override
    def uneven(self, x: Tensor, axis: int, windows: list[tuple[int, int]]) -> Tensor:
        (size,) = ints((x.shape[axis],))
        matrix = np.zeros((len(windows), size))
        for i, (start, stop) in enumerate(windows):
            matrix[i, start:stop] = 1.0 / (stop - start)
        return along(x, matrix, axis)


class _Max(AdaptivePooling):
    abstract: ClassVar[bool] = True

    @override
    def even(self, x: Tensor, steps: Sizes) -> Tensor:
        return ops.max_pool(x, kernel=steps, strides=steps, pads=((0, 0),) * len(steps))

    @override
    def uneven(self, x: Tensor, axis: int, windows: list[tuple[int, int]]) -> Tensor:
        # Windows have one of two lengths: all places of both are pooled, and the wanted ones taken.
        (size,) = ints((x.shape[axis],))
        rank = x.rank - 2
        parts: list[Tensor] = []
        place: dict[tuple[int, int], int] = {}
        for length in sorted({stop - start for start, stop in windows}):
            kernel = tuple(length if i == axis - 1 else 1 for i in range(rank))
            first = len(place)
            place |= {(i, i + length): first + i for i in range(size - length + 1)}
            pads = ((0, 0),) * rank
            parts.append(ops.max_pool(x, kernel=kernel, strides=(1,) * rank, pads=pads))
        chosen = np.asarray([place[window] for window in windows])
        return ops.take(ops.concat(parts, axis), chosen, axis)


class AdaptiveAveragePooling1D(_Average):
    """Mean of each of a given number of windows over steps of a sequence.

    Shapes: x (N, steps, c), result (N, output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_average_pooling1d.py (3.15.1).
    """

    output_size: IntSingle
    """Number of windows."""


class AdaptiveAveragePooling2D(_Average):
    """Mean of each of a given number of windows over an image.

    Shapes: x (N, h, w, c), result (N, *output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_average_pooling2d.py (3.15.1).
    """

    output_size: IntPair
    """Number of windows down and across."""


class AdaptiveAveragePooling3D(_Average):
    """Mean of each of a given number of windows over a volume.

    Shapes: x (N, d, h, w, c), result (N, *output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_average_pooling3d.py (3.15.1).
    """

    output_size: IntTriple
    """Number of windows along depth, height and width."""


class AdaptiveMaxPooling1D(_Max):
    """Maximum of each of a given number of windows over steps of a sequence.

    Shapes: x (N, steps, c), result (N, output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_max_pooling1d.py (3.15.1).
    """

    output_size: IntSingle
    """Number of windows."""


class AdaptiveMaxPooling2D(_Max):
    """Maximum of each of a given number of windows over an image.

    Shapes: x (N, h, w, c), result (N, *output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_max_pooling2d.py (3.15.1).
    """

    output_size: IntPair
    """Number of windows down and across."""


class AdaptiveMaxPooling3D(_Max):
    """Maximum of each of a given number of windows over a volume.

    Shapes: x (N, d, h, w, c), result (N, *output_size, c); channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/adaptive_max_pooling3d.py (3.15.1).
    """

    output_size: IntTriple
    """Number of windows along depth, height and width."""
