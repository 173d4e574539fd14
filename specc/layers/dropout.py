"""Dropout of elements and of whole channels. Nothing is dropped outside of training."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Rate
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import expect_image, expect_rank
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Dims, Shape, elements, show


def kept(low: Lowering, x: Tensor, shape: Dims, rate: float) -> Tensor:
    """1 with probability 1 - rate, else 0, independently at each position of `shape`."""
    return ops.cast(ops.greater_equal(low.uniform(x, shape), rate), x.dtype)


def noise_dims(x: Tensor, noise_shape: tuple[int | None, ...] | None) -> Dims:
    """The shape of the random numbers: that of x where `noise_shape` is absent or null."""
    if noise_shape is None:
        return x.shape
    return tuple(n if m is None else m for n, m in zip(x.shape, noise_shape, strict=True))


def check_noise_shape(shape: Shape, noise_shape: tuple[int | None, ...] | None) -> None:
    """Check that random numbers of `noise_shape` spread over an input of `shape`.

    Raises:
        ShapeError: they do not.
    """
    if noise_shape is None:
        return
    fits = len(noise_shape) == len(shape) and all(
        m in (None, 1, n) for m, n in zip(noise_shape, shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"noise_shape {show(noise_shape)} does not spread over an input {show(shape)};"
            f" give {len(shape)} entries, each 1, null or the input's length"
        )


class _Dropping(Layer):
    abstract: ClassVar[bool] = True
    supports_masking: ClassVar[bool] = True

    rate: Rate
    """Probability of dropping, 0 to 1."""

    @abstractmethod
    def noise(self, x: Tensor) -> Dims:
        """The shape of the mask, which is spread over x."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.rate == 0.0 or not low.training:
            return inputs[0]  # integers stay what they are
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        if self.rate == 1.0:
            return ops.cast(x * 0.0, inputs[0].dtype)
        return x * (kept(low, x, self.noise(x), self.rate) * (1.0 / (1.0 - self.rate)))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))


class Dropout(_Dropping):
    """`x keep / (1 - rate)` in training, where keep is 1 with probability 1 - rate, else 0; else x.

    Shapes: as the input.

    Source: keras/src/layers/regularization/dropout.py (3.15.1); Srivastava et al. (2014).
    """

    noise_shape: tuple[PositiveInt | None, ...] | None = None
    """Shape of the mask, batch included: 1 shares it along an axis, null takes the input's."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        check_noise_shape(inputs[0], self.noise_shape)
        return inputs[0]

    @override
    def noise(self, x: Tensor) -> Dims:
        return noise_dims(x, self.noise_shape)


class SpatialDropout1D(_Dropping):
    """Dropout of whole channels of a sequence: one draw for all its steps.

    Shapes: x (N, steps, c), result the same.

    Source: keras/src/layers/regularization/spatial_dropout.py (3.15.1); Tompson et al. (2014).
    """

    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_rank(inputs[0], 3, "(batch, steps, channels)")
        return inputs[0]

    @override
    def noise(self, x: Tensor) -> Dims:
        return (x.shape[0], 1, x.shape[2])


class SpatialDropout2D(_Dropping):
    """Dropout of whole channels of an image: one draw for all its positions.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/regularization/spatial_dropout.py (3.15.1); Tompson et al. (2014).
    """

    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 2, self.data_format)
        return inputs[0]

    @override
    def noise(self, x: Tensor) -> Dims:
        if self.data_format == "channels_last":
            return (x.shape[0], 1, 1, x.shape[3])
        return (x.shape[0], x.shape[1], 1, 1)


class SpatialDropout3D(_Dropping):
    """Dropout of whole channels of a volume: one draw for all its positions.

    Shapes: x (N, d, h, w, c), or (N, c, d, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/regularization/spatial_dropout.py (3.15.1); Tompson et al. (2014).
    """

    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 3, self.data_format)
        return inputs[0]

    @override
    def noise(self, x: Tensor) -> Dims:
        if self.data_format == "channels_last":
            return (x.shape[0], 1, 1, 1, x.shape[4])
        return (x.shape[0], x.shape[1], 1, 1, 1)
