"""Enlarging by repeating elements or by interpolation."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, IntPair, IntSingle, IntTriple, Sizes
from specc.layer import Cost, Layer, Lowering, Shapes, Window
from specc.layers.axes import expect_image, expect_rank, spatial_axes
from specc.layers.interpolation import Method, resize
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Dim, Shape, elements

# How far, in pixels of the input, a pixel's influence reaches.
_RADIUS = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def _enlarged(shape: Shape, size: Sizes, axes: tuple[int, ...]) -> Shape:
    factors = dict(zip(axes, size, strict=True))
    return tuple(None if n is None else n * factors.get(i, 1) for i, n in enumerate(shape))


def _repeat(x: Tensor, size: Sizes, axes: tuple[int, ...]) -> Tensor:
    factors = dict(zip(axes, size, strict=True))
    single: list[Dim] = []
    copies: list[Dim] = []
    result: list[Dim] = []
    for axis, length in enumerate(x.shape):
        single.append(length)
        copies.append(length)
        if axis in factors:
            single.append(1)
            copies.append(factors[axis])
            result.append(ints((length,))[0] * factors[axis])
        else:
            result.append(length)
    return ops.reshape(ops.broadcast_to(ops.reshape(x, single), tuple(copies), x), result)


def _spread(factors: Sizes, axes: tuple[int, ...]) -> Window:
    """Each element writes a block of its own."""
    none = ((0, 0),) * len(axes)
    return Window(factors, factors, (1,) * len(axes), none, axes, transposed=True)


class UpSampling1D(Layer):
    """Each step `size` times in a row.

    Shapes: x (N, steps, c), result (N, steps size, c).

    Source: keras/src/layers/reshaping/up_sampling1d.py (3.15.1).
    """

    size: IntSingle = (2,)
    """Number of copies of each step."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_rank(inputs[0], 3, "(batch, steps, channels)")
        return _enlarged(inputs[0], self.size, (1,))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _repeat(inputs[0], self.size, (1,))

    @override
    def window(self, inputs: Shapes) -> Window:
        return _spread(self.size, (1,))


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class UpSampling2D(Layer):
    """Each pixel as a block of size[0] x size[1], copied or interpolated.

    Shapes: x (N, h, w, c), result (N, h size[0], w size[1], c); channels second with
    `channels_first`.

    Source: keras/src/layers/reshaping/up_sampling2d.py (3.15.1).
    """

    size: IntPair = (2, 2)
    """Factors of height and width."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    interpolation: Annotated[Method, BeforeValidator(_lower)] = "nearest"
    """How new pixels come about: `nearest` copies."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that grow."""
        return spatial_axes(2, self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 2, self.data_format)
        return _enlarged(inputs[0], self.size, self.axes)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if self.interpolation == "nearest":
            return _repeat(x, self.size, self.axes)
        x = ops.cast(x, x.trace.floatx)
        sizes = ints(tuple(x.shape[axis] for axis in self.axes))
        larger = tuple(n * k for n, k in zip(sizes, self.size, strict=True))
        return resize(x, larger, self.axes, self.interpolation)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        if self.interpolation == "nearest":
            return Cost()
        # One matrix along the height, then one along the width.
        height, width = (inputs[0][axis] or 1 for axis in self.axes)
        made = elements(output[1:])
        return Cost(made // self.size[1] * height + made * width)

    @override
    def window(self, inputs: Shapes) -> Window:
        if self.interpolation == "nearest":
            return _spread(self.size, self.axes)
        # A pixel reaches as far as its kernel, on both sides of its own block.
        reach = tuple(2 * _RADIUS[self.interpolation] * k for k in self.size)
        pads = tuple(
            ((n - k) // 2, n - k - (n - k) // 2) for n, k in zip(reach, self.size, strict=True)
        )
        return Window(reach, self.size, (1, 1), pads, self.axes, transposed=True)


class UpSampling3D(Layer):
    """Each voxel as a block of size[0] x size[1] x size[2].

    Shapes: x (N, d, h, w, c), result (N, d size[0], h size[1], w size[2], c); channels second with
    `channels_first`.

    Source: keras/src/layers/reshaping/up_sampling3d.py (3.15.1).
    """

    size: IntTriple = (2, 2, 2)
    """Factors of depth, height and width."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that grow."""
        return spatial_axes(3, self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 3, self.data_format)
        return _enlarged(inputs[0], self.size, self.axes)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _repeat(inputs[0], self.size, self.axes)

    @override
    def window(self, inputs: Shapes) -> Window:
        return _spread(self.size, self.axes)
