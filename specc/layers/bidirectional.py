"""A recurrence in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self, TypeVar, cast

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.family import snake_case
from specc.layer import Cost, Layer, Lowering, Masks, Shapes, Weight
from specc.layers.nested import Nested, inner_states, inner_weights, stored_inside
from specc.layers.recurrence import STATES, Recurrence
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements

T = TypeVar("T")


def _is_recurrence(layer: Layer) -> Layer:
    if not isinstance(layer, Recurrence):
        raise PydanticCustomError(
            "recurrence",
            "expected a recurrent layer (lstm, gru, rnn, ...), found {found}",
            {"found": layer.key},
        )
    return layer


RecurrentField = Annotated[Layer, AfterValidator(_is_recurrence)]
SAME = ("stateful", "return_sequences", "return_state")


class Bidirectional(Layer):
    """A recurrent layer and its mirror image, which runs over the steps the other way round.

    Shapes: sequences (N, T, ...), initial_state those of both, mask (N, T), true where a step
    counts; results as of one of them, along the last axis twice as long with `concat`; with
    `return_state` the states of both; without `merge_mode` both results. Weights under
    `forward_lstm` and `backward_lstm` for an lstm.

    Source: keras/src/layers/rnn/bidirectional.py (3.15.1); Schuster and Paliwal (1997).
    """

    max_inputs: ClassVar[int | None] = Recurrence.max_inputs
    arguments: ClassVar[tuple[str, ...]] = Recurrence.arguments
    argument_lists: ClassVar[Mapping[str, tuple[str, ...]]] = Recurrence.argument_lists
    mask_arguments: ClassVar[Mapping[str, str]] = Recurrence.mask_arguments
    supports_masking: ClassVar[bool] = True
    several_outputs: ClassVar[bool] = True

    layer: RecurrentField
    """The recurrent layer."""
    merge_mode: Literal["concat", "sum", "mul", "ave"] | None = "concat"
    """How the results of both are combined; null gives both."""
    backward_layer: RecurrentField | None = None
    """The layer that runs backwards; a copy of the first when absent."""

    @model_validator(mode="after")
    def _directions_differ(self) -> Self:
        forward, backward = self.pair
        if forward.go_backwards == backward.go_backwards:
            raise PydanticCustomError(
                "directions", "expected one of the two layers to have go_backwards: true", {}
            )
        for name in SAME:
            a, b = getattr(forward, name), getattr(backward, name)
            if a != b:
                raise PydanticCustomError(
                    "same",
                    "expected one {name} for both layers, found {a} and {b}",
                    {"name": name, "a": a, "b": b},
                )
        return self

    @property
    def pair(self) -> tuple[Recurrence, Recurrence]:
        """The forward and the backward layer, as Keras sets them up.

        What a mask leaves out is 0 in results of all steps.
        """
        forward = self.layer
        if not isinstance(forward, Recurrence):
            raise TypeError(forward.key)
        backward = self.backward_layer
        if not isinstance(backward, Recurrence):
            backward = forward.model_copy(update={"go_backwards": True})
        zeros = {"zero_output_for_mask": forward.return_sequences}
        return forward.model_copy(update=zeros), backward.model_copy(update=zeros)

    @property
    def _names(self) -> tuple[str, str]:
        forward, backward = self.pair
        return (
            f"forward_{snake_case(forward.type_name())}",
            f"backward_{snake_case(backward.type_name())}",
        )

    def _inputs(self, inputs: Sequence[T], nothing: T) -> tuple[list[T], list[T]]:
        """Each layer's inputs: the first half of the initial states is the forward layer's."""
        given = list(inputs[1 : 1 + len(STATES)])
        count = next((i for i in range(len(given), 0, -1) if given[i - 1] != nothing), 0)
        mask = list(inputs[1 + len(STATES) :])
        both: list[list[T]] = []
        for states in (given[: count // 2], given[count // 2 : count]):
            rest = [nothing] * (len(STATES) - len(states)) if mask else []
            both.append([inputs[0], *states, *rest, *mask])
        return both[0], both[1]

    @override
    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        found: list[Shapes] = []
        for layer, given in zip(self.pair, self._inputs(inputs, ()), strict=True):
            found.append(outputs(layer, tuple(given)))
        (y, *states), (z, *more) = found
        if self.merge_mode != "concat" and y != z:
            raise ShapeError(f"results of both layers differ; {self.merge_mode} needs equal ones")
        if self.merge_mode is None:
            return (y, z, *states, *more)
        if self.merge_mode == "concat":
            y = (*y[:-1], (y[-1] or 0) + (z[-1] or 0))
        return (y, *states, *more) if states else y

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        found: list[Weight] = []
        both = zip(self._names, self.pair, self._inputs(inputs, ()), strict=True)
        for name, layer, given in both:
            found += inner_weights(name, layer, tuple(given))
        return tuple(found)

    @override
    def states(self, inputs: Shapes) -> tuple[Weight, ...]:
        both = zip(self._names, self.pair, self._inputs(inputs, ()), strict=True)
        return tuple(
            state
            for name, layer, given in both
            for state in inner_states(name, layer, tuple(given))
        )

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        attributes = ("forward_layer", "backward_layer")
        for name, attribute, layer in zip(self._names, attributes, self.pair, strict=True):
            found |= stored_inside(weights, name, attribute, layer)
        return found

    @override
    def with_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> list[Tensor | None]:
        return self.pair[0].with_masks(inputs, masks)

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        mask = self.pair[0].output_masks(inputs, masks)
        return mask * 2 if self.merge_mode is None else mask

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        given: Sequence[Tensor | None] = inputs
        found: list[tuple[Tensor, ...]] = []
        for name, layer, own in zip(self._names, self.pair, self._inputs(given, None), strict=True):
            result = layer.lower(Nested(low, name), *cast("list[Tensor]", own))
            found.append(result if isinstance(result, tuple) else (result,))
        (y, *states), (z, *more) = found
        if self.pair[0].return_sequences:
            z = ops.reverse(z, 1)
        if self.merge_mode is None:
            return (y, z, *states, *more)
        merged = MERGES[self.merge_mode](y, z)
        return (merged, *states, *more) if states else merged

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        both = zip(self.pair, self._inputs(inputs, ()), strict=True)
        costs = [layer.cost(tuple(given), output) for layer, given in both]
        merging = elements(output[1:]) if self.merge_mode in ("sum", "mul", "ave") else 0
        return Cost(sum(c.macs for c in costs), sum(c.ops for c in costs) + merging)


def outputs(layer: Recurrence, inputs: Shapes) -> Shapes:
    """The shapes of all results."""
    shape = layer.output_shape(inputs)
    several = tuple(part for part in shape if isinstance(part, tuple))
    return several or (tuple(part for part in shape if not isinstance(part, tuple)),)


MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda y, z: ops.concat([y, z], -1),
    "sum": lambda y, z: y + z,
    "mul": lambda y, z: y * z,
    "ave": lambda y, z: (y + z) * 0.5,
}
