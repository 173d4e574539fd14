"""A window that slides over the spatial axes: what convolutions and pools have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

from specc.fields import DataFormat, Sizes
from specc.layer import Window
from specc.layers.axes import channels_axis, expect_image, known, spatial_axes
from specc.shapes import pads_for, window_length
from specc.tensors import Shape, elements


@dataclass(frozen=True, slots=True)
class Sliding:
    """Kernel, steps and padding of a window, in elements, one entry per spatial axis."""

    kernel: Sizes
    strides: Sizes
    padding: str
    data_format: DataFormat
    dilations: Sizes = ()

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def steps(self) -> Sizes:
        """Distance of neighbouring cells of the window: 1, or the dilation rate."""
        return self.dilations or (1,) * self.rank

    def output(self, shape: Shape, channels: int | None) -> Shape:
        """Shape of the result, which has `channels` channels.

        Raises:
            ShapeError: the input has the wrong number of axes, or the window does not fit it.
        """
        expect_image(shape, self.rank, self.data_format)
        sizes = tuple(
            window_length(shape[axis], k, s, d, self.padding)
            for axis, k, s, d in zip(self.axes, self.kernel, self.strides, self.steps, strict=True)
        )
        if self.data_format == "channels_last":
            return (shape[0], *sizes, channels)
        return (shape[0], channels, *sizes)

    @property
    def axes(self) -> tuple[int, ...]:
        """Positions of the spatial axes in the input."""
        return spatial_axes(self.rank, self.data_format)

    def pads(self, sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """(before, after) padding of spatial axes of the given sizes."""
        return tuple(
            pads_for(n, k, s, d, self.padding)
            for n, k, s, d in zip(sizes, self.kernel, self.strides, self.steps, strict=True)
        )

    def window(self, shape: Shape) -> Window:
        """For the receptive field; an axis of unknown length counts as one that fits exactly."""
        sizes = tuple(
            (d * (k - 1) + 1) if shape[axis] is None else known(shape, axis)
            for axis, k, d in zip(self.axes, self.kernel, self.steps, strict=True)
        )
        return Window(self.kernel, self.strides, self.steps, self.pads(sizes), self.axes)

    def positions(self, output: Shape) -> int:
        """How many places of one sample the window takes."""
        channels = channels_axis(self.data_format) % len(output)
        return elements(tuple(n for i, n in enumerate(output) if i not in (0, channels)))

    @property
    def cells(self) -> int:
        """Elements of the window in one channel."""
        return math.prod(self.kernel)
