"""Images whose brightness is spread over the whole range."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, IntPair
from specc.layer import Cost, Shapes
from specc.layers.augmentation.base import BYTES, Augmentation, ValueRange, rescaled
from specc.layers.augmentation.warping import numbers
from specc.layers.axes import from_channels_last
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.tensors import Shape, elements, product


class AutoContrast(Augmentation):
    """(x - min) / (max - min) of each image and channel, over the whole value range.

    Channels of one value stay. Also outside of training. With `channels_first` Keras takes the
    extremes over channels and height; so does this layer.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/auto_contrast.py (3.15.1).
    """

    always: ClassVar[bool] = True

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        given = from_channels_last(x, self.data_format)
        y = rescaled(given, self.value_range, BYTES)
        least, most = (f(y, (1, 2), keepdims=True) for f in (ops.reduce_min, ops.reduce_max))
        flat = ops.less_equal(most - least, 0.0)
        scale = 255.0 / ops.where(flat, 1.0, most - least)
        y = ops.clip(y * scale - least * scale, 0.0, 255.0)
        y = ops.where(flat, given, rescaled(y, BYTES, self.value_range))
        return y if self.data_format == "channels_last" else ops.move_axis(y, 1, -1)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=6 * elements(output[1:]))


def _looked_up(tables: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """tables[row, column] with whole numbers. Shapes: tables (g, n), the others (...)."""
    (width,) = ints(tables.shape[1:])
    flat = ops.reshape(tables, (product(tables.shape),))
    return ops.gather_rows(flat, row * width + column)


def _whole(x: Tensor) -> Tensor:
    return ops.cast(x, "int64")


class Equalization(Augmentation):
    """Training maps each channel by the distribution of its values in the batch, to even ones.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/equalization.py (3.15.1).
    """

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    bins: PositiveInt = 256
    """Number of different values."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        y = rescaled(x, self.value_range, BYTES)
        (channels,) = ints(x.shape[3:])
        top = float(self.bins - 1)
        scaled = ops.clip(ops.cast(ops.cast(y * top / 255.0, "int64"), y.dtype), 0.0, top)
        rows = ops.reshape(ops.move_axis(scaled, -1, 0), (channels, product(x.shape[:3])))
        counts = ops.histogram(_whole(rows), self.bins)
        sums = ops.cumsum(counts, -1)
        # Of the sums that are not 0 the first is the smallest; the last counts all pixels.
        total = ops.slice_axis(sums, 1, self.bins - 1, self.bins)
        empty = ops.cast(ops.equal(sums, 0.0), y.dtype)
        first = ops.reduce_min(sums + empty * total, 1, keepdims=True)
        spread = total - first
        one_value = ops.cast(ops.equal(spread, 0.0), y.dtype)
        table = (sums - first) * 255.0 / (spread + one_value)
        table = ops.clip(ops.rounded(table), 0.0, 255.0)
        places = _whole(ops.clip(y / 255.0 * top, 0.0, top))
        numbered = x.trace.constant(np.arange(channels, dtype=np.int64))
        found = ops.stop_gradient(_looked_up(table, numbered, places))
        kept = ops.reshape(one_value, (1, 1, 1, channels))
        return rescaled(y * kept + found * (1.0 - kept), BYTES, self.value_range)


class ContrastLimitedAdaptiveHistogramEqualization(Augmentation):
    """Each tile of an image equalised by its own distribution; between tiles maps are mixed.

    Also outside of training. No gradient flows.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/clahe.py (3.15.1); Zuiderveld (1994).
    """

    always: ClassVar[bool] = True

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    clip_limit: Annotated[float, Field(ge=0.0)] = 4.0
    """How many times its fair share of pixels a value may have; 0 for no limit."""
    tile_grid_size: IntPair = (8, 8)
    """Number of tiles down and across."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        height, width, channels = ints(x.shape[1:])
        grid = self.tile_grid_size
        tile = (-(-height // grid[0]), -(-width // grid[1]))
        y = rescaled(x, self.value_range, BYTES)
        for axis, own, wanted in ((1, height, tile[0] * grid[0]), (2, width, tile[1] * grid[1])):
            if wanted > own:
                index = np.pad(np.arange(own), (0, wanted - own), mode="symmetric")
                y = ops.take(y, index, axis)
        values = _whole(ops.clip(y, 0.0, 255.0))
        tables = self._tables(values, tile, channels)
        mixed = self._between(values, tables, tile, channels)
        for axis, own in ((1, height), (2, width)):
            mixed = ops.slice_axis(mixed, axis, 0, own)
        return ops.stop_gradient(rescaled(mixed, BYTES, self.value_range))

    def _tables(self, values: Tensor, tile: tuple[int, int], channels: int) -> Tensor:
        """What each value becomes: (N tiles channels, 256), a tile's channels side by side."""
        rows, across = self.tile_grid_size
        n, pixels = values.shape[0], tile[0] * tile[1]
        tiled = ops.reshape(values, (n, rows, tile[0], across, tile[1], channels))
        tiled = ops.transpose(tiled, (0, 1, 3, 5, 2, 4))
        counts = ops.histogram(
            ops.reshape(tiled, (product((n, rows * across * channels)), pixels)), 256
        )
        if self.clip_limit > 0:
            capped = ops.minimum(counts, self.clip_limit * pixels / 256.0)
            excess = ops.reduce_sum(counts - capped, -1, keepdims=True)
            counts = capped + excess / 256.0
        sums = ops.cumsum(counts, -1)
        least = ops.reduce_min(sums, -1, keepdims=True)
        whole = float(pixels) - least
        whole = whole + ops.cast(ops.equal(whole, 0.0), whole.dtype)
        return ops.clip((sums - least) * 255.0 / whole, 0.0, 255.0)

    def _between(
        self, values: Tensor, tables: Tensor, tile: tuple[int, int], channels: int
    ) -> Tensor:
        """The maps of the four nearest tiles, weighted by distance."""
        rows, across = self.tile_grid_size
        n, height, width, _ = values.shape
        sample = ops.reshape(numbers(values), (n, 1, 1, 1)) * (rows * across * channels)
        channel = values.trace.constant(np.arange(channels, dtype=np.int64))
        down = _neighbours(ints((height,))[0], tile[0], rows)
        along = _neighbours(ints((width,))[0], tile[1], across)
        total = None
        for tile_y, weight_y in down:
            for tile_x, weight_x in along:
                place = (tile_y[:, None] * across + tile_x[None, :]) * channels
                row = sample + values.trace.constant(place[None, :, :, None]) + channel
                weight = (weight_y[:, None] * weight_x[None, :])[None, :, :, None]
                part = _looked_up(tables, row, values) * tables.trace.constant(weight)
                total = part if total is None else total + part
        return tables if total is None else total


def _neighbours(
    length: int, tile: int, count: int
) -> list[
    tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]
]:
    """(tile, weight) of both neighbours of each pixel along an axis; the outer tiles go on."""
    place = (np.arange(length) - tile / 2.0) / tile + 1.0
    first = np.floor(place)
    share = place - first
    near, far = (np.clip(first + i, 1, count).astype(np.int64) - 1 for i in (0, 1))
    return [(near, 1.0 - share), (far, share)]
