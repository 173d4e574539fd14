"""Images brought to a given size: by interpolation, or by cutting out their middle."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import expect_image, spatial_axes
from specc.layers.interpolation import Method, resize
from specc.primitives import Tensor, is_float
from specc.primitives.tensor import ints
from specc.tensors import Shape, elements

# Limits of the integer types that images come in.
_LIMITS: dict[str, tuple[float, float]] = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}


def sized(shape: Shape, size: tuple[int, int], data_format: DataFormat) -> Shape:
    """The shape of images brought to `size`.

    Raises:
        ShapeError: these are no images.
    """
    expect_image(shape, 2, data_format)
    new = dict(zip(spatial_axes(2, data_format), size, strict=True))
    return tuple(new.get(i, n) for i, n in enumerate(shape))


def _middle(x: Tensor, axes: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
    """The middle of each axis; of two middles the first."""
    for axis, size in zip(axes, sizes, strict=True):
        (own,) = ints((x.shape[axis],))
        start = (own - size) // 2
        x = ops.slice_axis(x, axis, start, start + size)
    return x


def _of_aspect(own: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """(height for the own width, width for the own height) that have the target's aspect ratio."""
    return int(own[1] * target[0] / target[1]), int(own[0] * target[1] / target[0])


def crop_to_aspect(x: Tensor, axes: tuple[int, ...], target: tuple[int, int]) -> Tensor:
    """The largest middle part with the aspect ratio of `target`."""
    height, width = ints(tuple(x.shape[axis] for axis in axes))
    h, w = _of_aspect((height, width), target)
    return _middle(x, axes, (max(min(height, h), 1), max(min(width, w), 1)))


class Resizing(Layer):
    """Images of another size, by interpolation.

    Integers stay integers: the result is rounded. No gradient flows to them.
    Shapes: x (N, h, w, c), result (N, height, width, c); channels second with `channels_first`.

    Source: keras/src/layers/preprocessing/image_preprocessing/resizing.py (3.15.1).
    """

    height: PositiveInt
    """Height of the result."""
    width: PositiveInt
    """Width of the result."""
    interpolation: Method = "bilinear"
    """How pixels come about from those around them."""
    crop_to_aspect_ratio: bool = False
    """Whether the sides or the top and bottom are cut first, so that nothing is distorted."""
    pad_to_aspect_ratio: bool = False
    """Whether margins of `fill_value` are added first, so that nothing is distorted."""
    fill_mode: Literal["constant"] = "constant"
    """How margins are filled."""
    fill_value: float = 0.0
    """Value of the margins."""
    antialias: bool = False
    """Whether the kernel widens as the image shrinks, so that every pixel counts."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise PydanticCustomError(
                "aspect_ratio",
                "expected one of crop_to_aspect_ratio and pad_to_aspect_ratio, found both",
            )
        return self

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return sized(inputs[0], (self.height, self.width), self.data_format)

    def _padded(self, x: Tensor, axes: tuple[int, ...]) -> Tensor:
        # As in Keras both margins of an axis are alike: an odd pixel is not added.
        height, width = ints(tuple(x.shape[axis] for axis in axes))
        tall, wide = _of_aspect((height, width), (self.height, self.width))
        more = {axes[0]: max(tall - height, 0) // 2, axes[1]: max(wide - width, 0) // 2}
        pads = [(more.get(i, 0), more.get(i, 0)) for i in range(x.rank)]
        return ops.pad(x, pads, self.fill_value)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (given,) = inputs
        axes = spatial_axes(2, self.data_format)
        size = (self.height, self.width)
        x = given if is_float(given) else ops.cast(given, given.trace.floatx)
        if self.crop_to_aspect_ratio:
            x = crop_to_aspect(x, axes, size)
        elif self.pad_to_aspect_ratio:
            x = self._padded(x, axes)
        y = resize(x, size, axes, self.interpolation, self.antialias)
        if is_float(given):
            return y
        y = ops.rounded(y)
        if given.dtype in _LIMITS:
            y = ops.clip(y, *_LIMITS[given.dtype])
        return ops.cast(y, given.dtype)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        if self.interpolation == "nearest":
            return Cost()
        axes = spatial_axes(2, self.data_format)
        # One matrix along the height, then one along the width.
        height, width = (inputs[0][axis] or 1 for axis in axes)
        made = elements(output[1:])
        return Cost(made // self.width * width * height + made * width)


class CenterCrop(Layer):
    """The middle of an image; a smaller image is cut to the aspect ratio and enlarged.

    Shapes: x (N, h, w, c), result (N, height, width, c); channels second with `channels_first`.

    Source: keras/src/layers/preprocessing/image_preprocessing/center_crop.py and
    keras/src/utils/image_utils.py, smart_resize (3.15.1).
    """

    height: PositiveInt
    """Height of the result."""
    width: PositiveInt
    """Width of the result."""
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
        own = ints(tuple(x.shape[axis] for axis in axes))
        if own[0] >= size[0] and own[1] >= size[1]:
            return _middle(x, axes, size)
        return resize(crop_to_aspect(x, axes, size), size, axes, "bilinear")
