"""Functions of the colours of images and of their edges, as `keras.ops.image` has them.

Source: keras/src/ops/image.py and keras/src/backend/tensorflow/image.py (3.15.1).
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Lowering, Shapes
from specc.layers.augmentation.hues import expect_colours, hsv, rgb
from specc.layers.axes import channels_axis, expect_image, from_channels_last, to_channels_last
from specc.layers.operations.images import Picture
from specc.layers.operations.movement import fixed
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Shape


class RGBToHSV(Picture):
    """Red, green and blue as hue in [0, 1), saturation and value."""

    apart: ClassVar[bool] = True
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, 2, self.data_format)
        expect_colours(x, x[channels_axis(self.data_format)])
        return x

    def changed(self, x: Tensor) -> Tensor:
        """Colours with the channels last."""
        return ops.concat(hsv(x), -1)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(floating(inputs[0]), self.data_format)
        return from_channels_last(self.changed(x), self.data_format)


class HSVToRGB(RGBToHSV):
    """Hue in [0, 1), saturation and value as red, green and blue."""

    @override
    def changed(self, x: Tensor) -> Tensor:
        hue, saturation, value = ops.split(x, (1, 1, 1), -1)
        return rgb(hue, saturation, value)


class SobelEdges(Picture):
    """Differences of the lines above and below, and of the columns on both sides.

    Shapes: images (N, h, w, c), result (N, h, w, c, 2); channels second with `channels_first`.
    Neighbours count once, those straight ahead twice; beyond a border the image is mirrored.
    """

    apart: ClassVar[bool] = True
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, 2, self.data_format)
        for axis in range(1, len(x)):
            fixed(x, axis, "there are no neighbours")
        return (*x, 2)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(floating(inputs[0]), self.data_format)
        height, width = ints(x.shape[1:3])
        wide = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")

        def lines(y: Tensor, axis: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
            before, here, after = (ops.slice_axis(y, axis, i, i + length) for i in range(3))
            return before, here, after

        above, _, below = lines(wide, 1, height)
        left, middle, right = lines(below - above, 2, width)
        vertical = left + middle * 2.0 + right
        west, _, east = lines(wide, 2, width)
        upper, middle, lower = lines(east - west, 1, height)
        horizontal = upper + middle * 2.0 + lower
        parts = (from_channels_last(y, self.data_format) for y in (vertical, horizontal))
        return ops.stack(tuple(parts), -1)
