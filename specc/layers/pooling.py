"""Pooling: maxima and means of sliding windows, one channel at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, IntPair, IntSingle, IntTriple, Padding, Sizes
from specc.layer import Cost, Layer, Lowering, Shapes, Window
from specc.layers.axes import channels_axis, expect_image, from_channels_last, to_channels_last
from specc.layers.sliding import Sliding
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Shape, elements


class Pooling(Layer):
    """One number for each window of each channel.

    Shapes: x (N, *in, c), result (N, *out, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/base_pooling.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    pool_size: Sizes
    """Size of the window."""
    strides: Sizes | None = None
    """Step of the window; its size when absent."""
    padding: Padding = "valid"
    """`valid` uses whole windows only; `same` gives ceil(size / stride) windows."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @property
    def sliding(self) -> Sliding:
        """The window."""
        steps = self.strides or self.pool_size
        return Sliding(self.pool_size, steps, self.padding, self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, len(self.pool_size), self.data_format)
        return self.sliding.output(x, x[channels_axis(self.data_format)])

    @abstractmethod
    def pool(
        self, x: Tensor, kernel: Sizes, strides: Sizes, pads: tuple[tuple[int, int], ...]
    ) -> Tensor:
        """The windows' values for channels last."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs[0], self.data_format)
        window = self.sliding
        y = self.pool(x, window.kernel, window.strides, window.pads(ints(x.shape[1:-1])))
        return from_channels_last(y, self.data_format)

    @override
    def window(self, inputs: Shapes) -> Window:
        return self.sliding.window(inputs[0])


class _Max(Pooling):
    abstract: ClassVar[bool] = True

    @override
    def pool(
        self, x: Tensor, kernel: Sizes, strides: Sizes, pads: tuple[tuple[int, int], ...]
    ) -> Tensor:
        y = ops.max_pool(floating(x), kernel=kernel, strides=strides, pads=pads)
        return ops.cast(y, x.dtype)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]) * (self.sliding.cells - 1))


class _Average(Pooling):
    abstract: ClassVar[bool] = True

    @override
    def pool(
        self, x: Tensor, kernel: Sizes, strides: Sizes, pads: tuple[tuple[int, int], ...]
    ) -> Tensor:
        return ops.average_pool(floating(x), kernel=kernel, strides=strides, pads=pads)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]) * self.sliding.cells)


class MaxPooling1D(_Max):
    """Maximum of each window of steps; padding never wins.

    Shapes: x (N, steps, c), result (N, out, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/max_pooling1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("max_pool1d",)

    pool_size: IntSingle = (2,)
    """Length of the window."""
    strides: IntSingle | None = None
    """Step of the window; its length when absent."""


class MaxPooling2D(_Max):
    """Maximum of each window of an image; padding never wins.

    Shapes: x (N, h, w, c), result (N, oh, ow, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/max_pooling2d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("max_pool2d",)

    pool_size: IntPair = (2, 2)
    """Height and width of the window."""
    strides: IntPair | None = None
    """Steps of the window, down and across; its size when absent."""


class AveragePooling1D(_Average):
    """Mean of each window of steps; padding is not counted.

    Shapes: x (N, steps, c), result (N, out, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/average_pooling1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("avg_pool1d",)

    pool_size: IntSingle
    """Length of the window."""
    strides: IntSingle | None = None
    """Step of the window; its length when absent."""


class AveragePooling2D(_Average):
    """Mean of each window of an image; padding is not counted.

    Shapes: x (N, h, w, c), result (N, oh, ow, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/average_pooling2d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("avg_pool2d",)

    pool_size: IntPair
    """Height and width of the window."""
    strides: IntPair | None = None
    """Steps of the window, down and across; its size when absent."""


class MaxPooling3D(_Max):
    """Maximum of each window of a volume; padding never wins.

    Shapes: x (N, d, h, w, c), result (N, od, oh, ow, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/max_pooling3d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("max_pool3d",)

    pool_size: IntTriple = (2, 2, 2)
    """Depth, height and width of the window."""
    strides: IntTriple | None = None
    """Steps of the window along each axis; its size when absent."""


class AveragePooling3D(_Average):
    """Mean of each window of a volume; padding is not counted.

    Shapes: x (N, d, h, w, c), result (N, od, oh, ow, c); channels second with `channels_first`.

    Source: keras/src/layers/pooling/average_pooling3d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("avg_pool3d",)

    pool_size: IntTriple
    """Depth, height and width of the window."""
    strides: IntTriple | None = None
    """Steps of the window along each axis; its size when absent."""
