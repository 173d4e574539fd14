"""A layer at every step of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from typing_extensions import override

from specc import primitives as ops
from specc.family import snake_case
from specc.layer import Cost, Lowering, Shapes, Weight
from specc.layers.applied import Wrapper
from specc.layers.attending import optional
from specc.layers.nested import Nested, inner_states, inner_weights, stored_inside
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, Sym, show


class TimeDistributed(Wrapper):
    """A layer or model applied to each step of a sequence, always with the same weights.

    Shapes: inputs (N, T, ...), each step (N, ...) to the layer; mask (N, T, ...), each step to the
    layer if it takes one; result (N, T, ...). Weights of the layer under its kind:
    `dense/kernel`; a model's keep their names.

    Where a step may see what the one before left (statistics of batch normalization in training,
    states, penalties on activities), one step follows the other; else all are one larger batch.

    Source: keras/src/layers/rnn/time_distributed.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "mask")
    mask_arguments: ClassVar[Mapping[str, str]] = {"mask": "inputs"}

    @property
    def _name(self) -> str:
        return snake_case(self.layer.type_name())

    def _step(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x) < 3:  # noqa: PLR2004
            raise ShapeError(f"expected an input of at least 3 axes, found {show(x)}")
        return (x[0], *x[2:])

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        step = self._step(inputs)
        shape = self.layer.output_shape((step,))
        made = tuple(dim for dim in shape if not isinstance(dim, tuple))
        if len(made) != len(shape):
            raise ShapeError(f"{self.layer.key} has several results at each step; expected one")
        return (made[0], inputs[0][1], *made[1:])

    @override
    def shown_shape(self, inputs: Shapes) -> Shape:
        self.output_shape(inputs)
        shape = self.layer.shown_shape((self._step(inputs),))
        return (shape[0], inputs[0][1], *shape[1:])

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return inner_weights(self._name, self.layer, (self._step(inputs),))

    @override
    def states(self, inputs: Shapes) -> tuple[Weight, ...]:
        return inner_states(self._name, self.layer, (self._step(inputs),))

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        return stored_inside(weights, self._name, "layer", self.layer)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, mask = inputs[0], optional(inputs, 1)
        inner = Nested(low, self._name)
        if "mask" not in self.layer.arguments:
            mask = None
        shape = tuple(d if isinstance(d, int) else None for d in (x.shape[0], *x.shape[2:]))
        if not self.layer.in_turn((shape,), training=low.training):
            return self._at_once(inner, x, mask)
        marks = [None] * ints(x.shape[1:2])[0] if mask is None else ops.unstack(mask, 1)
        made = [
            self._called(inner, step, mark)
            for step, mark in zip(ops.unstack(x, 1), marks, strict=True)
        ]
        return ops.stack(made, 1)

    def _at_once(self, low: Lowering, x: Tensor, mask: Tensor | None) -> Tensor:
        """Steps as further samples: what a layer makes of one sample needs no other."""
        batch, steps = x.shape[0], ints(x.shape[1:2])[0]
        rows = Sym(batch.factor * steps) if isinstance(batch, Sym) else batch * steps
        if mask is not None:
            mask = ops.reshape(mask, (rows, *mask.shape[2:]))
        y = self._called(low, ops.reshape(x, (rows, *x.shape[2:])), mask)
        return ops.reshape(y, (batch, steps, *y.shape[1:]))

    def _called(self, low: Lowering, x: Tensor, mask: Tensor | None) -> Tensor:
        """The layer's result for one tensor."""
        between = self.layer.arguments.index("mask") - 1 if mask is not None else 0
        given = [x] if mask is None else [x, *[None] * between, mask]
        result = self.layer.lower(low, *cast("list[Tensor]", given))
        return result[0] if isinstance(result, tuple) else result

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        step = self.layer.cost((self._step(inputs),), (output[0], *output[2:]))
        steps = inputs[0][1] or 1
        return Cost(step.macs * steps, step.ops * steps)
