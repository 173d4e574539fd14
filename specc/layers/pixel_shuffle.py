"""Channels moved into space and back: an image of b b c channels is one of c, b times as wide."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Layer, Lowering, Shapes
from specc.layers.axes import (
    channels_axis,
    expect_image,
    from_channels_last,
    known,
    spatial_axes,
    to_channels_last,
)
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, show

Mode = Literal["dcr", "crd"]


def _spread_shape(x: Shape, block: int, data_format: DataFormat) -> Shape:
    expect_image(x, 2, data_format)
    channels = known(x, channels_axis(data_format))
    if channels % block**2:
        raise ShapeError(f"{channels} channels of {show(x)} do not divide into {block} x {block}")
    sizes = [n if n is None else n * block for n in _sizes(x, data_format)]
    return _image(x, sizes, channels // block**2, data_format)


def _gathered_shape(x: Shape, block: int, data_format: DataFormat) -> Shape:
    expect_image(x, 2, data_format)
    channels = known(x, channels_axis(data_format))
    sizes = _sizes(x, data_format)
    if any(n is not None and n % block for n in sizes):
        raise ShapeError(f"height and width of {show(x)} do not divide by {block}")
    fewer = [n if n is None else n // block for n in sizes]
    return _image(x, fewer, channels * block**2, data_format)


def _sizes(x: Shape, data_format: DataFormat) -> list[int | None]:
    return [x[axis] for axis in spatial_axes(2, data_format)]


def _image(x: Shape, sizes: list[int | None], channels: int, data_format: DataFormat) -> Shape:
    last = data_format == "channels_last"
    return (x[0], *sizes, channels) if last else (x[0], channels, *sizes)


def spread(x: Tensor, block: int, mode: Mode) -> Tensor:
    """Blocks of channels as blocks of pixels. Shapes: x (N, h, w, b b c), result (N, bh, bw, c).

    `dcr`: the place in the block comes before the channel; `crd`: after it.
    """
    height, width, channels = ints(x.shape[1:])
    depth = channels // block**2
    cut = (block, block, depth) if mode == "dcr" else (depth, block, block)
    y = ops.reshape(x, (x.shape[0], height, width, *cut))
    y = ops.transpose(y, (0, 1, 3, 2, 4, 5) if mode == "dcr" else (0, 1, 4, 2, 5, 3))
    return ops.reshape(y, (x.shape[0], height * block, width * block, depth))


def gathered(x: Tensor, block: int, mode: Mode) -> Tensor:
    """The inverse of `spread`."""
    height, width, channels = ints(x.shape[1:])
    y = ops.reshape(x, (x.shape[0], height // block, block, width // block, block, channels))
    y = ops.transpose(y, (0, 1, 3, 2, 4, 5) if mode == "dcr" else (0, 1, 3, 5, 2, 4))
    return ops.reshape(y, (x.shape[0], height // block, width // block, channels * block**2))


class DepthToSpace(Layer):
    """Blocks of channels become blocks of pixels: y[bi + k, bj + l] is x[i, j], channels (k, l, :).

    Shapes: x (N, h, w, b b c), result (N, b h, b w, c); channels second with `channels_first`.

    Source: tf.nn.depth_to_space, and DepthToSpace of ONNX with its `mode`.
    """

    keras_module: ClassVar[str] = ""

    block_size: PositiveInt = 2
    """Side b of a block."""
    mode: Mode = "dcr"
    """Whether the place in the block is counted before the channel (dcr) or after it (crd)."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return _spread_shape(inputs[0], self.block_size, self.data_format)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs[0], self.data_format)
        return from_channels_last(spread(x, self.block_size, self.mode), self.data_format)


class SpaceToDepth(Layer):
    """The inverse of `depth_to_space`: blocks of pixels become channels.

    Shapes: x (N, b h, b w, c), result (N, h, w, b b c); channels second with `channels_first`.

    Source: tf.nn.space_to_depth, and SpaceToDepth of ONNX.
    """

    keras_module: ClassVar[str] = ""

    block_size: PositiveInt = 2
    """Side b of a block."""
    mode: Mode = "dcr"
    """Whether the place in the block is counted before the channel (dcr) or after it (crd)."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return _gathered_shape(inputs[0], self.block_size, self.data_format)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs[0], self.data_format)
        return from_channels_last(gathered(x, self.block_size, self.mode), self.data_format)


class PixelShuffle(Layer):
    """`depth_to_space` with the place in the block counted after the channel, as PyTorch has it.

    Shapes: x (N, h, w, c r r), result (N, r h, r w, c); channels second with `channels_first`.

    Source: Shi et al. (2016); torch.nn.PixelShuffle.
    """

    keras_module: ClassVar[str] = ""

    upscale_factor: PositiveInt = 2
    """Side r of a block."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return _spread_shape(inputs[0], self.upscale_factor, self.data_format)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs[0], self.data_format)
        return from_channels_last(spread(x, self.upscale_factor, "crd"), self.data_format)


class PixelUnshuffle(Layer):
    """The inverse of `pixel_shuffle`.

    Shapes: x (N, r h, r w, c), result (N, h, w, c r r); channels second with `channels_first`.

    Source: torch.nn.PixelUnshuffle.
    """

    keras_module: ClassVar[str] = ""

    downscale_factor: PositiveInt = 2
    """Side r of a block."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return _gathered_shape(inputs[0], self.downscale_factor, self.data_format)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs[0], self.data_format)
        return from_channels_last(gathered(x, self.downscale_factor, "crd"), self.data_format)
