"""Images whose brightness, contrast and colours vary at random."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Rate
from specc.layer import Layer, Lowering, Shapes
from specc.layers.augmentation.base import (
    BYTES,
    Augmentation,
    Fraction,
    OptionalFraction,
    OptionalSigned,
    Signed,
    ValueRange,
    chance,
    clipped,
    drawn,
    mixed,
    rescaled,
)
from specc.layers.augmentation.hues import expect_colours, grey, hsv, rgb
from specc.layers.axes import channels_axis, expect_image
from specc.layers.normalization import EPSILON
from specc.primitives import Tensor
from specc.tensors import Shape


class RandomBrightness(Augmentation):
    """Training adds one number to all pixels of an image: a part of the value range.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_brightness.py (3.15.1).
    """

    factor: Signed
    """Range of the part; one number f is for -f to f."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (drawn(low, x, self.factor),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        size = float(self.value_range[1] - self.value_range[0])
        return clipped(x + draws[0] * size, self.value_range)


class RandomContrast(Augmentation):
    """Training stretches the distance from each channel's mean: (x - mean) f + mean.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_contrast.py (3.15.1).
    """

    factor: Fraction
    """(a, b): f lies in 1 - a to 1 + b; one number b is for (0, b)."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (drawn(low, x, (1.0 - self.factor[0], 1.0 + self.factor[1])),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        mean = ops.reduce_mean(x, (1, 2), keepdims=True)
        return clipped((x - mean) * draws[0] + mean, self.value_range)


class _Coloured(Augmentation):
    abstract: ClassVar[bool] = True
    counts: ClassVar[tuple[int, ...]] = (3,)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        shape = super().output_shape(inputs)
        expect_colours(inputs[0], inputs[0][channels_axis(self.data_format)], self.counts)
        return shape


class RandomHue(_Coloured):
    """Training turns the hue of each image by up to half of the colour circle, either way.

    Shapes: x (N, h, w, 3), or (N, 3, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_hue.py (3.15.1).
    """

    factor: Fraction
    """Range of the turn, 1 for half of the circle; one number f is for 0 to f."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        backwards = ops.greater(drawn(low, x, (0.0, 1.0)), 0.5)
        sign = 1.0 - 2.0 * ops.cast(backwards, x.dtype)
        return (sign * drawn(low, x, self.factor) * 0.5,)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        hue, saturation, value = hsv(rescaled(x, self.value_range, (0.0, 1.0)))
        hue = hue + draws[0]
        hue = hue - ops.cast(ops.greater(hue, 1.0), x.dtype)
        hue = hue + ops.cast(ops.less(hue, 0.0), x.dtype)
        y = ops.clip(rgb(hue, saturation, value), 0.0, 1.0)
        return rescaled(y, (0.0, 1.0), self.value_range)


class RandomSaturation(_Coloured):
    """Training multiplies the saturation of each image by f / (1 - f).

    Shapes: x (N, h, w, 3), or (N, 3, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_saturation.py (3.15.1).
    """

    factor: Signed
    """Range of f: 1/2 changes nothing, 0 leaves grey; one number f is for -f to f."""
    value_range: ValueRange = BYTES
    """Limits that the saturation is kept in."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        f = drawn(low, x, self.factor)
        return (f / (1.0 - f + EPSILON),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        hue, saturation, value = hsv(x)
        return rgb(hue, clipped(saturation * draws[0], self.value_range), value)


class RandomGrayscale(_Coloured):
    """Training turns some images grey.

    Shapes: x (N, h, w, 3), or (N, 3, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_grayscale.py (3.15.1).
    """

    counts: ClassVar[tuple[int, ...]] = (1, 3)

    factor: Rate = 0.5
    """Probability that an image turns grey."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (ops.cast(ops.less(drawn(low, x, (0.0, 1.0)), self.factor), x.dtype),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        return mixed(draws[0], grey(x), x)


class RandomColorDegeneration(_Coloured):
    """Training moves each image a part of the way to its grey values: x + f (grey - x).

    Shapes: x (N, h, w, 3), or (N, 3, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_color_degeneration.py
    (3.15.1).
    """

    counts: ClassVar[tuple[int, ...]] = (1, 3)

    factor: Signed
    """Range of f; one number is for -f to f."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (drawn(low, x, self.factor),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        return clipped(x + draws[0] * (grey(x) - x), self.value_range)


class RandomInvert(Augmentation):
    """Training turns some images into their negatives: the largest value minus x.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_invert.py (3.15.1).
    """

    factor: Fraction = (0, 1.0)
    """Range of the probability; one number p is for 0 to p."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (chance(low, x, self.factor),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        return mixed(draws[0], float(self.value_range[1]) - x, x)


class RandomColorJitter(Layer):
    """Training varies brightness, then contrast, saturation and hue, as the layers of those names.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_color_jitter.py (3.15.1).
    """

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    brightness_factor: OptionalSigned = None
    """Range of `random_brightness`; none when absent."""
    contrast_factor: OptionalFraction = None
    """Range of `random_contrast`; none when absent."""
    saturation_factor: OptionalSigned = None
    """Range of `random_saturation`; none when absent."""
    hue_factor: OptionalFraction = None
    """Range of `random_hue`; none when absent."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @property
    def _parts(self) -> list[Augmentation]:
        given = [
            (RandomBrightness, self.brightness_factor),
            (RandomContrast, self.contrast_factor),
            (RandomSaturation, self.saturation_factor),
            (RandomHue, self.hue_factor),
        ]
        return [
            kind(factor=factor, value_range=self.value_range, data_format=self.data_format)
            for kind, factor in given
            if factor is not None
        ]

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 2, self.data_format)
        for part in self._parts:
            part.output_shape(inputs)
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        for part in self._parts:
            x = part.lower(low, x)
        return x
