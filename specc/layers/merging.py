"""Layers of several inputs of one shape, or of shapes that broadcast."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add, mul
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Masks, Shapes
from specc.layers.attending import boolean
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

    def merge_masked(self, parts: Sequence[Tensor], masks: Masks) -> Tensor:
        """The combination where some have masks, with a last axis of 1; `merge` by default."""
        del masks
        return self.merge(parts)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        rank = max(x.rank for x in inputs)
        parts: list[Tensor] = []
        for x in inputs:
            part = x
            while part.rank < rank:
                part = ops.expand_dims(part, 1)
            parts.append(part)
        given = low.masks or (None,) * len(inputs)
        # A tensor that got another axis is a new one, which has no mask in Keras.
        masks = [
            ops.expand_dims(boolean(mask), -1)
            if mask is not None and mask.rank == x.rank - 1 and x.rank == rank
            else None
            for x, mask in zip(inputs, given, strict=True)
        ]
        parts = promoted(parts)
        alone = all(mask is None for mask in masks)
        return self.merge(parts) if alone else self.merge_masked(parts, tuple(masks))

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
    """Product of the inputs. What a mask leaves out is 1 there, and 0 where all masks do.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/multiply.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(mul, parts)

    @override
    def merge_masked(self, parts: Sequence[Tensor], masks: Masks) -> Tensor:
        pairs = zip(parts, masks, strict=True)
        y = self.merge([x if mask is None else ops.where(mask, x, 1) for x, mask in pairs])
        present = [mask for mask in masks if mask is not None]
        return y if len(present) < len(parts) else ops.where(reduce(ops.logical_or, present), y, 0)


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


def compared(
    choose: Callable[[Tensor, Tensor], Tensor], parts: Sequence[Tensor], masks: Masks
) -> Tensor:
    """A choice between tensors of which a mask's false positions have no say.

    Where all are masked the first stays.

    Source: keras/src/layers/merging/base_merge.py, _apply_merge_op_and_or_mask (3.15.1).
    """
    y, seen = parts[0], masks[0]
    for part, mask in zip(parts[1:], masks[1:], strict=True):
        x = part if mask is None else ops.where(mask, part, y)
        y = choose(y if seen is None else ops.where(seen, y, x), x)
        seen = None if mask is None or seen is None else ops.logical_or(seen, mask)
    return y


class Maximum(Merge):
    """Largest of the inputs at each position, of those that are not masked there.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/maximum.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(ops.maximum, parts)

    @override
    def merge_masked(self, parts: Sequence[Tensor], masks: Masks) -> Tensor:
        return compared(ops.maximum, parts, masks)


class Minimum(Merge):
    """Smallest of the inputs at each position, of those that are not masked there.

    Shapes: inputs broadcast; those of fewer axes get axes of length 1 after the batch.

    Source: keras/src/layers/merging/minimum.py (3.15.1).
    """

    @override
    def merge(self, parts: Sequence[Tensor]) -> Tensor:
        return reduce(ops.minimum, parts)

    @override
    def merge_masked(self, parts: Sequence[Tensor], masks: Masks) -> Tensor:
        return compared(ops.minimum, parts, masks)
