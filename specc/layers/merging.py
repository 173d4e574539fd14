"""Layers of several inputs of one shape, or of shapes that broadcast."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Masks, Shapes
from specc.layers.types import floating, promoted
from specc.primitives import Tensor
from specc.shapes import ShapeError, broadcast
from specc.tensors import Shape, elements, show


def aligned(shape: Shape, rank: int) -> Shape:
    """A shape with axes of length 1 after the batch up to `rank`."""
    return (*shape[:1], *((1,) * (rank - len(shape))), *shape[1:])


def merged(inputs: Shapes) -> Shape:
    """The common shape; those of fewer axes get axes of length 1 after the batch.

    Raises:
        ShapeError: two lengths differ and neither is 1; the message names both shapes.
    """
    rank = max(map(len, inputs))
    result = aligned(inputs[0], rank)
    for shape in inputs[1:]:
        try:
            result = broadcast(result, aligned(shape, rank))
        except ShapeError:
            raise ShapeError(
                f"inputs {show(inputs[0])} and {show(shape)} do not fit each other;"
                " lengths must agree or be 1"
            ) from None
    return result


class Merge(Layer):
    """Several inputs combined elementwise."""

    abstract: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return merged(inputs)

    @abstractmethod
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        """The combination of tensors of one rank."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        rank = max(x.rank for x in inputs)
        parts: list[Tensor] = []
        for x in inputs:
            part = x
            while part.rank < rank:
                part = ops.expand_dims(part, 1)
            parts.append(part)
        return self.merge(promoted(parts))

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        """What any input counts; nothing is masked when an input has no mask."""
        present = [mask for mask in masks if mask is not None]
        return (reduce(ops.logical_or, present),) if len(present) == len(masks) else ()

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]) * (len(inputs) - 1))


class Add(Merge):
    """Sum of the inputs.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/add.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(add, parts)


class Subtract(Merge):
    """First input minus the second.

    Shapes: inputs broadcast; the one of fewer axes gets axes of length 1 after the batch.

    Source: keras/src/layers/merging/subtract.py (3.15.1).
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return parts[0] - parts[1]


class Multiply(Merge):
    """Product of the inputs.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/multiply.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(mul, parts)


class Average(Merge):
    """Mean of the inputs.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/average.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return floating(reduce(add, parts)) * (1.0 / len(parts))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]) * len(inputs))


class Maximum(Merge):
    """Largest of the inputs at each position.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/maximum.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(ops.maximum, parts)


class Minimum(Merge):
    """Smallest of the inputs at each position.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/minimum.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(ops.minimum, parts)
