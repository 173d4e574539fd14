"""Zeros around images and sequences, and their removal."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Pairs, Sides1D, Sides2D, Sides3D
from specc.layer import Layer, Lowering, Shapes, Window
from specc.layers.axes import expect_image, expect_rank, spatial_axes
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, show


def _shift(pads: Pairs, axes: tuple[int, ...]) -> Window:
    flat = (1,) * len(axes)
    return Window(flat, flat, flat, pads, axes)


class ZeroPadding(Layer):
    """Zeros before and after the elements of each spatial axis.

    Source: keras/src/layers/reshaping/zero_padding2d.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    padding: Pairs
    """(before, after) of each spatial axis."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that grow."""
        return spatial_axes(len(self.padding), self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, len(self.padding), self.data_format)
        more = dict(zip(self.axes, map(sum, self.padding), strict=True))
        return tuple(None if n is None else n + more.get(i, 0) for i, n in enumerate(x))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        sides = dict(zip(self.axes, self.padding, strict=True))
        return ops.pad(x, [sides.get(i, (0, 0)) for i in range(x.rank)])

    @override
    def window(self, inputs: Shapes) -> Window:
        return _shift(self.padding, self.axes)


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after the steps of a sequence.

    Shapes: x (N, steps, c), result (N, steps + before + after, c); channels second with
    `channels_first`.

    Source: keras/src/layers/reshaping/zero_padding1d.py (3.15.1).
    """

    padding: Sides1D = ((1, 1),)
    """Number of zeros: one for both ends, or [before, after]."""


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image.

    Shapes: x (N, h, w, c), result (N, h + top + bottom, w + left + right, c); channels second with
    `channels_first`.

    Source: keras/src/layers/reshaping/zero_padding2d.py (3.15.1).
    """

    padding: Sides2D = ((1, 1), (1, 1))
    """Number of zeros: one, [vertical, horizontal], or [[top, bottom], [left, right]]."""


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume.

    Shapes: x (N, d, h, w, c), result (N, d + front + back, h + top + bottom, w + left + right, c);
    channels second with `channels_first`.

    Source: keras/src/layers/reshaping/zero_padding3d.py (3.15.1).
    """

    padding: Sides3D = ((1, 1), (1, 1), (1, 1))
    """Number of zeros: one, one for each axis, or [before, after] of each axis."""


def _cut(shape: Shape, cropping: Pairs, axes: tuple[int, ...]) -> Shape:
    less = dict(zip(axes, cropping, strict=True))
    out: list[int | None] = []
    for axis, size in enumerate(shape):
        gone = sum(less.get(axis, (0, 0)))
        if size is not None and gone and gone >= size:
            raise ShapeError(
                f"cropping {gone} of axis {axis} leaves nothing of an input {show(shape)};"
                f" crop at most {size - 1}"
            )
        out.append(None if size is None else size - gone)
    return tuple(out)


def _slices(x: Tensor, cropping: Pairs, axes: tuple[int, ...]) -> Tensor:
    for axis, (before, after) in zip(axes, cropping, strict=True):
        (size,) = ints(x.shape[axis : axis + 1])
        x = ops.slice_axis(x, axis, before, size - after)
    return x


class Cropping1D(Layer):
    """A sequence without its first and last steps.

    Shapes: x (N, steps, c), result (N, steps - before - after, c).

    Source: keras/src/layers/reshaping/cropping1d.py (3.15.1).
    """

    cropping: Sides1D = ((1, 1),)
    """Number of steps to drop: one for both ends, or [before, after]."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_rank(inputs[0], 3, "(batch, steps, channels)")
        return _cut(inputs[0], self.cropping, (1,))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _slices(inputs[0], self.cropping, (1,))

    @override
    def window(self, inputs: Shapes) -> Window:
        return _shift(tuple((-a, -b) for a, b in self.cropping), (1,))


class Cropping(Layer):
    """Images or volumes without their margins.

    Source: keras/src/layers/reshaping/cropping2d.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    cropping: Pairs
    """(before, after) of each spatial axis."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that shrink."""
        return spatial_axes(len(self.cropping), self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], len(self.cropping), self.data_format)
        return _cut(inputs[0], self.cropping, self.axes)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return _slices(inputs[0], self.cropping, self.axes)

    @override
    def window(self, inputs: Shapes) -> Window:
        return _shift(tuple((-a, -b) for a, b in self.cropping), self.axes)


class Cropping2D(Cropping):
    """An image without its margins.

    Shapes: x (N, h, w, c), result (N, h - top - bottom, w - left - right, c); channels second with
    `channels_first`.

    Source: keras/src/layers/reshaping/cropping2d.py (3.15.1).
    """

    cropping: Sides2D = ((0, 0), (0, 0))
    """Width of the margins: one, [vertical, horizontal], or [[top, bottom], [left, right]]."""


class Cropping3D(Cropping):
    """A volume without its margins.

    Shapes: x (N, d, h, w, c), result (N, d - front - back, h - top - bottom, w - left - right, c);
    channels second with `channels_first`.

    Source: keras/src/layers/reshaping/cropping3d.py (3.15.1).
    """

    cropping: Sides3D = ((1, 1), (1, 1), (1, 1))
    """Width of the margins: one, one for each axis, or [before, after] of each axis."""
