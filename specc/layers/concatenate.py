"""Concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Layer, Lowering, Masks, Shapes, moved_text
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, show


class Concatenate(Layer):
    """The inputs one after another along an axis.

    Shapes: inputs agree in all other axes; the axis of the result has the sum of their lengths.

    Source: keras/src/layers/merging/concatenate.py (3.15.1).
    """

    max_inputs: ClassVar[int | None] = None

    axis: int = -1
    """The axis along which the inputs are joined."""

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        first = inputs[0]
        axis = axis_index(self.axis, len(first))
        if axis == 0:
            raise ShapeError("inputs cannot be joined along the batch; use an axis from 1 on")
        total = first[axis]
        for shape in inputs[1:]:
            if len(shape) != len(first) or any(
                a != b
                for i, (a, b) in enumerate(zip(first, shape, strict=True))
                if i != axis and a is not None and b is not None
            ):
                raise ShapeError(
                    f"inputs {show(first)} and {show(shape)} cannot be joined along axis"
                    f" {self.axis}; all other lengths must agree"
                )
            more = shape[axis]
            total = None if total is None or more is None else total + more
        return (*first[:axis], total, *first[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.concat(promoted(inputs), self.axis)

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        """Masks in a row; along the last axis a position counts that counts in any input.

        Source: keras/src/layers/merging/concatenate.py, compute_mask (3.15.1).
        """
        tensors = [x for x in inputs if x is not None]
        if all(mask is None for mask in masks):
            return ()
        parts = [every(x) if mask is None else mask for x, mask in zip(tensors, masks, strict=True)]
        axis = self.axis % tensors[0].rank
        if axis == tensors[0].rank - 1:
            return (reduce(ops.logical_or, parts),)
        return (ops.concat(parts, axis),)


def every(x: Tensor) -> Tensor:
    """A mask that counts everything: true for each position of x but its last axis."""
    shape = x.shape[:-1]
    one = x.trace.constant(np.ones((1,) * len(shape), np.bool_), "bool")
    return ops.broadcast_to(one, shape, x)
