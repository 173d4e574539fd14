"""Masking: steps of padding, by their value."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Masks, Shapes
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class Masking(Layer):
    """The input with its padding as 0; later layers skip steps that hold only `mask_value`.

    Shapes: x (N, ..., c), result the same, its mask (N, ...).

    Source: keras/src/layers/core/masking.py (3.15.1).
    """

    mask_value: float = 0.0
    """What every element of a step of padding is."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if len(x) < 2:  # noqa: PLR2004
            raise ShapeError(f"expected an input of at least 2 axes, found {show(x)}")
        return x

    def _counts(self, x: Tensor, *, keepdims: bool) -> Tensor:
        """1 where a step has an element that is not padding, else 0."""
        differs = ops.cast(ops.logical_not(ops.equal(x, self.mask_value)), x.trace.floatx)
        return ops.reduce_max(differs, -1, keepdims=keepdims)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        return x * self._counts(x, keepdims=True)

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        x = inputs[0]
        if x is None:
            return ()
        x = ops.cast(x, x.trace.floatx)
        return (ops.cast(self._counts(x, keepdims=False), "bool"),)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=3 * elements(output[1:]))
