"""Tensors cut into parts, pieces and blocks.

Source: keras/src/ops/numpy.py, nn.py and math.py (3.15.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Operation
from specc.layers.operations.movement import fixed
from specc.layers.operations.parts import Parts, Split
from specc.layers.pixel_shuffle import DepthToSpace as Deep
from specc.layers.pixel_shuffle import SpaceToDepth as Spacious
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape


class ArraySplit(Parts):
    """Consecutive parts along an axis, the first ones longer by one where they cannot be equal."""

    indices_or_sections: PositiveInt
    """Number of parts."""
    axis: int = 0
    """The axis."""

    def _split(self, shape: Sequence[object]) -> Split:
        axis = axis_index(self.axis, len(shape))
        sized = tuple(dim if isinstance(dim, int) else None for dim in shape)
        length, parts = fixed(sized, axis, "nothing is split"), self.indices_or_sections
        if parts > length:
            raise ShapeError(f"an axis of {length} has no {parts} parts")
        longer = length % parts
        sizes = [length // parts + (i < longer) for i in range(parts)]
        starts = tuple(int(start) for start in np.cumsum(sizes)[:-1])
        return Split(indices_or_sections=starts or 1, axis=axis)

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        return self._split(inputs[0]).output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self._split(inputs[0].shape).lower(low, *inputs)


class Hsplit(Parts):
    """Consecutive parts along axis 1."""

    least: ClassVar[int] = 2
    indices_or_sections: PositiveInt | tuple[int, ...]
    """Number of equal parts, or where parts begin but for the first."""

    def _split(self, rank: int) -> Split:
        if rank < self.least:
            raise ShapeError(f"expected at least {self.least} axes, found {rank}")
        return Split(indices_or_sections=self.indices_or_sections, axis=self.least - 1)

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        return self._split(len(inputs[0])).output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self._split(inputs[0].rank).lower(low, *inputs)


class Dsplit(Hsplit):
    """Consecutive parts along axis 2."""

    least: ClassVar[int] = 3


class DepthToSpace(Operation):
    """Blocks of channels become blocks of pixels.

    Shapes: x (N, h, w, b b c), result (N, b h, b w, c); channels second with `channels_first`.
    """

    keras_module: ClassVar[str] = "keras.src.ops.nn"
    apart: ClassVar[bool] = True
    block_size: PositiveInt
    """Side b of a block."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _layer(self) -> Deep | Spacious:
        return Deep(block_size=self.block_size, data_format=self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return self._layer().output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return self._layer().lower(low, *inputs)


class SpaceToDepth(DepthToSpace):
    """Blocks of pixels become channels.

    Shapes: x (N, b h, b w, c), result (N, h, w, b b c); channels second with `channels_first`.
    """

    @override
    def _layer(self) -> Deep | Spacious:
        return Spacious(block_size=self.block_size, data_format=self.data_format)


class ExtractSequences(Operation):
    """Pieces of the last axis, which may overlap: (..., n) becomes (..., pieces, length)."""

    keras_module: ClassVar[str] = "keras.src.ops.math"
    sequence_length: PositiveInt
    """Elements of a piece."""
    sequence_stride: PositiveInt
    """Elements from one piece's start to the next one's."""

    def _starts(self, length: int) -> range:
        return range(0, length - self.sequence_length + 1, self.sequence_stride)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        length = fixed(x, len(x) - 1, "nothing is cut")
        if self.sequence_length > length:
            raise ShapeError(f"pieces of {self.sequence_length} do not fit into {length} elements")
        return (*x[:-1], len(self._starts(length)), self.sequence_length)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        shape = self.output_shape((tuple(d if isinstance(d, int) else None for d in x.shape),))
        starts = np.arange(shape[-2] or 0)[:, None] * self.sequence_stride
        return ops.take(x, starts + np.arange(self.sequence_length), -1)
