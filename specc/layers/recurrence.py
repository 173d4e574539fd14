"""`Recurrence`: a cell run over the steps of a sequence, with everything Keras can ask of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.family import snake_case
from specc.initializers import Zeros
from specc.layer import Cost, Layer, Lowering, Masks, Shapes, Weight
from specc.layers.attending import optional
from specc.layers.cells import Cell, Course, Ran
from specc.layers.nested import Nested, inner_weights, stored_inside
from specc.primitives import Tensor
from specc.shapes import ShapeError, fits
from specc.tensors import Shape, show

# States that a call can give: more than the deepest stack of cells that anyone writes.
MOST_STATES = 32
STATES = ("initial_state", *(f"initial_state_{i}" for i in range(1, MOST_STATES)))


class Recurrence(Layer):
    """A cell at every step of a sequence."""

    abstract: ClassVar[bool] = True
    supports_masking: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = MOST_STATES + 2
    arguments: ClassVar[tuple[str, ...]] = ("sequences", *STATES, "mask")
    argument_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {"initial_state": STATES}
    mask_arguments: ClassVar[Mapping[str, str]] = {"mask": "sequences"}

    return_sequences: bool = False
    """Whether the result has the outputs of all steps, or that of the last."""
    return_state: bool = False
    """Whether the last states are further results."""
    go_backwards: bool = False
    """Whether the last step comes first; outputs stay in the order in which they are made."""
    stateful: bool = False
    """Whether a batch begins with the states at which the last one ended. It needs an input with a
    fixed `batch`. Nothing resets the states by itself, neither between epochs nor before
    evaluations and predictions."""
    unroll: bool = False
    """Whether every step is written out in the graph; it changes no result."""

    @property
    @abstractmethod
    def inner(self) -> Cell:
        """The cell."""

    @property
    def inner_name(self) -> str:
        """What its weights stand under."""
        return snake_case(self.inner.type_name())

    @property
    def zeros_for_mask(self) -> bool:
        """Whether the output of a step that the mask leaves out is 0, not the one before."""
        return bool(getattr(self, "zero_output_for_mask", False))

    def _step(self, inputs: Shapes) -> Shape:
        """The shape of one step's input."""
        x = inputs[0]
        if len(x) < 3:  # noqa: PLR2004
            raise ShapeError(f"expected (batch, steps, features), found {show(x)}")
        return (x[0], *x[2:])

    @override
    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        x = inputs[0]
        states = self.inner.state_shapes(self._step(inputs))
        given = inputs[1 : 1 + len(STATES)]
        _check_states([shape for shape in given if shape], states)
        mask = inputs[-1] if len(inputs) == len(self.arguments) else ()
        if mask and not fits(mask, x[:2]):
            raise ShapeError(f"expected a mask (batch, {x[1]}), found {show(mask)}")
        output = self.inner.made(states)
        if self.return_sequences:
            output = (output[0], x[1], *output[1:])
        return (output, *states) if self.return_state else output

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return inner_weights(self.inner_name, self.inner, (self._step(inputs),))

    @override
    def states(self, inputs: Shapes) -> tuple[Weight, ...]:
        if not self.stateful:
            return ()
        shapes = self.inner.state_shapes(self._step(inputs))
        if inputs[0][0] is None:
            raise ShapeError(
                f"stateful: expected a fixed batch size, found {show(inputs[0])}; write `batch` at"
                " the input: {shape: [...], batch: 16}"
            )
        return tuple(
            Weight(name, tuple(dim or 0 for dim in shape), Zeros(), trainable=False)
            for name, shape in zip(_state_names(len(shapes)), shapes, strict=True)
        )

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        return stored_inside(weights, self.inner_name, "cell", self.inner)

    @override
    def with_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> list[Tensor | None]:
        # Keras fills masks in only when a call has one tensor.
        alone = all(x is None for x in inputs[1:])
        return super().with_masks(inputs, masks) if alone else list(inputs)

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        return masks[:1] if self.return_sequences else ()

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        start = tuple(
            ops.cast(state, x.dtype)
            for i in range(len(STATES))
            if (state := optional(inputs, 1 + i)) is not None
        )
        mask = optional(inputs, 1 + len(STATES))
        if self.go_backwards:
            x = ops.reverse(x, 1)
            mask = None if mask is None else ops.reverse(mask, 1)
        names = _state_names(self.inner.state_count if self.stateful else 0)
        start = start or tuple(map(low.weight, names))
        kept = self.return_state or self.stateful
        course = Course(mask, self.zeros_for_mask, start, kept, self.unroll)
        ran = self.inner.run(Nested(low, self.inner_name), x, course)
        for name, state in zip(names, ran.states, strict=False):
            # What a batch was given is a constant for it: no gradient reaches the batch before.
            low.assign(name, ops.stop_gradient(state))
        return self._given(ran)

    def _given(self, ran: Ran) -> Tensor | tuple[Tensor, ...]:
        output = ran.outputs if self.return_sequences else ran.last
        return (output, *ran.states) if self.return_state else output

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        step = self.inner.step_cost(self._step(inputs))
        steps = inputs[0][1] or 1
        return Cost(step.macs * steps, step.ops * steps)


def _check_states(given: Sequence[Shape], wanted: Shapes) -> None:
    """Check initial states.

    Raises:
        ShapeError: their number or a shape is another than the cell's.
    """
    if not given:
        return
    if len(given) != len(wanted):
        raise ShapeError(f"expected {len(wanted)} initial states, received {len(given)}")
    for shape, state in zip(given, wanted, strict=True):
        if not fits(shape, state):
            raise ShapeError(f"expected an initial state {show(state)}, found {show(shape)}")


def _state_names(count: int) -> list[str]:
    """Keras calls every state `rnn_state`; here a number tells them apart."""
    return [f"rnn_state_{i}" if i else "rnn_state" for i in range(count)]


def same_fields(layer: Layer, kind: type[Layer]) -> dict[str, Any]:
    """The values of those fields of a layer that `kind` has too; a penalty on outputs stays out."""
    names = (name for name in kind.model_fields if name != "activity_regularizer")
    return {name: getattr(layer, name) for name in names}
