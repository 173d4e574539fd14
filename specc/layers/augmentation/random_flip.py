"""Images flipped or cut at random."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Layer, Lowering, Shapes
from specc.layers.augmentation.base import Augmentation, drawn, mixed
from specc.layers.axes import from_channels_last, spatial_axes, to_channels_last
from specc.layers.interpolation import resize
from specc.layers.resizing import crop_to_aspect, sized
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Shape


class RandomFlip(Augmentation):
    """Training flips each image with probability 1/2; with both directions, in both or neither.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_flip.py (3.15.1).
    """

    mode: Literal["horizontal_and_vertical", "horizontal", "vertical"] = "horizontal_and_vertical"
    """The direction."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        flips = ops.less_equal(drawn(low, x, (0.0, 1.0)), 0.5)
        return (ops.cast(flips, x.dtype),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        y = x
        if self.mode != "vertical":
            y = ops.reverse(y, 2)
        if self.mode != "horizontal":
            y = ops.reverse(y, 1)
        return mixed(draws[0], y, x)


class RandomCrop(Layer):
    """Training cuts height x width at one random place for the whole batch.

    Images that are not larger in both directions, and all images outside of training, are cut to
    the aspect ratio around their middle and resized. (Keras' text says so too; its code leaves
    images outside of training as they are, whatever its shape rule says.)

    Shapes: x (N, h, w, c), result (N, height, width, c); channels second with `channels_first`.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_crop.py (3.15.1).
    """

    height: PositiveInt
    """Height of the result."""
    width: PositiveInt
    """Width of the result."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return sized(inputs[0], (self.height, self.width), self.data_format)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axes = spatial_axes(2, self.data_format)
        size = (self.height, self.width)
        height, width = ints(tuple(x.shape[axis] for axis in axes))
        if low.training and height > self.height and width > self.width:
            y = to_channels_last(x, self.data_format)
            for axis, own, wanted in ((1, height, self.height), (2, width, self.width)):
                start = ops.floor(drawn(low, x, (0.0, own - wanted + 1.0), (1,)))
                y = _cut(y, axis, ops.cast(start, "int64"), wanted)
            return from_channels_last(y, self.data_format)
        if low.training:
            return resize(_from_middle(x, axes, size), size, axes, "bilinear")
        return resize(crop_to_aspect(x, axes, size), size, axes, "bilinear")


def _cut(x: Tensor, axis: int, start: Tensor, size: int) -> Tensor:
    """`size` elements from a start that is known at run time. Shapes: start (1,)."""
    places = start + x.trace.constant(np.arange(size, dtype=np.int64))
    return ops.move_axis(ops.gather_rows(ops.move_axis(x, axis, 0), places), 0, axis)


def _from_middle(x: Tensor, axes: tuple[int, ...], size: tuple[int, int]) -> Tensor:
    """What Keras cuts from an image that is too small: it starts where the middle part would."""
    height, width = ints(tuple(x.shape[axis] for axis in axes))
    part = (
        max(min(height, int(width * size[0] / size[1])), 1),
        max(min(width, int(height * size[1] / size[0])), 1),
    )
    for axis, own, inner, wanted in zip(axes, (height, width), part, size, strict=True):
        start = int((own - inner) / 2)
        x = ops.slice_axis(x, axis, start, min(start + wanted, own))
    return x
