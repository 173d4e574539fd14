"""Functions of images, as `keras.ops.image` has them.

Source: keras/src/ops/image.py (3.15.1).
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Padding
from specc.layer import Cost, Lowering, Shapes
from specc.layers.axes import (
    channels_axis,
    expect_image,
    from_channels_last,
    known,
    spatial_axes,
    to_channels_last,
)
from specc.layers.interpolation import Method
from specc.layers.operations.base import Operation
from specc.layers.resizing import Resizing
from specc.layers.sliding import Sliding
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements

# Shares of red, green and blue in what is seen as brightness (ITU-R BT.601).
BRIGHTNESS = (0.2989, 0.5870, 0.1140)


class Picture(Operation):
    """A function of a batch of images."""

    abstract: ClassVar[bool] = True
    keras_module: ClassVar[str] = "keras.src.ops.image"
    operands: ClassVar[tuple[str, ...]] = ("images",)


class RGBToGrayscale(Picture):
    """Brightness: 0.2989 red + 0.5870 green + 0.1140 blue."""

    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, 2, self.data_format)
        axis = channels_axis(self.data_format) % len(x)
        if x[axis] not in (1, len(BRIGHTNESS)):
            raise ShapeError(f"expected 3 channels or 1 in {x}, found {x[axis]}")
        return (*x[:axis], 1, *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (given,) = inputs
        x = to_channels_last(floating(given), self.data_format)
        if x.shape[-1] == 1:
            return given
        shares = x.trace.constant(np.asarray(BRIGHTNESS)[:, np.newaxis], x.dtype)
        return ops.cast(from_channels_last(ops.dense(x, shares), self.data_format), given.dtype)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(macs=3 * elements(output[1:]))


class Resize(Picture):
    """Images of another size, by interpolation: the layer `resizing` as a function."""

    size: tuple[int, int]
    """Height and width of the result."""
    interpolation: Method = "bilinear"
    """How pixels come about from those around them."""
    antialias: bool = False
    """Whether the kernel widens as the image shrinks, so that every pixel counts."""
    crop_to_aspect_ratio: bool = False
    """Whether the sides or the top and bottom are cut first, so that nothing is distorted."""
    pad_to_aspect_ratio: bool = False
    """Whether margins of `fill_value` are added first, so that nothing is distorted."""
    fill_mode: Literal["constant"] = "constant"
    """How margins are filled."""
    fill_value: float = 0.0
    """Value of the margins."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _layer(self) -> Resizing:
        height, width = self.size
        return Resizing(
            height=height, width=width, interpolation=self.interpolation,
            antialias=self.antialias, crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio, fill_mode=self.fill_mode,
            fill_value=self.fill_value, data_format=self.data_format,
        )  # fmt: skip

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return self._layer().output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return self._layer().lower(low, *inputs)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return self._layer().cost(inputs, output)


def _margins(
    length: int, one: int | None, other: int | None, target: int | None
) -> tuple[int, int]:
    """Both margins of an axis that they bring from `length` to `target`, of which one may lack.

    Margins that are cut are negative.

    Raises:
        ShapeError: too little is known.
    """
    if one is not None and other is not None:
        return one, other
    if target is None or (one is None and other is None):
        raise ShapeError("expected two of the margins of an axis and its target length")
    more = target - length
    return (more - other, other) if other is not None else (one or 0, more - (one or 0))


class PadImages(Picture):
    """Images with rows and columns of zeros around them."""

    top_padding: int | None = None
    """Rows above."""
    left_padding: int | None = None
    """Columns to the left."""
    bottom_padding: int | None = None
    """Rows below."""
    right_padding: int | None = None
    """Columns to the right."""
    target_height: int | None = None
    """Height of the result, in the place of one of its margins."""
    target_width: int | None = None
    """Width of the result, in the place of one of its margins."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _pads(self, shape: Shape) -> dict[int, tuple[int, int]]:
        expect_image(shape, 2, self.data_format)
        rows, columns = spatial_axes(2, self.data_format)
        pads = {
            rows: _margins(
                known(shape, rows), self.top_padding, self.bottom_padding, self.target_height
            ),
            columns: _margins(
                known(shape, columns), self.left_padding, self.right_padding, self.target_width
            ),
        }
        for axis, pair in pads.items():
            if min(pair) < 0:
                raise ShapeError(f"a margin of {min(pair)} along axis {axis} of {shape}")
        return pads

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        pads = self._pads(inputs[0])
        return tuple(
            n + sum(pads.get(i, ())) if n is not None else n for i, n in enumerate(inputs[0])
        )

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        pads = self._pads(tuple(n if isinstance(n, int) else None for n in x.shape))
        return ops.pad(x, [pads.get(i, (0, 0)) for i in range(x.rank)])


class CropImages(Picture):
    """Images without their outer rows and columns."""

    top_cropping: int | None = None
    """Rows above."""
    left_cropping: int | None = None
    """Columns to the left."""
    bottom_cropping: int | None = None
    """Rows below."""
    right_cropping: int | None = None
    """Columns to the right."""
    target_height: int | None = None
    """Height of the result, in the place of one of its margins."""
    target_width: int | None = None
    """Width of the result, in the place of one of its margins."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _cuts(self, shape: Shape) -> dict[int, tuple[int, int]]:
        """(first, behind the last) of what stays along each axis."""
        expect_image(shape, 2, self.data_format)
        rows, columns = spatial_axes(2, self.data_format)
        given = {
            rows: (self.top_cropping, self.bottom_cropping, self.target_height),
            columns: (self.left_cropping, self.right_cropping, self.target_width),
        }
        found: dict[int, tuple[int, int]] = {}
        for axis, (one, other, target) in given.items():
            length = known(shape, axis)
            # Cut margins are negative paddings.
            negative = [None if n is None else -n for n in (one, other)]
            first, last = (-n for n in _margins(length, negative[0], negative[1], target))
            if min(first, last) < 0 or first + last >= length:
                raise ShapeError(f"nothing is left of axis {axis} of {shape}")
            found[axis] = (first, length - last)
        return found

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        found = list(inputs[0])
        for axis, (first, behind) in self._cuts(inputs[0]).items():
            found[axis] = behind - first
        return tuple(found)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        shape = tuple(n if isinstance(n, int) else None for n in x.shape)
        for axis, (first, behind) in self._cuts(shape).items():
            x = ops.slice_axis(x, axis, first, behind)
        return x


class ExtractPatches(Picture):
    """The elements of each window, row by row with their channels, as channels of the result."""

    size: int | tuple[int, int]
    """Height and width of the window."""
    strides: int | tuple[int, int] | None = None
    """Steps of the window; its size when left out."""
    dilation_rate: int | tuple[int, int] = 1
    """Distance of neighbouring cells of the window."""
    padding: Padding = "valid"
    """`valid` takes whole windows only; `same` pads with zeros."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _sliding(self) -> Sliding:
        size, strides, dilations = (
            (n, n) if isinstance(n, int) else n
            for n in (self.size, self.strides or self.size, self.dilation_rate)
        )
        return Sliding(size, strides, self.padding, self.data_format, dilations)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        sliding = self._sliding()
        expect_image(inputs[0], 2, self.data_format)
        channels = known(inputs[0], channels_axis(self.data_format))
        return sliding.output(inputs[0], channels * sliding.cells)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        sliding = self._sliding()
        x = to_channels_last(floating(inputs[0]), self.data_format)
        (channels,) = ints(x.shape[-1:])
        count = channels * math.prod(sliding.kernel)
        each = np.eye(count).reshape(*sliding.kernel, channels, count)
        y = ops.conv(
            x,
            x.trace.constant(each, x.dtype),
            strides=sliding.strides,
            pads=sliding.pads(ints(x.shape[1:-1])),
            dilations=sliding.dilations,
        )
        return ops.cast(from_channels_last(y, self.data_format), inputs[0].dtype)
