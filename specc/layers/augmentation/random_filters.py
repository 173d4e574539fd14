"""Images sharpened, blurred, coarsened, turned around in their brightness, or erased in part."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, per_axis
from specc.layer import Lowering
from specc.layers.augmentation.base import (
    BYTES,
    Augmentation,
    Fraction,
    Span,
    ValueRange,
    chance,
    clipped,
    drawn,
    mixed,
    rescaled,
    span,
)
from specc.layers.augmentation.warping import columns, rows
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import same_pads


def weighted(x: Tensor, weights: Tensor, axis: int, size: int) -> Tensor:
    """A filter along one axis, zeros around the image. Shapes: weights (size,) or (N, size)."""
    (length,) = ints((x.shape[axis],))
    pads = [same_pads(length, size, 1) if i == axis else (0, 0) for i in range(x.rank)]
    padded = ops.pad(x, pads)
    parts = [
        ops.slice_axis(padded, axis, i, i + length) * ops.slice_axis(weights, -1, i, i + 1)
        for i in range(size)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


class RandomSharpness(Augmentation):
    """Training mixes each image with its smoothed copy: x + (1 - 2 f) (smooth - x).

    Smooth is the mean of a pixel and its eight neighbours, the pixel counted five times.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_sharpness.py (3.15.1).
    """

    factor: Fraction
    """Range of f: 0 is the smoothed image, 1/2 the image; one number is for 0 to f."""
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
        ones = x.trace.constant(np.ones(3))
        around = weighted(weighted(x, ones, 1, 3), ones, 2, 3)
        smooth = around * (1.0 / 13.0) + x * (4.0 / 13.0)
        return clipped(x + (1.0 - draws[0] * 2.0) * (smooth - x), self.value_range)


def _odd(value: object) -> tuple[int, ...]:
    sizes = per_axis(2, 1)(value)
    if any(size % 2 == 0 for size in sizes):
        raise PydanticCustomError("odd", "expected odd numbers, found {value}", {"value": sizes})
    return sizes


class RandomGaussianBlur(Augmentation):
    """Training blurs some images, all with the same bell curves along height and width.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_gaussian_blur.py (3.15.1).
    """

    factor: Fraction = (0, 1.0)
    """Range of the probability; one number p is for 0 to p."""
    kernel_size: Annotated[
        tuple[int, ...],
        BeforeValidator(_odd),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "integer"},
                    {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
                ]
            },
            mode="validation",
        ),
    ] = (3, 3)
    """Height and width of the window, odd numbers."""
    sigma: Fraction = (0, 1.0)
    """Range of the curves' standard deviation in pixels; one number is for 0 to it."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        acted = chance(low, x, self.factor)
        sigma = ops.broadcast_to(drawn(low, x, self.sigma, (2,)), (2,)) + 1e-6
        return acted, ops.slice_axis(sigma, 0, 0, 1), ops.slice_axis(sigma, 0, 1, 2)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        acted, across, down = draws
        height, width = self.kernel_size
        y = weighted(x, bell(down, height), 1, height)
        y = weighted(y, bell(across, width), 2, width)
        return clipped(mixed(acted, y, x), self.value_range)


def bell(sigma: Tensor, size: int, reach: Tensor | None = None) -> Tensor:
    """exp(-(i / sigma)^2 / 2) around the middle of `size` places, of sum 1; 0 beyond `reach`.

    Shapes: sigma and reach (1,), result (size,).
    """
    places = sigma.trace.constant(np.arange(size) - (size - 1) / 2, sigma.dtype)
    t = places / sigma
    heights = ops.exp(t * t * -0.5)
    if reach is not None:
        heights = heights * ops.cast(ops.less_equal(ops.absolute(places), reach), sigma.dtype)
    return heights / ops.reduce_sum(heights, keepdims=True)


def _bits(value: object) -> Span | None:
    found = span(1, 8)(value)
    if found is not None and any(end != int(end) for end in found):
        raise PydanticCustomError("bits", "expected whole numbers, found {value}", {"value": found})
    return found


class RandomPosterization(Augmentation):
    """Training keeps some of the upper of each value's eight bits.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_posterization.py (3.15.1).
    """

    factor: Annotated[
        Span,
        BeforeValidator(_bits),
        WithJsonSchema(
            {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]},
            mode="validation",
        ),
    ]
    """(a, b): a to b - 1 bits, or a when both agree; one number b is for (1, b)."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return (ops.floor(drawn(low, x, self.factor)),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        y = ops.floor(ops.clip(rescaled(x, self.value_range, BYTES), 0.0, 255.0))
        # 2^(8 - bits) as a product, because powers need not be exact.
        step = draws[0] * 0.0 + 1.0
        for bits in range(1, 8):
            step = step * (1.0 + ops.cast(ops.less_equal(draws[0], float(bits)), x.dtype))
        return rescaled(ops.floor(y / step) * step, BYTES, self.value_range)


def _unit(value: object) -> Span | None:
    found = span(0.0, 1.0)(value)
    if found is not None and (found[0] < 0.0 or found[1] > 1.0):
        raise PydanticCustomError("unit", "expected 0 to 1, found {value}", {"value": found})
    return found


class Solarization(Augmentation):
    """Training adds a number to the pixels, then turns those from a threshold on into 255 - x.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/solarization.py (3.15.1).
    """

    addition_factor: Annotated[Fraction, BeforeValidator(_unit)] = (0, 0.0)
    """(a, b): the number lies in a to 255 b, on a scale of 0 to 255; one number is for (0, b)."""
    threshold_factor: Annotated[Fraction, BeforeValidator(_unit)] = (0, 0.0)
    """The same for the threshold."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        add, threshold = self.addition_factor, self.threshold_factor
        # Keras multiplies the upper ends alone.
        return (
            drawn(low, x, (add[0], add[1] * 255.0)),
            drawn(low, x, (threshold[0], threshold[1] * 255.0)),
        )

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        more, threshold = draws
        y = ops.clip(rescaled(x, self.value_range, BYTES) + more, 0.0, 255.0)
        y = ops.where(ops.less(y, threshold), y, 255.0 - y)
        return rescaled(y, BYTES, self.value_range)


class RandomErasing(Augmentation):
    """Training fills a rectangle of some images with one value, or with noise.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_erasing.py (3.15.1).
    """

    factor: Fraction = (0, 1.0)
    """Range of the probability; one number p is for 0 to p."""
    scale: Fraction = (0.02, 0.33)
    """Range of the squares of the rectangle's height and width, as parts of the image's."""
    fill_value: float | tuple[float, float, float] | None = None
    """What fills it: one value, three for the channels; null for normal noise times the limit."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        mask = rectangle(low, x, drawn(low, x, self.scale, (x.shape[0], 2)))
        acted = chance(low, x, self.factor)
        if self.fill_value is None:
            fill = low.normal(x, x.shape) * float(self.value_range[1])
        else:
            fill = x.trace.constant(np.asarray(self.fill_value, np.float64))
        return mask * acted, clipped(fill, self.value_range)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        mask, fill = draws
        return mixed(mask, fill, x)


def rectangle(low: Lowering, x: Tensor, squares: Tensor) -> Tensor:
    """1 in a rectangle of each image at a random place, else 0.

    Shapes: squares of its width and height as parts of the image's (N, 2), or of both (N, 1),
    result (N, h, w, 1).
    """
    sides = ops.sqrt(squares)
    if sides.rank:
        sides = ops.broadcast_to(sides, (x.shape[0], 2), x)
    inside: list[Tensor] = []
    for number, grid, axis in ((0, columns(x), 2), (1, rows(x), 1)):
        (length,) = ints((x.shape[axis],))
        pair = sides if sides.rank == 0 else ops.slice_axis(sides, 1, number, number + 1)
        size = pair * float(length)
        start = drawn(low, x, (0.0, 1.0), (x.shape[0], 1)) * (float(length) - size)
        places = ops.expand_dims(grid, -1)
        first = ops.reshape(start, (x.shape[0], 1, 1, 1))
        last = ops.reshape(start + size, (x.shape[0], 1, 1, 1))
        inside.append(ops.logical_and(ops.greater_equal(places, first), ops.less(places, last)))
    return ops.cast(ops.logical_and(*inside), x.dtype)
